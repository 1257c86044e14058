/* The spool: the same bytes come back, in the order of making, to one taker at a time; and what is refused is put aside. */
#include "home.h"
#include <sys/stat.h>

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

static struct isac_report make(const char *value)
{
	struct isac_batch *batch;
	struct isac_report report;
	struct isac_report_conf conf = {.tlp = ISAC_TLP_GREEN};
	struct isac_indicator ind = {.value = value, .confidence = -1, .severity = -1};
	assert_int_equal(isac_batch_open(&batch, isac, &conf, 10, 0, NULL), ISAC_DONE);
	assert_int_equal(isac_batch_add(batch, &ind, NULL), ISAC_BATCH_ADDED);
	assert_int_equal(isac_batch_seal(batch, &report, NULL), ISAC_DONE);
	isac_batch_close(&batch);
	return report;
}

static size_t waiting(char ***names)
{
	size_t n;
	assert_int_equal(isac_spool_list(names, &n, at.home, NULL), ISAC_DONE);
	return n;
}

static void forget(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++) free(names[i]);
	free(names);
}

static void what_was_put_comes_back_byte_for_byte(void **state)
{
	(void)state;
	struct isac_report made = make("198.51.100.1"), again;
	struct isac_spooled file;
	struct stat st;
	char **names;
	assert_int_equal(isac_spool_put(&file, at.home, &made, NULL), ISAC_DONE);
	assert_int_equal(stat(file.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	isac_spool_release(&file);
	assert_int_equal(waiting(&names), 1);
	assert_int_equal(isac_spool_take(&file, &again, at.home, names[0], NULL), ISAC_DONE);
	assert_int_equal(again.len, made.len);
	assert_memory_equal(again.data, made.data, made.len);
	assert_memory_equal(again.id, made.id, ISAC_ID_BYTES);
	assert_int_equal(isac_spool_remove(&file, NULL), ISAC_DONE);
	forget(names, 1);
	assert_int_equal(waiting(&names), 0);
	forget(names, 0);
	isac_report_clear(&made);
	isac_report_clear(&again);
}

static void order_is_by_id_and_ids_begin_with_the_time(void **state)
{
	(void)state;
	/* Ids by hand: 2026-01-01 and 2025-01-01 in milliseconds, written in the wrong order. */
	static const uint8_t newer[16] = {0x01, 0x9b, 0x76, 0xda, 0xa8, 0x00, 0x70, [8] = 0x80},
			     older[16] = {0x01, 0x94, 0x1f, 0x29, 0x7c, 0x00, 0x70, [8] = 0x80};
	struct isac_report made = make("198.51.100.2");
	struct isac_spooled file;
	char **names;
	memcpy(made.id, newer, 16);
	assert_int_equal(isac_spool_put(&file, at.home, &made, NULL), ISAC_DONE);
	isac_spool_release(&file);
	memcpy(made.id, older, 16);
	assert_int_equal(isac_spool_put(&file, at.home, &made, NULL), ISAC_DONE);
	isac_spool_release(&file);
	assert_int_equal(waiting(&names), 2);
	assert_string_equal(names[0], "01941f29-7c00-7000-8000-000000000000.report");
	assert_string_equal(names[1], "019b76da-a800-7000-8000-000000000000.report");
	forget(names, 2);
	isac_report_clear(&made);
}

static void a_claimed_report_is_not_given_twice(void **state)
{
	(void)state;
	struct isac_report made = make("198.51.100.3"), again;
	struct isac_spooled mine, other;
	char name[64], id[37];
	assert_int_equal(isac_spool_put(&mine, at.home, &made, NULL), ISAC_DONE);
	isac_id_text(id, made.id);
	snprintf(name, sizeof name, "%s.report", id);
	assert_int_equal(isac_spool_take(&other, &again, at.home, name, NULL), ISAC_QUIET);
	isac_spool_release(&mine);
	assert_int_equal(isac_spool_take(&other, &again, at.home, name, NULL), ISAC_DONE);
	isac_report_clear(&again);
	assert_int_equal(isac_spool_remove(&other, NULL), ISAC_DONE);
	assert_int_equal(isac_spool_take(&other, &again, at.home, name, NULL), ISAC_QUIET);
	isac_report_clear(&made);
}

static void a_refused_report_is_put_aside(void **state)
{
	(void)state;
	struct isac_report made = make("198.51.100.4");
	struct isac_spooled file;
	char aside[200], id[37], **names;
	assert_int_equal(isac_spool_put(&file, at.home, &made, NULL), ISAC_DONE);
	assert_int_equal(isac_spool_refuse(&file, NULL), ISAC_DONE);
	isac_id_text(id, made.id);
	snprintf(aside, sizeof aside, "%s/spool/refused/%s.report", at.home, id);
	assert_int_equal(access(aside, R_OK), 0);
	assert_int_equal(waiting(&names), 0);
	forget(names, 0);
	isac_report_clear(&made);
}

static void rubbish_in_the_spool_is_refused(void **state)
{
	(void)state;
	struct isac_spooled file;
	struct isac_report report;
	struct isac_error err;
	char path[200];
	struct isac_report made = make("198.51.100.5");
	assert_int_equal(isac_spool_put(&file, at.home, &made, NULL), ISAC_DONE);
	isac_spool_remove(&file, NULL);
	snprintf(path, sizeof path, "%s/spool/x.report", at.home);
	test_write(path, "rubbish", 7);
	assert_int_equal(isac_spool_take(&file, &report, at.home, "x.report", &err), ISAC_REFUSED);
	assert_null(report.data);
	isac_spool_release(&file);
	isac_report_clear(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_put_comes_back_byte_for_byte, begin, finish),
		cmocka_unit_test_setup_teardown(order_is_by_id_and_ids_begin_with_the_time, begin, finish),
		cmocka_unit_test_setup_teardown(a_claimed_report_is_not_given_twice, begin, finish),
		cmocka_unit_test_setup_teardown(a_refused_report_is_put_aside, begin, finish),
		cmocka_unit_test_setup_teardown(rubbish_in_the_spool_is_refused, begin, finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
