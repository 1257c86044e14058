/*
 * request: one question, one answer. The same bytes go again after silence, on a new connection, or when the hub says "later":
 * every request is either harmless to repeat or carries an id that makes it so.
 */
#include <sodium.h>
#include <string.h>
#include "priv.h"

enum { SILENCE_MS = 5000 };

int client_request_pause_ms(unsigned attempt, uint32_t hint_ms)
{
	uint32_t base = 100u << (attempt > 5 ? 5 : attempt);
	if (hint_ms > base) base = hint_ms > 30000 ? 30000 : hint_ms;
	return (int)(base + randombytes_uniform(base / 2 + 1));
}

struct run {
	struct isac *isac;
	struct client_socket *socket;
	struct wire_head head;
	struct wire_buf body;
	uint16_t reply_type;
	struct wire_arena *arena;
	int64_t send_at, deadline;
	unsigned lives, attempts;
	bool answered; /* the last thing we heard was "later" */
};

static enum isac_result refused(const Isac1__Error *e, struct isac_error *err)
{
	client_error_from_hub(err, e->code, e->text);
	if (err) {
		err->column = e->column;
		client_error_clean(err->expected, sizeof err->expected, e->expected);
	}
	return ISAC_REFUSED;
}

/* Whom a gateway asks for waits at the other end of it, and has a client that knows how to come again. */
static bool is_later(const struct run *run, uint32_t code)
{
	if (run->isac->token && (code == 429 || code == 503)) return false;
	return code == 503 || code == 429 || code == 408 || code == 425 || code == 507;
}

/* true: finished, with *result. */
static bool take(struct run *run, const struct wire_head *head, struct wire_bytes body, ProtobufCMessage **out, enum isac_result *result,
		 struct isac_error *err)
{
	if (head->request_id != run->head.request_id) return false;
	const struct wire_frame_row *row = wire_frame_find(head->type);
	if (!row || (head->type != run->reply_type && head->type != WIRE_ERROR)) return false;
	wire_arena_reset(run->arena);
	struct wire_why why = {.text = ""};
	ProtobufCMessage *msg;
	if (wire_open(&msg, row->desc, run->arena, body.data, body.len, false, &why)) {
		*result = client_error_set(err, ISAC_REFUSED, "the hub's answer cannot be read: %s", why.text);
		return true;
	}
	if (head->type != WIRE_ERROR) {
		*out = msg;
		*result = ISAC_DONE;
		return true;
	}
	const Isac1__Error *e = (const Isac1__Error *)msg;
	if (is_later(run, e->code)) {
		run->answered = true;
		refused(e, err);
		run->send_at = client_clock_mono_ms() + client_request_pause_ms(run->attempts, e->retry_after_ms);
		return false;
	}
	*result = refused(e, err);
	return true;
}

static void send_when_due(struct run *run)
{
	int64_t now = client_clock_mono_ms();
	if (run->lives != client_socket_lives(run->socket)) {
		run->lives = client_socket_lives(run->socket);
		if (!run->answered) run->send_at = now;
	}
	if (now < run->send_at || !client_socket_live(run->socket)) return;
	if (client_socket_send(run->socket, &run->head, run->body.data, run->body.len)) return;
	run->attempts++;
	run->send_at = now + SILENCE_MS;
}

static enum isac_result loop(struct run *run, ProtobufCMessage **out, struct isac_error *err)
{
	for (;;) {
		send_when_due(run);
		struct wire_head head;
		struct wire_bytes body;
		enum isac_result r;
		while (client_socket_receive(run->socket, &head, &body) == ISAC_OK)
			if (take(run, &head, body, out, &r, err)) return r;
		int64_t now = client_clock_mono_ms();
		if (now >= run->deadline) break;
		int64_t until = run->deadline;
		if (client_socket_live(run->socket) && run->send_at < until) until = run->send_at;
		client_socket_wait(run->socket, until > now ? (int)(until - now) : 0);
	}
	if (!run->answered) return client_home_unreachable(err, run->isac, run->socket, 0);
	if (err) err->result = ISAC_UNREACHABLE;
	return ISAC_UNREACHABLE;
}

static void pack_as_token(struct run *run, const ProtobufCMessage *body)
{
	Isac1__AsToken as = ISAC1__AS_TOKEN__INIT;
	struct wire_buf inner;
	wire_buf_init(&inner, WIRE_LIMIT_FRAME_BYTES);
	wire_pack(&inner, body);
	as.token = (ProtobufCBinaryData){WIRE_TOKEN, run->isac->token};
	as.member = run->isac->token_member;
	as.type = run->head.type;
	as.body = (ProtobufCBinaryData){inner.len, inner.data};
	run->head.type = WIRE_AS_TOKEN;
	if (!inner.err) wire_pack(&run->body, &as.base);
	else run->body.err = inner.err;
	wire_buf_clear(&inner);
}

enum isac_result client_request_run(ProtobufCMessage **out, struct isac *isac, uint16_t type, const ProtobufCMessage *body,
				    uint16_t reply_type, struct wire_arena *arena, int wait_ms, struct isac_error *err)
{
	struct run run = {.isac = isac, .reply_type = reply_type, .arena = arena};
	enum isac_result r = client_home_requests(&run.socket, isac, err);
	if (r) return r;
	run.head = (struct wire_head){.type = type, .request_id = ++isac->request_id};
	run.deadline = client_clock_mono_ms() + (wait_ms ? wait_ms : isac->timeout_ms);
	run.lives = client_socket_lives(run.socket);
	wire_buf_init(&run.body, WIRE_LIMIT_FRAME_BYTES);
	if (isac->token) pack_as_token(&run, body);
	else wire_pack(&run.body, body);
	r = run.body.err
		    ? client_error_set(err, ISAC_MISUSED, "the request is larger than a frame may be (%d bytes)", WIRE_LIMIT_FRAME_BYTES)
		    : loop(&run, out, err);
	if (isac->token && run.body.data) sodium_memzero(run.body.data, run.body.len);
	wire_buf_clear(&run.body);
	return r;
}
