/* Saved filters, as readers are shown them. */
#include "store/priv.h"

enum isac_err store_select_collections(struct store_db *db, const char *name, struct wire_buf *out)
{
	static const struct store_stmt stmt = {"select_collections",
					       "SELECT id, name, filter, title FROM collection WHERE $1::text IN ('', name) "
					       "ORDER BY name LIMIT 5000"};
	PGresult *res = NULL;
	enum isac_err err;

	store_field_text(store_db_args(db), name ? name : "");
	err = store_db_run(db, &stmt, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) {
		Isac1__Collection collection = ISAC1__COLLECTION__INIT, *list[1] = {&collection};
		Isac1__CollectionsResult piece = ISAC1__COLLECTIONS_RESULT__INIT;
		struct wire_bytes id = store_get_bytes(res, row, 0);

		collection.id = (ProtobufCBinaryData){id.len, (uint8_t *)(uintptr_t)id.data};
		collection.name = (char *)(uintptr_t)store_get_text(res, row, 1);
		collection.filter = (char *)(uintptr_t)store_get_text(res, row, 2);
		collection.title = (char *)(uintptr_t)store_get_text(res, row, 3);
		piece.n_collections = 1;
		piece.collections = list;
		wire_pack(out, &piece.base); /* a message in pieces is the same message */
		err = out->err;
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}

enum isac_err store_check_collection(struct store_db *db, const char *name, const char *filter)
{
	static const struct store_stmt stmt = {"check_collection", "SELECT 1 FROM collection WHERE name = $1::text AND filter = $2::text"};
	struct wire_buf *args = store_db_args(db);

	store_field_text(args, name);
	store_field_text(args, filter);
	return store_db_run(db, &stmt, NULL);
}
