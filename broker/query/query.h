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
/* A receipt of this member has gone out, or will: for STATUS. Any thread, never blocks. */
void query_note_receipt(struct query *q, int32_t member_id, uint64_t seq, int64_t received_us);

#endif
