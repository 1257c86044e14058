/*
 * Yardsticks below the hub: what the machine, libsodium and libzmq do when nothing else is asked of them.
 *   raw verify SECONDS BYTES             ed25519 checks a second on one core
 *   raw sync FILE SECONDS                overwrites of 8 KB with fdatasync, one after the other, as a WAL does
 *   raw pub COUNT BYTES SUBSCRIBERS      XPUB with CURVE, waits for so many subscribers; says "port N HEX"; drops nothing
 *   raw sub PORT HEX SUBSCRIBERS COUNT   so many SUB sockets with CURVE in one thread, until each has COUNT messages
 * Each but sub says "ready" and waits for a line. All print one JSON object.
 */
#include "bench.h"

enum { BLOCK = 8192, PATIENCE_MS = 120000 };

static void verify(double seconds, size_t bytes)
{
	uint8_t public_key[32], secret[64], sig[64], *data = bench_alloc(bytes, 1);
	int64_t start, end, until;
	uint64_t n = 0;

	crypto_sign_keypair(public_key, secret);
	randombytes_buf(data, bytes);
	crypto_sign_detached(sig, NULL, data, bytes, secret);
	bench_ready();
	start = end = bench_now();
	for (until = start + (int64_t)(seconds * 1e6); end < until; end = bench_now(), n++)
		if (crypto_sign_verify_detached(sig, data, bytes, public_key)) bench_die("a good signature did not hold");
	printf("{\"rate\": %.1f}\n", (double)n * 1e6 / (double)(end - start));
}

static void sync_file(const char *path, double seconds)
{
	static uint8_t block[BLOCK];
	size_t cap = 1 << 20, n = 0;
	int64_t *took = bench_alloc(cap, sizeof(*took)), start, now;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (int i = 0; i < 1024; i++)
		if (fd < 0 || write(fd, block, sizeof(block)) != sizeof(block)) bench_die("%s cannot be written", path);
	if (fsync(fd)) bench_die("fsync: %s", strerror(errno));
	bench_ready();
	start = now = bench_now();
	while (now < start + (int64_t)(seconds * 1e6) && n < cap) {
		int64_t before = now;

		block[0]++;
		if (pwrite(fd, block, sizeof(block), (off_t)(n % 1024 * BLOCK)) != sizeof(block) || fdatasync(fd))
			bench_die("fdatasync: %s", strerror(errno));
		now = bench_now();
		took[n++] = now - before;
	}
	close(fd);
	bench_sort(took, n);
	printf("{\"rate\": %.1f, \"p50_us\": %" PRId64 ", \"p99_us\": %" PRId64 "}\n", (double)n * 1e6 / (double)(now - start),
	       bench_percentile(took, n, 50), bench_percentile(took, n, 99));
}

static void publish(uint32_t count, size_t bytes, uint32_t subscribers)
{
	void *socket = zmq_socket(zmq_ctx_new(), ZMQ_XPUB);
	uint8_t public_key[32], secret[32], *data = bench_alloc(bytes, 1), word[8];
	char hex[65], endpoint[64];
	size_t len = sizeof(endpoint);
	int64_t start;

	crypto_box_keypair(public_key, secret);
	bench_option(socket, ZMQ_CURVE_SERVER, 1);
	zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, sizeof(secret));
	bench_option(socket, ZMQ_XPUB_VERBOSER, 1); /* each coming and each leaving is told, equal ones too */
	bench_option(socket, ZMQ_XPUB_NODROP, 1);
	bench_option(socket, ZMQ_RCVTIMEO, PATIENCE_MS);
	bench_option(socket, ZMQ_SNDTIMEO, PATIENCE_MS);
	if (zmq_bind(socket, "tcp://127.0.0.1:*") || zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &len))
		bench_die("bind: %s", zmq_strerror(errno));
	wire_hex(hex, public_key, sizeof(public_key));
	printf("port %s %s\n", strrchr(endpoint, ':') + 1, hex);
	fflush(stdout);
	for (uint32_t i = 0; i < subscribers; i++)
		if (zmq_recv(socket, word, sizeof(word), 0) < 0) bench_die("only %u subscribers came", i);
	bench_ready();
	start = bench_now();
	for (uint32_t i = 0; i < count; i++)
		if (zmq_send(socket, data, bytes, 0) < 0) bench_die("send: %s", zmq_strerror(errno));
	printf("{\"start_us\": %" PRId64 "}\n", start);
	fflush(stdout);
	for (uint32_t i = 0; i < subscribers; i++) /* they leave when they have all: until then the queues must live */
		if (zmq_recv(socket, word, sizeof(word), 0) < 0) bench_die("a subscriber did not leave");
}

static void subscribe(const char *port, const char *hex, uint32_t subscribers, uint32_t count)
{
	void *context = zmq_ctx_new();
	zmq_pollitem_t *poll = bench_alloc(subscribers, sizeof(*poll));
	uint32_t *got = bench_alloc(subscribers, sizeof(*got)), complete = 0;
	uint8_t server[32], public_key[32], secret[32];
	char endpoint[64];
	int64_t end;

	if (wire_unhex(server, sizeof(server), hex, strlen(hex))) bench_die("no key");
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%s", port);
	crypto_box_keypair(public_key, secret);
	for (uint32_t k = 0; k < subscribers; k++) {
		poll[k] = (zmq_pollitem_t){.socket = zmq_socket(context, ZMQ_SUB), .events = ZMQ_POLLIN};
		bench_curve(poll[k].socket, server, public_key, secret);
		if (zmq_setsockopt(poll[k].socket, ZMQ_SUBSCRIBE, "", 0) || zmq_connect(poll[k].socket, endpoint))
			bench_die("connect: %s", zmq_strerror(errno));
	}
	while (complete < subscribers) {
		if (zmq_poll(poll, (int)subscribers, PATIENCE_MS) <= 0) bench_die("%u of %u subscribers have all", complete, subscribers);
		for (uint32_t k = 0; k < subscribers; k++) {
			zmq_msg_t msg;

			if (!poll[k].revents) continue;
			zmq_msg_init(&msg);
			while (zmq_msg_recv(&msg, poll[k].socket, ZMQ_DONTWAIT) >= 0) complete += ++got[k] == count;
			zmq_msg_close(&msg);
		}
	}
	end = bench_now();
	for (uint32_t k = 0; k < subscribers; k++) zmq_close(poll[k].socket);
	zmq_ctx_term(context);
	printf("{\"end_us\": %" PRId64 "}\n", end);
}

static uint32_t number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	bench_start();
	if (argc == 4 && strcmp(argv[1], "verify") == 0) verify(atof(argv[2]), number(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "sync") == 0) sync_file(argv[2], atof(argv[3]));
	else if (argc == 5 && strcmp(argv[1], "pub") == 0) publish(number(argv[2]), number(argv[3]), number(argv[4]));
	else if (argc == 6 && strcmp(argv[1], "sub") == 0) subscribe(argv[2], argv[3], number(argv[4]), number(argv[5]));
	else
		bench_die("usage: raw verify SECONDS BYTES | sync FILE SECONDS | pub COUNT BYTES SUBSCRIBERS | sub PORT HEX SUBSCRIBERS "
			  "COUNT");
	return 0;
}
