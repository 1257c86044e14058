/* Who read what: written before the page leaves, and not waited for on the disk. */
#include "store/priv.h"

enum { FILTER_CHARS = 1024 };

enum isac_err store_insert_read(struct store_db *db, const struct store_read *r)
{
	static const struct store_stmt stmt = {
		"insert_read", "WITH fast AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)) INSERT INTO read_event "
			       "(member_id, what, filter, items, seqs) SELECT $1::int, $2::text, left($3::text, $6::int), $4::int, "
			       "$5::bigint[] FROM fast"};
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
	return store_db_run(db, &stmt, NULL);
}
