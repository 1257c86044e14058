/*
 * A temporary PostgreSQL for unit tests of store: a direct child, so that it can be killed and waited for; a Unix socket
 * only; as user postgres when we are root. Without PostgreSQL the tests fail and say so: they never pass by not running.
 */
#ifndef TESTS_UNIT_STORE_CLUSTER_H
#define TESTS_UNIT_STORE_CLUSTER_H

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/base.h"
#include "store/priv.h"

static struct cluster {
	char dir[64], bin[256], conninfo[256];
	pid_t pid;
	bool is_root;
	uid_t uid;
	gid_t gid;
} cluster;

static inline pid_t cluster_spawn(const char *const *argv, bool quiet)
{
	pid_t pid = fork();

	if (pid) return pid;
	if (cluster.is_root && (setgroups(0, NULL) || setgid(cluster.gid) || setuid(cluster.uid))) _exit(126);
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	if (chdir(cluster.dir)) _exit(126);
	if (quiet) {
		int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);

		dup2(log, 1);
		dup2(log, 2);
	}
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static inline int cluster_run(const char *const *argv)
{
	int status = -1;

	waitpid(cluster_spawn(argv, true), &status, 0);
	return status;
}

/* more: a further setting as "name=value", or NULL. */
static inline int cluster_up(const char *more)
{
	char program[300], data[80], dir[100];
	const char *argv[] = {program, "-D", data, "-c", "listen_addresses=", "-c", dir, "-c", "max_wal_size=4GB", more ? "-c" : NULL,
			      more,    NULL};
	int status, tries = 0;

	snprintf(program, sizeof(program), "%s/postgres", cluster.bin);
	snprintf(data, sizeof(data), "%s/data", cluster.dir);
	snprintf(dir, sizeof(dir), "unix_socket_directories=%s", cluster.dir);
	cluster.pid = cluster_spawn(argv, true);
	for (;;) {
		struct timespec tick = {0, 10000000};

		if (PQping(cluster.conninfo) == PQPING_OK) return 0;
		if (waitpid(cluster.pid, &status, WNOHANG) == cluster.pid) {
			/* Backends of a killed postmaster hold its shared memory until they notice. */
			if (++tries == 500) {
				fprintf(stderr, "postgres does not start, see %s/log\n", cluster.dir);
				return -1;
			}
			cluster.pid = cluster_spawn(argv, true);
		}
		nanosleep(&tick, NULL);
	}
}

static inline void cluster_down(int sig)
{
	if (cluster.pid > 0) {
		kill(cluster.pid, sig);
		waitpid(cluster.pid, NULL, 0);
	}
	cluster.pid = 0;
}

static inline int cluster_start(void **state)
{
	char program[300], data[80];
	const char *argv[] = {program, "-D", data, "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-N", "-k", NULL};
	struct passwd *user = getpwnam("postgres");
	glob_t found;

	(void)state;
	base_log_init("test", getenv("ISAC_TEST_LOG") ? BASE_LOG_DEBUG : BASE_LOG_ERROR + 1);
	if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) || !found.gl_pathc) {
		fprintf(stderr, "PostgreSQL is not installed: no /usr/lib/postgresql/*/bin\n");
		return -1;
	}
	snprintf(cluster.bin, sizeof(cluster.bin), "%s", found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
	cluster.is_root = geteuid() == 0;
	if (cluster.is_root && !user) {
		fprintf(stderr, "running as root, and there is no user postgres to run PostgreSQL as\n");
		return -1;
	}
	snprintf(cluster.dir, sizeof(cluster.dir), "/tmp/isac-unit-XXXXXX");
	if (!mkdtemp(cluster.dir)) return -1;
	if (cluster.is_root) {
		cluster.uid = user->pw_uid;
		cluster.gid = user->pw_gid;
		if (chown(cluster.dir, cluster.uid, cluster.gid)) return -1;
	}
	snprintf(program, sizeof(program), "%s/initdb", cluster.bin);
	snprintf(data, sizeof(data), "%s/data", cluster.dir);
	snprintf(cluster.conninfo, sizeof(cluster.conninfo), "host=%s dbname=postgres user=postgres", cluster.dir);
	if (cluster_run(argv)) {
		fprintf(stderr, "initdb failed, see %s/log\n", cluster.dir);
		return -1;
	}
	return cluster_up(NULL);
}

static inline int cluster_stop(void **state)
{
	const char *argv[] = {"/bin/rm", "-rf", cluster.dir, NULL};

	(void)state;
	cluster_down(SIGQUIT);
	if (!strncmp(cluster.dir, "/tmp/isac-unit-", 15)) cluster_run(argv);
	return 0;
}

static inline int cluster_start_migrated(void **state)
{
	struct wire_why why = {.text = ""};

	if (wire_init() || cluster_start(state)) return -1;
	if (store_migrate(cluster.conninfo, TEST_SOURCE_DIR "/sql", 0, &why)) {
		fprintf(stderr, "store_migrate: %s\n", why.text);
		return -1;
	}
	return 0;
}

/* The database as another program sees it. */
static inline PGconn *cluster_connect(const char *user)
{
	char conninfo[320];
	PGconn *conn;

	snprintf(conninfo, sizeof(conninfo), "host=%s dbname=postgres user=%s", cluster.dir, user);
	conn = PQconnectdb(conninfo);
	if (PQstatus(conn) != CONNECTION_OK) fail_msg("connect: %s", PQerrorMessage(conn));
	return conn;
}

/* Runs SQL as the superuser; the first column of the first row as text, "" if none. Not for two results at once. */
static inline const char *cluster_sql(const char *sql)
{
	static char text[4096];
	PGconn *conn = cluster_connect("postgres");
	PGresult *res = PQexec(conn, sql);

	if (PQresultStatus(res) != PGRES_TUPLES_OK && PQresultStatus(res) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
	snprintf(text, sizeof(text), "%s", PQntuples(res) ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	PQfinish(conn);
	return text;
}

#endif
