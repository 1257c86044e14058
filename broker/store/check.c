/*
 * Is this a database that keeps what it acknowledges, with the schema that we know? Asked at each start: a receipt is a
 * promise, and with fsync or synchronous_commit off it would be broken by a power cut (THREATS.md finding 8).
 */
#include <string.h>
#include "base/base.h"
#include "store/priv.h"

static const struct {
	const char *setting, *wanted, *text;
} WANTED[] = {
	{"fsync", "on", "a power cut would lose acknowledged reports"},
	{"full_page_writes", "on", "a power cut would tear pages of acknowledged reports"},
};

enum isac_err store_check_pg(struct store_pg *pg, bool unsafe_allow_async_commit, struct wire_why *why)
{
	static const struct store_stmt setting = {"check_setting", "SELECT current_setting($1::text)"};
	static const struct store_stmt version = {"check_version", "SELECT max(number), count(*)::int FROM migration"};
	static const struct store_stmt checksums = {"check_checksums", "SELECT current_setting('data_checksums') = 'on'"};
	static const struct store_stmt commit = {
		"check_commit", "SELECT current_setting('synchronous_commit') IN ('on', 'remote_write', 'remote_apply', 'local')"};
	struct wire_buf args;
	PGresult *res = NULL;
	enum isac_err err = ISAC_OK;

	wire_buf_init(&args, 1024);
	for (size_t i = 0; !err && i < sizeof(WANTED) / sizeof(*WANTED); i++) {
		wire_buf_reset(&args);
		store_field_text(&args, WANTED[i].setting);
		err = store_pg_run(pg, &setting, &args, &res);
		if (!err && strcmp(store_get_text(res, 0, 0), WANTED[i].wanted))
			err = wire_refuse(why, ISAC_ERR_CONFIG, "the database has %s = %s: %s", WANTED[i].setting,
					  store_get_text(res, 0, 0), WANTED[i].text);
		PQclear(res);
		res = NULL;
	}
	wire_buf_clear(&args);
	if (!err) err = store_pg_run(pg, &commit, NULL, &res);
	if (!err && !store_get_bool(res, 0, 0) && !unsafe_allow_async_commit)
		err = wire_refuse(why, ISAC_ERR_CONFIG,
				  "the database has synchronous_commit off: a power cut would lose acknowledged reports");
	PQclear(res);
	res = NULL;
	if (!err) err = store_pg_run(pg, &version, NULL, &res);
	if (!err && store_get_i32(res, 0, 0) != STORE_SCHEMA)
		err = wire_refuse(why, ISAC_ERR_CONFIG, "the database has schema version %d, this program needs %d: run isacd init",
				  store_get_i32(res, 0, 0), STORE_SCHEMA);
	if (!err && store_get_i32(res, 0, 1) != STORE_MIGRATIONS)
		err = wire_refuse(why, ISAC_ERR_CONFIG, "the database has had %d migrations, this program knows %d: run isacd init",
				  store_get_i32(res, 0, 1), STORE_MIGRATIONS);
	PQclear(res);
	res = NULL;
	if (!err) err = store_pg_run(pg, &checksums, NULL, &res);
	if (!err && !store_get_bool(res, 0, 0))
		base_log(BASE_LOG_WARN, "store.checksums", "text=\"the database has no data checksums: bit rot would not be noticed\"");
	PQclear(res);
	if (err && err != ISAC_ERR_CONFIG) wire_refuse(why, err, "%s", store_pg_error(pg));
	return err;
}

enum isac_err store_check(const char *conninfo, struct wire_why *why)
{
	struct store_pg_conf conf = {.conninfo = conninfo, .name = "isac check", .deadline_ms = 10000};
	struct store_pg *pg;
	enum isac_err err = store_pg_new(&pg, &conf);

	if (err) return err;
	err = store_pg_connect(pg);
	if (err) wire_refuse(why, err, "%s", store_pg_error(pg));
	else err = store_check_pg(pg, false, why);
	store_pg_destroy(&pg);
	return err;
}
