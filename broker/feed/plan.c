/*
 * Which items does a session get next? Entitlement is asked here, as the last step before the wire, by the member's rights of now.
 *
 * Live, the ring knows what the filter hits. Behind, each report is tried with the filter: reports of the ring that are older than the
 * filter, or of a page. Both give the same answer.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

enum { SHARE_MARK = 0xffffffff, BITS_MAX = (WIRE_LIMIT_ITEMS + 7) / 8 };

static void begin(struct feed_plan *p, uint64_t position)
{
	wire_buf_reset(&p->bytes);
	p->n = p->size = 0;
	p->hole = 0;
	p->waits = false;
	p->hole_reason = 0;
	p->last = position;
}

static bool add_shown(struct feed_plan *p, const struct feed_shown *shown)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 64;
		struct feed_shown *more = realloc(p->shown, cap * sizeof(*more));
		if (!more) return false;
		p->shown = more;
		p->cap = cap;
	}
	p->shown[p->n++] = *shown;
	return true;
}

static bool may_see(const struct feed_session *s, const struct report *r)
{
	return r->audience && member_may_see(s->self, r->audience, r->publisher_id);
}

/* By admins: the report, or the key that signed it. */
static bool is_recalled(const struct feed *f, const struct report *r)
{
	if (r->withdrawn_seq) return true;
	const struct member_key *key = r->header->key_id.len == WIRE_KEY_ID ? member_roster_key(f->roster, r->header->key_id.data) : NULL;

	return key && key->revoked_from_seq && r->seq >= key->revoked_from_seq;
}

/* Why it is not shown to this member, who could have seen it; 0: it is. */
static uint32_t gone(const struct feed *f, const struct feed_session *s, const struct report *r)
{
	if (r->items && !is_recalled(f, r)) return 0;
	if (!may_see(s, r)) return 0;
	if (!r->items) return STORE_GAP_ERASURE;
	return r->withdrawn_seq ? STORE_GAP_WITHDRAWAL : STORE_GAP_KEY;
}

/* A GAP has one reason and nothing beside it. true: the plan ends here. */
static bool plan_gone(struct feed *f, struct feed_session *s, struct feed_plan *p, const struct report *r)
{
	uint32_t reason = gone(f, s, r);

	if (p->hole && (!reason || reason != p->hole_reason)) return true;
	if (!reason) return false;
	if (!p->hole && p->last != s->position) return true;
	p->hole = p->last = r->seq;
	p->hole_reason = reason;
	return false;
}

static bool plan_share(struct feed_plan *p, struct feed_slot *slot, uint32_t share)
{
	struct feed_shown shown = {.report = slot->report, .slot = slot, .share = share};

	wire_buf_u64(&p->bytes, slot->report->seq);
	wire_buf_u32(&p->bytes, SHARE_MARK);
	wire_buf_u32(&p->bytes, share);
	if (p->bytes.err || !add_shown(p, &shown)) return false;
	p->size += slot->share[share].size;
	return true;
}

static bool plan_bits(struct feed_plan *p, struct report *r, const uint8_t *bits)
{
	size_t len = (r->n + 7) / 8;
	struct feed_shown shown = {.report = r};

	wire_buf_u64(&p->bytes, r->seq);
	wire_buf_u32(&p->bytes, (uint32_t)len);
	shown.plan_at = p->bytes.len;
	wire_buf_add(&p->bytes, bits, len);
	if (p->bytes.err || !add_shown(p, &shown)) return false;
	p->size += report_disclosed_size(r, bits);
	return true;
}

const uint8_t *feed_plan_bits(const struct wire_buf *bytes, const struct feed_shown *shown)
{
	return shown->slot ? shown->slot->share[shown->share].bits : bytes->data + shown->plan_at;
}

/*
 * One report by the filter itself, and by what it is about; slot: where it is, if it is in the ring. false: nothing goes on, for want of
 * memory or, p->waits, because it is not known yet who was sent what it is about.
 */
static bool plan_report(struct feed *f, struct feed_session *s, struct feed_plan *p, struct report *r, struct feed_slot *slot)
{
	uint8_t bits[BITS_MAX] = {0};
	uint32_t i, hits = 0, held = 0;
	int64_t share;

	if (!r->items || !may_see(s, r)) return true;
	for (i = 0; i < r->n; i++) {
		held += report_is_held(r, i);
		if (report_is_held(r, i) || !(s->everything || filter_match(s->filter, r, i, s->self))) continue;
		bits[i / 8] |= (uint8_t)(1u << (i % 8));
		hits++;
	}
	if (hits + held < r->n && report_original(r)) {
		p->waits = !feed_follow(f, s, r, bits);
		if (p->waits) return false; /* what goes before is handed over first */
		for (i = hits = 0; i < r->n; i++) hits += bits[i / 8] >> (i % 8) & 1;
	}
	if (!hits) return true;
	share = slot ? feed_match_share(f, slot, bits) : -1;
	return share >= 0 ? plan_share(p, slot, (uint32_t)share) : plan_bits(p, r, bits);
}

void feed_plan_live(struct feed *f, struct feed_session *s, struct feed_plan *p)
{
	const struct feed_hit *hit = feed_match_next(f, s);
	uint64_t seq = s->hit_seq;

	begin(p, s->position);
	while (hit && p->size < FEED_BATCH_BYTES) {
		struct feed_slot *slot = feed_ring_at(&f->ring, seq);
		uint32_t at = hit->next_at, after = hit->next_after;
		if (hit->share == FEED_SHARE_ASK) {
			if (!is_recalled(f, slot->report) && !plan_report(f, s, p, slot->report, slot)) break;
		} else if (may_see(s, slot->report) && !is_recalled(f, slot->report) && !plan_share(p, slot, hit->share)) {
			break;
		}
		seq = after ? seq + after : 0;
		hit = seq ? &feed_ring_at(&f->ring, seq)->hit[at] : NULL;
	}
	p->last = hit ? seq - 1 : f->ring.last;
	if (p->last < s->position) p->last = s->position;
}

static void plan_ring(struct feed *f, struct feed_session *s, struct feed_plan *p)
{
	struct feed_slot *slot;

	while (p->size < FEED_BATCH_BYTES && p->last < s->indexed_after && (slot = feed_ring_at(&f->ring, p->last + 1))) {
		if (plan_gone(f, s, p, slot->report)) return;
		if (p->hole) continue;
		if (!plan_report(f, s, p, slot->report, slot)) return;
		p->last++;
	}
}

bool feed_plan_behind(struct feed *f, struct feed_session *s, struct feed_plan *p)
{
	const struct feed_page *page;
	size_t at = 0;

	begin(p, s->position);
	if (s->position + 1 < f->gaps.kept_from) { /* whatever ring and pages still have of it */
		p->hole = f->gaps.kept_from - 1;
		return true;
	}
	if (feed_ring_at(&f->ring, s->position + 1)) {
		plan_ring(f, s, p);
		return true;
	}
	page = feed_page_find(f, s, &at);
	if (!page) return false;
	if (!page->n) p->hole = page->until;
	for (; at < page->n && p->size < FEED_BATCH_BYTES; at++) {
		struct report *r = page->report[at];
		if (r->seq != p->last + 1) {
			if (p->last == s->position) p->hole = r->seq - 1;
			break;
		}
		if (plan_gone(f, s, p, r)) break;
		if (p->hole) continue;
		if (!plan_report(f, s, p, r, NULL)) break;
		p->last = r->seq;
	}
	return true;
}
