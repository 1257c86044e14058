/*
 * Differential test: 60,000 random frames of every link layer, built by Python (oracle.py) from parts whose key is known while they
 * are put together, and cut anywhere. The seed is fixed, so that a failure can be repeated; ISAC_TEST_SEED gives another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "edge/edge.h"

enum { FRAME_MAX = 4096, ROWS = 60000 };

static pid_t start(FILE **out)
{
	const char *seed = getenv("ISAC_TEST_SEED");
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fd[1], STDOUT_FILENO);
		close(fd[0]);
		close(fd[1]);
		execlp("python3", "python3", TEST_SOURCE_DIR "/tests/unit/edge/oracle.py", seed ? seed : "1", "60000", (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	*out = fdopen(fd[0], "r");
	assert_non_null(*out);
	return pid;
}

/* An exact copy on the heap, so that a sanitizer sees a read past its end. */
static enum edge_fault open_exactly(char got[2 * EDGE_KEY + 1], const char **what, int link, const char *hex,
				    const struct edge_epoch *epoch)
{
	const size_t len = strlen(hex) / 2;
	uint8_t *frame = malloc(len ? len : 1), key[EDGE_KEY];
	struct edge_packet packet;
	struct edge_digest digest;
	enum edge_fault fault;

	assert_non_null(frame);
	assert_true(len <= FRAME_MAX);
	assert_int_equal(wire_unhex(frame, len, hex, 2 * len), ISAC_OK);
	fault = edge_packet_open(&packet, link, frame, len);
	*what = edge_fault_name(fault);
	snprintf(got, 2 * EDGE_KEY + 1, "-");
	if (!fault) {
		edge_digest_make(&digest, &packet);
		edge_digest_key(key, epoch, &digest);
		wire_hex(got, key, sizeof key);
		*what = edge_profile_name(digest.profile);
	}
	free(frame);
	return fault;
}

static void keys_are_as_python_says(void **state)
{
	unsigned rows = 0, wrong = 0, count[3] = {0};
	char *line = NULL, got[2 * EDGE_KEY + 1];
	struct edge_epoch epoch;
	uint8_t secret[EDGE_EPOCH_KEY];
	size_t size = 0;
	int status;
	FILE *out;
	pid_t pid;

	(void)state;
	for (unsigned i = 0; i < sizeof secret; i++) secret[i] = (uint8_t)i;
	edge_epoch_init(&epoch, secret);
	pid = start(&out);
	while (getline(&line, &size, out) > 0) {
		char *field[4], *rest = line;
		const char *what;

		line[strcspn(line, "\n")] = 0;
		for (int i = 0; i < 4; i++) {
			field[i] = strsep(&rest, "\t");
			assert_non_null(field[i]);
		}
		open_exactly(got, &what, (int)strtol(field[0], NULL, 10), field[1], &epoch);
		rows++;
		count[field[2][0] == 's' ? 0 : field[2][1] == '2' ? 1 : 2]++;
		if (strcmp(what, field[2]) == 0 && strcmp(got, field[3]) == 0) continue;
		if (wrong++ < 10)
			print_error("link %s frame %s: oracle says %s %s, we %s %s\n", field[0], field[1], field[2], field[3], what, got);
	}
	free(line);
	fclose(out);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(rows, ROWS);
	for (int i = 0; i < 3; i++) assert_true(count[i] > ROWS / 20); /* else the generator tests little */
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(keys_are_as_python_says)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
