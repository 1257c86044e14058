/* Forgets a saved filter. */
#include "store/priv.h"

enum isac_err store_delete_collection(struct store_db *db, const char *name)
{
	static const struct store_stmt stmt = {"delete_collection", "DELETE FROM collection WHERE name = $1::text RETURNING id"};

	store_field_text(store_db_args(db), name);
	return store_db_run(db, &stmt, NULL);
}
