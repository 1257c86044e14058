/*
 * From committed reports to frames: each session that is ready is asked what it gets next, equal plans are sent as one body to many,
 * live ones first. Rounds go on while the link takes them; between rounds the feed looks for new commits, so that a crowd that
 * catches up keeps nobody waiting who is live.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

/*
 * Of bodies in one round, well below the link's queue; for those who are behind of what they get in all: front's I/O thread sends it in
 * the order of coming, and a live report is not to wait behind more than that. BEHIND_LATE_US is how late a round may be made up for.
 */
enum { GROUP_BUCKETS = 1024, ROUND_BYTES = 8388608, ROUND_BYTES_BEHIND = 262144, BEHIND_LATE_US = 2000 };

struct group {
	struct group *next;  /* in its bucket */
	struct group *newer; /* in order of making */
	struct wire_buf plan;
	struct feed_shown *shown;
	size_t shown_n;
	struct wire_buf to;	       /* destinations: u8 rid_len, rid, u8 head_len, head each */
	struct feed_session **session; /* whose they are */
	size_t session_cap;
	uint16_t to_n;
};

struct round {
	struct group *bucket[GROUP_BUCKETS], *first, **tail;
	size_t bytes, behind_bytes; /* of bodies; to those who are behind, each time it is sent */
	bool moved;
};

/* ---- groups of equal plans ---- */

static uint32_t bucket_of(const struct wire_buf *plan)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < plan->len; i++) h = (h ^ plan->data[i]) * 16777619u;
	return h % GROUP_BUCKETS;
}

static struct group *group_for(struct round *round, const struct feed_plan *p)
{
	struct group **at = &round->bucket[bucket_of(&p->bytes)], *g;
	size_t i;

	for (g = *at; g; g = g->next)
		if (g->plan.len == p->bytes.len && !memcmp(g->plan.data, p->bytes.data, p->bytes.len) && g->to_n < UINT16_MAX) return g;
	g = calloc(1, sizeof(*g));
	if (!g) return NULL;
	g->shown = calloc(p->n, sizeof(*g->shown));
	wire_buf_init(&g->plan, WIRE_LIMIT_REPLY_BYTES);
	wire_buf_init(&g->to, FEED_LINK_QUEUE);
	wire_buf_add(&g->plan, p->bytes.data, p->bytes.len);
	if (!g->shown || g->plan.err) {
		free(g->shown);
		wire_buf_clear(&g->plan);
		free(g);
		return NULL;
	}
	memcpy(g->shown, p->shown, p->n * sizeof(*g->shown));
	for (i = 0; i < p->n; i++) report_ref(g->shown[i].report);
	g->shown_n = p->n;
	round->bytes += p->size;
	g->next = *at;
	*at = g;
	*round->tail = g;
	round->tail = &g->newer;
	return g;
}

static void group_free(struct group *g)
{
	size_t i;

	for (i = 0; i < g->shown_n; i++) report_unref(&g->shown[i].report);
	free(g->shown);
	free(g->session);
	wire_buf_clear(&g->plan);
	wire_buf_clear(&g->to);
	free(g);
}

/* ---- bodies ---- */

static void add_entry(struct wire_buf *body, const struct wire_buf *entry)
{
	wire_buf_add(body, "\x0a", 1); /* Batch.entries: field 1, length-delimited */
	wire_buf_varint(body, entry->len);
	wire_buf_add(body, entry->data, entry->len);
}

/* Keeps what more than one session will want, perhaps in another round, in the ring's bounds. */
static const struct wire_buf *entry_of(struct feed *f, const struct group *g, const struct feed_shown *shown, struct wire_buf *once)
{
	struct feed_share *share = shown->slot ? &shown->slot->share[shown->share] : NULL;
	struct wire_buf *entry = share && share->users > 1 ? &share->entry : once;
	enum isac_err err;

	if (entry != once && entry->len) return entry;
	wire_buf_reset(entry);
	err = report_disclose(entry, shown->report, feed_plan_bits(&g->plan, shown));
	if (entry != once) {
		if (err) wire_buf_clear(entry);
		else feed_ring_count(&f->ring, shown->slot, entry->cap);
	}
	return err ? NULL : entry;
}

static enum isac_err build_body(struct feed *f, struct wire_buf *body, const struct group *g)
{
	struct wire_buf once;
	size_t i;

	wire_buf_init(&once, WIRE_LIMIT_REPLY_BYTES);
	for (i = 0; i < g->shown_n; i++) {
		const struct wire_buf *entry = entry_of(f, g, &g->shown[i], &once);
		if (!entry) break;
		add_entry(body, entry);
	}
	wire_buf_clear(&once);
	return i < g->shown_n ? ISAC_ERR_NO_MEMORY : body->err;
}

/* ---- sessions' state after a send ---- */

static uint32_t hash_shown(struct feed_session *s, const struct feed_plan *p)
{
	uint32_t index[WIRE_LIMIT_ITEMS], items = 0, i, n;
	size_t k;

	for (k = 0; k < p->n; k++) {
		const struct report *r = p->shown[k].report;
		const uint8_t *bits = feed_plan_bits(&p->bytes, &p->shown[k]);
		for (i = n = 0; i < r->n && n < WIRE_LIMIT_ITEMS; i++)
			if (bits[i / 8] >> (i % 8) & 1) index[n++] = i;
		wire_feed_entry(s->hash, r->seq, r->header_hash, index, n);
		items += n;
	}
	return items;
}

static bool add_destination(struct group *g, struct feed_session *s, uint64_t last)
{
	struct wire_head head = {.type = WIRE_DELIVERY, .sub = s->sub, .prev_seq = s->told, .last_seq = last};
	uint8_t packed[WIRE_DELIVERY_HEAD_BYTES], len = (uint8_t)wire_head_pack(packed, &head);

	if (g->to_n == g->session_cap) {
		size_t cap = g->session_cap ? g->session_cap * 2 : 8;
		struct feed_session **more = realloc(g->session, cap * sizeof(*more));
		if (!more) return false;
		g->session = more;
		g->session_cap = cap;
	}
	wire_buf_add(&g->to, &s->rid_len, 1);
	wire_buf_add(&g->to, s->rid, s->rid_len);
	wire_buf_add(&g->to, &len, 1);
	wire_buf_add(&g->to, packed, len);
	if (g->to.err) return false;
	g->session[g->to_n++] = s;
	s->told = last;
	return true;
}

/* ---- a session's turn ---- */

/* It has all that the feed knows of. The subscriber is told once, and not before the head is known to it, too. */
static void settle(struct feed *f, struct feed_session *s)
{
	s->position = feed_session_position(f, s);
	if (!s->caught_up && s->position < atomic_load(&f->head)) {
		feed_session_move(f, s, FEED_WAIT_HEAD);
		return;
	}
	if (!s->caught_up && feed_send_heartbeat(f, s)) return;
	s->caught_up = true;
	feed_session_move(f, s, FEED_IDLE);
}

/* false: nothing is to be sent of a plan now, and the session has its place. */
static bool plan_next(struct feed *f, struct round *round, struct feed_session *s, struct feed_plan *p)
{
	if (!s->live && s->position >= s->indexed_after && s->position + 1 >= f->ring.first) s->live = true;
	if (s->live) {
		if (feed_match_next(f, s)) {
			feed_plan_live(f, s, p);
			return true;
		}
		settle(f, s);
		return false;
	}
	s->caught_up = false;
	if (!feed_plan_behind(f, s, p)) {
		feed_session_move(f, s, FEED_WAIT_PAGE);
		return false;
	}
	if (p->hole) round->moved |= !feed_send_gap(f, s, p->hole, p->hole_reason);
	return !p->hole;
}

static void step_session(struct feed *f, struct round *round, struct feed_session *s, struct feed_plan *p)
{
	struct group *g;

	if (!feed_session_may_send(s)) {
		feed_session_move(f, s, FEED_IDLE);
		return;
	}
	if (!s->rights_told && feed_send_heartbeat(f, s)) return;
	if (!plan_next(f, round, s, p)) return;
	if (p->waits && !p->n) {
		s->position = p->last; /* nothing is to be sent up to there */
		feed_session_move(f, s, FEED_WAIT_FOLLOW);
		return;
	}
	if (p->n) {
		if (!feed_range_ready(f, s)) return; /* what says that it was sent comes before it is */
		g = group_for(round, p);
		if (!g || !add_destination(g, s, p->last)) return;
		base_stats_add(STAT_feed_delivered, hash_shown(s, p));
		if (!s->live) round->behind_bytes += p->size;
		s->window++;
	}
	round->moved |= p->last > s->position;
	s->position = p->last;
	if (s->live && s->caught_up && !feed_match_next(f, s)) feed_session_move(f, s, FEED_IDLE);
	else feed_session_ready(f, s);
}

/* ---- rounds ---- */

/* Its sessions have moved on already: if the frame cannot be sent they end, and their subscribers come back at the position they have. */
static void lose_sessions(struct feed *f, struct group *g)
{
	uint16_t i;

	base_log_limited(1, BASE_LOG_ERROR, "feed.link_full", "sessions=%u", g->to_n);
	for (i = 0; i < g->to_n; i++) {
		feed_send_error(f, g->session[i]->rid, g->session[i]->rid_len, 0, g->session[i]->sub, ISAC_ERR_UNAVAILABLE, NULL);
		feed_range_lost(g->session[i]);
		feed_session_close(f, g->session[i]);
	}
}

static void send_group(struct feed *f, struct group *g)
{
	uint8_t front[3] = {'F', (uint8_t)(g->to_n >> 8), (uint8_t)g->to_n};
	struct wire_buf to;
	enum isac_err err;
	uint16_t i;

	wire_buf_reset(&f->out);
	wire_buf_init(&to, FEED_LINK_QUEUE + sizeof(front));
	wire_buf_add(&to, front, sizeof(front));
	wire_buf_add(&to, g->to.data, g->to.len);
	err = to.err ? to.err : build_body(f, &f->out, g);
	if (!err) {
		struct wire_bytes part[2] = {{to.data, to.len}, {f->out.data, f->out.len}};
		err = base_link_send(f->link, part, 2);
	}
	wire_buf_clear(&to);
	if (err) {
		lose_sessions(f, g);
		return;
	}
	for (i = 0; i < g->to_n; i++) {
		g->session[i]->credit -= (int64_t)f->out.len;
		feed_range_handed(f, g->session[i]);
	}
	atomic_store(&f->sent_at_us, base_clock_mono_us());
	base_stats_add(STAT_feed_batches, g->to_n);
}

/* Each that is ready once, up to bytes_max. Those who are behind make way, after the first of them, when a commit has come. */
static void serve(struct feed *f, struct round *round, enum feed_place place, const size_t *bytes, size_t bytes_max, struct feed_plan *p)
{
	struct feed_session *s;

	while ((s = TAILQ_FIRST(&f->queue[place])) && s->round != f->round && *bytes < bytes_max) {
		s->round = f->round;
		feed_session_move(f, s, place); /* to the end: who is left out is first the next time */
		step_session(f, round, s, p);
		if (place == FEED_READY_BEHIND && base_mailbox_count(f->commits)) return;
	}
}

/* Those who are behind get no more than their rate: with all of it under way at once, live readers would wait behind them in front. */
static void serve_behind(struct feed *f, struct round *round, struct feed_plan *p)
{
	int64_t now = base_clock_mono_us(), rate = f->conf.catch_up_bytes_per_s;

	if (rate && now < f->behind_at_us) return;
	serve(f, round, FEED_READY_BEHIND, &round->behind_bytes, ROUND_BYTES_BEHIND, p);
	if (!rate) return;
	if (f->behind_at_us < now - BEHIND_LATE_US) f->behind_at_us = now - BEHIND_LATE_US;
	f->behind_at_us += (int64_t)round->behind_bytes * 1000000 / rate;
}

static void send_groups(struct feed *f, struct round *round)
{
	struct group *g, *next;

	for (g = round->first; g; g = next) {
		next = g->newer;
		send_group(f, g);
		group_free(g);
	}
	memset(round->bucket, 0, sizeof(round->bucket));
	round->first = NULL;
	round->tail = &round->first;
}

static bool deliver_round(struct feed *f, struct feed_plan *p)
{
	struct round *round = calloc(1, sizeof(*round));
	bool moved;

	if (!round) return false;
	round->tail = &round->first;
	f->round++;
	serve(f, round, FEED_READY, &round->bytes, ROUND_BYTES, p);
	send_groups(f, round); /* before anything is done for those who are behind */
	serve_behind(f, round, p);
	feed_page_tend(f);
	send_groups(f, round);
	feed_ring_trim(f); /* what was encoded counts, too */
	moved = round->moved;
	free(round);
	return moved;
}

static bool link_is_free(struct feed *f)
{
	return base_link_flush(f->link) == ISAC_OK && !(base_link_events(f->link) & POLLOUT);
}

void feed_deliver(struct feed *f)
{
	struct feed_plan p = {.shown = NULL};
	bool ready;

	wire_buf_init(&p.bytes, WIRE_LIMIT_REPLY_BYTES);
	do ready = feed_is_ready(f);
	while (ready && f->link && link_is_free(f) && deliver_round(f, &p) && !base_mailbox_count(f->commits));
	feed_page_tend(f);
	wire_buf_clear(&p.bytes);
	free(p.shown);
}
