/* The rules on what members say about reports that are there already: sightings and withdrawals. README section 8. */
#include <string.h>
#include "wire/wire.h"

#define TIME_MAX_US (INT64_C(2932897) * INT64_C(86400000000) - 1) /* the last microsecond of the year 9999 */

enum isac_err wire_value_known(struct wire_value *out, uint32_t type, char *text, struct wire_arena *arena)
{
	enum isac_err err = wire_value_canon(out, type, text, strlen(text), arena, NULL);

	if (err != ISAC_ERR_BAD_VALUE) return err;
	*out = (struct wire_value){.type = type, .text = text, .len = strlen(text)};
	return ISAC_OK;
}

static enum isac_err check_value(struct wire_value *out, uint32_t type, char *text, struct wire_arena *arena, struct wire_why *why)
{
	const size_t max = type == WIRE_VALUE_URL ? WIRE_LIMIT_URL_BYTES : WIRE_LIMIT_VALUE_BYTES, len = strlen(text);
	enum isac_err err;

	if (!wire_value_name(type)) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "type %u is no type of values", type);
	if (!len || len > max || !wire_text_ok(text, len))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "the value is empty, too long, or holds a control character");
	err = wire_value_known(out, type, text, arena);
	return err ? wire_refuse(why, err, "%s", isac_err_text(err)) : ISAC_OK;
}

static enum isac_err check_description(const char *text, struct wire_why *why)
{
	const size_t len = strlen(text);

	if (len <= WIRE_LIMIT_TEXT_BYTES && wire_text_ok(text, len)) return ISAC_OK;
	return wire_refuse(why, ISAC_ERR_BAD_VALUE, "description is longer than %d bytes, or holds a control or invisible character",
			   WIRE_LIMIT_TEXT_BYTES);
}

enum isac_err wire_sighting_check(struct wire_value *out, const Isac1__Sighting *s, struct wire_arena *arena, struct wire_why *why)
{
	const int64_t first = s->first_seen_us, last = s->last_seen_us;
	enum isac_err err = check_value(out, s->type, s->value, arena, why);

	if (!err) err = check_description(s->description, why);
	if (err) return err;
	if (s->verdict < ISAC1__VERDICT__VERDICT_POSITIVE || s->verdict > ISAC1__VERDICT__VERDICT_EXPIRED)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "verdict %u is none", s->verdict);
	if (first < 0 || last < 0 || first > TIME_MAX_US || last > TIME_MAX_US)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "a time is not between 1970 and 9999");
	if (last && last < first) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "last_seen lies before first_seen");
	return ISAC_OK;
}

enum isac_err wire_withdrawal_check(struct wire_value *out, const Isac1__Withdrawal *w, struct wire_arena *arena, struct wire_why *why)
{
	enum isac_err err = check_value(out, w->type, w->value, arena, why);

	return err ? err : check_description(w->description, why);
}
