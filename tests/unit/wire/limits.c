/* The table of limits in proto/README.md says what limits.def says, row for row; so does the list of message types' numbers. */
#include "vector.h"

static char *read_page(void)
{
	char *text = calloc(1, 1 << 20);
	FILE *in = fopen(TEST_SOURCE_DIR "/proto/README.md", "r");

	assert_non_null(text);
	assert_non_null(in);
	assert_true(fread(text, 1, (1 << 20) - 1, in) > 0);
	fclose(in);
	return text;
}

static void test_table(void **state)
{
	static const char *const rows[] = {
#define LIMIT(name, value, unit, reason) "| " #name " | " #value " | " unit " | " reason " |\n",
#include "wire/limits.def"
#undef LIMIT
	};
	static const char title[] = "| name | value | unit | reason |\n|---|---:|---|---|\n";
	char *page = read_page(), *at = strstr(page, title);

	(void)state;
	assert_non_null(at);
	at += strlen(title);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strncmp(at, rows[i], strlen(rows[i])) != 0) fail_msg("proto/README.md section 12 lacks, at its place: %s", rows[i]);
		at += strlen(rows[i]);
	}
	assert_int_equal(*at, '\n'); /* and not one row more */
	free(page);
}

/* Every wire code of err.def is explained in section 13. */
static void test_codes(void **state)
{
	char *page = read_page(), *at = strstr(page, "\n## 13. Codes\n"), code[16];

	(void)state;
	assert_non_null(at);
	for (int i = 0; i < ISAC_ERR_COUNT; i++) {
		snprintf(code, sizeof code, "%u ", isac_err_code(i));
		if (isac_err_code(i) && !strstr(at, code)) fail_msg("section 13 does not explain %s", code);
	}
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_codes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
