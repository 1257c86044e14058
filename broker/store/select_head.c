/* The ends of what the store holds. */
#include "store/priv.h"

enum isac_err store_select_head(struct store_db *db, uint64_t *oldest, uint64_t *head)
{
	static const struct store_stmt stmt = {
		"select_head", "SELECT COALESCE((SELECT seq FROM report ORDER BY seq LIMIT 1), seq + 1), seq FROM hub_head"};
	PGresult *res;
	enum isac_err err;

	store_db_args(db);
	err = store_db_run(db, &stmt, &res);
	if (err) return err;
	if (oldest) *oldest = (uint64_t)store_get_i64(res, 0, 0);
	*head = (uint64_t)store_get_i64(res, 0, 1);
	PQclear(res);
	return ISAC_OK;
}
