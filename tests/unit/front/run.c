/*
 * front_run in a process of its own, between a core made of base_link and a member made of libzmq.
 *
 * With arguments it is no test but front alone, for tests/story/attack:
 *   unit_front_run CURVE_SECRET_HEX REQUEST_ENDPOINT FEED_ENDPOINT REQUEST_LINK FEED_LINK HANDSHAKE_MS CONNECTIONS MEMORY_BYTES
 * writes "ready tcp://..." to stdout.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "front/priv.h"

static int alone(char **argv)
{
	struct front_conf conf = {.request_endpoint = argv[2],
				  .feed_endpoint = argv[3],
				  .request_link = argv[4],
				  .feed_link = argv[5],
				  .handshake_ms = atoll(argv[6]),
				  .max_sockets = atoll(argv[7]),
				  .ready_fd = STDOUT_FILENO};

	base_log_init("front", BASE_LOG_INFO);
	if (wire_unhex(conf.curve_secret, WIRE_CURVE, argv[1], strlen(argv[1]))) return 2;
	front_prepare(conf.max_sockets);
	if (base_sandbox_memory(atoll(argv[8]))) return 2;
	return front_run(&conf) ? 1 : 0;
}

struct world {
	char dir[64], request_path[96], feed_path[96], endpoint[128], hub_public[41];
	int request_listen, feed_listen;
	pid_t front;
	struct base_link *request, *feed;
	char member_public[41], member_secret[41];
	uint8_t member_key[WIRE_CURVE];
	void *zmq;
};

static void wait_fd(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 20000), 1);
}

static void receive(struct base_link *link, struct base_link_msg *msg)
{
	enum isac_err err;

	while ((err = base_link_recv(link, msg)) == ISAC_ERR_AGAIN) wait_fd(base_link_fd(link));
	assert_int_equal(err, ISAC_OK);
}

static void send_roster(struct world *w, const uint8_t *data, size_t len)
{
	uint8_t head[9] = {'T'};
	struct wire_bytes parts[] = {{head, sizeof head}, {data, len}};

	assert_int_equal(base_link_send(w->request, parts, 2), ISAC_OK);
}

static void send_alice(struct world *w)
{
	uint8_t row[WIRE_CURVE + 6];

	memcpy(row, w->member_key, WIRE_CURVE);
	memcpy(row + WIRE_CURVE, "\5alice", 6);
	send_roster(w, row, sizeof row);
}

static void accept_link(int listening, struct base_link **out)
{
	struct base_link_msg msg;

	wait_fd(listening);
	assert_int_equal(base_link_accept(out, listening, 1 << 24, 1 << 24), ISAC_OK);
	receive(*out, &msg);
	assert_int_equal(msg.parts, 1);
	assert_int_equal(msg.part[0].len, 9);
	assert_int_equal(msg.part[0].data[0], 'H');
}

static int start(void **state)
{
	static struct world w;
	struct front_conf conf = {
		.request_endpoint = "tcp://127.0.0.1:0", .feed_endpoint = "tcp://127.0.0.1:0", .handshake_ms = 2000, .max_sockets = 100};
	char hub_secret[41], line[200] = "";
	int ready[2];

	memset(&w, 0, sizeof w);
	strncpy(w.dir, "/tmp/unit_front_XXXXXX", sizeof w.dir - 1);
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.request_path, sizeof w.request_path, "%s/r", w.dir);
	snprintf(w.feed_path, sizeof w.feed_path, "%s/f", w.dir);
	assert_int_equal(base_link_listen(&w.request_listen, w.request_path), ISAC_OK);
	assert_int_equal(base_link_listen(&w.feed_listen, w.feed_path), ISAC_OK);
	zmq_curve_keypair(w.hub_public, hub_secret);
	zmq_curve_keypair(w.member_public, w.member_secret);
	zmq_z85_decode(w.member_key, w.member_public);
	zmq_z85_decode(conf.curve_secret, hub_secret);
	conf.request_link = w.request_path;
	conf.feed_link = w.feed_path;
	assert_int_equal(pipe(ready), 0);
	conf.ready_fd = ready[1];
	w.front = fork();
	assert_true(w.front >= 0);
	if (w.front == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(front_run(&conf) ? 1 : 0);
	}
	close(ready[1]);
	accept_link(w.request_listen, &w.request);
	accept_link(w.feed_listen, &w.feed);
	send_alice(&w);
	wait_fd(ready[0]);
	assert_true(read(ready[0], line, sizeof line - 1) > 0);
	assert_int_equal(sscanf(line, "ready %127s\n", w.endpoint), 1);
	close(ready[0]);
	w.zmq = zmq_ctx_new();
	*state = &w;
	return 0;
}

static int stop(void **state)
{
	struct world *w = *state;
	int status;

	zmq_ctx_term(w->zmq);
	base_link_destroy(&w->request);
	base_link_destroy(&w->feed);
	kill(w->front, SIGKILL);
	waitpid(w->front, &status, 0);
	close(w->request_listen);
	close(w->feed_listen);
	unlink(w->request_path);
	unlink(w->feed_path);
	rmdir(w->dir);
	return 0;
}

static void *member(struct world *w, unsigned port_more)
{
	void *s = zmq_socket(w->zmq, ZMQ_DEALER);
	const int linger = 0, timeout = 20000;
	const char *colon = strrchr(w->endpoint, ':');
	char endpoint[160];

	zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, w->hub_public, 41);
	zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, w->member_public, 41);
	zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, w->member_secret, 41);
	zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger);
	zmq_setsockopt(s, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
	snprintf(endpoint, sizeof endpoint, "%.*s:%u", (int)(colon - w->endpoint), w->endpoint, (unsigned)atoi(colon + 1) + port_more);
	assert_int_equal(zmq_connect(s, endpoint), 0);
	return s;
}

static void say(void *s, uint16_t type, uint8_t id, const char *body)
{
	uint8_t head[16] = {'I', 'S', 'C', '1', (uint8_t)(type >> 8), (uint8_t)type};

	head[15] = id;
	assert_int_equal(zmq_send(s, head, sizeof head, ZMQ_SNDMORE), 16);
	assert_int_equal(zmq_send(s, body, strlen(body), 0), (int)strlen(body));
}

/* The code of the ERROR that comes: field 1, a varint of two bytes for all codes from 128 on. */
static unsigned error_code(void *s, uint8_t id)
{
	uint8_t head[64], body[512];

	assert_int_equal(zmq_recv(s, head, sizeof head, 0), 16);
	assert_true(zmq_recv(s, body, sizeof body, 0) > 3);
	assert_memory_equal(head, "ISC1\x00\xff\x00\x00", 8);
	assert_int_equal(head[15], id);
	assert_int_equal(body[0], 0x08);
	return (unsigned)(body[1] & 0x7f) | (unsigned)body[2] << 7;
}

static void expect_body(void *s, const char *want)
{
	char got[64];
	int n;

	assert_int_equal(zmq_recv(s, got, sizeof got, 0), 16);
	n = zmq_recv(s, got, sizeof got, 0);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(got, want, (size_t)n);
}

static void forwards_and_answers(void **state)
{
	struct world *w = *state;
	void *s = member(w, 0);
	struct base_link_msg msg;
	uint8_t rid[8];
	struct wire_bytes reply[3];

	say(s, 0x0001, 9, "body");
	receive(w->request, &msg);
	assert_int_equal(msg.parts, 4);
	assert_int_equal(msg.part[0].len, 6);
	assert_memory_equal(msg.part[0].data, "M\0", 2);
	assert_int_equal(msg.part[1].len, 5);
	assert_memory_equal(msg.part[1].data, "alice", 5);
	assert_int_equal(msg.part[2].len, 16);
	assert_int_equal(msg.part[2].data[15], 9);
	assert_memory_equal(msg.part[3].data, "body", 4);
	memcpy(rid, msg.part[0].data, 6);
	rid[0] = 'R';
	reply[0] = (struct wire_bytes){rid, 6};
	reply[1] = (struct wire_bytes){(const uint8_t *)"ISC1\0\x81\0\0\0\0\0\0\0\0\0\x09", 16};
	reply[2] = (struct wire_bytes){(const uint8_t *)"reply", 5};
	assert_int_equal(base_link_send(w->request, reply, 3), ISAC_OK);
	expect_body(s, "reply");
	zmq_close(s);
}

static void applies_the_frame_rules(void **state)
{
	struct world *w = *state;
	void *s = member(w, 0);

	say(s, 0x0011, 1, "x"); /* SUBSCRIBE belongs to the feed port */
	assert_int_equal(error_code(s, 1), 400);
	say(s, 0x0081, 2, "x"); /* a RECEIPT goes down, not up */
	assert_int_equal(error_code(s, 2), 400);
	say(s, 0x7777, 3, "x");
	assert_int_equal(error_code(s, 3), 400);
	say(s, 0x0001, 4, "");
	assert_int_equal(error_code(s, 4), 400);
	zmq_send(s, "", 0, 0); /* one frame, no head */
	assert_int_equal(error_code(s, 0), 400);
	zmq_send(s, "ISC2\0\1\0\0\0\0\0\0\0\0\0\5", 16, ZMQ_SNDMORE);
	zmq_send(s, "x", 1, 0);
	assert_int_equal(error_code(s, 0), 400);
	zmq_send(s, "ISC1\0\1\0\1\0\0\0\0\0\0\0\6", 16, ZMQ_SNDMORE); /* flags */
	zmq_send(s, "x", 1, 0);
	assert_int_equal(error_code(s, 6), 400);
	zmq_send(s, "ISC1\0\1\0\0\0\0\0\0\0\0\0\7", 16, ZMQ_SNDMORE);
	zmq_send(s, "x", 1, ZMQ_SNDMORE);
	zmq_send(s, "x", 1, 0); /* three frames */
	assert_int_equal(error_code(s, 7), 400);
	zmq_close(s);
}

static void fans_out_one_body(void **state)
{
	struct world *w = *state;
	void *s[3];
	uint8_t list[3 + 4 * (1 + 5 + 1 + 16)] = {'F', 0, 4}, *row = list + 3;
	struct base_link_msg msg;
	struct wire_bytes parts[2];
	uint8_t nobody[5] = {0, 1, 2, 3, 4};

	for (unsigned i = 0; i < 4; i++, row += 23) {
		row[0] = 5;
		memcpy(row + 1, nobody, 5);
		row[6] = 16;
		memcpy(row + 7, "ISC1\0\x92\0\0\0\0\0\0\0\0\0\0", 16);
		if (i == 3) break;
		s[i] = member(w, 1);
		say(s[i], 0x0011, (uint8_t)i, "subscribe");
		receive(w->feed, &msg);
		memcpy(row + 1, msg.part[0].data + 1, 5);
	}
	parts[0] = (struct wire_bytes){list, sizeof list};
	parts[1] = (struct wire_bytes){(const uint8_t *)"news", 4};
	assert_int_equal(base_link_send(w->feed, parts, 2), ISAC_OK);
	for (unsigned i = 0; i < 3; i++) expect_body(s[i], "news");
	receive(w->feed, &msg); /* the fourth does not exist */
	assert_int_equal(msg.parts, 1);
	assert_int_equal(msg.part[0].len, 6);
	assert_int_equal(msg.part[0].data[0], 'G');
	assert_memory_equal(msg.part[0].data + 1, nobody, 5);
	for (unsigned i = 0; i < 3; i++) zmq_close(s[i]);
}

static void says_so_when_core_is_away(void **state)
{
	struct world *w = *state;
	void *request = member(w, 0), *feed = member(w, 1);
	struct base_link_msg msg;

	say(feed, 0x0011, 1, "subscribe");
	receive(w->feed, &msg);
	close(w->request_listen); /* nobody to come back to for now */
	close(w->feed_listen);
	base_link_destroy(&w->request);
	base_link_destroy(&w->feed);
	assert_int_equal(error_code(feed, 0), 503); /* unasked: the session is over */
	say(request, 0x0001, 5, "x");
	assert_int_equal(error_code(request, 5), 503);
	assert_int_equal(base_link_listen(&w->request_listen, w->request_path), ISAC_OK);
	assert_int_equal(base_link_listen(&w->feed_listen, w->feed_path), ISAC_OK);
	accept_link(w->request_listen, &w->request);
	accept_link(w->feed_listen, &w->feed);
	say(request, 0x0001, 6, "again"); /* by the old roster, until the new one comes */
	receive(w->request, &msg);
	assert_memory_equal(msg.part[3].data, "again", 5);
	zmq_close(request);
	zmq_close(feed);
}

/* Core's reply "x" to the sender of a message whose first part was rid. */
static void answer(struct world *w, uint8_t rid[6])
{
	struct wire_bytes reply[3] = {{rid, 6}, {(const uint8_t *)"ISC1\0\x85\0\0\0\0\0\0\0\0\0\0", 16}, {(const uint8_t *)"x", 1}};

	rid[0] = 'R';
	assert_int_equal(base_link_send(w->request, reply, 3), ISAC_OK);
}

static void round_trip(struct world *w, void *s, uint8_t id)
{
	struct base_link_msg msg;
	uint8_t rid[8];

	say(s, 0x0005, id, "");
	receive(w->request, &msg);
	assert_memory_equal(msg.part[1].data, "bob", msg.part[1].len); /* nobody else gets through */
	memcpy(rid, msg.part[0].data, 6);
	answer(w, rid);
	expect_body(s, "x");
}

/* Two ways to end a member's open connection: DROP, and a roster without it. */
static void revokes(struct world *w, bool by_drop)
{
	struct world bob = *w;
	uint8_t row[(WIRE_CURVE + 1) * 2 + 5 + 3], rid[6];
	void *alice, *other;
	struct base_link_msg msg;
	struct wire_bytes dropped = {(const uint8_t *)"Dalice", 6};

	zmq_curve_keypair(bob.member_public, bob.member_secret);
	zmq_z85_decode(row, bob.member_public);
	memcpy(row + WIRE_CURVE, "\3bob", 4);
	memcpy(row + WIRE_CURVE + 4, w->member_key, WIRE_CURVE);
	memcpy(row + WIRE_CURVE + 4 + WIRE_CURVE, "\5alice", 6);
	alice = member(w, 0);
	say(alice, 0x0001, 1, "before");
	receive(w->request, &msg);
	assert_memory_equal(msg.part[1].data, "alice", 5);
	memcpy(rid, msg.part[0].data, 6);
	send_roster(w, row, sizeof row);
	answer(w, rid); /* the link keeps order: when this arrives, front has the roster and lets bob in */
	expect_body(alice, "x");
	other = member(&bob, 0);
	round_trip(w, other, 1);
	if (by_drop) assert_int_equal(base_link_send(w->request, &dropped, 1), ISAC_OK);
	else send_roster(w, row, WIRE_CURVE + 4);
	round_trip(w, other, 2); /* what core said before its reply has been read */
	for (uint8_t i = 0; i < 50; i++) {
		say(alice, 0x0001, i, "after");
		round_trip(w, other, i);
	}
	zmq_close(alice);
	zmq_close(other);
}

static void revokes_by_drop(void **state)
{
	revokes(*state, true);
}

static void revokes_by_roster(void **state)
{
	revokes(*state, false);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(forwards_and_answers, start, stop),
		cmocka_unit_test_setup_teardown(applies_the_frame_rules, start, stop),
		cmocka_unit_test_setup_teardown(fans_out_one_body, start, stop),
		cmocka_unit_test_setup_teardown(says_so_when_core_is_away, start, stop),
		cmocka_unit_test_setup_teardown(revokes_by_drop, start, stop),
		cmocka_unit_test_setup_teardown(revokes_by_roster, start, stop),
	};

	if (argc == 9) return alone(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
