/*
 * find: what the tables say of one key. A Source that is none would accuse the wrong network, so every answer that rests on a
 * table NOT having the key needs that table to cover the whole window; what hits is a hit however much is missing.
 */
#include <string.h>
#include "edge/priv.h"

enum { DEGREE_BLOOM = 90, DEGREE_EXACT = 100 };
#define TRANSIT_US 1000000ll /* longer than a packet stays in an AS */

const char *edge_status_name(enum edge_status status)
{
	static const char *const names[] = {"Transit", "Source", "Destination", "Internal", "NotFound", "Unknown"};

	return names[status];
}

const char *edge_gap_text(enum edge_gap gap)
{
	static const char *const texts[] = {
		"covered",
		"already gone: so old pages are not kept",
		"not saved yet: pages are saved each minute",
		"captured with another epoch key",
		"a page is damaged",
		"not captured: isac-edge did not run, or did not watch this neighbour",
	};

	return texts[gap];
}

/* One slot's share of the question. */
struct share {
	bool has, other_epoch, damaged;
	int64_t next_us; /* the first instant of the window that no page covers */
};

struct question {
	struct edge_answer *answer;
	struct edge_table *table;
	const uint8_t *key, *key_id;
	unsigned degree;	  /* the least of the pages asked */
	int64_t ask_from, ask_to; /* pages that touch this are asked */
	int64_t hit_from, hit_to; /* of the pages that have the key: somewhere in here it passed */
};

/* A page from..to of the slot, in the order of from; has: it has the key. */
static void take(struct question *q, struct share *s, const struct edge_page_head *head, bool has)
{
	const unsigned degree = head->kind == EDGE_EXACT ? DEGREE_EXACT : DEGREE_BLOOM;

	s->has |= has;
	if (has && head->from_us < q->hit_from) q->hit_from = head->from_us;
	if (has && head->to_us > q->hit_to) q->hit_to = head->to_us;
	if (head->from_us <= s->next_us && head->to_us >= s->next_us) s->next_us = head->to_us + 1;
	if (degree < q->degree) q->degree = degree;
	q->answer->seen += head->packets;
	q->answer->unseen += head->unseen;
}

static bool concerns(const struct question *q, struct share *s, const struct edge_page_head *head, struct edge_slot slot)
{
	if (head->slot.as != slot.as || head->slot.way != slot.way) return false;
	if (head->to_us < q->ask_from || head->from_us > q->ask_to) return false;
	if (!q->key_id || memcmp(q->key_id, head->key_id, EDGE_KEY_ID) == 0) return true;
	s->other_epoch = true;
	return false;
}

static enum isac_err ask_saved(struct question *q, struct share *s, struct edge_slot slot)
{
	for (size_t i = 0; i < q->table->saved_n; i++) {
		struct edge_saved *page = &q->table->saved[i];
		bool has = false;
		enum isac_err err;

		if (!concerns(q, s, &page->head, slot)) continue;
		err = edge_page_ask(&has, q->table->dir, page->name, q->key, !page->checked);
		if (err == ISAC_ERR_MALFORMED || err == ISAC_ERR_NOT_FOUND) { /* not found: expired while we looked */
			s->damaged |= err == ISAC_ERR_MALFORMED;
			continue;
		}
		if (err) return err;
		page->checked = true;
		take(q, s, &page->head, has);
	}
	return ISAC_OK;
}

static void ask_open(struct question *q, struct share *s, const struct edge_open *open)
{
	struct edge_page_head head = {.kind = open->page.kind,
				      .slot = open->slot,
				      .from_us = open->from_us,
				      .to_us = open->to_us > q->table->now_us ? open->to_us : q->table->now_us,
				      .packets = open->page.packets,
				      .unseen = open->unseen};

	memcpy(head.key_id, q->table->conf.key_id, EDGE_KEY_ID);
	if (q->table->open && open->page.data && concerns(q, s, &head, open->slot)) take(q, s, &head, edge_page_has(&open->page, q->key));
}

/* Why the window is not covered from s->next_us on. */
static enum edge_gap gap_of(const struct question *q, const struct share *s)
{
	if (q->answer->from_us < q->table->horizon_us) return EDGE_GONE;
	if (s->other_epoch) return EDGE_OTHER_EPOCH;
	if (s->damaged) return EDGE_DAMAGED;
	return s->next_us > q->answer->table_to ? EDGE_NOT_YET : EDGE_NOT_CAPTURED;
}

static enum isac_err ask_slot(struct question *q, const struct edge_open *open)
{
	struct edge_answer *a = q->answer;
	struct share s = {.next_us = a->from_us};
	enum isac_err err;

	err = ask_saved(q, &s, open->slot);
	if (err) return err;
	ask_open(q, &s, open);
	if (s.has && open->slot.way == EDGE_IN) a->in_as[a->in_n++] = open->slot.as;
	if (s.has && open->slot.way == EDGE_OUT) a->out_as[a->out_n++] = open->slot.as;
	if (s.has && open->slot.way == EDGE_INSIDE) a->inside = true;
	if (!s.has && s.next_us <= a->to_us) {
		const enum edge_gap gap = gap_of(q, &s);

		if (!a->gap || gap < a->gap) a->gap = gap;
	}
	return ISAC_OK;
}

static void conclude(struct question *q)
{
	struct edge_answer *a = q->answer;
	const bool negative = !a->in_n || !a->out_n; /* rests on a table that does not have it */

	a->degree = q->degree;
	if (!negative) a->status = EDGE_TRANSIT;
	else if (a->gap) a->status = EDGE_UNKNOWN;
	else if (a->out_n) a->status = EDGE_SOURCE;
	else if (a->in_n) a->status = EDGE_DESTINATION;
	else a->status = a->inside ? EDGE_INTERNAL : EDGE_NOT_FOUND;
	if (a->status == EDGE_UNKNOWN) a->degree = 0;
	else if (negative && a->unseen) a->degree = (unsigned)((double)q->degree * (double)a->seen / (double)(a->seen + a->unseen));
}

/* All slots, and the pages that touch from..to. */
static enum isac_err ask_all(struct question *q, int64_t from_us, int64_t to_us)
{
	struct edge_answer *a = q->answer;
	enum isac_err err = ISAC_OK;

	a->in_n = a->out_n = 0;
	a->seen = a->unseen = 0;
	a->inside = false;
	a->gap = q->table->slots_n ? EDGE_COVERED : EDGE_NOT_CAPTURED;
	q->degree = DEGREE_EXACT;
	q->ask_from = from_us;
	q->ask_to = to_us;
	q->hit_from = INT64_MAX;
	q->hit_to = INT64_MIN;
	for (size_t i = 0; !err && i < q->table->slots_n; i++) err = ask_slot(q, &q->table->slots[i]);
	return err;
}

enum isac_err edge_table_find(struct edge_answer *out, struct edge_table *table, const uint8_t key[EDGE_KEY],
			      const uint8_t key_id[EDGE_KEY_ID], int64_t at_us, int64_t tolerance_us)
{
	struct question q = {.answer = out, .table = table, .key = key, .key_id = key_id};
	const int64_t from = at_us - tolerance_us, to = at_us + tolerance_us;
	struct edge_table_stats stats;
	enum isac_err err;

	edge_table_stats(&stats, table);
	memset(out, 0, sizeof *out);
	out->from_us = from;
	out->to_us = to;
	out->table_from = stats.from_us;
	out->table_to = table->open && table->now_us > stats.to_us ? table->now_us : stats.to_us;
	err = ask_all(&q, from, to);
	/*
	 * A page is wider than the window: a hit may be of a packet that passed just outside of it, in by this page and out by the
	 * next one. So the pages around a hit are asked, too.
	 */
	if (!err && q.hit_to >= q.hit_from)
		err = ask_all(&q, q.hit_from < from ? q.hit_from - TRANSIT_US : from - TRANSIT_US,
			      q.hit_to > to ? q.hit_to + TRANSIT_US : to + TRANSIT_US);
	if (!err) conclude(&q);
	return err;
}
