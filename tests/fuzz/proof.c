/*
 * Merkle proofs as a peer shapes them: count, indexes, leaves and hashes all from the input. A tree made from the
 * input must prove and verify; anything may be claimed without a fault and in time that grows with the proof only.
 */
#include <stdlib.h>
#include <string.h>
#include "wire/wire.h"

enum { MOST = 64 };

static void check(bool ok)
{
	if (!ok) abort();
}

static void honest(uint32_t n, const uint8_t *shown)
{
	uint8_t leaves[MOST * WIRE_HASH], picked[MOST * WIRE_HASH], root[WIRE_HASH], got[WIRE_HASH];
	uint32_t index[MOST], m = 0;
	struct wire_buf proof;

	for (uint32_t i = 0; i < n; i++) {
		memset(leaves + i * WIRE_HASH, (int)i + 1, WIRE_HASH);
		if (!(shown[i / 8] >> i % 8 & 1)) continue;
		memcpy(picked + m * WIRE_HASH, leaves + i * WIRE_HASH, WIRE_HASH);
		index[m++] = i;
	}
	wire_buf_init(&proof, MOST * WIRE_HASH);
	wire_merkle_root(root, leaves, n);
	wire_merkle_prove(&proof, leaves, n, shown);
	check(!proof.err && !wire_merkle_verify(got, n, index, picked, m, proof.data, (uint32_t)(proof.len / WIRE_HASH)));
	check(memcmp(root, got, WIRE_HASH) == 0);
	wire_buf_clear(&proof);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t hashes[256 * WIRE_HASH];
	uint8_t root[WIRE_HASH];
	uint32_t index[255], n, m, proof_n;

	if (size < 16) return 0;
	n = wire_get_u32(data);
	m = data[4];
	proof_n = data[5];
	honest(1 + data[6] % MOST, data + 8);
	if (size < 16 + 4 * (size_t)m) return 0;
	for (uint32_t i = 0; i < m; i++) index[i] = wire_get_u32(data + 16 + 4 * i);
	wire_merkle_verify(root, n, index, hashes, m, hashes, proof_n);
	wire_merkle_path_verify(root, n, m ? index[0] : 0, hashes, hashes, proof_n);
	return 0;
}
