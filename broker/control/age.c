/* age: the commands on how values age, by type. */
#include "control/priv.h"

#include <stdlib.h>
#include <string.h>

enum { DAYS_MAX = 36500, SPEED_MAX = 100 };

/* "1.5" as 150: two digits behind the point, read without the locale. -1: it is none. */
static long hundredths(const char *text)
{
	char *end;
	long whole = strtol(text, &end, 10), part = 0, unit = 10;
	if (end == text || *text == '-' || *text == '+' || *text == ' ' || whole > SPEED_MAX) return -1;
	if (*end == '.')
		for (end++; unit && *end >= '0' && *end <= '9'; end++, unit /= 10) part += (*end - '0') * unit;
	return *end ? -1 : whole * 100 + part;
}

enum isac_err control_life_set(struct control_call *call)
{
	const char *type = control_arg(call->cmd, "type")->value, *age = control_arg(call->cmd, "age_days")->value, *rest;
	const char *speed = control_arg(call->cmd, "speed")->value;
	uint32_t number = wire_value_type(type, strlen(type));
	long days = strtol(age, (char **)&rest, 10), hundred = hundredths(speed);
	if (!number) return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "'%.40s' is no type of values", type);
	if (rest == age || *rest || days < 1 || days > DAYS_MAX)
		return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "age_days is a whole number of days, 1 to %d", DAYS_MAX);
	if (hundred < 1 || hundred > SPEED_MAX * 100)
		return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "speed is a number like 2 or 0.5, 0.01 to %d", SPEED_MAX);
	return store_update_life_rule(call->db, number, days, hundred);
}
