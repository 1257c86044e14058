/*
 * preview: PREVIEW. What a feed with this filter would have brought: stored reports, page by page as catch-up reads them, through the
 * matching of a feed, counted. One page an answer: the cursor says how far it went, where it ends, and what `now` was.
 */
#include "query/priv.h"

#include <string.h>
#include <time.h>

enum { PLACE = 24, SLICE_BYTES = 2097152, TYPES = 32, DAY_TEXT = 16 };
static const int64_t DAY_US = INT64_C(86400000000);

struct place {
	uint64_t seq, until;
	int64_t now_us; /* for ages in the filter */
};

/* Counts under one heading; keys are found from the end, where the last one is. */
struct tally {
	int64_t key;
	const struct report *last; /* that was counted */
	Isac1__Tally row;
};
struct tallies {
	struct tally *at;
	size_t n, max;
};

struct preview {
	struct query_call *call;
	const struct filter *filter;
	struct report *page[WIRE_LIMIT_PREVIEW_REPORTS];
	size_t n;
	struct tallies types, publishers, days;
	Isac1__PreviewResult result;
};

/* ---- counting -------------------------------------------------------------------------------- */

static bool tallies_init(struct tallies *t, struct wire_arena *arena, size_t max)
{
	*t = (struct tallies){.at = wire_arena_alloc(arena, (max + 1) * sizeof(*t->at)), .max = max};
	return t->at != NULL;
}

static struct tally *tally_of(struct tallies *t, int64_t key)
{
	for (size_t i = t->n; i > 0; i--)
		if (t->at[i - 1].key == key) return &t->at[i - 1];
	if (t->n == t->max) return NULL;
	t->at[t->n] = (struct tally){.key = key, .row = ISAC1__TALLY__INIT};
	return &t->at[t->n++];
}

static void count(struct tallies *t, int64_t key, const struct report *r, uint32_t items, uint32_t held)
{
	struct tally *tally = tally_of(t, key);
	if (!tally) return;
	if (items && tally->last != r) {
		tally->row.reports++;
		tally->last = r;
	}
	tally->row.items += items;
	tally->row.held += held;
}

static void count_types(struct preview *p, const struct report *r, const uint8_t *shown, bool held_too)
{
	for (uint32_t i = 0; i < r->n; i++) {
		if (shown[i / 8] >> i % 8 & 1) count(&p->types, r->items[i].value.type, r, 1, 0);
		else if (held_too && report_is_held(r, i) && filter_match(p->filter, r, i, p->call->self))
			count(&p->types, r->items[i].value.type, r, 0, 1);
	}
}

static void look_at(struct preview *p, const struct report *r)
{
	uint8_t shown[WIRE_LIMIT_ITEMS / 8 + 1];
	uint32_t held = 0, items = query_match_items(p->filter, p->call->self, r, shown, &held);
	if (r->withdrawn_seq) return; /* a feed shows a gap in its place */
	if (r->release_of) held = 0;  /* what is held in it was counted with the report that it is a release of */
	if (!items && !held) return;
	p->result.reports += items > 0;
	p->result.items += items;
	p->result.held += held;
	count(&p->publishers, r->publisher_id, r, items, held);
	count(&p->days, r->received_us / DAY_US, r, items, held);
	count_types(p, r, shown, held > 0);
}

/* ---- the answer ---------------------------------------------------------------------------------- */

static const char *publisher_name(struct preview *p, int64_t id)
{
	const struct member *m = member_roster_by_id(p->call->roster, (int32_t)id);
	return m ? m->name : "";
}

static const char *type_name(struct preview *p, int64_t type)
{
	(void)p;
	const char *name = wire_value_name((uint32_t)type);
	return name ? name : type ? "" : "sealed";
}

static const char *day_name(struct preview *p, int64_t day)
{
	time_t s = (time_t)(day * 86400);
	struct tm tm;
	char *text = wire_arena_alloc(p->call->arena, DAY_TEXT);
	if (!text || !gmtime_r(&s, &tm) || !strftime(text, DAY_TEXT, "%Y-%m-%d", &tm)) return "";
	return text;
}

static bool list(struct preview *p, struct tallies *t, const char *(*name)(struct preview *, int64_t), Isac1__Tally ***rows, size_t *n)
{
	*rows = wire_arena_alloc(p->call->arena, (t->n + 1) * sizeof(**rows));
	if (!*rows) return false;
	for (size_t i = 0; i < t->n; i++) {
		t->at[i].row.name = (char *)(uintptr_t)name(p, t->at[i].key);
		(*rows)[i] = &t->at[i].row;
	}
	*n = t->n;
	return true;
}

/* Leaves the newest `left` items of those shown; returns how many there are. */
static uint32_t newest(uint8_t *shown, const struct report *r, uint32_t left)
{
	uint32_t kept = 0;
	for (uint32_t i = r->n; i > 0; i--) {
		if (!(shown[(i - 1) / 8] >> (i - 1) % 8 & 1)) continue;
		if (kept < left) kept++;
		else shown[(i - 1) / 8] &= (uint8_t) ~(1u << (i - 1) % 8);
	}
	return kept;
}

static enum isac_err add_entries(struct preview *p, uint32_t wanted)
{
	struct query_call *call = p->call;
	struct wire_buf *entry = &call->q->entry;
	uint8_t shown[WIRE_LIMIT_ITEMS / 8 + 1];
	uint32_t left = wanted < WIRE_LIMIT_PREVIEW_ITEMS ? wanted : WIRE_LIMIT_PREVIEW_ITEMS;
	for (size_t i = p->n; i > 0 && left; i--) {
		const struct report *r = p->page[i - 1];
		size_t before = call->out->len;
		if (r->withdrawn_seq || !query_match_items(p->filter, call->self, r, shown, NULL)) continue;
		left -= newest(shown, r, left);
		wire_buf_reset(entry);
		enum isac_err err = report_disclose(entry, r, shown);
		if (err || entry->err) return err ? err : entry->err;
		wire_buf_varint(call->out, 1 << 3 | 2); /* PreviewResult.entries */
		wire_buf_varint(call->out, entry->len);
		wire_buf_add(call->out, entry->data, entry->len);
		if (!before || call->out->len <= WIRE_LIMIT_PAGE_BYTES) {
			query_note_shown(call, r, shown);
			continue;
		}
		call->out->len = before;
		break;
	}
	return call->out->err;
}

static enum isac_err add_result(struct preview *p, const struct place *at, const char *asked)
{
	struct query_call *call = p->call;
	uint8_t cursor[PLACE + QUERY_CURSOR_TAG];
	Isac1__PreviewResult *result = &p->result;
	if (!list(p, &p->types, type_name, &result->types, &result->n_types) ||
	    !list(p, &p->publishers, publisher_name, &result->publishers, &result->n_publishers) ||
	    !list(p, &p->days, day_name, &result->days, &result->n_days))
		return query_refuse(call, ISAC_ERR_NO_MEMORY, "out of memory");
	result->filter = (char *)(uintptr_t)filter_text(p->filter);
	if (result->scanned_seq < at->until) {
		wire_put_u64(cursor, result->scanned_seq);
		wire_put_u64(cursor + 8, at->until);
		wire_put_u64(cursor + 16, (uint64_t)at->now_us);
		query_cursor_seal(cursor, cursor, PLACE, call->q->conf.cursor_key, call->self->name, asked);
		result->cursor = (ProtobufCBinaryData){sizeof(cursor), cursor};
	}
	wire_pack(call->out, &result->base); /* fields behind the entries: a message in pieces is the same message */
	return call->out->err;
}

static enum isac_err run_slice(struct preview *p, const struct place *at, const Isac1__Preview *ask)
{
	struct query_call *call = p->call;
	enum isac_err err = store_select_page(call->q->db, at->seq, at->until, WIRE_LIMIT_PREVIEW_REPORTS, SLICE_BYTES, p->page, &p->n);
	if (err) return query_refuse(call, err, isac_err_text(err));
	p->result.from_seq = at->seq;
	p->result.until_seq = at->until;
	p->result.scanned = p->n;
	p->result.scanned_seq = p->n ? p->page[p->n - 1]->seq : at->until;
	if (!tallies_init(&p->types, call->arena, TYPES) || !tallies_init(&p->publishers, call->arena, p->n) ||
	    !tallies_init(&p->days, call->arena, p->n))
		err = query_refuse(call, ISAC_ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; !err && i < p->n; i++) look_at(p, p->page[i]);
	if (!err) err = add_entries(p, ask->items);
	if (!err) err = add_result(p, at, ask->filter);
	for (size_t i = 0; i < p->n; i++) report_unref(&p->page[i]);
	return err;
}

static enum isac_err begin(struct query_call *call, const Isac1__Preview *ask, struct place *at)
{
	const ProtobufCBinaryData *cursor = &ask->cursor;
	if (ask->since_us < 0 || ask->until_us < 0) return query_refuse(call, ISAC_ERR_BAD_VALUE, "a time before 1970");
	if (!cursor->len) {
		at->now_us = base_clock_us();
		enum isac_err err = store_select_span(call->q->db, ask->since_us, ask->until_us, &at->seq, &at->until);
		return err ? query_refuse(call, err, isac_err_text(err)) : ISAC_OK;
	}
	if (query_cursor_check(cursor->data, cursor->len, PLACE, call->q->conf.cursor_key, call->self->name, ask->filter))
		return query_refuse(call, ISAC_ERR_BAD_CURSOR, "this cursor is not from a slice of this preview");
	*at = (struct place){wire_get_u64(cursor->data), wire_get_u64(cursor->data + 8), (int64_t)wire_get_u64(cursor->data + 16)};
	return ISAC_OK;
}

enum isac_err query_preview(struct query_call *call)
{
	const Isac1__Preview *ask = (const Isac1__Preview *)call->ask;
	struct preview *p = wire_arena_alloc(call->arena, sizeof(*p));
	struct filter *filter = NULL;
	struct place at = {0};
	if (!p) return query_refuse(call, ISAC_ERR_NO_MEMORY, "out of memory");
	enum isac_err err = begin(call, ask, &at);
	if (!err) err = query_match_compile(call, ask->filter, at.now_us, &filter);
	if (err) return err;
	call->shown.filter = ask->filter;
	*p = (struct preview){.call = call, .filter = filter, .result = ISAC1__PREVIEW_RESULT__INIT};
	err = run_slice(p, &at, ask);
	filter_destroy(&filter);
	return err;
}
