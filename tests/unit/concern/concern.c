/* Whom a report concerns: by space, by rights, by what is held; and after the roster changed. Expected members by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "concern/concern.h"

enum { ALICE = 1, BOB, CAROL, DAVE, EVE, FRANK };
static struct base_shared shared;

static const struct member_net net_a[] = {{{198, 51, 100, 0}, 4, 24}}, net_b[] = {{{198, 51, 100, 128}, 4, 25}};
static const uint32_t asn_c[] = {3320};
static const char *const domain_d[] = {"mine.example"};

static void add(struct member_roster *r, struct member m, const char *name, uint32_t roles)
{
	snprintf(m.name, sizeof(m.name), "%s", name);
	m.roles = roles;
	m.curve[0] = (uint8_t)m.id;
	assert_int_equal(member_roster_add(r, &m), ISAC_OK);
}

static void swap_roster(bool bob_too)
{
	struct member_roster *r;

	assert_int_equal(member_roster_new(&r, 1, "00112233445566aa"), ISAC_OK);
	add(r, (struct member){.id = ALICE, .nets = net_a, .nets_n = 1}, "alice", MEMBER_PUBLISHER | MEMBER_SUBSCRIBER);
	add(r, (struct member){.id = BOB, .nets = net_b, .nets_n = bob_too}, "bob", MEMBER_SUBSCRIBER);
	add(r, (struct member){.id = CAROL, .asns = asn_c, .asns_n = 1}, "carol", MEMBER_ANALYST);
	add(r, (struct member){.id = DAVE, .domains = domain_d, .domains_n = 1}, "dave", MEMBER_SUBSCRIBER);
	add(r, (struct member){.id = EVE, .nets = net_a, .nets_n = 1}, "eve", MEMBER_PUBLISHER);
	add(r, (struct member){.id = FRANK, .nets = net_a, .nets_n = 1, .suspended = true}, "frank", MEMBER_SUBSCRIBER);
	base_shared_swap(&shared, r);
}

/* ---- a report of hand-made items ---- */
static struct wire_arena arena;
static Isac1__Header header = ISAC1__HEADER__INIT;
static Isac1__Indicator ind[8];
static struct report_item item[8];
static uint8_t held[1];
static struct report report;

static void start(int32_t publisher_id, const struct member_audience *audience)
{
	memset(&report, 0, sizeof(report));
	memset(held, 0, sizeof(held));
	report.header = &header;
	report.items = item;
	report.held = held;
	report.publisher_id = publisher_id;
	report.audience = audience;
}

static void say(uint32_t type, const char *value, uint32_t asn, bool is_held)
{
	struct report_item *it = &item[report.n];

	isac1__indicator__init(&ind[report.n]);
	*it = (struct report_item){.ind = &ind[report.n]};
	ind[report.n].type = type;
	ind[report.n].value = (char *)(uintptr_t)value;
	ind[report.n].asn = asn;
	assert_int_equal(wire_value_canon(&it->value, type, value, strlen(value), &arena, NULL), ISAC_OK);
	wire_value_key(it->key, it->value.type, it->value.text, it->value.len);
	if (is_held) held[0] |= (uint8_t)(1u << report.n);
	report.n++;
}

static char got[200];

static void hit(void *arg, int32_t member_id, uint32_t items)
{
	size_t len = strlen(got);

	(void)arg;
	snprintf(got + len, sizeof(got) - len, "%d:%u ", member_id, items);
}

static const char *match(struct concern *c)
{
	got[0] = 0;
	concern_match(c, &report, hit, NULL);
	return got;
}

static void by_space_and_rights(void **state)
{
	static const int32_t to_bob[] = {BOB};
	static const struct member_audience green = {.tlp = ISAC1__TLP__TLP_GREEN},
					    red = {.tlp = ISAC1__TLP__TLP_RED, .recipients = to_bob, .recipients_n = 1};
	struct concern *c;

	(void)state;
	swap_roster(true);
	assert_int_equal(concern_new(&c, &shared), ISAC_OK);
	assert_int_equal(concern_refresh(c), ISAC_OK);

	start(9, &green); /* the first network alone; neither who cannot read (eve) nor who is shut out (frank) */
	say(WIRE_VALUE_IPV4, "198.51.100.7", 0, false);
	assert_string_equal(match(c), "1:1 ");
	say(WIRE_VALUE_IPV4, "198.51.100.200", 3320, false);
	say(WIRE_VALUE_URL, "http://www.mine.example/x", 0, false);
	say(WIRE_VALUE_IPV4, "203.0.113.9", 0, false);
	assert_string_equal(match(c), "1:2 2:1 3:1 4:1 ");
	item[3].place.asn = 3320; /* by the hub's database */
	assert_string_equal(match(c), "1:2 2:1 3:2 4:1 ");
	ind[3].asn = 65001; /* the item says otherwise, and its word counts */
	assert_string_equal(match(c), "1:2 2:1 3:1 4:1 ");

	start(ALICE, &green); /* one's own reports are no news */
	say(WIRE_VALUE_IPV4, "198.51.100.200", 0, false);
	assert_string_equal(match(c), "2:1 ");
	start(9, &red);
	say(WIRE_VALUE_IPV4, "198.51.100.200", 0, false);
	assert_string_equal(match(c), "2:1 ");
	report.audience = NULL;
	assert_string_equal(match(c), "");
	start(9, &green); /* held: in no feed, and no news either */
	say(WIRE_VALUE_IPV4, "198.51.100.200", 0, true);
	say(WIRE_VALUE_IPV4, "198.51.100.201", 0, false);
	assert_string_equal(match(c), "1:1 2:1 ");
	start(9, &green);
	report.items = NULL; /* erased */
	assert_string_equal(match(c), "");
	concern_destroy(&c);
}

static void by_the_roster_of_the_last_refresh(void **state)
{
	static const struct member_audience green = {.tlp = ISAC1__TLP__TLP_GREEN};
	struct concern *c;

	(void)state;
	swap_roster(false);
	assert_int_equal(concern_new(&c, &shared), ISAC_OK);
	start(9, &green);
	say(WIRE_VALUE_IPV4, "198.51.100.200", 0, false);
	assert_string_equal(match(c), ""); /* not refreshed yet: nobody is known */
	assert_int_equal(concern_refresh(c), ISAC_OK);
	assert_string_equal(match(c), "1:1 ");
	swap_roster(true);
	assert_string_equal(match(c), "1:1 ");
	assert_int_equal(concern_refresh(c), ISAC_OK);
	assert_string_equal(match(c), "1:1 2:1 ");
	assert_int_equal(concern_refresh(c), ISAC_OK);
	assert_string_equal(match(c), "1:1 2:1 ");
	swap_roster(false);
	assert_int_equal(concern_refresh(c), ISAC_OK);
	assert_string_equal(match(c), "1:1 ");
	concern_destroy(&c);
}

static int begin(void **state)
{
	(void)state;
	wire_arena_init(&arena, 1 << 20);
	return wire_init() || base_shared_init(&shared, member_roster_free) ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	base_shared_clear(&shared);
	wire_arena_clear(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_space_and_rights),
		cmocka_unit_test(by_the_roster_of_the_last_refresh),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
