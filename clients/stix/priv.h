/* What the files of this room share. */
#ifndef ISAC_STIX_PRIV_H
#define ISAC_STIX_PRIV_H

#include "stix/stix.h"
#include "wire/wire.h"

/* ---- path.c ---- */
/* Which type a path says (WIRE_VALUE_NONE: guessed); false: none that we have. */
bool stix_path_type(uint32_t *type, const char *path);
/* The path that is written for a value of this type; NULL: none. */
const char *stix_path_of(uint32_t type, const char *value);

#endif
