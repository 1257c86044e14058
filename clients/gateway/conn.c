/*
 * conn: one caller's connection. TLS on one side, a socket pair to the server on the other. Upward goes nothing but whole heads that
 * gateway_head_check let pass, and exactly as many bytes of a body as the head said; downward whatever the server sends.
 *
 * One request at a time: the next head is not read before the answer begins. Deadlines are absolute, so dripping bytes gain nothing.
 * What is refused goes to the server as a request of the gate's own, so that its answer stands in order, with an id, and in the log.
 */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gateway/priv.h"

enum state { HANDSHAKE, HEAD, BODY, ANSWER, LAST, DRAIN };
enum { IN_BYTES = GATEWAY_HEAD_BYTES + 1024, OUT_BYTES = 32768 };

struct gateway_conn {
	int fd, pair;
	gnutls_session_t tls;
	struct sockaddr_storage from;
	enum state state;
	int64_t deadline_ms, stall_ms;
	uint64_t body_left;
	size_t in_n, pass; /* bytes in `in`; of these, at the front, may go to the server */
	size_t out_n, out_at;
	bool pair_ended;
	char in[IN_BYTES], out[OUT_BYTES];
};

struct gateway_conn *gateway_conn_new(int fd, const struct sockaddr_storage *from, const struct gateway_cert *cert, int *server_fd,
				      int64_t now_ms)
{
	struct gateway_conn *c = calloc(1, sizeof *c);
	int pair[2];
	if (!c || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
		free(c);
		return NULL;
	}
	c->fd = fd;
	c->pair = pair[0];
	c->from = *from;
	c->deadline_ms = now_ms + GATEWAY_HANDSHAKE_MS;
	c->stall_ms = INT64_MAX;
	c->tls = gateway_cert_session(cert, fd);
	*server_fd = pair[1];
	if (c->tls) return c;
	close(pair[0]);
	close(pair[1]);
	free(c);
	return NULL;
}

void gateway_conn_free(struct gateway_conn *c)
{
	gnutls_deinit(c->tls);
	close(c->fd);
	close(c->pair);
	explicit_bzero(c->in, sizeof c->in); /* it held a token */
	free(c);
}

const struct sockaddr_storage *gateway_conn_from(const struct gateway_conn *c)
{
	return &c->from;
}

static void refuse(struct gateway_conn *c, enum gateway_fault fault)
{
	gateway_metric_add(GATEWAY_METRIC_requests_bad, 1);
	c->in_n = c->pass =
		(size_t)snprintf(c->in, sizeof c->in, "REFUSED /%d HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n", (int)fault);
	c->state = LAST;
}

/* What of `in` may go on. */
static void look(struct gateway_conn *c, int64_t now_ms)
{
	enum gateway_fault fault = GATEWAY_OK;
	if (c->state == HEAD && c->in_n) {
		size_t end = gateway_head_end(c->in, c->in_n, &fault);
		if (end) fault = gateway_head_check(c->in, end, &c->body_left);
		if (fault) return refuse(c, fault);
		if (!end) return;
		c->pass = end;
		c->state = c->body_left ? BODY : ANSWER;
		c->deadline_ms = now_ms + (c->body_left ? GATEWAY_BODY_MS : GATEWAY_ANSWER_MS);
	}
	if (c->state != BODY) return;
	uint64_t more = c->in_n - c->pass;
	if (more > c->body_left) more = c->body_left;
	c->pass += (size_t)more;
	c->body_left -= more;
	if (c->body_left) return;
	c->state = ANSWER;
	c->deadline_ms = now_ms + GATEWAY_ANSWER_MS;
}

/* Bytes were moved, or not; -1: it is over. */
static int pump_up(struct gateway_conn *c, int64_t now_ms)
{
	int moved = 0;
	if (c->pass) {
		ssize_t n = send(c->pair, c->in, c->pass, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR) return -1;
		if (n > 0) {
			memmove(c->in, c->in + n, c->in_n - (size_t)n);
			c->in_n -= (size_t)n;
			c->pass -= (size_t)n;
			moved = 1;
		}
	}
	bool reads = c->state == HEAD || c->state == BODY;
	if (!reads || c->in_n == sizeof c->in) return moved;
	ssize_t n = gnutls_record_recv(c->tls, c->in + c->in_n, sizeof c->in - c->in_n);
	if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) return moved;
	if (n <= 0) return -1; /* it goes, or wants what we do not do (renegotiation) */
	if (c->state == HEAD && !c->in_n) c->deadline_ms = now_ms + GATEWAY_HEAD_MS;
	c->in_n += (size_t)n;
	look(c, now_ms);
	return 1;
}

static int pump_down(struct gateway_conn *c, int64_t now_ms)
{
	int moved = 0;
	if (c->out_at == c->out_n && !c->pair_ended) {
		ssize_t n = recv(c->pair, c->out, sizeof c->out, 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR) return -1;
		c->pair_ended = n == 0;
		if (n > 0) {
			c->out_at = 0;
			c->out_n = (size_t)n;
			moved = 1;
			c->stall_ms = now_ms + GATEWAY_STALL_MS;
			if (c->state == ANSWER && !c->pass) c->state = HEAD;
			if (c->state == HEAD && !c->in_n) c->deadline_ms = now_ms + GATEWAY_IDLE_MS;
		}
	}
	if (c->out_at < c->out_n) {
		ssize_t n = gnutls_record_send(c->tls, c->out + c->out_at, c->out_n - c->out_at);
		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) return moved;
		if (n < 0) return -1;
		c->out_at += (size_t)n;
		c->stall_ms = c->out_at < c->out_n ? now_ms + GATEWAY_STALL_MS : INT64_MAX;
		moved = 1;
	}
	if (c->pair_ended && c->out_at == c->out_n) {
		gnutls_bye(c->tls, GNUTLS_SHUT_WR);
		shutdown(c->fd, SHUT_WR);
		c->state = DRAIN;
		c->deadline_ms = now_ms + GATEWAY_DRAIN_MS;
		c->stall_ms = INT64_MAX;
	}
	return moved;
}

static bool shake(struct gateway_conn *c, int64_t now_ms)
{
	int rc = gnutls_handshake(c->tls);
	if (rc >= 0) {
		c->state = HEAD;
		c->deadline_ms = now_ms + GATEWAY_IDLE_MS;
	}
	return rc >= 0 || !gnutls_error_is_fatal(rc);
}

/* Closing on bytes that nobody read would take back what was said before: they are read and thrown away. false: that was all. */
static bool drain(struct gateway_conn *c)
{
	ssize_t n;
	do n = recv(c->fd, c->in, sizeof c->in, 0);
	while (n > 0);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* false: out of time, and there is nothing left to say. */
static bool in_time(struct gateway_conn *c, int64_t now_ms)
{
	if (now_ms >= c->stall_ms || (c->state == DRAIN && now_ms >= c->deadline_ms)) return false;
	if (now_ms < c->deadline_ms) return true;
	if (c->state != HEAD || !c->in_n) return false;
	refuse(c, GATEWAY_FAULT_SLOW);
	c->deadline_ms = now_ms + GATEWAY_HEAD_MS;
	return true;
}

bool gateway_conn_turn(struct gateway_conn *c, int64_t now_ms, struct gateway_want *want)
{
	int up = 1, down = 1;
	if (!in_time(c, now_ms)) {
		gateway_metric_add(GATEWAY_METRIC_connections_cut, 1);
		return false;
	}
	if (c->state == HANDSHAKE && !shake(c, now_ms)) {
		gateway_metric_add(GATEWAY_METRIC_connections_cut, 1);
		return false;
	}
	while (c->state != HANDSHAKE && c->state != DRAIN && (up > 0 || down > 0)) {
		up = pump_up(c, now_ms);
		down = up < 0 ? -1 : pump_down(c, now_ms);
		if (up < 0 || down < 0) return false;
		if (down > 0 && c->state == HEAD && c->in_n) look(c, now_ms); /* the next head was in the same record */
	}
	if (c->state == DRAIN && !drain(c)) return false;
	bool sending = c->out_at < c->out_n;
	*want = (struct gateway_want){
		.fd = c->fd,
		.pair = c->pair,
		.fd_in = c->state == HANDSHAKE ? !gnutls_record_get_direction(c->tls)
					       : c->state == DRAIN || ((c->state == HEAD || c->state == BODY) && c->in_n < sizeof c->in),
		.fd_out = c->state == HANDSHAKE ? gnutls_record_get_direction(c->tls) : sending,
		.pair_in = c->state != HANDSHAKE && !sending && !c->pair_ended,
		.pair_out = c->pass > 0,
		.deadline_ms = c->deadline_ms < c->stall_ms ? c->deadline_ms : c->stall_ms,
	};
	return true;
}
