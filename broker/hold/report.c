/* A report that was just opened: which of its items are to be held, by lists and space of now. */
#include <string.h>
#include "hold/hold.h"

enum isac_err hold_init(struct hold *hold)
{
	enum isac_err err = base_shared_init(&hold->lists, hold_lists_free);

	return err ? err : base_shared_init(&hold->space, hold_space_free);
}

void hold_clear(struct hold *hold)
{
	base_shared_clear(&hold->lists);
	base_shared_clear(&hold->space);
}

/* Why an item is held; false: it is not. */
static bool is_held(char *why, size_t size, const struct report *r, uint32_t i, const struct hold_lists *lists,
		    const struct hold_space *space)
{
	const struct wire_value *value = &r->items[i].value;
	const char *list;

	if (!r->items[i].ind) return false;
	if (value->held) {
		snprintf(why, size, "item %u: the protocol itself names it, or it is too wide a network", i);
		return true;
	}
	list = lists ? hold_lists_find(lists, value) : NULL;
	if (list) {
		snprintf(why, size, "item %u: on the list \"%.200s\"", i, list);
		return true;
	}
	if (!space || !hold_space_find(space, value, r->publisher_id)) return false;
	/* Whose it is is not the publisher's business. */
	snprintf(why, size, "item %u: registered to a member, or covers what is", i);
	return true;
}

static enum isac_err mark(struct report *r, const struct hold_lists *lists, const struct hold_space *space)
{
	char why[300];

	for (uint32_t i = 0; i < r->n; i++) {
		if (!is_held(why, sizeof(why), r, i, lists, space)) continue;
		if (!report_is_held(r, i)) {
			r->held[i / 8] |= (uint8_t)(1u << i % 8);
			r->held_count++;
		}
		if (r->held_why) continue;
		r->held_why = wire_arena_alloc(&r->arena, strlen(why) + 1);
		if (!r->held_why) return ISAC_ERR_NO_MEMORY;
		memcpy(r->held_why, why, strlen(why) + 1);
	}
	return ISAC_OK;
}

enum isac_err hold_report(struct hold *hold, struct report *report)
{
	if (report->sealed) return ISAC_OK; /* what it says is between its publisher and its recipients */
	struct hold_lists *lists = base_shared_take(&hold->lists);
	struct hold_space *space = base_shared_take(&hold->space);
	enum isac_err err = mark(report, lists, space);

	base_shared_give(&hold->lists, lists);
	base_shared_give(&hold->space, space);
	return err;
}
