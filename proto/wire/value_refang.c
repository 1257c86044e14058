/*
 * Undoes defanging: the ways in which people write a value so that nobody clicks on it. A table of texts and their replacements
 * (any case); schemes only at the very start. For import tools: the wire never carries defanged values, and the hub never calls this.
 */
#include <string.h>
#include "wire/value_priv.h"

static const struct rule {
	const char *from, *to;
	bool start;
} rules[] = {
	{"hxxp", "http", true}, /* hxxps too: the s stays */
	{"fxp", "ftp", true},	 {"[.]", ".", false},	{"(.)", ".", false},   {"{.}", ".", false},
	{"\\.", ".", false},	 {"[dot]", ".", false}, {"(dot)", ".", false}, {"[:]", ":", false},
	{"[://]", "://", false}, {"[@]", "@", false},	{"[at]", "@", false},
};

static bool begins(const char *s, size_t len, const char *from)
{
	size_t i = 0;

	for (; from[i]; i++)
		if (i == len || value_lower(s[i]) != from[i]) return false;
	return true;
}

/* What a scheme is followed by: its own s, then a colon in whatever dress. Else "fxp.example.org" would lose its name. */
static bool is_scheme(const char *s, size_t len)
{
	if (len > 0 && value_lower(*s) == 's') s++, len--;
	return begins(s, len, ":") || begins(s, len, "[:");
}

static const struct rule *match(const char *s, size_t len, bool start)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const size_t size = strlen(rules[i].from);

		if (rules[i].start && !start) continue;
		if (begins(s, len, rules[i].from) && (!rules[i].start || is_scheme(s + size, len - size))) return &rules[i];
	}
	return NULL;
}

/* A rule can only begin with one of these. */
static bool may_begin(char c)
{
	return c == '[' || c == '(' || c == '{' || c == '\\';
}

const char *wire_value_refang(const char *raw, size_t *len, struct wire_arena *arena)
{
	const struct rule *rule;
	size_t at = 0, used = 0;
	char *out;

	while (at < *len && !((at == 0 || may_begin(raw[at])) && match(raw + at, *len - at, at == 0))) at++;
	if (at == *len) return raw;
	out = wire_arena_alloc(arena, *len + 1); /* no replacement is longer than what it replaces */
	if (!out) return raw;
	memcpy(out, raw, at);
	used = at;
	while (at < *len) {
		rule = at == 0 || may_begin(raw[at]) ? match(raw + at, *len - at, at == 0) : NULL;
		if (rule) {
			memcpy(out + used, rule->to, strlen(rule->to));
			used += strlen(rule->to);
			at += strlen(rule->from);
		} else {
			out[used++] = raw[at++];
		}
	}
	out[used] = 0;
	*len = used;
	return out;
}
