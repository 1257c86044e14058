/* Defaults of params.def, lines good and bad, and printing that reads back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/base.h"

static char path[] = "/tmp/isac-conf-XXXXXX";

static enum isac_err read_text(struct base_conf *conf, const char *body, size_t len, struct wire_why *why)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(body, 1, len, out), len);
	fclose(out);
	*why = (struct wire_why){.text = ""};
	return base_conf_read(conf, path, why);
}

static int setup(void **state)
{
	struct base_conf *conf = NULL;
	int fd = mkstemp(path);

	if (fd < 0 || base_conf_new(&conf)) return -1;
	close(fd);
	*state = conf;
	return 0;
}

static int teardown(void **state)
{
	struct base_conf *conf = *state;

	base_conf_destroy(&conf);
	unlink(path);
	memcpy(path + strlen(path) - 6, "XXXXXX", 6);
	return 0;
}

static void test_defaults(void **state)
{
	assert_string_equal(base_conf_str(*state, "listen"), "tcp://127.0.0.1:7400");
	assert_int_equal(base_conf_int(*state, "commit_reports_max"), 256);
	assert_int_equal(base_conf_int(*state, "sandbox"), 1);
}

static void test_good_lines(void **state)
{
	static const char body[] = "# a comment\n\n  verifiers=3   # trailing\nlisten = tcp://[::1]:9000\n"
				   "database = \"host=/x password=a#b\" # quoted\r\nsandbox = off\nuser = a#b\n";
	struct wire_why why;

	assert_int_equal(read_text(*state, body, sizeof(body) - 1, &why), ISAC_OK);
	assert_int_equal(base_conf_int(*state, "verifiers"), 3);
	assert_string_equal(base_conf_str(*state, "listen"), "tcp://[::1]:9000");
	assert_string_equal(base_conf_str(*state, "database"), "host=/x password=a#b");
	assert_string_equal(base_conf_str(*state, "user"), "a#b");
	assert_int_equal(base_conf_int(*state, "sandbox"), 0);
}

static void test_bad_lines(void **state)
{
	static const struct {
		const char *line, *says;
	} bad[] = {
		{"nonsense", "expected: name = value"},
		{"no_such = 1", "no such parameter"},
		{"verifiers = 65", "from 0 to 64"},
		{"verifiers = -1", "from 0 to 64"},
		{"verifiers = 1x", "from 0 to 64"},
		{"verifiers = 99999999999999999999", "from 0 to 64"},
		{"verifiers =", "from 0 to 64"},
		{"sandbox = maybe", "true or false"},
		{"log_level = loud", "debug, info, warn or error"},
		{"listen = 127.0.0.1:7400", "tcp://HOST:PORT"},
		{"listen = tcp://127.0.0.1:65535", "tcp://HOST:PORT"},
		{"listen = tcp://:7400", "tcp://HOST:PORT"},
		{"database = \"open", "double quotes"},
		{"database = \"a\" b", "double quotes"},
		{"database = a\tb\x01", "control characters"},
	};
	char body[200];
	struct wire_why why;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int len = snprintf(body, sizeof(body), "# first line\n%s\n", bad[i].line);

		assert_int_equal(read_text(*state, body, (size_t)len, &why), ISAC_ERR_CONFIG);
		assert_non_null(strstr(why.text, ":2: "));
		if (!strstr(why.text, bad[i].says)) fail_msg("%s gave: %s", bad[i].line, why.text);
	}
	assert_int_equal(read_text(*state, "verifiers\0= 1\n", 14, &why), ISAC_ERR_CONFIG);
	assert_int_equal(base_conf_read(*state, "/nonexistent/x", &why), ISAC_ERR_CONFIG);
	assert_int_equal(base_conf_int(*state, "verifiers"), 1);
}

static void test_prints_back(void **state)
{
	struct base_conf *again = NULL;
	struct wire_why why;
	char *first = NULL, *second = NULL;
	size_t len;
	FILE *out = open_memstream(&first, &len);

	assert_int_equal(base_conf_set(*state, "database", "host=a b=c # d", &why), ISAC_OK);
	assert_int_equal(base_conf_set(*state, "query_queue_max", "7", &why), ISAC_OK);
	assert_int_equal(base_conf_set(*state, "sandbox", "no", &why), ISAC_OK);
	base_conf_print(*state, out);
	fclose(out);
	assert_non_null(strstr(first, "\n#verifiers = 1\n"));
	assert_non_null(strstr(first, "\nquery_queue_max = 7\n"));
	assert_int_equal(base_conf_new(&again), ISAC_OK);
	assert_int_equal(read_text(again, first, len, &why), ISAC_OK);
	assert_string_equal(base_conf_str(again, "database"), "host=a b=c # d");
	out = open_memstream(&second, &len);
	base_conf_print(again, out);
	fclose(out);
	assert_string_equal(first, second);
	free(first);
	free(second);
	base_conf_destroy(&again);
	base_conf_destroy(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_good_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prints_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
