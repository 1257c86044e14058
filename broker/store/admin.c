/*
 * The transaction of a command: the event row first, then its effects, then commit. The unique command_id makes a
 * command that is sent again harmless, also when the answer to the first was lost.
 */
#include <string.h>
#include "store/priv.h"

/* Is the command of this id that is there already this one? */
static enum isac_err compare(struct store_db *db, const struct store_command *cmd)
{
	static const struct store_stmt stmt = {"select_event", "SELECT command FROM admin_event WHERE command_id = $1::bytea"};
	struct wire_bytes there;
	PGresult *res;
	enum isac_err err;

	store_field_bytes(store_db_args(db), cmd->command_id, WIRE_ID);
	err = store_db_run(db, &stmt, &res);
	if (err == ISAC_ERR_NOT_FOUND) { /* its transaction is still open somewhere, or was rolled back meanwhile */
		PQclear(res);
		return ISAC_ERR_DB_RETRY;
	}
	if (err) return err;
	there = store_get_bytes(res, 0, 0);
	err = there.len == cmd->len && !memcmp(there.data, cmd->bytes, cmd->len) ? ISAC_ERR_AGAIN : ISAC_ERR_CONFLICT;
	PQclear(res);
	return err;
}

static enum isac_err insert_event(struct store_db *db, const struct store_command *cmd)
{
	static const struct store_stmt stmt = {"insert_event",
					       "INSERT INTO admin_event (command_id, command, signature, key_id, member_id, verb, "
					       "cosignature, cosign_key_id, cosign_member_id) "
					       "VALUES ($1::bytea, $2::bytea, $3::bytea, $4::bytea, $5::int, $6::text, $7::bytea, "
					       "$8::bytea, $9::int) "
					       "ON CONFLICT (command_id) DO NOTHING RETURNING id"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	store_field_bytes(args, cmd->command_id, WIRE_ID);
	store_field_bytes(args, cmd->bytes, cmd->len);
	store_field_bytes(args, cmd->signature, WIRE_SIGNATURE);
	store_field_bytes(args, cmd->key_id, WIRE_KEY_ID);
	store_field_i32(args, cmd->member_id);
	store_field_text(args, cmd->verb);
	if (cmd->cosignature) {
		store_field_bytes(args, cmd->cosignature, WIRE_SIGNATURE);
		store_field_bytes(args, cmd->cosign_key_id, WIRE_KEY_ID);
		store_field_i32(args, cmd->cosign_member_id);
	} else {
		for (int i = 0; i < 3; i++) store_field_null(args);
	}
	err = store_pg_run(db->pg, &stmt, args, &res);
	if (!err) db->event_id = store_get_i64(res, 0, 0);
	PQclear(res);
	return err;
}

enum isac_err store_admin_begin(struct store_db *db, const struct store_command *cmd)
{
	enum isac_err err = store_pg_begin(db->pg);

	if (err == ISAC_ERR_DB_BROKEN) /* the connection died while it was idle */
		err = store_pg_begin(db->pg);
	if (err) return err;
	err = insert_event(db, cmd);
	if (err) {
		store_pg_rollback(db->pg);
		return err == ISAC_ERR_NOT_FOUND ? compare(db, cmd) : err;
	}
	db->in_admin = true;
	return ISAC_OK;
}

enum isac_err store_admin_end(struct store_db *db, bool commit)
{
	enum isac_err err = ISAC_OK;

	if (!db->in_admin) return ISAC_ERR_DB_BROKEN;
	db->in_admin = false;
	db->event_id = 0;
	if (commit) err = store_pg_commit(db->pg);
	if (!commit || err) store_pg_rollback(db->pg);
	return err;
}
