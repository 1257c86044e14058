/* The set of members with registered space, made anew as a whole when the roster changes: a roster is immutable, and changes are rare. */
#include <stdlib.h>
#include <string.h>

#include "concern/concern.h"

struct owner {
	const struct member *member; /* of the roster that is held */
	uint32_t items;		     /* of the report at hand */
};

struct concern {
	struct base_shared *shared;
	struct member_roster *roster;
	struct filter *mine;
	struct filter_set *set; /* ids: indexes of owner */
	struct owner *owner;
	uint32_t *touched; /* owners of the report at hand */
	uint32_t owners, cap, touched_n;
	enum isac_err err;
};

enum isac_err concern_new(struct concern **out, struct base_shared *roster)
{
	struct concern *c = calloc(1, sizeof(*c));
	enum isac_err err;

	*out = NULL;
	if (!c) return ISAC_ERR_NO_MEMORY;
	c->shared = roster;
	err = filter_parse(&c->mine, "mine", 4, 0, NULL);
	if (err) concern_destroy(&c);
	*out = c;
	return err;
}

/* Before the roster goes: the set borrows its members. */
static void forget(struct concern *c)
{
	filter_set_destroy(&c->set);
	if (c->roster) base_shared_give(c->shared, c->roster);
	c->roster = NULL;
	c->owners = 0;
}

void concern_destroy(struct concern **slot)
{
	struct concern *c = *slot;

	if (!c) return;
	forget(c);
	filter_destroy(&c->mine);
	free(c->owner);
	free(c->touched);
	free(c);
	*slot = NULL;
}

static bool make_room(struct concern *c)
{
	uint32_t cap = c->cap ? c->cap * 2 : 64;
	struct owner *owner;
	uint32_t *touched;

	if (c->owners < c->cap) return true;
	owner = realloc(c->owner, cap * sizeof(*owner));
	if (owner) c->owner = owner;
	touched = realloc(c->touched, cap * sizeof(*touched));
	if (touched) c->touched = touched;
	if (!owner || !touched) return false;
	c->cap = cap;
	return true;
}

static void add_owner(void *arg, const struct member *m)
{
	struct concern *c = arg;

	if (c->err || !(m->nets_n || m->asns_n || m->domains_n) || !(m->roles & (MEMBER_SUBSCRIBER | MEMBER_ANALYST))) return;
	if (!make_room(c)) {
		c->err = ISAC_ERR_NO_MEMORY;
		return;
	}
	c->err = filter_set_add(c->set, c->owners, c->mine, m);
	if (!c->err) c->owner[c->owners++] = (struct owner){.member = m};
}

enum isac_err concern_refresh(struct concern *c)
{
	struct member_roster *roster = base_shared_take(c->shared);

	if (roster == c->roster && c->set) {
		if (roster) base_shared_give(c->shared, roster);
		return ISAC_OK;
	}
	forget(c);
	c->roster = roster;
	c->err = filter_set_new(&c->set);
	if (!c->err && roster) member_roster_each(roster, add_owner, c);
	if (c->err) forget(c); /* the next call tries again */
	return c->err;
}

static void count_item(void *arg, uint32_t id)
{
	struct concern *c = arg;

	if (!c->owner[id].items++) c->touched[c->touched_n++] = id;
}

void concern_match(struct concern *c, const struct report *report, void (*hit)(void *arg, int32_t member_id, uint32_t items), void *arg)
{
	c->touched_n = 0;
	if (!c->owners || !report->audience || !report->items || report->sealed) return;
	for (uint32_t i = 0; i < report->n; i++)
		if (!report_is_held(report, i)) filter_set_match(c->set, report, i, count_item, c);
	for (uint32_t i = 0; i < c->touched_n; i++) {
		struct owner *owner = &c->owner[c->touched[i]];
		const struct member *m = owner->member;

		if (m->id != report->publisher_id && member_may_see(m, report->audience, report->publisher_id))
			hit(arg, m->id, owner->items);
		owner->items = 0;
	}
}
