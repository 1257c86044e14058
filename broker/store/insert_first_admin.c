/* The root of trust of a new hub: the one member whose key has no command as its certificate. */
#include "store/priv.h"

enum isac_err store_insert_first_admin(struct store_db *db, const struct wire_member *bundle, uint32_t roles)
{
	static const struct store_stmt any = {"select_any_member", "SELECT 1 FROM member LIMIT 1"};
	struct wire_why why;
	PGresult *res = NULL;
	enum isac_err err;

	store_db_args(db);
	err = store_db_run(db, &any, &res);
	PQclear(res);
	if (err != ISAC_ERR_NOT_FOUND) return err ? err : ISAC_ERR_CONFLICT;
	err = store_pg_begin(db->pg);
	if (!err) err = store_insert_member(db, bundle, "", roles, "", &why);
	if (!err) err = store_pg_commit(db->pg);
	if (err) store_pg_rollback(db->pg);
	return err;
}
