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

enum isac_err store_update_recalled(struct store_db *db, const struct store_recalled_ask *ask, const struct store_recalled *last,
				    uint64_t told_seq)
{
	static const struct store_stmt stmt = {
		"update_recalled", "UPDATE recall_sent SET told_seq = $7::bigint, told = COALESCE(told, now()) WHERE "
				   "member_id = $1::int AND name = $2::text AND (recall_id, seq) > ($3::bigint, $4::bigint) AND "
				   "(recall_id, seq) <= ($5::bigint, $6::bigint)"};
	struct wire_buf *args = store_db_args(db);

	store_field_i32(args, ask->member_id);
	store_field_text(args, ask->name);
	store_field_i64(args, ask->after_id);
	store_field_i64(args, (int64_t)ask->after_seq);
	store_field_i64(args, last->recall_id);
	store_field_i64(args, (int64_t)last->seq);
	store_field_i64(args, (int64_t)told_seq);
	return store_db_run(db, &stmt, NULL);
}
