/* Frames: the head, the table of types, and the accepted and refused frames of proto/vectors. */
#include <sodium.h>
#include "vector.h"

static void check_head(struct vector *v)
{
	const struct wire_bytes bytes = vector_hex(v, "head");
	uint8_t packed[WIRE_DELIVERY_HEAD_BYTES];
	struct wire_head head;

	assert_int_equal(wire_head_open(&head, bytes.data, bytes.len), ISAC_OK);
	assert_int_equal(head.type, vector_number(v, "type", 0));
	assert_true(head.request_id == vector_number(v, "request_id", 0));
	assert_int_equal(head.sub, vector_number(v, "sub", 0));
	assert_true(head.prev_seq == vector_number(v, "prev_seq", 0));
	assert_true(head.last_seq == vector_number(v, "last_seq", 0));
	assert_int_equal(wire_head_pack(packed, &head), bytes.len);
	vector_assert_bytes(v, packed, bytes.data, bytes.len);
	for (size_t len = 0; len < bytes.len; len++) {
		uint8_t *cut = malloc(len + 1);

		assert_non_null(cut);
		memcpy(cut, bytes.data, len);
		assert_int_equal(wire_head_open(&head, cut, len), ISAC_ERR_MALFORMED);
		free(cut);
	}
}

static void check_frame(struct vector *v)
{
	const struct wire_bytes bytes = vector_hex(v, "head"), body = vector_hex(v, "body");
	const size_t times = vector_count(v, "times") ? (size_t)vector_number(v, "times", 0) : 1;
	const struct wire_frame_row *row;
	struct wire_why why = {0};
	struct wire_head head;
	enum isac_err err;
	uint8_t *all = malloc(body.len * times + 1);

	assert_non_null(all);
	for (size_t i = 0; i < times; i++) memcpy(all + i * body.len, body.data, body.len);
	err = wire_head_open(&head, bytes.data, bytes.len);
	if (!err) {
		row = wire_frame_find(head.type);
		err = row ? wire_scan(row->desc, all, body.len * times, true, &why) : ISAC_ERR_MALFORMED;
		if (row && !err) {
			ProtobufCMessage *msg;

			assert_int_equal(wire_open(&msg, row->desc, &v->arena, all, body.len * times, true, &why), ISAC_OK);
		}
	}
	free(all);
	vector_assert_code(v, err, vector_number(v, "code", 0));
}

static void test_vectors(void **state)
{
	(void)state;
	vector_each("head.txt", 4, check_head);
	vector_each("frame_accepted.txt", 15, check_frame);
	vector_each("frame_refused.txt", 60, check_frame);
}

static void test_table(void **state)
{
	const struct wire_frame_row *row = wire_frame_find(WIRE_DELIVERY);

	(void)state;
	assert_string_equal(row->name, "DELIVERY");
	assert_ptr_equal(row->desc, &isac1__batch__descriptor);
	assert_int_equal(row->port, 'F');
	assert_int_equal(row->dir, 'D');
	assert_int_equal(wire_frame_find(WIRE_ERROR)->port, 'B');
	assert_int_equal(wire_frame_find(WIRE_SUBMIT)->dir, 'U');
	assert_null(wire_frame_find(0));
	assert_null(wire_frame_find(0x100));
	assert_null(wire_frame_find(0xffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_table)};

	return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
