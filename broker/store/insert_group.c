/* A new group. */
#include "store/priv.h"

enum isac_err store_insert_group(struct store_db *db, const char *name, struct wire_why *why)
{
	static const struct store_stmt stmt = {"insert_group",
					       "INSERT INTO member_group (name) VALUES ($1::text) ON CONFLICT DO NOTHING RETURNING id"};
	enum isac_err err;

	if (!wire_name_ok(name)) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not a group name: use a-z 0-9 . _ -");
	store_field_text(store_db_args(db), name);
	err = store_db_run(db, &stmt, NULL);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(why, ISAC_ERR_CONFLICT, "group %s exists", name) : err;
}
