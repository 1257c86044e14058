/* Networks in order of their first address. Equals and what lies in the net before it, of the same list or member, is left out. */
#include <stdlib.h>
#include <string.h>
#include "hold/hold.h"

enum { MAPPED = 96 }; /* bits before an IPv4 address in ::ffff:0:0/96 */

static void bounds(struct hold_net *out, const uint8_t *addr, uint8_t family, uint8_t prefix)
{
	const unsigned bits = family == 4 ? prefix + MAPPED : prefix;

	memset(out->first, 0, sizeof(out->first));
	if (family == 4) {
		out->first[10] = out->first[11] = 0xff;
		memcpy(out->first + 12, addr, 4);
	} else {
		memcpy(out->first, addr, 16);
	}
	memcpy(out->last, out->first, sizeof(out->last));
	for (unsigned bit = bits; bit < 128; bit++) {
		out->first[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
		out->last[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	}
}

enum isac_err hold_nets_add(struct hold_nets *nets, const uint8_t *addr, uint8_t family, uint8_t prefix, int32_t of)
{
	if (nets->n == nets->cap) {
		const size_t cap = nets->cap ? nets->cap * 2 : 64;
		struct hold_net *more = realloc(nets->net, cap * sizeof(*more));

		if (!more) return ISAC_ERR_NO_MEMORY;
		nets->net = more;
		nets->cap = cap;
	}
	bounds(&nets->net[nets->n], addr, family, prefix);
	nets->net[nets->n++].of = of;
	return ISAC_OK;
}

static int wider_first(const void *a, const void *b)
{
	const struct hold_net *x = a, *y = b;
	const int order = memcmp(x->first, y->first, sizeof(x->first));

	return order ? order : memcmp(y->last, x->last, sizeof(x->last));
}

enum isac_err hold_nets_freeze(struct hold_nets *nets)
{
	size_t n = 0;

	if (!nets->n) return ISAC_OK;
	nets->last_max = calloc(nets->n, sizeof(*nets->last_max));
	if (!nets->last_max) return ISAC_ERR_NO_MEMORY;
	qsort(nets->net, nets->n, sizeof(*nets->net), wider_first);
	for (size_t i = 0; i < nets->n; i++) {
		if (n && nets->net[n - 1].of == nets->net[i].of && memcmp(nets->net[i].last, nets->net[n - 1].last, 16) <= 0) continue;
		nets->net[n] = nets->net[i];
		memcpy(nets->last_max[n], nets->net[n].last, 16);
		if (n && memcmp(nets->last_max[n - 1], nets->last_max[n], 16) > 0) memcpy(nets->last_max[n], nets->last_max[n - 1], 16);
		n++;
	}
	nets->n = n;
	return ISAC_OK;
}

void hold_nets_clear(struct hold_nets *nets)
{
	free(nets->net);
	free(nets->last_max);
	*nets = (struct hold_nets){0};
}

/* How many nets begin at or before this address. */
static size_t count_until(const struct hold_nets *nets, const uint8_t last[16])
{
	size_t low = 0, high = nets->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (memcmp(nets->net[middle].first, last, 16) <= 0) low = middle + 1;
		else high = middle;
	}
	return low;
}

const struct hold_net *hold_nets_next(const struct hold_nets *nets, const uint8_t *addr, uint8_t family, uint8_t prefix, size_t *at)
{
	struct hold_net asked;
	size_t end;

	bounds(&asked, addr, family, prefix);
	end = count_until(nets, asked.last);
	while (*at < end) {
		const size_t i = end - 1 - (*at)++;

		if (memcmp(nets->last_max[i], asked.first, 16) < 0) break;
		if (memcmp(nets->net[i].last, asked.first, 16) >= 0) return &nets->net[i];
	}
	*at = end;
	return NULL;
}
