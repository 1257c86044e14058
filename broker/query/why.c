/*
 * why: WHY. Why did I get this report, or not? For each of the asker's subscriptions: what the ranges say that it was sent, else which
 * tests of the filter kept it out, or where the subscription stands.
 *
 * A report that the asker may not see is as one that does not exist. Held items are told of as held; whether they would have
 * matched, only to those who may ask for held items.
 */
#include "query/priv.h"
#include "sent/sent.h"

#include <stdlib.h>
#include <string.h>

enum { REPORTS_MAX = 64, ROWS_MAX = WIRE_LIMIT_SUBSCRIPTIONS * 2, TEST_BYTES = 256 };
/* README section 10 */
enum state { SENT = 1, MAYBE = 2, FILTER = 3, HELD = 4, BEFORE = 5, PASSED = 6, WAITING = 7 };

struct why_row {
	Isac1__WhySubscription msg;
	char name[WIRE_LIMIT_NAME_BYTES + 1];
	bool is_judged; /* a range has said what became of it */
};

struct why {
	struct query_call *call;
	const Isac1__Why *ask;
	const struct report *report;
	struct sent *original; /* who was sent what it is about; NULL: it is about nothing */
	struct query_match_kept kept;
	struct why_row *rows;
	size_t n;
	bool is_release; /* `report` is a row that released held items of the one asked about, and says what became of these */
	enum isac_err err;
};

/* ---- texts and traces ---------------------------------------------------------------------------- */

/* A copy in the arena, cut between characters. */
static char *cut(struct query_call *call, const char *text, size_t max)
{
	size_t len = strlen(text);
	if (len > max)
		for (len = max - 3; len && ((uint8_t)text[len] & 0xc0) == 0x80;) len--;
	char *copy = wire_arena_alloc(call->arena, len + sizeof("..."));
	if (!copy) return NULL;
	snprintf(copy, len + sizeof("..."), "%.*s%s", (int)len, text, text[len] ? "..." : "");
	return copy;
}

static bool add_tests(struct why *w, struct why_row *row, const struct filter_trace *trace, uint32_t n)
{
	struct query_call *call = w->call;
	Isac1__WhyTest *tests = wire_arena_alloc(call->arena, (n + 1) * sizeof(*tests));
	row->msg.tests = wire_arena_alloc(call->arena, (n + 1) * sizeof(*row->msg.tests));
	if (!tests || !row->msg.tests) return false;
	for (uint32_t i = 0; i < n; i++) {
		isac1__why_test__init(&tests[i]);
		tests[i].text = cut(call, filter_trace_text(trace, i), TEST_BYTES);
		tests[i].negated = filter_trace_negated(trace, i);
		if (!tests[i].text) return false;
		row->msg.tests[i] = &tests[i];
	}
	row->msg.n_tests = n;
	return true;
}

/* Numbers of those of the first n that are set. */
static bool add_numbers(struct query_call *call, uint32_t **out, size_t *out_n, const bool *set, uint32_t n)
{
	*out = wire_arena_alloc(call->arena, (n + 1) * sizeof(**out));
	for (uint32_t i = 0; *out && i < n; i++)
		if (set[i]) (*out)[(*out_n)++] = i;
	return *out != NULL;
}

static bool add_item(struct why *w, struct why_row *row, const struct filter_trace *trace, const struct member *self, uint32_t index,
		     uint32_t n, bool *flags)
{
	struct query_call *call = w->call;
	uint32_t all = filter_trace_tests(trace);
	Isac1__WhyItem *item = wire_arena_alloc(call->arena, sizeof(*item));
	if (!item) return false;
	isac1__why_item__init(item);
	item->index = index;
	item->matches = filter_trace_item(trace, w->report, index, self, flags, flags + all);
	row->msg.traces[row->msg.n_traces++] = item;
	return add_numbers(call, &item->holds, &item->n_holds, flags, n) &&
	       add_numbers(call, &item->blamed, &item->n_blamed, flags + all, n);
}

/* Which tests hold for which items. Held items are left out where the asker may not know of them. */
static bool add_traces(struct why *w, struct why_row *row, const struct filter *filter, const struct member *self)
{
	bool shows_held = query_match_shows_held(w->call->self, w->report), ok = false;
	struct filter_trace *trace = NULL;
	row->msg.traces = wire_arena_alloc(w->call->arena, WIRE_LIMIT_WHY_ITEMS * sizeof(*row->msg.traces));
	if (!row->msg.traces || filter_trace_new(&trace, filter)) return false;
	uint32_t all = filter_trace_tests(trace), n = all < WIRE_LIMIT_WHY_TESTS ? all : WIRE_LIMIT_WHY_TESTS;
	bool *flags = calloc(all * 2 + 1, sizeof(*flags));
	ok = flags && add_tests(w, row, trace, n);
	for (uint32_t i = 0; ok && i < w->report->n && row->msg.n_traces < WIRE_LIMIT_WHY_ITEMS; i++) {
		if (w->ask->item_plus1 ? i + 1 != w->ask->item_plus1 : false) continue;
		if (!report_is_held(w->report, i) || shows_held) ok = add_item(w, row, trace, self, i, n, flags);
	}
	free(flags);
	filter_trace_destroy(&trace);
	return ok;
}

/* ---- judging --------------------------------------------------------------------------------------- */

struct verdict {
	bool may_see;
	uint32_t items, held; /* that match, of those asked about */
};

/* The report, or its one item that was asked about, as a feed with this filter and entitlement sees it. */
static struct verdict judge(const struct why *w, const struct filter *filter, const struct member *self, const char *name)
{
	uint8_t shown[WIRE_LIMIT_ITEMS / 8 + 1];
	struct verdict v = {.may_see = query_match_visible(self, w->report)};
	uint32_t one = w->ask->item_plus1 - 1;
	v.items = query_match_items(filter, self, w->report, shown, &v.held);
	if (v.may_see && w->original) v.items += sent_follow(w->original, w->report, self->id, name, shown);
	if (!w->ask->item_plus1) return v;
	v.items = shown[one / 8] >> one % 8 & 1;
	v.held = v.held && report_is_held(w->report, one) && filter_match(filter, w->report, one, self);
	return v;
}

/* Nothing that was asked about can be in a feed. */
static bool is_all_held(const struct why *w)
{
	if (w->ask->item_plus1) return report_is_held(w->report, w->ask->item_plus1 - 1);
	return w->report->n && w->report->held_count == w->report->n;
}

static struct why_row *row_for(struct why *w, const char *name)
{
	for (size_t i = 0; *name && i < w->n; i++)
		if (!strcmp(w->rows[i].name, name)) return &w->rows[i];
	if (w->n == ROWS_MAX) return NULL;
	struct why_row *row = &w->rows[w->n++];
	*row = (struct why_row){.msg = ISAC1__WHY_SUBSCRIPTION__INIT};
	snprintf(row->name, sizeof(row->name), "%s", name);
	row->msg.name = row->name;
	return row;
}

/* self: the asker, with the rights and the space of then. */
static bool explain(struct why *w, struct why_row *row, const struct filter *filter, const struct member *self, uint32_t state)
{
	row->msg.state = state;
	row->msg.n_tests = row->msg.n_traces = 0; /* of an earlier range */
	row->msg.filter = cut(w->call, filter_text(filter), WIRE_LIMIT_TEXT_BYTES);
	if (!row->msg.filter) return false;
	return (state != FILTER && !w->ask->item_plus1) || add_traces(w, row, filter, self);
}

/* What a range says outweighs what can be guessed; that it was sent outweighs that it was passed over in another session. */
static void take_range(void *arg, const struct store_range *range)
{
	struct why *w = arg;
	if (w->err || range->passed || (*w->ask->name && strcmp(w->ask->name, range->name) != 0)) return;
	const struct filter *filter = query_match_again(&w->kept, range->filter, range->compiled_us);
	struct why_row *row = filter ? row_for(w, range->name) : NULL;
	if (!row) return;
	bool certain = range->until_seq >= w->report->seq;
	struct verdict v = judge(w, filter, range->self, range->name);
	if (!v.items && !certain) return;
	uint32_t state = v.items ? (certain ? SENT : MAYBE) : v.held || is_all_held(w) ? HELD : v.may_see ? FILTER : PASSED;
	if (row->is_judged && row->msg.state <= MAYBE && row->msg.state < state) return;
	row->is_judged = true;
	if (!explain(w, row, filter, range->self, state)) w->err = ISAC_ERR_TOO_LARGE;
	if (state > MAYBE) return;
	row->msg.sent = w->is_release ? row->msg.sent + v.items : v.items;
	row->msg.from_us = range->opened_us > w->report->received_us ? range->opened_us : w->report->received_us;
	row->msg.until_us = range->closed_us;
	row->msg.acked = range->acked_seq >= w->report->seq;
}

/* No range has said anything of it: by what the subscription is now. */
static enum isac_err judge_subscription(struct why *w, const struct store_subscription *sub)
{
	struct why_row *row = row_for(w, sub->name);
	if (!row) return ISAC_OK;
	row->msg.acked_seq = sub->acked_seq;
	if (w->is_release ? row->msg.state != HELD : row->is_judged) return ISAC_OK;
	bool is_behind =
		sub->acked_seq >= w->report->seq; /* when it was compiled then, nobody knows; what is to come, it will see as of now */
	const struct filter *filter = query_match_again(&w->kept, sub->filter && *sub->filter ? sub->filter : "true",
							is_behind ? w->report->received_us : base_clock_us());
	if (!filter) return ISAC_ERR_NO_MEMORY;
	struct verdict v = judge(w, filter, w->call->self, sub->name);
	uint32_t state = WAITING;
	if (!v.items) state = v.held || is_all_held(w) ? HELD : FILTER;
	else if (is_behind || w->report->withdrawn_seq) state = sub->created_us > w->report->received_us ? BEFORE : PASSED;
	return explain(w, row, filter, w->call->self, state) ? ISAC_OK : ISAC_ERR_TOO_LARGE;
}

/* This row of the report, by all ranges and subscriptions. */
static enum isac_err judge_row(struct why *w, const struct store_subscription *subs, size_t n)
{
	struct store_range_ask ask = {.seq = w->report->seq,
				      .member_id = w->call->self->id,
				      .max = WIRE_LIMIT_WHO_RANGES,
				      .withdrawn = w->report->withdrawn_seq > 0};
	enum isac_err err = store_select_ranges(w->call->q->db, &ask, take_range, w);
	if (!err) err = w->err;
	for (size_t i = 0; i < n && !err; i++)
		if (!*w->ask->name || !strcmp(w->ask->name, subs[i].name)) err = judge_subscription(w, &subs[i]);
	return err;
}

/* What was held went into the feeds as rows of its own. */
static enum isac_err judge_releases(struct why *w, const struct store_subscription *subs, size_t n)
{
	const struct report *report = w->report;
	struct store_db *db = w->call->q->db;
	uint64_t seqs[WIRE_LIMIT_ITEMS];
	size_t releases = 0;
	enum isac_err err = report->held_count ? store_select_releases(db, report->seq, seqs, &releases) : ISAC_OK;
	w->is_release = true;
	for (size_t i = 0; i < releases && !err; i++) {
		struct report *release = NULL;
		size_t found = 0;
		err = store_select_page(db, seqs[i] - 1, seqs[i], 1, 1, &release, &found);
		if (!err && found && release->items && (!w->ask->item_plus1 || !report_is_held(release, w->ask->item_plus1 - 1))) {
			w->report = release;
			err = judge_row(w, subs, n);
		}
		w->report = report;
		if (found) report_unref(&release);
	}
	return err;
}

static enum isac_err judge_all(struct why *w)
{
	struct query_call *call = w->call;
	struct store_subscription *subs = NULL;
	size_t n = 0;
	bool known = !*w->ask->name;
	struct sent_name original;
	enum isac_err err = ISAC_OK;
	if (sent_original(&original, w->report, call->roster)) err = sent_find(&w->original, call->q->db, call->roster, &original);
	if (!err) err = store_select_subscriptions(call->q->db, call->self->id, &subs, &n);
	if (!err) err = judge_row(w, subs, n);
	if (!err) err = judge_releases(w, subs, n);
	for (size_t i = 0; i < n; i++) {
		known |= !strcmp(w->ask->name, subs[i].name);
		free(subs[i].filter);
	}
	free(subs);
	if (err) return query_refuse(call, err, isac_err_text(err));
	return known || w->n ? ISAC_OK : query_refuse(call, ISAC_ERR_NOT_FOUND, "no subscription of this name");
}

/* ---- the request ---------------------------------------------------------------------------------------- */

static enum isac_err answer(struct why *w, const struct store_report_key *key)
{
	struct query_call *call = w->call;
	const struct member *publisher = member_roster_by_id(call->roster, key->publisher_id);
	Isac1__WhyResult result = ISAC1__WHY_RESULT__INIT;
	enum isac_err err = ISAC_OK;
	result.seq = key->seq;
	result.received_us = key->received_us;
	result.publisher = publisher ? (char *)(uintptr_t)publisher->name : result.publisher;
	result.removed = !w->report || !w->report->items;
	w->rows = wire_arena_alloc(call->arena, ROWS_MAX * sizeof(*w->rows));
	result.subscriptions = wire_arena_alloc(call->arena, ROWS_MAX * sizeof(*result.subscriptions));
	if (!w->rows || !result.subscriptions) return query_refuse(call, ISAC_ERR_NO_MEMORY, "out of memory");
	if (!result.removed) {
		result.items = w->report->n;
		result.held = w->report->held_count;
		if (w->ask->item_plus1 > w->report->n) return query_refuse(call, ISAC_ERR_NOT_FOUND, "the report has no such item");
		err = judge_all(w);
		query_match_clear(&w->kept);
		sent_destroy(&w->original);
	}
	for (size_t i = 0; i < w->n; i++) result.subscriptions[result.n_subscriptions++] = &w->rows[i].msg;
	if (!err) query_note_told(call, key->seq, w->n ? (uint32_t)w->n : 1);
	if (!err) wire_pack(call->out, &result.base);
	return err ? err : call->out->err;
}

/* The first report with this id that the asker may see. Of one that retention removed only its publisher knows that it was. */
static bool find(const struct query_call *call, struct report *const *reports, const struct store_report_key *keys, size_t n, size_t *at)
{
	for (*at = 0; *at < n; ++*at)
		if (reports[*at] ? query_match_visible(call->self, reports[*at]) : keys[*at].publisher_id == call->self->id) return true;
	return false;
}

enum isac_err query_why(struct query_call *call)
{
	const Isac1__Why *ask = (const Isac1__Why *)call->ask;
	struct report *reports[REPORTS_MAX];
	struct store_report_key keys[REPORTS_MAX];
	size_t n = 0, at;
	if (ask->report_id.len != WIRE_ID) return query_refuse(call, ISAC_ERR_BAD_VALUE, "a report_id is 16 bytes");
	if ((*ask->publisher && !wire_name_ok(ask->publisher)) || (*ask->name && !wire_name_ok(ask->name)))
		return query_refuse(call, ISAC_ERR_BAD_VALUE, "a name is not a name");
	enum isac_err err = query_await_ranges(call);
	if (err) return err;
	const struct member *publisher = *ask->publisher ? member_roster_find(call->roster, ask->publisher) : NULL;
	if (!*ask->publisher || publisher)
		err = store_select_report_id(call->q->db, ask->report_id.data, publisher ? publisher->id : 0, call->self, reports, keys,
					     REPORTS_MAX, &n);
	if (err) return query_refuse(call, err, isac_err_text(err));
	if (find(call, reports, keys, n, &at)) {
		struct why w = {.call = call, .ask = ask, .report = reports[at]};
		err = answer(&w, &keys[at]);
	} else err = query_refuse(call, ISAC_ERR_NOT_FOUND, "no such report");
	for (size_t i = 0; i < n; i++) report_unref(&reports[i]);
	return err;
}
