/* The roster: what goes in is found, what doesn't isn't, copies are its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "member/member.h"

enum { MANY = 3000 };

static void fill(struct member *m, int32_t id)
{
	memset(m, 0, sizeof(*m));
	m->id = id;
	snprintf(m->name, sizeof(m->name), "member-%d", id);
	m->suspended = id % 3 == 0;
}

static void fill_key(struct member_key *k, int32_t id)
{
	memset(k, 0, sizeof(*k));
	k->member_id = id;
	snprintf((char *)k->key_id, sizeof(k->key_id), "%d", id);
}

static void count(void *arg, const struct member *m)
{
	assert_false(m->suspended);
	++*(int *)arg;
}

static void finds_many(void **state)
{
	struct member_roster *r;
	struct member_key k;
	struct member m;
	int connecting = 0;

	(void)state;
	assert_int_equal(member_roster_new(&r, 42, "0123456789abcdef"), ISAC_OK);
	assert_int_equal(member_roster_generation(r), 42);
	assert_string_equal(member_roster_hub_id(r), "0123456789abcdef");
	assert_null(member_roster_find(r, "member-1"));
	assert_null(member_roster_by_id(r, 1));
	for (int32_t i = 1; i <= MANY; i++) {
		char name[32];

		fill(&m, i);
		fill_key(&k, i);
		snprintf(name, sizeof(name), "group-%d", i);
		assert_int_equal(member_roster_add(r, &m), ISAC_OK);
		assert_int_equal(member_roster_add_key(r, &k), ISAC_OK);
		assert_int_equal(member_roster_add_group(r, i + 100000, name), ISAC_OK);
	}
	for (int32_t i = 1; i <= MANY; i++) {
		char name[32];

		fill(&m, i);
		fill_key(&k, i);
		assert_int_equal(member_roster_find(r, m.name)->id, i);
		assert_string_equal(member_roster_by_id(r, i)->name, m.name);
		assert_int_equal(member_roster_key(r, k.key_id)->member_id, i);
		snprintf(name, sizeof(name), "group-%d", i);
		assert_int_equal(member_roster_group(r, name), i + 100000);
	}
	fill_key(&k, MANY + 1);
	assert_null(member_roster_find(r, "member-3001"));
	assert_null(member_roster_find(r, ""));
	assert_null(member_roster_by_id(r, MANY + 1));
	assert_null(member_roster_by_id(r, -1));
	assert_null(member_roster_key(r, k.key_id));
	assert_int_equal(member_roster_group(r, "group-0"), 0);
	assert_true(member_roster_find(r, "member-3")->suspended);
	member_roster_each(r, count, &connecting);
	assert_int_equal(connecting, 2000);
	member_roster_free(r);
	member_roster_free(NULL);
}

static void refuses_repeats(void **state)
{
	struct member_roster *r;
	struct member m;
	struct member_key k;

	(void)state;
	assert_int_equal(member_roster_new(&r, 1, ""), ISAC_OK);
	fill(&m, 5);
	fill_key(&k, 5);
	assert_int_equal(member_roster_add(r, &m), ISAC_OK);
	assert_int_equal(member_roster_add(r, &m), ISAC_ERR_CONFLICT);
	m.id = 6;
	assert_int_equal(member_roster_add(r, &m), ISAC_ERR_CONFLICT);
	m.id = 5;
	snprintf(m.name, sizeof(m.name), "other");
	assert_int_equal(member_roster_add(r, &m), ISAC_ERR_CONFLICT);
	assert_null(member_roster_find(r, "other"));
	assert_int_equal(member_roster_add_key(r, &k), ISAC_OK);
	k.member_id = 6;
	assert_int_equal(member_roster_add_key(r, &k), ISAC_ERR_CONFLICT);
	assert_int_equal(member_roster_key(r, k.key_id)->member_id, 5);
	assert_int_equal(member_roster_add_group(r, 1, "g"), ISAC_OK);
	assert_int_equal(member_roster_add_group(r, 2, "g"), ISAC_ERR_CONFLICT);
	assert_int_equal(member_roster_add_group(r, 3, "No Name"), ISAC_ERR_BAD_VALUE);
	assert_int_equal(member_roster_add_group(r, 0, "h"), ISAC_ERR_BAD_VALUE);
	member_roster_free(r);
}

static void copies_what_it_is_given(void **state)
{
	struct member_net nets[2] = {{{203, 0, 113, 0}, 4, 24}, {{0x2a}, 6, 16}};
	uint32_t asns[2] = {64500, 7};
	char domain[] = "mine.example";
	const char *domains[2] = {domain, "b.example"};
	int32_t groups[3] = {9, 3, 5};
	struct member m = {.id = 1,
			   .name = "alice",
			   .type = "isp",
			   .roles = 3,
			   .nets = nets,
			   .nets_n = 2,
			   .asns = asns,
			   .asns_n = 2,
			   .domains = domains,
			   .domains_n = 2,
			   .groups = groups,
			   .groups_n = 3};
	const struct member *got;
	struct member_roster *r;

	(void)state;
	assert_int_equal(member_roster_new(&r, 1, ""), ISAC_OK);
	assert_int_equal(member_roster_add(r, &m), ISAC_OK);
	memset(nets, 0, sizeof(nets));
	memset(asns, 0, sizeof(asns));
	memset(domain, 'x', sizeof(domain) - 1);
	memset(groups, 0, sizeof(groups));
	domains[0] = domains[1] = NULL;
	got = member_roster_find(r, "alice");
	assert_int_equal(got->nets[0].addr[2], 113);
	assert_int_equal(got->nets[1].family, 6);
	assert_int_equal(got->asns[0], 64500);
	assert_string_equal(got->domains[0], "mine.example");
	assert_string_equal(got->domains[1], "b.example");
	assert_int_equal(got->groups[0], 3); /* ascending, whatever the order was */
	assert_int_equal(got->groups[1], 5);
	assert_int_equal(got->groups[2], 9);
	assert_string_equal(got->type, "isp");
	assert_int_equal(got->roles, 3);
	member_roster_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(finds_many), cmocka_unit_test(refuses_repeats),
					   cmocka_unit_test(copies_what_it_is_given)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
