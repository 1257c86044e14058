/*
 * table: open addressing with linear probing, a slot of eight bytes each; a removed one leaves no mark, those behind it move up.
 *
 * It never stops to rebuild: when full, a larger array stands beside the old one, every addition or removal moves a few
 * slots over, and a search looks into both until the old one is empty.
 */
#include <stdlib.h>

#include "filter/priv.h"

enum { FIRST = 64, MOVES = 32, LOOKS = 128 };

void filter_table_init(struct filter_table *t, uint32_t fill)
{
	*t = (struct filter_table){.fill = fill};
}

void filter_table_clear(struct filter_table *t)
{
	free(t->slots);
	free(t->old);
	filter_table_init(t, t->fill);
}

static uint32_t after(uint32_t at, uint32_t size)
{
	return at + 1 == size ? 0 : at + 1;
}

static void put(struct filter_slot *slots, uint32_t size, struct filter_slot slot)
{
	uint32_t i = filter_table_home(slot.hash, size);

	while (slots[i].ref) i = after(i, size);
	slots[i] = slot;
}

/* Those behind a gap that the gap would hide move into it, up to the next empty slot. */
static void close_gap(struct filter_slot *slots, uint32_t size, uint32_t gap)
{
	for (uint32_t i = after(gap, size); slots[i].ref; i = after(i, size)) {
		uint32_t home = filter_table_home(slots[i].hash, size);
		uint32_t from_home = i >= home ? i - home : i + size - home, from_gap = i >= gap ? i - gap : i + size - gap;

		if (from_home < from_gap) continue;
		slots[gap] = slots[i];
		gap = i;
	}
	slots[gap] = (struct filter_slot){0, 0};
}

static void move_some(struct filter_table *t)
{
	if (!t->old) return;
	for (int looks = 0, moves = 0; looks < LOOKS && moves < MOVES && t->old_n; looks++) {
		if (!t->old[t->moved].ref) {
			t->moved++;
			continue;
		}
		moves++;
		put(t->slots, t->size, t->old[t->moved]);
		close_gap(t->old, t->old_size, t->moved);
		t->old_n--;
	}
	if (t->old_n) return;
	free(t->old);
	t->old = NULL;
}

static bool grow(struct filter_table *t)
{
	uint32_t size = t->size ? t->size + t->size / 2 : FIRST;
	struct filter_slot *slots = calloc(size, sizeof(*slots));

	if (!slots) return false;
	while (t->old) move_some(t); /* none, mostly: many slots are moved for each one added */
	t->old = t->slots;
	t->old_size = t->size;
	t->old_n = t->n;
	t->moved = 0;
	t->slots = slots;
	t->size = size;
	move_some(t);
	return true;
}

bool filter_table_add(struct filter_table *t, uint32_t hash, uint32_t ref)
{
	if ((uint64_t)(t->n + 1) * 100 > (uint64_t)t->size * t->fill && !grow(t)) return false;
	put(t->slots, t->size, (struct filter_slot){hash, ref});
	t->n++;
	move_some(t);
	return true;
}

static uint32_t find(const struct filter_slot *slots, uint32_t size, uint32_t hash, uint32_t ref)
{
	if (!slots) return FILTER_NONE;
	for (uint32_t i = filter_table_home(hash, size); slots[i].ref; i = after(i, size))
		if (slots[i].hash == hash && slots[i].ref == ref) return i;
	return FILTER_NONE;
}

void filter_table_remove(struct filter_table *t, uint32_t hash, uint32_t ref)
{
	uint32_t i = find(t->slots, t->size, hash, ref);

	if (i != FILTER_NONE) {
		close_gap(t->slots, t->size, i);
		t->n--;
	} else if ((i = find(t->old, t->old_size, hash, ref)) != FILTER_NONE) {
		close_gap(t->old, t->old_size, i);
		t->old_n--;
		t->n--;
	}
	move_some(t);
}

void filter_table_replace(struct filter_table *t, uint32_t hash, uint32_t ref, uint32_t by)
{
	uint32_t i = find(t->slots, t->size, hash, ref);

	if (i != FILTER_NONE) t->slots[i].ref = by;
	else if ((i = find(t->old, t->old_size, hash, ref)) != FILTER_NONE) t->old[i].ref = by;
}
