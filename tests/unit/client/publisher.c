/* Publishing against a hub that stumbles or lies: the same bytes again, and no receipt believed that is not the hub's own for this report.
 */
#include "fake_hub.h"

static struct fake hub;

/* A receipt as README section 6 says, for a batch of one: root = leaf. */
static void answer(struct fake *f, const Isac1__Submit *submit, uint64_t seq, const struct test_key *signer, bool other_header)
{
	ProtobufCMessage *msg;
	uint8_t header_hash[WIRE_HASH], signed_bytes[WIRE_HASH + 4], signature[WIRE_SIGNATURE];
	EXPECT(wire_open(&msg, &isac1__header__descriptor, &f->arena, submit->header.data, submit->header.len, true, NULL) == ISAC_OK);
	wire_hash(header_hash, submit->header.data, submit->header.len);
	if (other_header) header_hash[0] ^= 1;
	Isac1__ReceiptBody body = ISAC1__RECEIPT_BODY__INIT;
	body.report_id = ((Isac1__Header *)msg)->report_id;
	body.header_hash = (ProtobufCBinaryData){WIRE_HASH, header_hash};
	body.seq = seq;
	body.log_index = seq - 1;
	body.received_us = 1769860800000000;
	struct wire_buf bytes;
	wire_buf_init(&bytes, 1024);
	wire_pack(&bytes, &body.base);
	wire_merkle_leaf(signed_bytes, bytes.data, bytes.len);
	wire_put_u32(signed_bytes + WIRE_HASH, 1);
	EXPECT(wire_sign_make(signature, WIRE_SIGN_RECEIPT, f->at.hub.hub_id, signed_bytes, sizeof signed_bytes, signer->secret) ==
	       ISAC_OK);
	Isac1__Receipt receipt = ISAC1__RECEIPT__INIT;
	receipt.code = 200;
	receipt.report_id = body.report_id;
	receipt.body = (ProtobufCBinaryData){bytes.len, bytes.data};
	receipt.batch_size = 1;
	receipt.hub_signature = (ProtobufCBinaryData){WIRE_SIGNATURE, signature};
	fake_reply(f, 0, WIRE_RECEIPT, &receipt.base);
	wire_buf_clear(&bytes);
}

static void refuse(struct fake *f, unsigned code, const char *text, uint32_t item, uint32_t retry_ms)
{
	Isac1__Receipt receipt = ISAC1__RECEIPT__INIT;
	receipt.code = code;
	receipt.text = (char *)text;
	receipt.item = item;
	receipt.retry_after_ms = retry_ms;
	fake_reply(f, 0, WIRE_RECEIPT, &receipt.base);
}

/* ---- the member's side ---- */
static struct {
	struct isac_receipt receipt;
	char text[300];
	unsigned calls;
} got;

static void on_receipt(void *arg, const struct isac_receipt *receipt)
{
	(void)arg;
	got.receipt = *receipt;
	snprintf(got.text, sizeof got.text, "%s", receipt->text ? receipt->text : "");
	got.calls++;
}

/* Publishes reports of one item until all have their receipts; the last one is in `got`. */
static void publish(unsigned reports)
{
	struct isac *isac = test_home_open(&hub.at, 10000);
	struct isac_batch *batch;
	struct isac_publisher *p;
	struct isac_report report;
	struct isac_report_conf conf = {.tlp = ISAC_TLP_GREEN};
	struct isac_error err = {.text = ""};
	memset(&got, 0, sizeof got);
	assert_int_equal(isac_batch_open(&batch, isac, &conf, 1, 0, &err), ISAC_DONE);
	assert_int_equal(isac_publisher_open(&p, isac, reports, on_receipt, NULL, &err), ISAC_DONE);
	for (unsigned i = 0; i < reports; i++) {
		char value[32];
		snprintf(value, sizeof value, "198.51.100.%u", i + 1);
		struct isac_indicator ind = {.value = value, .confidence = -1, .severity = -1};
		assert_int_equal(isac_batch_add(batch, &ind, &err), ISAC_BATCH_ADDED);
		assert_int_equal(isac_batch_seal(batch, &report, &err), ISAC_DONE);
		assert_int_equal(isac_publisher_add(p, &report, NULL, &err), ISAC_DONE);
		isac_report_clear(&report);
	}
	assert_false(isac_publisher_has_room(p));
	while (isac_publisher_pending(p))
		if (isac_publisher_step(p, 1000, &err)) fail_msg("%s", err.text);
	assert_int_equal(got.calls, reports);
	isac_publisher_close(&p);
	isac_batch_close(&batch);
	isac_close(&isac);
}

static void good_script(struct fake *f)
{
	answer(f, (Isac1__Submit *)fake_expect(f, 0, WIRE_SUBMIT), 7, &f->at.receipt, false);
}

static void a_good_receipt_is_believed(void **state)
{
	(void)state;
	fake_start(&hub, good_script);
	publish(1);
	fake_end(&hub);
	assert_int_equal(got.receipt.code, 200);
	assert_int_equal(got.receipt.seq, 7);
	assert_int_equal(got.receipt.received_us, 1769860800000000);
	assert_int_equal(got.receipt.items, 1);
}

static void wrong_key_script(struct fake *f)
{
	answer(f, (Isac1__Submit *)fake_expect(f, 0, WIRE_SUBMIT), 7, &f->at.admin, false);
}

static void a_receipt_by_another_key_is_not_believed(void **state)
{
	(void)state;
	fake_start(&hub, wrong_key_script);
	publish(1);
	fake_end(&hub);
	assert_int_equal(got.receipt.code, 0);
	assert_int_equal(got.receipt.seq, 0);
	assert_non_null(strstr(got.text, "does not hold"));
}

static void other_report_script(struct fake *f)
{
	answer(f, (Isac1__Submit *)fake_expect(f, 0, WIRE_SUBMIT), 7, &f->at.receipt, true);
}

static void a_receipt_for_other_bytes_is_not_believed(void **state)
{
	(void)state;
	fake_start(&hub, other_report_script);
	publish(1);
	fake_end(&hub);
	assert_int_equal(got.receipt.code, 0);
	assert_non_null(strstr(got.text, "another report"));
}

static void restart_script(struct fake *f)
{
	struct wire_buf first;
	wire_buf_init(&first, WIRE_LIMIT_FRAME_BYTES);
	fake_expect(f, 0, WIRE_SUBMIT);
	wire_buf_add(&first, f->body.data, f->body.len);
	fake_restart(f);
	Isac1__Submit *submit = (Isac1__Submit *)fake_expect(f, 0, WIRE_SUBMIT);
	EXPECT(f->body.len == first.len && memcmp(f->body.data, first.data, first.len) == 0);
	answer(f, submit, 1, &f->at.receipt, false);
}

static void after_a_restart_the_same_bytes_come_again(void **state)
{
	(void)state;
	fake_start(&hub, restart_script);
	publish(1);
	fake_end(&hub);
	assert_int_equal(got.receipt.code, 200);
}

static void later_script(struct fake *f)
{
	static const unsigned codes[] = {503, 429, 425, 507};
	struct wire_buf first;
	wire_buf_init(&first, WIRE_LIMIT_FRAME_BYTES);
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		fake_expect(f, 0, WIRE_SUBMIT);
		if (!i) wire_buf_add(&first, f->body.data, f->body.len);
		EXPECT(f->body.len == first.len && memcmp(f->body.data, first.data, first.len) == 0);
		refuse(f, codes[i], "later", 0, 20);
	}
	answer(f, (Isac1__Submit *)fake_expect(f, 0, WIRE_SUBMIT), 1, &f->at.receipt, false);
}

static void later_means_the_same_again(void **state)
{
	(void)state;
	fake_start(&hub, later_script);
	publish(1);
	fake_end(&hub);
	assert_int_equal(got.receipt.code, 200);
}

static void refusal_script(struct fake *f)
{
	fake_expect(f, 0, WIRE_SUBMIT);
	refuse(f, 422, "bad\033[31m value", 3, 0);
}

static void a_refusal_is_final_and_cannot_steer_a_terminal(void **state)
{
	(void)state;
	fake_start(&hub, refusal_script);
	publish(1);
	fake_end(&hub);
	assert_int_equal(got.receipt.code, 422);
	assert_int_equal(got.receipt.item, 3);
	assert_string_equal(got.text, "bad?[31m value");
}

static void window_script(struct fake *f)
{
	enum { N = 8 };
	/* All come before any is answered; the answers go out in the opposite order. */
	struct {
		struct wire_head head;
		Isac1__Submit *submit;
	} kept[N];
	for (int i = 0; i < N; i++) {
		kept[i].submit = (Isac1__Submit *)fake_expect(f, 0, WIRE_SUBMIT);
		kept[i].head = f->head;
	}
	for (int i = N - 1; i >= 0; i--) {
		f->head = kept[i].head;
		answer(f, kept[i].submit, (uint64_t)i + 1, &f->at.receipt, false);
	}
}

static void many_are_under_way_at_once(void **state)
{
	(void)state;
	fake_start(&hub, window_script);
	publish(8);
	fake_end(&hub);
	assert_int_equal(got.receipt.code, 200);
}

static void silent_script(struct fake *f)
{
	fake_expect(f, 0, WIRE_SUBMIT);
	fake_expect(f, 0, WIRE_SUBMIT);
	/* its end takes the ports away */
}

static void silence_ends_in_unreachable(void **state)
{
	(void)state;
	struct isac_error err = {.text = ""};
	struct isac_batch *batch;
	struct isac_publisher *p;
	struct isac_report report;
	struct isac_report_conf conf = {.tlp = ISAC_TLP_GREEN};
	struct isac_indicator ind = {.value = "198.51.100.1", .confidence = -1, .severity = -1};
	enum isac_result r = ISAC_DONE;
	fake_start(&hub, silent_script);
	struct isac *isac = test_home_open(&hub.at, 5000);
	assert_int_equal(isac_batch_open(&batch, isac, &conf, 1, 0, &err), ISAC_DONE);
	assert_int_equal(isac_batch_add(batch, &ind, &err), ISAC_BATCH_ADDED);
	assert_int_equal(isac_batch_seal(batch, &report, &err), ISAC_DONE);
	assert_int_equal(isac_publisher_open(&p, isac, 1, on_receipt, NULL, &err), ISAC_DONE);
	assert_int_equal(isac_publisher_add(p, &report, NULL, &err), ISAC_DONE);
	while (!r) r = isac_publisher_step(p, 1000, &err);
	assert_int_equal(r, ISAC_UNREACHABLE);
	assert_true(*err.text);
	isac_publisher_close(&p);
	isac_report_clear(&report);
	isac_batch_close(&batch);
	isac_close(&isac);
	fake_end(&hub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_receipt_is_believed),
		cmocka_unit_test(a_receipt_by_another_key_is_not_believed),
		cmocka_unit_test(a_receipt_for_other_bytes_is_not_believed),
		cmocka_unit_test(after_a_restart_the_same_bytes_come_again),
		cmocka_unit_test(later_means_the_same_again),
		cmocka_unit_test(a_refusal_is_final_and_cannot_steer_a_terminal),
		cmocka_unit_test(many_are_under_way_at_once),
		cmocka_unit_test(silence_ends_in_unreachable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
