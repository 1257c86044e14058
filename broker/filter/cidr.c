/*
 * cidr: the networks that filters ask for, v4 and v6, each once.
 *
 * Those around an address are found by hash, one look for each length that occurs (set.c does it; here is what lengths occur). Those
 * inside a network are a subtree of a crit-bit tree over family, address and length: only an item of type cidr asks for them.
 */
#include <stdlib.h>

#include "filter/priv.h"

/* Bits of a key: the family, the address, the length. */
enum { KEY_ADDR = 1, KEY_LENGTH = 129, KEY_BITS = 137, SUB4_LOOK_MAX = 64 };
/* A reference in the tree is a network or a fork, by its lowest bit; FILTER_NONE: an empty tree. */
struct fork {
	uint32_t child[2];
	uint8_t bit; /* children differ here, and below this fork keys are equal in all bits before */
};

static bool is_net(uint32_t ref)
{
	return ref & 1;
}

static struct fork *fork_of(const struct filter_nets *nets, uint32_t ref)
{
	return (struct fork *)nets->forks.data + (ref >> 1);
}

static unsigned key_bit(const uint8_t addr[16], unsigned family, unsigned prefix, unsigned bit)
{
	if (bit < KEY_ADDR) return family == 6;
	if (bit < KEY_LENGTH) return addr[(bit - KEY_ADDR) / 8] >> (7 - (bit - KEY_ADDR) % 8) & 1;
	return prefix >> (7 - (bit - KEY_LENGTH)) & 1;
}

void filter_cidr_init(struct filter_nets *nets)
{
	memset(nets, 0, sizeof(*nets));
	filter_pool_init(&nets->nets, sizeof(struct filter_net));
	filter_pool_init(&nets->forks, sizeof(struct fork));
	nets->root = FILTER_NONE;
}

void filter_cidr_clear(struct filter_nets *nets)
{
	free(nets->nets.data);
	free(nets->forks.data);
	free(nets->sub4);
	filter_cidr_init(nets);
}

/* The network whose key agrees longest on the way down; the tree is not empty. */
static uint32_t closest(const struct filter_nets *nets, const struct member_net *net)
{
	uint32_t ref = nets->root;

	while (!is_net(ref)) {
		const struct fork *fork = fork_of(nets, ref);

		ref = fork->child[key_bit(net->addr, net->family, net->prefix, fork->bit)];
	}
	return ref >> 1;
}

static unsigned first_difference(const struct filter_net *a, const struct member_net *b)
{
	unsigned bit = KEY_ADDR;

	if (a->family != b->family) return 0;
	for (unsigned i = 0; i < sizeof(a->addr) && a->addr[i] == b->addr[i]; i++) bit += 8;
	while (bit < KEY_BITS && key_bit(a->addr, a->family, a->prefix, bit) == key_bit(b->addr, b->family, b->prefix, bit)) bit++;
	return bit;
}

uint32_t filter_cidr_find(const struct filter_nets *nets, const struct member_net *net)
{
	uint32_t i;

	if (nets->root == FILTER_NONE) return FILTER_NONE;
	i = closest(nets, net);
	return first_difference(filter_cidr_get(nets, i), net) == KEY_BITS ? i : FILTER_NONE;
}

/* ---- what lengths occur ------------------------------------------------------------------ */
static void note_sub4(struct filter_nets *nets, const struct filter_net *net)
{
	if (nets->sub4 && net->family == 4 && net->prefix > 16) *filter_cidr_sub4(nets, net->addr) |= (uint16_t)(1u << (net->prefix - 17));
}

/* The table of /16s spares a lookup for each length that does not occur there: first a small one, in which many /16s share an entry. */
static void want_sub4(struct filter_nets *nets)
{
	static const struct {
		uint32_t from, mask;
	} sizes[] = {{8192, 0xffff}, {256, 0x0fff}};
	uint32_t todo[KEY_BITS + 1], n = 0, i = nets->n4 < sizes[0].from;
	uint16_t *sub4;

	if (nets->n4 != sizes[i].from || nets->sub4_mask >= sizes[i].mask) return;
	sub4 = calloc(sizes[i].mask + 1, sizeof(*sub4));
	if (!sub4) return; /* slower, not wrong */
	free(nets->sub4);
	nets->sub4 = sub4;
	nets->sub4_mask = sizes[i].mask;
	todo[n++] = nets->root;
	while (n) {
		uint32_t ref = todo[--n];

		if (is_net(ref)) {
			note_sub4(nets, filter_cidr_get(nets, ref >> 1));
			continue;
		}
		todo[n++] = fork_of(nets, ref)->child[1];
		todo[n++] = fork_of(nets, ref)->child[0];
	}
}

static void count(struct filter_nets *nets, const struct filter_net *net, int by)
{
	uint32_t *lengths = net->family == 4 ? nets->lengths4 : nets->lengths6;
	uint64_t *has = net->family == 4 ? &nets->has4 : &nets->has6[net->prefix / 64];
	uint64_t bit = (uint64_t)1 << net->prefix % 64;

	lengths[net->prefix] += (uint32_t)by;
	if (lengths[net->prefix]) *has |= bit;
	else *has &= ~bit;
	if (net->family == 4) nets->n4 += (uint32_t)by;
}

/* The top of the subtree of all keys that begin like this network, or FILTER_NONE. */
static uint32_t subtree(const struct filter_nets *nets, const uint8_t addr[16], unsigned family, unsigned bits)
{
	uint32_t ref = nets->root, any;
	const struct filter_net *net;

	if (ref == FILTER_NONE) return ref;
	while (!is_net(ref) && fork_of(nets, ref)->bit < KEY_ADDR + bits)
		ref = fork_of(nets, ref)->child[key_bit(addr, family, 0, fork_of(nets, ref)->bit)];
	any = ref;
	while (!is_net(any)) any = fork_of(nets, any)->child[0];
	net = filter_cidr_get(nets, any >> 1);
	return net->family == family && filter_net_overlap(net->addr, bits, addr, bits) ? ref : FILTER_NONE;
}

/* After a removal: what is left below its /16, if it has an entry of its own and that is soon said. Lengths too many cost time only. */
static void review_sub4(struct filter_nets *nets, const uint8_t addr[16])
{
	uint32_t todo[KEY_BITS + 1], n = 0, looked = 0;
	uint16_t seen = 0;

	todo[n] = subtree(nets, addr, 4, 16);
	if (todo[n] != FILTER_NONE) n++;
	while (n) {
		uint32_t ref = todo[--n];

		if (++looked > SUB4_LOOK_MAX) return;
		if (is_net(ref)) {
			const struct filter_net *net = filter_cidr_get(nets, ref >> 1);

			if (net->prefix > 16) seen |= (uint16_t)(1u << (net->prefix - 17));
			continue;
		}
		todo[n++] = fork_of(nets, ref)->child[1];
		todo[n++] = fork_of(nets, ref)->child[0];
	}
	*filter_cidr_sub4(nets, addr) = seen;
}

/* ---- the tree -------------------------------------------------------------------------------- */
static void insert(struct filter_nets *nets, uint32_t i, unsigned bit, uint32_t at)
{
	const struct filter_net *net = filter_cidr_get(nets, i);
	unsigned side = key_bit(net->addr, net->family, net->prefix, bit);
	uint32_t *link = &nets->root;
	struct fork *fork = fork_of(nets, at << 1);

	while (!is_net(*link) && fork_of(nets, *link)->bit < bit)
		link = &fork_of(nets, *link)->child[key_bit(net->addr, net->family, net->prefix, fork_of(nets, *link)->bit)];
	fork->bit = (uint8_t)bit;
	fork->child[side] = i << 1 | 1;
	fork->child[!side] = *link;
	*link = at << 1;
}

uint32_t filter_cidr_add(struct filter_nets *nets, const struct member_net *net)
{
	uint32_t i = filter_pool_take(&nets->nets), fork;
	struct filter_net *own;

	if (i == FILTER_NONE) return FILTER_NONE;
	own = filter_cidr_get(nets, i);
	memcpy(own->addr, net->addr, sizeof(own->addr));
	own->family = net->family;
	own->prefix = net->prefix;
	if (nets->root == FILTER_NONE) {
		nets->root = i << 1 | 1;
	} else {
		fork = filter_pool_take(&nets->forks);
		if (fork == FILTER_NONE) {
			filter_pool_give(&nets->nets, i);
			return FILTER_NONE;
		}
		insert(nets, i, first_difference(filter_cidr_get(nets, closest(nets, net)), net), fork);
	}
	count(nets, own, 1);
	note_sub4(nets, own);
	want_sub4(nets);
	return i;
}

void filter_cidr_remove(struct filter_nets *nets, uint32_t i)
{
	struct filter_net net = *filter_cidr_get(nets, i);
	uint32_t *link = &nets->root, *above = NULL, ref;

	while (!is_net(*link)) {
		above = link;
		link = &fork_of(nets, *link)->child[key_bit(net.addr, net.family, net.prefix, fork_of(nets, *link)->bit)];
	}
	if (above) {
		struct fork *fork = fork_of(nets, *above);

		ref = *above;
		*above = fork->child[fork->child[0] == *link];
		filter_pool_give(&nets->forks, ref >> 1);
	} else {
		nets->root = FILTER_NONE;
	}
	filter_pool_give(&nets->nets, i);
	count(nets, &net, -1);
	if (nets->sub4_mask == 0xffff && net.family == 4 && net.prefix > 16) review_sub4(nets, net.addr);
}

void filter_cidr_inside(const struct filter_nets *nets, const uint8_t addr[16], unsigned family, unsigned bits,
			void (*visit)(void *arg, uint32_t ref), void *arg)
{
	uint32_t todo[KEY_BITS + 1], n = 0;

	todo[n] = subtree(nets, addr, family, bits);
	if (todo[n] != FILTER_NONE) n++;
	while (n) {
		uint32_t ref = todo[--n];

		if (is_net(ref)) {
			const struct filter_net *net = filter_cidr_get(nets, ref >> 1);

			if (net->prefix > bits) visit(arg, net->ref);
			continue;
		}
		todo[n++] = fork_of(nets, ref)->child[1];
		todo[n++] = fork_of(nets, ref)->child[0];
	}
}
