/*
 * What sightings, withdrawals and successors do to the mentions of the report that they are about: it ends, or it was seen again.
 * Part of mention's transaction, in the order of seq, and the first end holds: so the same facts give the same rows, in batches of
 * whatever size. A report that retention removed has no mentions any more, and nothing happens.
 */
#include "store/priv.h"

#define ITEMS_OF_ORIGINALS \
	"FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::bigint[], $5::timestamptz[]) AS u(publisher, report_id, key, seq, received) " \
	"JOIN member p ON p.name = u.publisher JOIN report_key k ON k.publisher_id = p.id AND k.report_id = u.report_id " \
	"CROSS JOIN LATERAL (SELECT k.seq UNION ALL SELECT r.seq FROM report r WHERE r.release_of = k.seq) o "

static const struct store_stmt END_MENTION = {
	"end_mention",
	"UPDATE mention m SET ended_seq = e.seq FROM (SELECT o.seq AS original, u.key, min(u.seq) AS seq " ITEMS_OF_ORIGINALS
	"GROUP BY 1, 2) e WHERE m.seq = e.original AND m.key = e.key AND m.kind = 1 AND COALESCE(m.ended_seq > e.seq, true)"};
static const struct store_stmt REFRESH_MENTION = {
	"refresh_mention",
	"UPDATE mention m SET refreshed = greatest(m.refreshed, e.received) FROM (SELECT o.seq AS original, u.key, "
	"max(u.received) AS received " ITEMS_OF_ORIGINALS "GROUP BY 1, 2) e WHERE m.seq = e.original AND m.key = e.key AND m.kind = 1"};

/*
 * What is sealed ends a report as a whole or not at all, as far as anybody here knows: a successor does, and a withdrawal of as many values
 * as the report has items.
 */
static const struct store_stmt END_SEALED = {
	"end_sealed", "UPDATE mention m SET ended_seq = e.seq FROM (SELECT k.seq AS original, min(u.seq) AS seq "
		      "FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::int[]) AS u(publisher, report_id, seq, count) "
		      "JOIN member p ON p.name = u.publisher JOIN report_key k ON k.publisher_id = p.id AND k.report_id = u.report_id "
		      "JOIN report o ON o.seq = k.seq WHERE u.count IS NULL OR u.count = o.item_count GROUP BY 1) e "
		      "WHERE m.seq = e.original AND m.kind = 1 AND COALESCE(m.ended_seq > e.seq, true)"};

static bool ends(const struct store_index_life *l)
{
	return !l->report->sealed && (l->report->header->supersedes.len || l->report->items[l->item].withdrawal);
}

static bool ends_sealed(const struct store_index_life *l)
{
	/* A successor with a lower label is not sealed itself, and ends what it replaces as a whole, too. */
	if (l->report->header->supersedes.len) return l->item == 0;
	return l->report->sealed && l->report->header->kind != ISAC1__KIND__KIND_SIGHTING;
}

static bool refreshes(const struct store_index_life *l)
{
	const Isac1__Sighting *sighting = l->report->items[l->item].sighting;

	return sighting && sighting->verdict == ISAC1__VERDICT__VERDICT_POSITIVE;
}

static void put_publisher(struct wire_buf *b, const struct store_index_life *l)
{
	const Isac1__Header *h = l->report->header;

	store_field_text(b, h->about.len ? h->about_publisher : l->report->publisher);
}
static void put_original(struct wire_buf *b, const struct store_index_life *l)
{
	store_field_bytes(b, report_original(l->report), WIRE_ID);
}
static void put_key(struct wire_buf *b, const struct store_index_life *l)
{
	store_field_bytes(b, l->report->items[l->item].key, WIRE_VALUE_KEY);
}
static void put_seq(struct wire_buf *b, const struct store_index_life *l)
{
	store_field_i64(b, (int64_t)l->report->seq);
}
static void put_received(struct wire_buf *b, const struct store_index_life *l)
{
	store_field_time(b, l->report->received_us);
}

static void put_count(struct wire_buf *b, const struct store_index_life *l)
{
	if (l->report->header->supersedes.len) store_field_null(b);
	else store_field_i32(b, (int32_t)l->report->header->item_count);
}

struct column {
	uint32_t oid;
	void (*put)(struct wire_buf *b, const struct store_index_life *l);
};
enum { COLUMNS_MAX = 5 };
static const struct column BY_VALUE[COLUMNS_MAX] = {{STORE_OID_TEXT, put_publisher},
						    {STORE_OID_UUID, put_original},
						    {STORE_OID_UUID, put_key},
						    {STORE_OID_INT8, put_seq},
						    {STORE_OID_TIME, put_received}};
static const struct column BY_REPORT[COLUMNS_MAX] = {
	{STORE_OID_TEXT, put_publisher}, {STORE_OID_UUID, put_original}, {STORE_OID_INT8, put_seq}, {STORE_OID_INT4, put_count}};

static enum isac_err write_those(const struct store_stmt *stmt, const struct column *columns,
				 bool (*wanted)(const struct store_index_life *l), const struct store_index_life *life, size_t n,
				 struct wire_buf *args, struct store_pg *pg)
{
	uint32_t rows = 0;

	for (size_t i = 0; i < n; i++) rows += wanted(&life[i]);
	if (!rows) return ISAC_OK;
	wire_buf_reset(args);
	for (size_t c = 0; c < COLUMNS_MAX && columns[c].put; c++) {
		size_t mark = store_field_array(args, columns[c].oid, rows);

		for (size_t i = 0; i < n; i++)
			if (wanted(&life[i])) columns[c].put(args, &life[i]);
		store_field_array_end(args, mark);
	}
	return store_pg_run(pg, stmt, args, NULL);
}

enum isac_err store_index_life_write(const struct store_index_life *life, size_t n, struct wire_buf *args, struct store_pg *pg)
{
	enum isac_err err = write_those(&END_MENTION, BY_VALUE, ends, life, n, args, pg);

	if (!err) err = write_those(&END_SEALED, BY_REPORT, ends_sealed, life, n, args, pg);
	return err ? err : write_those(&REFRESH_MENTION, BY_VALUE, refreshes, life, n, args, pg);
}
