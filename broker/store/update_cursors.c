/* Cursors that subscribers acknowledged, many at once; forwards only, so that a late write never takes one back. */
#include "store/priv.h"

enum isac_err store_update_cursors(struct store_db *db, size_t n, const int32_t *member_id, const char *const *name,
				   const uint64_t *acked_seq)
{
	static const struct store_stmt stmt = {
		"update_cursors",
		"UPDATE subscription s SET acked_seq = u.acked_seq "
		"FROM (SELECT member_id, name, max(acked_seq) AS acked_seq FROM unnest($1::int[], $2::text[], $3::bigint[]) "
		"AS v(member_id, name, acked_seq) GROUP BY 1, 2) u "
		"WHERE s.member_id = u.member_id AND s.name = u.name AND s.acked_seq < u.acked_seq"};
	struct wire_buf *args = store_db_args(db);
	size_t mark;

	if (!n) return ISAC_OK;
	store_field_array_i32(args, member_id, (uint32_t)n);
	mark = store_field_array(args, STORE_OID_TEXT, (uint32_t)n);
	for (size_t i = 0; i < n; i++) store_field_text(args, name[i]);
	store_field_array_end(args, mark);
	mark = store_field_array(args, STORE_OID_INT8, (uint32_t)n);
	for (size_t i = 0; i < n; i++) store_field_i64(args, (int64_t)acked_seq[i]);
	store_field_array_end(args, mark);
	return store_db_run(db, &stmt, NULL);
}
