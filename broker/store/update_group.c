/* What becomes of a member in a group: one statement each. Doing what is done already is fine. */
#include "store/priv.h"

static const struct store_stmt STMTS[] = {
	[STORE_GROUP_JOIN] = {"group_join",
			      "WITH i AS (DELETE FROM member_group_invite WHERE group_id = $1::int AND member_id = $2::int) "
			      "INSERT INTO member_group_member (group_id, member_id) VALUES ($1::int, $2::int) ON CONFLICT DO NOTHING"},
	[STORE_GROUP_LEAVE] = {"group_leave",
			       "WITH i AS (DELETE FROM member_group_invite WHERE group_id = $1::int AND member_id = $2::int), "
			       "o AS (UPDATE member_group SET owner_id = NULL WHERE id = $1::int AND owner_id = $2::int) "
			       "DELETE FROM member_group_member WHERE group_id = $1::int AND member_id = $2::int"},
	[STORE_GROUP_INVITE] = {"group_invite", "INSERT INTO member_group_invite (group_id, member_id, invited_by) "
						"VALUES ($1::int, $2::int, $3::int) ON CONFLICT DO NOTHING"},
	[STORE_GROUP_GIVE] = {"group_give", "UPDATE member_group SET owner_id = $2::int WHERE id = $1::int"},
};

enum isac_err store_update_group(struct store_db *db, const struct store_group *g, enum store_group_act act, int32_t by)
{
	struct wire_buf *args = store_db_args(db);

	store_field_i32(args, g->id);
	store_field_i32(args, g->member_id);
	if (act == STORE_GROUP_INVITE) store_field_i32(args, by);
	return store_db_run(db, &STMTS[act], NULL);
}
