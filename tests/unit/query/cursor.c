/* Page cursors: README section 10. The expected bytes were computed with Python's hashlib.blake2b, see the comment. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "query/priv.h"

static const uint8_t key[32] = "0123456789abcdef0123456789abcdef";

/*
 * place = struct.pack(">QI", 0x1122334455667788, 7)
 * place + hashlib.blake2b(place + b"alice\0" + b"type = ipv4", key=b"0123456789abcdef" * 2, digest_size=16).digest()[:8]
 */
static void bytes_are_as_specified(void **state)
{
	(void)state;
	uint8_t out[QUERY_CURSOR], expected[QUERY_CURSOR];
	assert_int_equal(wire_unhex(expected, QUERY_CURSOR, "11223344556677880000000755e13f4a631c6dc4", 40), ISAC_OK);
	query_cursor_make(out, &(struct query_cursor){0x1122334455667788, 7}, key, "alice", "type = ipv4");
	assert_memory_equal(out, expected, QUERY_CURSOR);
}

static void opens_only_for_its_owner_and_filter(void **state)
{
	(void)state;
	uint8_t c[QUERY_CURSOR];
	struct query_cursor at;
	query_cursor_make(c, &(struct query_cursor){99, 3}, key, "alice", "tlp = green");
	assert_int_equal(query_cursor_open(&at, c, sizeof(c), key, "alice", "tlp = green"), ISAC_OK);
	assert_int_equal(at.seq, 99);
	assert_int_equal(at.item, 3);
	assert_int_equal(isac_err_code(query_cursor_open(&at, c, sizeof(c), key, "bob", "tlp = green")), 416);
	assert_int_equal(isac_err_code(query_cursor_open(&at, c, sizeof(c), key, "alice", "tlp = red")), 416);
	assert_int_equal(isac_err_code(query_cursor_open(&at, c, sizeof(c), key, "alicet", "lp = green")), 416);
	uint8_t other[32] = {1};
	assert_int_equal(isac_err_code(query_cursor_open(&at, c, sizeof(c), other, "alice", "tlp = green")), 416);
}

static void every_changed_byte_and_length_is_refused(void **state)
{
	(void)state;
	uint8_t c[QUERY_CURSOR + 1] = {0};
	struct query_cursor at;
	query_cursor_make(c, &(struct query_cursor){5, 0}, key, "alice", "");
	for (size_t i = 0; i < QUERY_CURSOR; i++) {
		c[i] ^= 1;
		assert_int_equal(isac_err_code(query_cursor_open(&at, c, QUERY_CURSOR, key, "alice", "")), 416);
		assert_int_equal(at.seq, 0);
		c[i] ^= 1;
	}
	for (size_t n = 1; n <= sizeof(c); n++)
		if (n != QUERY_CURSOR) assert_int_equal(isac_err_code(query_cursor_open(&at, c, n, key, "alice", "")), 416);
	assert_int_equal(query_cursor_open(&at, NULL, 0, key, "alice", ""), ISAC_OK); /* the first page */
	assert_int_equal(at.seq, 0);
}

/* A sealed place of another length, as previews and who have. */
static void places_of_any_length_are_sealed(void **state)
{
	(void)state;
	uint8_t place[24], c[24 + QUERY_CURSOR_TAG + 1] = {0};
	for (uint8_t i = 0; i < sizeof(place); i++) place[i] = i;
	query_cursor_seal(c, place, 24, key, "alice", "tlp = green");
	assert_memory_equal(c, place, 24);
	assert_int_equal(query_cursor_check(c, 32, 24, key, "alice", "tlp = green"), ISAC_OK);
	assert_int_equal(isac_err_code(query_cursor_check(c, 32, 24, key, "bob", "tlp = green")), 416);
	assert_int_equal(isac_err_code(query_cursor_check(c, 32, 24, key, "alice", "tlp = red")), 416);
	for (size_t n = 0; n <= sizeof(c); n++)
		if (n != 32) assert_int_equal(isac_err_code(query_cursor_check(c, n, 24, key, "alice", "tlp = green")), 416);
	for (size_t i = 0; i < 32; i++) {
		c[i] ^= 0x80;
		assert_int_equal(isac_err_code(query_cursor_check(c, 32, 24, key, "alice", "tlp = green")), 416);
		c[i] ^= 0x80;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_as_specified),
		cmocka_unit_test(opens_only_for_its_owner_and_filter),
		cmocka_unit_test(places_of_any_length_are_sealed),
		cmocka_unit_test(every_changed_byte_and_length_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
