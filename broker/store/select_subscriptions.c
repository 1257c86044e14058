/* All named subscriptions of a member. */
#include <stdlib.h>
#include <string.h>
#include "store/priv.h"

enum isac_err store_select_subscriptions(struct store_db *db, int32_t member_id, struct store_subscription **out, size_t *n)
{
	static const struct store_stmt stmt = {
		"select_subscriptions",
		"SELECT name, filter, acked_seq, created FROM subscription WHERE member_id = $1::int ORDER BY name"};
	PGresult *res = NULL;
	enum isac_err err;

	*out = NULL;
	*n = 0;
	store_field_i32(store_db_args(db), member_id);
	err = store_db_run(db, &stmt, &res);
	if (!err) {
		*out = calloc((size_t)PQntuples(res), sizeof(**out));
		if (!*out) err = ISAC_ERR_NO_MEMORY;
	}
	for (int row = 0; !err && row < PQntuples(res); row++) {
		struct store_subscription *s = &(*out)[(*n)++];

		snprintf(s->name, sizeof(s->name), "%s", store_get_text(res, row, 0));
		s->filter = strdup(store_get_text(res, row, 1));
		s->acked_seq = (uint64_t)store_get_i64(res, row, 2);
		s->created_us = store_get_time(res, row, 3);
		s->exists = true;
		if (!s->filter) err = ISAC_ERR_NO_MEMORY;
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}
