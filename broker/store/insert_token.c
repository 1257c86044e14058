/* A new token of a member. What the hub keeps of it is its hash. */
#include "store/priv.h"

enum isac_err store_insert_token(struct store_db *db, const struct store_token *t, int32_t *id, struct wire_why *why)
{
	static const struct store_stmt stmt = {"insert_token", "INSERT INTO token (hash, member_id, scope, collection, note, created_by, "
							       "expires) SELECT $1::bytea, id, $3::text, $4::text, "
							       "$5::text, $6::int, $7::timestamptz FROM member WHERE name = $2::text AND "
							       "left_at IS NULL ON CONFLICT DO NOTHING RETURNING id"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	store_field_bytes(args, t->hash, WIRE_HASH);
	store_field_text(args, t->member);
	store_field_text(args, member_scope_names[t->scope]);
	store_field_text(args, t->collection);
	store_field_text(args, t->note);
	store_field_i32(args, t->by);
	store_field_time(args, t->expires_us);
	err = store_db_run(db, &stmt, &res);
	if (!err) *id = store_get_i32(res, 0, 0);
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(why, ISAC_ERR_CONFLICT, "there is a token with this hash") : err;
}
