/*
 * One row a subscription, with the items of the report that it was sent. A successor was itself sent to some because of the report that
 * it replaces: so this goes back along the chain, as far as GENERATIONS.
 */
#include "sent/sent.h"

#include <stdlib.h>
#include <string.h>

enum { GENERATIONS = 8, RANGES_A_PAGE = 1000, BITS = WIRE_LIMIT_ITEMS / 8 + 1 };

struct row {
	int32_t member_id;
	char name[WIRE_LIMIT_NAME_BYTES + 1];
	uint8_t bits[BITS];
};

struct sent {
	struct report *report; /* NULL: gone */
	struct report_keys keys;
	uint64_t release[WIRE_LIMIT_ITEMS]; /* seqs at which held items of it were released, ascending */
	size_t releases;
	struct row *row; /* by member_id and name */
	size_t n, cap;
};

struct finding {
	struct sent *sent;
	const struct report *report; /* the one at hand: it, or a release of it */
	const struct sent *before;   /* of what the report itself is about; NULL: nothing */
	struct filter *filter;	     /* of the last range: neighbours often have the same */
	char *text;
	int64_t now_us;
	uint64_t last_id;
	size_t looked_at;
	enum isac_err err;
};

bool sent_original(struct sent_name *out, const struct report *report, const struct member_roster *roster)
{
	const uint8_t *id = report_original(report);
	const struct member *m;

	if (!id) return false;
	memcpy(out->report_id, id, WIRE_ID);
	out->publisher_id = report->publisher_id;
	if (!report->header->about.len) return true;
	m = roster ? member_roster_find(roster, report->header->about_publisher) : NULL;
	out->publisher_id = m ? m->id : 0;
	return m != NULL;
}

void sent_destroy(struct sent **sent)
{
	if (!*sent) return;
	report_unref(&(*sent)->report);
	free((*sent)->row);
	free(*sent);
	*sent = NULL;
}

uint64_t sent_before(const struct sent *sent, uint64_t seq)
{
	uint64_t last = sent->report && sent->report->seq < seq ? sent->report->seq : 0;

	for (size_t i = 0; i < sent->releases && sent->release[i] < seq; i++) last = sent->release[i];
	return last;
}

/* ---- one range ------------------------------------------------------------------------------------ */

static const struct filter *compile(struct finding *g, const struct store_range *range)
{
	struct filter_error why;

	if (g->text && g->now_us == range->compiled_us && !strcmp(g->text, range->filter)) return g->filter;
	filter_destroy(&g->filter);
	free(g->text);
	g->text = strdup(range->filter);
	g->now_us = range->compiled_us;
	if (!g->text) g->err = ISAC_ERR_NO_MEMORY;
	else if (filter_parse(&g->filter, g->text, strlen(g->text), g->now_us, &why))
		base_log_limited(1, BASE_LOG_ERROR, "sent.filter", "column=%u text=\"%s\"", why.column, why.text);
	return g->filter;
}

static bool match(struct finding *g, const struct store_range *range, uint8_t bits[BITS])
{
	const struct report *r = g->report;
	const struct filter *filter = compile(g, range);
	uint32_t n = 0;

	memset(bits, 0, BITS);
	if (!filter || !r->audience || !member_may_see(range->self, r->audience, r->publisher_id)) return false;
	for (uint32_t i = 0; i < r->n; i++) {
		if (report_is_held(r, i) || !filter_match(filter, r, i, range->self)) continue;
		bits[i / 8] |= (uint8_t)(1u << i % 8);
		n++;
	}
	if (g->before) n += sent_follow(g->before, r, range->self->id, range->name, bits);
	return n > 0;
}

static void take_range(void *arg, const struct store_range *range)
{
	struct finding *g = arg;
	struct sent *s = g->sent;
	struct row *more;
	uint8_t bits[BITS];

	g->last_id = range->id;
	g->looked_at++;
	if (g->err || range->passed || !match(g, range, bits)) return;
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;

		more = realloc(s->row, cap * sizeof(*more));
		if (!more) {
			g->err = ISAC_ERR_NO_MEMORY;
			return;
		}
		s->row = more;
		s->cap = cap;
	}
	more = &s->row[s->n++];
	more->member_id = range->self->id;
	snprintf(more->name, sizeof(more->name), "%s", range->name);
	memcpy(more->bits, bits, BITS);
}

static int by_subscription(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->member_id != y->member_id) return x->member_id < y->member_id ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* One row for the same subscription's ranges. */
static void merge(struct sent *s)
{
	size_t n = 0;

	if (s->n) qsort(s->row, s->n, sizeof(*s->row), by_subscription);
	for (size_t i = 0; i < s->n; i++) {
		if (n && !by_subscription(&s->row[n - 1], &s->row[i])) {
			for (size_t k = 0; k < BITS; k++) s->row[n - 1].bits[k] |= s->row[i].bits[k];
			continue;
		}
		if (n < i) s->row[n] = s->row[i];
		n++;
	}
	s->n = n;
}

/* ---- all of them ----------------------------------------------------------------------------------- */

static enum isac_err load(struct sent *s, struct store_db *db, const struct sent_name *name)
{
	struct store_report_key key;
	size_t n = 0;
	enum isac_err err = store_select_report_id(db, name->report_id, name->publisher_id, NULL, &s->report, &key, 1, &n);

	if (!err && s->report && !s->report->items) report_unref(&s->report);
	if (!err && s->report) report_keys_sort(&s->keys, s->report);
	return err;
}

static enum isac_err find_ranges(struct finding *g, struct store_db *db, const struct report *report)
{
	struct store_range_ask ask = {.seq = report->seq, .max = RANGES_A_PAGE, .withdrawn = report->withdrawn_seq > 0};
	enum isac_err err;

	g->report = report;
	g->last_id = 0;
	do {
		g->looked_at = 0;
		ask.after_id = g->last_id;
		err = store_select_ranges(db, &ask, take_range, g);
	} while (!err && !g->err && g->looked_at == RANGES_A_PAGE);
	return err ? err : g->err;
}

static enum isac_err find_all(struct finding *g, struct store_db *db)
{
	struct sent *s = g->sent;
	enum isac_err err = find_ranges(g, db, s->report);

	if (!err) err = store_select_releases(db, s->report->seq, s->release, &s->releases);
	for (size_t i = 0; !err && i < s->releases; i++) {
		struct report *release = NULL;
		size_t found = 0;

		err = store_select_page(db, s->release[i] - 1, s->release[i], 1, 1, &release, &found);
		if (!err && found && release->items) err = find_ranges(g, db, release);
		if (found) report_unref(&release);
	}
	filter_destroy(&g->filter);
	free(g->text);
	return err;
}

static enum isac_err find(struct sent **out, struct store_db *db, const struct member_roster *roster, const struct sent_name *name,
			  unsigned generations)
{
	struct sent *s = *out = calloc(1, sizeof(*s)), *before = NULL;
	struct finding g = {.sent = s};
	struct sent_name original;
	enum isac_err err = s ? load(s, db, name) : ISAC_ERR_NO_MEMORY;

	if (!err && s->report && generations && sent_original(&original, s->report, roster))
		err = find(&before, db, roster, &original, generations - 1);
	g.before = before;
	if (!err && s->report) err = find_all(&g, db);
	sent_destroy(&before);
	if (err) sent_destroy(out);
	else merge(s);
	return err;
}

enum isac_err sent_find(struct sent **out, struct store_db *db, const struct member_roster *roster, const struct sent_name *name)
{
	return find(out, db, roster, name, GENERATIONS);
}

/* ---- what follows -------------------------------------------------------------------------------------- */

static const struct row *row_of(const struct sent *s, int32_t member_id, const char *name)
{
	struct row key = {.member_id = member_id};

	snprintf(key.name, sizeof(key.name), "%s", name);
	return s->n ? bsearch(&key, s->row, s->n, sizeof(*s->row), by_subscription) : NULL;
}

uint32_t sent_follow(const struct sent *sent, const struct report *report, int32_t member_id, const char *name, uint8_t *shown)
{
	const struct row *row = sent->report ? row_of(sent, member_id, name) : NULL;
	uint32_t n = 0;

	if (!row && !(sent->report && sent->report->publisher_id == member_id)) return 0;
	for (uint32_t i = 0; i < report->n; i++) {
		uint32_t at;

		if (!report->items[i].value.type || report_is_held(report, i) || shown[i / 8] >> i % 8 & 1) continue;
		at = sent->report->sealed ? 0 : report_keys_find(&sent->keys, report->items[i].key); /* what it held nobody here knows */
		if (at == sent->report->n || (row && !(row->bits[at / 8] >> at % 8 & 1) && sent->report->publisher_id != member_id))
			continue;
		shown[i / 8] |= (uint8_t)(1u << i % 8);
		n++;
	}
	return n;
}
