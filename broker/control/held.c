/*
 * held: the commands on values that are held back. What is shown of why is judged by the lists and the space of now; what is held was
 * judged when it came.
 */
#include "control/priv.h"

#include <string.h>

enum { LIST_ROWS = 2000, KEY_HEX = 2 * WIRE_VALUE_KEY };

/* ---- list ----------------------------------------------------------------------------- */

struct listing {
	struct control_call *call;
	struct hold_lists *lists;
	struct hold_space *space;
	struct wire_arena arena;
};

static void say_why(char *out, size_t size, struct listing *l, const struct store_held *h)
{
	struct wire_value value;
	const char *list = NULL;
	const struct member *owner = NULL;
	snprintf(out, size, "%s", *h->value ? "no list names it now" : "");
	if (!*h->value || wire_value_canon(&value, h->type, h->value, strlen(h->value), &l->arena, NULL)) return;
	if (l->lists) list = hold_lists_find(l->lists, &value);
	if (l->space) owner = member_roster_by_id(l->call->roster, hold_space_find(l->space, &value, h->publisher_id));
	if (value.held) snprintf(out, size, "named by the protocol");
	else if (list) snprintf(out, size, "list \"%.200s\"", list);
	else if (owner) snprintf(out, size, "space of %s", owner->name);
}

static void add_row(void *arg, const struct store_held *h)
{
	struct listing *l = arg;
	char key[KEY_HEX + 1], seq[24], reports[16], organisations[16], why[256];
	const char *cells[][2] = {{"key", key},
				  {"type", wire_value_name(h->type) ? wire_value_name(h->type) : ""},
				  {"value", h->value},
				  {"publisher", h->publisher},
				  {"tlp", h->tlp},
				  {"seq", seq},
				  {"since", h->since},
				  {"reports", reports},
				  {"organisations", organisations},
				  {"verdict", h->verdict},
				  {"why", why}};
	wire_hex(key, h->key, WIRE_VALUE_KEY);
	snprintf(seq, sizeof(seq), "%llu", (unsigned long long)h->seq);
	snprintf(reports, sizeof(reports), "%u", h->reports);
	snprintf(organisations, sizeof(organisations), "%u", h->organisations);
	say_why(why, sizeof(why), l, h);
	wire_arena_reset(&l->arena);
	control_add_row(l->call->rows, cells, sizeof(cells) / sizeof(*cells));
}

enum isac_err control_held_list(struct control_call *call)
{
	struct store_held_ask ask = {.rows = LIST_ROWS, .self_id = call->self->id};
	struct listing l = {.call = call};
	const char *type = control_arg_text(call->cmd, "type");
	enum isac_err err = control_arg(call->cmd, "publisher") ? control_arg_name(&ask.publisher, call, "publisher") : ISAC_OK;
	if (err) return err;
	if (type && !(ask.type = wire_value_type(type, strlen(type))))
		return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "no such type of value");
	wire_arena_init(&l.arena, WIRE_LIMIT_DECODE_BYTES);
	l.lists = base_shared_take(&call->hold->lists);
	l.space = base_shared_take(&call->hold->space);
	err = store_select_held(call->db, &ask, add_row, &l);
	base_shared_give(&call->hold->lists, l.lists);
	base_shared_give(&call->hold->space, l.space);
	wire_arena_clear(&l.arena);
	return err ? err : call->rows->err;
}

/* ---- verdicts ---------------------------------------------------------------------------- */

/* What a text may mean: a key, and a value of every type by whose rules it is one. */
static size_t find_keys(uint8_t key[][WIRE_VALUE_KEY], const char *text)
{
	const size_t len = strlen(text);
	struct wire_arena arena;
	struct wire_value value;
	size_t n = len == KEY_HEX && !wire_unhex(key[0], WIRE_VALUE_KEY, text, len) ? 1 : 0;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	for (uint32_t type = 1; type < WIRE_VALUE_END; type++) {
		if (!wire_value_canon(&value, type, text, len, &arena, NULL)) wire_value_key(key[n++], value.type, value.text, value.len);
		wire_arena_reset(&arena);
	}
	wire_arena_clear(&arena);
	return n;
}

static enum isac_err judge(struct control_call *call, bool release)
{
	uint8_t key[1 + WIRE_VALUE_END][WIRE_VALUE_KEY];
	struct store_verdict verdict = {.key = (const uint8_t(*)[WIRE_VALUE_KEY])key,
					.release = release,
					.by = call->self->id,
					.quorum = base_conf_int(call->params, "quorum")};
	verdict.n = find_keys(key, control_arg_text(call->cmd, "what"));
	if (!verdict.n) return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "neither a key of held list nor a value");
	enum isac_err err = store_update_held(call->db, &verdict, call->why);
	call->due = !err && release;
	return err;
}

enum isac_err control_held_release(struct control_call *call)
{
	return judge(call, true);
}

enum isac_err control_held_drop(struct control_call *call)
{
	return judge(call, false);
}
