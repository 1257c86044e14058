/* Signatures: RFC 8032's own vectors through libsodium, then ours (proto/vectors, made independently). */
#include <sodium.h>
#include "vector.h"

/* RFC 8032 section 7.1, tests 1, 2, 3 and SHA(abc). */
static const struct rfc {
	const char *seed, *public_key, *message, *signature;
} rfc8032[] = {
	{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100"
	 "b"},
	{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	 "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c0"
	 "0"},
	{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	 "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
	 "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40"
	 "a"},
	{"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
	 "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
	 "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	 "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a70"
	 "4"},
};

static void test_rfc8032(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rfc8032 / sizeof *rfc8032; i++) {
		const struct rfc *t = &rfc8032[i];
		const size_t len = strlen(t->message) / 2;
		uint8_t seed[32], want_public[32], public_key[32], secret[64], want[64], got[64], message[64];

		assert_int_equal(wire_unhex(seed, 32, t->seed, 64), ISAC_OK);
		assert_int_equal(wire_unhex(want_public, 32, t->public_key, 64), ISAC_OK);
		assert_int_equal(wire_unhex(want, 64, t->signature, 128), ISAC_OK);
		assert_int_equal(wire_unhex(message, len, t->message, strlen(t->message)), ISAC_OK);
		crypto_sign_seed_keypair(public_key, secret, seed);
		assert_memory_equal(public_key, want_public, 32);
		crypto_sign_detached(got, NULL, message, len, secret);
		assert_memory_equal(got, want, 64);
		assert_int_equal(crypto_sign_verify_detached(want, message, len, public_key), 0);
	}
}

static enum wire_sign_type type_of(const char *name)
{
	static const char *const names[] = {[WIRE_SIGN_REPORT] = "report",
					    [WIRE_SIGN_COMMAND] = "command",
					    [WIRE_SIGN_RECEIPT] = "receipt",
					    [WIRE_SIGN_MEMBER] = "member"};

	for (size_t i = 0; i < 4; i++)
		if (strcmp(names[i], name) == 0) return (enum wire_sign_type)i;
	fail_msg("unknown type %s", name);
	return WIRE_SIGN_REPORT;
}

static void check_good(struct vector *v)
{
	const enum wire_sign_type type = type_of(vector_text(v, "type"));
	const char *hub_id = vector_text(v, "hub_id");
	const struct wire_bytes body = vector_hex(v, "body"), pae = vector_hex(v, "pae"), want = vector_hex(v, "signature");
	uint8_t public_key[WIRE_SIGN_PUBLIC], secret[WIRE_SIGN_SECRET], sig[WIRE_SIGNATURE], id[WIRE_KEY_ID];
	char hub[17];
	struct wire_buf buf;

	crypto_sign_seed_keypair(public_key, secret, vector_hex(v, "seed").data);
	vector_assert_bytes(v, public_key, vector_hex(v, "public").data, sizeof public_key);
	wire_buf_init(&buf, 1 << 20);
	wire_sign_pae(&buf, type, hub_id, body.data, body.len);
	assert_int_equal(buf.len, pae.len);
	vector_assert_bytes(v, buf.data, pae.data, pae.len);
	wire_buf_clear(&buf);
	assert_int_equal(wire_sign_make(sig, type, hub_id, body.data, body.len, secret), ISAC_OK);
	vector_assert_bytes(v, sig, want.data, sizeof sig);
	assert_int_equal(wire_sign_check(want.data, type, hub_id, body.data, body.len, public_key), ISAC_OK);
	wire_sign_key_id(id, public_key);
	vector_assert_bytes(v, id, vector_hex(v, "key_id").data, sizeof id);
	wire_sign_hub_id(hub, public_key);
	assert_string_equal(hub, vector_text(v, "hub_of_public"));
}

static void check_bad(struct vector *v)
{
	const struct wire_bytes body = vector_hex(v, "body");
	const enum isac_err err = wire_sign_check(vector_hex(v, "signature").data, type_of(vector_text(v, "type")),
						  vector_text(v, "hub_id"), body.data, body.len, vector_hex(v, "public").data);

	vector_assert_code(v, err, 401);
}

static void test_good(void **state)
{
	(void)state;
	vector_each("sign.txt", 20, check_good);
}

static void test_bad(void **state)
{
	(void)state;
	vector_each("sign_refused.txt", 12, check_bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rfc8032), cmocka_unit_test(test_good), cmocka_unit_test(test_bad)};

	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
