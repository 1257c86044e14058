/*
 * Why an item matches or not. Every row of tests/data/filter.eval is traced; what a trace says is checked by parsing other filters: each
 * test alone, and the whole with its tests replaced by `true` or `not true`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "item.h"

enum { TESTS_MAX = 64 };
static const int64_t now_us = 1769846400000000; /* 2026-01-31T08:00:00Z */

static bool matches(const char *text, const struct test_item *t)
{
	struct filter_error why;
	struct filter *f;
	bool got;

	if (filter_parse(&f, text, strlen(text), now_us, &why)) fail_msg("%s: column %u: %s", text, why.column, why.text);
	got = filter_match(f, &t->report, 0, &test_self);
	filter_destroy(&f);
	return got;
}

/* The filter with its tests replaced by these answers. */
static bool with_answers(const struct filter *f, const struct filter_trace *trace, const bool *answer, const struct test_item *t)
{
	static char text[1 << 17];
	const char *from = filter_text(f);
	size_t n = 0;

	for (uint32_t i = 0; i < filter_trace_tests(trace); i++) {
		const char *test = filter_trace_text(trace, i), *at = strstr(from, test);

		if (!at) fail_msg("%s does not hold, in its place, %s", filter_text(f), test);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s%s", (int)(at - from), from, answer[i] ? "true" : "(not true)");
		from = at + strlen(test);
	}
	snprintf(text + n, sizeof(text) - n, "%s", from);
	return matches(text, t);
}

static void check(const char *filter, const struct test_item *t, bool want, int number)
{
	bool holds[TESTS_MAX], blamed[TESTS_MAX], other[TESTS_MAX];
	struct filter_error why;
	struct filter_trace *trace;
	struct filter *f;
	uint32_t n;

	if (filter_parse(&f, filter, strlen(filter), now_us, &why)) fail_msg("line %d: %s: %s", number, filter, why.text);
	assert_int_equal(filter_trace_new(&trace, f), ISAC_OK);
	n = filter_trace_tests(trace);
	assert_in_range(n, 1, TESTS_MAX);
	if (filter_trace_item(trace, &t->report, 0, &test_self, holds, blamed) != want) fail_msg("line %d: %s", number, filter);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(matches(filter_trace_text(trace, i), t), holds[i]);
		if (want) assert_false(blamed[i]);
		/* A test that holds and is wanted, or neither, keeps nothing out. */
		if (blamed[i]) assert_int_equal(holds[i], filter_trace_negated(trace, i));
	}
	assert_int_equal(with_answers(f, trace, holds, t), want);
	for (uint32_t i = 0; i < n; i++) other[i] = holds[i] != blamed[i];
	assert_true(with_answers(f, trace, other, t));
	for (uint32_t i = 0; i < n; i++) other[i] = holds[i] == blamed[i];
	if (!want) assert_false(with_answers(f, trace, other, t));
	filter_trace_destroy(&trace);
	filter_trace_destroy(&trace);
	filter_destroy(&f);
}

static void agrees_with_the_table(void **state)
{
	FILE *file = fopen(TEST_SOURCE_DIR "/tests/data/filter.eval", "r");
	char *line = NULL;
	size_t size = 0;
	int number = 0, rows = 0;

	(void)state;
	assert_non_null(file);
	while (getline(&line, &size, file) > 0) {
		struct test_item t;
		char *filter, *item;

		number++;
		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#') continue;
		filter = strchr(line, '\t');
		*filter++ = '\0';
		item = strchr(filter, '\t');
		*item++ = '\0';
		assert_true(test_item_read(&t, item));
		check(filter, &t, line[0] == 'y', number);
		test_item_clear(&t);
		rows++;
	}
	assert_true(rows > 200);
	free(line);
	fclose(file);
}

/* By hand: filter, which tests hold, which are blamed, for a domain of confidence 40 tagged scanner. */
static const char *const BLAME[][3] = {
	{"type = ipv4", "0", "1"},
	{"not type = domain", "1", "1"},
	{"type = domain and confidence >= 60", "10", "01"},
	{"type = ipv4 and confidence >= 60", "00", "11"},
	{"type = ipv4 or confidence >= 60", "00", "11"},
	{"type = domain or confidence >= 60", "10", "00"},
	{"type = domain and (confidence >= 60 or tag = \"c2\") and tag = \"scanner\"", "1001", "0110"},
	{"not (type = domain and tag = \"scanner\")", "11", "11"},
	{"not (type = ipv4 or tag = \"scanner\") and confidence < 50", "011", "010"},
	{"(type = ipv4 and confidence < 50) or (type = domain and confidence > 50)", "0110", "1001"},
	{"mine and true", "01", "10"},
};

static void blames_what_kept_it_out(void **state)
{
	char line[] = "type=domain; value=evil.example; conf=40; tags=scanner";
	struct test_item t;

	(void)state;
	assert_true(test_item_read(&t, line));
	for (size_t i = 0; i < sizeof(BLAME) / sizeof(*BLAME); i++) {
		bool holds[TESTS_MAX], blamed[TESTS_MAX];
		char said[2][TESTS_MAX + 1] = {"", ""};
		struct filter_error why;
		struct filter_trace *trace;
		struct filter *f;

		assert_int_equal(filter_parse(&f, BLAME[i][0], strlen(BLAME[i][0]), now_us, &why), ISAC_OK);
		assert_int_equal(filter_trace_new(&trace, f), ISAC_OK);
		filter_trace_item(trace, &t.report, 0, &test_self, holds, blamed);
		for (uint32_t k = 0; k < filter_trace_tests(trace); k++) {
			said[0][k] = holds[k] ? '1' : '0';
			said[1][k] = blamed[k] ? '1' : '0';
		}
		assert_string_equal(said[0], BLAME[i][1]);
		assert_string_equal(said[1], BLAME[i][2]);
		filter_trace_destroy(&trace);
		filter_destroy(&f);
	}
	test_item_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_table),
		cmocka_unit_test(blames_what_kept_it_out),
	};

	return wire_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
