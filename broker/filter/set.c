/*
 * set: many standing filters against one item.
 *
 * Filters of one text (and one member, one moment, where these matter) are one unit. A unit is found by its keys (plan.c): every
 * value, network, domain ... that it asks for is an entry of `postings`. Broad ones have a row in bitmaps (rows.c). What is
 * found is then asked itself, unless its bitmaps have said all.
 */
#include <stdlib.h>
#include <sodium.h>

#include "filter/priv.h"

/* A reference, in the tables and in a network: a number and what it is the number of. */
enum ref_kind { REF_UNIT = 1, REF_LIST, REF_NET, REF_SHARE };
enum { POSTINGS_FILL = 45, NAMES_FILL = 80, HASHES = 256 };
enum { UNIT_SHARED = 1u << 31, UNIT_TWICE = 1u << 30, UNIT_ROW = 1u << 29, UNIT_NET = 1u << 28, UNIT_NUMBER = UNIT_NET - 1 };

/* where: UNIT_SHARED: id is a group's number; UNIT_ROW: the number is that of its row; UNIT_TWICE: it has many keys, the number is that of
 * its stamp; UNIT_NET: it asks for a network and nothing else, so what is found by it matches. */
struct unit {
	const struct filter *f;
	const struct member *self;
	uint32_t id, where;
};
/* Those who have the same filter; f is each one's own. */
struct sharer {
	const struct filter *f;
	uint32_t id, share;
};
struct group {
	uint32_t n, cap;
	struct sharer *sharers;
};
struct share {
	uint32_t unit, at;
}; /* where a sharer stands */
struct list {
	uint32_t n, cap;
	uint32_t *units;
};
/* What a match needs beside the set, kept from item to item. */
struct scratch {
	uint64_t stamp; /* of the item at hand: units with many keys remember it */
	uint32_t n, hashes[HASHES];
};
struct filter_set {
	uint64_t seed[2];
	struct filter_table postings, texts, ids;
	struct filter_pool units, groups, shares, lists, stamps;
	struct filter_nets nets;
	struct filter_rows *rows;
	struct filter_plan plan;
	struct scratch *scratch;
	uint32_t keys[FILTER_SPACES]; /* of each space */
	uint32_t labels[4];	      /* bit n: some key of space UNDER has n labels; never cleared while there are such keys */
};

static uint32_t ref_to(enum ref_kind kind, uint32_t number)
{
	return number << 3 | kind;
}
static enum ref_kind ref_kind(uint32_t ref)
{
	return ref & 7;
}
static uint32_t ref_number(uint32_t ref)
{
	return ref >> 3;
}
static struct unit *unit_of(const struct filter_set *s, uint32_t i)
{
	return (struct unit *)s->units.data + i;
}
static struct group *group_of(const struct filter_set *s, uint32_t i)
{
	return (struct group *)s->groups.data + i;
}
static struct share *share_of(const struct filter_set *s, uint32_t i)
{
	return (struct share *)s->shares.data + i;
}
static struct list *list_of(const struct filter_set *s, uint32_t i)
{
	return (struct list *)s->lists.data + i;
}

enum isac_err filter_set_new(struct filter_set **out)
{
	struct filter_set *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s) return ISAC_ERR_NO_MEMORY;
	randombytes_buf(s->seed, sizeof(s->seed));
	s->plan.seed = s->seed;
	filter_table_init(&s->postings, POSTINGS_FILL);
	filter_table_init(&s->texts, NAMES_FILL);
	filter_table_init(&s->ids, NAMES_FILL);
	filter_pool_init(&s->units, sizeof(struct unit));
	filter_pool_init(&s->groups, sizeof(struct group));
	filter_pool_init(&s->shares, sizeof(struct share));
	filter_pool_init(&s->lists, sizeof(struct list));
	filter_pool_init(&s->stamps, sizeof(uint64_t));
	filter_cidr_init(&s->nets);
	s->rows = filter_rows_new();
	s->scratch = calloc(1, sizeof(*s->scratch));
	if (!s->rows || !s->scratch) filter_set_destroy(&s);
	*out = s;
	return s ? ISAC_OK : ISAC_ERR_NO_MEMORY;
}

void filter_set_destroy(struct filter_set **set)
{
	struct filter_set *s = *set;

	if (!s) return;
	for (uint32_t i = 0; i < s->groups.n; i++) free(group_of(s, i)->sharers);
	for (uint32_t i = 0; i < s->lists.n; i++) free(list_of(s, i)->units);
	filter_table_clear(&s->postings);
	filter_table_clear(&s->texts);
	filter_table_clear(&s->ids);
	free(s->units.data);
	free(s->groups.data);
	free(s->shares.data);
	free(s->lists.data);
	free(s->stamps.data);
	filter_cidr_clear(&s->nets);
	filter_rows_destroy(&s->rows);
	free(s->plan.keys);
	free(s->scratch);
	free(s);
	*set = NULL;
}

/* ---- postings ------------------------------------------------------------------------------ */
/* A reference to what `ref` refers to and this unit; 0 without memory. */
static uint32_t join(struct filter_set *s, uint32_t ref, uint32_t unit)
{
	struct list *list;
	uint32_t *units, number = ref_number(ref);

	if (!ref) return ref_to(REF_UNIT, unit);
	if (ref_kind(ref) == REF_UNIT) {
		number = filter_pool_take(&s->lists);
		if (number == FILTER_NONE) return 0;
	}
	list = list_of(s, number);
	units = filter_operand_room(list->units, list->n + 1, &list->cap, sizeof(*units));
	if (!units) {
		if (ref_kind(ref) == REF_UNIT) filter_pool_give(&s->lists, number);
		return 0;
	}
	list->units = units;
	if (ref_kind(ref) == REF_UNIT) units[list->n++] = ref_number(ref);
	units[list->n++] = unit;
	return ref_to(REF_LIST, number);
}

/* A reference to the others; 0: there are none. */
static uint32_t part(struct filter_set *s, uint32_t ref, uint32_t unit)
{
	uint32_t number = ref_number(ref), i = 0, last;
	struct list *list;

	if (ref_kind(ref) == REF_UNIT) return number == unit ? 0 : ref;
	list = list_of(s, number);
	while (i < list->n && list->units[i] != unit) i++;
	if (i < list->n) list->units[i] = list->units[--list->n];
	if (list->n > 1) return ref;
	last = list->units[0];
	free(list->units);
	list->units = NULL;
	filter_pool_give(&s->lists, number);
	return ref_to(REF_UNIT, last);
}

/* Keys with one hash share a posting: what is found is asked itself. */
static uint32_t find_posting(const struct filter_set *s, uint32_t hash)
{
	struct filter_probe probe;
	uint32_t ref = filter_table_first(&s->postings, hash, &probe);

	while (ref && ref_kind(ref) == REF_NET) ref = filter_table_next(&s->postings, &probe);
	return ref;
}

static bool post_net(struct filter_set *s, const struct filter_key *key, uint32_t unit)
{
	uint32_t net = filter_cidr_find(&s->nets, key->net), ref;

	if (net == FILTER_NONE) {
		net = filter_cidr_add(&s->nets, key->net);
		if (net == FILTER_NONE) return false;
		if (!filter_table_add(&s->postings, key->hash, ref_to(REF_NET, net))) {
			filter_cidr_remove(&s->nets, net);
			return false;
		}
	}
	ref = join(s, filter_cidr_get(&s->nets, net)->ref, unit);
	if (!ref) return false; /* one that was there before */
	filter_cidr_get(&s->nets, net)->ref = ref;
	return true;
}

static bool post_hash(struct filter_set *s, const struct filter_key *key, uint32_t unit)
{
	uint32_t ref = find_posting(s, key->hash), joined = join(s, ref, unit);

	if (!joined) return false;
	if (!ref) return filter_table_add(&s->postings, key->hash, joined);
	if (joined != ref) filter_table_replace(&s->postings, key->hash, ref, joined);
	return true;
}

static bool post(struct filter_set *s, const struct filter_key *key, uint32_t unit)
{
	if (!(key->net ? post_net(s, key, unit) : post_hash(s, key, unit))) return false;
	s->keys[key->space]++;
	if (key->space == FILTER_SPACE_UNDER) s->labels[key->labels / 32 % 4] |= 1u << key->labels % 32;
	return true;
}

static void unpost(struct filter_set *s, const struct filter_key *key, uint32_t unit)
{
	uint32_t net, ref, left;

	if (!--s->keys[key->space] && key->space == FILTER_SPACE_UNDER) memset(s->labels, 0, sizeof(s->labels));
	if (key->net) {
		net = filter_cidr_find(&s->nets, key->net);
		left = part(s, filter_cidr_get(&s->nets, net)->ref, unit);
		filter_cidr_get(&s->nets, net)->ref = left;
		if (left) return;
		filter_table_remove(&s->postings, key->hash, ref_to(REF_NET, net));
		filter_cidr_remove(&s->nets, net);
		return;
	}
	ref = find_posting(s, key->hash);
	left = part(s, ref, unit);
	if (!left) filter_table_remove(&s->postings, key->hash, ref);
	else if (left != ref) filter_table_replace(&s->postings, key->hash, ref, left);
}

/* ---- units ------------------------------------------------------------------------------------ */
static bool uses_mine(const struct filter *f)
{
	for (uint32_t i = 0; i < f->nodes_n; i++)
		if (f->nodes[i].what == FILTER_MINE) return true;
	return false;
}

static bool uses_now(const struct filter *f)
{
	for (uint32_t i = 0; i < f->nodes_n; i++) {
		const struct filter_node *node = &f->nodes[i];

		if (node->what == FILTER_VALID ? !node->mask : node->what == FILTER_TEST && node->field == FILTER_STATE) return true;
	}
	return false;
}

/* Of what makes two filters the same. */
static uint32_t hash_text(const struct filter_set *s, const struct filter *f, const struct member *self)
{
	uint32_t hash = filter_hash(s->seed, FILTER_SPACES, f->text, strlen(f->text));

	if (self) hash ^= filter_hash(s->seed, FILTER_SPACES, &self, sizeof(struct member *));
	if (uses_now(f)) hash ^= filter_hash(s->seed, FILTER_SPACES, &f->now_us, sizeof(f->now_us));
	return hash;
}

static uint32_t find_twin(const struct filter_set *s, const struct filter *f, const struct member *self)
{
	struct filter_probe probe;

	for (uint32_t ref = filter_table_first(&s->texts, hash_text(s, f, self), &probe); ref; ref = filter_table_next(&s->texts, &probe)) {
		const struct unit *unit = unit_of(s, ref_number(ref));

		if (unit->self == self && strcmp(unit->f->text, f->text) == 0 && (unit->f->now_us == f->now_us || !uses_now(f)))
			return ref_number(ref);
	}
	return FILTER_NONE;
}

/* Under its keys or into a row; all or nothing. */
static bool place(struct filter_set *s, uint32_t u)
{
	struct unit *unit = unit_of(s, u);
	uint32_t number, done = 0;

	filter_plan_make(&s->plan, unit->f, unit->self);
	if (s->plan.err) return false;
	if (s->plan.broad || (s->plan.names && filter_rows_take_names(s->rows, unit->f))) {
		number = filter_rows_add(s->rows, unit->f, u);
		unit->where = UNIT_ROW | number;
		return number != FILTER_NONE;
	}
	if (unit->f->nodes_n == 1 && s->plan.n == 1 && s->plan.keys[0].net && !unit->self) unit->where = UNIT_NET;
	if (s->plan.n > 1) {
		number = filter_pool_take(&s->stamps);
		if (number == FILTER_NONE) return false;
		unit->where = UNIT_TWICE | number;
	}
	while (done < s->plan.n && post(s, &s->plan.keys[done], u)) done++;
	if (done == s->plan.n) return true;
	while (done > 0) unpost(s, &s->plan.keys[--done], u);
	if (s->plan.n > 1) filter_pool_give(&s->stamps, unit->where & UNIT_NUMBER);
	return false;
}

/* The plan is the same as when it was placed: the filter is, and the array has room for it. */
static void displace(struct filter_set *s, uint32_t u)
{
	const struct unit *unit = unit_of(s, u);

	if (unit->where & UNIT_ROW) {
		filter_rows_remove(s->rows, unit->where & UNIT_NUMBER, unit->f);
		return;
	}
	filter_plan_make(&s->plan, unit->f, unit->self);
	for (uint32_t i = 0; i < s->plan.n; i++) unpost(s, &s->plan.keys[i], u);
	if (unit->where & UNIT_TWICE) filter_pool_give(&s->stamps, unit->where & UNIT_NUMBER);
}

static void drop_unit(struct filter_set *s, uint32_t u)
{
	displace(s, u);
	filter_table_remove(&s->texts, hash_text(s, unit_of(s, u)->f, unit_of(s, u)->self), ref_to(REF_UNIT, u));
	filter_pool_give(&s->units, u);
}

/* FILTER_NONE without memory. */
static uint32_t add_unit(struct filter_set *s, uint32_t id, const struct filter *f, const struct member *self)
{
	uint32_t u = filter_pool_take(&s->units), hash = hash_text(s, f, self);

	if (u == FILTER_NONE) return FILTER_NONE;
	*unit_of(s, u) = (struct unit){f, self, id, 0};
	if (filter_table_add(&s->texts, hash, ref_to(REF_UNIT, u))) {
		if (place(s, u)) return u;
		filter_table_remove(&s->texts, hash, ref_to(REF_UNIT, u));
	}
	filter_pool_give(&s->units, u);
	return FILTER_NONE;
}

/* ---- ids and those who share a filter --------------------------------------------------------------- */
/* One to one, so that equal hashes are equal ids. */
static uint32_t hash_id(uint32_t id)
{
	id *= 0x9e3779b1u;
	id ^= id >> 15;
	return id * 0x85ebca77u;
}

static uint32_t find_id(const struct filter_set *s, uint32_t id)
{
	struct filter_probe probe;

	return filter_table_first(&s->ids, hash_id(id), &probe);
}

/* Adds to the unit's group, which has room for it; 0 without memory. Returns the reference by which the id finds it. */
static uint32_t add_sharer(struct filter_set *s, uint32_t u, uint32_t id, const struct filter *f)
{
	struct group *group = group_of(s, unit_of(s, u)->id);
	struct sharer *sharers = filter_operand_room(group->sharers, group->n, &group->cap, sizeof(*sharers));
	uint32_t share;

	if (!sharers) return 0;
	group->sharers = sharers;
	share = filter_pool_take(&s->shares);
	if (share == FILTER_NONE) return 0;
	*share_of(s, share) = (struct share){u, group->n};
	sharers[group->n++] = (struct sharer){f, id, share};
	return ref_to(REF_SHARE, share);
}

/* A unit of one id becomes a group of one. */
static bool make_group(struct filter_set *s, uint32_t u)
{
	struct unit *unit = unit_of(s, u);
	uint32_t id = unit->id, number = filter_pool_take(&s->groups), ref;

	if (number == FILTER_NONE) return false;
	unit->id = number;
	ref = add_sharer(s, u, id, unit->f);
	if (!ref) {
		free(group_of(s, number)->sharers);
		group_of(s, number)->sharers = NULL;
		filter_pool_give(&s->groups, number);
		unit->id = id;
		return false;
	}
	unit->where |= UNIT_SHARED;
	filter_table_replace(&s->ids, hash_id(id), ref_to(REF_UNIT, u), ref);
	return true;
}

static void drop_sharer(struct filter_set *s, uint32_t number)
{
	struct share share = *share_of(s, number);
	struct unit *unit = unit_of(s, share.unit);
	struct group *group = group_of(s, unit->id);
	uint32_t last = --group->n;

	filter_pool_give(&s->shares, number);
	if (last) {
		if (share.at != last) {
			group->sharers[share.at] = group->sharers[last];
			share_of(s, group->sharers[share.at].share)->at = share.at;
		}
		unit->f = group->sharers[0].f;
		return;
	}
	free(group->sharers);
	group->sharers = NULL;
	filter_pool_give(&s->groups, unit->id);
	drop_unit(s, share.unit);
}

enum isac_err filter_set_add(struct filter_set *s, uint32_t id, const struct filter *f, const struct member *self)
{
	const struct member *mine = uses_mine(f) ? self : NULL;
	uint32_t u, ref;

	if (find_id(s, id)) return ISAC_ERR_CONFLICT;
	u = find_twin(s, f, mine);
	if (u == FILTER_NONE) {
		u = add_unit(s, id, f, mine);
		if (u == FILTER_NONE) return ISAC_ERR_NO_MEMORY;
		ref = ref_to(REF_UNIT, u);
	} else {
		if (!(unit_of(s, u)->where & UNIT_SHARED) && !make_group(s, u)) return ISAC_ERR_NO_MEMORY;
		ref = add_sharer(s, u, id, f);
		if (!ref) return ISAC_ERR_NO_MEMORY;
	}
	if (filter_table_add(&s->ids, hash_id(id), ref)) return ISAC_OK;
	if (ref_kind(ref) == REF_UNIT) drop_unit(s, u);
	else drop_sharer(s, ref_number(ref));
	return ISAC_ERR_NO_MEMORY;
}

void filter_set_remove(struct filter_set *s, uint32_t id)
{
	uint32_t ref = find_id(s, id);

	if (!ref) return;
	filter_table_remove(&s->ids, hash_id(id), ref);
	if (ref_kind(ref) == REF_UNIT) drop_unit(s, ref_number(ref));
	else drop_sharer(s, ref_number(ref));
}

/* ---- matching ------------------------------------------------------------------------------------------ */
struct search {
	const struct filter_set *s;
	const struct report *report;
	uint32_t item;
	void (*hit)(void *arg, uint32_t id);
	void *arg;
};

static void tell(const struct search *search, const struct unit *unit)
{
	const struct group *group;

	if (!(unit->where & UNIT_SHARED)) {
		search->hit(search->arg, unit->id);
		return;
	}
	group = group_of(search->s, unit->id);
	for (uint32_t i = 0; i < group->n; i++) search->hit(search->arg, group->sharers[i].id);
}

static void consider(const struct search *search, uint32_t u)
{
	const struct unit *unit = unit_of(search->s, u);
	uint64_t *stamp;

	if (unit->where & UNIT_TWICE) {
		stamp = (uint64_t *)search->s->stamps.data + (unit->where & UNIT_NUMBER);
		if (*stamp == search->s->scratch->stamp) return;
		*stamp = search->s->scratch->stamp;
	}
	if (filter_match(unit->f, search->report, search->item, unit->self)) tell(search, unit);
}

static void follow(void *arg, uint32_t ref)
{
	const struct search *search = arg;
	const struct list *list;

	if (ref_kind(ref) == REF_UNIT) {
		consider(search, ref_number(ref));
		return;
	}
	list = list_of(search->s, ref_number(ref));
	for (uint32_t i = 0; i < list->n; i++) consider(search, list->units[i]);
}

/* Who asks for this network, which the item lies in or around. Most ask for nothing else: they need not be asked. */
static void follow_net(void *arg, uint32_t ref)
{
	const struct search *search = arg;

	if (ref_kind(ref) == REF_UNIT && unit_of(search->s, ref_number(ref))->where & UNIT_NET)
		tell(search, unit_of(search->s, ref_number(ref)));
	else follow(arg, ref);
}

/* By hash, which another network may have too. */
static void follow_posting(struct search *search, uint32_t ref)
{
	const struct wire_value *value = &search->report->items[search->item].value;
	const struct filter_net *net;

	if (ref_kind(ref) != REF_NET) {
		follow(search, ref);
		return;
	}
	net = filter_cidr_get(&search->s->nets, ref_number(ref));
	if (net->family == value->family && net->prefix <= value->prefix &&
	    filter_net_overlap(value->addr, value->prefix, net->addr, net->prefix))
		follow_net(search, net->ref);
}

static void row_hit(void *arg, uint32_t u, bool sure)
{
	const struct search *search = arg;
	const struct unit *unit = unit_of(search->s, u);

	if (sure || filter_match(unit->f, search->report, search->item, unit->self)) tell(search, unit);
}

/* Looks the hashes up. An item may say a thing twice: the second time finds nothing new. */
static void look_up(struct search *search)
{
	struct scratch *scratch = search->s->scratch;
	struct filter_probe probe;

	for (uint32_t i = 0; i < scratch->n; i++) {
		uint32_t ref, before = 0;

		if (!filter_table_has(&search->s->postings, scratch->hashes[i])) continue;
		while (before < i && scratch->hashes[before] != scratch->hashes[i]) before++;
		if (before < i) continue;
		for (ref = filter_table_first(&search->s->postings, scratch->hashes[i], &probe); ref;
		     ref = filter_table_next(&search->s->postings, &probe))
			follow_posting(search, ref);
	}
	scratch->n = 0;
}

static __attribute__((noinline)) void want_more(struct search *search, uint32_t hash)
{
	look_up(search);
	search->s->scratch->hashes[search->s->scratch->n++] = hash;
}

/* The slot is on its way from memory while the other hashes are made. */
static void want(struct search *search, uint32_t hash)
{
	struct scratch *scratch = search->s->scratch;

	filter_table_prefetch(&search->s->postings, hash);
	if (scratch->n == HASHES) want_more(search, hash);
	else scratch->hashes[scratch->n++] = hash;
}

static void want_text(struct search *search, enum filter_space space, const char *text, size_t len)
{
	if (search->s->keys[space] && len) want(search, filter_hash(search->s->seed, space, text, len));
}

static void want_lengths(struct search *search, const struct wire_value *value, uint64_t lengths, unsigned first)
{
	for (; lengths; lengths &= lengths - 1) {
		unsigned bits = first + (unsigned)__builtin_ctzll(lengths);

		want(search, filter_plan_net_hash(search->s->seed, value->addr, value->family, bits));
	}
}

/* The networks around it, one look for each length that may be there. */
static void want_nets(struct search *search, const struct wire_value *value)
{
	const struct filter_nets *nets = &search->s->nets;
	uint64_t lengths;

	if (value->family == 4) {
		lengths = nets->has4 & (((uint64_t)2 << value->prefix) - 1);
		if (nets->sub4) lengths &= 0x1ffff | (uint64_t)*filter_cidr_sub4(nets, value->addr) << 17;
		want_lengths(search, value, lengths, 0);
		return;
	}
	for (unsigned word = 0; word < 3 && word * 64 <= value->prefix; word++) {
		unsigned rest = value->prefix - word * 64;

		want_lengths(search, value, rest >= 63 ? nets->has6[word] : nets->has6[word] & (((uint64_t)2 << rest) - 1), word * 64);
	}
}

/* The domain and those above it, as far as somebody asks for names of so many labels. */
static void want_domains(struct search *search, const char *host)
{
	size_t len = strlen(host);
	unsigned labels = 1;

	for (size_t at = len; at-- > 0;) {
		if (at && host[at - 1] != '.') continue;
		if (search->s->labels[labels / 32 % 4] >> labels % 32 & 1)
			want(search, filter_hash(search->s->seed, FILTER_SPACE_UNDER, host + at, len - at));
		labels++;
	}
}

static void want_item(struct search *search, const struct report_item *item)
{
	const struct wire_value *value = &item->value;
	const Isac1__Indicator *ind = item->ind;
	const uint32_t *keys = search->s->keys, asn = report_item_asn(item);

	want_text(search, FILTER_SPACE_VALUE, value->text, value->len);
	if (value->family) {
		if (keys[FILTER_SPACE_NET]) want_nets(search, value);
	} else if (value->host && keys[FILTER_SPACE_UNDER]) {
		want_domains(search, value->host);
	}
	if (keys[FILTER_SPACE_ASN] && asn) want_text(search, FILTER_SPACE_ASN, (const char *)&asn, sizeof(asn));
	if (keys[FILTER_SPACE_RAW] && ind) want_text(search, FILTER_SPACE_RAW, ind->raw, strlen(ind->raw));
	if (keys[FILTER_SPACE_COUNTRY])
		want_text(search, FILTER_SPACE_COUNTRY, report_item_country(item), strlen(report_item_country(item)));
	for (size_t i = 0; keys[FILTER_SPACE_TAG] && ind && i < ind->n_tags; i++)
		want_text(search, FILTER_SPACE_TAG, ind->tags[i], strlen(ind->tags[i]));
}

static void want_report(struct search *search, const struct report *report)
{
	const uint32_t *keys = search->s->keys;

	if (keys[FILTER_SPACE_PUBLISHER]) want_text(search, FILTER_SPACE_PUBLISHER, report->publisher, strlen(report->publisher));
	for (size_t i = 0; keys[FILTER_SPACE_GROUP] && i < report->header->n_groups; i++)
		want_text(search, FILTER_SPACE_GROUP, report->header->groups[i], strlen(report->header->groups[i]));
}

void filter_set_match(const struct filter_set *s, const struct report *report, uint32_t item, void (*hit)(void *arg, uint32_t id),
		      void *arg)
{
	struct search search = {s, report, item, hit, arg};
	const struct report_item *one;

	if (!report->items || item >= report->n) return;
	one = &report->items[item];
	s->scratch->stamp++;
	s->scratch->n = 0;
	if (one->value.type) want_item(&search, one);
	want_report(&search, report);
	filter_rows_match(s->rows, report, one, row_hit, &search);
	look_up(&search);
	if (one->value.family && one->value.prefix < (one->value.family == 4 ? 32 : 128) && s->keys[FILTER_SPACE_NET])
		filter_cidr_inside(&s->nets, one->value.addr, one->value.family, one->value.prefix, follow_net, &search);
}
