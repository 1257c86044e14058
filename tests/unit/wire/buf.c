/* Buffers, arenas, hex: growth, limits, sticky errors. */
#include "vector.h"

static void test_buf(void **state)
{
	static const uint8_t want[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 'x', '=', '7'};
	struct wire_buf buf;

	(void)state;
	wire_buf_init(&buf, 17);
	wire_buf_u16(&buf, 0x0102);
	wire_buf_u32(&buf, 0x03040506);
	wire_buf_u64(&buf, 0x0102030405060708);
	wire_buf_printf(&buf, "x=%d", 7);
	assert_int_equal(buf.err, ISAC_OK);
	assert_int_equal(buf.len, sizeof want);
	assert_memory_equal(buf.data, want, sizeof want);
	assert_int_equal(wire_get_u16(buf.data), 0x0102);
	assert_int_equal(wire_get_u32(buf.data + 2), 0x03040506);
	assert_true(wire_get_u64(buf.data + 6) == 0x0102030405060708);
	wire_buf_add(&buf, "", 0);
	assert_int_equal(buf.err, ISAC_OK);
	wire_buf_add(&buf, "y", 1);
	assert_int_equal(buf.err, ISAC_ERR_TOO_LARGE);
	assert_int_equal(buf.len, 17);
	wire_buf_reset(&buf);
	wire_buf_add(&buf, "y", 1);
	assert_int_equal(buf.err, ISAC_OK);
	assert_int_equal(buf.len, 1);
	wire_buf_clear(&buf);
	assert_null(buf.data);
}

static void test_buf_sticks(void **state)
{
	struct wire_buf buf;

	(void)state;
	wire_buf_init(&buf, 4);
	wire_buf_add(&buf, "12345", 5);
	assert_int_equal(buf.err, ISAC_ERR_TOO_LARGE);
	wire_buf_add(&buf, "1", 1);
	wire_buf_printf(&buf, "%s", "1");
	assert_null(wire_buf_extend(&buf, 1));
	assert_int_equal(buf.len, 0);
	wire_buf_clear(&buf);
}

static void test_buf_grows(void **state)
{
	struct wire_buf buf;

	(void)state;
	wire_buf_init(&buf, 100000);
	for (unsigned i = 0; i < 100000; i++) wire_buf_add(&buf, &(const uint8_t){(uint8_t)i}, 1);
	assert_int_equal(buf.err, ISAC_OK);
	assert_int_equal(buf.len, 100000);
	for (unsigned i = 0; i < 100000; i++) assert_int_equal(buf.data[i], (uint8_t)i);
	assert_null(wire_buf_extend(&buf, SIZE_MAX));
	wire_buf_clear(&buf);
}

/* Encodings from protobuf's documentation and by hand. */
static void test_varint(void **state)
{
	static const struct {
		uint64_t v;
		const char *hex;
	} cases[] = {
		{0, "00"}, {1, "01"}, {127, "7f"}, {128, "8001"}, {150, "9601"}, {16384, "808001"}, {UINT64_MAX, "ffffffffffffffffff01"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wire_buf buf;
		char hex[32];

		wire_buf_init(&buf, 16);
		wire_buf_varint(&buf, cases[i].v);
		wire_hex(hex, buf.data, buf.len);
		assert_string_equal(hex, cases[i].hex);
		wire_buf_clear(&buf);
	}
}

static void test_arena(void **state)
{
	struct wire_arena arena;
	uint8_t *first;

	(void)state;
	wire_arena_init(&arena, 100000);
	first = wire_arena_alloc(&arena, 1);
	assert_non_null(first);
	assert_in_range(arena.held, 1, 2000); /* many small ones are kept */
	for (size_t size = 0; size < 300; size++) {
		uint8_t *p = wire_arena_alloc(&arena, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		memset(p, 0xff, size);
	}
	assert_non_null(wire_arena_alloc(&arena, 40000)); /* more than a block */
	assert_false(arena.over);
	assert_null(wire_arena_alloc(&arena, 100000));
	assert_true(arena.over);
	assert_true(arena.used <= arena.cap);
	assert_in_range(arena.held, arena.used, arena.used + 3 * 16384);
	assert_null(wire_arena_alloc(&arena, SIZE_MAX));
	wire_arena_reset(&arena);
	assert_false(arena.over);
	assert_int_equal(arena.used, 0);
	assert_in_range(arena.held, 40000, 41000); /* the block that stays */
	assert_non_null(wire_arena_alloc(&arena, 100000));
	assert_null(wire_arena_alloc(&arena, 1));
	wire_arena_clear(&arena);
	assert_null(arena.blocks);
	assert_int_equal(arena.held, 0);
}

static void test_hex(void **state)
{
	uint8_t out[2];
	char text[5];

	(void)state;
	assert_int_equal(wire_unhex(out, 2, "aB09", 4), ISAC_OK);
	wire_hex(text, out, 2);
	assert_string_equal(text, "ab09");
	assert_int_equal(wire_unhex(out, 2, "aB0", 3), ISAC_ERR_BAD_VALUE);
	assert_int_equal(wire_unhex(out, 2, "aB09c", 5), ISAC_ERR_BAD_VALUE);
	assert_int_equal(wire_unhex(out, 2, "aB0g", 4), ISAC_ERR_BAD_VALUE);
	assert_int_equal(wire_unhex(out, 2, "aB 9", 4), ISAC_ERR_BAD_VALUE);
	assert_int_equal(wire_unhex(out, 0, "", 0), ISAC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_buf),	     cmocka_unit_test(test_buf_sticks),
					   cmocka_unit_test(test_buf_grows), cmocka_unit_test(test_varint),
					   cmocka_unit_test(test_arena),     cmocka_unit_test(test_hex)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
