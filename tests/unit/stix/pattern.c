/* Which patterns are lists of values, which say more, which are none: tests/data/stix.patterns, a case a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "stix/stix.h"
#include "wire/wire.h"

static void cases_of_the_file(void **state)
{
	char line[8192], got[8192], reason[300];
	unsigned n = 0;
	FILE *in = fopen(TEST_SOURCE_DIR "/tests/data/stix.patterns", "r");
	(void)state;
	assert_non_null(in);
	while (fgets(line, sizeof line, in)) {
		struct stix_pattern p;
		line[strcspn(line, "\n")] = 0;
		if (!*line || *line == '#') continue;
		char *pattern = strchr(line, '\t'), *expected = line;
		assert_non_null(pattern);
		*pattern++ = 0;
		enum stix_pattern_sort sort = stix_pattern_read(&p, pattern, strlen(pattern), reason, sizeof reason);
		size_t len = (size_t)snprintf(got, sizeof got, "%s",
					      sort == STIX_PATTERN_BAD	   ? "bad"
					      : sort == STIX_PATTERN_OTHER ? "other"
									   : "");
		for (size_t i = 0; i < p.n; i++)
			len += (size_t)snprintf(got + len, sizeof got - len, "%s%s=%s", i ? " " : "", p.value[i].type, p.value[i].value);
		if (strcmp(got, expected) != 0) fail_msg("%s is '%s' and not '%s' (%s)", pattern, got, expected, reason);
		if (sort != STIX_PATTERN_VALUES) assert_true(*reason);
		stix_pattern_clear(&p);
		n++;
	}
	fclose(in);
	assert_true(n > 60);
}

static void what_is_written_is_read(void **state)
{
	static const char *const values[][2] = {{"ipv4", "198.51.100.3"},
						{"ipv6", "2a00::1"},
						{"cidr", "203.0.113.0/24"},
						{"cidr", "2a00::/32"},
						{"domain", "evil.example"},
						{"url", "http://e.example/'\\x"},
						{"email", "a'b@e.example"},
						{"filename", "C:\\a'b\\\\"},
						{"asn", "64512001"},
						{"user-agent", "x '1'"},
						{"mutex", "\\"},
						{"registry-key", "HKEY_USERS\\x"},
						{"bitcoin", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"},
						{"cve", "CVE-2026-1234"},
						{"ja3", "0123456789abcdef0123456789abcdef"}};
	char text[400], reason[300];
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct stix_pattern p;
		assert_true(stix_pattern_write(text, sizeof text, values[i][0], values[i][1]));
		assert_int_equal(stix_pattern_read(&p, text, strlen(text), reason, sizeof reason), STIX_PATTERN_VALUES);
		assert_int_equal(p.n, 1);
		assert_string_equal(p.value[0].type, values[i][0]);
		assert_string_equal(p.value[0].value, values[i][1]);
		stix_pattern_clear(&p);
	}
	assert_false(stix_pattern_write(text, sizeof text, "carrier-pigeon", "x"));
	assert_false(stix_pattern_write(text, 20, "domain", "evil.example"));
	for (size_t size = 0; size < 40; size++) stix_pattern_write(text, size, "filename", "''''");
}

/* Sizes at their limits, and every prefix of a long pattern. */
static void limits(void **state)
{
	enum { DEEP = 100000 };
	char reason[300], *text = malloc(2 * DEEP + 100);
	struct stix_pattern p;
	(void)state;
	assert_non_null(text);
	for (int depth = STIX_PATTERN_DEPTH_MAX; depth <= STIX_PATTERN_DEPTH_MAX + 1; depth++) {
		memset(text, '(', (size_t)depth);
		strcpy(text + depth, "[url:value='x']");
		size_t n = strlen(text);
		memset(text + n, ')', (size_t)depth);
		enum stix_pattern_sort sort = stix_pattern_read(&p, text, n + (size_t)depth, reason, sizeof reason);
		assert_int_equal(sort, depth > STIX_PATTERN_DEPTH_MAX ? STIX_PATTERN_BAD : STIX_PATTERN_VALUES);
		stix_pattern_clear(&p);
	}
	memset(text, '[', DEEP);
	assert_int_equal(stix_pattern_read(&p, text, STIX_PATTERN_LENGTH_MAX, reason, sizeof reason), STIX_PATTERN_BAD);
	stix_pattern_clear(&p);
	assert_int_equal(stix_pattern_read(&p, text, STIX_PATTERN_LENGTH_MAX + 1, reason, sizeof reason), STIX_PATTERN_BAD);
	stix_pattern_clear(&p);
	for (int n = STIX_PATTERN_VALUES_MAX; n <= STIX_PATTERN_VALUES_MAX + 1; n++) {
		size_t len = (size_t)sprintf(text, "[url:value IN ('0'");
		for (int i = 1; i < n; i++) len += (size_t)sprintf(text + len, ",'%d'", i);
		len += (size_t)sprintf(text + len, ")]");
		enum stix_pattern_sort sort = stix_pattern_read(&p, text, len, reason, sizeof reason);
		assert_int_equal(sort, n > STIX_PATTERN_VALUES_MAX ? STIX_PATTERN_OTHER : STIX_PATTERN_VALUES);
		assert_int_equal(p.n, n > STIX_PATTERN_VALUES_MAX ? 0 : n);
		stix_pattern_clear(&p);
	}
	static const char whole[] = "([a:b.'c'[*] NOT IN ('x', 1, h'00') AND EXISTS d:e] OR [f:g LIKE '\\'']) START "
				    "t'2016-06-01T01:30:00Z' STOP t'2016-06-01T02:30:00Z' /* */ WITHIN 1.5 SECONDS";
	for (size_t n = 0; n <= strlen(whole); n++) {
		char *exact = malloc(n + 1); /* so that a step too far is seen */
		memcpy(exact, whole, n);
		assert_int_not_equal(stix_pattern_read(&p, exact, n, reason, sizeof reason), STIX_PATTERN_VALUES);
		stix_pattern_clear(&p);
		free(exact);
	}
	assert_int_equal(stix_pattern_read(&p, whole, strlen(whole), reason, sizeof reason), STIX_PATTERN_OTHER);
	stix_pattern_clear(&p);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_of_the_file),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
