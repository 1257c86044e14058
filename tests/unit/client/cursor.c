/* The local cursor: what is written is read, a foreign or damaged one is refused, none is quiet. */
#include "home.h"

static struct test_home at;
static struct isac *isac;

static int begin(void **state)
{
	(void)state;
	test_home_begin(&at);
	test_home_keygen(&at);
	isac = test_home_open(&at, 100);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	isac_close(&isac);
	test_home_end(&at);
	return 0;
}

static void none_is_quiet(void **state)
{
	(void)state;
	struct isac_cursor c;
	assert_int_equal(isac_cursor_read(&c, isac, "soc", NULL), ISAC_QUIET);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	static const struct isac_cursor cases[] = {{0, 0, 0}, {1, 0, 0}, {41, 42, 999}, {UINT64_MAX, UINT64_MAX, UINT32_MAX}, {7, 0, 0}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct isac_cursor c;
		assert_int_equal(isac_cursor_write(isac, "soc", &cases[i], NULL), ISAC_DONE);
		assert_int_equal(isac_cursor_read(&c, isac, "soc", NULL), ISAC_DONE);
		assert_true(c.seq == cases[i].seq && c.part_seq == cases[i].part_seq && c.part_index == cases[i].part_index);
	}
}

static void the_file_is_one_line(void **state)
{
	(void)state;
	struct isac_cursor c = {.seq = 7, .part_seq = 8, .part_index = 2};
	char path[200], line[100] = "", want[100];
	assert_int_equal(isac_cursor_write(isac, "soc", &c, NULL), ISAC_DONE);
	snprintf(path, sizeof path, "%s/cursors/soc", at.home);
	snprintf(want, sizeof want, "isac-cursor 1 %s 7 8 2\n", at.hub.hub_id);
	FILE *in = fopen(path, "re");
	assert_non_null(in);
	size_t n = fread(line, 1, sizeof line - 1, in);
	fclose(in);
	line[n] = 0;
	assert_string_equal(line, want);
}

static void a_damaged_one_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
					  "7\n",
					  "isac-cursor 2 %s 7 0 0\n",
					  "isac-cursor 1 %s 7 0\n",
					  "isac-cursor 1 %s 7 0 0",
					  "isac-cursor 1 %s 7 0 0\n\n",
					  "isac-cursor 1 %s x 0 0\n"};
	struct isac_cursor c = {.seq = 1};
	struct isac_error err;
	char path[200], line[100];
	assert_int_equal(isac_cursor_write(isac, "soc", &c, NULL), ISAC_DONE);
	snprintf(path, sizeof path, "%s/cursors/soc", at.home);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *mark = strstr(bad[i], "%s");
		if (mark) snprintf(line, sizeof line, "%.*s%s%s", (int)(mark - bad[i]), bad[i], at.hub.hub_id, mark + 2);
		else snprintf(line, sizeof line, "%s", bad[i]);
		test_write(path, line, strlen(line));
		assert_int_equal(isac_cursor_read(&c, isac, "soc", &err), ISAC_MISUSED);
		assert_non_null(strstr(err.text, "damaged"));
	}
}

static void another_hubs_is_refused(void **state)
{
	(void)state;
	struct isac_cursor c = {.seq = 1};
	struct isac_error err;
	char path[200];
	assert_int_equal(isac_cursor_write(isac, "soc", &c, NULL), ISAC_DONE);
	snprintf(path, sizeof path, "%s/cursors/soc", at.home);
	static const char line[] = "isac-cursor 1 0000000000000000 7 0 0\n";
	test_write(path, line, sizeof line - 1);
	assert_int_equal(isac_cursor_read(&c, isac, "soc", &err), ISAC_MISUSED);
	assert_non_null(strstr(err.text, "belongs to the hub 0000000000000000"));
}

static void a_name_is_no_path(void **state)
{
	(void)state;
	struct isac_cursor c = {.seq = 1};
	assert_int_equal(isac_cursor_write(isac, "../soc", &c, NULL), ISAC_MISUSED);
	assert_int_equal(isac_cursor_read(&c, isac, "..", NULL), ISAC_MISUSED);
	assert_int_equal(isac_cursor_read(&c, isac, "", NULL), ISAC_MISUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(none_is_quiet, begin, finish),
		cmocka_unit_test_setup_teardown(what_is_written_is_read, begin, finish),
		cmocka_unit_test_setup_teardown(the_file_is_one_line, begin, finish),
		cmocka_unit_test_setup_teardown(a_damaged_one_is_refused, begin, finish),
		cmocka_unit_test_setup_teardown(another_hubs_is_refused, begin, finish),
		cmocka_unit_test_setup_teardown(a_name_is_no_path, begin, finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
