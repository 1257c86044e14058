/*
 * The pre-scan beyond the vectors: shapes that our grammar does not have (recursion, packed lists, every scalar type,
 * a oneof of two), memory estimates against what protobuf-c takes, and every cut and flipped bit of a good body.
 */
#include "vector.h"

/* A message that isac1.proto does not have: it holds itself, a oneof of two, and each kind of scalar. */
struct odd {
	ProtobufCMessage base;
	int oneof_case;
	union {
		uint32_t a;
		uint64_t b;
	};
	size_t n_list;
	uint32_t *list;
	struct odd *self;
	int32_t i32;
	int32_t s32;
	uint64_t f64;
	uint32_t f32;
	size_t n_longs;
	uint64_t *longs;
	size_t n_flags;
	protobuf_c_boolean *flags;
	int32_t kind;
};
static const ProtobufCMessageDescriptor odd_descriptor;
#define FIELD(name, id, label, type, quantifier, member, desc, flags) \
	{ \
		name, id, PROTOBUF_C_LABEL_##label, PROTOBUF_C_TYPE_##type, quantifier, offsetof(struct odd, member), desc, NULL, flags, \
			0, NULL, NULL \
	}
#define ONEOF PROTOBUF_C_FIELD_FLAG_ONEOF
static const ProtobufCFieldDescriptor odd_fields[] = {
	FIELD("a", 1, NONE, UINT32, offsetof(struct odd, oneof_case), a, NULL, ONEOF),
	FIELD("b", 2, NONE, UINT64, offsetof(struct odd, oneof_case), b, NULL, ONEOF),
	FIELD("list", 3, REPEATED, UINT32, offsetof(struct odd, n_list), list, NULL, 0),
	FIELD("self", 4, NONE, MESSAGE, 0, self, &odd_descriptor, 0),
	FIELD("i32", 5, NONE, INT32, 0, i32, NULL, 0),
	FIELD("s32", 6, NONE, SINT32, 0, s32, NULL, 0),
	FIELD("f64", 7, NONE, FIXED64, 0, f64, NULL, 0),
	FIELD("f32", 8, NONE, SFIXED32, 0, f32, NULL, 0),
	FIELD("longs", 20, REPEATED, FIXED64, offsetof(struct odd, n_longs), longs, NULL, PROTOBUF_C_FIELD_FLAG_PACKED),
	FIELD("flags", 21, REPEATED, BOOL, offsetof(struct odd, n_flags), flags, NULL, PROTOBUF_C_FIELD_FLAG_PACKED),
	FIELD("kind", 22, NONE, ENUM, 0, kind, NULL, 0),
};
static const ProtobufCIntRange odd_ranges[] = {{1, 0}, {20, 8}, {0, 11}};
static void odd_init(ProtobufCMessage *msg)
{
	memset(msg, 0, sizeof(struct odd));
	msg->descriptor = &odd_descriptor;
}
static const ProtobufCMessageDescriptor odd_descriptor = {PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
							  "odd",
							  "Odd",
							  "Odd",
							  "",
							  sizeof(struct odd),
							  11,
							  odd_fields,
							  NULL,
							  2,
							  odd_ranges,
							  odd_init,
							  NULL,
							  NULL,
							  NULL};

static void test_odd(void **state)
{
	static const struct {
		const char *hex;
		unsigned code;
	} cases[] = {
		{"0801", 200},	   /* a */
		{"08011001", 400}, /* a and b */
		{"10010801", 400},
		{"08010801", 400},
		{"1801180218ffffffff0f", 200},	 /* list, one by one */
		{"1a03010203", 200},		 /* the same, packed */
		{"1a0301021804", 400},		 /* packed, cut by its own length: what follows is no element */
		{"1a02010218041a00", 200},	 /* both forms, and an empty one */
		{"1a028100", 400},		 /* packed, not minimal */
		{"1a0180", 400},		 /* packed, cut varint */
		{"1a058080808010", 400},	 /* packed, 2^32 */
		{"28ffffffffffffffffff01", 200}, /* int32 -1 */
		{"28ffffffff07", 200},		 /* int32 2^31 - 1 */
		{"288080808008", 400},		 /* int32 2^31 */
		{"2880808080f8ffffffff01", 200}, /* int32 -2^31 */
		{"28fffffffff7ffffffff01", 400}, /* int32 -2^31 - 1 */
		{"28ffffffff0f", 400},		 /* int32 -1 in 32 bits only */
		{"30ffffffff0f", 200},		 /* sint32 -2^31 */
		{"308080808010", 400},		 /* sint32 of 33 bits */
		{"390102030405060708", 200},	 /* fixed64 */
		{"3901020304050607", 400},
		{"4501020304", 200}, /* fixed32 */
		{"45010203", 400},
		{"4801", 400},					 /* unknown */
		{"a20110010203040506070801020304050607ff", 200}, /* two fixed64, packed */
		{"a2010f010203040506070801020304050607", 400},
		{"a1010102030405060708", 200},
		{"aa0103000100", 200}, /* bools */
		{"aa010102", 400},
		{"b00101", 200}, /* enum */
		{"b001ffffffffffffffffff01", 200},
		{"b0018080808010", 400},
		{"22022200", 200},	       /* itself in itself in itself */
		{"2206220422022200", 200},     /* level 4 */
		{"22082206220422022200", 400}, /* level 5 */
		{"220422040801", 400},	       /* inner length beyond outer */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const size_t len = strlen(cases[i].hex) / 2;
		uint8_t *data = malloc(len);
		struct wire_arena arena;
		ProtobufCMessage *msg;
		enum isac_err err;

		assert_non_null(data);
		assert_int_equal(wire_unhex(data, len, cases[i].hex, len * 2), ISAC_OK);
		wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
		err = wire_open(&msg, &odd_descriptor, &arena, data, len, true, NULL);
		if (isac_err_code(err) != cases[i].code) fail_msg("%s: %u instead of %u", cases[i].hex, isac_err_code(err), cases[i].code);
		wire_arena_clear(&arena);
		free(data);
	}
}

static void test_readers(void **state)
{
	static const uint8_t later[] = {0x4a, 0x02, 'h', 'i'}, group[] = {0x4b, 0x4c}, twice[] = {0x28, 1, 0x28, 1};
	struct wire_arena arena;
	ProtobufCMessage *msg;

	(void)state;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	assert_int_equal(wire_scan(&isac1__query_result__descriptor, NULL, 0, false, NULL), ISAC_OK);
	assert_int_equal(wire_scan(&isac1__query_result__descriptor, NULL, 0, true, NULL), ISAC_ERR_MALFORMED);
	assert_int_equal(wire_open(&msg, &isac1__query_result__descriptor, &arena, NULL, 0, false, NULL), ISAC_OK);
	assert_int_equal(((Isac1__QueryResult *)msg)->n_entries, 0);
	assert_int_equal(wire_open(&msg, &isac1__query__descriptor, &arena, later, sizeof later, false, NULL), ISAC_OK);
	assert_int_equal(wire_scan(&isac1__query__descriptor, later, sizeof later, true, NULL), ISAC_ERR_MALFORMED);
	assert_int_equal(wire_scan(&isac1__query__descriptor, group, sizeof group, false, NULL), ISAC_ERR_MALFORMED);
	assert_int_equal(wire_scan(&isac1__query__descriptor, twice, sizeof twice, false, NULL), ISAC_ERR_MALFORMED);
	wire_arena_clear(&arena);
}

/* Floods: many small things that decode to much. The arena's cap is never what stops them. */
static void test_floods(void **state)
{
	static const struct {
		const ProtobufCMessageDescriptor *desc;
		uint8_t unit[2];
		uint32_t times;
		unsigned code;
	} floods[] = {
		{&isac1__batch__descriptor, {0x0a, 0}, 500000, 413}, /* empty messages */
		{&isac1__batch__descriptor, {0x0a, 0}, 99999, 413},  /* by memory, not by number */
		{&isac1__query__descriptor, {0x48, 1}, 500000, 413}, /* unknown fields */
		{&isac1__query__descriptor, {0x4a, 0}, 99999, 413},  /* by memory */
		{&isac1__query__descriptor, {0x4a, 0}, 20000, 400},
		{&isac1__directory__descriptor, {0x12, 0}, 500000, 413}, /* empty strings */
		{&isac1__directory__descriptor, {0x0a, 0}, 10000, 200},
		{&isac1__receipt__descriptor, {0x40, 1}, 50000, 200}, /* numbers one by one */
		{&isac1__receipt__descriptor, {0x40, 1}, 100001, 413},
	};

	(void)state;
	for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
		uint8_t *data = malloc(2 * (size_t)floods[i].times);
		struct wire_arena arena;
		ProtobufCMessage *msg;
		enum isac_err err;

		assert_non_null(data);
		for (uint32_t k = 0; k < floods[i].times; k++) memcpy(data + 2 * (size_t)k, floods[i].unit, 2);
		wire_arena_init(&arena, 64 << 20);
		err = wire_open(&msg, floods[i].desc, &arena, data, 2 * (size_t)floods[i].times, true, NULL);
		if (isac_err_code(err) != floods[i].code) fail_msg("flood %zu: %u instead of %u", i, isac_err_code(err), floods[i].code);
		assert_true(arena.used <= WIRE_LIMIT_DECODE_BYTES);
		wire_arena_clear(&arena);
		free(data);
	}
}

/* Elements of a packed list count as fields. */
static void test_packed_flood(void **state)
{
	static uint8_t data[4 + WIRE_LIMIT_FIELDS];

	(void)state;
	for (uint32_t n = WIRE_LIMIT_FIELDS - 1; n <= WIRE_LIMIT_FIELDS; n++) {
		const uint8_t head[] = {0x42, (uint8_t)(n | 0x80), (uint8_t)(n >> 7 | 0x80), (uint8_t)(n >> 14)};

		memcpy(data, head, sizeof head);
		assert_int_equal(wire_scan(&isac1__receipt__descriptor, data, sizeof head + n, true, NULL),
				 n < WIRE_LIMIT_FIELDS ? ISAC_OK : ISAC_ERR_TOO_LARGE);
	}
}

/* What the scan lets pass decodes within the limit and packs back; what it refuses is refused without a fault. */
static void try_bytes(const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t len, struct wire_arena *arena)
{
	ProtobufCMessage *msg;
	enum isac_err err = wire_open(&msg, desc, arena, data, len, true, NULL);

	assert_true(err == ISAC_OK || err == ISAC_ERR_MALFORMED || err == ISAC_ERR_BAD_VALUE);
	assert_false(arena->over);
	wire_arena_reset(arena);
}

static void check_cuts(struct vector *v)
{
	const struct wire_bytes bytes = vector_hex(v, "entry");
	struct wire_arena arena;

	if (vector_number(v, "code", 0) != 200) return;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	for (size_t len = 0; len <= bytes.len; len++) {
		uint8_t *cut = malloc(len + !len);

		assert_non_null(cut);
		memcpy(cut, bytes.data, len);
		try_bytes(&isac1__entry__descriptor, cut, len, &arena);
		free(cut);
	}
	for (size_t i = 0; i < bytes.len * 8; i++) {
		uint8_t *bad = malloc(bytes.len);

		assert_non_null(bad);
		memcpy(bad, bytes.data, bytes.len);
		bad[i / 8] ^= (uint8_t)(1u << i % 8);
		try_bytes(&isac1__entry__descriptor, bad, bytes.len, &arena);
		free(bad);
	}
	wire_arena_clear(&arena);
}

static void test_cuts(void **state)
{
	(void)state;
	vector_each("entry.txt", 25, check_cuts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_odd), cmocka_unit_test(test_readers), cmocka_unit_test(test_floods),
					   cmocka_unit_test(test_packed_flood), cmocka_unit_test(test_cuts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
