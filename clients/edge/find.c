/*
 * find: what the tables say of one key. A Source that is none would accuse the wrong network, so every answer that rests on a
 * table NOT having the key needs that table to cover the whole window; what hits is a hit however much is missing.
 */
#include <string.h>
#include "edge/priv.h"

enum { DEGREE_BLOOM = 90, DEGREE_EXACT = 100 };

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
	unsigned degree; /* the least of the pages asked */
};

/* A page from..to of the slot, in the order of from; has: it has the key. */
static void take(struct question *q, struct share *s, const struct edge_page_head *head, bool has)
{
	const unsigned degree = head->kind == EDGE_EXACT ? DEGREE_EXACT : DEGREE_BLOOM;

	s->has |= has;
	if (head->from_us <= s->next_us && head->to_us >= s->next_us) s->next_us = head->to_us + 1;
	if (degree < q->degree) q->degree = degree;
	q->answer->seen += head->packets;
	q->answer->unseen += head->unseen;
}

static bool concerns(const struct question *q, struct share *s, const struct edge_page_head *head, struct edge_slot slot)
{
	if (head->slot.as != slot.as || head->slot.way != slot.way) return false;
	if (head->to_us < q->answer->from_us || head->from_us > q->answer->to_us) return false;
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

enum isac_err edge_table_find(struct edge_answer *out, struct edge_table *table, const uint8_t key[EDGE_KEY],
			      const uint8_t key_id[EDGE_KEY_ID], int64_t at_us, int64_t tolerance_us)
{
	struct question q = {out, table, key, key_id, DEGREE_EXACT};
	struct edge_table_stats stats;
	enum isac_err err = ISAC_OK;

	edge_table_stats(&stats, table);
	memset(out, 0, sizeof *out);
	out->from_us = at_us - tolerance_us;
	out->to_us = at_us + tolerance_us;
	out->table_from = stats.from_us;
	out->table_to = table->open && table->now_us > stats.to_us ? table->now_us : stats.to_us;
	for (size_t i = 0; !err && i < table->slots_n; i++) err = ask_slot(&q, &table->slots[i]);
	if (!err && !table->slots_n) out->gap = EDGE_NOT_CAPTURED;
	if (!err) conclude(&q);
	return err;
}
