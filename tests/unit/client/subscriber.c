/* Subscribing to a hub that forges, skips, repeats or goes away: nothing bad is shown as good, nothing is lost or shown twice. */
#include "certify.h"
#include "fake_hub.h"

static struct fake hub;

/* ---- the hub's side ---- */
enum { SUB = 5, ITEMS_MAX = 4 };

static Isac1__Subscribe *open_session(struct fake *f, uint32_t sub, uint64_t position, uint64_t head)
{
	Isac1__Subscribe *asked = (Isac1__Subscribe *)fake_expect(f, 1, WIRE_SUBSCRIBE);
	Isac1__Subscribed m = ISAC1__SUBSCRIBED__INIT;
	uint8_t zero[WIRE_HASH] = {0};
	m.sub = sub;
	m.position = position;
	m.head_seq = head;
	m.filter = (char *)"true";
	m.hash = (ProtobufCBinaryData){WIRE_HASH, zero};
	fake_reply(f, 1, WIRE_SUBSCRIBED, &m.base);
	return asked;
}

static struct wire_bytes address_item(struct fake *f, const char *value)
{
	struct wire_buf bytes;
	Isac1__Indicator ind = ISAC1__INDICATOR__INIT;
	Isac1__Item item = ISAC1__ITEM__INIT;
	ind.type = WIRE_VALUE_IPV4;
	ind.value = (char *)value;
	item.body_case = ISAC1__ITEM__BODY_INDICATOR;
	item.indicator = &ind;
	wire_buf_init(&bytes, 4096);
	wire_pack(&bytes, &item.base);
	uint8_t *copy = wire_arena_alloc(&f->arena, bytes.len);
	memcpy(copy, bytes.data, bytes.len);
	struct wire_bytes out = {copy, bytes.len};
	wire_buf_clear(&bytes);
	return out;
}

/* A report by alice with n addresses, as the entry that a feed carries: one with its salt, several as a whole. Lives in the arena. */
static Isac1__Entry *entry_of(struct fake *f, uint64_t seq, const char *const *values, uint32_t n, const struct test_key *signer)
{
	struct wire_buf submit_bytes;
	struct wire_bytes item[ITEMS_MAX];
	Isac1__Header header = ISAC1__HEADER__INIT;
	ProtobufCMessage *msg;
	uint8_t id[16], *secret = wire_arena_alloc(&f->arena, WIRE_SECRET), *salt = wire_arena_alloc(&f->arena, WIRE_SALT);
	for (uint32_t i = 0; i < n; i++) item[i] = address_item(f, values[i]);
	wire_buf_init(&submit_bytes, 65536);
	randombytes_buf(id, sizeof id);
	randombytes_buf(secret, WIRE_SECRET);
	header.report_id = (ProtobufCBinaryData){sizeof id, id};
	header.created_us = 1769860800000000;
	header.kind = ISAC1__KIND__KIND_INDICATOR;
	header.tlp = ISAC1__TLP__TLP_GREEN;
	EXPECT(wire_report_make(&submit_bytes, "alice", f->at.hub.hub_id, &header, item, n, secret, signer->secret) == ISAC_OK);
	EXPECT(wire_open(&msg, &isac1__submit__descriptor, &f->arena, submit_bytes.data, submit_bytes.len, true, NULL) == ISAC_OK);
	Isac1__Entry *e = wire_arena_alloc(&f->arena, sizeof *e);
	Isac1__DisclosedItem *d = wire_arena_alloc(&f->arena, n * sizeof *d), **list = wire_arena_alloc(&f->arena, n * sizeof *list);
	isac1__entry__init(e);
	e->seq = seq;
	e->received_us = 1769860801000000;
	e->publisher = (char *)"alice";
	e->header = ((Isac1__Submit *)msg)->header;
	e->signature = ((Isac1__Submit *)msg)->signature;
	for (uint32_t i = 0; i < n; i++) {
		isac1__disclosed_item__init(&d[i]);
		d[i].item = (ProtobufCBinaryData){item[i].len, (uint8_t *)item[i].data};
		list[i] = &d[i];
	}
	wire_merkle_salt(salt, secret, 0);
	if (n == 1) d->salt = (ProtobufCBinaryData){WIRE_SALT, salt};
	else e->secret = (ProtobufCBinaryData){WIRE_SECRET, secret};
	e->items = list;
	e->n_items = n;
	wire_buf_clear(&submit_bytes);
	return e;
}

static Isac1__Entry *entry(struct fake *f, uint64_t seq, const char *value, const struct test_key *signer)
{
	return entry_of(f, seq, &value, 1, signer);
}

static void deliver(struct fake *f, uint32_t sub, uint64_t prev, uint64_t last, Isac1__Entry **entries, size_t n)
{
	Isac1__Batch batch = ISAC1__BATCH__INIT;
	struct wire_head head = {.type = WIRE_DELIVERY, .sub = sub, .prev_seq = prev, .last_seq = last};
	batch.entries = entries;
	batch.n_entries = n;
	fake_send(f, 1, &head, &batch.base);
}

static void beat(struct fake *f, uint32_t sub, uint64_t position, uint64_t head_seq, const uint8_t hash[WIRE_HASH])
{
	Isac1__Heartbeat m = ISAC1__HEARTBEAT__INIT;
	struct wire_head head = {.type = WIRE_HEARTBEAT};
	m.sub = sub;
	m.position = position;
	m.head_seq = head_seq;
	m.hash = (ProtobufCBinaryData){WIRE_HASH, (uint8_t *)hash};
	m.now_us = 1;
	fake_send(f, 1, &head, &m.base);
}

/* Section 7's running hash, written out here once more: H(h || u64(seq) || H(header) || u32(items) || u32(index)...). */
static void hash_on(uint8_t h[WIRE_HASH], const Isac1__Entry *e)
{
	uint8_t text[WIRE_HASH + 8 + WIRE_HASH + 4 + 4 * ITEMS_MAX], *at = text + 2 * WIRE_HASH + 8;
	memcpy(text, h, WIRE_HASH);
	wire_put_u64(text + WIRE_HASH, e->seq);
	crypto_generichash(text + WIRE_HASH + 8, WIRE_HASH, e->header.data, e->header.len, NULL, 0);
	wire_put_u32(at, (uint32_t)e->n_items);
	for (uint32_t i = 0; i < e->n_items; i++) wire_put_u32(at += 4, i); /* they are all that their reports have */
	crypto_generichash(h, WIRE_HASH, text, (size_t)(at + 4 - text), NULL, 0);
}

static void answer_directory(struct fake *f, const struct test_key *admin)
{
	struct test_cert root, alice;
	Isac1__KeyCertificate *list[] = {&root.cert, &alice.cert};
	Isac1__DirectoryResult result = ISAC1__DIRECTORY_RESULT__INIT;
	test_certify(&root, f->at.hub.hub_id, "admin", admin, NULL, NULL, NULL, NULL, NULL);
	test_certify(&alice, f->at.hub.hub_id, "alice", &f->alice, admin, "member.add", "publisher", "alice", &f->alice);
	result.keys = list;
	result.n_keys = 2;
	fake_expect(f, 0, WIRE_DIRECTORY);
	fake_reply(f, 0, WIRE_DIRECTORY_RESULT, &result.base);
}

/* The subscriber says that it is done: the script may end. */
static void await_end(struct fake *f)
{
	fake_expect(f, 1, WIRE_UNSUBSCRIBE);
}

/* ---- the member's side ---- */
static struct isac *isac;
static struct isac_subscriber *sub;
static struct isac_event event;

static void subscribe(const char *name, enum isac_from from, uint64_t seq)
{
	struct isac_subscriber_conf conf = {.name = name, .filter = "", .from = from, .seq = seq};
	struct isac_error err = {.text = ""};
	isac = test_home_open(&hub.at, 20000);
	if (isac_subscriber_open(&sub, isac, &conf, &err)) fail_msg("%s", err.text);
}

/* The next event; it must be this one. */
static void next(enum isac_event_type type)
{
	struct isac_error err = {.text = ""};
	enum isac_result r;
	while ((r = isac_subscriber_next(sub, 1000, &event, &err)) == ISAC_QUIET) {
	}
	if (r) fail_msg("%s", err.text);
	if (event.type != type) fail_msg("event %d, not %d (%s)", (int)event.type, (int)type, event.text ? event.text : "");
}

static void leave(void)
{
	isac_subscriber_close(&sub);
	isac_close(&isac);
	fake_end(&hub);
}

static void honest_script(struct fake *f)
{
	uint8_t hash[WIRE_HASH] = {0};
	Isac1__Subscribe *asked = open_session(f, SUB, 10, 12);
	EXPECT(asked->from == ISAC1__SUBSCRIBE__FROM__FROM_SEQ && asked->seq == 10 && asked->credit_bytes == WIRE_LIMIT_CREDIT_BYTES);
	EXPECT(strcmp(asked->name, "soc") == 0);
	Isac1__Entry *e[] = {entry(f, 11, "198.51.100.1", &f->alice), entry(f, 12, "198.51.100.2", &f->alice)};
	deliver(f, SUB, 10, 12, e, 2);
	answer_directory(f, &f->at.admin);
	Isac1__Credit *credit = (Isac1__Credit *)fake_expect(f, 1, WIRE_CREDIT);
	EXPECT(credit->sub == SUB && credit->acked_seq == 12 && credit->bytes > 0);
	hash_on(hash, e[0]);
	hash_on(hash, e[1]);
	beat(f, SUB, 15, 15, hash);
	await_end(f);
}

static void what_is_good_is_shown_and_acknowledged(void **state)
{
	(void)state;
	fake_start(&hub, honest_script);
	subscribe("soc", ISAC_FROM_SEQ, 10);
	next(ISAC_EVENT_OPEN);
	assert_false(event.caught_up);
	for (unsigned i = 1; i <= 2; i++) {
		char value[32];
		snprintf(value, sizeof value, "198.51.100.%u", i);
		next(ISAC_EVENT_ITEM);
		assert_true(event.item->verified);
		assert_int_equal(event.item->seq, 10 + i);
		assert_string_equal(event.item->publisher, "alice");
		assert_string_equal(event.item->value, value);
		assert_string_equal(event.item->type, "ipv4");
	}
	next(ISAC_EVENT_POSITION);
	assert_int_equal(event.position, 12);
	assert_true(event.caught_up);
	isac_subscriber_ack(sub, 12);
	next(ISAC_EVENT_POSITION);
	assert_int_equal(event.position, 15);
	leave();
}

static const char *const three[] = {"198.51.100.1", "198.51.100.2", "198.51.100.3"};

static void whole_script(struct fake *f)
{
	uint8_t hash[WIRE_HASH] = {0};
	open_session(f, SUB, 0, 3);
	Isac1__Entry *e[] = {entry_of(f, 1, three, 3, &f->alice), entry_of(f, 2, three, 2, &f->alice), entry_of(f, 3, three, 3, &f->alice)};
	e[1]->secret.data[0] ^= 1;
	e[2]->items[2]->index = 2; /* numbered, as if a part */
	deliver(f, SUB, 0, 3, e, 3);
	answer_directory(f, &f->at.admin);
	for (unsigned i = 0; i < 3; i++) hash_on(hash, e[i]);
	beat(f, SUB, 9, 9, hash);
	await_end(f);
}

/* Its items are numbered by their place; what a hub makes up of it is named and not shown. */
static void a_whole_report_is_shown_by_its_secret(void **state)
{
	(void)state;
	fake_start(&hub, whole_script);
	subscribe(NULL, ISAC_FROM_START, 0);
	next(ISAC_EVENT_OPEN);
	for (unsigned i = 0; i < 3; i++) {
		next(ISAC_EVENT_ITEM);
		assert_true(event.item->verified);
		assert_int_equal(event.item->seq, 1);
		assert_int_equal(event.item->index, i);
		assert_string_equal(event.item->value, three[i]);
	}
	for (unsigned seq = 2; seq <= 3; seq++) {
		next(ISAC_EVENT_ITEM);
		assert_false(event.item->verified);
		assert_int_equal(event.item->seq, seq);
		assert_string_equal(event.item->value, "");
	}
	next(ISAC_EVENT_POSITION);
	assert_int_equal(event.position, 3);
	next(ISAC_EVENT_POSITION);
	assert_int_equal(event.position, 9);
	leave();
}

static void altered_script(struct fake *f)
{
	open_session(f, SUB, 0, 3);
	Isac1__Entry *e[] = {entry(f, 1, "198.51.100.1", &f->alice), entry(f, 2, "198.51.100.2", &f->alice),
			     entry(f, 3, "198.51.100.3", &f->alice)};
	e[0]->items[0]->item.data[e[0]->items[0]->item.len - 1] ^= 1; /* another value */
	e[1]->signature.data[0] ^= 1;				      /* another signature */
	deliver(f, SUB, 0, 3, e, 3);
	answer_directory(f, &f->at.admin);
	await_end(f);
}

static void what_was_altered_is_not_shown_as_good(void **state)
{
	(void)state;
	fake_start(&hub, altered_script);
	subscribe(NULL, ISAC_FROM_START, 0);
	next(ISAC_EVENT_OPEN);
	for (unsigned i = 1; i <= 3; i++) {
		next(ISAC_EVENT_ITEM);
		assert_int_equal(event.item->seq, i);
		assert_int_equal(event.item->verified, i == 3);
		if (i < 3) assert_string_equal(event.item->value, "");
	}
	leave();
}

static void forged_script(struct fake *f)
{
	struct test_key own;
	test_key_make(&own);
	open_session(f, SUB, 0, 1);
	Isac1__Entry *e[] = {entry(f, 1, "198.51.100.1", &f->alice)};
	deliver(f, SUB, 0, 1, e, 1);
	answer_directory(f, &own); /* the hub's own admin: not the one of hub.pub */
	await_end(f);
}

static void a_hub_cannot_invent_a_member(void **state)
{
	(void)state;
	fake_start(&hub, forged_script);
	subscribe(NULL, ISAC_FROM_START, 0);
	next(ISAC_EVENT_OPEN);
	next(ISAC_EVENT_ITEM);
	assert_false(event.item->verified);
	assert_non_null(strstr(event.item->problem, "not certified"));
	leave();
}

static void skip_script(struct fake *f)
{
	open_session(f, SUB, 0, 9);
	Isac1__Entry *one[] = {entry(f, 1, "198.51.100.1", &f->alice)}, *nine[] = {entry(f, 9, "198.51.100.9", &f->alice)};
	deliver(f, SUB, 0, 1, one, 1);
	answer_directory(f, &f->at.admin);
	deliver(f, SUB, 8, 9, nine, 1); /* 2 to 8 are missing */
	Isac1__Subscribe *asked = open_session(f, SUB + 1, 1, 9);
	EXPECT(asked->from == ISAC1__SUBSCRIBE__FROM__FROM_RESUME && asked->seq == 1);
	deliver(f, SUB, 8, 9, nine, 1); /* a late frame of the old session */
	deliver(f, SUB + 1, 1, 9, nine, 1);
	await_end(f);
}

static void a_hole_is_noticed_and_asked_for_again(void **state)
{
	(void)state;
	fake_start(&hub, skip_script);
	subscribe(NULL, ISAC_FROM_START, 0);
	next(ISAC_EVENT_OPEN);
	next(ISAC_EVENT_ITEM);
	next(ISAC_EVENT_POSITION);
	next(ISAC_EVENT_PROBLEM);
	assert_non_null(strstr(event.text, "skipped from 1 to 8"));
	next(ISAC_EVENT_OPEN);
	assert_int_equal(event.position, 1);
	next(ISAC_EVENT_ITEM);
	assert_int_equal(event.item->seq, 9);
	next(ISAC_EVENT_POSITION);
	assert_int_equal(event.position, 9);
	leave();
}

static void hash_script(struct fake *f)
{
	uint8_t hash[WIRE_HASH] = {1};
	open_session(f, SUB, 4, 4);
	beat(f, SUB, 4, 4, hash);
	Isac1__Subscribe *asked = open_session(f, SUB + 1, 4, 4);
	EXPECT(asked->seq == 4);
	await_end(f);
}

static void another_running_hash_is_said(void **state)
{
	(void)state;
	fake_start(&hub, hash_script);
	subscribe(NULL, ISAC_FROM_NOW, 0);
	next(ISAC_EVENT_OPEN);
	next(ISAC_EVENT_PROBLEM);
	assert_non_null(strstr(event.text, "running hash"));
	next(ISAC_EVENT_OPEN);
	leave();
}

/* The hub (or whoever sits between) keeps one entry back and says that the range is whole: only the running hash can tell. */
static void dropped_script(struct fake *f)
{
	uint8_t hash[WIRE_HASH] = {0};
	open_session(f, SUB, 0, 3);
	Isac1__Entry *e[] = {entry(f, 1, "198.51.100.1", &f->alice), entry(f, 2, "198.51.100.2", &f->alice),
			     entry(f, 3, "198.51.100.3", &f->alice)};
	Isac1__Entry *shown[] = {e[0], e[2]};
	deliver(f, SUB, 0, 3, shown, 2);
	answer_directory(f, &f->at.admin);
	for (unsigned i = 0; i < 3; i++) hash_on(hash, e[i]);
	beat(f, SUB, 3, 3, hash);
	open_session(f, SUB + 1, 3, 3);
	await_end(f);
}

static void an_entry_kept_back_is_noticed(void **state)
{
	(void)state;
	fake_start(&hub, dropped_script);
	subscribe(NULL, ISAC_FROM_START, 0);
	next(ISAC_EVENT_OPEN);
	next(ISAC_EVENT_ITEM);
	next(ISAC_EVENT_ITEM);
	assert_int_equal(event.item->seq, 3);
	next(ISAC_EVENT_POSITION);
	next(ISAC_EVENT_PROBLEM);
	assert_non_null(strstr(event.text, "running hash"));
	assert_non_null(strstr(event.text, "lost"));
	next(ISAC_EVENT_OPEN);
	leave();
}

static void rights_script(struct fake *f)
{
	uint8_t hash[WIRE_HASH] = {0};
	Isac1__Heartbeat m = ISAC1__HEARTBEAT__INIT;
	struct wire_head head = {.type = WIRE_HEARTBEAT};
	open_session(f, SUB, 4, 9);
	m.sub = SUB;
	m.position = m.rights_seq = 7;
	m.head_seq = 9;
	m.hash = (ProtobufCBinaryData){WIRE_HASH, hash};
	m.rights_generation = 2;
	fake_send(f, 1, &head, &m.base);
	m.position = 9; /* told again: no news */
	fake_send(f, 1, &head, &m.base);
	await_end(f);
}

static void changed_rights_are_told_once_with_their_number(void **state)
{
	(void)state;
	fake_start(&hub, rights_script);
	subscribe(NULL, ISAC_FROM_NOW, 0);
	next(ISAC_EVENT_OPEN);
	next(ISAC_EVENT_RIGHTS);
	assert_int_equal(event.first, 7);
	assert_int_equal(event.position, 7);
	assert_false(event.caught_up);
	next(ISAC_EVENT_POSITION);
	assert_true(event.caught_up);
	leave();
}

static void gap_script(struct fake *f)
{
	uint8_t hash[WIRE_HASH] = {0}, text[WIRE_HASH + 3 + 16];
	Isac1__Gap gap = ISAC1__GAP__INIT;
	struct wire_head head = {.type = WIRE_GAP};
	open_session(f, SUB, 0, 5);
	gap.sub = SUB;
	gap.first_seq = 1;
	gap.last_seq = 4;
	gap.reason = 1;
	fake_send(f, 1, &head, &gap.base);
	memcpy(text, hash, WIRE_HASH); /* H(h || "gap" || u64(first) || u64(last)) */
	memcpy(text + WIRE_HASH, "gap", 3);
	wire_put_u64(text + WIRE_HASH + 3, 1);
	wire_put_u64(text + WIRE_HASH + 11, 4);
	crypto_generichash(hash, WIRE_HASH, text, sizeof text, NULL, 0);
	beat(f, SUB, 5, 5, hash);
	await_end(f);
}

static void a_gap_is_told_and_moves_the_place(void **state)
{
	(void)state;
	fake_start(&hub, gap_script);
	subscribe(NULL, ISAC_FROM_START, 0);
	next(ISAC_EVENT_OPEN);
	next(ISAC_EVENT_GAP);
	assert_int_equal(event.first, 1);
	assert_int_equal(event.last, 4);
	assert_int_equal(event.position, 4);
	next(ISAC_EVENT_POSITION);
	assert_int_equal(event.position, 5);
	leave();
}

static void notice_script(struct fake *f)
{
	static const uint8_t zero[WIRE_HASH];
	Isac1__Notice notice = ISAC1__NOTICE__INIT;
	struct wire_head head = {.type = WIRE_NOTICE}, unknown = {.type = 0x00f0};
	open_session(f, SUB, 7, 9);
	notice.sub = SUB + 1; /* of another session: not for us */
	fake_send(f, 1, &head, &notice.base);
	fake_send(f, 1, &unknown, &notice.base);
	notice.sub = SUB;
	notice.reports = 3;
	notice.newest_seq = 8;
	fake_send(f, 1, &head, &notice.base);
	beat(f, SUB, 9, 9, zero);
	await_end(f);
}

static void a_notice_is_told_and_moves_nothing(void **state)
{
	(void)state;
	fake_start(&hub, notice_script);
	subscribe(NULL, ISAC_FROM_START, 0);
	next(ISAC_EVENT_OPEN);
	next(ISAC_EVENT_NOTICE);
	assert_int_equal(event.reports, 3);
	assert_int_equal(event.last, 8);
	assert_int_equal(event.position, 7);
	next(ISAC_EVENT_POSITION);
	assert_int_equal(event.position, 9);
	leave();
}

static void restart_script(struct fake *f)
{
	open_session(f, SUB, 0, 1);
	Isac1__Entry *one[] = {entry(f, 1, "198.51.100.1", &f->alice)},
		     *two[] = {entry(f, 1, "198.51.100.1", &f->alice), entry(f, 2, "198.51.100.2", &f->alice)};
	deliver(f, SUB, 0, 1, one, 1);
	answer_directory(f, &f->at.admin);
	fake_expect(f, 1, WIRE_CREDIT);
	fake_restart(f);
	Isac1__Subscribe *asked = open_session(f, SUB, 1, 2);
	EXPECT(asked->from == ISAC1__SUBSCRIBE__FROM__FROM_RESUME && asked->seq == 1 && strcmp(asked->name, "soc") == 0);
	deliver(f, SUB, 1, 2, two + 1, 1);
	await_end(f);
}

static void after_a_restart_it_goes_on_where_it_was(void **state)
{
	(void)state;
	fake_start(&hub, restart_script);
	subscribe("soc", ISAC_FROM_START, 0);
	next(ISAC_EVENT_OPEN);
	next(ISAC_EVENT_ITEM);
	next(ISAC_EVENT_POSITION);
	isac_subscriber_ack(sub, 1);
	next(ISAC_EVENT_LOST);
	next(ISAC_EVENT_OPEN);
	next(ISAC_EVENT_ITEM);
	assert_int_equal(event.item->seq, 2);
	leave();
}

static void error_script(struct fake *f)
{
	Isac1__Error later = ISAC1__ERROR__INIT, taken = ISAC1__ERROR__INIT;
	struct wire_head head = {.type = WIRE_ERROR};
	fake_expect(f, 1, WIRE_SUBSCRIBE);
	later.code = 503;
	later.text = (char *)"starting";
	later.retry_after_ms = 10;
	fake_reply(f, 1, WIRE_ERROR, &later.base);
	open_session(f, SUB, 0, 0);
	later.sub = SUB;
	fake_send(f, 1, &head, &later.base);
	open_session(f, SUB + 1, 0, 0);
	taken.code = 409;
	taken.text = (char *)"taken over";
	taken.sub = SUB; /* an old session: no news */
	fake_send(f, 1, &head, &taken.base);
	taken.sub = SUB + 1;
	fake_send(f, 1, &head, &taken.base);
	await_end(f);
}

static void later_is_tried_again_and_a_takeover_is_the_end(void **state)
{
	(void)state;
	struct isac_error err;
	enum isac_result r;
	fake_start(&hub, error_script);
	subscribe(NULL, ISAC_FROM_START, 0);
	next(ISAC_EVENT_OPEN);
	next(ISAC_EVENT_OPEN);
	while ((r = isac_subscriber_next(sub, 1000, &event, &err)) == ISAC_QUIET) {
	}
	assert_int_equal(r, ISAC_REFUSED);
	assert_int_equal(err.code, 409);
	leave();
}

static void credit_script(struct fake *f)
{
	open_session(f, SUB, 0, 60);
	size_t given = 0, granted = 0, batches = 0;
	for (uint64_t seq = 1; seq <= 60; seq++) {
		Isac1__Entry *e[] = {entry(f, seq, "198.51.100.1", &f->alice)};
		Isac1__Batch batch = ISAC1__BATCH__INIT;
		batch.entries = e;
		batch.n_entries = 1;
		given += protobuf_c_message_get_packed_size(&batch.base);
		deliver(f, SUB, seq - 1, seq, e, 1);
		if (seq == 1) answer_directory(f, &f->at.admin);
		if (++batches < WIRE_LIMIT_WINDOW_BATCHES) continue; /* an honest hub stops here until it is granted more */
		granted += ((Isac1__Credit *)fake_expect(f, 1, WIRE_CREDIT))->bytes;
		batches = 0;
	}
	EXPECT(granted > 0 && granted <= given);
	await_end(f);
}

static void credit_comes_back_before_the_window_is_full(void **state)
{
	(void)state;
	fake_start(&hub, credit_script);
	subscribe(NULL, ISAC_FROM_START, 0);
	next(ISAC_EVENT_OPEN);
	for (unsigned i = 1; i <= 60; i++) {
		next(ISAC_EVENT_ITEM);
		assert_int_equal(event.item->seq, i);
		next(ISAC_EVENT_POSITION);
	}
	leave();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_good_is_shown_and_acknowledged),
		cmocka_unit_test(a_whole_report_is_shown_by_its_secret),
		cmocka_unit_test(what_was_altered_is_not_shown_as_good),
		cmocka_unit_test(a_hub_cannot_invent_a_member),
		cmocka_unit_test(a_hole_is_noticed_and_asked_for_again),
		cmocka_unit_test(another_running_hash_is_said),
		cmocka_unit_test(an_entry_kept_back_is_noticed),
		cmocka_unit_test(changed_rights_are_told_once_with_their_number),
		cmocka_unit_test(a_gap_is_told_and_moves_the_place),
		cmocka_unit_test(a_notice_is_told_and_moves_nothing),
		cmocka_unit_test(after_a_restart_it_goes_on_where_it_was),
		cmocka_unit_test(later_is_tried_again_and_a_takeover_is_the_end),
		cmocka_unit_test(credit_comes_back_before_the_window_is_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
