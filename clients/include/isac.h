/*
 * libisac: a member's side of an isac hub: publish, subscribe, query, status, commands.
 *
 * Every receipt is checked against the hub's key, and every delivered item against its publisher's signature, proof and the
 * admin's certificate, before the caller sees it as verified. No global state: all hangs on a `struct isac`, which one thread
 * uses at a time (open several for several threads). Nothing here prints.
 *
 * Ownership: `x_open(struct x **out, ...)` gives, `x_close(struct x **)` takes back (NULL and twice are harmless) and leaves
 * NULL. `const T *` arguments are borrowed for the call; what an object shows (`const struct isac_item *`, ...) lives until the
 * next call on that object.
 * Errors: every call that can fail returns ISAC_DONE or why not, and fills `struct isac_error` (may be NULL) with a sentence
 * that says what to do next. Times are microseconds since 1970 UTC, 0 = not said.
 */
#ifndef ISAC_H
#define ISAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The first four are also the exit status of the command line. */
enum isac_result {
	ISAC_DONE = 0,
	ISAC_REFUSED = 1,     /* by the hub, by a local rule, or a verification failed */
	ISAC_MISUSED = 2,     /* wrong arguments, unusable home */
	ISAC_UNREACHABLE = 3, /* no answer within the time given */
	ISAC_QUIET = 5,	      /* nothing happened within the time given */
	ISAC_END = 6,	      /* there is no more */
};

struct isac_error {
	enum isac_result result;
	unsigned code;	    /* the hub's code (proto/README.md section 13), 0 = not from the hub */
	uint32_t column;    /* 1 + offset into a filter text, 0 = none */
	uint32_t item;	    /* 1 + number of the offending item, 0 = none */
	char expected[256]; /* what a filter could have said at `column` */
	char text[512];	    /* for people; NUL-terminated, no control bytes */
};

const char *isac_version(void);

/* ---- a member's home and its hub -------------------------------------------- */
enum { ISAC_ID_BYTES = 16, ISAC_KEY_BYTES = 32, ISAC_NAME_BYTES = 64 };

struct isac;
/*
 * Reads keys and the hub's bundle from `home`; opens no connection yet. hub: "tcp://HOST:PORT", or NULL for the home's own.
 * Key files must belong to the caller and have mode 0600. timeout_ms: how long calls wait for the hub to answer.
 */
enum isac_result isac_open(struct isac **out, const char *home, const char *hub, int timeout_ms, struct isac_error *err);
void isac_close(struct isac **isac);
const char *isac_name(const struct isac *isac); /* the member's name */
const char *isac_hub_id(const struct isac *isac);
const char *isac_hub_address(const struct isac *isac);
const char *isac_home(const struct isac *isac);

struct isac_keygen {
	const char *home, *hub_bundle_path, *hub /* NULL: the bundle's address */, *name;
};
/* Makes a new identity in a home. Never overwrites keys. key_id gets 16 hex digits and NUL. */
enum isac_result isac_keygen(const struct isac_keygen *conf, char key_id[17], struct isac_error *err);

/* "0192f3c4-....": 36 characters and NUL. */
void isac_id_text(char out[37], const uint8_t id[ISAC_ID_BYTES]);

/* ---- reports ------------------------------------------------------------------ */
enum isac_tlp { ISAC_TLP_NONE, ISAC_TLP_CLEAR, ISAC_TLP_GREEN, ISAC_TLP_AMBER, ISAC_TLP_AMBER_STRICT, ISAC_TLP_RED };
enum isac_kind { ISAC_KIND_NONE, ISAC_KIND_INDICATOR, ISAC_KIND_SIGHTING, ISAC_KIND_WITHDRAWAL };
enum isac_verdict { ISAC_VERDICT_NONE, ISAC_VERDICT_POSITIVE, ISAC_VERDICT_FALSE_POSITIVE, ISAC_VERDICT_EXPIRED };
const char *isac_verdict_name(unsigned verdict); /* "false-positive"; NULL if there is none */
const char *isac_tlp_name(unsigned tlp);	 /* "amber+strict"; NULL if there is no such label */
enum isac_tlp isac_tlp_parse(const char *text);	 /* any case, with or without "TLP:"; ISAC_TLP_NONE if unknown */
const char *isac_kind_name(unsigned kind);	 /* "indicator"; "kind-77" is not made up: NULL if unknown */
bool isac_type_known(const char *type);		 /* is it an indicator type of proto/README.md section 8? */
/* Does this text, made canonical as the item's type, stand for the item's value? As `value =` in filters, also of what is sealed. */
struct isac_item;
bool isac_item_is(const struct isac_item *item, const char *value);
const char *isac_type_name(unsigned number); /* 1.. ; NULL after the last */

struct isac_indicator {
	const char *type;  /* NULL or "": guessed from the value */
	const char *value; /* defanged forms are understood */
	const char *raw;   /* as first seen; NULL: `value` as given, if the canonical form differs */
	int confidence;	   /* 0..100, -1 = not said */
	int severity;	   /* 0..10, -1 = not said */
	int64_t first_seen_us, last_seen_us, valid_from_us, valid_until_us;
	const char *const *tags;
	size_t tags_n;
	const char *description;
	uint32_t asn; /* 0 = not said */
	const char *country;
	const char *const *references;
	size_t references_n;
};

struct isac_report_conf {
	enum isac_tlp tlp;
	const char *const *groups;
	size_t groups_n;
	const char *const *recipients; /* of a red report, which is sealed to them: isac_batch_seal asks the hub for their keys */
	size_t recipients_n;
	const uint8_t *supersedes; /* the caller's own report that this one replaces; NULL = none */
	/*
	 * A report of sightings or withdrawals: who may see it follows from the report that it is about, and groups are not given. About a
	 * red one it is sealed: recipients are then that one's, and its publisher.
	 */
	enum isac_kind kind; /* 0 = indicators */
	const uint8_t *about;
	const char *about_publisher;
};

/* Collects indicators for reports of one label: canonical values, no value twice in the batch's life. */
struct isac_batch;
enum isac_result isac_batch_open(struct isac_batch **out, struct isac *isac, const struct isac_report_conf *conf, uint32_t items_max,
				 size_t bytes_max, struct isac_error *err);
void isac_batch_close(struct isac_batch **batch);
enum isac_batch_outcome { ISAC_BATCH_ADDED, ISAC_BATCH_DUPLICATE, ISAC_BATCH_REFUSED, ISAC_BATCH_FULL };
/* FULL: seal first, then add it again. REFUSED: err says why. */
enum isac_batch_outcome isac_batch_add(struct isac_batch *batch, const struct isac_indicator *indicator, struct isac_error *err);
/* What is said of an item of the report that the batch is about, by type and canonical value as that report shows them. */
struct isac_feedback {
	const char *type, *value, *description;
	enum isac_verdict verdict; /* sighting */
	uint32_t count;		   /* sighting; 0 = not said */
	int64_t first_seen_us, last_seen_us;
};
/*
 * Into a batch of sightings or of withdrawals. Into one of indicators that replaces a report: withdraws this item of the report
 * that is replaced; DUPLICATE if the batch says it again, which is as well. FULL as above.
 */
enum isac_batch_outcome isac_batch_add_feedback(struct isac_batch *batch, const struct isac_feedback *feedback, struct isac_error *err);
uint32_t isac_batch_count(const struct isac_batch *batch);

/* A signed report, ready to be sent: the bytes that go on the wire, always the same ones. */
struct isac_report {
	uint8_t id[ISAC_ID_BYTES];
	uint8_t *data;
	size_t len;
};
enum isac_result isac_batch_seal(struct isac_batch *batch, struct isac_report *out, struct isac_error *err);
void isac_report_clear(struct isac_report *report);

/* ---- the spool: reports wait on disk until they are receipted -------------------- */
struct isac_spooled {
	char path[512];
	int fd;
}; /* fd holds the claim on the file */
/* Durable when it returns. Two processes never hold the same file. */
enum isac_result isac_spool_put(struct isac_spooled *out, const char *home, const struct isac_report *report, struct isac_error *err);
/* Names (oldest first) of waiting reports; free each and the array. */
enum isac_result isac_spool_list(char ***names, size_t *n, const char *home, struct isac_error *err);
/* Claims and reads one. ISAC_QUIET: another process has it, or it is gone. */
enum isac_result isac_spool_take(struct isac_spooled *out, struct isac_report *report, const char *home, const char *name,
				 struct isac_error *err);
void isac_spool_release(struct isac_spooled *s);				    /* stays for the next time */
enum isac_result isac_spool_remove(struct isac_spooled *s, struct isac_error *err); /* receipted */
enum isac_result isac_spool_refuse(struct isac_spooled *s, struct isac_error *err); /* moves to spool/refused/ */

/* ---- publishing -------------------------------------------------------------------- */
struct isac_receipt {
	uint8_t report_id[ISAC_ID_BYTES];
	unsigned code; /* 200, 202, 208, or a refusal; 0 = the receipt did not verify */
	uint64_t seq;
	int64_t received_us;
	uint32_t items; /* of the report */
	const uint32_t *held;
	size_t held_n;	  /* item numbers */
	const char *text; /* on refusal, and why the first of the held items is held */
	uint32_t item;	  /* 1 + number of the offending item */
	void *tag;
};
struct isac_publisher;
/* window: how many reports may be under way, 1..1024. done is called once for each, from inside isac_publisher_step. */
enum isac_result isac_publisher_open(struct isac_publisher **out, struct isac *isac, unsigned window,
				     void (*done)(void *arg, const struct isac_receipt *receipt), void *arg, struct isac_error *err);
void isac_publisher_close(struct isac_publisher **p);
bool isac_publisher_has_room(const struct isac_publisher *p);
unsigned isac_publisher_pending(const struct isac_publisher *p);
/* Needs room. The bytes are copied and sent again, the same, until a receipt comes. */
enum isac_result isac_publisher_add(struct isac_publisher *p, const struct isac_report *report, void *tag, struct isac_error *err);
/* Sends, receives, sends again. Returns after something was done or after wait_ms. UNREACHABLE: nothing moved for the timeout. */
enum isac_result isac_publisher_step(struct isac_publisher *p, int wait_ms, struct isac_error *err);

/* ---- items, as feeds and queries show them --------------------------------------------- */
struct isac_item {
	bool verified; /* signature, proof and certificate hold; if not, `problem` says why and only seq.. publisher are set */
	const char *problem;
	uint64_t seq;
	uint8_t report_id[ISAC_ID_BYTES];
	const char *publisher;
	unsigned tlp, kind;
	int64_t created_us, received_us;
	bool held;
	uint32_t index;			/* of the item in its report */
	const char *type, *value, *raw; /* value canonical; raw as the publisher first saw it */
	int confidence, severity;	/* -1 = not said */
	int64_t first_seen_us, last_seen_us, valid_from_us, valid_until_us;
	const char *const *tags;
	size_t tags_n;
	const char *description, *country; /* "" = not said */
	uint32_t asn;
	const char *const *references;
	size_t references_n;
	const char *const *groups;
	size_t groups_n;
	const char *const *recipients; /* whom a red report names */
	size_t recipients_n;
	const uint8_t *supersedes; /* ISAC_ID_BYTES: the report that this one replaces, by its publisher's word; NULL = none */
	const uint8_t *about;	   /* sighting, withdrawal: of the report that it is about; NULL = none */
	const char *about_publisher;
	unsigned verdict;		/* sighting: enum isac_verdict */
	uint32_t count;			/* sighting; 0 = not said */
	bool expired;			/* of ISAC_EVENT_EXPIRED */
	bool ended;			/* history: its publisher has taken it back or said it anew */
	uint64_t release_of;		/* 0; else it was held as part of the report's entry with this seq, and is released now */
	struct isac_evidence *evidence; /* for isac_item_proof; NULL = none, it is not verified */
};

/*
 * What lets anybody else verify an item without the hub (proto/README.md sections 4 and 5): the publisher's signature over the header, and
 * the path from the item to the root that the header names. Lives as long as the item.
 */
struct isac_proof {
	const uint8_t *public_key, *signature; /* ISAC_KEY_BYTES, 64 */
	const uint8_t *header, *item;
	size_t header_len, item_len;
	uint8_t salt[16];
	uint32_t index, item_count;
	const uint8_t *path; /* RFC 6962's audit path, leaf to root: path_n hashes of 32 bytes */
	size_t path_n;
};
/* false: the item is not verified, or memory ran out. */
bool isac_item_proof(struct isac_proof *out, const struct isac_item *item);

/* ---- feeds -------------------------------------------------------------------------------- */
enum isac_from { ISAC_FROM_CURSOR, ISAC_FROM_START, ISAC_FROM_NOW, ISAC_FROM_SEQ, ISAC_FROM_RESUME };
struct isac_subscriber_conf {
	const char *name;   /* of the cursor that the hub keeps; NULL = none */
	const char *filter; /* NULL or "" = the one kept under this name, else everything */
	enum isac_from from;
	uint64_t seq;	/* FROM_SEQ, and FROM_RESUME, which is told by a gap of what the hub has removed since: the last one already had */
	int silence_ms; /* open the session anew after this; 0 = three heartbeats */
};
enum isac_event_type {
	ISAC_EVENT_OPEN,     /* a session is open: position, head, filter (normal form) */
	ISAC_EVENT_ITEM,     /* item; look at item->verified */
	ISAC_EVENT_POSITION, /* everything up to `position` was shown; caught_up if that is the head */
	ISAC_EVENT_GAP,	     /* first..last no longer exist; reason */
	ISAC_EVENT_PROBLEM,  /* text: the feed itself is not in order (running hash); a new session is opened */
	ISAC_EVENT_LOST,     /* the hub is away; text; we go on trying */
	/* `recalled` reports by `text`, which this subscription was sent, are not to be used any more: `reason`. Look at `verified`: `by`
	 * are the admins whose signed order it is; else `problem` says why it is nobody's but the hub's. */
	ISAC_EVENT_RECALL,
	ISAC_EVENT_NOTICE,  /* `reports` reports, the newest `last`, touch my registered space since I last asked `mine` */
	ISAC_EVENT_EXPIRED, /* item, which came before, is past its end, by its own word or by the age of its type; it may be told twice */
	ISAC_EVENT_RIGHTS,  /* what this member may see has changed, for reports behind `first`; position as above */
};
/* Why reports are gone (GAP) or not to be used any more (RECALL). */
enum isac_gone { ISAC_GONE_RETENTION = 1, ISAC_GONE_ERASED = 2, ISAC_GONE_RESTORE = 3, ISAC_GONE_KEY_REVOKED = 4, ISAC_GONE_WITHDRAWN = 5 };
struct isac_recalled {
	uint64_t seq;
	char report_id[37];
	uint32_t items; /* so many had been sent */
	bool maybe;	/* or not: the hub stopped unexpectedly then */
};
struct isac_event {
	enum isac_event_type type;
	const struct isac_item *item;
	uint64_t position, head, first, last, reports;
	unsigned reason;
	bool caught_up;
	const char *filter, *text;
	const struct isac_recalled *recalled; /* live until the next event */
	size_t recalled_n;
	uint64_t recall; /* number of the order; the same may come again after a restart */
	bool verified;	 /* RECALL */
	const char *by, *problem;
};
struct isac_subscriber;
enum isac_result isac_subscriber_open(struct isac_subscriber **out, struct isac *isac, const struct isac_subscriber_conf *conf,
				      struct isac_error *err);
void isac_subscriber_close(struct isac_subscriber **s);
/*
 * The next event, or ISAC_QUIET after wait_ms. UNREACHABLE only as long as no session was ever open; later losses are
 * events and mended. REFUSED: the hub will not have it (filter, role, position); or a newer session took the name.
 */
enum isac_result isac_subscriber_next(struct isac_subscriber *s, int wait_ms, struct isac_event *event, struct isac_error *err);
/* Everything up to seq is safe with the caller: the hub may move the cursor of this name. */
void isac_subscriber_ack(struct isac_subscriber *s, uint64_t seq);

/*
 * A cursor beside the hub's, in H/cursors/NAME, written durably: what makes a restart neither lose nor repeat.
 * Everything up to seq is safe, and of report part_seq (0 = none) the items up to number part_index as well.
 */
struct isac_cursor {
	uint64_t seq, part_seq;
	uint32_t part_index;
};
enum isac_result isac_cursor_read(struct isac_cursor *out, const struct isac *isac, const char *name,
				  struct isac_error *err); /* QUIET: none yet */
enum isac_result isac_cursor_write(const struct isac *isac, const char *name, const struct isac_cursor *cursor, struct isac_error *err);

/* ---- history ------------------------------------------------------------------------------ */
struct isac_query_conf {
	const char *filter;
	int64_t since_us, until_us;
	uint64_t as_of_seq, wait_seq;
	uint64_t limit; /* items in all, 0 = no limit */
	bool held;
};
struct isac_query;
enum isac_result isac_query_open(struct isac_query **out, struct isac *isac, const struct isac_query_conf *conf, struct isac_error *err);
void isac_query_close(struct isac_query **q);
/* Newest first. ISAC_END after the last. */
enum isac_result isac_query_next(struct isac_query *q, const struct isac_item **item, struct isac_error *err);
uint64_t isac_query_complete_seq(const struct isac_query *q); /* the index answered for everything up to here */

/* ---- preview: what a feed with this filter would have brought ------------------------------ */
struct isac_preview_conf {
	const char *filter; /* NULL or "": everything */
	int64_t since_us, until_us;
	uint32_t items;	    /* the newest that are kept to be shown, at most 100 */
	const char *cursor; /* hex, of a preview that was not run to its end; since and until are its own. NULL: begin */
};
struct isac_tally {
	char name[ISAC_NAME_BYTES + 1]; /* a type, a publisher, or a day as 2026-01-31 */
	uint64_t reports, items;
	uint64_t held; /* items that match, but are held back: own ones, or with the role analyst all */
};
/* What was counted so far; lives as long as the preview. */
struct isac_preview_result {
	uint64_t from_seq, scanned_seq, until_seq; /* counted: after from_seq, up to scanned_seq; it ends at until_seq */
	uint64_t scanned, reports, items, held;	   /* reports looked at; of these would have come; with so many items */
	const struct isac_tally *types, *publishers, *days;
	size_t types_n, publishers_n, days_n;
	const char *filter; /* normal form */
	const char *cursor; /* hex: where another preview with the same filter text goes on; "" after the end */
};
struct isac_preview;
enum isac_result isac_preview_open(struct isac_preview **out, struct isac *isac, const struct isac_preview_conf *conf,
				   struct isac_error *err);
void isac_preview_close(struct isac_preview **p);
/* Counts one slice more. ISAC_DONE: there is more; ISAC_END: that was all. */
enum isac_result isac_preview_step(struct isac_preview *p, struct isac_error *err);
const struct isac_preview_result *isac_preview_so_far(const struct isac_preview *p);
/* The newest items of what was counted, newest first, one a call; ISAC_END after the last. */
enum isac_result isac_preview_next(struct isac_preview *p, const struct isac_item **item, struct isac_error *err);

/* ---- who was sent a report, and why I was or not -------------------------------------------- */
bool isac_id_parse(uint8_t out[ISAC_ID_BYTES], const char *text); /* "0192f3c4-...", with or without hyphens, any case */

struct isac_sent {
	const char *member, *name; /* name of the subscription; "": a session without one */
	uint32_t items;		   /* of the report */
	bool maybe;		   /* the hub stopped unexpectedly: perhaps it was sent */
	bool acked;		   /* the subscriber said, in that session, that it is safe */
	int64_t from_us, until_us; /* sent then; until_us 0: the session is still open */
	int64_t told_us;	   /* when it was told that admins withdrew the report; 0: it was not */
};
struct isac_who {
	uint64_t seq;
	const char *publisher;
	int64_t received_us;
	bool removed;	      /* the report's content is gone, so it cannot be said any more */
	int64_t withdrawn_us; /* when admins withdrew it; 0: they did not */
	const struct isac_sent *sent;
	size_t sent_n;
};
/*
 * For the publisher of the report, and for admins and auditors; others are refused with 404, as for a report that does not exist.
 * publisher: whose report (ids are unique with their publisher); NULL: the caller's own, else the first. *out lives until the next call.
 */
enum isac_result isac_who(const struct isac_who **out, struct isac *isac, const uint8_t report_id[ISAC_ID_BYTES], const char *publisher,
			  struct isac_error *err);

enum isac_why_state {
	ISAC_WHY_UNKNOWN,
	ISAC_WHY_SENT,	  /* it was sent */
	ISAC_WHY_MAYBE,	  /* perhaps: the hub stopped unexpectedly */
	ISAC_WHY_FILTER,  /* the filter let nothing of it through: see tests and traces */
	ISAC_WHY_HELD,	  /* it is held back */
	ISAC_WHY_BEFORE,  /* it is older than the subscription */
	ISAC_WHY_PASSED,  /* the position has passed it, with another filter or other groups than now, or by being moved */
	ISAC_WHY_WAITING, /* it is still to come */
};
const char *isac_why_state_name(enum isac_why_state state); /* "sent" */
struct isac_why_test {
	const char *text; /* a test of the filter, normal form */
	bool negated;	  /* the filter wants that it does not hold */
};
struct isac_why_trace {
	uint32_t index; /* of the item */
	bool matches;
	const uint32_t *holds, *blamed; /* numbers of tests: that hold; that kept the item out */
	size_t holds_n, blamed_n;
};
struct isac_why_subscription {
	const char *name; /* "": a session without one */
	enum isac_why_state state;
	const char *filter; /* that it was judged by; cut if it is long */
	uint64_t acked_seq;
	int64_t from_us, until_us;
	bool acked;
	uint32_t sent; /* items */
	const struct isac_why_test *tests;
	size_t tests_n;
	const struct isac_why_trace *traces;
	size_t traces_n;
};
struct isac_why {
	uint64_t seq;
	const char *publisher;
	int64_t received_us;
	uint32_t items, held;
	bool removed;
	const struct isac_why_subscription *subscriptions;
	size_t subscriptions_n;
};
struct isac_why_conf {
	const char *publisher; /* whose report; NULL: the first with this id that the caller may see */
	const char *name;      /* one subscription; NULL: all */
	int64_t item;	       /* one item; -1: the report as a whole */
};
/* 404 for a report that does not exist and for one that the caller may not see. *out lives until the next call on isac. */
enum isac_result isac_why(const struct isac_why **out, struct isac *isac, const uint8_t report_id[ISAC_ID_BYTES],
			  const struct isac_why_conf *conf, struct isac_error *err);
/* ---- other questions about history: only what this member may see counts --------------------- */
enum { ISAC_LOOKUP_VALUES = 1000 };
struct isac_known {
	const char *type, *value; /* canonical */
	bool known;
	uint64_t mentions, newest_seq; /* the hub looks at the newest 1000 mentions */
	int64_t newest_us;
	uint32_t publishers;
	int confidence;	   /* the best; -1 = none says one */
	const char *state; /* "active", "expired", "withdrawn" (all mentions are); "" if not known */
};
/* Many values at once: add up to ISAC_LOOKUP_VALUES, ask, and begin again. */
struct isac_lookup;
enum isac_result isac_lookup_open(struct isac_lookup **out, struct isac *isac, struct isac_error *err);
void isac_lookup_close(struct isac_lookup **l);
size_t isac_lookup_count(const struct isac_lookup *l);
/* type NULL or "": guessed. REFUSED: not a value, err says why. MISUSED: there are ISAC_LOOKUP_VALUES already. */
enum isac_result isac_lookup_add(struct isac_lookup *l, const char *type, const char *value, struct isac_error *err);
/* The answers, in the order of the values; they live until the next add. wait_seq: as in isac_query_conf. */
enum isac_result isac_lookup_ask(struct isac_lookup *l, uint64_t wait_seq, const struct isac_known **known, size_t *n,
				 struct isac_error *err);

enum isac_life_state {
	ISAC_LIFE_UNKNOWN,
	ISAC_LIFE_ACTIVE,
	ISAC_LIFE_HELD,	     /* all that is not withdrawn is held */
	ISAC_LIFE_EXPIRED,   /* all that stands is past its end, or more members say that it is over than that it is not */
	ISAC_LIFE_WITHDRAWN, /* nothing stands */
	ISAC_LIFE_DISPUTED,  /* as many members hold it for a false positive as have seen it, or more */
};
const char *isac_life_state_name(enum isac_life_state state); /* "active" */
struct isac_life {
	const char *type, *value; /* canonical */
	enum isac_life_state state;
	uint32_t mentions, publishers, withdrawn;   /* withdrawn: of the mentions, or replaced */
	int confidence;				    /* the best of those that stand; -1 = none says one */
	uint32_t score;				    /* what is left of it, 0..100 */
	int64_t end_us;				    /* when the last of them is over; 0 = none stands */
	uint32_t positive, false_positive, expired; /* members, by what each of them said last */
};
/* By what the caller may see. type NULL: guessed. value lives until the next call on isac. */
enum isac_result isac_life(struct isac_life *out, struct isac *isac, const char *type, const char *value, uint64_t wait_seq,
			   struct isac_error *err);

struct isac_related_value {
	const char *type, *value;
	uint64_t mentions, newest_seq; /* mentions: for "report" the reports that both are in */
	int64_t newest_us;
};
struct isac_relation {
	const char *name;  /* "report", "network", "domain" */
	const char *place; /* the network or domain; "" for "report" */
	uint32_t count;	   /* values in all, 1000 at most */
	const struct isac_related_value *values;
	size_t n;
};
/* The hub's word, unsigned: isac_query for a value brings the signed items. *out lives until the next call on isac. */
enum isac_result isac_related(const struct isac_relation **out, size_t *n, struct isac *isac, const char *type, const char *value,
			      uint32_t limit, uint64_t wait_seq, struct isac_error *err);

/* One version of a report: all items of it that I may see. */
struct isac_version {
	const struct isac_item *items;
	size_t n;
};
struct isac_versions;
/* The report and, by `supersedes`, those before and after it, oldest first. publisher NULL: of anybody. REFUSED, code 404: none to be seen.
 */
enum isac_result isac_versions_open(struct isac_versions **out, struct isac *isac, const uint8_t report_id[ISAC_ID_BYTES],
				    const char *publisher, uint64_t wait_seq, struct isac_error *err);
void isac_versions_close(struct isac_versions **v);
size_t isac_versions_count(const struct isac_versions *v);
const struct isac_version *isac_versions_get(const struct isac_versions *v, size_t i);

enum isac_question {
	ISAC_STATISTICS_TOTAL = 1,
	ISAC_STATISTICS_DAY,
	ISAC_STATISTICS_TYPE,
	ISAC_STATISTICS_PUBLISHER,
	ISAC_STATISTICS_COUNTRY,
	ISAC_STATISTICS_ASN,
	ISAC_STATISTICS_SCORES,
	ISAC_STATISTICS_OVERLAP,
};
struct isac_statistics_conf {
	enum isac_question question;
	int64_t since_us, until_us; /* 0: 30 days before until; now */
	const char *publisher;	    /* SCORES: only this one; NULL = all */
	uint64_t wait_seq;
};
struct isac_count {
	const char *name; /* "" = not said */
	uint64_t mentions, values, reports;
	uint32_t publishers;
};
struct isac_score {
	const char *publisher;
	uint64_t mentions, values, first, unique; /* values that nobody mentioned before it; that nobody else mentioned */
	uint64_t led;				  /* values that it was first with and others followed */
	int64_t lead_us;			  /* lower median over these, to the first follower */
};
struct isac_overlap {
	const char *a, *b;
	uint64_t values; /* a = b: all its values */
};
struct isac_statistics {
	int64_t since_us, until_us;
	uint64_t complete_seq;
	struct isac_count total;
	const struct isac_count *counts;
	size_t counts_n;
	const struct isac_score *scores;
	size_t scores_n;
	const struct isac_overlap *overlaps;
	size_t overlaps_n;
};
/* May take as long as the hub allows (20 s by its default). *out lives until the next call on isac. */
enum isac_result isac_statistics(const struct isac_statistics **out, struct isac *isac, const struct isac_statistics_conf *conf,
				 struct isac_error *err);

/* ---- tokens: who holds one reads as its member, through a gateway ------------------------------ */
enum { ISAC_TOKEN_TEXT = 49 /* with NUL */ };
/* A new random one: the text is for its holder, the hash (hex, with NUL) for token.add and token.issue. The hub never needs the text. */
enum isac_result isac_token_make(char text[ISAC_TOKEN_TEXT], char hash[65], struct isac_error *err);
/*
 * Of a gateway: what is asked from now on is asked for the holder of this token, whose member the hub looks up; NULL: for itself again.
 * member: whose it must be, NULL: anybody's. REFUSED, code 401: that is no token. Commands and publishing are not asked for anybody.
 * A gateway is answered at once: 429 and 503 are not waited out as long as a token is set.
 */
enum isac_result isac_as(struct isac *isac, const char *token, const char *member, struct isac_error *err);
struct isac_collection {
	uint8_t id[ISAC_ID_BYTES];
	const char *name, *filter, *title; /* filter: normal form */
};
struct isac_collections {
	const struct isac_collection *list; /* by name */
	size_t n;
	const char *member, *scope; /* as whom we read; scope of the token, "" = by ourselves */
	const char *collection;	    /* the token is for this one only; "" = for any */
	uint64_t indexed_seq;	    /* a query now is complete up to here */
	uint64_t rights_generation; /* another one: what we may see may have changed */
};
/* Saved filters of the hub. name NULL: all. *out lives until the next call on isac. */
enum isac_result isac_collections(const struct isac_collections **out, struct isac *isac, const char *name, struct isac_error *err);

/* ---- status and commands ---------------------------------------------------------------------- */
struct isac_subscription {
	const char *name, *filter;
	uint64_t acked_seq, lag;
	bool live;
};
struct isac_status {
	const char *hub_id, *version;
	uint64_t head_seq, indexed_seq, last_receipt_seq;
	int64_t started_us, now_us, last_receipt_us;
	int64_t round_trip_us;
	uint64_t concern_reports, concern_newest_seq; /* that touch my registered space, since I last asked `mine`; 0 = none */
	uint32_t members;
	const struct isac_subscription *subscriptions;
	size_t subscriptions_n;
	const char *const *roles;
	size_t roles_n;
};
/* *out lives until the next call on isac. */
enum isac_result isac_status(const struct isac_status **out, struct isac *isac, struct isac_error *err);

struct isac_arg {
	const char *name, *value;
	const void *data;
	size_t data_len;
};
struct isac_row {
	const struct isac_arg *cells;
	size_t n;
};
struct isac_answer {
	unsigned code;
	const char *text;
	const struct isac_row *rows;
	size_t rows_n;
};
/* Signs and sends a command; *out lives until the next call on isac. */
enum isac_result isac_command(const struct isac_answer **out, struct isac *isac, const char *verb, const struct isac_arg *args, size_t n,
			      struct isac_error *err);

/*
 * Enrols a member that brings its own keys: the answer's command waits or is done, and the invitation is in a new file, 0600, which goes
 * to the member by a way that both trust. args: as of member.invite, but for the bundle.
 */
enum isac_result isac_invite(const struct isac_answer **out, struct isac *isac, const char *name, const char *path,
			     const struct isac_arg *args, size_t n, struct isac_error *err);
/* Makes a home with keys of its own and gives these to the hub by the invitation. May be repeated. hub: address, NULL: the invitation's. */
enum isac_result isac_join(const char *home, const char *path, const char *hub, int timeout_ms, char name[65], struct isac_error *err);

/* A command that another admin signed, read from its bytes: what one signs by approving it. */
struct isac_order {
	unsigned char id[16];
	int64_t created_us;
	const char *verb;
	const struct isac_arg *args;
	size_t n;
	const void *bytes;
	size_t len;
};
enum isac_result isac_order_open(struct isac_order **out, const void *bytes, size_t len, struct isac_error *err);
void isac_order_close(struct isac_order **order);
/* Signs these very bytes, too, and sends them: it takes effect. *out lives until the next call on isac. */
enum isac_result isac_command_approve(const struct isac_answer **out, struct isac *isac, const struct isac_order *order,
				      struct isac_error *err);

/* ---- broadcast: a plain ZeroMQ publisher, for tools that were made to listen to one ------------------------- */
/*
 * Neither encrypted nor authenticated: whoever reaches the endpoint hears all of it. A listener that is slower than isac_broadcast_send
 * loses messages: that is PUB/SUB's way, and why the hub does not use it.
 */
struct isac_broadcast;
/* endpoint: "tcp://127.0.0.1:50000" (port *: a free one) or "ipc://PATH". bound gets what it has become. */
enum isac_result isac_broadcast_open(struct isac_broadcast **out, const char *endpoint, char bound[256], struct isac_error *err);
bool isac_broadcast_send(struct isac_broadcast *b, const char *frame); /* one message of one frame; false: not even queued */
void isac_broadcast_close(struct isac_broadcast **b);

#ifdef __cplusplus
}
#endif
#endif
