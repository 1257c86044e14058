/* life: LIFE. In which state is this value, by what this member may see, and how much of its confidence is left? */
#include "query/priv.h"

#include <string.h>

enum isac_err query_life(struct query_call *call)
{
	const Isac1__Life *ask = (const Isac1__Life *)call->ask;
	Isac1__LifeResult result = ISAC1__LIFE_RESULT__INIT;
	struct store_life_ask what = {.self = call->self, .now_us = base_clock_us()};
	struct wire_why why = {.text = ""};
	struct wire_value value;
	struct life_rule rule;
	struct life life;
	enum isac_err err = wire_value_canon(&value, ask->type, ask->value, strlen(ask->value), call->arena, &why);
	if (err) return query_refuse(call, err, why.text);
	if (query_must_wait(call, ask->wait_seq)) return ISAC_ERR_AGAIN;
	wire_value_key(what.key, value.type, value.text, value.len);
	err = store_select_complete(call->q->db, &what.until_seq);
	if (!err) err = store_select_life_rule(call->q->db, value.type, &rule);
	if (!err) err = store_select_life(call->q->db, &what, &rule, &life, &result.publishers);
	if (err) return query_refuse(call, err, isac_err_text(err));
	result.state = life_state_of(&life);
	result.mentions = life.mentions;
	result.withdrawn = life.ended;
	result.confidence_plus1 = life.confidence_plus1;
	result.score = life.score;
	result.end_us = life.end_us;
	result.positive = life.positive;
	result.false_positive = life.false_positive;
	result.expired = life.expired;
	result.complete_seq = what.until_seq;
	query_note_told(call, 0, life.mentions);
	wire_pack(call->out, &result.base);
	return call->out->err;
}
