/* What becomes of a value: the rules of README section 10, LIFE, and nothing else. */
#include "life/life.h"

#include <math.h>

enum { POSITIVE = 1, FALSE_POSITIVE = 2, EXPIRED = 3 };

uint32_t life_score(uint32_t confidence, int64_t start_us, int64_t end_us, double speed, int64_t now_us)
{
	double part;

	if (now_us >= end_us) return 0;
	if (now_us <= start_us) return confidence;
	part = (double)(now_us - start_us) / (double)(end_us - start_us);
	return (uint32_t)lround(confidence * (1 - pow(part, 1 / speed)));
}

int64_t life_start_us(const struct life_mention *m)
{
	int64_t start = m->received_us;

	if (m->refreshed_us > start) start = m->refreshed_us;
	return start;
}

int64_t life_end_us(const struct life_mention *m, const struct life_rule *rule)
{
	return m->valid_until_us ? m->valid_until_us : life_start_us(m) + rule->age_us;
}

void life_add_mention(struct life *l, const struct life_mention *m, const struct life_rule *rule, int64_t now_us)
{
	uint32_t confidence = m->confidence_plus1 ? m->confidence_plus1 - 1 : LIFE_CONFIDENCE, score;
	int64_t end = life_end_us(m, rule);

	l->mentions++;
	l->held += m->held;
	l->ended += m->ended && !m->held;
	if (m->held || m->ended) return;
	l->standing++;
	l->over += now_us >= end;
	if (end > l->end_us) l->end_us = end;
	if (m->confidence_plus1 > l->confidence_plus1) l->confidence_plus1 = m->confidence_plus1;
	score = life_score(confidence, life_start_us(m), end, rule->speed, now_us);
	if (score > l->score) l->score = score;
}

void life_add_vote(struct life *l, uint32_t verdict)
{
	l->positive += verdict == POSITIVE;
	l->false_positive += verdict == FALSE_POSITIVE;
	l->expired += verdict == EXPIRED;
}

enum life_state life_state_of(const struct life *l)
{
	if (!l->mentions) return LIFE_UNKNOWN;
	if (!l->standing) return l->ended ? LIFE_WITHDRAWN : LIFE_HELD;
	if (l->over == l->standing || l->expired > l->positive) return LIFE_EXPIRED;
	return l->false_positive && l->false_positive >= l->positive ? LIFE_DISPUTED : LIFE_ACTIVE;
}
