/* names: words for the numbers of the wire, as filters and the command line write them. */
#include <string.h>
#include <strings.h>
#include "priv.h"

static const char *const tlp_names[] = {NULL, "clear", "green", "amber", "amber+strict", "red"};
static const char *const kind_names[] = {
	NULL,	      "indicator",    "sighting", "withdrawal", "behaviour-report", "sample-sighting", "detection-event",
	"hypothesis", "action-taken", "advisory"};

const char *isac_tlp_name(unsigned tlp)
{
	return tlp < sizeof tlp_names / sizeof tlp_names[0] ? tlp_names[tlp] : NULL;
}

enum isac_tlp isac_tlp_parse(const char *text)
{
	if (strncasecmp(text, "tlp:", 4) == 0) text += 4;
	for (unsigned i = ISAC_TLP_CLEAR; i <= ISAC_TLP_RED; i++)
		if (strcasecmp(text, tlp_names[i]) == 0) return (enum isac_tlp)i;
	if (strcasecmp(text, "amber-strict") == 0 || strcasecmp(text, "amber_strict") == 0) return ISAC_TLP_AMBER_STRICT;
	return ISAC_TLP_NONE;
}

const char *isac_verdict_name(unsigned verdict)
{
	static const char *const names[] = {NULL, "positive", "false-positive", "expired"};
	return verdict < sizeof names / sizeof names[0] ? names[verdict] : NULL;
}

const char *isac_kind_name(unsigned kind)
{
	return kind < sizeof kind_names / sizeof kind_names[0] ? kind_names[kind] : NULL;
}

bool isac_type_known(const char *type)
{
	return wire_value_type(type, strlen(type)) != 0;
}

const char *isac_type_name(unsigned number)
{
	return wire_value_name(number);
}

void isac_id_text(char out[37], const uint8_t id[ISAC_ID_BYTES])
{
	char hex[33];
	wire_hex(hex, id, 16);
	static const uint8_t part[] = {8, 4, 4, 4, 12};
	const char *from = hex;
	for (size_t i = 0; i < sizeof part; i++) {
		memcpy(out, from, part[i]);
		out += part[i];
		from += part[i];
		*out++ = i + 1 < sizeof part ? '-' : 0;
	}
}

bool isac_id_parse(uint8_t out[ISAC_ID_BYTES], const char *text)
{
	char hex[ISAC_ID_BYTES * 2 + 1];
	size_t n = 0;
	for (; *text; text++) {
		if (*text == '-' && n % 2 == 0 && n >= 8 && n <= 20) continue;
		if (n == ISAC_ID_BYTES * 2) return false;
		hex[n++] = *text >= 'A' && *text <= 'F' ? (char)(*text + 'a' - 'A') : *text;
	}
	return n == ISAC_ID_BYTES * 2 && wire_unhex(out, ISAC_ID_BYTES, hex, n) == ISAC_OK;
}
