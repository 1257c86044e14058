/*
 * A claim of registered space. Nothing is in force by a claim, but if an admin makes it for a member: its word confirms it.
 * Claiming what is there already is fine.
 */
#include "store/priv.h"

/* The member and how much it has. */
static enum isac_err find_member(struct store_db *db, const struct store_space *s, int32_t *member_id, struct wire_why *why)
{
	static const struct store_stmt stmt = {"select_space_count", "SELECT id, (SELECT count(*) FROM member_space WHERE member_id = m.id "
								     "AND state <> 'dropped') FROM member m WHERE name = $1::text"};
	PGresult *res = NULL;
	int64_t has = 0;
	enum isac_err err;

	store_field_text(store_db_args(db), s->member);
	err = store_db_run(db, &stmt, &res);
	if (!err) {
		*member_id = store_get_i32(res, 0, 0);
		has = store_get_i64(res, 0, 1);
	}
	PQclear(res);
	if (err == ISAC_ERR_NOT_FOUND) return wire_refuse(why, err, "no member %s", s->member);
	if (!err && has + (int64_t)s->n > WIRE_LIMIT_SPACE)
		return wire_refuse(why, ISAC_ERR_TOO_LARGE, "more than %d networks, AS numbers and domains of one member: drop some first",
				   WIRE_LIMIT_SPACE);
	return err;
}

enum isac_err store_insert_space(struct store_db *db, const struct store_space *s, struct wire_why *why)
{
	static const struct store_stmt stmt = {
		"insert_space",
		"INSERT INTO member_space AS s (member_id, kind, value, net, state, claimed_by, claim_event, confirmed_by, confirmed, "
		"confirm_event) "
		"SELECT $1::int, $2::text, $3::text, CASE WHEN $2::text = 'net' THEN $3::text::cidr END, "
		"CASE WHEN $6::bool THEN 'confirmed' ELSE 'pending' END, $4::int, $5::bigint, "
		"CASE WHEN $6::bool THEN $4::int END, CASE WHEN $6::bool THEN now() END, CASE WHEN $6::bool THEN $5::bigint END "
		"ON CONFLICT (member_id, kind, value) WHERE state <> 'dropped' DO UPDATE SET state = excluded.state, "
		"confirmed_by = excluded.confirmed_by, confirmed = excluded.confirmed, confirm_event = excluded.confirm_event "
		"WHERE s.state = 'pending' AND excluded.state = 'confirmed'"};
	int32_t member_id = 0;
	enum isac_err err = find_member(db, s, &member_id, why);

	for (size_t i = 0; !err && i < s->n; i++) {
		struct wire_buf *args = store_db_args(db);

		store_field_i32(args, member_id);
		store_field_text(args, member_space_names[s->item[i].kind]);
		store_field_text(args, s->item[i].text);
		store_field_i32(args, s->by);
		store_db_event(db, args);
		store_field_bool(args, s->vouched);
		err = store_db_run(db, &stmt, NULL);
		if (err == ISAC_ERR_NOT_FOUND) err = ISAC_OK; /* it was there */
	}
	return err;
}
