/* How far the index is complete: what every question about history says with its answer. */
#include "store/priv.h"

enum isac_err store_select_complete(struct store_db *db, uint64_t *seq)
{
	static const struct store_stmt stmt = {"select_complete", "SELECT least(c.seq, i.seq) FROM index_cursor c, indicator_cursor i"};
	PGresult *res = NULL;
	enum isac_err err;

	store_db_args(db);
	err = store_db_run(db, &stmt, &res);
	if (!err) *seq = (uint64_t)store_get_i64(res, 0, 0);
	PQclear(res);
	return err;
}
