/*
 * A hub for tests that an honest one cannot serve: it answers what the test's script says, wrong receipts and forged entries
 * included. It runs in a child process with its own libzmq context; a failed expectation ends it with a status that the test sees.
 */
#ifndef TEST_CLIENT_FAKE_HUB_H
#define TEST_CLIENT_FAKE_HUB_H

#include "home.h"
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <zmq.h>

enum { FAKE_WAIT_MS = 20000 };

#define EXPECT(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "fake hub: line %d: %s\n", __LINE__, #condition); \
			_exit(1); \
		} \
	} while (0)

/* libzmq is not built with ThreadSanitizer, which cannot see how its threads agree; it decrypts messages with libsodium. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "called_from_lib:libzmq.so\ncalled_from_lib:libsodium.so\n";
}

struct fake {
	struct test_home at;
	struct test_key alice; /* a publisher */
	pid_t pid;
	int port;
	/* in the child */
	void *zmq, *socket[2]; /* requests, feeds */
	uint8_t rid[2][64];
	size_t rid_len[2];
	struct wire_head head; /* of the last message */
	struct wire_buf body;
	struct wire_arena arena;
};

static inline bool fake_bind(struct fake *f, int port)
{
	for (int i = 0; i < 2; i++) {
		char endpoint[64];
		int one = 1, zero = 0;
		snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port + i);
		f->socket[i] = zmq_socket(f->zmq, ZMQ_ROUTER);
		EXPECT(f->socket[i] && !zmq_setsockopt(f->socket[i], ZMQ_CURVE_SERVER, &one, sizeof one) &&
		       !zmq_setsockopt(f->socket[i], ZMQ_LINGER, &zero, sizeof zero) &&
		       !zmq_setsockopt(f->socket[i], ZMQ_CURVE_SECRETKEY, f->at.curve_secret, 32));
		if (zmq_bind(f->socket[i], endpoint) == 0) continue;
		for (int j = 0; j <= i; j++) zmq_close(f->socket[j]);
		return false;
	}
	f->port = port;
	return true;
}

static inline void fake_unbind(struct fake *f)
{
	for (int i = 0; i < 2; i++) zmq_close(f->socket[i]);
}

/* As if the hub had crashed and come back: new sockets on the same ports. libzmq closes in the background, so it may take some tries. */
static inline void fake_restart(struct fake *f)
{
	fake_unbind(f);
	zmq_ctx_term(f->zmq); /* returns when the old ports are free */
	f->zmq = zmq_ctx_new();
	EXPECT(fake_bind(f, f->port));
}

static inline void fake_take(struct fake *f, int which)
{
	uint8_t packed[64];
	zmq_msg_t msg;
	int n = zmq_recv(f->socket[which], f->rid[which], sizeof f->rid[which], 0);
	EXPECT(n > 0);
	f->rid_len[which] = (size_t)n;
	n = zmq_recv(f->socket[which], packed, sizeof packed, 0);
	EXPECT(n > 0 && wire_head_open(&f->head, packed, (size_t)n) == ISAC_OK);
	zmq_msg_init(&msg);
	EXPECT(zmq_msg_recv(&msg, f->socket[which], 0) >= 0 && !zmq_msg_more(&msg));
	wire_buf_reset(&f->body);
	wire_buf_add(&f->body, zmq_msg_data(&msg), zmq_msg_size(&msg));
	zmq_msg_close(&msg);
}

/* The next message of this type; others of the same port are passed over. Opened into the arena. */
static inline ProtobufCMessage *fake_expect(struct fake *f, int which, uint16_t type)
{
	zmq_pollitem_t item = {f->socket[which], 0, ZMQ_POLLIN, 0};
	ProtobufCMessage *msg;
	do {
		EXPECT(zmq_poll(&item, 1, FAKE_WAIT_MS) == 1);
		fake_take(f, which);
	} while (f->head.type != type);
	EXPECT(wire_open(&msg, wire_frame_find(type)->desc, &f->arena, f->body.data, f->body.len, true, NULL) == ISAC_OK);
	return msg;
}

static inline void fake_send(struct fake *f, int which, const struct wire_head *head, const ProtobufCMessage *body)
{
	uint8_t packed[WIRE_DELIVERY_HEAD_BYTES];
	size_t n = wire_head_pack(packed, head);
	struct wire_buf bytes;
	wire_buf_init(&bytes, WIRE_LIMIT_REPLY_BYTES);
	wire_pack(&bytes, body);
	EXPECT(zmq_send(f->socket[which], f->rid[which], f->rid_len[which], ZMQ_SNDMORE) >= 0 &&
	       zmq_send(f->socket[which], packed, n, ZMQ_SNDMORE) >= 0 && zmq_send(f->socket[which], bytes.data, bytes.len, 0) >= 0);
	wire_buf_clear(&bytes);
}

/* An answer to the last message. */
static inline void fake_reply(struct fake *f, int which, uint16_t type, const ProtobufCMessage *body)
{
	struct wire_head head = {.type = type, .request_id = f->head.request_id};
	fake_send(f, which, &head, body);
}

/* Runs script in a child, with the member's home pointing at it. */
static inline void fake_start(struct fake *f, void (*script)(struct fake *))
{
	int channel[2], port;
	test_home_begin(&f->at);
	test_key_make(&f->alice);
	assert_int_equal(pipe(channel), 0);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		f->zmq = zmq_ctx_new();
		wire_buf_init(&f->body, WIRE_LIMIT_REPLY_BYTES);
		wire_arena_init(&f->arena, 1 << 24);
		do port = 20000 + (int)randombytes_uniform(12000);
		while (!fake_bind(f, port));
		EXPECT(write(channel[1], &port, sizeof port) == sizeof port);
		script(f);
		for (int i = 0, linger = FAKE_WAIT_MS; i < 2; i++) zmq_setsockopt(f->socket[i], ZMQ_LINGER, &linger, sizeof linger);
		fake_unbind(f);
		zmq_ctx_term(f->zmq); /* returns when the last answers are out */
		_exit(0);
	}
	close(channel[1]);
	assert_int_equal(read(channel[0], &port, sizeof port), sizeof port);
	close(channel[0]);
	test_home_bundle(&f->at, port);
	test_home_keygen(&f->at);
}

/* The script must have come to its end. */
static inline void fake_end(struct fake *f)
{
	int status = -1;
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	test_home_end(&f->at);
	assert_int_equal(status, 0);
}

#endif
