/* Partitions ahead of the head, made by their owner's function. */
#include "store/priv.h"

enum isac_err store_ensure_partition(struct store_pg *pg)
{
	static const struct store_stmt stmt = {"ensure_partition", "SELECT 1 FROM partition_ensure(partition_ahead())"};

	return store_pg_run(pg, &stmt, NULL, NULL);
}
