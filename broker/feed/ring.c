/*
 * The newest committed reports, dense in seq, bounded in bytes. A subscriber that is behind its start reads from the store.
 */
#include "feed/priv.h"

#include <stdlib.h>

enum { RING_SLOTS = 65536 };

enum isac_err feed_ring_init(struct feed_ring *ring, size_t bytes_max)
{
	*ring = (struct feed_ring){.first = 1, .cap = RING_SLOTS, .bytes_max = bytes_max};
	ring->slot = calloc(ring->cap, sizeof(*ring->slot));
	return ring->slot ? ISAC_OK : ISAC_ERR_NO_MEMORY;
}

static void drop_first(struct feed_ring *ring)
{
	struct feed_slot *slot = &ring->slot[ring->first % ring->cap];

	ring->bytes -= report_bytes(slot->report) + slot->counted;
	wire_buf_clear(&slot->whole);
	report_unref(&slot->report);
	ring->first++;
}

void feed_ring_clear(struct feed_ring *ring)
{
	if (!ring->slot) return;
	while (ring->first <= ring->last) drop_first(ring);
	free(ring->slot);
	ring->slot = NULL;
}

void feed_ring_add(struct feed_ring *ring, struct report *report)
{
	struct feed_slot *slot;

	if (report->seq != ring->last + 1) { /* commits were left out: what is older must come from the store */
		while (ring->first <= ring->last) drop_first(ring);
		ring->first = report->seq;
	}
	while (ring->first <= ring->last && (ring->bytes > ring->bytes_max || ring->last - ring->first + 1 >= ring->cap)) drop_first(ring);
	slot = &ring->slot[report->seq % ring->cap];
	slot->report = report;
	slot->counted = 0;
	wire_buf_init(&slot->whole, WIRE_LIMIT_REPLY_BYTES);
	ring->bytes += report_bytes(report);
	ring->last = report->seq;
}

struct feed_slot *feed_ring_at(struct feed_ring *ring, uint64_t seq)
{
	return seq >= ring->first && seq <= ring->last ? &ring->slot[seq % ring->cap] : NULL;
}
