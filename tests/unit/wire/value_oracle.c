/*
 * Differential test: 40,000 random addresses and networks, judged by wire_value_canon and by Python's ipaddress (value_oracle.py).
 * The seed is fixed, so that a failure can be repeated; ISAC_TEST_SEED gives another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "wire/wire.h"

enum { TEXT_MAX = 256, ROWS_LEAST = 30000 };

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
		execlp("python3", "python3", TEST_SOURCE_DIR "/tests/unit/wire/value_oracle.py", seed ? seed : "1", "40000", (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	*out = fdopen(fd[0], "r");
	assert_non_null(*out);
	return pid;
}

/* One line of the oracle; true if we agree with it. */
static bool agree(char *line, struct wire_arena *arena)
{
	char *field[5], *rest = line, text[TEXT_MAX];
	struct wire_value value;
	enum isac_err err;
	size_t len;

	line[strcspn(line, "\n")] = 0;
	for (int i = 0; i < 5; i++) {
		field[i] = strsep(&rest, "\t");
		assert_non_null(field[i]);
	}
	len = strlen(field[4]) / 2;
	assert_true(len <= sizeof(text));
	assert_int_equal(wire_unhex((uint8_t *)text, len, field[4], 2 * len), ISAC_OK);
	err = wire_value_canon(&value, wire_value_type(field[0], strlen(field[0])), text, len, arena, NULL);
	if (strcmp(field[1], "refuse") == 0 ? err == ISAC_ERR_BAD_VALUE
					    : !err && strcmp(wire_value_name(value.type), field[2]) == 0 &&
						      strcmp(value.text, field[3]) == 0 && value.held == (field[1][0] == 'h'))
		return true;
	print_error("%s \"%.*s\": oracle says %s %s\n", field[0], (int)len, text, field[1], field[3]);
	return false;
}

static void addresses_are_as_ipaddress_says(void **state)
{
	unsigned rows = 0, wrong = 0, accepted = 0;
	char line[2048];
	struct wire_arena arena;
	int status;
	FILE *out;
	pid_t pid;

	(void)state;
	assert_int_equal(wire_init(), ISAC_OK);
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	pid = start(&out);
	while (fgets(line, sizeof(line), out)) {
		rows++;
		accepted += !strstr(line, "refuse");
		wrong += !agree(line, &arena);
		wire_arena_reset(&arena);
	}
	fclose(out);
	wire_arena_clear(&arena);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(rows >= ROWS_LEAST);
	assert_true(accepted >= rows / 10); /* else the generator tests nothing but refusals */
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(addresses_are_as_ipaddress_says)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
