/*
 * Counts over a span of history. Every statement begins with the same mentions: those of the span that this member may see. So what
 * "first" and "nobody else" mean is what it can see itself, and tells nothing of the rest.
 *
 * The span is turned into numbers of reports before: bounds that the planner knows, and that spare partitions.
 */
#include <stdlib.h>
#include "store/priv.h"

/* $3 <= seq < $4. The bounds stand on both sides of the join, since the planner does not carry them over. */
#define SPAN \
	" FROM mention m JOIN report r ON r.seq = m.seq WHERE m.seq >= $3::bigint AND m.seq < $4::bigint " \
	"AND r.seq >= $3::bigint AND r.seq < $4::bigint AND " STORE_VISIBLE

#define COUNTS(name, order) \
	"SELECT g, GROUPING(g), count(*), count(DISTINCT key), count(DISTINCT seq), count(DISTINCT publisher_id) " \
	"FROM (SELECT " name " AS g, m.key, m.seq, r.publisher_id" SPAN ") v " \
	"GROUP BY GROUPING SETS ((g), ()) ORDER BY 2 DESC, " order " LIMIT $5::bigint + 1"
#define MOST "3 DESC, g COLLATE \"C\""

/* The first mention of each value by each publisher. received never decreases with seq, so least times belong to least seq. */
#define FIRSTS \
	"SELECT m.key, r.publisher_id AS p, min(m.seq) AS s, min(r.received) AS t, count(*) AS n" SPAN " GROUP BY m.key, r.publisher_id"

static const char *const QUESTIONS[STORE_STATS_END] = {
	[STORE_STATS_TOTAL] =
		"SELECT NULL::text, 1, count(*), count(DISTINCT m.key), count(DISTINCT m.seq), count(DISTINCT r.publisher_id)" SPAN
		" AND $5::bigint IS NOT NULL",
	[STORE_STATS_DAY] = COUNTS("(r.received AT TIME ZONE 'UTC')::date::text", "g COLLATE \"C\" DESC"),
	[STORE_STATS_TYPE] = COUNTS("m.type::text", MOST),
	[STORE_STATS_PUBLISHER] = COUNTS("r.publisher_id::text", MOST),
	[STORE_STATS_COUNTRY] = COUNTS("coalesce(m.country, '')", MOST),
	[STORE_STATS_ASN] = COUNTS("coalesce(m.asn::text, '')", MOST),
	[STORE_STATS_SCORES] = "SELECT p, sum(n)::bigint, count(*), count(*) FILTER (WHERE place = 1), count(*) FILTER (WHERE next IS NULL "
			       "AND place = 1), "
			       "count(*) FILTER (WHERE place = 1 AND next IS NOT NULL), "
			       "percentile_disc(0.5) WITHIN GROUP (ORDER BY next - t) FILTER (WHERE place = 1 AND next IS NOT NULL) "
			       "FROM (SELECT p, n, t, row_number() OVER w AS place, lead(t) OVER w AS next FROM (" FIRSTS ") f "
			       "WINDOW w AS (PARTITION BY key ORDER BY s)) o WHERE $6::int = 0 OR p = $6::int GROUP BY p ORDER BY 3 DESC, "
			       "p LIMIT $5::bigint",
	[STORE_STATS_OVERLAP] = "WITH f AS (SELECT DISTINCT m.key, r.publisher_id AS p" SPAN
				"), top AS (SELECT p FROM f GROUP BY p ORDER BY count(*) DESC, p LIMIT $5::bigint), "
				"g AS (SELECT key, p FROM f WHERE p IN (SELECT p FROM top)) "
				"SELECT a.p, b.p, count(*) FROM g a JOIN g b ON b.key = a.key AND b.p >= a.p GROUP BY 1, 2 ORDER BY 1, 2",
};

/* The span as numbers of reports: from <= seq < until. The index answers for no more than complete_seq. */
static enum isac_err read_span(struct store_db *db, const struct store_statistics *q, int64_t *from, int64_t *until, uint64_t *complete_seq)
{
	uint64_t after = 0, last = 0;
	enum isac_err err = store_select_complete(db, complete_seq);

	if (!err) err = store_select_span(db, q->since_us, q->until_us, &after, &last);
	*from = (int64_t)after + 1;
	*until = (int64_t)(last < *complete_seq ? last : *complete_seq) + 1;
	return err;
}

static void tell_count(const struct store_statistics *q, const PGresult *res, int row)
{
	struct store_count count = {.name = store_get_i32(res, row, 1) ? NULL : store_get_text(res, row, 0),
				    .mentions = (uint64_t)store_get_i64(res, row, 2),
				    .values = (uint64_t)store_get_i64(res, row, 3),
				    .reports = (uint64_t)store_get_i64(res, row, 4),
				    .publishers = (uint32_t)store_get_i64(res, row, 5)};

	q->count(q->arg, &count);
}

/* An interval of microseconds, days and months; the difference of two times has months zero. */
static int64_t interval_us(const PGresult *res, int row, int col)
{
	struct wire_bytes b = store_get_bytes(res, row, col);

	if (b.len != 16) return 0;
	return (int64_t)wire_get_u64(b.data) + (int64_t)(int32_t)wire_get_u32(b.data + 8) * INT64_C(86400000000);
}

static void tell_score(const struct store_statistics *q, const PGresult *res, int row)
{
	struct store_score score = {.publisher_id = store_get_i32(res, row, 0),
				    .mentions = (uint64_t)store_get_i64(res, row, 1),
				    .values = (uint64_t)store_get_i64(res, row, 2),
				    .first = (uint64_t)store_get_i64(res, row, 3),
				    .unique = (uint64_t)store_get_i64(res, row, 4),
				    .led = (uint64_t)store_get_i64(res, row, 5),
				    .lead_us = interval_us(res, row, 6)};

	q->score(q->arg, &score);
}

static void tell_overlap(const struct store_statistics *q, const PGresult *res, int row)
{
	struct store_overlap overlap = {
		.a = store_get_i32(res, row, 0), .b = store_get_i32(res, row, 1), .values = (uint64_t)store_get_i64(res, row, 2)};

	q->overlap(q->arg, &overlap);
}

enum isac_err store_select_statistics(struct store_db *db, const struct store_statistics *q, uint64_t *complete_seq)
{
	PGresult *res = NULL;
	int64_t from = 0, until = 0;
	enum isac_err err = read_span(db, q, &from, &until, complete_seq);
	struct wire_buf *args;

	if (err) return err;
	args = store_db_args_visible(db, q->self);
	store_field_i64(args, from);
	store_field_i64(args, until);
	store_field_i64(args, q->question == STORE_STATS_OVERLAP ? WIRE_LIMIT_OVERLAP_MEMBERS : WIRE_LIMIT_STATISTICS_ROWS);
	if (q->question == STORE_STATS_SCORES) store_field_i32(args, q->publisher_id);
	err = store_pg_run_sql(db->pg, QUESTIONS[q->question], args, &res); /* not prepared: the plan is for these bounds */
	for (int row = 0; !err && row < PQntuples(res); row++) {
		if (q->question == STORE_STATS_SCORES) tell_score(q, res, row);
		else if (q->question == STORE_STATS_OVERLAP) tell_overlap(q, res, row);
		else tell_count(q, res, row);
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}
