/*
 * except: what must never be written, whoever reports it: one's own names and networks, partners, what was found to be wrong.
 */
#include <stdlib.h>
#include <string.h>
#include "format/priv.h"

struct net {
	uint8_t addr[16], family, bits;
};
struct format_except {
	char **text; /* sorted; domains bare, other values as they are */
	size_t texts;
	struct net *net;
	size_t nets;
};

enum { ARENA_BYTES = 1 << 18, STEP = 64 };

static void *grow(void *array, size_t n, size_t size)
{
	return n % STEP ? array : realloc(array, (n + STEP) * size);
}

static bool add(struct format_except *except, const struct wire_value *v)
{
	if (v->type <= WIRE_VALUE_CIDR) {
		struct net *net = grow(except->net, except->nets, sizeof *net);
		if (!net) return false;
		except->net = net;
		net[except->nets] = (struct net){.family = v->family, .bits = v->prefix};
		memcpy(net[except->nets++].addr, v->addr, sizeof v->addr);
		return true;
	}
	char **text = grow(except->text, except->texts, sizeof *text);
	if (!text) return false;
	except->text = text;
	return (text[except->texts] = strdup(v->text)) && ++except->texts;
}

static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool take(struct format_except *except, char *line, struct wire_arena *arena, char *reason, size_t size, bool *memory)
{
	struct wire_value value;
	struct wire_why why = {.text = "is not a value of any known type"};
	line[strcspn(line, "\r\n")] = 0;
	for (char *p = line; (p = strchr(p, '#')); p++) {
		if (p > line && p[-1] != ' ' && p[-1] != '\t') continue; /* inside a URL */
		*p = 0;
		break;
	}
	line += strspn(line, " \t");
	size_t len = strlen(line);
	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t')) line[--len] = 0;
	if (!len) return true;
	wire_arena_reset(arena);
	uint32_t type = wire_value_guess(line, len, arena);
	if (type && !wire_value_canon(&value, type, line, len, arena, &why)) {
		*memory = add(except, &value);
		return *memory;
	}
	snprintf(reason, size, "%s", why.text);
	return false;
}

long format_except_read(struct format_except **out, FILE *in, char *reason, size_t size)
{
	struct format_except *except = calloc(1, sizeof *except);
	struct wire_arena arena;
	char *line = NULL;
	size_t line_size = 0;
	long number = 0, bad = except ? 0 : -1;
	bool memory = true;
	wire_arena_init(&arena, ARENA_BYTES);
	while (!bad && getline(&line, &line_size, in) > 0) {
		number++;
		if (!take(except, line, &arena, reason, size, &memory)) bad = memory ? number : -1;
	}
	free(line);
	wire_arena_clear(&arena);
	*out = NULL;
	if (bad) {
		format_except_destroy(&except);
		return bad;
	}
	if (except->texts) qsort(except->text, except->texts, sizeof *except->text, text_order);
	*out = except;
	return 0;
}

void format_except_destroy(struct format_except **except)
{
	if (!*except) return;
	for (size_t i = 0; i < (*except)->texts; i++) free((*except)->text[i]);
	free((*except)->text);
	free((*except)->net);
	free(*except);
	*except = NULL;
}

static bool has_text(const struct format_except *except, const char *text)
{
	return except->texts && bsearch(&text, except->text, except->texts, sizeof *except->text, text_order);
}

static bool overlaps(const struct net *net, const struct format_entry *e)
{
	if (net->family != e->family) return false;
	unsigned least = net->bits < e->bits ? net->bits : e->bits;
	size_t bytes = least / 8, rest = least % 8;
	return memcmp(net->addr, e->addr, bytes) == 0 && (!rest || ((net->addr[bytes] ^ e->addr[bytes]) & (0xff00 >> rest) & 0xff) == 0);
}

bool format_except_has(const struct format_except *except, const struct format_entry *entry)
{
	for (size_t i = 0; entry->family && i < except->nets; i++)
		if (overlaps(&except->net[i], entry)) return true;
	if (has_text(except, entry->value)) return true;
	for (const char *name = entry->host; name && *name; name += *name == '.') {
		if (has_text(except, name)) return true;
		name += strcspn(name, ".");
	}
	return false;
}
