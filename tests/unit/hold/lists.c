/* Warninglists and space: what is on them and what is not. The expected answers are written by hand from the rules of MISP's format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hold/hold.h"

static struct wire_arena arena;

static struct wire_value value(uint32_t type, const char *text)
{
	struct wire_value v;

	assert_int_equal(wire_value_canon(&v, type, text, strlen(text), &arena, NULL), ISAC_OK);
	return v;
}

static const char *const LISTS[] = {
	("{\"name\":\"nets\",\"type\":\"cidr\",\"list\":[\"17.0.0.0/8\",\"17.1.0.0/16\",\"192.5.5.241\",\"2001:7fd::1\",\"0.0.0.0/"
	 "0\",\"x\"],"
	 "\"matching_attributes\":[\"ip-src\"]}"),
	("{\"name\":\"sites\",\"type\":\"hostname\",\"list\":[\"Eff.org\",\".w3.org\",\"com\"],\"matching_attributes\":[\"domain\",\"url\"]"
	 "}"),
	"{\"name\":\"names\",\"type\":\"string\",\"list\":[\"gnu.org\",\".google.ad\",\"TLD\"],\"matching_attributes\":[\"hostname\"]}",
	"{\"name\":\"words\",\"type\":\"substring\",\"list\":[\"Googlebot\"],\"matching_attributes\":[\"user-agent\"]}",
	"{\"name\":\"patterns\",\"type\":\"regex\",\"list\":[\"/x/\"],\"matching_attributes\":[\"domain\"]}",
};

static const struct {
	uint32_t type;
	const char *text, *list; /* NULL: on none */
} cases[] = {
	{WIRE_VALUE_IPV4, "17.0.0.0", "nets"},
	{WIRE_VALUE_IPV4, "17.255.255.255", "nets"},
	{WIRE_VALUE_IPV4, "18.0.0.0", NULL},
	{WIRE_VALUE_IPV4, "16.255.255.255", NULL},
	{WIRE_VALUE_CIDR, "16.0.0.0/7", "nets"},
	{WIRE_VALUE_CIDR, "192.5.5.0/24", "nets"},
	{WIRE_VALUE_CIDR, "192.5.4.0/24", NULL},
	{WIRE_VALUE_IPV4, "192.5.5.242", NULL},
	{WIRE_VALUE_IPV6, "2001:7fd::1", "nets"},
	{WIRE_VALUE_IPV6, "2001:7fd::2", NULL},
	{WIRE_VALUE_URL, "http://17.1.2.3/", "nets"},
	{WIRE_VALUE_URL, "http://17.1.2.3/a", NULL},
	{WIRE_VALUE_DOMAIN, "eff.org", "sites"},
	{WIRE_VALUE_DOMAIN, "a.b.eff.org", "sites"},
	{WIRE_VALUE_DOMAIN, "noteff.org", NULL},
	{WIRE_VALUE_DOMAIN, "w3.org", "sites"},
	{WIRE_VALUE_DOMAIN, "evil.com", NULL},
	{WIRE_VALUE_URL, "https://www.eff.org", "sites"},
	{WIRE_VALUE_URL, "https://www.eff.org/x.exe", NULL},
	{WIRE_VALUE_EMAIL, "a@eff.org", NULL},
	{WIRE_VALUE_DOMAIN, "gnu.org", "names"},
	{WIRE_VALUE_DOMAIN, "www.gnu.org", "names"},
	{WIRE_VALUE_DOMAIN, "ftp.gnu.org", NULL},
	{WIRE_VALUE_DOMAIN, "google.ad", "names"},
	{WIRE_VALUE_URL, "http://gnu.org/", NULL}, /* the list is not for URLs */
	{WIRE_VALUE_USER_AGENT, "a Googlebot/2", "words"},
	{WIRE_VALUE_FILENAME, "a Googlebot/2", NULL},
};

static void each_value_is_on_its_list(void **state)
{
	struct hold_lists *lists;
	struct hold_counts counts;

	(void)state;
	assert_int_equal(hold_lists_new(&lists), ISAC_OK);
	for (size_t i = 0; i < sizeof(LISTS) / sizeof(*LISTS); i++)
		assert_int_equal(hold_lists_add(lists, LISTS[i], strlen(LISTS[i]), NULL), ISAC_OK);
	assert_int_equal(hold_lists_freeze(lists), ISAC_OK);
	hold_lists_count(lists, &counts);
	assert_int_equal(counts.lists, 4);
	assert_string_equal(counts.skipped, "patterns");
	assert_int_equal(counts.skipped_entries, 4); /* 0.0.0.0/0, x, com, TLD */
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct wire_value v = value(cases[i].type, cases[i].text);
		const char *found = hold_lists_find(lists, &v);

		if (cases[i].list ? !found || strcmp(found, cases[i].list) != 0 : found != NULL)
			fail_msg("%s is on %s", cases[i].text, found ? found : "none");
	}
	hold_lists_free(lists);
}

static void a_broken_list_says_what_is_wrong(void **state)
{
	static const char *const bad[][2] = {
		{"{\"name\":\"x\"", "line 1"},
		{"[]", "name"},
		{"{\"name\":\"x\",\"type\":\"cidr\"}", "list"},
		{"{\"name\":\"x\",\"type\":\"bloom\",\"list\":[]}", "type"},
		{"{\"name\":\"x\",\"type\":\"cidr\",\"list\":[1]}", "entry 1"},
		{"{\"name\":\"a\\u0007\",\"type\":\"cidr\",\"list\":[]}", "name"},
	};
	struct hold_lists *lists;
	struct wire_why why;

	(void)state;
	assert_int_equal(hold_lists_new(&lists), ISAC_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(hold_lists_add(lists, bad[i][0], strlen(bad[i][0]), &why), ISAC_ERR_BAD_VALUE);
		assert_non_null(strstr(why.text, bad[i][1]));
	}
	hold_lists_free(lists);
}

static int set_up(void **state)
{
	(void)state;
	wire_arena_init(&arena, 1 << 20);
	return wire_init();
}

static int tear_down(void **state)
{
	(void)state;
	wire_arena_clear(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_is_on_its_list),
		cmocka_unit_test(a_broken_list_says_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
