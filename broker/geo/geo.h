/*
 * geo: where an address lies, by databases on this machine in MaxMind DB form: its country and its autonomous system.
 *
 * Opened once, before threads and the sandbox; from then on a pure look-up over mapped files that every thread may make.
 * A derived value is for matching only: a reader sees what the publisher signed.
 */
#ifndef ISAC_GEO_H
#define ISAC_GEO_H

#include "wire/wire.h"

struct geo_place {
	uint32_t asn;	 /* 0 = not known */
	char country[4]; /* ISO 3166-1 alpha-2, upper case; "" = not known */
};

/* A path that is NULL or "" switches that one off. CONFIG, with why, if a file cannot be read or is no such database. */
enum isac_err geo_open(const char *country_path, const char *asn_path, struct wire_why *why);
void geo_close(void); /* nobody may be looking up any more */
/* Would geo_open take this file, and has it what we ask for? Opens and closes it. */
enum isac_err geo_check(const char *path, struct wire_why *why);
/*
 * Where addr lies (a network: its first address). family 4 or 6 as in wire_value; 0: nowhere. want_*: what the caller does not know
 * already. What is not found is left as "not known".
 */
void geo_find(struct geo_place *out, const uint8_t addr[16], uint8_t family, bool want_country, bool want_asn);

#endif
