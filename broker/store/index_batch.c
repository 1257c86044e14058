/*
 * What many reports say, as rows: a mention for each item, and one indicator for each distinct key, with what the batch
 * adds to it. Made before the transaction opens. Indicators go in the order of their keys: neighbours share index pages,
 * and an upsert may not meet the same row twice.
 */
#include <stdlib.h>
#include <string.h>
#include "store/priv.h"

enum { ROW_FIELDS = 19, PUBLISHERS_MAX = 16, UPSERT_MAX = 12288 };

struct entry {
	const struct report_item *item;
	uint64_t seq, last_seq;
	int64_t first_us, last_us; /* 0: not said */
	int32_t publisher_id;
	uint32_t mentions, run; /* run: how many entries of this key follow, itself included */
};

struct store_index_batch {
	struct wire_buf rows;		/* mention, as COPY takes them */
	struct wire_buf args, replaced; /* two connections are at work at once */
	struct entry *entries;
	size_t entries_n, entries_cap, sent; /* sent: of the entries, sorted, to indicator */
	struct store_index_life *life;	     /* what changes earlier mentions */
	size_t life_n, life_cap, mentions;
	struct report **reports; /* entries and life point into them */
	size_t reports_n, reports_cap;
};

enum isac_err store_index_batch_new(struct store_index_batch **out)
{
	struct store_index_batch *b = calloc(1, sizeof(*b));

	if (!b) return ISAC_ERR_NO_MEMORY;
	wire_buf_init(&b->rows, STORE_FIELDS_MAX);
	wire_buf_init(&b->args, STORE_FIELDS_MAX);
	wire_buf_init(&b->replaced, STORE_FIELDS_MAX);
	*out = b;
	return ISAC_OK;
}

void store_index_batch_reset(struct store_index_batch *b)
{
	for (size_t i = 0; i < b->reports_n; i++) report_unref(&b->reports[i]);
	b->reports_n = b->entries_n = b->life_n = b->mentions = 0;
	b->rows.err = ISAC_OK;
	wire_buf_reset(&b->rows);
}

void store_index_batch_destroy(struct store_index_batch **b)
{
	if (!b || !*b) return;
	store_index_batch_reset(*b);
	wire_buf_clear(&(*b)->rows);
	wire_buf_clear(&(*b)->args);
	wire_buf_clear(&(*b)->replaced);
	free((*b)->entries);
	free((*b)->life);
	free((*b)->reports);
	free(*b);
	*b = NULL;
}

size_t store_index_batch_count(const struct store_index_batch *b)
{
	return b->mentions;
}

/* ---- mention ---------------------------------------------------------------------------------- */
static void put_plus1(struct wire_buf *b, uint32_t plus1)
{
	if (plus1) store_field_i16(b, (int16_t)(plus1 - 1));
	else store_field_null(b);
}

static void put_said(struct wire_buf *b, const char *text)
{
	store_field_text(b, text && *text ? text : NULL);
}

static void put_tags(struct wire_buf *b, const Isac1__Indicator *ind)
{
	size_t mark = store_field_array(b, STORE_OID_TEXT, (uint32_t)ind->n_tags);

	for (size_t i = 0; i < ind->n_tags; i++) store_field_text(b, ind->tags[i]);
	store_field_array_end(b, mark);
}

#define MENTION_COLUMNS \
	"key, seq, item, type, publisher_id, confidence, severity, tags, raw, first_seen, last_seen, " \
	"valid_from, valid_until, asn, country, held, kind, verdict, ended_seq"

static void put_mention(struct wire_buf *b, const struct report *r, uint32_t index)
{
	static const Isac1__Indicator silent = ISAC1__INDICATOR__INIT; /* what is no indicator says nothing of the sort */
	const struct report_item *item = &r->items[index];
	const Isac1__Indicator *ind = item->ind ? item->ind : &silent;
	const Isac1__Sighting *sighting = item->sighting;

	wire_buf_u16(b, ROW_FIELDS);
	store_field_bytes(b, item->key, WIRE_VALUE_KEY);
	store_field_i64(b, (int64_t)r->seq);
	store_field_i16(b, (int16_t)index);
	store_field_i16(b, (int16_t)item->value.type);
	store_field_i32(b, r->publisher_id);
	put_plus1(b, ind->confidence_plus1);
	put_plus1(b, ind->severity_plus1);
	put_tags(b, ind);
	put_said(b, ind->raw);
	store_field_time0(b, sighting ? sighting->first_seen_us : ind->first_seen_us);
	store_field_time0(b, sighting ? sighting->last_seen_us : ind->last_seen_us);
	store_field_time0(b, ind->valid_from_us);
	store_field_time0(b, ind->valid_until_us);
	if (report_item_asn(item)) store_field_i64(b, report_item_asn(item));
	else store_field_null(b);
	put_said(b, report_item_country(item));
	store_field_bool(b, report_is_held(r, index));
	store_field_i16(b, (int16_t)report_item_kind(r, item));
	if (sighting) store_field_i16(b, (int16_t)sighting->verdict);
	else store_field_null(b);
	/* Made again, it is as it was. */
	if (r->withdrawn_seq && report_item_kind(r, item) == ISAC1__KIND__KIND_INDICATOR) store_field_i64(b, (int64_t)r->withdrawn_seq);
	else store_field_null(b);
}

/* ---- taking reports in ---------------------------------------------------------------------------- */
static bool make_room(void **array, size_t *cap, size_t wanted, size_t size)
{
	size_t more = *cap ? *cap : 256;
	void *grown;

	if (wanted <= *cap) return true;
	while (more < wanted) more *= 2;
	grown = realloc(*array, more * size);
	if (!grown) return false;
	*array = grown;
	*cap = more;
	return true;
}

static bool room_for(struct store_index_batch *b, uint32_t items)
{
	void *reports = b->reports, *entries = b->entries, *life = b->life;
	bool room = make_room(&reports, &b->reports_cap, b->reports_n + 1, sizeof(*b->reports)) &&
		    make_room(&entries, &b->entries_cap, b->entries_n + items, sizeof(*b->entries)) &&
		    make_room(&life, &b->life_cap, b->life_n + items, sizeof(*b->life));

	b->reports = reports;
	b->entries = entries;
	b->life = life;
	return room;
}

enum isac_err store_index_batch_add(struct store_index_batch *b, const struct report *report)
{
	if (!room_for(b, report->n)) return ISAC_ERR_NO_MEMORY;
	b->reports[b->reports_n++] = report_ref((struct report *)(uintptr_t)report);
	if (!report->items) /* erased: it says nothing any more */
		return ISAC_OK;
	for (uint32_t i = 0; i < report->n; i++) {
		const Isac1__Indicator *ind = report->items[i].ind;

		if (!report->items[i].value.type && !report->sealed) /* a kind that is about no value */
			continue;
		if (report->release_of && report_is_held(report, i)) /* said by the report that this is a release of */
			continue;
		put_mention(&b->rows, report, i);
		b->mentions++;
		if (report_original(report)) b->life[b->life_n++] = (struct store_index_life){report, i};
		if (!ind) continue;
		b->entries[b->entries_n++] = (struct entry){
			.item = &report->items[i],
			.seq = report->seq,
			.last_seq = report->seq,
			.first_us = ind->first_seen_us,
			.last_us = ind->last_seen_us,
			.publisher_id = report->publisher_id,
			.mentions = 1,
			.run = 1,
		};
	}
	return b->rows.err;
}

/* ---- indicator ---------------------------------------------------------------------------------------- */
static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = memcmp(x->item->key, y->item->key, WIRE_VALUE_KEY);

	return order ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

/* Sums each run of equal keys up in its first entry. */
static void sum_up(struct entry *e, size_t n)
{
	for (size_t i = 0; i < n; i += e[i].run) {
		struct entry *first = &e[i];

		while (i + first->run < n && !memcmp(first->item->key, e[i + first->run].item->key, WIRE_VALUE_KEY)) {
			const struct entry *next = &e[i + first->run];

			first->run++;
			first->mentions++;
			first->last_seq = next->seq;
			if (next->first_us && (!first->first_us || next->first_us < first->first_us)) first->first_us = next->first_us;
			if (next->last_us > first->last_us) first->last_us = next->last_us;
		}
	}
}

static void put_key(struct wire_buf *b, const struct entry *e)
{
	store_field_bytes(b, e->item->key, WIRE_VALUE_KEY);
}
static void put_first(struct wire_buf *b, const struct entry *e)
{
	store_field_time0(b, e->first_us);
}
static void put_last(struct wire_buf *b, const struct entry *e)
{
	store_field_time0(b, e->last_us);
}
static void put_seq(struct wire_buf *b, const struct entry *e)
{
	store_field_i64(b, (int64_t)e->seq);
}
static void put_last_seq(struct wire_buf *b, const struct entry *e)
{
	store_field_i64(b, (int64_t)e->last_seq);
}
static void put_mentions(struct wire_buf *b, const struct entry *e)
{
	store_field_i32(b, (int32_t)e->mentions);
}
static void put_type(struct wire_buf *b, const struct entry *e)
{
	store_field_i16(b, (int16_t)e->item->value.type);
}
static void put_value(struct wire_buf *b, const struct entry *e)
{
	store_field_bytes(b, e->item->value.text, e->item->value.len);
}

static void put_addr(struct wire_buf *b, const struct entry *e)
{
	const struct wire_value *v = &e->item->value;

	if (v->family) store_field_net(b, v->addr, v->family, v->prefix, false);
	else store_field_null(b);
}

/* evil.example becomes example.evil. : everything below a domain is one range. */
static void put_rdom(struct wire_buf *b, const struct entry *e)
{
	const char *host = e->item->value.family ? NULL : e->item->value.host;
	size_t end = host ? strlen(host) : 0;

	if (!end) {
		store_field_null(b);
		return;
	}
	wire_buf_u32(b, (uint32_t)end + 1);
	while (end) {
		size_t from = end;

		while (from && host[from - 1] != '.') from--;
		wire_buf_add(b, host + from, end - from);
		wire_buf_add(b, ".", 1);
		end = from ? from - 1 : 0;
	}
}

/* Distinct publishers of the run, as text: an array of arrays cannot be unnested. */
static void put_publishers(struct wire_buf *b, const struct entry *e)
{
	int32_t seen[PUBLISHERS_MAX] = {e[0].publisher_id}; /* a run has one entry at least */
	char text[PUBLISHERS_MAX * 12 + 3];
	unsigned n = 1;
	int len;

	for (uint32_t i = 1; i < e->run && n < PUBLISHERS_MAX; i++) {
		unsigned known = 0;

		while (known < n && seen[known] != e[i].publisher_id) known++;
		if (known == n) seen[n++] = e[i].publisher_id;
	}
	len = snprintf(text, sizeof(text), "{%d", seen[0]);
	for (unsigned i = 1; i < n; i++) len += snprintf(text + len, sizeof(text) - (size_t)len, ",%d", seen[i]);
	text[len++] = '}';
	store_field_bytes(b, text, (size_t)len);
}

static const struct {
	uint32_t oid;
	void (*put)(struct wire_buf *b, const struct entry *e);
} COLUMNS[] = {
	{STORE_OID_UUID, put_key},	{STORE_OID_TIME, put_first},	{STORE_OID_TIME, put_last},	  {STORE_OID_INT8, put_seq},
	{STORE_OID_INT8, put_last_seq}, {STORE_OID_INT4, put_mentions}, {STORE_OID_INT2, put_type},	  {STORE_OID_TEXT, put_value},
	{STORE_OID_INET, put_addr},	{STORE_OID_TEXT, put_rdom},	{STORE_OID_TEXT, put_publishers},
};

static const struct store_stmt UPSERT = {
	"upsert_indicator",
	"INSERT INTO indicator AS i (key, first_seen, last_seen, first_seq, last_seq, mentions, type, value, addr, rdom, publishers) "
	"SELECT key, first_seen, last_seen, first_seq, last_seq, mentions, type, value, addr, rdom, publishers::int[] "
	"FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::int[], $7::smallint[], "
	"$8::text[], $9::inet[], $10::text[], $11::text[]) "
	"AS u(key, first_seen, last_seen, first_seq, last_seq, mentions, type, value, addr, rdom, publishers) "
	"ON CONFLICT (key) DO UPDATE SET first_seen = least(i.first_seen, excluded.first_seen), "
	"last_seen = greatest(i.last_seen, excluded.last_seen), last_seq = excluded.last_seq, mentions = i.mentions + excluded.mentions, "
	"publishers = CASE WHEN i.publishers @> excluded.publishers OR cardinality(i.publishers) >= 16 THEN i.publishers "
	"ELSE (i.publishers || ARRAY(SELECT unnest(excluded.publishers) EXCEPT SELECT unnest(i.publishers)))[1:16] END"};

/* The next chunk of keys from b->sent on, as parameters. */
static void put_keys(struct store_index_batch *b)
{
	size_t from = b->sent, until = from;
	uint32_t keys = 0;

	for (; until < b->entries_n && keys < UPSERT_MAX; keys++) until += b->entries[until].run;
	wire_buf_reset(&b->args);
	for (size_t c = 0; c < sizeof(COLUMNS) / sizeof(*COLUMNS); c++) {
		size_t mark = store_field_array(&b->args, COLUMNS[c].oid, keys);

		for (size_t i = from; i < until; i += b->entries[i].run) COLUMNS[c].put(&b->args, &b->entries[i]);
		store_field_array_end(&b->args, mark);
	}
	b->sent = until;
}

enum isac_err store_index_batch_indicator_start(struct store_index_batch *b, struct store_pg *pg)
{
	b->sent = 0;
	if (!b->entries_n) return ISAC_OK;
	qsort(b->entries, b->entries_n, sizeof(*b->entries), by_key);
	for (size_t i = 0; i < b->entries_n; i++) /* a second write after an error starts afresh */
		b->entries[i].run = b->entries[i].mentions = 1;
	sum_up(b->entries, b->entries_n);
	put_keys(b);
	return store_pg_send(pg, &UPSERT, &b->args);
}

enum isac_err store_index_batch_indicator_finish(struct store_index_batch *b, struct store_pg *pg)
{
	enum isac_err err = b->entries_n ? store_pg_wait(pg, NULL) : ISAC_OK;

	while (!err && b->sent < b->entries_n) {
		put_keys(b);
		err = store_pg_run(pg, &UPSERT, &b->args, NULL);
	}
	return err;
}

enum isac_err store_index_batch_mention(struct store_index_batch *b, struct store_pg *pg)
{
	enum isac_err err;

	if (!b->mentions) return ISAC_OK;
	err = store_pg_copy(pg, "COPY mention (" MENTION_COLUMNS ") FROM STDIN (FORMAT binary)", &b->rows);
	return err ? err : store_index_life_write(b->life, b->life_n, &b->args, pg);
}

/* A release repeats the header of its report: it is no further version. */
static bool replaces(const struct report *r)
{
	return r->header->supersedes.len == WIRE_ID && !r->release_of;
}

enum isac_err store_index_batch_supersession(struct store_index_batch *b, struct store_pg *pg)
{
	static const struct store_stmt stmt = {"insert_supersession",
					       "INSERT INTO supersession (publisher_id, replaced, seq) "
					       "SELECT * FROM unnest($1::int[], $2::uuid[], $3::bigint[]) ON CONFLICT DO NOTHING"};
	uint32_t n = 0;
	size_t mark;

	for (size_t i = 0; i < b->reports_n; i++) n += replaces(b->reports[i]);
	if (!n) return ISAC_OK;
	wire_buf_reset(&b->replaced);
	for (int column = 0; column < 3; column++) {
		mark = store_field_array(&b->replaced, column == 0 ? STORE_OID_INT4 : column == 1 ? STORE_OID_UUID : STORE_OID_INT8, n);
		for (size_t i = 0; i < b->reports_n; i++) {
			const struct report *r = b->reports[i];

			if (!replaces(r)) continue;
			if (column == 0) store_field_i32(&b->replaced, r->publisher_id);
			else if (column == 1) store_field_bytes(&b->replaced, r->header->supersedes.data, WIRE_ID);
			else store_field_i64(&b->replaced, (int64_t)r->seq);
		}
		store_field_array_end(&b->replaced, mark);
	}
	return store_pg_run(pg, &stmt, &b->replaced, NULL);
}
