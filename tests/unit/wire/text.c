/* Texts and names: every code point once, the classic bad sequences, and errors' own texts. */
#include "vector.h"

/* RFC 3629's table, written out another way than the code under test. */
static size_t encode(uint32_t v, char *out)
{
	if (v < 0x80) return out[0] = (char)v, 1;
	if (v < 0x800) return out[0] = (char)(0xc0 | v / 64), out[1] = (char)(0x80 | v % 64), 2;
	if (v < 0x10000) return out[0] = (char)(0xe0 | v / 4096), out[1] = (char)(0x80 | v / 64 % 64), out[2] = (char)(0x80 | v % 64), 3;
	out[0] = (char)(0xf0 | v / 262144);
	out[1] = (char)(0x80 | v / 4096 % 64);
	out[2] = (char)(0x80 | v / 64 % 64);
	out[3] = (char)(0x80 | v % 64);
	return 4;
}

static void test_code_points(void **state)
{
	char text[16] = "12345678";

	(void)state;
	for (uint32_t v = 0; v < 0x110200; v++) {
		const size_t len = encode(v, text + 8);
		const bool utf8 = v != 0 && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
		const bool hidden = v < 0x20 || (v >= 0x7f && v <= 0x9f) || (v >= 0x202a && v <= 0x202e) || (v >= 0x2066 && v <= 0x2069) ||
				    (v >= 0x200b && v <= 0x200f) || v == 0x61c || v == 0x2060 || v == 0xfeff ||
				    (v >= 0xe0000 && v <= 0xe007f);

		if (wire_utf8_ok(text + 8, len) != utf8 || wire_utf8_ok(text, 8 + len) != utf8) fail_msg("U+%04X", v);
		if (wire_text_ok(text, 8 + len) != (utf8 && !hidden)) fail_msg("text U+%04X", v);
		for (size_t cut = 1; cut < len; cut++)
			if (wire_utf8_ok(text, 8 + cut)) fail_msg("cut U+%04X", v);
	}
}

static void test_bad_bytes(void **state)
{
	static const char *const bad[] = {
		"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x88\x80\x80\x80", "\x80",	   "\xff",
		"a\xbf",    "\xc3(",	"\xed\xbf\xbf", "\xf4\x90\x80\x80", "1234567\x80",	    "12345678\x80"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(wire_utf8_ok(bad[i], strlen(bad[i])));
		assert_false(wire_text_ok(bad[i], strlen(bad[i])));
	}
	/* NUL anywhere in a long ASCII text. */
	for (size_t i = 0; i < 40; i++) {
		char text[40];

		memset(text, 'a', sizeof text);
		assert_true(wire_utf8_ok(text, sizeof text));
		text[i] = 0;
		assert_false(wire_utf8_ok(text, sizeof text));
		assert_false(wire_text_ok(text, sizeof text));
	}
	assert_true(wire_utf8_ok("", 0));
	assert_true(wire_text_ok("", 0));
}

static void test_names(void **state)
{
	static const char *const good[] = {"a", "0", "isp-1", "a.b_c-d",
					   "1234567890123456789012345678901234567890123456789012345678901234"};
	static const char *const bad[] = {"",
					  "A",
					  "-a",
					  ".a",
					  "_a",
					  "a b",
					  "a/b",
					  "a\n",
					  "\xc3\xa4",
					  "a'",
					  "12345678901234567890123456789012345678901234567890123456789012345"};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (!wire_name_ok(good[i])) fail_msg("refused %s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (wire_name_ok(bad[i])) fail_msg("accepted %s", bad[i]);
}

static void test_errors(void **state)
{
	struct wire_why why = {.item = 3};
	char longer[400];

	(void)state;
	assert_string_equal(isac_err_name(ISAC_OK), "OK");
	assert_int_equal(isac_err_code(ISAC_OK), 200);
	assert_string_equal(isac_err_name(ISAC_ERR_BAD_VALUE), "BAD_VALUE");
	assert_int_equal(isac_err_code(ISAC_ERR_TOO_LARGE), 413);
	assert_true(isac_err_retryable(ISAC_ERR_FULL));
	assert_false(isac_err_retryable(ISAC_ERR_MALFORMED));
	for (int i = 0; i < ISAC_ERR_COUNT; i++) assert_true(isac_err_name(i)[0] && isac_err_text(i)[0]);
	assert_int_equal(wire_refuse(&why, ISAC_ERR_RATE, "a%sb", "\x1b[2J\xc3\xa4\n"), ISAC_ERR_RATE);
	assert_string_equal(why.text, "a?[2J???b");
	assert_int_equal(why.item, 3);
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	assert_int_equal(wire_refuse(&why, ISAC_ERR_RATE, "%s", longer), ISAC_ERR_RATE);
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
	assert_int_equal(wire_refuse(NULL, ISAC_ERR_RATE, "%s", longer), ISAC_ERR_RATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_code_points), cmocka_unit_test(test_bad_bytes),
					   cmocka_unit_test(test_names), cmocka_unit_test(test_errors)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
