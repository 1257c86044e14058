/*
 * The next reports after a position: catch-up of feeds and of the indexer. Rows come one by one and are opened as they
 * come, so memory is bounded by max_bytes, whatever the reports' sizes; how many rows to ask for is learned from the
 * page before.
 */
#include "store/priv.h"

enum { ROWS_MIN = 16 };

struct taking {
	struct report **out;
	size_t n, max, bytes, max_bytes;
	enum isac_err err;
};

static void take(void *arg, const PGresult *res)
{
	struct taking *t = arg;

	if (t->err || t->n == t->max || (t->n && t->bytes >= t->max_bytes)) return;
	t->bytes += store_get_bytes(res, 0, 7).len + store_get_bytes(res, 0, 8).len;
	t->err = store_report_row_open(&t->out[t->n], res, 0, false);
	if (!t->err) t->n++;
}

static size_t rows_for(const struct store_db *db, size_t max_reports, size_t max_bytes)
{
	size_t rows = db->page_bytes ? max_bytes / db->page_bytes + 1 : ROWS_MIN;

	if (rows < ROWS_MIN) rows = ROWS_MIN;
	return rows < max_reports ? rows : max_reports;
}

enum isac_err store_select_page(struct store_db *db, uint64_t after, uint64_t until, size_t max_reports, size_t max_bytes,
				struct report **out, size_t *n)
{
	static const struct store_stmt stmt = {
		"select_page", "SELECT " STORE_REPORT_COLUMNS
			       " FROM report r JOIN member p ON p.id = r.publisher_id WHERE r.seq > $1::bigint AND r.seq <= $2::bigint "
			       "ORDER BY r.seq LIMIT $3::bigint"};
	struct taking t = {.out = out, .max = max_reports, .max_bytes = max_bytes};
	enum isac_err err = ISAC_ERR_DB_BROKEN;

	for (int again = 0; err == ISAC_ERR_DB_BROKEN && again < 2; again++) {
		struct wire_buf *args = store_db_args(db);
		bool was_open = store_pg_is_open(db->pg);

		store_field_i64(args, (int64_t)after);
		store_field_i64(args, (int64_t)until);
		store_field_i64(args, (int64_t)rows_for(db, max_reports, max_bytes));
		err = store_pg_each(db->pg, &stmt, args, take, &t);
		if (err && t.n) { /* what came is good: reports never change */
			err = ISAC_OK;
			break;
		}
		if (!was_open) break;
	}
	if (!err && t.n) db->page_bytes = t.bytes / t.n + 1;
	if (!err) err = t.err;
	for (size_t i = 0; i < t.n && !err; i++) /* afterwards: while rows stream in, the connection takes no other question */
		err = store_report_row_audience(db, out[i]);
	if (err)
		while (t.n) report_unref(&out[--t.n]);
	*n = t.n;
	return err;
}
