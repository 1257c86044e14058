/* A bounded queue: order, bound, and an eventfd that is readable exactly while something is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include "base/base.h"

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void test_order_and_bound(void **state)
{
	struct base_mailbox *box = NULL;
	char items[4];
	void *out[4];

	(void)state;
	assert_int_equal(base_mailbox_new(&box, 3), ISAC_OK);
	assert_false(readable(base_mailbox_fd(box)));
	for (int round = 0; round < 5; round++) { /* the ring wraps */
		for (int i = 0; i < 3; i++) assert_int_equal(base_mailbox_put(box, &items[i]), ISAC_OK);
		assert_int_equal(base_mailbox_put(box, &items[3]), ISAC_ERR_FULL);
		assert_int_equal(base_mailbox_count(box), 3);
		assert_true(readable(base_mailbox_fd(box)));
		assert_int_equal(base_mailbox_take(box, out, 2), 2);
		assert_ptr_equal(out[0], &items[0]);
		assert_ptr_equal(out[1], &items[1]);
		assert_true(readable(base_mailbox_fd(box)));
		assert_int_equal(base_mailbox_take(box, out, 4), 1);
		assert_ptr_equal(out[0], &items[2]);
		assert_false(readable(base_mailbox_fd(box)));
		assert_int_equal(base_mailbox_take(box, out, 4), 0);
	}
	base_mailbox_destroy(&box);
	assert_null(box);
	base_mailbox_destroy(&box);
}

enum { WRITERS = 4, EACH = 20000 };
static struct base_mailbox *shared;

static void *write_many(void *arg)
{
	for (uintptr_t i = 1; i <= EACH; i++)
		while (base_mailbox_put(shared, (void *)(i * WRITERS + (uintptr_t)arg)) == ISAC_ERR_FULL) poll(NULL, 0, 0);
	return NULL;
}

/* Every item once, each writer's in order, and the reader waits on the descriptor alone: a lost wake-up would hang it. */
static void test_many_writers(void **state)
{
	pthread_t threads[WRITERS];
	uintptr_t last[WRITERS] = {0};
	size_t seen = 0;

	(void)state;
	assert_int_equal(base_mailbox_new(&shared, 64), ISAC_OK);
	for (uintptr_t w = 0; w < WRITERS; w++) assert_int_equal(pthread_create(&threads[w], NULL, write_many, (void *)w), 0);
	while (seen < WRITERS * EACH) {
		struct pollfd p = {.fd = base_mailbox_fd(shared), .events = POLLIN};
		void *out[16];
		size_t n;

		assert_int_equal(poll(&p, 1, 20000), 1);
		n = base_mailbox_take(shared, out, 16);
		for (size_t i = 0; i < n; i++) {
			uintptr_t writer = (uintptr_t)out[i] % WRITERS, number = (uintptr_t)out[i] / WRITERS;

			assert_int_equal(number, last[writer] + 1);
			last[writer] = number;
		}
		seen += n;
	}
	for (size_t w = 0; w < WRITERS; w++) pthread_join(threads[w], NULL);
	base_mailbox_destroy(&shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order_and_bound), cmocka_unit_test(test_many_writers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
