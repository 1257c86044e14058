/* Decay and states by hand: the figures were computed on paper (and with bc), not by this code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "life/life.h"

#define DAY INT64_C(86400000000)
#define T0 INT64_C(1800000000000000)

static void the_formula(void **state)
{
	static const struct {
		uint32_t confidence;
		int64_t age, life;
		double speed;
		uint32_t score;
	} rows[] = {
		{80, 0, 30, 2, 80},	{80, 30, 30, 2, 0},    {80, 31, 30, 2, 0}, {80, 15, 30, 1, 40}, /* 80 * (1 - 0.5) */
		{80, 15, 30, 2, 23},									/* 80 * (1 - sqrt 0.5) = 23.43 */
		{80, 3, 30, 2, 55},									/* 80 * (1 - sqrt 0.1) = 54.70 */
		{100, 15, 30, 0.5, 75},									/* 100 * (1 - 0.5^2) */
		{100, 27, 30, 0.5, 19},									/* 100 * (1 - 0.81) */
		{60, 10, 90, 1.5, 46}, /* 60 * (1 - (1/9)^(2/3)) = 60 * (1 - 0.23112) = 46.13 */
		{0, 1, 30, 2, 0},	{100, -1, 30, 2, 100}, {1, 1, 30, 2, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(life_score(rows[i].confidence, T0, T0 + rows[i].life * DAY, rows[i].speed, T0 + rows[i].age * DAY),
				 rows[i].score);
}

static const struct life_rule month = {30 * DAY, 1};

static struct life of(const struct life_mention *m, size_t n, int64_t now)
{
	struct life l = {0};

	for (size_t i = 0; i < n; i++) life_add_mention(&l, &m[i], &month, now);
	return l;
}

static void when_it_is_over(void **state)
{
	const struct life_mention silent = {.received_us = T0}, said = {.received_us = T0, .valid_until_us = T0 + 7 * DAY},
				  seen = {.received_us = T0, .refreshed_us = T0 + 20 * DAY},
				  both = {.received_us = T0, .refreshed_us = T0 + 6 * DAY, .valid_until_us = T0 + 7 * DAY};

	(void)state;
	assert_int_equal(life_end_us(&silent, &month), T0 + 30 * DAY);
	assert_int_equal(life_end_us(&said, &month), T0 + 7 * DAY);
	assert_int_equal(life_end_us(&seen, &month), T0 + 50 * DAY);
	assert_int_equal(life_end_us(&both, &month), T0 + 7 * DAY); /* what its publisher said holds */
	assert_int_equal(life_start_us(&both), T0 + 6 * DAY);
}

static void the_states(void **state)
{
	const struct life_mention good = {.received_us = T0, .confidence_plus1 = 81}, weak = {.received_us = T0, .confidence_plus1 = 21},
				  held = {.received_us = T0, .confidence_plus1 = 101, .held = true},
				  gone = {.received_us = T0, .confidence_plus1 = 101, .ended = true};
	const struct life_mention two[] = {good, weak}, mixed[] = {weak, gone, held};
	struct life l = {0};

	(void)state;
	assert_int_equal(life_state_of(&l), LIFE_UNKNOWN);
	l = of(two, 2, T0 + 15 * DAY);
	assert_int_equal(life_state_of(&l), LIFE_ACTIVE);
	assert_int_equal(l.confidence_plus1, 81);
	assert_int_equal(l.score, 40);
	l = of(mixed, 3, T0);
	assert_int_equal(life_state_of(&l), LIFE_ACTIVE);
	assert_int_equal(l.confidence_plus1, 21); /* what is held or was taken back counts no more */
	l = of(&held, 1, T0);
	assert_int_equal(life_state_of(&l), LIFE_HELD);
	l = of(mixed + 1, 2, T0);
	assert_int_equal(life_state_of(&l), LIFE_WITHDRAWN);
	l = of(two, 2, T0 + 30 * DAY);
	assert_int_equal(life_state_of(&l), LIFE_EXPIRED);
	assert_int_equal(l.score, 0);
}

static void the_votes(void **state)
{
	const struct life_mention good = {.received_us = T0};
	struct life l = of(&good, 1, T0);

	(void)state;
	assert_int_equal(l.score, LIFE_CONFIDENCE);
	life_add_vote(&l, 2);
	assert_int_equal(life_state_of(&l), LIFE_DISPUTED);
	life_add_vote(&l, 1);
	assert_int_equal(life_state_of(&l), LIFE_DISPUTED); /* one against one */
	life_add_vote(&l, 1);
	assert_int_equal(life_state_of(&l), LIFE_ACTIVE);
	for (int i = 0; i < 3; i++) life_add_vote(&l, 3);
	assert_int_equal(life_state_of(&l), LIFE_EXPIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_formula), cmocka_unit_test(when_it_is_over), cmocka_unit_test(the_states),
					   cmocka_unit_test(the_votes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
