/*
 * What becomes of claimed space: confirmed by another member or an admin, or dropped. Rows stay: who did what remains known.
 */
#include <string.h>
#include "store/priv.h"

/* Space of this member that has not ended, and whether it overlaps confirmed space of another. */
static const struct store_stmt FIND = {
	"select_space",
	"SELECT s.id, s.state = 'confirmed', EXISTS (SELECT FROM member_space o WHERE o.member_id <> s.member_id AND o.kind = s.kind "
	"AND o.state = 'confirmed' AND CASE s.kind WHEN 'net' THEN o.net && s.net WHEN 'asn' THEN o.value = s.value "
	"ELSE o.value = s.value OR right(o.value, length(s.value) + 1) = '.' || s.value "
	"OR right(s.value, length(o.value) + 1) = '.' || o.value END) "
	"FROM member_space s JOIN member m ON m.id = s.member_id "
	"WHERE m.name = $1::text AND s.kind = $2::text AND s.value = $3::text AND s.state <> 'dropped'"};
static const struct store_stmt CONFIRM = {"confirm_space", "UPDATE member_space SET state = 'confirmed', confirmed_by = $2::int, "
							   "confirm_event = $3::bigint, confirmed = now() WHERE id = $1::bigint"};
static const struct store_stmt DROP = {
	"drop_space",
	"UPDATE member_space SET state = 'dropped', dropped_by = $2::int, drop_event = $3::bigint, dropped = now() WHERE id = $1::bigint"};

static enum isac_err update_one(struct store_db *db, const struct store_space *s, const struct member_space *item, bool confirm,
				struct wire_why *why)
{
	struct wire_buf *args = store_db_args(db);
	bool confirmed = false, overlaps = false;
	PGresult *res = NULL;
	int64_t id = 0;
	enum isac_err err;

	store_field_text(args, s->member);
	store_field_text(args, member_space_names[item->kind]);
	store_field_text(args, item->text);
	err = store_db_run(db, &FIND, &res);
	if (!err) {
		id = store_get_i64(res, 0, 0);
		confirmed = store_get_bool(res, 0, 1);
		overlaps = store_get_bool(res, 0, 2);
	}
	PQclear(res);
	if (err == ISAC_ERR_NOT_FOUND)
		return wire_refuse(why, err, "member %s has not claimed %s %.80s", s->member, member_space_names[item->kind], item->text);
	if (err || (confirm && confirmed)) return err;
	if (confirm && overlaps && !s->vouched)
		return wire_refuse(why, ISAC_ERR_CONFLICT, "%.80s overlaps space of another member: ask an admin to confirm it",
				   item->text);
	args = store_db_args(db);
	store_field_i64(args, id);
	store_field_i32(args, s->by);
	store_db_event(db, args);
	return store_db_run(db, confirm ? &CONFIRM : &DROP, NULL);
}

enum isac_err store_update_space(struct store_db *db, const struct store_space *s, bool confirm, struct wire_why *why)
{
	enum isac_err err = ISAC_OK;

	for (size_t i = 0; !err && i < s->n; i++) err = update_one(db, s, &s->item[i], confirm, why);
	return err;
}
