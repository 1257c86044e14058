/*
 * Receipts: one signature by the signer covers all of a group commit. It is asked for while the commit is in flight and
 * leaves only after the commit (store_receipts_release). A batch waits here for its signature, so that an absent signer
 * holds up receipts, not commits; when it stays away, submitters are told to come again, and then get their 208.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "store/priv.h"

enum { SIGNER_WAIT_US = 5000000, RECONNECT_US = 100000, RETRY_AFTER_MS = 1000, LEVELS_MAX = 32, BODY_MAX = 128 };

struct leaf {
	uint8_t hash[WIRE_HASH];
};

struct batch {
	struct batch *next;
	uint64_t id;
	int64_t asked_us;
	bool is_signed, released;
	uint8_t signature[WIRE_SIGNATURE];
	struct store_job **jobs;
	size_t n;	     /* jobs: all of them after release, none before */
	uint32_t size;	     /* leaves */
	struct leaf *leaves; /* the whole tree: level 0, then level 1 ... */
	struct leaf *level[LEVELS_MAX];
	uint32_t level_n[LEVELS_MAX], levels;
	uint8_t (*body)[BODY_MAX];
	uint8_t *body_len;
};

struct store_receipts {
	struct store_conf conf;
	char *signer_path;
	struct base_link *link;
	int64_t tried_us;
	struct batch *first;
	size_t waiting;
	uint64_t last_id;
	struct wire_buf out, path;
};

enum isac_err store_receipts_new(struct store_receipts **out, const struct store_conf *conf)
{
	struct store_receipts *r = calloc(1, sizeof(*r));

	if (!r) return ISAC_ERR_NO_MEMORY;
	r->conf = *conf;
	r->signer_path = strdup(conf->signer_path);
	wire_buf_init(&r->out, 1 << 20);
	wire_buf_init(&r->path, 1 << 16);
	if (!r->signer_path) {
		store_receipts_destroy(&r);
		return ISAC_ERR_NO_MEMORY;
	}
	*out = r;
	return ISAC_OK;
}

void store_job_free(struct store_job **job)
{
	if (!*job) return;
	report_unref(&(*job)->report);
	free(*job);
	*job = NULL;
}

static void free_batch(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) store_job_free(&b->jobs[i]);
	free(b->jobs);
	free(b->leaves);
	free(b->body);
	free(b->body_len);
	free(b);
}

void store_receipts_destroy(struct store_receipts **r)
{
	if (!r || !*r) return;
	while ((*r)->first) {
		struct batch *b = (*r)->first;

		(*r)->first = b->next;
		free_batch(b);
	}
	base_link_destroy(&(*r)->link);
	wire_buf_clear(&(*r)->out);
	wire_buf_clear(&(*r)->path);
	free((*r)->signer_path);
	free(*r);
	*r = NULL;
}

int store_receipts_fd(const struct store_receipts *r)
{
	return r->link ? base_link_fd(r->link) : -1;
}

size_t store_receipts_waiting(const struct store_receipts *r)
{
	return r->waiting;
}

/* ---- the tree: levels with an odd last node moved up unchanged, which is RFC 6962's shape; O(n) for all paths --- */
static void grow_tree(struct batch *b)
{
	b->level[0] = b->leaves;
	b->level_n[0] = b->size;
	b->levels = 1;
	while (b->level_n[b->levels - 1] > 1) {
		const struct leaf *below = b->level[b->levels - 1];
		uint32_t n = b->level_n[b->levels - 1];
		struct leaf *row = b->level[b->levels - 1] + n;

		for (uint32_t i = 0; i + 1 < n; i += 2) wire_merkle_node(row[i / 2].hash, below[i].hash, below[i + 1].hash);
		if (n & 1) row[n / 2] = below[n - 1];
		b->level[b->levels] = row;
		b->level_n[b->levels++] = (n + 1) / 2;
	}
}

static uint32_t take_path(const struct batch *b, uint32_t index, ProtobufCBinaryData path[LEVELS_MAX])
{
	uint32_t n = 0;

	for (uint32_t l = 0; l + 1 < b->levels; l++, index /= 2) {
		if ((index ^ 1) >= b->level_n[l]) continue;
		path[n].data = b->level[l][index ^ 1].hash;
		path[n++].len = WIRE_HASH;
	}
	return n;
}

static void put_body(struct store_receipts *r, struct batch *b, uint32_t i, const struct store_job *job)
{
	Isac1__ReceiptBody body = ISAC1__RECEIPT_BODY__INIT;

	body.report_id = job->report->header->report_id;
	body.header_hash.data = job->report->header_hash;
	body.header_hash.len = WIRE_HASH;
	body.seq = job->seq;
	body.log_index = job->seq - 1;
	body.received_us = job->received_us;
	wire_buf_reset(&r->out);
	wire_pack(&r->out, &body.base);
	assert(!r->out.err && r->out.len <= BODY_MAX);
	memcpy(b->body[i], r->out.data, r->out.len);
	b->body_len[i] = (uint8_t)r->out.len;
	wire_merkle_leaf(b->leaves[i].hash, b->body[i], b->body_len[i]);
}

static bool has_receipt(const struct store_job *job)
{
	return job->state != STORE_JOB_CONFLICT;
}

/* ---- the signer ------------------------------------------------------------------------------ */
static void send_request(struct store_receipts *r, const struct batch *b)
{
	uint8_t head[9] = {'S'}, size[4];
	struct wire_bytes parts[3] = {{head, 9}, {b->level[b->levels - 1]->hash, WIRE_HASH}, {size, 4}};

	if (!r->link) return;
	wire_put_u64(head + 1, b->id);
	wire_put_u32(size, b->size);
	if (base_link_send(r->link, parts, 3)) base_link_destroy(&r->link);
}

static void reconnect(struct store_receipts *r)
{
	int64_t now = base_clock_mono_us();

	if (r->link || (r->tried_us && now - r->tried_us < RECONNECT_US)) return;
	r->tried_us = now;
	if (base_link_connect(&r->link, r->signer_path, 1 << 20, 4096)) {
		r->link = NULL;
		base_log_limited(1, BASE_LOG_WARN, "store.signer_away", "waiting=%zu", r->waiting);
		return;
	}
	for (struct batch *b = r->first; b; b = b->next)
		if (!b->is_signed) send_request(r, b);
}

static struct batch *new_batch(size_t n)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b) return NULL;
	b->leaves = calloc(2 * n + LEVELS_MAX, sizeof(*b->leaves));
	b->body = calloc(n, sizeof(*b->body));
	b->body_len = calloc(n, 1);
	if (!b->leaves || !b->body || !b->body_len) {
		free_batch(b);
		return NULL;
	}
	return b;
}

uint64_t store_receipts_ask(struct store_receipts *r, struct store_job *const *jobs, size_t n)
{
	struct batch *b = new_batch(n), **end = &r->first;

	if (!b) return 0;
	for (size_t i = 0; i < n; i++)
		if (has_receipt(jobs[i])) put_body(r, b, b->size++, jobs[i]);
	if (!b->size) {
		free_batch(b);
		return 0;
	}
	grow_tree(b);
	b->id = ++r->last_id;
	b->asked_us = base_clock_mono_us();
	while (*end) end = &(*end)->next;
	*end = b;
	r->waiting++;
	reconnect(r);
	send_request(r, b);
	return b->id;
}

static struct batch **find(struct store_receipts *r, uint64_t id)
{
	struct batch **at = &r->first;

	while (*at && (*at)->id != id) at = &(*at)->next;
	return at;
}

static void unlink_batch(struct store_receipts *r, struct batch **at)
{
	struct batch *b = *at;

	*at = b->next;
	r->waiting--;
	free_batch(b);
}

void store_receipts_drop(struct store_receipts *r, uint64_t id)
{
	struct batch **at = find(r, id);

	if (*at) unlink_batch(r, at);
}

/* ---- answers --------------------------------------------------------------------------------------- */
static void reply(struct store_receipts *r, const struct store_job *job, const Isac1__Receipt *receipt)
{
	wire_buf_reset(&r->out);
	wire_pack(&r->out, &receipt->base);
	if (!r->out.err) r->conf.receipt(r->conf.arg, &job->route, r->out.data, r->out.len);
}

static uint32_t code_of(const struct store_job *job)
{
	if (job->state != STORE_JOB_NEW) return 208;
	return job->report->held_count ? 202 : 200;
}

static void answer(struct store_receipts *r, const struct batch *b, const struct store_job *job, uint32_t index)
{
	Isac1__Receipt receipt = ISAC1__RECEIPT__INIT;
	ProtobufCBinaryData path[LEVELS_MAX];
	uint32_t held[WIRE_LIMIT_ITEMS];

	receipt.code = code_of(job);
	receipt.report_id = job->report->header->report_id;
	receipt.body.data = b->body[index];
	receipt.body.len = b->body_len[index];
	receipt.batch_index = index;
	receipt.batch_size = b->size;
	receipt.n_batch_proof = take_path(b, index, path);
	receipt.batch_proof = path;
	receipt.hub_signature.data = (uint8_t *)(uintptr_t)b->signature;
	receipt.hub_signature.len = WIRE_SIGNATURE;
	receipt.held = held;
	if (receipt.code == 202 && job->report->held_why) receipt.text = job->report->held_why;
	for (uint32_t i = 0; job->report->held_count && i < job->report->n && i < WIRE_LIMIT_ITEMS; i++)
		if (report_is_held(job->report, i)) held[receipt.n_held++] = i;
	reply(r, job, &receipt);
}

static void refuse(struct store_receipts *r, struct store_job *job, enum isac_err err, const char *text)
{
	Isac1__Receipt receipt = ISAC1__RECEIPT__INIT;

	receipt.code = isac_err_code(err);
	receipt.report_id = job->report->header->report_id;
	receipt.text = (char *)(uintptr_t)text;
	receipt.retry_after_ms = isac_err_retryable(err) ? RETRY_AFTER_MS : 0;
	reply(r, job, &receipt);
}

void store_receipts_refuse(struct store_receipts *r, struct store_job *job, enum isac_err err, const char *text)
{
	refuse(r, job, err, text);
	r->conf.receipts_end(r->conf.arg);
}

static void answer_all(struct store_receipts *r, const struct batch *b)
{
	uint32_t index = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (has_receipt(b->jobs[i])) answer(r, b, b->jobs[i], index++);
		else refuse(r, b->jobs[i], ISAC_ERR_CONFLICT, isac_err_text(ISAC_ERR_CONFLICT));
	}
	r->conf.receipts_end(r->conf.arg);
}

void store_receipts_release(struct store_receipts *r, uint64_t id, struct store_job **jobs, size_t n)
{
	struct batch **at = find(r, id);
	struct store_job **copy = *at ? malloc(n * sizeof(*copy)) : NULL;

	if (!copy) {
		for (size_t i = 0; i < n; i++) {
			if (has_receipt(jobs[i])) store_receipts_refuse(r, jobs[i], ISAC_ERR_NO_MEMORY, "send it again to get the receipt");
			else store_receipts_refuse(r, jobs[i], ISAC_ERR_CONFLICT, isac_err_text(ISAC_ERR_CONFLICT));
			store_job_free(&jobs[i]);
		}
		store_receipts_drop(r, id);
		return;
	}
	memcpy(copy, jobs, n * sizeof(*copy));
	(*at)->jobs = copy;
	(*at)->n = n;
	(*at)->released = true;
	if ((*at)->is_signed) {
		answer_all(r, *at);
		unlink_batch(r, at);
	}
}

/* A reply names its request; what is not ours any more is dropped. */
static void take_signature(struct store_receipts *r, const struct base_link_msg *msg)
{
	struct batch **at;

	if (msg->parts != 2 || msg->part[0].len != 9 || msg->part[0].data[0] != 'S' || msg->part[1].len != WIRE_SIGNATURE) return;
	at = find(r, wire_get_u64(msg->part[0].data + 1));
	if (!*at) return;
	memcpy((*at)->signature, msg->part[1].data, WIRE_SIGNATURE);
	(*at)->is_signed = true;
	if ((*at)->released) {
		answer_all(r, *at);
		unlink_batch(r, at);
	}
}

static void give_up_overdue(struct store_receipts *r)
{
	int64_t now = base_clock_mono_us();
	struct batch **at = &r->first;

	while (*at) {
		struct batch *b = *at;

		if (!b->released || now - b->asked_us < SIGNER_WAIT_US) {
			at = &b->next;
			continue;
		}
		for (size_t i = 0; i < b->n; i++)
			store_receipts_refuse(r, b->jobs[i], ISAC_ERR_UNAVAILABLE, "stored, but the hub cannot sign receipts now");
		base_log_limited(1, BASE_LOG_ERROR, "store.unsigned", "reports=%zu", b->n);
		unlink_batch(r, at);
	}
}

void store_receipts_serve(struct store_receipts *r)
{
	struct base_link_msg msg;
	enum isac_err err = ISAC_ERR_AGAIN;

	if (r->link && base_link_events(r->link) & POLLOUT && base_link_flush(r->link) == ISAC_ERR_CLOSED) base_link_destroy(&r->link);
	while (r->link && !(err = base_link_recv(r->link, &msg))) take_signature(r, &msg);
	if (r->link && err != ISAC_ERR_AGAIN) base_link_destroy(&r->link);
	if (!r->link && r->waiting) reconnect(r);
	if (r->waiting) give_up_overdue(r);
}
