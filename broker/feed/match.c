/*
 * Whom does a report concern? It is matched once, as it enters the ring, against the set of all sessions' filters; what was hit is noted
 * in its slot, and each session's hits are a chain from slot to slot. So a session that gets nothing costs nothing, and equal
 * selections of items are one share, encoded once.
 *
 * A hit says that the filter matches. Whether the member may see it is asked when it is sent.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

enum { BITS_MAX = (WIRE_LIMIT_ITEMS + 7) / 8, NO_SHARE = UINT32_MAX - 1 };

struct touched {
	uint32_t slot;
	size_t bits_at;
};

/* Room to work in, kept from report to report. */
struct feed_match {
	uint32_t epoch;
	uint32_t *seen; /* by session's slot: the epoch in which it was touched */
	uint32_t *where;
	struct touched *touched;
	uint32_t touched_n;
	struct wire_buf bits;
	size_t bits_len; /* of this report's items */
	uint32_t item;
	uint32_t *table; /* shares by hash, 1 + index */
	size_t table_cap;
};

enum isac_err feed_match_init(struct feed *f)
{
	struct feed_match *m = f->match = calloc(1, sizeof(*m));

	if (!m) return ISAC_ERR_NO_MEMORY;
	wire_buf_init(&m->bits, (size_t)f->sessions_cap * BITS_MAX);
	m->seen = calloc(f->sessions_cap, sizeof(*m->seen));
	m->where = calloc(f->sessions_cap, sizeof(*m->where));
	m->touched = calloc(f->sessions_cap, sizeof(*m->touched));
	f->everything = calloc(f->sessions_cap, sizeof(*f->everything));
	if (!m->seen || !m->where || !m->touched || !f->everything) return ISAC_ERR_NO_MEMORY;
	return filter_set_new(&f->set);
}

void feed_match_clear(struct feed *f)
{
	struct feed_match *m = f->match;

	if (m) {
		wire_buf_clear(&m->bits);
		free(m->seen);
		free(m->where);
		free(m->touched);
		free(m->table);
		free(m);
	}
	free(f->everything);
	filter_set_destroy(&f->set);
}

/* ---- who is asked ---- */

static uint32_t slot_of(const struct feed *f, const struct feed_session *s)
{
	return (s->sub - 1) % f->sessions_cap;
}

enum isac_err feed_match_add(struct feed *f, struct feed_session *s)
{
	s->indexed_after = f->ring.last;
	s->hit_seq = s->last_hit_seq = 0;
	if (!s->everything) return filter_set_add(f->set, slot_of(f, s), s->filter, s->self);
	s->everything_at = f->everything_n;
	f->everything[f->everything_n++] = slot_of(f, s);
	return ISAC_OK;
}

void feed_match_remove(struct feed *f, struct feed_session *s)
{
	uint32_t last;

	if (!s->everything) {
		filter_set_remove(f->set, slot_of(f, s));
		return;
	}
	last = f->everything[--f->everything_n];
	f->everything[s->everything_at] = last;
	f->session[last]->everything_at = s->everything_at;
}

void feed_match_rebuild(struct feed *f)
{
	struct filter_set *set = NULL;
	enum isac_err err = filter_set_new(&set);
	uint32_t i;

	for (i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];
		if (!s || !s->open || s->everything) continue;
		if (!err && !filter_set_add(set, i, s->filter, s->self)) continue;
		feed_send_error(f, s->rid, s->rid_len, 0, s->sub, ISAC_ERR_UNAVAILABLE, NULL);
		feed_session_close(f, s);
	}
	if (err) return; /* the old one is empty now */
	filter_set_destroy(&f->set);
	f->set = set;
}

/* ---- one report ---- */

static bool touch(struct feed_match *m, uint32_t id)
{
	uint8_t *bits;

	if (m->seen[id] == m->epoch) return true;
	bits = wire_buf_extend(&m->bits, m->bits_len);
	if (!bits) return false;
	memset(bits, 0, m->bits_len);
	m->seen[id] = m->epoch;
	m->where[id] = m->touched_n;
	m->touched[m->touched_n++] = (struct touched){id, m->bits.len - m->bits_len};
	return true;
}

static void on_hit(void *arg, uint32_t id)
{
	struct feed_match *m = arg;

	if (!touch(m, id)) return;
	m->bits.data[m->touched[m->where[id]].bits_at + m->item / 8] |= (uint8_t)(1u << (m->item % 8));
}

static uint32_t hash_bits(const uint8_t *bits, size_t len)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < len; i++) h = (h ^ bits[i]) * 16777619u;
	return h;
}

static bool make_table(struct feed_match *m, size_t shares)
{
	size_t cap = 16;
	uint32_t *table;

	while (cap < 2 * shares) cap *= 2;
	if (cap > m->table_cap) {
		table = realloc(m->table, cap * sizeof(*table));
		if (!table) return false;
		m->table = table;
		m->table_cap = cap;
	}
	memset(m->table, 0, m->table_cap * sizeof(*m->table));
	return true;
}

static uint32_t add_share(struct feed_slot *slot, const uint8_t *bits, size_t len)
{
	struct feed_share *share = &slot->share[slot->shares];

	*share = (struct feed_share){.bits = malloc(len)};
	if (!share->bits) return NO_SHARE;
	memcpy(share->bits, bits, len);
	share->size = report_disclosed_size(slot->report, bits);
	wire_buf_init(&share->entry, WIRE_LIMIT_REPLY_BYTES);
	return slot->shares++;
}

/* slot->share has room for another one. */
static uint32_t share_of(struct feed_match *m, struct feed_slot *slot, const uint8_t *bits)
{
	size_t at = hash_bits(bits, m->bits_len) & (m->table_cap - 1);

	for (; m->table[at]; at = (at + 1) & (m->table_cap - 1))
		if (!memcmp(slot->share[m->table[at] - 1].bits, bits, m->bits_len)) return m->table[at] - 1;
	m->table[at] = 1 + add_share(slot, bits, m->bits_len);
	return m->table[at] - 1;
}

static void add_hit(struct feed *f, struct feed_slot *slot, uint32_t session, uint32_t share)
{
	struct feed_session *s = f->session[session];
	uint32_t at = slot->hits++;

	slot->hit[at] = (struct feed_hit){.sub = s->sub, .share = share};
	if (share != FEED_SHARE_ASK) slot->share[share].users++;
	if (s->last_hit_seq) {
		struct feed_hit *last = &feed_ring_at(&f->ring, s->last_hit_seq)->hit[s->last_hit_at];
		last->next_after = (uint32_t)(slot->report->seq - s->last_hit_seq); /* the ring is shorter than that can count */
		last->next_at = at;
	} else {
		s->hit_seq = slot->report->seq;
		s->hit_at = at;
	}
	s->last_hit_seq = slot->report->seq;
	s->last_hit_at = at;
	if (s->live) feed_session_ready(f, s);
}

static bool note_hits(struct feed *f, struct feed_slot *slot, const uint8_t *all)
{
	bool is_about = report_original(slot->report) != NULL;
	struct feed_match *m = f->match;
	size_t n = (size_t)m->touched_n + f->everything_n, i;
	uint32_t *share;

	if (!n) return true;
	slot->hit = calloc(n, sizeof(*slot->hit));
	slot->share = calloc(m->touched_n + 1, sizeof(*slot->share));
	share = slot->hit && slot->share && make_table(m, m->touched_n + 1) ? calloc(n, sizeof(*share)) : NULL;
	if (!share) return false;
	for (i = 0; i < n; i++) {
		const uint8_t *bits = i < m->touched_n ? m->bits.data + m->touched[i].bits_at : all;
		share[i] = FEED_SHARE_ASK;
		if (is_about && memcmp(bits, all, m->bits_len) != 0) continue;
		share[i] = share_of(m, slot, bits);
		if (share[i] == NO_SHARE) break;
	}
	if (i < n) {
		free(share);
		return false;
	}
	/* From here on nothing can fail: half a report's hits would be a loss. */
	for (i = 0; i < n; i++) add_hit(f, slot, i < m->touched_n ? m->touched[i].slot : f->everything[i - m->touched_n], share[i]);
	free(share);
	feed_ring_count(&f->ring, slot, n * sizeof(*slot->hit) + slot->shares * (sizeof(*slot->share) + m->bits_len));
	return true;
}

/* No memory to note the hits: then everybody looks at this report and those before it by himself. */
static void note_nothing(struct feed *f, struct feed_slot *slot)
{
	uint32_t i;

	base_log_limited(1, BASE_LOG_ERROR, "feed.match", "seq=%llu err=%s", (unsigned long long)slot->report->seq,
			 isac_err_name(ISAC_ERR_NO_MEMORY));
	for (i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];
		uint64_t position;
		if (!s || !s->open) continue;
		position = feed_session_position(f, s);
		if (position >= slot->report->seq) position = slot->report->seq - 1;
		if (s->live) feed_session_behind(f, s, position);
		s->hit_seq = s->last_hit_seq = 0;
		s->indexed_after = slot->report->seq;
	}
}

/* What is in a sealed report no index can tell. There are few of them: each session is asked whether its member may see it. */
static uint32_t match_sealed(struct feed *f, const struct report *r)
{
	struct feed_match *m = f->match;
	uint32_t i;

	for (i = m->item = 0; i < f->sessions_cap; i++) {
		const struct feed_session *s = f->session[i];
		if (s && s->open && !s->everything && r->audience && member_may_see(s->self, r->audience, r->publisher_id)) on_hit(m, i);
	}
	return 1;
}

/* Whoever was sent what it is about gets it, whatever his filter says. */
static void touch_all(struct feed *f)
{
	uint32_t i;

	for (i = 0; i < f->sessions_cap; i++)
		if (f->session[i] && f->session[i]->open && !f->session[i]->everything) (void)touch(f->match, i);
}

void feed_match_report(struct feed *f, struct feed_slot *slot)
{
	struct feed_match *m = f->match;
	struct report *r = slot->report;
	uint8_t all[BITS_MAX] = {0};
	uint32_t seen = 0;

	m->epoch++;
	m->touched_n = 0;
	m->bits_len = (r->n + 7) / 8;
	wire_buf_reset(&m->bits);
	if (r->sealed) {
		all[0] = 1;
		seen = match_sealed(f, r);
	}
	for (m->item = 0; m->item < r->n && r->items && !r->sealed; m->item++) {
		if (report_is_held(r, m->item)) continue;
		all[m->item / 8] |= (uint8_t)(1u << (m->item % 8));
		filter_set_match(f->set, r, m->item, on_hit, m);
		seen++;
	}
	if (!seen) return;
	if (report_original(r) && !r->sealed) touch_all(f); /* sealed, it went to all who may see it */
	if (m->bits.err || !note_hits(f, slot, all)) note_nothing(f, slot);
	m->bits.err = ISAC_OK;
}

void feed_match_items(struct feed *f, const struct report *r, const uint8_t *items,
		      void (*hit)(struct feed *f, struct feed_session *s, const struct report *r, const uint8_t *bits))
{
	struct feed_match *m = f->match;
	uint32_t i;

	m->epoch++;
	m->touched_n = 0;
	m->bits_len = (r->n + 7) / 8;
	wire_buf_reset(&m->bits);
	for (m->item = 0; m->item < r->n && r->items; m->item++)
		if (items[m->item / 8] >> (m->item % 8) & 1) filter_set_match(f->set, r, m->item, on_hit, m);
	for (i = 0; i < m->touched_n; i++) hit(f, f->session[m->touched[i].slot], r, m->bits.data + m->touched[i].bits_at);
	for (i = 0; i < f->everything_n; i++) hit(f, f->session[f->everything[i]], r, items);
	m->bits.err = ISAC_OK;
}

static void pass(struct feed_session *s, const struct feed_hit *hit)
{
	s->hit_seq = hit->next_after ? s->hit_seq + hit->next_after : 0;
	s->hit_at = hit->next_at;
	if (!s->hit_seq) s->last_hit_seq = 0;
}

void feed_match_forget(struct feed *f, struct feed_slot *slot)
{
	uint64_t seq = slot->report->seq;
	uint32_t i;

	for (i = 0; i < slot->hits; i++) {
		const struct feed_hit *hit = &slot->hit[i];
		struct feed_session *s = feed_session_find(f, hit->sub);
		if (!s || s->hit_seq != seq || s->hit_at != i) continue;
		if (s->live && s->position < seq) feed_session_behind(f, s, seq - 1);
		pass(s, hit);
	}
}

int64_t feed_match_share(struct feed *f, struct feed_slot *slot, const uint8_t *bits)
{
	size_t len = (slot->report->n + 7) / 8;
	struct feed_share *more;
	uint32_t i;

	for (i = 0; i < slot->shares && i < FEED_SHARES_SEARCHED; i++)
		if (!memcmp(slot->share[i].bits, bits, len)) break;
	if (i == FEED_SHARES_SEARCHED) return -1;
	if (i == slot->shares) {
		more = realloc(slot->share, (slot->shares + 1) * sizeof(*more));
		if (!more) return -1;
		slot->share = more;
		if (add_share(slot, bits, len) == NO_SHARE) return -1;
		feed_ring_count(&f->ring, slot, sizeof(*slot->share) + len);
	}
	slot->share[i].users++;
	return i;
}

const struct feed_hit *feed_match_next(struct feed *f, struct feed_session *s)
{
	while (s->hit_seq) {
		const struct feed_hit *hit = &feed_ring_at(&f->ring, s->hit_seq)->hit[s->hit_at];
		if (s->hit_seq > s->position) return hit;
		pass(s, hit);
	}
	return NULL;
}
