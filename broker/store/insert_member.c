/* A new member with its first key. Its registered space has rows of its own (insert_space.c). */
#include "store/priv.h"

enum isac_err store_insert_member(struct store_db *db, const struct wire_member *bundle, const char *type, uint32_t roles,
				  const char *client_of, struct wire_why *why)
{
	static const struct store_stmt stmt = {"insert_member", "INSERT INTO member (name, curve, type, roles, client_of) "
								"SELECT $1::text, $2::bytea, $3::text, $4::int, (SELECT id FROM member "
								"WHERE name = $5::text) ON CONFLICT DO NOTHING RETURNING id"};
	struct wire_buf *args = store_db_args(db);
	enum isac_err err;

	if (!wire_name_ok(bundle->name)) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not a member name: use a-z 0-9 . _ -");
	store_field_text(args, bundle->name);
	store_field_bytes(args, bundle->curve, WIRE_CURVE);
	store_field_text(args, type ? type : "");
	store_field_i32(args, (int32_t)roles);
	store_field_text(args, client_of);
	err = store_db_run(db, &stmt, NULL);
	if (err == ISAC_ERR_NOT_FOUND)
		return wire_refuse(why, ISAC_ERR_CONFLICT, "a member with this name or this CURVE key exists: %s", bundle->name);
	if (err) return err;
	return store_insert_key(db, bundle->name, bundle->sign, 0, 0, why);
}
