/* life: in which state a value is, by the hub's word. */
#include <string.h>
#include "priv.h"

const char *isac_life_state_name(enum isac_life_state state)
{
	static const char *const names[] = {"unknown", "active", "held", "expired", "withdrawn", "disputed"};
	return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

enum isac_result isac_life(struct isac_life *out, struct isac *isac, const char *type, const char *value, uint64_t wait_seq,
			   struct isac_error *err)
{
	Isac1__Life m = ISAC1__LIFE__INIT;
	struct client_value_question question = {WIRE_LIFE, WIRE_LIFE_RESULT, &m.base, &m.type, &m.value};
	struct wire_arena arena;
	struct wire_value v;
	ProtobufCMessage *answer;
	m.wait_seq = wait_seq;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	enum isac_result r = client_value_ask(&answer, &v, isac, &question, type, value, &arena, err);
	if (!r) {
		const Isac1__LifeResult *a = (const Isac1__LifeResult *)answer;
		char *text = wire_arena_alloc(&isac->answer, v.len + 1);
		if (text) memcpy(text, v.text, v.len + 1);
		*out = (struct isac_life){.type = wire_value_name(v.type),
					  .value = text ? text : "",
					  .state = (enum isac_life_state)a->state,
					  .mentions = a->mentions,
					  .publishers = a->publishers,
					  .withdrawn = a->withdrawn,
					  .confidence = a->confidence_plus1 <= 101 ? (int)a->confidence_plus1 - 1 : -1,
					  .score = a->score,
					  .end_us = a->end_us,
					  .positive = a->positive,
					  .false_positive = a->false_positive,
					  .expired = a->expired};
	}
	wire_arena_clear(&arena);
	return r;
}
