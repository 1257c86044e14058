/*
 * The one statement that stores facts: sql/functions/report_append.sql. One round trip and one fsync for one report
 * or hundreds; everything is encoded before the server takes the log's lock. (Binary COPY was measured in its
 * place: sql/README.md.)
 */
#include <string.h>
#include <sodium.h>
#include "store/priv.h"

static const struct store_stmt STMT = {
	"append_report",
	"SELECT n, seq, received, header_hash FROM report_append($1::int[], $2::uuid[], $3::bytea[], $4::timestamptz, "
	"$5::timestamptz[], $6::int[], $7::int[], $8::smallint[], $9::smallint[], $10::bytea[], $11::bytea[], $12::bytea[], "
	"$13::bytea[], $14::bytea[], $15::bytea[])"};

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

/* A leaf of the log that the members can audit: RFC 6962's shape with SHA-256. */
static void put_leaf(struct wire_buf *b, const struct report *r)
{
	static const uint8_t zero[1];
	crypto_hash_sha256_state state;
	uint8_t leaf[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, zero, 1);
	crypto_hash_sha256_update(&state, r->header_bytes.data, r->header_bytes.len);
	crypto_hash_sha256_update(&state, r->signature, WIRE_SIGNATURE);
	crypto_hash_sha256_final(&state, leaf);
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

static uint32_t put_jobs(struct wire_buf *args, struct store_job *const *jobs, size_t n, int64_t now_us)
{
	uint32_t new_n = 0;

	for (size_t i = 0; i < n; i++) new_n += jobs[i]->state == STORE_JOB_NEW;
	wire_buf_reset(args);
	for (size_t c = 0; c < sizeof(COLUMNS) / sizeof(*COLUMNS); c++) {
		size_t mark;

		if (!COLUMNS[c].put) {
			store_field_time(args, now_us);
			continue;
		}
		mark = store_field_array(args, COLUMNS[c].oid, new_n);
		for (size_t i = 0; i < n; i++)
			if (jobs[i]->state == STORE_JOB_NEW) COLUMNS[c].put(args, jobs[i]->report);
		store_field_array_end(args, mark);
	}
	return new_n;
}

static void take_seq(struct store_job *const *jobs, size_t n, const PGresult *res)
{
	uint64_t seq = (uint64_t)store_get_i64(res, 0, 1);
	int64_t received_us = store_get_time(res, 0, 2);

	for (size_t i = 0; i < n; i++) {
		if (jobs[i]->state != STORE_JOB_NEW) continue;
		jobs[i]->seq = ++seq;
		jobs[i]->received_us = received_us;
	}
}

/* Row n names the n-th job that was NEW. */
static void take_duplicates(struct store_job *const *jobs, size_t n, const PGresult *res)
{
	int32_t nr = 0;

	for (size_t i = 0; i < n; i++) {
		bool was_new = jobs[i]->state == STORE_JOB_NEW;

		nr += was_new;
		for (int row = 0; was_new && row < PQntuples(res); row++) {
			struct wire_bytes hash = store_get_bytes(res, row, 3);

			if (store_get_i32(res, row, 0) != nr) continue;
			jobs[i]->seq = (uint64_t)store_get_i64(res, row, 1);
			jobs[i]->received_us = store_get_time(res, row, 2);
			jobs[i]->state = hash.len == WIRE_HASH && !memcmp(hash.data, jobs[i]->report->header_hash, WIRE_HASH)
						 ? STORE_JOB_DUPLICATE
						 : STORE_JOB_CONFLICT;
		}
	}
}

enum isac_err store_append_report(struct store_pg *pg, struct wire_buf *args, struct store_job *const *jobs, size_t n, int64_t now_us)
{
	PGresult *res = NULL;
	enum isac_err err;

	if (!put_jobs(args, jobs, n, now_us)) return ISAC_OK;
	err = store_pg_run(pg, &STMT, args, &res);
	if (!err && store_get_i32(res, 0, 0) == 0) {
		take_seq(jobs, n, res);
	} else if (!err) {
		take_duplicates(jobs, n, res);
		err = ISAC_ERR_CONFLICT;
	} else if (err == ISAC_ERR_CONFLICT) {
		err = ISAC_ERR_DB_RETRY; /* a unique key spoke up where the lock should have: look again */
	}
	PQclear(res);
	return err;
}
