/*
 * isacd run: starts, watches and restarts PostgreSQL (the embedded one), signer, core and front. No threads, no database,
 * no member's byte ever reaches it.
 *
 * A child that dies is started again at once; if it keeps dying soon after its start, after a pause that doubles up to 2 s.
 * Core waits for PostgreSQL; nothing else waits for anything, because every process finds the others by itself.
 * A child that says that another start would not help (a wrong configuration) ends the hub, as does one that cannot
 * start at all before the hub was ever ready: an operator who just typed the command wants to know.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "isacd.h"

enum { POSTGRES, SIGNER, CORE, FRONT, CHILDREN };
enum { QUICK_US = 5000000, SETTLED_US = 1000000, PAUSE_MIN_US = 50000, PAUSE_MAX_US = 2000000, POLL_READY_MS = 5, LINE_BYTES = 320 };

struct child {
	bool wanted, ready;
	pid_t pid;
	int ready_fd;
	char line[LINE_BYTES]; /* what it said when it got ready */
	size_t line_len;
	int64_t started_us, start_at_us, pause_us;
	unsigned failures; /* in a row, by its own exit */
	bool told_to_stop;
	int64_t kill_at_us;
};

/*
 * tries: failed starts in a row, before the hub was ever ready, that end it. PostgreSQL gets a minute, because an old one, left by
 * a killed parent, may still be writing its last checkpoint.
 */
static const struct {
	const char *name;
	int stop_signal, last_signal;
	int64_t patience_us;
	unsigned tries;
	const char *hint;
} kinds[CHILDREN] = {
	[POSTGRES] = {"postgres", SIGINT, SIGQUIT, 60000000, 30, " does not start; see pg/postgres.log"},
	[SIGNER] = {"signer", SIGTERM, SIGKILL, 2000000, 6, " does not start; see its log lines above"},
	[CORE] = {"core", SIGTERM, SIGKILL, 5000000, 6, " does not start; see its log lines above"},
	[FRONT] = {"front", SIGTERM, SIGKILL, 3000000, 6, " does not start (is the address in use?); see its log lines above"},
};
/* No new work comes in while the rest winds down. */
static const int stop_order[CHILDREN] = {FRONT, CORE, SIGNER, POSTGRES};

struct parent {
	struct child child[CHILDREN];
	struct base_conf *conf;
	struct isacd_pg pg;
	int signal_fd, lock_fd, sql_fd, conf_fd, core_conf_fd;
	bool migrated, announced, stopping;
	int exit_status;
};

/* ---- starting ---- */
static bool start_role(struct parent *p, int kind)
{
	char ready_text[16], conf_text[16];
	int pipe_fd[2], conf_fd = kind == CORE ? p->core_conf_fd : p->conf_fd;
	const char *const argv[] = {"isacd",	  "--role",   kinds[kind].name, "--data",  ".",
				    "--ready-fd", ready_text, "--conf-fd",	conf_text, NULL};
	struct isacd_spawn s = {
		.program = "/proc/self/exe", .argv = argv, .in_fd = -1, .out_fd = -1, .keep_fd = {-1, conf_fd}, .death_signal = SIGKILL};

	if (pipe2(pipe_fd, O_CLOEXEC) != 0) return false;
	s.keep_fd[0] = pipe_fd[1];
	snprintf(ready_text, sizeof(ready_text), "%d", pipe_fd[1]);
	snprintf(conf_text, sizeof(conf_text), "%d", conf_fd);
	p->child[kind].pid = isacd_spawn(&s);
	close(pipe_fd[1]);
	if (p->child[kind].pid < 0) {
		close(pipe_fd[0]);
		return false;
	}
	fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
	p->child[kind].ready_fd = pipe_fd[0];
	return true;
}

static void plan_restart(struct child *c, int64_t now)
{
	c->start_at_us = now + c->pause_us;
	c->pause_us = c->pause_us == 0 ? PAUSE_MIN_US : c->pause_us * 2 > PAUSE_MAX_US ? PAUSE_MAX_US : c->pause_us * 2;
}

static void start(struct parent *p, int kind, int64_t now)
{
	struct child *c = &p->child[kind];
	bool started;

	c->line_len = 0;
	c->started_us = now;
	if (kind == POSTGRES) {
		c->pid = isacd_pg_start(&p->pg, NULL);
		started = c->pid > 0;
	} else {
		started = start_role(p, kind);
	}
	if (started) {
		base_log(BASE_LOG_INFO, "child.started", "child=%s pid=%d", kinds[kind].name, (int)c->pid);
		return;
	}
	c->pid = 0;
	base_log(BASE_LOG_ERROR, "child.cannot_start", "child=%s errno=%d", kinds[kind].name, errno);
	plan_restart(c, now);
}

static bool may_start(const struct parent *p, int kind)
{
	return kind != CORE || !p->child[POSTGRES].wanted || p->child[POSTGRES].ready;
}

static void start_due(struct parent *p, int64_t now)
{
	for (int kind = 0; kind < CHILDREN; kind++) {
		struct child *c = &p->child[kind];

		if (c->wanted && c->pid == 0 && c->start_at_us <= now && may_start(p, kind)) start(p, kind, now);
	}
}

/* ---- getting ready ---- */
static void fail_hub(struct parent *p, const char *who, const char *what)
{
	if (!p->stopping) isacd_say("%s%s", who, what);
	p->stopping = true;
	p->exit_status = ISACD_FAILED;
}

static void look_at_postgres(struct parent *p)
{
	struct child *c = &p->child[POSTGRES];

	if (c->pid <= 0 || c->ready || !isacd_pg_ready(c->pid)) return;
	c->ready = true;
	c->failures = 0;
	base_log(BASE_LOG_INFO, "child.ready", "child=postgres ms=%lld", (long long)(base_clock_mono_us() - c->started_us) / 1000);
	/* An upgraded program brings migrations along; those that were applied change nothing. */
	if (!p->migrated && isacd_setup_migrate(NULL, p->sql_fd, 0, NULL)) fail_hub(p, "the database", " cannot be brought up to date");
	p->migrated = true;
}

/* The front may have chosen its ports: keep them for its next life, or members would not find it again. */
static void keep_address(struct parent *p)
{
	const char *line = p->child[FRONT].line;
	int fd;

	if (strncmp(line, "ready tcp://", 12) != 0 || strcmp(line + 6, base_conf_str(p->conf, "listen")) == 0) return;
	if (base_conf_set(p->conf, "listen", line + 6, NULL) != ISAC_OK) return;
	fd = isacd_conf_memfd(p->conf, NULL, false);
	if (fd < 0) return;
	close(p->conf_fd);
	p->conf_fd = fd;
}

static void announce(struct parent *p)
{
	const char *listen = base_conf_str(p->conf, "listen");
	char text[LINE_BYTES];
	int len = snprintf(text, sizeof(text), "%s\n", listen);

	if (p->announced || p->stopping || !p->child[FRONT].ready || !p->child[CORE].ready || !p->child[SIGNER].ready) return;
	p->announced = true;
	if (isacd_file_write("run", "address", 0644, NULL, text, (size_t)len))
		base_log(BASE_LOG_WARN, "address.unwritten", "path=run/address");
	base_log(BASE_LOG_INFO, "hub.ready", "listen=%s", listen);
	printf("isacd: ready %s\n", listen);
	fflush(stdout);
}

static void hear(struct parent *p, int kind)
{
	struct child *c = &p->child[kind];
	ssize_t got = read(c->ready_fd, c->line + c->line_len, sizeof(c->line) - 1 - c->line_len);

	if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (got > 0) {
		char *end;

		c->line_len += (size_t)got;
		c->line[c->line_len] = '\0';
		end = strchr(c->line, '\n');
		if (!end && c->line_len < sizeof(c->line) - 1) return;
		if (end) *end = '\0';
		c->ready = strncmp(c->line, "ready", 5) == 0;
		c->failures = 0;
		base_log(BASE_LOG_INFO, "child.ready", "child=%s ms=%lld", kinds[kind].name,
			 (long long)(base_clock_mono_us() - c->started_us) / 1000);
		if (kind == FRONT) keep_address(p);
	}
	close(c->ready_fd);
	c->ready_fd = -1;
}

/* ---- dying ---- */
static void note_death(struct parent *p, int kind, int status, int64_t now)
{
	struct child *c = &p->child[kind];
	bool by_signal = WIFSIGNALED(status), was_ready = c->ready;
	int code = by_signal ? WTERMSIG(status) : WEXITSTATUS(status);

	if (c->ready_fd >= 0) close(c->ready_fd);
	c->ready_fd = -1;
	c->pid = 0;
	c->ready = false;
	if (now - c->started_us >= (was_ready ? SETTLED_US : QUICK_US)) c->pause_us = 0;
	plan_restart(c, now);
	c->failures += !by_signal;
	if (p->stopping) return;
	base_log(by_signal && code == SIGSYS ? BASE_LOG_ERROR : BASE_LOG_WARN, "child.died",
		 "child=%s %s=%d lived_ms=%lld restart_in_ms=%lld%s", kinds[kind].name, by_signal ? "signal" : "exit", code,
		 (long long)(now - c->started_us) / 1000, (long long)(c->start_at_us - now) / 1000,
		 by_signal && code == SIGSYS ? " cause=system_call_not_allowed" : "");
	if (kind != POSTGRES && !by_signal && code == ISACD_HOPELESS)
		fail_hub(p, kinds[kind].name, " cannot run with this configuration; see its log line above");
	else if (!p->announced && c->failures >= kinds[kind].tries && !(kind == CORE && !p->child[POSTGRES].wanted))
		fail_hub(p, kinds[kind].name, kinds[kind].hint); /* (a remote database may come up after us) */
}

/* Also collects backends of a killed postmaster: we are their reaper. */
static void collect(struct parent *p)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int kind = 0; kind < CHILDREN; kind++)
			if (p->child[kind].pid == pid) note_death(p, kind, status, base_clock_mono_us());
}

/* ---- stopping ---- */
/* One after the other; false when nobody is left. */
static bool stop_next(struct parent *p, int64_t now)
{
	for (int i = 0; i < CHILDREN; i++) {
		int kind = stop_order[i];
		struct child *c = &p->child[kind];

		if (c->pid == 0) continue;
		if (!c->told_to_stop) {
			c->told_to_stop = true;
			c->kill_at_us = now + kinds[kind].patience_us;
			kill(c->pid, kinds[kind].stop_signal);
		} else if (now >= c->kill_at_us) {
			base_log(BASE_LOG_WARN, "child.killed", "child=%s", kinds[kind].name);
			c->kill_at_us = now + kinds[kind].patience_us;
			kill(c->pid, kinds[kind].last_signal);
		}
		return true;
	}
	return false;
}

/* ---- the loop ---- */
static void take_signals(struct parent *p)
{
	struct signalfd_siginfo info;

	while (read(p->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD || p->stopping) continue;
		base_log(BASE_LOG_INFO, "hub.stopping", "signal=%u", info.ssi_signo);
		p->stopping = true;
	}
	collect(p);
}

/* Until when poll may sleep: signals and ready lines wake it, so this is only for planned starts and PostgreSQL's state file. */
static int sleep_ms(const struct parent *p, int64_t now)
{
	int64_t until = now + 3600LL * 1000000;

	if (p->child[POSTGRES].pid > 0 && !p->child[POSTGRES].ready && !p->stopping) return POLL_READY_MS;
	for (int kind = 0; kind < CHILDREN; kind++) {
		const struct child *c = &p->child[kind];

		if (p->stopping && c->pid > 0 && c->told_to_stop && c->kill_at_us < until) until = c->kill_at_us;
		if (!p->stopping && c->wanted && c->pid == 0 && may_start(p, kind) && c->start_at_us < until) until = c->start_at_us;
	}
	return until <= now ? 0 : (int)((until - now + 999) / 1000);
}

static void loop(struct parent *p)
{
	struct pollfd fds[1 + CHILDREN];

	for (;;) {
		int64_t now = base_clock_mono_us();

		if (p->stopping && !stop_next(p, now)) return;
		if (!p->stopping) start_due(p, now);
		fds[0] = (struct pollfd){.fd = p->signal_fd, .events = POLLIN};
		for (int kind = 0; kind < CHILDREN; kind++)
			fds[1 + kind] = (struct pollfd){.fd = p->child[kind].ready_fd, .events = POLLIN};
		if (poll(fds, 1 + CHILDREN, sleep_ms(p, base_clock_mono_us())) < 0 && errno != EINTR)
			fail_hub(p, "poll: ", strerror(errno));
		for (int kind = 0; kind < CHILDREN; kind++)
			if (fds[1 + kind].revents) hear(p, kind);
		take_signals(p);
		look_at_postgres(p);
		announce(p);
	}
}

/* ---- before and after ---- */
static enum isac_err open_signals(struct parent *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	p->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return p->signal_fd < 0 ? ISAC_ERR_SYSTEM : ISAC_OK;
}

/* Where its port begins. */
static const char *port_of(const char *address)
{
	const char *colon = strrchr(address, ':');
	return colon ? colon + 1 : address + strlen(address);
}

/* A port of 0 is any, and so is the host of all addresses. */
static bool leads_to(const char *told, const char *listen)
{
	static const char *const all[] = {"tcp://0.0.0.0:", "tcp://*:", "tcp://[::]:"};
	const char *told_port = port_of(told), *port = port_of(listen);
	size_t host = (size_t)(port - listen);
	bool any_host = false;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) any_host |= strlen(all[i]) == host && !strncmp(listen, all[i], host);
	if (!any_host && ((size_t)(told_port - told) != host || strncmp(told, listen, host) != 0)) return false;
	return !strcmp(told_port, port) || !strcmp(told_port, "0") || !strcmp(port, "0");
}

static void warn_of_address(const struct parent *p, const struct wire_hub *hub)
{
	const char *listen = base_conf_str(p->conf, "listen");
	if (leads_to(hub->address, listen)) return;
	base_log(BASE_LOG_WARN, "address.differs", "listen=%s told=%s", listen, hub->address);
	isacd_say("hub.pub tells members to connect to %s, but this hub listens at %s", hub->address, listen);
	isacd_say("if nothing forwards from there to here, change one of them: listen in isacd.conf, or the line address in hub.pub");
}

/* What only root may be able to do comes before the drop; the rest must work without. */
static enum isac_err prepare(struct parent *p, const char *data)
{
	bool embedded = !*base_conf_str(p->conf, "database");
	struct isacd_user user;
	struct wire_hub hub;

	p->sql_fd = embedded ? isacd_setup_open_sql() : -1;
	if (embedded && p->sql_fd < 0) return ISAC_ERR_CONFIG;
	if (chdir(data) != 0) {
		isacd_say("%s: %s", data, strerror(errno));
		return ISAC_ERR_CONFIG;
	}
	if (isacd_hub_read(&hub) || isacd_user_of_hub(&user) || isacd_user_drop(&user)) return ISAC_ERR_CONFIG;
	warn_of_address(p, &hub);
	p->lock_fd = isacd_file_lock("run/lock", NULL);
	if (p->lock_fd < 0) {
		if (errno == EWOULDBLOCK) isacd_say("this hub runs already (%s/run/lock)", data);
		else isacd_say("run/lock: %s", strerror(errno));
		return ISAC_ERR_CONFIG;
	}
	unlink("run/address");
	p->conf_fd = isacd_conf_memfd(p->conf, NULL, false);
	p->core_conf_fd = isacd_conf_memfd(p->conf, NULL, true);
	if (p->conf_fd < 0 || p->core_conf_fd < 0) return ISAC_ERR_SYSTEM;
	p->child[POSTGRES].wanted = embedded;
	if (embedded) {
		isacd_pg_clean_environment();
		if (isacd_pg_find(&p->pg)) return ISAC_ERR_CONFIG;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	/* The drop made us dumpable according to the new user: again. */
	base_sandbox_early();
	return open_signals(p) ? ISAC_ERR_SYSTEM : base_sandbox_enter(BASE_SANDBOX_PARENT, NULL, NULL);
}

int isacd_run(const struct isacd_args *args)
{
	struct parent p = {.pg.dir_fd = -1, .signal_fd = -1, .lock_fd = -1, .sql_fd = -1, .conf_fd = -1, .core_conf_fd = -1};
	enum isac_err err;

	for (int kind = 0; kind < CHILDREN; kind++) p.child[kind] = (struct child){.ready_fd = -1, .wanted = kind != POSTGRES};
	if (isacd_conf_load(&p.conf, args)) return ISACD_FAILED;
	isacd_conf_log(p.conf, "parent");
	err = prepare(&p, args->data);
	if (!err) {
		loop(&p);
		unlink("run/address");
		base_log(BASE_LOG_INFO, "hub.stopped", "exit=%d", p.exit_status);
	}
	base_conf_destroy(&p.conf); /* descriptors, and with them the lock, go with the process */
	return err ? ISACD_FAILED : p.exit_status;
}
