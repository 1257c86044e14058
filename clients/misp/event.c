/* event: a report as an event, its items as attributes. Scalars are texts, as in MISP's own exports. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "misp/priv.h"

/* Whose report, and which: for what is said about another report, that one. */
struct subject {
	const char *publisher;
	const uint8_t *report_id;
};

static struct subject subject_of(const struct isac_item *item)
{
	if (item->kind != ISAC_KIND_INDICATOR && item->about && item->about_publisher)
		return (struct subject){item->about_publisher, item->about};
	return (struct subject){item->publisher, item->report_id};
}

/* Takes the reference. */
static void name(char out[DOCUMENT_UUID_BYTES], const char *hub_id, const char *sort, json_t *what)
{
	char space[DOCUMENT_UUID_BYTES];
	document_uuid_space(space, hub_id);
	out[0] = 0;
	document_uuid5_json(out, space, sort, what);
}

void misp_event_uuid(char out[DOCUMENT_UUID_BYTES], const char *hub_id, const struct isac_item *item)
{
	struct subject of = subject_of(item);
	char report[37];
	isac_id_text(report, of.report_id);
	name(out, hub_id, "misp-event", json_pack("{s:s, s:s}", "publisher", of.publisher, "report", report));
}

static void name_attribute(char out[DOCUMENT_UUID_BYTES], const char *hub_id, const struct isac_item *item)
{
	struct subject of = subject_of(item);
	char report[37];
	isac_id_text(report, of.report_id);
	name(out, hub_id, "misp-attribute",
	     json_pack("{s:s, s:s, s:s, s:s}", "publisher", of.publisher, "report", report, "type", item->type, "value", item->value));
}

static void set_seconds(json_t *o, const char *key, int64_t seconds)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRId64, seconds);
	json_object_set_new(o, key, json_string(text));
}

static void set_time(json_t *o, const char *key, int64_t us)
{
	char text[DOCUMENT_TIME_BYTES];
	document_time_text(text, us, 6);
	if (*text) json_object_set_new(o, key, json_string(text));
}

/* By its UUIDv7, so that a withdrawal knows it, too; else the best that is at hand. */
static int64_t made_s(const struct isac_item *item)
{
	const uint8_t *id = subject_of(item).report_id;
	int64_t ms = 0;
	for (size_t i = 0; i < 6; i++) ms = ms << 8 | id[i];
	return id[6] >> 4 == 7 ? ms / 1000 : item->created_us / 1000000;
}

static json_t *label(const struct isac_item *item)
{
	static const char *const colour[] = {"#ffffff", "#ffffff", "#33ff00", "#ffc000", "#ffc000", "#ff2b2b"};
	char text[40];
	const char *tlp = isac_tlp_name(item->tlp);
	snprintf(text, sizeof text, "tlp:%s", tlp ? tlp : "red");
	return json_pack("{s:s, s:s}", "name", text, "colour", colour[tlp ? item->tlp : ISAC_TLP_RED]);
}

json_t *misp_event_of(const struct isac_item *item, const char *hub_id, int64_t timestamp_s)
{
	char uuid[DOCUMENT_UUID_BYTES], org[DOCUMENT_UUID_BYTES], info[160], date[DOCUMENT_TIME_BYTES];
	struct subject of = subject_of(item);
	misp_event_uuid(uuid, hub_id, item);
	name(org, hub_id, "misp-organisation", json_pack("{s:s}", "publisher", of.publisher));
	snprintf(info, sizeof info, "Report by %s on the isac hub %s", of.publisher, hub_id);
	document_time_text(date, made_s(item) * 1000000, 0);
	date[*date ? 10 : 0] = 0;
	json_t *o = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:{s:s, s:s}, s:[o], s:[], s:[]}", "uuid", uuid, "info", info, "date",
			      *date ? date : "1970-01-01", "published", 1, "analysis", "2", "threat_level_id", "4", "extends_uuid", "",
			      "Orgc", "name", of.publisher, "uuid", org, "Tag", label(item), "Attribute", "Object");
	set_seconds(o, "timestamp", timestamp_s);
	set_seconds(o, "publish_timestamp", timestamp_s);
	return json_pack("{s:o}", "Event", o);
}

json_t *misp_event_attribute(const struct isac_item *item, const char *hub_id)
{
	char uuid[DOCUMENT_UUID_BYTES];
	const char *type, *category;
	bool over = item->kind == ISAC_KIND_WITHDRAWAL || item->ended || item->expired;
	if (!item->verified || (item->kind != ISAC_KIND_INDICATOR && item->kind != ISAC_KIND_WITHDRAWAL)) return NULL;
	if (item->kind == ISAC_KIND_WITHDRAWAL && (!item->about_publisher || strcmp(item->publisher, item->about_publisher) != 0))
		return NULL;
	if (!misp_type_of(&type, &category, item->type, item->value)) return NULL;
	name_attribute(uuid, hub_id, item);
	json_t *tags = json_array();
	for (size_t i = 0; i < item->tags_n; i++)
		json_array_append_new(tags, json_pack("{s:s, s:s}", "name", item->tags[i], "colour", "#ffffff"));
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:o}", "uuid", uuid, "type", type, "category", category, "value",
			      item->value, "to_ids", !over, "deleted", over && !item->expired, "comment", item->description, "Tag", tags);
	set_seconds(o, "timestamp", over && !item->expired ? (item->ended ? item->received_us : item->created_us) / 1000000 : made_s(item));
	set_time(o, "first_seen", item->first_seen_us);
	set_time(o, "last_seen", item->last_seen_us);
	return o;
}

json_t *misp_event_sighting(const struct isac_item *item, const char *hub_id)
{
	char uuid[DOCUMENT_UUID_BYTES], attribute[DOCUMENT_UUID_BYTES], event[DOCUMENT_UUID_BYTES], report[37];
	static const char *const types[] = {
		[ISAC_VERDICT_POSITIVE] = "0", [ISAC_VERDICT_FALSE_POSITIVE] = "1", [ISAC_VERDICT_EXPIRED] = "2"};
	if (!item->verified || item->kind != ISAC_KIND_SIGHTING || !isac_verdict_name(item->verdict)) return NULL;
	isac_id_text(report, item->report_id);
	name(uuid, hub_id, "misp-sighting",
	     json_pack("{s:s, s:s, s:s, s:s}", "publisher", item->publisher, "report", report, "type", item->type, "value", item->value));
	name_attribute(attribute, hub_id, item);
	misp_event_uuid(event, hub_id, item);
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "uuid", uuid, "attribute_uuid", attribute, "event_uuid", event, "type",
			      types[item->verdict], "source", item->publisher, "value", item->value);
	set_seconds(o, "date_sighting", (item->last_seen_us ? item->last_seen_us : item->created_us) / 1000000);
	return o;
}
