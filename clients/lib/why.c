/* why: the hub's explanation, laid out. Numbers of tests are checked here, so that a caller may use them as they are. */
#include <string.h>
#include "priv.h"

static const char *const state_names[] = {"unknown", "sent", "maybe-sent", "filter", "held", "before", "passed", "waiting"};

const char *isac_why_state_name(enum isac_why_state state)
{
	return (unsigned)state < sizeof state_names / sizeof *state_names ? state_names[state] : state_names[0];
}

/* Texts of the hub in place: no control bytes. An empty one is protobuf-c's own, which nobody may write to. */
static const char *clean(char *text)
{
	if (*text) client_error_clean(text, strlen(text) + 1, text);
	return text;
}

static size_t known(uint32_t *numbers, size_t n, size_t tests)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (numbers[i] < tests) numbers[kept++] = numbers[i];
	return kept;
}

static bool lay_out_filter(struct isac_why_subscription *to, const Isac1__WhySubscription *from, struct wire_arena *arena)
{
	struct isac_why_test *tests = wire_arena_alloc(arena, (from->n_tests + 1) * sizeof *tests);
	struct isac_why_trace *traces = wire_arena_alloc(arena, (from->n_traces + 1) * sizeof *traces);
	if (!tests || !traces) return false;
	for (size_t i = 0; i < from->n_tests; i++) tests[i] = (struct isac_why_test){clean(from->tests[i]->text), from->tests[i]->negated};
	for (size_t i = 0; i < from->n_traces; i++) {
		Isac1__WhyItem *t = from->traces[i];
		traces[i] = (struct isac_why_trace){.index = t->index,
						    .matches = t->matches,
						    .holds = t->holds,
						    .blamed = t->blamed,
						    .holds_n = known(t->holds, t->n_holds, from->n_tests),
						    .blamed_n = known(t->blamed, t->n_blamed, from->n_tests)};
	}
	to->tests = tests;
	to->tests_n = from->n_tests;
	to->traces = traces;
	to->traces_n = from->n_traces;
	return true;
}

static bool lay_out(struct isac_why *out, const Isac1__WhyResult *from, struct wire_arena *arena)
{
	struct isac_why_subscription *subs = wire_arena_alloc(arena, (from->n_subscriptions + 1) * sizeof *subs);
	if (!subs) return false;
	*out = (struct isac_why){.seq = from->seq,
				 .publisher = clean(from->publisher),
				 .received_us = from->received_us,
				 .items = from->items,
				 .held = from->held,
				 .removed = from->removed,
				 .subscriptions = subs,
				 .subscriptions_n = from->n_subscriptions};
	for (size_t i = 0; i < from->n_subscriptions; i++) {
		const Isac1__WhySubscription *s = from->subscriptions[i];
		subs[i] = (struct isac_why_subscription){.name = clean(s->name),
							 .state = s->state <= ISAC_WHY_WAITING ? (enum isac_why_state)s->state
											       : ISAC_WHY_UNKNOWN,
							 .filter = clean(s->filter),
							 .acked_seq = s->acked_seq,
							 .from_us = s->from_us,
							 .until_us = s->until_us,
							 .acked = s->acked,
							 .sent = s->sent};
		if (!lay_out_filter(&subs[i], s, arena)) return false;
	}
	return true;
}

enum isac_result isac_why(const struct isac_why **out, struct isac *isac, const uint8_t report_id[ISAC_ID_BYTES],
			  const struct isac_why_conf *conf, struct isac_error *err)
{
	Isac1__Why question = ISAC1__WHY__INIT;
	uint8_t id[ISAC_ID_BYTES];
	ProtobufCMessage *answer;
	memcpy(id, report_id, sizeof id);
	question.report_id = (ProtobufCBinaryData){sizeof id, id};
	if (conf->publisher) question.publisher = (char *)(uintptr_t)conf->publisher;
	if (conf->name) question.name = (char *)(uintptr_t)conf->name;
	question.item_plus1 = conf->item < 0 ? 0 : conf->item < UINT32_MAX ? (uint32_t)conf->item + 1 : UINT32_MAX;
	enum isac_result r = client_request_run(&answer, isac, WIRE_WHY, &question.base, WIRE_WHY_RESULT, &isac->answer, 0, err);
	if (r) return r;
	struct isac_why *why = wire_arena_alloc(&isac->answer, sizeof *why);
	if (!why || !lay_out(why, (const Isac1__WhyResult *)answer, &isac->answer)) return client_error_out_of_memory(err);
	*out = why;
	return ISAC_DONE;
}
