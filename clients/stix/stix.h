/*
 * stix: STIX 2.1 from and to our items. A room of its own, because the command line and the gateway speak it: memory in, memory out;
 * no I/O, no clock, no global state. One thread uses an object at a time. Needs wire_init() first (isac_open does it).
 *
 *   pattern -> (type, value)[]      stix_pattern_read; back: stix_pattern_write
 *   an item -> a STIX object        stix_object_of; its companions: stix_object_publisher, stix_object_extension, stix_mark_object
 *   items   -> a bundle, as it goes stix_bundle_*
 *   STIX    -> records              stix_read
 *
 * What is which: an indicator is one item of one report, for a report is never changed: its id is made of publisher, report, type and
 * value; `created` is the time in the report's id, `modified` the same until it is withdrawn or replaced, which is a last version with
 * `revoked`. A sighting is a sighting, and a note if it says that it is none or that it is over. Publishers are identities, the label is
 * a TLP 2.0 marking, tags are labels, a tag "malware:NAME" also a malware that the indicator indicates, a tag "stix:ID" or "misp:UUID"
 * (where an imported item comes from) an external reference. Our items have no title, no story and no raw observation, so no report,
 * grouping or observed-data is made of them. All have the property extension STIX_EXTENSION (README of clients, "STIX"): report, number,
 * and the exact bytes by which anybody can verify the publisher's signature.
 */
#ifndef ISAC_STIX_H
#define ISAC_STIX_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "document/document.h"
#include "isac.h"

enum { STIX_ID_BYTES = 80 /* "marking-definition--" and a UUID, with room */, STIX_PATTERN_BYTES = 20480 /* of any item's value */ };
#define STIX_EXTENSION "extension-definition--c2f6f1c4-6d0e-4a3f-9f0b-3c1d5e8a7b26"

/* ---- pattern.c, path.c ---- */
enum stix_pattern_sort {
	STIX_PATTERN_VALUES, /* any one of these values: equalities, IN and ISSUBSET, joined by OR */
	STIX_PATTERN_OTHER,  /* a pattern, but it says more than a list of values, or values of a type that we have not: see reason */
	STIX_PATTERN_BAD,    /* no pattern: see reason */
};
enum { STIX_PATTERN_LENGTH_MAX = 65536, STIX_PATTERN_DEPTH_MAX = 32, STIX_PATTERN_VALUES_MAX = 1000 };
struct stix_pattern_value {
	const char *type;  /* of proto/README.md section 8; "": to be guessed */
	const char *value; /* not checked by the rules of its type */
};
struct stix_pattern {
	struct stix_pattern_value *value; /* of VALUES only */
	size_t n;
	char *text; /* holds them */
};
/* Whatever it returns, stix_pattern_clear frees what it made. */
enum stix_pattern_sort stix_pattern_read(struct stix_pattern *out, const char *pattern, size_t len, char *reason, size_t size);
void stix_pattern_clear(struct stix_pattern *pattern);
/* The pattern that says this canonical value of an item; false: no such type, or it does not fit. */
bool stix_pattern_write(char *out, size_t size, const char *type, const char *value);

/* ---- id.c ---- */
/* Ids of a hub's objects lie in a name space of the hub: stix_id_of and what is made with it need its id. */
void stix_id_publisher(char out[STIX_ID_BYTES], const char *hub_id, const char *publisher);
/* sort: "indicator", "sighting", "note" ...; of an item of that report. */
void stix_id_item(char out[STIX_ID_BYTES], const char *hub_id, const char *sort, const char *publisher,
		  const uint8_t report_id[ISAC_ID_BYTES], const char *type, const char *value);
/* STIX's own deterministic id of an observable: its contributing properties, e.g. {"value": "198.51.100.3"}. Takes the reference. */
bool stix_id_observable(char out[STIX_ID_BYTES], const char *sort, json_t *properties);
/* When a report was made, by its UUIDv7; 0: it is none. */
int64_t stix_id_time_us(const uint8_t report_id[ISAC_ID_BYTES]);

/* ---- mark.c ---- */
const char *stix_mark_id(enum isac_tlp tlp);	     /* of TLP 2.0; NULL for NONE */
enum isac_tlp stix_mark_tlp(const char *id);	     /* of TLP 2.0 or 1; NONE: it is another */
enum isac_tlp stix_mark_read(const json_t *marking); /* a marking-definition; NONE: not one of TLP */
json_t *stix_mark_object(enum isac_tlp tlp);	     /* the marking-definition itself; a new reference */

/* ---- object.c: new references; NULL: out of memory, or an item that STIX has nothing for ---- */
/*
 * The object of a verified item: indicator, sighting, note, or the last version of an indicator that its report takes back. A withdrawn or
 * replaced item (`ended`) of history comes as its last version, too, modified at the latest time that is known of it.
 */
json_t *stix_object_of(const struct isac_item *item, const char *hub_id);
json_t *stix_object_publisher(const char *hub_id, const char *publisher); /* identity */
json_t *stix_object_extension(void);					  /* extension-definition, and who made it: */
json_t *stix_object_maker(void);
/* The i-th malware that the item's tags name, and that it indicates it; NULL after the last. */
json_t *stix_object_malware(const struct isac_item *item, const char *hub_id, size_t i);
json_t *stix_object_indicates(const struct isac_item *item, const char *hub_id, size_t i);
/* A report that replaces another says its value again: the last version of what the other said of it, if it did. NULL: it replaces none. */
json_t *stix_object_replaced(const struct isac_item *item, const char *hub_id);

/* ---- bundle.c: items into bundles, each companion once a bundle ---- */
struct stix_bundle;
/* write is called with pieces of JSON in order; false from it ends the bundle. */
bool stix_bundle_open(struct stix_bundle **out, const char *hub_id, bool (*write)(void *arg, const char *text, size_t len), void *arg);
bool stix_bundle_add(struct stix_bundle *b, const struct isac_item *item); /* begins one if none is begun; unverified items are left out */
/* Ends it with a newline. whole: also if nothing was added, as a bundle without objects. */
bool stix_bundle_end(struct stix_bundle *b, bool whole);
void stix_bundle_close(struct stix_bundle **b); /* frees; does not end */

/* ---- read.c ---- */
/*
 * A bundle, a TAXII envelope ({"objects": [...]}), a list of objects, or one object: indicators, sightings and revoked indicators come as
 * records, in their order, an indicator of several values as several; of several versions in the document the newest counts.
 * An object's label is its one TLP mark, raised by granular ones; an object with two is refused. Everything else (malware, campaigns,
 * patterns that are no lists of values ...) is counted in tally by what it is: there is no kind of item that could keep it.
 * Returns 0, or what the sink returned. false from stix_is: it is something else.
 */
bool stix_is(const json_t *document);
int stix_read(const json_t *document, const struct document_sink *sink, struct document_tally *tally);

#endif
