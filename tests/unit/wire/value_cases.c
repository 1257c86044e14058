/*
 * The table tests/data/value.cases against wire_value_canon: every row's verdict, canonical form and type, and for every accepted
 * value that its canonical form is a fixed point. Says all rows that are wrong, not only the first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "wire/wire.h"

enum { LINE_MAX_BYTES = 40000 };

struct row {
	uint32_t type, want_type;
	char verdict; /* o, h, r */
	char input[LINE_MAX_BYTES], canon[LINE_MAX_BYTES];
	size_t len, canon_len;
};

static int setup(void **state)
{
	(void)state;
	return wire_init() != ISAC_OK;
}

static size_t unescape(char *out, const char *s)
{
	size_t n = 0;

	for (; *s; n++) {
		if (s[0] == '\\' && s[1] == 'x') {
			uint8_t byte;

			assert_int_equal(wire_unhex(&byte, 1, s + 2, 2), ISAC_OK);
			out[n] = (char)byte;
			s += 4;
		} else {
			s += *s == '\\';
			out[n] = *s++;
		}
	}
	return n;
}

static bool parse(struct row *row, char *line)
{
	char *field[5] = {line, "", "", "", ""};
	int n = 1;

	line[strcspn(line, "\n")] = 0;
	if (line[0] == '#' || line[0] == 0) return false;
	for (char *tab = strchr(line, '\t'); tab && n < 5; tab = strchr(tab + 1, '\t')) {
		*tab = 0;
		field[n++] = tab + 1;
	}
	row->type = wire_value_type(field[0], strlen(field[0]));
	assert_int_not_equal(row->type, 0);
	row->want_type = field[4][0] ? wire_value_type(field[4], strlen(field[4])) : row->type;
	row->verdict = field[2][0];
	row->len = unescape(row->input, field[1]);
	row->canon_len = unescape(row->canon, field[3]);
	return true;
}

static bool judge(const struct row *row, struct wire_arena *arena)
{
	struct wire_value value, again;
	struct wire_why why = {.text = ""};
	const enum isac_err err = wire_value_canon(&value, row->type, row->input, row->len, arena, &why);

	if (row->verdict == 'r') return err == ISAC_ERR_BAD_VALUE && strlen(why.text) > 10;
	if (err || value.type != row->want_type || value.held != (row->verdict == 'h')) return false;
	if (value.len != row->canon_len || memcmp(value.text, row->canon, value.len + 1) != 0) return false;
	return wire_value_canon(&again, value.type, value.text, value.len, arena, NULL) == ISAC_OK && again.len == value.len &&
	       memcmp(again.text, value.text, value.len) == 0 && again.held == value.held && again.family == value.family &&
	       again.prefix == value.prefix && memcmp(again.addr, value.addr, sizeof(value.addr)) == 0;
}

static void every_row_holds(void **state)
{
	unsigned rows = 0, wrong = 0, accepted[WIRE_VALUE_END] = {0}, refused[WIRE_VALUE_END] = {0};
	static char line[LINE_MAX_BYTES];
	static struct row row;
	struct wire_arena arena;
	FILE *file = fopen(TEST_SOURCE_DIR "/tests/data/value.cases", "r");

	(void)state;
	assert_non_null(file);
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	for (unsigned number = 1; fgets(line, sizeof(line), file); number++) {
		memset(&row, 0, sizeof(row));
		if (!parse(&row, line)) continue;
		rows++;
		(row.verdict == 'r' ? refused : accepted)[row.type]++;
		if (!judge(&row, &arena)) {
			print_error("value.cases:%u: %s \"%.80s\" is not as the table says\n", number, wire_value_name(row.type),
				    row.input);
			wrong++;
		}
		wire_arena_reset(&arena);
	}
	fclose(file);
	wire_arena_clear(&arena);
	assert_true(rows >= 250);
	for (uint32_t type = 1; type < WIRE_VALUE_END; type++) {
		assert_true(accepted[type] > 0);
		assert_true(refused[type] > 0);
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_row_holds)};

	return cmocka_run_group_tests(tests, setup, NULL);
}
