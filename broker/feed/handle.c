/*
 * What subscribers send: a row of the table for each frame type.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

struct from {
	struct feed *f;
	const uint8_t *rid;
	size_t rid_len;
	const struct member *self;
	uint64_t request_id;
};

static void refuse(const struct from *from, enum isac_err err, const char *text)
{
	base_stats_add(STAT_feed_refused, 1);
	feed_send_error(from->f, from->rid, from->rid_len, from->request_id, 0, err, text);
}

static void refuse_filter(const struct from *from, const struct filter_error *why)
{
	Isac1__Error msg = ISAC1__ERROR__INIT;

	base_stats_add(STAT_feed_refused, 1);
	msg.code = isac_err_code(why->err);
	msg.text = (char *)why->text;
	msg.expected = (char *)why->expected;
	msg.column = why->column;
	(void)feed_send_to(from->f, from->rid, from->rid_len, WIRE_ERROR, from->request_id, &msg.base);
}

/* Compiles a feed's filter; on refusal the subscriber has been told. */
static struct filter *compile(const struct from *from, const char *text)
{
	struct filter_error why = {.err = ISAC_OK};
	struct filter *filter = NULL;

	why.err = filter_parse(&filter, text, strlen(text), base_clock_us(), &why);
	if (!why.err && filter_history_only(filter, &why.column)) {
		why.err = ISAC_ERR_MALFORMED;
		(void)snprintf(why.text, sizeof(why.text), "this field is known to history only, not to a feed");
	}
	if (!why.err) return filter;
	refuse_filter(from, &why);
	filter_destroy(&filter);
	return NULL;
}

static const char *subscribe_problem(const Isac1__Subscribe *ask, enum isac_err *err)
{
	*err = ISAC_ERR_BAD_VALUE;
	if (*ask->name && !wire_name_ok(ask->name)) return "a subscription's name is like a member's";
	if (ask->credit_bytes == 0 || ask->credit_bytes > WIRE_LIMIT_CREDIT_BYTES) return "credit_bytes must be 1..1048576";
	if (ask->from == ISAC1__SUBSCRIBE__FROM__FROM_CURSOR && !*ask->name) return "a cursor belongs to a name; say where to start";
	*err = ISAC_ERR_MALFORMED;
	if (ask->from > ISAC1__SUBSCRIBE__FROM__FROM_RESUME) return "unknown place to start";
	return NULL;
}

static void handle_subscribe(const struct from *from, const ProtobufCMessage *msg)
{
	const Isac1__Subscribe *ask = (const Isac1__Subscribe *)msg;
	enum isac_err err;
	const char *problem = subscribe_problem(ask, &err);
	struct feed_session *s;
	struct feed_job *job;
	struct filter *filter = NULL;

	if (problem) {
		refuse(from, err, problem);
		return;
	}
	if (!(from->self->roles & (MEMBER_SUBSCRIBER | MEMBER_ANALYST))) {
		refuse(from, ISAC_ERR_NOT_ALLOWED, "subscribing needs the role subscriber or analyst");
		return;
	}
	if (*ask->filter && !(filter = compile(from, ask->filter))) return;
	filter_destroy(&filter); /* compiled again when it opens: it may be the kept one then */
	s = feed_session_new(from->f, from->rid, from->rid_len, from->self);
	job = s ? calloc(1, sizeof(*job)) : NULL;
	if (!job) {
		if (s) feed_session_close(from->f, s);
		refuse(from, ISAC_ERR_UNAVAILABLE, "no room for another session");
		return;
	}
	s->credit = ask->credit_bytes;
	(void)snprintf(s->name, sizeof(s->name), "%s", ask->name);
	*job = (struct feed_job){.kind = FEED_JOB_OPEN,
				 .sub = s->sub,
				 .member_id = s->member_id,
				 .request_id = from->request_id,
				 .from = ask->from,
				 .seq = ask->seq,
				 .head = atomic_load(&from->f->head)};
	(void)snprintf(job->name, sizeof(job->name), "%s", ask->name);
	job->filter = *ask->filter ? strdup(ask->filter) : NULL;
	if (feed_reader_ask(from->f->reader, job)) {
		feed_job_free(&job);
		feed_session_close(from->f, s);
		refuse(from, ISAC_ERR_UNAVAILABLE, NULL);
	}
}

static void take_over(struct feed *f, const struct feed_session *s)
{
	struct feed_session *old = feed_session_named(f, s->member_id, s->name, s);

	if (!old) return;
	feed_send_error(f, old->rid, old->rid_len, 0, old->sub, ISAC_ERR_CONFLICT, "another session of this name took over");
	feed_session_close(f, old);
}

static void announce(struct feed *f, struct feed_session *s, uint64_t request_id)
{
	Isac1__Subscribed msg = ISAC1__SUBSCRIBED__INIT;

	msg.sub = s->sub;
	msg.position = s->position;
	msg.head_seq = atomic_load(&f->head);
	msg.filter = (char *)filter_text(s->filter);
	msg.hash = (ProtobufCBinaryData){WIRE_HASH, s->hash};
	msg.rights_generation = s->rights_generation;
	(void)feed_send(f, s, WIRE_SUBSCRIBED, request_id, &msg.base);
	base_log(BASE_LOG_INFO, "feed.opened", "member=%s sub=%u name=%s position=%llu", s->self->name, s->sub, *s->name ? s->name : "-",
		 (unsigned long long)s->position);
}

void feed_handle_opened(struct feed *f, struct feed_job *job)
{
	struct feed_session *s = feed_session_find(f, job->sub);
	struct filter *filter;
	struct from from;

	if (!s || s->open || s->member_id != job->member_id) return;
	from = (struct from){f, s->rid, s->rid_len, s->self, job->request_id};
	if (job->err) {
		refuse(&from, job->err, job->why.text);
		feed_session_close(f, s);
		return;
	}
	feed_page_gaps(f, &job->gaps);
	filter = compile(&from, job->filter);
	if (!filter) {
		feed_session_close(f, s);
		return;
	}
	take_over(f, s);
	if (feed_session_open(f, s, filter, job->position)) {
		refuse(&from, ISAC_ERR_UNAVAILABLE, NULL);
		feed_session_close(f, s);
		return;
	}
	s->over = job->over_at;
	announce(f, s, job->request_id);
	feed_notice_opened(f, s);
	feed_recall_opened(f, s, job);
}

/* The session a frame speaks of, if it is the sender's own. */
static struct feed_session *own_session(const struct from *from, uint32_t sub)
{
	struct feed_session *s = feed_session_find(from->f, sub);

	if (s && s->open && s->rid_len == from->rid_len && !memcmp(s->rid, from->rid, s->rid_len)) return s;
	refuse(from, ISAC_ERR_NOT_FOUND, "no such session");
	return NULL;
}

static void handle_credit(const struct from *from, const ProtobufCMessage *msg)
{
	const Isac1__Credit *ask = (const Isac1__Credit *)msg;
	struct feed_session *s = own_session(from, ask->sub);

	if (!s) return;
	if (ask->bytes > WIRE_LIMIT_CREDIT_BYTES || s->credit + (int64_t)ask->bytes > WIRE_LIMIT_CREDIT_BYTES) {
		refuse(from, ISAC_ERR_BAD_VALUE, "more credit than a session may hold");
		return;
	}
	if (ask->acked_seq > s->told) {
		refuse(from, ISAC_ERR_CONFLICT, "acknowledged what was not sent");
		return;
	}
	s->credit += ask->bytes;
	s->window = 0;
	feed_session_acked(from->f, s, ask->acked_seq);
	feed_session_ready(from->f, s);
}

static void handle_unsubscribe(const struct from *from, const ProtobufCMessage *msg)
{
	const Isac1__Unsubscribe *ask = (const Isac1__Unsubscribe *)msg;
	struct feed_session *s = own_session(from, ask->sub);
	struct feed_job *job;

	if (!s) return;
	job = ask->forget && *s->name ? calloc(1, sizeof(*job)) : NULL;
	if (job) {
		*job = (struct feed_job){.kind = FEED_JOB_FORGET, .member_id = s->member_id};
		memcpy(job->name, s->name, sizeof(job->name));
		s->acked = s->acked_durable;
		if (feed_reader_ask(from->f->reader, job)) feed_job_free(&job);
	}
	feed_session_close(from->f, s);
}

static const struct {
	uint16_t type;
	void (*handle)(const struct from *, const ProtobufCMessage *);
} handlers[] = {
	{WIRE_SUBSCRIBE, handle_subscribe},
	{WIRE_CREDIT, handle_credit},
	{WIRE_UNSUBSCRIBE, handle_unsubscribe},
};

void feed_handle(struct feed *f, const uint8_t *rid, size_t rid_len, const struct member *self, struct wire_bytes head,
		 struct wire_bytes body)
{
	struct from from = {f, rid, rid_len, self, 0};
	const struct wire_frame_row *row;
	ProtobufCMessage *msg = NULL;
	struct wire_head h = {.type = 0};
	struct wire_why why = {.text = ""};
	enum isac_err err = wire_head_open(&h, head.data, head.len);
	size_t i;

	from.request_id = h.request_id;
	row = err ? NULL : wire_frame_find(h.type);
	for (i = 0; row && i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].type != h.type) continue;
		wire_arena_reset(&f->arena);
		err = wire_open(&msg, row->desc, &f->arena, body.data, body.len, true, &why);
		if (err) refuse(&from, err, why.text);
		else handlers[i].handle(&from, msg);
		return;
	}
	refuse(&from, ISAC_ERR_MALFORMED, "not a message for the feed port");
}
