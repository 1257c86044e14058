/*
 * Starting programs and helpers. The parent has no threads, so a plain fork is safe.
 * A child dies with its parent (a signal from the kernel), starts with a clean signal mask and keeps only the
 * descriptors it is meant to have: all others are close-on-exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "isacd.h"

/* After this the process dies when its parent does, even if that happened just before. */
static void tie_to_parent(pid_t parent, int death_signal)
{
	prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0);
	if (getppid() != parent) _exit(ISACD_FAILED);
}

static void clean_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static void redirect(int in_fd, int out_fd)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	dup2(in_fd >= 0 ? in_fd : null, STDIN_FILENO);
	dup2(out_fd >= 0 ? out_fd : STDERR_FILENO, STDOUT_FILENO);
	if (out_fd >= 0) dup2(out_fd, STDERR_FILENO);
}

pid_t isacd_spawn(const struct isacd_spawn *s)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0) return pid;
	setpgid(0, 0); /* Ctrl-C on a terminal is for the parent, which stops us in order */
	if (isacd_user_drop(s->user)) _exit(ISACD_FAILED);
	tie_to_parent(parent, s->death_signal); /* after the drop, which would undo it */
	clean_signals();
	redirect(s->in_fd, s->out_fd);
	if (s->folder && chdir(s->folder) != 0) _exit(ISACD_FAILED);
	for (size_t i = 0; i < 2; i++)
		if (s->keep_fd[i] >= 0) fcntl(s->keep_fd[i], F_SETFD, 0);
	execv(s->program, (char *const *)s->argv);
	isacd_say("cannot run %s: %s", s->program, strerror(errno));
	_exit(ISACD_FAILED);
}

static int wait_for(pid_t pid)
{
	int status;

	if (pid < 0) return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int isacd_spawn_wait(const struct isacd_spawn *s)
{
	return wait_for(isacd_spawn(s));
}

enum isac_err isacd_spawn_call(enum isac_err (*fn)(void *), void *arg, const struct isacd_user *user)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (isacd_user_drop(user)) _exit(ISACD_FAILED);
		tie_to_parent(parent, SIGKILL);
		clean_signals();
		_exit(fn(arg) == ISAC_OK ? ISACD_OK : ISACD_FAILED);
	}
	return wait_for(pid) == ISACD_OK ? ISAC_OK : ISAC_ERR_SYSTEM;
}
