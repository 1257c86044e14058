/*
 * ZAP (ZeroMQ RFC 27): libzmq asks here for every CURVE handshake. Anything that is not exactly the question we expect gets 500,
 * a key that is not on the roster 400. libzmq closes the connection after either.
 *
 * libzmq lets everybody in when nobody is bound here; socket.c sets the option against that, and front.c binds this first.
 */
#include <string.h>
#include "front/priv.h"

enum { ZAP_FRAMES = 7 }; /* version, request id, domain, address, routing id, mechanism, key */
enum { ZAP_VERSION, ZAP_REQUEST_ID, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_RID, ZAP_MECHANISM, ZAP_KEY };

struct question {
	zmq_msg_t frame[ZAP_FRAMES];
	unsigned frames;
	bool too_many;
};

enum isac_err front_zap_bind(void **socket_out, void *zmq)
{
	const int linger = 0, hwm = 0;

	*socket_out = zmq_socket(zmq, ZMQ_REP);
	if (!*socket_out || zmq_setsockopt(*socket_out, ZMQ_LINGER, &linger, sizeof linger) ||
	    zmq_setsockopt(*socket_out, ZMQ_RCVHWM, &hwm, sizeof hwm) || zmq_setsockopt(*socket_out, ZMQ_SNDHWM, &hwm, sizeof hwm) ||
	    zmq_bind(*socket_out, "inproc://zeromq.zap.01")) {
		base_log(BASE_LOG_ERROR, "front.zap", "err=%s", zmq_strerror(zmq_errno()));
		return ISAC_ERR_SYSTEM;
	}
	return ISAC_OK;
}

static bool frame_is(struct question *q, unsigned i, const char *text)
{
	return zmq_msg_size(&q->frame[i]) == strlen(text) && memcmp(zmq_msg_data(&q->frame[i]), text, strlen(text)) == 0;
}

/* False when nothing is there. */
static bool ask_next(struct question *q, void *socket)
{
	int more = 1;

	q->frames = 0;
	q->too_many = false;
	while (more) {
		zmq_msg_t extra, *to = q->frames < ZAP_FRAMES ? &q->frame[q->frames] : &extra;

		zmq_msg_init(to);
		if (zmq_msg_recv(to, socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(to);
			return q->frames > 0;
		}
		more = zmq_msg_more(to);
		if (to == &extra) {
			q->too_many = true;
			zmq_msg_close(to);
		} else {
			q->frames++;
		}
	}
	return true;
}

static const char *decide(struct question *q, const struct front_roster *r, int64_t now_us, char key[FRONT_KEY_TEXT + 1])
{
	key[0] = '\0';
	if (q->frames != ZAP_FRAMES || q->too_many || !frame_is(q, ZAP_VERSION, "1.0") || !frame_is(q, ZAP_DOMAIN, "isac") ||
	    !frame_is(q, ZAP_MECHANISM, "CURVE") || zmq_msg_size(&q->frame[ZAP_KEY]) != WIRE_CURVE)
		return "500";
	wire_hex(key, zmq_msg_data(&q->frame[ZAP_KEY]), WIRE_CURVE);
	return front_roster_find(r, key, FRONT_KEY_TEXT, now_us) ? "200" : "400";
}

static void say(void *socket, const char *text, bool more)
{
	if (zmq_send(socket, text, strlen(text), ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0)
		base_log_limited(1, BASE_LOG_ERROR, "front.zap.send", "err=%s", zmq_strerror(zmq_errno()));
}

static void reply(struct question *q, void *socket, const char *code, const char *key)
{
	const bool ok = strcmp(code, "200") == 0;

	say(socket, "1.0", true);
	if (q->frames <= ZAP_REQUEST_ID || zmq_msg_send(&q->frame[ZAP_REQUEST_ID], socket, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
		say(socket, "", true);
	say(socket, code, true);
	say(socket, ok ? "OK" : "refused", true);
	say(socket, ok ? key : "", true);
	say(socket, "", false);
}

unsigned front_zap_turn(void *socket, const struct front_roster *r, int64_t now_us)
{
	struct question q;
	unsigned n = 0;

	for (; n < FRONT_TURN_MESSAGES && ask_next(&q, socket); n++) {
		char key[FRONT_KEY_TEXT + 1];
		const char *code = decide(&q, r, now_us, key);

		if (code[0] != '2') {
			base_stats_add(STAT_front_denied, 1);
			base_log_limited(5, BASE_LOG_WARN, "front.denied", "address=%.*s key=%.16s code=%s",
					 q.frames > ZAP_ADDRESS ? (int)zmq_msg_size(&q.frame[ZAP_ADDRESS]) : 0,
					 q.frames > ZAP_ADDRESS ? (const char *)zmq_msg_data(&q.frame[ZAP_ADDRESS]) : "", key, code);
		}
		reply(&q, socket, code, key);
		for (unsigned i = 0; i < q.frames; i++) zmq_msg_close(&q.frame[i]);
	}
	return n;
}
