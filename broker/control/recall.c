/*
 * recall: who had been sent what is not to be used any more? Found by matching again, as WHO does, when a report is erased; when a key
 * is revoked, for all that it signed, in steps between commands. Whoever is found is told by the feed.
 */
#include "control/priv.h"

#include <stdlib.h>
#include <string.h>

enum {
	REPORTS_MAX = 64, /* a step, so that commands get their turn */
	SEQS_MAX = 20000, /* looked at in a step */
	RANGES_PAGE = 1000,
	SETTLE_US = 5000000, /* reports that were verified before the revocation may still be on their way to the store */
	WRITTEN_MS = 3000,
	POLL_MS = 2,
};

struct finding {
	const struct report *report;
	int64_t recall_id;
	struct query_match_kept kept;
	struct store_recalled *row;
	size_t n, cap;
	uint64_t last_id;
	size_t looked_at;
	bool no_memory;
};

static void add(struct finding *f, const struct store_range *range, uint32_t items)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;
		struct store_recalled *more = realloc(f->row, cap * sizeof(*more));
		f->no_memory |= !more;
		if (!more) return;
		f->row = more;
		f->cap = cap;
	}
	struct store_recalled *r = &f->row[f->n++];
	*r = (struct store_recalled){.recall_id = f->recall_id,
				     .member_id = range->self->id,
				     .seq = f->report->seq,
				     .items = items,
				     .maybe = range->until_seq < f->report->seq};
	memcpy(r->report_id, f->report->header->report_id.data, WIRE_ID);
	snprintf(r->name, sizeof(r->name), "%s", range->name);
}

static void take_range(void *arg, const struct store_range *range)
{
	struct finding *f = arg;
	f->last_id = range->id;
	f->looked_at++;
	if (range->passed) return;
	const struct filter *filter = query_match_again(&f->kept, range->filter, range->compiled_us);
	uint32_t items = filter ? query_match_items(filter, range->self, f->report, NULL, NULL) : 0;
	if (items) add(f, range, items);
}

static enum isac_err find_receivers(struct store_db *db, struct finding *f, const struct report *report)
{
	/* When it is being withdrawn right now, it does not say so yet. */
	struct store_range_ask ask = {.seq = report->seq, .max = RANGES_PAGE, .withdrawn = report->withdrawn_seq > 0};
	enum isac_err err = ISAC_OK;
	f->report = report;
	if (!report->items) return ISAC_OK;
	do {
		f->looked_at = 0;
		err = store_select_ranges(db, &ask, take_range, f);
		ask.after_id = f->last_id;
	} while (!err && f->looked_at == RANGES_PAGE);
	return err ? err : f->no_memory ? ISAC_ERR_NO_MEMORY : ISAC_OK;
}

static void clear(struct finding *f)
{
	query_match_clear(&f->kept);
	free(f->row);
}

enum isac_err control_recall_await(const struct control_conf *conf)
{
	uint64_t ticket;
	int64_t until_us = base_clock_mono_us() + WRITTEN_MS * 1000;
	if (!conf->ask_ranges || !conf->ask_ranges(conf->arg, &ticket)) return ISAC_ERR_UNAVAILABLE;
	while (!conf->are_written(conf->arg, ticket)) {
		if (base_clock_mono_us() > until_us) return ISAC_ERR_UNAVAILABLE;
		(void)poll(NULL, 0, POLL_MS);
	}
	return ISAC_OK;
}

enum isac_err control_recall_receivers(struct store_db *db, const struct report *report, int64_t recall_id, struct wire_buf *rows,
				       const struct member_roster *roster)
{
	struct finding f = {.recall_id = recall_id};
	enum isac_err err = find_receivers(db, &f, report);
	if (!err) err = store_insert_recalled(db, f.row, f.n);
	for (size_t i = 0; !err && rows && i < f.n; i++) {
		const struct member *m = member_roster_by_id(roster, f.row[i].member_id);
		char items[16];
		snprintf(items, sizeof(items), "%u", f.row[i].items);
		const char *cells[][2] = {{"receiver", m ? m->name : "?"},
					  {"subscription", f.row[i].name},
					  {"items", items},
					  {"state", f.row[i].maybe ? "maybe-sent" : "sent"}};
		control_add_row(rows, cells, 4);
	}
	clear(&f);
	return err;
}

/* ---- what a revoked key signed, or an erased member published ---------------------- */

/* Its receivers first: once the content is gone nobody could find them. */
static enum isac_err erase(struct control *c, struct finding *f, const struct report *report)
{
	struct wire_why why = {.item = 0};
	enum isac_err err = report->items ? store_insert_recalled(c->db, f->row, f->n) : ISAC_OK;
	if (!err && report->items) err = store_erase_report(c->db, report->seq, &why);
	c->erased |= !err && report->items;
	return err;
}

/* Some of its reports. *end: up to where there are no others. */
static enum isac_err scan(struct control *c, const struct store_recall *r, uint64_t head, struct finding *f, uint64_t *end)
{
	struct report *reports[REPORTS_MAX];
	size_t n = 0;
	*end = head - r->scanned_seq > SEQS_MAX ? r->scanned_seq + SEQS_MAX : head;
	enum isac_err err = store_select_signed(c->db, r, r->scanned_seq, *end, REPORTS_MAX, reports, &n);
	if (n == REPORTS_MAX) *end = reports[n - 1]->seq;
	for (size_t i = 0; i < n; i++) {
		if (!err) err = find_receivers(c->db, f, reports[i]);
		if (!err && r->reason == STORE_GAP_ERASURE) err = erase(c, f, reports[i]);
		report_unref(&reports[i]);
	}
	return err;
}

static enum isac_err step(struct control *c, struct store_recall *r)
{
	struct finding f = {.recall_id = r->id};
	uint64_t head, end;
	bool settled = base_clock_us() - r->at_us > SETTLE_US; /* asked before the head is */
	enum isac_err err = control_recall_await(&c->conf);
	if (!err) err = store_select_head(c->db, NULL, &head);
	if (err) return err;
	if (head > r->scanned_seq) {
		err = scan(c, r, head, &f, &end);
		if (!err) err = store_insert_recalled(c->db, f.row, f.n);
		if (!err) r->scanned_seq = end;
	}
	r->done = !err && settled && r->scanned_seq >= head;
	if (!err) err = store_update_recall(c->db, r);
	if ((f.n || c->erased) && c->conf.recalled) c->conf.recalled(c->conf.arg, c->erased);
	c->erased = false;
	c->recall_idle = err || r->scanned_seq >= head;
	clear(&f);
	return err;
}

bool control_recall_step(struct control *c)
{
	struct store_recall r;
	enum isac_err err = store_select_recall(c->db, &r);
	c->recall_idle = true;
	if (!err && r.id) err = step(c, &r);
	if (err) base_log_limited(1, BASE_LOG_WARN, "recall.step", "err=%s", isac_err_name(err));
	return err || r.id;
}
