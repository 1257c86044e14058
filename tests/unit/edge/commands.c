/* The table of commands is whole: help, manual and completion know every command, option and setting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "edge/priv.h"

enum { TEXT_MAX = 1 << 17 };
static const char *const settings[] = {
#define PARAM(name, kind, min, max, standard, unit, text) #name,
#include "edge/params.def"
#undef PARAM
	"neighbour",
	"interface",
	"capture",
};

static char *file(const char *path)
{
	char full[400], *text = calloc(1, TEXT_MAX);
	FILE *in;

	snprintf(full, sizeof full, "%s/%s", TEST_SOURCE_DIR, path);
	in = fopen(full, "re");
	if (!in) fail_msg("%s is missing", full);
	assert_non_null(text);
	assert_true(fread(text, 1, TEXT_MAX - 1, in) > 0);
	fclose(in);
	return text;
}

/* In the manual every '-' of a word is written "\-". */
static void says(const char *text, const char *path, const char *word, bool manual)
{
	char wanted[80];
	size_t n = 0;

	for (const char *p = word; *p; p++) n += (size_t)snprintf(wanted + n, sizeof wanted - n, manual && *p == '-' ? "\\-" : "%c", *p);
	if (!strstr(text, wanted)) fail_msg("%s does not know %s", path, word);
}

static void manual_and_completion_know_all(void **state)
{
	static const char *const paths[] = {"clients/man/isac-edge.1", "clients/completion/isac-edge.bash",
					    "clients/completion/_isac-edge"};
	char option[40];

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		char *text = file(paths[i]);

		for (const struct edge_command *c = edge_commands; c->name; c++) {
			says(text, paths[i], c->name, i == 0);
			for (const struct edge_option *o = c->options; o->name; o++) {
				snprintf(option, sizeof option, "--%s", o->name);
				says(text, paths[i], option, i == 0);
			}
		}
		for (size_t s = 0; i == 0 && s < sizeof settings / sizeof *settings; s++) says(text, paths[i], settings[s], false);
		free(text);
	}
}

static void every_row_is_whole(void **state)
{
	(void)state;
	for (const struct edge_command *c = edge_commands; c->name; c++) {
		assert_non_null(c->run);
		assert_true(*c->text && *c->more && strstr(c->example, "isac-edge ") && c->example[strlen(c->example) - 1] == '\n');
		for (const struct edge_option *o = c->options; o->name; o++) {
			assert_true(*o->text);
			for (const struct edge_option *p = c->options; p != o; p++) assert_string_not_equal(p->name, o->name);
		}
	}
}

static void options_are_found_by_name(void **state)
{
	static char name[] = "lookup", data[] = "--data=a", again[] = "--data", b[] = "b", json[] = "--json", word[] = "word",
		    wrong[] = "--nonsense";
	char *good[] = {name, data, word, again, b, json, NULL}, *bad[] = {name, wrong, NULL};
	const struct edge_command *lookup = edge_commands;
	struct edge_args args;

	(void)state;
	while (strcmp(lookup->name, "lookup") != 0) lookup++;
	assert_int_equal(edge_args_parse(&args, lookup, 6, good), 0);
	assert_string_equal(edge_args_get(&args, "data"), "b");
	assert_non_null(edge_args_get(&args, "json"));
	assert_null(edge_args_get(&args, "key"));
	assert_int_equal(args.words_n, 1);
	assert_string_equal(args.words[0], "word");
	assert_int_equal(edge_args_parse(&args, lookup, 2, bad), EDGE_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(manual_and_completion_know_all),
		cmocka_unit_test(options_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
