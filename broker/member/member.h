/*
 * member: who is on this hub, with which keys, roles, groups; and who may see what.
 *
 * The roster is one immutable snapshot with a generation, read by every thread through base_shared; control swaps it.
 */
#ifndef ISAC_MEMBER_H
#define ISAC_MEMBER_H

#include "base/base.h"

enum member_role { /* bits; table member.roles */
		   MEMBER_PUBLISHER = 1,
		   MEMBER_SUBSCRIBER = 2,
		   MEMBER_ANALYST = 4,
		   MEMBER_TRACER = 8,
		   MEMBER_ADMIN = 16,
		   MEMBER_AUDITOR = 32,
		   MEMBER_INVITED = 64, /* may do nothing but join; stands alone */
		   MEMBER_GATEWAY = 128 /* may present tokens of others */
};
uint32_t member_roles_parse(const char *list); /* "publisher,subscriber"; 0 = a name is unknown */
void member_roles_print(char *out, size_t size, uint32_t roles);

struct member_key {
	uint8_t key_id[WIRE_KEY_ID], public_key[WIRE_SIGN_PUBLIC];
	int64_t valid_from_us, valid_until_us; /* 0 = open */
	uint64_t revoked_from_seq;	       /* 0 = not revoked */
	int32_t member_id;
};
struct member_net {
	uint8_t addr[16];
	uint8_t family, prefix;
};
struct member_rate {
	int64_t per_s, burst, bytes_per_min; /* 0 = as the hub's settings say */
};
struct member {
	int32_t id;
	char name[WIRE_LIMIT_NAME_BYTES + 1], type[16]; /* isp vendor soc csirt academic */
	uint32_t roles;
	bool suspended, client; /* client: of a member organisation, with its groups; it sees no AMBER_STRICT and no RED */
	bool lent; /* asked by a client of the member, by a token of scope client: nothing is its own, as if it had published nothing */
	uint8_t curve[WIRE_CURVE];
	const struct member_net *nets;
	uint32_t nets_n; /* registered space, for `mine` */
	const uint32_t *asns;
	uint32_t asns_n;
	const char *const *domains;
	uint32_t domains_n;
	const int32_t *groups;
	uint32_t groups_n; /* ids, ascending */
	struct member_rate rate;
};
/* ---- registered space: what `mine` means ------------------------------------------- */
enum member_space_kind { MEMBER_SPACE_NET, MEMBER_SPACE_ASN, MEMBER_SPACE_DOMAIN, MEMBER_SPACE_KINDS };
struct member_space {
	enum member_space_kind kind;
	char text[256];	       /* canonical: address/length, decimal without AS, A-labels */
	struct member_net net; /* of MEMBER_SPACE_NET */
};
extern const char *const member_space_names[MEMBER_SPACE_KINDS]; /* "net", "asn", "domain": arguments of commands, and table member_space */
/*
 * Reads one. A lone address is its own network. strict: by the rules of README section 8 for a cidr, asn or domain, and no network wider
 * than SPACE_NET4_BITS and SPACE_NET6_BITS; else only its form must be right (an admin may register space that no indicator may name).
 */
enum isac_err member_space_parse(struct member_space *out, enum member_space_kind kind, const char *text, bool strict,
				 struct wire_why *why);

/* ---- tokens: who holds one reads as its member --------------------------------------- */
enum member_scope { MEMBER_SCOPE_NONE, MEMBER_SCOPE_READ, MEMBER_SCOPE_CLIENT, MEMBER_SCOPES };
struct member_token {
	int32_t id, member_id;
	enum member_scope scope;
	uint8_t hash[WIRE_HASH];
	int64_t expires_us;
	char collection[WIRE_LIMIT_NAME_BYTES + 1]; /* "": any */
};
extern const char *const member_scope_names[MEMBER_SCOPES]; /* "", "read", "client" */
enum member_scope member_scope_parse(const char *name);	    /* NONE: there is none */

struct member_roster; /* immutable */
/* Building (control, from the database; tests, from literals): add everything, then it is frozen by use. Copies its arguments. */
enum isac_err member_roster_new(struct member_roster **out, uint64_t generation, const char *hub_id);
enum isac_err member_roster_add(struct member_roster *r, const struct member *m);
struct member *member_roster_copy(const struct member *m); /* with all it points to, in one block: free() */
enum isac_err member_roster_add_key(struct member_roster *r, const struct member_key *k);
enum isac_err member_roster_add_group(struct member_roster *r, int32_t id, const char *name);
enum isac_err member_roster_add_token(struct member_roster *r, const struct member_token *t); /* only what is not revoked */
void member_roster_free(void *roster);							      /* for base_shared_init */
uint64_t member_roster_generation(const struct member_roster *r);
const char *member_roster_hub_id(const struct member_roster *r);
const struct member *member_roster_find(const struct member_roster *r, const char *name); /* NULL; suspended ones are found */
const struct member *member_roster_by_id(const struct member_roster *r, int32_t id);
const struct member_key *member_roster_key(const struct member_roster *r, const uint8_t key_id[WIRE_KEY_ID]);
const struct member_token *member_roster_token(const struct member_roster *r, const uint8_t hash[WIRE_HASH]);
const struct member_token *member_roster_token_by_id(const struct member_roster *r, int32_t id);
/*
 * The member as the holder of this token: its rights to read and no others, for a client fewer. Borrows from the roster. false: the
 * token's time is over, or the member is shut out.
 */
bool member_token_as(struct member *out, const struct member_roster *r, const struct member_token *t, int64_t now_us);
int32_t member_roster_group(const struct member_roster *r, const char *name); /* 0 = unknown */
/* Calls fn for each member that may connect, for the front's ZAP table. */
void member_roster_each(const struct member_roster *r, void (*fn)(void *arg, const struct member *m), void *arg);
uint32_t member_roster_count(const struct member_roster *r, uint32_t roles); /* who has any of these; suspended ones count */

/* ---- identity: README section 5 step 3, for reports and commands ----------------- */
enum isac_err member_check_signer(const struct member_key **key, const struct member_roster *r, const struct member *m,
				  const uint8_t *key_id, size_t key_id_len, int64_t now_us, struct wire_why *why);

/* ---- audience: the one rule -------------------------------------------------------- */
struct member_audience {
	int32_t id; /* row, 0 = not interned */
	uint32_t tlp;
	const int32_t *groups;
	uint32_t groups_n; /* ids, ascending */
	const int32_t *recipients;
	uint32_t recipients_n; /* member ids, ascending */
};
/* Names to ids, in the arena; BAD_VALUE for an unknown group, an unknown or suspended recipient and for the label rules of README section 5
 * step 5. */
enum isac_err member_audience_resolve(struct member_audience *out, const struct member_roster *r, const struct member *publisher,
				      const Isac1__Header *header, struct wire_arena *arena, struct wire_why *why);
/*
 * Is what is said about a sealed report sealed to those whom that one names, and to nobody else? a, publisher_id: of that report; names: of
 * the sealed keys. The publisher, the author and who is shut out may be left out. BAD_VALUE.
 */
enum isac_err member_audience_check_readers(const struct member_audience *a, const struct member_roster *r, int32_t publisher_id,
					    int32_t author_id, char *const *names, size_t n, struct wire_why *why);
/* A copy that lives in the arena, such as a report's own. */
enum isac_err member_audience_copy(const struct member_audience **out, const struct member_audience *from, struct wire_arena *arena);
/* Whose reports are its own; 0 = nobody's: a client of a member is not their publisher. */
int32_t member_own_id(const struct member *m);
/* May this member see a report of this publisher with this audience? The only place that decides. */
bool member_may_see(const struct member *m, const struct member_audience *a, int32_t publisher_id);
/* May whoever may see a report with `narrow` see one with `wide` of the same publisher, whoever is in which group? */
bool member_audience_covers(const struct member_audience *wide, const struct member_audience *narrow);
/* A digest that is equal for equal audiences, for interning. */
void member_audience_digest(uint8_t out[16], const struct member_audience *a);

/* ---- quota: token buckets per member; one owner thread --------------------------------- */
struct member_quota;
enum isac_err member_quota_new(struct member_quota **out, int64_t per_s, int64_t burst, int64_t bytes_per_min);
void member_quota_destroy(struct member_quota **q);
/* ISAC_OK, or ISAC_ERR_RATE with the wait. */
enum isac_err member_quota_take(struct member_quota *q, int32_t member_id, size_t bytes, int64_t now_mono_us, uint32_t *retry_after_ms);
/* The same by a rate of the member's own; NULL: by the hub's. A changed one takes hold at once. */
enum isac_err member_quota_take_at(struct member_quota *q, int32_t member_id, const struct member_rate *own, size_t bytes,
				   int64_t now_mono_us, uint32_t *retry_after_ms);

#endif
