/*
 * conf: isac-edge.conf. `name = value` lines whose names are rows of params.def, and three kinds of lines that may be repeated:
 *
 *	neighbour = 64501
 *	interface = eth1 faces 64501          # or: faces inside; with `in` or `out` at the end: a tap that carries one way
 *	capture = FILE.pcap faces 64501 in    # instead of interfaces, to fill the tables from capture files
 *
 * A border that is watched only in part gives wrong answers, so what does not fit together is an error with its line.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include "edge/priv.h"

enum kind { KIND_int, KIND_str };
enum { LINE_MAX_BYTES = 4096, WORDS_MAX = 8 };

#define INT_int(x) (x)
#define INT_str(x) 0
#define STR_int(x) NULL
#define STR_str(x) (x)
static const struct row {
	const char *name;
	enum kind kind;
	int64_t min, max, standard;
	const char *text;
	const char *unit;
	size_t at; /* in struct edge_conf */
} rows[] = {
#define PARAM(name, kind, min, max, standard, unit, text) \
	{#name, KIND_##kind, min, max, INT_##kind(standard), STR_##kind(standard), unit, offsetof(struct edge_conf, name)},
#include "params.def"
#undef PARAM
};
enum { ROWS = sizeof rows / sizeof *rows };

static int64_t *number_at(struct edge_conf *conf, const struct row *row)
{
	return (int64_t *)(void *)((char *)conf + row->at);
}

static char **text_at(struct edge_conf *conf, const struct row *row)
{
	return (char **)(void *)((char *)conf + row->at);
}

void edge_conf_clear(struct edge_conf *conf)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].kind == KIND_str) free(*text_at(conf, &rows[i]));
	free(conf->sources);
	*conf = (struct edge_conf){.sources = NULL};
}

/* ---- values ---- */
static enum isac_err parse_number(int64_t *out, const char *text, int64_t min, int64_t max, const char *what, const char *unit,
				  struct wire_why *why)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || n < min || n > max)
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: expected a number from %lld to %lld%s%s", what, (long long)min,
				   (long long)max, *unit ? " " : "", unit);
	*out = n;
	return ISAC_OK;
}

/* AS_TRANS stands for an AS that a router could not say; 65535 and 4294967295 are nobody's. RFC 6793, RFC 7300. */
static enum isac_err parse_as(uint32_t *out, const char *text, struct wire_why *why)
{
	int64_t n = 0;

	if (parse_number(&n, text, 1, 4294967294, "AS number", "", why)) return ISAC_ERR_CONFIG;
	if (n == 23456 || n == 65535) return wire_refuse(why, ISAC_ERR_CONFIG, "AS %lld is nobody's", (long long)n);
	*out = (uint32_t)n;
	return ISAC_OK;
}

/* A path is from the configuration's folder. */
static enum isac_err resolve(char out[EDGE_NAME_MAX + 1], const char *path, const char *conf_path, struct wire_why *why)
{
	const char *slash = strrchr(conf_path, '/');
	char folder[PATH_MAX];
	int n;

	if (*path == '/') {
		n = snprintf(out, EDGE_NAME_MAX + 1, "%s", path);
	} else {
		snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - conf_path) + 1 : 1, slash ? conf_path : ".");
		char *real = realpath(folder, NULL);

		if (!real) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", folder, strerror(errno));
		n = snprintf(out, EDGE_NAME_MAX + 1, "%s/%s", real, path);
		free(real);
	}
	return n > 0 && n <= EDGE_NAME_MAX ? ISAC_OK : wire_refuse(why, ISAC_ERR_CONFIG, "a path of more than %d bytes", EDGE_NAME_MAX);
}

static enum isac_err set_text(struct edge_conf *conf, const struct row *row, const char *value, const char *conf_path, struct wire_why *why)
{
	char path[EDGE_NAME_MAX + 1];
	char **at = text_at(conf, row);

	if ((int64_t)strlen(value) < row->min || (int64_t)strlen(value) > row->max)
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: expected %lld to %lld characters", row->name, (long long)row->min,
				   (long long)row->max);
	if (at == &conf->table && strcmp(value, "bloom") != 0 && strcmp(value, "exact") != 0)
		return wire_refuse(why, ISAC_ERR_CONFIG, "table: expected bloom or exact");
	if (at == &conf->data || at == &conf->epoch_key) {
		if (resolve(path, value, conf_path, why)) return ISAC_ERR_CONFIG;
		value = path;
	}
	free(*at);
	*at = strdup(value);
	return *at ? ISAC_OK : ISAC_ERR_NO_MEMORY;
}

/* ---- lines of their own ---- */
static enum isac_err add_neighbour(struct edge_conf *conf, const char *value, struct wire_why *why)
{
	uint32_t as = 0;

	if (parse_as(&as, value, why)) return ISAC_ERR_CONFIG;
	for (size_t i = 0; i < conf->neighbours_n; i++)
		if (conf->neighbours[i] == as) return wire_refuse(why, ISAC_ERR_CONFIG, "AS %u is a neighbour already", as);
	if (conf->neighbours_n == EDGE_NEIGHBOURS_MAX)
		return wire_refuse(why, ISAC_ERR_CONFIG, "more than %d neighbours", EDGE_NEIGHBOURS_MAX);
	conf->neighbours[conf->neighbours_n++] = as;
	return ISAC_OK;
}

/* NAME faces AS|inside [in|out] */
static enum isac_err parse_source(struct edge_source *out, char *value, bool file, struct wire_why *why)
{
	static const char *const wanted[] = {
		"expected: NAME faces AS, or NAME faces inside; `in` or `out` after it if it carries one way only",
		"expected: FILE faces AS in, or out; or FILE faces inside"};
	char *word[WORDS_MAX] = {NULL}, *rest = value, *one;
	size_t n = 0;

	while ((one = strsep(&rest, " \t")))
		if (*one && n < WORDS_MAX) word[n++] = one;
	if (n < 3 || n > 4 || strcmp(word[1], "faces") != 0) return wire_refuse(why, ISAC_ERR_CONFIG, "%s", wanted[file]);
	*out = (struct edge_source){.file = file};
	if (strlen(word[0]) >= (file ? sizeof out->name : IF_NAMESIZE))
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: too long a name", word[0]);
	snprintf(out->name, sizeof out->name, "%s", word[0]);
	if (strcmp(word[2], "inside") != 0 && parse_as(&out->as, word[2], why)) return ISAC_ERR_CONFIG;
	if (n == 4 && strcmp(word[3], "in") == 0) out->side = EDGE_SIDE_IN;
	else if (n == 4 && strcmp(word[3], "out") == 0) out->side = EDGE_SIDE_OUT;
	else if (n == 4 || (file && out->as)) return wire_refuse(why, ISAC_ERR_CONFIG, "%s", wanted[file]);
	return ISAC_OK;
}

static enum isac_err add_source(struct edge_conf *conf, char *value, bool file, const char *conf_path, unsigned line, struct wire_why *why)
{
	struct edge_source source = {.name = ""}, *more;
	char path[EDGE_NAME_MAX + 1];

	if (parse_source(&source, value, file, why)) return ISAC_ERR_CONFIG;
	source.line = line;
	if (file) {
		if (resolve(path, source.name, conf_path, why)) return ISAC_ERR_CONFIG;
		memcpy(source.name, path, sizeof path);
	} else if (!if_nametoindex(source.name)) {
		return wire_refuse(why, ISAC_ERR_CONFIG, "there is no interface %s here; `ip link` lists them", source.name);
	}
	for (size_t i = 0; i < conf->sources_n; i++) {
		if (strcmp(conf->sources[i].name, source.name) == 0)
			return wire_refuse(why, ISAC_ERR_CONFIG, "%s stands on line %u already", source.name, conf->sources[i].line);
		if (conf->sources[i].file != file) return wire_refuse(why, ISAC_ERR_CONFIG, "either interfaces or capture files, not both");
	}
	if (conf->sources_n == EDGE_SOURCES_MAX)
		return wire_refuse(why, ISAC_ERR_CONFIG, "more than %d interfaces or files", EDGE_SOURCES_MAX);
	more = realloc(conf->sources, (conf->sources_n + 1) * sizeof *more);
	if (!more) return ISAC_ERR_NO_MEMORY;
	conf->sources = more;
	conf->sources[conf->sources_n++] = source;
	return ISAC_OK;
}

/* ---- the file ---- */
static char *trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text)) text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1])) text[--len] = 0;
	return text;
}

static enum isac_err set(struct edge_conf *conf, bool given[ROWS], const char *name, char *value, const char *path, unsigned line,
			 struct wire_why *why)
{
	if (strcmp(name, "neighbour") == 0) return add_neighbour(conf, value, why);
	if (strcmp(name, "interface") == 0) return add_source(conf, value, false, path, line, why);
	if (strcmp(name, "capture") == 0) return add_source(conf, value, true, path, line, why);
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, name) != 0) continue;
		if (given[i]) return wire_refuse(why, ISAC_ERR_CONFIG, "%s is given twice", name);
		given[i] = true;
		if (rows[i].kind == KIND_str) return set_text(conf, &rows[i], value, path, why);
		if (strcmp(name, "own_as") == 0) {
			uint32_t as = 0;
			const enum isac_err err = parse_as(&as, value, why);

			conf->own_as = as;
			return err;
		}
		return parse_number(number_at(conf, &rows[i]), value, rows[i].min, rows[i].max, name, rows[i].unit, why);
	}
	return wire_refuse(why, ISAC_ERR_CONFIG, "there is no setting '%s'; see isac-edge(1)", name);
}

static enum isac_err read_line(struct edge_conf *conf, bool given[ROWS], char *text, const char *path, unsigned line, struct wire_why *why)
{
	char *equals;

	for (char *p = text; *p; p++)
		if (*p == '#' && (p == text || isspace((unsigned char)p[-1]))) {
			*p = 0;
			break;
		}
	text = trim(text);
	if (!*text) return ISAC_OK;
	equals = strchr(text, '=');
	if (!equals) return wire_refuse(why, ISAC_ERR_CONFIG, "expected: name = value");
	*equals = 0;
	return set(conf, given, trim(text), trim(equals + 1), path, line, why);
}

/* ---- does it fit together? ---- */
static bool is_neighbour(const struct edge_conf *conf, uint32_t as)
{
	for (size_t i = 0; i < conf->neighbours_n; i++)
		if (conf->neighbours[i] == as) return true;
	return false;
}

static bool is_watched(const struct edge_conf *conf, uint32_t as, enum edge_side side)
{
	for (size_t i = 0; i < conf->sources_n; i++)
		if (conf->sources[i].as == as && (conf->sources[i].side == side || conf->sources[i].side == EDGE_SIDE_ALL)) return true;
	return false;
}

static enum isac_err check_sources(struct edge_conf *conf, const char *path, struct wire_why *why)
{
	for (size_t i = 0; i < conf->sources_n; i++) {
		struct edge_source *s = &conf->sources[i];

		if (!s->as) s->as = (uint32_t)conf->own_as;
		else if (s->as == conf->own_as)
			return wire_refuse(why, ISAC_ERR_CONFIG, "%s:%u: AS %u is our own: write `faces inside`", path, s->line, s->as);
		else if (!is_neighbour(conf, s->as))
			return wire_refuse(why, ISAC_ERR_CONFIG, "%s:%u: AS %u is no neighbour: add the line `neighbour = %u`", path,
					   s->line, s->as, s->as);
	}
	return ISAC_OK;
}

static enum isac_err check(struct edge_conf *conf, const char *path, struct wire_why *why)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].kind == KIND_str ? !**text_at(conf, &rows[i]) : *number_at(conf, &rows[i]) < rows[i].min)
			return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s is not given", path, rows[i].name);
	if (check_sources(conf, path, why)) return ISAC_ERR_CONFIG;
	if (is_neighbour(conf, (uint32_t)conf->own_as))
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: AS %u is our own and no neighbour", path, (unsigned)conf->own_as);
	if (!conf->neighbours_n) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: there is no line `neighbour = AS`", path);
	for (size_t i = 0; i < conf->neighbours_n; i++) {
		const uint32_t as = conf->neighbours[i];

		if (!is_watched(conf, as, EDGE_SIDE_IN) || !is_watched(conf, as, EDGE_SIDE_OUT))
			return wire_refuse(why, ISAC_ERR_CONFIG,
					   "%s: nothing watches what %s AS %u, so nobody could be told a Source: add an interface", path,
					   is_watched(conf, as, EDGE_SIDE_IN) ? "goes out to" : "comes in from", as);
		conf->slots[conf->slots_n++] = (struct edge_slot){as, EDGE_IN};
		conf->slots[conf->slots_n++] = (struct edge_slot){as, EDGE_OUT};
	}
	for (size_t i = 0; i < conf->sources_n; i++)
		if (conf->sources[i].as == conf->own_as) {
			conf->slots[conf->slots_n++] = (struct edge_slot){(uint32_t)conf->own_as, EDGE_INSIDE};
			break;
		}
	return ISAC_OK;
}

static enum isac_err defaults(struct edge_conf *conf)
{
	*conf = (struct edge_conf){.sources = NULL};
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].kind == KIND_int) *number_at(conf, &rows[i]) = rows[i].standard;
		else if (!(*text_at(conf, &rows[i]) = strdup(rows[i].text))) return ISAC_ERR_NO_MEMORY;
	}
	return ISAC_OK;
}

enum isac_err edge_conf_read(struct edge_conf *out, const char *path, struct wire_why *why)
{
	bool given[ROWS] = {false};
	char line[LINE_MAX_BYTES];
	unsigned number = 0;
	enum isac_err err = defaults(out);
	FILE *in = fopen(path, "re");

	if (!in) err = wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", path, strerror(errno));
	while (!err && fgets(line, sizeof line, in)) {
		struct wire_why inner = {.text = ""};

		number++;
		if (!strchr(line, '\n') && !feof(in))
			err = wire_refuse(&inner, ISAC_ERR_CONFIG, "a line of %d bytes or more", LINE_MAX_BYTES);
		else err = read_line(out, given, line, path, number, &inner);
		if (err) wire_refuse(why, err, "%s:%u: %s", path, number, inner.text);
	}
	if (in) fclose(in);
	if (!err) err = check(out, path, why);
	if (err) edge_conf_clear(out);
	return err;
}

/* ---- asking ---- */
size_t edge_conf_slot(const struct edge_conf *conf, uint32_t as, enum edge_way way)
{
	size_t i = 0;

	while (i < conf->slots_n && (conf->slots[i].as != as || (conf->slots[i].way != way && conf->slots[i].way != EDGE_INSIDE))) i++;
	return i;
}

enum edge_kind edge_conf_kind(const struct edge_conf *conf)
{
	return strcmp(conf->table, "exact") == 0 ? EDGE_EXACT : EDGE_BLOOM;
}

uint64_t edge_conf_page_packets(const struct edge_conf *conf)
{
	return (uint64_t)conf->rate * EDGE_PAGE_S;
}
