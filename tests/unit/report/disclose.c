/*
 * Disclosing: whatever subset is shown, the bytes are those protobuf-c would write, and the entry verifies with the publisher's key by
 * wire_entry_verify, which reads nothing of this room; with anything changed it does not. Checked and unchecked reports give the same.
 * The secret, which opens every salt, stands in no entry that hides an item.
 */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "report/report.h"

enum { N_MAX = 33, BUF_MAX = 1 << 20 };

static const char hub[] = "0123456789abcdef";
static const uint8_t secret[WIRE_SECRET] = {5, 5, 5, 5, 5, 5, 5, 5};
static uint8_t public_key[WIRE_SIGN_PUBLIC], sign_secret[WIRE_SIGN_SECRET];
static struct wire_arena arena;

static int setup(void **state)
{
	static const uint8_t seed[32] = {3};

	(void)state;
	if (wire_init() != ISAC_OK) return 1;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	return crypto_sign_ed25519_seed_keypair(public_key, sign_secret, seed);
}

static int teardown(void **state)
{
	(void)state;
	wire_arena_clear(&arena);
	return 0;
}

static void make_submit(struct wire_buf *submit, uint32_t n, const char *first)
{
	Isac1__Header header = ISAC1__HEADER__INIT;
	uint8_t id[WIRE_ID] = {1};
	struct wire_bytes items[N_MAX];
	struct wire_buf packed[N_MAX];
	char value[64];

	for (uint32_t i = 0; i < n; i++) {
		Isac1__Indicator ind = ISAC1__INDICATOR__INIT;
		Isac1__Item item = ISAC1__ITEM__INIT;

		snprintf(value, sizeof(value), "198.51.100.%u", (unsigned)i);
		ind.type = WIRE_VALUE_IPV4;
		ind.value = i == 0 && first ? (char *)first : value;
		item.body_case = ISAC1__ITEM__BODY_INDICATOR;
		item.indicator = &ind;
		wire_buf_init(&packed[i], 4096);
		wire_pack(&packed[i], &item.base);
		items[i] = (struct wire_bytes){packed[i].data, packed[i].len};
	}
	header.report_id = (ProtobufCBinaryData){sizeof(id), id};
	header.kind = ISAC1__KIND__KIND_INDICATOR;
	header.tlp = ISAC1__TLP__TLP_GREEN;
	header.created_us = 1;
	wire_buf_init(submit, BUF_MAX);
	assert_int_equal(wire_report_make(submit, "alice", hub, &header, items, n, secret, sign_secret), ISAC_OK);
	for (uint32_t i = 0; i < n; i++) wire_buf_clear(&packed[i]);
}

static struct report *make(uint32_t n, const char *first, bool check)
{
	struct report *r;
	struct wire_buf submit;
	Isac1__Submit *open;

	make_submit(&submit, n, first);
	open = isac1__submit__unpack(NULL, submit.len, submit.data);
	assert_non_null(open);
	assert_int_equal(report_open(&r, (struct wire_bytes){open->header.data, open->header.len},
				     (struct wire_bytes){open->payload.data, open->payload.len}, open->signature.data, check, NULL),
			 ISAC_OK);
	isac1__submit__free_unpacked(open, NULL);
	wire_buf_clear(&submit);
	r->seq = 77;
	r->received_us = 1700000000000000;
	memcpy(r->publisher, "alice", 6);
	return r;
}

/* Verifies bytes as a subscriber does; counts the items. */
static enum isac_err verify(const struct wire_buf *buf, size_t *items)
{
	ProtobufCMessage *msg;
	Isac1__Header *header;
	enum isac_err err;

	wire_arena_reset(&arena);
	err = wire_open(&msg, &isac1__entry__descriptor, &arena, buf->data, buf->len, true, NULL);
	if (err) return err;
	*items = ((Isac1__Entry *)msg)->n_items;
	return wire_entry_verify(&header, (Isac1__Entry *)msg, hub, public_key, &arena, NULL);
}

static void assert_as_protobuf_writes(const struct wire_buf *buf)
{
	struct wire_buf again;
	ProtobufCMessage *msg;

	wire_arena_reset(&arena);
	assert_int_equal(wire_open(&msg, &isac1__entry__descriptor, &arena, buf->data, buf->len, true, NULL), ISAC_OK);
	wire_buf_init(&again, BUF_MAX);
	wire_pack(&again, msg);
	assert_int_equal(again.len, buf->len);
	assert_memory_equal(again.data, buf->data, buf->len);
	wire_buf_clear(&again);
}

/* The secret stands for all salts of several items, and in no other entry. */
static void assert_secret_only_of_a_whole(const struct wire_buf *buf, uint32_t n)
{
	ProtobufCMessage *msg;
	const Isac1__Entry *entry;
	bool whole;

	wire_arena_reset(&arena);
	assert_int_equal(wire_open(&msg, &isac1__entry__descriptor, &arena, buf->data, buf->len, true, NULL), ISAC_OK);
	entry = (const Isac1__Entry *)msg;
	whole = entry->n_items == n && n > 1;
	assert_int_equal(memmem(buf->data, buf->len, secret, sizeof(secret)) != NULL, whole);
	assert_int_equal(entry->secret.len, whole ? WIRE_SECRET : 0);
	for (size_t i = 0; i < entry->n_items; i++) assert_int_equal(entry->items[i]->salt.len, whole ? 0 : WIRE_SALT);
}

static void check_subset(struct report *checked, struct report *trusted, const uint8_t *shown, size_t want)
{
	struct wire_buf a, b;
	size_t items;

	wire_buf_init(&a, BUF_MAX);
	wire_buf_init(&b, BUF_MAX);
	assert_int_equal(report_disclose(&a, checked, shown), ISAC_OK);
	assert_int_equal(report_disclose(&b, trusted, shown), ISAC_OK);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	assert_int_equal(verify(&a, &items), ISAC_OK);
	assert_int_equal(items, want);
	assert_as_protobuf_writes(&a);
	assert_secret_only_of_a_whole(&a, checked->n);
	wire_buf_clear(&a);
	wire_buf_clear(&b);
}

static void every_subset_of_small_reports_verifies(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 7; n++) {
		struct report *checked = make(n, NULL, true), *trusted = make(n, NULL, false);

		for (unsigned set = 0; set < 1u << n; set++)
			check_subset(checked, trusted, (const uint8_t[]){(uint8_t)set}, (size_t)__builtin_popcount(set));
		report_unref(&checked);
		report_unref(&trusted);
	}
}

static void some_subsets_of_larger_reports_verify(void **state)
{
	static const uint8_t sets[][5] = {
		{0, 0, 0, 0, 0},
		{1, 0, 0, 0, 0},
		{0, 0, 0, 0, 1},
		{0xff, 0xff, 0xff, 0xff, 1},
		{0x55, 0x55, 0x55, 0x55, 1},
		{0, 0x80, 1, 0, 0},
		{0xff, 0xff, 0xff, 0xff, 0},
	};

	(void)state;
	for (uint32_t n = 32; n <= N_MAX; n++) {
		struct report *checked = make(n, NULL, true), *trusted = make(n, NULL, false);

		for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
			size_t want = 0;

			for (uint32_t k = 0; k < n; k++) want += sets[i][k / 8] >> (k % 8) & 1;
			check_subset(checked, trusted, sets[i], want);
		}
		report_unref(&checked);
		report_unref(&trusted);
	}
}

/* Flipping any one byte of an entry must not leave a good entry that says something else. */
static void check_changed_bytes(struct report *r, uint8_t shown)
{
	struct wire_buf entry;
	size_t items, passed = 0;

	wire_buf_init(&entry, BUF_MAX);
	assert_int_equal(report_disclose(&entry, r, &shown), ISAC_OK);
	for (size_t i = 0; i < entry.len; i++) {
		entry.data[i] ^= 1;
		passed += verify(&entry, &items) == ISAC_OK;
		entry.data[i] ^= 1;
	}
	/* Only what the hub says itself is not under the publisher's signature: seq 1 byte, received_us 8, publisher 5. */
	assert_true(passed <= 1 + 8 + 5);
	wire_buf_clear(&entry);
}

static void a_changed_byte_is_seen(void **state)
{
	struct report *r = make(5, NULL, true);

	(void)state;
	check_changed_bytes(r, 0x0a);
	check_changed_bytes(r, 0x1f);
	report_unref(&r);
}

static void hub_fields_and_state_are_set(void **state)
{
	struct report *r = make(3, "8.8.8.8", true);
	struct wire_buf buf;
	Isac1__Entry *entry;

	(void)state;
	assert_int_equal(r->held_count, 1);
	for (unsigned set = 1; set < 8; set++) {
		wire_buf_init(&buf, BUF_MAX);
		wire_buf_add(&buf, "xyz", 3); /* it appends */
		assert_int_equal(report_disclose(&buf, r, (const uint8_t[]){(uint8_t)set}), ISAC_OK);
		entry = isac1__entry__unpack(NULL, buf.len - 3, buf.data + 3);
		assert_non_null(entry);
		assert_int_equal(entry->seq, 77);
		assert_int_equal(entry->received_us, 1700000000000000);
		assert_string_equal(entry->publisher, "alice");
		assert_int_equal(entry->state, set & 1);
		assert_int_equal(entry->header.len, r->header_bytes.len);
		assert_memory_equal(entry->header.data, r->header_bytes.data, entry->header.len);
		for (size_t i = 1; i < entry->n_items; i++) assert_true(wire_entry_index(entry, i - 1) < wire_entry_index(entry, i));
		isac1__entry__free_unpacked(entry, NULL);
		wire_buf_clear(&buf);
	}
	report_unref(&r);
}

static void check_full(struct report *r, const uint8_t *shown)
{
	struct wire_buf buf;
	size_t need;

	wire_buf_init(&buf, BUF_MAX);
	assert_int_equal(report_disclose(&buf, r, shown), ISAC_OK);
	need = buf.len;
	wire_buf_clear(&buf);
	for (size_t max = 0; max <= need; max++) {
		wire_buf_init(&buf, max);
		assert_int_equal(report_disclose(&buf, r, shown), max < need ? ISAC_ERR_TOO_LARGE : ISAC_OK);
		wire_buf_clear(&buf);
	}
}

static void a_full_buffer_is_an_error(void **state)
{
	struct report *r = make(9, NULL, true);

	(void)state;
	check_full(r, (const uint8_t[]){0x11, 0});
	check_full(r, (const uint8_t[]){0xff, 1});
	report_unref(&r);
}

/* Batches are closed by it: what it is off by, a batch is off by. */
static void the_size_told_beforehand_is_about_right(void **state)
{
	static const uint8_t sets[][5] = {{0xff, 0xff, 0xff, 0xff, 1}, {0xfe, 0xff, 0xff, 0xff, 1}, {0xff, 0xff}};
	struct report *r = make(N_MAX, NULL, true);
	struct wire_buf buf;

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		size_t told = report_disclosed_size(r, sets[i]);

		wire_buf_init(&buf, BUF_MAX);
		assert_int_equal(report_disclose(&buf, r, sets[i]), ISAC_OK);
		assert_in_range(buf.len, told * 8 / 10, told * 12 / 10);
		wire_buf_clear(&buf);
	}
	report_unref(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_subset_of_small_reports_verifies),
		cmocka_unit_test(some_subsets_of_larger_reports_verify),
		cmocka_unit_test(a_changed_byte_is_seen),
		cmocka_unit_test(hub_fields_and_state_are_set),
		cmocka_unit_test(a_full_buffer_is_an_error),
		cmocka_unit_test(the_size_told_beforehand_is_about_right),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
