/* uuid: names as UUIDs of version 5 (RFC 9562): the same thing has the same id in every document, whoever writes it. */
#include <nettle/sha1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "document/document.h"
#include "wire/wire.h"

/* Ours alone, made at random once: what a hub names lies in a space that its hub_id has below this one. */
static const char root_space[] = "5f3c2b1e-7d0a-4c58-9e64-1b8a0f2d6c93";

enum { UUID_BYTES = 16 };

static bool parse(uint8_t out[UUID_BYTES], const char *text)
{
	char hex[2 * UUID_BYTES];
	size_t n = 0;
	if (strlen(text) != DOCUMENT_UUID_BYTES - 1) return false;
	for (size_t i = 0; text[i]; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
		if (hyphen != (text[i] == '-')) return false;
		if (!hyphen) hex[n++] = text[i];
	}
	return wire_unhex(out, UUID_BYTES, hex, sizeof hex) == ISAC_OK;
}

bool document_uuid_ok(const char *text)
{
	uint8_t bytes[UUID_BYTES];
	return parse(bytes, text);
}

bool document_uuid5(char out[DOCUMENT_UUID_BYTES], const char *space, const char *name, size_t len)
{
	uint8_t bytes[UUID_BYTES], digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx hash;
	if (!parse(bytes, space)) return false;
	sha1_init(&hash);
	sha1_update(&hash, sizeof bytes, bytes);
	sha1_update(&hash, len, (const uint8_t *)name);
	sha1_digest(&hash, sizeof digest, digest);
	digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x50);
	digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
	isac_id_text(out, digest);
	return true;
}

bool document_uuid5_json(char out[DOCUMENT_UUID_BYTES], const char *space, const char *before, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS), *name = NULL;
	int len = text ? asprintf(&name, "%s%s", before, text) : -1;
	bool good = len >= 0 && document_uuid5(out, space, name, (size_t)len);
	if (len >= 0) free(name);
	free(text);
	json_decref(object);
	return good;
}

void document_uuid_space(char out[DOCUMENT_UUID_BYTES], const char *hub_id)
{
	document_uuid5(out, root_space, hub_id, strlen(hub_id));
}
