/*
 * A report in memory: shared, immutable once opened.
 *
 * Made once, by intake from a Submit or by store from a row; then passed by reference between store, feed, indexer and query.
 * What changes is set by the store's writer before anyone else sees the report: seq, audience_id; and what a report that is about
 * another one has from it, its audience and which items are held.
 */
#ifndef ISAC_REPORT_H
#define ISAC_REPORT_H

#include <stdatomic.h>
#include "geo/geo.h"
#include "wire/wire.h"

struct member_audience;

struct report_item {
	struct wire_bytes bytes;     /* exact Item bytes */
	uint32_t kind;		     /* its own: a successor holds withdrawals among its indicators; 0: unknown to us */
	const Isac1__Indicator *ind; /* opened; NULL for other kinds */
	const Isac1__Sighting *sighting;
	const Isac1__Withdrawal *withdrawal;
	struct wire_value value; /* canonical; type 0: this kind of item has none */
	uint8_t key[WIRE_VALUE_KEY];
	struct geo_place place; /* where its address lies, as far as the item does not say so itself */
};
/* What filters and the index go by: what the item says, else where its address lies. 0 and "" = neither. */
static inline uint32_t report_item_asn(const struct report_item *item)
{
	return item->ind && item->ind->asn ? item->ind->asn : item->place.asn;
}
static inline const char *report_item_country(const struct report_item *item)
{
	return item->ind && *item->ind->country ? item->ind->country : item->place.country;
}

struct report {
	atomic_uint refs;
	uint64_t seq; /* 0 = not yet committed */
	int64_t received_us;
	int32_t publisher_id;
	char publisher[WIRE_LIMIT_NAME_BYTES + 1];
	int32_t audience_id; /* row of table audience; 0 = not yet interned */
	const struct member_audience
		*audience; /* in this arena; set by intake (before store_submit) or by store's readers, before it is shared */
	struct wire_bytes header_bytes, payload_bytes;
	uint8_t signature[WIRE_SIGNATURE];
	uint8_t header_hash[WIRE_HASH];
	const Isac1__Header *header; /* opened */
	uint8_t secret[WIRE_SECRET]; /* the payload's */
	bool sealed;		     /* TLP_RED: n is 1, and that one item, which says nothing, has the SealedPayload's bytes */
	struct report_item *items;   /* header->item_count of them; NULL when erased or opened without items */
	uint32_t n;
	uint8_t *held; /* bitmap of n bits, all zero mostly */
	uint32_t held_count;
	char *held_why;		 /* of the first held item, for its publisher; in this arena; NULL: not said */
	uint64_t release_of;	 /* seq of the report whose bytes these are, with items held there and not here; 0 = a report of its own */
	uint64_t withdrawn_seq;	 /* the head when admins withdrew it; 0 = they did not, or it was in memory before they did */
	uint8_t *salts, *tree;	 /* n salts; all hashes as wire_merkle_tree lays them out; NULL if opened without check */
	struct wire_arena arena; /* owns all of it */
};

/*
 * A report from stored or verified bytes, which are copied in. Does not verify the signature (intake did); does open header, payload, items
 * and values. check: apply every rule of README section 5 steps 7 and 8 (intake); false: trust the store.
 */
enum isac_err report_open(struct report **out, struct wire_bytes header, struct wire_bytes payload, const uint8_t signature[WIRE_SIGNATURE],
			  bool check, struct wire_why *why);
static inline uint32_t report_item_kind(const struct report *r, const struct report_item *item)
{
	return item->kind ? item->kind : r->header->kind;
}
/* Its items that are about a value, in the order of their keys. */
struct report_keys {
	const struct report *report;
	uint32_t n;
	uint16_t order[WIRE_LIMIT_ITEMS];
};
void report_keys_sort(struct report_keys *keys, const struct report *report);
/* The number of the item with this key; report->n if there is none. */
uint32_t report_keys_find(const struct report_keys *keys, const uint8_t key[WIRE_VALUE_KEY]);
/* Is it about a report that was there before: a sighting, a withdrawal, a successor? Then its id: 16 bytes; else NULL. */
static inline const uint8_t *report_original(const struct report *r)
{
	const Isac1__Header *h = r->header;
	return h->about.len == WIRE_ID ? h->about.data : h->supersedes.len == WIRE_ID ? h->supersedes.data : NULL;
}
struct report *report_ref(struct report *report);
void report_unref(struct report **report);
static inline bool report_is_held(const struct report *r, uint32_t i)
{
	return r->held[i / 8] >> (i % 8) & 1;
}
size_t report_bytes(const struct report *report); /* memory it takes, for rings and caches */

/*
 * Appends an Entry message's bytes that shows the items whose bit is set in `shown` (n bits), with salts and multiproof; all of
 * several items with the payload's secret instead, which is fewer bytes and hides as little. A sealed report is shown as it is.
 */
enum isac_err report_disclose(struct wire_buf *entry, const struct report *report, const uint8_t *shown);
/* The same with another state than what a feed delivers: held ones say so all the same. */
enum report_state { REPORT_ACTIVE = 0, REPORT_HELD = 1, REPORT_ENDED = 2, REPORT_EXPIRED = 3 }; /* Entry.state */
enum isac_err report_disclose_as(struct wire_buf *entry, const struct report *report, const uint8_t *shown, enum report_state state);
/* About how many bytes that will be: closer than a fifth for all but small parts of large reports, whose proofs are not counted. */
size_t report_disclosed_size(const struct report *report, const uint8_t *shown);

#endif
