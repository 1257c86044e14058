/* file: which form of a feed a path is for. */
#include <string.h>
#include "gateway/priv.h"

static const struct gateway_file rows[] = {
#define FEED(suffix, type, format, part, timed, text) {suffix, type, #format, part, timed, text},
#include "gateway/feeds.def"
#undef FEED
};
enum { ROWS = sizeof rows / sizeof *rows };

const struct gateway_file *gateway_file_row(unsigned number)
{
	return number < ROWS ? &rows[number] : NULL;
}

const struct gateway_file *gateway_file_find(const char *name, size_t *stem)
{
	const struct gateway_file *best = NULL;
	size_t len = strlen(name);
	for (unsigned i = 0; i < ROWS; i++) {
		size_t suffix = strlen(rows[i].suffix);
		if (!suffix || suffix >= len || strcmp(name + len - suffix, rows[i].suffix) != 0) continue;
		if (best && strlen(best->suffix) > suffix) continue;
		best = &rows[i];
		*stem = len - suffix;
	}
	return best;
}

const struct gateway_file *gateway_file_part(const char *format, const char *part)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (strcmp(rows[i].format, format) == 0 && strcmp(rows[i].part, part) == 0) return &rows[i];
	return NULL;
}
