/* lookup: LOOKUP. Which of many values this member could find in history, in one answer. */
#include "query/priv.h"

/* Each is a field of its own, with its length before it. */
static uint32_t count_known(const struct wire_buf *out)
{
	uint32_t n = 0;
	for (size_t at = 0; at < out->len; n++) {
		size_t len = 0;
		unsigned shift = 0;
		do len |= (size_t)(out->data[++at] & 0x7f) << shift;
		while (out->data[at] & 0x80 && (shift += 7));
		at += 1 + len;
	}
	return n;
}

enum isac_err query_lookup(struct query_call *call)
{
	const Isac1__Lookup *ask = (const Isac1__Lookup *)call->ask;
	Isac1__LookupResult rest = ISAC1__LOOKUP_RESULT__INIT;
	if (!ask->n_keys) return query_refuse(call, ISAC_ERR_BAD_VALUE, "no keys");
	if (ask->n_keys > WIRE_LIMIT_LOOKUP_KEYS) return query_refuse(call, ISAC_ERR_TOO_LARGE, "too many keys in one request");
	for (size_t i = 0; i < ask->n_keys; i++)
		if (ask->keys[i].len != WIRE_VALUE_KEY) return query_refuse(call, ISAC_ERR_BAD_VALUE, "a key is not 16 bytes");
	if (query_must_wait(call, ask->wait_seq)) return ISAC_ERR_AGAIN;
	enum isac_err err = store_select_known(call->q->db, call->self, ask, base_clock_us(), call->out, &rest.complete_seq);
	if (err) return query_refuse(call, err, isac_err_text(err));
	query_note_told(call, 0, count_known(call->out));
	wire_pack(call->out, &rest.base); /* fields behind the rest: a message in pieces is the same message */
	return call->out->err;
}
