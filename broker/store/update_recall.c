/* How far a recall has come: whose receivers are known, and who was told. */
#include "store/priv.h"

enum isac_err store_update_recall(struct store_db *db, const struct store_recall *r)
{
	static const struct store_stmt stmt = {
		"update_recall",
		"UPDATE recall SET scanned_seq = greatest(scanned_seq, $2::bigint), done = $3::bool WHERE id = $1::bigint"};
	struct wire_buf *args = store_db_args(db);

	store_field_i64(args, r->id);
	store_field_i64(args, (int64_t)r->scanned_seq);
	store_field_bool(args, r->done);
	return store_db_run(db, &stmt, NULL);
}

/* Exactly these rows: others may have come between them meanwhile. */
enum isac_err store_update_recalled(struct store_db *db, const struct store_recalled *rows, size_t n, uint64_t told_seq)
{
	static const struct store_stmt stmt = {
		"update_recalled",
		"UPDATE recall_sent s SET told_seq = $5::bigint, told = COALESCE(s.told, now()) FROM unnest($3::bigint[], "
		"$4::bigint[]) AS u(recall_id, seq) WHERE s.member_id = $1::int AND s.name = $2::text AND "
		"s.recall_id = u.recall_id AND s.seq = u.seq"};
	struct wire_buf *args = store_db_args(db);
	size_t mark;

	if (!n) return ISAC_OK;
	store_field_i32(args, rows->member_id);
	store_field_text(args, rows->name);
	mark = store_field_array(args, STORE_OID_INT8, (uint32_t)n);
	for (size_t i = 0; i < n; i++) store_field_i64(args, rows[i].recall_id);
	store_field_array_end(args, mark);
	mark = store_field_array(args, STORE_OID_INT8, (uint32_t)n);
	for (size_t i = 0; i < n; i++) store_field_i64(args, (int64_t)rows[i].seq);
	store_field_array_end(args, mark);
	store_field_i64(args, (int64_t)told_seq);
	return store_db_run(db, &stmt, NULL);
}
