/*
 * The same publish and fan-out against mosquitto (MQTT 3.1.1) and nats-server, through plain sockets: as thin as a client can be.
 *   peer mqtt|nats|jetstream pub PORT COUNT BYTES WINDOW CONNECTIONS      acked publishes: QoS 1; JetStream; nats: PING every 16
 *   peer mqtt0|mqtt1|nats|jetstream sub PORT SUBSCRIBERS COUNT            until each has COUNT
 *   peer mqtt1 hold PORT                                                  a session that stays when its client goes: QoS 1 must keep all
 * for it User and password are "bench" for both. A publisher counts what was acknowledged, and ends with 1 if anything was refused. All but
 * hold say "ready" and wait for a line; all print one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include "bench.h"

enum { PATIENCE_MS = 120000, IN_BYTES = 1 << 18, PING_EVERY = 16 };

struct peer {
	int fd;
	uint8_t in[IN_BYTES];
	size_t in_len;
	struct wire_buf out;
	uint32_t number, sent, done, wanted;
	uint64_t skip; /* bytes of a payload still to come */
};

struct protocol {
	const char *name;
	bool stream; /* JetStream */
	uint8_t qos;
	void (*hello)(struct peer *, const struct protocol *, uint32_t number, bool keep);
	void (*listen)(struct peer *, const struct protocol *, uint32_t number);
	void (*publish)(struct peer *, const struct protocol *, const uint8_t *data, size_t len);
	void (*read)(struct peer *, const struct protocol *, bool publisher);
};

/* ---- bytes ---- */
static void flush(struct peer *p)
{
	for (size_t at = 0; at < p->out.len;) {
		ssize_t n = send(p->fd, p->out.data + at, p->out.len - at, MSG_NOSIGNAL);

		if (n < 0) bench_die("the peer is gone: %s", strerror(errno));
		at += (size_t)n;
	}
	wire_buf_reset(&p->out);
}

/* Waits for more, or with wait false takes what is there. */
static void fill(struct peer *p, bool wait)
{
	struct pollfd fd = {.fd = p->fd, .events = POLLIN};
	ssize_t n;

	if (wait && poll(&fd, 1, PATIENCE_MS) <= 0) bench_die("the peer is silent");
	n = recv(p->fd, p->in + p->in_len, sizeof(p->in) - p->in_len, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN)) bench_die("the peer closed the connection");
	if (n > 0) p->in_len += (size_t)n;
}

static void drop(struct peer *p, size_t n)
{
	p->in_len -= n;
	memmove(p->in, p->in + n, p->in_len);
}

/* ---- MQTT 3.1.1 ---- */
static void mqtt_length(struct wire_buf *out, uint8_t type, size_t len)
{
	wire_buf_add(out, &type, 1);
	wire_buf_varint(out, len); /* MQTT counts lengths as protobuf does */
}

static void mqtt_text(struct wire_buf *out, const char *text)
{
	wire_buf_u16(out, (uint16_t)strlen(text));
	wire_buf_add(out, text, strlen(text));
}

static void mqtt_await(struct peer *p, uint8_t type, size_t len)
{
	while (p->in_len < len) fill(p, true);
	if (p->in[0] != type || p->in[3] & 0x80) bench_die("mosquitto answered 0x%02x %u", p->in[0], p->in[3]);
	drop(p, len);
}

static void mqtt_hello(struct peer *p, const struct protocol *m, uint32_t number, bool keep)
{
	char id[32];

	(void)m;
	snprintf(id, sizeof(id), keep ? "hold" : "%d-%u", (int)getpid(), number);
	mqtt_length(&p->out, 0x10, 10 + 2 + strlen(id) + 7 + 7);
	mqtt_text(&p->out, "MQTT");
	wire_buf_add(&p->out, (uint8_t[]){4, keep ? 0xc0 : 0xc2, 0, 0}, 4); /* user, password, a clean session or not; no keep-alive */
	mqtt_text(&p->out, id);
	mqtt_text(&p->out, "bench");
	mqtt_text(&p->out, "bench");
	flush(p);
	mqtt_await(p, 0x20, 4);
}

static void mqtt_listen(struct peer *p, const struct protocol *m, uint32_t number)
{
	(void)number;
	mqtt_length(&p->out, 0x82, 2 + 3 + 1);
	wire_buf_u16(&p->out, 1);
	mqtt_text(&p->out, "t");
	wire_buf_add(&p->out, &m->qos, 1);
	flush(p);
	while (p->in_len < 5) fill(p, true);
	drop(p, 5);
}

static void mqtt_publish(struct peer *p, const struct protocol *m, const uint8_t *data, size_t len)
{
	(void)m;
	mqtt_length(&p->out, 0x32, 3 + 2 + len);
	mqtt_text(&p->out, "t");
	wire_buf_u16(&p->out, (uint16_t)(1 + p->sent % 65535));
	wire_buf_add(&p->out, data, len);
}

static void mqtt_read(struct peer *p, const struct protocol *m, bool publisher)
{
	size_t at = 0;

	while (p->in_len - at >= 5) {
		const uint8_t *q = p->in + at;
		size_t len = 0, head = 1;

		do len |= (size_t)(q[head] & 0x7f) << (7 * (head - 1));
		while (q[head++] & 0x80 && head < 5);
		if (p->in_len - at < head + len) break;
		if (publisher && q[0] == 0x40) p->done++;
		if (!publisher && (q[0] & 0xf0) == 0x30) {
			p->done++;
			if (q[0] & 0x06) { /* QoS 1: id behind the topic */
				wire_buf_add(&p->out, (uint8_t[]){0x40, 2}, 2);
				wire_buf_add(&p->out, q + head + 3, 2);
			}
		}
		at += head + len;
	}
	/* A PUBACK has four bytes: what is shorter than the loop's five may still be one. */
	if (publisher && p->in_len - at == 4 && p->in[at] == 0x40) p->done++, at += 4;
	(void)m;
	drop(p, at);
	if (p->out.len) flush(p);
}

/* ---- NATS ---- */
static void nats_hello(struct peer *p, const struct protocol *n, uint32_t number, bool keep)
{
	(void)n, (void)keep;
	wire_buf_printf(
		&p->out,
		"CONNECT {\"verbose\":false,\"pedantic\":false,\"user\":\"bench\",\"pass\":\"bench\"}\r\nSUB _INBOX.%d.%u 1\r\nPING\r\n",
		(int)getpid(), number);
	flush(p);
	while (!memmem(p->in, p->in_len, "PONG\r\n", 6)) {
		fill(p, true);
		if (memmem(p->in, p->in_len, "-ERR", 4)) bench_die("nats: %.*s", (int)p->in_len, p->in);
	}
	p->in_len = 0;
}

static void nats_ask(struct peer *p, uint32_t number, const char *subject, const char *json)
{
	wire_buf_printf(&p->out, "PUB %s _INBOX.%d.%u %zu\r\n%s\r\n", subject, (int)getpid(), number, strlen(json), json);
	flush(p);
	while (!memmem(p->in, p->in_len, "}\r\n", 3)) fill(p, true);
	if (memmem(p->in, p->in_len, "\"error\"", 7)) bench_die("nats: %.*s", (int)p->in_len, p->in);
	p->in_len = 0;
}

static void nats_listen(struct peer *p, const struct protocol *n, uint32_t number)
{
	char json[300];

	if (n->stream) {
		wire_buf_printf(&p->out, "SUB d.%d.%u 2\r\n", (int)getpid(), number);
		snprintf(json, sizeof(json),
			 "{\"stream_name\":\"S\",\"config\":{\"deliver_subject\":\"d.%d.%u\",\"deliver_policy\":\"new\",\"ack_policy\":"
			 "\"none\",\"max_deliver\":-1}}",
			 (int)getpid(), number);
		nats_ask(p, number, "$JS.API.CONSUMER.CREATE.S", json);
		return;
	}
	wire_buf_printf(&p->out, "SUB t 2\r\nPING\r\n");
	flush(p);
	while (!memmem(p->in, p->in_len, "PONG\r\n", 6)) fill(p, true);
	p->in_len = 0;
}

/* Core NATS acknowledges nothing: a PONG tells that all before it was taken, which is all it can say. */
static void nats_publish(struct peer *p, const struct protocol *n, const uint8_t *data, size_t len)
{
	if (n->stream) wire_buf_printf(&p->out, "PUB t _INBOX.%d.%u %zu\r\n", (int)getpid(), p->number, len);
	else wire_buf_printf(&p->out, "PUB t %zu\r\n", len);
	wire_buf_add(&p->out, data, len);
	wire_buf_add(&p->out, "\r\n", 2);
	if (!n->stream && (p->sent + 1) % PING_EVERY == 0) wire_buf_add(&p->out, "PING\r\n", 6);
}

/* One line of the server; how many bytes of payload follow it. */
static size_t nats_line(struct peer *p, const struct protocol *n, const char *line, size_t len, bool publisher)
{
	const char *size;

	if (len >= 4 && memcmp(line, "PONG", 4) == 0) p->done += publisher && !n->stream ? PING_EVERY : 0;
	if (len >= 4 && memcmp(line, "PING", 4) == 0) wire_buf_add(&p->out, "PONG\r\n", 6);
	if (len >= 4 && memcmp(line, "-ERR", 4) == 0) bench_die("nats: %.*s", (int)len, line);
	if (len < 4 || memcmp(line, "MSG ", 4) != 0) return 0;
	p->done++;
	for (size = line + len; size[-1] != ' '; size--) {
	}
	return strtoul(size, NULL, 10) + 2;
}

static void nats_read(struct peer *p, const struct protocol *n, bool publisher)
{
	size_t at = 0;

	for (;;) {
		const uint8_t *q = p->in + at, *end;
		size_t left = p->in_len - at, step = left < p->skip ? left : (size_t)p->skip;

		p->skip -= step;
		at += step;
		if (p->skip || !(end = memmem(q + step, left - step, "\r\n", 2))) break;
		if (publisher && n->stream && step && memmem(q, step, "\"error\"", 7)) bench_die("nats refused: %.*s", (int)step, q);
		p->skip = nats_line(p, n, (const char *)q + step, (size_t)(end - q) - step, publisher);
		at = (size_t)(end - p->in) + 2;
	}
	drop(p, at);
	if (p->out.len) flush(p);
}

static const struct protocol protocols[] = {
	{"mqtt", false, 1, mqtt_hello, mqtt_listen, mqtt_publish, mqtt_read},
	{"mqtt0", false, 0, mqtt_hello, mqtt_listen, mqtt_publish, mqtt_read},
	{"mqtt1", false, 1, mqtt_hello, mqtt_listen, mqtt_publish, mqtt_read},
	{"nats", false, 0, nats_hello, nats_listen, nats_publish, nats_read},
	{"jetstream", true, 0, nats_hello, nats_listen, nats_publish, nats_read},
};

/* ---- what all have in common ---- */
static struct peer *open_all(const struct protocol *m, const char *port, uint32_t n, bool keep)
{
	struct peer *peers = bench_alloc(n, sizeof(*peers));
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	for (uint32_t i = 0; i < n; i++) {
		struct peer *p = &peers[i];

		p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		p->number = i;
		wire_buf_init(&p->out, 1 << 24);
		if (p->fd < 0 || connect(p->fd, (struct sockaddr *)&to, sizeof(to))) bench_die("connect: %s", strerror(errno));
		setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		m->hello(p, m, i, keep);
	}
	return peers;
}

/* Until all have what they want. Between reads a publisher sends what its window allows. */
static void serve(const struct protocol *m, struct peer *peers, uint32_t n, uint32_t window, const uint8_t *data, size_t len)
{
	struct pollfd *fds = bench_alloc(n, sizeof(*fds));
	uint32_t complete = 0;

	for (uint32_t i = 0; i < n; i++) fds[i] = (struct pollfd){.fd = peers[i].fd, .events = POLLIN};
	while (complete < n) {
		for (uint32_t i = 0; i < n && window; i++) {
			struct peer *p = &peers[i];

			for (; p->sent < p->wanted && p->sent - p->done < window; p->sent++) m->publish(p, m, data, len);
			if (p->out.len) flush(p);
		}
		if (poll(fds, n, PATIENCE_MS) <= 0) bench_die("%u of %u have all", complete, n);
		for (uint32_t i = 0; i < n; i++) {
			struct peer *p = &peers[i];
			bool was = p->done >= p->wanted;

			if (!fds[i].revents) continue;
			fill(p, false);
			m->read(p, m, window != 0);
			complete += !was && p->done >= p->wanted;
		}
	}
	free(fds);
}

static void publish(const struct protocol *m, const char *port, uint32_t count, size_t bytes, uint32_t window, uint32_t n)
{
	uint8_t *data = bench_alloc(bytes, 1);
	struct peer *peers = open_all(m, port, n, false);
	int64_t start, end;

	for (uint32_t i = 0; i < n; i++) peers[i].wanted = count / n / PING_EVERY * PING_EVERY;
	if (m->stream)
		nats_ask(&peers[0], 0, "$JS.API.STREAM.CREATE.S",
			 "{\"name\":\"S\",\"subjects\":[\"t\"],\"storage\":\"file\",\"retention\":\"limits\"}");
	count = n * peers[0].wanted;
	bench_ready();
	start = bench_now();
	serve(m, peers, n, window / n ? window / n : 1, data, bytes);
	end = bench_now();
	printf("{\"start_us\": %" PRId64 ", \"acked\": %u, \"rate\": %.1f}\n", start, count, (double)count * 1e6 / (double)(end - start));
}

static void subscribe(const struct protocol *m, const char *port, uint32_t n, uint32_t count)
{
	struct peer *peers = open_all(m, port, n, false);

	if (m->stream)
		nats_ask(&peers[0], 0, "$JS.API.STREAM.CREATE.S",
			 "{\"name\":\"S\",\"subjects\":[\"t\"],\"storage\":\"file\",\"retention\":\"limits\"}");
	for (uint32_t i = 0; i < n; i++) {
		m->listen(&peers[i], m, i);
		peers[i].wanted = count;
	}
	bench_ready();
	serve(m, peers, n, 0, NULL, 0);
	printf("{\"end_us\": %" PRId64 ", \"entries\": %" PRIu64 "}\n", bench_now(), (uint64_t)n * count);
}

static uint32_t number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	const struct protocol *m = protocols, *end = protocols + sizeof(protocols) / sizeof(*protocols);

	bench_start();
	while (argc > 3 && m < end && strcmp(m->name, argv[1]) != 0) m++;
	if (argc < 4 || m == end) bench_die("usage: peer PROTOCOL pub|sub|hold PORT ...");
	if (strcmp(argv[2], "hold") == 0) {
		struct peer *p = open_all(m, argv[3], 1, true);

		m->listen(p, m, 0);
		puts("{\"held\": 1}");
	} else if (strcmp(argv[2], "pub") == 0 && argc == 8) {
		publish(m, argv[3], number(argv[4]), number(argv[5]), number(argv[6]), number(argv[7]));
	} else if (strcmp(argv[2], "sub") == 0 && argc == 6) {
		subscribe(m, argv[3], number(argv[4]), number(argv[5]));
	} else {
		bench_die("usage: peer PROTOCOL pub|sub|hold PORT ...");
	}
	return 0;
}
