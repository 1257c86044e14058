/*
 * zeek: input of the Intelligence Framework. The reader undoes \xHH, takes a lone "-" for no value and a line with "#" for a
 * remark: what looks like one of these is written as \xHH. URLs go without scheme and fragment, which no request carries.
 */
#include <string.h>
#include "format/priv.h"

static const struct {
	uint32_t type;
	const char *name;
} types[] = {
	{WIRE_VALUE_IPV4, "ADDR"},
	{WIRE_VALUE_IPV6, "ADDR"},
	{WIRE_VALUE_CIDR, "SUBNET"},
	{WIRE_VALUE_DOMAIN, "DOMAIN"},
	{WIRE_VALUE_URL, "URL"},
	{WIRE_VALUE_EMAIL, "EMAIL"},
	{WIRE_VALUE_MD5, "FILE_HASH"},
	{WIRE_VALUE_SHA1, "FILE_HASH"},
	{WIRE_VALUE_SHA256, "FILE_HASH"},
	{WIRE_VALUE_USER_AGENT, "SOFTWARE"},
	{WIRE_VALUE_FILENAME, "FILE_NAME"},
	{WIRE_VALUE_CERT_FP, "CERT_HASH"},
};
enum { SHA1_DIGITS = 40, LINE_BYTES = 4 * 8192 + 64 };

static const char *type_name(const struct format_entry *e)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (types[i].type != e->type) continue;
		/* Zeek knows certificates by SHA-1 only. */
		return e->type == WIRE_VALUE_CERT_FP && strlen(e->value) != SHA1_DIGITS ? NULL : types[i].name;
	}
	return NULL;
}

/* What is empty is "-"; bytes that would be read as something else are escaped. */
static void escape(char *out, size_t size, const char *text, size_t len)
{
	static const char *const special[] = {"-", "(empty)"};
	bool all = false;
	size_t n = 0;
	if (!len) {
		memcpy(out, "-", 2);
		return;
	}
	for (size_t i = 0; i < 2; i++) all |= strlen(special[i]) == len && memcmp(text, special[i], len) == 0;
	for (size_t i = 0; i < len && n + 5 < size; i++) {
		unsigned char c = (unsigned char)text[i];
		if (all || c == '\\' || c < ' ' || c == 127 || (i == 0 && c == '#')) n += (size_t)snprintf(out + n, size - n, "\\x%02x", c);
		else out[n++] = (char)c;
	}
	out[n] = 0;
}

static void add_line(struct format_lines *lines, const struct format_entry *e, const char *type)
{
	char value[LINE_BYTES], note[LINE_BYTES], link[LINE_BYTES];
	const char *text = e->value;
	if (e->type == WIRE_VALUE_URL) text = strstr(text, "://") + 3;
	escape(value, sizeof value, text, e->type == WIRE_VALUE_URL ? strcspn(text, "#") : strlen(text));
	escape(note, sizeof note, e->note, strlen(e->note));
	escape(link, sizeof link, e->link, strlen(e->link));
	format_lines_add(lines, e, "%s\tIntel::%s\t%s\t%s\t%s", value, type, e->publisher, note, link);
}

/* Up to the second tab: what must be unique. */
static size_t key_len(const char *line)
{
	size_t first = strcspn(line, "\t");
	return first + 1 + strcspn(line + first + 1, "\t");
}

bool format_zeek_write(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	struct format_lines lines = {.line = NULL};
	const char *last = NULL;
	format_tally_start(tally, view, conf, UINT32_MAX);
	for (size_t i = 0; i < view->n; i++) {
		const char *type = type_name(&view->entry[i]);
		if (type) add_line(&lines, &view->entry[i], type);
		else tally->skipped[FORMAT_SKIP_FORM]++;
	}
	format_lines_sort(&lines);
	fputs("#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url\n", out);
	format_head_write(out, "#", view, conf);
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.line[i].text;
		if (last && key_len(last) == key_len(line) && memcmp(last, line, key_len(line)) == 0)
			continue; /* http and https of one URL */
		fprintf(out, "%s\n", line);
		tally->written++;
		last = line;
	}
	bool good = !lines.failed;
	format_lines_clear(&lines);
	return good;
}
