/* A member joins or leaves a group. Doing what is done already is fine. */
#include "store/priv.h"

enum isac_err store_update_group(struct store_db *db, const char *name, const char *member, bool add, struct wire_why *why)
{
	static const struct store_stmt join = {
		"insert_group_member",
		"INSERT INTO member_group_member (group_id, member_id) SELECT $1::int, $2::int ON CONFLICT DO NOTHING"};
	static const struct store_stmt leave = {"delete_group_member",
						"DELETE FROM member_group_member WHERE group_id = $1::int AND member_id = $2::int"};
	static const struct store_stmt find = {
		"select_group_member",
		"SELECT (SELECT id FROM member_group WHERE name = $1::text), (SELECT id FROM member WHERE name = $2::text)"};
	struct wire_buf *args = store_db_args(db);
	int32_t group_id, member_id;
	PGresult *res;
	enum isac_err err;

	store_field_text(args, name);
	store_field_text(args, member);
	err = store_db_run(db, &find, &res);
	if (err) return err;
	group_id = store_get_i32(res, 0, 0);
	member_id = store_get_i32(res, 0, 1);
	PQclear(res);
	if (!group_id) return wire_refuse(why, ISAC_ERR_NOT_FOUND, "no group %s", name);
	if (!member_id) return wire_refuse(why, ISAC_ERR_NOT_FOUND, "no member %s", member);
	args = store_db_args(db);
	store_field_i32(args, group_id);
	store_field_i32(args, member_id);
	return store_db_run(db, add ? &join : &leave, NULL);
}
