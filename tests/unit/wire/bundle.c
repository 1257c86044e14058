/* Bundles: the vectors, and that what we write we read. */
#include <sodium.h>
#include "vector.h"

static void check(struct vector *v)
{
	const struct wire_bytes text = vector_hex(v, "text");
	struct wire_member member;
	struct wire_hub hub;
	struct wire_why why = {0};
	struct wire_buf out;
	enum isac_err err;

	if (strcmp(vector_text(v, "kind"), "hub") == 0) err = wire_hub_parse(&hub, (const char *)text.data, text.len, &why);
	else err = wire_member_parse(&member, (const char *)text.data, text.len, &why);
	vector_assert_code(v, err, vector_number(v, "code", 0));
	assert_int_equal(!err, !why.text[0]);
	if (err || strcmp(vector_text(v, "kind"), "hub") != 0) return;
	wire_buf_init(&out, 4096);
	assert_int_equal(wire_hub_format(&out, &hub), ISAC_OK);
	assert_int_equal(out.len, text.len);
	vector_assert_bytes(v, out.data, text.data, text.len);
	wire_buf_clear(&out);
}

static void test_vectors(void **state)
{
	(void)state;
	vector_each("bundle.txt", 25, check);
}

static void test_member_round(void **state)
{
	struct wire_member m = {.name = "isp-1.example", .curve = {1, 2, 3}}, back;
	uint8_t secret[WIRE_SIGN_SECRET], seed[32] = {9};
	struct wire_buf out;

	(void)state;
	crypto_sign_seed_keypair(m.sign, secret, seed);
	wire_buf_init(&out, 4096);
	assert_int_equal(wire_member_format(&out, &m, secret), ISAC_OK);
	assert_int_equal(wire_member_parse(&back, (const char *)out.data, out.len, NULL), ISAC_OK);
	assert_memory_equal(&back, &m, sizeof m);
	/* No single flipped bit passes. */
	for (size_t i = 0; i < out.len * 8; i++) {
		out.data[i / 8] ^= (uint8_t)(1u << i % 8);
		if (!wire_member_parse(&back, (const char *)out.data, out.len, NULL)) {
			/* Only the case of a hex digit of the signature, which is not signed itself. */
			assert_true(i % 8 == 5 && i / 8 > out.len - 130);
		}
		out.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	snprintf(m.name, sizeof m.name, "%s", "Not A Name");
	assert_int_equal(wire_member_format(&out, &m, secret), ISAC_ERR_BAD_VALUE);
	wire_buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_member_round)};

	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
