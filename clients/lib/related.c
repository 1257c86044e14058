/* related: what stands near a value, by the hub's word. */
#include <string.h>
#include "priv.h"

static const char *const relations[] = {NULL, "report", "network", "domain"};

/* What ends on a terminal must not steer it: what is not plain is shown as if it were not there. */
static bool is_plain(const Isac1__RelatedValue *v)
{
	return wire_value_name(v->type) && wire_text_ok(v->value, strlen(v->value));
}

static bool lay_out(struct isac_relation *out, const Isac1__Relation *from, struct wire_arena *arena)
{
	struct isac_related_value *values = wire_arena_alloc(arena, (from->n_values + 1) * sizeof *values);
	if (!values) return false;
	*out = (struct isac_relation){.name = relations[from->relation], .place = from->place, .count = from->count, .values = values};
	if (!wire_text_ok(from->place, strlen(from->place))) out->place = "";
	for (size_t i = 0; i < from->n_values; i++) {
		const Isac1__RelatedValue *v = from->values[i];
		if (!is_plain(v)) continue;
		values[out->n++] = (struct isac_related_value){.type = wire_value_name(v->type),
							       .value = v->value,
							       .mentions = v->mentions,
							       .newest_seq = v->newest_seq,
							       .newest_us = v->newest_us};
	}
	return true;
}

enum isac_result isac_related(const struct isac_relation **out, size_t *n, struct isac *isac, const char *type, const char *value,
			      uint32_t limit, uint64_t wait_seq, struct isac_error *err)
{
	Isac1__Related m = ISAC1__RELATED__INIT;
	struct client_value_question question = {WIRE_RELATED, WIRE_RELATED_RESULT, &m.base, &m.type, &m.value};
	struct wire_arena arena;
	struct wire_value v;
	ProtobufCMessage *answer;
	*n = 0;
	m.limit = limit;
	m.wait_seq = wait_seq;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	enum isac_result r = client_value_ask(&answer, &v, isac, &question, type, value, &arena, err);
	wire_arena_clear(&arena);
	if (r) return r;
	const Isac1__RelatedResult *result = (const Isac1__RelatedResult *)answer;
	struct isac_relation *rows = wire_arena_alloc(&isac->answer, (result->n_relations + 1) * sizeof *rows);
	for (size_t i = 0; rows && i < result->n_relations; i++) {
		uint32_t relation = result->relations[i]->relation;
		if (relation < 1 || relation >= sizeof relations / sizeof relations[0]) continue; /* one of tomorrow */
		if (!lay_out(&rows[(*n)++], result->relations[i], &isac->answer)) rows = NULL;
	}
	*out = rows;
	return rows ? ISAC_DONE : client_error_out_of_memory(err);
}
