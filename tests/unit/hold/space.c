/* What means a member's space as a whole, and what does not. Expected owners by hand from README section 8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hold/hold.h"

enum { ALICE = 1, BOB, CAROL, OUTSIDER = 99 };

static const struct member_net net_a[] = {{{198, 51, 100, 0}, 4, 24}, {{0x20, 0x01, 0x0d, 0xb9}, 6, 32}},
			       net_b[] = {{{198, 51, 100, 128}, 4, 25}};
static const uint32_t asn_a[] = {3320}, asn_c[] = {174, 3320};
static const char *const domain_a[] = {"mine.example"}, *const domain_c[] = {"deep.below.carol.example"};

static void add(struct member_roster *r, struct member m, const char *name)
{
	snprintf(m.name, sizeof(m.name), "%s", name);
	m.curve[0] = (uint8_t)m.id;
	assert_int_equal(member_roster_add(r, &m), ISAC_OK);
}

static struct hold_space *make(void)
{
	struct member_roster *r;
	struct hold_space *space;

	assert_int_equal(member_roster_new(&r, 1, "00112233445566aa"), ISAC_OK);
	add(r, (struct member){.id = ALICE, .nets = net_a, .nets_n = 2, .asns = asn_a, .asns_n = 1, .domains = domain_a, .domains_n = 1},
	    "alice");
	add(r, (struct member){.id = BOB, .nets = net_b, .nets_n = 1}, "bob");
	add(r, (struct member){.id = CAROL, .asns = asn_c, .asns_n = 2, .domains = domain_c, .domains_n = 1}, "carol");
	assert_int_equal(hold_space_new(&space, r), ISAC_OK);
	member_roster_free(r);
	return space;
}

static const struct {
	uint32_t type;
	const char *text;
	int32_t publisher_id;
	bool held;
} cases[] = {
	{WIRE_VALUE_CIDR, "198.51.100.0/24", OUTSIDER, true},
	{WIRE_VALUE_CIDR, "198.51.100.64/26", OUTSIDER, true}, /* a part of it */
	{WIRE_VALUE_CIDR, "198.51.0.0/16", OUTSIDER, true},    /* it is a part */
	{WIRE_VALUE_CIDR, "198.51.101.0/24", OUTSIDER, false},
	{WIRE_VALUE_CIDR, "198.51.99.0/24", OUTSIDER, false},
	{WIRE_VALUE_CIDR, "2001:db9:1::/48", OUTSIDER, true},
	{WIRE_VALUE_CIDR, "2001:dba::/32", OUTSIDER, false},
	{WIRE_VALUE_CIDR, "198.51.100.0/24", ALICE, false}, /* one's own */
	{WIRE_VALUE_CIDR, "198.51.100.128/25", BOB, false}, /* one's own, though alice's too */
	{WIRE_VALUE_CIDR, "198.51.100.0/25", BOB, true},    /* alice's only */
	{WIRE_VALUE_IPV4, "198.51.100.7", OUTSIDER, false}, /* a host in it does harm: to be told */
	{WIRE_VALUE_URL, "http://mine.example/", OUTSIDER, false},
	{WIRE_VALUE_ASN, "3320", OUTSIDER, true},
	{WIRE_VALUE_ASN, "332", OUTSIDER, false},
	{WIRE_VALUE_ASN, "33200", OUTSIDER, false},
	{WIRE_VALUE_ASN, "174", ALICE, true},
	{WIRE_VALUE_ASN, "3320", CAROL, false},
	{WIRE_VALUE_DOMAIN, "mine.example", OUTSIDER, true},
	{WIRE_VALUE_DOMAIN, "www.mine.example", OUTSIDER, false},
	{WIRE_VALUE_DOMAIN, "notmine.example", OUTSIDER, false},
	{WIRE_VALUE_DOMAIN, "carol.example", OUTSIDER, true}, /* carol's lies below it */
	{WIRE_VALUE_DOMAIN, "below.carol.example", CAROL, false},
	{WIRE_VALUE_DOMAIN, "elow.carol.example", OUTSIDER, false},
};

static void test_whole_space_and_parts(void **state)
{
	struct hold_space *space = make();
	struct wire_arena arena;

	(void)state;
	wire_arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_value v;
		int32_t owner;

		assert_int_equal(wire_value_canon(&v, cases[i].type, cases[i].text, strlen(cases[i].text), &arena, NULL), ISAC_OK);
		owner = hold_space_find(space, &v, cases[i].publisher_id);
		if (cases[i].held != (owner != 0)) fail_msg("%s of %d: %d", cases[i].text, cases[i].publisher_id, owner);
		if (owner == cases[i].publisher_id) fail_msg("%s is held against its owner", cases[i].text);
	}
	wire_arena_clear(&arena);
	hold_space_free(space);
}

static void test_nobody_has_space(void **state)
{
	struct member_roster *r;
	struct hold_space *space;
	struct wire_arena arena;
	struct wire_value v;

	(void)state;
	wire_arena_init(&arena, 1 << 20);
	assert_int_equal(member_roster_new(&r, 1, "00112233445566aa"), ISAC_OK);
	add(r, (struct member){.id = ALICE}, "alice");
	assert_int_equal(hold_space_new(&space, r), ISAC_OK);
	assert_int_equal(wire_value_canon(&v, WIRE_VALUE_CIDR, "198.51.100.0/24", 15, &arena, NULL), ISAC_OK);
	assert_int_equal(hold_space_find(space, &v, OUTSIDER), 0);
	assert_int_equal(wire_value_canon(&v, WIRE_VALUE_ASN, "3320", 4, &arena, NULL), ISAC_OK);
	assert_int_equal(hold_space_find(space, &v, OUTSIDER), 0);
	hold_space_free(space);
	member_roster_free(r);
	wire_arena_clear(&arena);
}

static int set_up(void **state)
{
	(void)state;
	return wire_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_space_and_parts),
		cmocka_unit_test(test_nobody_has_space),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
