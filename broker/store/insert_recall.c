/* A recall, and to whom its reports had been sent. */
#include "store/priv.h"

enum isac_err store_insert_recall(struct store_db *db, struct store_recall *r)
{
	static const struct store_stmt stmt = {
		"insert_recall", "INSERT INTO recall (event_id, reason, publisher_id, key_id, from_seq, scanned_seq, done) VALUES "
				 "($1::bigint, $2::smallint, $3::int, $4::bytea, $5::bigint, $6::bigint, $7::bool) RETURNING id"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	store_db_event(db, args);
	store_field_i16(args, (int16_t)r->reason);
	store_field_i32(args, r->publisher_id);
	if (r->reason == STORE_GAP_KEY) store_field_bytes(args, r->key_id, WIRE_KEY_ID);
	else store_field_null(args);
	store_field_i64(args, (int64_t)r->from_seq);
	store_field_i64(args, (int64_t)r->scanned_seq);
	store_field_bool(args, r->done);
	err = store_db_run(db, &stmt, &res);
	if (!err) r->id = store_get_i64(res, 0, 0);
	PQclear(res);
	return err;
}

enum isac_err store_insert_recalled(struct store_db *db, const struct store_recalled *rows, size_t n)
{
	static const struct store_stmt stmt = {
		"insert_recalled", "INSERT INTO recall_sent AS s (recall_id, member_id, name, seq, report_id, items, maybe) VALUES "
				   "($1::bigint, $2::int, $3::text, $4::bigint, $5::uuid, $6::int, $7::bool) "
				   "ON CONFLICT (member_id, name, recall_id, seq) DO UPDATE SET maybe = s.maybe AND excluded.maybe, "
				   "items = greatest(s.items, excluded.items)"};
	enum isac_err err = ISAC_OK;

	for (size_t i = 0; !err && i < n; i++) {
		struct wire_buf *args = store_db_args(db);

		store_field_i64(args, rows[i].recall_id);
		store_field_i32(args, rows[i].member_id);
		store_field_text(args, rows[i].name);
		store_field_i64(args, (int64_t)rows[i].seq);
		store_field_bytes(args, rows[i].report_id, WIRE_ID);
		store_field_i32(args, (int32_t)rows[i].items);
		store_field_bool(args, rows[i].maybe);
		err = store_db_run(db, &stmt, NULL);
	}
	return err;
}
