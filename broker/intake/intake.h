/*
 * intake: the request link's actor. Takes what front forwards, dispatches by frame type; verifies reports (itself when alone,
 * by a pool when there is a queue) and hands them to the store.
 */
#ifndef ISAC_INTAKE_H
#define ISAC_INTAKE_H

#include "hold/hold.h"
#include "store/store.h"

struct intake;
struct query;	/* query/query.h */
struct control; /* control/control.h */
struct intake_conf {
	const char *socket_path;
	const char *hub_id;
	struct base_shared *roster;
	struct hold *hold;	 /* what is held back */
	struct store *store;	 /* submit goes here */
	struct query *query;	 /* QUERY, DIRECTORY, STATUS */
	struct control *control; /* CONTROL */
	int64_t verifiers, queue_max;
	int64_t rate_per_s, rate_burst, rate_bytes_per_min;
	int64_t feedback_per_s, feedback_burst; /* of reports about reports that are there */
};
enum isac_err intake_start(struct intake **out, const struct intake_conf *conf);
/* Takes no more, finishes what it took; replies may still be sent. Call it before the store stops, intake_stop after. */
void intake_halt(struct intake *in);
void intake_stop(struct intake **in);
/* Sends a reply on the request link; any thread; drops it (counted) if that front is gone. */
void intake_reply(struct intake *in, const struct store_route *route, uint16_t type, const uint8_t *body, size_t len);
/* The same, but many cost one system call: nothing may be sent before intake_reply_end, which the same thread must call soon. */
void intake_reply_queue(struct intake *in, const struct store_route *route, uint16_t type, const uint8_t *body, size_t len);
void intake_reply_end(struct intake *in);
/* Pushes the roster to front (who may connect). Any thread. */
void intake_roster_changed(struct intake *in);

#endif
