/* Guessing by shape: every type that can be guessed, and what looks like one and is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "wire/wire.h"

static const struct {
	const char *text;
	uint32_t type;
} rows[] = {
	{"198.51.100.7", WIRE_VALUE_IPV4},
	{"10.0.0.1", WIRE_VALUE_IPV4}, /* shape, not policy */
	{"2a02:6b8::1", WIRE_VALUE_IPV6},
	{"::ffff:198.51.100.7", WIRE_VALUE_IPV6},
	{"198.51.100.0/24", WIRE_VALUE_CIDR},
	{"198.51.100.7/24", WIRE_VALUE_CIDR},
	{"2a02::/16", WIRE_VALUE_CIDR},
	{"http://evil.example.com/x.exe", WIRE_VALUE_URL},
	{"HTTPS://evil.example.com", WIRE_VALUE_URL},
	{"javascript://x", WIRE_VALUE_URL},
	{"mallory@evil.example.com", WIRE_VALUE_EMAIL},
	{"evil.example.com", WIRE_VALUE_DOMAIN},
	{"Evil.Example.COM.", WIRE_VALUE_DOMAIN},
	{"m\xc3\xbcnchen.de", WIRE_VALUE_DOMAIN},
	{"\xe4\xbe\x8b\xe3\x81\x88\xe3\x80\x82jp", WIRE_VALUE_DOMAIN},
	{"co.uk", WIRE_VALUE_DOMAIN},
	{"d41d8cd98f00b204e9800998ecf8427e", WIRE_VALUE_MD5},
	{"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", WIRE_VALUE_SHA1},
	{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", WIRE_VALUE_SHA256},
	{"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
	 WIRE_VALUE_SHA512},
	{"CVE-2021-44228", WIRE_VALUE_CVE},
	{"cve-2021-1", WIRE_VALUE_CVE},
	{"AS13335", WIRE_VALUE_ASN},
	{"as1", WIRE_VALUE_ASN},
	{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", WIRE_VALUE_BITCOIN},
	{"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", WIRE_VALUE_BITCOIN},
	{"13335", 0},
	{"evil.exe", 0},
	{"readme.txt", 0},
	{"evil", 0},
	{"", 0},
	{" ", 0},
	{"1.2.3", 0},
	{"010.0.0.1", 0},
	{"2130706433", 0},
	{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", 0},
	{"d41d8cd98f00b204e9800998ecf8427", 0},
	{"a@b", 0},
	{"@example.com", 0},
	{"Mozilla/5.0 (compatible; bot; +http://example.com/)", 0},
	{"198.51.100.0/x", 0},
	{"198.51.100.0/", 0},
	{"ASN", 0},
	{"AS", 0},
	{"HKLM\\Software\\x", 0},
	{"a..b.com", 0},
	{"\xff.com", 0},
	{"://", 0},
};

static void every_row_is_guessed(void **state)
{
	struct wire_arena arena;

	(void)state;
	assert_int_equal(wire_init(), ISAC_OK);
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint32_t type = wire_value_guess(rows[i].text, strlen(rows[i].text), &arena);

		if (type != rows[i].type) fail_msg("\"%s\" was taken for %s", rows[i].text, type ? wire_value_name(type) : "nothing");
	}
	wire_arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_row_is_guessed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
