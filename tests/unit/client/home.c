/* A home: made once, never overwritten, read only if it is private and whole. */
#include "home.h"
#include <sys/stat.h>

static struct test_home at;

static int begin(void **state)
{
	(void)state;
	test_home_begin(&at);
	test_home_keygen(&at);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	test_home_end(&at);
	return 0;
}

static const char *in_home(const char *name)
{
	static char path[200];
	snprintf(path, sizeof path, "%s/%s", at.home, name);
	return path;
}

static unsigned mode_of(const char *name)
{
	struct stat st;
	assert_int_equal(stat(in_home(name), &st), 0);
	return st.st_mode & 0777;
}

/* Opens, expecting a refusal whose text holds `text`. */
static void refuses(const char *hub, const char *text)
{
	struct isac *isac = NULL;
	struct isac_error err;
	assert_int_equal(isac_open(&isac, at.home, hub, 100, &err), ISAC_MISUSED);
	assert_null(isac);
	if (!strstr(err.text, text)) fail_msg("'%s' does not say '%s'", err.text, text);
}

static void a_new_home_is_private_and_opens(void **state)
{
	(void)state;
	assert_int_equal(mode_of(""), 0700);
	assert_int_equal(mode_of("sign.key"), 0600);
	assert_int_equal(mode_of("curve.key"), 0600);
	struct isac *isac = test_home_open(&at, 100);
	assert_string_equal(isac_name(isac), "bob");
	assert_string_equal(isac_hub_id(isac), at.hub.hub_id);
	assert_string_equal(isac_hub_address(isac), "tcp://127.0.0.1:7400");
	isac_close(&isac);
	assert_null(isac);
	isac_close(&isac);
}

static void keys_are_never_overwritten(void **state)
{
	(void)state;
	char key_id[17];
	struct isac_error err;
	struct isac_keygen conf = {.home = at.home, .hub_bundle_path = at.bundle, .name = "bob"};
	assert_int_equal(isac_keygen(&conf, key_id, &err), ISAC_REFUSED);
	assert_non_null(strstr(err.text, "never overwritten"));
	struct isac *isac = test_home_open(&at, 100);
	isac_close(&isac);
}

static void names_and_bundles_are_checked(void **state)
{
	(void)state;
	char key_id[17], other[200];
	struct isac_error err;
	snprintf(other, sizeof other, "%s/other", at.dir);
	struct isac_keygen conf = {.home = other, .hub_bundle_path = at.bundle, .name = "Bob"};
	assert_int_equal(isac_keygen(&conf, key_id, &err), ISAC_MISUSED);
	conf.name = "bob";
	conf.hub_bundle_path = in_home("member.pub");
	assert_int_equal(isac_keygen(&conf, key_id, &err), ISAC_MISUSED);
	conf.hub_bundle_path = at.bundle;
	conf.hub = "http://127.0.0.1:7400";
	assert_int_equal(isac_keygen(&conf, key_id, &err), ISAC_MISUSED);
	assert_int_not_equal(access(other, F_OK), 0);
}

static void a_key_that_others_can_read_is_refused(void **state)
{
	(void)state;
	assert_int_equal(chmod(in_home("sign.key"), 0640), 0);
	refuses(NULL, "chmod 600");
}

static void a_key_behind_a_link_is_refused(void **state)
{
	(void)state;
	char moved[220];
	snprintf(moved, sizeof moved, "%s/moved.key", at.dir);
	assert_int_equal(rename(in_home("curve.key"), moved), 0);
	assert_int_equal(symlink(moved, in_home("curve.key")), 0);
	refuses(NULL, "curve.key");
}

static void a_damaged_key_is_refused(void **state)
{
	(void)state;
	test_write(in_home("sign.key"), "0123\n", 5);
	refuses(NULL, "64 hex digits");
}

static void a_key_of_someone_else_is_refused(void **state)
{
	(void)state;
	char hex[66];
	memset(hex, 'a', 64);
	hex[64] = '\n';
	test_write(in_home("sign.key"), hex, 65);
	refuses(NULL, "is not the key of");
}

static void addresses_are_checked(void **state)
{
	(void)state;
	static const char *const wrong[] = {"tcp://",
					    "tcp://host",
					    "tcp://:7400",
					    "tcp://host:0",
					    "tcp://host:65535",
					    "tcp://host:74x",
					    "ipc:///tmp/x",
					    "tcp://host:+7400",
					    "tcp://a;b:7400",
					    "host:7400",
					    ""};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) refuses(wrong[i], "is not an address");
	struct isac *isac = NULL;
	assert_int_equal(isac_open(&isac, at.home, "tcp://[::1]:7400", 100, NULL), ISAC_DONE);
	isac_close(&isac);
}

static void a_missing_home_says_how_to_make_one(void **state)
{
	(void)state;
	struct isac *isac = NULL;
	struct isac_error err;
	assert_int_equal(isac_open(&isac, "/nonexistent/home", NULL, 100, &err), ISAC_MISUSED);
	assert_non_null(strstr(err.text, "keygen"));
}

static void an_absent_hub_is_unreachable(void **state)
{
	(void)state;
	struct isac *isac = NULL;
	struct isac_error err;
	const struct isac_status *status;
	/* Port 1 of loopback: nobody answers there. */
	assert_int_equal(isac_open(&isac, at.home, "tcp://127.0.0.1:1", 50, &err), ISAC_DONE);
	assert_int_equal(isac_status(&status, isac, &err), ISAC_UNREACHABLE);
	assert_non_null(strstr(err.text, "is the hub up"));
	isac_close(&isac);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_home_is_private_and_opens, begin, finish),
		cmocka_unit_test_setup_teardown(keys_are_never_overwritten, begin, finish),
		cmocka_unit_test_setup_teardown(names_and_bundles_are_checked, begin, finish),
		cmocka_unit_test_setup_teardown(a_key_that_others_can_read_is_refused, begin, finish),
		cmocka_unit_test_setup_teardown(a_key_behind_a_link_is_refused, begin, finish),
		cmocka_unit_test_setup_teardown(a_damaged_key_is_refused, begin, finish),
		cmocka_unit_test_setup_teardown(a_key_of_someone_else_is_refused, begin, finish),
		cmocka_unit_test_setup_teardown(addresses_are_checked, begin, finish),
		cmocka_unit_test_setup_teardown(a_missing_home_says_how_to_make_one, begin, finish),
		cmocka_unit_test_setup_teardown(an_absent_hub_is_unreachable, begin, finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
