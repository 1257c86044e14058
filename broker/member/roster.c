/*
 * roster: everybody on this hub, with keys and groups, as one value that never changes once it is in use.
 *
 * Five open hash tables hold numbers of rows, not rows: rows may move while the roster is being built, and a lookup
 * touches one cache line of slots and one row. Nothing is ever removed: a change is a new roster with a new generation.
 * It reads no database and knows no time.
 */
#include <stdlib.h>
#include <string.h>

#include "member/member.h"

struct slot {
	uint32_t hash, row;
}; /* row: 1 + index, 0 = free */
struct table {
	struct slot *slots;
	uint32_t cap, used;
};
struct group {
	int32_t id;
	char name[WIRE_LIMIT_NAME_BYTES + 1];
};

struct member_roster {
	uint64_t generation;
	char hub_id[17];
	struct member **members;
	uint32_t members_n, members_cap; /* pointers: handed-out members don't move */
	struct member_key **keys;
	uint32_t keys_n, keys_cap;
	struct group *groups;
	uint32_t groups_n, groups_cap;
	struct member_token **tokens;
	uint32_t tokens_n, tokens_cap;
	struct table by_name, by_id, by_key, by_group, by_token;
};

/* FNV-1a. Only admins put things into these tables, so nobody can aim collisions at it. */
static uint32_t hash_bytes(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++) h = (h ^ p[i]) * 16777619u;
	return h;
}

static void put_slot(struct slot *slots, uint32_t cap, struct slot s)
{
	uint32_t at = s.hash & (cap - 1);

	while (slots[at].row) at = (at + 1) & (cap - 1);
	slots[at] = s;
}

static enum isac_err put_row(struct table *t, uint32_t hash, uint32_t index)
{
	if ((t->used + 1) * 2 > t->cap) { /* at most half full: a miss ends soon */
		uint32_t cap = t->cap ? t->cap * 2 : 16;
		struct slot *slots = calloc(cap, sizeof(*slots));

		if (!slots) return ISAC_ERR_NO_MEMORY;
		for (uint32_t i = 0; i < t->cap; i++)
			if (t->slots[i].row) put_slot(slots, cap, t->slots[i]);
		free(t->slots);
		t->slots = slots;
		t->cap = cap;
	}
	put_slot(t->slots, t->cap, (struct slot){hash, index + 1});
	t->used++;
	return ISAC_OK;
}

/* The next row with this hash, as 1 + index; 0 = no more. *probe starts at 0. */
static uint32_t next_row(const struct table *t, uint32_t hash, uint32_t *probe)
{
	while (*probe < t->cap) {
		struct slot s = t->slots[(hash + (*probe)++) & (t->cap - 1)];

		if (!s.row) return 0;
		if (s.hash == hash) return s.row;
	}
	return 0;
}

/* Room for one more element of `size` bytes. */
static void *grow(void *array, uint32_t n, uint32_t *cap, size_t size)
{
	void *more;

	if (n < *cap) return array;
	more = reallocarray(array, *cap ? *cap * 2 : 16, size);
	if (more) *cap = *cap ? *cap * 2 : 16;
	return more;
}

enum isac_err member_roster_new(struct member_roster **out, uint64_t generation, const char *hub_id)
{
	struct member_roster *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (!r) return ISAC_ERR_NO_MEMORY;
	r->generation = generation;
	snprintf(r->hub_id, sizeof(r->hub_id), "%s", hub_id);
	*out = r;
	return ISAC_OK;
}

void member_roster_free(void *roster)
{
	struct member_roster *r = roster;

	if (!r) return;
	for (uint32_t i = 0; i < r->members_n; i++) free(r->members[i]);
	for (uint32_t i = 0; i < r->keys_n; i++) free(r->keys[i]);
	free(r->members);
	free(r->keys);
	for (uint32_t i = 0; i < r->tokens_n; i++) free(r->tokens[i]);
	free(r->tokens);
	free(r->groups);
	free(r->by_name.slots);
	free(r->by_id.slots);
	free(r->by_key.slots);
	free(r->by_group.slots);
	free(r->by_token.slots);
	free(r);
}

static int compare_ids(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* A member and all it points to in one block, so that freeing it is one call. Widest elements first keeps them aligned. */
struct member *member_roster_copy(const struct member *m)
{
	size_t texts = 0;
	struct member *copy;
	const char **domains;
	uint32_t *asns;
	int32_t *groups;
	struct member_net *nets;
	char *text;

	for (uint32_t i = 0; i < m->domains_n; i++) texts += strlen(m->domains[i]) + 1;
	copy = malloc(sizeof(*copy) + m->domains_n * sizeof(*domains) + m->asns_n * sizeof(*asns) + m->groups_n * sizeof(*groups) +
		      m->nets_n * sizeof(*nets) + texts);
	if (!copy) return NULL;
	*copy = *m;
	domains = (const char **)(copy + 1);
	asns = (uint32_t *)(domains + m->domains_n);
	groups = (int32_t *)(asns + m->asns_n);
	nets = (struct member_net *)(groups + m->groups_n);
	text = (char *)(nets + m->nets_n);
	for (uint32_t i = 0; i < m->domains_n; i++) {
		size_t len = strlen(m->domains[i]) + 1;

		domains[i] = memcpy(text, m->domains[i], len);
		text += len;
	}
	for (uint32_t i = 0; i < m->asns_n; i++) asns[i] = m->asns[i];
	for (uint32_t i = 0; i < m->groups_n; i++) groups[i] = m->groups[i];
	for (uint32_t i = 0; i < m->nets_n; i++) nets[i] = m->nets[i];
	if (m->groups_n) qsort(groups, m->groups_n, sizeof(*groups), compare_ids);
	copy->domains = domains;
	copy->asns = asns;
	copy->groups = groups;
	copy->nets = nets;
	return copy;
}

enum isac_err member_roster_add(struct member_roster *r, const struct member *m)
{
	struct member **members = grow(r->members, r->members_n, &r->members_cap, sizeof(*members));
	struct member *copy;
	enum isac_err err;

	if (!members) return ISAC_ERR_NO_MEMORY;
	r->members = members;
	if (member_roster_by_id(r, m->id) || member_roster_find(r, m->name)) return ISAC_ERR_CONFLICT;
	copy = member_roster_copy(m);
	if (!copy) return ISAC_ERR_NO_MEMORY;
	r->members[r->members_n++] = copy;
	err = put_row(&r->by_id, hash_bytes(&copy->id, sizeof(copy->id)), r->members_n - 1);
	if (err) return err;
	return put_row(&r->by_name, hash_bytes(copy->name, strlen(copy->name)), r->members_n - 1);
}

enum isac_err member_roster_add_key(struct member_roster *r, const struct member_key *k)
{
	struct member_key **keys = grow(r->keys, r->keys_n, &r->keys_cap, sizeof(*keys));
	struct member_key *copy;

	if (!keys) return ISAC_ERR_NO_MEMORY;
	r->keys = keys;
	if (member_roster_key(r, k->key_id)) return ISAC_ERR_CONFLICT;
	copy = malloc(sizeof(*copy));
	if (!copy) return ISAC_ERR_NO_MEMORY;
	*copy = *k;
	r->keys[r->keys_n++] = copy;
	return put_row(&r->by_key, hash_bytes(k->key_id, sizeof(k->key_id)), r->keys_n - 1);
}

enum isac_err member_roster_add_token(struct member_roster *r, const struct member_token *t)
{
	struct member_token **tokens = grow(r->tokens, r->tokens_n, &r->tokens_cap, sizeof(*tokens));
	struct member_token *copy;

	if (!tokens) return ISAC_ERR_NO_MEMORY;
	r->tokens = tokens;
	if (member_roster_token(r, t->hash)) return ISAC_ERR_CONFLICT;
	copy = malloc(sizeof(*copy));
	if (!copy) return ISAC_ERR_NO_MEMORY;
	*copy = *t;
	r->tokens[r->tokens_n++] = copy;
	return put_row(&r->by_token, hash_bytes(t->hash, sizeof(t->hash)), r->tokens_n - 1);
}

enum isac_err member_roster_add_group(struct member_roster *r, int32_t id, const char *name)
{
	struct group *groups = grow(r->groups, r->groups_n, &r->groups_cap, sizeof(*groups));
	struct group *g;

	if (!groups) return ISAC_ERR_NO_MEMORY;
	r->groups = groups;
	if (!wire_name_ok(name) || id <= 0) return ISAC_ERR_BAD_VALUE;
	if (member_roster_group(r, name)) return ISAC_ERR_CONFLICT;
	g = &r->groups[r->groups_n++];
	g->id = id;
	snprintf(g->name, sizeof(g->name), "%s", name);
	return put_row(&r->by_group, hash_bytes(name, strlen(name)), r->groups_n - 1);
}

uint64_t member_roster_generation(const struct member_roster *r)
{
	return r->generation;
}

const char *member_roster_hub_id(const struct member_roster *r)
{
	return r->hub_id;
}

const struct member *member_roster_find(const struct member_roster *r, const char *name)
{
	uint32_t hash = hash_bytes(name, strlen(name)), probe = 0, row;

	while ((row = next_row(&r->by_name, hash, &probe)))
		if (strcmp(r->members[row - 1]->name, name) == 0) return r->members[row - 1];
	return NULL;
}

const struct member *member_roster_by_id(const struct member_roster *r, int32_t id)
{
	uint32_t hash = hash_bytes(&id, sizeof(id)), probe = 0, row;

	while ((row = next_row(&r->by_id, hash, &probe)))
		if (r->members[row - 1]->id == id) return r->members[row - 1];
	return NULL;
}

const struct member_key *member_roster_key(const struct member_roster *r, const uint8_t key_id[WIRE_KEY_ID])
{
	uint32_t hash = hash_bytes(key_id, WIRE_KEY_ID), probe = 0, row;

	while ((row = next_row(&r->by_key, hash, &probe)))
		if (memcmp(r->keys[row - 1]->key_id, key_id, WIRE_KEY_ID) == 0) return r->keys[row - 1];
	return NULL;
}

/* The hash is of a secret: what the compare's time tells is bits of a hash that nobody can aim at. */
const struct member_token *member_roster_token(const struct member_roster *r, const uint8_t hash[WIRE_HASH])
{
	uint32_t h = hash_bytes(hash, WIRE_HASH), probe = 0, row;

	while ((row = next_row(&r->by_token, h, &probe)))
		if (memcmp(r->tokens[row - 1]->hash, hash, WIRE_HASH) == 0) return r->tokens[row - 1];
	return NULL;
}

const struct member_token *member_roster_token_by_id(const struct member_roster *r, int32_t id)
{
	for (uint32_t i = 0; i < r->tokens_n; i++)
		if (r->tokens[i]->id == id) return r->tokens[i];
	return NULL;
}

int32_t member_roster_group(const struct member_roster *r, const char *name)
{
	uint32_t hash = hash_bytes(name, strlen(name)), probe = 0, row;

	while ((row = next_row(&r->by_group, hash, &probe)))
		if (strcmp(r->groups[row - 1].name, name) == 0) return r->groups[row - 1].id;
	return 0;
}

void member_roster_each(const struct member_roster *r, void (*fn)(void *arg, const struct member *m), void *arg)
{
	for (uint32_t i = 0; i < r->members_n; i++)
		if (!r->members[i]->suspended) fn(arg, r->members[i]);
}

uint32_t member_roster_count(const struct member_roster *r, uint32_t roles)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->members_n; i++) n += (r->members[i]->roles & roles) != 0;
	return n;
}
