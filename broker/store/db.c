/*
 * A connection for one actor's own reads and small writes. It reconnects by itself:
 * a read that meets a dead connection (the server was restarted meanwhile) is run once more.
 */
#include <stdlib.h>
#include "base/base.h"
#include "store/priv.h"

enum isac_err store_db_new(struct store_db **out, const char *conninfo, int64_t deadline_ms)
{
	struct store_pg_conf conf = {.conninfo = conninfo, .name = "isac reader", .deadline_ms = deadline_ms};
	struct store_db *db = calloc(1, sizeof(*db));
	enum isac_err err;

	if (!db) return ISAC_ERR_NO_MEMORY;
	wire_buf_init(&db->args, STORE_FIELDS_MAX);
	err = store_pg_new(&db->pg, &conf);
	if (err) {
		store_db_destroy(&db);
		return err;
	}
	*out = db;
	return ISAC_OK;
}

void store_db_destroy(struct store_db **db)
{
	if (!db || !*db) return;
	store_pg_destroy(&(*db)->pg);
	wire_buf_clear(&(*db)->args);
	for (size_t i = 0; i < (*db)->audiences_n; i++) free((*db)->audiences[i]);
	free((*db)->audiences);
	free(*db);
	*db = NULL;
}

struct wire_buf *store_db_args(struct store_db *db)
{
	wire_buf_reset(&db->args);
	return &db->args;
}

void store_db_event(const struct store_db *db, struct wire_buf *args)
{
	if (db->event_id) store_field_i64(args, db->event_id);
	else store_field_null(args);
}

enum isac_err store_db_run(struct store_db *db, const struct store_stmt *stmt, PGresult **res)
{
	bool was_open = store_pg_is_open(db->pg);
	enum isac_err err = store_pg_run(db->pg, stmt, &db->args, res);

	if (err == ISAC_ERR_DB_BROKEN && was_open && !db->in_admin) {
		base_log_limited(1, BASE_LOG_WARN, "store.reconnect", "text=\"%s\"", store_pg_error(db->pg));
		err = store_pg_run(db->pg, stmt, &db->args, res);
	}
	return err;
}
