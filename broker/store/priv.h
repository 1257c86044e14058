/*
 * What the files of store share: a connection with deadlines, and the one binary encoding.
 *
 * A "field" is PostgreSQL's own form of a value: i32 length, bytes; -1 is null. Parameters, array
 * elements and COPY rows all consist of fields, so one set of writers serves the three.
 */
#ifndef ISAC_STORE_PRIV_H
#define ISAC_STORE_PRIV_H

#include <libpq-fe.h>
#include "concern/concern.h"
#include "store/store.h"

/* STORE_MIGRATIONS, from the build: how many files there are. A database that never had one of them is not ours, whatever its newest. */
#define STORE_SCHEMA 47 /* number of the newest file in sql/migrations */
#define STORE_TEXT_OF(number) #number
#define STORE_TEXT(number) STORE_TEXT_OF(number)
#define STORE_SCHEMA_TEXT STORE_TEXT(STORE_SCHEMA) /* the same, for SQL */
#define STORE_MIGRATIONS_TEXT STORE_TEXT(STORE_MIGRATIONS)
enum {
	STORE_LOCK = 1769169251, /* "isac": first half of every advisory lock */
	STORE_LOCK_BROKER = 1,	 /* session: one broker a database */
	STORE_LOCK_MIGRATE = 3,	 /* session: one migration at a time (2, the log's lock, is taken in sql/functions) */
	STORE_OID_INT2 = 21,
	STORE_OID_BOOL = 16,
	STORE_OID_INT4 = 23,
	STORE_OID_INT8 = 20,
	STORE_OID_TEXT = 25,
	STORE_OID_BYTEA = 17,
	STORE_OID_UUID = 2950,
	STORE_OID_TIME = 1184,
	STORE_OID_CIDR = 650,
	STORE_OID_INET = 869,
};

/* ---- field.c: writing and reading values ------------------------------------- */
enum { STORE_FIELDS_MAX = 1 << 30 };
void store_field_null(struct wire_buf *b);
void store_field_bytes(struct wire_buf *b, const void *data, size_t len); /* bytea, uuid, text */
void store_field_text(struct wire_buf *b, const char *text);		  /* NULL is null */
void store_field_bool(struct wire_buf *b, bool v);
void store_field_i16(struct wire_buf *b, int16_t v);
void store_field_i32(struct wire_buf *b, int32_t v);
void store_field_i64(struct wire_buf *b, int64_t v);
void store_field_time(struct wire_buf *b, int64_t us);	/* since 1970 */
void store_field_time0(struct wire_buf *b, int64_t us); /* 0 is null */
void store_field_net(struct wire_buf *b, const uint8_t *addr, uint8_t family, uint8_t prefix, bool cidr);
/* Writes an array's head; n element fields follow, then store_field_array_end(b, mark). */
size_t store_field_array(struct wire_buf *b, uint32_t oid, uint32_t n);
void store_field_array_end(struct wire_buf *b, size_t mark);
void store_field_array_i32(struct wire_buf *b, const int32_t *v, uint32_t n);
/* From a binary result. Null: 0, or nothing. */
bool store_get_null(const PGresult *res, int row, int col);
bool store_get_bool(const PGresult *res, int row, int col);
int16_t store_get_i16(const PGresult *res, int row, int col);
int32_t store_get_i32(const PGresult *res, int row, int col);
int64_t store_get_i64(const PGresult *res, int row, int col);
int64_t store_get_time(const PGresult *res, int row, int col); /* us since 1970; null and -infinity: 0 */
struct wire_bytes store_get_bytes(const PGresult *res, int row, int col);
const char *store_get_text(const PGresult *res, int row, int col); /* lives as long as res */
/* Walks a one-dimensional array: element fields one after another; false at the end. */
struct store_array {
	const uint8_t *at, *end;
	uint32_t n;
};
void store_get_array(struct store_array *out, const PGresult *res, int row, int col);
bool store_array_next(struct store_array *a, struct wire_bytes *element);

/* ---- pg.c: one connection ------------------------------------------------------ */
/*
 * Results everywhere: ISAC_OK done; NOT_FOUND no row (the statement did run); DB_RETRY run the transaction again;
 * DB_BROKEN the connection was lost or given up, the outcome of what was sent is unknown. Besides: CONFLICT (unique
 * key), FULL (disk), BAD_VALUE (a value the server refused).
 */
struct store_stmt {
	const char *name, *sql;
}; /* static; prepared once a connection, on first use */
struct store_pg;
struct store_pg_conf {
	const char *conninfo, *name; /* name: shown in pg_stat_activity */
	int64_t deadline_ms;
	bool owner;		     /* stay who we log in as (migrations), else become isac_core */
	const char *const *settings; /* further pairs name, value; NULL ends; may be NULL */
	/* After connect and set-up; an error closes the connection again. May be NULL. */
	enum isac_err (*connected)(struct store_pg *pg, void *arg);
	/* A file descriptor of the actor's own that is served while it waits for the server. */
	int (*aside_fd)(void *arg);
	void (*aside)(void *arg);
	void *arg;
};
enum isac_err store_pg_new(struct store_pg **out, const struct store_pg_conf *conf); /* does not connect yet */
void store_pg_destroy(struct store_pg **pg);
enum isac_err store_pg_connect(struct store_pg *pg); /* ISAC_OK at once if connected */
void store_pg_close(struct store_pg *pg);
bool store_pg_is_open(const struct store_pg *pg);
const char *store_pg_error(const struct store_pg *pg);	    /* of the last failure, one line */
void store_pg_limit(struct store_pg *pg, int64_t until_us); /* no wait goes beyond this monotonic time, also of what runs; 0 = none */
/* Runs with the fields in args as parameters (may be NULL); binary result if res is not NULL. */
enum isac_err store_pg_run(struct store_pg *pg, const struct store_stmt *stmt, struct wire_buf *args, PGresult **res);
/* The same; fn is called once the server has the statement, before its answer is waited for. It must not use pg. */
struct store_meanwhile {
	void (*fn)(void *arg);
	void *arg;
};
enum isac_err store_pg_run_meanwhile(struct store_pg *pg, const struct store_stmt *stmt, struct wire_buf *args, PGresult **res,
				     const struct store_meanwhile *meanwhile);
/* The two halves of store_pg_run: meanwhile nothing else may be asked of pg, but it may be closed or destroyed. */
enum isac_err store_pg_send(struct store_pg *pg, const struct store_stmt *stmt, struct wire_buf *args);
enum isac_err store_pg_wait(struct store_pg *pg, PGresult **res);
/*
 * The same for SQL made at run time (never from values): not prepared. A plan for any value would be the wrong one for most: how rare a
 * value, how wide a network is, decides where to begin.
 */
enum isac_err store_pg_run_sql(struct store_pg *pg, const char *sql, struct wire_buf *args, PGresult **res);
/* Several statements without parameters, such as a file; results are dropped. */
enum isac_err store_pg_script(struct store_pg *pg, const char *sql);
/* Calls row for each row as it comes, binary; the result given lives for the call. */
enum isac_err store_pg_each(struct store_pg *pg, const struct store_stmt *stmt, struct wire_buf *args,
			    void (*row)(void *arg, const PGresult *res), void *arg);
/* COPY ... FROM STDIN (FORMAT binary): rows are i16 count and fields; head and trailer are added here. */
enum isac_err store_pg_copy(struct store_pg *pg, const char *sql, const struct wire_buf *rows);
enum isac_err store_pg_begin(struct store_pg *pg);
enum isac_err store_pg_commit(struct store_pg *pg);
void store_pg_rollback(struct store_pg *pg); /* closes the connection if even that fails */

/* ---- check.c */
enum isac_err store_check_pg(struct store_pg *pg, bool unsafe_allow_async_commit, struct wire_why *why);

/* ---- db.c ------------------------------------------------------------------------- */
struct store_db {
	struct store_pg *pg;
	struct wire_buf args;
	struct member_audience **audiences; /* ascending id, each with its arrays behind it */
	size_t audiences_n, audiences_cap;
	size_t page_bytes; /* average report of the last page */
	int64_t event_id;  /* of the command whose transaction is open */
	bool in_admin;
	/* Of store_db_new_slow. pg keeps settings. */
	char timeout_ms[24];
	const char *settings[5];
	int stop_fd; /* -1: none, or it was seen */
};
struct wire_buf *store_db_args(struct store_db *db); /* emptied */
/* One statement with the fields in db->args, run again once on a fresh connection if the old one turns out to be broken. Reads only, or
 * what may run twice. */
enum isac_err store_db_run(struct store_db *db, const struct store_stmt *stmt, PGresult **res);
void store_db_event(const struct store_db *db, struct wire_buf *args); /* adds the id of the command's event; null outside of one */
/* Brings the cache of audiences up to date, as store_select_complete does, too. */
enum isac_err store_db_audiences(struct store_db *db);
/* For a statement that does: the newest id known, 0 for none; and takes a newer one, its id, tlp, groups and recipients, from four columns
 * on. */
int32_t store_db_audiences_newest(const struct store_db *db);
enum isac_err store_db_audiences_add(struct store_db *db, const PGresult *res, int row, int col);
/* Adds the array of those that this member may see whoever published: as parameter of a condition on audience_id. */
void store_db_visible(const struct store_db *db, struct wire_buf *args, const struct member *self);

/* select_roster.c: nets, asns, domains and groups from four columns that follow one another, into the arena. */
enum isac_err store_select_roster_space(struct member *m, const PGresult *res, int row, int col, struct wire_arena *arena);
/*
 * What a QUERY for everything, without held items, would show: the condition on a mention m and its report r by which every other question
 * counts. $1: store_db_visible, $2: the member.
 */
#define STORE_VISIBLE \
	"NOT m.held AND m.kind = 1 AND r.payload IS NOT NULL AND (r.audience_id = ANY ($1::int[]) OR r.publisher_id = $2::int)"
/* Where the indicators (not sightings and the like) of row i of indicator lie: spares the partitions before and behind. */
#define STORE_SPAN(i) "m.seq >= " #i ".first_seq AND m.seq <= " #i ".last_seq"
/* Empties the arguments and adds these two. The cache of audiences must be up to date. */
struct wire_buf *store_db_args_visible(struct store_db *db, const struct member *self);

/* ---- report_row.c --------------------------------------------------------------------- */
enum { STORE_LEAF = 32 };
/* append_report.c: the leaf of the log that members can audit: SHA-256(0x00 || header || signature), RFC 6962's shape. */
void store_report_leaf(uint8_t leaf[STORE_LEAF], const struct report *r);
/* The columns that store_report_row_open expects, in order, of report r joined to member p. */
#define STORE_REPORT_COLUMNS \
	"r.seq, r.received, r.publisher_id, r.audience_id, r.signature, r.held, p.name, r.header, r.payload, r.release_of, " \
	"r.withdrawn_seq"
/* check: its items against the root of its header, as intake did. */
enum isac_err store_report_row_open(struct report **out, const PGresult *res, int row, bool check);
/* Gives it the audience that its row names; asks the database for unknown ones. */
enum isac_err store_report_row_audience(struct store_db *db, struct report *report);

/* ---- the writer's queries ----------------------------------------------------------------- */
struct store_job {
	struct report *report;
	struct member_audience audience; /* arrays behind the job */
	struct store_route route;
	uint8_t digest[16];
	int64_t arrived_us; /* monotonic */
	/* What the commit says: */
	enum { STORE_JOB_NEW, STORE_JOB_TWIN, STORE_JOB_DUPLICATE, STORE_JOB_CONFLICT } state;
	struct store_job *twin; /* TWIN: the job of the batch that has the same bytes and goes first */
	uint64_t seq;
	int64_t received_us;
};
/*
 * Appends the jobs that are NEW in one statement; on ISAC_OK they have seq and received_us. CONFLICT: some were there
 * before and nothing was stored: store_find_report says which. meanwhile: see store_pg_run_meanwhile; not called if nothing is NEW.
 */
enum isac_err store_append_report(struct store_pg *pg, struct wire_buf *args, struct store_job *const *jobs, size_t n, int64_t now_us,
				  const struct store_meanwhile *meanwhile);
/* Of the jobs that are NEW, those whose id is stored become DUPLICATE, with its seq and received_us, or CONFLICT. *found: how many. */
enum isac_err store_find_report(struct store_pg *pg, struct wire_buf *args, struct store_job *const *jobs, size_t n, size_t *found);
enum isac_err store_intern_audience(struct store_pg *pg, struct wire_buf *args, const struct member_audience *a, const uint8_t digest[16],
				    int32_t *id);
enum isac_err store_ensure_partition(struct store_pg *pg);

/* ---- receipt.c: batches that wait for the signer ------------------------------------------- */
struct store_receipts;
enum isac_err store_receipts_new(struct store_receipts **out, const struct store_conf *conf);
void store_receipts_destroy(struct store_receipts **r);
int store_receipts_fd(const struct store_receipts *r); /* the signer's link; -1 when it is away */
size_t store_receipts_waiting(const struct store_receipts *r);
/* Asks for the signature over jobs that will carry these seq; the commit may still be in flight. Returns the batch's id. */
uint64_t store_receipts_ask(struct store_receipts *r, struct store_job *const *jobs, size_t n);
/* The commit succeeded: jobs (taken) are answered as soon as the signature is there. */
void store_receipts_release(struct store_receipts *r, uint64_t id, struct store_job **jobs, size_t n);
/* It did not, or the guess was wrong: forget the question. */
void store_receipts_drop(struct store_receipts *r, uint64_t id);
void store_receipts_serve(struct store_receipts *r); /* reads signatures, reconnects, gives up the overdue */
void store_receipts_refuse(struct store_receipts *r, struct store_job *job, enum isac_err err, const char *text);
void store_job_free(struct store_job **job);

/* ---- index_batch.c: rows of many reports, made before the transaction ------------------------- */
struct store_index_batch;
enum isac_err store_index_batch_new(struct store_index_batch **out);
void store_index_batch_destroy(struct store_index_batch **b);
void store_index_batch_reset(struct store_index_batch *b);
enum isac_err store_index_batch_add(struct store_index_batch *b, const struct report *report);
size_t store_index_batch_count(const struct store_index_batch *b); /* mentions */
/* index_life.c: what the batch's sightings, withdrawals and successors do to earlier mentions; after its own are written. */
struct store_index_life {
	const struct report *report; /* which says it; borrowed from the batch */
	uint32_t item;
};
enum isac_err store_index_life_write(const struct store_index_life *life, size_t n, struct wire_buf *args, struct store_pg *pg);
/* Write mention, and indicator, inside the open transaction of pg. _start leaves pg at work, until _finish has waited for it. */
enum isac_err store_index_batch_mention(struct store_index_batch *b, struct store_pg *pg);
enum isac_err store_index_batch_supersession(struct store_index_batch *b, struct store_pg *pg);
enum isac_err store_index_batch_indicator_start(struct store_index_batch *b, struct store_pg *pg);
enum isac_err store_index_batch_indicator_finish(struct store_index_batch *b, struct store_pg *pg);

/* ---- index_held.c: what is held, and what owners say of it ---------------------------------------- */
struct store_index_held;
enum isac_err store_index_held_new(struct store_index_held **out, struct base_shared *roster, int64_t quorum);
void store_index_held_destroy(struct store_index_held **h);
void store_index_held_begin(struct store_index_held *h); /* a new batch */
enum isac_err store_index_held_add(struct store_index_held *h, const struct report *report);
enum isac_err store_index_held_write(struct store_index_held *h, struct store_pg *pg); /* after mention */
bool store_index_held_due(const struct store_index_held *h);			       /* the last write made something due */

/* ---- index_concern.c: whom they concern, beside it ------------------------------------------------ */
struct store_index_concern;
enum isac_err store_index_concern_new(struct store_index_concern **out, struct base_shared *roster);
void store_index_concern_destroy(struct store_index_concern **c);
enum isac_err store_index_concern_begin(struct store_index_concern *c); /* a new batch, by the roster of now */
enum isac_err store_index_concern_add(struct store_index_concern *c, const struct report *report);
enum isac_err store_index_concern_write(struct store_index_concern *c, struct store_pg *pg);
const struct store_concern *store_index_concern_rows(const struct store_index_concern *c, size_t *n);

#endif
