/* "This key is not to be trusted from seq on." A later call may only move that earlier. */
#include "store/priv.h"

enum isac_err store_update_key_revoke(struct store_db *db, const uint8_t key_id[WIRE_KEY_ID], uint64_t from_seq, struct wire_why *why)
{
	static const struct store_stmt stmt = {
		"update_key_revoke", "UPDATE member_key SET revoked_from_seq = least(revoked_from_seq, "
				     "COALESCE($2::bigint, (SELECT seq + 1 FROM hub_head))) WHERE key_id = $1::bytea RETURNING key_id"};
	struct wire_buf *args = store_db_args(db);
	enum isac_err err;

	store_field_bytes(args, key_id, WIRE_KEY_ID);
	if (from_seq) store_field_i64(args, (int64_t)from_seq);
	else store_field_null(args);
	err = store_db_run(db, &stmt, NULL);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(why, err, "no such key") : err;
}
