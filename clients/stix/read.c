/*
 * read: STIX from strangers into records. Two passes: what the document holds under which id (newest version), then its objects in
 * their order. How much work a document may cause is bounded: a sighting reads the pattern of its indicator again.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "stix/priv.h"

enum { RECORDS_MAX = 1000000, REASON_BYTES = 300 };
static const size_t work_max = (size_t)8 * DOCUMENT_BYTES_MAX; /* bytes of patterns */

struct reader {
	const struct document_sink *sink;
	struct document_tally *tally;
	json_t *newest;	   /* id -> object; borrowed objects in a container of ours */
	json_t *indicates; /* id of an indicator -> ids of what it indicates */
	size_t records, work;
	struct document_record record;
};

static int refuse(struct reader *r, const json_t *object, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int refuse(struct reader *r, const json_t *object, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int rc = document_sink_refuse(r->sink, document_read_text(object, "id"), "an object without id", fmt, args);
	va_end(args);
	return rc;
}

static bool is_type(const json_t *object, const char *type)
{
	const char *text = document_read_text(object, "type");
	return text && strcmp(text, type) == 0;
}

/* "indicator--" and a UUID. */
static bool id_ok(const char *id)
{
	const char *uuid = strstr(id, "--");
	return uuid && uuid > id && strlen(id) < STIX_ID_BYTES && document_uuid_ok(uuid + 2) && wire_text_ok(id, strlen(id));
}

/* ---- first pass ---- */
static int64_t version(const json_t *object)
{
	const char *text = document_read_text(object, "modified");
	int64_t us = 0;
	if (!text) text = document_read_text(object, "created");
	return text && document_time_read(&us, text) ? us : 0;
}

static int64_t made(const json_t *object)
{
	const char *text = document_read_text(object, "created");
	int64_t us = 0;
	return text && document_time_read(&us, text) ? us : 0;
}

/* false: out of memory. */
static bool index_object(struct reader *r, json_t *object)
{
	const char *id = document_read_text(object, "id"), *relation = document_read_text(object, "relationship_type");
	if (!id) return true;
	const json_t *other = json_object_get(r->newest, id);
	if (!other || version(other) <= version(object)) {
		if (json_object_set(r->newest, id, object)) return false;
	}
	const char *from = document_read_text(object, "source_ref"), *to = document_read_text(object, "target_ref");
	if (!is_type(object, "relationship") || !relation || strcmp(relation, "indicates") != 0 || !from || !to) return true;
	json_t *list = json_object_get(r->indicates, from);
	if (!list && json_object_set_new(r->indicates, from, list = json_array())) return false;
	return json_array_size(list) >= DOCUMENT_LIST_MAX || json_array_append(list, json_object_get(object, "target_ref")) == 0;
}

/* ---- labels ---- */
static enum isac_tlp tlp_of(const struct reader *r, const json_t *ref)
{
	const char *id = json_string_value(ref);
	enum isac_tlp tlp = id ? stix_mark_tlp(id) : ISAC_TLP_NONE;
	if (tlp || !id) return tlp;
	const json_t *marking = json_object_get(r->newest, id);
	return marking ? stix_mark_read(marking) : ISAC_TLP_NONE;
}

/* Its one mark, raised by granular ones. false: two that differ. */
static bool read_label(struct reader *r, const json_t *object, enum isac_tlp *out)
{
	const json_t *refs = json_object_get(object, "object_marking_refs"), *granular = json_object_get(object, "granular_markings"),
		     *each;
	size_t i;
	*out = ISAC_TLP_NONE;
	json_array_foreach(refs, i, each)
	{
		enum isac_tlp tlp = tlp_of(r, each);
		if (!tlp) document_tally_add(r->tally, "marking of an object that is no TLP: not kept");
		else if (*out && *out != tlp) return false;
		else *out = tlp;
	}
	json_array_foreach(granular, i, each)
	{
		enum isac_tlp tlp = tlp_of(r, json_object_get(each, "marking_ref"));
		if (tlp > *out) *out = tlp;
	}
	return true;
}

/* ---- indicators ---- */
static void read_tags(struct reader *r, const json_t *object)
{
	static const char *const lists[] = {"labels", "indicator_types"};
	static const char *const named[] = {"malware",	      "campaign", "threat-actor",  "intrusion-set",
					    "attack-pattern", "tool",	  "infrastructure"};
	const json_t *each;
	size_t i;
	for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
		json_array_foreach(json_object_get(object, lists[l]), i, each)
		{
			const char *text = json_string_value(each);
			if (text && strcmp(text, "unknown") != 0 && strncmp(text, "stix:", 5) != 0)
				document_record_tag(&r->record, "%s", text);
		}
	}
	json_array_foreach(json_object_get(object, "kill_chain_phases"), i, each)
	{
		const char *chain = document_read_text(each, "kill_chain_name"), *phase = document_read_text(each, "phase_name");
		if (chain && phase) document_record_tag(&r->record, "%s:%s", chain, phase);
	}
	json_array_foreach(json_object_get(r->indicates, document_read_text(object, "id")), i, each)
	{
		const json_t *target = json_object_get(r->newest, json_string_value(each));
		const char *name = document_read_text(target, "name");
		for (size_t n = 0; name && n < sizeof named / sizeof named[0]; n++)
			if (is_type(target, named[n])) document_record_tag(&r->record, "%s:%s", named[n], name);
	}
}

static void read_references(struct reader *r, const json_t *object)
{
	const char *name = document_read_text(object, "name");
	const json_t *each;
	size_t i;
	json_array_foreach(json_object_get(object, "external_references"), i, each)
	{
		const char *source = document_read_text(each, "source_name"), *text = document_read_text(each, "url");
		if (!text && source && strcmp(source, "cve") == 0) text = document_read_text(each, "external_id");
		if (text && name && strcmp(text, name) == 0) continue; /* it is what the indicator itself is about */
		if (!text && source && strcmp(source, "reference") == 0) text = document_read_text(each, "description");
		document_record_reference(&r->record, text);
	}
}

/* What our own bundles say beside STIX. */
static void read_extension(struct reader *r, const json_t *object)
{
	const json_t *own = json_object_get(json_object_get(object, "extensions"), STIX_EXTENSION);
	const char *country = document_read_text(own, "country");
	json_int_t n;
	if (document_read_number(own, "severity", 0, 10, &n)) r->record.ind.severity = (int)n;
	if (document_read_number(own, "asn", 1, UINT32_MAX, &n)) r->record.ind.asn = (uint32_t)n;
	if (country && strlen(country) == 2) r->record.ind.country = country;
}

/* NULL or what is wrong. */
static const char *read_time(const json_t *object, const char *key, int64_t *us, const char *wrong)
{
	const json_t *v = json_object_get(object, key);
	if (!v || json_is_null(v)) return NULL;
	return json_is_string(v) && document_time_read(us, json_string_value(v)) ? NULL : wrong;
}

static const char *read_head(struct reader *r, const json_t *object)
{
	struct isac_indicator *ind = &r->record.ind;
	const json_t *confidence = json_object_get(object, "confidence");
	const char *wrong = read_time(object, "valid_from", &ind->valid_from_us, "valid_from is no time from 1970 on");
	if (!wrong) wrong = read_time(object, "valid_until", &ind->valid_until_us, "valid_until is no time from 1970 on");
	if (wrong) return wrong;
	if (ind->valid_until_us && ind->valid_until_us <= ind->valid_from_us) return "valid_until is not after valid_from";
	json_int_t n = -1;
	if (confidence && !json_is_null(confidence)) {
		if (!json_is_integer(confidence) || !document_read_number(object, "confidence", 0, 100, &n))
			return "confidence is not 0 to 100";
		ind->confidence = (int)n;
	}
	document_record_describe(&r->record, document_read_text(object, "name"), document_read_text(object, "description"));
	return NULL;
}

/* The record once for each value of the pattern. */
static int take_values(struct reader *r, const json_t *object, const json_t *of)
{
	const char *text = document_read_text(of, "pattern"), *type = document_read_text(of, "pattern_type");
	const char *raw = document_read_text(json_object_get(json_object_get(object, "extensions"), STIX_EXTENSION), "raw");
	struct stix_pattern pattern;
	char reason[REASON_BYTES];
	int result = 0;
	if (type && strcmp(type, "stix") != 0) {
		document_tally_add(r->tally, "indicator with a pattern of type %s: no kind of item keeps it", type);
		return 0;
	}
	if (!text) return refuse(r, object, "there is no pattern");
	r->work += strlen(text);
	if (r->work > work_max) return refuse(r, object, "the document wants too much work: split it");
	enum stix_pattern_sort sort = stix_pattern_read(&pattern, text, strlen(text), reason, sizeof reason);
	if (sort == STIX_PATTERN_BAD) result = refuse(r, object, "%s", reason);
	if (sort == STIX_PATTERN_OTHER)
		document_tally_add(r->tally, "%s whose pattern is no list of values: %s",
				   r->record.kind == DOCUMENT_SIGHTING ? "sighting" : "indicator", reason);
	if (pattern.n == 1) r->record.ind.raw = raw;
	for (size_t i = 0; i < pattern.n && !result; i++) {
		r->record.ind.type = pattern.value[i].type;
		r->record.ind.value = pattern.value[i].value;
		if (++r->records > RECORDS_MAX) result = refuse(r, object, "the document says too much: split it");
		else result = r->sink->take(r->sink->arg, &r->record);
	}
	stix_pattern_clear(&pattern);
	return result;
}

static int read_indicator(struct reader *r, const json_t *object)
{
	const char *wrong = read_head(r, object);
	if (wrong) return refuse(r, object, "%s", wrong);
	if (json_is_true(json_object_get(object, "revoked"))) r->record.kind = DOCUMENT_WITHDRAWAL;
	read_tags(r, object);
	read_references(r, object);
	read_extension(r, object);
	return take_values(r, object, object);
}

/* ---- what is said of indicators ---- */
static int read_about(struct reader *r, const json_t *object, const char *ref)
{
	const json_t *of = ref ? json_object_get(r->newest, ref) : NULL;
	if (of && is_type(of, "indicator")) return take_values(r, object, of);
	document_tally_add(r->tally, "%s of something that is no indicator in the document", document_read_text(object, "type"));
	return 0;
}

static int read_sighting(struct reader *r, const json_t *object)
{
	const json_t *count = json_object_get(object, "count");
	json_int_t n = 0;
	const char *wrong = read_time(object, "first_seen", &r->record.ind.first_seen_us, "first_seen is no time from 1970 on");
	if (!wrong) wrong = read_time(object, "last_seen", &r->record.ind.last_seen_us, "last_seen is no time from 1970 on");
	if (!wrong && count && (!json_is_integer(count) || !document_read_number(object, "count", 0, UINT32_MAX, &n)))
		wrong = "count is no number";
	if (!wrong && count && !n) wrong = "count is 0: then it was not seen";
	if (wrong) return refuse(r, object, "%s", wrong);
	r->record.kind = DOCUMENT_SIGHTING;
	r->record.verdict = ISAC_VERDICT_POSITIVE;
	r->record.count = (uint32_t)n;
	document_record_describe(&r->record, NULL, document_read_text(object, "description"));
	return read_about(r, object, document_read_text(object, "sighting_of_ref"));
}

static enum isac_verdict verdict_of(const json_t *object)
{
	const char *opinion = document_read_text(object, "opinion");
	const json_t *each;
	size_t i;
	if (opinion && (strcmp(opinion, "strongly-disagree") == 0 || strcmp(opinion, "disagree") == 0)) return ISAC_VERDICT_FALSE_POSITIVE;
	if (!is_type(object, "note")) return ISAC_VERDICT_NONE;
	json_array_foreach(json_object_get(object, "labels"), i, each)
	{
		for (unsigned v = ISAC_VERDICT_FALSE_POSITIVE; v <= ISAC_VERDICT_EXPIRED; v++)
			if (json_is_string(each) && strcmp(json_string_value(each), isac_verdict_name(v)) == 0) return (enum isac_verdict)v;
	}
	return ISAC_VERDICT_NONE;
}

static int read_judgement(struct reader *r, const json_t *object)
{
	const json_t *each;
	size_t i;
	int result = 0;
	r->record.kind = DOCUMENT_SIGHTING;
	r->record.verdict = verdict_of(object);
	const char *why = document_read_text(object, "explanation");
	document_record_describe(&r->record, NULL, why ? why : document_read_text(object, "content"));
	json_array_foreach(json_object_get(object, "object_refs"), i, each)
	{
		if (!result) result = read_about(r, object, json_string_value(each));
	}
	return result;
}

/* ---- second pass ---- */
/* Read as part of others, or of no use outside the document. */
static bool is_companion(const json_t *object)
{
	static const char *const types[] = {"marking-definition", "extension-definition", "identity"};
	const char *relation = document_read_text(object, "relationship_type");
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (is_type(object, types[i])) return true;
	return is_type(object, "relationship") && relation && strcmp(relation, "indicates") == 0;
}

static int read_object(struct reader *r, const json_t *object)
{
	const char *type = document_read_text(object, "type"), *id = document_read_text(object, "id");
	bool judges = verdict_of(object) != ISAC_VERDICT_NONE;
	if (!type || !id) return refuse(r, object, "it has no type, or no id");
	if (is_companion(object)) return 0;
	if (strcmp(type, "indicator") != 0 && strcmp(type, "sighting") != 0 && !judges) {
		document_tally_add(r->tally, "%s: no kind of item keeps it", type);
		return 0;
	}
	if (!id_ok(id) || strncmp(id, type, strlen(type)) != 0) return refuse(r, object, "its id is no %s-- and a UUID", type);
	if (json_object_get(r->newest, id) != object) {
		document_tally_add(r->tally, "%s: an older version of one in the document", type);
		return 0;
	}
	if (json_is_true(json_object_get(object, "revoked")) && strcmp(type, "indicator") != 0) {
		document_tally_add(r->tally, "%s that is revoked: what it said here is not looked for", type);
		return 0;
	}
	document_record_init(&r->record);
	document_record_name(&r->record, "stix", id);
	r->record.renewed = version(object) > made(object);
	if (!read_label(r, object, &r->record.tlp)) return refuse(r, object, "it has two TLP marks that differ");
	if (judges) return read_judgement(r, object);
	return strcmp(type, "indicator") == 0 ? read_indicator(r, object) : read_sighting(r, object);
}

static const json_t *objects_of(const json_t *document)
{
	const json_t *objects = json_is_array(document) ? document : json_object_get(document, "objects");
	return json_is_array(objects) ? objects : NULL;
}

bool stix_is(const json_t *document)
{
	const json_t *objects = objects_of(document), *first = objects ? json_array_get(objects, 0) : document;
	if (is_type(document, "bundle")) return true;
	const char *type = document_read_text(first, "type"), *id = document_read_text(first, "id");
	return type && id && strncmp(id, type, strlen(type)) == 0 && strncmp(id + strlen(type), "--", 2) == 0;
}

int stix_read(const json_t *document, const struct document_sink *sink, struct document_tally *tally)
{
	const json_t *objects = objects_of(document);
	json_t *list = objects ? NULL : json_array(), *each;
	struct reader *r = calloc(1, sizeof *r);
	size_t i;
	int result = 0;
	if (!objects) {
		if (!is_type(document, "bundle")) json_array_append(list, (json_t *)(uintptr_t)document);
		objects = list;
	}
	bool good = r && (r->newest = json_object()) && (r->indicates = json_object());
	if (good) {
		r->sink = sink;
		r->tally = tally;
		json_array_foreach(objects, i, each) good = good && index_object(r, each);
	}
	if (!good) result = sink->refuse(sink->arg, "the document", "out of memory");
	for (i = 0; good && !result && i < json_array_size(objects); i++) result = read_object(r, json_array_get(objects, i));
	if (r) {
		json_decref(r->newest);
		json_decref(r->indicates);
	}
	free(r);
	json_decref(list);
	return result;
}
