/*
 * hold: which well-formed values are held back, beside those that the protocol itself names (proto/wire/held.def): values on the
 * operator's warninglists (MISP's format), and values that mean a member's registered space as a whole.
 *
 * Both are immutable once made, so every verifier may ask at the same time; who renews one swaps it (base_shared). Asking costs a hash
 * or a binary search and allocates nothing. Lists are read by hold_lists_load alone; everything else does no I/O.
 */
#ifndef ISAC_HOLD_H
#define ISAC_HOLD_H

#include "base/base.h"
#include "member/member.h"
#include "report/report.h"

/* ---- networks: which of them share an address with a value ------------------------------ */
struct hold_net {
	uint8_t first[16], last[16]; /* IPv4 as ::ffff:a.b.c.d */
	int32_t of;		     /* list or member */
};
struct hold_nets {
	struct hold_net *net;
	uint8_t (*last_max)[16]; /* highest `last` up to here: where a search backwards may stop */
	size_t n, cap;
};
enum isac_err hold_nets_add(struct hold_nets *nets, const uint8_t *addr, uint8_t family, uint8_t prefix, int32_t of);
enum isac_err hold_nets_freeze(struct hold_nets *nets); /* after the last add, before the first ask */
void hold_nets_clear(struct hold_nets *nets);
/* The nets that share an address with it, from *at on; NULL: no more. *at starts at 0. */
const struct hold_net *hold_nets_next(const struct hold_nets *nets, const uint8_t *addr, uint8_t family, uint8_t prefix, size_t *at);

/* ---- words: exact texts, and names with all below them ----------------------------------- */
struct hold_word {
	uint32_t text_at, text_len; /* in the pool */
	uint32_t types;		    /* bit per wire_value_type: for which values it counts */
	int32_t of;		    /* list or member */
	bool below;		    /* names below it, too */
};
struct hold_words {
	struct hold_word *word;
	uint32_t *slot; /* open addressing: 1 + word, 0 = free; at most half full */
	char *pool;
	size_t n, cap, slots, pool_len, pool_cap;
};
/* A text that is there already gets the further types. BAD_VALUE for more than 2^31 bytes of text. */
enum isac_err hold_words_add(struct hold_words *words, const char *text, size_t len, uint32_t types, bool below, int32_t of);
const struct hold_word *hold_words_find(const struct hold_words *words, const char *text, size_t len);
void hold_words_clear(struct hold_words *words);

/* ---- warninglists ---------------------------------------------------------------------- */
struct hold_lists;
enum isac_err hold_lists_new(struct hold_lists **out);
void hold_lists_free(void *lists); /* for base_shared_init */
/*
 * One list.json: {"name", "type": string | hostname | substring | cidr, "list": [...], "matching_attributes": [...]}. BAD_VALUE with a
 * reason if it is broken. A list of type regex, and one whose attributes name no type of value that there is here, is passed over.
 * Entries that can be no value (tld, special-use) are, too.
 */
enum isac_err hold_lists_add(struct hold_lists *lists, const char *json, size_t len, struct wire_why *why);
enum isac_err hold_lists_freeze(struct hold_lists *lists);
/* Every list.json below the folder, frozen. A broken one, or none at all, is an error that names it. */
enum isac_err hold_lists_load(struct hold_lists **out, const char *folder, struct wire_why *why);
/* The list that a value is on; NULL if it is on none. Lives as long as lists. */
const char *hold_lists_find(const struct hold_lists *lists, const struct wire_value *value);
struct hold_counts {
	size_t lists, entries, skipped_lists, skipped_entries;
	const char *skipped; /* names of the lists that were passed over, with ", " between; "" */
};
/* One line of the log: what was loaded and what was passed over. */
void hold_lists_log(const struct hold_lists *lists);
void hold_lists_count(const struct hold_lists *lists, struct hold_counts *out);

/* ---- members' space ---------------------------------------------------------------------- */
/*
 * A value means a member's space as a whole if it is a registered AS number, a network that shares addresses with a registered one, or
 * a registered domain or one that it lies below. Single addresses, names below, URLs are not: that a host in a member's network does
 * harm is what members tell each other (and the owner, by `mine`); that all of a network does is what hurts everyone.
 */
struct hold_space;
enum isac_err hold_space_new(struct hold_space **out, const struct member_roster *roster);
void hold_space_free(void *space); /* for base_shared_init */
/* Some member whose space it means; 0 if there is none, or publisher_id is one of those. */
int32_t hold_space_find(const struct hold_space *space, const struct wire_value *value, int32_t publisher_id);

/* ---- a report ------------------------------------------------------------------------------ */
struct hold {
	struct base_shared lists, space; /* struct hold_lists, struct hold_space; either may be without a value: off */
};
enum isac_err hold_init(struct hold *hold);
void hold_clear(struct hold *hold);
/* Marks what is to be held and says of the first such item why, in report->held_why. Of reports that were just opened, and not shared yet.
 */
enum isac_err hold_report(struct hold *hold, struct report *report);

#endif
