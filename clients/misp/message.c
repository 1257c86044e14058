/* message: what MISP's ZeroMQ says, for tools that were made for it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "misp/priv.h"

char *misp_message(const char *topic, const json_t *body)
{
	char *json = body ? json_dumps(body, JSON_COMPACT) : NULL, *frame = NULL;
	if (json && asprintf(&frame, "%s %s", topic, json) < 0) frame = NULL;
	free(json);
	return frame;
}

/* Takes the reference. */
static char *say(const char *topic, json_t *body)
{
	char *frame = misp_message(topic, body);
	json_decref(body);
	return frame;
}

char *misp_message_item(const struct isac_item *item, const char *hub_id)
{
	if (item->kind == ISAC_KIND_SIGHTING) {
		json_t *sighting = misp_event_sighting(item, hub_id);
		return sighting ? say("misp_json_sighting", json_pack("{s:o, s:s}", "Sighting", sighting, "action", "add")) : NULL;
	}
	json_t *attribute = misp_event_attribute(item, hub_id);
	if (!attribute) return NULL;
	json_t *event = misp_event_of(item, hub_id, item->created_us / 1000000);
	json_object_del(json_object_get(event, "Event"), "Attribute");
	json_object_del(json_object_get(event, "Event"), "Object");
	json_t *body = json_pack("{s:o, s:O, s:s}", "Attribute", attribute, "Event", json_object_get(event, "Event"), "action",
				 json_is_true(json_object_get(attribute, "deleted")) ? "delete" : "add");
	json_decref(event);
	return say("misp_json_attribute", body);
}

char *misp_message_self(int64_t uptime_s)
{
	return say("misp_json_self", json_pack("{s:s, s:I}", "status", "isac subscribes and is well", "uptime", (json_int_t)uptime_s));
}
