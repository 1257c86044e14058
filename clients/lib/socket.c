/*
 * socket: a DEALER with CURVE to one port of the hub; the only file of the library that sees libzmq.
 *
 * The monitor tells of connections: after a restart of the hub everything unanswered is sent again at once, not after a
 * timeout, and nothing is sent while there is no connection. What libzmq still had queued when a connection broke may reach
 * the hub a second time; every request bears that.
 * ZMQ_IMMEDIATE would drop that queue, and must not be set: with it libzmq 4.3.4 ends a pipe between two frames of one message
 * when the connection breaks there, and aborts the process ("Assertion failed: !_more (src/fq.cpp:112)").
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>
#include "priv.h"

struct client_socket_context {
	void *zmq;
	unsigned made;
};

struct client_socket {
	void *dealer, *monitor;
	zmq_msg_t body; /* what socket_receive lent out */
	bool live, denied;
	unsigned lives;
};

enum isac_result client_socket_context_open(struct client_socket_context **out, struct isac_error *err)
{
	struct client_socket_context *c = calloc(1, sizeof *c);
	if (!c || !(c->zmq = zmq_ctx_new())) {
		free(c);
		return client_error_out_of_memory(err);
	}
	zmq_ctx_set(c->zmq, ZMQ_BLOCKY, 0);
	*out = c;
	return ISAC_DONE;
}

void client_socket_context_close(struct client_socket_context **c)
{
	if (!*c) return;
	while (zmq_ctx_term((*c)->zmq) != 0 && errno == EINTR) {
	}
	free(*c);
	*c = NULL;
}

static int set_int(void *s, int option, int value)
{
	return zmq_setsockopt(s, option, &value, sizeof value);
}

static int set_options(void *s, const struct client_socket_conf *conf)
{
	int64_t frame_max = WIRE_LIMIT_REPLY_BYTES;
	return zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, conf->hub_curve, WIRE_CURVE) ||
	       zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, conf->own_public, WIRE_CURVE) ||
	       zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, conf->own_secret, WIRE_CURVE) ||
	       zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) || set_int(s, ZMQ_LINGER, 1000) || set_int(s, ZMQ_IPV6, 1) ||
	       set_int(s, ZMQ_HEARTBEAT_IVL, 5000) || set_int(s, ZMQ_HEARTBEAT_TIMEOUT, 10000) || set_int(s, ZMQ_CONNECT_TIMEOUT, 5000) ||
	       set_int(s, ZMQ_HANDSHAKE_IVL, 5000) || set_int(s, ZMQ_RECONNECT_IVL, 100) || set_int(s, ZMQ_RECONNECT_IVL_MAX, 2000);
}

enum { EVENT_MASK = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED };

enum isac_result client_socket_open(struct client_socket **out, struct client_socket_context *c, const struct client_socket_conf *conf,
				    struct isac_error *err)
{
	char host[200], endpoint[256], watch[64];
	unsigned port;
	if (!client_home_parse_address(conf->address, host, sizeof host, &port))
		return client_error_set(err, ISAC_MISUSED, "'%s' is not an address like tcp://hub.example.net:7400", conf->address);
	snprintf(endpoint, sizeof endpoint, "tcp://%s:%u", host, port + (unsigned)conf->port_offset);
	snprintf(watch, sizeof watch, "inproc://watch-%u", c->made++);
	struct client_socket *s = calloc(1, sizeof *s);
	if (!s) return client_error_out_of_memory(err);
	zmq_msg_init(&s->body);
	s->dealer = zmq_socket(c->zmq, ZMQ_DEALER);
	s->monitor = zmq_socket(c->zmq, ZMQ_PAIR);
	if (!s->dealer || !s->monitor || set_options(s->dealer, conf) || set_int(s->monitor, ZMQ_LINGER, 0) ||
	    zmq_socket_monitor(s->dealer, watch, EVENT_MASK) || zmq_connect(s->monitor, watch) || zmq_connect(s->dealer, endpoint)) {
		enum isac_result r =
			client_error_set(err, ISAC_MISUSED, "cannot open a connection to %s: %s", endpoint, zmq_strerror(errno));
		client_socket_close(&s);
		return r;
	}
	*out = s;
	return ISAC_DONE;
}

void client_socket_close(struct client_socket **s)
{
	if (!*s) return;
	zmq_msg_close(&(*s)->body);
	if ((*s)->dealer) zmq_socket_monitor((*s)->dealer, NULL, 0);
	if ((*s)->monitor) zmq_close((*s)->monitor);
	if ((*s)->dealer) zmq_close((*s)->dealer);
	free(*s);
	*s = NULL;
}

static void take_event(struct client_socket *s, uint16_t event)
{
	switch (event) {
	case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
		s->live = true;
		s->denied = false;
		s->lives++;
		break;
	case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
		s->denied = true;
		s->live = false;
		break;
	default:
		s->live = false;
	}
}

/* A monitor message: a frame u16 event, u32 value in host order, and a frame with the address. */
static bool read_monitor(struct client_socket *s)
{
	uint8_t frame[8];
	int n = zmq_recv(s->monitor, frame, sizeof frame, ZMQ_DONTWAIT);
	if (n < 0) return false;
	int more = 0;
	size_t size = sizeof more;
	while (zmq_getsockopt(s->monitor, ZMQ_RCVMORE, &more, &size) == 0 && more) {
		uint8_t skipped[8];
		if (zmq_recv(s->monitor, skipped, sizeof skipped, ZMQ_DONTWAIT) < 0) break;
	}
	if (n >= 2) {
		uint16_t event;
		memcpy(&event, frame, sizeof event);
		take_event(s, event);
	}
	return true;
}

bool client_socket_wait(struct client_socket *s, int wait_ms)
{
	zmq_pollitem_t items[] = {{s->dealer, 0, ZMQ_POLLIN, 0}, {s->monitor, 0, ZMQ_POLLIN, 0}};
	int n = zmq_poll(items, 2, wait_ms < 0 ? 0 : wait_ms);
	if (n <= 0) return false;
	if (items[1].revents)
		while (read_monitor(s)) {
		}
	return true;
}

bool client_socket_live(const struct client_socket *s)
{
	return s->live;
}

unsigned client_socket_lives(const struct client_socket *s)
{
	return s->lives;
}

bool client_socket_denied(const struct client_socket *s)
{
	return s->denied;
}

enum isac_err client_socket_send(struct client_socket *s, const struct wire_head *head, const void *body, size_t len)
{
	uint8_t packed[WIRE_DELIVERY_HEAD_BYTES];
	size_t n = wire_head_pack(packed, head);
	if (!s->live) return ISAC_ERR_AGAIN;
	if (zmq_send(s->dealer, packed, n, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) return ISAC_ERR_AGAIN;
	int sent = zmq_send(s->dealer, body, len, 0);
	/* libzmq takes all frames of a message or none: after the first, the second never waits. */
	return sent < 0 ? ISAC_ERR_AGAIN : ISAC_OK;
}

static bool has_more(void *s)
{
	int more = 0;
	size_t size = sizeof more;
	return zmq_getsockopt(s, ZMQ_RCVMORE, &more, &size) == 0 && more;
}

static void skip_rest(struct client_socket *s)
{
	while (has_more(s->dealer))
		if (zmq_msg_recv(&s->body, s->dealer, ZMQ_DONTWAIT) < 0) return;
}

enum isac_err client_socket_receive(struct client_socket *s, struct wire_head *head, struct wire_bytes *body)
{
	for (;;) {
		zmq_msg_t first;
		zmq_msg_init(&first);
		if (zmq_msg_recv(&first, s->dealer, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&first);
			return ISAC_ERR_AGAIN;
		}
		bool good = wire_head_open(head, zmq_msg_data(&first), zmq_msg_size(&first)) == ISAC_OK && has_more(s->dealer);
		zmq_msg_close(&first);
		if (good) good = zmq_msg_recv(&s->body, s->dealer, ZMQ_DONTWAIT) >= 0 && !has_more(s->dealer);
		if (!good) {
			skip_rest(s);
			continue;
		}
		*body = (struct wire_bytes){zmq_msg_data(&s->body), zmq_msg_size(&s->body)};
		return ISAC_OK;
	}
}
