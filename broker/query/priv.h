/* What the files of query share. */
#ifndef ISAC_QUERY_PRIV_H
#define ISAC_QUERY_PRIV_H

#include "query/query.h"

struct query_job {
	struct store_route route;
	const struct query_handler *handler;
	int64_t deadline_us;  /* monotonic: for a parked one */
	uint64_t wait_seq;    /* parked until the index is complete up to here */
	uint64_t wait_ranges; /* parked until these are written; 0 = were not asked for yet */
	bool may_lag;	      /* nobody asked to wait: at the deadline it is answered all the same */
	size_t len;
	uint8_t body[];
};

struct query_shown {
	const char *filter; /* as asked; lives as long as `ask` */
	int64_t *seqs;	    /* in the arena, PAGE_ITEMS at most */
	size_t n;
	uint32_t items;
	bool told; /* no items are shown; told_seq: of this report, 0 = of several */
	uint64_t told_seq;
};
/* One request being answered. */
struct query_call {
	struct query *q;
	struct query_job *job;
	const struct member_roster *roster;
	const struct member *self;
	const struct member_token *token; /* who asks holds this token of the member; NULL: the member asks */
	struct member holder;		  /* self of a token */
	struct wire_arena *arena;
	ProtobufCMessage *ask;	  /* opened body; NULL if it was empty */
	struct wire_buf *out;	  /* the reply's body */
	struct filter_error fail; /* text, column, expected: for ERROR */
	struct query_shown shown; /* for the record of who read what */
};

/* By the holder of a token: not, yes, yes even if it is for one collection only. */
enum query_token { QUERY_NO_TOKEN, QUERY_TOKEN, QUERY_TOKEN_BOUND };
/* QUICK: in order. PATIENT: long work in slices, others go first. SLOW: answered by query->slow; a member has one such under way. */
enum query_lane { QUERY_QUICK, QUERY_PATIENT, QUERY_SLOW };

/* Rows of the dispatch table in query.c. AGAIN parks the job until job->wait_seq is indexed and job->wait_ranges are written. */
struct query_handler {
	uint16_t type, reply;
	enum query_lane lane;
	enum query_token token;
	uint32_t roles; /* any of these; 0 = every member */
	const ProtobufCMessageDescriptor *desc;
	enum isac_err (*fn)(struct query_call *call);
};
enum isac_err query_history(struct query_call *call);
enum isac_err query_directory(struct query_call *call);
enum isac_err query_collections(struct query_call *call);
enum isac_err query_status(struct query_call *call);
enum isac_err query_preview(struct query_call *call);
enum isac_err query_who(struct query_call *call);
enum isac_err query_why(struct query_call *call);
enum isac_err query_life(struct query_call *call);
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

/* ---- audit.c: who read what is written down before the answer leaves ------------------------- */
/* These items of a report are in the answer. */
void query_note_shown(struct query_call *call, const struct report *r, const uint8_t *shown);
/* The answer shows no items, and tells so many things of reports: of this one (0: of several). Once an answer. */
void query_note_told(struct query_call *call, uint64_t seq, uint32_t told);
enum isac_err query_write_read(struct query_call *call);
/* What was told and is not written down yet. NULL: out of memory; free() ends it. */
struct query_told *query_told_new(void);
int query_told_wait_ms(const struct query_told *t); /* until it is to be written, if nobody asks; -1: there is none */
enum isac_err query_told_write(struct query *q);
/* AGAIN until what was sent so far is in the table of ranges. */
enum isac_err query_await_ranges(struct query_call *call);

/* ---- match.c: what a feed would do, done again ---------------------------------------- */
/* May this member see the report, by the one rule? */
bool query_match_visible(const struct member *self, const struct report *r);
/* Does the hub tell this member about held items of it? Own ones, and to analysts all that they may see. */
bool query_match_shows_held(const struct member *self, const struct report *r);
/* Compiles a feed's filter. Fills call->fail on refusal. */
enum isac_err query_match_compile(struct query_call *call, const char *text, int64_t now_us, struct filter **out);
/* ---- cursor.c: pure ------------------------------------------------------------------ */
enum { QUERY_CURSOR = 20, QUERY_CURSOR_KEY = 32, QUERY_CURSOR_TAG = 8 };
struct query_cursor {
	uint64_t seq;
	uint32_t item;
};
/* For this member and these filter bytes only. */
void query_cursor_make(uint8_t out[QUERY_CURSOR], const struct query_cursor *at, const uint8_t key[QUERY_CURSOR_KEY], const char *member,
		       const char *filter);
enum isac_err query_cursor_open(struct query_cursor *out, const uint8_t *data, size_t len, const uint8_t key[QUERY_CURSOR_KEY],
				const char *member, const char *filter);

/* The same for another kind of place: out has room for len + QUERY_CURSOR_TAG bytes; about: what the cursor is for. */
void query_cursor_seal(uint8_t *out, const uint8_t *place, size_t len, const uint8_t key[QUERY_CURSOR_KEY], const char *member,
		       const char *about);
/* BAD_CURSOR unless data is a sealed place of len bytes, which it begins with. */
enum isac_err query_cursor_check(const uint8_t *data, size_t data_len, size_t len, const uint8_t key[QUERY_CURSOR_KEY], const char *member,
				 const char *about);

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
	struct base_mailbox *box, *patient; /* patient: slices, taken when box is empty */
	uint32_t turn;
	struct store_db *db;
	struct wire_arena arena;
	struct wire_buf out, entry;
	struct query_job **parked; /* queue_max slots */
	size_t parked_n;
	struct query_told *told;
	int64_t started_us;
	struct query_note *notes;
	/* A second one of its kind, with a queue, a connection and a deadline of its own; it shares the notes. NULL in it. */
	struct query *slow;
};

#endif
