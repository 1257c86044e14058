/* Names as people see them, sums from many threads, a clock that tests can hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include "base/base.h"

static void *add_many(void *arg)
{
	for (int i = 0; i < 10000; i++) base_stats_add(STAT_store_reports, 2);
	return arg;
}

static void test_stats(void **state)
{
	pthread_t threads[3];

	(void)state;
	assert_string_equal(base_stats_name(STAT_intake_received), "intake.received");
	assert_string_equal(base_stats_name(STAT_front_no_user), "front.no_user");
	for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
	assert_int_equal(base_stats_get(STAT_store_reports), 60000);
	base_stats_set(STAT_feed_sessions, 7);
	base_stats_set(STAT_feed_sessions, 3);
	assert_int_equal(base_stats_get(STAT_feed_sessions), 3);
}

static void test_clock(void **state)
{
	int64_t before = base_clock_mono_us();

	(void)state;
	base_clock_fix(42);
	assert_int_equal(base_clock_us(), 42);
	assert_true(base_clock_mono_us() >= before);
	base_clock_fix(0);
	assert_true(base_clock_us() > 1600000000000000); /* 2020 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_stats), cmocka_unit_test(test_clock)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
