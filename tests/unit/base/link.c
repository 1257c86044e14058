/* Messages of parts: wire form, bounds, hostile lengths, a full socket, many senders, and no lost wake-up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/base.h"

enum { QUEUE_MAX = 256 * 1024, MSG_MAX = 100000 };

static char dir[] = "/tmp/isac-link-XXXXXX", path[64];
static int listen_fd;
static struct base_link *left, *right;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir)) return -1;
	snprintf(path, sizeof(path), "%s/s", dir);
	return base_link_listen(&listen_fd, path) || base_link_connect(&left, path, QUEUE_MAX, MSG_MAX) ||
	       base_link_accept(&right, listen_fd, QUEUE_MAX, MSG_MAX);
}

static int teardown(void **state)
{
	(void)state;
	base_link_destroy(&left);
	base_link_destroy(&right);
	close(listen_fd);
	unlink(path);
	rmdir(dir);
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	return 0;
}

static struct wire_bytes bytes(const char *text)
{
	return (struct wire_bytes){(const uint8_t *)text, strlen(text)};
}

static bool wait_link(const struct base_link *link)
{
	struct pollfd p = {.fd = base_link_fd(link), .events = POLLIN};

	return poll(&p, 1, 20000) == 1;
}

static enum isac_err recv_wait(struct base_link *link, struct base_link_msg *msg)
{
	enum isac_err err;

	while ((err = base_link_recv(link, msg)) == ISAC_ERR_AGAIN)
		if (!wait_link(link)) return ISAC_ERR_TOO_SLOW;
	return err;
}

/* A plain socket beside the library, to see and make bytes. */
static int raw(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void test_wire_form(void **state)
{
	/* 4 length, 1 count, 2 x 4 lengths, "ab", "" : total = 1 + 8 + 2 = 11 */
	static const uint8_t wanted[15] = {0, 0, 0, 11, 2, 0, 0, 0, 2, 0, 0, 0, 0, 'a', 'b'};
	const struct wire_bytes parts[2] = {bytes("ab"), {NULL, 0}};
	struct base_link *link = NULL;
	uint8_t got[32];
	int fd = raw();
	struct stat st;

	(void)state;
	assert_int_equal(base_link_accept(&link, listen_fd, QUEUE_MAX, MSG_MAX), ISAC_OK);
	assert_int_equal(base_link_send(link, parts, 2), ISAC_OK);
	assert_int_equal(read(fd, got, sizeof(got)), sizeof(wanted));
	assert_memory_equal(got, wanted, sizeof(wanted));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close(fd);
	base_link_destroy(&link);
	assert_int_equal(base_link_accept(&link, listen_fd, QUEUE_MAX, MSG_MAX), ISAC_ERR_AGAIN);
}

static void test_messages(void **state)
{
	const struct wire_bytes parts[3] = {bytes("one"), bytes(""), bytes("three")};
	struct base_link_msg msg;

	(void)state;
	assert_int_equal(base_link_recv(right, &msg), ISAC_ERR_AGAIN);
	for (int i = 0; i < 3; i++) assert_int_equal(base_link_send(left, parts, 3), ISAC_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(base_link_recv(right, &msg), ISAC_OK);
		assert_int_equal(msg.parts, 3);
		assert_int_equal(msg.part[0].len, 3);
		assert_memory_equal(msg.part[0].data, "one", 3);
		assert_int_equal(msg.part[1].len, 0);
		assert_memory_equal(msg.part[2].data, "three", 5);
	}
	assert_int_equal(base_link_recv(right, &msg), ISAC_ERR_AGAIN);
	base_link_destroy(&left);
	assert_true(wait_link(right));
	assert_int_equal(base_link_recv(right, &msg), ISAC_ERR_CLOSED);
	assert_int_equal(base_link_send(right, parts, 3), ISAC_ERR_CLOSED);
}

static void test_hostile_lengths(void **state)
{
	static const struct {
		uint8_t bytes[16];
		size_t len;
	} bad[] = {
		{{0, 0, 0, 1, 0}, 5},				    /* no parts */
		{{0, 0, 0, 41, 9}, 5},				    /* nine parts */
		{{0, 0, 0, 4, 1, 0, 0, 0, 0}, 9},		    /* shorter than its own lengths */
		{{0xff, 0xff, 0xff, 0xff, 1}, 5},		    /* longer than any message */
		{{0, 0, 0, 7, 1, 0, 0, 0, 1, 'a', 'b'}, 11},	    /* a byte that belongs to no part */
		{{0, 0, 0, 6, 1, 0xff, 0xff, 0xff, 0xff, 'a'}, 10}, /* a part beyond the message */
	};
	struct base_link_msg msg;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct base_link *link = NULL;
		int fd = raw();

		assert_int_equal(base_link_accept(&link, listen_fd, QUEUE_MAX, MSG_MAX), ISAC_OK);
		assert_int_equal(write(fd, bad[i].bytes, bad[i].len), bad[i].len);
		assert_int_equal(recv_wait(link, &msg), ISAC_ERR_CLOSED);
		assert_int_equal(base_link_recv(link, &msg), ISAC_ERR_CLOSED);
		close(fd);
		base_link_destroy(&link);
	}
}

static void test_size_bound(void **state)
{
	uint8_t *big = calloc(1, QUEUE_MAX + 1);
	const struct wire_bytes fits = {big, MSG_MAX}, over = {big, QUEUE_MAX + 1};
	const struct wire_bytes two[2] = {{big, QUEUE_MAX}, {big, 1}};
	struct base_link_msg msg;

	(void)state;
	big[MSG_MAX - 1] = 7;
	assert_int_equal(base_link_send(left, &over, 1), ISAC_ERR_TOO_LARGE);
	assert_int_equal(base_link_send(left, two, 2), ISAC_ERR_TOO_LARGE);
	assert_int_equal(base_link_send(left, &fits, 1), ISAC_OK);
	assert_int_equal(recv_wait(right, &msg), ISAC_OK);
	assert_int_equal(msg.part[0].len, MSG_MAX);
	assert_int_equal(msg.part[0].data[MSG_MAX - 1], 7);
	free(big);
}

/* What one end may send is not bounded by what it takes itself: core's pages are larger than front's requests. */
static void test_ends_have_their_own_bounds(void **state)
{
	uint8_t *big = calloc(1, MSG_MAX);
	const struct wire_bytes part = {big, MSG_MAX}, more = {big, 101};
	struct base_link *narrow = NULL, *wide = NULL;
	struct base_link_msg msg;

	(void)state;
	assert_int_equal(base_link_connect(&wide, path, QUEUE_MAX, MSG_MAX), ISAC_OK);
	assert_int_equal(base_link_accept(&narrow, listen_fd, QUEUE_MAX, 100), ISAC_OK);
	assert_int_equal(base_link_send(narrow, &part, 1), ISAC_OK);
	assert_int_equal(recv_wait(wide, &msg), ISAC_OK);
	assert_int_equal(msg.part[0].len, MSG_MAX);
	assert_int_equal(base_link_send(wide, &more, 1), ISAC_OK);
	assert_int_equal(recv_wait(narrow, &msg), ISAC_ERR_CLOSED);
	base_link_destroy(&wide);
	base_link_destroy(&narrow);
	free(big);
}

/* Until the peer reads nothing fits any more; then all that was taken arrives, in order, and nothing else. */
static void test_full_queue(void **state)
{
	uint32_t sent = 0, got = 0;
	uint8_t body[1000] = {0};
	struct wire_bytes part = {body, sizeof(body)};
	struct base_link_msg msg;
	enum isac_err err;

	(void)state;
	for (;;) {
		wire_put_u32(body, sent);
		err = base_link_send(left, &part, 1);
		if (err) break;
		sent++;
	}
	assert_int_equal(err, ISAC_ERR_FULL);
	assert_true(sent * sizeof(body) >= QUEUE_MAX - sizeof(body) - 9);
	assert_int_equal(base_link_events(left), POLLIN | POLLOUT);
	while (got < sent) {
		err = base_link_recv(right, &msg);
		if (err == ISAC_ERR_AGAIN) {
			assert_true(wait_link(left)); /* it can be written: the descriptor says so */
			assert_int_equal(base_link_recv(left, &msg), ISAC_ERR_AGAIN);
			continue;
		}
		assert_int_equal(err, ISAC_OK);
		assert_int_equal(wire_get_u32(msg.part[0].data), got);
		got++;
	}
	assert_int_equal(base_link_events(left), POLLIN);
	assert_int_equal(base_link_flush(left), ISAC_OK);
}

enum { SENDERS = 3, EACH = 3000 };

static void *send_many(void *arg)
{
	uint8_t *body = calloc(1, 5000);

	body[0] = (uint8_t)(uintptr_t)arg;
	for (uint32_t i = 0; i < EACH; i++) {
		const struct wire_bytes parts[2] = {{body, 1 + 4}, {body, (i * 37) % 5000}};

		wire_put_u32(body + 1, i);
		while (base_link_send(left, parts, 2) == ISAC_ERR_FULL) poll(NULL, 0, 0);
	}
	free(body);
	return NULL;
}

/* The owner of the sending end: sleeps on its descriptor only, and must be woken whenever another thread queues. */
static void *own_left(void *arg)
{
	struct base_link_msg msg;

	(void)arg;
	for (;;) {
		struct pollfd p = {.fd = base_link_fd(left), .events = POLLIN};
		enum isac_err err;

		poll(&p, 1, -1);
		while ((err = base_link_recv(left, &msg)) == ISAC_OK)
			;
		if (err != ISAC_ERR_AGAIN) return NULL;
	}
}

static void test_many_senders(void **state)
{
	pthread_t threads[SENDERS], owner;
	uint32_t next[SENDERS] = {0};
	struct base_link_msg msg;

	(void)state;
	assert_int_equal(pthread_create(&owner, NULL, own_left, NULL), 0);
	for (uintptr_t i = 0; i < SENDERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, send_many, (void *)i), 0);
	for (unsigned n = 0; n < SENDERS * EACH; n++) {
		uint32_t sender, number;

		assert_int_equal(recv_wait(right, &msg), ISAC_OK);
		sender = msg.part[0].data[0];
		number = wire_get_u32(msg.part[0].data + 1);
		assert_true(sender < SENDERS);
		assert_int_equal(number, next[sender]++);
		assert_int_equal(msg.part[1].len, (number * 37) % 5000);
	}
	for (size_t i = 0; i < SENDERS; i++) pthread_join(threads[i], NULL);
	base_link_destroy(&right); /* ends the owner */
	pthread_join(owner, NULL);
}

static void test_paths(void **state)
{
	char *too_long = calloc(1, 200);
	struct base_link *link = NULL;
	char absent[80];
	int fd = -1;

	(void)state;
	memset(too_long, 'x', 199);
	assert_int_equal(base_link_listen(&fd, too_long), ISAC_ERR_CONFIG);
	assert_int_equal(base_link_connect(&link, too_long, 1, 1), ISAC_ERR_CONFIG);
	snprintf(absent, sizeof(absent), "%s/absent", dir);
	assert_int_equal(base_link_connect(&link, absent, 1, 1), ISAC_ERR_AGAIN);
	close(listen_fd); /* a socket file nobody listens on any more is replaced */
	assert_int_equal(base_link_connect(&link, path, 1, 1), ISAC_ERR_AGAIN);
	assert_int_equal(base_link_listen(&listen_fd, path), ISAC_OK);
	free(too_long);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wire_form, setup, teardown),
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_size_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends_have_their_own_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_senders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
