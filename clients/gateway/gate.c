/*
 * gate: the listening socket and everybody's connection, in one loop. How many there may be in all and of one address is decided here,
 * before a byte is read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "gateway/priv.h"

enum { EVENTS = 64, TICK_MS = 250, BACKLOG = 128 };
#define LISTENER UINT64_MAX
#define SIGNALS (UINT64_MAX - 1)

struct slot {
	struct gateway_conn *conn;
	uint32_t lives; /* an event of a connection that is gone must not be taken for its follower's */
	int64_t deadline_ms;
	uint32_t fd_events, pair_events; /* as registered with epoll; 0 = not */
};
struct gateway_gate {
	int listen_fd, epoll_fd;
	char address[64];
	const struct gateway_cert *cert;
	struct gateway_server *server;
	unsigned open;
	struct slot slot[GATEWAY_CONNECTIONS];
};

/* ---- listening ---- */

static bool split(const char *address, char host[256], const char **port)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;
	if (!colon || !len || len >= 256 || !colon[1]) return false;
	bool brackets = address[0] == '[' && address[len - 1] == ']';
	memcpy(host, address + brackets, len - 2 * brackets);
	host[len - 2 * brackets] = 0;
	*port = colon + 1;
	return true;
}

static void print_bound(int fd, char bound[64])
{
	struct sockaddr_storage at;
	socklen_t len = sizeof at;
	char host[48] = "", port[8] = "";
	if (getsockname(fd, (struct sockaddr *)&at, &len) == 0)
		getnameinfo((struct sockaddr *)&at, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(bound, 64, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

int gateway_listen(const char *address, char bound[64])
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char host[256];
	const char *port;
	const int on = 1;
	if (!split(address, host, &port) || getaddrinfo(host, port, &hints, &found) != 0) {
		gateway_note("%s is not ADDRESS:PORT, such as 127.0.0.1:7443 or [::1]:7443", address);
		return -1;
	}
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		    bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
	if (!good) gateway_note("cannot listen on %s: %s", address, strerror(errno));
	freeaddrinfo(found);
	if (good) print_bound(fd, bound);
	else if (fd >= 0) close(fd);
	return good ? fd : -1;
}

/* ---- connections ---- */

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family) return false;
	if (a->ss_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr == ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	/* Of IPv6 one house has a /64. */
	return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr, 8) == 0;
}

static struct slot *find_room(struct gateway_gate *g, const struct sockaddr_storage *from)
{
	struct slot *room = NULL;
	unsigned same = 0;
	for (size_t i = 0; i < GATEWAY_CONNECTIONS; i++) {
		if (!g->slot[i].conn) room = &g->slot[i];
		else same += same_host(gateway_conn_from(g->slot[i].conn), from);
	}
	return same < GATEWAY_CONNECTIONS_IP ? room : NULL;
}

static void end(struct gateway_gate *g, struct slot *s)
{
	gateway_conn_free(s->conn); /* closing takes the descriptors out of epoll */
	*s = (struct slot){.lives = s->lives + 1};
	g->open--;
	gateway_metric_add(GATEWAY_METRIC_connections, -1);
}

/* What waits for nothing leaves epoll: it would report a hang-up again and again. */
static void watch_one(struct gateway_gate *g, int fd, uint32_t *registered, uint32_t events, uint64_t key)
{
	struct epoll_event e = {.events = events, .data.u64 = key};
	if (events == *registered) return;
	epoll_ctl(g->epoll_fd, !events ? EPOLL_CTL_DEL : *registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e);
	*registered = events;
}

static void watch(struct gateway_gate *g, struct slot *s, const struct gateway_want *want)
{
	uint64_t key = (uint64_t)s->lives << 32 | (uint64_t)(s - g->slot);
	watch_one(g, want->fd, &s->fd_events, (want->fd_in ? EPOLLIN : 0u) | (want->fd_out ? EPOLLOUT : 0u), key);
	watch_one(g, want->pair, &s->pair_events, (want->pair_in ? EPOLLIN : 0u) | (want->pair_out ? EPOLLOUT : 0u), key);
	s->deadline_ms = want->deadline_ms;
}

static void turn(struct gateway_gate *g, struct slot *s, int64_t now_ms)
{
	struct gateway_want want;
	if (gateway_conn_turn(s->conn, now_ms, &want)) watch(g, s, &want);
	else end(g, s);
}

static void take(struct gateway_gate *g, int64_t now_ms)
{
	struct sockaddr_storage from = {.ss_family = 0};
	socklen_t len = sizeof from;
	const int on = 1;
	int fd = accept4(g->listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC), server_fd = -1;
	if (fd < 0) return;
	gateway_metric_add(GATEWAY_METRIC_connections_all, 1);
	struct slot *s = find_room(g, &from);
	if (s) s->conn = gateway_conn_new(fd, &from, g->cert, &server_fd, now_ms);
	if (!s || !s->conn) {
		gateway_metric_add(GATEWAY_METRIC_connections_cut, 1);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	g->open++;
	gateway_metric_add(GATEWAY_METRIC_connections, 1);
	if (gateway_server_add(g->server, server_fd, &from)) turn(g, s, now_ms);
	else end(g, s);
}

/* ---- the loop ---- */

static void serve(struct gateway_gate *g, uint64_t key, int64_t now_ms)
{
	if (key == LISTENER) return take(g, now_ms);
	struct slot *s = &g->slot[key & UINT32_MAX];
	if (s->conn && s->lives == (uint32_t)(key >> 32)) turn(g, s, now_ms);
}

void gateway_gate_run(struct gateway_gate *g, int signals)
{
	struct epoll_event on_signal = {.events = EPOLLIN, .data.u64 = SIGNALS}, events[EVENTS];
	int64_t tick_ms = 0;
	if (epoll_ctl(g->epoll_fd, EPOLL_CTL_ADD, signals, &on_signal) != 0) return;
	for (;;) {
		int n = epoll_wait(g->epoll_fd, events, EVENTS, TICK_MS);
		int64_t now_ms = base_clock_mono_us() / 1000;
		for (int i = 0; i < n; i++) {
			if (events[i].data.u64 == SIGNALS) return;
			serve(g, events[i].data.u64, now_ms);
		}
		if (now_ms < tick_ms) continue;
		tick_ms = now_ms + TICK_MS;
		for (size_t i = 0; i < GATEWAY_CONNECTIONS; i++)
			if (g->slot[i].conn && now_ms >= g->slot[i].deadline_ms) turn(g, &g->slot[i], now_ms);
	}
}

bool gateway_gate_open(struct gateway_gate **out, const char *listen_on, const struct gateway_cert *cert, struct gateway_server *server)
{
	struct gateway_gate *g = calloc(1, sizeof *g);
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = LISTENER};
	*out = g;
	if (!g) return false;
	g->cert = cert;
	g->server = server;
	g->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	g->listen_fd = gateway_listen(listen_on, g->address);
	return g->listen_fd >= 0 && g->epoll_fd >= 0 && epoll_ctl(g->epoll_fd, EPOLL_CTL_ADD, g->listen_fd, &e) == 0;
}

const char *gateway_gate_address(const struct gateway_gate *gate)
{
	return gate->address;
}

void gateway_gate_close(struct gateway_gate **gate)
{
	struct gateway_gate *g = *gate;
	if (!g) return;
	for (size_t i = 0; i < GATEWAY_CONNECTIONS; i++)
		if (g->slot[i].conn) end(g, &g->slot[i]);
	if (g->listen_fd >= 0) close(g->listen_fd);
	if (g->epoll_fd >= 0) close(g->epoll_fd);
	free(g);
	*gate = NULL;
}
