/* route: which row of routes.def a request is for. */
#include <ctype.h>
#include <string.h>
#include "gateway/priv.h"

static const struct gateway_route rows[] = {
#define ROUTE(listener, method, path, login, where, fn, text) \
	{GATEWAY_##listener, method, path, GATEWAY_##login, GATEWAY_##where, fn, text},
#include "gateway/routes.def"
#undef ROUTE
};
enum { ROWS = sizeof rows / sizeof *rows };

const struct gateway_route *gateway_route_row(unsigned number)
{
	return number < ROWS ? &rows[number] : NULL;
}

static int hex(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* Up to the next slash. false: it is empty or too long, or holds what no word of a path holds. */
static bool take_word(char *word, const char **path)
{
	size_t n = 0;
	const char *p = *path;
	for (; *p && *p != '/'; p++) {
		char c = *p;
		if (c == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])) {
			c = (char)(hex(p[1]) << 4 | hex(p[2]));
			p += 2;
		}
		if (n == GATEWAY_WORD_BYTES - 1 || (unsigned char)c < 0x20 || c == 0x7f || c == '/') return false;
		word[n++] = c;
	}
	word[n] = 0;
	*path = p;
	return n > 0;
}

static bool fits(struct gateway_match *out, const char *pattern, const char *path)
{
	unsigned words = 0;
	while (*pattern) {
		if (*pattern == '{') {
			if (words == GATEWAY_WORDS || !take_word(out->word[words++], &path)) return false;
			pattern = strchr(pattern, '}') + 1;
		} else if (*pattern++ != *path++) return false;
	}
	return !*path;
}

void gateway_route_find(struct gateway_match *out, enum gateway_listener listener, const char *method, const char *path)
{
	struct gateway_match trial;
	*out = (struct gateway_match){.route = NULL};
	for (unsigned i = 0; i < ROWS && !out->route; i++) {
		memset(&trial, 0, sizeof trial);
		if (rows[i].listener != listener || !fits(&trial, rows[i].path, path)) continue;
		bool is_get = strcmp(rows[i].method, "GET") == 0;
		out->path_known = true;
		size_t used = strlen(out->allow);
		snprintf(out->allow + used, sizeof out->allow - used, "%s%s%s", used ? ", " : "", rows[i].method, is_get ? ", HEAD" : "");
		if (strcmp(rows[i].method, method) != 0 && !(is_get && strcmp(method, "HEAD") == 0)) continue;
		memcpy(out->word, trial.word, sizeof out->word);
		out->route = &rows[i];
	}
}
