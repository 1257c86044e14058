/* Times and spans: what is understood, what is not, and what is written. Expected numbers are from `date -u -d ... +%s`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "cli.h"

#define S 1000000LL

static void times_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
		{"2026-01-31T12:00:00Z", 1769860800 * S},
		{"2026-01-31", 1769817600 * S},
		{"2026-01-31 12:00:00", 1769860800 * S},
		{"2026-01-31T12:00:00+02:00", 1769853600 * S},
		{"2026-01-31T12:00:00-0130", 1769866200 * S},
		{"2026-01-31T12:00Z", 1769860800 * S},
		{"2026-01-31T12:00:00.25Z", 1769860800 * S + 250000},
		{"2026-01-31t12:00:00.1234567z", 1769860800 * S + 123456},
		{"2024-02-29", 1709164800 * S},
		{"1970-01-01T00:00:00Z", 0},
		{"2026-01-31 12:00:00 UTC", 1769860800 * S},
		{"2022-12-07 20:28:11 -0600", 1670466491 * S},
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		int64_t us = -1;
		if (!cli_time_parse(&us, good[i].text)) fail_msg("%s is not read", good[i].text);
		assert_int_equal(us, good[i].us);
	}
}

static void nonsense_is_not_a_time(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
					  "yesterday",
					  "2026",
					  "2026-1-1",
					  "2026-02-30",
					  "2025-02-29",
					  "2026-13-01",
					  "2026-00-01",
					  "2026-01-32",
					  "2026-01-01T",
					  "2026-01-01T25:00:00Z",
					  "2026-01-01T12:60:00Z",
					  "2026-01-01T12:00:00X",
					  "2026-01-01T12:00:00.Z",
					  "2026-01-01x",
					  "1969-12-31",
					  "2026-01-01T12:00:00+25:00",
					  " 2026-01-01",
					  "1970-01-01T00:00:00+01:00",
					  "2026-01-01T12"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int64_t us;
		if (cli_time_parse(&us, bad[i])) fail_msg("'%s' is read as a time", bad[i]);
	}
}

static void spans_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {{"90s", 90 * S}, {"30m", 1800 * S}, {"12h", 43200 * S}, {"30d", 2592000 * S}, {"2w", 1209600 * S}, {"0s", 0}};
	static const char *const bad[] = {"", "d", "30", "30x", "-1d", "1.5h", "30dd", " 1d", "99999999999999999999d"};
	int64_t us;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(cli_time_span(&us, good[i].text));
		assert_int_equal(us, good[i].us);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (cli_time_span(&us, bad[i])) fail_msg("'%s' is read as a span", bad[i]);
}

static void times_are_written_in_utc(void **state)
{
	(void)state;
	char text[CLI_TIME_BYTES];
	cli_time_format(text, 1769860800 * S);
	assert_string_equal(text, "2026-01-31T12:00:00Z");
	cli_time_format(text, 1769860800 * S + 42);
	assert_string_equal(text, "2026-01-31T12:00:00.000042Z");
	cli_time_format(text, 0);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(nonsense_is_not_a_time),
		cmocka_unit_test(spans_are_read),
		cmocka_unit_test(times_are_written_in_utc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
