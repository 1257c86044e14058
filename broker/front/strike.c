/*
 * Strikes: a message of more frames than a head and a body costs memory before it can be refused, so a member that sends five of
 * them within a minute is refused for the next one. The table is small and forgets whose last strike is oldest.
 */
#include <string.h>
#include "front/priv.h"

enum { WINDOW_US = 60 * 1000 * 1000, REFUSED_US = 60 * 1000 * 1000 };

/* The member's row, or the one to give up for it. */
static struct front_strike *row_of(struct front_strikes *s, const char *name)
{
	struct front_strike *oldest = &s->member[0];

	for (size_t i = 0; i < FRONT_STRIKE_MEMBERS; i++) {
		struct front_strike *row = &s->member[i];

		if (strcmp(row->name, name) == 0) return row;
		if (row->at_us[FRONT_STRIKES - 1] < oldest->at_us[FRONT_STRIKES - 1]) oldest = row;
	}
	*oldest = (struct front_strike){.refused_until_us = 0};
	memcpy(oldest->name, name, strnlen(name, WIRE_LIMIT_NAME_BYTES));
	return oldest;
}

bool front_strikes_add(struct front_strikes *s, const char *name, int64_t now_us, int64_t *until_us)
{
	struct front_strike *row = row_of(s, name);

	memmove(row->at_us, row->at_us + 1, sizeof row->at_us - sizeof row->at_us[0]);
	row->at_us[FRONT_STRIKES - 1] = now_us;
	if (!row->at_us[0] || now_us - row->at_us[0] >= WINDOW_US) return false;
	row->refused_until_us = now_us + REFUSED_US;
	*until_us = row->refused_until_us;
	memset(row->at_us, 0, sizeof row->at_us - sizeof row->at_us[0]);
	return true;
}

void front_strikes_apply(const struct front_strikes *s, struct front_roster *r, int64_t now_us)
{
	for (size_t i = 0; i < FRONT_STRIKE_MEMBERS; i++) {
		const struct front_strike *row = &s->member[i];

		if (row->refused_until_us > now_us) front_roster_refuse(r, row->name, strlen(row->name), row->refused_until_us);
	}
}
