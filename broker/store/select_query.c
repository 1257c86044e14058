/*
 * History: one page, newest first, by keyset. Who may see what is decided by member_may_see over the interned audiences, and
 * goes to the server as a list of ids; the filter's condition comes from filter_to_sql with every value a parameter.
 * Two steps: which items (mention and what it is joined to), then the reports that hold them.
 */
#include <stdlib.h>
#include <string.h>
#include "store/priv.h"

enum { OWN_PARAMS = 8, SQL_MAX = 1 << 23, REPORT_BYTES_MAX = 32 << 20, OPEN_STEP = 32 };

struct found {
	uint64_t seq;
	uint32_t item;
	bool ended;
};

/* What is looked at: after < seq, and (seq, item) < (until_seq + 1, 0) or less. */
struct span {
	uint64_t after, until_seq, as_of;
};

/* $1 visible audiences, $2 self, $3 after, $4 until, $5 item below which in that one, $6 as of, $7 may see held of others, $8 limit. */
static void put_args(struct store_db *db, const struct store_query *q, const struct span *span, const struct filter_sql *sql)
{
	struct wire_buf *args = store_db_args(db);
	bool analyst = q->self->roles & MEMBER_ANALYST, goes_on = q->before_seq && q->before_seq <= span->until_seq;

	store_db_visible(db, args, q->self);
	store_field_i32(args, member_own_id(q->self));
	store_field_i64(args, (int64_t)span->after);
	store_field_i64(args, (int64_t)(goes_on ? q->before_seq : span->until_seq));
	store_field_i16(args, goes_on ? (int16_t)q->before_item : INT16_MAX);
	store_field_i64(args, (int64_t)span->as_of);
	/* null: no held items at all; false: own ones; true: those of everybody */
	if (q->held) store_field_bool(args, analyst);
	else store_field_null(args);
	store_field_i64(args, (int64_t)q->limit + 1);
	for (unsigned i = 0; i < sql->params; i++) store_field_text(args, sql->param[i]);
}

static void put_sql(struct wire_buf *out, const struct filter_sql *sql)
{
	wire_buf_printf(out, "SELECT m.seq, m.item, COALESCE(m.ended_seq <= $6::bigint, false) FROM mention m JOIN indicator i ON i.key = "
			     "m.key JOIN report r ON r.seq = m.seq "
			     "JOIN member p ON p.id = r.publisher_id JOIN audience a ON a.id = r.audience_id "
			     "WHERE (r.audience_id = ANY ($1::int[]) OR r.publisher_id = $2::int) "
			     "AND m.seq > $3::bigint AND m.seq <= $4::bigint AND (m.seq, m.item) < ($4::bigint, $5::smallint) "
			     "AND (NOT m.held OR $7::bool OR ($7::bool IS NOT NULL AND r.publisher_id = $2::int)) AND (");
	wire_buf_add(out, sql->where, strlen(sql->where));
	wire_buf_printf(out, ") ORDER BY m.seq DESC, m.item DESC LIMIT $8::bigint");
	wire_buf_add(out, "", 1);
}

/*
 * Bounds of time become bounds of seq, and of all upper bounds there is one: partitions outside are spared, and the walk of the index,
 * newest first, begins at the bound and not at the partition's end.
 */
static enum isac_err read_span(struct store_db *db, const struct store_query *q, uint64_t complete_seq, struct span *span)
{
	enum isac_err err = ISAC_OK;

	span->after = 0;
	span->until_seq = span->as_of = q->as_of_seq && q->as_of_seq < complete_seq ? q->as_of_seq : complete_seq;
	if (q->since_us || q->until_us) err = store_select_span(db, q->since_us, q->until_us, &span->after, &span->until_seq);
	if (span->until_seq > span->as_of) span->until_seq = span->as_of;
	return err;
}

static enum isac_err find(struct store_db *db, const struct store_query *q, uint64_t complete_seq, PGresult **res)
{
	struct filter_sql sql;
	struct wire_buf text;
	struct span span;
	enum isac_err err = read_span(db, q, complete_seq, &span);

	if (!err) err = filter_to_sql(&sql, q->filter, q->self, OWN_PARAMS + 1);
	if (err) return err;
	wire_buf_init(&text, SQL_MAX);
	put_sql(&text, &sql);
	put_args(db, q, &span, &sql);
	err = text.err ? ISAC_ERR_TOO_LARGE : store_pg_run_sql(db->pg, (const char *)text.data, &db->args, res);
	wire_buf_clear(&text);
	filter_sql_clear(&sql);
	return err;
}

/* Opens the reports of found[from..until), which are newest first, as hits; stops after REPORT_BYTES_MAX. */
static enum isac_err open_reports(struct store_db *db, const uint64_t *seqs, size_t n, struct store_hit *hits, size_t *opened)
{
	static const struct store_stmt stmt = {
		"select_hits",
		"SELECT " STORE_REPORT_COLUMNS
		" FROM report r JOIN member p ON p.id = r.publisher_id WHERE r.seq = ANY ($1::bigint[]) ORDER BY r.seq DESC"};
	struct wire_buf *args = store_db_args(db);
	size_t mark = store_field_array(args, STORE_OID_INT8, (uint32_t)n), before = *opened;
	PGresult *res = NULL;
	enum isac_err err;

	for (size_t i = 0; i < n; i++) store_field_i64(args, (int64_t)seqs[i]);
	store_field_array_end(args, mark);
	err = store_db_run(db, &stmt, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) {
		struct store_hit *hit = &hits[*opened];

		err = store_report_row_open(&hit->report, res, row, false);
		if (err) break;
		(*opened)++;
		hit->shown = calloc((size_t)(hit->report->n + 7) / 8 + 1, 2);
		if (hit->shown) hit->ended = hit->shown + (hit->report->n + 7) / 8 + 1;
		else err = ISAC_ERR_NO_MEMORY;
	}
	PQclear(res);
	for (size_t i = before; i < *opened && !err; i++) err = store_report_row_audience(db, hits[i].report);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}

/* Marks the items; a report that was removed since the index was read has none. */
static void show(struct store_hit *hits, size_t n, const struct found *found, size_t found_n)
{
	size_t at = 0;

	for (size_t i = 0; i < found_n; i++) {
		while (at < n && hits[at].report->seq > found[i].seq) at++;
		if (at == n || hits[at].report->seq != found[i].seq || found[i].item >= hits[at].report->n) continue;
		hits[at].shown[found[i].item / 8] |= (uint8_t)(1 << found[i].item % 8);
		if (found[i].ended) hits[at].ended[found[i].item / 8] |= (uint8_t)(1 << found[i].item % 8);
	}
}

static enum isac_err make_hits(struct store_db *db, const struct found *found, size_t *found_n, struct store_hit **hits, size_t *n)
{
	uint64_t *seqs = calloc(*found_n, sizeof(*seqs));
	size_t seqs_n = 0, asked = 0, bytes = 0, i;
	enum isac_err err = ISAC_OK;

	*hits = calloc(*found_n, sizeof(**hits));
	if (!seqs || !*hits) err = ISAC_ERR_NO_MEMORY;
	for (i = 0; !err && i < *found_n; i++)
		if (!seqs_n || seqs[seqs_n - 1] != found[i].seq) seqs[seqs_n++] = found[i].seq;
	while (!err && asked < seqs_n && bytes < REPORT_BYTES_MAX) {
		size_t step = seqs_n - asked < OPEN_STEP ? seqs_n - asked : OPEN_STEP, before = *n;

		err = open_reports(db, seqs + asked, step, *hits, n);
		asked += step;
		while (before < *n) bytes += report_bytes((*hits)[before++].report);
	}
	if (!err && asked < seqs_n) /* the page ends here; the next goes on after the last item shown */
		while (*found_n && found[*found_n - 1].seq < seqs[asked - 1]) --*found_n;
	if (!err) show(*hits, *n, found, *found_n);
	free(seqs);
	return err;
}

enum isac_err store_select_query(struct store_db *db, const struct store_query *q, struct store_hit **hits, size_t *n, uint64_t *next_seq,
				 uint32_t *next_item, uint64_t *complete_seq)
{
	struct found *found = NULL;
	PGresult *res = NULL;
	size_t found_n = 0, all;
	enum isac_err err;

	*hits = NULL;
	*n = 0;
	err = store_select_complete(db, complete_seq);
	if (!err) err = find(db, q, *complete_seq, &res);
	*next_seq = 0; /* only now: they may be the fields of q that say where to begin */
	*next_item = 0;
	if (err) {
		PQclear(res);
		return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
	}
	all = (size_t)PQntuples(res);
	found_n = all > q->limit ? q->limit : all;
	found = calloc(found_n ? found_n : 1, sizeof(*found));
	if (!found) err = ISAC_ERR_NO_MEMORY;
	for (size_t i = 0; !err && i < found_n; i++)
		found[i] = (struct found){(uint64_t)store_get_i64(res, (int)i, 0), (uint32_t)store_get_i16(res, (int)i, 1),
					  store_get_bool(res, (int)i, 2)};
	PQclear(res);
	if (!err && found_n) err = make_hits(db, found, &found_n, hits, n);
	if (!err && found_n && found_n < all) {
		*next_seq = found[found_n - 1].seq;
		*next_item = found[found_n - 1].item;
	}
	free(found);
	if (err) {
		store_hits_free(*hits, *n);
		*hits = NULL;
		*n = 0;
	}
	return err;
}

void store_hits_free(struct store_hit *hits, size_t n)
{
	for (size_t i = 0; hits && i < n; i++) {
		report_unref(&hits[i].report);
		free(hits[i].shown);
	}
	free(hits);
}
