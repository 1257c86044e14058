/*
 * What the files of feed share. Everything here belongs to the feed's thread, except the mailboxes, `head`, `live` and what a job
 * carries: a job belongs to whoever holds it.
 */
#ifndef ISAC_FEED_PRIV_H
#define ISAC_FEED_PRIV_H

#include "feed/feed.h"

enum {
	FEED_RID_MAX = 8,
	FEED_BATCH_BYTES = 131072, /* a batch is closed once it is about this big */
	FEED_PAGE_REPORTS = 2000,
	FEED_PAGE_BYTES = 2097152, /* of stored reports, one read of catch-up */
	FEED_CURSOR_FLUSH_MS = 100,
	FEED_RETRY_MS = 200,	 /* after the database failed a session's page */
	FEED_COMMITS_MAX = 4096, /* group commits waiting for the feed; beyond it the feed reads them from the store */
	FEED_LINK_QUEUE = 67108864,
};

/* ---- ring: the newest committed reports, without holes ---- */
struct feed_slot {
	struct report *report;
	struct wire_buf whole; /* its Entry with all items, made once */
	size_t counted;
};
struct feed_ring {
	struct feed_slot *slot;
	size_t cap;
	uint64_t first, last; /* first > last: empty */
	size_t bytes, bytes_max;
};
enum isac_err feed_ring_init(struct feed_ring *ring, size_t bytes_max);
void feed_ring_clear(struct feed_ring *ring);
void feed_ring_add(struct feed_ring *ring, struct report *report /* taken */);
struct feed_slot *feed_ring_at(struct feed_ring *ring, uint64_t seq); /* NULL if not held */

/* ---- pages of catch-up ---- */
struct feed_page {
	struct report **report;
	size_t n, next;
	uint64_t until;
}; /* n = 0: nothing is left up to `until` */
void feed_page_free(struct feed_page **page);

/* ---- sessions ---- */
struct feed_session {
	uint32_t sub;
	int32_t member_id;
	const struct member *self; /* of feed->roster */
	char name[WIRE_LIMIT_NAME_BYTES + 1];
	struct filter *filter;
	bool everything; /* the filter is `true` */
	uint8_t rid[FEED_RID_MAX];
	uint8_t rid_len;
	bool open;	/* SUBSCRIBED was sent */
	bool caught_up; /* the subscriber was told that it has all */
	uint64_t position, acked, acked_durable;
	uint64_t told; /* the position that the subscriber knows: reports it gets nothing of move ours silently */
	int64_t credit;
	uint32_t window; /* batches sent since the last CREDIT */
	uint8_t hash[WIRE_HASH];
	struct feed_page *page; /* what is left of it comes before the ring */
	bool page_asked;
	int64_t retry_at_us, heartbeat_at_us; /* monotonic */
	/* notice.c */
	bool notice_due;		     /* to be looked up */
	int64_t notice_at_us;		     /* monotonic: not before */
	uint64_t notice_reports, notice_seq; /* told last */
};

/* ---- jobs for the reader thread ---- */
enum feed_job_kind { FEED_JOB_OPEN, FEED_JOB_PAGE, FEED_JOB_CURSORS, FEED_JOB_FORGET, FEED_JOB_CONCERN };
struct feed_cursor {
	uint32_t sub;
	int32_t member_id;
	char name[WIRE_LIMIT_NAME_BYTES + 1];
	uint64_t acked;
};
struct feed_job {
	enum feed_job_kind kind;
	enum isac_err err; /* outcome */
	struct wire_why why;
	uint32_t sub;
	int32_t member_id;
	uint64_t request_id;
	char name[WIRE_LIMIT_NAME_BYTES + 1];
	/* OPEN */
	char *filter; /* asked; NULL: the stored one, which comes back here */
	uint32_t from;
	uint64_t seq, head; /* FROM_SEQ; the feed's head when it was asked */
	uint64_t position;  /* outcome */
	/* PAGE */
	uint64_t after, until;
	struct feed_page *page;
	/* CURSORS */
	struct feed_cursor *cursor;
	size_t cursors;
	/* CONCERN; the newest in seq */
	uint64_t reports;
};
void feed_job_free(struct feed_job **job);

struct feed_reader;
enum isac_err feed_reader_start(struct feed_reader **out, const struct feed_conf *conf);
void feed_reader_stop(struct feed_reader **reader);
enum isac_err feed_reader_ask(struct feed_reader *reader, struct feed_job *job /* taken on OK */);
int feed_reader_fd(const struct feed_reader *reader);	       /* readable: finished jobs */
struct feed_job *feed_reader_done(struct feed_reader *reader); /* NULL when none */

/* ---- the feed ---- */
struct feed {
	struct feed_conf conf;
	struct base_actor *actor;
	struct base_mailbox *commits;
	atomic_uint_fast64_t head;
	struct base_shared live; /* struct feed_live of open named sessions */
	int roster_fd;		 /* eventfd: look at the roster again */
	struct feed_reader *reader;
	struct member_roster *roster; /* a reference */
	struct feed_ring ring;
	struct feed_session **session; /* by slot; NULL = free */
	uint32_t sessions_cap, sessions, generation, slot_hint;
	int listen_fd;
	struct base_link *link;
	uint32_t turn; /* whose turn it is first in the next round */
	bool cursors_dirty, cursors_asked;
	int64_t cursors_at_us;
	struct wire_arena arena; /* of one incoming message */
	struct wire_buf out;	 /* of one outgoing body */
	/* notice.c */
	struct base_mailbox *notes;
	atomic_bool notes_lost;
	bool notices_due, notice_asked; /* some session's; a look-up is under way */
	uint32_t notice_turn;
};

/* session.c */
struct feed_session *feed_session_new(struct feed *f, const uint8_t *rid, size_t rid_len, const struct member *self);
struct feed_session *feed_session_find(struct feed *f, uint32_t sub);
struct feed_session *feed_session_named(struct feed *f, int32_t member_id, const char *name, const struct feed_session *other);
void feed_session_close(struct feed *f, struct feed_session *s); /* keeps its cursor */
void feed_session_gone(struct feed *f, const uint8_t *rid, size_t rid_len);
void feed_session_close_all(struct feed *f);
void feed_session_publish(struct feed *f); /* the list behind feed_is_live */
void feed_session_recheck(struct feed *f); /* after a roster change */
void feed_session_flush_cursors(struct feed *f, bool now);

/* send.c */
enum isac_err feed_send(struct feed *f, const struct feed_session *s, uint16_t type, uint64_t request_id, const ProtobufCMessage *msg);
enum isac_err feed_send_to(struct feed *f, const uint8_t *rid, size_t rid_len, uint16_t type, uint64_t request_id,
			   const ProtobufCMessage *msg);
void feed_send_error(struct feed *f, const uint8_t *rid, size_t rid_len, uint64_t request_id, uint32_t sub, enum isac_err err,
		     const char *text);
void feed_send_heartbeat(struct feed *f, struct feed_session *s);
enum isac_err feed_send_gap(struct feed *f, struct feed_session *s, uint64_t last);

/* handle.c */
void feed_handle(struct feed *f, const uint8_t *rid, size_t rid_len, const struct member *self, struct wire_bytes head,
		 struct wire_bytes body);
void feed_handle_opened(struct feed *f, struct feed_job *job);

/* notice.c */
enum isac_err feed_notice_start(struct feed *f);
void feed_notice_stop(struct feed *f);
void feed_notice_take(struct feed *f);				     /* notes of the indexer */
void feed_notice_opened(struct feed *f, struct feed_session *s);     /* tells it soon what has gathered */
int64_t feed_notice_tend(struct feed *f, int64_t now, int64_t next); /* asks what is due; when to be called again, at most next */
enum isac_err feed_notice_read(struct feed_job *job, struct store_db *db, struct base_shared *roster); /* on the reader's thread */
void feed_notice_done(struct feed *f, const struct feed_job *job);

/* deliver.c */
void feed_deliver(struct feed *f); /* sends what can be sent now, to everybody */

#endif
