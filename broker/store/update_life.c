/* A member's life after its enrolment: it joins by an invitation, leaves, is erased; and its quota. */
#include "store/priv.h"

static const struct store_stmt EXPIRE_KEYS = {
	"expire_keys",
	"UPDATE member_key SET valid_until = now() WHERE member_id = $1::int AND (valid_until IS NULL OR valid_until > now())"};

static enum isac_err run_for(struct store_db *db, const struct store_stmt *stmt, int32_t member_id)
{
	store_field_i32(store_db_args(db), member_id);
	enum isac_err err = store_db_run(db, stmt, NULL);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}

enum isac_err store_update_invited(struct store_db *db, const char *name, uint32_t roles)
{
	static const struct store_stmt stmt = {"update_invited",
					       "UPDATE member SET invited_roles = $2::int WHERE name = $1::text RETURNING id"};
	struct wire_buf *args = store_db_args(db);

	store_field_text(args, name);
	store_field_i32(args, (int32_t)roles);
	return store_db_run(db, &stmt, NULL);
}

enum isac_err store_update_joined(struct store_db *db, int32_t member_id, const struct wire_member *bundle, struct wire_why *why)
{
	static const struct store_stmt join = {
		"update_joined", "UPDATE member SET curve = $2::bytea, roles = invited_roles, invited_roles = NULL WHERE id = $1::int AND "
				 "invited_roles IS NOT NULL RETURNING id"};
	struct wire_buf *args = store_db_args(db);
	enum isac_err err;

	store_field_i32(args, member_id);
	store_field_bytes(args, bundle->curve, WIRE_CURVE);
	err = store_db_run(db, &join, NULL);
	if (err == ISAC_ERR_NOT_FOUND) return wire_refuse(why, ISAC_ERR_CONFLICT, "this invitation was used already");
	if (err == ISAC_ERR_CONFLICT) return wire_refuse(why, err, "a member with this CURVE key exists");
	if (!err) err = run_for(db, &EXPIRE_KEYS, member_id); /* the invitation's: it has done what it was for */
	return err ? err : store_insert_key(db, bundle->name, bundle->sign, 0, 0, why);
}

/* Somebody must be left who can let others in. */
static enum isac_err check_other_admin(struct store_db *db, int32_t member_id, struct wire_why *why)
{
	static const struct store_stmt stmt = {
		"select_admin_beside",
		"SELECT 1 FROM member_key k JOIN member m ON m.id = k.member_id WHERE m.id <> $1::int AND m.roles & $2::int <> 0 "
		"AND NOT m.suspended AND k.revoked_from_seq IS NULL AND (k.valid_until IS NULL OR k.valid_until > now()) LIMIT 1"};
	struct wire_buf *args = store_db_args(db);
	enum isac_err err;

	store_field_i32(args, member_id);
	store_field_i32(args, MEMBER_ADMIN);
	err = store_db_run(db, &stmt, NULL);
	if (err != ISAC_ERR_NOT_FOUND) return err;
	return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "this is the last admin: enrol another one first");
}

enum isac_err store_update_left(struct store_db *db, int32_t member_id, int32_t by, bool erase, struct wire_why *why)
{
	static const struct store_stmt steps[] = {
		{"leave_groups", "WITH i AS (DELETE FROM member_group_invite WHERE member_id = $1::int), "
				 "o AS (UPDATE member_group SET owner_id = NULL WHERE owner_id = $1::int) "
				 "DELETE FROM member_group_member WHERE member_id = $1::int"},
		{"leave_subscriptions", "DELETE FROM subscription WHERE member_id = $1::int"},
		{"leave_member", "UPDATE member SET suspended = true, roles = 0, invited_roles = NULL, left_at = COALESCE(left_at, now()) "
				 "WHERE id = $1::int"},
	};
	static const struct store_stmt space = {
		"leave_space", "UPDATE member_space SET state = 'dropped', dropped_by = $2::int, dropped = now(), drop_event = $3::bigint "
			       "WHERE member_id = $1::int AND state <> 'dropped'"};
	static const struct store_stmt mark = {"erase_member", "UPDATE member SET erased_at = now(), type = '' WHERE id = $1::int"};
	struct wire_buf *args;
	enum isac_err err = check_other_admin(db, member_id, why);

	if (!err) err = run_for(db, &EXPIRE_KEYS, member_id);
	for (size_t i = 0; !err && i < sizeof(steps) / sizeof(*steps); i++) err = run_for(db, &steps[i], member_id);
	if (err) return err;
	args = store_db_args(db);
	store_field_i32(args, member_id);
	store_field_i32(args, by);
	store_db_event(db, args);
	err = store_db_run(db, &space, NULL);
	if (err == ISAC_ERR_NOT_FOUND) err = ISAC_OK;
	return err || !erase ? err : run_for(db, &mark, member_id);
}

enum isac_err store_update_quota(struct store_db *db, const char *name, const struct member_rate *rate, struct wire_why *why)
{
	static const struct store_stmt stmt = {
		"update_quota", "UPDATE member SET quota_per_s = nullif($2::bigint, 0), quota_burst = nullif($3::bigint, 0), "
				"quota_bytes_per_min = nullif($4::bigint, 0) WHERE name = $1::text RETURNING id"};
	struct wire_buf *args = store_db_args(db);
	enum isac_err err;

	store_field_text(args, name);
	store_field_i64(args, rate->per_s);
	store_field_i64(args, rate->burst);
	store_field_i64(args, rate->bytes_per_min);
	err = store_db_run(db, &stmt, NULL);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(why, err, "no member %s", name) : err;
}
