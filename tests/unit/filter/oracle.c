/*
 * The matcher and the normal form against oracle.py, which was written from the specification alone: random filters and
 * items, every filter with every item. ISAC_ORACLE="FILTERS ITEMS SEED" runs another or a longer comparison, for example "1000 1000 7".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "item.h"

static const int64_t now_us = 1769846400000000; /* 2026-01-31T08:00:00Z */
enum { ITEMS_MAX = 100000 };

static FILE *start_oracle(pid_t *pid, char **args)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	*pid = fork();
	assert_true(*pid >= 0);
	if (*pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execvp("python3", args);
		_exit(127);
	}
	close(ends[1]);
	return fdopen(ends[0], "r");
}

static unsigned check_filter(char *line, struct test_item *items, size_t n)
{
	char *normal = strchr(line, '\t'), *bits;
	struct filter_error why;
	struct filter *f;
	unsigned matched = 0;

	assert_non_null(normal);
	*normal++ = '\0';
	bits = strchr(normal, '\t');
	assert_non_null(bits);
	*bits++ = '\0';
	assert_int_equal(strlen(bits), n);
	if (filter_parse(&f, line, strlen(line), now_us, &why)) fail_msg("%s: %s", line, why.text);
	if (strcmp(filter_text(f), normal) != 0) fail_msg("%s: normal form is %s, should be %s", line, filter_text(f), normal);
	for (size_t i = 0; i < n; i++) {
		bool holds = filter_match(f, &items[i].report, 0, &test_self);

		if (holds != (bits[i] == '1')) fail_msg("item %zu (%s): %s: should be %c", i, items[i].ind.value, line, bits[i]);
		matched += holds;
	}
	filter_destroy(&f);
	return matched;
}

static void agrees_with_the_oracle(void **state)
{
	char script[] = TEST_SOURCE_DIR "/tests/unit/filter/oracle.py", python[] = "python3", size[] = "250", count[] = "200", seed[] = "1";
	char *args[] = {python, script, size, count, seed, NULL}, *asked = getenv("ISAC_ORACLE"), *copy = NULL, *line = NULL, *save;
	struct test_item *items = calloc(ITEMS_MAX, sizeof(*items));
	size_t n = 0, room = 0, filters = 0, matched = 0;
	pid_t pid;
	int status;
	FILE *in;

	(void)state;
	if (asked) {
		copy = strdup(asked);
		args[2] = strtok_r(copy, " ", &save);
		args[3] = strtok_r(NULL, " ", &save);
		args[4] = strtok_r(NULL, " ", &save);
	}
	in = start_oracle(&pid, args);
	while (getline(&line, &room, in) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == 'I') {
			assert_true(n < ITEMS_MAX);
			if (!test_item_read(&items[n++], line + 2)) fail_msg("no value: %s", line);
		} else {
			matched += check_filter(line + 2, items, n);
			filters++;
		}
	}
	fclose(in);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(filters, strtoul(args[2], NULL, 10));
	assert_int_equal(n, strtoul(args[3], NULL, 10));
	/* Neither nothing nor everything: the comparison says something. */
	assert_true(matched > filters * n / 10 && matched < filters * n * 9 / 10);
	print_message("%zu pairs, %zu matches\n", filters * n, matched);
	for (size_t i = 0; i < n; i++) test_item_clear(&items[i]);
	free(items);
	free(line);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_the_oracle)};

	if (wire_init()) return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
