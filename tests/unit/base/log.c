/* An event is a line whatever it holds; a flood is counted; times and names are as written here by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>
#include "base/base.h"

static char text[16384];

/* What fn wrote on stderr. */
static const char *capture(void (*fn)(void))
{
	int pipe_fd[2], saved = dup(STDERR_FILENO);
	ssize_t len;

	assert_int_equal(pipe(pipe_fd), 0);
	dup2(pipe_fd[1], STDERR_FILENO);
	close(pipe_fd[1]);
	fn();
	dup2(saved, STDERR_FILENO);
	close(saved);
	len = read(pipe_fd[0], text, sizeof(text) - 1);
	close(pipe_fd[0]);
	text[len > 0 ? len : 0] = '\0';
	return text;
}

static void plain(void)
{
	base_log(BASE_LOG_INFO, "report.rejected", "member=%s code=%d", "alice", 401);
}
static void hostile(void)
{
	base_log(BASE_LOG_WARN, "x", "v=a\nb\x7f\xc2\x85\xff\xc3\xa9\xe2\x82\xac\xed\xa0\x80\xc0\xaf");
}
static void quiet(void)
{
	base_log(BASE_LOG_DEBUG, "x", "hidden");
}
static void huge(void)
{
	char big[6000];

	memset(big, '\x01', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	base_log(BASE_LOG_ERROR, "x", "%s", big);
}
static void flood(void)
{
	for (int i = 0; i < 1000; i++) base_log_limited(3, BASE_LOG_WARN, "flood", "i=%d", i);
}

static void test_lines(void **state)
{
	(void)state;
	base_log_init("core", BASE_LOG_INFO);
	base_clock_fix(1795377600123456); /* 2026-11-22T20:00:00.123456Z by date -d */
	assert_string_equal(capture(plain), "2026-11-22T20:00:00.123456Z info core event=report.rejected member=alice code=401\n");
	/* A newline, DEL, a C1 control, a stray byte; then two good characters; then a surrogate and an overlong slash. */
	assert_string_equal(capture(hostile),
			    "2026-11-22T20:00:00.123456Z warn core event=x v=a\\x0ab\\x7f\\xc2\\x85\\xff\xc3\xa9\xe2\x82\xac"
			    "\\xed\\xa0\\x80\\xc0\\xaf\n");
	assert_string_equal(capture(quiet), "");
	base_clock_fix(0);
}

static void test_huge_is_cut(void **state)
{
	const char *line;

	(void)state;
	line = capture(huge);
	assert_true(strlen(line) <= 4096);
	assert_string_equal(line + strlen(line) - 4, "...\n");
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

/* All calls fall into one second or two: three lines each at most, and never a thousand. */
static void test_flood(void **state)
{
	int lines = 0;

	(void)state;
	for (const char *p = capture(flood); (p = strchr(p, '\n')) != NULL; p++) lines++;
	assert_in_range(lines, 3, 6);
	assert_non_null(strstr(text, "event=flood i=0\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_huge_is_cut), cmocka_unit_test(test_flood)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
