/* A token is no good any more. Once revoked it stays so. */
#include "store/priv.h"

enum isac_err store_update_token_revoke(struct store_db *db, int32_t id, int32_t member_id, int32_t by)
{
	static const struct store_stmt stmt = {
		"update_token_revoke", "UPDATE token SET revoked = now(), revoked_by = $3::int WHERE id = $1::int AND revoked IS NULL "
				       "AND $2::int IN (0, member_id) RETURNING id"};
	struct wire_buf *args = store_db_args(db);

	store_field_i32(args, id);
	store_field_i32(args, member_id);
	store_field_i32(args, by);
	return store_db_run(db, &stmt, NULL);
}
