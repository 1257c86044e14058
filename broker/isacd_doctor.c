/*
 * isacd doctor: what isacd check looks at, then how the machine and the running hub are. A check is a row of `checks`: its name, how it is
 * done, what to do about what it finds. What the database tells of itself is store/doctor.c, which `isac admin doctor` asks, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>
#include "isacd.h"

enum { TEXT = 300, CONNECT_MS = 2000, DEADLINE_MS = 10000 };
enum { DISK_WARN_PERCENT = 10, DISK_WRONG_MB = 1024 };

struct doctor {
	const struct base_conf *conf;
	struct isacd_findings found;
	struct isacd_user user;
	bool runs;
};

/* ---- the machine: each returns a state, and says in text what it saw ---- */
static const char *disk(const char *path, char *text)
{
	struct statvfs fs;
	unsigned long long free_mb, percent;

	if (statvfs(path, &fs) != 0) {
		snprintf(text, TEXT, "%s: %s", path, strerror(errno));
		return errno == ENOENT ? "ok" : "warn";
	}
	free_mb = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
	percent = fs.f_blocks ? (unsigned long long)fs.f_bavail * 100 / fs.f_blocks : 0;
	snprintf(text, TEXT, "%llu MB free (%llu%%) for %s", free_mb, percent, path);
	return free_mb < DISK_WRONG_MB ? "wrong" : percent < DISK_WARN_PERCENT ? "warn" : "ok";
}

static const char *check_disk(struct doctor *d, char *text)
{
	return disk(*base_conf_str(d->conf, "database") ? "." : "pg/data", text);
}

static const char *check_wal(struct doctor *d, char *text)
{
	return disk(*base_conf_str(d->conf, "database") ? "." : "pg/data/pg_wal", text);
}

static const char *check_descriptors(struct doctor *d, char *text)
{
	long long wanted = base_conf_int(d->conf, "connections_max") + 64;
	struct rlimit limit = {0, 0};

	getrlimit(RLIMIT_NOFILE, &limit);
	snprintf(text, TEXT, "a process may open %lld files, connections_max needs %lld", (long long)limit.rlim_max, wanted);
	return limit.rlim_max != RLIM_INFINITY && (long long)limit.rlim_max < wanted ? "wrong" : "ok";
}

static const char *check_landlock(struct doctor *d, char *text)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (!base_conf_int(d->conf, "sandbox")) {
		snprintf(text, TEXT, "the parameter sandbox is off");
		return "warn";
	}
	if (abi < 0) snprintf(text, TEXT, "the kernel has no landlock (%s)", strerror(errno));
	else snprintf(text, TEXT, "ABI %ld", abi);
	return abi < 1 ? "warn" : "ok";
}

static const char *check_seccomp(struct doctor *d, char *text)
{
	char actions[300] = "";
	int fd = open("/proc/sys/kernel/seccomp/actions_avail", O_RDONLY | O_CLOEXEC);

	(void)d;
	if (fd >= 0 && read(fd, actions, sizeof(actions) - 1) < 0) *actions = '\0';
	if (fd >= 0) close(fd);
	snprintf(text, TEXT, "%s",
		 strstr(actions, "kill_process") ? "system calls can be filtered" : "the kernel cannot end a process for a system call");
	return strstr(actions, "kill_process") ? "ok" : "wrong";
}

static const char *check_time(struct doctor *d, char *text)
{
	struct timex t = {.modes = 0};
	int state = adjtimex(&t);

	(void)d;
	if (state < 0) snprintf(text, TEXT, "cannot be asked: %s", strerror(errno));
	else snprintf(text, TEXT, "the kernel says that the clock is %ssynchronised", state == TIME_ERROR ? "not " : "");
	return state < 0 || state == TIME_ERROR ? "warn" : "ok";
}

/* ---- the running hub ---- */
static const char *check_runs(struct doctor *d, char *text)
{
	int lock = isacd_file_lock("run/lock", &d->user);

	d->runs = lock < 0 && errno == EWOULDBLOCK;
	if (lock >= 0) close(lock);
	snprintf(text, TEXT, d->runs ? "the hub runs" : "the hub does not run");
	return d->runs ? "ok" : "warn";
}

static int connect_soon(const struct sockaddr *to, socklen_t len)
{
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), problem = 0;
	socklen_t size = sizeof(problem);
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (fd < 0) return errno;
	if (connect(fd, to, len) != 0) {
		if (errno != EINPROGRESS) problem = errno;
		else if (poll(&p, 1, CONNECT_MS) != 1) problem = ETIMEDOUT;
		else getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size);
	}
	close(fd);
	return problem;
}

static const char *reach(const char *host, unsigned port, char *text)
{
	static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char service[8];
	int problem;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1" : host, service, &hints, &found) != 0) {
		snprintf(text, TEXT, "%s cannot be resolved", host);
		return "wrong";
	}
	problem = connect_soon(found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	snprintf(text, TEXT, "%s:%u %s", host, port, problem ? strerror(problem) : "answers");
	return problem ? "wrong" : "ok";
}

/* DIR/run/address has where the hub listens. */
static const char *check_port(const struct doctor *d, unsigned further, char *text)
{
	size_t len;
	char *address = d->runs ? isacd_file_read("run/address", &len) : NULL, *colon, host[128], *from, *end;
	const char *state = "wrong";

	if (!d->runs) {
		snprintf(text, TEXT, "not asked: the hub does not run");
		return "ok";
	}
	colon = address ? strrchr(address, ':') : NULL;
	from = address && strncmp(address, "tcp://", 6) == 0 ? address + 6 : NULL;
	if (!from || !colon || colon <= from || colon - from >= (long)sizeof(host)) {
		snprintf(text, TEXT, "run/address is not there: the hub is not ready yet");
	} else {
		from += *from == '[';
		end = colon - (colon[-1] == ']');
		snprintf(host, sizeof(host), "%.*s", (int)(end - from), from);
		state = reach(host, (unsigned)atoi(colon + 1) + further, text);
	}
	free(address);
	return state;
}

static const char *check_request_port(struct doctor *d, char *text)
{
	return check_port(d, 0, text);
}

static const char *check_feed_port(struct doctor *d, char *text)
{
	return check_port(d, 1, text);
}

static const char *check_signer(struct doctor *d, char *text)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "run/signer.sock"};
	int problem = d->runs ? connect_soon((const struct sockaddr *)&to, sizeof(to)) : 0;

	snprintf(text, TEXT, "%s",
		 !d->runs  ? "not asked: the hub does not run"
		 : problem ? strerror(problem)
			   : "the receipts' signer answers");
	return problem ? "wrong" : "ok";
}

static const struct {
	const char *name;
	const char *(*look)(struct doctor *d, char *text);
	const char *remedy;
} checks[] = {
	{"disk", check_disk,
	 "make room or a larger volume; isac admin retention removes reports past their time. Full, the hub answers 507"},
	{"wal", check_wal, "make room: PostgreSQL stops when its log cannot grow. A forgotten replication slot keeps log for ever"},
	{"descriptors", check_descriptors, "raise the hard limit (LimitNOFILE= of the service, or ulimit -Hn), or lower connections_max"},
	{"landlock", check_landlock,
	 "run a kernel with CONFIG_SECURITY_LANDLOCK and landlock in lsm=; until then user rights alone guard files"},
	{"seccomp", check_seccomp, "run a kernel with CONFIG_SECCOMP_FILTER: the hub does not start without"},
	{"time", check_time, "run chrony or another client of NTP: a report from a clock 5 minutes off is refused"},
	{"hub", check_runs, "start it: isacd run --data DIR; its log on stderr says why it ended"},
	{"request_port", check_request_port, "look for child.died of front in the hub's log, and at the packet filter"},
	{"feed_port", check_feed_port, "look for child.died of front in the hub's log, and at the packet filter"},
	{"signer", check_signer, "look for child.died of signer in the hub's log: without it nothing is acknowledged"},
};

/* ---- what the database tells, in a child that is the hub's user ---- */
struct asking {
	struct isacd_findings found;
	const char *conninfo;
};

static void take(void *arg, const struct store_finding *f)
{
	isacd_found(arg, f->check, f->state, f->text, f->remedy);
}

static enum isac_err ask_database(void *arg)
{
	struct asking *a = arg;
	struct store_db *db = NULL;
	enum isac_err err = store_db_new(&db, a->conninfo, DEADLINE_MS);

	if (!err) err = store_doctor(db, take, &a->found);
	if (err) isacd_found(&a->found, "database", "wrong", isac_err_text(err), "see pg/postgres.log, or the server's own log");
	store_db_destroy(&db);
	fflush(stdout);
	return a->found.wrong ? ISAC_ERR_CONFIG : ISAC_OK;
}

static void check_database(struct doctor *d)
{
	const char *database = base_conf_str(d->conf, "database");
	struct asking asking = {.found = d->found, .conninfo = *database ? database : isacd_core_conninfo};
	struct isacd_pg_use use = {.pg.dir_fd = -1, .pid = -1, .lock_fd = -1};

	asking.found.wrong = false;
	if (!*database && isacd_pg_use(&use, &d->user))
		isacd_found(&d->found, "database", "wrong", "it does not start", "see pg/postgres.log");
	else d->found.wrong |= isacd_spawn_call(ask_database, &asking, &d->user) != ISAC_OK;
	isacd_pg_use_end(&use);
}

int isacd_doctor(const struct isacd_args *args)
{
	struct doctor d = {.found = {.json = args->json, .remedies = true}};
	struct base_conf *conf = NULL;

	if (isacd_conf_load(&conf, args)) return ISACD_FAILED;
	d.conf = conf;
	isacd_check_hub(&d.found, conf, args->data);
	if (isacd_user_of_hub(&d.user) == ISAC_OK) {
		for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
			char text[TEXT] = "";
			const char *state = checks[i].look(&d, text);

			isacd_found(&d.found, checks[i].name, state, text, checks[i].remedy);
		}
		check_database(&d);
	}
	base_conf_destroy(&conf);
	return fflush(stdout) != 0 || d.found.wrong ? ISACD_FAILED : ISACD_OK;
}
