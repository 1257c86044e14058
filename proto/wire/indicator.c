/*
 * The rules on one indicator of a report: its value, and everything said about it. README section 8 is the list.
 * Texts were found to be UTF-8 without NUL when the item was opened; here they must also be readable (section 3).
 */
#include <string.h>
#include "wire/wire.h"

#define DAY_US INT64_C(86400000000)
#define TIME_MAX_US (INT64_C(2932897) * DAY_US - 1) /* the last microsecond of the year 9999 */

static enum isac_err check_text(const char *what, const char *text, size_t max, struct wire_why *why)
{
	const size_t len = strlen(text);

	if (len > max) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "%s is longer than %zu bytes", what, max);
	if (!wire_text_ok(text, len)) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "%s holds a control or invisible character", what);
	return ISAC_OK;
}

static enum isac_err check_texts(const char *what, char *const *text, size_t n, size_t n_max, size_t max, struct wire_why *why)
{
	enum isac_err err;

	if (n > n_max) return wire_refuse(why, ISAC_ERR_TOO_LARGE, "more than %zu of: %s", n_max, what);
	for (size_t i = 0; i < n; i++) {
		if (!text[i][0]) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "%s is empty", what);
		err = check_text(what, text[i], max, why);
		if (err) return err;
	}
	return ISAC_OK;
}

static enum isac_err check_times(const Isac1__Indicator *ind, struct wire_why *why)
{
	const int64_t times[] = {ind->first_seen_us, ind->last_seen_us, ind->valid_from_us, ind->valid_until_us};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] < 0 || times[i] > TIME_MAX_US)
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "a time is not between 1970 and 9999");
	if (ind->last_seen_us && ind->last_seen_us < ind->first_seen_us)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "last_seen lies before first_seen");
	if (ind->valid_until_us && ind->valid_from_us && ind->valid_until_us <= ind->valid_from_us)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "valid_until does not lie after valid_from");
	return ISAC_OK;
}

static bool is_country(const char *s)
{
	return !s[0] || (s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z' && !s[2]);
}

enum isac_err wire_indicator_check(struct wire_value *out, const Isac1__Indicator *ind, struct wire_arena *arena, struct wire_why *why)
{
	const size_t raw_max = ind->type == WIRE_VALUE_URL ? WIRE_LIMIT_URL_BYTES : WIRE_LIMIT_VALUE_BYTES;
	enum isac_err err = wire_value_canon(out, ind->type, ind->value, strlen(ind->value), arena, why);

	if (!err) err = check_text("raw", ind->raw, raw_max, why);
	if (!err) err = check_text("description", ind->description, WIRE_LIMIT_TEXT_BYTES, why);
	if (!err) err = check_texts("tag", ind->tags, ind->n_tags, WIRE_LIMIT_TAGS, WIRE_LIMIT_TAG_BYTES, why);
	if (!err) err = check_texts("reference", ind->references, ind->n_references, WIRE_LIMIT_REFERENCES, WIRE_LIMIT_VALUE_BYTES, why);
	if (!err) err = check_times(ind, why);
	if (err) return err;
	if (ind->confidence_plus1 > 101) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "confidence is not 0..100");
	if (ind->severity_plus1 > 11) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "severity is not 0..10");
	if (!is_country(ind->country)) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "country is not two upper-case letters");
	return ISAC_OK;
}
