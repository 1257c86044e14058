/*
 * The intake actor over a real socket, with this test in front's place and stubs in the place of store, query and control (defined
 * here, so that the linker does not take the rooms' own). What goes up, what comes down, and to whom.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sodium.h>
#include "control/control.h"
#include "intake/intake.h"
#include "query/query.h"

#define HUB "0123456789abcdef"

static struct intake *in;
static struct base_shared roster_cell;
static struct hold hold;
static uint8_t sign_secret[64], sign_public[32];
static char dir[] = "/tmp/isac-intake-XXXXXX", path[64];

/* ---- stubs ------------------------------------------------------------------------------------ */

static atomic_int store_answer = ISAC_OK, asked_query, asked_control, submitted;

static atomic_int expected, expected_at_submit;

void store_expect(struct store *s, int reports)
{
	(void)s;
	atomic_fetch_add(&expected, reports);
}

enum isac_err store_submit(struct store *s, struct report *report, const struct member_audience *audience, const struct store_route *route)
{
	(void)s;
	atomic_store(&expected_at_submit, atomic_load(&expected));
	if (atomic_load(&store_answer)) return (enum isac_err)atomic_load(&store_answer);
	assert_ptr_equal(audience, report->audience);
	assert_int_equal(audience->tlp, 2);
	assert_string_equal(report->publisher, "alice");
	assert_true(report->received_us > 0);
	Isac1__Receipt receipt = ISAC1__RECEIPT__INIT;
	receipt.code = 200;
	struct wire_buf out;
	wire_buf_init(&out, 1000);
	wire_pack(&out, &receipt.base);
	atomic_fetch_add(&submitted, 1);
	intake_reply(in, route, WIRE_RECEIPT, out.data, out.len);
	wire_buf_clear(&out);
	return ISAC_OK;
}

enum isac_err query_ask(struct query *q, const struct store_route *route, uint16_t type, const uint8_t *body, size_t len)
{
	(void)q, (void)body, (void)len;
	atomic_fetch_add(&asked_query, 1);
	intake_reply(in, route, (uint16_t)(type | 0x80), (const uint8_t *)"q", 1);
	return ISAC_OK;
}

bool query_takes_token(uint16_t type)
{
	return type == WIRE_STATUS;
}

enum isac_err control_ask(struct control *c, const struct store_route *route, const uint8_t *body, size_t len)
{
	(void)c, (void)route, (void)body, (void)len;
	atomic_fetch_add(&asked_control, 1);
	return ISAC_ERR_UNAVAILABLE;
}

/* ---- this front ----------------------------------------------------------------------------------- */

static struct base_link *link_up(uint64_t id)
{
	struct base_link *link = NULL;
	assert_int_equal(base_link_connect(&link, path, 64 << 20, 4 << 20), ISAC_OK);
	uint8_t hello[9] = {'H'};
	wire_put_u64(hello + 1, id);
	assert_int_equal(base_link_send(link, &(struct wire_bytes){hello, 9}, 1), ISAC_OK);
	return link;
}

static void send_message(struct base_link *link, const char *member, uint16_t type, uint64_t request_id, const void *body, size_t len)
{
	uint8_t head[36];
	size_t n = wire_head_pack(head, &(struct wire_head){.type = type, .request_id = request_id});
	struct wire_bytes parts[4] = {{(const uint8_t *)"M\0abcd", 6}, {(const uint8_t *)member, strlen(member)}, {head, n}, {body, len}};
	assert_int_equal(base_link_send(link, parts, 4), ISAC_OK);
}

/* Waits for one message; CLOSED when intake hung up. */
static enum isac_err receive(struct base_link *link, struct base_link_msg *msg)
{
	for (;;) {
		enum isac_err err = base_link_recv(link, msg);
		if (err != ISAC_ERR_AGAIN) return err;
		struct pollfd fd = {.fd = base_link_fd(link), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 20000), 1);
	}
}

static void expect_roster(struct base_link *link, uint64_t generation)
{
	struct base_link_msg msg;
	assert_int_equal(receive(link, &msg), ISAC_OK);
	assert_int_equal(msg.parts, 2);
	assert_int_equal(msg.part[0].len, 9);
	assert_int_equal(msg.part[0].data[0], 'T');
	assert_int_equal(wire_get_u64(msg.part[0].data + 1), generation);
	/* alice and nobody else: gone is suspended */
	assert_int_equal(msg.part[1].len, 32 + 1 + 5);
	assert_int_equal(msg.part[1].data[0], 0xa1);
	assert_memory_equal(msg.part[1].data + 32, "\5alice", 6);
}

/* The next reply: its type; code of the Receipt or Error in it; *request_id. */
static unsigned expect_reply(struct base_link *link, uint16_t type, uint64_t *request_id, uint32_t *retry_after_ms)
{
	struct base_link_msg msg;
	struct wire_head head;
	assert_int_equal(receive(link, &msg), ISAC_OK);
	assert_int_equal(msg.parts, 3);
	assert_int_equal(msg.part[0].len, 6);
	assert_memory_equal(msg.part[0].data, "R\0abcd", 6);
	assert_int_equal(wire_head_open(&head, msg.part[1].data, msg.part[1].len), ISAC_OK);
	assert_int_equal(head.type, type);
	if (request_id) *request_id = head.request_id;
	if (type != WIRE_RECEIPT && type != WIRE_ERROR) return 0;
	Isac1__Receipt *receipt = type == WIRE_RECEIPT ? isac1__receipt__unpack(NULL, msg.part[2].len, msg.part[2].data) : NULL;
	Isac1__Error *error = type == WIRE_ERROR ? isac1__error__unpack(NULL, msg.part[2].len, msg.part[2].data) : NULL;
	assert_true(receipt || error);
	unsigned code = receipt ? receipt->code : error->code;
	if (retry_after_ms) *retry_after_ms = receipt ? receipt->retry_after_ms : error->retry_after_ms;
	if (receipt) isac1__receipt__free_unpacked(receipt, NULL);
	if (error) isac1__error__free_unpacked(error, NULL);
	return code;
}

static void make_submit(struct wire_buf *out, uint8_t id)
{
	Isac1__Indicator ind = ISAC1__INDICATOR__INIT;
	ind.type = WIRE_VALUE_IPV4;
	ind.value = (char *)"198.51.100.9";
	Isac1__Item item = ISAC1__ITEM__INIT;
	item.body_case = ISAC1__ITEM__BODY_INDICATOR;
	item.indicator = &ind;
	uint8_t bytes[100], report_id[16] = {id}, secret[32] = {1};
	struct wire_bytes items = {bytes, isac1__item__pack(&item, bytes)};
	Isac1__Header header = ISAC1__HEADER__INIT;
	header.report_id = (ProtobufCBinaryData){16, report_id};
	header.created_us = base_clock_us();
	header.kind = 1;
	header.tlp = 2;
	wire_buf_init(out, 10000);
	assert_int_equal(wire_report_make(out, "alice", HUB, &header, &items, 1, secret, sign_secret), ISAC_OK);
}

/* ---- set-up -------------------------------------------------------------------------------------------- */

static void swap_roster(uint64_t generation)
{
	struct member_roster *r;
	struct member alice = {.id = 1, .name = "alice", .roles = MEMBER_PUBLISHER, .curve = {0xa1}};
	struct member gone = {.id = 2, .name = "gone", .roles = MEMBER_PUBLISHER, .curve = {0xa2}, .suspended = true};
	struct member_key k = {.member_id = 1};
	memcpy(k.public_key, sign_public, 32);
	wire_sign_key_id(k.key_id, sign_public);
	assert_int_equal(member_roster_new(&r, generation, HUB), ISAC_OK);
	assert_int_equal(member_roster_add(r, &alice), ISAC_OK);
	assert_int_equal(member_roster_add(r, &gone), ISAC_OK);
	assert_int_equal(member_roster_add_key(r, &k), ISAC_OK);
	base_shared_swap(&roster_cell, r);
}

static int start(int64_t verifiers, int64_t rate, int64_t burst)
{
	static const uint8_t seed[32] = {7};
	wire_init();
	crypto_sign_seed_keypair(sign_public, sign_secret, seed);
	base_log_init("test", BASE_LOG_ERROR);
	memcpy(dir, "/tmp/isac-intake-XXXXXX", sizeof(dir));
	if (!mkdtemp(dir)) return -1;
	snprintf(path, sizeof(path), "%s/s", dir);
	base_shared_init(&roster_cell, member_roster_free);
	assert_int_equal(hold_init(&hold), ISAC_OK);
	swap_roster(1);
	atomic_store(&store_answer, ISAC_OK);
	struct intake_conf conf = {.socket_path = path,
				   .hub_id = HUB,
				   .roster = &roster_cell,
				   .hold = &hold,
				   .verifiers = verifiers,
				   .queue_max = 64,
				   .rate_per_s = rate,
				   .rate_burst = burst,
				   .rate_bytes_per_min = 1000000000,
				   .feedback_per_s = rate,
				   .feedback_burst = burst};
	return intake_start(&in, &conf) ? -1 : 0;
}

static int start_usual(void **state)
{
	(void)state;
	return start(2, 1000000, 1000000);
}

static int start_alone(void **state)
{
	(void)state;
	return start(0, 1000000, 1000000);
}

static int start_narrow(void **state)
{
	(void)state;
	return start(1, 1, 2);
}

static int stop(void **state)
{
	(void)state;
	intake_stop(&in);
	assert_int_equal(atomic_load(&expected), 0); /* the store waits for nobody who does not come */
	base_shared_clear(&roster_cell);
	hold_clear(&hold);
	unlink(path);
	rmdir(dir);
	return in ? -1 : 0;
}

/* ---- tests ------------------------------------------------------------------------------------------------ */

static void submit_is_stored_and_answered(void **state)
{
	(void)state;
	struct base_link *front = link_up(1);
	struct wire_buf body;
	uint64_t id;
	expect_roster(front, 1);
	make_submit(&body, 1);
	send_message(front, "alice", WIRE_SUBMIT, 42, body.data, body.len);
	assert_int_equal(expect_reply(front, WIRE_RECEIPT, &id, NULL), 200);
	assert_int_equal(id, 42);
	assert_int_equal(atomic_load(&expected_at_submit), 0); /* a lone report waits for nobody, least of all for itself */
	/* one bit of the signature: an id in the refusal, nothing stored */
	int before = atomic_load(&submitted);
	body.data[body.len / 3] ^= 1;
	send_message(front, "alice", WIRE_SUBMIT, 43, body.data, body.len);
	assert_int_not_equal(expect_reply(front, WIRE_RECEIPT, &id, NULL), 200);
	assert_int_equal(id, 43);
	assert_int_equal(atomic_load(&submitted), before);
	send_message(front, "alice", WIRE_SUBMIT, 44, NULL, 0);
	assert_int_equal(expect_reply(front, WIRE_RECEIPT, &id, NULL), 400);
	wire_buf_clear(&body);
	base_link_destroy(&front);
}

static void a_burst_is_answered_whole(void **state)
{
	(void)state;
	enum { BURST = 500 };
	struct base_link *front = link_up(1);
	struct wire_buf body;
	bool seen[BURST] = {false};
	expect_roster(front, 1);
	make_submit(&body, 1);
	for (uint64_t i = 0; i < BURST; i++) send_message(front, "alice", WIRE_SUBMIT, i, body.data, body.len);
	for (int i = 0; i < BURST; i++) {
		uint64_t id;
		assert_int_equal(expect_reply(front, WIRE_RECEIPT, &id, NULL), 200);
		assert_true(id < BURST && !seen[id]);
		seen[id] = true;
	}
	wire_buf_clear(&body);
	base_link_destroy(&front);
}

static void full_store_says_503(void **state)
{
	(void)state;
	struct base_link *front = link_up(1);
	struct wire_buf body;
	uint32_t wait_ms = 0;
	expect_roster(front, 1);
	atomic_store(&store_answer, ISAC_ERR_UNAVAILABLE);
	make_submit(&body, 1);
	send_message(front, "alice", WIRE_SUBMIT, 1, body.data, body.len);
	assert_int_equal(expect_reply(front, WIRE_RECEIPT, NULL, &wait_ms), 503);
	assert_true(wait_ms > 0);
	send_message(front, "alice", WIRE_CONTROL, 2, "x", 1);
	assert_int_equal(expect_reply(front, WIRE_ERROR, NULL, &wait_ms), 503);
	assert_true(wait_ms > 0);
	wire_buf_clear(&body);
	base_link_destroy(&front);
}

static void requests_go_to_their_room(void **state)
{
	(void)state;
	struct base_link *front = link_up(1);
	expect_roster(front, 1);
	int before = atomic_load(&asked_query);
	send_message(front, "alice", WIRE_STATUS, 1, NULL, 0);
	expect_reply(front, WIRE_STATUS_RESULT, NULL, NULL);
	send_message(front, "alice", WIRE_DIRECTORY, 2, NULL, 0);
	expect_reply(front, WIRE_DIRECTORY_RESULT, NULL, NULL);
	send_message(front, "alice", WIRE_QUERY, 3, "x", 1);
	expect_reply(front, WIRE_QUERY_RESULT, NULL, NULL);
	assert_int_equal(atomic_load(&asked_query), before + 3);
	send_message(front, "alice", WIRE_QUERY, 4, NULL, 0);
	assert_int_equal(expect_reply(front, WIRE_ERROR, NULL, NULL), 400);
	send_message(front, "alice", WIRE_SUBSCRIBE, 5, "x", 1); /* of the other port */
	assert_int_equal(expect_reply(front, WIRE_ERROR, NULL, NULL), 400);
	send_message(front, "alice", 0x7777, 6, "x", 1);
	assert_int_equal(expect_reply(front, WIRE_ERROR, NULL, NULL), 400);
	send_message(front, "nobody", WIRE_STATUS, 7, NULL, 0);
	assert_int_equal(expect_reply(front, WIRE_ERROR, NULL, NULL), 401);
	send_message(front, "gone", WIRE_STATUS, 8, NULL, 0);
	assert_int_equal(expect_reply(front, WIRE_ERROR, NULL, NULL), 403);
	assert_int_equal(atomic_load(&asked_query), before + 3);
	base_link_destroy(&front);
}

static void over_the_rate_says_429(void **state)
{
	(void)state;
	struct base_link *front = link_up(1);
	struct wire_buf body;
	uint32_t wait_ms = 0;
	unsigned limited = 0;
	expect_roster(front, 1);
	make_submit(&body, 1);
	for (uint64_t i = 0; i < 20; i++) send_message(front, "alice", WIRE_SUBMIT, i, body.data, body.len);
	for (int i = 0; i < 20; i++) {
		uint32_t wait = 0;
		if (expect_reply(front, WIRE_RECEIPT, NULL, &wait) != 429) continue;
		limited++;
		wait_ms = wait;
	}
	assert_true(limited >= 10);
	assert_true(wait_ms > 0);
	wire_buf_clear(&body);
	base_link_destroy(&front);
}

static void the_roster_follows(void **state)
{
	(void)state;
	struct base_link *front = link_up(1);
	expect_roster(front, 1);
	swap_roster(2);
	intake_roster_changed(in);
	expect_roster(front, 2);
	base_link_destroy(&front);
}

static void a_newer_front_replaces_the_older(void **state)
{
	(void)state;
	struct base_link *old = link_up(1), *young;
	struct base_link_msg msg;
	struct store_route route = {.front = 1, .rid = {0, 'a', 'b', 'c', 'd'}, .rid_len = 5, .request_id = 9};
	expect_roster(old, 1);
	young = link_up(2);
	expect_roster(young, 1);
	assert_int_equal(receive(old, &msg), ISAC_ERR_CLOSED);
	/* a reply for the old one goes nowhere; the next that arrives is the one for the new */
	uint64_t lost = base_stats_get(STAT_intake_replies_lost), id;
	intake_reply(in, &route, WIRE_STATUS_RESULT, NULL, 0);
	assert_int_equal(base_stats_get(STAT_intake_replies_lost), lost + 1);
	route.front = 2;
	route.request_id = 10;
	intake_reply(in, &route, WIRE_STATUS_RESULT, NULL, 0);
	expect_reply(young, WIRE_STATUS_RESULT, &id, NULL);
	assert_int_equal(id, 10);
	base_link_destroy(&old);
	base_link_destroy(&young);
}

static void a_front_that_breaks_the_rules_is_cut(void **state)
{
	(void)state;
	static const struct {
		struct wire_bytes parts[4];
		unsigned n;
	} bad[] = {
		{{{(const uint8_t *)"X", 1}}, 1},
		{{{(const uint8_t *)"", 0}}, 1},
		{{{(const uint8_t *)"M\0abcd", 6}, {(const uint8_t *)"alice", 5}}, 2},
		{{{(const uint8_t *)"M", 1}, {NULL, 0}, {NULL, 0}, {NULL, 0}}, 4},
		{{{(const uint8_t *)"M123456789", 10}, {NULL, 0}, {NULL, 0}, {NULL, 0}}, 4},
		{{{(const uint8_t *)"H\0\0\0\0\0\0\0\1", 9}}, 1}, /* a second HELLO */
	};
	struct base_link_msg msg;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct base_link *front = link_up(3);
		expect_roster(front, 1);
		assert_int_equal(base_link_send(front, bad[i].parts, bad[i].n), ISAC_OK);
		assert_int_equal(receive(front, &msg), ISAC_ERR_CLOSED);
		base_link_destroy(&front);
	}
	/* and who speaks before HELLO */
	struct base_link *front = NULL;
	assert_int_equal(base_link_connect(&front, path, 1 << 20, 1 << 20), ISAC_OK);
	send_message(front, "alice", WIRE_STATUS, 1, NULL, 0);
	assert_int_equal(receive(front, &msg), ISAC_ERR_CLOSED);
	base_link_destroy(&front);
}

/* The reply to a request with this token, by this member: code of the ERROR, or 0. */
static unsigned ask_as(struct base_link *front, const char *gateway, uint8_t first, size_t len, uint32_t type, const char *member)
{
	uint8_t token[WIRE_TOKEN + 1] = {first};
	Isac1__AsToken as = ISAC1__AS_TOKEN__INIT;
	struct base_link_msg msg;
	struct wire_head head;
	struct wire_buf body;
	as.token = (ProtobufCBinaryData){len, token};
	as.type = type;
	as.member = (char *)member;
	wire_buf_init(&body, 1000);
	wire_pack(&body, &as.base);
	send_message(front, gateway, WIRE_AS_TOKEN, 5, body.data, body.len);
	wire_buf_clear(&body);
	assert_int_equal(receive(front, &msg), ISAC_OK);
	assert_int_equal(wire_head_open(&head, msg.part[1].data, msg.part[1].len), ISAC_OK);
	assert_int_equal(head.request_id, 5);
	if (head.type == WIRE_STATUS_RESULT) return 0;
	assert_int_equal(head.type, WIRE_ERROR);
	Isac1__Error *error = isac1__error__unpack(NULL, msg.part[2].len, msg.part[2].data);
	unsigned code = error->code;
	isac1__error__free_unpacked(error, NULL);
	return code;
}

/* Which token is good, by whom it may be presented, for what; and that those that are none run out. */
static void a_token_is_presented_by_a_gateway(void **state)
{
	(void)state;
	struct member_roster *r;
	struct member alice = {.id = 1, .name = "alice", .roles = MEMBER_SUBSCRIBER, .curve = {0xa1}};
	struct member gate = {.id = 3, .name = "gate", .roles = MEMBER_GATEWAY, .curve = {0xa3}};
	struct member_token good = {.id = 9, .member_id = 1, .scope = MEMBER_SCOPE_READ, .expires_us = INT64_MAX};
	struct member_token over = {.id = 10, .member_id = 1, .scope = MEMBER_SCOPE_READ, .expires_us = 1};
	wire_token_hash(good.hash, (const uint8_t[WIRE_TOKEN]){1});
	wire_token_hash(over.hash, (const uint8_t[WIRE_TOKEN]){2});
	assert_int_equal(member_roster_new(&r, 2, HUB), ISAC_OK);
	assert_int_equal(member_roster_add(r, &alice), ISAC_OK);
	assert_int_equal(member_roster_add(r, &gate), ISAC_OK);
	assert_int_equal(member_roster_add_token(r, &good), ISAC_OK);
	assert_int_equal(member_roster_add_token(r, &over), ISAC_OK);
	base_shared_swap(&roster_cell, r);
	struct base_link *front = link_up(1);
	struct base_link_msg msg;
	assert_int_equal(receive(front, &msg), ISAC_OK); /* the roster */
	assert_int_equal(ask_as(front, "gate", 1, WIRE_TOKEN, WIRE_STATUS, ""), 0);
	assert_int_equal(ask_as(front, "gate", 1, WIRE_TOKEN, WIRE_STATUS, "alice"), 0);
	assert_int_equal(ask_as(front, "gate", 1, WIRE_TOKEN, WIRE_STATUS, "gate"), 401);
	assert_int_equal(ask_as(front, "gate", 2, WIRE_TOKEN, WIRE_STATUS, ""), 401);
	assert_int_equal(ask_as(front, "gate", 3, WIRE_TOKEN, WIRE_STATUS, ""), 401);
	assert_int_equal(ask_as(front, "gate", 1, WIRE_TOKEN - 1, WIRE_STATUS, ""), 401);
	assert_int_equal(ask_as(front, "gate", 1, WIRE_TOKEN + 1, WIRE_STATUS, ""), 401);
	assert_int_equal(ask_as(front, "gate", 1, WIRE_TOKEN, WIRE_SUBMIT, ""), 403);
	assert_int_equal(ask_as(front, "gate", 1, WIRE_TOKEN, 1u << 16 | WIRE_STATUS, ""), 403);
	assert_int_equal(ask_as(front, "alice", 1, WIRE_TOKEN, WIRE_STATUS, ""), 403);
	unsigned code = 401;
	for (int i = 0; i < 1000 && code == 401; i++) code = ask_as(front, "gate", 3, WIRE_TOKEN, WIRE_STATUS, "");
	assert_int_equal(code, 429);
	assert_int_equal(ask_as(front, "gate", 1, WIRE_TOKEN, WIRE_STATUS, ""), 0);
	base_link_destroy(&front);
}

#define WITH(how, test) cmocka_unit_test_setup_teardown(test, how, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(start_usual, a_token_is_presented_by_a_gateway),
		WITH(start_usual, submit_is_stored_and_answered),
		WITH(start_alone, submit_is_stored_and_answered),
		WITH(start_usual, a_burst_is_answered_whole),
		WITH(start_alone, a_burst_is_answered_whole),
		WITH(start_usual, full_store_says_503),
		WITH(start_usual, requests_go_to_their_room),
		WITH(start_narrow, over_the_rate_says_429),
		WITH(start_usual, the_roster_follows),
		WITH(start_usual, a_newer_front_replaces_the_older),
		WITH(start_usual, a_front_that_breaks_the_rules_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
