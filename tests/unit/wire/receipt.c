/* Receipts and running hashes, as a publisher and a subscriber check them, against proto/vectors. */
#include <sodium.h>
#include "vector.h"

static enum isac_err verify(struct vector *v, size_t nth, Isac1__ReceiptBody **body)
{
	const struct wire_bytes bytes = vector_hex_nth(v, "receipt", nth);
	ProtobufCMessage *msg;
	struct wire_why why = {0};

	assert_int_equal(wire_open(&msg, &isac1__receipt__descriptor, &v->arena, bytes.data, bytes.len, true, &why), ISAC_OK);
	return wire_receipt_verify(body, (const Isac1__Receipt *)msg, vector_text(v, "hub_id"), vector_hex(v, "public").data, &v->arena,
				   &why);
}

static void check_good(struct vector *v)
{
	for (size_t i = 0; i < vector_count(v, "receipt"); i++) {
		Isac1__ReceiptBody *body;

		vector_assert_code(v, verify(v, i, &body), 200);
		assert_int_equal(body->seq, 5000 + i);
		assert_int_equal(body->log_index, 4999 + i);
		assert_int_equal(body->received_us, 1790000000000000 + (int64_t)i);
	}
}

static void check_bad(struct vector *v)
{
	Isac1__ReceiptBody *body;

	vector_assert_code(v, verify(v, 0, &body), 401);
	assert_null(body);
}

static void test_vectors(void **state)
{
	(void)state;
	vector_each("receipt.txt", 6, check_good);
	vector_each("receipt_refused.txt", 20, check_bad);
}

/* The hub's side: root and paths of a batch as our functions make them equal the independent ones. */
static void check_made(struct vector *v)
{
	const uint32_t n = (uint32_t)vector_count(v, "receipt");
	uint8_t *leaves = calloc(n, WIRE_HASH), root[WIRE_HASH];

	assert_non_null(leaves);
	for (uint32_t pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < n; i++) {
			const struct wire_bytes bytes = vector_hex_nth(v, "receipt", i);
			ProtobufCMessage *msg;
			Isac1__Receipt *receipt;
			struct wire_buf path;

			assert_int_equal(wire_open(&msg, &isac1__receipt__descriptor, &v->arena, bytes.data, bytes.len, true, NULL),
					 ISAC_OK);
			receipt = (Isac1__Receipt *)msg;
			if (!pass) {
				wire_merkle_leaf(leaves + i * WIRE_HASH, receipt->body.data, receipt->body.len);
				continue;
			}
			wire_buf_init(&path, 4096);
			wire_merkle_path(&path, leaves, n, i);
			assert_int_equal(path.len, receipt->n_batch_proof * WIRE_HASH);
			for (size_t k = 0; k < receipt->n_batch_proof; k++)
				vector_assert_bytes(v, path.data + k * WIRE_HASH, receipt->batch_proof[k].data, WIRE_HASH);
			wire_buf_clear(&path);
		}
	}
	wire_merkle_root(root, leaves, n);
	vector_assert_bytes(v, root, vector_hex(v, "root").data, WIRE_HASH);
	free(leaves);
}

static void test_made(void **state)
{
	(void)state;
	vector_each("receipt.txt", 6, check_made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_made)};

	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
