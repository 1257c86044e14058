/* What the files of this room share. */
#ifndef ISAC_MISP_PRIV_H
#define ISAC_MISP_PRIV_H

#include "misp/misp.h"
#include "wire/wire.h"

enum { MISP_PART_NONE = 0, MISP_PART_ANY = 1000 }; /* else a type of wire/value.def */
struct misp_type {
	const char *name;
	uint32_t first, second, of;
	const char *category;
};
const struct misp_type *misp_type_find(const char *name); /* NULL: none */

#endif
