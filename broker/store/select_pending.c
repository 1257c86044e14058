/* What became of a command of this id: does it wait for a second admin, was it rejected, is it done? */
#include <string.h>
#include "store/priv.h"

enum isac_err store_select_pending(struct store_db *db, const uint8_t command_id[WIRE_ID], struct wire_bytes command,
				   struct store_pending *out)
{
	static const struct store_stmt stmt = {
		"select_pending", "SELECT CASE state WHEN 'waiting' THEN 1 WHEN 'done' THEN 2 ELSE 3 END, command, member_id, signature, "
				  "key_id FROM admin_pending WHERE command_id = $1::bytea UNION ALL "
				  "SELECT 2, command, member_id, signature, key_id FROM admin_event WHERE command_id = $1::bytea LIMIT 1"};
	PGresult *res = NULL;
	enum isac_err err;

	*out = (struct store_pending){.state = STORE_PENDING_NONE};
	store_field_bytes(store_db_args(db), command_id, WIRE_ID);
	err = store_db_run(db, &stmt, &res);
	if (!err) {
		struct wire_bytes bytes = store_get_bytes(res, 0, 1);

		out->state = (enum store_pending_state)store_get_i32(res, 0, 0);
		out->same = bytes.len == command.len && !memcmp(bytes.data, command.data, command.len);
		out->member_id = store_get_i32(res, 0, 2);
		memcpy(out->signature, store_get_bytes(res, 0, 3).data, sizeof(out->signature));
		memcpy(out->key_id, store_get_bytes(res, 0, 4).data, sizeof(out->key_id));
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}
