/* id: deterministic ids. Ours lie in a name space of the hub, those of observables in the one that STIX 2.1 fixes for all. */
#include <stdio.h>
#include <string.h>
#include "stix/priv.h"

static const char observables[] = "00abedb4-aa42-466c-9c01-fed23315a9b7"; /* STIX 2.1 section 2.9 */

static void name(char out[STIX_ID_BYTES], const char *hub_id, const char *sort, json_t *what)
{
	char space[DOCUMENT_UUID_BYTES], uuid[DOCUMENT_UUID_BYTES] = "";
	document_uuid_space(space, hub_id);
	document_uuid5_json(uuid, space, sort, what);
	snprintf(out, STIX_ID_BYTES, "%s--%s", sort, uuid);
}

void stix_id_publisher(char out[STIX_ID_BYTES], const char *hub_id, const char *publisher)
{
	name(out, hub_id, "identity", json_pack("{s:s}", "publisher", publisher));
}

void stix_id_item(char out[STIX_ID_BYTES], const char *hub_id, const char *sort, const char *publisher,
		  const uint8_t report_id[ISAC_ID_BYTES], const char *type, const char *value)
{
	char report[37];
	isac_id_text(report, report_id);
	name(out, hub_id, sort, json_pack("{s:s, s:s, s:s, s:s}", "publisher", publisher, "report", report, "type", type, "value", value));
}

bool stix_id_observable(char out[STIX_ID_BYTES], const char *sort, json_t *properties)
{
	char uuid[DOCUMENT_UUID_BYTES];
	if (!document_uuid5_json(uuid, observables, "", properties)) return false;
	return snprintf(out, STIX_ID_BYTES, "%s--%s", sort, uuid) < STIX_ID_BYTES;
}

int64_t stix_id_time_us(const uint8_t report_id[ISAC_ID_BYTES])
{
	int64_t ms = 0;
	if (report_id[6] >> 4 != 7) return 0;
	for (size_t i = 0; i < 6; i++) ms = ms << 8 | report_id[i];
	return ms * 1000;
}
