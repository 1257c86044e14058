/* statistics: counts over a span of history, by the hub's word. */
#include <string.h>
#include "priv.h"

enum { PATIENCE_MS = 60000 }; /* above what a hub takes by default, with a question or two before ours */

static const char *plain(const char *text)
{
	return wire_text_ok(text, strlen(text)) ? text : "?";
}

static struct isac_count count_of(const Isac1__Count *c)
{
	return (struct isac_count){plain(c->name), c->mentions, c->values, c->reports, c->publishers};
}

static bool lay_out(struct isac_statistics *out, const Isac1__StatisticsResult *from, struct wire_arena *arena)
{
	struct isac_count *counts = wire_arena_alloc(arena, (from->n_counts + 1) * sizeof *counts);
	struct isac_score *scores = wire_arena_alloc(arena, (from->n_scores + 1) * sizeof *scores);
	struct isac_overlap *overlaps = wire_arena_alloc(arena, (from->n_overlaps + 1) * sizeof *overlaps);
	if (!counts || !scores || !overlaps) return false;
	*out = (struct isac_statistics){.since_us = from->since_us,
					.until_us = from->until_us,
					.complete_seq = from->complete_seq,
					.counts = counts,
					.counts_n = from->n_counts,
					.scores = scores,
					.scores_n = from->n_scores,
					.overlaps = overlaps,
					.overlaps_n = from->n_overlaps};
	out->total.name = "";
	if (from->total) out->total = count_of(from->total);
	for (size_t i = 0; i < from->n_counts; i++) counts[i] = count_of(from->counts[i]);
	for (size_t i = 0; i < from->n_scores; i++) {
		const Isac1__Score *s = from->scores[i];
		scores[i] = (struct isac_score){plain(s->publisher),	s->mentions, s->values, s->first, s->unique, s->led,
						s->led ? s->lead_us : 0};
	}
	for (size_t i = 0; i < from->n_overlaps; i++) {
		const Isac1__Overlap *o = from->overlaps[i];
		overlaps[i] = (struct isac_overlap){plain(o->a), plain(o->b), o->values};
	}
	return true;
}

enum isac_result isac_statistics(const struct isac_statistics **out, struct isac *isac, const struct isac_statistics_conf *conf,
				 struct isac_error *err)
{
	Isac1__Statistics question = ISAC1__STATISTICS__INIT;
	ProtobufCMessage *answer;
	question.question = conf->question;
	question.since_us = conf->since_us;
	question.until_us = conf->until_us;
	if (conf->publisher) question.publisher = (char *)(uintptr_t)conf->publisher;
	question.wait_seq = conf->wait_seq;
	/* First something that is answered at once: who cannot reach the hub hears of it after the usual time. */
	const struct isac_status *status;
	enum isac_result r = isac_status(&status, isac, err);
	int wait_ms = isac->timeout_ms > PATIENCE_MS ? isac->timeout_ms : PATIENCE_MS;
	if (!r) r = client_request_run(&answer, isac, WIRE_STATISTICS, &question.base, WIRE_STATISTICS_RESULT, &isac->answer, wait_ms, err);
	if (r) return r;
	struct isac_statistics *s = wire_arena_alloc(&isac->answer, sizeof *s);
	if (!s || !lay_out(s, (const Isac1__StatisticsResult *)answer, &isac->answer)) return client_error_out_of_memory(err);
	*out = s;
	return ISAC_DONE;
}
