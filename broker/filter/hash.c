/* hash: multiply and fold, 16 bytes a step. The seed is secret, or members could choose values that all fall on one slot. */
#include "filter/priv.h"

static uint64_t load(const uint8_t *bytes, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, bytes, n);
	return word;
}

uint32_t filter_hash(const uint64_t seed[2], enum filter_space space, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t a = 0, b = 0, h = seed[0] ^ (uint64_t)space << 56;
	size_t left = len;

	for (; left > 16; left -= 16, p += 16) h = filter_hash_mix(load(p, 8) ^ seed[1], load(p + 8, 8) ^ h);
	if (left >= 8) {
		a = load(p, 8);
		b = load(p + left - 8, 8);
	} else if (left >= 4) {
		a = load(p, 4);
		b = load(p + left - 4, 4);
	} else if (left) {
		a = (uint64_t)p[0] << 16 | (uint64_t)p[left / 2] << 8 | p[left - 1];
	}
	h = filter_hash_mix(a ^ seed[1], b ^ h);
	return (uint32_t)(filter_hash_mix(h ^ seed[0], len ^ seed[1]) >> 32);
}
