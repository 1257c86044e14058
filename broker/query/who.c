/*
 * who: WHO. To whom was this report sent? From the table of ranges, each matched again with its own filter and entitlement; and so for
 * each row that released held items of it.
 *
 * For the report's publisher, and for admins and auditors; to all others a report of somebody else is as one that does not exist.
 */
#include "query/priv.h"
#include "sent/sent.h"

#include <string.h>

enum { PLACE = 24 /* range, report, the row of it */, REPORTS_MAX = 64 };

struct told {
	struct told *next;
	struct store_told row;
	char name[WIRE_LIMIT_NAME_BYTES + 1];
};

struct who {
	struct query_call *call;
	const struct report *report; /* it, or a release of it */
	struct sent *original;	     /* who was sent what it is about; NULL: it is about nothing */
	struct query_match_kept kept;
	uint64_t last_id, at_seq; /* where the page ends */
	size_t looked_at;
	struct told *told; /* of its withdrawal by admins; in the arena */
	int64_t withdrawn_us;
};

static void take_told(void *arg, const struct store_told *row)
{
	struct who *w = arg;
	struct told *t = row->member_id ? wire_arena_alloc(w->call->arena, sizeof(*t)) : NULL;
	w->withdrawn_us = row->at_us;
	if (!t) return;
	t->row = *row;
	snprintf(t->name, sizeof(t->name), "%s", row->name);
	t->next = w->told;
	w->told = t;
}

static int64_t told_us(const struct who *w, int32_t member_id, const char *name)
{
	for (const struct told *t = w->told; t; t = t->next)
		if (t->row.member_id == member_id && t->row.seq == w->report->seq && !strcmp(t->name, name)) return t->row.told_us;
	return 0;
}

static void add_sent(struct who *w, const struct store_range *range, uint32_t items)
{
	const struct member *m = member_roster_by_id(w->call->roster, range->self->id);
	Isac1__WhoResult piece = ISAC1__WHO_RESULT__INIT;
	Isac1__Sent sent = ISAC1__SENT__INIT, *rows[] = {&sent};
	if (!m) return; /* it is newer than our roster: the next question knows it */
	sent.member = (char *)(uintptr_t)m->name;
	sent.name = (char *)(uintptr_t)range->name;
	sent.items = items;
	sent.maybe = range->until_seq < w->report->seq;
	sent.from_us = range->opened_us > w->report->received_us ? range->opened_us : w->report->received_us;
	sent.until_us = range->closed_us;
	sent.acked = range->acked_seq >= w->report->seq;
	sent.told_us = told_us(w, m->id, range->name);
	piece.n_sent = 1;
	piece.sent = rows;
	wire_pack(w->call->out, &piece.base); /* a message in pieces is the same message */
}

static void take_range(void *arg, const struct store_range *range)
{
	struct who *w = arg;
	w->last_id = range->id;
	w->looked_at++;
	if (range->passed) return;
	const struct filter *filter = query_match_again(&w->kept, range->filter, range->compiled_us);
	uint8_t shown[WIRE_LIMIT_ITEMS / 8 + 1];
	uint32_t items = filter ? query_match_items(filter, range->self, w->report, shown, NULL) : 0;
	if (filter && w->original && query_match_visible(range->self, w->report))
		items += sent_follow(w->original, w->report, range->self->id, range->name, shown);
	if (items) add_sent(w, range, items);
}

/* Which of the reports with this id is asked about: the asker's own, else the first. */
static size_t choose(const struct query_call *call, const struct store_report_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keys[i].publisher_id == call->self->id) return i;
	return 0;
}

static enum isac_err not_found(struct query_call *call)
{
	return query_refuse(call, ISAC_ERR_NOT_FOUND, "no such report");
}

/* Whose reports may this member ask about? 0: all; -1: nobody's with this name. */
static int32_t whose(const struct query_call *call, const char *publisher)
{
	const struct member *m = *publisher ? member_roster_find(call->roster, publisher) : NULL;
	bool any = call->self->roles & (MEMBER_ADMIN | MEMBER_AUDITOR);
	if (!*publisher) return any ? 0 : call->self->id;
	return m && (any || m->id == call->self->id) ? m->id : -1;
}

static enum isac_err look_at(struct who *w, const struct report *report, uint64_t after_id)
{
	struct store_range_ask ask = {.seq = report->seq,
				      .after_id = after_id,
				      .max = WIRE_LIMIT_WHO_RANGES - w->looked_at,
				      .withdrawn = report->withdrawn_seq > 0};
	w->report = report;
	w->at_seq = report->seq;
	return store_select_ranges(w->call->q->db, &ask, take_range, w);
}

/* From the row at from_seq on, there from the range behind after_id on. */
static enum isac_err look_at_all(struct who *w, const struct report *report, uint64_t from_seq, uint64_t after_id)
{
	struct store_db *db = w->call->q->db;
	uint64_t seqs[WIRE_LIMIT_ITEMS];
	size_t n = 0;
	enum isac_err err = from_seq > report->seq ? ISAC_OK : look_at(w, report, after_id);
	if (!err) err = store_select_releases(db, report->seq, seqs, &n);
	for (size_t i = 0; !err && i < n && w->looked_at < WIRE_LIMIT_WHO_RANGES; i++) {
		struct report *release = NULL;
		size_t found = 0;
		if (seqs[i] < from_seq) continue;
		err = store_select_page(db, seqs[i] - 1, seqs[i], 1, 1, &release, &found);
		if (!err && found && release->items) err = look_at(w, release, seqs[i] == from_seq ? after_id : 0);
		if (found) report_unref(&release);
	}
	return err;
}

static enum isac_err list(struct query_call *call, const Isac1__Who *ask, const struct report *report, Isac1__WhoResult *rest)
{
	struct who w = {.call = call, .at_seq = rest->seq};
	uint64_t from_seq = rest->seq, after_id = 0;
	uint8_t cursor[PLACE + QUERY_CURSOR_TAG];
	const uint8_t *key = call->q->conf.cursor_key;
	if (ask->cursor.len) {
		if (query_cursor_check(ask->cursor.data, ask->cursor.len, PLACE, key, call->self->name, "who") ||
		    wire_get_u64(ask->cursor.data + 8) != rest->seq)
			return query_refuse(call, ISAC_ERR_BAD_CURSOR, "this cursor is not from a page of this question");
		after_id = wire_get_u64(ask->cursor.data);
		from_seq = wire_get_u64(ask->cursor.data + 16);
	}
	rest->removed = !report || !report->items;
	struct sent_name name;
	enum isac_err err = ISAC_OK;
	if (!rest->removed && sent_original(&name, report, call->roster)) err = sent_find(&w.original, call->q->db, call->roster, &name);
	if (!err && !rest->removed && report->withdrawn_seq) err = store_select_told(call->q->db, report->seq, take_told, &w);
	if (!err && !rest->removed) err = look_at_all(&w, report, from_seq, after_id);
	rest->withdrawn_us = w.withdrawn_us;
	query_match_clear(&w.kept);
	sent_destroy(&w.original);
	if (err) return query_refuse(call, err, isac_err_text(err));
	if (w.looked_at == WIRE_LIMIT_WHO_RANGES) {
		wire_put_u64(cursor, w.last_id);
		wire_put_u64(cursor + 8, rest->seq);
		wire_put_u64(cursor + 16, w.at_seq);
		query_cursor_seal(cursor, cursor, PLACE, key, call->self->name, "who");
		rest->cursor = (ProtobufCBinaryData){sizeof(cursor), cursor};
	}
	wire_pack(call->out, &rest->base);
	rest->cursor = (ProtobufCBinaryData){0, NULL}; /* packed: it ends with this function */
	return call->out->err;
}

enum isac_err query_who(struct query_call *call)
{
	const Isac1__Who *ask = (const Isac1__Who *)call->ask;
	struct report *reports[REPORTS_MAX];
	struct store_report_key keys[REPORTS_MAX];
	size_t n = 0;
	if (ask->report_id.len != WIRE_ID) return query_refuse(call, ISAC_ERR_BAD_VALUE, "a report_id is 16 bytes");
	if (*ask->publisher && !wire_name_ok(ask->publisher))
		return query_refuse(call, ISAC_ERR_BAD_VALUE, "a publisher's name is not a name");
	enum isac_err err = query_await_ranges(call); /* first, so that it takes as long for a report that does not exist */
	if (err) return err;
	int32_t publisher_id = whose(call, ask->publisher);
	if (publisher_id < 0) return not_found(call);
	err = store_select_report_id(call->q->db, ask->report_id.data, publisher_id, NULL, reports, keys, REPORTS_MAX, &n);
	if (err) return query_refuse(call, err, isac_err_text(err));
	if (!n) return not_found(call);
	size_t at = choose(call, keys, n);
	const struct member *publisher = member_roster_by_id(call->roster, keys[at].publisher_id);
	Isac1__WhoResult rest = ISAC1__WHO_RESULT__INIT;
	rest.seq = keys[at].seq;
	rest.received_us = keys[at].received_us;
	rest.publisher = publisher ? (char *)(uintptr_t)publisher->name : rest.publisher;
	err = list(call, ask, reports[at], &rest);
	for (size_t i = 0; i < n; i++) report_unref(&reports[i]);
	return err;
}
