/* Under which seqs held items of a report went into the feeds. */
#include "store/priv.h"

enum isac_err store_select_releases(struct store_db *db, uint64_t seq, uint64_t out[WIRE_LIMIT_ITEMS], size_t *n)
{
	static const struct store_stmt stmt = {"select_releases",
					       "SELECT seq FROM report WHERE release_of = $1::bigint ORDER BY seq LIMIT $2::bigint"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	*n = 0;
	store_field_i64(args, (int64_t)seq);
	store_field_i64(args, WIRE_LIMIT_ITEMS);
	err = store_db_run(db, &stmt, &res);
	for (int row = 0; !err && row < PQntuples(res) && *n < WIRE_LIMIT_ITEMS; row++) out[(*n)++] = (uint64_t)store_get_i64(res, row, 0);
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}
