/*
 * The matcher, the normal form and the index against oracle.py, which was written from the specification alone: random filters and
 * items, every filter with every item; and sets of filters that come and go, every set with every item. ISAC_ORACLE="FILTERS ITEMS SEED"
 * runs another or a longer comparison, for example "1000 1000 7".
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
enum { ITEMS_MAX = 100000, PLACES = 192, CHECK_EVERY = 64, ID_FIRST = 3000000000u };

/* A filter in the set, up to twice: under two ids, from two texts. */
struct place {
	struct filter *f[2];
	bool in[2];
	char *bits;
};
struct sets {
	struct filter_set *set;
	struct place places[PLACES];
	uint8_t hits[2 * PLACES];
	size_t pairs;
	unsigned seed;
};

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

static void put(struct sets *s, uint32_t at, unsigned copy, bool in)
{
	struct place *place = &s->places[at];
	uint32_t id = ID_FIRST + 2 * at + copy;

	if (place->in[copy] == in) return;
	if (in) assert_int_equal(filter_set_add(s->set, id, place->f[copy], &test_self), ISAC_OK);
	else filter_set_remove(s->set, id);
	place->in[copy] = in;
}

static void leave(struct sets *s, uint32_t at)
{
	for (unsigned copy = 0; copy < 2; copy++) {
		put(s, at, copy, false);
		filter_destroy(&s->places[at].f[copy]);
	}
	free(s->places[at].bits);
	s->places[at].bits = NULL;
}

static void count_hit(void *arg, uint32_t id)
{
	struct sets *s = arg;

	assert_true(id >= ID_FIRST && id - ID_FIRST < 2 * PLACES);
	s->hits[id - ID_FIRST]++;
}

/* Every id once if its filter matches, and no other. */
static void check_sets(struct sets *s, struct test_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		memset(s->hits, 0, sizeof(s->hits));
		filter_set_match(s->set, &items[i].report, 0, count_hit, s);
		for (uint32_t at = 0; at < 2 * PLACES; at++) {
			const struct place *place = &s->places[at / 2];
			bool want = place->in[at % 2] && place->bits[i] == '1';

			if (s->hits[at] != want)
				fail_msg("item %zu (%s): the set says %u of %s", i, items[i].ind.value, s->hits[at],
					 place->f[at % 2] ? filter_text(place->f[at % 2]) : "a filter that is not there");
			s->pairs += place->in[at % 2];
		}
	}
}

static void count_none(void *arg, uint32_t id)
{
	(void)arg;
	fail_msg("an empty set says %u", id);
}

static void set_filter(struct sets *s, size_t number, struct filter *f, const char *bits, struct test_item *items, size_t n)
{
	uint32_t at = (uint32_t)(number % PLACES);

	leave(s, at);
	s->places[at].bits = strdup(bits);
	s->places[at].f[0] = f;
	assert_int_equal(filter_parse(&s->places[at].f[1], filter_text(f), strlen(filter_text(f)), now_us, NULL), ISAC_OK);
	put(s, at, 0, true);
	for (int i = 0; i < 4; i++) {
		at = (uint32_t)rand_r(&s->seed) % PLACES;
		if (s->places[at].bits) put(s, at, (unsigned)rand_r(&s->seed) % 2, rand_r(&s->seed) % 3 > 0);
	}
	if (number % CHECK_EVERY == CHECK_EVERY - 1) check_sets(s, items, n);
}

static unsigned check_filter(struct sets *s, size_t number, char *line, struct test_item *items, size_t n)
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
	set_filter(s, number, f, bits, items, n);
	return matched;
}

static void agrees_with_the_oracle(void **state)
{
	char script[] = TEST_SOURCE_DIR "/tests/unit/filter/oracle.py", python[] = "python3", size[] = "250", count[] = "200", seed[] = "1";
	char *args[] = {python, script, size, count, seed, NULL}, *asked = getenv("ISAC_ORACLE"), *copy = NULL, *line = NULL, *save;
	struct test_item *items = calloc(ITEMS_MAX, sizeof(*items));
	size_t n = 0, room = 0, filters = 0, matched = 0;
	static struct sets sets = {.seed = 1};
	pid_t pid;
	int status;
	FILE *in;

	(void)state;
	assert_int_equal(filter_set_new(&sets.set), ISAC_OK);
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
			matched += check_filter(&sets, filters++, line + 2, items, n);
		}
	}
	fclose(in);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(filters, strtoul(args[2], NULL, 10));
	assert_int_equal(n, strtoul(args[3], NULL, 10));
	/* Neither nothing nor everything: the comparison says something. */
	assert_true(matched > filters * n / 10 && matched < filters * n * 9 / 10);
	print_message("%zu pairs, %zu matches; %zu pairs through sets\n", filters * n, matched, sets.pairs);
	for (uint32_t at = 0; at < PLACES; at++) leave(&sets, at);
	for (size_t i = 0; i < n; i++) filter_set_match(sets.set, &items[i].report, 0, count_none, NULL);
	filter_set_destroy(&sets.set);
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
