/* Members' space, made anew with each roster. A registered domain stands here with all names that it lies below, which cover it. */
#include <stdlib.h>
#include <string.h>
#include "hold/hold.h"

struct word_owner {
	char *text; /* domain, or decimal number of an AS */
	int32_t of;
};

struct hold_space {
	struct hold_nets nets;
	struct word_owner *owner; /* by text, then member */
	size_t owners_n, owners_cap;
	enum isac_err err; /* while it is being made */
};

static enum isac_err add_word(struct hold_space *s, const char *text, int32_t of)
{
	if (s->owners_n == s->owners_cap) {
		const size_t cap = s->owners_cap ? s->owners_cap * 2 : 64;
		struct word_owner *more = realloc(s->owner, cap * sizeof(*more));

		if (!more) return ISAC_ERR_NO_MEMORY;
		s->owner = more;
		s->owners_cap = cap;
	}
	s->owner[s->owners_n] = (struct word_owner){strdup(text), of};
	return s->owner[s->owners_n++].text ? ISAC_OK : ISAC_ERR_NO_MEMORY;
}

static void add_member(void *arg, const struct member *m)
{
	struct hold_space *s = arg;
	char asn[16];

	for (uint32_t i = 0; i < m->nets_n && !s->err; i++)
		s->err = hold_nets_add(&s->nets, m->nets[i].addr, m->nets[i].family, m->nets[i].prefix, m->id);
	for (uint32_t i = 0; i < m->asns_n && !s->err; i++) {
		snprintf(asn, sizeof(asn), "%u", m->asns[i]);
		s->err = add_word(s, asn, m->id);
	}
	for (uint32_t i = 0; i < m->domains_n; i++)
		for (const char *at = m->domains[i]; at && !s->err; at = strchr(at, '.')) s->err = add_word(s, at += *at == '.', m->id);
}

static int by_text(const void *a, const void *b)
{
	const struct word_owner *x = a, *y = b;
	const int order = strcmp(x->text, y->text);

	return order ? order : (x->of > y->of) - (x->of < y->of);
}

enum isac_err hold_space_new(struct hold_space **out, const struct member_roster *roster)
{
	struct hold_space *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s) return ISAC_ERR_NO_MEMORY;
	member_roster_each(roster, add_member, s);
	if (!s->err) s->err = hold_nets_freeze(&s->nets);
	if (s->err) {
		const enum isac_err err = s->err;

		hold_space_free(s);
		return err;
	}
	if (s->owners_n) qsort(s->owner, s->owners_n, sizeof(*s->owner), by_text);
	*out = s;
	return ISAC_OK;
}

void hold_space_free(void *arg)
{
	struct hold_space *s = arg;

	if (!s) return;
	for (size_t i = 0; i < s->owners_n; i++) free(s->owner[i].text);
	free(s->owner);
	hold_nets_clear(&s->nets);
	free(s);
}

static int32_t find_word(const struct hold_space *s, const char *text, int32_t publisher_id)
{
	size_t low = 0, high = s->owners_n;
	int32_t of = 0;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(s->owner[middle].text, text) < 0) low = middle + 1;
		else high = middle;
	}
	for (; low < s->owners_n && strcmp(s->owner[low].text, text) == 0; low++) {
		if (s->owner[low].of == publisher_id) return 0;
		of = s->owner[low].of;
	}
	return of;
}

static int32_t find_net(const struct hold_space *s, const struct wire_value *v, int32_t publisher_id)
{
	const struct hold_net *net;
	size_t at = 0;
	int32_t of = 0;

	while ((net = hold_nets_next(&s->nets, v->addr, v->family, v->prefix, &at))) {
		if (net->of == publisher_id) return 0;
		of = net->of;
	}
	return of;
}

int32_t hold_space_find(const struct hold_space *s, const struct wire_value *v, int32_t publisher_id)
{
	if (v->type == WIRE_VALUE_CIDR) return find_net(s, v, publisher_id);
	if (v->type == WIRE_VALUE_DOMAIN || v->type == WIRE_VALUE_ASN) return find_word(s, v->text, publisher_id);
	return 0;
}
