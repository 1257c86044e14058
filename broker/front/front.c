/*
 * front: set-up and the one loop. A turn looks at every socket without waiting, a bounded number of messages each, ZAP first;
 * only a turn that found nothing to do waits. (A libzmq descriptor signals changes, not states, so waiting is right only when
 * every socket was just found empty.)
 *
 * Ports are bound when the first roster is here: before that nobody could be let in anyway.
 */
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>
#include "front/priv.h"

enum { WAIT_MS = 1000, WAIT_BUSY_MS = 5, WAIT_LINK_MS = 50, OWN_SOCKETS = 16, POLLED = 7 };

static enum isac_err open_sockets(struct front *f)
{
	const struct front_conf *conf = f->conf;
	enum isac_err err;

	f->zmq = zmq_ctx_new();
	if (!f->zmq || zmq_ctx_set(f->zmq, ZMQ_MAX_SOCKETS, (int)(conf->max_sockets + OWN_SOCKETS)) ||
	    zmq_ctx_set(f->zmq, ZMQ_IO_THREADS, FRONT_IO_THREADS))
		return ISAC_ERR_SYSTEM;
	err = front_zap_bind(&f->zap, f->zmq);
	if (!err) err = front_socket_new(&f->request.socket, f->zmq, conf, conf->request_endpoint, FRONT_IO_REQUEST);
	if (!err) err = front_socket_new(&f->feed.socket, f->zmq, conf, conf->feed_endpoint, FRONT_IO_FEED);
	if (!err) err = front_gate_watch(&f->gate, 0, f->zmq, &f->request);
	if (!err) err = front_gate_watch(&f->gate, 1, f->zmq, &f->feed);
	return err;
}

static void close_all(struct front *f)
{
	front_port_clear(&f->request);
	front_port_clear(&f->feed);
	front_link_clear(&f->request_link);
	front_link_clear(&f->feed_link);
	front_gate_clear(&f->gate);
	if (f->zap) zmq_close(f->zap);
	if (f->zmq) zmq_ctx_term(f->zmq);
	front_roster_clear(&f->roster);
}

static enum isac_err start_serving(struct front *f)
{
	char bound[256], line[300];
	enum isac_err err = front_socket_bind_pair(f->request.socket, f->feed.socket, f->conf, bound);
	int len;

	if (err) return err;
	f->bound = true;
	base_log(BASE_LOG_INFO, "front.ready", "endpoint=%s", bound);
	len = snprintf(line, sizeof line, "ready %s\n", bound);
	if (f->conf->ready_fd >= 0 && write(f->conf->ready_fd, line, (size_t)len) != len) {
		base_log(BASE_LOG_ERROR, "front.ready", "err=\"nobody to tell\"");
		return ISAC_ERR_SYSTEM;
	}
	return ISAC_OK;
}

/* Everything once; returns how much there was to do. */
static unsigned turn(struct front *f)
{
	unsigned n = front_zap_turn(f->zap, &f->roster, f->now_us);

	n += front_gate_turn(&f->gate);
	n += front_link_turn(&f->request_link, f->now_us);
	n += front_link_turn(&f->feed_link, f->now_us);
	n += front_port_turn(&f->request, f->now_us);
	n += front_port_turn(&f->feed, f->now_us);
	return n;
}

static int zmq_fd(void *socket)
{
	int fd = -1;
	size_t len = sizeof fd;

	zmq_getsockopt(socket, ZMQ_FD, &fd, &len);
	return fd;
}

static void wait_for_work(struct front *f)
{
	void *const sockets[] = {f->zap, f->request.socket, f->feed.socket, f->gate.monitor[0], f->gate.monitor[1]};
	struct front_link *const links[] = {&f->request_link, &f->feed_link};
	struct pollfd polled[POLLED];
	int ms = f->request.peers.waiting || f->feed.peers.waiting ? WAIT_BUSY_MS : WAIT_MS;
	nfds_t n = 0;

	for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
		polled[n++] = (struct pollfd){.fd = zmq_fd(sockets[i]), .events = POLLIN};
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		if (links[i]->link) polled[n++] = (struct pollfd){.fd = base_link_fd(links[i]->link), .events = POLLIN};
		else if (ms > WAIT_LINK_MS) ms = WAIT_LINK_MS;
	}
	poll(polled, n, ms);
}

static enum isac_err serve(struct front *f)
{
	for (;;) {
		unsigned did;

		f->now_us = base_clock_mono_us();
		did = turn(f);
		if (f->roster.known && !f->bound) {
			enum isac_err err = start_serving(f);

			if (err) return err;
			continue;
		}
		front_port_retry(&f->request, f->now_us);
		front_port_retry(&f->feed, f->now_us);
		front_link_flush(&f->request_link);
		front_link_flush(&f->feed_link);
		if (!did) wait_for_work(f);
	}
}

void front_prepare(int64_t max_sockets)
{
	front_gate_raise(max_sockets);
}

enum isac_err front_run(const struct front_conf *conf)
{
	struct front f = {.conf = conf};
	enum isac_err err;

	if (sodium_init() < 0) return ISAC_ERR_SYSTEM;
	front_roster_init(&f.roster);
	front_port_init(&f.request, &f, 'R', &f.request_link);
	front_port_init(&f.feed, &f, 'F', &f.feed_link);
	front_link_init(&f.request_link, &f, &f.request, conf->request_link);
	front_link_init(&f.feed_link, &f, &f.feed, conf->feed_link);
	front_gate_init(&f.gate, conf->max_sockets);
	err = open_sockets(&f);
	if (!err) err = serve(&f);
	close_all(&f);
	return err;
}
