/*
 * What the files of feed share. Everything here belongs to the feed's thread, except the mailboxes, `head`, `live` and what a job
 * carries: a job belongs to whoever holds it.
 */
#ifndef ISAC_FEED_PRIV_H
#define ISAC_FEED_PRIV_H

#include <sys/queue.h>

#include "feed/feed.h"
#include "filter/filter.h"
#include "sent/sent.h"

enum {
	FEED_RID_MAX = 8,
	FEED_BATCH_BYTES =
		65536, /* a batch is closed once it is about this big: 8 s at 64 kbit/s, less than what a reader takes for silence */
	FEED_PAGE_REPORTS = 2000,
	FEED_PAGE_BYTES = 2097152, /* of stored reports, one read of catch-up */
	FEED_PAGES_MAX = 32,	   /* kept at a time, within the ring's bytes */
	FEED_PAGES_ASKED_MAX = 2,  /* under way: so that openings and cursors do not wait behind fifty readers' pages */
	FEED_PAGES_IDLE_US = 10000000,
	FEED_CURSOR_FLUSH_MS = 100,
	FEED_RETRY_MS = 200,	 /* after the database failed a page */
	FEED_BUSY_US = 30000,	 /* after a delivery another one is expected: more than a grant of credit takes on a busy machine */
	FEED_COMMITS_MAX = 4096, /* group commits waiting for the feed; beyond it the feed reads them from the store */
	FEED_LINK_QUEUE = 67108864,
	FEED_SHARES_SEARCHED = 32, /* of one report, for a session that was not there when it was matched */
	FEED_FOLLOWS_MAX = 64,	   /* originals of which it is known who was sent them */
	FEED_FOLLOWS_ASKED_MAX = 4,
};

/* ---- ring: the newest committed reports, without holes, and whom each concerns ---- */
/* Some of a report's items, which one or more sessions get. */
struct feed_share {
	uint8_t *bits; /* of report->n items */
	size_t size;   /* about, of its Entry */
	uint32_t users;
	struct wire_buf entry; /* its Entry, made once, if more than one wants it */
};
/* Instead of a share: the report is about another one, and what of it the session gets is asked when its turn has come. */
#define FEED_SHARE_ASK UINT32_MAX
/* One session gets one share. A session's hits are a chain through the slots. */
struct feed_hit {
	uint32_t sub, share;
	uint32_t next_after, next_at; /* the same session's next one: so many reports later, there in its slot; 0 = none yet */
};
struct feed_slot {
	struct report *report;
	struct feed_share *share;
	struct feed_hit *hit;
	uint32_t shares, hits;
	size_t counted; /* of ring->bytes */
};
struct feed_ring {
	struct feed_slot *slot;
	size_t cap;
	uint64_t first, last; /* first > last: empty */
	size_t bytes, bytes_max;
};
struct feed;
enum isac_err feed_ring_init(struct feed_ring *ring, size_t bytes_max, uint64_t head);
void feed_ring_clear(struct feed *f);
/* Matches it against all live sessions' filters, once, and makes those ready that get something. */
void feed_ring_add(struct feed *f, struct report *report /* taken */);
void feed_ring_trim(struct feed *f); /* to its bytes: the oldest go */
/* Reports up to head did not come: whoever has not got them reads them from the store. */
void feed_ring_skip(struct feed *f, uint64_t head);
struct feed_slot *feed_ring_at(struct feed_ring *ring, uint64_t seq);		    /* NULL if not held */
void feed_ring_count(struct feed_ring *ring, struct feed_slot *slot, size_t bytes); /* which it takes more */

/* ---- pages of catch-up: read once, for all who are there ---- */
struct feed_job;
struct feed_page {
	uint64_t number; /* never given twice */
	uint64_t after, until;
	struct report **report;
	size_t n, bytes;	  /* n = 0: nothing is left up to `until` */
	uint32_t readers;	  /* ready sessions that are at it */
	int64_t used_us, came_us; /* monotonic */
};
struct feed_pages {
	struct feed_page *page[FEED_PAGES_MAX];
	size_t n, bytes, bytes_max, page_bytes; /* page_bytes: of the last that came */
	uint64_t number;
	uint64_t asked[FEED_PAGES_ASKED_MAX]; /* positions */
	size_t asked_n, discard;	      /* discard: so many of those under way are not to be used */
	int64_t retry_at_us;		      /* monotonic; 0 = no failure */
};
void feed_page_free(struct feed_page **page);
struct feed_session;
/* The page that goes on behind the session's position, and where in it; it stays while the session is ready. NULL: none is here. */
const struct feed_page *feed_page_find(struct feed *f, struct feed_session *s, size_t *at);
void feed_page_leave(struct feed *f, struct feed_session *s);		     /* the session is not ready to read any more */
bool feed_page_next(const struct feed *f, uint64_t *after, uint64_t *until); /* which one is to be read now? false: none */
void feed_page_tend(struct feed *f);					     /* asks for what is waited for, as far as there is room */
void feed_page_take(struct feed *f, struct feed_job *job);		     /* what the reader brought */
void feed_page_gaps(struct feed *f, const struct store_gaps *gaps); /* what is gone now: retention's is read from no page any more */
void feed_page_forget(struct feed *f, bool all);		    /* those not used for a while */

/* ---- ranges: who was sent what ---- */
struct feed_range {
	uint64_t id;			 /* of its row; 0 = not written yet */
	bool pending, asked;		 /* the row is wanted and the session idle; a job for it is under way: else on `wanted` */
	bool dirty, lost;		 /* on `moved`; the last batch could not be handed over */
	int64_t opened_us;		 /* names the row, with the session's number */
	uint64_t stamp;			 /* of feed_follows, when it began */
	uint64_t from, until;		 /* after .. up to what was handed to the transport */
	uint64_t earlier, earlier_until; /* the range before in this session, while not all of it is acknowledged; 0 = none */
};

/* ---- follow.c: who was sent the report that another one is about ---- */
struct feed_position {
	uint32_t sub;
	uint64_t seq;
};
struct feed_follow {
	struct sent_name name;	     /* of the original */
	struct sent *sent;	     /* NULL: not known yet */
	uint64_t stamp;		     /* of the question that brought it */
	bool wanted, asked;	     /* anew; a job is under way */
	struct feed_position *place; /* of all sessions then: what they were sent since is not in it */
	size_t places;
	int64_t used_us;
};
struct feed_follows {
	struct feed_follow at[FEED_FOLLOWS_MAX];
	size_t n, asked;
	uint64_t stamp; /* counts questions and openings of ranges */
	int64_t retry_at_us;
};

/* ---- sessions ---- */
enum feed_place { FEED_IDLE, FEED_READY, FEED_READY_BEHIND, FEED_WAIT_PAGE, FEED_WAIT_FOLLOW, FEED_WAIT_HEAD, FEED_PLACES };
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
	/*
	 * live: the ring's hits say what comes next, and reports without a hit move the position silently. Else each report from
	 * position + 1 on is tried with the filter. Hits exist for reports behind indexed_after.
	 */
	bool live;
	uint64_t indexed_after;
	uint64_t hit_seq, last_hit_seq; /* 0 = no hits in the ring */
	uint32_t hit_at, last_hit_at;
	uint64_t position, acked, acked_durable;
	uint64_t told; /* the position that the subscriber knows: reports it gets nothing of move ours silently */
	int64_t credit;
	uint32_t window; /* batches sent since the last CREDIT */
	uint8_t hash[WIRE_HASH];
	uint64_t rights_seq, rights_generation; /* what lies behind rights_seq is judged by this roster */
	bool rights_told;
	int64_t heartbeat_at_us; /* monotonic */
	/* notice.c */
	bool notice_due;		     /* to be looked up */
	int64_t notice_at_us;		     /* monotonic: not before */
	uint64_t notice_reports, notice_seq; /* told last */
	/* expiry.c */
	struct store_over_place over; /* told of all ends up to there */
	bool over_asked;
	/* recall.c */
	bool recall_due;
	int64_t recall_at_us;		  /* monotonic: not before */
	bool recall_again;		  /* what it was told at recall_from or later is being told again */
	uint64_t recall_from, recall_seq; /* its position when it opened; of recall_id, told again last */
	int64_t recall_id;

	enum feed_place place;
	uint64_t page;		/* number of the page that it reads; 0 = none */
	int64_t waits_since_us; /* monotonic; for a page */
	uint64_t round;		/* when it was served last */
	uint32_t everything_at; /* in feed->everything */
	bool dirty;		/* on the list of cursors to be stored */
	struct feed_range range;
	TAILQ_ENTRY(feed_session) queue, beat, cursor, news;
	LIST_ENTRY(feed_session) by_rid, by_member;
};
TAILQ_HEAD(feed_queue, feed_session);
LIST_HEAD(feed_bucket, feed_session);

/* What is to be told of all their ranges. */
struct feed_ranges {
	struct feed_queue wanted, moved;   /* by `news`: rows to be written; ends to be written */
	atomic_uint_fast64_t ticket, done; /* flushes that other threads asked for, and those made */
	bool under_way;			   /* a job is with the reader */
	int64_t at_us, retry_at_us;	   /* monotonic */
	int64_t opened_us;		   /* the newest given */
	struct store_range *end;	   /* of ranges that closed, or whose session has no say any more */
	size_t ends, ends_cap;
};

/* ---- jobs for the reader thread ---- */
enum feed_job_kind {
	FEED_JOB_OPEN,
	FEED_JOB_PAGE,
	FEED_JOB_CURSORS,
	FEED_JOB_FORGET,
	FEED_JOB_CONCERN,
	FEED_JOB_RANGES,
	FEED_JOB_RECALL,
	FEED_JOB_FOLLOW,
	FEED_JOB_EXPIRY
};
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
	uint64_t seq, head;	/* FROM_SEQ; the feed's head when it was asked, of a PAGE, too */
	uint64_t position;	/* outcome */
	struct store_gaps gaps; /* outcome, of a PAGE with a hole, too; kept_from = 0: not read */
	/* PAGE */
	struct feed_page *page;
	/* CURSORS */
	struct feed_cursor *cursor;
	size_t cursors;
	/* CONCERN; the newest in seq */
	uint64_t reports;
	/* RANGES */
	struct store_range *open, *end;
	size_t opens, ends;
	uint64_t ticket;
	int64_t asked_us;
	/* FOLLOW */
	struct sent_name original;
	struct sent *sent;
	uint64_t stamp;
	struct feed_position *place; /* of all sessions when it was asked */
	size_t places;
	/* EXPIRY */
	struct store_over_place over_from, over_at; /* asked from; outcome */
	int64_t over_until_us;
	struct store_over *over;
	size_t overs;
	bool more;
	/* RECALL; told: write down that these were told, at position */
	int64_t recall_id;
	uint64_t recall_seq;
	bool told;
	struct store_recalled *recalled;
	size_t recalled_n;
	struct store_order *order; /* of these, by rising recall_id */
	size_t orders;
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
	atomic_bool missed; /* commits did not fit into the mailbox */
	atomic_bool roster_stale;
	_Atomic int64_t sent_at_us; /* when the last delivery left */
	struct base_shared live;    /* struct feed_live of open named sessions */
	int wake_fd;		    /* eventfd: roster_stale, missed or a ticket of ranges was set */
	struct feed_reader *reader;
	struct member_roster *roster; /* a reference */
	struct feed_ring ring;
	struct feed_pages pages;
	struct store_gaps gaps; /* as of the last opening, or page with a hole */
	struct filter_set *set; /* of open sessions, by slot; not of those that get everything */
	uint32_t *everything;	/* slots of those */
	uint32_t everything_n;
	struct feed_match *match;      /* match.c's room to work in */
	struct feed_session **session; /* by slot; NULL = free */
	uint32_t sessions_cap, sessions, generation, slot_hint;
	struct feed_queue queue[FEED_PLACES], beats, cursors;
	struct feed_bucket *by_rid, *by_member;
	uint32_t buckets;
	bool live_changed;
	int listen_fd;
	struct base_link *link;
	uint64_t round;
	int64_t behind_at_us; /* who is behind gets nothing before */
	struct feed_ranges ranges;
	struct feed_follows follows;
	bool cursors_asked;
	int64_t cursors_at_us;
	struct wire_arena arena; /* of one incoming message */
	struct wire_buf out;	 /* of one outgoing body */
	/* notice.c */
	struct base_mailbox *notes;
	atomic_bool notes_lost;
	bool notices_due, notice_asked; /* some session's; a look-up is under way */
	uint32_t notice_turn;
	struct {
		bool asked;
		int64_t at_us; /* monotonic: when to look again */
	} expiry;
	/* recall.c */
	atomic_bool recalled, erased;
	bool recalls_due, recall_asked; /* some session's; a look-up is under way */
	uint32_t recall_turn;
};

/* match.c */
enum isac_err feed_match_init(struct feed *f);
void feed_match_clear(struct feed *f);
/* Its filter is asked from the next report of the ring on; before it, its rights and its filter must be set. */
enum isac_err feed_match_add(struct feed *f, struct feed_session *s);
void feed_match_remove(struct feed *f, struct feed_session *s);
/* All filters once more, after the members that they speak of were replaced. Sessions that find no room are closed. */
void feed_match_rebuild(struct feed *f);
void feed_match_report(struct feed *f, struct feed_slot *slot);
void feed_match_forget(struct feed *f, struct feed_slot *slot); /* it leaves the ring: its sessions' chains begin behind it */
/* Who gets some of these items, by filter; the bits given live for the call. */
void feed_match_items(struct feed *f, const struct report *r, const uint8_t *items,
		      void (*hit)(struct feed *f, struct feed_session *s, const struct report *r, const uint8_t *bits));
/* The share with these items, found or made; -1: use the bits themselves. */
int64_t feed_match_share(struct feed *f, struct feed_slot *slot, const uint8_t *bits);
/* The session's next hit behind its position; NULL: none. */
const struct feed_hit *feed_match_next(struct feed *f, struct feed_session *s);

/* session.c */
enum isac_err feed_session_init(struct feed *f);
void feed_session_clear(struct feed *f);
struct feed_session *feed_session_new(struct feed *f, const uint8_t *rid, size_t rid_len, const struct member *self);
struct feed_session *feed_session_find(struct feed *f, uint32_t sub);
struct feed_session *feed_session_named(struct feed *f, int32_t member_id, const char *name, const struct feed_session *other);
/* Takes the filter, on an error, too. */
enum isac_err feed_session_open(struct feed *f, struct feed_session *s, struct filter *filter, uint64_t position);
void feed_session_move(struct feed *f, struct feed_session *s, enum feed_place place);
void feed_session_move_all(struct feed *f, enum feed_place from, enum feed_place to);
bool feed_session_may_send(const struct feed_session *s);
void feed_session_ready(struct feed *f, struct feed_session *s);		     /* something may be to be sent */
void feed_session_behind(struct feed *f, struct feed_session *s, uint64_t position); /* no longer live */
bool feed_is_ready(const struct feed *f);
uint64_t feed_session_position(struct feed *f, struct feed_session *s); /* everything up to there is done with */
void feed_session_beat(struct feed *f, struct feed_session *s);		/* its next heartbeat is a whole interval away */
void feed_session_close(struct feed *f, struct feed_session *s);	/* keeps its cursor */
void feed_session_gone(struct feed *f, const uint8_t *rid, size_t rid_len);
void feed_session_close_all(struct feed *f);
void feed_session_acked(struct feed *f, struct feed_session *s, uint64_t seq);
void feed_session_publish(struct feed *f); /* the list behind feed_is_live, if it changed */
void feed_session_flush_cursors(struct feed *f, bool now);

/* rights.c */
void feed_rights_check(struct feed *f); /* after a roster change */
/* Who this is; NULL: nobody, or shut out. Whom front let in may be in a roster that we have not been told of yet: looks at the newest,
 * then. */
const struct member *feed_rights_member(struct feed *f, const char *name);

/* send.c */
enum isac_err feed_send(struct feed *f, const struct feed_session *s, uint16_t type, uint64_t request_id, const ProtobufCMessage *msg);
enum isac_err feed_send_to(struct feed *f, const uint8_t *rid, size_t rid_len, uint16_t type, uint64_t request_id,
			   const ProtobufCMessage *msg);
/* The body that f->out holds. */
enum isac_err feed_send_out(struct feed *f, const uint8_t *rid, size_t rid_len, uint16_t type, uint64_t request_id);
void feed_send_error(struct feed *f, const uint8_t *rid, size_t rid_len, uint64_t request_id, uint32_t sub, enum isac_err err,
		     const char *text);
enum isac_err feed_send_heartbeat(struct feed *f, struct feed_session *s);
enum isac_err feed_send_gap(struct feed *f, struct feed_session *s, uint64_t last, uint32_t reason);

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

/* recall.c */
void feed_recall_take(struct feed *f); /* what other threads said */
void feed_recall_opened(struct feed *f, struct feed_session *s, struct feed_job *job);
int64_t feed_recall_tend(struct feed *f, int64_t now, int64_t next);	   /* asks what is due; when to be called again, at most next */
enum isac_err feed_recall_read(struct feed_job *job, struct store_db *db); /* on the reader's thread */
void feed_recall_done(struct feed *f, struct feed_job *job);
/* plan.c: which items does a session get next? */
struct feed_shown {
	struct report *report;
	struct feed_slot *slot; /* with share, if it is one of its shares; NULL: the bits are in the plan */
	uint32_t share;
	size_t plan_at; /* of the bits */
};
/*
 * A plan is bytes: of each report shown its seq, then a share's number or the bits. Equal bytes are equal content, so nobody can
 * receive another's share by a hash collision.
 */
struct feed_plan {
	struct wire_buf bytes;
	struct feed_shown *shown;
	size_t n, cap;
	size_t size;	      /* of the body, about */
	uint64_t last;	      /* how far it reaches */
	uint64_t hole;	      /* > 0: everything up to there is gone, and nothing is planned */
	uint32_t hole_reason; /* of the GAP; 0: as the numbers say */
	bool waits;
};
/* waits: nothing is planned until it is known who was sent what the next report is about. */
void feed_plan_live(struct feed *f, struct feed_session *s, struct feed_plan *p);
/* false: no page is here to go on with. */
bool feed_plan_behind(struct feed *f, struct feed_session *s, struct feed_plan *p);
/* `bytes` of the plan, or a copy. */
const uint8_t *feed_plan_bits(const struct wire_buf *bytes, const struct feed_shown *shown);

/* range.c */
void feed_range_init(struct feed *f);
void feed_range_clear(struct feed *f);
void feed_range_begin(struct feed *f, struct feed_session *s);	/* deliveries under its filter and rights begin behind its position */
bool feed_range_ready(struct feed *f, struct feed_session *s);	/* may a batch go? false: its row is asked for, it is idle till then */
void feed_range_handed(struct feed *f, struct feed_session *s); /* a batch up to its position was */
void feed_range_lost(struct feed_session *s);			/* the last batch was not, and the session will close */
void feed_range_acked(struct feed *f, struct feed_session *s);	/* its acked has moved */
void feed_range_close(struct feed *f, struct feed_session *s);	/* filter, rights or session end at its position */
void feed_range_flush(struct feed *f, bool last);		/* writes what is due; last: everything, now */
int64_t feed_range_due_us(const struct feed *f);		/* monotonic; INT64_MAX = nothing to write */
struct feed_job *feed_range_job(struct feed *f);		/* what is to be told now; NULL: nothing, or no memory */
void feed_range_done(struct feed *f, struct feed_job *job);	/* what the reader brought back */
void feed_range_job_free(struct feed_job *job);

/* expiry.c */
int64_t feed_expiry_tend(struct feed *f, int64_t now, int64_t next); /* looks when it is time; when to be called again, at most next */
enum isac_err feed_expiry_read(struct feed_job *job, struct store_db *db); /* on the reader's thread */
void feed_expiry_done(struct feed *f, struct feed_job *job);

/* follow.c */
/*
 * Sets the bits of items that the session gets because its subscription was sent what they are about. false: that is not known yet, and
 * is asked at the end of the turn.
 */
bool feed_follow(struct feed *f, const struct feed_session *s, const struct report *r, uint8_t *bits);
int64_t feed_follow_tend(struct feed *f, int64_t next); /* asks what is wanted; when to be called again, at most next */
enum isac_err feed_follow_read(struct feed_job *job, struct store_db *db, struct base_shared *roster); /* on the reader's thread */
void feed_follow_done(struct feed *f, struct feed_job *job);
void feed_follow_clear(struct feed *f);

/* feed.c */
void feed_wake(struct feed *f); /* from any thread */

/* deliver.c */
void feed_deliver(struct feed *f); /* sends what can be sent now, to everybody */

#endif
