/*
 * feed: items into the files that MISP fetches. Events and attributes are kept by their UUIDs, and written in the order of these, so that
 * the same state gives the same bytes whatever the order in which it came.
 */
#include <nettle/md5.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "misp/priv.h"

struct misp_feed {
	char hub_id[32];
	json_t *events; /* uuid -> {"Event": {...}}, whose Attribute is still an object by uuid */
};

bool misp_feed_new(struct misp_feed **out, const char *hub_id)
{
	struct misp_feed *feed = calloc(1, sizeof *feed);
	*out = feed;
	if (!feed) return false;
	snprintf(feed->hub_id, sizeof feed->hub_id, "%s", hub_id);
	feed->events = json_object();
	if (!feed->events) misp_feed_destroy(out);
	return *out != NULL;
}

void misp_feed_destroy(struct misp_feed **feed)
{
	if (!*feed) return;
	json_decref((*feed)->events);
	free(*feed);
	*feed = NULL;
}

size_t misp_feed_events(const struct misp_feed *feed)
{
	return json_object_size(feed->events);
}

static int64_t seconds_of(const json_t *object, const char *key)
{
	json_int_t seconds;
	return document_read_number(object, key, 0, INT64_MAX, &seconds) ? seconds : 0;
}

static bool is_empty(const json_t *v)
{
	const char *text = json_string_value(v);
	return !v || (text && !*text) || (json_is_array(v) && !json_array_size(v));
}

/* Of two words on the same attribute: deleted stays deleted, the later time counts, what only one of them says stays. Both are ours. */
static void join(json_t *kept, const json_t *more)
{
	static const char *const words[] = {"comment", "Tag", "first_seen", "last_seen"};
	if (seconds_of(more, "timestamp") > seconds_of(kept, "timestamp"))
		json_object_set(kept, "timestamp", json_object_get(more, "timestamp"));
	if (json_is_true(json_object_get(more, "deleted"))) {
		json_object_set_new(kept, "deleted", json_true());
		json_object_set_new(kept, "to_ids", json_false());
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (is_empty(json_object_get(kept, words[i])) && !is_empty(json_object_get(more, words[i])))
			json_object_set(kept, words[i], json_object_get(more, words[i]));
}

static const char *left_out(const struct isac_item *item)
{
	if (!item->verified) return "item that does not verify";
	if (item->held) return "held item";
	if (item->kind != ISAC_KIND_INDICATOR && item->kind != ISAC_KIND_WITHDRAWAL) return "sighting: a feed of MISP has none";
	if (item->kind == ISAC_KIND_WITHDRAWAL &&
	    (!item->about || !item->about_publisher || strcmp(item->publisher, item->about_publisher) != 0))
		return "withdrawal of what is not its own";
	return NULL;
}

bool misp_feed_add(struct misp_feed *feed, const struct isac_item *item, struct document_tally *tally)
{
	char uuid[DOCUMENT_UUID_BYTES];
	const char *why = left_out(item);
	json_t *attribute = why ? NULL : misp_event_attribute(item, feed->hub_id);
	if (!attribute) {
		document_tally_add(tally, "%s", why ? why : "item of a type that MISP has not");
		return true;
	}
	if (item->kind == ISAC_KIND_WITHDRAWAL) json_object_set_new(attribute, "comment", json_string("")); /* the original's stays */
	misp_event_uuid(uuid, feed->hub_id, item);
	json_t *event = json_object_get(feed->events, uuid);
	if (!event) {
		event = misp_event_of(item, feed->hub_id, 0);
		json_object_set_new(json_object_get(event, "Event"), "Attribute", json_object());
		if (!event || json_object_set_new(feed->events, uuid, event)) {
			json_decref(attribute);
			return false;
		}
	}
	json_t *attributes = json_object_get(json_object_get(event, "Event"), "Attribute");
	const char *id = document_read_text(attribute, "uuid");
	json_t *kept = json_object_get(attributes, id);
	if (kept) join(kept, attribute);
	bool good = kept || json_object_set(attributes, id, attribute) == 0;
	json_decref(attribute);
	return good;
}

/* ---- writing ---- */
struct writing {
	const struct misp_feed *feed;
	bool (*put)(void *arg, const char *name, const char *bytes, size_t len);
	void *arg;
	const json_t *earlier;
	json_t *manifest;
	FILE *hashes;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Keys of an object in order; free the array, not the texts. */
static char **sorted_keys(const json_t *object)
{
	char **keys = malloc((json_object_size(object) + 1) * sizeof *keys);
	const char *name;
	json_t *each;
	size_t n = 0;
	if (!keys) return NULL;
	json_object_foreach((json_t *)(uintptr_t)object, name, each)
	{
		(void)each;
		keys[n++] = (char *)(uintptr_t)name;
	}
	qsort(keys, n, sizeof *keys, by_text);
	return keys;
}

/* The attributes as a list in order, the newest of their times; a line of hashes for each that stands. NULL: no memory. */
static json_t *list_attributes(struct writing *w, const char *event, const json_t *attributes, int64_t *newest)
{
	char **keys = sorted_keys(attributes), hex[2 * MD5_DIGEST_SIZE + 1];
	json_t *list = json_array();
	for (size_t i = 0; keys && i < json_object_size(attributes); i++) {
		json_t *each = json_object_get(attributes, keys[i]);
		const char *value = document_read_text(each, "value");
		struct md5_ctx hash;
		uint8_t digest[MD5_DIGEST_SIZE];
		json_array_append(list, each);
		if (seconds_of(each, "timestamp") > *newest) *newest = seconds_of(each, "timestamp");
		if (json_is_true(json_object_get(each, "deleted"))) continue;
		md5_init(&hash);
		md5_update(&hash, strlen(value), (const uint8_t *)value);
		md5_digest(&hash, sizeof digest, digest);
		wire_hex(hex, digest, sizeof digest);
		fprintf(w->hashes, "%s,%s\n", hex, event);
	}
	bool good = keys != NULL;
	free(keys);
	if (!good) json_decref(list);
	return good ? list : NULL;
}

/* The event's bytes at that time, and their hash. NULL: no memory. */
static char *render(json_t *event, int64_t timestamp_s, char hash[2 * crypto_hash_sha256_BYTES + 1])
{
	uint8_t digest[crypto_hash_sha256_BYTES];
	json_t *inner = json_object_get(event, "Event");
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)timestamp_s);
	json_object_set_new(inner, "timestamp", json_string(text));
	json_object_set_new(inner, "publish_timestamp", json_string(text));
	char *bytes = json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS);
	if (!bytes) return NULL;
	crypto_hash_sha256(digest, (const unsigned char *)bytes, strlen(bytes));
	wire_hex(hash, digest, sizeof digest);
	return bytes;
}

static bool write_event(struct writing *w, const char *uuid)
{
	char name[60], hash[2 * crypto_hash_sha256_BYTES + 1];
	json_t *event = json_deep_copy(json_object_get(w->feed->events, uuid)), *inner = json_object_get(event, "Event");
	const json_t *before = json_object_get(w->earlier, uuid);
	const char *hash_before = document_read_text(before, "integrity:sha256");
	int64_t at = 0, at_before = seconds_of(before, "timestamp");
	json_t *list = list_attributes(w, uuid, json_object_get(inner, "Attribute"), &at);
	if (list) json_object_set_new(inner, "Attribute", list);
	char *bytes = list ? render(event, at > at_before ? at : at_before, hash) : NULL;
	if (bytes && at <= at_before && !(hash_before && strcmp(hash_before, hash) == 0)) {
		free(bytes);
		bytes = render(event, at_before + 1, hash);
	}
	snprintf(name, sizeof name, "%s.json", uuid);
	bool good = bytes && w->put(w->arg, name, bytes, strlen(bytes));
	if (good)
		good = json_object_set_new(w->manifest, uuid,
					   json_pack("{s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:s}", "info", json_object_get(inner, "info"),
						     "Orgc", json_object_get(inner, "Orgc"), "date", json_object_get(inner, "date"),
						     "timestamp", json_object_get(inner, "timestamp"), "analysis",
						     json_object_get(inner, "analysis"), "threat_level_id",
						     json_object_get(inner, "threat_level_id"), "Tag", json_object_get(inner, "Tag"),
						     "integrity:sha256", hash)) == 0;
	free(bytes);
	json_decref(event);
	return good;
}

bool misp_feed_write(const struct misp_feed *feed, const json_t *earlier,
		     bool (*put)(void *arg, const char *name, const char *bytes, size_t len), void *arg)
{
	struct writing w = {.feed = feed, .put = put, .arg = arg, .earlier = earlier, .manifest = json_object()};
	char *hashes = NULL, **names = sorted_keys(feed->events);
	size_t len = 0;
	w.hashes = open_memstream(&hashes, &len);
	bool good = w.manifest && names && w.hashes;
	for (size_t i = 0; good && i < json_object_size(feed->events); i++) good = write_event(&w, names[i]);
	if (w.hashes) good &= fclose(w.hashes) == 0;
	char *manifest = good ? json_dumps(w.manifest, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	good = manifest && put(arg, "hashes.csv", hashes, len) && put(arg, "manifest.json", manifest, strlen(manifest));
	free(manifest);
	free(hashes);
	free(names);
	json_decref(w.manifest);
	return good;
}
