/* One named subscription of a member. */
#include <stdlib.h>
#include <string.h>
#include "store/priv.h"

enum isac_err store_select_subscription(struct store_db *db, int32_t member_id, const char *name, struct store_subscription *out)
{
	static const struct store_stmt stmt = {"select_subscription",
					       "SELECT filter, acked_seq FROM subscription WHERE member_id = $1::int AND name = $2::text"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	*out = (struct store_subscription){0};
	snprintf(out->name, sizeof(out->name), "%s", name);
	store_field_i32(args, member_id);
	store_field_text(args, name);
	err = store_db_run(db, &stmt, &res);
	if (!err) {
		out->filter = strdup(store_get_text(res, 0, 0));
		out->acked_seq = (uint64_t)store_get_i64(res, 0, 1);
		out->exists = true;
		if (!out->filter) err = ISAC_ERR_NO_MEMORY;
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}
