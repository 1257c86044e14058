/*
 * What a process gives up before it serves. Each layer stands alone:
 * no_new_privs (no setuid program helps), landlock (files below named folders only),
 * seccomp (system calls of sandbox.def only, anything else ends the process).
 *
 * Entered before threads start, so that all of them inherit it. Built with sanitizers it is only
 * no_new_privs: their runtimes open files and make calls that no list of ours should allow.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/base.h"

void base_sandbox_early(void)
{
	struct rlimit none = {0, 0};

	/* Keys and reports must not end up in a core file, nor be read by another process of the same user. */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static enum isac_err complain(const char *what, int problem)
{
	base_log(BASE_LOG_ERROR, "sandbox.failed", "step=%s err=%s", what, strerror(problem));
	return ISAC_ERR_SYSTEM;
}

#ifdef ISAC_SANITIZED

static enum isac_err enter_landlock(const char *const *dirs_rw, const char *const *dirs_ro)
{
	(void)dirs_rw;
	(void)dirs_ro;
	return ISAC_OK;
}

static enum isac_err enter_seccomp(enum base_sandbox_role role)
{
	(void)role;
	return ISAC_OK;
}

enum isac_err base_sandbox_memory(int64_t bytes)
{
	(void)bytes;
	return ISAC_OK;
}

#else

/* ---- landlock ---- */
#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK)
/* Everything of ABI 1; what later versions add is handled by the system call list. */
#define HANDLED_RIGHTS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static enum isac_err allow_dirs(int rules, const char *const *dirs, uint64_t rights)
{
	for (; dirs && *dirs; dirs++) {
		struct landlock_path_beneath_attr beneath = {.allowed_access = rights};

		beneath.parent_fd = open(*dirs, O_PATH | O_CLOEXEC);
		if (beneath.parent_fd < 0 && errno == ENOENT) continue; /* what is not there needs no right */
		if (beneath.parent_fd < 0) return complain(*dirs, errno);
		if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0) {
			int problem = errno;

			close(beneath.parent_fd);
			return complain("landlock_add_rule", problem);
		}
		close(beneath.parent_fd);
	}
	return ISAC_OK;
}

static enum isac_err enter_landlock(const char *const *dirs_rw, const char *const *dirs_ro)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = HANDLED_RIGHTS};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	enum isac_err err;

	if (rules < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
		base_log(BASE_LOG_WARN, "sandbox.no_landlock", "kernel has none; files are guarded by user rights only");
		return ISAC_OK;
	}
	if (rules < 0) return complain("landlock_create_ruleset", errno);
	err = allow_dirs(rules, dirs_rw, READ_RIGHTS | WRITE_RIGHTS);
	if (!err) err = allow_dirs(rules, dirs_ro, READ_RIGHTS);
	if (!err && syscall(SYS_landlock_restrict_self, rules, 0) != 0) err = complain("landlock_restrict_self", errno);
	close(rules);
	return err;
}

/* ---- seccomp ---- */
enum { F = 1, C = 2, R = 4, S = 8, E = 16, G = 32 };
static const unsigned role_bits[] = {
	[BASE_SANDBOX_FRONT] = F,	[BASE_SANDBOX_CORE] = C, [BASE_SANDBOX_SIGNER] = S,
	[BASE_SANDBOX_CORE_REMOTE] = R, [BASE_SANDBOX_EDGE] = E, [BASE_SANDBOX_GATEWAY] = G,
};

static const struct {
	int call;
	unsigned roles;
} calls[] = {
#define CALL(name, roles) {SCMP_SYS(name), (roles)},
#include "sandbox.def"
#undef CALL
};

/* Calls whose arguments decide: argument number, comparison, operands. */
#define EQUALS(n, value) \
	{ \
		(n), SCMP_CMP_EQ, (value), 0 \
	}
#define MASKED(n, mask, value) \
	{ \
		(n), SCMP_CMP_MASKED_EQ, (mask), (value) \
	}
static const struct {
	int call;
	unsigned roles;
	uint32_t action;
	struct scmp_arg_cmp arg;
} rules[] = {
	{SCMP_SYS(socket), F | C | R | S | G, SCMP_ACT_ALLOW, EQUALS(0, AF_UNIX)},
	{SCMP_SYS(socket), F | R | G, SCMP_ACT_ALLOW, EQUALS(0, AF_INET)},
	{SCMP_SYS(socket), F | R | G, SCMP_ACT_ALLOW, EQUALS(0, AF_INET6)},
	{SCMP_SYS(socket), F | R | G, SCMP_ACT_ALLOW, EQUALS(0, AF_NETLINK)}, /* libzmq and the resolver list interfaces */
	{SCMP_SYS(ioctl), F | C | R | S | G | E, SCMP_ACT_ALLOW, EQUALS(1, FIONREAD)},
	{SCMP_SYS(ioctl), F | C | R | S | G | E, SCMP_ACT_ALLOW, EQUALS(1, FIONBIO)},
	{SCMP_SYS(ioctl), F | C | R | S | G | E, SCMP_ACT_ALLOW, EQUALS(1, TCGETS)},
	{SCMP_SYS(ioctl), E, SCMP_ACT_ALLOW, EQUALS(1, SIOCGIFNAME)}, /* libpcap: is an interface that went down still there? */
	{SCMP_SYS(ioctl), E, SCMP_ACT_ALLOW, EQUALS(1, SIOCGIFFLAGS)},
	{SCMP_SYS(mmap), F | C | R | S | G | E, SCMP_ACT_ALLOW, MASKED(2, PROT_EXEC, 0)},
	{SCMP_SYS(mprotect), F | C | R | S | G | E, SCMP_ACT_ALLOW, MASKED(2, PROT_EXEC, 0)},
	/* A library that asks for more here gets an error; what has no row at all is taken for an attack. */
	{SCMP_SYS(mmap), F | C | R | S | G | E, SCMP_ACT_ERRNO(EACCES), MASKED(2, PROT_EXEC, PROT_EXEC)},
	{SCMP_SYS(mprotect), F | C | R | S | G | E, SCMP_ACT_ERRNO(EACCES), MASKED(2, PROT_EXEC, PROT_EXEC)},
	{SCMP_SYS(prlimit64), F | C | R | S | G | E, SCMP_ACT_ALLOW, EQUALS(2, 0)}, /* limits may be read, not changed */
	{SCMP_SYS(clone), F | C | R | S | G, SCMP_ACT_ALLOW, MASKED(0, CLONE_THREAD, CLONE_THREAD)},
	{SCMP_SYS(prctl), F | C | R | S | G, SCMP_ACT_ALLOW, EQUALS(0, PR_SET_NAME)},
#ifdef PR_SET_VMA
	{SCMP_SYS(prctl), F | C | R | S | G, SCMP_ACT_ERRNO(EINVAL), EQUALS(0, PR_SET_VMA)}, /* newer glibc names its heaps */
#endif
};

static int add_rows(scmp_filter_ctx ctx, unsigned bit)
{
	/* clone3 hides its flags in memory, where no filter sees them: glibc then takes clone. */
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (size_t i = 0; rc == 0 && i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].roles & bit) rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i].call, 0);
	for (size_t i = 0; rc == 0 && i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].roles & bit) rc = seccomp_rule_add_array(ctx, rules[i].action, rules[i].call, 1, &rules[i].arg);
	return rc;
}

static enum isac_err enter_seccomp(enum base_sandbox_role role)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc;

	if (!ctx) return ISAC_ERR_NO_MEMORY;
	rc = add_rows(ctx, role_bits[role]);
	if (rc == 0) rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc != 0) return complain("seccomp", -rc);
	return ISAC_OK;
}

/* ---- memory ---- */
/*
 * RLIMIT_DATA, not RLIMIT_AS: it counts private writable pages as they become writable, whereas address space
 * counts 64 MiB of reserve for each thread's heap before a byte of it is used. libzmq aborts when its
 * queues cannot grow, which is what we want: the parent starts a new front.
 */
enum isac_err base_sandbox_memory(int64_t bytes)
{
	long pages[6] = {0};
	FILE *statm = fopen("/proc/self/statm", "re");
	struct rlimit limit;
	int got = 0;

	if (statm) {
		got = fscanf(statm, "%ld %ld %ld %ld %ld %ld", &pages[0], &pages[1], &pages[2], &pages[3], &pages[4], &pages[5]);
		fclose(statm);
	}
	if (got != 6) return complain("statm", EIO);
	limit.rlim_cur = limit.rlim_max = (rlim_t)pages[5] * (rlim_t)sysconf(_SC_PAGESIZE) + (rlim_t)bytes;
	if (setrlimit(RLIMIT_DATA, &limit) != 0) return complain("RLIMIT_DATA", errno);
	/* Memory that bursts freed goes back to the system instead of counting for ever. */
	mallopt(M_ARENA_MAX, 2);
	return ISAC_OK;
}

#endif

enum isac_err base_sandbox_enter(enum base_sandbox_role role, const char *const *dirs_rw, const char *const *dirs_ro)
{
	enum isac_err err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return complain("no_new_privs", errno);
	if (role == BASE_SANDBOX_PARENT) return ISAC_OK; /* it starts PostgreSQL, which needs more than a list could name */
	err = enter_landlock(dirs_rw, dirs_ro);
	return err ? err : enter_seccomp(role);
}
