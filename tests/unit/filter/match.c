/* What a filter matches, by tests/data/filter.eval; and sets of filters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "item.h"

static const int64_t now_us = 1769846400000000; /* 2026-01-31T08:00:00Z */

static void check_row(char *line, int number)
{
	char *filter = strchr(line, '\t'), *item;
	struct filter_error why;
	struct test_item t;
	struct filter *f;
	bool want = line[0] == 'y';

	assert_non_null(filter);
	*filter++ = '\0';
	item = strchr(filter, '\t');
	assert_non_null(item);
	*item++ = '\0';
	assert_string_equal(line, want ? "yes" : "no");
	if (!test_item_read(&t, item)) fail_msg("line %d: the value is none", number);
	if (filter_parse(&f, filter, strlen(filter), now_us, &why)) fail_msg("line %d: %s: %s", number, filter, why.text);
	if (filter_match(f, &t.report, 0, &test_self) != want) fail_msg("line %d: %s: should be %s", number, filter, line);
	assert_false(filter_match(f, &t.report, 1, &test_self)); /* no such item */
	t.report.items = NULL;					 /* erased */
	assert_false(filter_match(f, &t.report, 0, &test_self));
	filter_destroy(&f);
	test_item_clear(&t);
}

static void follows_the_table(void **state)
{
	FILE *file = fopen(TEST_SOURCE_DIR "/tests/data/filter.eval", "r");
	char *line = NULL;
	size_t size = 0;
	int number = 0, rows = 0;

	(void)state;
	assert_non_null(file);
	while (getline(&line, &size, file) > 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#') continue;
		check_row(line, number);
		rows++;
	}
	assert_true(rows > 200);
	free(line);
	fclose(file);
}

static void nothing_is_mine_without_a_member(void **state)
{
	char line[] = "type=ipv4; value=203.0.113.9";
	struct test_item t;
	struct filter *f;

	(void)state;
	assert_true(test_item_read(&t, line));
	assert_int_equal(filter_parse(&f, "mine", 4, now_us, NULL), ISAC_OK);
	assert_true(filter_match(f, &t.report, 0, &test_self));
	assert_false(filter_match(f, &t.report, 0, NULL));
	filter_destroy(&f);
	test_item_clear(&t);
}

static void collect(void *arg, uint32_t id)
{
	uint32_t *hits = arg;

	assert_true(id < 32);
	assert_false(*hits >> id & 1); /* each once */
	*hits |= 1u << id;
}

static void sets_find_all_that_match(void **state)
{
	static const char *const texts[] = {"true", "type = ipv4", "type = domain", "mine", "not mine"};
	char line[] = "type=ipv4; value=203.0.113.9";
	struct filter *f[5];
	struct filter_set *set;
	struct test_item t;
	uint32_t hits = 0;

	(void)state;
	assert_true(test_item_read(&t, line));
	assert_int_equal(filter_set_new(&set), ISAC_OK);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(filter_parse(&f[i], texts[i], strlen(texts[i]), now_us, NULL), ISAC_OK);
		assert_int_equal(filter_set_add(set, i, f[i], &test_self), ISAC_OK);
	}
	assert_int_equal(filter_set_add(set, 3, f[0], &test_self), ISAC_ERR_CONFLICT);
	assert_int_equal(filter_set_add(set, 7, f[3], NULL), ISAC_OK);
	filter_set_match(set, &t.report, 0, collect, &hits);
	assert_int_equal(hits, 1 | 2 | 8);
	filter_set_remove(set, 0);
	filter_set_remove(set, 0);
	filter_set_remove(set, 99);
	hits = 0;
	filter_set_match(set, &t.report, 0, collect, &hits);
	assert_int_equal(hits, 2 | 8);
	assert_int_equal(filter_set_add(set, 0, f[0], &test_self), ISAC_OK);
	hits = 0;
	filter_set_match(set, &t.report, 0, collect, &hits);
	assert_int_equal(hits, 1 | 2 | 8);
	filter_set_destroy(&set);
	filter_set_destroy(&set);
	for (uint32_t i = 0; i < 5; i++) filter_destroy(&f[i]);
	test_item_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_table),
		cmocka_unit_test(nothing_is_mine_without_a_member),
		cmocka_unit_test(sets_find_all_that_match),
	};

	if (wire_init()) return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
