/* path: the table of object paths, both ways. */
#include <string.h>
#include <strings.h>
#include "stix/priv.h"

static const struct {
	const char *path, *written;
	uint32_t type;
} rows[] = {
#define PATH(path, written, type) {path, written, WIRE_VALUE_##type},
#include "stix/paths.def"
#undef PATH
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static bool same(const char *row, const char *path)
{
	const char *hashes = strstr(row, ":hashes.");
	if (!hashes) return strcmp(row, path) == 0;
	size_t head = (size_t)(hashes - row) + strlen(":hashes.");
	return strncmp(row, path, head) == 0 && strcasecmp(row + head, path + head) == 0;
}

bool stix_path_type(uint32_t *type, const char *path)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (!same(rows[i].path, path)) continue;
		*type = rows[i].type;
		return true;
	}
	return false;
}

const char *stix_path_of(uint32_t type, const char *value)
{
	if (type == WIRE_VALUE_CIDR) type = strchr(value, ':') ? WIRE_VALUE_IPV6 : WIRE_VALUE_IPV4;
	/* The second row of fingerprints is of the longer ones. */
	bool second = type == WIRE_VALUE_CERT_FP && strlen(value) == 64;
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].type != type || !rows[i].written) continue;
		if (!second) return rows[i].written;
		second = false;
	}
	return NULL;
}
