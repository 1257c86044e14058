/* related: RELATED. Values of the same reports, the same network, the same registered domain. */
#include "query/priv.h"

#include <arpa/inet.h>
#include <string.h>

enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 100, AROUND_V4 = 24, AROUND_V6 = 64 };

struct gather {
	struct wire_buf *out; /* fields of the relation's message */
	Isac1__Relation relation;
	uint32_t *told;
};

static void add_row(void *arg, const Isac1__RelatedValue *value, uint32_t count)
{
	struct gather *g = arg;
	Isac1__Relation piece = ISAC1__RELATION__INIT;
	Isac1__RelatedValue *one[1] = {(Isac1__RelatedValue *)(uintptr_t)value};
	piece.n_values = 1;
	piece.values = one;
	wire_pack(g->out, &piece.base);
	g->relation.count = count;
	++*g->told;
}

/* The network around an address, or a wide network itself; host bits are zero. */
static void take_network(struct store_related *q, uint8_t addr[16], const struct wire_value *v, char *place, size_t size)
{
	uint8_t around = v->family == 4 ? AROUND_V4 : AROUND_V6;
	q->family = v->family;
	q->prefix = v->prefix < around ? v->prefix : around;
	memset(addr, 0, 16);
	for (unsigned bit = 0; bit < q->prefix; bit++) addr[bit / 8] |= (uint8_t)(v->addr[bit / 8] & 0x80 >> bit % 8);
	q->addr = addr;
	char text[INET6_ADDRSTRLEN];
	inet_ntop(v->family == 4 ? AF_INET : AF_INET6, addr, text, sizeof(text));
	snprintf(place, size, "%s/%u", text, q->prefix);
}

static enum isac_err add_relation(struct query_call *call, enum store_relation relation, struct store_related *q, const char *place,
				  uint64_t *complete_seq, uint32_t *told)
{
	struct wire_buf *entry = &call->q->entry;
	struct gather g = {.out = entry, .relation = ISAC1__RELATION__INIT, .told = told};
	uint64_t complete;
	wire_buf_reset(entry);
	entry->err = ISAC_OK;
	q->row = add_row;
	q->arg = &g;
	enum isac_err err = store_select_related(call->q->db, relation, q, &complete);
	if (err) return query_refuse(call, err, isac_err_text(err));
	if (!*complete_seq || complete < *complete_seq) *complete_seq = complete;
	g.relation.relation = relation;
	g.relation.place = (char *)(uintptr_t)place;
	wire_pack(entry, &g.relation.base);
	wire_buf_varint(call->out, 1 << 3 | 2); /* RelatedResult.relations */
	wire_buf_varint(call->out, entry->len);
	wire_buf_add(call->out, entry->data, entry->len);
	return entry->err ? entry->err : call->out->err;
}

enum isac_err query_related(struct query_call *call)
{
	const Isac1__Related *ask = (const Isac1__Related *)call->ask;
	Isac1__RelatedResult rest = ISAC1__RELATED_RESULT__INIT;
	struct wire_value v;
	struct wire_why why = {.text = ""};
	uint8_t key[WIRE_VALUE_KEY], addr[16];
	char place[INET6_ADDRSTRLEN + 8];
	uint32_t told = 0;
	enum isac_err err = wire_value_canon(&v, ask->type, ask->value, strlen(ask->value), call->arena, &why);
	if (err) return query_refuse(call, err, *why.text ? why.text : "no such type");
	if (query_must_wait(call, ask->wait_seq)) return ISAC_ERR_AGAIN;
	wire_value_key(key, v.type, v.text, v.len);
	struct store_related q = {.self = call->self, .key = key, .limit = ask->limit ? ask->limit : LIMIT_DEFAULT};
	if (q.limit > LIMIT_MAX) q.limit = LIMIT_MAX;
	err = add_relation(call, STORE_RELATION_REPORT, &q, "", &rest.complete_seq, &told);
	if (!err && v.family) {
		take_network(&q, addr, &v, place, sizeof(place));
		err = add_relation(call, STORE_RELATION_NETWORK, &q, place, &rest.complete_seq, &told);
	}
	q.domain = v.host && !v.family ? wire_value_domain_registered(v.host) : NULL;
	if (!err && q.domain) err = add_relation(call, STORE_RELATION_DOMAIN, &q, q.domain, &rest.complete_seq, &told);
	if (!err) query_note_told(call, 0, told);
	if (!err) wire_pack(call->out, &rest.base);
	return err ? err : call->out->err;
}
