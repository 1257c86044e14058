/* Ready handshake, early failure, stop; and an actor that ends unasked ends the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/base.h"

static atomic_int steps;
static atomic_bool signals_blocked;

static enum isac_err wait_for_stop(struct base_actor *actor, void *arg)
{
	struct pollfd p = {.fd = base_actor_stop_fd(actor), .events = POLLIN};
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	atomic_store(&signals_blocked, sigismember(&mask, SIGTERM) == 1);
	atomic_fetch_add((atomic_int *)arg, 1);
	base_actor_ready(actor);
	while (base_actor_running(actor)) poll(&p, 1, -1);
	atomic_fetch_add((atomic_int *)arg, 10);
	return ISAC_OK;
}

static enum isac_err fail_early(struct base_actor *actor, void *arg)
{
	(void)actor;
	(void)arg;
	return ISAC_ERR_DB_BROKEN;
}

static enum isac_err end_early(struct base_actor *actor, void *arg)
{
	(void)actor;
	(void)arg;
	return ISAC_OK;
}

static enum isac_err fail_later(struct base_actor *actor, void *arg)
{
	(void)arg;
	base_actor_ready(actor);
	return ISAC_ERR_DB_BROKEN;
}

static void test_life(void **state)
{
	struct base_actor *actor = NULL;

	(void)state;
	assert_int_equal(base_actor_start(&actor, "a-name-longer-than-15", wait_for_stop, &steps), ISAC_OK);
	assert_int_equal(atomic_load(&steps), 1);
	assert_true(atomic_load(&signals_blocked));
	base_actor_stop(&actor);
	assert_int_equal(atomic_load(&steps), 11);
	assert_null(actor);
	base_actor_stop(&actor);
}

static void test_failures(void **state)
{
	struct base_actor *actor = NULL;

	(void)state;
	assert_int_equal(base_actor_start(&actor, "early", fail_early, NULL), ISAC_ERR_DB_BROKEN);
	assert_null(actor);
	assert_int_equal(base_actor_start(&actor, "early", end_early, NULL), ISAC_ERR_CLOSED);
	assert_null(actor);
}

static void test_unasked_end(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct base_actor *actor = NULL;

		close(STDERR_FILENO);
		base_actor_start(&actor, "later", fail_later, NULL);
		for (;;) pause();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_life), cmocka_unit_test(test_failures),
					   cmocka_unit_test(test_unasked_end)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
