/*
 * head: what libmicrohttpd 0.9 takes and nobody should send. Two programs that read one request in two ways are how requests are
 * smuggled; so a head is held against the grammar of RFC 9112 as a whole, before any parser sees it, and what could be read in two
 * ways is refused. What passes has one length, one host, one path.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "gateway/priv.h"

const struct gateway_fault_row *gateway_fault_row(enum gateway_fault fault)
{
	static const struct gateway_fault_row rows[] = {
		{200, "ok"},
#define FAULT(NAME, code, text) {code, text},
#include "gateway/faults.def"
#undef FAULT
	};
	return &rows[fault < GATEWAY_FAULTS ? fault : 0];
}

size_t gateway_head_end(const char *data, size_t len, enum gateway_fault *fault)
{
	*fault = GATEWAY_OK;
	for (size_t i = 0; i < len && i < GATEWAY_HEAD_BYTES; i++) {
		unsigned char c = (unsigned char)data[i];
		if (c == '\n' && (!i || data[i - 1] != '\r')) *fault = GATEWAY_FAULT_CONTROL;
		else if (i && data[i - 1] == '\r' && c != '\n') *fault = GATEWAY_FAULT_CONTROL;
		else if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f) *fault = GATEWAY_FAULT_CONTROL;
		if (*fault) return 0;
		if (c == '\n' && i >= 3 && data[i - 2] == '\n') return i + 1;
	}
	if (len >= GATEWAY_HEAD_BYTES) *fault = GATEWAY_FAULT_HEAD_LONG;
	return 0;
}

static bool is_token(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && (!s[i] || !strchr("!#$%&'*+-.^_`|~", s[i]))) return false;
	return len > 0;
}

static bool is_path_byte(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("-._~!$&'()*+,;=:@/?[]", c)); /* brackets: TAXII's match[type] comes bare, too */
}

static enum gateway_fault check_target(const char *s, size_t len)
{
	if (!len || *s != '/') return GATEWAY_FAULT_LINE;
	if (len > GATEWAY_TARGET_BYTES) return GATEWAY_FAULT_TARGET_LONG;
	for (size_t i = 0; i < len; i++) {
		if (s[i] != '%') {
			if (!is_path_byte(s[i])) return GATEWAY_FAULT_TARGET;
			continue;
		}
		if (i + 2 >= len || !isxdigit((unsigned char)s[i + 1]) || !isxdigit((unsigned char)s[i + 2])) return GATEWAY_FAULT_TARGET;
		if (s[i + 1] == '0' && s[i + 2] == '0') return GATEWAY_FAULT_TARGET;
	}
	return GATEWAY_OK;
}

static enum gateway_fault check_line(const char *s, size_t len, bool *is_10)
{
	const char *method_end = memchr(s, ' ', len), *target, *target_end;
	if (!method_end || method_end - s > 15) return GATEWAY_FAULT_LINE;
	for (const char *p = s; p < method_end; p++)
		if (*p < 'A' || *p > 'Z') return GATEWAY_FAULT_LINE;
	target = method_end + 1;
	target_end = memchr(target, ' ', len - (size_t)(target - s));
	if (method_end == s || !target_end) return GATEWAY_FAULT_LINE;
	size_t version = len - (size_t)(target_end + 1 - s);
	if (version != 8 || memcmp(target_end + 1, "HTTP/", 5) != 0) return GATEWAY_FAULT_LINE;
	*is_10 = memcmp(target_end + 1, "HTTP/1.0", 8) == 0;
	if (!*is_10 && memcmp(target_end + 1, "HTTP/1.1", 8) != 0) return GATEWAY_FAULT_VERSION;
	/* REFUSED is how the gate tells the server; nobody else may. */
	if (method_end - s == 7 && memcmp(s, "REFUSED", 7) == 0) return GATEWAY_FAULT_LINE;
	return check_target(target, (size_t)(target_end - target));
}

struct fields {
	unsigned n, hosts, lengths, encodings, logins;
	uint64_t body;
};

static bool is_name(const char *s, size_t len, const char *name)
{
	return len == strlen(name) && strncasecmp(s, name, len) == 0;
}

static enum gateway_fault take_length(struct fields *f, const char *s, size_t len)
{
	f->lengths++;
	f->body = 0;
	if (!len || len > 18) return GATEWAY_FAULT_LENGTH;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9') return GATEWAY_FAULT_LENGTH;
		f->body = f->body * 10 + (uint64_t)(s[i] - '0');
	}
	return GATEWAY_OK;
}

static enum gateway_fault take_field(struct fields *f, const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);
	if (!colon || !is_token(s, (size_t)(colon - s))) return GATEWAY_FAULT_FIELD; /* a folded line begins with a blank: no token */
	size_t name = (size_t)(colon - s);
	const char *value = colon + 1, *end = s + len;
	while (value < end && (*value == ' ' || *value == '\t')) value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t')) end--;
	if (++f->n > GATEWAY_HEADERS) return GATEWAY_FAULT_FIELDS;
	if (is_name(s, name, "host")) {
		f->hosts++;
		if (value == end) return GATEWAY_FAULT_HOST;
		for (const char *p = value; p < end; p++)
			if (!*p || (!isalnum((unsigned char)*p) && !strchr("-._~:[]%", *p))) return GATEWAY_FAULT_HOST;
	} else if (is_name(s, name, "content-length")) return take_length(f, value, (size_t)(end - value));
	else if (is_name(s, name, "transfer-encoding")) f->encodings++;
	else if (is_name(s, name, "authorization")) f->logins++;
	return GATEWAY_OK;
}

enum gateway_fault gateway_head_check(const char *data, size_t len, uint64_t *body)
{
	struct fields f = {.n = 0};
	bool is_10 = false;
	const char *end = data + len - 2, *line = data, *next; /* without the empty line */
	*body = 0;
	next = memmem(line, (size_t)(end - line), "\r\n", 2);
	if (!next) return GATEWAY_FAULT_LINE;
	enum gateway_fault fault = check_line(line, (size_t)(next - line), &is_10);
	for (line = next + 2; !fault && line < end; line = next + 2) {
		next = memmem(line, (size_t)(end - line), "\r\n", 2);
		if (!next) return GATEWAY_FAULT_FIELD;
		fault = take_field(&f, line, (size_t)(next - line));
	}
	if (fault) return fault;
	if (f.lengths && f.encodings) return GATEWAY_FAULT_BOTH;
	if (f.lengths > 1) return GATEWAY_FAULT_LENGTH;
	if (f.encodings) return GATEWAY_FAULT_CHUNKED;
	if (f.hosts > 1 || (!f.hosts && !is_10)) return GATEWAY_FAULT_HOST;
	if (f.logins > 1) return GATEWAY_FAULT_TWICE;
	if (f.body > GATEWAY_BODY_BYTES) return GATEWAY_FAULT_BODY_LONG;
	*body = f.body;
	return GATEWAY_OK;
}
