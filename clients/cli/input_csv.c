/*
 * input_csv: rows by libcsv (RFC 4180 quoting), columns by their names in a header row that people write in many ways. A column
 * named after a type ("domain", "md5") holds values of that type. A file without a header is read as value, type, description
 * if its first cell can only be a value. A cell with several hashes of one file ("sha256,sha1,md5") is several indicators.
 */
#include <csv.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cli.h"
#include "input.h"

enum { COLUMNS_MAX = 64 };

struct column {
	enum input_field field;
	const char *type;
};

struct input_csv {
	struct csv_parser parser;
	const struct input_conf *conf;
	const struct input_sink *sink;
	struct column column[COLUMNS_MAX];
	size_t columns;
	bool has_header;
	char *text; /* the row's cells, each with its NUL */
	size_t text_len, text_cap;
	size_t cell[COLUMNS_MAX];
	size_t cells;
	unsigned number, row_number; /* of the line being read; where the row began */
	int result;
};

static const struct {
	const char *name;
	enum input_field field;
	const char *type;
} names[] = {
	{"value", INPUT_VALUE, NULL},
	{"indicator", INPUT_VALUE, NULL},
	{"ioc", INPUT_VALUE, NULL},
	{"ioc_value", INPUT_VALUE, NULL},
	{"indicator_value", INPUT_VALUE, NULL},
	{"observable", INPUT_VALUE, NULL},
	{"ioc_ioc", INPUT_VALUE, NULL},
	{"type", INPUT_TYPE, NULL},
	{"entity_type", INPUT_TYPE, NULL},
	{"indicator_type", INPUT_TYPE, NULL},
	{"ioc_type", INPUT_TYPE, NULL},
	{"raw", INPUT_RAW, NULL},
	{"confidence", INPUT_CONFIDENCE, NULL},
	{"confidence_level", INPUT_CONFIDENCE, NULL},
	{"severity", INPUT_SEVERITY, NULL},
	{"tags", INPUT_TAGS, NULL},
	{"tag", INPUT_TAGS, NULL},
	{"labels", INPUT_TAGS, NULL},
	{"description", INPUT_DESCRIPTION, NULL},
	{"notes", INPUT_DESCRIPTION, NULL},
	{"note", INPUT_DESCRIPTION, NULL},
	{"comment", INPUT_DESCRIPTION, NULL},
	{"context", INPUT_DESCRIPTION, NULL},
	{"first_seen", INPUT_FIRST_SEEN, NULL},
	{"firstseen", INPUT_FIRST_SEEN, NULL},
	{"first_seen_utc", INPUT_FIRST_SEEN, NULL},
	{"last_seen", INPUT_LAST_SEEN, NULL},
	{"lastseen", INPUT_LAST_SEEN, NULL},
	{"last_seen_utc", INPUT_LAST_SEEN, NULL},
	{"valid_from", INPUT_VALID_FROM, NULL},
	{"valid_until", INPUT_VALID_UNTIL, NULL},
	{"expires", INPUT_VALID_UNTIL, NULL},
	{"as_number", INPUT_ASN, NULL},
	{"country", INPUT_COUNTRY, NULL},
	{"country_code", INPUT_COUNTRY, NULL},
	{"references", INPUT_REFERENCES, NULL},
	{"reference", INPUT_REFERENCES, NULL},
	{"link", INPUT_REFERENCES, NULL},
	{"source_url", INPUT_REFERENCES, NULL},
	{"associated_url", INPUT_VALUE, "url"},
	{"dst_ip", INPUT_VALUE, ""},
	{"ip_address", INPUT_VALUE, ""},
	{"asn", INPUT_ASN, NULL},
};

/* Lower case, '_' for anything else, no BOM; "First Seen (UTC)" is first_seen_utc. */
static void normal_name(char *out, size_t size, const char *cell)
{
	size_t n = 0;
	for (; *cell && n + 1 < size; cell++) {
		if (isalnum((unsigned char)*cell)) out[n++] = (char)tolower((unsigned char)*cell);
		else if (n && out[n - 1] != '_') out[n++] = '_';
	}
	while (n && out[n - 1] == '_') n--;
	out[n] = 0;
}

/* ---- a map of columns: "value=ioc,type=kind" ---- */
/* The next pair; false: there is none, or (*bad) what stands there is none. */
static bool next_pair(const char **map, enum input_field *field, char column[64], bool *bad)
{
	const char *equals = strchr(*map, '='), *end = *map + strcspn(*map, ",");
	char name[64] = "";
	if (!**map) return false;
	*bad = !equals || equals > end || (size_t)(equals - *map) >= sizeof name || end - equals < 2 || end - equals > 64;
	if (*bad) return false;
	memcpy(name, *map, (size_t)(equals - *map));
	memcpy(column, equals + 1, (size_t)(end - equals) - 1);
	column[end - equals - 1] = 0;
	for (*field = INPUT_NONE + 1; *field < INPUT_FIELDS && strcmp(name, input_field_name(*field)) != 0;) ++*field;
	*bad = *field == INPUT_FIELDS;
	if (!*bad) *map = end + (*end == ',');
	return !*bad;
}

bool input_csv_map_ok(const char *map, char *reason, size_t size)
{
	enum input_field field;
	char column[64];
	bool bad = false;
	while (next_pair(&map, &field, column, &bad)) {
	}
	if (bad)
		snprintf(reason, size,
			 "'%.60s' is no FIELD=COLUMN with a field like value, type, confidence, tags, description, first_seen", map);
	return !bad;
}

/* By the map, whose columns are written as in the file, in any case. NONE: it does not name it. */
static enum input_field mapped(const char *map, const char *cell)
{
	enum input_field field;
	char column[64];
	bool bad = false;
	while (next_pair(&map, &field, column, &bad))
		if (strcasecmp(column, cell) == 0) return field;
	return INPUT_NONE;
}

static struct column find_column(const char *cell)
{
	char name[64];
	normal_name(name, sizeof name, cell);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i].name) == 0) return (struct column){names[i].field, names[i].type};
	const char *type = input_type_alias(name);
	if (type != name && strcmp(name, "file") != 0 && strcmp(name, "file_name") != 0) return (struct column){INPUT_VALUE, type};
	return (struct column){INPUT_NONE, NULL};
}

static const char *cell_of(const struct input_csv *csv, size_t i)
{
	return csv->text + csv->cell[i];
}

static bool is_hash(const char *text, size_t len)
{
	if (len != 32 && len != 40 && len != 64 && len != 128) return false;
	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)text[i])) return false;
	return true;
}

/* No blank, and a mark that names of columns lack: "198.51.100.7,ipaddress" is no header. */
static bool is_value(const char *cell)
{
	return is_hash(cell, strlen(cell)) || (!strpbrk(cell, " \t") && strpbrk(cell, ".:/@"));
}

/* By their normal names, which hold nothing that could steer a terminal. */
static void note_unknown(const struct input_csv *csv)
{
	char names_text[512] = "", name[64];
	size_t len = 0;
	for (size_t i = 0; i < csv->columns; i++) {
		normal_name(name, sizeof name, cell_of(csv, i));
		if (csv->column[i].field != INPUT_NONE || !*name || len + strlen(name) + 3 > sizeof names_text) continue;
		len += (size_t)snprintf(names_text + len, sizeof names_text - len, "%s%s", len ? ", " : "", name);
	}
	if (len) cli_note("columns that are not read: %s (see isac-publish(1) for those that are)", names_text);
}

/* true: the row was the header. A generic value column makes typed ones plain attributes. */
static bool read_header(struct input_csv *csv)
{
	bool any = false, generic = false;
	const char *map = csv->conf->map;
	for (size_t i = 0; i < csv->cells && !map; i++)
		if (is_value(cell_of(csv, i))) return false;
	csv->columns = csv->cells;
	for (size_t i = 0; i < csv->cells; i++) {
		csv->column[i] = find_column(cell_of(csv, i));
		if (map) csv->column[i] = (struct column){mapped(map, cell_of(csv, i)), NULL};
		if (csv->column[i].field != INPUT_VALUE) continue;
		any = true;
		if (!csv->column[i].type) generic = true;
	}
	for (size_t i = 0; i < csv->cells; i++)
		if (generic && csv->column[i].field == INPUT_VALUE && csv->column[i].type) csv->column[i].field = INPUT_NONE;
	if (any) note_unknown(csv);
	return any;
}

static void assume_header(struct input_csv *csv)
{
	static const enum input_field order[] = {INPUT_VALUE, INPUT_TYPE, INPUT_DESCRIPTION};
	memset(csv->column, 0, sizeof csv->column);
	csv->columns = sizeof order / sizeof order[0];
	for (size_t i = 0; i < csv->columns; i++) csv->column[i].field = order[i];
}

/* All parts hex and one of them a hash: a part that is cut short is then refused by itself. */
static bool is_hash_list(const char *text)
{
	bool any = false;
	if (!strchr(text, ',')) return false;
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, ",");
		if (strspn(p, "0123456789abcdefABCDEF") != len) return false;
		if (is_hash(p, len)) any = true;
		p += len + (p[len] == ',');
	}
	return any;
}

static int take_value(struct input_csv *csv, struct input_record *r, char *value)
{
	if (!is_hash_list(value)) {
		r->ind.value = value;
		return csv->sink->take(csv->sink->arg, r, csv->row_number);
	}
	char *part;
	int result = 0;
	const char *type = r->ind.type;
	while (!result && (part = strsep(&value, ","))) {
		r->ind.value = part;
		r->ind.type = type && *type ? "" : type; /* one type cannot fit all of them */
		result = csv->sink->take(csv->sink->arg, r, csv->row_number);
	}
	return result;
}

static int take_row(struct input_csv *csv)
{
	struct input_record r;
	char reason[200] = "";
	bool any = false;
	input_record_init(&r);
	r.ind.type = csv->conf->type;
	for (size_t i = 0; i < csv->cells && i < csv->columns; i++) {
		enum input_field field = csv->column[i].field;
		if (field == INPUT_VALUE || field == INPUT_NONE) continue;
		if (!input_field_set(&r, field, csv->text + csv->cell[i], reason, sizeof reason))
			return csv->sink->refuse(csv->sink->arg, csv->row_number, reason);
	}
	const char *type = r.ind.type;
	for (size_t i = 0; i < csv->cells && i < csv->columns; i++) {
		if (csv->column[i].field != INPUT_VALUE || !*cell_of(csv, i)) continue;
		any = true;
		r.ind.type = csv->column[i].type ? csv->column[i].type : type;
		int result = take_value(csv, &r, csv->text + csv->cell[i]);
		if (result) return result;
	}
	return any ? 0 : csv->sink->refuse(csv->sink->arg, csv->row_number, "the row has no value");
}

static void on_cell(void *text, size_t len, void *arg)
{
	struct input_csv *csv = arg;
	if (csv->result || csv->cells == COLUMNS_MAX) return;
	if (!csv->cells) csv->row_number = csv->number;
	if (csv->text_len + len + 1 > csv->text_cap) {
		size_t cap = (csv->text_len + len + 1) * 2;
		char *more = realloc(csv->text, cap);
		if (!more) {
			csv->result = csv->sink->refuse(csv->sink->arg, csv->number, "out of memory");
			return;
		}
		csv->text = more;
		csv->text_cap = cap;
	}
	csv->cell[csv->cells++] = csv->text_len;
	if (len) memcpy(csv->text + csv->text_len, text, len);
	csv->text[csv->text_len + len] = 0;
	csv->text_len += len + 1;
}

static void on_row(int end, void *arg)
{
	struct input_csv *csv = arg;
	(void)end;
	if (!csv->result && csv->cells && !(csv->cells == 1 && !*cell_of(csv, 0)) && *cell_of(csv, 0) != '#') {
		bool header = !csv->has_header && read_header(csv);
		if (!csv->has_header && !header && csv->conf->map) {
			csv->result = csv->sink->refuse(csv->sink->arg, csv->row_number,
							"the first row names no column that --map takes the value from");
			header = true;
		} else if (!csv->has_header && !header) {
			assume_header(csv);
		}
		csv->has_header = true;
		if (!header) csv->result = take_row(csv);
	}
	csv->cells = 0;
	csv->text_len = 0;
}

static char delimiter(const char *line)
{
	size_t count[3] = {0};
	static const char marks[] = ",;\t";
	for (; *line; line++)
		for (size_t i = 0; i < 3; i++) count[i] += *line == marks[i];
	return marks[count[0] >= count[1] && count[0] >= count[2] ? 0 : count[1] >= count[2] ? 1 : 2];
}

int input_csv_open(struct input_csv **out, const struct input_conf *conf, const struct input_sink *sink, const char *first_line)
{
	struct input_csv *csv = calloc(1, sizeof *csv);
	*out = csv;
	if (!csv || csv_init(&csv->parser, CSV_APPEND_NULL)) return sink->refuse(sink->arg, 0, "out of memory");
	csv->conf = conf;
	csv->sink = sink;
	csv_set_delim(&csv->parser, (unsigned char)delimiter(first_line));
	return 0;
}

int input_csv_line(struct input_csv *csv, const char *line, size_t len, unsigned number)
{
	csv->number = number;
	if (!csv->cells) csv->row_number = number;
	if (csv_parse(&csv->parser, line, len, on_cell, on_row, csv) != len && !csv->result)
		csv->result = csv->sink->refuse(csv->sink->arg, number, csv_strerror(csv_error(&csv->parser)));
	return csv->result;
}

int input_csv_close(struct input_csv **out)
{
	struct input_csv *csv = *out;
	if (!csv) return 0;
	csv_fini(&csv->parser, on_cell, on_row, csv);
	int r = csv->result;
	csv_free(&csv->parser);
	free(csv->text);
	free(csv);
	*out = NULL;
	return r;
}

bool input_csv_is_header(const char *line)
{
	char copy[1024];
	bool any = false;
	snprintf(copy, sizeof copy, "%s", line);
	const char separators[] = {delimiter(line), '\r', '\n', 0};
	char *rest = copy, *cell;
	if (!strchr(line, separators[0])) return false;
	while ((cell = strsep(&rest, separators))) {
		if (is_value(cell)) return false;
		if (find_column(cell).field == INPUT_VALUE) any = true;
	}
	return any;
}
