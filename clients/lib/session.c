/*
 * session: the protocol side of a subscription: opens it, checks the chain of ranges and the running hash, gives credit, and
 * opens a new one from the last position whenever something is amiss. Nothing here looks into entries; subscriber.c does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "session.h"

void client_session_tell(struct isac_subscriber *s, enum isac_event_type type)
{
	s->told.type = type;
	s->told.position = s->position;
	s->told.head = s->head;
	s->told.caught_up = s->position >= s->head;
	s->told.filter = s->normal;
	s->told.text = s->text;
	s->has_told = true;
}

static void end(struct isac_subscriber *s, const Isac1__Error *e)
{
	client_error_from_hub(&s->final_error, e->code, e->text);
	s->final_error.column = e->column;
	client_error_clean(s->final_error.expected, sizeof s->final_error.expected, e->expected);
	s->final = ISAC_REFUSED;
}

static void unsubscribe(struct isac_subscriber *s, uint32_t sub)
{
	Isac1__Unsubscribe bye = ISAC1__UNSUBSCRIBE__INIT;
	struct wire_head head = {.type = WIRE_UNSUBSCRIBE};
	struct wire_buf body;
	bye.sub = sub;
	wire_buf_init(&body, 64);
	wire_pack(&body, &bye.base);
	if (!body.err) client_socket_send(s->socket, &head, body.data, body.len);
	wire_buf_clear(&body);
}

void client_session_credit(struct isac_subscriber *s, bool at_once)
{
	bool due = s->used_bytes >= SESSION_CREDIT / 2 || s->used_batches >= WIRE_LIMIT_WINDOW_BATCHES / 2;
	if (!s->sub || (!due && !at_once)) return;
	Isac1__Credit m = ISAC1__CREDIT__INIT;
	struct wire_head head = {.type = WIRE_CREDIT};
	struct wire_buf body;
	m.sub = s->sub;
	m.bytes = s->used_bytes;
	m.acked_seq = s->acked;
	wire_buf_init(&body, 128);
	wire_pack(&body, &m.base);
	if (!body.err && !client_socket_send(s->socket, &head, body.data, body.len)) s->used_bytes = s->used_batches = 0;
	wire_buf_clear(&body);
}

void client_session_drop(struct isac_subscriber *s, uint32_t pause_ms)
{
	/* Without a name an acknowledgement moves no cursor, only the hub's answer to `who`: it goes with the credit, and at the end. */
	if (s->sub && !*s->name && s->acked) client_session_credit(s, true);
	if (s->sub) unsubscribe(s, s->sub);
	s->sub = 0;
	s->request_id = 0;
	s->try_at = client_clock_mono_ms() + pause_ms;
}

static void problem(struct isac_subscriber *s, const char *text)
{
	client_error_clean(s->text, sizeof s->text, text);
	client_session_tell(s, ISAC_EVENT_PROBLEM);
	client_session_drop(s, (uint32_t)client_request_pause_ms(s->attempts++, 0));
}

static void subscribe(struct isac_subscriber *s, int64_t now)
{
	Isac1__Subscribe m = ISAC1__SUBSCRIBE__INIT;
	struct wire_head head = {.type = WIRE_SUBSCRIBE, .request_id = ++s->isac->request_id};
	struct wire_buf body;
	m.name = s->name;
	m.filter = s->filter;
	m.from = s->have_position ? ISAC1__SUBSCRIBE__FROM__FROM_RESUME : (uint32_t)s->conf.from;
	m.seq = s->have_position ? s->position : s->conf.seq;
	m.credit_bytes = SESSION_CREDIT;
	wire_buf_init(&body, WIRE_LIMIT_FRAME_BYTES);
	wire_pack(&body, &m.base);
	if (body.err) {
		s->final = client_error_set(&s->final_error, ISAC_MISUSED, "the filter is too long");
	} else if (!client_socket_send(s->socket, &head, body.data, body.len)) {
		s->request_id = head.request_id;
		s->attempts++;
		s->heard_ms = now;
	}
	wire_buf_clear(&body);
}

static void on_subscribed(struct isac_subscriber *s, const struct wire_head *head, const Isac1__Subscribed *m)
{
	if (!s->request_id || head->request_id != s->request_id) { /* an answer to a question that was sent twice */
		unsubscribe(s, m->sub);
		return;
	}
	s->sub = m->sub;
	s->request_id = 0;
	s->attempts = 0;
	s->position = s->chain = m->position;
	s->head = m->head_seq;
	s->rights = m->rights_generation;
	s->ever_open = s->have_position = true;
	s->lost_told = false;
	s->used_bytes = s->used_batches = 0;
	memset(s->hash, 0, sizeof s->hash);
	client_error_clean(s->normal, sizeof s->normal, m->filter);
	client_session_tell(s, ISAC_EVENT_OPEN);
}

/* A range must begin where the last one ended, or where a heartbeat has moved us since. */
static bool joins(const struct isac_subscriber *s, uint64_t prev, uint64_t last)
{
	return (prev == s->position || prev == s->chain) && last > s->position;
}

static bool hash_batch(struct isac_subscriber *s, const struct wire_head *head)
{
	uint64_t before = head->prev_seq;
	for (size_t i = 0; i < s->batch->n_entries; i++) {
		const Isac1__Entry *e = s->batch->entries[i];
		uint8_t header_hash[WIRE_HASH];
		if (e->seq <= before || e->seq > head->last_seq) return false;
		before = e->seq;
		uint32_t *index = wire_arena_alloc(&s->arena, (e->n_items + 1) * sizeof *index);
		if (!index) return false;
		for (size_t j = 0; j < e->n_items; j++) index[j] = wire_entry_index(e, j);
		if (e->sealed.len) *index = 0; /* it counts as one item */
		wire_hash(header_hash, e->header.data, e->header.len);
		wire_feed_entry(s->hash, e->seq, header_hash, index, e->sealed.len ? 1 : (uint32_t)e->n_items);
	}
	return true;
}

static void on_delivery(struct isac_subscriber *s, const struct wire_head *head, struct wire_bytes body)
{
	ProtobufCMessage *msg;
	if (head->sub != s->sub) return;
	if (!joins(s, head->prev_seq, head->last_seq)) {
		snprintf(s->text, sizeof s->text, "the feed skipped from %" PRIu64 " to %" PRIu64 ": asking again", s->position,
			 head->prev_seq);
		problem(s, s->text);
		return;
	}
	wire_arena_reset(&s->arena);
	if (wire_open(&msg, &isac1__batch__descriptor, &s->arena, body.data, body.len, false, NULL)) {
		problem(s, "a delivery cannot be read: asking again");
		return;
	}
	s->batch = (const Isac1__Batch *)msg;
	if (!hash_batch(s, head)) {
		s->batch = NULL;
		problem(s, "a delivery is not in order: asking again");
		return;
	}
	s->batch_from = s->position;
	s->batch_last = head->last_seq;
	s->entry = 0;
	s->items = (struct client_entry_items){.item = NULL};
	s->used_bytes += (uint32_t)body.len;
	s->used_batches++;
}

static void on_heartbeat(struct isac_subscriber *s, const Isac1__Heartbeat *m)
{
	if (m->sub != s->sub) return;
	if (m->hash.len != WIRE_HASH || memcmp(m->hash.data, s->hash, WIRE_HASH) != 0) {
		snprintf(s->text, sizeof s->text,
			 "the feed's running hash differs at %" PRIu64
			 ": something was lost or changed on the way; read again with --from an earlier number",
			 m->position);
		problem(s, s->text);
		return;
	}
	s->head = m->head_seq;
	if (m->position > s->position) s->position = m->position;
	if (m->rights_generation == s->rights) {
		client_session_tell(s, ISAC_EVENT_POSITION);
		return;
	}
	s->rights = m->rights_generation;
	s->told.first = m->rights_seq;
	client_session_tell(s, ISAC_EVENT_RIGHTS);
}

static void on_gap(struct isac_subscriber *s, const Isac1__Gap *m)
{
	if (m->sub != s->sub) return;
	if (m->first_seq == 0 || !joins(s, m->first_seq - 1, m->last_seq)) {
		problem(s, "the feed named a gap that does not join: asking again");
		return;
	}
	wire_feed_gap(s->hash, m->first_seq, m->last_seq);
	s->position = s->chain = m->last_seq;
	s->told.first = m->first_seq;
	s->told.last = m->last_seq;
	s->told.reason = m->reason;
	client_session_tell(s, ISAC_EVENT_GAP);
}

static void on_notice(struct isac_subscriber *s, const Isac1__Notice *m)
{
	if (m->sub != s->sub) return;
	s->told.reports = m->reports;
	s->told.last = m->newest_seq;
	client_session_tell(s, ISAC_EVENT_NOTICE);
}

static void on_expired(struct isac_subscriber *s, const Isac1__Expired *m)
{
	if (m->sub != s->sub) return;
	wire_arena_reset(&s->arena);
	s->expired = m;
	s->entry = 0;
	s->items = (struct client_entry_items){.item = NULL};
}

static void on_recall(struct isac_subscriber *s, const Isac1__Recall *m)
{
	if (m->sub != s->sub || !m->n_reports) return;
	struct isac_recalled *rows = wire_arena_alloc(&s->small, m->n_reports * sizeof *rows);
	if (!rows) return;
	for (size_t i = 0; i < m->n_reports; i++) {
		const Isac1__Recalled *r = m->reports[i];
		if (r->report_id.len != WIRE_ID) return;
		rows[i] = (struct isac_recalled){.seq = r->seq, .items = r->items, .maybe = r->maybe};
		isac_id_text(rows[i].report_id, r->report_id.data);
	}
	struct isac_error err;
	enum isac_result good = client_recall_verify(&s->told.by, s->isac, m, &s->small, &err);
	if (good && good != ISAC_REFUSED) { /* the admins' keys cannot be had now: a new session from here is told again */
		client_session_drop(s, (uint32_t)client_request_pause_ms(s->attempts++, 0));
		return;
	}
	if (good) client_error_clean(s->problem, sizeof s->problem, err.text);
	s->told.verified = !good;
	s->told.problem = good ? s->problem : NULL;
	client_error_clean(s->text, sizeof s->text, m->publisher);
	s->told.recalled = rows;
	s->told.recalled_n = m->n_reports;
	s->told.recall = m->recall;
	s->told.reason = m->reason;
	client_session_tell(s, ISAC_EVENT_RECALL);
}

static void on_error(struct isac_subscriber *s, const struct wire_head *head, const Isac1__Error *m)
{
	bool opening = s->request_id && head->request_id == s->request_id;
	if (!opening && (!s->sub || m->sub != s->sub)) return; /* of an older session */
	if (m->code == 503 || m->code == 429 || m->code == 408) {
		client_error_clean(s->text, sizeof s->text, m->text);
		s->sub = 0; /* ended by the hub: no need to say so again */
		client_session_drop(s, (uint32_t)client_request_pause_ms(s->attempts, m->retry_after_ms));
		return;
	}
	end(s, m);
}

void client_session_read(struct isac_subscriber *s)
{
	struct wire_head head;
	struct wire_bytes body;
	while (!s->has_told && !s->batch && !s->expired && !s->final && client_socket_receive(s->socket, &head, &body) == ISAC_OK) {
		if (head.type == WIRE_DELIVERY) {
			s->heard_ms = client_clock_mono_ms();
			on_delivery(s, &head, body);
			continue;
		}
		const struct wire_frame_row *row = wire_frame_find(head.type);
		ProtobufCMessage *msg;
		wire_arena_reset(&s->small);
		if (!row || wire_open(&msg, row->desc, &s->small, body.data, body.len, false, NULL)) continue;
		s->heard_ms = client_clock_mono_ms();
		if (head.type == WIRE_SUBSCRIBED) on_subscribed(s, &head, (const Isac1__Subscribed *)msg);
		else if (head.type == WIRE_HEARTBEAT) on_heartbeat(s, (const Isac1__Heartbeat *)msg);
		else if (head.type == WIRE_GAP) on_gap(s, (const Isac1__Gap *)msg);
		else if (head.type == WIRE_NOTICE) on_notice(s, (const Isac1__Notice *)msg);
		else if (head.type == WIRE_EXPIRED) on_expired(s, (const Isac1__Expired *)msg);
		else if (head.type == WIRE_RECALL) on_recall(s, (const Isac1__Recall *)msg);
		else if (head.type == WIRE_ERROR) on_error(s, &head, (const Isac1__Error *)msg);
	}
}

int64_t client_session_tend(struct isac_subscriber *s, int64_t now)
{
	int64_t silence = s->conf.silence_ms ? s->conf.silence_ms : SESSION_SILENCE_MS;
	if (s->lives != client_socket_lives(s->socket)) { /* a new connection knows nothing of the old session */
		s->lives = client_socket_lives(s->socket);
		s->sub = 0;
		s->request_id = 0;
		s->try_at = now;
	}
	if (!client_socket_live(s->socket)) {
		if (s->sub && !s->lost_told) {
			snprintf(s->text, sizeof s->text, "the connection to the hub is lost; waiting for it to come back");
			client_session_tell(s, ISAC_EVENT_LOST);
			s->lost_told = true;
		}
		s->sub = 0;
		s->request_id = 0;
		return now + 60000;
	}
	if ((s->sub || s->request_id) && now - s->heard_ms >= silence) {
		if (!s->lost_told) {
			snprintf(s->text, sizeof s->text, "the hub has been silent for %lld s: asking again",
				 (long long)(now - s->heard_ms) / 1000);
			client_session_tell(s, ISAC_EVENT_LOST);
			s->lost_told = true;
		}
		client_session_drop(s, 0);
	}
	if (!s->sub && !s->request_id && now >= s->try_at) {
		subscribe(s, now);
		if (!s->request_id) s->try_at = now + 100; /* the socket was full */
	}
	return s->sub || s->request_id ? s->heard_ms + silence : s->try_at;
}
