/*
 * Held items go into the feeds: for each report that has items due, a further row of report, with a seq of its own and the same bytes,
 * in which only those items are not held. Feeds, index and history then need to know nothing of releases, and seq keeps ascending.
 * The row and what becomes of held are one statement, so that a release happens once. Why so: broker/decisions/0007.
 */
#include <string.h>
#include "store/store_priv.h"

enum { RELEASE_REPORTS = 64 };

static const struct store_stmt SELECT_DUE = {
	"select_due", "SELECT d.seq, d.items, COALESCE(r.item_count, 0) FROM (SELECT seq, array_agg(item::int) AS items FROM held "
		      "WHERE state = 'due' GROUP BY seq ORDER BY seq LIMIT 64) d LEFT JOIN report r ON r.seq = d.seq ORDER BY d.seq"};

/* A report that retention or erasure took meanwhile releases nothing. */
static const struct store_stmt APPEND_RELEASE = {
	"append_release",
	"WITH r AS (SELECT * FROM report WHERE seq = $1::bigint AND payload IS NOT NULL), "
	"h AS (UPDATE hub_head SET seq = hub_head.seq + 1, received = greatest(hub_head.received, $2::timestamptz) "
	"WHERE EXISTS (SELECT FROM r) RETURNING hub_head.seq, hub_head.received), "
	"u AS (UPDATE held SET state = CASE WHEN EXISTS (SELECT FROM h) THEN 'released' ELSE 'passed' END, release_seq = (SELECT seq FROM "
	"h) "
	"WHERE seq = $1::bigint AND item = ANY ($3::int[]) AND state = 'due'), "
	"i AS (INSERT INTO report (seq, received, publisher_id, report_id, created, audience_id, item_count, kind, tlp, key_id, signature, "
	"leaf, header, held, payload, release_of) "
	"SELECT h.seq, h.received, r.publisher_id, r.report_id, r.created, r.audience_id, r.item_count, r.kind, r.tlp, r.key_id, "
	"r.signature, r.leaf, r.header, $4::bytea, r.payload, r.seq FROM r, h) "
	"SELECT (SELECT seq FROM h)"};

struct due {
	uint64_t seq;
	uint32_t items, item_count;
	int32_t item[WIRE_LIMIT_ITEMS];
};

static void take_due(struct due *due, const PGresult *res, int row)
{
	struct store_array array;
	struct wire_bytes element;

	due->seq = (uint64_t)store_get_i64(res, row, 0);
	due->items = 0;
	due->item_count = (uint32_t)store_get_i32(res, row, 2);
	store_get_array(&array, res, row, 1);
	while (due->items < WIRE_LIMIT_ITEMS && store_array_next(&array, &element))
		if (element.len == 4) due->item[due->items++] = (int32_t)wire_get_u32(element.data);
}

/* All items of the report but these are held in its copy. */
static void put_held(struct wire_buf *args, const struct due *due)
{
	uint8_t held[(WIRE_LIMIT_ITEMS + 7) / 8] = {0};
	uint32_t left = 0;

	for (uint32_t i = 0; i < due->item_count && i < WIRE_LIMIT_ITEMS; i++) held[i / 8] |= (uint8_t)(1u << i % 8);
	for (uint32_t i = 0; i < due->items; i++)
		if (due->item[i] >= 0 && (uint32_t)due->item[i] < due->item_count)
			held[due->item[i] / 8] &= (uint8_t) ~(1u << due->item[i] % 8);
	for (size_t i = 0; i < sizeof(held); i++) left |= held[i];
	if (left) store_field_bytes(args, held, (due->item_count + 7) / 8);
	else store_field_null(args);
}

static enum isac_err release_one(struct store *s, const struct due *due, size_t *items)
{
	PGresult *res = NULL;
	enum isac_err err;

	wire_buf_reset(&s->args);
	store_field_i64(&s->args, (int64_t)due->seq);
	store_field_time(&s->args, base_clock_us());
	store_field_array_i32(&s->args, due->item, due->items);
	put_held(&s->args, due);
	err = store_pg_run(s->pg, &APPEND_RELEASE, &s->args, &res);
	if (!err && !store_get_null(res, 0, 0)) *items += due->items;
	PQclear(res);
	return err;
}

static enum isac_err release_page(struct store *s, size_t *n)
{
	PGresult *res = NULL;
	size_t items = 0;
	enum isac_err err = store_pg_begin(s->pg); /* one for all of them: one fsync */
	struct due due;

	if (!err) err = store_pg_run(s->pg, &SELECT_DUE, NULL, &res);
	*n = err ? 0 : (size_t)PQntuples(res);
	for (size_t i = 0; !err && i < *n; i++) {
		take_due(&due, res, (int)i);
		err = release_one(s, &due, &items);
	}
	PQclear(res);
	if (err == ISAC_ERR_NOT_FOUND) err = ISAC_OK;
	if (!err) err = store_pg_commit(s->pg);
	if (err) store_pg_rollback(s->pg);
	if (err || !items) return err;
	base_stats_add(STAT_store_released, items);
	base_log(BASE_LOG_INFO, "store.released", "reports=%zu items=%zu", *n, items);
	return err;
}

enum isac_err store_release_due_now(struct store *s)
{
	enum isac_err err = store_pg_connect(s->pg);
	size_t n = 0;

	if (!err) err = store_sync_head(s, false);
	if (!err) err = release_page(s, &n);
	/* What was appended is read back and handed on as after a lost connection, also when the last statement's fate is unknown. */
	s->must_sync = true;
	if (!err) err = store_sync_head(s, false);
	s->more_due = err || n == RELEASE_REPORTS;
	if (err) base_log_limited(1, BASE_LOG_WARN, "store.release", "err=%s text=\"%s\"", isac_err_name(err), store_pg_error(s->pg));
	return err;
}
