/* read: JSON from strangers. jansson reads it; how deep it goes is looked at before, because jansson recurses further than we allow. */
#include <stdlib.h>
#include <string.h>
#include "document/document.h"
#include "wire/wire.h"

static bool is_deep(const char *text, size_t len)
{
	int depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < len; i++) {
		if (in_string && text[i] == '\\') i++;
		else if (text[i] == '"') in_string = !in_string;
		else if (in_string) continue;
		else if (text[i] == '{' || text[i] == '[') depth++;
		else if (text[i] == '}' || text[i] == ']') depth--;
		if (depth > DOCUMENT_DEPTH_MAX) return true;
	}
	return false;
}

json_t *document_read(const char *text, size_t len, char *reason, size_t size)
{
	json_error_t wrong;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, len -= 3; /* a byte order mark */
	if (len > DOCUMENT_BYTES_MAX) {
		snprintf(reason, size, "longer than %d MiB: split it", DOCUMENT_BYTES_MAX >> 20);
		return NULL;
	}
	if (is_deep(text, len)) {
		snprintf(reason, size, "nested deeper than %d levels", DOCUMENT_DEPTH_MAX);
		return NULL;
	}
	json_t *out = json_loadb(text, len, JSON_REJECT_DUPLICATES, &wrong);
	if (out) return out;
	char clean[sizeof wrong.text];
	document_text_clean(clean, sizeof clean, wrong.text);
	snprintf(reason, size, "not JSON: %s (line %d, column %d)", clean, wrong.line, wrong.column);
	return NULL;
}

const char *document_read_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

bool document_read_number(const json_t *object, const char *key, json_int_t min, json_int_t max, json_int_t *out)
{
	const json_t *v = json_object_get(object, key);
	const char *text = json_string_value(v);
	char *end;
	if (text) {
		if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 18) return false;
		*out = strtoll(text, &end, 10);
	} else if (json_is_integer(v)) {
		*out = json_integer_value(v);
	} else {
		return false;
	}
	return *out >= min && *out <= max;
}
