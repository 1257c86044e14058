/*
 * The gate: how many connections there are, and no more than that.
 *
 * libzmq has no limit on connections, and when descriptors run out its I/O thread spins on accept. So we count what its monitor
 * reports and, at the cap, put a filter on the listening sockets that drops every packet: new connections wait in their own TCP
 * until there is room, and established ones do not notice. Should descriptors run out all the same, the reserve is given up for
 * a moment to take and close what waits in the accept queue; if libzmq's thread was quicker to take it, a new connection is cut.
 *
 * A cap per source address is the packet filter's job (README): this process sees an address only after the accept.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <linux/filter.h>
#include <unistd.h>
#include "front/priv.h"

enum {
	BACKLOG_BOTH = 2 * 256, /* may still come out of the accept queues after the gate is shut */
	OWN_DESCRIPTORS = 64,
	CONNECTIONS_MIN = 16,
};

static rlim_t descriptors_for(int64_t max)
{
	return (rlim_t)max + BACKLOG_BOTH + OWN_DESCRIPTORS;
}

void front_gate_raise(int64_t max)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= descriptors_for(max)) return;
	limit.rlim_cur = limit.rlim_max < descriptors_for(max) ? limit.rlim_max : descriptors_for(max);
	if (setrlimit(RLIMIT_NOFILE, &limit)) base_log(BASE_LOG_WARN, "front.descriptors", "err=\"%s\"", strerror(errno));
}

void front_gate_init(struct front_gate *g, int64_t max)
{
	struct rlimit limit;

	*g = (struct front_gate){.listening = {-1, -1}, .max = max, .reserve = dup(STDERR_FILENO)};
	for (unsigned i = 0; i < FRONT_GATE_NEWEST; i++) g->newest[i] = -1;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= descriptors_for(max)) return;
	g->max = (int64_t)limit.rlim_cur - BACKLOG_BOTH - OWN_DESCRIPTORS;
	if (g->max < CONNECTIONS_MIN) g->max = CONNECTIONS_MIN;
	base_log(BASE_LOG_WARN, "front.descriptors", "limit=%llu connections=%lld wanted=%lld", (unsigned long long)limit.rlim_cur,
		 (long long)g->max, (long long)max);
}

void front_gate_clear(struct front_gate *g)
{
	for (unsigned i = 0; i < 2; i++)
		if (g->monitor[i]) zmq_close(g->monitor[i]);
	if (g->reserve >= 0) close(g->reserve);
	*g = (struct front_gate){.listening = {-1, -1}, .reserve = -1};
}

enum isac_err front_gate_watch(struct front_gate *g, unsigned i, void *zmq, struct front_port *port)
{
	static const char *const address[2] = {"inproc://front.gate.0", "inproc://front.gate.1"};
	const int events = ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_DISCONNECTED;
	const int linger = 0, hwm = 0;

	g->port[i] = port;
	g->monitor[i] = zmq_socket(zmq, ZMQ_PAIR);
	if (!g->monitor[i] || zmq_socket_monitor(port->socket, address[i], events) ||
	    zmq_setsockopt(g->monitor[i], ZMQ_LINGER, &linger, sizeof linger) ||
	    zmq_setsockopt(g->monitor[i], ZMQ_RCVHWM, &hwm, sizeof hwm) || zmq_connect(g->monitor[i], address[i])) {
		base_log(BASE_LOG_ERROR, "front.gate", "err=\"%s\"", zmq_strerror(zmq_errno()));
		return ISAC_ERR_SYSTEM;
	}
	return ISAC_OK;
}

static void set_shut(struct front_gate *g, bool shut)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog program = {.len = 1, .filter = &drop};
	const int unused = 0;

	if (g->shut == shut) return;
	g->shut = shut;
	base_log_limited(1, BASE_LOG_WARN, shut ? "front.gate.shut" : "front.gate.open", "connections=%lld max=%lld", (long long)g->open,
			 (long long)g->max);
	for (unsigned i = 0; i < 2; i++) {
		if (g->listening[i] < 0) continue;
		if (shut ? setsockopt(g->listening[i], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program)
			 : setsockopt(g->listening[i], SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused))
			base_log_limited(1, BASE_LOG_ERROR, "front.gate", "err=\"%s\"", strerror(errno));
	}
}

static void note_newest(struct front_gate *g, int fd)
{
	g->newest[g->newest_n++ % FRONT_GATE_NEWEST] = fd;
}

static void forget_newest(struct front_gate *g, int fd)
{
	for (unsigned i = 0; i < FRONT_GATE_NEWEST; i++)
		if (g->newest[i] == fd) g->newest[i] = -1;
}

/* The newest connection that we know of ends, so that libzmq gets a descriptor for one that waits: what waits becomes less, and its
 * thread comes to rest. Whom it hits connects again. */
static void cut_newest(struct front_gate *g)
{
	for (unsigned i = 0; i < FRONT_GATE_NEWEST; i++) {
		int *fd = &g->newest[(g->newest_n - 1 - i) % FRONT_GATE_NEWEST];

		if (*fd < 0) continue;
		shutdown(*fd, SHUT_RDWR);
		*fd = -1;
		return;
	}
}

/* No descriptor left: refuse what waits, or libzmq tries for ever. */
static void refuse_waiting(struct front_gate *g)
{
	base_log_limited(1, BASE_LOG_ERROR, "front.descriptors", "err=\"none left\" connections=%lld", (long long)g->open);
	set_shut(g, true);
	if (g->reserve >= 0) close(g->reserve); /* libzmq's thread may be quicker and take it; then there is none until one leaves */
	for (unsigned i = 0; i < 2; i++) {
		int fd;

		while (g->listening[i] >= 0 && (fd = accept4(g->listening[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) close(fd);
	}
	g->reserve = dup(STDERR_FILENO);
	if (g->reserve < 0 && !g->cut) cut_newest(g); /* one a turn: libzmq's thread must have time to close it */
	g->cut |= g->reserve < 0;
}

/* Else what waited was gone already, or refused by ourselves. */
static bool is_exhausted(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void take_event(struct front_gate *g, unsigned i, const uint8_t *data)
{
	uint16_t event;
	int32_t value;

	memcpy(&event, data, sizeof event);
	memcpy(&value, data + sizeof event, sizeof value);
	if (event == ZMQ_EVENT_LISTENING) {
		g->listening[i] = value;
		/* libzmq leaves it blocking: refuse_waiting would wait for a next one that the shut gate keeps out. */
		if (fcntl(value, F_SETFL, fcntl(value, F_GETFL) | O_NONBLOCK))
			base_log(BASE_LOG_ERROR, "front.gate", "err=\"%s\"", strerror(errno));
	} else if (event == ZMQ_EVENT_ACCEPTED) {
		g->open++;
		note_newest(g, value);
	} else if (event == ZMQ_EVENT_DISCONNECTED) {
		g->open -= g->open > 0;
		forget_newest(g, value);
		front_port_left(g->port[i], value);
	} else if (event == ZMQ_EVENT_ACCEPT_FAILED && is_exhausted(value)) {
		refuse_waiting(g);
	}
}

unsigned front_gate_turn(struct front_gate *g)
{
	unsigned n = 0;

	g->cut = false;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned k = 0; k < FRONT_TURN_MESSAGES && g->monitor[i]; k++) {
			uint8_t data[6];
			int got = zmq_recv(g->monitor[i], data, sizeof data, ZMQ_DONTWAIT);

			if (got < 0) break;
			zmq_recv(g->monitor[i], NULL, 0, ZMQ_DONTWAIT); /* the address */
			if (got == (int)sizeof data) take_event(g, i, data);
			n++;
		}
	}
	if (n && g->reserve < 0) g->reserve = dup(STDERR_FILENO);
	if (n) set_shut(g, g->open >= g->max || (g->shut && g->open > g->max - g->max / 16 - 1));
	return n;
}
