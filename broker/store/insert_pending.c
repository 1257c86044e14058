/* A dangerous command begins to wait. */
#include "store/priv.h"

enum isac_err store_insert_pending(struct store_db *db, const struct store_command *cmd)
{
	static const struct store_stmt stmt = {
		"insert_pending", "INSERT INTO admin_pending (command_id, command, signature, key_id, member_id, verb) VALUES ($1::bytea, "
				  "$2::bytea, $3::bytea, $4::bytea, $5::int, $6::text) ON CONFLICT DO NOTHING"};
	struct wire_buf *args = store_db_args(db);

	store_field_bytes(args, cmd->command_id, WIRE_ID);
	store_field_bytes(args, cmd->bytes, cmd->len);
	store_field_bytes(args, cmd->signature, WIRE_SIGNATURE);
	store_field_bytes(args, cmd->key_id, WIRE_KEY_ID);
	store_field_i32(args, cmd->member_id);
	store_field_text(args, cmd->verb);
	return store_db_run(db, &stmt, NULL);
}
