/* A hub's surroundings for tests of store: reports signed by alice, a signer of receipts, and a box that collects receipts. */
#ifndef TESTS_UNIT_STORE_HUB_H
#define TESTS_UNIT_STORE_HUB_H

#include <pthread.h>
#include <sodium.h>
#include "cluster.h"

static const char HUB_ID[] = "00112233445566aa";
static uint8_t alice_secret[WIRE_SIGN_SECRET], alice_public[32], receipt_secret[WIRE_SIGN_SECRET], receipt_public[32];

static inline void hub_keys(void)
{
	uint8_t seed[32];

	memset(seed, 'a', sizeof(seed));
	crypto_sign_seed_keypair(alice_public, alice_secret, seed);
	memset(seed, 'r', sizeof(seed));
	crypto_sign_seed_keypair(receipt_public, receipt_secret, seed);
}

static inline struct wire_bytes hub_item(struct wire_buf *b, uint32_t type, const char *value)
{
	Isac1__Indicator ind = ISAC1__INDICATOR__INIT;
	Isac1__Item item = ISAC1__ITEM__INIT;
	size_t from = b->len;

	ind.type = type;
	ind.value = (char *)(uintptr_t)value;
	ind.confidence_plus1 = 81;
	item.body_case = ISAC1__ITEM__BODY_INDICATOR;
	item.indicator = &ind;
	wire_pack(b, &item.base);
	return (struct wire_bytes){NULL, b->len - from};
}

/* A report of n values of one type; nr becomes its id; salt changes its bytes. */
static inline struct report *hub_report(uint32_t nr, int32_t publisher_id, uint32_t tlp, uint32_t type, const char *const *values,
					uint32_t n, uint8_t salt)
{
	Isac1__Header header = ISAC1__HEADER__INIT;
	uint8_t id[WIRE_ID] = {1}, secret[WIRE_SECRET];
	struct wire_bytes *items = calloc(n, sizeof(*items));
	struct wire_buf bytes, submit;
	struct wire_arena arena;
	ProtobufCMessage *opened;
	Isac1__Submit *s;
	struct report *report;
	struct wire_why why = {.text = ""};

	wire_put_u32(id + 12, nr);
	memset(secret, salt, sizeof(secret));
	wire_buf_init(&bytes, 1 << 24);
	wire_buf_init(&submit, 1 << 24);
	for (uint32_t i = 0; i < n; i++) items[i] = hub_item(&bytes, type, values[i]);
	for (size_t at = 0, i = 0; i < n; at += items[i++].len) items[i].data = bytes.data + at;
	header.report_id.data = id;
	header.report_id.len = WIRE_ID;
	header.created_us = 1700000000000000 + nr;
	header.kind = ISAC1__KIND__KIND_INDICATOR;
	header.tlp = tlp;
	assert_int_equal(wire_report_make(&submit, "alice", HUB_ID, &header, items, n, secret, alice_secret), ISAC_OK);
	wire_arena_init(&arena, 1 << 24);
	assert_int_equal(wire_open(&opened, &isac1__submit__descriptor, &arena, submit.data, submit.len, true, &why), ISAC_OK);
	s = (Isac1__Submit *)opened;
	if (report_open(&report, (struct wire_bytes){s->header.data, s->header.len}, (struct wire_bytes){s->payload.data, s->payload.len},
			s->signature.data, true, &why))
		fail_msg("report_open: %s", why.text);
	report->publisher_id = publisher_id;
	snprintf(report->publisher, sizeof(report->publisher), "alice");
	wire_arena_clear(&arena);
	wire_buf_clear(&bytes);
	wire_buf_clear(&submit);
	free(items);
	return report;
}

static inline struct report *hub_lone(uint32_t nr, uint8_t salt)
{
	char value[32];
	const char *values[1] = {value};

	snprintf(value, sizeof(value), "203.0.113.%u", nr % 250 + 1);
	return hub_report(nr, 1, ISAC1__TLP__TLP_GREEN, WIRE_VALUE_IPV4, values, 1, salt);
}

/* ---- the signer, in a thread ------------------------------------------------------------------------ */
static struct hub_signer {
	pthread_t thread;
	int listen_fd, stop[2];
	char path[100];
	atomic_bool mute;
} signer;

static inline void *hub_sign(void *arg)
{
	struct base_link *link = NULL;
	struct base_link_msg msg;

	(void)arg;
	for (;;) {
		struct pollfd fds[3] = {
			{signer.stop[0], POLLIN, 0}, {signer.listen_fd, POLLIN, 0}, {link ? base_link_fd(link) : -1, POLLIN, 0}};
		enum isac_err err = ISAC_ERR_AGAIN;

		poll(fds, 3, -1);
		if (fds[0].revents) break;
		if (fds[1].revents) {
			base_link_destroy(&link);
			base_link_accept(&link, signer.listen_fd, 1 << 20, 4096);
		}
		while (link && !(err = base_link_recv(link, &msg))) {
			uint8_t body[36], sig[WIRE_SIGNATURE];
			struct wire_bytes parts[2] = {msg.part[0], {sig, sizeof(sig)}};

			assert_int_equal(msg.parts, 3);
			memcpy(body, msg.part[1].data, 32);
			memcpy(body + 32, msg.part[2].data, 4);
			wire_sign_make(sig, WIRE_SIGN_RECEIPT, HUB_ID, body, sizeof(body), receipt_secret);
			if (!atomic_load(&signer.mute)) base_link_send(link, parts, 2);
		}
		if (link && err != ISAC_ERR_AGAIN) base_link_destroy(&link);
	}
	base_link_destroy(&link);
	return NULL;
}

static inline void hub_signer_start(void)
{
	snprintf(signer.path, sizeof(signer.path), "%s/signer.sock", cluster.dir);
	assert_int_equal(base_link_listen(&signer.listen_fd, signer.path), ISAC_OK);
	assert_int_equal(pipe(signer.stop), 0);
	pthread_create(&signer.thread, NULL, hub_sign, NULL);
}

static inline void hub_signer_stop(void)
{
	assert_int_equal(write(signer.stop[1], "x", 1), 1);
	pthread_join(signer.thread, NULL);
	close(signer.listen_fd);
	close(signer.stop[0]);
	close(signer.stop[1]);
}

/* ---- what comes back --------------------------------------------------------------------------------- */
enum { BOX_MAX = 20000 };
struct hub_receipt {
	uint64_t request_id, seq;
	int64_t received_us;
	uint32_t code, batch_size;
	uint8_t report_id[WIRE_ID], body[128];
	size_t body_len;
};
static struct hub_box {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct hub_receipt receipt[BOX_MAX];
	size_t n;
	uint64_t committed[BOX_MAX];
	int64_t received_us[BOX_MAX];
	size_t committed_n;
	uint64_t committed_seq, published_seq; /* newest */
	bool astray;			       /* something was published too early, twice, or with a hole */
	bool early;			       /* a receipt came before its report was handed on */
} box = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static inline void hub_committed(void *arg, struct report *const *reports, size_t n)
{
	(void)arg;
	pthread_mutex_lock(&box.lock);
	for (size_t i = 0; i < n && box.committed_n < BOX_MAX; i++) {
		box.received_us[box.committed_n] = reports[i]->received_us;
		box.committed[box.committed_n++] = reports[i]->seq;
	}
	if (n) box.committed_seq = reports[n - 1]->seq;
	pthread_mutex_unlock(&box.lock);
}

/* What is published was committed before; each seq once and without a hole. */
static inline void hub_publish(void *arg, struct report *const *reports, size_t n)
{
	(void)arg;
	pthread_mutex_lock(&box.lock);
	for (size_t i = 0; i < n; i++) {
		box.astray |= reports[i]->seq > box.committed_seq || (box.published_seq && reports[i]->seq != box.published_seq + 1);
		box.published_seq = reports[i]->seq;
	}
	pthread_cond_broadcast(&box.changed);
	pthread_mutex_unlock(&box.lock);
}

static inline void hub_receipt(void *arg, const struct store_route *route, const uint8_t *body, size_t len)
{
	struct wire_arena arena;
	ProtobufCMessage *opened;
	Isac1__Receipt *receipt;
	Isac1__ReceiptBody *promise;
	struct hub_receipt *to;

	(void)arg;
	wire_arena_init(&arena, 1 << 20);
	assert_int_equal(wire_open(&opened, &isac1__receipt__descriptor, &arena, body, len, true, NULL), ISAC_OK);
	receipt = (Isac1__Receipt *)opened;
	pthread_mutex_lock(&box.lock);
	assert_true(box.n < BOX_MAX);
	to = &box.receipt[box.n++];
	*to = (struct hub_receipt){.request_id = route->request_id, .code = receipt->code, .batch_size = receipt->batch_size};
	if (receipt->report_id.len == WIRE_ID) memcpy(to->report_id, receipt->report_id.data, WIRE_ID);
	if (receipt->code < 300) {
		assert_int_equal(wire_receipt_verify(&promise, receipt, HUB_ID, receipt_public, &arena, NULL), ISAC_OK);
		to->seq = promise->seq;
		to->received_us = promise->received_us;
		assert_int_equal(promise->log_index, promise->seq - 1);
		to->body_len = receipt->body.len;
		memcpy(to->body, receipt->body.data, receipt->body.len);
		box.early |= receipt->code != 208 && (!box.committed_n || box.committed[box.committed_n - 1] < promise->seq);
	}
	pthread_cond_broadcast(&box.changed);
	pthread_mutex_unlock(&box.lock);
	wire_arena_clear(&arena);
}

static inline void hub_receipts_end(void *arg)
{
	(void)arg;
}

/* Waits, at most until `until`, for something to change in the box; its lock is held. Returns whether it did. */
static inline bool hub_changed(const struct timespec *until)
{
	return !pthread_cond_timedwait(&box.changed, &box.lock, until);
}

static inline void hub_wait(size_t n)
{
	struct timespec until;
	size_t seen;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&box.lock);
	while (box.n < n && hub_changed(&until)) continue;
	seen = box.n;
	pthread_mutex_unlock(&box.lock);
	if (seen < n) fail_msg("only %zu of %zu receipts in 60 s", seen, n);
}

/* A report is published after its receipt has gone out. */
static inline void hub_wait_published(uint64_t seq)
{
	struct timespec until;
	uint64_t seen;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&box.lock);
	while (box.published_seq != seq && hub_changed(&until)) continue;
	seen = box.published_seq;
	pthread_mutex_unlock(&box.lock);
	if (seen != seq) fail_msg("published up to %llu, not %llu", (unsigned long long)seen, (unsigned long long)seq);
}

static inline const struct hub_receipt *hub_find(uint64_t request_id)
{
	for (size_t i = 0; i < box.n; i++)
		if (box.receipt[i].request_id == request_id) return &box.receipt[i];
	fail_msg("no receipt for request %llu", (unsigned long long)request_id);
	return NULL;
}

static inline void hub_clear(void)
{
	box.n = box.committed_n = 0;
	box.early = false;
}

static inline struct store_conf hub_conf(void)
{
	return (struct store_conf){
		.conninfo = cluster.conninfo,
		.signer_path = signer.path,
		.hub_id = HUB_ID,
		.commit_reports = 256,
		.queue_max = BOX_MAX,
		.deadline_ms = 1000,
		.committed = hub_committed,
		.publish = hub_publish,
		.receipt = hub_receipt,
		.receipts_end = hub_receipts_end,
	};
}

static inline void hub_submit(struct store *s, struct report *report, uint64_t request_id)
{
	struct member_audience a = {.tlp = report->header->tlp};
	struct store_route route = {.request_id = request_id, .member_id = report->publisher_id};

	assert_int_equal(store_submit(s, report, &a, &route), ISAC_OK);
	report_unref(&report);
}

/* alice as member 1, the first admin. */
static inline int hub_enrol(void)
{
	struct wire_member alice = {.name = "alice"};
	struct store_db *db;
	enum isac_err err;

	memset(alice.curve, 1, sizeof(alice.curve));
	memcpy(alice.sign, alice_public, sizeof(alice.sign));
	if (store_db_new(&db, cluster.conninfo, 5000)) return -1;
	err = store_insert_first_admin(db, &alice, MEMBER_ADMIN | MEMBER_PUBLISHER | MEMBER_SUBSCRIBER);
	store_db_destroy(&db);
	return err ? -1 : 0;
}

#endif
