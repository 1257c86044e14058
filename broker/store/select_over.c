/*
 * What ended within a span of time: items past the end that they say, and those that say none past the age of their type, counted from
 * when they came in or were sighted last. By the order of ends, then of reports; what was withdrawn or held back has no end to tell of.
 * Said ends have an index, default ends are found by seq, which follows the time of receipt.
 */
#include <stdlib.h>
#include <string.h>
#include "store/priv.h"

enum { ROWS_MAX = 4000 }; /* more than one report has, so that each call gets on */
#define STANDS "m.kind = 1 AND NOT m.held AND m.ended_seq IS NULL"

static const struct store_stmt STMT = {
	"select_over",
	"WITH u AS (SELECT least($2::timestamptz, (SELECT r.received FROM report r WHERE r.seq > c.seq ORDER BY r.seq LIMIT 1)) AS until "
	"FROM index_cursor c), " /* what is not indexed yet can have no end before it came */
	"l AS (SELECT age, array_agg(type) AS types FROM life_rule GROUP BY age), "
	/* once an age: within the join it would be asked for each row of mention */
	"b AS MATERIALIZED (SELECT l.age, l.types, seq_at($1::timestamptz - l.age) AS low, "
	"seq_at(u.until - l.age + interval '1 microsecond') AS high FROM u, l), e AS ("
	"SELECT m.seq, m.item, m.valid_until AS at FROM u, mention m WHERE m.valid_until >= $1::timestamptz AND m.valid_until <= u.until "
	"AND " STANDS " UNION ALL SELECT m.seq, m.item, r.received + b.age FROM b, mention m JOIN report r ON r.seq = m.seq "
	"WHERE m.seq >= b.low AND m.seq < b.high AND m.type = ANY (b.types) AND m.valid_until IS NULL AND m.refreshed IS NULL AND " STANDS
	" UNION ALL SELECT m.seq, m.item, m.refreshed + l.age FROM u, l, mention m WHERE m.refreshed >= $1::timestamptz - l.age "
	"AND m.refreshed <= u.until - l.age AND m.type = ANY (l.types) AND m.valid_until IS NULL AND " STANDS
	") SELECT e.seq, e.item, e.at, u.until FROM u LEFT JOIN e ON (e.at, e.seq) > ($1::timestamptz, $3::bigint) "
	"ORDER BY e.at, e.seq, e.item LIMIT $4::bigint"};

static bool same_place(const PGresult *res, int a, int b)
{
	return store_get_i64(res, a, 0) == store_get_i64(res, b, 0) && store_get_time(res, a, 2) == store_get_time(res, b, 2);
}

/* Rows [from, until) are of one report and one end. */
static enum isac_err take(struct store_db *db, const PGresult *res, int from, int until, struct store_over *out)
{
	uint64_t seq = (uint64_t)store_get_i64(res, from, 0);
	size_t found = 0;
	enum isac_err err = store_select_page(db, seq - 1, seq, 1, 1, &out->report, &found);

	if (err || !found) return err ? err : ISAC_ERR_NOT_FOUND;
	out->bits = calloc((size_t)out->report->n / 8 + 1, 1);
	if (!out->bits) {
		report_unref(&out->report);
		return ISAC_ERR_NO_MEMORY;
	}
	for (int row = from; row < until; row++) {
		uint32_t item = (uint32_t)store_get_i16(res, row, 1);

		if (item < out->report->n) out->bits[item / 8] |= (uint8_t)(1u << item % 8);
	}
	return ISAC_OK;
}

void store_over_free(struct store_over *over, size_t n)
{
	for (size_t i = 0; over && i < n; i++) {
		report_unref(&over[i].report);
		free(over[i].bits);
	}
	free(over);
}

enum isac_err store_select_over(struct store_db *db, struct store_over_place *at, int64_t until_us, struct store_over **over, size_t *n,
				bool *more)
{
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	int rows, from = 0;
	enum isac_err err;

	*over = NULL;
	*n = 0;
	store_field_time(args, at->us);
	store_field_time(args, until_us);
	store_field_i64(args, (int64_t)at->seq);
	store_field_i64(args, ROWS_MAX);
	err = store_db_run(db, &STMT, &res);
	if (err) return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
	rows = store_get_null(res, 0, 0) ? 0 : PQntuples(res);
	*more = rows == ROWS_MAX;
	if (!*more) *at = (struct store_over_place){store_get_time(res, 0, 3), STORE_OVER_ALL};
	if (*more) { /* the last report may not be whole */
		int last = rows - 1;

		while (rows > 0 && same_place(res, rows - 1, last)) rows--;
		*at = (struct store_over_place){store_get_time(res, rows - 1, 2), (uint64_t)store_get_i64(res, rows - 1, 0)};
	}
	if (rows) *over = calloc((size_t)rows, sizeof(**over));
	if (rows && !*over) err = ISAC_ERR_NO_MEMORY;
	for (int row = 1; !err && row <= rows; row++) {
		if (row < rows && same_place(res, row, from)) continue;
		err = take(db, res, from, row, &(*over)[*n]);
		if (!err) ++*n;
		if (err == ISAC_ERR_NOT_FOUND) err = ISAC_OK; /* removed meanwhile */
		from = row;
	}
	PQclear(res);
	if (err) {
		store_over_free(*over, *n);
		*over = NULL;
		*n = 0;
	}
	return err;
}

enum isac_err store_select_received(struct store_db *db, uint64_t seq, int64_t *us)
{
	static const struct store_stmt stmt = {"select_received",
					       "SELECT received FROM report WHERE seq >= $1::bigint ORDER BY seq LIMIT 1"};
	PGresult *res = NULL;
	enum isac_err err;

	*us = 0;
	store_field_i64(store_db_args(db), (int64_t)seq);
	err = store_db_run(db, &stmt, &res);
	if (!err) *us = store_get_time(res, 0, 0);
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}
