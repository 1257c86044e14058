/* One group as one member stands to it. */
#include "store/priv.h"

enum isac_err store_select_group(struct store_db *db, const char *name, const char *member, struct store_group *out)
{
	static const struct store_stmt stmt = {
		"select_group",
		"SELECT g.id, COALESCE(g.owner_id, 0), COALESCE(m.id, 0), COALESCE(m.client_of, 0), "
		"EXISTS (SELECT FROM member_group_member x WHERE x.group_id = g.id AND x.member_id = m.id), "
		"EXISTS (SELECT FROM member_group_invite x WHERE x.group_id = g.id AND x.member_id = m.id) "
		"FROM (VALUES (1)) AS one LEFT JOIN member_group g ON g.name = $1::text LEFT JOIN member m ON m.name = $2::text "
		"AND m.left_at IS NULL"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	*out = (struct store_group){.id = 0};
	store_field_text(args, name);
	store_field_text(args, member);
	err = store_db_run(db, &stmt, &res);
	if (!err)
		*out = (struct store_group){
			.id = store_get_i32(res, 0, 0),
			.owner_id = store_get_i32(res, 0, 1),
			.member_id = store_get_i32(res, 0, 2),
			.is_client = store_get_i32(res, 0, 3) != 0,
			.is_in = store_get_bool(res, 0, 4),
			.is_invited = store_get_bool(res, 0, 5),
		};
	PQclear(res);
	return err;
}
