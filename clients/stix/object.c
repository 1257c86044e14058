/* object: an item as a STIX object, and what it refers to. Every text was checked when the item was verified. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "stix/priv.h"

/* What never changes has one time for all hubs: when this mapping was made. */
static const char since_ever[] = "2026-11-25T00:00:00.000Z";
static const char maker_id[] = "identity--8b1f5f0e-2a57-4c43-9d39-0f6f8c1b7d11";

static json_t *begin(const char *sort, const char *id)
{
	return json_pack("{s:s, s:s, s:s}", "type", sort, "spec_version", "2.1", "id", id);
}

static void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

static void set_text(json_t *o, const char *key, const char *text)
{
	if (text && *text) set(o, key, json_string(text));
}

static void set_time(json_t *o, const char *key, int64_t us)
{
	char text[DOCUMENT_TIME_BYTES];
	document_time_text(text, us, us % 1000 ? 6 : 3);
	if (*text) set(o, key, json_string(text));
}

static void set_mark(json_t *o, const struct isac_item *item)
{
	const char *mark = stix_mark_id((enum isac_tlp)item->tlp);
	if (mark) set(o, "object_marking_refs", json_pack("[s]", mark));
}

/* ---- the extension: what STIX has no property for, and the proof ---- */
static void set_hex(json_t *o, const char *key, const uint8_t *data, size_t len)
{
	char hex[129];
	if (len * 2 >= sizeof hex) return;
	wire_hex(hex, data, len);
	set(o, key, json_string(hex));
}

static void set_base64(json_t *o, const char *key, const uint8_t *data, size_t len)
{
	char text[24576]; /* of an item: a URL, its raw form, and what else it may say fits */
	if (sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL) > sizeof text) return;
	set(o, key, json_string(sodium_bin2base64(text, sizeof text, data, len, sodium_base64_VARIANT_ORIGINAL)));
}

static void set_proof(json_t *o, const struct isac_item *item)
{
	struct isac_proof proof;
	if (!isac_item_proof(&proof, item)) return;
	json_t *path = json_array();
	for (size_t i = 0; i < proof.path_n; i++) {
		char hex[65];
		wire_hex(hex, proof.path + i * WIRE_HASH, WIRE_HASH);
		json_array_append_new(path, json_string(hex));
	}
	set_hex(o, "public_key", proof.public_key, ISAC_KEY_BYTES);
	set_base64(o, "header_bin", proof.header, proof.header_len);
	set_hex(o, "signature", proof.signature, WIRE_SIGNATURE);
	set_base64(o, "item_bin", proof.item, proof.item_len);
	set_hex(o, "salt", proof.salt, WIRE_SALT);
	set(o, "item_count", json_integer(proof.item_count));
	if (proof.path_n) set(o, "path", path); /* STIX has no empty lists */
	else json_decref(path);
}

static json_t *extension(const struct isac_item *item, const char *hub_id)
{
	char report[37];
	isac_id_text(report, item->report_id);
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "extension_type", "property-extension", "hub_id", hub_id,
			      "publisher", item->publisher, "report_id", report, "seq", (json_int_t)item->seq, "item",
			      (json_int_t)item->index, "value_type", item->type, "value", item->value);
	set_time(o, "received", item->received_us);
	if (strcmp(item->raw, item->value) != 0) set_text(o, "raw", item->raw);
	if (item->severity >= 0) set(o, "severity", json_integer(item->severity));
	if (item->asn) set(o, "asn", json_integer(item->asn));
	set_text(o, "country", item->country);
	if (item->held) set(o, "held", json_true());
	set_proof(o, item);
	return json_pack("{s:o}", STIX_EXTENSION, o);
}

/* ---- common properties ---- */
/* At least a millisecond later than `created_us`, and as late as it is known to be. */
static int64_t later(int64_t created_us, int64_t us)
{
	return us / 1000 > created_us / 1000 ? us - us % 1000 : created_us + 1000;
}

/* Made by the publisher in that report. revoked_us: 0, or when it was taken back. */
static json_t *begin_item(const struct isac_item *item, const char *hub_id, const char *sort, const char *publisher,
			  const uint8_t *report_id, int64_t revoked_us)
{
	char id[STIX_ID_BYTES], by[STIX_ID_BYTES];
	stix_id_item(id, hub_id, sort, publisher, report_id, item->type, item->value);
	stix_id_publisher(by, hub_id, publisher);
	json_t *o = begin(sort, id);
	int64_t created_us = stix_id_time_us(report_id);
	if (!created_us) created_us = 1000; /* no UUIDv7: all its versions must say the same all the same */
	set_text(o, "created_by_ref", by);
	set_time(o, "created", created_us);
	set_time(o, "modified", revoked_us ? later(created_us, revoked_us) : created_us);
	if (revoked_us) set(o, "revoked", json_true());
	set_mark(o, item);
	set(o, "extensions", extension(item, hub_id));
	return o;
}

/* ---- indicators ---- */
static bool is_indicator_type(const char *tag)
{
	static const char *const types[] = {"anomalous-activity", "anonymization", "benign", "compromised",
					    "malicious-activity", "attribution"}; /* indicator-type-ov, but for `unknown` */
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(tag, types[i]) == 0) return true;
	return false;
}

/* The id in a tag that says which object of another's document an item comes from (document_record_name); NULL: another tag. */
static const char *foreign_id(const char *tag)
{
	return strncmp(tag, "stix:", 5) == 0 || strncmp(tag, "misp:", 5) == 0 ? tag + 5 : NULL;
}

static void set_tags(json_t *o, const struct isac_item *item)
{
	json_t *types = json_array(), *labels = json_array();
	for (size_t i = 0; i < item->tags_n; i++) {
		if (foreign_id(item->tags[i])) continue;
		json_array_append_new(labels, json_string(item->tags[i]));
		if (is_indicator_type(item->tags[i])) json_array_append_new(types, json_string(item->tags[i]));
	}
	if (!json_array_size(types)) json_array_append_new(types, json_string("unknown"));
	set(o, "indicator_types", types);
	if (json_array_size(labels)) set(o, "labels", labels);
	else json_decref(labels);
}

static bool is_url(const char *text)
{
	return (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) && !strpbrk(text, " <>\"{}|\\^`");
}

static void set_references(json_t *o, const struct isac_item *item)
{
	json_t *list = json_array();
	if (strcmp(item->type, "cve") == 0)
		json_array_append_new(list, json_pack("{s:s, s:s}", "source_name", "cve", "external_id", item->value));
	for (size_t i = 0; i < item->tags_n; i++)
		if (foreign_id(item->tags[i]) && *foreign_id(item->tags[i]))
			json_array_append_new(list, json_pack("{s:s%, s:s}", "source_name", item->tags[i], (size_t)4, "external_id",
							      foreign_id(item->tags[i])));
	for (size_t i = 0; i < item->references_n; i++) {
		const char *text = item->references[i];
		if (strncmp(text, "CVE-", 4) == 0)
			json_array_append_new(list, json_pack("{s:s, s:s}", "source_name", "cve", "external_id", text));
		else
			json_array_append_new(
				list, json_pack("{s:s, s:s}", "source_name", "reference", is_url(text) ? "url" : "description", text));
	}
	if (json_array_size(list)) set(o, "external_references", list);
	else json_decref(list);
}

static json_t *indicator(const struct isac_item *item, const char *hub_id, const char *publisher, const uint8_t *report_id,
			 int64_t revoked_us)
{
	char pattern[STIX_PATTERN_BYTES], words[300];
	if (!stix_pattern_write(pattern, sizeof pattern, item->type, item->value)) return NULL;
	json_t *o = begin_item(item, hub_id, "indicator", publisher, report_id, revoked_us);
	int64_t from_us = item->valid_from_us ? item->valid_from_us : stix_id_time_us(report_id);
	if (from_us <= 0) from_us = item->created_us > 0 ? item->created_us : 1000;
	snprintf(words, sizeof words, "%s reported by %s", item->type, publisher);
	set(o, "name", json_string(item->value));
	set(o, "description", json_string(*item->description ? item->description : words));
	set(o, "pattern", json_string(pattern));
	set(o, "pattern_type", json_string("stix"));
	set(o, "pattern_version", json_string("2.1"));
	set_time(o, "valid_from", from_us);
	if (item->valid_until_us > from_us) set_time(o, "valid_until", item->valid_until_us);
	if (item->confidence >= 0) set(o, "confidence", json_integer(item->confidence));
	set_tags(o, item);
	set_references(o, item);
	return o;
}

/* ---- what is said about them ---- */
static void name_original(char id[STIX_ID_BYTES], const struct isac_item *item, const char *hub_id)
{
	stix_id_item(id, hub_id, "indicator", item->about_publisher, item->about, item->type, item->value);
}

static json_t *sighting(const struct isac_item *item, const char *hub_id)
{
	char of[STIX_ID_BYTES], by[STIX_ID_BYTES];
	json_t *o = begin_item(item, hub_id, "sighting", item->publisher, item->report_id, 0);
	name_original(of, item, hub_id);
	stix_id_publisher(by, hub_id, item->publisher);
	set(o, "sighting_of_ref", json_string(of));
	set(o, "where_sighted_refs", json_pack("[s]", by));
	set_time(o, "first_seen", item->first_seen_us);
	set_time(o, "last_seen", item->last_seen_us);
	if (item->count) set(o, "count", json_integer(item->count > 999999999 ? 999999999 : item->count)); /* the most that STIX takes */
	set_text(o, "description", item->description);
	return o;
}

static json_t *note(const struct isac_item *item, const char *hub_id)
{
	char of[STIX_ID_BYTES];
	json_t *o = begin_item(item, hub_id, "note", item->publisher, item->report_id, 0);
	const char *verdict = isac_verdict_name(item->verdict);
	name_original(of, item, hub_id);
	set(o, "content", json_string(*item->description ? item->description : verdict ? verdict : "?"));
	set(o, "object_refs", json_pack("[s]", of));
	if (verdict) set(o, "labels", json_pack("[s]", verdict));
	return o;
}

/* ---- from outside ---- */
json_t *stix_object_of(const struct isac_item *item, const char *hub_id)
{
	if (!item->verified || item->expired) return NULL; /* that it is over by its age is the hub's word, no version by its publisher */
	if (item->kind == ISAC_KIND_INDICATOR)
		return indicator(item, hub_id, item->publisher, item->report_id, item->ended ? item->received_us : 0);
	if (!item->about || !item->about_publisher) return NULL;
	/* Whoever else signs a withdrawal, and whoever passes it on: only its publisher ends an object. */
	bool own = strcmp(item->publisher, item->about_publisher) == 0;
	if (item->kind == ISAC_KIND_WITHDRAWAL) return own ? indicator(item, hub_id, item->publisher, item->about, item->created_us) : NULL;
	if (item->kind != ISAC_KIND_SIGHTING) return NULL;
	return item->verdict == ISAC_VERDICT_POSITIVE ? sighting(item, hub_id) : note(item, hub_id);
}

json_t *stix_object_replaced(const struct isac_item *item, const char *hub_id)
{
	if (!item->verified || item->kind != ISAC_KIND_INDICATOR || !item->supersedes || item->ended) return NULL;
	return indicator(item, hub_id, item->publisher, item->supersedes, item->created_us);
}

json_t *stix_object_publisher(const char *hub_id, const char *publisher)
{
	char id[STIX_ID_BYTES], words[100];
	stix_id_publisher(id, hub_id, publisher);
	json_t *o = begin("identity", id);
	snprintf(words, sizeof words, "a member of the isac hub %s", hub_id);
	set_text(o, "created", since_ever);
	set_text(o, "modified", since_ever);
	set_text(o, "name", publisher);
	set_text(o, "description", words);
	set_text(o, "identity_class", "organization");
	return o;
}

json_t *stix_object_maker(void)
{
	json_t *o = begin("identity", maker_id);
	set_text(o, "created", since_ever);
	set_text(o, "modified", since_ever);
	set_text(o, "name", "isac");
	set_text(o, "identity_class", "system");
	return o;
}

json_t *stix_object_extension(void)
{
	json_t *o = begin("extension-definition", STIX_EXTENSION);
	set_text(o, "created_by_ref", maker_id);
	set_text(o, "created", since_ever);
	set_text(o, "modified", since_ever);
	set_text(o, "name", "isac report");
	set_text(o, "description",
		 "Which item of which signed report an object says, and the bytes that prove it. H is BLAKE2b-256. "
		 "leaf = H(0x00 || salt || item_bin), and with path, an audit path of RFC 6962 from leaf to root over "
		 "H(0x01 || left || right), it is leaf number `item` of item_count under items_root (field 9) of header_bin, "
		 "a protobuf message. signature is Ed25519 by public_key over \"isac1 6 report 16 \" hub_id \" \" LEN \" \" header_bin, "
		 "LEN its length in decimal. Whose key it is, a certificate of the hub's admin says.");
	set_text(o, "schema", "proto/README.md sections 4 and 5 of isac");
	set_text(o, "version", "1.0.0");
	set(o, "extension_types", json_pack("[s]", "property-extension"));
	return o;
}

/* ---- malware ---- */
/* The name in the i-th tag "malware:NAME". */
static const char *malware_name(const struct isac_item *item, size_t i)
{
	static const char before[] = "malware:";
	for (size_t t = 0; t < item->tags_n; t++)
		if (strncmp(item->tags[t], before, sizeof before - 1) == 0 && item->tags[t][sizeof before - 1] && i-- == 0)
			return item->tags[t] + sizeof before - 1;
	return NULL;
}

/* One for each label: a name that was told in confidence is not said to all. */
static bool name_malware(char id[STIX_ID_BYTES], const struct isac_item *item, const char *hub_id, const char *name)
{
	char space[DOCUMENT_UUID_BYTES], uuid[DOCUMENT_UUID_BYTES];
	document_uuid_space(space, hub_id);
	return document_uuid5_json(uuid, space, "malware", json_pack("{s:s, s:i}", "name", name, "tlp", (int)item->tlp)) &&
	       snprintf(id, STIX_ID_BYTES, "malware--%s", uuid) < STIX_ID_BYTES;
}

json_t *stix_object_malware(const struct isac_item *item, const char *hub_id, size_t i)
{
	char id[STIX_ID_BYTES];
	const char *name = malware_name(item, i);
	if (!name || !name_malware(id, item, hub_id, name)) return NULL;
	json_t *o = begin("malware", id);
	set_text(o, "created", since_ever);
	set_text(o, "modified", since_ever);
	set_text(o, "name", name);
	set(o, "is_family", json_true());
	set_mark(o, item);
	return o;
}

json_t *stix_object_indicates(const struct isac_item *item, const char *hub_id, size_t i)
{
	char of[STIX_ID_BYTES], to[STIX_ID_BYTES], id[STIX_ID_BYTES], space[DOCUMENT_UUID_BYTES], uuid[DOCUMENT_UUID_BYTES];
	const char *name = malware_name(item, i);
	if (!name || item->kind != ISAC_KIND_INDICATOR || !name_malware(to, item, hub_id, name)) return NULL;
	stix_id_item(of, hub_id, "indicator", item->publisher, item->report_id, item->type, item->value);
	document_uuid_space(space, hub_id);
	if (!document_uuid5_json(uuid, space, "relationship", json_pack("{s:s, s:s}", "source", of, "target", to))) return NULL;
	snprintf(id, sizeof id, "relationship--%s", uuid);
	json_t *o = begin("relationship", id);
	char by[STIX_ID_BYTES];
	int64_t created_us = stix_id_time_us(item->report_id);
	stix_id_publisher(by, hub_id, item->publisher);
	set_text(o, "created_by_ref", by);
	set_time(o, "created", created_us ? created_us : 1000);
	set_time(o, "modified", created_us ? created_us : 1000);
	set_text(o, "relationship_type", "indicates");
	set_text(o, "source_ref", of);
	set_text(o, "target_ref", to);
	set_mark(o, item);
	return o;
}
