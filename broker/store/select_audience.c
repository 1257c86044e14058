/*
 * Audiences, kept for ever once read: their rows never change, there are few, and ids become
 * visible in ascending order (sql/functions/audience_intern.sql), so news are what lies above the largest.
 */
#include <stdlib.h>
#include <string.h>
#include "store/priv.h"

enum isac_err store_db_audiences_add(struct store_db *db, const PGresult *res, int row, int col)
{
	struct store_array groups, recipients;
	struct member_audience *a;
	struct wire_bytes element;
	int32_t *ids;

	if (db->audiences_n == db->audiences_cap) {
		size_t cap = db->audiences_cap ? db->audiences_cap * 2 : 64;
		struct member_audience **grown = realloc(db->audiences, cap * sizeof(*grown));

		if (!grown) return ISAC_ERR_NO_MEMORY;
		db->audiences = grown;
		db->audiences_cap = cap;
	}
	store_get_array(&groups, res, row, col + 2);
	store_get_array(&recipients, res, row, col + 3);
	a = calloc(1, sizeof(*a) + (groups.n + recipients.n) * sizeof(*ids));
	if (!a) return ISAC_ERR_NO_MEMORY;
	ids = (int32_t *)(a + 1);
	a->id = store_get_i32(res, row, col);
	a->tlp = (uint32_t)store_get_i16(res, row, col + 1);
	a->groups = ids;
	a->recipients = ids + groups.n;
	while (store_array_next(&groups, &element)) ids[a->groups_n++] = (int32_t)wire_get_u32(element.data);
	while (store_array_next(&recipients, &element)) ids[a->groups_n + a->recipients_n++] = (int32_t)wire_get_u32(element.data);
	db->audiences[db->audiences_n++] = a;
	return ISAC_OK;
}

int32_t store_db_audiences_newest(const struct store_db *db)
{
	return db->audiences_n ? db->audiences[db->audiences_n - 1]->id : 0;
}

enum isac_err store_db_audiences(struct store_db *db)
{
	static const struct store_stmt stmt = {"select_audience",
					       "SELECT id, tlp, groups, recipients FROM audience WHERE id > $1::int ORDER BY id"};
	PGresult *res = NULL;
	enum isac_err err;

	store_field_i32(store_db_args(db), store_db_audiences_newest(db));
	err = store_db_run(db, &stmt, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) err = store_db_audiences_add(db, res, row, 0);
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}

static int by_id(const void *key, const void *element)
{
	int32_t id = *(const int32_t *)key, other = (*(struct member_audience *const *)element)->id;

	return (id > other) - (id < other);
}

enum isac_err store_select_audience(struct store_db *db, int32_t id, const struct member_audience **out)
{
	for (int again = 0; again < 2; again++) {
		struct member_audience **found =
			db->audiences_n ? bsearch(&id, db->audiences, db->audiences_n, sizeof(*db->audiences), by_id) : NULL;
		enum isac_err err;

		if (found) {
			*out = *found;
			return ISAC_OK;
		}
		err = again ? ISAC_ERR_NOT_FOUND : store_db_audiences(db);
		if (err) return err;
	}
	return ISAC_ERR_NOT_FOUND;
}

void store_db_visible(const struct store_db *db, struct wire_buf *args, const struct member *self)
{
	size_t mark;
	uint32_t n = 0;

	for (size_t i = 0; i < db->audiences_n; i++) n += member_may_see(self, db->audiences[i], 0);
	mark = store_field_array(args, STORE_OID_INT4, n);
	for (size_t i = 0; i < db->audiences_n; i++)
		if (member_may_see(self, db->audiences[i], 0)) store_field_i32(args, db->audiences[i]->id);
	store_field_array_end(args, mark);
}

struct wire_buf *store_db_args_visible(struct store_db *db, const struct member *self)
{
	struct wire_buf *args = store_db_args(db);

	store_db_visible(db, args, self);
	store_field_i32(args, member_own_id(self));
	return args;
}
