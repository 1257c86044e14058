/* Who may see what, by tests/data/audience.eval (made by audience.py); how names become an audience. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "member/member.h"

static uint32_t read_ids(int32_t *ids, char *text)
{
	uint32_t n = 0;
	char *save, *word;

	if (*text == '-') return 0;
	for (word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) ids[n++] = atoi(word);
	return n;
}

static void rule_follows_the_table(void **state)
{
	FILE *file = fopen(TEST_SOURCE_DIR "/tests/data/audience.eval", "r");
	char *line = NULL;
	size_t size = 0;
	int rows = 0, seen = 0;

	(void)state;
	assert_non_null(file);
	while (getline(&line, &size, file) > 0) {
		char text[3][32], answer[8];
		int32_t named[4], mine[4], recipients[4], publisher;
		unsigned tlp, suspended, client;
		struct member me = {.id = 7, .name = "me", .roles = 63, .groups = mine};
		struct member_audience a = {.groups = named, .recipients = recipients};

		if (line[0] == '#') continue;
		assert_int_equal(sscanf(line, "%u %31s %31s %31s %d %u %u %7s", &tlp, text[0], text[1], text[2], &publisher, &suspended,
					&client, answer),
				 8);
		a.tlp = tlp;
		me.suspended = suspended;
		me.client = client;
		a.groups_n = read_ids(named, text[0]);
		me.groups_n = read_ids(mine, text[1]);
		a.recipients_n = read_ids(recipients, text[2]);
		if (member_may_see(&me, &a, publisher) != (answer[0] == 'y')) fail_msg("should be %s: %s", answer, line);
		rows++;
		seen += answer[0] == 'y';
	}
	assert_int_equal(rows, 7 * 4 * 4 * 4 * 2 * 2 * 2);
	assert_true(seen > rows / 8 && seen < rows / 2);
	free(line);
	fclose(file);
}

/* ---- from names to ids ---------------------------------------------------------------- */
static struct member_roster *make_roster(void)
{
	static const int32_t groups[] = {10, 20};
	struct member m = {.id = 7, .name = "alice", .groups = groups, .groups_n = 2};
	struct member_roster *r;

	assert_int_equal(member_roster_new(&r, 1, ""), ISAC_OK);
	assert_int_equal(member_roster_add(r, &m), ISAC_OK);
	m = (struct member){.id = 3, .name = "bob"};
	assert_int_equal(member_roster_add(r, &m), ISAC_OK);
	m = (struct member){.id = 9, .name = "carol", .suspended = true};
	assert_int_equal(member_roster_add(r, &m), ISAC_OK);
	m = (struct member){.id = 11, .name = "carols-client", .client = true};
	assert_int_equal(member_roster_add(r, &m), ISAC_OK);
	assert_int_equal(member_roster_add_group(r, 20, "energy"), ISAC_OK);
	assert_int_equal(member_roster_add_group(r, 10, "finance"), ISAC_OK);
	assert_int_equal(member_roster_add_group(r, 30, "health"), ISAC_OK);
	return r;
}

static size_t split(char **out, char *text)
{
	size_t n = 0;
	char *save, *word;

	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) out[n++] = word;
	return n;
}

static void print_ids(char *out, size_t size, const int32_t *ids, uint32_t n)
{
	size_t used = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < n; i++) used += (size_t)snprintf(out + used, size - used, "%s%d", i ? " " : "", ids[i]);
}

static void resolves_names(void **state)
{
	static const struct {
		unsigned tlp;
		const char *groups, *recipients;
		unsigned code;
		const char *group_ids, *recipient_ids;
	} rows[] = {
		{1, "", "", 200, "", ""},
		{4, "", "", 200, "", ""},
		{2, "energy finance", "", 200, "10 20", ""},
		{2, "finance energy finance", "", 200, "10 20", ""},
		{5, "", "bob", 200, "", "3"},
		{5, "finance", "bob alice bob", 200, "10", "3 7"},
		{0, "", "", 422, "", ""},      /* no label */
		{6, "", "", 422, "", ""},      /* PURPLE */
		{5, "", "", 422, "", ""},      /* red for nobody */
		{5, "", "alice", 422, "", ""}, /* red for the publisher alone */
		{5, "", "alice alice", 422, "", ""},
		{5, "", "bob mallory", 422, "", ""},
		{5, "", "BOB", 422, "", ""},
		{5, "", "bob carol", 422, "", ""},	   /* she is shut out */
		{5, "", "bob carols-client", 422, "", ""}, /* a client is no recipient */
		{4, "", "bob", 422, "", ""},		   /* recipients without red */
		{1, "", "alice", 422, "", ""},
		{2, "nothing", "", 422, "", ""},
		{2, "health", "", 422, "", ""}, /* exists, but the publisher is not in it */
		{2, "finance health", "", 422, "", ""},
		{2, "Finance", "", 422, "", ""},
	};
	struct member_roster *r = make_roster();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char groups[64], recipients[64], *list[2][8], ids[64];
		struct wire_why why = {.text = ""};
		struct member_audience a;
		struct wire_arena arena;
		Isac1__Header h;
		enum isac_err err;

		isac1__header__init(&h);
		snprintf(groups, sizeof(groups), "%s", rows[i].groups);
		snprintf(recipients, sizeof(recipients), "%s", rows[i].recipients);
		h.tlp = rows[i].tlp;
		h.n_groups = split(list[0], groups);
		h.groups = list[0];
		h.n_recipients = split(list[1], recipients);
		h.recipients = list[1];
		wire_arena_init(&arena, 65536);
		err = member_audience_resolve(&a, r, member_roster_find(r, "alice"), &h, &arena, &why);
		if (isac_err_code(err) != rows[i].code) fail_msg("row %zu: got %u (%s)", i, isac_err_code(err), why.text);
		assert_int_equal(err != ISAC_OK, why.text[0] != '\0');
		if (!err) {
			assert_int_equal(a.tlp, rows[i].tlp);
			print_ids(ids, sizeof(ids), a.groups, a.groups_n);
			assert_string_equal(ids, rows[i].group_ids);
			print_ids(ids, sizeof(ids), a.recipients, a.recipients_n);
			assert_string_equal(ids, rows[i].recipient_ids);
		}
		wire_arena_clear(&arena);
	}
	member_roster_free(r);
}

/* alice's report to bob and carol, who is shut out; dave is a member, too. */
static void what_is_said_is_sealed_to_the_readers_of_the_original(void **state)
{
	static const struct {
		int32_t author;
		const char *names;
		unsigned code;
	} rows[] = {
		{3, "alice bob carol", 200}, {3, "alice", 200},	      {3, "bob alice", 200},	     {3, "bob", 200},
		{3, "carol", 200},	     {7, "bob", 200},	      {7, "alice bob", 200},	     {7, "alice", 422},
		{7, "carol", 422},	     {7, "carol alice", 422}, {3, "alice dave", 422},	     {7, "bob dave", 422},
		{7, "bob nobody", 422},	     {7, "bob BOB", 422},     {7, "bob carols-client", 422},
	};
	static const int32_t recipients[] = {3, 9};
	const struct member_audience a = {.tlp = 5, .recipients = recipients, .recipients_n = 2};
	struct member dave = {.id = 12, .name = "dave"};
	struct member_roster *r = make_roster();

	(void)state;
	assert_int_equal(member_roster_add(r, &dave), ISAC_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char names[64], *list[8];
		struct wire_why why = {.text = ""};
		enum isac_err err;

		snprintf(names, sizeof(names), "%s", rows[i].names);
		err = member_audience_check_readers(&a, r, 7, rows[i].author, list, split(list, names), &why);
		if (isac_err_code(err) != rows[i].code) fail_msg("row %zu: got %u (%s)", i, isac_err_code(err), why.text);
	}
	member_roster_free(r);
}

static void holds_to_the_limits(void **state)
{
	char *names[WIRE_LIMIT_RECIPIENTS + 1];
	struct member_roster *r = make_roster();
	struct member_audience a;
	struct wire_arena arena;
	struct wire_why why;
	Isac1__Header h;

	(void)state;
	wire_arena_init(&arena, 65536);
	isac1__header__init(&h);
	for (size_t i = 0; i <= WIRE_LIMIT_RECIPIENTS; i++) names[i] = (char *)"bob";
	h.tlp = 5;
	h.recipients = names;
	h.n_recipients = WIRE_LIMIT_RECIPIENTS;
	assert_int_equal(member_audience_resolve(&a, r, member_roster_by_id(r, 7), &h, &arena, &why), ISAC_OK);
	assert_int_equal(a.recipients_n, 1);
	h.n_recipients++;
	assert_int_equal(member_audience_resolve(&a, r, member_roster_by_id(r, 7), &h, &arena, &why), ISAC_ERR_TOO_LARGE);
	for (size_t i = 0; i <= WIRE_LIMIT_RECIPIENTS; i++) names[i] = (char *)"energy";
	h.tlp = 1;
	h.n_recipients = 0;
	h.groups = names;
	h.n_groups = WIRE_LIMIT_GROUPS;
	assert_int_equal(member_audience_resolve(&a, r, member_roster_by_id(r, 7), &h, &arena, &why), ISAC_OK);
	h.n_groups++;
	assert_int_equal(member_audience_resolve(&a, r, member_roster_by_id(r, 7), &h, &arena, &why), ISAC_ERR_TOO_LARGE);
	wire_arena_clear(&arena);
	member_roster_free(r);
}

enum { COVER_AUDIENCES = 4 * 4 + 4 * 3 };

/* Every label with every set of two groups and, of the red ones, every set of two recipients. */
static void make_audiences(struct member_audience *out)
{
	static const int32_t groups[][2] = {{0}, {10}, {20}, {10, 20}}, recipients[][2] = {{3}, {9}, {3, 9}};
	static const uint32_t groups_n[] = {0, 1, 1, 2}, recipients_n[] = {1, 1, 2};
	for (uint32_t tlp = 1; tlp <= 5; tlp++) {
		for (size_t g = 0; g < 4; g++) {
			for (size_t r = 0; r < (tlp == 5 ? 3u : 1u); r++) {
				*out = (struct member_audience){.tlp = tlp, .groups = groups[g], .groups_n = groups_n[g]};
				if (tlp == 5) out->recipients = recipients[r];
				if (tlp == 5) out->recipients_n = recipients_n[r];
				out++;
			}
		}
	}
}

/* Is there somebody who may see the one and not the other? Asked of the rule itself. */
static bool shuts_somebody_out(const struct member_audience *wide, const struct member_audience *narrow)
{
	static const int32_t ids[] = {3, 9, 50, 7}, groups[][2] = {{0}, {10}, {20}, {10, 20}};
	static const uint32_t groups_n[] = {0, 1, 1, 2};
	for (size_t i = 0; i < 4 * 4 * 2; i++) {
		struct member m = {.id = ids[i / 8], .groups = groups[i / 2 % 4], .groups_n = groups_n[i / 2 % 4], .client = i % 2};
		if (member_may_see(&m, narrow, 7) && !member_may_see(&m, wide, 7)) return true;
	}
	return false;
}

/* Exactly what shuts nobody out, under a label that is not higher, is wider. */
static void wider_audiences_shut_nobody_out(void **state)
{
	struct member_audience all[COVER_AUDIENCES];
	size_t covered = 0;

	(void)state;
	make_audiences(all);
	for (size_t w = 0; w < COVER_AUDIENCES; w++) {
		for (size_t n = 0; n < COVER_AUDIENCES; n++) {
			bool covers = member_audience_covers(&all[w], &all[n]);
			bool is_wider = all[w].tlp <= all[n].tlp && !shuts_somebody_out(&all[w], &all[n]);
			if (covers != is_wider) fail_msg("audience %zu for %zu: %d", w, n, covers);
			covered += covers;
		}
	}
	assert_true(covered > COVER_AUDIENCES && covered < COVER_AUDIENCES * COVER_AUDIENCES / 2);
}

/* Different audiences, also such that only differ in which list an id stands, have different digests; ids and rows don't count. */
static void digests_tell_apart(void **state)
{
	static const int32_t one[] = {1}, two[] = {1, 2}, other[] = {2};
	const struct member_audience all[] = {
		{.tlp = 1},
		{.tlp = 2},
		{.tlp = 5, .recipients = one, .recipients_n = 1},
		{.tlp = 5, .groups = one, .groups_n = 1},
		{.tlp = 5, .groups = two, .groups_n = 2},
		{.tlp = 5, .recipients = two, .recipients_n = 2},
		{.tlp = 5, .groups = one, .groups_n = 1, .recipients = other, .recipients_n = 1},
		{.tlp = 5, .groups = other, .groups_n = 1, .recipients = one, .recipients_n = 1},
	};
	enum { ALL = sizeof(all) / sizeof(all[0]) };
	uint8_t digest[ALL][16], again[16];
	struct member_audience same = all[2];
	int32_t copy[] = {1};

	(void)state;
	for (size_t i = 0; i < ALL; i++) {
		member_audience_digest(digest[i], &all[i]);
		for (size_t j = 0; j < i; j++) assert_memory_not_equal(digest[i], digest[j], 16);
	}
	same.id = 99;
	same.recipients = copy;
	member_audience_digest(again, &same);
	assert_memory_equal(again, digest[2], 16);
}

/* ---- asked by tests/story/rights.py ----------------------------------------------------- */
enum { JUDGE_MEMBERS = 1024, JUDGE_GROUPS = 256 };

/*
 * Lines `m ID CLIENT SUSPENDED GROUPS` and then `a TLP GROUPS RECIPIENTS PUBLISHER`, lists with commas or `-`: prints a line for each
 * member with a 1 or a 0 for each audience.
 */
static int judge(FILE *in)
{
	static struct member members[JUDGE_MEMBERS];
	static int32_t groups[JUDGE_MEMBERS][JUDGE_GROUPS];
	static char *answers[JUDGE_MEMBERS];
	char *line = NULL, text[2][8192];
	size_t size = 0, n = 0, asked = 0, room = 0;

	while (getline(&line, &size, in) > 0) {
		int32_t named[WIRE_LIMIT_GROUPS], recipients[WIRE_LIMIT_RECIPIENTS], publisher;
		struct member_audience a = {.groups = named, .recipients = recipients};
		int client, suspended, id;

		if (sscanf(line, "m %d %d %d %8191s", &id, &client, &suspended, text[0]) == 4 && n < JUDGE_MEMBERS) {
			members[n] = (struct member){.id = id, .client = client, .suspended = suspended, .groups = groups[n]};
			members[n].groups_n = read_ids(groups[n], text[0]);
			n++;
			continue;
		}
		if (sscanf(line, "a %u %8191s %8191s %d", &a.tlp, text[0], text[1], &publisher) != 4) return 1;
		a.groups_n = read_ids(named, text[0]);
		a.recipients_n = read_ids(recipients, text[1]);
		if (asked == room) room = room ? room * 2 : 1024;
		for (size_t i = 0; i < n; i++) {
			answers[i] = realloc(answers[i], room);
			if (!answers[i]) return 1;
			answers[i][asked] = member_may_see(&members[i], &a, publisher) ? '1' : '0';
		}
		asked++;
	}
	for (size_t i = 0; i < n; i++) {
		printf("%.*s\n", (int)asked, answers[i]);
		free(answers[i]);
	}
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rule_follows_the_table),
					   cmocka_unit_test(resolves_names),
					   cmocka_unit_test(what_is_said_is_sealed_to_the_readers_of_the_original),
					   cmocka_unit_test(holds_to_the_limits),
					   cmocka_unit_test(wider_audiences_shut_nobody_out),
					   cmocka_unit_test(digests_tell_apart)};

	if (wire_init()) return 1;
	if (argc > 1 && !strcmp(argv[1], "--judge")) return judge(stdin);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
