/*
 * The feed without a database and without threads: what reaches each subscriber is exactly what filter_match and member_may_see say,
 * report by report, whatever happened in between: sessions that come at any position, credit that runs out, a ring that forgets, commits
 * that did not fit, rights that change. The test is the store (it hands out pages, and takes the rows that say who was sent what) and
 * front (it reads the link); it books each session by the specification: ranges join, and the running hash is computed here once more.
 * What the rows say, matched again, is what came out of the link, at any moment not more.
 */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "feed/priv.h"

enum { REPORTS_MAX = 4000, MEMBERS = 6, SESSIONS = 40, ITEMS_MAX = 20, RING_BYTES = 200000, GROUP = 9, ROWS_MAX = 4000 };

static const char *const filters[] = {
	"true",
	"true",
	"type = domain",
	"confidence >= 50",
	"value in 198.51.100.0/25",
	"mine",
	"not tag = \"a\"",
	"value = \"198.51.100.3\"",
	"type = ipv4 and confidence < 30 or value under example.org",
	"value = \"203.0.113.77\"",
	"valid",
};

struct reader {
	bool used;
	uint32_t sub;
	int32_t member;
	struct filter *filter;
	uint64_t told, generation;
	uint8_t hash[WIRE_HASH];
	uint32_t batches, entries;
};

/* Of the table feed_range. */
struct row {
	uint32_t sub;
	struct member *self;
	struct filter *filter;
	uint64_t from, until;
	bool closed;
	uint8_t sent[REPORTS_MAX / 8 + 1]; /* what front was given while it was open, by seq */
};

static struct feed f;
static struct base_shared shared;
static struct base_link *far_end;
static struct report *report[REPORTS_MAX + 1];
static uint64_t reports;
static struct reader reader[SESSIONS];
static struct row *row[ROWS_MAX + 1]; /* by id */
static uint64_t rows;
static struct feed_job *at_reader; /* a job about rows, while it is under way */
static bool in_group[MEMBERS + 1];
static uint64_t generation;
static uint64_t lucky = 88172645463325252u;

static uint32_t dice(uint32_t sides)
{
	lucky ^= lucky << 13;
	lucky ^= lucky >> 7;
	lucky ^= lucky << 17;
	return (uint32_t)(lucky >> 11) % sides;
}

/* ---- the world ---- */

static void change_roster(void)
{
	static const struct member_net net = {{198, 51, 100, 0}, 4, 30};
	static const int32_t group = GROUP;
	struct member_roster *r = NULL;

	assert_int_equal(member_roster_new(&r, ++generation, "0123456789abcdef"), ISAC_OK);
	assert_int_equal(member_roster_add_group(r, GROUP, "g"), ISAC_OK);
	for (int32_t id = 1; id <= MEMBERS; id++) {
		struct member m = {
			.id = id, .roles = MEMBER_SUBSCRIBER, .nets = &net, .nets_n = 1, .groups = &group, .groups_n = in_group[id]};
		snprintf(m.name, sizeof(m.name), "m%d", (int)id);
		m.curve[0] = (uint8_t)id;
		assert_int_equal(member_roster_add(r, &m), ISAC_OK);
	}
	base_shared_swap(&shared, r);
}

/* Reports are received at their seq, in microseconds; some items soon end. */
static size_t make_items(struct wire_bytes *items, struct wire_buf *packed, uint64_t seq)
{
	size_t n = 1 + dice(ITEMS_MAX);

	for (size_t i = 0; i < n; i++) {
		Isac1__Indicator ind = ISAC1__INDICATOR__INIT;
		Isac1__Item item = ISAC1__ITEM__INIT;
		char value[64], *tag[] = {dice(2) ? (char[]){"a"} : (char[]){"b"}};

		ind.type = dice(3) ? WIRE_VALUE_IPV4 : WIRE_VALUE_DOMAIN;
		if (ind.type == WIRE_VALUE_IPV4) snprintf(value, sizeof(value), "198.51.%u.%zu", 100 + dice(3), i + (dice(2) ? 0 : 128));
		else snprintf(value, sizeof(value), "h%zu.example.%s", i, dice(2) ? "org" : "com");
		ind.value = value;
		ind.confidence_plus1 = dice(102);
		ind.tags = tag;
		ind.n_tags = dice(2);
		if (dice(2)) ind.valid_until_us = (int64_t)seq + dice(1000);
		item.body_case = ISAC1__ITEM__BODY_INDICATOR;
		item.indicator = &ind;
		wire_buf_init(&packed[i], 4096);
		wire_pack(&packed[i], &item.base);
		items[i] = (struct wire_bytes){packed[i].data, packed[i].len};
	}
	return n;
}

static struct report *make_report(uint64_t seq)
{
	static const int32_t groups[] = {GROUP};
	static const struct member_audience to_all = {.tlp = ISAC1__TLP__TLP_GREEN},
					    to_group = {.tlp = ISAC1__TLP__TLP_GREEN, .groups = groups, .groups_n = 1};
	static const uint8_t secret[WIRE_SECRET] = {5};
	static uint8_t sign_secret[WIRE_SIGN_SECRET], public_key[WIRE_SIGN_PUBLIC];
	Isac1__Header header = ISAC1__HEADER__INIT;
	uint8_t id[WIRE_ID] = {1};
	struct wire_bytes items[ITEMS_MAX];
	struct wire_buf packed[ITEMS_MAX], submit;
	struct wire_arena arena;
	ProtobufCMessage *msg;
	struct report *r = NULL;
	struct wire_why why;

	if (!sign_secret[0] && !sign_secret[1]) crypto_sign_keypair(public_key, sign_secret);
	header.report_id = (ProtobufCBinaryData){sizeof(id), id};
	header.kind = ISAC1__KIND__KIND_INDICATOR;
	header.tlp = ISAC1__TLP__TLP_GREEN;
	header.created_us = (int64_t)seq;
	size_t n = make_items(items, packed, seq);
	wire_buf_init(&submit, 1 << 20);
	wire_arena_init(&arena, 1 << 22);
	assert_int_equal(wire_report_make(&submit, "p", "0123456789abcdef", &header, items, (uint32_t)n, secret, sign_secret), ISAC_OK);
	assert_int_equal(wire_open(&msg, &isac1__submit__descriptor, &arena, submit.data, submit.len, true, NULL), ISAC_OK);
	const Isac1__Submit *s = (const Isac1__Submit *)msg;
	assert_int_equal(report_open(&r, (struct wire_bytes){s->header.data, s->header.len},
				     (struct wire_bytes){s->payload.data, s->payload.len}, s->signature.data, false, &why),
			 ISAC_OK);
	r->seq = seq;
	r->received_us = (int64_t)seq;
	r->publisher_id = 1000;
	r->audience = dice(3) ? &to_all : &to_group;
	if (!dice(10)) r->held[0] |= 1;
	for (size_t i = 0; i < n; i++) wire_buf_clear(&packed[i]);
	wire_buf_clear(&submit);
	wire_arena_clear(&arena);
	return r;
}

/* As the writer's thread does it; lost: the mailbox was full. */
static void commit(bool lost)
{
	struct report *r = make_report(++reports);

	report[reports] = r;
	atomic_store(&f.head, reports);
	if (!lost) feed_ring_add(&f, report_ref(r));
	else feed_ring_skip(&f, reports);
	if (f.ring.last >= reports) feed_session_move_all(&f, FEED_WAIT_HEAD, FEED_READY);
}

/* The store's answer for the one who has waited longest. */
static bool give_page(void)
{
	struct feed_session *s = TAILQ_FIRST(&f.queue[FEED_WAIT_PAGE]);
	struct feed_job *job;
	size_t max = 1 + dice(300);

	if (!s) return false;
	job = calloc(1, sizeof(*job));
	job->kind = FEED_JOB_PAGE;
	job->page = calloc(1, sizeof(*job->page));
	job->page->after = s->position;
	job->page->until = reports;
	job->page->report = calloc(max, sizeof(struct report *));
	for (uint64_t seq = s->position + 1; seq <= reports && job->page->n < max; seq++)
		if (seq % 97) job->page->report[job->page->n++] = report_ref(report[seq]); /* some were removed from the store */
	feed_page_take(&f, job);
	feed_job_free(&job);
	return true;
}

/* ---- what a subscriber may expect ---- */

static size_t matching(const struct filter *filter, const struct member *self, uint64_t seq, uint32_t *index)
{
	const struct report *r = report[seq];
	size_t n = 0;

	if (!member_may_see(self, r->audience, r->publisher_id)) return 0;
	for (uint32_t i = 0; i < r->n; i++)
		if (!report_is_held(r, i) && filter_match(filter, r, i, self)) index[n++] = i;
	return n;
}

static size_t expected(const struct reader *me, uint64_t seq, uint32_t *index)
{
	return matching(me->filter, member_roster_by_id(f.roster, me->member), seq, index);
}

/* ---- rows: who was sent what ---- */

static void take_open(struct store_range *open)
{
	struct row *new = calloc(1, sizeof(*new));

	assert_true(rows < ROWS_MAX);
	open->id = ++rows;
	row[rows] = new;
	*new = (struct row){.sub = open->session, .self = member_roster_copy(open->self), .from = open->from_seq, .until = open->from_seq};
	assert_int_equal(filter_parse(&new->filter, open->filter, strlen(open->filter), open->compiled_us, NULL), ISAC_OK);
}

static void expect_ready(const struct store_range *open)
{
	const struct feed_session *s = feed_session_find(&f, open->session);

	if (s && s->range.id == open->id && feed_session_may_send(s)) assert_true(s->place == FEED_READY || s->place == FEED_READY_BEHIND);
}

/* One job, as the reader does it; lost: the database did not answer. False: there was nothing to tell. */
static bool write_rows(bool lost)
{
	struct feed_job *job = at_reader ? at_reader : feed_range_job(&f);

	if (!job) return false;
	at_reader = NULL;
	for (size_t i = 0; i < job->opens && !lost; i++) take_open(&job->open[i]);
	for (size_t i = 0; i < job->ends && !lost; i++) {
		struct row *old = row[job->end[i].id];
		if (old->until < job->end[i].until_seq) old->until = job->end[i].until_seq;
		old->closed |= job->end[i].closed_us != 0;
	}
	if (lost) job->err = ISAC_ERR_UNAVAILABLE;
	feed_range_done(&f, job);
	for (size_t i = 0; i < job->opens && !lost; i++) expect_ready(&job->open[i]);
	feed_job_free(&job);
	return true;
}

static void note_sent(uint32_t sub, uint64_t seq)
{
	for (uint64_t id = rows; id; id--) {
		if (row[id]->sub != sub) continue;
		if (row[id]->closed) break;
		assert_true(seq > row[id]->from);
		row[id]->sent[seq / 8] |= (uint8_t)(1u << seq % 8);
		return;
	}
	fail_msg("sub %u was sent report %u, and no row says so", sub, (unsigned)seq);
}

/* all: what was sent is said, too. A report that was removed from the store before it was read from there is in no feed. */
static void check_rows(bool all)
{
	uint32_t index[ITEMS_MAX];

	for (uint64_t id = 1; id <= rows; id++) {
		const struct row *old = row[id];
		for (uint64_t seq = old->from + 1; seq <= (all ? reports : old->until); seq++) {
			bool sent = old->sent[seq / 8] >> seq % 8 & 1;
			bool said = seq <= old->until && matching(old->filter, old->self, seq, index);
			if (said && !sent && seq % 97) fail_msg("row %u says too much: %u", (unsigned)id, (unsigned)seq);
			if (sent && !said && all) fail_msg("row %u says too little: %u", (unsigned)id, (unsigned)seq);
		}
	}
}

/* Nothing between the two concerns this one. */
static void expect_silence(const struct reader *me, uint64_t after, uint64_t until)
{
	uint32_t index[ITEMS_MAX];

	for (uint64_t seq = after + 1; seq <= until; seq++)
		if (expected(me, seq, index)) fail_msg("sub %u was not sent report %u", me->sub, (unsigned)seq);
}

static struct reader *reader_of(uint32_t sub)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (reader[i].used && reader[i].sub == sub) return &reader[i];
	return NULL;
}

static void take_batch(const struct wire_head *head, struct wire_bytes body)
{
	struct reader *me = reader_of(head->sub);
	struct wire_arena arena;
	ProtobufCMessage *msg;
	uint64_t at;

	if (!me) return; /* it has left */
	wire_arena_init(&arena, 1 << 26);
	assert_int_equal(head->prev_seq, me->told);
	assert_int_equal(wire_open(&msg, &isac1__batch__descriptor, &arena, body.data, body.len, true, NULL), ISAC_OK);
	const Isac1__Batch *b = (const Isac1__Batch *)msg;
	at = me->told;
	assert_true(b->n_entries > 0);
	for (size_t i = 0; i < b->n_entries; i++) {
		const Isac1__Entry *e = b->entries[i];
		uint32_t index[ITEMS_MAX];
		uint8_t header_hash[WIRE_HASH];
		assert_true(e->seq > at && e->seq <= head->last_seq);
		expect_silence(me, at, e->seq - 1);
		at = e->seq;
		size_t n = expected(me, at, index);
		assert_int_equal(n, e->n_items);
		for (size_t k = 0; k < n; k++) {
			const struct report_item *item = &report[at]->items[index[k]];
			assert_int_equal(wire_entry_index(e, k), index[k]);
			assert_int_equal(e->items[k]->item.len, item->bytes.len);
			assert_memory_equal(e->items[k]->item.data, item->bytes.data, item->bytes.len);
		}
		wire_hash(header_hash, e->header.data, e->header.len);
		wire_feed_entry(me->hash, at, header_hash, index, (uint32_t)n);
		note_sent(me->sub, at);
		me->entries++;
	}
	expect_silence(me, at, head->last_seq);
	me->told = head->last_seq;
	me->batches++;
	wire_arena_clear(&arena);
}

static void take_other(const struct wire_head *head, struct wire_bytes body)
{
	struct wire_arena arena;
	ProtobufCMessage *msg;
	struct reader *me;

	wire_arena_init(&arena, 1 << 22);
	assert_int_equal(wire_open(&msg, wire_frame_find(head->type)->desc, &arena, body.data, body.len, true, NULL), ISAC_OK);
	if (head->type == WIRE_HEARTBEAT) {
		const Isac1__Heartbeat *h = (const Isac1__Heartbeat *)msg;
		me = reader_of(h->sub);
		if (me) {
			assert_memory_equal(h->hash.data, me->hash, WIRE_HASH);
			assert_true(h->position >= me->told);
			if (h->rights_generation != me->generation) {
				assert_int_equal(h->rights_generation, generation);
				assert_int_equal(h->rights_seq, h->position);
				me->generation = h->rights_generation;
			} else {
				expect_silence(me, me->told, h->position);
			}
			me->told = h->position;
		}
	} else if (head->type == WIRE_GAP) {
		const Isac1__Gap *g = (const Isac1__Gap *)msg;
		me = reader_of(g->sub);
		if (me) {
			assert_int_equal(g->first_seq, me->told + 1);
			for (uint64_t seq = g->first_seq; seq <= g->last_seq; seq++) assert_int_equal(seq % 97, 0);
			wire_feed_gap(me->hash, g->first_seq, g->last_seq);
			me->told = g->last_seq;
		}
	} else {
		fail_msg("a frame of type 0x%x", head->type);
	}
	wire_arena_clear(&arena);
}

/* What front would send to members. */
static void read_link(void)
{
	struct base_link_msg msg;
	struct wire_head head;

	for (;;) {
		(void)base_link_flush(f.link);
		if (base_link_recv(far_end, &msg)) return;
		if (msg.parts == 3) {
			assert_int_equal(wire_head_open(&head, msg.part[1].data, msg.part[1].len), ISAC_OK);
			take_other(&head, msg.part[2]);
			continue;
		}
		const uint8_t *to = msg.part[0].data + 3;
		for (unsigned n = wire_get_u16(msg.part[0].data + 1); n; n--) {
			assert_int_equal(wire_head_open(&head, to + 2 + to[0], to[1 + to[0]]), ISAC_OK);
			take_batch(&head, msg.part[1]);
			to += 2 + to[0] + to[1 + to[0]];
		}
	}
}

/* ---- what may happen ---- */

static void open_one(void)
{
	struct reader *me = &reader[dice(SESSIONS)];
	const char *text = filters[dice(sizeof(filters) / sizeof(filters[0]))];
	uint8_t rid[5] = {0, 1, 2, 3, (uint8_t)dice(256)};
	struct feed_session *s;
	struct filter *filter = NULL;
	int64_t now = 1 + dice((uint32_t)reports + 1);

	if (me->used) return;
	*me = (struct reader){.used = true, .member = (int32_t)(1 + dice(MEMBERS)), .generation = generation};
	s = feed_session_new(&f, rid, sizeof(rid), member_roster_by_id(f.roster, me->member));
	assert_non_null(s);
	assert_int_equal(filter_parse(&filter, text, strlen(text), now, NULL), ISAC_OK);
	assert_int_equal(filter_parse(&me->filter, text, strlen(text), now, NULL), ISAC_OK);
	s->credit = 1 + dice(20000);
	me->sub = s->sub;
	me->told = dice(2) ? reports : dice((uint32_t)reports + 1);
	assert_int_equal(feed_session_open(&f, s, filter, me->told), ISAC_OK);
}

static void leave(struct reader *me)
{
	if (!me || !me->used) return;
	feed_session_close(&f, feed_session_find(&f, me->sub));
	filter_destroy(&me->filter);
	me->used = false;
}

static void grant_one(void)
{
	struct reader *me = &reader[dice(SESSIONS)];
	struct feed_session *s = me->used ? feed_session_find(&f, me->sub) : NULL;

	if (!s) return;
	s->credit = (int64_t)dice(200000);
	s->window = 0;
	feed_session_ready(&f, s);
}

static void change_rights(void)
{
	in_group[1 + dice(MEMBERS)] ^= true;
	change_roster();
	feed_rights_check(&f);
	for (size_t i = 0; i < SESSIONS; i++) {
		struct feed_session *s = reader[i].used ? feed_session_find(&f, reader[i].sub) : NULL;
		if (!s) continue;
		assert_true(s->rights_told); /* the link had room */
		if (s->rights_generation == generation && feed_session_may_send(s)) assert_int_not_equal(s->place, FEED_IDLE);
	}
}

/* Whoever waits for a row leaves, or gets other rights, before it is there. */
static void outrun(void)
{
	if (dice(2)) leave(reader_of(at_reader->open[0].session));
	else change_rights();
	read_link();
}

/* Ends by itself, even if the rows that sessions wait for are not written: who waits is not ready. */
static void serve(bool write)
{
	uint32_t turns = 0;

	do {
		assert_true(++turns < 100000);
		feed_deliver(&f);
		read_link();
	} while (give_page() || (write && write_rows(false)) || feed_is_ready(&f));
}

static void check_all_served(void)
{
	for (size_t i = 0; i < SESSIONS; i++) {
		struct feed_session *s = reader[i].used ? feed_session_find(&f, reader[i].sub) : NULL;
		if (!s) continue;
		s->credit = WIRE_LIMIT_CREDIT_BYTES;
		s->window = 0;
		feed_session_ready(&f, s);
	}
	for (int again = 0; again < 100; again++) {
		serve(true);
		for (size_t i = 0; i < SESSIONS; i++) {
			struct feed_session *s = reader[i].used ? feed_session_find(&f, reader[i].sub) : NULL;
			if (!s) continue;
			s->credit = WIRE_LIMIT_CREDIT_BYTES;
			s->window = 0;
			feed_session_ready(&f, s);
		}
	}
	for (size_t i = 0; i < SESSIONS; i++)
		if (reader[i].used) expect_silence(&reader[i], reader[i].told, reports);
}

/* ---- begin and end ---- */

static int begin(void **state)
{
	static char path[] = "/tmp/isac-feed-test-XXXXXX";
	char socket_path[64];
	int fd, folder = mkdtemp(path) != NULL;

	(void)state;
	if (!folder || wire_init()) return 1;
	snprintf(socket_path, sizeof(socket_path), "%s/s", path);
	f.conf = (struct feed_conf){.sessions_max = SESSIONS + 3, .ring_bytes = RING_BYTES, .heartbeat_ms = 5000, .roster = &shared};
	if (base_shared_init(&shared, member_roster_free) || base_shared_init(&f.live, free)) return 1;
	if (feed_session_init(&f) || feed_match_init(&f) || feed_ring_init(&f.ring, RING_BYTES, 0)) return 1;
	if (base_mailbox_new(&f.commits, 4)) return 1;
	f.pages.bytes_max = RING_BYTES;
	f.pages.retry_at_us = 1; /* the test gives pages by itself */
	wire_buf_init(&f.out, WIRE_LIMIT_REPLY_BYTES);
	change_roster();
	feed_rights_check(&f);
	if (base_link_listen(&fd, socket_path) || base_link_connect(&far_end, socket_path, 1 << 20, 1 << 26)) return 1;
	if (base_link_accept(&f.link, fd, FEED_LINK_QUEUE, 1 << 26)) return 1;
	close(fd);
	unlink(socket_path);
	return rmdir(path);
}

static int end(void **state)
{
	(void)state;
	for (size_t i = 0; i < SESSIONS; i++)
		if (reader[i].used) filter_destroy(&reader[i].filter);
	feed_session_close_all(&f);
	feed_ring_clear(&f);
	feed_page_forget(&f, true);
	feed_match_clear(&f);
	base_shared_give(&shared, f.roster);
	base_shared_clear(&shared);
	base_shared_clear(&f.live);
	base_mailbox_destroy(&f.commits);
	base_link_destroy(&f.link);
	base_link_destroy(&far_end);
	wire_buf_clear(&f.out);
	feed_session_clear(&f);
	for (uint64_t seq = 1; seq <= reports; seq++) report_unref(&report[seq]);
	for (uint64_t id = 1; id <= rows; id++) {
		filter_destroy(&row[id]->filter);
		free(row[id]->self);
		free(row[id]);
	}
	return 0;
}

static void everybody_gets_what_filter_and_rights_say(void **state)
{
	uint32_t delivered = 0;

	(void)state;
	while (reports < REPORTS_MAX - 20) {
		uint32_t what = dice(100);

		if (what < 60) commit(false);
		else if (what < 61) commit(true);
		else if (what < 75) open_one();
		else if (what < 78) leave(&reader[dice(SESSIONS)]);
		else if (what < 92) grant_one();
		else if (what < 93) change_rights();
		read_link(); /* what was told at once is judged by what held until then */
		if (dice(3)) serve(!dice(4));
		if (!dice(10)) write_rows(dice(2));
		else if (!at_reader && (at_reader = feed_range_job(&f)) && at_reader->opens) outrun();
		if (!dice(400)) check_rows(false);
		assert_true(f.ring.bytes <= RING_BYTES + 200000);
		assert_true(f.pages.bytes <= RING_BYTES || f.pages.n == 1);
	}
	check_all_served();
	for (size_t i = 0; i < SESSIONS; i++) delivered += reader[i].entries;
	assert_true(delivered > 1000);
}

/* Ten thousand sessions wait for what does not come: a report makes none of them ready. */
static void who_gets_nothing_costs_nothing(void **state)
{
	struct feed_session *s;
	uint32_t ready = 0;

	(void)state;
	check_all_served();
	feed_deliver(&f);
	assert_false(feed_is_ready(&f));
	commit(false);
	for (size_t i = 0; i < SESSIONS; i++) {
		uint32_t index[ITEMS_MAX];
		s = reader[i].used ? feed_session_find(&f, reader[i].sub) : NULL;
		if (!s) continue;
		/* Only a hit makes ready; a member who may not see it is found out when it is its turn. */
		if (expected(&reader[i], reports, index)) assert_int_equal(s->place, FEED_READY);
		ready += s->place == FEED_READY;
	}
	assert_true(ready < f.sessions);
	serve(true);
}

/* From the rows alone, when everybody has left. */
static void who_was_sent_what_can_be_told(void **state)
{
	(void)state;
	feed_session_close_all(&f);
	write_rows(true);
	while (write_rows(false)) continue;
	assert_true(rows > 100);
	for (uint64_t id = 1; id <= rows; id++) assert_true(row[id]->closed);
	check_rows(true);
}

/* Regression: with the last slot taken for long, the free one was given the same number at once, and a late answer for the session
 * before reached the new one. */
static void a_number_does_not_come_again(void **state)
{
	static const uint8_t rid[5] = {0, 9, 9, 9, 9};
	const struct member *self = member_roster_by_id(f.roster, 1);
	struct feed_session *s;
	uint32_t before = 0;

	(void)state;
	feed_session_close_all(&f);
	while (f.sessions < f.sessions_cap) assert_non_null(feed_session_new(&f, rid, sizeof(rid), self));
	feed_session_close(&f, f.session[1]);
	for (int i = 0; i < 100; i++) {
		s = feed_session_new(&f, rid, sizeof(rid), self);
		assert_non_null(s);
		assert_int_not_equal(s->sub, before);
		before = s->sub;
		feed_session_close(&f, s);
		assert_null(feed_session_find(&f, before));
	}
}

/* Frames on the link, in order: to whom. */
static size_t read_frames(uint32_t sub[SESSIONS])
{
	struct base_link_msg msg;
	struct wire_head head;
	size_t n = 0;

	(void)base_link_flush(f.link);
	while (!base_link_recv(far_end, &msg)) {
		if (msg.parts == 3) continue; /* heartbeats */
		const uint8_t *to = msg.part[0].data + 3;
		assert_true(n < SESSIONS);
		assert_int_equal(wire_head_open(&head, to + 2 + to[0], to[1 + to[0]]), ISAC_OK);
		sub[n++] = head.sub;
	}
	return n;
}

static struct feed_session *open_at(uint64_t position, const char *text)
{
	static const uint8_t rid[5] = {0, 8, 8, 8, 8};
	struct feed_session *s = feed_session_new(&f, rid, sizeof(rid), member_roster_by_id(f.roster, 1));
	struct filter *filter = NULL;

	assert_true(s && !filter_parse(&filter, text, strlen(text), 1, NULL));
	s->credit = WIRE_LIMIT_CREDIT_BYTES;
	assert_int_equal(feed_session_open(&f, s, filter, position), ISAC_OK);
	s->range.id = rows; /* as if it had one */
	return s;
}

/* What comes while many catch up goes out before their frames, and no more than one of them is served while a commit waits. */
static void who_catches_up_makes_way(void **state)
{
	uint32_t sub[SESSIONS];
	struct feed_session *live;
	void *waits = &f;

	(void)state;
	feed_session_close_all(&f);
	live = open_at(reports, "true");
	feed_deliver(&f);
	read_frames(sub);
	assert_true(live->live && live->caught_up);
	for (int i = 0; i < 10; i++) open_at(f.ring.first, i % 2 ? "true" : "confidence >= 0"); /* no two get the same */
	while (live->place != FEED_READY || report[reports]->audience->groups_n) commit(false);
	assert_int_equal(base_mailbox_put(f.commits, waits), ISAC_OK);
	feed_deliver(&f);
	assert_int_equal(read_frames(sub), 2);
	assert_true(sub[0] == live->sub && sub[1] != live->sub);
	assert_int_equal(base_mailbox_take(f.commits, &waits, 1), 1);
	feed_deliver(&f);
	assert_in_range(read_frames(sub), 2, SESSIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_gets_what_filter_and_rights_say),
		cmocka_unit_test(who_gets_nothing_costs_nothing),
		cmocka_unit_test(who_was_sent_what_can_be_told),
		cmocka_unit_test(who_catches_up_makes_way),
		cmocka_unit_test(a_number_does_not_come_again),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
