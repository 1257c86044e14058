/* What a sandboxed process cannot do any more. Each attempt in a child of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/base.h"

static char dir[] = "/tmp/isac-box-XXXXXX", inside[64], outside[64];

/* fn's exit status, or 1000 + the signal that ended it. */
static int in_child(int (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) _exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static bool enter(enum base_sandbox_role role)
{
	const char *const rw[] = {inside, NULL};

	return base_sandbox_enter(role, rw, NULL) == ISAC_OK;
}

static int early(void)
{
	struct rlimit limit;

	base_sandbox_early();
	getrlimit(RLIMIT_CORE, &limit);
	return limit.rlim_max == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 1;
}

static int no_new_privs(void)
{
	return enter(BASE_SANDBOX_PARENT) && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
}

static void test_everywhere(void **state)
{
	(void)state;
	assert_int_equal(in_child(early), 0);
	assert_int_equal(in_child(no_new_privs), 0);
}

#ifndef ISAC_SANITIZED

static int write_inside(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/f", inside);
	return enter(BASE_SANDBOX_CORE) && open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 ? 0 : 1;
}

static int write_outside(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/f", outside);
	return enter(BASE_SANDBOX_CORE) && open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EACCES ? 0 : 1;
}

static int read_outside(void)
{
	return enter(BASE_SANDBOX_SIGNER) && open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES ? 0 : 1;
}

static int execute(void)
{
	char *argv[] = {"true", NULL};

	if (enter(BASE_SANDBOX_FRONT)) execv("/bin/true", argv);
	return 1;
}

static int fork_again(void)
{
	return enter(BASE_SANDBOX_FRONT) && fork() >= 0 ? 0 : 1;
}
static int signer_internet(void)
{
	return enter(BASE_SANDBOX_SIGNER) && socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : 1;
}
static int core_internet(void)
{
	return enter(BASE_SANDBOX_CORE) && socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : 1;
}
static int edge_socket(void)
{
	return enter(BASE_SANDBOX_EDGE) && socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : 1;
}
static int edge_rename(void)
{
	char from[80], to[80];
	int fd;

	snprintf(from, sizeof(from), "%s/page.tmp", inside);
	snprintf(to, sizeof(to), "%s/1.page", inside);
	if (!enter(BASE_SANDBOX_EDGE)) return 1;
	fd = open(from, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0 && fsync(fd) == 0 && renameat(AT_FDCWD, from, AT_FDCWD, to) == 0 && unlinkat(AT_FDCWD, to, 0) == 0 ? 0 : 1;
}
static int remote_internet(void)
{
	return enter(BASE_SANDBOX_CORE_REMOTE) && socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : 1;
}
static int front_internet(void)
{
	return enter(BASE_SANDBOX_FRONT) && socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : 1;
}
static int abort_works(void)
{
	if (enter(BASE_SANDBOX_FRONT)) abort();
	return 1;
}

static void *nothing(void *arg)
{
	return arg;
}
static int threads_work(void)
{
	pthread_t thread;

	return enter(BASE_SANDBOX_SIGNER) && pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0 ? 0 : 1;
}

/* 64 MiB more than now: 32 fit, 128 do not. */
static int memory_cap(void)
{
	char *fits, *over;

	if (base_sandbox_memory(64 << 20)) return 1;
	fits = malloc(32 << 20);
	over = malloc(128 << 20);
	return fits && !over ? 0 : 1;
}

static void test_roles(void **state)
{
	(void)state;
	assert_int_equal(in_child(write_inside), 0);
	assert_int_equal(in_child(edge_rename), 0);
	assert_int_equal(in_child(write_outside), 0);
	assert_int_equal(in_child(read_outside), 0);
	assert_int_equal(in_child(execute), 1000 + SIGSYS);
	assert_int_equal(in_child(fork_again), 1000 + SIGSYS);
	assert_int_equal(in_child(signer_internet), 1000 + SIGSYS);
	assert_int_equal(in_child(core_internet), 1000 + SIGSYS);
	assert_int_equal(in_child(edge_socket), 1000 + SIGSYS);
	assert_int_equal(in_child(remote_internet), 0);
	assert_int_equal(in_child(front_internet), 0);
	assert_int_equal(in_child(abort_works), 1000 + SIGABRT);
	assert_int_equal(in_child(threads_work), 0);
	assert_int_equal(in_child(memory_cap), 0);
}

#endif

static int make_dirs(void **state)
{
	(void)state;
	if (!mkdtemp(dir)) return -1;
	snprintf(inside, sizeof(inside), "%s/in", dir);
	snprintf(outside, sizeof(outside), "%s/out", dir);
	return mkdir(inside, 0700) || mkdir(outside, 0700);
}

static int remove_dirs(void **state)
{
	char path[80];

	(void)state;
	snprintf(path, sizeof(path), "%s/f", inside);
	unlink(path);
	rmdir(inside);
	rmdir(outside);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everywhere),
#ifndef ISAC_SANITIZED
		cmocka_unit_test(test_roles),
#endif
	};

	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
