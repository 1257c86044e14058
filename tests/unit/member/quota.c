/* Token buckets, with the clock in hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "member/member.h"

static const int64_t second = 1000000;

/* 10 a second, 30 at once. */
static void lets_a_burst_then_the_rate_through(void **state)
{
	struct member_quota *q;
	uint32_t wait = 77;
	int64_t now = 5000 * second;
	int taken = 0;

	(void)state;
	assert_int_equal(member_quota_new(&q, 10, 30, 1000000), ISAC_OK);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(member_quota_take(q, 1, 1, now, &wait), ISAC_OK);
		assert_int_equal(wait, 0);
	}
	assert_int_equal(member_quota_take(q, 1, 1, now, &wait), ISAC_ERR_RATE);
	assert_int_equal(wait, 100);
	assert_int_equal(member_quota_take(q, 2, 1, now, &wait), ISAC_OK); /* another's bucket is its own */
	assert_int_equal(member_quota_take(q, 1, 1, now + 99999, &wait), ISAC_ERR_RATE);
	assert_int_equal(wait, 1);
	assert_int_equal(member_quota_take(q, 1, 1, now + 100000, &wait), ISAC_OK);
	/* Asking every 7 ms for 60 s gets 600: nothing is lost to rounding. */
	now += 100000;
	for (int64_t at = now + 7000; at <= now + 60 * second; at += 7000) taken += member_quota_take(q, 1, 1, at, &wait) == ISAC_OK;
	assert_in_range(taken, 599, 600);
	/* A long pause fills the bucket and no more. */
	now += 1000000 * second;
	for (int i = 0; i < 30; i++) assert_int_equal(member_quota_take(q, 1, 1, now, &wait), ISAC_OK);
	assert_int_equal(member_quota_take(q, 1, 1, now, &wait), ISAC_ERR_RATE);
	assert_int_equal(member_quota_take(q, 1, 1, now - 50 * second, &wait), ISAC_ERR_RATE); /* a clock that stands still gives none */
	member_quota_destroy(&q);
	member_quota_destroy(&q);
	assert_null(q);
}

static void counts_bytes(void **state)
{
	struct member_quota *q;
	uint32_t wait;
	int64_t now = 0;

	(void)state;
	assert_int_equal(member_quota_new(&q, 1000, 1000, 60000), ISAC_OK); /* 1,000 bytes a second */
	assert_int_equal(member_quota_take(q, 1, 50000, now, &wait), ISAC_OK);
	assert_int_equal(member_quota_take(q, 1, 20000, now, &wait), ISAC_ERR_RATE);
	assert_int_equal(wait, 10000);
	assert_int_equal(member_quota_take(q, 1, 10000, now, &wait), ISAC_OK); /* a refusal takes nothing */
	assert_int_equal(member_quota_take(q, 1, 1, now, &wait), ISAC_ERR_RATE);
	assert_int_equal(wait, 1);
	/* Larger than a minute's allowance: goes through a full bucket, and empties it. */
	now += 60 * second;
	assert_int_equal(member_quota_take(q, 1, 250000, now - 1, &wait), ISAC_ERR_RATE);
	assert_int_equal(member_quota_take(q, 1, 250000, now, &wait), ISAC_OK);
	assert_int_equal(member_quota_take(q, 1, 1000, now, &wait), ISAC_ERR_RATE);
	assert_int_equal(wait, 1000);
	member_quota_destroy(&q);
}

static void holds_at_the_ends_of_its_range(void **state)
{
	struct member_quota *q;
	uint32_t wait;

	(void)state;
	assert_int_equal(member_quota_new(&q, 10000000, 10000000, 100000000000), ISAC_OK);
	for (int i = 0; i < 10; i++) assert_int_equal(member_quota_take(q, 1, 10000000000u, i, &wait), ISAC_OK);
	assert_int_equal(member_quota_take(q, 1, 10000000000u, 10, &wait), ISAC_ERR_RATE);
	assert_int_equal(member_quota_take(q, 1, 10000000000u, INT64_MAX / 2, &wait), ISAC_OK);
	member_quota_destroy(&q);
	assert_int_equal(member_quota_new(&q, 1, 1, 1000), ISAC_OK);
	assert_int_equal(member_quota_take(q, 1, 0, 0, &wait), ISAC_OK);
	assert_int_equal(member_quota_take(q, 1, 0, 1, &wait), ISAC_ERR_RATE);
	assert_int_equal(wait, 1000);
	assert_int_equal(member_quota_take(q, 1, 0, INT64_MAX, &wait), ISAC_OK);
	member_quota_destroy(&q);
	assert_int_equal(member_quota_new(&q, 0, 1, 1000), ISAC_ERR_CONFIG);
	assert_int_equal(member_quota_new(&q, 1, 10000001, 1000), ISAC_ERR_CONFIG);
	assert_int_equal(member_quota_new(&q, 1, 1, 100000000001), ISAC_ERR_CONFIG);
	assert_null(q);
}

static void knows_many_members(void **state)
{
	struct member_quota *q;
	uint32_t wait;

	(void)state;
	assert_int_equal(member_quota_new(&q, 1, 1, 1000), ISAC_OK);
	for (int32_t round = 0; round < 2; round++)
		for (int32_t id = 1; id <= 5000; id++)
			assert_int_equal(member_quota_take(q, id, 1, 0, &wait), round ? ISAC_ERR_RATE : ISAC_OK);
	member_quota_destroy(&q);
}

/* 10 a second, 30 at once for all but member 1. */
static void a_members_own_rate_is_its_own(void **state)
{
	const struct member_rate own = {.per_s = 2, .burst = 3}, bytes = {.bytes_per_min = 60};
	struct member_quota *q;
	uint32_t wait;

	(void)state;
	assert_int_equal(member_quota_new(&q, 10, 30, 1000000), ISAC_OK);
	for (int i = 0; i < 3; i++) assert_int_equal(member_quota_take_at(q, 1, &own, 1, 0, &wait), ISAC_OK);
	assert_int_equal(member_quota_take_at(q, 1, &own, 1, 0, &wait), ISAC_ERR_RATE);
	assert_int_equal(wait, 500);
	for (int i = 0; i < 30; i++) assert_int_equal(member_quota_take_at(q, 2, NULL, 1, 0, &wait), ISAC_OK);
	assert_int_equal(member_quota_take_at(q, 2, NULL, 1, 0, &wait), ISAC_ERR_RATE);
	/* Taken away in the midst: what was saved up above the new cap is gone. */
	assert_int_equal(member_quota_take_at(q, 3, NULL, 1, 0, &wait), ISAC_OK);
	for (int i = 0; i < 3; i++) assert_int_equal(member_quota_take_at(q, 3, &own, 1, 0, &wait), ISAC_OK);
	assert_int_equal(member_quota_take_at(q, 3, &own, 1, 0, &wait), ISAC_ERR_RATE);
	/* A byte a second; the rest of its rates is the hub's. */
	assert_int_equal(member_quota_take_at(q, 4, &bytes, 60, 0, &wait), ISAC_OK);
	assert_int_equal(member_quota_take_at(q, 4, &bytes, 5, 0, &wait), ISAC_ERR_RATE);
	assert_int_equal(wait, 5000);
	assert_int_equal(member_quota_take_at(q, 4, &bytes, 5, 5 * second, &wait), ISAC_OK);
	member_quota_destroy(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lets_a_burst_then_the_rate_through), cmocka_unit_test(counts_bytes),
					   cmocka_unit_test(holds_at_the_ends_of_its_range), cmocka_unit_test(knows_many_members),
					   cmocka_unit_test(a_members_own_rate_is_its_own)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
