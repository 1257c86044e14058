/* Suspends, resumes, gives other roles, another connection key. */
#include "store/priv.h"

enum isac_err store_update_member(struct store_db *db, const char *name, int suspended, uint32_t roles, struct wire_why *why)
{
	static const struct store_stmt stmt = {
		"update_member", "UPDATE member SET suspended = COALESCE($2::bool, suspended), roles = COALESCE($3::int, roles) "
				 "WHERE name = $1::text AND left_at IS NULL AND (invited_roles IS NULL OR $3::int IS NULL) RETURNING id"};
	struct wire_buf *args = store_db_args(db);
	enum isac_err err;

	store_field_text(args, name);
	if (suspended < 0) store_field_null(args);
	else store_field_bool(args, suspended > 0);
	if (roles) store_field_i32(args, (int32_t)roles);
	else store_field_null(args);
	err = store_db_run(db, &stmt, NULL);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(why, err, "no member %s here, or it has not joined yet", name) : err;
}

enum isac_err store_update_curve(struct store_db *db, const struct wire_member *bundle, struct wire_why *why)
{
	static const struct store_stmt stmt = {
		"update_curve",
		"UPDATE member SET curve = $2::bytea WHERE name = $1::text AND left_at IS NULL AND invited_roles IS NULL RETURNING id"};
	struct wire_buf *args = store_db_args(db);
	enum isac_err err;

	store_field_text(args, bundle->name);
	store_field_bytes(args, bundle->curve, WIRE_CURVE);
	err = store_db_run(db, &stmt, NULL);
	if (err == ISAC_ERR_CONFLICT) return wire_refuse(why, err, "a member with this CURVE key exists");
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(why, err, "no member %s here, or it has not joined yet", bundle->name) : err;
}
