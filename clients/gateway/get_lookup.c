/* get_lookup, post_lookup: which values does the hub know, by what the caller may see? */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "gateway/priv.h"

static json_t *answer_of(const struct isac_known *k)
{
	json_t *o = json_pack("{s:s, s:s, s:b}", "value", k->value, "type", k->type, "known", k->known);
	if (!k->known) return o;
	json_object_set_new(o, "state", json_string(k->state));
	json_object_set_new(o, "mentions", json_integer((json_int_t)k->mentions));
	json_object_set_new(o, "publishers", json_integer((json_int_t)k->publishers));
	json_object_set_new(o, "confidence", k->confidence < 0 ? json_null() : json_integer(k->confidence));
	json_object_set_new(o, "newest_seq", json_integer((json_int_t)k->newest_seq));
	return o;
}

/* Answers to what was added are appended; what was no value has its place in `into` already. false after an answer. */
static bool flush(struct gateway_call *call, struct isac_lookup *lookup, json_t *into, const size_t *place)
{
	const struct isac_known *known;
	struct isac_error err;
	size_t n;
	enum isac_result r = isac_lookup_ask(lookup, 0, &known, &n, &err);
	if (r) gateway_reply_failure(call, r, &err);
	for (size_t i = 0; !r && i < n; i++) json_array_set_new(into, place[i], answer_of(&known[i]));
	return !r;
}

static void add_bad(json_t *into, size_t at, const char *value, const char *why)
{
	json_array_set_new(into, at, json_pack("{s:s, s:b, s:s}", "value", value, "known", 0, "error", why));
}

/* Asks for all of them, as many at a time as the hub takes. NULL after an answer. */
static json_t *look_up(struct gateway_call *call, const json_t *values, const char *type)
{
	struct isac_lookup *lookup = NULL;
	struct isac_error err;
	json_t *into = json_array(), *value;
	size_t *place = calloc(ISAC_LOOKUP_VALUES, sizeof *place), i;
	bool good = place && !isac_lookup_open(&lookup, call->worker->isac, &err);
	if (!good) gateway_reply_error(call, 503, "out of memory");
	json_array_foreach((json_t *)(uintptr_t)values, i, value)
	{
		if (!good) break;
		json_array_append_new(into, json_null());
		if (isac_lookup_add(lookup, type, json_string_value(value), &err)) {
			add_bad(into, i, json_string_value(value), err.text);
			continue;
		}
		size_t n = isac_lookup_count(lookup);
		place[n - 1] = i;
		if (n == ISAC_LOOKUP_VALUES) good = flush(call, lookup, into, place);
	}
	if (good && isac_lookup_count(lookup)) good = flush(call, lookup, into, place);
	isac_lookup_close(&lookup);
	free(place);
	if (good) return into;
	json_decref(into);
	return NULL;
}

void gateway_get_lookup(struct gateway_call *call)
{
	const char *value = gateway_call_arg(call, "value"), *type = gateway_call_arg(call, "type");
	if (!value) return gateway_reply_error(call, 400, "value is missing: /lookup?value=198.51.100.7");
	if (type && !isac_type_known(type)) return gateway_reply_error(call, 400, "type is no type of a value");
	json_t *values = json_array(), *one = json_string(value);
	if (!one) {
		json_decref(values);
		return gateway_reply_error(call, 422, "value is not UTF-8");
	}
	json_array_append_new(values, one);
	json_t *into = look_up(call, values, type);
	json_decref(values);
	if (!into) return;
	json_t *first = json_incref(json_array_get(into, 0));
	json_decref(into);
	const char *why = json_string_value(json_object_get(first, "error"));
	if (why) {
		gateway_reply_error(call, 422, why);
		json_decref(first);
	} else gateway_reply_json(call, 200, first);
}

/* How deep the brackets outside of strings go; the library would follow them further than any caller of ours needs. */
static bool is_shallow(const char *text, size_t len)
{
	unsigned depth = 0;
	bool inside = false;
	for (size_t i = 0; i < len; i++) {
		if (inside && text[i] == '\\') i++;
		else if (text[i] == '"') inside = !inside;
		else if (!inside && (text[i] == '[' || text[i] == '{') && ++depth > GATEWAY_JSON_DEPTH) return false;
		else if (!inside && (text[i] == ']' || text[i] == '}') && depth) depth--;
	}
	return true;
}

/* NULL after an answer. */
static json_t *read_body(struct gateway_call *call)
{
	const char *type = gateway_call_header(call, "Content-Type");
	json_error_t error;
	if (!type || strncasecmp(type, "application/json", 16) != 0 || (type[16] && !strchr("; ", type[16])))
		return gateway_reply_error(call, 415, "Content-Type: application/json"), NULL;
	if (!call->upload_len || !is_shallow(call->upload, call->upload_len))
		return gateway_reply_error(call, 400, "the body is empty, or nested too deeply"), NULL;
	json_t *body = json_loadb(call->upload, call->upload_len, JSON_REJECT_DUPLICATES, &error);
	if (!body) gateway_reply_error(call, 400, error.text);
	return body;
}

/* {"values": ["198.51.100.7", ...], "type": "ipv4"?}; anything else is 400. NULL after an answer. */
static json_t *take_values(struct gateway_call *call, json_t *body, const char **type)
{
	json_t *values = json_object_get(body, "values"), *named = json_object_get(body, "type"), *value;
	size_t i, known = (values != NULL) + (named != NULL);
	*type = json_string_value(named);
	if (!json_is_array(values) || json_object_size(body) != known || (named && (!*type || !isac_type_known(*type))))
		return gateway_reply_error(call, 400,
					   "the body is {\"values\": [\"198.51.100.7\", ...]}, and \"type\" if it is not to be guessed"),
		       NULL;
	if (json_array_size(values) > GATEWAY_LOOKUP_VALUES)
		return gateway_reply_error(call, 413, "10000 values at once are the most"), NULL;
	json_array_foreach(values, i, value) if (!json_is_string(value) ||
						 strlen(json_string_value(value)) !=
							 json_string_length(value)) return gateway_reply_error(call, 400,
													       "each value is a string"),
		NULL;
	return values;
}

void gateway_post_lookup(struct gateway_call *call)
{
	const char *type = NULL;
	json_t *body = read_body(call), *values = body ? take_values(call, body, &type) : NULL;
	json_t *into = values ? look_up(call, values, type) : NULL;
	json_decref(body);
	if (into) gateway_reply_json(call, 200, json_pack("{s:o}", "values", into));
}
