/* The subscriber's state, shared by session.c (the hub's side of it) and subscriber.c (the caller's side). */
#ifndef ISAC_LIB_SESSION_H
#define ISAC_LIB_SESSION_H

#include "priv.h"

enum { SESSION_SILENCE_MS = 15000, SESSION_CREDIT = WIRE_LIMIT_CREDIT_BYTES };

struct isac_subscriber {
	struct isac *isac;
	struct client_socket *socket;
	struct isac_subscriber_conf conf;
	char *name, *filter;

	/* the session */
	uint32_t sub;			/* 0 = none open */
	uint64_t request_id;		/* of the SUBSCRIBE under way, 0 = none */
	uint64_t position, chain, head; /* chain: last_seq of the last delivery or gap */
	uint64_t acked, rights;		/* rights: the roster generation by which what comes is judged */
	uint8_t hash[WIRE_HASH];
	uint32_t used_bytes, used_batches; /* to be credited */
	unsigned lives, attempts;
	int64_t heard_ms, try_at, start_ms;
	bool ever_open, have_position, lost_told;

	/* what is being handed out */
	struct wire_arena arena, small; /* of the batch; of single frames */
	const Isac1__Batch *batch;
	uint64_t batch_last, batch_from;
	size_t entry;
	struct client_entry_items items;
	const Isac1__Expired *expired; /* in `small`; its entries are handed out like a batch's, and items lie in `arena` */

	/* found while reading, told at the next call */
	struct isac_event told;
	bool has_told;
	char text[512], problem[512], normal[4096];
	enum isac_result final; /* set when it is over */
	struct isac_error final_error;
};

/* Reads all that is there until something must be told or handed out. */
void client_session_read(struct isac_subscriber *s);
/* Opens a session when it is time to; drops a silent one. Returns when to call again. */
int64_t client_session_tend(struct isac_subscriber *s, int64_t now);
/* Gives back what was handed out; at once, or only from half a window on. */
void client_session_credit(struct isac_subscriber *s, bool at_once);
void client_session_drop(struct isac_subscriber *s, uint32_t pause_ms);
void client_session_tell(struct isac_subscriber *s, enum isac_event_type type);

#endif
