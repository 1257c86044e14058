/* What the files of query share. */
#ifndef ISAC_QUERY_PRIV_H
#define ISAC_QUERY_PRIV_H

#include "query/query.h"

struct query_job {
	struct store_route route;
	const struct query_handler *handler;
	int64_t deadline_us; /* monotonic: for a parked one */
	uint64_t wait_seq;   /* parked until the index is complete up to here */
	size_t len;
	uint8_t body[];
};

/* One request being answered. */
struct query_call {
	struct query *q;
	struct query_job *job;
	const struct member_roster *roster;
	const struct member *self;
	struct wire_arena *arena;
	ProtobufCMessage *ask;	  /* opened body; NULL if it was empty */
	struct wire_buf *out;	  /* the reply's body */
	struct filter_error fail; /* text, column, expected: for ERROR */
};

/* Rows of the dispatch table in query.c. AGAIN parks the job until job->wait_seq is indexed. */
struct query_handler {
	uint16_t type, reply;
	uint32_t roles; /* any of these; 0 = every member */
	const ProtobufCMessageDescriptor *desc;
	enum isac_err (*fn)(struct query_call *call);
	bool slow; /* answered by query->slow; a member has one such question under way */
};
enum isac_err query_history(struct query_call *call);
enum isac_err query_directory(struct query_call *call);
enum isac_err query_status(struct query_call *call);
enum isac_err query_lookup(struct query_call *call);
enum isac_err query_related(struct query_call *call);
enum isac_err query_versions(struct query_call *call);
enum isac_err query_statistics(struct query_call *call);
/* The index is not that far: the handler returns AGAIN, and is called again when it is. */
bool query_must_wait(struct query_call *call, uint64_t wait_seq);
/* Appends a hit as entries (field 1 of every message that has such) if this member may see it; the last check before the wire. */
enum isac_err query_history_show(struct query_call *call, const struct store_hit *hit, bool held);
/* Fills call->fail and returns err. */
enum isac_err query_refuse(struct query_call *call, enum isac_err err, const char *text);

/* ---- cursor.c: pure ------------------------------------------------------------------ */
enum { QUERY_CURSOR = 20, QUERY_CURSOR_KEY = 32 };
struct query_cursor {
	uint64_t seq;
	uint32_t item;
};
/* For this member and these filter bytes only. */
void query_cursor_make(uint8_t out[QUERY_CURSOR], const struct query_cursor *at, const uint8_t key[QUERY_CURSOR_KEY], const char *member,
		       const char *filter);
enum isac_err query_cursor_open(struct query_cursor *out, const uint8_t *data, size_t len, const uint8_t key[QUERY_CURSOR_KEY],
				const char *member, const char *filter);

/* What an id of a member is an index of; members beyond have no last receipt in STATUS. */
enum { QUERY_NOTES = 65536 };
struct query_note {
	_Atomic uint64_t seq;
	_Atomic int64_t received_us;
	atomic_bool asks_slow; /* a slow question of this member (or of one with the same place here) is under way */
};

struct query {
	struct query_conf conf;
	struct base_actor *actor;
	struct base_mailbox *box;
	struct store_db *db;
	struct wire_arena arena;
	struct wire_buf out, entry;
	struct query_job **parked; /* queue_max slots */
	size_t parked_n;
	int64_t started_us;
	struct query_note *notes;
	struct query
		*slow; /* a second one of its kind, with a queue, a connection and a deadline of its own; it shares the notes. NULL in it */
};

#endif
