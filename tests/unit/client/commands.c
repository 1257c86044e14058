/* The table of commands is whole: found by its words, with help, a manual page and completion for every command and option. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "cli.h"

static char *file(const char *path)
{
	char full[400];
	snprintf(full, sizeof full, "%s/%s", TEST_SOURCE_DIR, path);
	FILE *in = fopen(full, "re");
	if (!in) fail_msg("%s is missing", full);
	char *text = calloc(1, 1 << 18);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 18) - 1, in) > 0);
	fclose(in);
	return text;
}

/* What is said to people is not what these tests are about. */
static int mute(void)
{
	int real = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_true(real >= 0 && nowhere >= 0 && dup2(nowhere, STDERR_FILENO) >= 0);
	close(nowhere);
	return real;
}

static void unmute(int real)
{
	assert_true(dup2(real, STDERR_FILENO) >= 0);
	close(real);
}

static void every_row_is_whole(void **state)
{
	(void)state;
	for (const struct cli_command *c = cli_commands; c->name; c++) {
		assert_non_null(c->run);
		assert_true(*c->text && strstr(c->example, "isac ") && c->example[strlen(c->example) - 1] == '\n');
		for (const struct cli_opt *o = c->opts; o && o->name; o++) {
			assert_true(*o->text);
			for (const struct cli_opt *common = cli_common; common->name; common++) {
				assert_string_not_equal(o->name, common->name);
				if (o->letter) assert_int_not_equal(o->letter, common->letter);
			}
			for (const struct cli_opt *p = c->opts; p != o; p++) assert_false(o->letter && p->letter == o->letter);
		}
	}
}

static void commands_are_found_by_their_words(void **state)
{
	(void)state;
	static char admin[] = "admin", member[] = "member", add[] = "add", path[] = "x.pub", publish[] = "publish", ad[] = "ad";
	char *good[] = {admin, member, add, path}, *half[] = {admin, member}, *other[] = {publish, path}, *part[] = {ad};
	int words;
	assert_string_equal(cli_commands_find(4, good, &words)->name, "admin member add");
	assert_int_equal(words, 3);
	assert_string_equal(cli_commands_find(2, other, &words)->name, "publish");
	assert_int_equal(words, 1);
	assert_null(cli_commands_find(2, half, &words));
	assert_null(cli_commands_find(1, part, &words));
	assert_null(cli_commands_find(0, NULL, &words));
}

static void options_are_kept_in_order(void **state)
{
	(void)state;
	static char name[] = "publish", tlp[] = "--tlp", green[] = "green", red[] = "--tlp=red", tags[] = "--tag=a,b", tag[] = "--tag",
		    c[] = "c,,", word[] = "list.csv", json[] = "-j", dashes[] = "--", last[] = "--flush";
	char *argv[] = {name, tlp, green, word, red, tags, tag, c, json, dashes, last, NULL};
	struct cli cli = {.values = NULL};
	size_t n;
	assert_int_equal(cli_options_parse(&cli, cmd_publish_opts, 11, argv, false, NULL), 0);
	assert_string_equal(cli_options_get(&cli, "tlp"), "red");
	assert_true(cli_options_flag(&cli, "json"));
	assert_false(cli_options_flag(&cli, "flush"));
	assert_int_equal(cli.words_n, 2);
	assert_string_equal(cli.words[0], "list.csv");
	assert_string_equal(cli.words[1], "--flush");
	char **list = cli_options_list(&cli, "tag", &n);
	assert_int_equal(n, 3);
	assert_string_equal(list[0], "a");
	assert_string_equal(list[1], "b");
	assert_string_equal(list[2], "c");
	cli_options_free_list(list);
	assert_null(cli_options_list(&cli, "group", &n));
	cli_options_clear(&cli);
}

static void numbers_have_ranges(void **state)
{
	(void)state;
	static char name[] = "query", limit[] = "--limit";
	static char texts[][8] = {"0", "5", "6", "-1", "x", "5x", ""};
	static const bool good[] = {true, true, false, false, false, false, false};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		char *argv[] = {name, limit, texts[i], NULL};
		struct cli cli = {.values = NULL};
		long long v = 3;
		assert_int_equal(cli_options_parse(&cli, cmd_query_opts, 3, argv, false, NULL), 0);
		int real = mute();
		bool taken = cli_options_number(&cli, "limit", 0, 5, &v);
		unmute(real);
		assert_int_equal(taken, good[i]);
		if (!good[i]) assert_int_equal(v, 3);
		cli_options_clear(&cli);
	}
}

static void the_home_is_chosen_in_order(void **state)
{
	(void)state;
	static char name[] = "status", home[] = "--home=/a";
	char *argv[] = {name, home, NULL};
	struct cli given = {.values = NULL}, none = {.values = NULL};
	assert_int_equal(cli_options_parse(&given, NULL, 2, argv, false, NULL), 0);
	setenv("ISAC_HOME", "/b", 1);
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", "/c", 1);
	assert_string_equal(cli_options_home(&given), "/a");
	assert_string_equal(cli_options_home(&none), "/b");
	unsetenv("ISAC_HOME");
	assert_string_equal(cli_options_home(&none), "/c/.config/isac");
	cli_options_clear(&none);
	setenv("XDG_CONFIG_HOME", "/d", 1);
	assert_string_equal(cli_options_home(&none), "/d/isac");
	cli_options_clear(&none);
	cli_options_clear(&given);
}

static void wrong_usage_is_2(void **state)
{
	(void)state;
	static char isac[] = "isac";
	static char words[][3][24] = {{"frobnicate", "", ""},
				      {"admin", "", ""},
				      {"admin", "member", ""},
				      {"publish", "", ""},
				      {"publish", "--tlp", "purple"},
				      {"publish", "--tlp=red", "--nonsense"},
				      {"subscribe", "--format", "rpz"}, /* for ever, on stdout */
				      {"subscribe", "words", ""},
				      {"query", "a", "b"},
				      {"publish", "--tlp=red", "--format=stix"},
				      {"publish", "--tlp=red", "--type=x"},
				      {"keygen", "", ""},
				      {"help", "frobnicate", ""}};
	int real = mute();
	int status[sizeof words / sizeof words[0]];
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		char *argv[5] = {isac, NULL};
		int argc = 1;
		for (size_t j = 0; j < 3 && *words[i][j]; j++) argv[argc++] = words[i][j];
		status[i] = cli_commands_main(argc, argv);
	}
	unmute(real);
	for (size_t i = 0; i < sizeof status / sizeof status[0]; i++)
		if (status[i] != EXIT_USAGE) fail_msg("`isac %s %s %s` gives %d", words[i][0], words[i][1], words[i][2], status[i]);
}

/* Every command's words and every option stand in the text. */
static void says_all(const char *path, const char *option_mark)
{
	char *text = file(path), mark[80], name[80];
	for (const struct cli_command *c = cli_commands; c->name; c++) {
		snprintf(name, sizeof name, "%s", c->name);
		char *rest = name, *word;
		while ((word = strsep(&rest, " ")))
			if (!strstr(text, word)) fail_msg("%s does not know %s", path, c->name);
		for (const struct cli_opt *o = c->opts; o && o->name; o++) {
			snprintf(mark, sizeof mark, "%s%s", option_mark, o->name);
			if (!strstr(text, mark)) fail_msg("%s does not know --%s of %s", path, o->name, c->name);
		}
	}
	free(text);
}

static void completion_knows_all(void **state)
{
	(void)state;
	says_all("clients/completion/isac.bash", "--");
	says_all("clients/completion/_isac", "--");
}

static void the_manual_knows_all(void **state)
{
	(void)state;
	char path[120];
	for (const struct cli_command *c = cli_commands; c->name; c++) {
		snprintf(path, sizeof path, "clients/man/isac%s%.*s.1", strcmp(c->name, "help") == 0 ? "" : "-",
			 strcmp(c->name, "help") == 0 ? 0 : (int)strcspn(c->name, " "), c->name);
		char *text = file(path), quoted[80];
		for (const struct cli_opt *o = c->opts; o && o->name; o++) {
			size_t n = (size_t)snprintf(quoted, sizeof quoted, "\\-\\-");
			for (const char *p = o->name; *p; p++)
				n += (size_t)snprintf(quoted + n, sizeof quoted - n, *p == '-' ? "\\-" : "%c", *p);
			if (!strstr(text, quoted)) fail_msg("%s does not know --%s", path, o->name);
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),	       cmocka_unit_test(commands_are_found_by_their_words),
		cmocka_unit_test(options_are_kept_in_order),   cmocka_unit_test(numbers_have_ranges),
		cmocka_unit_test(the_home_is_chosen_in_order), cmocka_unit_test(completion_knows_all),
		cmocka_unit_test(the_manual_knows_all),	       cmocka_unit_test(wrong_usage_is_2),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
