/* Registered space: its canonical form, and what may not be claimed. Expected values by hand, from proto/README.md sections 8 and 11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "member/member.h"

static int begin(void **state)
{
	(void)state;
	return wire_init() ? -1 : 0;
}

static const struct {
	enum member_space_kind kind;
	const char *text, *lenient, *strict; /* NULL: refused */
} cases[] = {
	{MEMBER_SPACE_NET, "198.51.100.0/24", "198.51.100.0/24", "198.51.100.0/24"},
	{MEMBER_SPACE_NET, "198.51.100.7", "198.51.100.7/32", "198.51.100.7/32"},
	{MEMBER_SPACE_NET, "2A00:1450:0:0::/32", "2a00:1450::/32", "2a00:1450::/32"},
	{MEMBER_SPACE_NET, "::ffff:198.51.100.0/120", "::ffff:198.51.100.0/120", "198.51.100.0/24"},
	{MEMBER_SPACE_NET, "198.51.100.1/24", NULL, NULL},
	{MEMBER_SPACE_NET, "300.1.1.1", NULL, NULL},
	{MEMBER_SPACE_NET, "198.51.100.0/33", NULL, NULL},
	{MEMBER_SPACE_NET, "198.51.100.0/-1", NULL, NULL},
	{MEMBER_SPACE_NET, "198.51.100.0/", NULL, NULL},
	{MEMBER_SPACE_NET, "198.51.100.0/2x", NULL, NULL},
	{MEMBER_SPACE_NET, "", NULL, NULL},
	{MEMBER_SPACE_NET, "10.0.0.0/8", "10.0.0.0/8", NULL},
	{MEMBER_SPACE_NET, "192.168.3.0/24", "192.168.3.0/24", NULL},
	{MEMBER_SPACE_NET, "fc00::/7", "fc00::/7", NULL},
	{MEMBER_SPACE_NET, "0.0.0.0/0", "0.0.0.0/0", NULL},
	{MEMBER_SPACE_NET, "17.0.0.0/8", "17.0.0.0/8", "17.0.0.0/8"},
	{MEMBER_SPACE_NET, "16.0.0.0/7", "16.0.0.0/7", NULL},
	{MEMBER_SPACE_NET, "2630::/16", "2630::/16", "2630::/16"},
	{MEMBER_SPACE_NET, "2631::/15", NULL, NULL}, /* a host bit */
	{MEMBER_SPACE_NET, "2630::/15", "2630::/15", NULL},
	{MEMBER_SPACE_ASN, "AS3320", "3320", "3320"},
	{MEMBER_SPACE_ASN, "as3320", "3320", "3320"},
	{MEMBER_SPACE_ASN, "4200000000", "4200000000", "4200000000"},
	{MEMBER_SPACE_ASN, "64500", "64500", NULL},
	{MEMBER_SPACE_ASN, "23456", "23456", NULL},
	{MEMBER_SPACE_ASN, "0", NULL, NULL},
	{MEMBER_SPACE_ASN, "-1", NULL, NULL},
	{MEMBER_SPACE_ASN, "AS", NULL, NULL},
	{MEMBER_SPACE_ASN, "4294967296", NULL, NULL},
	{MEMBER_SPACE_DOMAIN, "Mine.Example.", "mine.example", "mine.example"},
	{MEMBER_SPACE_DOMAIN,
	 "b\xc3\xbc"
	 "cher.example",
	 "xn--bcher-kva.example", "xn--bcher-kva.example"},
	{MEMBER_SPACE_DOMAIN, "co.uk", NULL, NULL},
	{MEMBER_SPACE_DOMAIN, "github.io", NULL, NULL},
	{MEMBER_SPACE_DOMAIN, "com", NULL, NULL},
	{MEMBER_SPACE_DOMAIN, "not a domain", NULL, NULL},
};

static void each_value_has_its_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int strict = 0; strict < 2; strict++) {
			const char *want = strict ? cases[i].strict : cases[i].lenient;
			struct wire_why why = {.text = ""};
			struct member_space got;
			enum isac_err err = member_space_parse(&got, cases[i].kind, cases[i].text, strict, &why);

			if (want ? err || strcmp(got.text, want) : err != ISAC_ERR_BAD_VALUE || !*why.text)
				fail_msg("%s (%s): %s, %s %s", cases[i].text, strict ? "strict" : "lenient", isac_err_name(err), got.text,
					 why.text);
		}
}

static void a_network_has_its_bytes(void **state)
{
	struct member_space got;

	(void)state;
	assert_int_equal(member_space_parse(&got, MEMBER_SPACE_NET, "2a00:1450::/32", true, NULL), ISAC_OK);
	assert_int_equal(got.net.family, 6);
	assert_int_equal(got.net.prefix, 32);
	assert_memory_equal(got.net.addr, "\x2a\x00\x14\x50\0\0\0\0\0\0\0\0\0\0\0", 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_has_its_form),
		cmocka_unit_test(a_network_has_its_bytes),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
