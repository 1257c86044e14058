/* Forgets a named subscription; one that is not there is forgotten already. */
#include "store/priv.h"

enum isac_err store_delete_subscription(struct store_db *db, int32_t member_id, const char *name)
{
	static const struct store_stmt stmt = {"delete_subscription",
					       "DELETE FROM subscription WHERE member_id = $1::int AND name = $2::text"};
	struct wire_buf *args = store_db_args(db);

	store_field_i32(args, member_id);
	store_field_text(args, name);
	return store_db_run(db, &stmt, NULL);
}
