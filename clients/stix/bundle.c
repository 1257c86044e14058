/*
 * bundle: items as they come into bundles of their own or one that goes on. What an object refers to stands before it, once a bundle;
 * how much is remembered for that has an end, since publishers choose the names: then it is said again, which is harmless.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "stix/priv.h"

enum { SAID_MAX = 100000 };

struct stix_bundle {
	char hub_id[32];
	bool (*write)(void *arg, const char *text, size_t len);
	void *arg;
	json_t *said; /* ids that this bundle has */
	bool begun, any, failed;
	unsigned marked; /* a bit for each label whose mark it has, and bit 0 for maker and definition, which are long */
};

bool stix_bundle_open(struct stix_bundle **out, const char *hub_id, bool (*write)(void *arg, const char *text, size_t len), void *arg)
{
	struct stix_bundle *b = calloc(1, sizeof *b);
	*out = b;
	if (!b) return false;
	snprintf(b->hub_id, sizeof b->hub_id, "%s", hub_id);
	b->write = write;
	b->arg = arg;
	b->said = json_object();
	if (!b->said) stix_bundle_close(out);
	return *out != NULL;
}

void stix_bundle_close(struct stix_bundle **b)
{
	if (!*b) return;
	json_decref((*b)->said);
	free(*b);
	*b = NULL;
}

static void put(struct stix_bundle *b, const char *text, size_t len)
{
	if (!b->failed && !b->write(b->arg, text, len)) b->failed = true;
}

static void begin(struct stix_bundle *b)
{
	uint8_t random[ISAC_ID_BYTES];
	char uuid[37], text[120];
	if (b->begun) return;
	randombytes_buf(random, sizeof random);
	random[6] = (uint8_t)((random[6] & 0x0f) | 0x40);
	random[8] = (uint8_t)((random[8] & 0x3f) | 0x80);
	isac_id_text(uuid, random);
	put(b, text, (size_t)snprintf(text, sizeof text, "{\"type\":\"bundle\",\"id\":\"bundle--%s\"", uuid));
	b->begun = true;
}

/* Takes the reference; NULL is nothing. */
static void put_object(struct stix_bundle *b, json_t *object)
{
	if (!object) return;
	char *text = json_dumps(object, JSON_COMPACT);
	begin(b);
	put(b, b->any ? "," : ",\"objects\":[", b->any ? 1 : strlen(",\"objects\":["));
	if (text) put(b, text, strlen(text));
	else b->failed = true;
	b->any = true;
	free(text);
	json_decref(object);
}

/* The first time in this bundle. */
static void put_once(struct stix_bundle *b, json_t *object)
{
	const char *id = document_read_text(object, "id");
	if (id && !json_object_get(b->said, id)) {
		if (json_object_size(b->said) >= SAID_MAX) json_object_clear(b->said);
		if (json_object_set_new(b->said, id, json_true()) == 0) {
			put_object(b, object);
			return;
		}
		b->failed = true;
	}
	json_decref(object);
}

static void put_companions(struct stix_bundle *b, const struct isac_item *item)
{
	json_t *malware;
	if (!(b->marked & 1)) {
		put_object(b, stix_object_maker());
		put_object(b, stix_object_extension());
	}
	if (item->tlp <= ISAC_TLP_RED && !(b->marked & 1u << item->tlp)) put_object(b, stix_mark_object((enum isac_tlp)item->tlp));
	b->marked |= 1 | (item->tlp <= ISAC_TLP_RED ? 1u << item->tlp : 0);
	put_once(b, stix_object_publisher(b->hub_id, item->publisher));
	if (item->about && item->about_publisher) put_once(b, stix_object_publisher(b->hub_id, item->about_publisher));
	for (size_t i = 0; (malware = stix_object_malware(item, b->hub_id, i)); i++) put_once(b, malware);
}

bool stix_bundle_add(struct stix_bundle *b, const struct isac_item *item)
{
	json_t *object = stix_object_of(item, b->hub_id), *more;
	if (!object) return !b->failed;
	put_companions(b, item);
	put_object(b, object);
	put_object(b, stix_object_replaced(item, b->hub_id));
	for (size_t i = 0; (more = stix_object_indicates(item, b->hub_id, i)); i++) put_object(b, more);
	return !b->failed;
}

bool stix_bundle_end(struct stix_bundle *b, bool whole)
{
	if (whole) begin(b);
	if (b->begun) put(b, b->any ? "]}\n" : "}\n", b->any ? 3 : 2);
	b->begun = b->any = false;
	b->marked = 0;
	json_object_clear(b->said);
	return !b->failed;
}
