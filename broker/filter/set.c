/*
 * set: many standing filters against one item. A plain loop, correct by construction; the index by value replaces the loop
 * behind the same interface, and is compared with it.
 */
#include <stdlib.h>

#include "filter/priv.h"

struct entry {
	uint32_t id;
	const struct filter *f;
	const struct member *self;
};
struct filter_set {
	struct entry *entries;
	uint32_t n, cap;
};

enum isac_err filter_set_new(struct filter_set **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? ISAC_OK : ISAC_ERR_NO_MEMORY;
}

void filter_set_destroy(struct filter_set **s)
{
	if (!*s) return;
	free((*s)->entries);
	free(*s);
	*s = NULL;
}

enum isac_err filter_set_add(struct filter_set *s, uint32_t id, const struct filter *f, const struct member *self)
{
	struct entry *entries;

	for (uint32_t i = 0; i < s->n; i++)
		if (s->entries[i].id == id) return ISAC_ERR_CONFLICT;
	entries = filter_operand_room(s->entries, s->n, &s->cap, sizeof(*entries));
	if (!entries) return ISAC_ERR_NO_MEMORY;
	s->entries = entries;
	s->entries[s->n++] = (struct entry){id, f, self};
	return ISAC_OK;
}

void filter_set_remove(struct filter_set *s, uint32_t id)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->entries[i].id == id) {
			s->entries[i] = s->entries[--s->n];
			return;
		}
}

void filter_set_match(const struct filter_set *s, const struct report *report, uint32_t item, void (*hit)(void *arg, uint32_t id),
		      void *arg)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (filter_match(s->entries[i].f, report, item, s->entries[i].self)) hit(arg, s->entries[i].id);
}
