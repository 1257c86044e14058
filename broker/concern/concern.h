/*
 * concern: whose registered space does a report touch, and may its owner know? One filter `mine` for each member that has space, all
 * in one filter set, so that a report costs a look-up and not a walk over everybody's networks. It belongs to one thread.
 */
#ifndef ISAC_CONCERN_H
#define ISAC_CONCERN_H

#include "filter/filter.h"

struct concern;
/* roster: of struct member_roster; borrowed. */
enum isac_err concern_new(struct concern **out, struct base_shared *roster);
void concern_destroy(struct concern **c);
/* Looks for a newer roster; without one it costs next to nothing. To be called before matching; what was matched before stays as it was. */
enum isac_err concern_refresh(struct concern *c);
/*
 * Calls hit once for each member that may read feeds, may see this report (member_may_see), did not publish it, and whose space at least
 * one of its items touches that is not held; items: how many do. A report without ->audience concerns nobody, and so does a sealed one:
 * what it is about is not known here.
 */
void concern_match(struct concern *c, const struct report *report, void (*hit)(void *arg, int32_t member_id, uint32_t items), void *arg);

#endif
