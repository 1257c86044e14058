/* An admin's verdict on held values, by key: released, or dropped. A later verdict replaces an earlier one. */
#include "store/priv.h"

static const struct store_stmt FIND = {"select_held_key",
				       "SELECT DISTINCT h.key FROM unnest($1::uuid[]) AS u(key) JOIN held h ON h.key = u.key "
				       "WHERE h.state = 'open'"};
static const struct store_stmt LOCK = {"held_lock", "SELECT pg_advisory_xact_lock(1769169251, 5)"};
static const struct store_stmt JUDGE = {
	"judge_held", "INSERT INTO held_verdict (key, verdict, member_id, event) VALUES ($1::uuid, $2::text, $3::int, "
		      "$4::bigint) ON CONFLICT (key) DO UPDATE SET verdict = excluded.verdict, member_id = excluded.member_id, "
		      "event = excluded.event, seq = NULL, at = now()"};
static const struct store_stmt SETTLE = {"held_settle", "SELECT held_settle(ARRAY[$1::uuid], $2::int)"};

static enum isac_err judge(struct store_db *db, const uint8_t key[WIRE_VALUE_KEY], const struct store_verdict *v)
{
	struct wire_buf *args = store_db_args(db);
	enum isac_err err;

	store_field_bytes(args, key, WIRE_VALUE_KEY);
	store_field_text(args, v->release ? "release" : "drop");
	store_field_i32(args, v->by);
	store_db_event(db, args);
	err = store_db_run(db, &JUDGE, NULL);
	if (err || !v->release) return err;
	args = store_db_args(db);
	store_field_bytes(args, key, WIRE_VALUE_KEY);
	store_field_i32(args, (int32_t)v->quorum);
	return store_db_run(db, &SETTLE, NULL);
}

enum isac_err store_update_held(struct store_db *db, const struct store_verdict *v, struct wire_why *why)
{
	struct wire_buf *args;
	PGresult *res = NULL;
	size_t mark;
	enum isac_err err;

	store_db_args(db);
	err = store_db_run(db, &LOCK, NULL);
	if (err) return err;
	args = store_db_args(db);
	mark = store_field_array(args, STORE_OID_UUID, (uint32_t)v->n);
	for (size_t i = 0; i < v->n; i++) store_field_bytes(args, v->key[i], WIRE_VALUE_KEY);
	store_field_array_end(args, mark);
	err = store_db_run(db, &FIND, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) {
		struct wire_bytes key = store_get_bytes(res, row, 0);

		if (key.len == WIRE_VALUE_KEY) err = judge(db, key.data, v);
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(why, err, "nothing of that value is held: see held list") : err;
}
