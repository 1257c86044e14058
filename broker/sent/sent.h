/*
 * sent: who was sent which items of a report, by the table of ranges: each range is matched again with its own filter and entitlement.
 *
 * What a report says about another one goes to whom the other one was sent: sightings, withdrawals, successors. A subscription is a
 * member and a name; all of a member's sessions without a name are one. Feeds ask before they deliver, WHO and WHY when they are asked.
 */
#ifndef ISAC_SENT_H
#define ISAC_SENT_H

#include "store/store.h"

/* Names a report: ids are unique with their publisher only. */
struct sent_name {
	int32_t publisher_id;
	uint8_t report_id[WIRE_ID];
};
/* What this report is about; false: it is about none, or about none that there is. roster may be NULL. */
bool sent_original(struct sent_name *out, const struct report *report, const struct member_roster *roster);

struct sent; /* of one report; immutable */
/* Deliveries count as far as the table knows of them. A report that is gone was sent to nobody. */
enum isac_err sent_find(struct sent **out, struct store_db *db, const struct member_roster *roster, const struct sent_name *name);
void sent_destroy(struct sent **sent);
/* The last place below `seq` where it stands in the feeds: its own, or where held items of it were released; 0 = there is none. */
uint64_t sent_before(const struct sent *sent, uint64_t seq);
/*
 * Sets the bits of those items of `report`, which is about it, that speak about an item that this subscription was sent; the original's
 * publisher has all of it. Held ones aside. Returns how many. Entitlement is not asked here.
 */
uint32_t sent_follow(const struct sent *sent, const struct report *report, int32_t member_id, const char *name, uint8_t *shown);

#endif
