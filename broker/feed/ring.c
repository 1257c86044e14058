/*
 * The newest committed reports, dense in seq, bounded in bytes: of reports, of the entries made of them, and of the notes on whom
 * they concern. A subscriber that is behind its start reads from the store.
 */
#include "feed/priv.h"

#include <stdlib.h>

enum { RING_SLOTS = 65536 };

enum isac_err feed_ring_init(struct feed_ring *ring, size_t bytes_max, uint64_t head)
{
	*ring = (struct feed_ring){.first = head + 1, .last = head, .cap = RING_SLOTS, .bytes_max = bytes_max};
	ring->slot = calloc(ring->cap, sizeof(*ring->slot));
	return ring->slot ? ISAC_OK : ISAC_ERR_NO_MEMORY;
}

static void drop_first(struct feed *f)
{
	struct feed_ring *ring = &f->ring;
	struct feed_slot *slot = &ring->slot[ring->first % ring->cap];
	uint32_t i;

	feed_match_forget(f, slot);
	for (i = 0; i < slot->shares; i++) {
		wire_buf_clear(&slot->share[i].entry);
		free(slot->share[i].bits);
	}
	free(slot->share);
	free(slot->hit);
	ring->bytes -= slot->counted;
	report_unref(&slot->report);
	*slot = (struct feed_slot){.report = NULL};
	ring->first++;
}

void feed_ring_clear(struct feed *f)
{
	if (!f->ring.slot) return;
	while (f->ring.first <= f->ring.last) drop_first(f);
	free(f->ring.slot);
	f->ring.slot = NULL;
}

void feed_ring_skip(struct feed *f, uint64_t head)
{
	uint32_t i;

	for (i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];
		if (s && s->live) feed_session_behind(f, s, feed_session_position(f, s));
	}
	while (f->ring.first <= f->ring.last) drop_first(f);
	f->ring.first = head + 1;
	f->ring.last = head;
}

void feed_ring_trim(struct feed *f)
{
	while (f->ring.first <= f->ring.last && f->ring.bytes > f->ring.bytes_max) drop_first(f);
}

void feed_ring_add(struct feed *f, struct report *report)
{
	struct feed_ring *ring = &f->ring;
	struct feed_slot *slot;

	if (report->seq <= ring->last) { /* skipped before */
		report_unref(&report);
		return;
	}
	if (report->seq != ring->last + 1) feed_ring_skip(f, report->seq - 1);
	feed_ring_trim(f);
	while (ring->first <= ring->last && ring->last - ring->first + 1 >= ring->cap) drop_first(f);
	slot = &ring->slot[report->seq % ring->cap];
	*slot = (struct feed_slot){.report = report};
	ring->last = report->seq;
	feed_ring_count(ring, slot, report_bytes(report));
	feed_match_report(f, slot);
}

void feed_ring_count(struct feed_ring *ring, struct feed_slot *slot, size_t bytes)
{
	slot->counted += bytes;
	ring->bytes += bytes;
}

struct feed_slot *feed_ring_at(struct feed_ring *ring, uint64_t seq)
{
	return seq >= ring->first && seq <= ring->last ? &ring->slot[seq % ring->cap] : NULL;
}
