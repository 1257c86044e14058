/* A new saved filter. */
#include "store/priv.h"

enum isac_err store_insert_collection(struct store_db *db, const char *name, const char *filter, const char *title, struct wire_why *why)
{
	static const struct store_stmt stmt = {"insert_collection",
					       "INSERT INTO collection (name, filter, title) VALUES ($1::text, $2::text, "
					       "$3::text) ON CONFLICT DO NOTHING RETURNING id"};
	struct wire_buf *args = store_db_args(db);
	enum isac_err err;

	store_field_text(args, name);
	store_field_text(args, filter);
	store_field_text(args, title);
	err = store_db_run(db, &stmt, NULL);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(why, ISAC_ERR_CONFLICT, "collection %s exists: drop it first", name) : err;
}
