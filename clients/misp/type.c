/* type: the table of attribute types, both ways. */
#include <string.h>
#include "misp/priv.h"

#define WIRE_VALUE_ANY MISP_PART_ANY
static const struct misp_type rows[] = {
#define TYPE(name, first, second, of, category) {name, WIRE_VALUE_##first, WIRE_VALUE_##second, WIRE_VALUE_##of, category},
#include "misp/types.def"
#undef TYPE
};
#undef WIRE_VALUE_ANY
enum { ROWS = sizeof rows / sizeof rows[0] };

const struct misp_type *misp_type_find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0) return &rows[i];
	return NULL;
}

bool misp_type_of(const char **type, const char **category, const char *our_type, const char *value)
{
	uint32_t of = wire_value_type(our_type, strlen(our_type));
	bool second = of == WIRE_VALUE_CERT_FP && strlen(value) == 64; /* the row of the longer fingerprint */
	for (size_t i = 0; of && i < ROWS; i++) {
		if (rows[i].of != of) continue;
		if (second) {
			second = false;
			continue;
		}
		*type = rows[i].name;
		*category = rows[i].category;
		return true;
	}
	return false;
}
