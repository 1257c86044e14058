/*
 * life: in which state a value is, and how much of its confidence is left, from what members said about it. Pure: no I/O, no clock.
 *
 * Only what the asker may see goes in, so the same value may be in another state for somebody else. README section 10, LIFE.
 */
#ifndef ISAC_LIFE_H
#define ISAC_LIFE_H

#include <stdbool.h>
#include <stdint.h>

struct life_rule {	/* of a type: table life_rule */
	int64_t age_us; /* > 0 */
	double speed;	/* > 0 */
};
enum { LIFE_CONFIDENCE = 50 }; /* of one that says none */

/*
 * What is left at now_us of a confidence of 0..100 that began at start_us and is over at end_us: confidence * (1 - x ^ (1 / speed)),
 * where x is the part of its life that is over; rounded. Before its start all of it, from its end on 0.
 */
uint32_t life_score(uint32_t confidence, int64_t start_us, int64_t end_us, double speed, int64_t now_us);

enum life_state { /* numbers of LifeResult.state; when several hold, the first one in life_state_of does */
		  LIFE_UNKNOWN = 0,
		  LIFE_ACTIVE = 1,
		  LIFE_HELD = 2,
		  LIFE_EXPIRED = 3,
		  LIFE_WITHDRAWN = 4,
		  LIFE_DISPUTED = 5,
};

struct life_mention {
	int64_t received_us, refreshed_us, valid_until_us; /* 0 = not said, none */
	uint32_t confidence_plus1;			   /* 0 = not said */
	bool held, ended;
};
/* When a mention's age begins, and when it is over: as it says, else by the rule. */
int64_t life_start_us(const struct life_mention *m);
int64_t life_end_us(const struct life_mention *m, const struct life_rule *rule);

/* A value: start with zeros, add what there is, then ask. */
struct life {
	uint32_t mentions, held, ended, over, standing; /* standing: not held, not ended; over: of these */
	uint32_t confidence_plus1, score;		/* the best of those that stand */
	int64_t end_us;					/* the latest of those that stand; 0 = none does */
	uint32_t positive, false_positive, expired;	/* members, by the newest that each of them said */
};
void life_add_mention(struct life *l, const struct life_mention *m, const struct life_rule *rule, int64_t now_us);
void life_add_vote(struct life *l, uint32_t verdict); /* isac1.proto's Verdict */
enum life_state life_state_of(const struct life *l);

#endif
