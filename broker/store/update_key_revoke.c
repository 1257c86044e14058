/* "This key is not to be trusted from seq on." A later call may only move that earlier. */
#include "store/priv.h"

/* Without one nobody could enrol a key any more. */
static enum isac_err check_other_admin(struct store_db *db, const uint8_t key_id[WIRE_KEY_ID], struct wire_why *why)
{
	static const struct store_stmt stmt = {
		"select_other_admin",
		"SELECT 1 FROM member_key k JOIN member m ON m.id = k.member_id WHERE k.key_id <> $1::bytea AND m.roles & $2::int <> 0 "
		"AND NOT m.suspended AND k.revoked_from_seq IS NULL AND (k.valid_until IS NULL OR k.valid_until > now()) LIMIT 1"};
	struct wire_buf *args = store_db_args(db);
	enum isac_err err;

	store_field_bytes(args, key_id, WIRE_KEY_ID);
	store_field_i32(args, MEMBER_ADMIN);
	err = store_db_run(db, &stmt, NULL);
	if (err != ISAC_ERR_NOT_FOUND) return err;
	return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "this is the last valid key of an admin: enrol another one first (key.add)");
}

enum isac_err store_update_key_revoke(struct store_db *db, const uint8_t key_id[WIRE_KEY_ID], uint64_t *from_seq, struct wire_why *why)
{
	static const struct store_stmt stmt = {
		"update_key_revoke",
		"UPDATE member_key SET revoked_from_seq = least(revoked_from_seq, "
		"COALESCE($2::bigint, (SELECT seq + 1 FROM hub_head))) WHERE key_id = $1::bytea RETURNING revoked_from_seq"};
	enum isac_err err = check_other_admin(db, key_id, why);
	struct wire_buf *args;
	PGresult *res = NULL;

	if (err) return err;
	args = store_db_args(db);
	store_field_bytes(args, key_id, WIRE_KEY_ID);
	if (*from_seq) store_field_i64(args, (int64_t)*from_seq);
	else store_field_null(args);
	err = store_db_run(db, &stmt, &res);
	if (!err) *from_seq = (uint64_t)store_get_i64(res, 0, 0);
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(why, err, "no such key") : err;
}
