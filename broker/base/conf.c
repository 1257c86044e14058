/*
 * Parameters: params.def is the only list. Parser, range check, sample file and manual come from its rows.
 *
 * A configuration is checked as a whole and never changes afterwards; processes of the hub get it
 * as the text that base_conf_print writes, so what it prints must read back to the same values.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"

enum kind { KIND_int, KIND_str, KIND_bool };
enum { STR_BYTES_MAX = 4096 };

/* A row's default is a number or a string; pick one by kind. */
#define INT_int(x) (x)
#define INT_bool(x) (x)
#define INT_str(x) 0
#define STR_int(x) NULL
#define STR_bool(x) NULL
#define STR_str(x) (x)

struct row {
	const char *name;
	enum kind kind;
	int64_t min, max, def_int;
	const char *def_str, *unit, *text;
};
static const struct row rows[] = {
#define PARAM(name, kind, min, max, def, unit, text) {#name, KIND_##kind, min, max, INT_##kind(def), STR_##kind(def), unit, text},
#include "params.def"
#undef PARAM
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

struct base_conf {
	int64_t ints[ROWS];
	char *strs[ROWS];
};

/* ---- checks of single strings ---- */
static bool is_level(const char *value)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], value) == 0) return true;
	return false;
}

static bool is_endpoint(const char *value)
{
	const char *host = value + 6, *colon;
	char *end;
	unsigned long port;

	if (strncmp(value, "tcp://", 6) != 0) return false;
	colon = strrchr(host, ':');
	if (!colon || colon == host || !isdigit((unsigned char)colon[1])) return false;
	port = strtoul(colon + 1, &end, 10);
	return !*end && port <= 65534 && end - colon <= 6; /* the feed port is one more */
}

static const struct {
	const char *name, *wanted;
	bool (*good)(const char *);
} checks[] = {
	{"listen", "tcp://HOST:PORT with a port up to 65534", is_endpoint},
	{"log_level", "debug, info, warn or error", is_level},
};

/* ---- life ---- */
void base_conf_destroy(struct base_conf **conf)
{
	if (!conf || !*conf) return;
	for (size_t i = 0; i < ROWS; i++) free((*conf)->strs[i]);
	free(*conf);
	*conf = NULL;
}

enum isac_err base_conf_new(struct base_conf **out)
{
	struct base_conf *conf = calloc(1, sizeof(*conf));

	if (!conf) return ISAC_ERR_NO_MEMORY;
	for (size_t i = 0; i < ROWS; i++) {
		conf->ints[i] = rows[i].def_int;
		if (rows[i].kind == KIND_str && !(conf->strs[i] = strdup(rows[i].def_str))) {
			base_conf_destroy(&conf);
			return ISAC_ERR_NO_MEMORY;
		}
	}
	*out = conf;
	return ISAC_OK;
}

/* ---- setting ---- */
static size_t find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0) return i;
	return ROWS;
}

static enum isac_err set_int(struct base_conf *conf, size_t i, const char *value, struct wire_why *why)
{
	const struct row *row = &rows[i];
	long long number;
	char *end;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (end == value || *end || errno || isspace((unsigned char)*value) || number < row->min || number > row->max)
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: expected a number from %lld to %lld%s%s", row->name, (long long)row->min,
				   (long long)row->max, *row->unit ? " in " : "", row->unit);
	conf->ints[i] = number;
	return ISAC_OK;
}

static enum isac_err set_bool(struct base_conf *conf, size_t i, const char *value, struct wire_why *why)
{
	static const struct {
		const char *word;
		bool is;
	} words[] = {
		{"true", true}, {"false", false}, {"yes", true}, {"no", false}, {"on", true}, {"off", false}, {"1", true}, {"0", false},
	};

	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
		if (strcmp(words[w].word, value) == 0) {
			conf->ints[i] = words[w].is;
			return ISAC_OK;
		}
	return wire_refuse(why, ISAC_ERR_CONFIG, "%s: expected true or false", rows[i].name);
}

static enum isac_err set_str(struct base_conf *conf, size_t i, const char *value, struct wire_why *why)
{
	char *copy;

	if (strlen(value) > STR_BYTES_MAX)
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: longer than %d bytes", rows[i].name, STR_BYTES_MAX);
	for (const char *p = value; *p; p++)
		if (iscntrl((unsigned char)*p) || *p == '"')
			return wire_refuse(why, ISAC_ERR_CONFIG, "%s: control characters and double quotes are not allowed", rows[i].name);
	for (size_t c = 0; c < sizeof(checks) / sizeof(checks[0]); c++)
		if (strcmp(checks[c].name, rows[i].name) == 0 && !checks[c].good(value))
			return wire_refuse(why, ISAC_ERR_CONFIG, "%s: expected %s", rows[i].name, checks[c].wanted);
	copy = strdup(value);
	if (!copy) return ISAC_ERR_NO_MEMORY;
	free(conf->strs[i]);
	conf->strs[i] = copy;
	return ISAC_OK;
}

enum isac_err base_conf_set(struct base_conf *conf, const char *name, const char *value, struct wire_why *why)
{
	static enum isac_err (*const set[])(struct base_conf *, size_t, const char *, struct wire_why *) = {
		[KIND_int] = set_int,
		[KIND_str] = set_str,
		[KIND_bool] = set_bool,
	};
	size_t i = find(name);

	if (i == ROWS) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: no such parameter; isacd print-config lists them", name);
	return set[rows[i].kind](conf, i, value, why);
}

/* ---- reading ---- */
static char *trim(char *text)
{
	size_t len;

	while (*text == ' ' || *text == '\t') text++;
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1])) text[--len] = '\0';
	return text;
}

/* The value: in double quotes as it stands, else up to a '#' that follows a blank. NULL: bad quotes. */
static char *value_of(char *text)
{
	char *end;

	if (*text != '"') {
		for (char *p = text; *p; p++)
			if (*p == '#' && (p == text || p[-1] == ' ' || p[-1] == '\t')) {
				*p = '\0';
				break;
			}
		return trim(text);
	}
	end = strchr(text + 1, '"');
	if (!end) return NULL;
	*end++ = '\0';
	end = trim(end);
	return *end && *end != '#' ? NULL : text + 1;
}

static enum isac_err read_line(struct base_conf *conf, char *line, struct wire_why *why)
{
	char *text = trim(line), *equals, *value;

	if (!*text || *text == '#') return ISAC_OK;
	equals = strchr(text, '=');
	if (!equals) return wire_refuse(why, ISAC_ERR_CONFIG, "expected: name = value");
	*equals = '\0';
	value = value_of(trim(equals + 1));
	if (!value) return wire_refuse(why, ISAC_ERR_CONFIG, "expected one value, or one in double quotes");
	return base_conf_set(conf, trim(text), value, why);
}

enum isac_err base_conf_read(struct base_conf *conf, const char *path, struct wire_why *why)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	enum isac_err err = ISAC_OK;
	ssize_t len;

	if (!in) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", path, strerror(errno));
	for (unsigned number = 1; !err && (len = getline(&line, &size, in)) >= 0; number++) {
		struct wire_why inner = {.text = ""};

		if (strlen(line) != (size_t)len) err = wire_refuse(&inner, ISAC_ERR_CONFIG, "a NUL byte");
		else err = read_line(conf, line, &inner);
		if (err) wire_refuse(why, err, "%s:%u: %s", path, number, inner.text);
	}
	if (!err && ferror(in)) err = wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", path, strerror(errno));
	free(line);
	fclose(in);
	return err;
}

/* ---- asking ---- */
int64_t base_conf_int(const struct base_conf *conf, const char *name)
{
	size_t i = find(name);

	assert(i < ROWS && rows[i].kind != KIND_str);
	return conf->ints[i];
}

const char *base_conf_str(const struct base_conf *conf, const char *name)
{
	size_t i = find(name);

	assert(i < ROWS && rows[i].kind == KIND_str);
	return conf->strs[i];
}

/* ---- printing ---- */
static void print_value(FILE *out, const struct row *row, int64_t number, const char *text)
{
	if (row->kind == KIND_int) fprintf(out, "%lld", (long long)number);
	else if (row->kind == KIND_bool) fputs(number ? "true" : "false", out);
	else if (!*text || strpbrk(text, " \t#")) fprintf(out, "\"%s\"", text);
	else fputs(text, out);
}

void base_conf_print(const struct base_conf *conf, FILE *out)
{
	fputs("# isacd.conf: a line that begins with # holds the default and is not needed.\n", out);
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];
		bool is_default = row->kind == KIND_str ? strcmp(conf->strs[i], row->def_str) == 0 : conf->ints[i] == row->def_int;

		fprintf(out, "\n# %s", row->text);
		if (row->kind == KIND_int) {
			fprintf(out, " %lld to %lld%s%s,", (long long)row->min, (long long)row->max, *row->unit ? " " : "", row->unit);
			fprintf(out, " default %lld.", (long long)row->def_int);
		}
		fprintf(out, "\n%s%s = ", is_default ? "#" : "", row->name);
		print_value(out, row, conf->ints[i], conf->strs[i]);
		fputc('\n', out);
	}
}
