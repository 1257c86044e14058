/* The grammar, by tests/data/filter.rules, and the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "filter/filter.h"

static const int64_t now_us = 1769846400000000; /* 2026-01-31T08:00:00Z */

static char *cut(char **rest)
{
	char *field = *rest, *tab = field ? strchr(field, '\t') : NULL;

	*rest = tab ? tab + 1 : NULL;
	if (tab) *tab = '\0';
	return field;
}

static void check_good(const char *text, const char *normal, int line)
{
	struct filter_error why;
	struct filter *f = NULL, *again = NULL;

	if (filter_parse(&f, text, strlen(text), now_us, &why)) fail_msg("line %d: %s: %s", line, text, why.text);
	if (strcmp(filter_text(f), normal) != 0) fail_msg("line %d: %s: got %s, want %s", line, text, filter_text(f), normal);
	if (filter_parse(&again, normal, strlen(normal), now_us + 86400000000, &why)) fail_msg("line %d: %s: %s", line, normal, why.text);
	assert_string_equal(filter_text(again), normal);
	filter_destroy(&f);
	filter_destroy(&again);
	filter_destroy(&again);
	assert_null(again);
}

static void check_bad(unsigned code, unsigned column, const char *text, const char *expected, int line)
{
	struct filter_error why;
	struct filter *f = (struct filter *)&why;
	enum isac_err err = filter_parse(&f, text, strlen(text), now_us, &why);

	if (!err) fail_msg("line %d: %s was accepted as %s", line, text, filter_text(f));
	assert_null(f);
	assert_int_equal(err, why.err);
	if (isac_err_code(err) != code || why.column != column || !strstr(why.expected, expected))
		fail_msg("line %d: %s: got %u at %u, expected '%s'", line, text, isac_err_code(err), why.column, why.expected);
	assert_true(wire_text_ok(why.text, strlen(why.text)));
	assert_true(wire_text_ok(why.expected, strlen(why.expected)));
	assert_int_equal(filter_parse(&f, text, strlen(text), now_us, NULL), err);
}

static void follows_the_table(void **state)
{
	FILE *file = fopen(TEST_SOURCE_DIR "/tests/data/filter.rules", "r");
	char *line = NULL, *rest, *word, *first, *second;
	size_t size = 0;
	int number = 0, rows = 0;

	(void)state;
	assert_non_null(file);
	while (getline(&line, &size, file) > 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#') continue;
		rest = line;
		word = cut(&rest);
		first = cut(&rest);
		second = cut(&rest);
		assert_non_null(second);
		if (strcmp(word, "ok") == 0) {
			check_good(first, second, number);
		} else {
			assert_non_null(rest);
			check_bad((unsigned)atoi(word), (unsigned)atoi(first), second, rest, number);
		}
		rows++;
	}
	assert_true(rows > 200);
	free(line);
	fclose(file);
}

/* "tag in (t0000, t0001, ...)" with n values, or as many tests joined by `or`. */
static void make_terms(struct wire_buf *text, unsigned n, bool list)
{
	wire_buf_init(text, 1 << 20);
	if (list) wire_buf_printf(text, "tag in (");
	for (unsigned i = 0; i < n; i++) {
		wire_buf_printf(text, "%s", i ? (list ? "," : " or ") : "");
		wire_buf_printf(text, list ? "t%04u" : "tag=t%04u", i);
	}
	if (list) wire_buf_printf(text, ")");
}

static enum isac_err parse_buf(const struct wire_buf *text, struct filter_error *why)
{
	struct filter *f;
	enum isac_err err = filter_parse(&f, (const char *)text->data, text->len, now_us, why);

	filter_destroy(&f);
	return err;
}

static void counts_terms(void **state)
{
	(void)state;
	for (int list = 0; list < 2; list++) {
		struct filter_error why;
		struct wire_buf good, bad;

		make_terms(&good, 1000, list);
		make_terms(&bad, 1001, list);
		assert_int_equal(parse_buf(&good, &why), ISAC_OK);
		assert_int_equal(parse_buf(&bad, &why), ISAC_ERR_TOO_LARGE);
		assert_int_equal(why.column, bad.len - (list ? 6 : 5) + 1); /* the last value */
		wire_buf_clear(&good);
		wire_buf_clear(&bad);
	}
}

/* Ages become longer when they are resolved: what was small enough as typed could not be parsed again. */
static void counts_bytes(void **state)
{
	struct filter_error why;
	struct wire_buf text;

	(void)state;
	for (unsigned bytes = 65536; bytes <= 65537; bytes++) {
		wire_buf_init(&text, 1 << 20);
		wire_buf_printf(&text, "%*s", (int)bytes, "mine");
		assert_int_equal(parse_buf(&text, &why), bytes == 65536 ? ISAC_OK : ISAC_ERR_TOO_LARGE);
		wire_buf_clear(&text);
	}
	/* "valid_until = 2026-01-31T07:59:59Z" joined by " or " is 38 bytes: 999 of them are 37,962; as typed 17,982. */
	for (int tag = 27000; tag <= 28000; tag += 1000) {
		wire_buf_init(&text, 1 << 20);
		wire_buf_printf(&text, "tag=%0*d", tag, 0);
		for (int i = 0; i < 999; i++) wire_buf_printf(&text, " or valid_until=1s");
		assert_true(text.len < 65536);
		assert_int_equal(parse_buf(&text, &why), tag == 27000 ? ISAC_OK : ISAC_ERR_TOO_LARGE);
		wire_buf_clear(&text);
	}
}

/* Text that a C string cannot hold, or that is no UTF-8. */
static void refuses_bytes(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		unsigned column;
	} rows[] = {
		{"mine\0mine", 9, 5},
		{"tag = \"a\0b\"", 11, 7},
		{"tag = \"\xc3(\"", 10, 7},
		{"tag = \"\xed\xa0\x80\"", 11, 7},
		{"tag = \"a\nb\"", 11, 7},
		{"tag = \"\xe2\x80\xae\"", 11, 7},
		{"tag = \"\x1b[2J\"", 12, 7},
		{"tag = \"\xe2\x80\x8b\"", 11, 7},
		{"\xff", 1, 1},
	};
	struct filter_error why;
	struct filter *f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(filter_parse(&f, rows[i].text, rows[i].len, now_us, &why), ISAC_ERR_MALFORMED);
		assert_int_equal(why.column, rows[i].column);
		assert_true(wire_text_ok(why.text, strlen(why.text)));
	}
	assert_int_equal(filter_parse(&f, "mine \t\r\n and true", 17, now_us, &why), ISAC_OK);
	filter_destroy(&f);
}

static void names_what_only_history_knows(void **state)
{
	static const struct {
		const char *text;
		unsigned column;
	} rows[] = {
		{"true", 0},
		{"publisher = a", 0},
		{"publishers >= 2", 1},
		{"mine and (true or not sightings > 3)", 23},
	};
	struct filter_error why;
	struct filter *f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t column = 0;

		assert_int_equal(filter_parse(&f, rows[i].text, strlen(rows[i].text), now_us, &why), ISAC_OK);
		assert_int_equal(filter_history_only(f, &column), rows[i].column != 0);
		assert_int_equal(column, rows[i].column);
		assert_int_equal(filter_history_only(f, NULL), rows[i].column != 0);
		filter_destroy(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_table),
		cmocka_unit_test(counts_terms),
		cmocka_unit_test(counts_bytes),
		cmocka_unit_test(refuses_bytes),
		cmocka_unit_test(names_what_only_history_knows),
	};

	if (wire_init()) return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
