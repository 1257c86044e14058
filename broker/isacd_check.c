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
	bool bad;
};

static void report(struct check *c, bool good, const char *what, const char *why)
{
	printf("%-6s %s%s%s\n", good ? "ok" : "WRONG", what, good ? "" : ": ", good ? "" : why);
	c->bad |= !good;
}

static void check_row(struct check *c, size_t i)
{
	char why[120] = "";
	struct stat st;

	if (lstat(rows[i].path, &st) != 0) {
		/* The first admin's home may have been moved to another machine: better so. */
		if (rows[i].needed || errno != ENOENT) report(c, false, rows[i].path, strerror(errno));
		return;
	}
	if ((st.st_mode & S_IFMT) != rows[i].type)
		snprintf(why, sizeof(why), "is no %s", rows[i].type == S_IFDIR ? "folder" : "plain file");
	else if (st.st_mode & rows[i].rights) snprintf(why, sizeof(why), "mode %04o is too open", (unsigned)(st.st_mode & 07777));
	else if (rows[i].owned && st.st_uid != c->user.uid)
		snprintf(why, sizeof(why), "belongs to user %u, not to %s", (unsigned)st.st_uid, c->user.name);
	report(c, !*why, rows[i].path, why);
}

static void check_database(struct check *c, const char *database)
{
	struct isacd_pg pg = {.dir_fd = -1};
	pid_t pid = -1;
	int lock;
	bool good;

	if (*database) {
		report(c, isacd_setup_check(database, &c->user) == ISAC_OK, "database", "see above");
		return;
	}
	lock = isacd_file_lock("run/lock", &c->user);
	if (lock < 0 && errno != EWOULDBLOCK) {
		report(c, false, "run/lock", strerror(errno));
		return;
	}
	isacd_pg_clean_environment();
	good = lock < 0 || (isacd_pg_find(&pg) == ISAC_OK && isacd_pg_start_wait(&pg, &c->user, &pid) == ISAC_OK);
	report(c, good && isacd_setup_check(NULL, &c->user) == ISAC_OK, "database", "see above");
	isacd_pg_stop(pid);
	if (pg.dir_fd >= 0) close(pg.dir_fd);
	if (lock >= 0) close(lock);
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

	report(file->check, !err, file->name, why.text);
	fflush(stdout);
	return err;
}

static void check_geo(struct check *c, const struct base_conf *conf, const char *name)
{
	struct geo_file file = {c, name, base_conf_str(conf, name)};

	if (!*file.path) return;
	fflush(stdout);
	c->bad |= isacd_spawn_call(read_geo, &file, &c->user) != ISAC_OK;
}

int isacd_check(const struct isacd_args *args)
{
	struct base_conf *conf = NULL;
	struct check c = {.bad = false};
	struct wire_hub hub;

	if (isacd_conf_load(&conf, args)) return ISACD_FAILED;
	puts("ok     configuration");
	if (chdir(args->data) != 0) {
		isacd_say("%s: %s", args->data, strerror(errno));
		c.bad = true;
	} else if (isacd_hub_read(&hub) || isacd_user_of_hub(&c.user)) {
		c.bad = true;
	} else {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) check_row(&c, i);
		check_geo(&c, conf, "geo_country_db");
		check_geo(&c, conf, "geo_asn_db");
		if (!c.bad) check_database(&c, base_conf_str(conf, "database"));
	}
	fflush(stdout);
	base_conf_destroy(&conf);
	return c.bad ? ISACD_FAILED : ISACD_OK;
}
