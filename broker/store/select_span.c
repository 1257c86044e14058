/* Times of receipt as positions. */
#include "store/priv.h"

enum isac_err store_select_span(struct store_db *db, int64_t since_us, int64_t until_us, uint64_t *after, uint64_t *until)
{
	static const struct store_stmt stmt = {
		"select_span", "SELECT CASE WHEN $1::timestamptz IS NULL THEN 0 ELSE seq_at($1::timestamptz) - 1 END, "
			       "CASE WHEN $2::timestamptz IS NULL THEN seq ELSE least(seq, seq_at($2::timestamptz) - 1) END FROM hub_head"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	store_field_time0(args, since_us);
	store_field_time0(args, until_us);
	err = store_db_run(db, &stmt, &res);
	if (!err) {
		*after = (uint64_t)store_get_i64(res, 0, 0);
		*until = (uint64_t)store_get_i64(res, 0, 1);
	}
	PQclear(res);
	return err;
}
