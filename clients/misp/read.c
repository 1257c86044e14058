/*
 * read: events of MISP into records. Exports of fifteen years differ: scalars stand as texts or numbers, lists are left out or null;
 * what cannot be read is counted, and reading goes on.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "misp/priv.h"

enum { PART_BYTES = 9000, RECORDS_MAX = 1000000 };

struct reader {
	const struct document_sink *sink;
	struct document_tally *tally;
	const json_t *event;
	const char *title, *object; /* of the event; name of the object that is read, NULL: none */
	enum isac_tlp tlp;	    /* of the event */
	size_t records;
	struct document_record record;
	char part[2][PART_BYTES];
};

static int refuse(struct reader *r, const char *id, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int refuse(struct reader *r, const char *id, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int rc = document_sink_refuse(r->sink, id, "an attribute without uuid", fmt, args);
	va_end(args);
	return rc;
}

/* ---- tags ---- */
/* "tlp:amber", or tlp:white and tlp:ex:chr of older feeds. false: it is no tag of TLP. */
static bool read_tlp(enum isac_tlp *out, const char *name)
{
	if (strncasecmp(name, "tlp:", 4) != 0) return false;
	enum isac_tlp tlp = strcasecmp(name + 4, "white") == 0 ? ISAC_TLP_CLEAR : isac_tlp_parse(name + 4);
	if (!tlp) tlp = ISAC_TLP_RED; /* a tag of TLP that we do not know must not widen anything */
	if (tlp > *out) *out = tlp;
	return true;
}

static void read_tags(struct reader *r, const json_t *of, enum isac_tlp *tlp, bool keep)
{
	const json_t *each;
	size_t i;
	json_array_foreach(json_object_get(of, "Tag"), i, each)
	{
		const char *name = document_read_text(each, "name");
		if (name && !read_tlp(tlp, name) && keep) document_record_tag(&r->record, "%s", name);
	}
}

/* ---- attributes ---- */
static bool is_set(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);
	const char *text = json_string_value(v);
	return json_is_true(v) || (json_is_integer(v) && json_integer_value(v)) ||
	       (text && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0));
}

/* Epoch seconds, as MISP has its timestamps, or RFC 3339, as it has first_seen. 0: not said. */
static int64_t time_of(const json_t *object, const char *key)
{
	json_int_t seconds;
	int64_t us = 0;
	const char *text = document_read_text(object, key);
	if (document_read_number(object, key, 0, 253402300799, &seconds)) return seconds * 1000000;
	return text && document_time_read(&us, text) ? us : 0;
}

/* Links that the event's author gives for it. */
static void read_references(struct reader *r)
{
	const json_t *each;
	size_t i;
	json_array_foreach(json_object_get(r->event, "Attribute"), i, each)
	{
		const char *type = document_read_text(each, "type");
		if (type && strcmp(type, "link") == 0) document_record_reference(&r->record, document_read_text(each, "value"));
	}
}

static void fill(struct reader *r, const json_t *attribute)
{
	const char *comment = document_read_text(attribute, "comment");
	document_record_init(&r->record);
	const char *id = document_read_text(attribute, "uuid");
	if (id && document_uuid_ok(id)) document_record_name(&r->record, "misp", id);
	r->record.tlp = r->tlp;
	read_tags(r, attribute, &r->record.tlp, true);
	read_tags(r, r->event, &r->record.tlp, true);
	if (r->object) document_record_tag(&r->record, "misp-object:%s", r->object);
	document_record_describe(&r->record, r->title, comment);
	r->record.ind.first_seen_us = time_of(attribute, "first_seen");
	r->record.ind.last_seen_us = time_of(attribute, "last_seen");
	read_references(r);
	if (is_set(attribute, "deleted")) r->record.kind = DOCUMENT_WITHDRAWAL;
}

static int take(struct reader *r, const char *id, uint32_t type, const char *value)
{
	if (type == MISP_PART_NONE || !*value) return 0;
	if (++r->records > RECORDS_MAX) return refuse(r, id, "the document says too much: split it");
	r->record.ind.type = type == MISP_PART_ANY ? "" : wire_value_name(type);
	r->record.ind.value = value;
	return r->sink->take(r->sink->arg, &r->record);
}

/* The parts at the first "|". */
static bool split(struct reader *r, const char *value, bool twofold)
{
	const char *bar = twofold ? strchr(value, '|') : NULL;
	size_t first = bar ? (size_t)(bar - value) : strlen(value);
	r->part[1][0] = 0;
	if (first >= PART_BYTES || (bar && strlen(bar + 1) >= PART_BYTES)) return false;
	memcpy(r->part[0], value, first);
	r->part[0][first] = 0;
	if (bar) memcpy(r->part[1], bar + 1, strlen(bar + 1) + 1);
	return true;
}

static int read_attribute(struct reader *r, const json_t *attribute)
{
	const char *name = document_read_text(attribute, "type"), *value = document_read_text(attribute, "value"),
		   *id = document_read_text(attribute, "uuid");
	if (!name || !value) return refuse(r, id, "it has no type, or no value");
	const struct misp_type *type = misp_type_find(name);
	if (!type) {
		document_tally_add(r->tally, "attribute of type %s: no kind of item keeps it", name);
		return 0;
	}
	if (!is_set(attribute, "to_ids") && !is_set(attribute, "deleted")) {
		document_tally_add(r->tally, "attribute of type %s that is not for detection (to_ids is false)", name);
		return 0;
	}
	if (!split(r, value, strchr(name, '|') || strcmp(name, "malware-sample") == 0)) return refuse(r, id, "its value is too long");
	fill(r, attribute);
	if (r->record.kind == DOCUMENT_WITHDRAWAL && !*r->record.mark) {
		document_tally_add(r->tally, "deleted attribute without uuid: nobody knows what to withdraw");
		return 0;
	}
	int result = take(r, id, type->first, r->part[0]);
	return result ? result : take(r, id, type->second, r->part[1]);
}

static int read_attributes(struct reader *r, const json_t *of)
{
	const json_t *each;
	size_t i;
	int result = 0;
	json_array_foreach(json_object_get(of, "Attribute"), i, each)
	{
		if (!result) result = read_attribute(r, each);
	}
	return result;
}

/* ---- events ---- */
static int read_event(struct reader *r, const json_t *event)
{
	const json_t *each;
	size_t i;
	if (!json_is_object(event)) return refuse(r, "an event", "it is no object");
	r->event = event;
	r->title = document_read_text(event, "info");
	r->object = NULL;
	r->tlp = ISAC_TLP_NONE;
	read_tags(r, event, &r->tlp, false);
	int result = read_attributes(r, event);
	json_array_foreach(json_object_get(event, "Object"), i, each)
	{
		r->object = document_read_text(each, "name");
		if (is_set(each, "deleted")) document_tally_add(r->tally, "deleted object");
		else if (!result) result = read_attributes(r, each);
	}
	json_array_foreach(json_object_get(event, "ShadowAttribute"), i, each)
	{
		(void)each;
		document_tally_add(r->tally, "proposal for an attribute");
	}
	return result;
}

static const json_t *inner_event(const json_t *o)
{
	const json_t *event = json_object_get(o, "Event");
	if (event) return event;
	return json_object_get(o, "Attribute") && json_object_get(o, "info") ? o : NULL;
}

static const json_t *list_of(const json_t *document)
{
	const json_t *list = json_is_array(document) ? document : json_object_get(document, "response");
	return json_is_array(list) ? list : NULL;
}

bool misp_is(const json_t *document)
{
	const json_t *list = list_of(document);
	if (!list && json_is_object(json_object_get(document, "response")))
		return inner_event(json_object_get(document, "response")) != NULL;
	return inner_event(list ? json_array_get(list, 0) : document) != NULL;
}

int misp_read(const json_t *document, const struct document_sink *sink, struct document_tally *tally)
{
	const json_t *list = list_of(document), *one = document, *each;
	struct reader *r = calloc(1, sizeof *r);
	size_t i;
	int result = 0;
	if (!r) return sink->refuse(sink->arg, "the document", "out of memory");
	r->sink = sink;
	r->tally = tally;
	if (json_is_object(json_object_get(document, "response"))) one = json_object_get(document, "response");
	if (!list) result = inner_event(one) ? read_event(r, inner_event(one)) : refuse(r, "the document", "it holds no event");
	json_array_foreach(list, i, each)
	{
		if (result) break;
		result = inner_event(each) ? read_event(r, inner_event(each)) : refuse(r, "the document", "an element is no event");
	}
	free(r);
	return result;
}
