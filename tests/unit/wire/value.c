/*
 * What all values share: names and numbers of types, keys, reasons, the order of held.def, addresses and hosts in the result, and what
 * happens when the arena is full. Verdicts are in value_cases.c. Keys were computed with Python's hashlib.blake2b.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "wire/wire.h"

static int setup(void **state)
{
	static struct wire_arena arena;

	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	*state = &arena;
	return wire_init() != ISAC_OK;
}

static int teardown(void **state)
{
	wire_arena_clear(*state);
	return 0;
}

static struct wire_value canon(void **state, uint32_t type, const char *text)
{
	struct wire_value value;

	assert_int_equal(wire_value_canon(&value, type, text, strlen(text), *state, NULL), ISAC_OK);
	return value;
}

static void names_and_numbers_are_those_of_the_specification(void **state)
{
	static const struct {
		uint32_t type;
		const char *name;
	} rows[] = {
		{1, "ipv4"},
		{2, "ipv6"},
		{3, "cidr"},
		{4, "domain"},
		{5, "url"},
		{6, "email"},
		{7, "md5"},
		{8, "sha1"},
		{9, "sha256"},
		{10, "sha512"},
		{11, "asn"},
		{12, "ja3"},
		{13, "user-agent"},
		{14, "filename"},
		{15, "mutex"},
		{16, "registry-key"},
		{17, "bitcoin"},
		{18, "cve"},
		{19, "certificate-fingerprint"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(wire_value_name(rows[i].type), rows[i].name);
		assert_int_equal(wire_value_type(rows[i].name, strlen(rows[i].name)), rows[i].type);
	}
	assert_null(wire_value_name(0));
	assert_null(wire_value_name(20));
	assert_null(wire_value_name(UINT32_MAX));
	assert_int_equal(wire_value_type("ipv", 3), 0);
	assert_int_equal(wire_value_type("ipv44", 5), 0);
	assert_int_equal(wire_value_type("IPV4", 4), 0);
	assert_int_equal(wire_value_type("", 0), 0);
}

static void unknown_types_are_refused(void **state)
{
	struct wire_value value;

	assert_int_equal(wire_value_canon(&value, 0, "x", 1, *state, NULL), ISAC_ERR_BAD_VALUE);
	assert_int_equal(wire_value_canon(&value, 20, "x", 1, *state, NULL), ISAC_ERR_BAD_VALUE);
	assert_int_equal(wire_value_canon(&value, UINT32_MAX, "x", 1, *state, NULL), ISAC_ERR_BAD_VALUE);
}

static void check_key(uint32_t type, const char *text, size_t len, const char *want)
{
	uint8_t key[WIRE_VALUE_KEY];
	char hex[2 * WIRE_VALUE_KEY + 1];

	wire_value_key(key, type, text, len);
	wire_hex(hex, key, sizeof(key));
	assert_string_equal(hex, want);
}

static void keys_are_blake2b_of_type_and_value(void **state)
{
	char text[3024];

	(void)state;
	check_key(WIRE_VALUE_IPV4, "198.51.100.7", 12, "412d6ba9e8eb2b66836996e21ce0ae4d");
	check_key(WIRE_VALUE_DOMAIN, "evil.example.com", 16, "68a05a0fa67a28849aad1a7d9f65f61b");
	memset(text, 'x', sizeof(text));
	check_key(WIRE_VALUE_FILENAME, text, 126, "ffa8490e59ea58c41e0ae3ec9670e24a");
	check_key(WIRE_VALUE_FILENAME, text, 127, "edee74148d0af0eabfc3d42d89a154e0");
	check_key(WIRE_VALUE_FILENAME, text, 128, "9bf8b25517e32e2b55a91667485f3450");
	memset(text, 'a', sizeof(text));
	memcpy(text, "http://evil.example.com/", 24);
	check_key(WIRE_VALUE_URL, text, sizeof(text), "abeef87aeef2dff3834b4c95a562ca11");
}

static void reasons_help(void **state)
{
	static const struct {
		uint32_t type;
		const char *value, *reason;
	} rows[] = {
		{WIRE_VALUE_IPV4, "10.1.2.3", "ipv4 value is special-use: 10.0.0.0/8 (RFC 1918)"},
		{WIRE_VALUE_IPV4, "1.2.3", "four decimal numbers"},
		{WIRE_VALUE_IPV6, "fe80::1%eth0", "zone"},
		{WIRE_VALUE_IPV6, "2001:db8::1", "2001:db8::/32 (documentation, RFC 3849)"},
		{WIRE_VALUE_CIDR, "4.2.2.7/24", "host bits"},
		{WIRE_VALUE_CIDR, "4.2.2.7", "ADDRESS/LENGTH"},
		{WIRE_VALUE_DOMAIN, "co.uk", "public suffix"},
		{WIRE_VALUE_DOMAIN, "a..b", "empty label"},
		{WIRE_VALUE_DOMAIN, "xn--a.de", "internationalised"},
		{WIRE_VALUE_URL, "http://u:p@example.com/", "user information"},
		{WIRE_VALUE_URL, "http://10.0.0.1/", "10.0.0.0/8"},
		{WIRE_VALUE_SHA256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85", "63 characters, not 64"},
		{WIRE_VALUE_ASN, "23456", "AS_TRANS"},
		{WIRE_VALUE_BITCOIN, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum"},
	};
	struct wire_value value;
	struct wire_why why;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(wire_value_canon(&value, rows[i].type, rows[i].value, strlen(rows[i].value), *state, &why),
				 ISAC_ERR_BAD_VALUE);
		if (!strstr(why.text, rows[i].reason)) fail_msg("%s: %s", rows[i].value, why.text);
	}
}

static void held_table_is_sorted_and_canonical(void **state)
{
	static const struct {
		uint32_t type;
		const char *text;
	} rows[] = {
#define HELD(TYPE, text) {WIRE_VALUE_##TYPE, text},
#include "wire/held.def"
#undef HELD
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_value value = canon(state, rows[i].type, rows[i].text);

		assert_string_equal(value.text, rows[i].text);
		assert_true(value.held);
		if (i == 0) continue;
		assert_true(rows[i - 1].type <= rows[i].type);
		if (rows[i - 1].type == rows[i].type) assert_true(strcmp(rows[i - 1].text, rows[i].text) < 0);
	}
}

static void addresses_come_as_bytes(void **state)
{
	static const uint8_t v4[16] = {198, 51, 100, 7}, v6[16] = {0x2a, 0x02, 0x06, 0xb8, [15] = 1};
	struct wire_value value;

	value = canon(state, WIRE_VALUE_IPV4, "198.51.100.7");
	assert_int_equal(value.family, 4);
	assert_int_equal(value.prefix, 32);
	assert_memory_equal(value.addr, v4, 16);
	value = canon(state, WIRE_VALUE_URL, "http://198.51.100.7:8080/x");
	assert_int_equal(value.family, 4);
	assert_int_equal(value.prefix, 32);
	assert_memory_equal(value.addr, v4, 16);
	assert_null(value.host);
	value = canon(state, WIRE_VALUE_IPV6, "2a02:6b8::1");
	assert_int_equal(value.family, 6);
	assert_int_equal(value.prefix, 128);
	assert_memory_equal(value.addr, v6, 16);
	value = canon(state, WIRE_VALUE_URL, "http://[2A02:6b8::1]/x");
	assert_int_equal(value.family, 6);
	assert_memory_equal(value.addr, v6, 16);
	value = canon(state, WIRE_VALUE_CIDR, "198.51.0.0/17");
	assert_int_equal(value.family, 4);
	assert_int_equal(value.prefix, 17);
	value = canon(state, WIRE_VALUE_IPV6, "::ffff:198.51.100.7");
	assert_int_equal(value.type, WIRE_VALUE_IPV4);
	assert_int_equal(value.family, 4);
	assert_memory_equal(value.addr, v4, 16);
}

static void hosts_come_canonical(void **state)
{
	assert_string_equal(canon(state, WIRE_VALUE_DOMAIN, "M\xc3\xbcnchen.de").host, "xn--mnchen-3ya.de");
	assert_string_equal(canon(state, WIRE_VALUE_URL, "https://EVIL.example.com.:8443/X").host, "evil.example.com");
	assert_string_equal(canon(state, WIRE_VALUE_EMAIL, "A@Evil.Example.COM").host, "evil.example.com");
	assert_null(canon(state, WIRE_VALUE_ASN, "AS13335").host);
	assert_int_equal(canon(state, WIRE_VALUE_DOMAIN, "evil.example.com").family, 0);
}

static void a_full_arena_is_an_error_not_a_crash(void **state)
{
	static const struct {
		uint32_t type;
		const char *value;
	} rows[] = {
		{WIRE_VALUE_IPV4, "198.51.100.7"},
		{WIRE_VALUE_IPV6, "2a02::1"},
		{WIRE_VALUE_CIDR, "198.51.0.0/17"},
		{WIRE_VALUE_DOMAIN, "evil.example.com"},
		{WIRE_VALUE_DOMAIN, "m\xc3\xbcnchen.example.com"},
		{WIRE_VALUE_URL, "http://evil.example.com/x"},
		{WIRE_VALUE_URL, "http://198.51.100.7/"},
		{WIRE_VALUE_EMAIL, "a@evil.example.com"},
		{WIRE_VALUE_MD5, "0123456789abcdef0123456789abcdef"},
		{WIRE_VALUE_CVE, "CVE-2021-44228"},
		{WIRE_VALUE_MUTEX, "m"},
		{WIRE_VALUE_REGISTRY_KEY, "HKLM\\x"},
		{WIRE_VALUE_BITCOIN, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
	};
	struct wire_arena small;
	struct wire_value value;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum isac_err err = ISAC_ERR_TOO_LARGE;
		size_t cap = 0;

		for (; err == ISAC_ERR_TOO_LARGE && cap < 4096; cap++) {
			wire_arena_init(&small, cap);
			err = wire_value_canon(&value, rows[i].type, rows[i].value, strlen(rows[i].value), &small, NULL);
			wire_arena_clear(&small);
		}
		assert_int_equal(err, ISAC_OK);
		assert_true(cap > 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_numbers_are_those_of_the_specification),
		cmocka_unit_test(unknown_types_are_refused),
		cmocka_unit_test(keys_are_blake2b_of_type_and_value),
		cmocka_unit_test(reasons_help),
		cmocka_unit_test(held_table_is_sorted_and_canonical),
		cmocka_unit_test(addresses_come_as_bytes),
		cmocka_unit_test(hosts_come_canonical),
		cmocka_unit_test(a_full_arena_is_an_error_not_a_crash),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
