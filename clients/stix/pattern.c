/*
 * pattern: reads the whole grammar of STIX 2.1 patterns, so that what is none is told from what is no list of values. A descent with a
 * bounded depth over tokens that point into the text; nothing but the values is copied.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "stix/priv.h"

enum token_sort { END, WORD, STRING, NUMBER, TAGGED /* t'..' h'..' b'..' */, MARK, WRONG };
enum { PATH_BYTES = 256 };

struct token {
	enum token_sort sort;
	const char *at;
	size_t len;
};

struct reader {
	const char *start, *at, *end;
	struct token now;
	struct stix_pattern *out;
	size_t text_n;
	unsigned depth;
	bool bad, other;
	char *reason;
	size_t size;
};

/* ---- tokens ---- */
static bool skip_comment(struct reader *r)
{
	if (r->end - r->at < 2 || r->at[0] != '/') return false;
	const char *stop = NULL;
	if (r->at[1] == '*') {
		stop = memmem(r->at + 2, (size_t)(r->end - r->at) - 2, "*/", 2);
		if (stop) stop += 2;
	} else if (r->at[1] == '/') {
		stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
		if (!stop) stop = r->end;
	}
	if (stop) r->at = stop;
	return stop != NULL;
}

/* Behind the closing quote; NULL: there is none, or an escape that is none. */
static const char *string_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '\''; p++) {
		if (*p != '\\') continue;
		if (++p == end || (*p != '\'' && *p != '\\')) return NULL;
	}
	return p < end ? p + 1 : NULL;
}

/* h'', b'' and t'' are not any text. */
static bool tagged_ok(const struct token *t)
{
	const char *in = t->at + 2;
	size_t len = t->len - 3;
	char text[40];
	int64_t us;
	if (*t->at == 'h') return len % 2 == 0 && strspn(in, "0123456789abcdefABCDEF") == len;
	if (*t->at == 'b') {
		size_t data = strspn(in, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/");
		return len && len % 4 == 0 && len - data <= 2 && strspn(in + data, "=") == len - data;
	}
	if (len < 20 || len >= sizeof text || in[10] != 'T' || in[len - 1] != 'Z') return false;
	memcpy(text, in, len);
	text[len] = 0;
	if (memcmp(text, "1970", 4) < 0) memcpy(text, "1972", 4); /* a leap year that the reader of times knows */
	return document_time_read(&us, text);
}

static const char *number_end(const char *p, const char *end)
{
	const char *digits = *p == '+' || *p == '-' ? p + 1 : p;
	for (p = digits; p < end && isdigit((unsigned char)*p);) p++;
	size_t whole = (size_t)(p - digits);
	if (p < end && *p == '.' && p + 1 < end && isdigit((unsigned char)p[1])) {
		for (p++; p < end && isdigit((unsigned char)*p);) p++;
		return p;
	}
	return whole && !(whole > 1 && *digits == '0') ? p : NULL;
}

static const char *word_end(const char *p, const char *end)
{
	while (p < end && (isalnum((unsigned char)*p) || *p == '_' || *p == '-')) p++;
	return p;
}

static void next(struct reader *r)
{
	while (r->at < r->end && (strchr(" \t\r\n\v\f", *r->at) ? r->at++ != NULL : skip_comment(r))) {
	}
	struct token t = {.sort = END, .at = r->at};
	const char *p = r->at, *stop = p;
	if (p < r->end) {
		if (*p == '\'') t.sort = STRING, stop = string_end(p, r->end);
		else if (p + 1 < r->end && p[1] == '\'' && strchr("thb", *p)) t.sort = TAGGED, stop = string_end(p + 1, r->end);
		else if (isalpha((unsigned char)*p) || *p == '_') t.sort = WORD, stop = word_end(p, r->end);
		else if (isdigit((unsigned char)*p) || ((*p == '+' || *p == '-' || *p == '.') && number_end(p, r->end)))
			t.sort = NUMBER, stop = number_end(p, r->end);
		else if (p + 1 < r->end && (memcmp(p, "==", 2) == 0 || memcmp(p, "!=", 2) == 0 || memcmp(p, "<>", 2) == 0 ||
					    memcmp(p, "<=", 2) == 0 || memcmp(p, ">=", 2) == 0))
			t.sort = MARK, stop = p + 2;
		else if (strchr("=<>[]().,:*", *p)) t.sort = MARK, stop = p + 1;
		else stop = NULL;
	}
	if (!stop) t.sort = WRONG, stop = p;
	t.len = (size_t)(stop - p);
	if (t.sort == TAGGED && !tagged_ok(&t)) t.sort = WRONG;
	r->at = stop;
	r->now = t;
}

static bool is(const struct reader *r, const char *text)
{
	return (r->now.sort == MARK || r->now.sort == WORD) && r->now.len == strlen(text) && memcmp(r->now.at, text, r->now.len) == 0;
}

static bool take(struct reader *r, const char *text)
{
	if (!is(r, text)) return false;
	next(r);
	return true;
}

/* ---- verdicts ---- */
static bool bad(struct reader *r, const char *expected)
{
	if (!r->bad) snprintf(r->reason, r->size, "not a pattern: %s expected at column %td", expected, r->now.at - r->start + 1);
	r->bad = true;
	return false;
}

static void other(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void other(struct reader *r, const char *fmt, ...)
{
	va_list ap;
	if (r->other) return;
	r->other = true;
	va_start(ap, fmt);
	vsnprintf(r->reason, r->size, fmt, ap);
	va_end(ap);
}

static bool expect(struct reader *r, const char *text)
{
	return take(r, text) || bad(r, text);
}

/* ---- values ---- */
static void keep(struct reader *r, uint32_t type, const char *path, const struct token *literal)
{
	struct stix_pattern *out = r->out;
	if (out->n == STIX_PATTERN_VALUES_MAX) {
		other(r, "more than %d values", STIX_PATTERN_VALUES_MAX);
		return;
	}
	if (literal->sort != STRING && !(literal->sort == NUMBER && type == WIRE_VALUE_ASN)) {
		other(r, "a value of %s that is no text", path);
		return;
	}
	char *start = out->text + r->text_n, *to = start;
	const char *p = literal->at, *end = p + literal->len;
	if (literal->sort == STRING) p++, end--;
	for (; p < end; p++) {
		if (literal->sort == STRING && *p == '\\') p++;
		*to++ = *p;
	}
	*to++ = 0;
	r->text_n += (size_t)(to - start);
	bool network = (type == WIRE_VALUE_IPV4 || type == WIRE_VALUE_IPV6) && strchr(start, '/');
	const char *name = network ? "cidr" : wire_value_name(type);
	out->value[out->n++] = (struct stix_pattern_value){name ? name : "", start};
}

/* ---- grammar ---- */
static bool is_keyword(const struct token *t)
{
	static const char *const words[] = {"AND",	"OR",	   "NOT",   "FOLLOWEDBY", "LIKE",  "MATCHES", "ISSUPERSET",
					    "ISSUBSET", "EXISTS",  "LAST",  "IN",	  "START", "STOP",    "SECONDS",
					    "WITHIN",	"REPEATS", "TIMES", "true",	  "false"};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (t->len == strlen(words[i]) && memcmp(t->at, words[i], t->len) == 0) return true;
	return false;
}

static void append(char path[PATH_BYTES], const char *text, size_t len)
{
	size_t n = strlen(path);
	snprintf(path + n, PATH_BYTES - n, "%.*s", len < PATH_BYTES ? (int)len : PATH_BYTES, text);
}

/* A step: a word without a hyphen, or a text in quotes. */
static bool step(struct reader *r, char path[PATH_BYTES])
{
	const struct token *t = &r->now;
	if (t->sort == STRING) append(path, t->at + 1, t->len - 2);
	else if (t->sort == WORD && !memchr(t->at, '-', t->len) && !is_keyword(t)) append(path, t->at, t->len);
	else return bad(r, "a property");
	next(r);
	return true;
}

static bool path(struct reader *r, char out[PATH_BYTES])
{
	out[0] = 0;
	if (r->now.sort != WORD || is_keyword(&r->now)) return bad(r, "an object's type");
	append(out, r->now.at, r->now.len);
	next(r);
	if (!expect(r, ":")) return false;
	append(out, ":", 1);
	if (!step(r, out)) return false;
	while (is(r, ".") || is(r, "[")) {
		if (take(r, ".")) {
			append(out, ".", 1);
			if (!step(r, out)) return false;
			continue;
		}
		next(r);
		append(out, "[*]", 3);
		bool whole = r->now.sort == NUMBER && !memchr(r->now.at, '.', r->now.len);
		if (!whole && !is(r, "*")) return bad(r, "a number or *");
		next(r);
		if (!expect(r, "]")) return false;
	}
	return true;
}

static bool is_literal(const struct reader *r)
{
	return r->now.sort == STRING || r->now.sort == NUMBER || r->now.sort == TAGGED || is(r, "true") || is(r, "false");
}

static bool set(struct reader *r, uint32_t type, const char *name, bool wanted)
{
	if (!expect(r, "(")) return false;
	if (take(r, ")")) {
		other(r, "an empty set");
		return true;
	}
	do {
		if (!is_literal(r)) return bad(r, "a value");
		if (wanted) keep(r, type, name, &r->now);
		next(r);
	} while (take(r, ","));
	return expect(r, ")");
}

static bool operand(struct reader *r, uint32_t type, const char *name, bool wanted)
{
	static const char *const texts[] = {"LIKE", "MATCHES", "ISSUPERSET", "ISSUBSET"}, *const orders[] = {
												  "<", ">", "<=", ">=", "!=", "<>"};
	if (take(r, "IN")) return set(r, type, name, wanted);
	bool good = is(r, "=") || is(r, "==") || is(r, "ISSUBSET"), text = false, known = good;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) text |= is(r, texts[i]);
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) known |= is(r, orders[i]);
	if (!known && !text) return bad(r, "a comparison");
	if (!good) other(r, "the comparison %.*s", (int)r->now.len, r->now.at);
	next(r);
	if (text ? r->now.sort != STRING : !is_literal(r)) return bad(r, text ? "a text" : "a value");
	if (good && wanted) keep(r, type, name, &r->now);
	next(r);
	return true;
}

static bool deeper(struct reader *r)
{
	if (++r->depth <= STIX_PATTERN_DEPTH_MAX) return true;
	if (!r->bad) snprintf(r->reason, r->size, "parentheses deeper than %d", STIX_PATTERN_DEPTH_MAX);
	r->bad = true;
	return false;
}

static bool comparisons(struct reader *r);

static bool comparison(struct reader *r)
{
	char name[PATH_BYTES];
	uint32_t type = WIRE_VALUE_NONE;
	if (take(r, "(")) {
		bool good = deeper(r) && comparisons(r) && expect(r, ")");
		r->depth--;
		return good;
	}
	if (is(r, "EXISTS") || is(r, "NOT")) {
		other(r, "EXISTS");
		take(r, "NOT");
		return expect(r, "EXISTS") && path(r, name);
	}
	if (!path(r, name)) return false;
	bool wanted = stix_path_type(&type, name);
	if (!wanted) other(r, "%s, of which there is no type of value here", name);
	if (take(r, "NOT")) other(r, "NOT");
	return operand(r, type, name, wanted);
}

static bool comparisons(struct reader *r)
{
	if (!comparison(r)) return false;
	while (is(r, "OR") || is(r, "AND")) {
		if (is(r, "AND")) other(r, "AND");
		next(r);
		if (!comparison(r)) return false;
	}
	return true;
}

static bool qualifier(struct reader *r)
{
	other(r, "the qualifier %.*s", (int)r->now.len, r->now.at);
	if (take(r, "START")) {
		if (r->now.sort != TAGGED || *r->now.at != 't') return bad(r, "a time");
		next(r);
		if (!expect(r, "STOP")) return false;
		if (r->now.sort != TAGGED || *r->now.at != 't') return bad(r, "a time");
		next(r);
		return true;
	}
	bool repeats = is(r, "REPEATS");
	next(r);
	if (r->now.sort != NUMBER || *r->now.at == '-' || (repeats && memchr(r->now.at, '.', r->now.len))) return bad(r, "a number");
	next(r);
	return expect(r, repeats ? "TIMES" : "SECONDS");
}

static bool observations(struct reader *r);

static bool observation(struct reader *r)
{
	bool good;
	if (take(r, "(")) {
		good = deeper(r) && observations(r) && expect(r, ")");
		r->depth--;
	} else {
		good = expect(r, "[") && comparisons(r) && expect(r, "]");
	}
	while (good && (is(r, "START") || is(r, "WITHIN") || is(r, "REPEATS"))) good = qualifier(r);
	return good;
}

static bool observations(struct reader *r)
{
	if (!observation(r)) return false;
	while (is(r, "OR") || is(r, "AND") || is(r, "FOLLOWEDBY")) {
		if (!is(r, "OR")) other(r, "%.*s", (int)r->now.len, r->now.at);
		next(r);
		if (!observation(r)) return false;
	}
	return true;
}

enum stix_pattern_sort stix_pattern_read(struct stix_pattern *out, const char *pattern, size_t len, char *reason, size_t size)
{
	struct reader r = {.start = pattern, .at = pattern, .end = pattern + len, .out = out, .reason = reason, .size = size};
	*out = (struct stix_pattern){.value = NULL};
	if (len > STIX_PATTERN_LENGTH_MAX || memchr(pattern, 0, len)) {
		snprintf(reason, size, len > STIX_PATTERN_LENGTH_MAX ? "the pattern is longer than 65536 bytes" : "the pattern holds NUL");
		return STIX_PATTERN_BAD;
	}
	out->value = calloc(STIX_PATTERN_VALUES_MAX, sizeof *out->value);
	out->text = malloc(len + 1); /* a value without its quotes, or with a blank or mark behind it, has room for its NUL */
	if (!out->value || !out->text) {
		snprintf(reason, size, "out of memory");
		return STIX_PATTERN_BAD;
	}
	next(&r);
	if (observations(&r) && r.now.sort != END) bad(&r, "the end");
	if (r.bad || r.other) out->n = 0;
	return r.bad ? STIX_PATTERN_BAD : r.other ? STIX_PATTERN_OTHER : STIX_PATTERN_VALUES;
}

void stix_pattern_clear(struct stix_pattern *pattern)
{
	free(pattern->value);
	free(pattern->text);
	*pattern = (struct stix_pattern){.value = NULL};
}

bool stix_pattern_write(char *out, size_t size, const char *type, const char *value)
{
	uint32_t number = wire_value_type(type, strlen(type));
	const char *name = number ? stix_path_of(number, value) : NULL;
	if (!name) return false;
	if (number == WIRE_VALUE_ASN) return (size_t)snprintf(out, size, "[%s = %s]", name, value) < size;
	size_t n = (size_t)snprintf(out, size, "[%s %s '", name, number == WIRE_VALUE_CIDR ? "ISSUBSET" : "=");
	for (; *value && n + 5 < size; value++) {
		if (*value == '\'' || *value == '\\') out[n++] = '\\';
		out[n++] = *value;
	}
	if (*value || n + 3 > size) return false;
	memcpy(out + n, "']", 3);
	return true;
}
