/* A new group: a member's own, with its maker in it, or the admins'. */
#include "store/priv.h"

static enum isac_err check_owned(struct store_db *db, int32_t owner_id, struct wire_why *why)
{
	static const struct store_stmt stmt = {"count_groups_owned", "SELECT count(*) FROM member_group WHERE owner_id = $1::int"};
	PGresult *res = NULL;
	enum isac_err err;

	store_field_i32(store_db_args(db), owner_id);
	err = store_db_run(db, &stmt, &res);
	if (!err && store_get_i64(res, 0, 0) >= WIRE_LIMIT_GROUPS_OWNED)
		err = wire_refuse(why, ISAC_ERR_TOO_LARGE, "more than %d groups of one member: give one to another member first",
				  WIRE_LIMIT_GROUPS_OWNED);
	PQclear(res);
	return err;
}

enum isac_err store_insert_group(struct store_db *db, const char *name, int32_t owner_id, struct wire_why *why)
{
	static const struct store_stmt stmt = {
		"insert_group",
		"WITH g AS (INSERT INTO member_group (name, owner_id) VALUES ($1::text, nullif($2::int, 0)) "
		"ON CONFLICT DO NOTHING RETURNING id, owner_id), "
		"m AS (INSERT INTO member_group_member (group_id, member_id) SELECT id, owner_id FROM g WHERE owner_id IS NOT NULL) "
		"SELECT id FROM g"};
	struct wire_buf *args;
	enum isac_err err;

	if (!wire_name_ok(name)) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not a group name: use a-z 0-9 . _ -");
	err = owner_id ? check_owned(db, owner_id, why) : ISAC_OK;
	if (err) return err;
	args = store_db_args(db);
	store_field_text(args, name);
	store_field_i32(args, owner_id);
	err = store_db_run(db, &stmt, NULL);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(why, ISAC_ERR_CONFLICT, "group %s exists", name) : err;
}
