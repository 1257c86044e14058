/*
 * plan: by which keys a filter is found.
 *
 * A key is something that an item must have for the filter to match: this value, a place in this network or under this domain, this
 * autonomous system, this tag. Of the operands of an `and` the one with the fewest likely hits is enough; an `or` needs all
 * of its operands' keys, and has none if one of them has none. What has no keys is broad: rows.c.
 */
#include <stdlib.h>

#include "filter/priv.h"

/* How many items hit a key, by guess; only their order matters. */
enum { COST_EXACT = 1, COST_NAME = 100000, COST_BROAD = 0x7fffffff };

struct walk {
	const struct filter *f;
	const struct member *self;
	bool own;
	void (*visit)(void *arg, uint32_t leaf);
	void *arg;
};

static unsigned labels_of(const char *name, size_t len)
{
	unsigned n = 1;

	for (size_t i = 0; i < len; i++) n += name[i] == '.';
	return n;
}

static uint32_t net_cost(const struct member_net *net)
{
	unsigned bits = net->family == 4 ? net->prefix : net->prefix / 2;

	return bits >= 24 ? 2 : (uint32_t)2 << (24 - bits) / 2;
}

static uint32_t under_cost(const char *name, size_t len)
{
	unsigned labels = labels_of(name, len);

	return labels == 1 ? 5000 : labels == 2 ? 4 : 2;
}

static uint32_t add_cost(uint32_t a, uint32_t b)
{
	return a >= COST_BROAD - b ? COST_BROAD : a + b;
}

static uint32_t mine_cost(const struct walk *w)
{
	uint32_t cost = 0;

	if (!w->self) return w->own ? COST_EXACT : 0;
	for (uint32_t i = 0; i < w->self->nets_n; i++) cost = add_cost(cost, net_cost(&w->self->nets[i]));
	for (uint32_t i = 0; i < w->self->domains_n; i++)
		cost = add_cost(cost, under_cost(w->self->domains[i], strlen(w->self->domains[i])));
	return add_cost(cost, 50 * w->self->asns_n);
}

enum filter_space filter_plan_space(const struct filter_node *leaf)
{
	static const uint8_t spaces[FILTER_FIELDS] = {
		[FILTER_VALUE] = FILTER_SPACE_VALUE + 1,     [FILTER_RAW] = FILTER_SPACE_RAW + 1,
		[FILTER_ASN] = FILTER_SPACE_ASN + 1,	     [FILTER_PUBLISHER] = FILTER_SPACE_PUBLISHER + 1,
		[FILTER_GROUP] = FILTER_SPACE_GROUP + 1,     [FILTER_TAG] = FILTER_SPACE_TAG + 1,
		[FILTER_COUNTRY] = FILTER_SPACE_COUNTRY + 1,
	};

	if (leaf->what != FILTER_TEST || !spaces[leaf->field]) return FILTER_SPACES;
	if (leaf->op == FILTER_OP_NET) return FILTER_SPACE_NET;
	if (leaf->op == FILTER_OP_UNDER) return FILTER_SPACE_UNDER;
	return (enum filter_space)(spaces[leaf->field] - 1);
}

/* `not x != y` is `x = y` for texts; for a number that is not said it is not. */
static uint32_t leaf_cost(const struct walk *w, uint32_t at, bool negated)
{
	const struct filter_node *node = &w->f->nodes[at];
	enum filter_space space = filter_plan_space(node);
	uint32_t n;

	if (node->what == FILTER_TRUE) return negated ? 0 : COST_BROAD;
	if (node->what == FILTER_MINE) return negated ? COST_BROAD : mine_cost(w);
	if (space == FILTER_SPACES) return COST_BROAD;
	if (negated ? node->op != FILTER_OP_NE || space == FILTER_SPACE_ASN
		    : node->op != FILTER_OP_EQ && node->op != FILTER_OP_IN && node->op != FILTER_OP_NET && node->op != FILTER_OP_UNDER)
		return COST_BROAD;
	if (space == FILTER_SPACE_NET) return net_cost(&w->f->nets[node->shown.first]);
	if (space == FILTER_SPACE_UNDER)
		return under_cost(filter_expr_chars(w->f, &w->f->rows[node->tested.first]), w->f->rows[node->tested.first].len);
	n = space == FILTER_SPACE_ASN ? node->shown.n : node->tested.n;
	return n * (space < FILTER_SPACE_ASN ? COST_EXACT : space < FILTER_SPACE_PUBLISHER ? 50 : COST_NAME);
}

/* Is this chain an `and`, seen through the `not`s around it? */
static bool needs_all(const struct filter_node *node, bool negated)
{
	return (node->what == FILTER_AND) != negated;
}

static uint32_t cost(const struct walk *w, uint32_t at, bool negated)
{
	const struct filter_node *node = &w->f->nodes[at];
	uint32_t sum = 0, least = COST_BROAD;

	if (node->what == FILTER_NOT) return cost(w, at + 1, !negated);
	if (node->what > FILTER_NOT) return leaf_cost(w, at, negated);
	for (uint32_t child = at + 1; child < at + node->size; child += w->f->nodes[child].size) {
		uint32_t one = cost(w, child, negated);

		sum = add_cost(sum, one);
		if (one < least) least = one;
	}
	return needs_all(node, negated) ? least : sum;
}

static void collect(const struct walk *w, uint32_t at, bool negated)
{
	const struct filter_node *node = &w->f->nodes[at];
	uint32_t least = COST_BROAD, best = at;

	if (node->what == FILTER_NOT) {
		collect(w, at + 1, !negated);
		return;
	}
	if (node->what > FILTER_NOT) {
		w->visit(w->arg, at);
		return;
	}
	for (uint32_t child = at + 1; child < at + node->size; child += w->f->nodes[child].size) {
		uint32_t one;

		if (!needs_all(node, negated)) {
			collect(w, child, negated);
			continue;
		}
		one = cost(w, child, negated);
		if (one < least) {
			least = one;
			best = child;
		}
	}
	if (best != at) collect(w, best, negated);
}

bool filter_plan_leaves(const struct filter *f, const struct member *self, bool own, void (*visit)(void *arg, uint32_t leaf), void *arg)
{
	struct walk w = {f, self, own, visit, arg};

	if (cost(&w, 0, false) == COST_BROAD) return false;
	collect(&w, 0, false);
	return true;
}

/* ---- keys ------------------------------------------------------------------------------------ */
struct maker {
	struct filter_plan *plan;
	const struct filter *f;
	const struct member *self;
};

static void add_key(struct filter_plan *plan, struct filter_key key)
{
	struct filter_key *keys = filter_operand_room(plan->keys, plan->n, &plan->cap, sizeof(*keys));

	if (!keys) {
		plan->err = ISAC_ERR_NO_MEMORY;
		return;
	}
	plan->keys = keys;
	plan->keys[plan->n++] = key;
	plan->names = plan->names || key.space >= FILTER_SPACE_PUBLISHER;
}

static void add_bytes(struct filter_plan *plan, enum filter_space space, const void *bytes, size_t len)
{
	add_key(plan, (struct filter_key){.hash = filter_hash(plan->seed, space, bytes, len), .space = (uint8_t)space});
}

static void add_under(struct filter_plan *plan, const char *name, size_t len)
{
	add_key(plan, (struct filter_key){.hash = filter_hash(plan->seed, FILTER_SPACE_UNDER, name, len),
					  .space = FILTER_SPACE_UNDER,
					  .labels = (uint8_t)labels_of(name, len)});
}

uint32_t filter_plan_net_hash(const uint64_t seed[2], const uint8_t addr[16], unsigned family, unsigned bits)
{
	uint64_t high, low, length = (uint64_t)family << 8 | bits;

	memcpy(&high, addr, 8);
	memcpy(&low, addr + 8, 8);
	high = __builtin_bswap64(high);
	low = __builtin_bswap64(low);
	high = bits == 0 ? 0 : bits < 64 ? high >> (64 - bits) : high;
	low = bits <= 64 ? 0 : low >> (128 - bits);
	return (uint32_t)(filter_hash_mix(filter_hash_mix(high ^ seed[0], low ^ seed[1] ^ length << 48), length ^ seed[1]) >> 32);
}

static void add_net(struct filter_plan *plan, const struct member_net *net)
{
	add_key(plan, (struct filter_key){.hash = filter_plan_net_hash(plan->seed, net->addr, net->family, net->prefix),
					  .space = FILTER_SPACE_NET,
					  .net = net});
}

static void add_mine(struct filter_plan *plan, const struct member *self)
{
	char number[16];

	if (!self) return;
	for (uint32_t i = 0; i < self->nets_n; i++) add_net(plan, &self->nets[i]);
	for (uint32_t i = 0; i < self->domains_n; i++) add_under(plan, self->domains[i], strlen(self->domains[i]));
	for (uint32_t i = 0; i < self->asns_n; i++) {
		add_bytes(plan, FILTER_SPACE_ASN, &self->asns[i], sizeof(self->asns[i]));
		snprintf(number, sizeof(number), "%u", self->asns[i]);
		add_bytes(plan, FILTER_SPACE_VALUE, number, strlen(number));
	}
}

static void add_leaf(void *arg, uint32_t at)
{
	struct maker *m = arg;
	const struct filter_node *node = &m->f->nodes[at];
	enum filter_space space = filter_plan_space(node);

	if (node->what == FILTER_MINE) {
		add_mine(m->plan, m->self);
	} else if (node->what == FILTER_TRUE) {
		return; /* `not true`: never */
	} else if (space == FILTER_SPACE_NET) {
		add_net(m->plan, &m->f->nets[node->shown.first]);
	} else if (space == FILTER_SPACE_ASN) {
		for (uint32_t i = 0; i < node->shown.n; i++) {
			uint32_t asn = (uint32_t)m->f->numbers[node->shown.first + i];

			add_bytes(m->plan, space, &asn, sizeof(asn));
		}
	} else {
		for (uint32_t i = 0; i < node->tested.n; i++) {
			const struct filter_row *row = &m->f->rows[node->tested.first + i];

			if (space == FILTER_SPACE_UNDER) add_under(m->plan, filter_expr_chars(m->f, row), row->len);
			else add_bytes(m->plan, space, filter_expr_chars(m->f, row), row->len);
		}
	}
}

void filter_plan_make(struct filter_plan *plan, const struct filter *f, const struct member *self)
{
	struct maker m = {plan, f, self};

	plan->n = 0;
	plan->names = false;
	plan->err = ISAC_OK;
	plan->broad = !filter_plan_leaves(f, self, false, add_leaf, &m);
}
