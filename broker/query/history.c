/*
 * history: QUERY. One page of what matches and this member may see, newest first, as entries like a feed's.
 *
 * Entitlement is part of the SQL, so that a page is full; member_may_see is asked again for each report, last thing before
 * the wire: a mistake in one of the two shows nothing.
 */
#include "query/priv.h"

#include <assert.h>
#include <string.h>

enum { LIMIT_DEFAULT = 100, NEAR = 256 /* reports */, SOON_MS = 300 };

static bool may_see(struct query_call *call, const struct report *r)
{
	const struct member_audience *audience;
	if (!r->items || store_select_audience(call->q->db, r->audience_id, &audience)) return false;
	return member_may_see(call->self, audience, r->publisher_id);
}

/* Those items of the hit that are in this state; false if there are none. */
static bool pick(uint8_t part[WIRE_LIMIT_ITEMS / 8 + 1], const struct store_hit *hit, enum report_state state)
{
	bool any = false;
	assert(hit->report->n <= WIRE_LIMIT_ITEMS);
	memset(part, 0, WIRE_LIMIT_ITEMS / 8 + 1);
	for (uint32_t i = 0; i < hit->report->n; i++) {
		enum report_state its = hit->ended && hit->ended[i / 8] >> i % 8 & 1 ? REPORT_ENDED : REPORT_ACTIVE;
		if (report_is_held(hit->report, i)) its = REPORT_HELD;
		if (!(hit->shown[i / 8] >> i % 8 & 1) || its != state) continue;
		part[i / 8] |= (uint8_t)(1u << i % 8);
		any = true;
	}
	return any;
}

/* Appends an entry for each state: an entry has one. */
static enum isac_err add_hit(struct query_call *call, const struct store_hit *hit, bool held)
{
	struct wire_buf *entry = &call->q->entry;
	uint8_t part[WIRE_LIMIT_ITEMS / 8 + 1];
	bool held_too = held && (call->self->roles & MEMBER_ANALYST || hit->report->publisher_id == member_own_id(call->self));
	for (enum report_state state = REPORT_ACTIVE; state <= REPORT_ENDED; state++) {
		if ((state == REPORT_HELD && !held_too) || !pick(part, hit, state)) continue;
		query_note_shown(call, hit->report, part);
		wire_buf_reset(entry);
		enum isac_err err = report_disclose_as(entry, hit->report, part, state);
		if (err || entry->err) return err ? err : entry->err;
		wire_buf_varint(call->out, 1 << 3 | 2); /* QueryResult.entries */
		wire_buf_varint(call->out, entry->len);
		wire_buf_add(call->out, entry->data, entry->len);
	}
	return call->out->err;
}

enum isac_err query_history_show(struct query_call *call, const struct store_hit *hit, bool held)
{
	return may_see(call, hit->report) ? add_hit(call, hit, held) : ISAC_OK;
}

/* Items come in falling order within a report, so the last one of a hit is the lowest. */
static uint32_t last_item(const struct store_hit *hit)
{
	for (uint32_t i = 0; i < hit->report->n; i++)
		if (hit->shown[i / 8] >> i % 8 & 1) return i;
	return 0;
}

/* Appends hits while the page has room. *next is moved back to the last that fitted if it ran out. */
static enum isac_err add_hits(struct query_call *call, const struct store_hit *hits, size_t n, bool held, struct query_cursor *next)
{
	struct query_cursor done = {0, 0};
	for (size_t i = 0; i < n; i++) {
		size_t before = call->out->len;
		struct query_shown shown_before = call->shown;
		enum isac_err err = query_history_show(call, &hits[i], held);
		if (err) return err;
		if (before && call->out->len > WIRE_LIMIT_PAGE_BYTES) {
			call->out->len = before;
			shown_before.seqs = call->shown.seqs;
			call->shown = shown_before;
			*next = done;
			return ISAC_OK;
		}
		done = (struct query_cursor){hits[i].report->seq, last_item(&hits[i])};
	}
	return ISAC_OK;
}

/* A member that asks what is `mine` from the newest on has taken note of what concerns it. */
static void note_asked(struct query_call *call, const Isac1__Query *ask, const struct filter *filter, uint64_t complete_seq)
{
	if (call->token || ask->cursor.len || ask->until_us || ask->as_of_seq || strcmp(filter_text(filter), "mine") != 0) return;
	enum isac_err err = store_upsert_concern_asked(call->q->db, call->self->id, complete_seq);
	if (err) base_log_limited(1, BASE_LOG_WARN, "concern.asked", "member_id=%d err=%s", call->self->id, isac_err_name(err));
}

static enum isac_err select_page(struct query_call *call, const Isac1__Query *ask, const struct filter *filter, struct query_cursor at)
{
	struct store_query query = {.filter = filter,
				    .self = call->self,
				    .since_us = ask->since_us,
				    .until_us = ask->until_us,
				    .as_of_seq = ask->as_of_seq,
				    .limit = ask->limit ? ask->limit : LIMIT_DEFAULT,
				    .held = ask->held,
				    .before_seq = at.seq,
				    .before_item = at.item};
	if (query.limit > WIRE_LIMIT_PAGE_ITEMS) query.limit = WIRE_LIMIT_PAGE_ITEMS;
	struct store_hit *hits = NULL;
	size_t n = 0;
	struct query_cursor next = {0, 0};
	Isac1__QueryResult rest = ISAC1__QUERY_RESULT__INIT;
	call->shown.filter = ask->filter;
	enum isac_err err = store_select_query(call->q->db, &query, &hits, &n, &next.seq, &next.item, &rest.complete_seq);
	if (err) return query_refuse(call, err, isac_err_text(err));
	err = add_hits(call, hits, n, ask->held, &next);
	store_hits_free(hits, n);
	if (err) return err;
	uint8_t cursor[QUERY_CURSOR];
	if (next.seq) {
		query_cursor_make(cursor, &next, call->q->conf.cursor_key, call->self->name, ask->filter);
		rest.cursor = (ProtobufCBinaryData){sizeof(cursor), cursor};
	}
	note_asked(call, ask, filter, rest.complete_seq);
	wire_pack(call->out, &rest.base); /* fields behind the entries: a message in pieces is the same message */
	return call->out->err;
}

/*
 * For the seq that was asked for; and without being asked, for a moment and on the first page, when the index is only a little
 * behind: who has just published finds it.
 */
static bool must_wait(struct query_call *call, const Isac1__Query *ask)
{
	uint64_t indexed = store_indexer_seq(call->q->conf.indexer), head = store_head(call->q->conf.store);
	struct query_job *job = call->job;

	if (query_must_wait(call, ask->wait_seq)) return true;
	if (ask->wait_seq || ask->as_of_seq || ask->cursor.len || job->may_lag || head <= indexed || head - indexed > NEAR) return false;
	job->may_lag = true;
	job->deadline_us = base_clock_mono_us() + SOON_MS * 1000;
	return query_must_wait(call, head);
}

/* What a token that is for one collection may ask: that collection's filter, as the hub shows it, and no other. */
static enum isac_err check_collection(struct query_call *call, const char *filter)
{
	if (!call->token || !*call->token->collection) return ISAC_OK;
	enum isac_err err = store_check_collection(call->q->db, call->token->collection, filter);
	if (err != ISAC_ERR_NOT_FOUND) return err;
	return query_refuse(call, ISAC_ERR_NOT_ALLOWED, "this token is for one collection");
}

enum isac_err query_history(struct query_call *call)
{
	const Isac1__Query *ask = (const Isac1__Query *)call->ask;
	struct filter *filter = NULL;
	struct query_cursor at;
	if (ask->since_us < 0 || ask->until_us < 0) return query_refuse(call, ISAC_ERR_BAD_VALUE, "a time before 1970");
	enum isac_err err =
		query_cursor_open(&at, ask->cursor.data, ask->cursor.len, call->q->conf.cursor_key, call->self->name, ask->filter);
	if (err) return query_refuse(call, err, "this cursor is not from a page of this query");
	err = filter_parse(&filter, ask->filter, strlen(ask->filter), base_clock_us(), &call->fail);
	if (err) return err;
	err = check_collection(call, ask->filter);
	if (!err) err = must_wait(call, ask) ? ISAC_ERR_AGAIN : select_page(call, ask, filter, at);
	filter_destroy(&filter);
	return err;
}
