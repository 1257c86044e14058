/*
 * Opening reports: what the hub accepts, each rule of README section 5 steps 7 and 8 broken alone, and what the store may say unchecked.
 * Reports are made with wire_report_make, or field by field where it would not make a bad one.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "report/report.h"

enum { N = 5, THREADS = 4, TURNS = 20000 };

static const uint8_t secret[WIRE_SECRET] = {7}, signature[WIRE_SIGNATURE] = {9};

struct made {
	struct wire_buf header, payload;
};

static struct wire_bytes bytes(const struct wire_buf *buf)
{
	return (struct wire_bytes){buf->data, buf->len};
}

static void add_field(struct wire_buf *buf, unsigned tag, const void *data, size_t len)
{
	wire_buf_varint(buf, tag);
	wire_buf_varint(buf, len);
	wire_buf_add(buf, data, len);
}

static void add_indicator(struct wire_buf *buf, uint32_t type, const char *value)
{
	Isac1__Indicator ind = ISAC1__INDICATOR__INIT;
	Isac1__Item item = ISAC1__ITEM__INIT;
	struct wire_buf out;

	ind.type = type;
	ind.value = (char *)value;
	item.body_case = ISAC1__ITEM__BODY_INDICATOR;
	item.indicator = &ind;
	wire_buf_init(&out, 65536);
	wire_pack(&out, &item.base);
	add_field(buf, 0x12, out.data, out.len);
	wire_buf_clear(&out);
}

/* Root over the items of a payload, by the definition in README section 5, with the wire room's own pieces. */
static void root_of(uint8_t root[WIRE_HASH], uint32_t *n, const struct wire_buf *payload)
{
	Isac1__Payload *open;
	uint8_t *leaves, salt[WIRE_SALT];

	open = isac1__payload__unpack(NULL, payload->len, payload->data);
	assert_non_null(open);
	*n = (uint32_t)open->n_items;
	leaves = calloc(open->n_items + 1, WIRE_HASH);
	assert_non_null(leaves);
	for (uint32_t i = 0; i < *n; i++) {
		wire_merkle_salt(salt, open->secret.data, i);
		wire_merkle_item(leaves + (size_t)i * WIRE_HASH, salt, open->items[i].data, open->items[i].len);
	}
	if (*n) wire_merkle_root(root, leaves, *n);
	free(leaves);
	isac1__payload__free_unpacked(open, NULL);
}

static void add_header(struct made *made, int count_more, bool bad_root)
{
	Isac1__Header header = ISAC1__HEADER__INIT;
	uint8_t root[WIRE_HASH] = {0}, id[WIRE_ID] = {1};
	uint32_t n;

	root_of(root, &n, &made->payload);
	root[31] ^= bad_root;
	header.report_id = (ProtobufCBinaryData){sizeof(id), id};
	header.kind = ISAC1__KIND__KIND_INDICATOR;
	header.tlp = ISAC1__TLP__TLP_GREEN;
	header.item_count = n + (uint32_t)count_more;
	header.items_root = (ProtobufCBinaryData){sizeof(root), root};
	wire_pack(&made->header, &header.base);
}

static void begin(struct made *made)
{
	wire_buf_init(&made->header, 65536);
	wire_buf_init(&made->payload, 8 << 20);
	add_field(&made->payload, 0x0a, secret, sizeof(secret));
}

static void end(struct made *made)
{
	wire_buf_clear(&made->header);
	wire_buf_clear(&made->payload);
}

static void begin_good(struct made *made)
{
	static const struct {
		uint32_t type;
		const char *value;
	} values[N] = {
		{WIRE_VALUE_IPV4, "198.51.100.7"},
		{WIRE_VALUE_DOMAIN, "EVIL.example.com"},
		{WIRE_VALUE_IPV4, "8.8.8.8"},
		{WIRE_VALUE_SHA256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b856"},
		{WIRE_VALUE_URL, "http://evil.example.com"},
	};

	begin(made);
	for (int i = 0; i < N; i++) add_indicator(&made->payload, values[i].type, values[i].value);
}

/* Opens, ends, and says the error; the report is thrown away. */
static enum isac_err try(struct made *made, bool check, struct wire_why *why)
{
	struct report *r;
	enum isac_err err = report_open(&r, bytes(&made->header), bytes(&made->payload), signature, check, why);

	if (err) assert_null(r);
	report_unref(&r);
	assert_null(r);
	report_unref(&r);
	end(made);
	return err;
}

static void look_at_good(const struct report *r)
{
	uint8_t key[WIRE_VALUE_KEY];

	assert_int_equal(r->n, N);
	assert_int_equal(r->header->item_count, N);
	assert_int_equal(r->seq, 0);
	assert_memory_equal(r->secret, secret, WIRE_SECRET);
	assert_memory_equal(r->signature, signature, WIRE_SIGNATURE);
	assert_string_equal(r->items[1].value.text, "evil.example.com");
	assert_string_equal(r->items[1].ind->value, "EVIL.example.com");
	assert_string_equal(r->items[4].value.text, "http://evil.example.com/");
	wire_value_key(key, WIRE_VALUE_DOMAIN, "evil.example.com", 16);
	assert_memory_equal(r->items[1].key, key, sizeof(key));
	assert_int_equal(r->held_count, 1);
	for (uint32_t i = 0; i < N; i++) assert_int_equal(report_is_held(r, i), i == 2);
	assert_in_range(report_bytes(r), r->header_bytes.len + r->payload_bytes.len, 10000); /* rings and pages hold thousands */
}

static void a_good_report_opens(void **state)
{
	uint8_t hash[WIRE_HASH];
	struct made made;
	struct report *r;

	(void)state;
	begin_good(&made);
	add_header(&made, 0, false);
	for (int check = 0; check < 2; check++) {
		assert_int_equal(report_open(&r, bytes(&made.header), bytes(&made.payload), signature, check, NULL), ISAC_OK);
		look_at_good(r);
		wire_hash(hash, made.header.data, made.header.len);
		assert_memory_equal(r->header_hash, hash, sizeof(hash));
		assert_memory_equal(r->payload_bytes.data, made.payload.data, made.payload.len);
		assert_ptr_not_equal(r->payload_bytes.data, made.payload.data);
		report_unref(&r);
	}
	end(&made);
}

static void a_thousand_items_are_the_most(void **state)
{
	struct wire_why why;
	struct made made;
	char value[32];

	(void)state;
	for (int n = 1000; n <= 1001; n++) {
		begin(&made);
		for (int i = 0; i < n; i++) {
			snprintf(value, sizeof(value), "5.6.%d.%d", i / 250, i % 250);
			add_indicator(&made.payload, WIRE_VALUE_IPV4, value);
		}
		add_header(&made, 0, false);
		assert_int_equal(try(&made, true, &why), n == 1000 ? ISAC_OK : ISAC_ERR_TOO_LARGE);
	}
	begin(&made);
	add_header(&made, 0, false);
	assert_int_equal(try(&made, true, &why), ISAC_ERR_BAD_VALUE);
}

static void count_and_root_must_agree(void **state)
{
	struct wire_why why;
	struct made made;

	(void)state;
	begin_good(&made);
	add_header(&made, 1, false);
	assert_int_equal(try(&made, true, &why), ISAC_ERR_BAD_VALUE);
	begin_good(&made);
	add_header(&made, -1, false);
	assert_int_equal(try(&made, true, &why), ISAC_ERR_BAD_VALUE);
	begin_good(&made);
	add_header(&made, 0, true);
	assert_int_equal(try(&made, true, &why), ISAC_ERR_NOT_AUTHENTIC);
	begin_good(&made);
	add_header(&made, 0, false);
	made.payload.data[made.payload.len - 1] ^= 1;
	assert_int_equal(try(&made, true, &why), ISAC_ERR_NOT_AUTHENTIC);
	begin_good(&made);
	add_header(&made, 0, false);
	made.payload.data[2] ^= 1; /* the secret */
	assert_int_equal(try(&made, true, &why), ISAC_ERR_NOT_AUTHENTIC);
}

static void duplicates_are_refused(void **state)
{
	struct wire_why why;
	struct made made;

	(void)state;
	begin_good(&made);
	add_indicator(&made.payload, WIRE_VALUE_DOMAIN, "evil.example.com.");
	add_header(&made, 0, false);
	assert_int_equal(try(&made, true, &why), ISAC_ERR_BAD_VALUE);
	assert_int_equal(why.item, N + 1);
	begin(&made);
	for (int i = 0; i < 1000; i++) add_indicator(&made.payload, WIRE_VALUE_IPV4, "198.51.100.7");
	add_header(&made, 0, false);
	assert_int_equal(try(&made, true, &why), ISAC_ERR_BAD_VALUE);
	assert_int_equal(why.item, 2);
	begin(&made); /* the same text, another type */
	add_indicator(&made.payload, WIRE_VALUE_FILENAME, "198.51.100.7");
	add_indicator(&made.payload, WIRE_VALUE_MUTEX, "198.51.100.7");
	add_header(&made, 0, false);
	assert_int_equal(try(&made, true, &why), ISAC_OK);
	begin(&made); /* ::ffff:a.b.c.d is an ipv4 */
	add_indicator(&made.payload, WIRE_VALUE_IPV4, "198.51.100.7");
	add_indicator(&made.payload, WIRE_VALUE_IPV6, "::ffff:198.51.100.7");
	add_header(&made, 0, false);
	assert_int_equal(try(&made, true, &why), ISAC_ERR_BAD_VALUE);
}

static void a_bad_item_is_named(void **state)
{
	static const struct {
		const char *item;
		size_t len;
		enum isac_err err;
	} rows[] = {
		{"\x0a\x02\x08\x01", 4, ISAC_ERR_BAD_VALUE}, /* an ipv4 without a value */
		{"\x0a\x02\x08", 3, ISAC_ERR_MALFORMED},     /* cut */
		{"\x22\x02\x08\x01", 4, ISAC_ERR_MALFORMED}, /* a oneof field that nobody knows */
		{"\x12\x02\x08\x01", 4, ISAC_ERR_BAD_VALUE}, /* a sighting among indicators */
		{"\x1a\x02\x08\x01", 4, ISAC_ERR_BAD_VALUE}, /* a withdrawal, in a report that replaces none */
		{"", 0, ISAC_ERR_MALFORMED},
		{"\x0a\x07\x08\x01\x12\x03"
		 "1.2",
		 9, ISAC_ERR_BAD_VALUE},
		{"\x0a\x06\x08\x0f\x12\x02\xc3\x28", 8, ISAC_ERR_BAD_VALUE},
	};
	struct wire_why why;
	struct made made;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin_good(&made);
		add_field(&made.payload, 0x12, rows[i].item, rows[i].len);
		add_header(&made, 0, false);
		assert_int_equal(try(&made, true, &why), rows[i].err);
		assert_int_equal(why.item, N + 1);
		assert_true(strlen(why.text) > 0);
	}
}

static void another_kind_is_refused(void **state)
{
	Isac1__Header header = ISAC1__HEADER__INIT;
	uint8_t root[WIRE_HASH];
	struct wire_why why;
	struct made made;

	(void)state;
	begin_good(&made);
	root_of(root, &header.item_count, &made.payload);
	header.kind = ISAC1__KIND__KIND_SIGHTING;
	header.items_root = (ProtobufCBinaryData){sizeof(root), root};
	wire_pack(&made.header, &header.base);
	assert_int_equal(try(&made, true, &why), ISAC_ERR_BAD_VALUE);
	assert_int_equal(why.item, 1);
}

static void bad_payloads_are_refused(void **state)
{
	struct wire_why why;
	struct made made;

	(void)state;
	begin_good(&made);
	add_field(&made.payload, 0x1a, "x", 1); /* unknown field */
	add_header(&made, 0, false);
	assert_int_equal(try(&made, true, &why), ISAC_ERR_MALFORMED);
	begin_good(&made);
	add_header(&made, 0, false);
	add_field(&made.payload, 0x0a, secret, sizeof(secret)); /* the secret twice */
	assert_int_equal(try(&made, true, &why), ISAC_ERR_MALFORMED);
	begin_good(&made);
	add_header(&made, 0, false);
	made.payload.len--;
	assert_int_equal(try(&made, true, &why), ISAC_ERR_MALFORMED);
	begin_good(&made);
	add_header(&made, 0, false);
	made.payload.len = 0;
	assert_int_equal(try(&made, true, &why), ISAC_ERR_MALFORMED);
	begin_good(&made);
	assert_int_equal(try(&made, true, &why), ISAC_ERR_MALFORMED); /* empty header */
	begin(&made);
	made.payload.len = 0;
	add_field(&made.payload, 0x0a, secret, sizeof(secret) - 1);
	add_indicator(&made.payload, WIRE_VALUE_MUTEX, "m");
	add_header(&made, 0, false);
	assert_int_equal(try(&made, true, &why), ISAC_ERR_BAD_VALUE);
}

static void an_erased_report_has_no_items(void **state)
{
	struct made made;
	struct wire_buf entry;
	struct report *r;

	(void)state;
	begin_good(&made);
	add_header(&made, 0, false);
	made.payload.len = 0;
	assert_int_equal(report_open(&r, bytes(&made.header), bytes(&made.payload), signature, false, NULL), ISAC_OK);
	assert_null(r->items);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->header->item_count, N);
	wire_buf_init(&entry, 4096);
	assert_int_equal(report_disclose(&entry, r, (const uint8_t[]){0}), ISAC_ERR_NOT_FOUND);
	report_unref(&r);
	end(&made);
}

/* A value that was fine when it was stored and is not any more must not stop a replay. */
static void the_store_is_trusted(void **state)
{
	struct made made;
	struct report *r;

	(void)state;
	begin(&made);
	add_indicator(&made.payload, WIRE_VALUE_DOMAIN, "co.uk");
	add_indicator(&made.payload, WIRE_VALUE_IPV4, "198.51.100.7");
	add_header(&made, 0, false);
	assert_int_equal(report_open(&r, bytes(&made.header), bytes(&made.payload), signature, true, NULL), ISAC_ERR_BAD_VALUE);
	assert_int_equal(report_open(&r, bytes(&made.header), bytes(&made.payload), signature, false, NULL), ISAC_OK);
	assert_string_equal(r->items[0].value.text, "co.uk");
	assert_int_equal(r->items[0].value.type, WIRE_VALUE_DOMAIN);
	assert_string_equal(r->items[1].value.text, "198.51.100.7");
	report_unref(&r);
	end(&made);
}

static void *hold_and_drop(void *arg)
{
	for (int i = 0; i < TURNS; i++) {
		struct report *mine = report_ref(arg);

		report_unref(&mine);
	}
	report_unref((struct report **)&arg);
	return NULL;
}

static void references_are_counted_across_threads(void **state)
{
	pthread_t thread[THREADS];
	struct made made;
	struct report *r;

	(void)state;
	begin_good(&made);
	add_header(&made, 0, false);
	assert_int_equal(report_open(&r, bytes(&made.header), bytes(&made.payload), signature, true, NULL), ISAC_OK);
	for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, hold_and_drop, report_ref(r)), 0);
	for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
	assert_int_equal(atomic_load(&r->refs), 1);
	report_unref(&r);
	end(&made);
}

static int setup(void **state)
{
	(void)state;
	return wire_init() != ISAC_OK;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_report_opens),	     cmocka_unit_test(a_thousand_items_are_the_most),
		cmocka_unit_test(count_and_root_must_agree), cmocka_unit_test(duplicates_are_refused),
		cmocka_unit_test(a_bad_item_is_named),	     cmocka_unit_test(another_kind_is_refused),
		cmocka_unit_test(bad_payloads_are_refused),  cmocka_unit_test(an_erased_report_has_no_items),
		cmocka_unit_test(the_store_is_trusted),	     cmocka_unit_test(references_are_counted_across_threads),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
