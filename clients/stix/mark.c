/* mark: TLP as marking-definitions. Written as TLP 2.0, whose ids everybody shares; read as TLP 2.0 or 1. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "stix/priv.h"

#define TLP_EXTENSION "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

static const struct {
	enum isac_tlp tlp;
	const char *id, *name, *value;
} marks[] = {
	{ISAC_TLP_CLEAR, "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", "TLP:CLEAR", "clear"},
	{ISAC_TLP_GREEN, "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "TLP:GREEN", "green"},
	{ISAC_TLP_AMBER, "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "TLP:AMBER", "amber"},
	{ISAC_TLP_AMBER_STRICT, "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", "TLP:AMBER+STRICT", "amber+strict"},
	{ISAC_TLP_RED, "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", "TLP:RED", "red"},
	/* TLP 1: only read. */
	{ISAC_TLP_CLEAR, "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", NULL, "white"},
	{ISAC_TLP_GREEN, "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", NULL, "green"},
	{ISAC_TLP_AMBER, "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", NULL, "amber"},
	{ISAC_TLP_RED, "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", NULL, "red"},
};
enum { MARKS = sizeof marks / sizeof marks[0] };

const char *stix_mark_id(enum isac_tlp tlp)
{
	for (size_t i = 0; i < MARKS; i++)
		if (marks[i].tlp == tlp) return marks[i].id;
	return NULL;
}

enum isac_tlp stix_mark_tlp(const char *id)
{
	for (size_t i = 0; i < MARKS; i++)
		if (strcasecmp(marks[i].id, id) == 0) return marks[i].tlp;
	return ISAC_TLP_NONE;
}

static enum isac_tlp by_value(const char *value)
{
	for (size_t i = 0; value && i < MARKS; i++)
		if (strcasecmp(marks[i].value, value) == 0) return marks[i].tlp;
	return ISAC_TLP_NONE;
}

/* By what it says, too: producers give marks of TLP ids of their own, though they must not. */
enum isac_tlp stix_mark_read(const json_t *marking)
{
	const char *id = document_read_text(marking, "id"), *type = document_read_text(marking, "definition_type");
	enum isac_tlp tlp = id ? stix_mark_tlp(id) : ISAC_TLP_NONE;
	if (!tlp) tlp = by_value(document_read_text(json_object_get(json_object_get(marking, "extensions"), TLP_EXTENSION), "tlp_2_0"));
	if (!tlp && type && strcasecmp(type, "tlp") == 0) tlp = by_value(document_read_text(json_object_get(marking, "definition"), "tlp"));
	return tlp;
}

json_t *stix_mark_object(enum isac_tlp tlp)
{
	for (size_t i = 0; i < MARKS; i++)
		if (marks[i].tlp == tlp)
			return json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:{s:s, s:s}}}", "type", "marking-definition", "spec_version", "2.1",
					 "id", marks[i].id, "created", "2022-10-01T00:00:00.000Z", "name", marks[i].name, "extensions",
					 TLP_EXTENSION, "extension_type", "property-extension", "tlp_2_0", marks[i].value);
	return NULL;
}
