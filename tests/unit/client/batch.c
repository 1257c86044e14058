/* A batch: canonical values, what was given kept as raw, no value twice, full at its limits, refusals with reasons. */
#include "home.h"

static struct test_home at;
static struct isac *isac;

static int begin(void **state)
{
	(void)state;
	test_home_begin(&at);
	test_home_keygen(&at);
	isac = test_home_open(&at, 100);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	isac_close(&isac);
	test_home_end(&at);
	return 0;
}

static struct isac_batch *open_batch(uint32_t items_max, size_t bytes_max)
{
	struct isac_batch *batch = NULL;
	struct isac_report_conf conf = {.tlp = ISAC_TLP_AMBER};
	assert_int_equal(isac_batch_open(&batch, isac, &conf, items_max, bytes_max, NULL), ISAC_DONE);
	return batch;
}

static enum isac_batch_outcome add(struct isac_batch *batch, const char *type, const char *value, struct isac_error *err)
{
	struct isac_indicator ind = {.type = type, .value = value, .confidence = 80, .severity = -1};
	return isac_batch_add(batch, &ind, err);
}

/* Seals and opens again what came out: header, then each item of the payload. */
static void open_report(struct isac_report *report, struct wire_arena *arena, Isac1__Header **header, Isac1__Payload **payload)
{
	ProtobufCMessage *msg;
	wire_arena_init(arena, WIRE_LIMIT_DECODE_BYTES);
	assert_int_equal(wire_open(&msg, &isac1__submit__descriptor, arena, report->data, report->len, true, NULL), ISAC_OK);
	Isac1__Submit *submit = (Isac1__Submit *)msg;
	assert_string_equal(submit->member, "bob");
	assert_int_equal(wire_open(&msg, &isac1__header__descriptor, arena, submit->header.data, submit->header.len, true, NULL), ISAC_OK);
	*header = (Isac1__Header *)msg;
	assert_int_equal(wire_open(&msg, &isac1__payload__descriptor, arena, submit->payload.data, submit->payload.len, true, NULL),
			 ISAC_OK);
	*payload = (Isac1__Payload *)msg;
}

static void a_report_holds_what_was_added(void **state)
{
	(void)state;
	struct isac_batch *batch = open_batch(10, 0);
	struct isac_report report;
	struct wire_arena arena;
	Isac1__Header *header;
	Isac1__Payload *payload;
	ProtobufCMessage *msg;
	assert_int_equal(add(batch, NULL, "hxxp://Evil[.]Example:80", NULL), ISAC_BATCH_ADDED);
	assert_int_equal(add(batch, "ipv4", "198.51.100.7", NULL), ISAC_BATCH_ADDED);
	assert_int_equal(isac_batch_count(batch), 2);
	assert_int_equal(isac_batch_seal(batch, &report, NULL), ISAC_DONE);
	assert_int_equal(isac_batch_count(batch), 0);
	open_report(&report, &arena, &header, &payload);
	assert_int_equal(header->tlp, 3);
	assert_int_equal(header->kind, 1);
	assert_int_equal(header->item_count, 2);
	assert_memory_equal(header->report_id.data, report.id, 16);
	assert_int_equal(report.id[6] >> 4, 7); /* UUID version and variant */
	assert_int_equal(report.id[8] >> 6, 2);
	assert_int_equal(payload->n_items, 2);
	assert_int_equal(wire_open(&msg, &isac1__item__descriptor, &arena, payload->items[0].data, payload->items[0].len, true, NULL),
			 ISAC_OK);
	const Isac1__Indicator *ind = ((Isac1__Item *)msg)->indicator;
	assert_int_equal(ind->type, 5);
	assert_string_equal(ind->value, "http://evil.example/");
	assert_string_equal(ind->raw, "hxxp://Evil[.]Example:80");
	assert_int_equal(ind->confidence_plus1, 81);
	assert_int_equal(ind->severity_plus1, 0);
	assert_int_equal(wire_open(&msg, &isac1__item__descriptor, &arena, payload->items[1].data, payload->items[1].len, true, NULL),
			 ISAC_OK);
	assert_string_equal(((Isac1__Item *)msg)->indicator->raw, "");
	wire_arena_clear(&arena);
	isac_report_clear(&report);
	isac_batch_close(&batch);
}

static void the_same_value_is_taken_once_even_over_reports(void **state)
{
	(void)state;
	struct isac_batch *batch = open_batch(10, 0);
	struct isac_report report;
	char value[32];
	assert_int_equal(add(batch, NULL, "evil.example", NULL), ISAC_BATCH_ADDED);
	assert_int_equal(add(batch, "domain", "EVIL.example.", NULL), ISAC_BATCH_DUPLICATE);
	assert_int_equal(isac_batch_seal(batch, &report, NULL), ISAC_DONE);
	isac_report_clear(&report);
	assert_int_equal(add(batch, NULL, "evil[.]example", NULL), ISAC_BATCH_DUPLICATE);
	isac_batch_close(&batch);
	/* More than the first table of keys holds. */
	batch = open_batch(1000, 0);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(value, sizeof value, "45.%u.%u.1", i / 250, i % 250);
		if (add(batch, NULL, value, NULL) != ISAC_BATCH_FULL) continue;
		assert_int_equal(isac_batch_count(batch), 1000);
		assert_int_equal(isac_batch_seal(batch, &report, NULL), ISAC_DONE);
		isac_report_clear(&report);
		assert_int_equal(add(batch, NULL, value, NULL), ISAC_BATCH_ADDED);
	}
	assert_int_equal(isac_batch_count(batch), 1000);
	for (unsigned i = 0; i < 5000; i += 499) {
		snprintf(value, sizeof value, "45.%u.%u.1", i / 250, i % 250);
		assert_int_equal(add(batch, NULL, value, NULL), ISAC_BATCH_DUPLICATE);
	}
	isac_batch_close(&batch);
}

static void a_full_batch_says_so_and_takes_the_item_later(void **state)
{
	(void)state;
	struct isac_batch *batch = open_batch(1000, 100);
	struct isac_report report;
	assert_int_equal(add(batch, NULL, "a-name-that-takes-some-forty-bytes-of-room.example", NULL), ISAC_BATCH_ADDED);
	assert_int_equal(add(batch, NULL, "b-name-that-takes-some-forty-bytes-of-room.example", NULL), ISAC_BATCH_FULL);
	assert_int_equal(isac_batch_seal(batch, &report, NULL), ISAC_DONE);
	isac_report_clear(&report);
	assert_int_equal(add(batch, NULL, "b-name-that-takes-some-forty-bytes-of-room.example", NULL), ISAC_BATCH_ADDED);
	isac_batch_close(&batch);
}

static void a_report_never_outgrows_a_frame(void **state)
{
	(void)state;
	struct isac_batch *batch = open_batch(1000, (size_t)-1);
	struct isac_report report;
	char text[1001], value[64];
	memset(text, 'x', 1000);
	text[1000] = 0;
	unsigned i = 0;
	struct isac_indicator ind = {.value = value, .description = text, .confidence = -1, .severity = -1};
	do snprintf(value, sizeof value, "45.1.%u.%u", i / 250, i % 250);
	while (isac_batch_add(batch, &ind, NULL) == ISAC_BATCH_ADDED && ++i < 1000);
	assert_in_range(i, 200, 260);
	assert_int_equal(isac_batch_seal(batch, &report, NULL), ISAC_DONE);
	assert_true(report.len <= 262144);
	isac_report_clear(&report);
	isac_batch_close(&batch);
}

static void refusals_have_reasons(void **state)
{
	(void)state;
	static const struct {
		const char *type, *value, *says;
	} cases[] = {
		{"ipv4", "10.0.0.1", "RFC 1918"},	 {NULL, "", "empty"},		{"frobnicator", "x", "is not a type"},
		{NULL, "what is this", "give its type"}, {"domain", "co.uk", "suffix"}, {"md5", "0011", ""},
	};
	struct isac_batch *batch = open_batch(10, 0);
	struct isac_error err;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		err.text[0] = 0;
		assert_int_equal(add(batch, cases[i].type, cases[i].value, &err), ISAC_BATCH_REFUSED);
		if (!*err.text || !strstr(err.text, cases[i].says)) fail_msg("'%s' does not say '%s'", err.text, cases[i].says);
	}
	struct isac_indicator ind = {.value = "198.51.100.1", .confidence = 101, .severity = -1};
	assert_int_equal(isac_batch_add(batch, &ind, &err), ISAC_BATCH_REFUSED);
	ind = (struct isac_indicator){.value = "198.51.100.1", .confidence = -1, .severity = -1, .first_seen_us = 10, .last_seen_us = 5};
	assert_int_equal(isac_batch_add(batch, &ind, &err), ISAC_BATCH_REFUSED);
	assert_int_equal(isac_batch_count(batch), 0);
	struct isac_report report;
	assert_int_equal(isac_batch_seal(batch, &report, &err), ISAC_MISUSED);
	isac_batch_close(&batch);
}

static void labels_have_their_rules(void **state)
{
	(void)state;
	static const char *const bob[] = {"bob"}, *const bad[] = {"Not A Name"};
	static const struct {
		struct isac_report_conf conf;
		bool good;
	} cases[] = {
		{{.tlp = ISAC_TLP_NONE}, false},
		{{.tlp = ISAC_TLP_RED}, false},
		{{.tlp = ISAC_TLP_RED, .recipients = bob, .recipients_n = 1}, true},
		{{.tlp = ISAC_TLP_GREEN, .recipients = bob, .recipients_n = 1}, false},
		{{.tlp = ISAC_TLP_GREEN, .groups = bob, .groups_n = 1}, true},
		{{.tlp = ISAC_TLP_GREEN, .groups = bad, .groups_n = 1}, false},
		{{.tlp = (enum isac_tlp)6}, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct isac_batch *batch = NULL;
		enum isac_result r = isac_batch_open(&batch, isac, &cases[i].conf, 10, 0, NULL);
		assert_int_equal(r, cases[i].good ? ISAC_DONE : ISAC_MISUSED);
		isac_batch_close(&batch);
	}
	assert_int_equal(isac_tlp_parse("TLP:AMBER+STRICT"), ISAC_TLP_AMBER_STRICT);
	assert_int_equal(isac_tlp_parse("Green"), ISAC_TLP_GREEN);
	assert_int_equal(isac_tlp_parse("white"), ISAC_TLP_NONE);
	assert_null(isac_tlp_name(0));
	assert_null(isac_tlp_name(6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_report_holds_what_was_added, begin, finish),
		cmocka_unit_test_setup_teardown(the_same_value_is_taken_once_even_over_reports, begin, finish),
		cmocka_unit_test_setup_teardown(a_full_batch_says_so_and_takes_the_item_later, begin, finish),
		cmocka_unit_test_setup_teardown(a_report_never_outgrows_a_frame, begin, finish),
		cmocka_unit_test_setup_teardown(refusals_have_reasons, begin, finish),
		cmocka_unit_test_setup_teardown(labels_have_their_rules, begin, finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
