/* Readers keep the version they took; a version is freed once, when the last one is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include "base/base.h"

static atomic_int freed;

static void free_counted(void *value)
{
	atomic_fetch_add(&freed, 1);
	free(value);
}

static int *number(int n)
{
	int *p = malloc(sizeof(*p));

	*p = n;
	return p;
}

static void test_versions(void **state)
{
	struct base_shared s;
	int *first, *again;

	(void)state;
	atomic_store(&freed, 0);
	assert_int_equal(base_shared_init(&s, free_counted), ISAC_OK);
	assert_null(base_shared_take(&s));
	base_shared_swap(&s, number(1));
	first = base_shared_take(&s);
	again = base_shared_take(&s);
	assert_ptr_equal(first, again);
	base_shared_swap(&s, number(2));
	assert_int_equal(atomic_load(&freed), 0);
	assert_int_equal(*first, 1);
	base_shared_give(&s, first);
	assert_int_equal(atomic_load(&freed), 0);
	base_shared_give(&s, again);
	assert_int_equal(atomic_load(&freed), 1);
	base_shared_swap(&s, number(3));
	assert_int_equal(atomic_load(&freed), 2);
	base_shared_clear(&s);
	assert_int_equal(atomic_load(&freed), 3);
	base_shared_clear(&s);
}

enum { READS = 20000, SWAPS = 2000 };

/* Numbers only grow, and what was taken stays readable. */
static void *read_many(void *arg)
{
	int last = 0;

	for (int i = 0; i < READS; i++) {
		int *value = base_shared_take(arg);

		if (*value < last) return arg;
		last = *value;
		base_shared_give(arg, value);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct base_shared s;
	pthread_t readers[3];

	(void)state;
	atomic_store(&freed, 0);
	assert_int_equal(base_shared_init(&s, free_counted), ISAC_OK);
	base_shared_swap(&s, number(0));
	for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&readers[i], NULL, read_many, &s), 0);
	for (int i = 1; i <= SWAPS; i++) base_shared_swap(&s, number(i));
	for (int i = 0; i < 3; i++) {
		void *problem;

		pthread_join(readers[i], &problem);
		assert_null(problem);
	}
	base_shared_clear(&s);
	assert_int_equal(atomic_load(&freed), SWAPS + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_versions), cmocka_unit_test(test_threads)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
