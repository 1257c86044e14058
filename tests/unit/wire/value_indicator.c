/* wire_indicator_check: one good indicator, and each rule of README section 8 broken alone, just outside and just inside its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "wire/wire.h"

static int setup(void **state)
{
	static struct wire_arena arena;

	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	*state = &arena;
	return wire_init() != ISAC_OK;
}

static int teardown(void **state)
{
	wire_arena_clear(*state);
	return 0;
}

static Isac1__Indicator good(void)
{
	Isac1__Indicator ind = ISAC1__INDICATOR__INIT;

	ind.type = WIRE_VALUE_DOMAIN;
	ind.value = "Evil.Example.com";
	return ind;
}

static enum isac_err check(void **state, const Isac1__Indicator *ind)
{
	struct wire_value value;
	struct wire_why why;

	return wire_indicator_check(&value, ind, *state, &why);
}

static void a_good_one_passes(void **state)
{
	char *tags[] = {"botnet", "\xe6\x97\xa5\xe6\x9c\xac"}, *refs[] = {"https://example.com/report"};
	Isac1__Indicator ind = good();
	struct wire_value value;

	ind.raw = "evil[.]example.com '; DROP TABLE r;-- <script> $$ \\x27";
	ind.description = "d";
	ind.tags = tags;
	ind.n_tags = 2;
	ind.references = refs;
	ind.n_references = 1;
	ind.country = "JP";
	ind.confidence_plus1 = 101;
	ind.severity_plus1 = 11;
	ind.first_seen_us = ind.last_seen_us = 1700000000000000;
	ind.valid_from_us = 1700000000000000;
	ind.valid_until_us = 253402300799999999; /* 9999-12-31T23:59:59.999999Z */
	assert_int_equal(wire_indicator_check(&value, &ind, *state, NULL), ISAC_OK);
	assert_string_equal(value.text, "evil.example.com");
}

static void numbers_have_ranges(void **state)
{
	Isac1__Indicator ind = good();

	ind.confidence_plus1 = 102;
	assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
	ind.confidence_plus1 = UINT32_MAX;
	assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
	ind.confidence_plus1 = 0;
	ind.severity_plus1 = 12;
	assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
}

static void times_have_ranges_and_order(void **state)
{
	static const struct {
		int64_t first, last, from, until;
		enum isac_err err;
	} rows[] = {
		{0, 0, 0, 0, ISAC_OK},
		{1, 1, 1, 2, ISAC_OK},
		{0, 5, 0, 5, ISAC_OK},
		{5, 0, 5, 0, ISAC_OK},
		{-1, 0, 0, 0, ISAC_ERR_BAD_VALUE},
		{0, -1, 0, 0, ISAC_ERR_BAD_VALUE},
		{0, 0, INT64_MIN, 0, ISAC_ERR_BAD_VALUE},
		{0, 0, 0, 253402300800000000, ISAC_ERR_BAD_VALUE},
		{2, 1, 0, 0, ISAC_ERR_BAD_VALUE},
		{0, 0, 2, 1, ISAC_ERR_BAD_VALUE},
		{0, 0, 2, 2, ISAC_ERR_BAD_VALUE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Isac1__Indicator ind = good();

		ind.first_seen_us = rows[i].first;
		ind.last_seen_us = rows[i].last;
		ind.valid_from_us = rows[i].from;
		ind.valid_until_us = rows[i].until;
		if (check(state, &ind) != rows[i].err) fail_msg("row %zu", i);
	}
}

static void countries_are_two_upper_case_letters(void **state)
{
	static char *const bad[] = {"J", "jp", "JPN", "J1", "J ", "\xc3\x9c"};
	Isac1__Indicator ind = good();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ind.country = bad[i];
		assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
	}
}

static void texts_are_readable_and_bounded(void **state)
{
	static char *const bad[] = {"a\nb",
				    "\x1b[2J",
				    "a\xe2\x80\xae"
				    "b",
				    "a\xe2\x80\x8b"
				    "b",
				    "\x7f",
				    "\xc2\x85"};
	char text[8194], *one[1];
	Isac1__Indicator ind;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		one[0] = bad[i];
		ind = good();
		ind.raw = bad[i];
		assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
		ind = good();
		ind.description = bad[i];
		assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
		ind = good();
		ind.tags = one;
		ind.n_tags = 1;
		assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
		ind = good();
		ind.references = one;
		ind.n_references = 1;
		assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
	}
	memset(text, 'a', sizeof(text));
	text[1025] = 0;
	ind = good();
	ind.description = text;
	assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
	text[1024] = 0;
	assert_int_equal(check(state, &ind), ISAC_OK);
	ind = good();
	ind.tags = (char *[]){text};
	ind.n_tags = 1;
	text[129] = 0;
	assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
	text[128] = 0;
	assert_int_equal(check(state, &ind), ISAC_OK);
	text[0] = 0;
	assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
	memset(text, 'a', sizeof(text));
	ind = good();
	ind.raw = text;
	text[2049] = 0;
	assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
	ind.type = WIRE_VALUE_URL;
	ind.value = "http://example.com/";
	assert_int_equal(check(state, &ind), ISAC_OK);
	text[2049] = 'a';
	text[8193] = 0;
	assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
}

static void lists_are_bounded(void **state)
{
	char *many[33];
	Isac1__Indicator ind = good();

	for (size_t i = 0; i < 33; i++) many[i] = "t";
	ind.tags = many;
	ind.n_tags = 32;
	assert_int_equal(check(state, &ind), ISAC_OK);
	ind.n_tags = 33;
	assert_int_equal(check(state, &ind), ISAC_ERR_TOO_LARGE);
	ind = good();
	ind.references = many;
	ind.n_references = 16;
	assert_int_equal(check(state, &ind), ISAC_OK);
	ind.n_references = 17;
	assert_int_equal(check(state, &ind), ISAC_ERR_TOO_LARGE);
}

static void the_value_counts(void **state)
{
	Isac1__Indicator ind = good();

	ind.value = "";
	assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
	ind = good();
	ind.type = 20;
	assert_int_equal(check(state, &ind), ISAC_ERR_BAD_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one_passes),
		cmocka_unit_test(numbers_have_ranges),
		cmocka_unit_test(times_have_ranges_and_order),
		cmocka_unit_test(countries_are_two_upper_case_letters),
		cmocka_unit_test(texts_are_readable_and_bounded),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(the_value_counts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
