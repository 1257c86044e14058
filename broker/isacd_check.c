/*
 * isacd check: would this hub run, and run safely? Every finding is a line; nothing is changed. An embedded database that
 * is not running is started for the question, under the hub's own lock, and stopped again.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "geo/geo.h"
#include "isacd.h"

/* rights: bits that must not be set. owned: by the hub's user (else by whoever made the hub). */
static const struct {
	const char *path;
	mode_t type, rights;
	bool owned, needed;
} rows[] = {
	{"hub.pub", S_IFREG, 0022, false, true},
	{"isacd.conf", S_IFREG, 0077, false, false},
	{"keys", S_IFDIR, 0077, true, true},
	{"keys/receipt.key", S_IFREG, 0177, true, true},
	{"keys/curve.key", S_IFREG, 0177, true, true},
	{"run", S_IFDIR, 0077, true, true},
	{"admin", S_IFDIR, 0077, false, false},
	{"admin/sign.key", S_IFREG, 0177, false, false},
	{"admin/curve.key", S_IFREG, 0177, false, false},
};

struct check {
	struct isacd_user user;
	struct isacd_findings *found;
};

static void report(struct check *c, bool good, const char *what, const char *why, const char *remedy)
{
	isacd_found(c->found, what, good ? "ok" : "wrong", good ? "" : why, good ? "" : remedy);
}

static void check_row(struct check *c, size_t i)
{
	char why[120] = "", remedy[160];
	struct stat st;

	if (lstat(rows[i].path, &st) != 0) {
		/* The first admin's home may have been moved to another machine: better so. */
		if (rows[i].needed || errno != ENOENT)
			report(c, false, rows[i].path, strerror(errno),
			       "bring it back from a copy: isacd backup --with-keys, your own of keys/");
		return;
	}
	if ((st.st_mode & S_IFMT) != rows[i].type)
		snprintf(why, sizeof(why), "is no %s", rows[i].type == S_IFDIR ? "folder" : "plain file");
	else if (st.st_mode & rows[i].rights) snprintf(why, sizeof(why), "mode %04o is too open", (unsigned)(st.st_mode & 07777));
	else if (rows[i].owned && st.st_uid != c->user.uid)
		snprintf(why, sizeof(why), "belongs to user %u, not to %s", (unsigned)st.st_uid, c->user.name);
	snprintf(remedy, sizeof(remedy), "chmod %o DIR/%s%s%s",
		 (unsigned)(0777 & ~rows[i].rights) & (rows[i].type == S_IFDIR ? 0755 : 0644), rows[i].path,
		 rows[i].owned ? "; chown it to " : "", rows[i].owned ? c->user.name : "");
	report(c, !*why, rows[i].path, why, remedy);
}

static void check_database(struct check *c, const char *database)
{
	static const char remedy[] = "the line above names it; pg/postgres.log has what PostgreSQL said";
	struct isacd_pg_use use;

	if (*database) {
		report(c, isacd_setup_check(database, &c->user) == ISAC_OK, "database", "see above", remedy);
		return;
	}
	report(c, isacd_pg_use(&use, &c->user) == ISAC_OK && isacd_setup_check(NULL, &c->user) == ISAC_OK, "database", "see above", remedy);
	isacd_pg_use_end(&use);
}

struct geo_file {
	struct check *check;
	const char *name, *path;
};

/* In a child that is the hub's user: core must be able to read it, not who asks. */
static enum isac_err read_geo(void *arg)
{
	const struct geo_file *file = arg;
	struct wire_why why = {.text = ""};
	enum isac_err err = geo_check(file->path, &why);

	report(file->check, !err, file->name, why.text, "replace the file, or clear the parameter");
	fflush(stdout);
	return err;
}

static void check_geo(struct check *c, const struct base_conf *conf, const char *name)
{
	struct geo_file file = {c, name, base_conf_str(conf, name)};

	if (!*file.path) return;
	fflush(stdout);
	c->found->wrong |= isacd_spawn_call(read_geo, &file, &c->user) != ISAC_OK;
}

void isacd_check_hub(struct isacd_findings *found, const struct base_conf *conf, const char *data)
{
	struct check c = {.found = found};
	struct wire_hub hub;

	isacd_found(found, "configuration", "ok", "", "");
	if (chdir(data) != 0) {
		isacd_found(found, data, "wrong", strerror(errno), "give the hub's data folder");
		return;
	}
	if (isacd_hub_read(&hub) || isacd_user_of_hub(&c.user)) {
		found->wrong = true;
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) check_row(&c, i);
	check_geo(&c, conf, "geo_country_db");
	check_geo(&c, conf, "geo_asn_db");
	if (!found->wrong) check_database(&c, base_conf_str(conf, "database"));
}

int isacd_check(const struct isacd_args *args)
{
	struct isacd_findings found = {.wrong = false};
	struct base_conf *conf = NULL;

	if (isacd_conf_load(&conf, args)) return ISACD_FAILED;
	isacd_check_hub(&found, conf, args->data);
	fflush(stdout);
	base_conf_destroy(&conf);
	return found.wrong ? ISACD_FAILED : ISACD_OK;
}
