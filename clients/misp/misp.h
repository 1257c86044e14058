/*
 * misp: events of MISP from and to our items. A room of its own, because the command line and the gateway speak it: memory in, memory
 * out; no I/O, no clock, no global state. One thread uses an object at a time. Needs wire_init() first (isac_open does it).
 *
 *   event files and lists of them -> records     misp_read
 *   items -> a feed's folder as bytes            misp_feed_*: manifest.json, hashes.csv and a file an event
 *   items -> messages as MISP's ZeroMQ has them  misp_message_*
 *
 * What is which: a report is an event, made by its publisher; an item is an attribute. Its UUIDs are made of hub, publisher and report
 * (UUIDs of version 5: MISP refuses those of version 7). What is withdrawn or replaced stays as an attribute with to_ids false and
 * `deleted`, because a consumer of a feed deletes nothing that just vanishes, and moves the event's timestamp.
 */
#ifndef ISAC_MISP_H
#define ISAC_MISP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "document/document.h"
#include "isac.h"

/* ---- read.c ---- */
/*
 * {"Event": ...}, {"response": [{"Event": ...}, ...]}, a list of such, or one bare event. Attributes, of objects too, come as records; a
 * value of two parts as two. What is not for detection (to_ids false), of a type without a row in types.def, or a proposal is counted in
 * tally. Deleted attributes come as withdrawals. The label of an attribute is the strictest of its own tlp tags and its event's.
 * Returns 0, or what the sink returned.
 */
bool misp_is(const json_t *document);
int misp_read(const json_t *document, const struct document_sink *sink, struct document_tally *tally);

/* ---- type.c ---- */
/* The type and category in which a canonical value is written; false: none. */
bool misp_type_of(const char **type, const char **category, const char *our_type, const char *value);

/* ---- event.c: new references; NULL: out of memory, or nothing that MISP could say ---- */
/* Of the report that the item belongs to, or, for a withdrawal or sighting, that it is about. */
void misp_event_uuid(char out[DOCUMENT_UUID_BYTES], const char *hub_id, const struct isac_item *item);
json_t *misp_event_of(const struct isac_item *item, const char *hub_id,
		      int64_t timestamp_s); /* {"Event": {...}}, its list Attribute empty */
/* Of an indicator or a withdrawal. */
json_t *misp_event_attribute(const struct isac_item *item, const char *hub_id);
json_t *misp_event_sighting(const struct isac_item *item, const char *hub_id);

/* ---- feed.c: a folder that MISP fetches ---- */
struct misp_feed;
bool misp_feed_new(struct misp_feed **out, const char *hub_id); /* false: no memory */
void misp_feed_destroy(struct misp_feed **feed);
/* In any order. What is no indicator or withdrawal, unverified or held, is left out and counted. false: no memory. */
bool misp_feed_add(struct misp_feed *feed, const struct isac_item *item, struct document_tally *tally);
size_t misp_feed_events(const struct misp_feed *feed);
/*
 * The files: each event as UUID.json in the order of UUIDs, then hashes.csv, and manifest.json last. earlier: the manifest of the folder
 * as it is, or NULL: an event that differs from the earlier one gets a later timestamp than that, so that MISP fetches it again; one
 * that does not keeps its bytes. put returns false to stop. The same items and the same earlier manifest give the same bytes.
 */
bool misp_feed_write(const struct misp_feed *feed, const json_t *earlier,
		     bool (*put)(void *arg, const char *name, const char *bytes, size_t len), void *arg);

/* ---- message.c: frames as MISP's ZeroMQ publishes them, "topic JSON" in one; allocated, NULL: out of memory, or nothing to be said ----
 */
char *misp_message(const char *topic, const json_t *body);
/* misp_json_attribute (action add or delete) of an indicator or a withdrawal, misp_json_sighting of a sighting. */
char *misp_message_item(const struct isac_item *item, const char *hub_id);
char *misp_message_self(int64_t uptime_s); /* misp_json_self, every ten seconds in which nothing else was said */

#endif
