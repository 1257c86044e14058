/*
 * Trees of RFC 6962's shape over BLAKE2b-256: items under a report's root, receipts under a batch's root (README
 * sections 5 and 6). Roots are folded on a stack of at most 33 hashes, one per level, without recursion or malloc.
 * Walks recurse once per level of the tree: at most 32 deep whatever a peer claims.
 */
#include <sodium.h>
#include <string.h>
#include "wire/wire.h"

enum { LEVELS = 33 };

void wire_hash(uint8_t out[WIRE_HASH], const uint8_t *data, size_t len)
{
	crypto_generichash(out, WIRE_HASH, data, len, NULL, 0);
}

void wire_merkle_salt(uint8_t out[WIRE_SALT], const uint8_t secret[WIRE_SECRET], uint32_t index)
{
	uint8_t in[14] = "isac1 salt";

	wire_put_u32(in + 10, index);
	crypto_generichash(out, WIRE_SALT, in, sizeof in, secret, WIRE_SECRET);
}

/* H(0x00 || a || b); short inputs, which are nearly all, go in one call. */
static void hash_leaf(uint8_t out[WIRE_HASH], const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	uint8_t in[512];
	crypto_generichash_state state;

	if (a_len < sizeof in && b_len < sizeof in - a_len) {
		in[0] = 0x00;
		if (a_len) memcpy(in + 1, a, a_len);
		if (b_len) memcpy(in + 1 + a_len, b, b_len);
		crypto_generichash(out, WIRE_HASH, in, 1 + a_len + b_len, NULL, 0);
		return;
	}
	in[0] = 0x00;
	crypto_generichash_init(&state, NULL, 0, WIRE_HASH);
	crypto_generichash_update(&state, in, 1);
	crypto_generichash_update(&state, a, a_len);
	crypto_generichash_update(&state, b, b_len);
	crypto_generichash_final(&state, out, WIRE_HASH);
}

void wire_merkle_item(uint8_t out[WIRE_HASH], const uint8_t salt[WIRE_SALT], const uint8_t *item, size_t len)
{
	hash_leaf(out, salt, WIRE_SALT, item, len);
}

void wire_merkle_leaf(uint8_t out[WIRE_HASH], const uint8_t *data, size_t len)
{
	hash_leaf(out, NULL, 0, data, len);
}

void wire_merkle_node(uint8_t out[WIRE_HASH], const uint8_t left[WIRE_HASH], const uint8_t right[WIRE_HASH])
{
	uint8_t in[1 + 2 * WIRE_HASH];

	in[0] = 0x01;
	memcpy(in + 1, left, WIRE_HASH);
	memcpy(in + 1 + WIRE_HASH, right, WIRE_HASH);
	crypto_generichash(out, WIRE_HASH, in, sizeof in, NULL, 0);
}

void wire_merkle_root(uint8_t out[WIRE_HASH], const uint8_t *leaves, uint32_t n)
{
	uint8_t stack[LEVELS][WIRE_HASH];
	unsigned top = 0;

	/* After leaf i the stack holds a full subtree for each bit of i + 1, the largest first. */
	for (uint32_t i = 0; i < n; i++) {
		memcpy(stack[top++], leaves + (size_t)i * WIRE_HASH, WIRE_HASH);
		for (uint32_t count = i + 1; !(count & 1); count >>= 1, top--)
			wire_merkle_node(stack[top - 2], stack[top - 2], stack[top - 1]);
	}
	for (; top > 1; top--) wire_merkle_node(stack[top - 2], stack[top - 2], stack[top - 1]);
	memcpy(out, stack[0], WIRE_HASH);
}

/* The largest power of two smaller than n, n > 1. */
static uint32_t split(uint32_t n)
{
	return UINT32_C(1) << (31 - __builtin_clz(n - 1));
}

uint32_t wire_merkle_tree_count(uint32_t n)
{
	uint32_t count = n;

	for (; n > 1; count += n) n = n / 2 + n % 2;
	return count;
}

/* A node without a right neighbour goes up as it is: that is RFC 6962's shape, seen from below. */
void wire_merkle_tree(uint8_t *tree, uint32_t n)
{
	uint8_t *level = tree;

	while (n > 1) {
		uint8_t *up = level + (size_t)n * WIRE_HASH;

		for (uint32_t i = 0; i + 1 < n; i += 2)
			wire_merkle_node(up + (size_t)i / 2 * WIRE_HASH, level + (size_t)i * WIRE_HASH,
					 level + (size_t)(i + 1) * WIRE_HASH);
		if (n % 2) memcpy(up + (size_t)n / 2 * WIRE_HASH, level + (size_t)(n - 1) * WIRE_HASH, WIRE_HASH);
		level = up;
		n = n / 2 + n % 2;
	}
}

/* Where the hashes of subtrees come from: computed from leaves, or looked up in a whole tree of n leaves. */
struct source {
	const uint8_t *leaves;
	uint32_t n;
	bool whole;
};

static void subtree(uint8_t out[WIRE_HASH], const struct source *src, uint32_t first, uint32_t count)
{
	const uint8_t *level = src->leaves;
	uint32_t width = src->n;

	if (!src->whole) {
		wire_merkle_root(out, src->leaves + (size_t)first * WIRE_HASH, count);
		return;
	}
	for (; count > 1; count = count / 2 + count % 2, first /= 2) {
		level += (size_t)width * WIRE_HASH;
		width = width / 2 + width % 2;
	}
	memcpy(out, level + (size_t)first * WIRE_HASH, WIRE_HASH);
}

static bool any_shown(const uint8_t *shown, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (i % 8 == 0 && first + count - i >= 8) {
			if (shown[i / 8]) return true;
			i += 7;
		} else if (shown[i / 8] >> i % 8 & 1) {
			return true;
		}
	}
	return false;
}

static void prove(struct wire_buf *proof, const struct source *src, uint32_t first, uint32_t count, const uint8_t *shown)
{
	uint8_t hash[WIRE_HASH];

	if (!any_shown(shown, first, count)) {
		subtree(hash, src, first, count);
		wire_buf_add(proof, hash, WIRE_HASH);
	} else if (count > 1) {
		const uint32_t k = split(count);

		prove(proof, src, first, k, shown);
		prove(proof, src, first + k, count - k, shown);
	}
}

void wire_merkle_prove(struct wire_buf *proof, const uint8_t *leaves, uint32_t n, const uint8_t *shown)
{
	const struct source src = {.leaves = leaves, .n = n};

	prove(proof, &src, 0, n, shown);
}

void wire_merkle_tree_prove(struct wire_buf *proof, const uint8_t *tree, uint32_t n, const uint8_t *shown)
{
	const struct source src = {.leaves = tree, .n = n, .whole = true};

	prove(proof, &src, 0, n, shown);
}

struct verify {
	const uint32_t *index;
	const uint8_t *leaf, *proof;
	uint32_t m, proof_n; /* how many are left */
	uint8_t *tree;	     /* NULL, or where the hashes are kept, as in a whole tree of n leaves */
	uint32_t n;
};

/* Where a whole tree of n leaves has the root of these count leaves. */
static size_t place(uint32_t n, uint64_t first, uint32_t count)
{
	size_t at = 0;

	for (; count > 1; count = count / 2 + count % 2, first /= 2) {
		at += n;
		n = n / 2 + n % 2;
	}
	return (at + first) * WIRE_HASH;
}

static void keep(const struct verify *v, const uint8_t hash[WIRE_HASH], uint64_t first, uint32_t count)
{
	if (v->tree) memcpy(v->tree + place(v->n, first, count), hash, WIRE_HASH);
}

/* Root of [first, first + count) into out; false if the proof has run out. Leaves are taken in order. */
static bool rebuild(struct verify *v, uint8_t out[WIRE_HASH], uint64_t first, uint32_t count)
{
	uint8_t right[WIRE_HASH];
	uint32_t k;

	if (!v->m || *v->index >= first + count) {
		if (!v->proof_n) return false;
		memcpy(out, v->proof, WIRE_HASH);
		v->proof += WIRE_HASH;
		v->proof_n--;
		keep(v, out, first, count);
		return true;
	}
	if (count == 1) {
		memcpy(out, v->leaf, WIRE_HASH);
		v->leaf += WIRE_HASH;
		v->index++;
		v->m--;
		keep(v, out, first, count);
		return true;
	}
	k = split(count);
	if (!rebuild(v, out, first, k) || !rebuild(v, right, first + k, count - k)) return false;
	wire_merkle_node(out, out, right);
	keep(v, out, first, count);
	return true;
}

static enum isac_err verify(uint8_t root[WIRE_HASH], uint8_t *tree, uint32_t n, const uint32_t *index, const uint8_t *leaf, uint32_t m,
			    const uint8_t *proof, uint32_t proof_n)
{
	struct verify v = {.index = index, .leaf = leaf, .m = m, .proof = proof, .proof_n = proof_n, .tree = tree, .n = n};

	if (!n) return ISAC_ERR_NOT_AUTHENTIC;
	for (uint32_t i = 0; i < m; i++)
		if (index[i] >= n || (i && index[i] <= index[i - 1])) return ISAC_ERR_NOT_AUTHENTIC;
	if (!rebuild(&v, root, 0, n) || v.proof_n) return ISAC_ERR_NOT_AUTHENTIC;
	return ISAC_OK;
}

enum isac_err wire_merkle_verify(uint8_t root[WIRE_HASH], uint32_t n, const uint32_t *index, const uint8_t *leaf, uint32_t m,
				 const uint8_t *proof, uint32_t proof_n)
{
	return verify(root, NULL, n, index, leaf, m, proof, proof_n);
}

enum isac_err wire_merkle_tree_rebuild(uint8_t *tree, uint32_t n, const uint32_t *index, const uint8_t *leaf, uint32_t m,
				       const uint8_t *proof, uint32_t proof_n)
{
	uint8_t root[WIRE_HASH];

	return verify(root, tree, n, index, leaf, m, proof, proof_n);
}

static void path_of(struct wire_buf *path, const struct source *src, uint32_t index)
{
	struct {
		uint32_t first, count;
	} side[LEVELS];
	uint32_t first = 0, count = src->n;
	unsigned depth = 0;
	uint8_t hash[WIRE_HASH];

	if (index >= count) return;
	while (count > 1) {
		const uint32_t k = split(count);

		if (index - first < k) {
			side[depth].first = first + k;
			side[depth++].count = count - k;
			count = k;
		} else {
			side[depth].first = first;
			side[depth++].count = k;
			first += k;
			count -= k;
		}
	}
	while (depth--) {
		subtree(hash, src, side[depth].first, side[depth].count);
		wire_buf_add(path, hash, WIRE_HASH);
	}
}

void wire_merkle_path(struct wire_buf *path, const uint8_t *leaves, uint32_t n, uint32_t index)
{
	const struct source src = {.leaves = leaves, .n = n};

	path_of(path, &src, index);
}

void wire_merkle_tree_path(struct wire_buf *path, const uint8_t *tree, uint32_t n, uint32_t index)
{
	const struct source src = {.leaves = tree, .n = n, .whole = true};

	path_of(path, &src, index);
}

enum isac_err wire_merkle_path_verify(uint8_t root[WIRE_HASH], uint32_t n, uint32_t index, const uint8_t leaf[WIRE_HASH],
				      const uint8_t *path, uint32_t path_n)
{
	uint32_t last;

	if (index >= n) return ISAC_ERR_NOT_AUTHENTIC;
	memcpy(root, leaf, WIRE_HASH);
	for (last = n - 1; path_n; path_n--, path += WIRE_HASH) {
		if (!last) return ISAC_ERR_NOT_AUTHENTIC;
		/* The rightmost node of a level without a neighbour was carried up: find the level where it has one. */
		for (; index == last && !(index & 1); index >>= 1) last >>= 1;
		if (index & 1) wire_merkle_node(root, path, root);
		else wire_merkle_node(root, root, path);
		index >>= 1;
		last >>= 1;
	}
	return last ? ISAC_ERR_NOT_AUTHENTIC : ISAC_OK;
}
