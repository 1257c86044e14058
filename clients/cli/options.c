/*
 * options: rows of tables become getopt_long's arrays; what was given is kept as name and value, and asked for by name.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

enum { OPTS_MAX = 64, FIRST_CODE = 256 };

const struct cli_opt cli_common[] = {
	{"home", 0, "DIR", "the member's folder (default: $ISAC_HOME, then ~/.config/isac)"},
	{"hub", 0, "tcp://HOST:PORT", "the hub's address (default: the one kept in the home)"},
	{"timeout", 0, "SECONDS", "how long to wait for the hub (default 10)"},
	{"json", 'j', NULL, "one JSON object a line on stdout"},
	{"help", 'h', NULL, "this text"},
	{NULL, 0, NULL, NULL},
};

struct table {
	struct option rows[OPTS_MAX];
	const struct cli_opt *from[OPTS_MAX];
	int n;
	char letters[2 * OPTS_MAX + 2];
};

static void add(struct table *t, const struct cli_opt *opts)
{
	for (; opts && opts->name && t->n < OPTS_MAX - 1; opts++) {
		t->rows[t->n] = (struct option){opts->name, opts->arg ? required_argument : no_argument, NULL, FIRST_CODE + t->n};
		t->from[t->n++] = opts;
		if (!opts->letter) continue;
		size_t len = strlen(t->letters);
		t->letters[len++] = opts->letter;
		if (opts->arg) t->letters[len++] = ':';
		t->letters[len] = 0;
	}
}

static const struct cli_opt *row_of(const struct table *t, int code)
{
	if (code >= FIRST_CODE && code < FIRST_CODE + t->n) return t->from[code - FIRST_CODE];
	for (int i = 0; i < t->n; i++)
		if (t->from[i]->letter == code) return t->from[i];
	return NULL;
}

static bool keep(struct cli *cli, const char *name, const char *value)
{
	struct cli_value *more = realloc(cli->values, (cli->n + 1) * sizeof *more);
	if (!more) return false;
	cli->values = more;
	cli->values[cli->n++] = (struct cli_value){name, value ? value : ""};
	return true;
}

int cli_options_parse(struct cli *cli, const struct cli_opt *own, int argc, char **argv, bool stop_at_word, int *next)
{
	struct table t = {.n = 0, .letters = ""};
	if (stop_at_word) t.letters[0] = '+';
	add(&t, own);
	add(&t, cli_common);
	optind = 0; /* glibc: begin anew */
	int code;
	while ((code = getopt_long(argc, argv, t.letters, t.rows, NULL)) != -1) {
		const struct cli_opt *row = row_of(&t, code);
		if (!row) return EXIT_USAGE; /* getopt has said why */
		if (!keep(cli, row->name, row->arg ? optarg : NULL)) return EXIT_REFUSED;
	}
	cli->words = argv + optind;
	cli->words_n = argc - optind;
	if (next) *next = optind;
	return 0;
}

void cli_options_clear(struct cli *cli)
{
	free(cli->values);
	free(cli->home);
	cli->values = NULL;
	cli->home = NULL;
	cli->n = 0;
}

const char *cli_options_get(const struct cli *cli, const char *name)
{
	for (size_t i = cli->n; i-- > 0;)
		if (strcmp(cli->values[i].name, name) == 0) return cli->values[i].value;
	return NULL;
}

bool cli_options_flag(const struct cli *cli, const char *name)
{
	return cli_options_get(cli, name) != NULL;
}

char **cli_options_list(const struct cli *cli, const char *name, size_t *n)
{
	char **list = NULL;
	*n = 0;
	for (size_t i = 0; i < cli->n; i++) {
		if (strcmp(cli->values[i].name, name) != 0) continue;
		for (const char *p = cli->values[i].value; *p;) {
			size_t len = strcspn(p, ",");
			char **more = len ? realloc(list, (*n + 2) * sizeof *more) : list;
			if (len && more) {
				list = more;
				list[*n] = strndup(p, len);
				if (list[*n]) ++*n;
				list[*n] = NULL;
			}
			p += len + (p[len] == ',');
		}
	}
	return list;
}

void cli_options_free_list(char **list)
{
	for (char **p = list; p && *p; p++) free(*p);
	free(list);
}

bool cli_options_number(const struct cli *cli, const char *name, long long min, long long max, long long *out)
{
	const char *text = cli_options_get(cli, name);
	if (!text) return true;
	char *end;
	long long v = strtoll(text, &end, 10);
	if (*end || end == text || v < min || v > max) {
		cli_usage(cli, "--%s is a whole number from %lld to %lld, not '%s'", name, min, max, text);
		return false;
	}
	*out = v;
	return true;
}

const char *cli_options_home(struct cli *cli)
{
	const char *given = cli_options_get(cli, "home"), *config = getenv("XDG_CONFIG_HOME"), *user = getenv("HOME");
	if (!given) given = getenv("ISAC_HOME");
	if (given && *given) return given;
	if (cli->home) return cli->home;
	int n = config && *config ? asprintf(&cli->home, "%s/isac", config) : asprintf(&cli->home, "%s/.config/isac", user ? user : "");
	if (n < 0) cli->home = NULL;
	return cli->home ? cli->home : ".";
}

int cli_options_timeout_ms(const struct cli *cli)
{
	const char *text = cli_options_get(cli, "timeout");
	if (!text) return 10000;
	char *end;
	double seconds = strtod(text, &end);
	if (*end || end == text || !(seconds > 0) || seconds > 86400) {
		cli_usage(cli, "--timeout is a number of seconds, not '%s'", text);
		return -1;
	}
	return seconds < 0.001 ? 1 : (int)(seconds * 1000);
}

bool cli_options_time(const struct cli *cli, const char *name, int64_t *us)
{
	const char *text = cli_options_get(cli, name);
	int64_t span;
	if (!text || cli_time_parse(us, text)) return true;
	if (cli_time_span(&span, text)) {
		*us = cli_time_now_us() - span;
		return true;
	}
	cli_usage(cli, "--%s is a time like 2026-01-31T12:00:00Z or an age like 7d, not '%s'", name, text);
	return false;
}
