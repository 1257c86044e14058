/* Partitions ahead of the head, made by their owner's function. */
#include "store/priv.h"

enum isac_err store_ensure_partition(struct store_pg *pg, struct wire_buf *args, uint64_t upto)
{
	static const struct store_stmt stmt = {"ensure_partition", "SELECT 1 FROM partition_ensure($1::bigint)"};

	wire_buf_reset(args);
	store_field_i64(args, (int64_t)upto);
	return store_pg_run(pg, &stmt, args, NULL);
}
