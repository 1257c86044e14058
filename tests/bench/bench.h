/*
 * bench.h: what the load programs share: members' homes, sockets, made reports, clocks and percentiles.
 *
 * Everything is `static inline` because each program is one file. A program that cannot go on says why and ends: there is
 * nothing to save in a measurement. Reports are made and signed before any clock runs.
 */
#ifndef ISAC_BENCH_H
#define ISAC_BENCH_H

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>
#include <zmq.h>
#include "wire/wire.h"

enum { BENCH_HOMES = 512, BENCH_CONFIDENCE = 80 };

__attribute__((format(printf, 1, 2), noreturn)) static inline void bench_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* ---- clocks and figures ---- */
static inline int64_t bench_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The same clock in every process of the machine: one program's start may be another one's zero. */
static inline int64_t bench_now(void)
{
	return bench_us(CLOCK_MONOTONIC);
}

static inline int bench_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static inline void bench_sort(int64_t *v, size_t n)
{
	if (n) qsort(v, n, sizeof(*v), bench_compare);
}

static inline int64_t bench_percentile(const int64_t *sorted, size_t n, unsigned percent)
{
	return n ? sorted[(n - 1) * percent / 100] : 0;
}

static inline int64_t bench_permille(const int64_t *sorted, size_t n, unsigned permille)
{
	return n ? sorted[(n - 1) * permille / 1000] : 0;
}

static inline void *bench_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p) bench_die("out of memory");
	return p;
}

/* Says that all is prepared, and waits for the line that starts the clock. */
static inline void bench_ready(void)
{
	char line[16];

	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin)) exit(1);
}

/* ---- homes ---- */
struct bench_home {
	struct wire_member self;
	struct wire_hub hub;
	uint8_t sign_secret[WIRE_SIGN_SECRET], curve_secret[WIRE_CURVE];
};

static inline size_t bench_read(char *out, size_t size, const char *home, const char *name)
{
	char path[600];
	FILE *in;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	in = fopen(path, "re");
	if (!in) bench_die("%s cannot be opened", path);
	len = fread(out, 1, size - 1, in);
	fclose(in);
	out[len] = '\0';
	return len;
}

static inline void bench_home_open(struct bench_home *h, const char *home)
{
	char text[8192];
	uint8_t seed[32], public_key[WIRE_SIGN_PUBLIC];
	struct wire_why why = {.text = ""};
	size_t len = bench_read(text, sizeof(text), home, "member.pub");

	if (wire_member_parse(&h->self, text, len, &why)) bench_die("%s/member.pub: %s", home, why.text);
	len = bench_read(text, sizeof(text), home, "hub.pub");
	if (wire_hub_parse(&h->hub, text, len, &why)) bench_die("%s/hub.pub: %s", home, why.text);
	bench_read(text, sizeof(text), home, "sign.key");
	if (wire_unhex(seed, sizeof(seed), text, 64)) bench_die("%s/sign.key cannot be read", home);
	crypto_sign_seed_keypair(public_key, h->sign_secret, seed);
	bench_read(text, sizeof(text), home, "curve.key");
	if (wire_unhex(h->curve_secret, WIRE_CURVE, text, 64)) bench_die("%s/curve.key cannot be read", home);
}

/* ---- sockets ---- */
static inline void bench_option(void *socket, int option, int value)
{
	if (zmq_setsockopt(socket, option, &value, sizeof(value))) bench_die("socket option %d: %s", option, zmq_strerror(errno));
}

static inline void bench_curve(void *socket, const uint8_t server[32], const uint8_t public_key[32], const uint8_t secret[32])
{
	if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, 32) || zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, 32) ||
	    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, 32))
		bench_die("CURVE: %s", zmq_strerror(errno));
}

/* A member's connection; queues are without limit, since windows and credit bound what is under way. */
static inline void *bench_dealer(void *context, const struct bench_home *h, const char *endpoint)
{
	void *socket = zmq_socket(context, ZMQ_DEALER);

	if (!socket) bench_die("socket: %s", zmq_strerror(errno));
	bench_option(socket, ZMQ_LINGER, 0);
	bench_option(socket, ZMQ_SNDHWM, 0);
	bench_option(socket, ZMQ_RCVHWM, 0);
	bench_option(socket, ZMQ_HEARTBEAT_IVL, 5000); /* as libisac: on a slow line the hub's own questions lie behind its batches */
	bench_option(socket, ZMQ_HEARTBEAT_TIMEOUT, 10000);
	bench_curve(socket, h->hub.curve, h->self.curve, h->curve_secret);
	if (zmq_connect(socket, endpoint)) bench_die("%s: %s", endpoint, zmq_strerror(errno));
	return socket;
}

static inline void bench_send(void *socket, uint16_t type, uint64_t request_id, const void *body, size_t len)
{
	uint8_t packed[WIRE_DELIVERY_HEAD_BYTES];
	size_t n = wire_head_pack(packed, &(struct wire_head){.type = type, .request_id = request_id});

	if (zmq_send(socket, packed, n, ZMQ_SNDMORE) < 0 || zmq_send(socket, body, len, 0) < 0) bench_die("send: %s", zmq_strerror(errno));
}

/* One message without waiting; false: none there. The body is the caller's to close. */
static inline bool bench_receive(void *socket, struct wire_head *head, zmq_msg_t *body)
{
	zmq_msg_t first;
	bool got;

	zmq_msg_init(&first);
	zmq_msg_init(body);
	got = zmq_msg_recv(&first, socket, ZMQ_DONTWAIT) >= 0;
	if (got && (wire_head_open(head, zmq_msg_data(&first), zmq_msg_size(&first)) || !zmq_msg_more(&first) ||
		    zmq_msg_recv(body, socket, 0) < 0))
		bench_die("the hub sent something that is no message");
	zmq_msg_close(&first);
	if (!got) zmq_msg_close(body);
	return got;
}

/* ---- made indicators: a third each addresses, host names and hashes; number n always gives the same one, and none twice ---- */
struct bench_value {
	uint32_t type;
	char text[72];
};

static inline uint64_t bench_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline void bench_value(struct bench_value *v, uint64_t n)
{
	static const char *const tld[] = {"com", "net", "org", "info", "xyz"};
	uint64_t r = bench_mix(n);
	uint32_t addr = 0x0b000000u + ((uint32_t)n * 2654435761u & 0x3fffffffu); /* 11.0.0.0 .. 74.255.255.255, a bijection */

	switch (n % 3) {
	case 0:
		v->type = WIRE_VALUE_IPV4;
		snprintf(v->text, sizeof(v->text), "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255);
		break;
	case 1:
		v->type = WIRE_VALUE_DOMAIN;
		snprintf(v->text, sizeof(v->text), "h%" PRIx64 ".%s", r, tld[r % 5]);
		break;
	default:
		v->type = WIRE_VALUE_SHA256;
		snprintf(v->text, sizeof(v->text), "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64, r, bench_mix(r),
			 bench_mix(r ^ 1), bench_mix(r ^ 2));
	}
}

/* ---- made reports ---- */
struct bench_plan {
	uint32_t reports, items, pad;
	uint64_t first;
}; /* pad: bytes of description an item; first: number of the first report */
struct bench_reports {
	struct wire_buf bytes;
	size_t *end;
	uint32_t n;
};

static inline void bench_item(struct wire_buf *out, uint64_t n, uint32_t pad, int64_t now_us)
{
	static const char filler[1025] = {0};
	char description[sizeof(filler)] = "", *tags[] = {(char[]){"botnet"}};
	struct bench_value value;
	Isac1__Indicator ind = ISAC1__INDICATOR__INIT;
	Isac1__Item item = ISAC1__ITEM__INIT;

	bench_value(&value, n);
	if (pad > sizeof(filler) - 1) bench_die("a description is at most %zu bytes", sizeof(filler) - 1);
	memset(description, 'd', pad);
	ind.type = value.type;
	ind.value = value.text;
	ind.confidence_plus1 = 1 + BENCH_CONFIDENCE;
	ind.first_seen_us = now_us - 3600000000;
	ind.last_seen_us = now_us;
	ind.tags = tags;
	ind.n_tags = 1;
	ind.description = description;
	item.body_case = ISAC1__ITEM__BODY_INDICATOR;
	item.indicator = &ind;
	wire_pack(out, &item.base);
}

/* Report ids as publishers make them (UUIDv7): the time first. The last seven bytes are the report's number. */
static inline void bench_id(uint8_t id[WIRE_ID], uint64_t number)
{
	wire_put_u64(id, (uint64_t)(bench_us(CLOCK_REALTIME) / 1000) << 16);
	randombytes_buf(id + 7, 1);
	id[6] = 0x70;
	wire_put_u64(id + 8, number);
	id[8] = 0x80;
}

static inline uint64_t bench_number(const uint8_t *id)
{
	return wire_get_u64(id + 8) & 0x00ffffffffffffffu;
}

static inline void bench_report(struct wire_buf *out, const struct bench_home *home, const struct bench_plan *plan, uint64_t number)
{
	struct wire_bytes items[WIRE_LIMIT_ITEMS];
	size_t end[WIRE_LIMIT_ITEMS];
	uint8_t id[WIRE_ID], secret[WIRE_SECRET];
	struct wire_buf buf;
	Isac1__Header header = ISAC1__HEADER__INIT;

	wire_buf_init(&buf, WIRE_LIMIT_FRAME_BYTES * 2);
	header.created_us = bench_us(CLOCK_REALTIME);
	for (uint32_t i = 0; i < plan->items; i++) {
		bench_item(&buf, number * plan->items + i, plan->pad, header.created_us);
		end[i] = buf.len;
	}
	for (uint32_t i = 0; i < plan->items; i++)
		items[i] = (struct wire_bytes){buf.data + (i ? end[i - 1] : 0), end[i] - (i ? end[i - 1] : 0)};
	bench_id(id, number);
	header.report_id = (ProtobufCBinaryData){sizeof(id), id};
	header.kind = ISAC1__KIND__KIND_INDICATOR;
	header.tlp = ISAC1__TLP__TLP_GREEN;
	randombytes_buf(secret, sizeof(secret));
	if (wire_report_make(out, home->self.name, home->hub.hub_id, &header, items, plan->items, secret, home->sign_secret))
		bench_die("a report cannot be made");
	wire_buf_clear(&buf);
}

/* Report i belongs to home i % homes_n. */
static inline void bench_reports_make(struct bench_reports *r, const struct bench_home *homes, uint32_t homes_n,
				      const struct bench_plan *plan)
{
	wire_buf_init(&r->bytes, (size_t)8 << 30);
	r->n = plan->reports;
	r->end = bench_alloc(r->n, sizeof(*r->end));
	for (uint32_t i = 0; i < r->n; i++) {
		bench_report(&r->bytes, &homes[i % homes_n], plan, plan->first + i);
		r->end[i] = r->bytes.len;
	}
	if (r->bytes.err) bench_die("out of memory");
}

static inline struct wire_bytes bench_report_at(const struct bench_reports *r, uint32_t i)
{
	size_t from = i ? r->end[i - 1] : 0;

	return (struct wire_bytes){r->bytes.data + from, r->end[i] - from};
}

/* ---- stamps: when report number `first + i` was sent, in a file that sender and receivers map ---- */
static inline int64_t *bench_stamps(const char *path, size_t n)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *map;

	if (fd < 0 || ftruncate(fd, (off_t)(n * sizeof(int64_t)))) bench_die("%s cannot be made", path);
	map = mmap(NULL, n * sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED) bench_die("%s cannot be mapped", path);
	return map;
}

static inline void bench_start(void)
{
	if (sodium_init() < 0 || wire_init()) bench_die("the libraries do not start");
}

#endif
