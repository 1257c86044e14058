/*
 * Applies sql/: roles.sql, then each file of migrations/ that is not registered yet, in the order of its number, then
 * functions/, which are replaced every time. One file is one transaction with its row in the register. A second run
 * finds everything done; two at once wait for each other.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/base.h"
#include "store/priv.h"

enum { FILE_MAX = 1 << 20, FILES_MAX = 1000 };

static enum isac_err read_file(struct wire_buf *out, const char *dir, const char *name, struct wire_why *why)
{
	char path[1024], piece[8192];
	FILE *in;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	in = fopen(path, "re");
	if (!in) return wire_refuse(why, ISAC_ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
	wire_buf_reset(out);
	while ((n = fread(piece, 1, sizeof(piece), in)) > 0) wire_buf_add(out, piece, n);
	fclose(in);
	wire_buf_add(out, "", 1);
	return out->err ? wire_refuse(why, ISAC_ERR_CONFIG, "%s is too large", path) : ISAC_OK;
}

static int is_sql(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && !strcmp(entry->d_name + len - 4, ".sql");
}

static enum isac_err failed(struct store_pg *pg, const char *name, enum isac_err err, struct wire_why *why)
{
	char text[120];

	snprintf(text, sizeof(text), "%s", store_pg_error(pg));
	store_pg_rollback(pg);
	return wire_refuse(why, err, "%s: %s", name, text);
}

/* Everything is owned by isac_owner, whoever runs the migration. */
static enum isac_err begin_as_owner(struct store_pg *pg)
{
	return store_pg_script(pg, "BEGIN; SET LOCAL ROLE isac_owner; SET LOCAL search_path = isac;");
}

static enum isac_err is_registered(struct store_pg *pg, int number, const uint8_t digest[WIRE_HASH], const char *name, bool *out,
				   struct wire_why *why)
{
	static const struct store_stmt stmt = {"select_migration", "SELECT digest FROM isac.migration WHERE number = $1::int"};
	PGresult *res = NULL;
	struct wire_buf args;
	struct wire_bytes there;
	enum isac_err err;

	wire_buf_init(&args, 64);
	store_field_i32(&args, number);
	err = store_pg_run(pg, &stmt, &args, &res);
	wire_buf_clear(&args);
	*out = !err;
	if (!err) {
		there = store_get_bytes(res, 0, 0);
		if (there.len != WIRE_HASH || memcmp(there.data, digest, WIRE_HASH))
			err = wire_refuse(why, ISAC_ERR_CONFIG, "%s was edited after it was applied here", name);
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}

static enum isac_err enter_in_register(struct store_pg *pg, int number, const char *name, const uint8_t digest[WIRE_HASH])
{
	static const struct store_stmt stmt = {
		"insert_migration",
		"INSERT INTO isac.migration (number, name, digest) VALUES ($1::int, $2::text, $3::bytea) ON CONFLICT DO NOTHING"};
	struct wire_buf args;
	enum isac_err err;

	wire_buf_init(&args, 4096);
	store_field_i32(&args, number);
	store_field_text(&args, name);
	store_field_bytes(&args, digest, WIRE_HASH);
	err = store_pg_run(pg, &stmt, &args, NULL);
	wire_buf_clear(&args);
	return err;
}

static enum isac_err apply_migration(struct store_pg *pg, const char *name, const struct wire_buf *sql, struct wire_why *why)
{
	uint8_t digest[WIRE_HASH];
	int number = (int)strtol(name, NULL, 10);
	bool done = false;
	enum isac_err err = ISAC_OK;

	wire_hash(digest, sql->data, sql->len - 1);
	if (number > 1) /* the first makes the register; it does no harm again */
		err = is_registered(pg, number, digest, name, &done, why);
	if (err || done) return err;
	err = begin_as_owner(pg);
	if (!err) err = store_pg_script(pg, (const char *)sql->data);
	if (!err) err = enter_in_register(pg, number, name, digest);
	if (!err) err = store_pg_script(pg, "COMMIT");
	return err ? failed(pg, name, err, why) : ISAC_OK;
}

static enum isac_err apply_function(struct store_pg *pg, const char *name, const struct wire_buf *sql, struct wire_why *why)
{
	enum isac_err err = begin_as_owner(pg);

	if (!err) err = store_pg_script(pg, (const char *)sql->data);
	if (!err) err = store_pg_script(pg, "COMMIT");
	return err ? failed(pg, name, err, why) : ISAC_OK;
}

static enum isac_err apply_dir(struct store_pg *pg, const char *sql_dir, const char *folder,
			       enum isac_err (*apply)(struct store_pg *, const char *, const struct wire_buf *, struct wire_why *),
			       struct wire_why *why)
{
	struct dirent **entries;
	struct wire_buf sql;
	char path[1024];
	enum isac_err err = ISAC_OK;
	int n;

	snprintf(path, sizeof(path), "%s/%s", sql_dir, folder);
	n = scandir(path, &entries, is_sql, alphasort);
	if (n <= 0 || n > FILES_MAX) return wire_refuse(why, ISAC_ERR_CONFIG, "no SQL files in %s", path);
	wire_buf_init(&sql, FILE_MAX);
	for (int i = 0; i < n; i++) {
		if (!err) err = read_file(&sql, path, entries[i]->d_name, why);
		if (!err) err = apply(pg, entries[i]->d_name, &sql, why);
		free(entries[i]);
	}
	free(entries);
	wire_buf_clear(&sql);
	return err;
}

/* Who may not create roles needs them to be there: a database administrator ran roles.sql. */
static enum isac_err apply_roles(struct store_pg *pg, const char *sql_dir, struct wire_why *why)
{
	struct wire_buf sql;
	PGresult *res = NULL;
	bool may, there;
	enum isac_err err = store_pg_run_sql(
		pg,
		"SELECT (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user), "
		"EXISTS (SELECT FROM pg_roles WHERE rolname = 'isac_core') AND EXISTS (SELECT FROM pg_namespace WHERE nspname = 'isac')",
		NULL, &res);

	if (err) return failed(pg, "roles.sql", err, why);
	may = store_get_bool(res, 0, 0);
	there = store_get_bool(res, 0, 1);
	PQclear(res);
	if (!may && there) return ISAC_OK;
	if (!may)
		return wire_refuse(why, ISAC_ERR_CONFIG, "this database user may not create roles: let an administrator run sql/roles.sql");
	wire_buf_init(&sql, FILE_MAX);
	err = read_file(&sql, sql_dir, "roles.sql", why);
	if (!err) {
		err = store_pg_script(pg, (const char *)sql.data);
		if (err) err = failed(pg, "roles.sql", err, why);
	}
	wire_buf_clear(&sql);
	return err;
}

enum isac_err store_migrate(const char *conninfo, const char *sql_dir, int64_t span, struct wire_why *why)
{
	struct store_pg_conf conf = {.conninfo = conninfo, .name = "isac migration", .deadline_ms = 60000, .owner = true};
	struct store_pg *pg;
	char lock[160];
	enum isac_err err = store_pg_new(&pg, &conf);

	if (err) return err;
	snprintf(lock, sizeof(lock), "SET lock_timeout = 60000; SELECT pg_advisory_lock(%d, %d); SET isac.span = '%.0lld'", STORE_LOCK,
		 STORE_LOCK_MIGRATE, (long long)span);
	err = store_pg_script(pg, lock);
	if (err) err = failed(pg, "database", err, why);
	if (!err) err = apply_roles(pg, sql_dir, why);
	if (!err) err = apply_dir(pg, sql_dir, "migrations", apply_migration, why);
	if (!err) err = apply_dir(pg, sql_dir, "functions", apply_function, why);
	store_pg_destroy(&pg);
	return err;
}
