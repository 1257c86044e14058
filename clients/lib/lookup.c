/* lookup: which of many values the hub knows. Values become keys here; a page of keys is one request. */
#include <stdlib.h>
#include <string.h>
#include "priv.h"

_Static_assert((int)ISAC_LOOKUP_VALUES == (int)WIRE_LIMIT_LOOKUP_KEYS, "isac.h says what limits.def says");

struct isac_lookup {
	struct isac *isac;
	struct wire_arena values, answer;
	struct isac_known known[ISAC_LOOKUP_VALUES];
	uint8_t key[ISAC_LOOKUP_VALUES][WIRE_VALUE_KEY];
	size_t n;
	bool asked; /* the next add begins again */
};

enum isac_result isac_lookup_open(struct isac_lookup **out, struct isac *isac, struct isac_error *err)
{
	struct isac_lookup *l = calloc(1, sizeof *l);
	*out = l;
	if (!l) return client_error_out_of_memory(err);
	l->isac = isac;
	wire_arena_init(&l->values, (size_t)ISAC_LOOKUP_VALUES * WIRE_LIMIT_URL_BYTES * 4);
	wire_arena_init(&l->answer, WIRE_LIMIT_DECODE_BYTES);
	return ISAC_DONE;
}

void isac_lookup_close(struct isac_lookup **lookup)
{
	struct isac_lookup *l = *lookup;
	if (!l) return;
	wire_arena_clear(&l->values);
	wire_arena_clear(&l->answer);
	free(l);
	*lookup = NULL;
}

size_t isac_lookup_count(const struct isac_lookup *l)
{
	return l->asked ? 0 : l->n;
}

enum isac_result isac_lookup_add(struct isac_lookup *l, const char *type, const char *value, struct isac_error *err)
{
	struct wire_value v;
	if (l->asked) {
		l->n = 0;
		l->asked = false;
		wire_arena_reset(&l->values);
	}
	if (l->n == ISAC_LOOKUP_VALUES) return client_error_set(err, ISAC_MISUSED, "%d values at once are the most", ISAC_LOOKUP_VALUES);
	enum isac_result r = client_value_read(&v, type, value, &l->values, err);
	if (r) return r;
	wire_value_key(l->key[l->n], v.type, v.text, v.len);
	l->known[l->n++] = (struct isac_known){.type = wire_value_name(v.type), .value = v.text, .confidence = -1, .state = ""};
	return ISAC_DONE;
}

static void take(struct isac_lookup *l, const Isac1__Known *k)
{
	if (k->key >= l->n) return;
	struct isac_known *known = &l->known[k->key];
	known->known = true;
	known->mentions = k->mentions;
	known->publishers = k->publishers;
	known->confidence = k->confidence_plus1 <= 101 ? (int)k->confidence_plus1 - 1 : -1;
	known->state = k->state == 1 ? "active" : k->state == 3 ? "expired" : k->state == 4 ? "withdrawn" : "";
	known->newest_seq = k->newest_seq;
	known->newest_us = k->newest_us;
}

enum isac_result isac_lookup_ask(struct isac_lookup *l, uint64_t wait_seq, const struct isac_known **known, size_t *n,
				 struct isac_error *err)
{
	Isac1__Lookup question = ISAC1__LOOKUP__INIT;
	ProtobufCBinaryData keys[ISAC_LOOKUP_VALUES];
	ProtobufCMessage *answer;
	*n = 0;
	*known = l->known;
	if (!isac_lookup_count(l)) return ISAC_DONE;
	for (size_t i = 0; i < l->n; i++) keys[i] = (ProtobufCBinaryData){WIRE_VALUE_KEY, l->key[i]};
	question.n_keys = l->n;
	question.keys = keys;
	question.wait_seq = wait_seq;
	enum isac_result r = client_request_run(&answer, l->isac, WIRE_LOOKUP, &question.base, WIRE_LOOKUP_RESULT, &l->answer, 0, err);
	if (r) return r;
	const Isac1__LookupResult *result = (const Isac1__LookupResult *)answer;
	for (size_t i = 0; i < result->n_known; i++) take(l, result->known[i]);
	*n = l->n;
	l->asked = true;
	return ISAC_DONE;
}
