/*
 * The signer over its socket, in a child. Key, hub id and signature are from an independent implementation:
 * seed 00 01 .. 1f; python3-nacl and hashlib by README section 4 (see the comment at each value).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "signer/signer.h"

/* sha256(public key)[:8].hex() */
#define HUB_ID "56475aa75463474c"
/* signature over b"isac1 7 receipt 16 " + HUB_ID + b" 36 " + b"\x11" * 32 + b"\x00\x00\x00\x05" */
static const char signature_hex[] = "59f749a7a5d7314110b2f34cc98610ede774a23ef32c939027f389a91fdfbb13"
				    "dfb24969987171e6b04454b5ee200f5fa80de94919b92f88a23c8fbe7d4d5f00";

static char dir[] = "/tmp/isac-signer-XXXXXX", socket_path[64], key_path[64];
static pid_t child;
static int ready_fd;

static void put_key(mode_t mode)
{
	int fd = open(key_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	static const char seed[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

	assert_int_equal(write(fd, seed, sizeof(seed) - 1), sizeof(seed) - 1);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void start(const char *hub_id)
{
	int pipe_fd[2];

	assert_int_equal(pipe(pipe_fd), 0);
	child = fork();
	if (child == 0) {
		const struct signer_conf conf = {
			.socket_path = socket_path, .key_path = key_path, .hub_id = hub_id, .ready_fd = pipe_fd[1]};

		close(pipe_fd[0]);
		_exit((int)signer_run(&conf));
	}
	close(pipe_fd[1]);
	ready_fd = pipe_fd[0];
}

static int finish(void)
{
	int status = 0;

	close(ready_fd);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void wait_ready(void)
{
	char line[8] = "";

	assert_int_equal(read(ready_fd, line, sizeof(line)), 6);
	assert_memory_equal(line, "ready\n", 6);
}

static enum isac_err receive(struct base_link *link, struct base_link_msg *msg)
{
	enum isac_err err;

	while ((err = base_link_recv(link, msg)) == ISAC_ERR_AGAIN) {
		struct pollfd p = {.fd = base_link_fd(link), .events = POLLIN};

		if (poll(&p, 1, 20000) != 1) return ISAC_ERR_TOO_SLOW;
	}
	return err;
}

static enum isac_err ask(struct base_link *link, char kind, size_t root_len)
{
	uint8_t head[9] = {(uint8_t)kind, 0, 0, 0, 0, 0, 0, 0, 77}, root[33], size[4] = {0, 0, 0, 5};
	const struct wire_bytes parts[3] = {{head, 9}, {root, root_len}, {size, 4}};

	memset(root, 0x11, sizeof(root));
	return base_link_send(link, parts, 3);
}

static void check_answer(struct base_link *link)
{
	uint8_t wanted[WIRE_SIGNATURE];
	struct base_link_msg msg;

	assert_int_equal(wire_unhex(wanted, sizeof(wanted), signature_hex, strlen(signature_hex)), ISAC_OK);
	assert_int_equal(ask(link, 'S', 32), ISAC_OK);
	assert_int_equal(receive(link, &msg), ISAC_OK);
	assert_int_equal(msg.parts, 2);
	assert_int_equal(msg.part[0].len, 9);
	assert_int_equal(msg.part[0].data[0], 'S');
	assert_int_equal(wire_get_u64(msg.part[0].data + 1), 77);
	assert_int_equal(msg.part[1].len, WIRE_SIGNATURE);
	assert_memory_equal(msg.part[1].data, wanted, WIRE_SIGNATURE);
}

static void test_signs(void **state)
{
	struct base_link *first = NULL, *second = NULL;
	struct base_link_msg msg;

	(void)state;
	put_key(0600);
	start(HUB_ID);
	wait_ready();
	assert_int_equal(base_link_connect(&first, socket_path, 65536, 65536), ISAC_OK);
	assert_int_equal(base_link_connect(&second, socket_path, 65536, 65536), ISAC_OK);
	check_answer(first);
	check_answer(second);
	/* Anything else than a request ends that connection, and only that one. */
	assert_int_equal(ask(first, 'S', 33), ISAC_OK);
	assert_int_equal(receive(first, &msg), ISAC_ERR_CLOSED);
	check_answer(second);
	assert_int_equal(ask(second, 'X', 32), ISAC_OK);
	assert_int_equal(receive(second, &msg), ISAC_ERR_CLOSED);
	base_link_destroy(&first);
	base_link_destroy(&second);
	/* A core that comes back, more often than there are places. */
	for (int i = 0; i < 40; i++) {
		assert_int_equal(base_link_connect(&first, socket_path, 65536, 65536), ISAC_OK);
		check_answer(first);
		base_link_destroy(&first);
	}
	kill(child, SIGTERM);
	assert_int_equal(finish(), ISAC_OK);
}

static void test_refuses_key(void **state)
{
	(void)state;
	put_key(0644);
	start(HUB_ID);
	assert_int_equal(finish(), ISAC_ERR_CONFIG);
	put_key(0600);
	start("0000000000000000");
	assert_int_equal(finish(), ISAC_ERR_CONFIG);
	unlink(key_path);
	start(HUB_ID);
	assert_int_equal(finish(), ISAC_ERR_CONFIG);
}

static int make(void **state)
{
	(void)state;
	if (!mkdtemp(dir)) return -1;
	snprintf(socket_path, sizeof(socket_path), "%s/s", dir);
	snprintf(key_path, sizeof(key_path), "%s/k", dir);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	unlink(socket_path);
	unlink(key_path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_signs), cmocka_unit_test(test_refuses_key)};

	return cmocka_run_group_tests(tests, make, clean);
}
