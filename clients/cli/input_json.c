/* input_json: an object a line. Unknown members are passed over, so that the output of `isac subscribe` can be fed in again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "input.h"

/* A list of strings, or one string to be cut. */
static bool set_list(struct input_record *r, enum input_field field, const json_t *v, char *reason, size_t size)
{
	const char **list = field == INPUT_TAGS ? r->tags : r->references;
	size_t n = json_array_size(v);
	if (n > INPUT_LIST_MAX) n = INPUT_LIST_MAX;
	for (size_t i = 0; i < n; i++)
		if (!(list[i] = json_string_value(json_array_get(v, i)))) {
			snprintf(reason, size, "%s is not a list of strings", input_field_name(field));
			return false;
		}
	*(field == INPUT_TAGS ? &r->ind.tags_n : &r->ind.references_n) = n;
	return true;
}

struct texts {
	char *text[INPUT_FIELDS];
}; /* copies that fields may cut up */

static bool set(struct input_record *r, struct texts *copies, enum input_field field, const json_t *v, char *reason, size_t size)
{
	char digits[24];
	const char *text = json_string_value(v);
	if (json_is_null(v)) return true;
	if (json_is_array(v) && (field == INPUT_TAGS || field == INPUT_REFERENCES)) return set_list(r, field, v, reason, size);
	bool numeric = field == INPUT_CONFIDENCE || field == INPUT_SEVERITY || field == INPUT_ASN;
	if (json_is_integer(v) && (numeric || field == INPUT_VALUE)) {
		snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(v));
		text = digits;
	}
	if (!text) {
		snprintf(reason, size, "%s is not a %s", input_field_name(field), numeric ? "whole number" : "string");
		return false;
	}
	if (!(copies->text[field] = strdup(text))) return false;
	return input_field_set(r, field, copies->text[field], reason, size);
}

static int take(const struct input_conf *conf, const struct input_sink *sink, const json_t *object, unsigned number)
{
	struct input_record r;
	struct texts copies = {{NULL}};
	char reason[200] = "out of memory";
	bool good = true;
	int result;
	input_record_init(&r);
	r.ind.type = conf->type;
	for (enum input_field f = INPUT_NONE + 1; good && f < INPUT_FIELDS; f++) {
		const json_t *v = json_object_get(object, input_field_name(f));
		if (v) good = set(&r, &copies, f, v, reason, sizeof reason);
	}
	if (good && !r.ind.value) {
		good = false;
		snprintf(reason, sizeof reason, "there is no value");
	}
	result = good ? sink->take(sink->arg, &r, number) : sink->refuse(sink->arg, number, reason);
	for (size_t i = 0; i < INPUT_FIELDS; i++) free(copies.text[i]);
	return result;
}

int input_json_line(const struct input_conf *conf, const struct input_sink *sink, char *line, unsigned number)
{
	json_error_t wrong;
	char reason[220];
	json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &wrong);
	int r;
	if (!object) {
		snprintf(reason, sizeof reason, "not JSON: %s (column %d)", wrong.text, wrong.column);
		return sink->refuse(sink->arg, number, reason);
	}
	if (json_is_object(object)) r = take(conf, sink, object, number);
	else r = sink->refuse(sink->arg, number, "not a JSON object");
	json_decref(object);
	return r;
}
