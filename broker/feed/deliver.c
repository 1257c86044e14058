/*
 * From committed reports to frames. Live delivery and catch-up are this one path: take the reports after a session's position (from
 * its page, else from the ring), plan which items it gets, and send equal plans as one body to many.
 *
 * A plan is bytes, (seq, bitmap) for each report shown: equal bytes are equal content, so nobody can receive another's share by a
 * hash collision. Entitlement is asked here, as the last step before the wire.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

enum { GROUP_BUCKETS = 1024, ROUND_BYTES = 16777216 /* of bodies in one round, well below the link's queue */ };

struct shown {
	struct report *report;
	struct feed_slot *slot;
	size_t bitmap_at;
};

struct group {
	struct group *next;  /* in its bucket */
	struct group *newer; /* in order of making */
	struct wire_buf plan;
	struct shown *shown;
	size_t shown_n, shown_cap;
	struct wire_buf to;	       /* destinations: u8 rid_len, rid, u8 head_len, head each */
	struct feed_session **session; /* whose they are */
	size_t session_cap;
	uint16_t to_n;
};

struct round {
	struct group *bucket[GROUP_BUCKETS], *first, **tail;
	size_t bytes;
	bool moved;
};

struct planned {
	struct wire_buf plan;
	struct shown *shown;
	size_t n, cap;
	size_t bytes;
	uint64_t last;
	uint64_t hole;
};

/* ---- which items does a session get? ---- */

static bool plan_report(struct planned *p, const struct feed_session *s, struct report *r, struct feed_slot *slot)
{
	size_t bitmap_len = (r->n + 7) / 8, at;
	uint8_t *bits;
	uint32_t i, hits = 0;

	if (!r->audience || !member_may_see(s->self, r->audience, r->publisher_id)) return true;
	wire_buf_u64(&p->plan, r->seq);
	at = p->plan.len;
	wire_buf_u32(&p->plan, (uint32_t)bitmap_len);
	for (i = 0; i < bitmap_len; i++) wire_buf_add(&p->plan, "", 1);
	if (p->plan.err) return false;
	bits = p->plan.data + at + 4;
	for (i = 0; i < r->n; i++) {
		if (report_is_held(r, i) || !(s->everything || filter_match(s->filter, r, i, s->self))) continue;
		bits[i / 8] |= (uint8_t)(1u << (i % 8));
		p->bytes += r->items[i].bytes.len + 32;
		hits++;
	}
	if (!hits) {
		p->plan.len = at - 8;
		return true;
	}
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 64;
		struct shown *more = realloc(p->shown, cap * sizeof(*more));
		if (!more) return false;
		p->shown = more;
		p->cap = cap;
	}
	p->shown[p->n++] = (struct shown){r, hits == r->n ? slot : NULL, at + 4};
	p->bytes += r->header_bytes.len + 200;
	return true;
}

static struct report *next_report(struct feed *f, struct feed_session *s, size_t page_at, uint64_t position, struct feed_slot **slot)
{
	*slot = NULL;
	if (s->page) return page_at < s->page->n ? s->page->report[page_at] : NULL;
	*slot = feed_ring_at(&f->ring, position + 1);
	return *slot ? (*slot)->report : NULL;
}

/* Fills p with what comes next for s; p->last is how far that reaches; p->hole > 0: everything up to there is gone. Returns page entries
 * used. */
static size_t plan_session(struct feed *f, struct feed_session *s, struct planned *p)
{
	size_t at = s->page ? s->page->next : 0;
	struct feed_slot *slot;
	struct report *r;

	p->plan.len = p->n = p->bytes = 0;
	p->hole = 0;
	p->last = s->position;
	while (p->bytes < FEED_BATCH_BYTES && (r = next_report(f, s, at, p->last, &slot))) {
		if (r->seq <= p->last) { /* a page may overlap what the ring gave meanwhile */
			at++;
			continue;
		}
		if (r->seq != p->last + 1) {
			if (p->last == s->position) p->hole = r->seq - 1;
			break;
		}
		if (!plan_report(p, s, r, slot)) break;
		p->last = r->seq;
		if (s->page) at++;
	}
	return at;
}

/* ---- groups of equal plans ---- */

static uint32_t bucket_of(const struct wire_buf *plan)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < plan->len; i++) h = (h ^ plan->data[i]) * 16777619u;
	return h % GROUP_BUCKETS;
}

static struct group *group_for(struct round *round, const struct planned *p)
{
	struct group **at = &round->bucket[bucket_of(&p->plan)], *g;
	size_t i;

	for (g = *at; g; g = g->next)
		if (g->plan.len == p->plan.len && !memcmp(g->plan.data, p->plan.data, p->plan.len) && g->to_n < UINT16_MAX) return g;
	g = calloc(1, sizeof(*g));
	if (!g) return NULL;
	g->shown = calloc(p->n, sizeof(*g->shown));
	wire_buf_init(&g->plan, WIRE_LIMIT_REPLY_BYTES);
	wire_buf_init(&g->to, FEED_LINK_QUEUE);
	wire_buf_add(&g->plan, p->plan.data, p->plan.len);
	if (!g->shown || g->plan.err) {
		free(g->shown);
		wire_buf_clear(&g->plan);
		free(g);
		return NULL;
	}
	memcpy(g->shown, p->shown, p->n * sizeof(*g->shown));
	for (i = 0; i < p->n; i++) report_ref(g->shown[i].report);
	g->shown_n = p->n;
	round->bytes += p->bytes;
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

static void add_entry(struct wire_buf *body, const uint8_t *entry, size_t len)
{
	wire_buf_add(body, "\x0a", 1); /* Batch.entries: field 1, length-delimited */
	wire_buf_varint(body, len);
	wire_buf_add(body, entry, len);
}

static enum isac_err build_body(struct feed *f, struct wire_buf *body, const struct group *g)
{
	struct wire_buf entry;
	enum isac_err err = ISAC_OK;
	size_t i;

	wire_buf_init(&entry, WIRE_LIMIT_REPLY_BYTES);
	for (i = 0; i < g->shown_n && !err; i++) {
		struct feed_slot *slot = g->shown[i].slot;
		const uint8_t *bits = g->plan.data + g->shown[i].bitmap_at;
		if (slot && slot->report == g->shown[i].report && !slot->whole.len) {
			err = report_disclose(&slot->whole, slot->report, bits);
			if (err) wire_buf_reset(&slot->whole);
			f->ring.bytes += slot->whole.cap - slot->counted;
			slot->counted = slot->whole.cap;
		}
		if (slot && slot->report == g->shown[i].report && !err) {
			add_entry(body, slot->whole.data, slot->whole.len);
			continue;
		}
		wire_buf_reset(&entry);
		if (!err) err = report_disclose(&entry, g->shown[i].report, bits);
		add_entry(body, entry.data, entry.len);
	}
	wire_buf_clear(&entry);
	return err ? err : body->err;
}

/* ---- sessions' state after a send ---- */

static uint32_t hash_shown(struct feed_session *s, const struct planned *p)
{
	uint32_t index[WIRE_LIMIT_ITEMS], items = 0, i, n;
	size_t k;

	for (k = 0; k < p->n; k++) {
		const struct report *r = p->shown[k].report;
		const uint8_t *bits = p->plan.data + p->shown[k].bitmap_at;
		for (i = n = 0; i < r->n && n < WIRE_LIMIT_ITEMS; i++)
			if (bits[i / 8] >> (i % 8) & 1) index[n++] = i;
		wire_feed_entry(s->hash, r->seq, r->header_hash, index, n);
		items += n;
	}
	return items;
}

static void advance(struct feed_session *s, uint64_t position, size_t page_at)
{
	s->position = position;
	if (!s->page) return;
	for (; s->page->next < page_at; s->page->next++) report_unref(&s->page->report[s->page->next]);
	if (s->page->next == s->page->n) feed_page_free(&s->page);
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

/* ---- asking for pages ---- */

static void ask_page(struct feed *f, struct feed_session *s)
{
	struct feed_job *job;

	if (s->page_asked || base_clock_mono_us() < s->retry_at_us) return;
	job = calloc(1, sizeof(*job));
	if (!job) return;
	job->kind = FEED_JOB_PAGE;
	job->sub = s->sub;
	job->after = s->position;
	job->until = atomic_load(&f->head);
	if (feed_reader_ask(f->reader, job)) feed_job_free(&job);
	else s->page_asked = true;
}

/* Is there anything to take from? Else asks for it, or tells the subscriber that it has all. */
static bool has_source(struct feed *f, struct feed_session *s)
{
	if (s->page && s->page->n) return true;
	if (s->page) { /* the reader found nothing up to `until`: it was removed */
		if (s->page->until > s->position && feed_send_gap(f, s, s->page->until)) return false;
		feed_page_free(&s->page);
	}
	if (feed_ring_at(&f->ring, s->position + 1)) return true;
	if (s->position >= atomic_load(&f->head)) {
		if (!s->caught_up) feed_send_heartbeat(f, s);
		s->caught_up = true;
	} else if (s->position < f->ring.last || !base_mailbox_count(f->commits)) { /* else it is about to come into the ring */
		s->caught_up = false;
		ask_page(f, s);
	}
	return false;
}

static bool may_send(const struct feed_session *s)
{
	return s->open && !s->range.pending && s->credit > 0 && s->window < WIRE_LIMIT_WINDOW_BATCHES;
}

static void step_session(struct feed *f, struct round *round, struct feed_session *s, struct planned *p)
{
	struct group *g;
	size_t at;

	if (!has_source(f, s)) return;
	at = plan_session(f, s, p);
	if (p->hole) {
		round->moved |= !feed_send_gap(f, s, p->hole);
		return;
	}
	if (p->n) {
		if (!feed_range_ready(f, s)) return; /* what says that it was sent comes before it is */
		g = group_for(round, p);
		if (!g || !add_destination(g, s, p->last)) return;
		base_stats_add(STAT_feed_delivered, hash_shown(s, p));
		s->window++;
	}
	round->moved |= p->last > s->position || at > (s->page ? s->page->next : at);
	advance(s, p->last, at);
}

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
	base_stats_add(STAT_feed_batches, g->to_n);
}

static bool deliver_round(struct feed *f, struct planned *p)
{
	struct round *round = calloc(1, sizeof(*round));
	struct group *g, *next;
	bool moved;
	uint32_t i;

	if (!round) return false;
	round->tail = &round->first;
	for (i = 0; i < f->sessions_cap && round->bytes < ROUND_BYTES; i++) {
		struct feed_session *s = f->session[(f->turn + i) % f->sessions_cap];
		if (s && may_send(s)) step_session(f, round, s, p);
	}
	/* Who was left out is first the next time. NOLINTNEXTLINE(clang-analyzer-core.DivideZero): sessions_max is 1 at least */
	f->turn = (f->turn + i) % f->sessions_cap;
	for (g = round->first; g; g = next) {
		next = g->newer;
		send_group(f, g);
		group_free(g);
	}
	moved = round->moved;
	free(round);
	return moved;
}

void feed_deliver(struct feed *f)
{
	struct planned p = {.shown = NULL};

	if (!f->link || !f->sessions) return;
	wire_buf_init(&p.plan, WIRE_LIMIT_REPLY_BYTES);
	while (!(base_link_events(f->link) & POLLOUT) && deliver_round(f, &p)) {
	}
	wire_buf_clear(&p.plan);
	free(p.shown);
}
