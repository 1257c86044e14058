/* Who read what: written before the page leaves, and not waited for on the disk. */
#include "store/priv.h"

enum { FILTER_CHARS = 1024 };

enum isac_err store_insert_read(struct store_db *db, const struct store_read *r)
{
	static const struct store_stmt stmt = {
		"insert_read",
		"WITH fast AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)) INSERT INTO read_event "
		"(member_id, what, filter, items, seqs, token_id) SELECT $1::int, $2::text, left($3::text, $6::int), $4::int, "
		"$5::bigint[], nullif($7::int, 0) FROM fast"};
	struct wire_buf *args = store_db_args(db);
	size_t mark;

	store_field_i32(args, r->member_id);
	store_field_text(args, r->what);
	store_field_text(args, r->filter);
	store_field_i32(args, (int32_t)r->items);
	mark = store_field_array(args, STORE_OID_INT8, (uint32_t)r->n);
	for (size_t i = 0; i < r->n; i++) store_field_i64(args, r->seqs[i]);
	store_field_array_end(args, mark);
	store_field_i32(args, FILTER_CHARS);
	store_field_i32(args, r->token_id);
	return store_db_run(db, &stmt, NULL);
}

static void put_member(struct wire_buf *b, const struct store_read *r)
{
	store_field_i32(b, r->member_id);
}
static void put_token(struct wire_buf *b, const struct store_read *r)
{
	store_field_i32(b, r->token_id);
}
static void put_what(struct wire_buf *b, const struct store_read *r)
{
	store_field_text(b, r->what);
}
static void put_filter(struct wire_buf *b, const struct store_read *r)
{
	store_field_text(b, r->filter);
}
static void put_items(struct wire_buf *b, const struct store_read *r)
{
	store_field_i32(b, (int32_t)r->items);
}
static void put_seq(struct wire_buf *b, const struct store_read *r)
{
	store_field_i64(b, r->n ? r->seqs[0] : 0);
}

enum isac_err store_insert_reads(struct store_db *db, const struct store_read *r, size_t n)
{
	static const struct store_stmt stmt = {
		"insert_reads",
		"WITH fast AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)) INSERT INTO read_event "
		"(member_id, token_id, what, filter, items, seqs) SELECT m, nullif(t, 0), w, left(f, $7::int), i, CASE s WHEN 0 THEN "
		"'{}'::bigint[] ELSE ARRAY[s] END FROM fast, unnest($1::int[], $2::int[], $3::text[], $4::text[], $5::int[], $6::bigint[]) "
		"AS u(m, t, w, f, i, s)"};
	static const struct {
		uint32_t oid;
		void (*put)(struct wire_buf *b, const struct store_read *r);
	} columns[] = {{STORE_OID_INT4, put_member}, {STORE_OID_INT4, put_token}, {STORE_OID_TEXT, put_what},
		       {STORE_OID_TEXT, put_filter}, {STORE_OID_INT4, put_items}, {STORE_OID_INT8, put_seq}};
	struct wire_buf *args = store_db_args(db);

	for (size_t c = 0; c < sizeof(columns) / sizeof(*columns); c++) {
		size_t mark = store_field_array(args, columns[c].oid, (uint32_t)n);

		for (size_t i = 0; i < n; i++) columns[c].put(args, &r[i]);
		store_field_array_end(args, mark);
	}
	store_field_i32(args, FILTER_CHARS);
	return store_db_run(db, &stmt, NULL);
}
