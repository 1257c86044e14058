/* The published vectors: RFC 6545's example packet through profiles H28 and H20, an IPv6 packet through H48, and what leaves a key as it
 * is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "edge/edge.h"

enum { RAW = 101, P_BYTES = 82 };
#define P_HEADERS "450000522ad90000ff06c41fc0a801020a010102976d0050103e020810d94a1350021000ad670000"
#define P_TEXT "Thank you for carefully reading this RFC.\n"
#define H28_KEY "6a49092d36dbc56e56783d94afc35640b3f29773a0cc1741aa55c26575157e4a"
#define H20_KEY "a1f7d8e7f7d9a2a5948aa3661d95030d8251daeceb31bcd32337b78faeb76467"

static void make_p(uint8_t out[P_BYTES])
{
	assert_int_equal(wire_unhex(out, 40, P_HEADERS, 80), ISAC_OK);
	memcpy(out + 40, P_TEXT, sizeof P_TEXT - 1);
}

/* The packet's profile; its input and key in hex. */
static const char *digest(char input[2 * EDGE_INPUT_MAX + 1], char key_hex[2 * EDGE_KEY + 1], const uint8_t *packet, size_t len)
{
	struct edge_packet opened;
	struct edge_digest made;
	struct edge_epoch epoch;
	uint8_t secret[EDGE_EPOCH_KEY], key[EDGE_KEY];

	for (unsigned i = 0; i < sizeof secret; i++) secret[i] = (uint8_t)i;
	assert_int_equal(edge_packet_open(&opened, RAW, packet, len), EDGE_OK);
	edge_digest_make(&made, &opened);
	edge_epoch_init(&epoch, secret);
	edge_digest_key(key, &epoch, &made);
	wire_hex(input, made.input, made.len);
	wire_hex(key_hex, key, sizeof key);
	return edge_profile_name(made.profile);
}

static void sha256_is(const char *input_hex, const char *wanted)
{
	uint8_t input[EDGE_INPUT_MAX], hash[crypto_hash_sha256_BYTES];
	char got[2 * sizeof hash + 1];
	const size_t len = strlen(input_hex) / 2;

	assert_int_equal(wire_unhex(input, len, input_hex, 2 * len), ISAC_OK);
	crypto_hash_sha256(hash, input, len);
	wire_hex(got, hash, sizeof hash);
	assert_string_equal(got, wanted);
}

static void the_example_packet_of_rfc6545(void **state)
{
	char input[2 * EDGE_INPUT_MAX + 1], key[2 * EDGE_KEY + 1];
	uint8_t p[P_BYTES];

	(void)state;
	make_p(p);
	assert_string_equal(digest(input, key, p, sizeof p), "H28");
	assert_string_equal(input, "450000002ad9000000060000c0a801020a010102976d0050103e0208");
	sha256_is(input, "8e783aa500daed4ab58b444c9f0bb3bb84fa1e22fdd4b28b605f63e250c2b708");
	assert_string_equal(key, H28_KEY);
}

static void seven_hops_later_it_is_the_same(void **state)
{
	char input[2 * EDGE_INPUT_MAX + 1], key[2 * EDGE_KEY + 1];
	uint8_t p[P_BYTES];

	(void)state;
	make_p(p);
	assert_int_equal(wire_unhex(p, 12, "452e00522ad90000f806caf1", 24), ISAC_OK); /* DSCP set, TTL 248, new checksum */
	assert_string_equal(digest(input, key, p, sizeof p), "H28");
	assert_string_equal(key, H28_KEY);
}

static void options_and_fragmenting_leave_the_key(void **state)
{
	char input[2 * EDGE_INPUT_MAX + 1], key[2 * EDGE_KEY + 1];
	uint8_t p[P_BYTES], longer[P_BYTES + 4];

	(void)state;
	make_p(p);
	memcpy(longer, p, 20);
	longer[0] = 0x46;
	longer[3] = P_BYTES + 4;
	memset(longer + 20, 1, 4); /* no-operation options */
	memcpy(longer + 24, p + 20, P_BYTES - 20);
	assert_string_equal(digest(input, key, longer, sizeof longer), "H28");
	assert_string_equal(key, H28_KEY);

	p[3] = 20 + 40; /* the first 40 bytes of payload, more to follow */
	p[6] = 0x20;
	assert_string_equal(digest(input, key, p, 60), "H28");
	assert_string_equal(key, H28_KEY);

	p[3] = 20 + 22; /* the rest: its bytes are content */
	p[6] = 0;
	p[7] = 5;
	assert_string_equal(digest(input, key, p, 42), "H20");
	assert_string_equal(key, H20_KEY);
	assert_int_equal(strlen(input), 40);
}

static void nat_makes_another_key(void **state)
{
	char input[2 * EDGE_INPUT_MAX + 1], key[2 * EDGE_KEY + 1];
	uint8_t p[P_BYTES];

	(void)state;
	make_p(p);
	assert_int_equal(wire_unhex(p + 12, 4, "cb007109", 8), ISAC_OK);
	assert_string_equal(digest(input, key, p, sizeof p), "H28");
	assert_string_not_equal(key, H28_KEY);
}

static void an_ipv6_packet(void **state)
{
	static const char hex[] = "6e0abcde0010113f"
				  "20010db8000000000000000000000001"
				  "20010db8000000000000000000000002"
				  "1f90003500101234"
				  "0102030405060708";
	char input[2 * EDGE_INPUT_MAX + 1], key[2 * EDGE_KEY + 1];
	uint8_t packet[56];

	(void)state;
	assert_int_equal(wire_unhex(packet, sizeof packet, hex, sizeof hex - 1), ISAC_OK);
	assert_string_equal(digest(input, key, packet, sizeof packet), "H48");
	assert_int_equal(strncmp(input, "6000000000101100", 16), 0);
	sha256_is(input, "5b8498561307b1a6bf232458123d78ec04d6ff95e11426f90af704e87a5ff731");
	assert_string_equal(key, "5276560e8dcd18622840b61b6055486d34c48df84796ff1e6165ea833d54a484");

	packet[1] = 0xf0; /* another class, flow label and hop limit: the same packet one hop on */
	packet[2] = packet[3] = 0;
	packet[7]--;
	digest(input, key, packet, sizeof packet);
	assert_string_equal(key, "5276560e8dcd18622840b61b6055486d34c48df84796ff1e6165ea833d54a484");
}

static void the_key_id_tells_keys_apart_and_not_the_key(void **state)
{
	uint8_t one[EDGE_EPOCH_KEY] = {1}, two[EDGE_EPOCH_KEY] = {2};
	struct edge_epoch a, b, again;

	(void)state;
	edge_epoch_init(&a, one);
	edge_epoch_init(&b, two);
	edge_epoch_init(&again, one);
	assert_memory_equal(a.id, again.id, EDGE_KEY_ID);
	assert_memory_not_equal(a.id, b.id, EDGE_KEY_ID);
	assert_memory_not_equal(a.id, one, EDGE_KEY_ID);
	edge_epoch_clear(&a);
	for (size_t i = 0; i < sizeof a; i++) assert_int_equal(((uint8_t *)&a)[i], 0);
}

static void weak_profiles_are_never_more_than_half_sure(void **state)
{
	(void)state;
	assert_int_equal(edge_profile_degree(EDGE_H28), 100);
	assert_int_equal(edge_profile_degree(EDGE_H20), 50);
	assert_int_equal(edge_profile_find("H48"), EDGE_H48);
	assert_int_equal(edge_profile_find("h48"), EDGE_PROFILES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_packet_of_rfc6545),
		cmocka_unit_test(seven_hops_later_it_is_the_same),
		cmocka_unit_test(options_and_fragmenting_leave_the_key),
		cmocka_unit_test(nat_makes_another_key),
		cmocka_unit_test(an_ipv6_packet),
		cmocka_unit_test(the_key_id_tells_keys_apart_and_not_the_key),
		cmocka_unit_test(weak_profiles_are_never_more_than_half_sure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
