/* A signing key of a member; the command whose transaction is open becomes its certificate. */
#include "store/priv.h"

enum isac_err store_insert_key(struct store_db *db, const char *member, const uint8_t public_key[WIRE_SIGN_PUBLIC], int64_t valid_from_us,
			       int64_t valid_until_us, struct wire_why *why)
{
	static const struct store_stmt stmt = {
		"insert_key",
		"INSERT INTO member_key (key_id, member_id, public_key, valid_from, valid_until, event_id) "
		"SELECT $2::bytea, id, $3::bytea, $4::timestamptz, $5::timestamptz, $6::bigint FROM member WHERE name = $1::text "
		"RETURNING key_id"};
	struct wire_buf *args = store_db_args(db);
	uint8_t key_id[WIRE_KEY_ID];
	enum isac_err err;

	wire_sign_key_id(key_id, public_key);
	store_field_text(args, member);
	store_field_bytes(args, key_id, WIRE_KEY_ID);
	store_field_bytes(args, public_key, WIRE_SIGN_PUBLIC);
	store_field_time0(args, valid_from_us);
	store_field_time0(args, valid_until_us);
	store_db_event(db, args);
	err = store_db_run(db, &stmt, NULL);
	if (err == ISAC_ERR_NOT_FOUND) return wire_refuse(why, err, "no member %s", member);
	if (err == ISAC_ERR_CONFLICT) return wire_refuse(why, err, "this key is enrolled already");
	return err;
}
