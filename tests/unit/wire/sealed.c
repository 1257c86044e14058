/* Sealed payloads against proto/vectors/sealed.txt: the hub's judgement and the reader's; what is made here opens, and only so. */
#include <sodium.h>

#include "vector.h"

static const Isac1__Header *open_header(struct vector *v)
{
	const struct wire_bytes bytes = vector_hex(v, "header");
	ProtobufCMessage *msg;

	assert_int_equal(wire_open(&msg, &isac1__header__descriptor, &v->arena, bytes.data, bytes.len, true, NULL), ISAC_OK);
	return (const Isac1__Header *)msg;
}

static void check_case(struct vector *v)
{
	const Isac1__Header *header = open_header(v);
	const struct wire_bytes sealed = vector_hex(v, "sealed");
	struct wire_why why = {0};
	struct wire_bytes payload;
	enum isac_err err;

	vector_assert_code(v, wire_sealed_check(header, sealed, vector_text(v, "publisher"), &why), vector_number(v, "hub_code", 0));
	err = wire_sealed_open(&payload, header, sealed, vector_text(v, "member"), vector_hex(v, "curve_secret").data, &v->arena, &why);
	vector_assert_code(v, err, vector_number(v, "code", 0));
	if (err) return;
	assert_int_equal(payload.len, vector_hex(v, "payload").len);
	vector_assert_bytes(v, payload.data, vector_hex(v, "payload").data, payload.len);
}

static void vectors_are_judged_as_they_say(void **state)
{
	(void)state;
	vector_each("sealed.txt", 29, check_case);
}

static struct wire_reader make_reader(uint8_t secret[WIRE_CURVE], const char *name)
{
	struct wire_reader reader = {.name = name};

	randombytes_buf(secret, WIRE_CURVE);
	crypto_scalarmult_base(reader.curve, secret);
	return reader;
}

/* Whichever bit is turned, of the seal or of what binds it, it does not open. */
static void every_bit_counts(void **state)
{
	static uint8_t id[WIRE_ID] = {1}, key_id[WIRE_KEY_ID] = {2}, hash[WIRE_HASH];
	const struct wire_bytes clear = {(const uint8_t *)"what only bob may read", 22};
	uint8_t secret[WIRE_CURVE];
	struct wire_reader bob = make_reader(secret, "bob");
	Isac1__Header header = ISAC1__HEADER__INIT;
	struct wire_arena arena;
	struct wire_bytes got;
	struct wire_buf made;

	(void)state;
	header.report_id = (ProtobufCBinaryData){sizeof id, id};
	header.key_id = (ProtobufCBinaryData){sizeof key_id, key_id};
	header.sealed = (ProtobufCBinaryData){sizeof hash, hash};
	wire_buf_init(&made, 4096);
	wire_arena_init(&arena, 1 << 20);
	assert_int_equal(wire_sealed_make(&made, clear, &header, &bob, 1), ISAC_OK);
	for (size_t i = 0; i < made.len + sizeof id + sizeof key_id; i++) {
		uint8_t *at = i < made.len		 ? made.data + i
			      : i < made.len + sizeof id ? id + (i - made.len)
							 : key_id + (i - made.len - sizeof id);

		wire_arena_reset(&arena);
		wire_hash(hash, made.data, made.len);
		assert_int_equal(wire_sealed_open(&got, &header, (struct wire_bytes){made.data, made.len}, "bob", secret, &arena, NULL),
				 ISAC_OK);
		assert_int_equal(got.len, clear.len);
		assert_memory_equal(got.data, clear.data, clear.len);
		*at ^= (uint8_t)(1u << i % 8);
		assert_int_not_equal(wire_sealed_open(&got, &header, (struct wire_bytes){made.data, made.len}, "bob", secret, &arena, NULL),
				     ISAC_OK); /* the hash tells already */
		wire_hash(hash, made.data, made.len);
		assert_int_not_equal(wire_sealed_open(&got, &header, (struct wire_bytes){made.data, made.len}, "bob", secret, &arena, NULL),
				     ISAC_OK); /* and so does the seal, if the publisher signed that */
		*at ^= (uint8_t)(1u << i % 8);
	}
	wire_arena_clear(&arena);
	wire_buf_clear(&made);
}

static void has_readers_within_the_limits(void **state)
{
	static uint8_t id[WIRE_ID] = {1}, key_id[WIRE_KEY_ID] = {2};
	static struct wire_reader readers[WIRE_LIMIT_RECIPIENTS + 2];
	static char names[WIRE_LIMIT_RECIPIENTS + 2][16];
	const struct wire_bytes clear = {(const uint8_t *)"x", 1};
	uint8_t secret[WIRE_CURVE];
	Isac1__Header header = ISAC1__HEADER__INIT;
	struct wire_buf made;

	(void)state;
	for (size_t i = 0; i < WIRE_LIMIT_RECIPIENTS + 2; i++) {
		snprintf(names[i], sizeof names[i], "m%zu", i);
		readers[i] = make_reader(secret, names[i]);
	}
	wire_buf_init(&made, WIRE_LIMIT_FRAME_BYTES);
	assert_int_equal(wire_sealed_make(&made, clear, &header, readers, 1), ISAC_ERR_BAD_VALUE); /* a header without ids */
	header.report_id = (ProtobufCBinaryData){sizeof id, id};
	header.key_id = (ProtobufCBinaryData){sizeof key_id, key_id};
	assert_int_equal(wire_sealed_make(&made, clear, &header, readers, 0), ISAC_ERR_BAD_VALUE);
	assert_int_equal(wire_sealed_make(&made, clear, &header, readers, WIRE_LIMIT_RECIPIENTS + 2), ISAC_ERR_BAD_VALUE);
	assert_int_equal(made.len, 0);
	assert_int_equal(wire_sealed_make(&made, clear, &header, readers, WIRE_LIMIT_RECIPIENTS + 1), ISAC_OK);
	wire_buf_reset(&made);
	memset(readers[0].curve, 0, WIRE_CURVE); /* of small order: everybody could open it */
	assert_int_equal(wire_sealed_make(&made, clear, &header, readers, 1), ISAC_ERR_BAD_VALUE);
	wire_buf_clear(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(vectors_are_judged_as_they_say), cmocka_unit_test(every_bit_counts),
					   cmocka_unit_test(has_readers_within_the_limits)};

	if (wire_init()) return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
