/*
 * What isacd itself asks of the database: migrations, the first admin, a look at its settings. Each in a child that
 * runs as the hub's user, because the database knows that user, and because libpq belongs in no process that watches others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "isacd.h"
#include "member/member.h"
#include "store/store.h"

const char isacd_setup_conninfo[] = "host=/proc/self/cwd/pg dbname=isac user=postgres";
const char isacd_core_conninfo[] = "host=/proc/self/cwd/pg dbname=isac user=isac_core";

enum { DEADLINE_MS = 10000 };

struct job {
	const char *conninfo;
	int sql_fd;
	int64_t span;
	const struct wire_member *bundle;
};

int isacd_setup_open_sql(void)
{
	const char *const places[] = {getenv("ISAC_SQL_DIR"),
#ifdef ISAC_SQL_SOURCE_DIR
				      ISAC_SQL_SOURCE_DIR,
#endif
				      ISAC_SQL_INSTALL_DIR};
	int fd = -1;

	for (size_t i = 0; fd < 0 && i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i] && *places[i]) fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && i == 0 && places[i] && *places[i]) break; /* named by the user: no silent choice of another */
	}
	if (fd < 0)
		isacd_say("the folder with the SQL migrations is missing (ISAC_SQL_DIR, %s): %s", ISAC_SQL_INSTALL_DIR, strerror(errno));
	return fd;
}

static enum isac_err migrate(void *arg)
{
	const struct job *job = arg;
	struct wire_why why = {.text = ""};
	char dir[40];
	enum isac_err err;

	snprintf(dir, sizeof(dir), "/proc/self/fd/%d", job->sql_fd);
	err = store_migrate(job->conninfo, dir, job->span, &why);
	if (err) isacd_say("migrations: %s: %s", isac_err_name(err), why.text);
	return err;
}

static enum isac_err first_admin(void *arg)
{
	const struct job *job = arg;
	struct store_db *db = NULL;
	enum isac_err err = store_db_new(&db, job->conninfo, DEADLINE_MS);

	if (!err) err = store_insert_first_admin(db, job->bundle, MEMBER_ADMIN | MEMBER_ANALYST | MEMBER_AUDITOR);
	store_db_destroy(&db);
	if (err == ISAC_ERR_CONFLICT) isacd_say("the database has members already: it belongs to another hub");
	else if (err) isacd_say("the first admin cannot be enrolled: %s", isac_err_text(err));
	return err;
}

static enum isac_err check(void *arg)
{
	const struct job *job = arg;
	struct wire_why why = {.text = ""};
	enum isac_err err = store_check(job->conninfo, &why);

	if (err) isacd_say("database: %s: %s", isac_err_name(err), why.text);
	return err;
}

enum isac_err isacd_setup_migrate(const char *conninfo, int sql_fd, int64_t span, const struct isacd_user *user)
{
	struct job job = {.conninfo = conninfo ? conninfo : isacd_setup_conninfo, .sql_fd = sql_fd, .span = span};

	return isacd_spawn_call(migrate, &job, user);
}

enum isac_err isacd_setup_first_admin(const char *conninfo, const struct wire_member *bundle, const struct isacd_user *user)
{
	struct job job = {.conninfo = conninfo ? conninfo : isacd_setup_conninfo, .bundle = bundle};

	return isacd_spawn_call(first_admin, &job, user);
}

enum isac_err isacd_setup_check(const char *conninfo, const struct isacd_user *user)
{
	struct job job = {.conninfo = conninfo ? conninfo : isacd_core_conninfo};

	return isacd_spawn_call(check, &job, user);
}
