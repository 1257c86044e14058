/*
 * input: opens a file, tells its format, and hands its lines to the format's reader. Fields are set in one place, so that a
 * time or a confidence means the same in every format.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cli.h"
#include "input.h"

static const char *const formats[] = {"auto", "jsonl", "csv", "plain", "stix", "misp"};

bool input_format_known(const char *format)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
		if (strcmp(format, formats[i]) == 0) return true;
	return false;
}

void input_record_init(struct input_record *r)
{
	memset(r, 0, sizeof *r);
	r->ind.confidence = r->ind.severity = -1;
	r->ind.tags = r->tags;
	r->ind.references = r->references;
}

static const struct {
	const char *alias, *type;
} aliases[] = {
	{"ip", ""},
	{"ipaddress", ""},
	{"ip-address", ""},
	{"ip-src", ""},
	{"ip-dst", ""},
	{"ipv4-addr", "ipv4"},
	{"ipv6-addr", "ipv6"},
	{"network", "cidr"},
	{"netblock", "cidr"},
	{"subnet", "cidr"},
	{"hostname", "domain"},
	{"host", "domain"},
	{"fqdn", "domain"},
	{"domain-name", "domain"},
	{"uri", "url"},
	{"link", "url"},
	{"email-addr", "email"},
	{"email-address", "email"},
	{"emailsender", "email"},
	{"email-sender", "email"},
	{"email-src", "email"},
	{"emailwhois", "email"},
	{"email-dst", "email"},
	{"file", ""},
	{"hash", ""},
	{"filehash", ""},
	{"filehash-md5", "md5"},
	{"filehash-sha1", "sha1"},
	{"filehash-sha256", "sha256"},
	{"sha-1", "sha1"},
	{"sha-256", "sha256"},
	{"sha-512", "sha512"},
	{"as", "asn"},
	{"ja3-fingerprint-md5", "ja3"},
	{"useragent", "user-agent"},
	{"file-name", "filename"},
	{"regkey", "registry-key"},
	{"btc", "bitcoin"},
	{"vulnerability", "cve"},
	{"x509-fingerprint-sha1", "certificate-fingerprint"},
	{"x509-fingerprint-sha256", "certificate-fingerprint"},
};

const char *input_type_alias(const char *type)
{
	char plain[64];
	size_t n = 0;
	for (; type[n] && n + 1 < sizeof plain; n++)
		plain[n] = type[n] == '_' || type[n] == ' ' ? '-' : (char)tolower((unsigned char)type[n]);
	plain[n] = 0;
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
		if (strcmp(plain, aliases[i].alias) == 0) return aliases[i].type;
	for (unsigned i = 1; isac_type_name(i); i++)
		if (strcmp(plain, isac_type_name(i)) == 0) return isac_type_name(i);
	return type;
}

static const char *const field_names[INPUT_FIELDS] = {
	[INPUT_VALUE] = "value",
	[INPUT_TYPE] = "type",
	[INPUT_RAW] = "raw",
	[INPUT_CONFIDENCE] = "confidence",
	[INPUT_SEVERITY] = "severity",
	[INPUT_TAGS] = "tags",
	[INPUT_DESCRIPTION] = "description",
	[INPUT_FIRST_SEEN] = "first_seen",
	[INPUT_LAST_SEEN] = "last_seen",
	[INPUT_VALID_FROM] = "valid_from",
	[INPUT_VALID_UNTIL] = "valid_until",
	[INPUT_ASN] = "asn",
	[INPUT_COUNTRY] = "country",
	[INPUT_REFERENCES] = "references",
};

const char *input_field_name(enum input_field field)
{
	return field_names[field];
}

static bool number(long long *out, const char *text, long long max)
{
	char *end;
	if (!isdigit((unsigned char)*text)) return false;
	*out = strtoll(text, &end, 10);
	return !*end && *out <= max;
}

static size_t cut(const char **list, char *text, const char *separators)
{
	size_t n = 0;
	char *rest = text, *part;
	while ((part = strsep(&rest, separators)) && n < INPUT_LIST_MAX) {
		while (isspace((unsigned char)*part)) part++;
		size_t len = strlen(part);
		while (len && isspace((unsigned char)part[len - 1])) part[--len] = 0;
		if (len) list[n++] = part;
	}
	return n;
}

static bool set_time(int64_t *out, const char *text)
{
	return cli_time_parse(out, text);
}

bool input_field_set(struct input_record *r, enum input_field field, char *text, char *reason, size_t size)
{
	struct isac_indicator *ind = &r->ind;
	long long n = 0;
	bool good = true;
	if (!*text) return true;
	switch (field) {
	case INPUT_VALUE:
		ind->value = text;
		break;
	case INPUT_TYPE:
		ind->type = input_type_alias(text);
		break;
	case INPUT_RAW:
		ind->raw = text;
		break;
	case INPUT_DESCRIPTION:
		ind->description = text;
		break;
	case INPUT_CONFIDENCE:
		good = number(&n, text, 100), ind->confidence = (int)n;
		break;
	case INPUT_SEVERITY:
		good = number(&n, text, 10), ind->severity = (int)n;
		break;
	case INPUT_TAGS:
		ind->tags_n = cut(r->tags, text, ",;|");
		break;
	case INPUT_REFERENCES:
		ind->references_n = cut(r->references, text, " ;|");
		break;
	case INPUT_FIRST_SEEN:
		good = set_time(&ind->first_seen_us, text);
		break;
	case INPUT_LAST_SEEN:
		good = set_time(&ind->last_seen_us, text);
		break;
	case INPUT_VALID_FROM:
		good = set_time(&ind->valid_from_us, text);
		break;
	case INPUT_VALID_UNTIL:
		good = set_time(&ind->valid_until_us, text);
		break;
	case INPUT_ASN:
		if (strncasecmp(text, "AS", 2) == 0) text += 2;
		good = number(&n, text, UINT32_MAX), ind->asn = (uint32_t)n;
		break;
	case INPUT_COUNTRY:
		for (char *p = text; *p; p++) *p = (char)toupper((unsigned char)*p);
		ind->country = text;
		break;
	case INPUT_NONE:
	case INPUT_FIELDS:
		break;
	}
	if (!good) snprintf(reason, size, "%s '%.60s' is not understood", field_names[field], text);
	return good;
}

/* ---- lines ---- */
struct source {
	FILE *in;
	char *line;
	size_t cap;
	ssize_t len;
	unsigned number;
	uint64_t *bytes;
};

static bool next_line(struct source *s)
{
	s->len = getline(&s->line, &s->cap, s->in);
	if (s->len < 0) return false;
	if (s->bytes) *s->bytes += (uint64_t)s->len;
	if (s->number++ == 0 && s->len >= 3 && memcmp(s->line, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
		memmove(s->line, s->line + 3, (size_t)s->len - 2);
		s->len -= 3;
	}
	return true;
}

static bool is_blank(const char *line)
{
	return line[strspn(line, " \t\r\n")] == 0;
}

static bool ends_with(const char *path, const char *tail)
{
	size_t a = strlen(path), b = strlen(tail);
	return a > b && strcasecmp(path + a - b, tail) == 0;
}

enum format { FORMAT_JSONL, FORMAT_CSV, FORMAT_PLAIN, FORMAT_DOCUMENT };

/* A bundle or an event on one line, as programs write them. */
static bool is_document(const char *line)
{
	static const char *const marks[] = {"\"bundle\"", "\"spec_version\"", "\"Event\"", "\"response\"", "\"objects\""};
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (strstr(line, marks[i])) return !strstr(line, "\"report_id\":");
	return false;
}

/* line: the first one that says something. */
static enum format tell(const struct input_conf *conf, const char *line)
{
	const char *first = line + strspn(line, " \t\r\n");
	if (strcmp(conf->format, "jsonl") == 0) return FORMAT_JSONL;
	if (conf->map || strcmp(conf->format, "csv") == 0) return FORMAT_CSV;
	if (strcmp(conf->format, "plain") == 0) return FORMAT_PLAIN;
	if (strcmp(conf->format, "auto") != 0) return FORMAT_DOCUMENT;
	if (ends_with(conf->path, ".csv") || ends_with(conf->path, ".tsv")) return FORMAT_CSV;
	if (*first == '[' && first[1] != '.') return is_blank(first + 1) || first[1] == '{' ? FORMAT_DOCUMENT : FORMAT_PLAIN;
	if (*first == '{') return is_blank(first + 1) || is_document(first) ? FORMAT_DOCUMENT : FORMAT_JSONL;
	if (ends_with(conf->path, ".jsonl") || ends_with(conf->path, ".ndjson")) return FORMAT_JSONL;
	return input_csv_is_header(line) ? FORMAT_CSV : FORMAT_PLAIN;
}

static void strip_end(struct source *s)
{
	while (s->len > 0 && (s->line[s->len - 1] == '\n' || s->line[s->len - 1] == '\r')) s->line[--s->len] = 0;
}

static int read_lines(const struct input_conf *conf, const struct input_sink *sink, struct source *s, enum format format)
{
	int r = 0;
	struct input_csv *csv = NULL;
	if (format == FORMAT_CSV && (r = input_csv_open(&csv, conf, sink, s->line))) return r;
	do {
		if (s->len > INPUT_LINE_MAX) {
			r = sink->refuse(sink->arg, s->number, "the line is too long");
			continue;
		}
		if (format == FORMAT_CSV) {
			r = input_csv_line(csv, s->line, (size_t)s->len, s->number);
			continue;
		}
		strip_end(s);
		if (memchr(s->line, 0, (size_t)s->len)) r = sink->refuse(sink->arg, s->number, "the line holds a NUL byte");
		else if (format == FORMAT_JSONL) r = is_blank(s->line) ? 0 : input_json_line(conf, sink, s->line, s->number);
		else r = input_plain_line(conf, sink, s->line, s->number);
	} while (!r && next_line(s));
	int last = input_csv_close(&csv);
	return r ? r : last;
}

int input_read(const struct input_conf *conf, const struct input_sink *sink, char *reason, size_t size)
{
	bool from_stdin = strcmp(conf->path, "-") == 0;
	if (!from_stdin && input_is_folder(conf->path)) return input_folder(conf, sink, reason, size);
	struct source s = {.in = from_stdin ? stdin : fopen(conf->path, "re"), .bytes = conf->bytes};
	int r = 0;
	if (!s.in) {
		snprintf(reason, size, "cannot open %s: %s", conf->path, strerror(errno));
		return INPUT_FAILED;
	}
	bool any;
	/* By length: a line that begins with NUL is not blank, it is to be refused. */
	while ((any = next_line(&s)) && ((size_t)s.len == strspn(s.line, " \t\r\n") || s.line[0] == '#')) {
	}
	enum format format = any ? tell(conf, s.line) : FORMAT_PLAIN;
	if (any && format == FORMAT_DOCUMENT) {
		r = input_document(conf, sink, s.in, s.line, (size_t)s.len, "");
	} else if (any) {
		r = read_lines(conf, sink, &s, format);
	}
	if (!r && ferror(s.in)) {
		snprintf(reason, size, "cannot read %s: %s", conf->path, strerror(errno));
		r = INPUT_FAILED;
	}
	free(s.line);
	if (!from_stdin) fclose(s.in);
	return r;
}
