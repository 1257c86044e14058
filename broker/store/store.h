/*
 * store: the only room that speaks to PostgreSQL. One writer actor orders everything; an indexer follows it; readers page.
 *
 * Every wait on the database has a deadline of our own (asynchronous libpq only).
 */
#ifndef ISAC_STORE_H
#define ISAC_STORE_H

#include "filter/filter.h"
#include "life/life.h"

/* Where a reply goes: which connection of which front. Values, never pointers. */
struct store_route {
	uint64_t front;
	uint8_t rid[8];
	uint8_t rid_len;
	uint64_t request_id;
	int32_t member_id;
	int32_t token_id; /* asked through a gateway by the holder of this token of the member; 0 = by itself */
};

/* A report touches a member's registered space: a row of table concern. */
struct store_concern {
	int32_t member_id;
	uint32_t items;
	uint64_t seq;
};

struct store_conf {
	const char *conninfo;
	const char *signer_path; /* unix socket of the signer */
	const char *hub_id;
	int64_t commit_wait_us, commit_reports, queue_max; /* group commit bounds */
	int64_t deadline_ms;				   /* one statement */
	int64_t index_yield_ms;				   /* how long the indexer may stand back while reports pour in or busy() */
	bool unsafe_allow_async_commit;			   /* control runs of the durability checker only */
	/*
	 * Called on the writer's thread after a commit, in seq order; the callee takes its own references. committed: before receipts
	 * leave, and must wake nobody. publish: after those receipts left that were signed by then.
	 */
	void (*committed)(void *arg, struct report *const *reports, size_t n);
	void (*publish)(void *arg, struct report *const *reports, size_t n);
	/* Called on the writer's thread with the packed Receipt body of one submission; it may wait to send it until receipts_end. */
	void (*receipt)(void *arg, const struct store_route *route, const uint8_t *body, size_t len);
	void (*receipts_end)(void *arg);
	/* Called on the indexer's thread after its commit: whom the newly indexed reports concern. May be NULL. */
	void (*concerned)(void *arg, const struct store_concern *concern, size_t n);
	/* Called on the indexer's thread while it is far behind: does something go out that is more urgent? May be NULL. */
	bool (*busy)(void *arg);
	struct base_shared *roster; /* for `concerned` and table concern; NULL: nobody is concerned */
	/* Called on the indexer's thread after its commit, if held items are due: store_release_due. May be NULL. */
	void (*due)(void *arg);
	int64_t quorum; /* organisations that must report a held value */
	void *arg;
};

/* ---- writer ---- */
struct store;
enum isac_err store_start(struct store **out,
			  const struct store_conf *conf); /* checks synchronous_commit, fsync, schema version, the one-broker lock */
void store_stop(struct store **s);
/* Takes a reference of its own on ISAC_OK. ISAC_ERR_UNAVAILABLE when the queue is full. audience == report->audience: the caller (intake)
 * has already copied it into report->arena, so that a shared report knows who may see it. */
enum isac_err store_submit(struct store *s, struct report *report, const struct member_audience *audience, const struct store_route *route);
uint64_t store_head(const struct store *s); /* newest committed seq */
/* Held items may be due: the writer looks, and appends their release. Any thread. */
void store_release_due(struct store *s);
/* So many more (or, below zero, fewer) reports are on their way to store_submit: a group commit may wait for them. Any thread. */
void store_expect(struct store *s, int reports);

/* ---- indexer: mention and indicator behind a cursor of its own ---- */
struct store_indexer;
enum isac_err store_indexer_start(struct store_indexer **out, const struct store_conf *conf);
void store_indexer_stop(struct store_indexer **x);
void store_indexer_wake(struct store_indexer *x, uint64_t head_seq);
/* Somebody waits for the index: do not gather a trickle before writing it. Any thread. */
void store_indexer_hurry(struct store_indexer *x);
/* The same, and hands the reports on (it takes its own references), so that an indexer that keeps up need not read them back. */
void store_indexer_committed(struct store_indexer *x, struct report *const *reports, size_t n);
uint64_t store_indexer_seq(const struct store_indexer *x); /* index complete up to here */

/* ---- a connection for one actor's own reads and small writes ---- */
struct store_db; /* reconnects by itself; every call has the deadline */
enum isac_err store_db_new(struct store_db **out, const char *conninfo, int64_t deadline_ms);
/* The same for questions about history of which the first rows are wanted, found by indexes. */
enum isac_err store_db_new_quick(struct store_db **out, const char *conninfo, int64_t deadline_ms);
/* The same for questions that may take long: their statements end by the deadline with DB_RETRY. */
enum isac_err store_db_new_slow(struct store_db **out, const char *conninfo, int64_t deadline_ms);
/* Of store_db_new_slow: once fd is readable, what runs and all that comes is given up with DB_BROKEN. An actor's base_actor_stop_fd. */
void store_db_stop_by(struct store_db *db, int fd);
void store_db_destroy(struct store_db **db);

/* Reports with after < seq <= until, ascending, at most max_reports and about max_bytes. Holes are how the caller sees gaps.
 * Every report that a reader returns has publisher, received_us, audience_id and ->audience (copied into its own arena) set. */
enum isac_err store_select_page(struct store_db *db, uint64_t after, uint64_t until, size_t max_reports, size_t max_bytes,
				struct report **out, size_t *n);
/* The newest seq, 0: none yet; and, unless NULL, the oldest that is still there, or the next one. */
enum isac_err store_select_head(struct store_db *db, uint64_t *oldest, uint64_t *head);
/* Sequence numbers that have no report, and why. The numbers are those of message Gap (proto/README.md section 7). */
enum store_gap_reason {
	STORE_GAP_RETENTION = 1,
	STORE_GAP_ERASURE = 2,
	STORE_GAP_RESTORE = 3,
	STORE_GAP_KEY = 4,
	STORE_GAP_WITHDRAWAL = 5
};
enum { STORE_RESTORES_MAX = 64 };
struct store_gaps {
	uint64_t kept_from; /* retention removed everything below */
	size_t n;
	struct {
		uint64_t first, last;
	} restored[STORE_RESTORES_MAX]; /* ascending: numbers that a restore skipped; the newest ones */
};
enum isac_err store_select_gaps(struct store_db *db, struct store_gaps *out);
/* Why first..*last is gone; *last comes down to where the reason changes. Pure. */
enum store_gap_reason store_gap_reason(const struct store_gaps *gaps, uint64_t first, uint64_t *last);
/* Audience of an interned id (cached by db); lives as long as db. */
enum isac_err store_select_audience(struct store_db *db, int32_t id, const struct member_audience **out);

/* One page of history. */
struct store_hit {
	struct report *report;
	uint8_t *shown; /* bitmap of items to disclose */
	uint8_t *ended; /* of these, those that were withdrawn or replaced since, up to as_of_seq; NULL: nobody asked */
};
struct store_query {
	const struct filter *filter;
	const struct member *self;
	int64_t since_us, until_us;
	uint64_t as_of_seq;
	uint32_t limit;
	bool held;
	uint64_t before_seq;
	uint32_t before_item; /* keyset: strictly older than this; 0 = newest */
};
enum isac_err store_select_query(struct store_db *db, const struct store_query *q, struct store_hit **hits, size_t *n, uint64_t *next_seq,
				 uint32_t *next_item /* 0 = the end */, uint64_t *complete_seq);
void store_hits_free(struct store_hit *hits, size_t n);

/*
 * Answers to other questions about history, appended to the reply's body; only what a query for everything would show this member counts.
 * proto/README.md section 10 says what the numbers mean. now_us: the hub's clock. *complete_seq: the index answered for all up to here.
 */
enum isac_err store_select_known(struct store_db *db, const struct member *self, const Isac1__Lookup *ask, int64_t now_us,
				 struct wire_buf *out, uint64_t *complete_seq);
enum store_relation { STORE_RELATION_REPORT = 1, STORE_RELATION_NETWORK, STORE_RELATION_DOMAIN };
struct store_related {
	const struct member *self;
	const uint8_t *key;  /* of the value itself, which is left out */
	const uint8_t *addr; /* NETWORK: with its host bits zero */
	uint8_t family, prefix;
	const char *domain; /* DOMAIN */
	uint32_t limit;
	/* Called for each value, in order; text lives for the call. count: of all, RELATED_VALUES at most. */
	void (*row)(void *arg, const Isac1__RelatedValue *value, uint32_t count);
	void *arg;
};
enum isac_err store_select_related(struct store_db *db, enum store_relation relation, const struct store_related *q,
				   uint64_t *complete_seq);
/* Reports with this id, oldest first; publisher_id 0: of anybody. Entitlement is in the SQL; the caller asks member_may_see again. */
enum isac_err store_select_versions(struct store_db *db, const struct member *self, const uint8_t report_id[WIRE_ID], int32_t publisher_id,
				    struct store_hit **hits, size_t *n);
/* Those that replace it: appends VersionsResult.later. publisher_id 0: of anybody; names come from the roster. */
enum isac_err store_select_later(struct store_db *db, const struct member *self, const uint8_t report_id[WIRE_ID], int32_t publisher_id,
				 struct wire_buf *out, uint64_t *complete_seq);
/* Rows of what STATISTICS asks; publishers by id. name is NULL for the total. */
struct store_count {
	const char *name;
	uint64_t mentions, values, reports;
	uint32_t publishers;
};
struct store_score {
	int32_t publisher_id;
	uint64_t mentions, values, first, unique, led;
	int64_t lead_us;
};
struct store_overlap {
	int32_t a, b;
	uint64_t values;
};
enum store_question {
	STORE_STATS_TOTAL = 1,
	STORE_STATS_DAY,
	STORE_STATS_TYPE,
	STORE_STATS_PUBLISHER,
	STORE_STATS_COUNTRY,
	STORE_STATS_ASN,
	STORE_STATS_SCORES,
	STORE_STATS_OVERLAP,
	STORE_STATS_END
};
struct store_statistics {
	const struct member *self;
	enum store_question question;
	int64_t since_us, until_us;
	int32_t publisher_id; /* SCORES: only this one's; 0 = all, -1 = nobody's */
	/* Called for each row; only that of the question is. */
	void (*count)(void *arg, const struct store_count *row);
	void (*score)(void *arg, const struct store_score *row);
	void (*overlap)(void *arg, const struct store_overlap *row);
	void *arg;
};
/* With a db of store_db_new_slow. DB_RETRY: it took too long. */
enum isac_err store_select_statistics(struct store_db *db, const struct store_statistics *q, uint64_t *complete_seq);

/* What is said about one value, counted by the rule; publishers: how many members mention it. Only the newest LOOKUP_MENTIONS are looked
 * at. */
struct store_life_ask {
	const struct member *self;
	uint8_t key[WIRE_VALUE_KEY];
	uint64_t until_seq;
	int64_t now_us;
};
enum isac_err store_select_life(struct store_db *db, const struct store_life_ask *ask, const struct life_rule *rule, struct life *out,
				uint32_t *publishers);
enum isac_err store_select_life_rule(struct store_db *db, uint32_t type, struct life_rule *out);
enum isac_err store_update_life_rule(struct store_db *db, uint32_t type, int64_t days, int64_t speed_100 /* hundredths */);
/* The index answers for everything up to *seq. Goes before the other questions about history: they take db's audiences as it finds them. */
enum isac_err store_select_complete(struct store_db *db, uint64_t *seq);

/* Items of a report that ended at one moment. */
struct store_over {
	struct report *report;
	uint8_t *bits;
};
#define STORE_OVER_ALL ((uint64_t)INT64_MAX) /* as seq: all that ended at that moment */
struct store_over_place {
	int64_t us;
	uint64_t seq;
};
/* What ended behind *at and up to until_us, or as far as is indexed; *at moves to how far that is. more: there is more up to until_us. */
enum isac_err store_select_over(struct store_db *db, struct store_over_place *at, int64_t until_us, struct store_over **over, size_t *n,
				bool *more);
void store_over_free(struct store_over *over, size_t n);
enum isac_err store_select_received(struct store_db *db, uint64_t seq, int64_t *us); /* of this report or the next that exists; 0: none */

/* Subscriptions. */
struct store_subscription {
	char name[WIRE_LIMIT_NAME_BYTES + 1];
	char *filter;
	uint64_t acked_seq;
	int64_t created_us;
	bool exists;
};
enum isac_err store_select_subscription(struct store_db *db, int32_t member_id, const char *name, struct store_subscription *out);
enum isac_err store_upsert_subscription(struct store_db *db, int32_t member_id, const char *name, const char *filter, uint64_t acked_seq);
enum isac_err store_update_cursors(struct store_db *db, size_t n, const int32_t *member_id, const char *const *name,
				   const uint64_t *acked_seq); /* only forwards */
enum isac_err store_delete_subscription(struct store_db *db, int32_t member_id, const char *name);
enum isac_err store_select_subscriptions(struct store_db *db, int32_t member_id, struct store_subscription **out, size_t *n);

/* Reports that concern a member since it last asked and that it may see now, CONCERNS at most; newest_seq 0: none. */
enum isac_err store_select_concern(struct store_db *db, const struct member *self, uint64_t *reports, uint64_t *newest_seq);
enum isac_err store_upsert_concern_asked(struct store_db *db, int32_t member_id, uint64_t seq); /* only forwards */

/*
 * Who was sent what. A range is a stretch of deliveries to one session, under one filter and one entitlement: what was in it
 * follows by matching again. It never claims more than was handed to the transport.
 */
struct store_range {
	uint64_t id;
	const struct member *self; /* the subscriber, with roles, groups and registered space of then; name and keys are not kept */
	uint32_t session;
	const char *name, *filter; /* name "": a session without one; filter: normal form */
	int64_t compiled_us;
	uint64_t from_seq, until_seq, maybe_seq, acked_seq;
	int64_t opened_us, closed_us; /* 0 = open */
	bool passed;		      /* out: a gap stood there in place of the report that was asked about, whatever matches */
};
/* Writes rows for ranges that open, at until_seq = from_seq, and sets their ids. (session, opened_us) may come twice: it is one row. */
enum isac_err store_insert_ranges(struct store_db *db, struct store_range *ranges, size_t n);
/* Moves until_seq and acked_seq of these ids forwards; closes those with closed_us. */
enum isac_err store_update_ranges(struct store_db *db, const struct store_range *ranges, size_t n);
/* Closes all that are open. ended: core ended well, so nothing was sent that is not said; else maybe_seq becomes the head. */
enum isac_err store_close_ranges(struct store_db *db, bool ended);
/* Ranges with id > after_id that seq lies in, certainly or maybe, by rising id, at most max. The range given lives for the call. */
struct store_range_ask {
	uint64_t seq, after_id;
	int32_t member_id; /* 0 = of everybody */
	size_t max;
	bool withdrawn; /* the report was, by admins: only whom it had been sent to by then is meant */
};
enum isac_err store_select_ranges(struct store_db *db, const struct store_range_ask *ask,
				  void (*row)(void *arg, const struct store_range *range), void *arg);
/* Reports with this id, by rising seq, at most max; publisher_id 0: of any publisher. reader: only what it may see, and its own; NULL: all.
 * A report that retention removed is NULL in `out`: what is known of it is in `key`. */
struct store_report_key {
	uint64_t seq;
	int64_t received_us;
	int32_t publisher_id;
};
/* seqs of the rows that released held items of this report, ascending; an item is released once, so ITEMS of them at most. */
enum isac_err store_select_releases(struct store_db *db, uint64_t seq, uint64_t out[WIRE_LIMIT_ITEMS], size_t *n);
enum isac_err store_select_report_id(struct store_db *db, const uint8_t report_id[WIRE_ID], int32_t publisher_id,
				     const struct member *reader, struct report **out, struct store_report_key *key, size_t max, size_t *n);
/* Times to positions: what was received from since_us on and before until_us is after < seq <= until. 0 leaves a side open. */
enum isac_err store_select_span(struct store_db *db, int64_t since_us, int64_t until_us, uint64_t *after, uint64_t *until);

/* Members: everything the roster needs. */
enum isac_err store_select_roster(struct store_db *db, const char *hub_id, struct member_roster **out);
/* Certificates for DIRECTORY, packed KeyCertificate rows appended into a DirectoryResult body. */
enum isac_err store_select_directory(struct store_db *db, const Isac1__Directory *ask, struct wire_buf *out);
/* A page of history was shown. Durable within a moment, not at once: nobody waits for it. */
struct store_read {
	int32_t member_id, token_id; /* 0 = the member itself */
	const char *what, *filter;
	uint32_t items;
	const int64_t *seqs;
	size_t n;
};
enum isac_err store_insert_read(struct store_db *db, const struct store_read *r);
/* The same of many that each name one report at most. */
enum isac_err store_insert_reads(struct store_db *db, const struct store_read *r, size_t n);
/* An accepted command and its effect, in one transaction with the event row. Effects: one function each. */
struct store_command {
	const uint8_t *command_id;
	const uint8_t *bytes;
	size_t len;
	const uint8_t *signature;
	const uint8_t *key_id;
	int32_t member_id;
	const char *verb;
	const uint8_t *cosignature, *cosign_key_id; /* of the second admin; NULL: it needed none */
	int32_t cosign_member_id;
};
/* ISAC_OK; CONFLICT same id other bytes; ISAC_ERR_AGAIN = already done, same bytes. Opens the transaction that store_admin_end closes. */
enum isac_err store_admin_begin(struct store_db *db, const struct store_command *cmd);
enum isac_err store_admin_end(struct store_db *db, bool commit);
/* What is known of a command that may need a second admin. */
enum store_pending_state { STORE_PENDING_NONE, STORE_PENDING_WAITING, STORE_PENDING_DONE, STORE_PENDING_REJECTED };
struct store_pending {
	enum store_pending_state state; /* DONE also if it took effect without a second one */
	bool same;			/* the bytes are those that were asked about */
	int32_t member_id;		/* who asked for it */
	uint8_t signature[WIRE_SIGNATURE], key_id[WIRE_KEY_ID];
};
enum isac_err store_select_pending(struct store_db *db, const uint8_t command_id[WIRE_ID], struct wire_bytes command,
				   struct store_pending *out);
enum isac_err store_insert_pending(struct store_db *db, const struct store_command *cmd);
/* Decides on one that waits; NOT_FOUND if none does. Inside a command's transaction. */
enum isac_err store_update_pending(struct store_db *db, const uint8_t command_id[WIRE_ID], bool done /* else rejected */, int32_t by);
/* client_of: the name of the organisation whose client it is; "" = none. Whether that one may have clients is for control to judge. */
enum isac_err store_insert_member(struct store_db *db, const struct wire_member *bundle, const char *type, uint32_t roles,
				  const char *client_of, struct wire_why *why);
/* Registered space of a member: claimed, confirmed, dropped. NOT_FOUND for what is not there, CONFLICT for overlaps. */
struct store_space {
	const char *member; /* whose it is */
	int32_t by;	    /* who signed the command */
	bool vouched;	    /* by an admin for another: in force at once, overlaps included */
	const struct member_space *item;
	size_t n;
};
enum isac_err store_insert_space(struct store_db *db, const struct store_space *s, struct wire_why *why);
enum isac_err store_update_space(struct store_db *db, const struct store_space *s, bool confirm /* else drop */, struct wire_why *why);
/* An admin's verdict on all held values among these keys, at once in force. NOT_FOUND: none of them is held. */
struct store_verdict {
	const uint8_t (*key)[WIRE_VALUE_KEY];
	size_t n;
	bool release; /* else drop */
	int32_t by;   /* who signed the command */
	int64_t quorum;
};
enum isac_err store_update_held(struct store_db *db, const struct store_verdict *v, struct wire_why *why);
/* Held values, oldest first, ROWS at most, each with its newest report that holds it. */
struct store_held {
	uint8_t key[WIRE_VALUE_KEY];
	uint32_t type, organisations, reports;
	int32_t publisher_id;
	uint64_t seq;
	const char *value, *publisher, *tlp, *verdict, *since; /* live as long as the result */
};
struct store_held_ask {
	const char *publisher; /* NULL: of everybody */
	uint32_t type;	       /* 0: of every type */
	uint32_t rows;
	int32_t self_id; /* who asks */
};
enum isac_err store_select_held(struct store_db *db, const struct store_held_ask *ask, void (*row)(void *arg, const struct store_held *row),
				void *arg);
enum isac_err store_update_member(struct store_db *db, const char *name, int suspended /* -1 keep */, uint32_t roles /* 0 keep */,
				  struct wire_why *why);
/* Enrols it with the role invited, and a key that is valid until then; it gets `roles` when it joins. */
enum isac_err store_insert_invited(struct store_db *db, const struct wire_member *bundle, const char *type, uint32_t roles,
				   const char *client_of, int64_t until_us, struct wire_why *why);
enum isac_err store_update_invited(struct store_db *db, const char *name, uint32_t roles);
/* The bundle's CURVE key in place of the member's. CONFLICT: another member has it. */
enum isac_err store_update_curve(struct store_db *db, const struct wire_member *bundle, struct wire_why *why);
/* It becomes who it was invited to be, with its own keys. CONFLICT: it did already. */
enum isac_err store_update_joined(struct store_db *db, int32_t member_id, const struct wire_member *bundle, struct wire_why *why);
/* Shut out for good: keys expire, groups, subscriptions and space end; groups that it owns are the admins' from then on. NOT_ALLOWED: it is
 * the last admin. */
enum isac_err store_update_left(struct store_db *db, int32_t member_id, int32_t by, bool erase, struct wire_why *why);
/* 0: as the hub's settings say. */
enum isac_err store_update_quota(struct store_db *db, const char *name, const struct member_rate *rate, struct wire_why *why);
enum isac_err store_insert_key(struct store_db *db, const char *member, const uint8_t public_key[WIRE_SIGN_PUBLIC], int64_t valid_from_us,
			       int64_t valid_until_us, struct wire_why *why);
enum isac_err store_update_key_revoke(struct store_db *db, const uint8_t key_id[WIRE_KEY_ID],
				      uint64_t *from_seq /* 0: the next; what holds now */, struct wire_why *why);
/* Tokens. hash must be new: CONFLICT. */
struct store_token {
	const uint8_t *hash;
	const char *member, *collection, *note; /* collection NULL: any */
	enum member_scope scope;
	int64_t expires_us;
	int32_t by; /* who signed the command */
};
enum isac_err store_insert_token(struct store_db *db, const struct store_token *t, int32_t *id, struct wire_why *why);
/* member_id: only if it is this member's; 0 = anybody's. NOT_FOUND: no such token, or it is revoked. */
enum isac_err store_update_token_revoke(struct store_db *db, int32_t id, int32_t member_id, int32_t by);
/* Saved filters. */
enum isac_err store_insert_collection(struct store_db *db, const char *name, const char *filter, const char *title, struct wire_why *why);
enum isac_err store_delete_collection(struct store_db *db, const char *name);
/* Appends them to a CollectionsResult, by name; name NULL or "": all. */
enum isac_err store_select_collections(struct store_db *db, const char *name, struct wire_buf *out);
/* NOT_FOUND: none of this name has this filter. */
enum isac_err store_check_collection(struct store_db *db, const char *name, const char *filter);
/* owner_id: the member whose group it is, and who is in it from the start; 0 = the admins'. */
enum isac_err store_insert_group(struct store_db *db, const char *name, int32_t owner_id, struct wire_why *why);
/* A group as one member stands to it. Ids of 0: there is none of that name. */
struct store_group {
	int32_t id, owner_id; /* owner_id 0: the admins' */
	int32_t member_id;
	bool is_client, is_in, is_invited;
};
enum isac_err store_select_group(struct store_db *db, const char *name, const char *member, struct store_group *out);
/* Joining and leaving end an invitation; an owner that leaves leaves the group to the admins. Who may do what is for control to judge. */
enum store_group_act { STORE_GROUP_JOIN, STORE_GROUP_LEAVE, STORE_GROUP_INVITE, STORE_GROUP_GIVE };
enum isac_err store_update_group(struct store_db *db, const struct store_group *g, enum store_group_act act, int32_t by);
/*
 * Recalls: orders by which reports are not to be used any more, and to whom these had been sent. reason: as in a GAP.
 */
struct store_recall {
	int64_t id;
	unsigned reason;
	int32_t publisher_id;
	uint8_t key_id[WIRE_KEY_ID]; /* of STORE_GAP_KEY */
	uint64_t from_seq, scanned_seq;
	int64_t at_us;
	bool done;
};
/* Inside a command's transaction; sets the id. */
enum isac_err store_insert_recall(struct store_db *db, struct store_recall *r);
/* The oldest that is not done; id 0: none. */
enum isac_err store_select_recall(struct store_db *db, struct store_recall *out);
/* One report that had been sent to one subscription. Twice the same is fine. */
struct store_recalled {
	int64_t recall_id;
	int32_t member_id;
	char name[WIRE_LIMIT_NAME_BYTES + 1], publisher[WIRE_LIMIT_NAME_BYTES + 1];
	uint64_t seq;
	uint8_t report_id[WIRE_ID];
	uint32_t items;
	bool maybe;
	unsigned reason;
	int64_t at_us;
};
enum isac_err store_insert_recalled(struct store_db *db, const struct store_recalled *rows, size_t n);
/* How far receivers are known. */
enum isac_err store_update_recall(struct store_db *db, const struct store_recall *r);
/* Reports with after < seq <= until that a recall speaks of, ascending, at most max: what its key signed, or all of its publisher. */
enum isac_err store_select_signed(struct store_db *db, const struct store_recall *r, uint64_t after, uint64_t until, size_t max,
				  struct report **out, size_t *n);
/*
 * What a subscription must be told: what it was not told yet, and what it was told at `position`, where it begins again, or later; by
 * rising (recall_id, seq), after these two, at most max.
 */
struct store_recalled_ask {
	int32_t member_id;
	const char *name;
	uint64_t position; /* INT64_MAX: only what it was not told yet */
	int64_t after_id;
	uint64_t after_seq;
};
enum isac_err store_select_recalled(struct store_db *db, const struct store_recalled_ask *ask, struct store_recalled *out, size_t max,
				    size_t *n);
/* Whom a withdrawal by admins was to be told to. */
struct store_told {
	int32_t member_id;
	const char *name;	/* of the subscription; lives for the call */
	uint64_t seq;		/* the report's, or that of a release of it */
	int64_t at_us, told_us; /* when it was ordered; when this one was told, 0: it was not */
};
enum isac_err store_select_told(struct store_db *db, uint64_t report_seq /* or of a release of it */,
				void (*row)(void *arg, const struct store_told *told), void *arg);
/* The signed commands behind recalls: what a reader can check. */
struct store_order {
	int64_t recall_id;
	uint8_t *command; /* owned */
	size_t len;
	bool cosigned; /* by a second admin */
	uint8_t signature[WIRE_SIGNATURE], key_id[WIRE_KEY_ID], cosignature[WIRE_SIGNATURE], cosign_key_id[WIRE_KEY_ID];
};
/* Those of the recalls that these rows, in the order of recall_id, are of; by rising recall_id. store_orders_free ends them. */
enum isac_err store_select_orders(struct store_db *db, const struct store_recalled *rows, size_t n, struct store_order **out,
				  size_t *orders_n);
void store_orders_free(struct store_order **orders, size_t n);
/* These, of one subscription, were told at this position. */
enum isac_err store_update_recalled(struct store_db *db, const struct store_recalled *rows, size_t n, uint64_t told_seq);
/* The content of a report goes, in a command's transaction. UNAVAILABLE: it is not indexed yet. */
enum isac_err store_erase_report(struct store_db *db, uint64_t seq, struct wire_why *why);
/* The same of a report that stays and has ended: no feed shows it from now on. */
enum isac_err store_withdraw_report(struct store_db *db, uint64_t seq, struct wire_why *why);
/* Rows for list commands: each row's cells appended to the result message body. what: "member", "space", "key", "group", "own_group",
 * "subscription", "retention" (arg: the bound), "event", "pending", "command" (one pending, by its id in hex), "recall", "recalled" (of
 * one recall), "read", "read_who" (of one report_id), "stats". */
enum isac_err store_select_list(struct store_db *db, const char *what, const char *arg, struct wire_buf *out);

/* ---- care of a running hub ---- */
/* The first seq received at or after this time; head + 1 if there is none. */
enum isac_err store_retention_bound(struct store_db *db, int64_t before_us, uint64_t *before_seq);
/* Removes the partitions wholly below before_seq that are indexed. DB_RETRY: somebody reads them; come again. What it would remove is
 * the list "retention" of store_select_list. */
enum isac_err store_retention_drop(struct store_db *db, uint64_t before_seq, uint64_t *kept_from);
/* Records past their days (0: kept for ever): the oldest, rows_max of each kind. *more: there are others. */
struct store_record_days {
	int64_t read, recall, range;
};
enum isac_err store_retire_records(struct store_db *db, const struct store_record_days *days, int64_t rows_max, bool *more);
/* Makes the next `rows` rows of indicator true after a removal; *more: there are others. The indexer waits meanwhile. */
enum isac_err store_indicator_sweep(struct store_db *db, int32_t rows, bool *more);

/* Where a hub stands, by an owner's connection. */
struct store_position {
	uint64_t head;
	char wal[32], server[64]; /* position of PostgreSQL's log; its version */
	int32_t schema;
};
enum isac_err store_position(const char *conninfo, struct store_position *out, struct wire_why *why);
/* Moves the head on by so many numbers that no report will have; by an owner's connection, while no hub runs. */
enum isac_err store_advance_head(const char *conninfo, int64_t by, struct wire_why *why);
/* Replays every report. NOT_AUTHENTIC: something does not hold, *why says what. */
struct store_verify_conf {
	const char *conninfo, *hub_id;
	const char *member;			       /* whose feed is hashed; "": one that sees everything */
	void (*progress)(uint64_t at, uint64_t until); /* or NULL */
};
struct store_verified {
	uint64_t head, kept_from, reports, items, erased; /* head: how far it came */
	uint8_t hash[WIRE_HASH];			  /* running hash of a feed from the start without a filter */
};
enum isac_err store_verify(const struct store_verify_conf *conf, struct store_verified *out, struct wire_why *why);
/* One answer of the doctor: state is ok, warn or wrong; remedy says what to do then. Lives for the call. */
struct store_finding {
	const char *check, *state, *text, *remedy;
};
enum isac_err store_doctor(struct store_db *db, void (*found)(void *arg, const struct store_finding *finding), void *arg);

/* ---- set-up (isacd init, isacd run) ---- */
/* The first admin, enrolled by no command. ISAC_ERR_CONFLICT if there are members already. */
enum isac_err store_insert_first_admin(struct store_db *db, const struct wire_member *bundle, uint32_t roles);
/* span: reports a partition, for a database without any yet; 0: the usual 10 million. */
enum isac_err store_migrate(const char *conninfo, const char *sql_dir, int64_t span, struct wire_why *why);
enum isac_err store_check(const char *conninfo, struct wire_why *why); /* fsync, synchronous_commit, schema version, checksums (warn) */

#endif
