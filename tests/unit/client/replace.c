/* A file gets new content in one step, or stays as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>
#include <dirent.h>
#include <cmocka.h>
#include "cli.h"

static char folder[64], path[128], link_path[128];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/isac-replace-XXXXXX");
	if (!mkdtemp(folder)) return -1;
	snprintf(path, sizeof path, "%s/file", folder);
	snprintf(link_path, sizeof link_path, "%s/link", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	unlink(link_path);
	return rmdir(folder); /* fails if anything was left beside */
}

static void put(const char *text)
{
	FILE *out = fopen(path, "we");
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static void expect_file(const char *text)
{
	char found[64] = "";
	FILE *in = fopen(path, "re");
	assert_non_null(in);
	assert_true(fread(found, 1, sizeof found - 1, in) < sizeof found);
	fclose(in);
	assert_string_equal(found, text);
}

static void through_a_link_and_with_the_old_mode(void **state)
{
	(void)state;
	struct cli_replace r;
	struct stat before, after;
	put("old");
	assert_int_equal(chmod(path, 0604), 0);
	assert_int_equal(symlink("file", link_path), 0);
	assert_int_equal(stat(path, &before), 0);
	assert_true(cli_replace_open(&r, link_path));
	fputs("new", r.out);
	fflush(r.out);
	expect_file("old"); /* until it is whole */
	assert_true(cli_replace_commit(&r));
	expect_file("new");
	assert_int_equal(lstat(link_path, &after), 0);
	assert_true(S_ISLNK(after.st_mode));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mode & 07777, 0604);
	assert_int_not_equal(after.st_ino, before.st_ino);
}

static void a_new_file_is_as_the_umask_says(void **state)
{
	(void)state;
	struct cli_replace r;
	struct stat st;
	mode_t mask = umask(027);
	assert_true(cli_replace_open(&r, path));
	assert_true(cli_replace_commit(&r));
	umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void what_breaks_off_changes_nothing(void **state)
{
	(void)state;
	struct cli_replace r;
	put("old");
	assert_true(cli_replace_open(&r, path));
	fputs("half", r.out);
	cli_replace_abort(&r);
	cli_replace_abort(&r);
	expect_file("old");
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), real = dup(STDERR_FILENO);
	assert_true(null >= 0 && real >= 0 && dup2(null, STDERR_FILENO) >= 0);
	bool device = cli_replace_open(&r, "/dev/null"), nowhere = cli_replace_open(&r, "/tmp/isac-there-is-no-such-folder/x");
	assert_true(cli_replace_open(&r, path));
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC); /* a disk that is full */
	assert_true(full >= 0 && dup2(full, fileno(r.out)) >= 0);
	fputs("does not fit", r.out);
	bool committed = cli_replace_commit(&r);
	assert_true(dup2(real, STDERR_FILENO) >= 0);
	close(null);
	close(real);
	close(full);
	assert_false(device || nowhere || committed);
	expect_file("old");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(through_a_link_and_with_the_old_mode, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_new_file_is_as_the_umask_says, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(what_breaks_off_changes_nothing, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
