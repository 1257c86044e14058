/* A key file is read if it is private and whole, and refused in words otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/base.h"

static char path[] = "/tmp/isac-secret-XXXXXX";

static void put(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void test_read(void **state)
{
	static const uint8_t wanted[4] = {0x00, 0xff, 0x12, 0xab};
	uint8_t out[4] = {0};
	struct wire_why why;

	(void)state;
	put("00ff12ab\n", 0600);
	assert_int_equal(base_secret_read(path, out, 4, &why), ISAC_OK);
	assert_memory_equal(out, wanted, 4);
	put("00FF12ab", 0400);
	assert_int_equal(base_secret_read(path, out, 4, &why), ISAC_OK);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says;
		mode_t mode;
	} bad[] = {
		{"00ff12ab\n", "0640", 0640},		{"00ff12ab\n", "0602", 0602},	      {"00ff12\n", "8 hex digits", 0600},
		{"00ff12abcd\n", "8 hex digits", 0600}, {"00ff12ag\n", "8 hex digits", 0600}, {"", "8 hex digits", 0600},
		{"00ff12ab\n\n", "8 hex digits", 0600},
	};
	uint8_t out[4];
	struct wire_why why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(bad[i].text, bad[i].mode);
		assert_int_equal(base_secret_read(path, out, 4, &why), ISAC_ERR_CONFIG);
		assert_non_null(strstr(why.text, bad[i].says));
	}
	if (geteuid() == 0) {
		put("00ff12ab\n", 0600);
		assert_int_equal(chown(path, 12345, 0), 0);
		assert_int_equal(base_secret_read(path, out, 4, &why), ISAC_ERR_CONFIG);
		assert_non_null(strstr(why.text, "12345"));
	}
	unlink(path);
	assert_int_equal(base_secret_read(path, out, 4, &why), ISAC_ERR_CONFIG);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(base_secret_read(path, out, 4, &why), ISAC_ERR_CONFIG);
}

static int make(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int clean(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests(tests, make, clean);
}
