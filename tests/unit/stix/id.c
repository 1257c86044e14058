/* Ids of observables: the vectors were computed with python-stix2, the first one stands in STIX 2.1 itself. Times out of report ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "stix/stix.h"

static void observables_have_the_ids_that_all_give_them(void **state)
{
	static const char nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	const struct {
		const char *sort, *uuid;
		json_t *properties;
	} cases[] = {
		{"ipv4-addr", "28bb3599-77cd-5a82-a950-b5bc3caf07c4", json_pack("{s:s}", "value", "198.51.100.3")},
		{"ipv6-addr", "6469e3a9-b053-5e34-a025-9396ae051d26", json_pack("{s:s}", "value", "2001:db8::1")},
		{"domain-name", "69228563-c8d2-54ae-aeca-5f4134cb59aa", json_pack("{s:s}", "value", "evil.example")},
		{"url", "7b0d70f1-85eb-5f23-ae6f-b209405003d4", json_pack("{s:s}", "value", "http://evil.example/")},
		{"email-addr", "a445a72b-98c7-54c6-bd01-0971c2333fd7", json_pack("{s:s}", "value", "a@evil.example")},
		{"file", "22f8ff52-8f62-5f03-a53a-6f50f54fd74c", json_pack("{s:{s:s}}", "hashes", "SHA-256", nothing)},
		{"file", "02fff920-f614-527c-81d1-6353633a6d21",
		 json_pack("{s:{s:s}}", "hashes", "MD5", "d41d8cd98f00b204e9800998ecf8427e")},
		{"file", "3195d0c5-f511-572f-928d-01db6f34a0a8", json_pack("{s:s}", "name", "caf\u00e9.exe")},
		{"autonomous-system", "9ad79ee3-2fde-5015-b0cc-7a96404effca", json_pack("{s:i}", "number", 64496)},
	};
	char id[STIX_ID_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(stix_id_observable(id, cases[i].sort, cases[i].properties));
		assert_memory_equal(id, cases[i].sort, strlen(cases[i].sort));
		assert_string_equal(id + strlen(cases[i].sort) + 2, cases[i].uuid);
	}
}

static void reports_say_when_they_were_made(void **state)
{
	/* RFC 9562 appendix A.6: 2022-02-22T19:22:22.000Z */
	static const uint8_t v7[] = {0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0, 0x7c, 0xc3, 0x98, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
	static const uint8_t v4[] = {0x91, 0x91, 0x08, 0xf7, 0x52, 0xd1, 0x43, 0x20, 0x9b, 0xac, 0xf8, 0x47, 0xdb, 0x41, 0x48, 0xa8};
	(void)state;
	assert_int_equal(stix_id_time_us(v7), 1645557742000000);
	assert_int_equal(stix_id_time_us(v4), 0);
}

/* Another hub, publisher, report, type, value or sort: another UUID. */
static void ids_differ_by_all_that_they_are_made_of(void **state)
{
	static const uint8_t a[16] = {1}, b[16] = {2};
	char id[7][STIX_ID_BYTES];
	(void)state;
	stix_id_item(id[0], "0011223344556677", "indicator", "alice", a, "domain", "evil.example");
	stix_id_item(id[1], "0011223344556678", "indicator", "alice", a, "domain", "evil.example");
	stix_id_item(id[2], "0011223344556677", "sighting", "alice", a, "domain", "evil.example");
	stix_id_item(id[3], "0011223344556677", "indicator", "bob", a, "domain", "evil.example");
	stix_id_item(id[4], "0011223344556677", "indicator", "alice", b, "domain", "evil.example");
	stix_id_item(id[5], "0011223344556677", "indicator", "alice", a, "mutex", "evil.example");
	stix_id_item(id[6], "0011223344556677", "indicator", "alice", a, "domain", "evil2.example");
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < i; j++) assert_string_not_equal(strstr(id[i], "--"), strstr(id[j], "--"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(observables_have_the_ids_that_all_give_them),
		cmocka_unit_test(reports_say_when_they_were_made),
		cmocka_unit_test(ids_differ_by_all_that_they_are_made_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
