/*
 * The one statement that stores facts: one round trip and one fsync for one report or hundreds, and everything is encoded
 * before the server takes a lock. The head's row is that lock: whoever moves it holds it until the commit, so the order of
 * assignment is the order of visibility. An id that is there already breaks report_key's unique key, and nothing is stored.
 * Why neither COPY nor a function: broker/decisions/0003.
 */
#include <string.h>
#include <sodium.h>
#include "store/priv.h"

#define COLUMNS_OF_KEY "INSERT INTO report_key (seq, received, publisher_id, report_id, header_hash) "
#define COLUMNS_OF_REPORT \
	"INSERT INTO report (seq, received, publisher_id, report_id, created, audience_id, item_count, kind, tlp, key_id, signature, " \
	"leaf, header, held, payload) "

/* One report: its fields are the parameters. */
static const struct store_stmt STMT_ONE = {
	"append_one",
	"WITH h AS (UPDATE hub_head SET seq = hub_head.seq + 1, received = greatest(hub_head.received, $4::timestamptz) "
	"RETURNING hub_head.seq, hub_head.received), "
	"k AS (" COLUMNS_OF_KEY "SELECT h.seq, h.received, $1::int, $2::uuid, $3::bytea FROM h), "
	"r AS (" COLUMNS_OF_REPORT "SELECT h.seq, h.received, $1::int, $2::uuid, $5::timestamptz, $6::int, $7::int, $8::smallint, "
	"$9::smallint, $10::bytea, $11::bytea, $12::bytea, $13::bytea, $14::bytea, $15::bytea FROM h) "
	"SELECT seq - 1, received FROM h"};

/* Several: each parameter is the array of a field, the time of the commit apart. */
static const struct store_stmt STMT_MANY = {
	"append_many",
	"WITH h AS (UPDATE hub_head SET seq = hub_head.seq + cardinality($2::uuid[]), received = greatest(hub_head.received, "
	"$4::timestamptz) "
	"RETURNING hub_head.seq - cardinality($2::uuid[]) AS seq, hub_head.received), "
	"k AS (" COLUMNS_OF_KEY "SELECT h.seq + u.nr, h.received, u.publisher_id, u.report_id, u.header_hash "
	"FROM h, unnest($1::int[], $2::uuid[], $3::bytea[]) WITH ORDINALITY AS u(publisher_id, report_id, header_hash, nr)), "
	"r AS (" COLUMNS_OF_REPORT "SELECT h.seq + u.nr, h.received, u.publisher_id, u.report_id, u.created, u.audience_id, u.item_count, "
	"u.kind, u.tlp, u.key_id, u.signature, u.leaf, u.header, u.held, u.payload "
	"FROM h, unnest($1::int[], $2::uuid[], $5::timestamptz[], $6::int[], $7::int[], $8::smallint[], $9::smallint[], "
	"$10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[]) WITH ORDINALITY "
	"AS u(publisher_id, report_id, created, audience_id, item_count, kind, tlp, key_id, signature, leaf, header, held, payload, nr)) "
	"SELECT seq, received FROM h"};

static void put_publisher(struct wire_buf *b, const struct report *r)
{
	store_field_i32(b, r->publisher_id);
}
static void put_id(struct wire_buf *b, const struct report *r)
{
	store_field_bytes(b, r->header->report_id.data, WIRE_ID);
}
static void put_hash(struct wire_buf *b, const struct report *r)
{
	store_field_bytes(b, r->header_hash, WIRE_HASH);
}
static void put_created(struct wire_buf *b, const struct report *r)
{
	store_field_time(b, r->header->created_us);
}
static void put_audience(struct wire_buf *b, const struct report *r)
{
	store_field_i32(b, r->audience_id);
}
static void put_count(struct wire_buf *b, const struct report *r)
{
	store_field_i32(b, (int32_t)r->header->item_count);
}
static void put_kind(struct wire_buf *b, const struct report *r)
{
	store_field_i16(b, (int16_t)r->header->kind);
}
static void put_tlp(struct wire_buf *b, const struct report *r)
{
	store_field_i16(b, (int16_t)r->header->tlp);
}
static void put_key(struct wire_buf *b, const struct report *r)
{
	store_field_bytes(b, r->header->key_id.data, r->header->key_id.len);
}
static void put_signature(struct wire_buf *b, const struct report *r)
{
	store_field_bytes(b, r->signature, WIRE_SIGNATURE);
}
static void put_header(struct wire_buf *b, const struct report *r)
{
	store_field_bytes(b, r->header_bytes.data, r->header_bytes.len);
}
static void put_payload(struct wire_buf *b, const struct report *r)
{
	store_field_bytes(b, r->payload_bytes.data, r->payload_bytes.len);
}

static void put_held(struct wire_buf *b, const struct report *r)
{
	if (r->held_count) store_field_bytes(b, r->held, (r->n + 7) / 8);
	else store_field_null(b);
}

void store_report_leaf(uint8_t leaf[STORE_LEAF], const struct report *r)
{
	static const uint8_t zero[1];
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, zero, 1);
	crypto_hash_sha256_update(&state, r->header_bytes.data, r->header_bytes.len);
	crypto_hash_sha256_update(&state, r->signature, WIRE_SIGNATURE);
	crypto_hash_sha256_final(&state, leaf);
}

static void put_leaf(struct wire_buf *b, const struct report *r)
{
	uint8_t leaf[STORE_LEAF];

	store_report_leaf(leaf, r);
	store_field_bytes(b, leaf, sizeof(leaf));
}

/* The parameters in order, $4 (the time) apart. */
static const struct {
	uint32_t oid;
	void (*put)(struct wire_buf *b, const struct report *r);
} COLUMNS[] = {
	{STORE_OID_INT4, put_publisher}, {STORE_OID_UUID, put_id},	 {STORE_OID_BYTEA, put_hash},	   {0, NULL},
	{STORE_OID_TIME, put_created},	 {STORE_OID_INT4, put_audience}, {STORE_OID_INT4, put_count},	   {STORE_OID_INT2, put_kind},
	{STORE_OID_INT2, put_tlp},	 {STORE_OID_BYTEA, put_key},	 {STORE_OID_BYTEA, put_signature}, {STORE_OID_BYTEA, put_leaf},
	{STORE_OID_BYTEA, put_header},	 {STORE_OID_BYTEA, put_held},	 {STORE_OID_BYTEA, put_payload},
};

static uint32_t count_new(struct store_job *const *jobs, size_t n)
{
	uint32_t new_n = 0;

	for (size_t i = 0; i < n; i++) new_n += jobs[i]->state == STORE_JOB_NEW;
	return new_n;
}

static void put_column(struct wire_buf *args, size_t c, struct store_job *const *jobs, size_t n, uint32_t new_n)
{
	size_t mark = new_n == 1 ? 0 : store_field_array(args, COLUMNS[c].oid, new_n);

	for (size_t i = 0; i < n; i++)
		if (jobs[i]->state == STORE_JOB_NEW) COLUMNS[c].put(args, jobs[i]->report);
	if (new_n > 1) store_field_array_end(args, mark);
}

static void put_jobs(struct wire_buf *args, struct store_job *const *jobs, size_t n, uint32_t new_n, int64_t now_us)
{
	wire_buf_reset(args);
	for (size_t c = 0; c < sizeof(COLUMNS) / sizeof(*COLUMNS); c++) {
		if (COLUMNS[c].put) put_column(args, c, jobs, n, new_n);
		else store_field_time(args, now_us);
	}
}

static void take_seq(struct store_job *const *jobs, size_t n, const PGresult *res)
{
	uint64_t seq = (uint64_t)store_get_i64(res, 0, 0);
	int64_t received_us = store_get_time(res, 0, 1);

	for (size_t i = 0; i < n; i++) {
		if (jobs[i]->state != STORE_JOB_NEW) continue;
		jobs[i]->seq = ++seq;
		jobs[i]->received_us = received_us;
	}
}

enum isac_err store_append_report(struct store_pg *pg, struct wire_buf *args, struct store_job *const *jobs, size_t n, int64_t now_us,
				  const struct store_meanwhile *meanwhile)
{
	uint32_t new_n = count_new(jobs, n);
	PGresult *res = NULL;
	enum isac_err err;

	if (!new_n) return ISAC_OK;
	put_jobs(args, jobs, n, new_n, now_us);
	err = store_pg_run_meanwhile(pg, new_n == 1 ? &STMT_ONE : &STMT_MANY, args, &res, meanwhile);
	if (!err) take_seq(jobs, n, res);
	PQclear(res);
	return err;
}
