/* A second admin decides. */
#include "store/priv.h"

enum isac_err store_update_pending(struct store_db *db, const uint8_t command_id[WIRE_ID], bool done, int32_t by)
{
	static const struct store_stmt stmt = {
		"update_pending", "UPDATE admin_pending SET state = CASE WHEN $2::bool THEN 'done' ELSE 'rejected' END, decided_by = "
				  "$3::int, decided = now() WHERE command_id = $1::bytea AND state = 'waiting' RETURNING member_id"};
	struct wire_buf *args = store_db_args(db);

	store_field_bytes(args, command_id, WIRE_ID);
	store_field_bool(args, done);
	store_field_i32(args, by);
	return store_db_run(db, &stmt, NULL);
}
