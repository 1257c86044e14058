/* The running hash of a feed session (README section 7): the hub and the subscriber each keep one and compare. */
#include <sodium.h>
#include "wire/wire.h"

enum { AT_ONCE = 256 };

void wire_feed_entry(uint8_t hash[WIRE_HASH], uint64_t seq, const uint8_t header_hash[WIRE_HASH], const uint32_t *index, uint32_t n)
{
	crypto_generichash_state state;
	uint8_t number[8], numbers[4 * AT_ONCE];

	crypto_generichash_init(&state, NULL, 0, WIRE_HASH);
	crypto_generichash_update(&state, hash, WIRE_HASH);
	wire_put_u64(number, seq);
	crypto_generichash_update(&state, number, 8);
	crypto_generichash_update(&state, header_hash, WIRE_HASH);
	wire_put_u32(number, n);
	crypto_generichash_update(&state, number, 4);
	for (uint32_t done = 0, now; done < n; done += now) {
		now = n - done < AT_ONCE ? n - done : AT_ONCE;
		for (uint32_t i = 0; i < now; i++) wire_put_u32(numbers + 4 * i, index[done + i]);
		crypto_generichash_update(&state, numbers, 4 * now);
	}
	crypto_generichash_final(&state, hash, WIRE_HASH);
}

void wire_feed_gap(uint8_t hash[WIRE_HASH], uint64_t first, uint64_t last)
{
	crypto_generichash_state state;
	uint8_t range[16];

	wire_put_u64(range, first);
	wire_put_u64(range + 8, last);
	crypto_generichash_init(&state, NULL, 0, WIRE_HASH);
	crypto_generichash_update(&state, hash, WIRE_HASH);
	crypto_generichash_update(&state, (const uint8_t *)"gap", 3);
	crypto_generichash_update(&state, range, sizeof range);
	crypto_generichash_final(&state, hash, WIRE_HASH);
}
