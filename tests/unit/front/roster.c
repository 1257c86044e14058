/* The roster: who is found by key, who is refused, and that a broken ROSTER changes nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "front/priv.h"

/* A ROSTER's second part by hand: 32 key bytes, u8 length, name. */
static void add(struct wire_buf *b, uint8_t key, const char *name)
{
	uint8_t bytes[32], len = (uint8_t)strlen(name);

	memset(bytes, key, sizeof bytes);
	wire_buf_add(b, bytes, sizeof bytes);
	wire_buf_add(b, &len, 1);
	wire_buf_add(b, name, len);
}

static void key_text(char out[65], uint8_t key)
{
	for (int i = 0; i < 32; i++) snprintf(out + 2 * i, 3, "%02x", key);
}

static const struct front_member *find(const struct front_roster *r, uint8_t key, int64_t now)
{
	char text[65];

	key_text(text, key);
	return front_roster_find(r, text, 64, now);
}

static void finds_by_key(void **state)
{
	struct front_roster r;
	struct wire_buf b;

	(void)state;
	wire_buf_init(&b, 1 << 20);
	for (unsigned i = 1; i <= 200; i++) {
		char name[16];

		snprintf(name, sizeof name, "m%u", i);
		add(&b, (uint8_t)i, name);
	}
	front_roster_init(&r);
	assert_null(find(&r, 1, 0)); /* before any roster */
	assert_int_equal(front_roster_read(&r, 7, b.data, b.len), ISAC_OK);
	assert_true(r.known);
	assert_int_equal(r.count, 200);
	assert_string_equal(find(&r, 1, 0)->name, "m1");
	assert_string_equal(find(&r, 200, 0)->name, "m200");
	assert_null(find(&r, 201, 0));
	assert_null(front_roster_find(&r, "", 0, 0));
	assert_null(front_roster_find(&r, "01", 2, 0));
	/* a new roster takes the place of the old one whole */
	wire_buf_reset(&b);
	add(&b, 2, "two");
	assert_int_equal(front_roster_read(&r, 8, b.data, b.len), ISAC_OK);
	assert_null(find(&r, 1, 0));
	assert_string_equal(find(&r, 2, 0)->name, "two");
	assert_int_equal(front_roster_read(&r, 9, NULL, 0), ISAC_OK);
	assert_null(find(&r, 2, 0));
	front_roster_clear(&r);
	wire_buf_clear(&b);
}

static void keeps_the_old_when_broken(void **state)
{
	struct front_roster r;
	struct wire_buf b;
	uint8_t long_name[32 + 1 + 65] = {0};

	(void)state;
	wire_buf_init(&b, 1 << 20);
	front_roster_init(&r);
	add(&b, 1, "alice");
	assert_int_equal(front_roster_read(&r, 1, b.data, b.len), ISAC_OK);
	for (size_t cut = 1; cut < b.len; cut++) assert_int_equal(front_roster_read(&r, 2, b.data, cut), ISAC_ERR_MALFORMED);
	b.data[32] = 0;
	assert_int_equal(front_roster_read(&r, 2, b.data, 33), ISAC_ERR_MALFORMED); /* no name */
	long_name[32] = 65;
	assert_int_equal(front_roster_read(&r, 2, long_name, sizeof long_name), ISAC_ERR_MALFORMED);
	assert_int_equal(r.generation, 1);
	assert_string_equal(find(&r, 1, 0)->name, "alice");
	front_roster_clear(&r);
	wire_buf_clear(&b);
}

static void refuses_a_member_with_all_keys(void **state)
{
	struct front_roster r;
	struct wire_buf b;

	(void)state;
	wire_buf_init(&b, 1 << 20);
	front_roster_init(&r);
	add(&b, 1, "alice");
	add(&b, 2, "alice");
	add(&b, 3, "alicex");
	assert_int_equal(front_roster_read(&r, 1, b.data, b.len), ISAC_OK);
	assert_int_equal(front_roster_refuse(&r, "alice", 5, 100), 2);
	assert_null(find(&r, 1, 99));
	assert_null(find(&r, 2, 99));
	assert_non_null(find(&r, 3, 99));
	assert_non_null(find(&r, 1, 100)); /* over */
	assert_int_equal(front_roster_refuse(&r, "nobody", 6, 100), 0);
	front_roster_clear(&r);
	wire_buf_clear(&b);
}

static void nobody_shares_a_key(void **state)
{
	struct front_roster r;
	struct wire_buf b;

	(void)state;
	wire_buf_init(&b, 1 << 20);
	front_roster_init(&r);
	add(&b, 1, "alice");
	add(&b, 1, "mallory");
	add(&b, 2, "bob");
	assert_int_equal(front_roster_read(&r, 1, b.data, b.len), ISAC_OK);
	assert_null(find(&r, 1, 0)); /* it cannot be told who that is */
	assert_non_null(find(&r, 2, 0));
	front_roster_clear(&r);
	wire_buf_clear(&b);
}

static void strikes_out_at_the_fifth_within_a_minute(void **state)
{
	static struct front_strikes s;
	const int64_t second = 1000000;
	int64_t until = 0;

	(void)state;
	for (int i = 0; i < 4; i++) assert_false(front_strikes_add(&s, "mallory", (100 + i) * second, &until));
	assert_false(front_strikes_add(&s, "alice", 104 * second, &until)); /* somebody else's */
	assert_true(front_strikes_add(&s, "mallory", 159 * second, &until));
	assert_int_equal(until, (159 + 60) * second);
	/* counting begins anew */
	assert_false(front_strikes_add(&s, "mallory", 220 * second, &until));
	/* five in more than a minute are not too many */
	for (int i = 0; i < 10; i++) assert_false(front_strikes_add(&s, "slow", (300 + 15 * i) * second, &until));
}

static void a_new_roster_does_not_free_who_is_struck_out(void **state)
{
	static struct front_strikes s;
	struct front_roster r;
	struct wire_buf b;
	int64_t until = 0;

	(void)state;
	wire_buf_init(&b, 1 << 20);
	front_roster_init(&r);
	add(&b, 1, "mallory");
	for (int i = 0; i < 5; i++) front_strikes_add(&s, "mallory", 1000000 + i, &until);
	assert_int_equal(front_roster_read(&r, 1, b.data, b.len), ISAC_OK);
	assert_non_null(find(&r, 1, until - 1));
	front_strikes_apply(&s, &r, until - 1);
	assert_null(find(&r, 1, until - 1));
	assert_non_null(find(&r, 1, until));
	front_roster_clear(&r);
	wire_buf_clear(&b);
}

static void the_strike_table_forgets_the_oldest(void **state)
{
	static struct front_strikes s;
	int64_t until;
	char name[16];

	(void)state;
	for (int i = 0; i < 4; i++) front_strikes_add(&s, "old", 1 + i, &until);
	for (int i = 0; i < FRONT_STRIKE_MEMBERS; i++) {
		snprintf(name, sizeof name, "m%d", i);
		assert_false(front_strikes_add(&s, name, 1000 + i, &until));
	}
	assert_false(front_strikes_add(&s, "old", 2000, &until));
	for (int i = 0; i < 3; i++) assert_false(front_strikes_add(&s, name, 3000 + i, &until));
	assert_true(front_strikes_add(&s, name, 3100, &until));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_by_key),
		cmocka_unit_test(keeps_the_old_when_broken),
		cmocka_unit_test(refuses_a_member_with_all_keys),
		cmocka_unit_test(nobody_shares_a_key),
		cmocka_unit_test(strikes_out_at_the_fifth_within_a_minute),
		cmocka_unit_test(a_new_roster_does_not_free_who_is_struck_out),
		cmocka_unit_test(the_strike_table_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
