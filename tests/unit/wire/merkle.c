/* Trees: salts, leaves, roots and proofs against proto/vectors; the two ways of proving against each other. */
#include <sodium.h>
#include "vector.h"

/* BLAKE2b of 32 bytes over "abc", from an independent implementation (Python's hashlib). */
static const char blake2b_abc[] = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";

static void test_hash(void **state)
{
	uint8_t got[WIRE_HASH], want[WIRE_HASH];

	(void)state;
	assert_int_equal(wire_unhex(want, WIRE_HASH, blake2b_abc, 64), ISAC_OK);
	wire_hash(got, (const uint8_t *)"abc", 3);
	assert_memory_equal(got, want, WIRE_HASH);
}

static void check_salt(struct vector *v)
{
	uint8_t salt[WIRE_SALT];

	wire_merkle_salt(salt, vector_hex(v, "secret").data, (uint32_t)vector_number(v, "index", 0));
	vector_assert_bytes(v, salt, vector_hex(v, "salt").data, sizeof salt);
}

static void check_tree(struct vector *v)
{
	const struct wire_bytes secret = vector_hex(v, "secret"), root = vector_hex(v, "root"), leaves = vector_join(v, "leaf");
	const uint32_t n = (uint32_t)vector_count(v, "item"), count = wire_merkle_tree_count(n);
	uint8_t got[WIRE_HASH], salt[WIRE_SALT], *tree = calloc(count, WIRE_HASH);

	assert_non_null(tree);
	assert_int_equal(leaves.len, n * WIRE_HASH);
	for (uint32_t i = 0; i < n; i++) {
		const struct wire_bytes item = vector_hex_nth(v, "item", i);

		wire_merkle_salt(salt, secret.data, i);
		vector_assert_bytes(v, salt, vector_hex_nth(v, "salt", i).data, sizeof salt);
		wire_merkle_item(got, salt, item.data, item.len);
		vector_assert_bytes(v, got, leaves.data + i * WIRE_HASH, WIRE_HASH);
	}
	wire_merkle_root(got, leaves.data, n);
	vector_assert_bytes(v, got, root.data, WIRE_HASH);
	memcpy(tree, leaves.data, leaves.len);
	wire_merkle_tree(tree, n);
	vector_assert_bytes(v, tree + (size_t)(count - 1) * WIRE_HASH, root.data, WIRE_HASH);
	free(tree);
}

/* Leaf i of multiproof.txt; room for a whole tree. */
static uint8_t *make_leaves(uint32_t n)
{
	uint8_t *tree = calloc(wire_merkle_tree_count(n), WIRE_HASH);
	char text[32];

	assert_non_null(tree);
	for (uint32_t i = 0; i < n; i++) {
		snprintf(text, sizeof text, "leaf %u", i);
		wire_hash(tree + (size_t)i * WIRE_HASH, (const uint8_t *)text, strlen(text));
	}
	return tree;
}

static void check_multiproof(struct vector *v)
{
	const uint32_t n = (uint32_t)vector_number(v, "n", 0), m = (uint32_t)vector_count(v, "shown");
	const struct wire_bytes want = vector_join(v, "proof"), root = vector_hex(v, "root");
	uint8_t *tree = make_leaves(n), *shown = calloc(n / 8 + 1, 1), *picked = calloc(m + 1, WIRE_HASH), got[WIRE_HASH];
	uint32_t *index = calloc(m + 1, sizeof *index);
	struct wire_buf proof;

	assert_true(shown && picked && index);
	for (uint32_t i = 0; i < m; i++) {
		index[i] = (uint32_t)vector_number(v, "shown", i);
		shown[index[i] / 8] |= (uint8_t)(1u << index[i] % 8);
		memcpy(picked + (size_t)i * WIRE_HASH, tree + (size_t)index[i] * WIRE_HASH, WIRE_HASH);
	}
	wire_buf_init(&proof, 1 << 20);
	wire_merkle_prove(&proof, tree, n, shown);
	assert_int_equal(proof.len, want.len);
	if (want.len) vector_assert_bytes(v, proof.data, want.data, want.len);
	wire_merkle_tree(tree, n);
	wire_buf_reset(&proof);
	wire_merkle_tree_prove(&proof, tree, n, shown);
	assert_int_equal(proof.len, want.len);
	if (want.len) vector_assert_bytes(v, proof.data, want.data, want.len);
	assert_int_equal(wire_merkle_verify(got, n, index, picked, m, want.data, (uint32_t)(want.len / WIRE_HASH)), ISAC_OK);
	vector_assert_bytes(v, got, root.data, WIRE_HASH);
	wire_buf_clear(&proof);
	free(tree);
	free(shown);
	free(picked);
	free(index);
}

static void check_multiproof_refused(struct vector *v)
{
	const struct wire_bytes leaves = vector_join(v, "shown_leaf"), proof = vector_join(v, "proof"), root = vector_hex(v, "root");
	const uint32_t n = (uint32_t)vector_number(v, "n", 0), m = (uint32_t)vector_count(v, "shown");
	uint32_t *index = calloc(m + 1, sizeof *index);
	uint8_t got[WIRE_HASH];
	enum isac_err err;

	assert_non_null(index);
	for (uint32_t i = 0; i < m; i++) index[i] = (uint32_t)vector_number(v, "shown", i);
	err = wire_merkle_verify(got, n, index, leaves.data, m, proof.data, (uint32_t)(proof.len / WIRE_HASH));
	if (!err && memcmp(got, root.data, WIRE_HASH) == 0) fail_msg("accepted: %s", vector_text(v, "case"));
	if (err) assert_int_equal(err, ISAC_ERR_NOT_AUTHENTIC);
	free(index);
}

/* Every leaf of every tree up to 70: the path leads to the root, a shorter, longer, altered or displaced one does not. */
static void test_paths(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 70; n++) {
		uint8_t *tree = make_leaves(n), root[WIRE_HASH], got[WIRE_HASH];
		struct wire_buf path, same;

		wire_buf_init(&path, 4096);
		wire_buf_init(&same, 4096);
		wire_merkle_root(root, tree, n);
		wire_merkle_tree(tree, n);
		for (uint32_t i = 0; i < n; i++) {
			const uint8_t *leaf = tree + (size_t)i * WIRE_HASH;
			uint32_t len;

			wire_buf_reset(&path);
			wire_buf_reset(&same);
			wire_merkle_path(&path, tree, n, i);
			wire_merkle_tree_path(&same, tree, n, i);
			assert_int_equal(path.len, same.len);
			if (path.len) assert_memory_equal(path.data, same.data, path.len);
			len = (uint32_t)(path.len / WIRE_HASH);
			assert_int_equal(wire_merkle_path_verify(got, n, i, leaf, path.data, len), ISAC_OK);
			assert_memory_equal(got, root, WIRE_HASH);
			wire_buf_add(&path, root, WIRE_HASH);
			assert_int_equal(wire_merkle_path_verify(got, n, i, leaf, path.data, len + 1), ISAC_ERR_NOT_AUTHENTIC);
			if (!len) continue;
			assert_int_equal(wire_merkle_path_verify(got, n, i, leaf, path.data, len - 1), ISAC_ERR_NOT_AUTHENTIC);
			if (!wire_merkle_path_verify(got, n, i ^ 1, leaf, path.data, len)) assert_memory_not_equal(got, root, WIRE_HASH);
			path.data[0] ^= 1;
			assert_int_equal(wire_merkle_path_verify(got, n, i, leaf, path.data, len), ISAC_OK);
			assert_memory_not_equal(got, root, WIRE_HASH);
		}
		assert_int_equal(wire_merkle_path_verify(got, n, n, tree, path.data, 0), ISAC_ERR_NOT_AUTHENTIC);
		wire_buf_clear(&path);
		wire_buf_clear(&same);
		free(tree);
	}
}

/* Every subset of every tree up to 9: proves, verifies, and not with any one hash or leaf altered. */
static void test_subsets(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 9; n++) {
		uint8_t *leaves = make_leaves(n), root[WIRE_HASH], got[WIRE_HASH];

		wire_merkle_root(root, leaves, n);
		for (uint32_t set = 0; set < 1u << n; set++) {
			const uint8_t shown[2] = {(uint8_t)set, (uint8_t)(set >> 8)};
			uint8_t picked[9 * WIRE_HASH] = {0};
			uint32_t index[9] = {0}, m = 0, p;
			struct wire_buf proof;

			for (uint32_t i = 0; i < n; i++)
				if (set >> i & 1) {
					memcpy(picked + m * WIRE_HASH, leaves + i * WIRE_HASH, WIRE_HASH);
					index[m++] = i;
				}
			wire_buf_init(&proof, 4096);
			wire_merkle_prove(&proof, leaves, n, shown);
			p = (uint32_t)(proof.len / WIRE_HASH);
			assert_int_equal(wire_merkle_verify(got, n, index, picked, m, proof.data, p), ISAC_OK);
			assert_memory_equal(got, root, WIRE_HASH);
			for (uint32_t i = 0; i < p; i++) {
				proof.data[i * WIRE_HASH] ^= 1;
				assert_int_equal(wire_merkle_verify(got, n, index, picked, m, proof.data, p), ISAC_OK);
				assert_memory_not_equal(got, root, WIRE_HASH);
				proof.data[i * WIRE_HASH] ^= 1;
			}
			wire_buf_clear(&proof);
		}
		free(leaves);
	}
}

/* A tree grown from a part has the same paths of its leaves as the whole one. */
static void test_paths_of_a_part(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 9; n++) {
		uint8_t leaves[9 * WIRE_HASH], tree[32 * WIRE_HASH], picked[9 * WIRE_HASH];

		for (uint32_t i = 0; i < n; i++) memset(leaves + i * WIRE_HASH, (int)i + 1, WIRE_HASH);
		for (uint32_t set = 1; set < 1u << n; set++) {
			const uint8_t shown[2] = {(uint8_t)set, (uint8_t)(set >> 8)};
			uint32_t index[9], m = 0;
			struct wire_buf proof, path, whole;

			for (uint32_t i = 0; i < n; i++)
				if (set >> i & 1) {
					memcpy(picked + m * WIRE_HASH, leaves + i * WIRE_HASH, WIRE_HASH);
					index[m++] = i;
				}
			wire_buf_init(&proof, 4096);
			wire_merkle_prove(&proof, leaves, n, shown);
			memset(tree, 0, sizeof tree);
			assert_int_equal(wire_merkle_tree_rebuild(tree, n, index, picked, m, proof.data, (uint32_t)(proof.len / WIRE_HASH)),
					 ISAC_OK);
			for (uint32_t i = 0; i < m; i++) {
				wire_buf_init(&path, 4096);
				wire_buf_init(&whole, 4096);
				wire_merkle_tree_path(&path, tree, n, index[i]);
				wire_merkle_path(&whole, leaves, n, index[i]);
				assert_int_equal(path.len, whole.len);
				if (path.len) assert_memory_equal(path.data, whole.data, path.len);
				wire_buf_clear(&path);
				wire_buf_clear(&whole);
			}
			wire_buf_clear(&proof);
		}
	}
}

/* A claimed tree of 2^32 - 1 leaves costs no more than the proof is long. */
static void test_huge_claim(void **state)
{
	const uint32_t index = UINT32_MAX - 1;
	uint8_t got[WIRE_HASH], leaf[WIRE_HASH] = {1}, proof[WIRE_HASH] = {2};

	(void)state;
	assert_int_equal(wire_merkle_verify(got, UINT32_MAX, &index, leaf, 1, proof, 1), ISAC_ERR_NOT_AUTHENTIC);
	assert_int_equal(wire_merkle_path_verify(got, UINT32_MAX, index, leaf, proof, 1), ISAC_ERR_NOT_AUTHENTIC);
}

static void test_vectors(void **state)
{
	(void)state;
	vector_each("salt.txt", 9, check_salt);
	vector_each("tree.txt", 9, check_tree);
	vector_each("multiproof.txt", 60, check_multiproof);
	vector_each("multiproof_refused.txt", 15, check_multiproof_refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),	cmocka_unit_test(test_vectors),		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_subsets), cmocka_unit_test(test_paths_of_a_part), cmocka_unit_test(test_huge_claim)};

	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
