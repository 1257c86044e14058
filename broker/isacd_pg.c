/*
 * The embedded PostgreSQL: a private cluster in DIR/pg, reached only through a Unix socket there.
 *
 * It runs as a direct child, not through pg_ctl: so its death is noticed at once and its process entry is collected,
 * without which the next start would take it for alive. It gets its folder as an open descriptor, because the folders
 * above it may be closed to its user. Nothing is removed from the cluster by hand: after a kill -9, a start that
 * fails because old backends still end is simply tried again. The one exception is drop_torn_locks.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "isacd.h"

extern char **environ;

enum { START_WAIT_MS = 60000, STOP_WAIT_MS = 60000, POLL_MS = 10, LOG_MAX = 8 << 20, TORN_AGE_S = 2 };

/* ---- finding ---- */
static bool has_programs(const char *bin)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/postgres", bin);
	if (access(path, X_OK) != 0) return false;
	snprintf(path, sizeof(path), "%s/initdb", bin);
	return access(path, X_OK) == 0;
}

/* The version in /usr/lib/postgresql/15/bin or /usr/pgsql-15/bin. */
static int version_of(const char *bin)
{
	const char *p = bin;

	while (*p && !isdigit((unsigned char)*p)) p++;
	return atoi(p);
}

/* wanted: a major version, 0 for the newest. */
static bool search_folders(char *out, size_t size, int wanted)
{
	static const char *const patterns[] = {"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql*/bin"};
	int best = -1;
	glob_t found;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if (glob(patterns[i], 0, NULL, &found) != 0) continue;
		for (size_t k = 0; k < found.gl_pathc; k++) {
			int version = version_of(found.gl_pathv[k]);

			if ((wanted == 0 || version == wanted) && version > best && has_programs(found.gl_pathv[k])) {
				best = version;
				snprintf(out, size, "%s", found.gl_pathv[k]);
			}
		}
		globfree(&found);
	}
	return best >= 0;
}

static bool search_path(char *out, size_t size)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t len = strcspn(path, ":");

		snprintf(out, size, "%.*s", (int)len, path);
		if (len > 0 && *out == '/' && has_programs(out)) return true;
		path += len + (path[len] == ':');
	}
	return false;
}

enum isac_err isacd_pg_find(struct isacd_pg *pg)
{
	size_t len;
	char *text = isacd_file_read("pg/data/PG_VERSION", &len);
	int wanted = text ? atoi(text) : 0;

	free(text);
	if (!search_folders(pg->bin, sizeof(pg->bin), wanted) && !search_path(pg->bin, sizeof(pg->bin))) {
		isacd_say("no PostgreSQL server programs found (initdb, postgres). Install the package postgresql, or give --db");
		return ISAC_ERR_CONFIG;
	}
	pg->dir_fd = open("pg", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (pg->dir_fd < 0) {
		isacd_say("pg: %s", strerror(errno));
		return ISAC_ERR_CONFIG;
	}
	return ISAC_OK;
}

void isacd_pg_clean_environment(void)
{
	for (char **entry = environ; *entry;) {
		size_t len = strcspn(*entry, "=");
		char name[64];

		if (strncmp(*entry, "PG", 2) != 0 || len >= sizeof(name)) {
			entry++;
			continue;
		}
		memcpy(name, *entry, len);
		name[len] = '\0';
		unsetenv(name); /* closes the gap: look at the same place again */
	}
}

/* ---- making ---- */
/* A quiet tool; what it said is shown only if it failed. */
static enum isac_err run_tool(const struct isacd_pg *pg, const struct isacd_user *user, const char *const *argv, int in_fd, int keep_fd)
{
	int said = memfd_create("said", MFD_CLOEXEC);
	const struct isacd_spawn s = {.program = argv[0],
				      .argv = argv,
				      .user = user,
				      .folder = "/",
				      .in_fd = in_fd,
				      .out_fd = said,
				      .keep_fd = {pg->dir_fd, keep_fd},
				      .death_signal = SIGKILL};
	int status = isacd_spawn_wait(&s);
	char text[4096];
	ssize_t len;

	if (status != 0) {
		isacd_say("%s failed:", argv[0]);
		for (off_t at = 0; (len = pread(said, text, sizeof(text), at)) > 0; at += len)
			if (write(STDERR_FILENO, text, (size_t)len) < 0) break;
	}
	if (said >= 0) close(said);
	return status == 0 ? ISAC_OK : ISAC_ERR_SYSTEM;
}

static enum isac_err run_initdb(const struct isacd_pg *pg, const struct isacd_user *user)
{
	char program[300], data[64];
	const char *const argv[] = {
		program, "-D", data, "-U", "postgres", "-A", "peer", "--data-checksums", "-E", "UTF8", "--locale=C", "--no-instructions",
		NULL};

	snprintf(program, sizeof(program), "%s/initdb", pg->bin);
	snprintf(data, sizeof(data), "/proc/self/fd/%d/data", pg->dir_fd);
	return run_tool(pg, user, argv, -1, -1);
}

/* In single-user mode, where no connection and no password can be in the way. */
static enum isac_err create_database(const struct isacd_pg *pg, const struct isacd_user *user)
{
	static const char sql[] = "CREATE DATABASE isac TEMPLATE template0 ENCODING 'UTF8'\n";
	char program[300], data[64];
	const char *const argv[] = {program, "--single", "-D", data, "postgres", NULL};
	int in_fd = memfd_create("sql", MFD_CLOEXEC);
	enum isac_err err;

	snprintf(program, sizeof(program), "%s/postgres", pg->bin);
	snprintf(data, sizeof(data), "/proc/self/fd/%d/data", pg->dir_fd);
	if (in_fd < 0 || write(in_fd, sql, sizeof(sql) - 1) < 0 || lseek(in_fd, 0, SEEK_SET) < 0) {
		isacd_say("cannot prepare SQL: %s", strerror(errno));
		err = ISAC_ERR_SYSTEM;
	} else {
		err = run_tool(pg, user, argv, in_fd, -1);
	}
	if (in_fd >= 0) close(in_fd);
	return err;
}

static long shared_buffers_mb(void)
{
	long mb = sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024) / 8;

	return mb > 256 ? 256 : mb < 16 ? 16 : mb;
}

struct settings {
	const struct isacd_user *user;
};

/* Who may connect. As the cluster's user, in the cluster's folder. */
static enum isac_err write_access(void *arg)
{
	const struct settings *s = arg;
	char ident[400];
	static const char hba[] = "# Only the hub's own user, through the socket in this folder's parent.\nlocal all all peer map=isac\n"
				  "local replication all peer map=isac\n";
	enum isac_err err;

	snprintf(ident, sizeof(ident),
		 "# map  system user  database user\nisac \"%s\" postgres\nisac \"%s\" isac_owner\nisac \"%s\" isac_core\n", s->user->name,
		 s->user->name, s->user->name);
	err = isacd_file_write("pg/data", "pg_hba.conf", 0600, NULL, hba, strlen(hba));
	return err ? err : isacd_file_write("pg/data", "pg_ident.conf", 0600, NULL, ident, strlen(ident));
}

enum isac_err isacd_pg_settle(const struct isacd_user *user)
{
	struct settings settings = {user};

	return isacd_spawn_call(write_access, &settings, user);
}

/* The same place. */
static enum isac_err write_settings(void *arg)
{
	char conf[2048];
	enum isac_err err = write_access(arg);

	snprintf(conf, sizeof(conf),
		 "# Written by isacd init. Your own settings go below the include line of postgresql.conf.\n"
		 "listen_addresses = ''\nunix_socket_permissions = 0700\nmax_connections = 40\n"
		 "fsync = on\nsynchronous_commit = on\nfull_page_writes = on\n"
		 "shared_buffers = %ldMB\nwal_buffers = 16MB\nwal_compression = off\n"
		 "max_wal_size = 4GB\nmin_wal_size = 256MB\ncheckpoint_timeout = 15min\ncheckpoint_completion_target = 0.9\n"
		 "jit = off\nautovacuum = on\n"
		 "timezone = 'UTC'\nlog_timezone = 'UTC'\nlog_line_prefix = '%%m [%%p] '\nlog_min_messages = warning\nlog_checkpoints = "
		 "off\n",
		 shared_buffers_mb());
	if (!err) err = isacd_file_write("pg/data", "isac.conf", 0600, NULL, conf, strlen(conf));
	if (!err) {
		size_t len;
		char *main_conf = isacd_file_read("pg/data/postgresql.conf", &len), *both = NULL;

		err = ISAC_ERR_SYSTEM;
		if (main_conf && asprintf(&both, "%s\ninclude 'isac.conf'\n", main_conf) > 0)
			err = isacd_file_write("pg/data", "postgresql.conf", 0600, NULL, both, strlen(both));
		free(main_conf);
		free(both);
	}
	return err;
}

enum isac_err isacd_pg_make(const struct isacd_pg *pg, const struct isacd_user *user)
{
	struct settings settings = {user};
	enum isac_err err = run_initdb(pg, user);

	if (!err) err = isacd_spawn_call(write_settings, &settings, user);
	return err ? err : create_database(pg, user);
}

/* ---- running ---- */
/* Its own log file, one old one kept; the hub's log stays an event a line. */
static int open_log(const struct isacd_pg *pg)
{
	struct stat st;

	if (fstatat(pg->dir_fd, "postgres.log", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > LOG_MAX)
		renameat(pg->dir_fd, "postgres.log", pg->dir_fd, "postgres.log.1");
	return openat(pg->dir_fd, "postgres.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/*
 * A power cut while PostgreSQL starts can leave a lock file that names no process, and with it PostgreSQL never starts again.
 * Between creating the file and writing it a live one needs microseconds, so it gets seconds; and the hub's own lock says
 * that no other hub is at work here.
 */
static void drop_torn_locks(const struct isacd_pg *pg)
{
	static const char *const names[] = {"data/postmaster.pid", ".s.PGSQL.5432.lock"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd = openat(pg->dir_fd, names[i], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		struct stat st;
		char first = 0;

		if (fd < 0) continue;
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && llabs(base_clock_us() / 1000000 - st.st_mtime) >= TORN_AGE_S &&
		    pread(fd, &first, 1, 0) >= 0 && !isdigit((unsigned char)first) && first != '-') {
			base_log(BASE_LOG_WARN, "postgres.torn_lock", "path=pg/%s text=\"left by a power cut; removed\"", names[i]);
			unlinkat(pg->dir_fd, names[i], 0);
		}
		close(fd);
	}
}

pid_t isacd_pg_start(const struct isacd_pg *pg, const struct isacd_user *user)
{
	char program[300], data[64], socket_dir[80];
	const char *const argv[] = {program, "-D", data, "-c", socket_dir, "-c", "listen_addresses=", NULL};
	int log = open_log(pg);
	/* Fast shutdown if we are killed: a clean cluster for whoever starts the hub next. */
	const struct isacd_spawn s = {.program = program,
				      .argv = argv,
				      .user = user,
				      .folder = "/",
				      .in_fd = -1,
				      .out_fd = log,
				      .keep_fd = {pg->dir_fd, -1},
				      .death_signal = SIGINT};
	pid_t pid;

	if (!user) drop_torn_locks(pg); /* a cluster that is only being made has no past, and root removes nothing there */
	if (log >= 0 && user && user->drop && fchown(log, user->uid, user->gid) != 0)
		base_log(BASE_LOG_WARN, "postgres.log_owner", "errno=%d", errno);
	snprintf(program, sizeof(program), "%s/postgres", pg->bin);
	snprintf(data, sizeof(data), "/proc/self/fd/%d/data", pg->dir_fd);
	snprintf(socket_dir, sizeof(socket_dir), "unix_socket_directories=/proc/self/fd/%d", pg->dir_fd);
	pid = isacd_spawn(&s);
	if (log >= 0) close(log);
	return pid;
}

/* postmaster.pid: its first line is the process, its eighth the state. The file of a dead one may lie there. */
bool isacd_pg_ready(pid_t pid)
{
	size_t len;
	char *text = isacd_file_read("pg/data/postmaster.pid", &len), *line = text;
	bool ready = text && atoi(text) == (int)pid;

	for (int i = 1; ready && line && i < 8; i++) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	ready = ready && line && strncmp(line, "ready", 5) == 0;
	free(text);
	return ready;
}

static void show_log_end(void)
{
	char text[2000];
	int fd = open("pg/postgres.log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	ssize_t len = size <= 0 ? 0 : pread(fd, text, sizeof(text), size > (off_t)sizeof(text) ? size - (off_t)sizeof(text) : 0);

	if (len > 0) isacd_say("end of pg/postgres.log:\n%.*s", (int)len, text);
	if (fd >= 0) close(fd);
}

enum isac_err isacd_pg_start_wait(const struct isacd_pg *pg, const struct isacd_user *user, pid_t *pid)
{
	*pid = isacd_pg_start(pg, user);
	for (int waited = 0; *pid > 0 && waited < START_WAIT_MS; waited += POLL_MS) {
		if (isacd_pg_ready(*pid)) return ISAC_OK;
		if (waitpid(*pid, NULL, WNOHANG) == *pid) break;
		poll(NULL, 0, POLL_MS);
	}
	isacd_say("PostgreSQL did not start");
	show_log_end();
	return ISAC_ERR_SYSTEM;
}

void isacd_pg_stop(pid_t pid)
{
	if (pid <= 0 || kill(pid, SIGINT) != 0) return;
	for (int waited = 0; waited < STOP_WAIT_MS; waited += POLL_MS) {
		if (waitpid(pid, NULL, WNOHANG) != 0) return;
		poll(NULL, 0, POLL_MS);
	}
	kill(pid, SIGQUIT);
	waitpid(pid, NULL, 0);
}

/* ---- for commands beside the hub ---- */
enum isac_err isacd_pg_use(struct isacd_pg_use *use, const struct isacd_user *user)
{
	enum isac_err err;

	*use = (struct isacd_pg_use){.pg.dir_fd = -1, .pid = -1, .lock_fd = isacd_file_lock("run/lock", user)};
	if (use->lock_fd < 0 && errno != EWOULDBLOCK) {
		isacd_say("run/lock: %s", strerror(errno));
		return ISAC_ERR_SYSTEM;
	}
	isacd_pg_clean_environment();
	err = isacd_pg_find(&use->pg);
	return err || use->lock_fd < 0 ? err : isacd_pg_start_wait(&use->pg, user, &use->pid);
}

void isacd_pg_use_end(struct isacd_pg_use *use)
{
	isacd_pg_stop(use->pid);
	if (use->pg.dir_fd >= 0) close(use->pg.dir_fd);
	if (use->lock_fd >= 0) close(use->lock_fd);
}

/* pg_basebackup takes a copy while the cluster works, and streams the log that makes it whole. */
enum isac_err isacd_pg_copy(const struct isacd_pg *pg, const struct isacd_user *user, int to_fd)
{
	char program[300], host[64], to[64];
	const char *const argv[] = {program,
				    "-h",
				    host,
				    "-U",
				    "postgres",
				    "-D",
				    to,
				    "--checkpoint=fast",
				    "--wal-method=stream",
				    "--manifest-checksums=SHA256",
				    "--no-password",
				    NULL};

	snprintf(program, sizeof(program), "%s/pg_basebackup", pg->bin);
	snprintf(host, sizeof(host), "/proc/self/fd/%d", pg->dir_fd);
	snprintf(to, sizeof(to), "/proc/self/fd/%d/data", to_fd);
	return run_tool(pg, user, argv, -1, to_fd);
}

enum isac_err isacd_pg_verify(const struct isacd_pg *pg, const struct isacd_user *user)
{
	char program[300], data[64];
	const char *const argv[] = {program, "--exit-on-error", "--quiet", data, NULL};

	snprintf(program, sizeof(program), "%s/pg_verifybackup", pg->bin);
	snprintf(data, sizeof(data), "/proc/self/fd/%d/data", pg->dir_fd);
	return run_tool(pg, user, argv, -1, -1);
}
