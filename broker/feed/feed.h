/*
 * feed: subscribers' sessions over committed reports. One actor owns sessions and the ring of recent reports; a replay actor reads pages
 * from the store for those who are behind. Live and catch-up are one code path: position, match, disclose, send.
 */
#ifndef ISAC_FEED_H
#define ISAC_FEED_H

#include "store/store.h"

struct feed;
struct feed_conf {
	const char *conninfo;
	int64_t deadline_ms;
	const char *socket_path; /* listens here for front's feed link */
	const char *hub_id;
	struct base_shared *roster;
	int64_t ring_bytes, heartbeat_ms, expiry_ms, sessions_max;
	int64_t catch_up_bytes_per_s; /* to all who are behind together; 0 = as much as goes */
	uint64_t head_seq;	      /* at start */
};
enum isac_err feed_start(struct feed **out, const struct feed_conf *conf);
void feed_stop(struct feed **f);
/* From the writer's thread, in seq order: never blocks, never fails; if the feed cannot keep up it reads from the store. */
void feed_committed(struct feed *f, struct report *const *reports, size_t n);
/* From the indexer's thread: whom reports concern. Open sessions of these members are told soon; never blocks, never fails. */
void feed_concerned(struct feed *f, const struct store_concern *concern, size_t n);
/* Did a delivery leave within the last moments? Any thread. */
bool feed_is_busy(const struct feed *f);
/* Is a session with this name open? For STATUS. */
bool feed_is_live(struct feed *f, int32_t member_id, const char *name);
/*
 * Who was sent what is written behind deliveries. Ask, and once it is written the table says all that had been handed over when you
 * asked: the ticket is what to look for. Any thread, never blocks.
 */
uint64_t feed_ranges_ask(struct feed *f);
bool feed_ranges_are_written(struct feed *f, uint64_t ticket);
/* Somebody is to be told of recalls; erased: the store has lost content that the feed may still hold. Any thread, never blocks. */
void feed_recalled(struct feed *f, bool erased);
/* A member was suspended or its rights changed: sessions are checked against the new roster at once. */
void feed_roster_changed(struct feed *f);

#endif
