/*
 * query: the actor that answers questions about stored things, under entitlement; and a second one for those that may take long.
 */
#ifndef ISAC_QUERY_H
#define ISAC_QUERY_H

#include "store/store.h"

struct query;
struct query_conf {
	const char *conninfo;
	int64_t deadline_ms, queue_max;
	int64_t slow_deadline_ms, slow_queue_max; /* of STATISTICS */
	const char *hub_id;
	uint8_t cursor_key[32]; /* secret of this hub that outlives it: makes page cursors unforgeable */
	struct base_shared *roster;
	struct store *store;
	struct store_indexer *indexer;
	bool (*is_live)(void *arg, int32_t member_id, const char *name);
	/* feed_ranges_ask and feed_ranges_are_written: what the table of ranges says is all that was sent. */
	uint64_t (*ask_ranges)(void *arg);
	bool (*are_written)(void *arg, uint64_t ticket);
	void (*reply)(void *arg, const struct store_route *route, uint16_t type, const uint8_t *body, size_t len);
	void *arg;
};
enum isac_err query_start(struct query **out, const struct query_conf *conf);
/* Answers no more; query_note_receipt may still be called. */
void query_halt(struct query *q);
void query_stop(struct query **q);
/* body is copied. UNAVAILABLE when the queue is full; RATE when this member has a slow question under way. type: a row of query.c. */
enum isac_err query_ask(struct query *q, const struct store_route *route, uint16_t type, const uint8_t *body, size_t len);
/* May the holder of a token ask this? false for types that are no questions. */
bool query_takes_token(uint16_t type);
/* A receipt of this member has gone out, or will: for STATUS. Any thread, never blocks. */
void query_note_receipt(struct query *q, int32_t member_id, uint64_t seq, int64_t received_us);

/* ---- match.c: what a feed did with a report, done again; for recalls, too ---- */
/*
 * What a feed of this member with this filter gets of a report: a bitmap of items (may be NULL), how many they are, and how many
 * match but are held (may be NULL; counts only what the member may be told).
 */
uint32_t query_match_items(const struct filter *f, const struct member *self, const struct report *r, uint8_t *shown, uint32_t *held);
/* A filter of then, compiled as then; kept until another one comes. NULL: out of memory. */
struct query_match_kept {
	char *text;
	int64_t now_us;
	struct filter *filter;
};
const struct filter *query_match_again(struct query_match_kept *kept, const char *text, int64_t now_us);
void query_match_clear(struct query_match_kept *kept);

#endif
