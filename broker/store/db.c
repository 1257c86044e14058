/*
 * A connection for one actor's own reads and small writes. It reconnects by itself:
 * a read that meets a dead connection (the server was restarted meanwhile) is run once more.
 */
#include <stdlib.h>
#include "base/base.h"
#include "store/priv.h"

enum { SLOW_GRACE_MS = 2000 };

static enum isac_err make(struct store_db **out, struct store_db *db, const struct store_pg_conf *conf)
{
	enum isac_err err;

	if (!db) return ISAC_ERR_NO_MEMORY;
	wire_buf_init(&db->args, STORE_FIELDS_MAX);
	err = store_pg_new(&db->pg, conf);
	if (err) {
		store_db_destroy(&db);
		return err;
	}
	*out = db;
	return ISAC_OK;
}

enum isac_err store_db_new(struct store_db **out, const char *conninfo, int64_t deadline_ms)
{
	struct store_pg_conf conf = {.conninfo = conninfo, .name = "isac reader", .deadline_ms = deadline_ms};

	return make(out, calloc(1, sizeof(struct store_db)), &conf);
}

enum isac_err store_db_new_quick(struct store_db **out, const char *conninfo, int64_t deadline_ms)
{
	/* The first hundred of few rows, each found by an index: sorting or hashing whole tables first is never the better way there,
	 * though the planner, who takes many partitions for many rows, thinks so of rare values. */
	static const char *const settings[] = {"enable_mergejoin", "off", "enable_hashjoin", "off", NULL};
	struct store_pg_conf conf = {.conninfo = conninfo, .name = "isac query", .deadline_ms = deadline_ms, .settings = settings};

	return make(out, calloc(1, sizeof(struct store_db)), &conf);
}

static int stop_fd(void *arg)
{
	return ((struct store_db *)arg)->stop_fd;
}

static void give_up(void *arg)
{
	struct store_db *db = arg;

	db->stop_fd = -1;
	store_pg_limit(db->pg, 1); /* a time long past */
}

enum isac_err store_db_new_slow(struct store_db **out, const char *conninfo, int64_t deadline_ms)
{
	struct store_pg_conf conf = {.conninfo = conninfo, .name = "isac statistics", .deadline_ms = deadline_ms + SLOW_GRACE_MS};
	struct store_db *db = calloc(1, sizeof(*db));

	if (!db) return ISAC_ERR_NO_MEMORY;
	/* Memory for sorts. The server gives up before we do: it says so, and the connection lives on. */
	snprintf(db->timeout_ms, sizeof(db->timeout_ms), "%lld", (long long)deadline_ms);
	db->settings[0] = "statement_timeout";
	db->settings[1] = db->timeout_ms;
	db->settings[2] = "work_mem";
	db->settings[3] = "65536";
	conf.settings = db->settings;
	db->stop_fd = -1;
	conf.aside_fd = stop_fd;
	conf.aside = give_up;
	conf.arg = db;
	return make(out, db, &conf);
}

void store_db_stop_by(struct store_db *db, int fd)
{
	db->stop_fd = fd;
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
