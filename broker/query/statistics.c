/*
 * statistics: STATISTICS. Counts, score cards and overlaps over a span of history, by an actor and a connection of their own, so that a
 * question of seconds holds up none of milliseconds.
 */
#include "query/priv.h"

#include <stdlib.h>
#include <string.h>

/* What is sealed has no type. */
static const char *type_name(uint32_t type)
{
	const char *name = wire_value_name(type);
	return name ? name : "sealed";
}

static const int64_t DAY_US = INT64_C(86400000000);
enum { DAYS_DEFAULT = 30 };

static const char *name_of(struct query_call *call, int32_t id)
{
	const struct member *m = member_roster_by_id(call->roster, id);
	return m ? m->name : "";
}

static void add_count(void *arg, const struct store_count *row)
{
	struct query_call *call = arg;
	const Isac1__Statistics *ask = (const Isac1__Statistics *)call->ask;
	Isac1__StatisticsResult result = ISAC1__STATISTICS_RESULT__INIT;
	Isac1__Count count = ISAC1__COUNT__INIT, *one[1] = {&count};
	const char *name = row->name;
	if (name && ask->question == STORE_STATS_TYPE) name = type_name((uint32_t)strtoul(name, NULL, 10));
	if (name && ask->question == STORE_STATS_PUBLISHER) name = name_of(call, (int32_t)strtol(name, NULL, 10));
	count.name = (char *)(uintptr_t)(name ? name : "");
	count.mentions = row->mentions;
	count.values = row->values;
	count.reports = row->reports;
	count.publishers = row->publishers;
	if (!row->name) result.total = &count;
	else {
		result.n_counts = 1;
		result.counts = one;
	}
	wire_pack(call->out, &result.base);
	call->shown.items++;
}

static void add_score(void *arg, const struct store_score *row)
{
	struct query_call *call = arg;
	Isac1__StatisticsResult result = ISAC1__STATISTICS_RESULT__INIT;
	Isac1__Score score = ISAC1__SCORE__INIT, *one[1] = {&score};
	score.publisher = (char *)(uintptr_t)name_of(call, row->publisher_id);
	score.mentions = row->mentions;
	score.values = row->values;
	score.first = row->first;
	score.unique = row->unique;
	score.lead_us = row->lead_us;
	score.led = row->led;
	result.n_scores = 1;
	result.scores = one;
	wire_pack(call->out, &result.base);
	call->shown.items++;
}

static void add_overlap(void *arg, const struct store_overlap *row)
{
	struct query_call *call = arg;
	Isac1__StatisticsResult result = ISAC1__STATISTICS_RESULT__INIT;
	Isac1__Overlap overlap = ISAC1__OVERLAP__INIT, *one[1] = {&overlap};
	const char *a = name_of(call, row->a), *b = name_of(call, row->b);
	bool turned = strcmp(a, b) > 0; /* ids and names may be ordered otherwise */
	overlap.a = (char *)(uintptr_t)(turned ? b : a);
	overlap.b = (char *)(uintptr_t)(turned ? a : b);
	overlap.values = row->values;
	result.n_overlaps = 1;
	result.overlaps = one;
	wire_pack(call->out, &result.base);
	call->shown.items++;
}

enum isac_err query_statistics(struct query_call *call)
{
	const Isac1__Statistics *ask = (const Isac1__Statistics *)call->ask;
	Isac1__StatisticsResult rest = ISAC1__STATISTICS_RESULT__INIT;
	if (!ask->question || ask->question >= STORE_STATS_END) return query_refuse(call, ISAC_ERR_BAD_VALUE, "no such question");
	if (ask->since_us < 0 || ask->until_us < 0) return query_refuse(call, ISAC_ERR_BAD_VALUE, "a time before 1970");
	rest.until_us = ask->until_us ? ask->until_us : base_clock_us();
	rest.since_us = ask->since_us ? ask->since_us : rest.until_us - DAYS_DEFAULT * DAY_US;
	if (rest.since_us < 0) rest.since_us = 0;
	if (rest.since_us >= rest.until_us) return query_refuse(call, ISAC_ERR_BAD_VALUE, "the span ends before it begins");
	if (rest.until_us - rest.since_us > WIRE_LIMIT_STATISTICS_DAYS * DAY_US)
		return query_refuse(call, ISAC_ERR_TOO_LARGE, "the span is longer than a year: ask for a shorter one");
	if (query_must_wait(call, ask->wait_seq)) return ISAC_ERR_AGAIN;
	const struct member *publisher = *ask->publisher ? member_roster_find(call->roster, ask->publisher) : NULL;
	struct store_statistics q = {.self = call->self,
				     .question = (enum store_question)ask->question,
				     .since_us = rest.since_us,
				     .until_us = rest.until_us,
				     .publisher_id = publisher	       ? publisher->id
						     : *ask->publisher ? -1
								       : 0,
				     .count = add_count,
				     .score = add_score,
				     .overlap = add_overlap,
				     .arg = call};
	enum isac_err err = store_select_statistics(call->q->db, &q, &rest.complete_seq);
	if (err == ISAC_ERR_DB_RETRY) return query_refuse(call, ISAC_ERR_TOO_LARGE, "it takes too long to count: ask for a shorter span");
	if (err) return query_refuse(call, err, isac_err_text(err));
	query_note_told(call, 0, 0);
	wire_pack(call->out, &rest.base);
	return call->out->err;
}
