/*
 * wire: everything that hub and members must agree on to the byte.
 *
 * Pure: no I/O, no clock, no global state (value canonicalisation loads the
 * public-suffix list once, see wire_init). The specification is proto/README.md;
 * where code and page differ, the page is right.
 *
 * Ownership: `const T *` is borrowed for the call; bytes returned inside an
 * arena live as long as the arena; `struct wire_buf` owns its bytes.
 */
#ifndef ISAC_WIRE_H
#define ISAC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>
#include "isac1.pb-c.h"

/* ---- errors (err.def) -------------------------------------------------- */
enum isac_err {
	ISAC_OK = 0,
#define ERR(name, code, retry, text) ISAC_ERR_##name,
#include "err.def"
#undef ERR
	ISAC_ERR_COUNT
};
const char *isac_err_name(enum isac_err err); /* "BAD_VALUE"; "OK" */
const char *isac_err_text(enum isac_err err);
unsigned isac_err_code(enum isac_err err); /* wire code; 200 for ISAC_OK */
bool isac_err_retryable(enum isac_err err);

/* Why something was refused, for a person. Text is always NUL-terminated, free of control bytes. */
struct wire_why {
	char text[160];
	uint32_t item; /* 1 + item number, 0 = the whole */
};
/* Fills why->text (why may be NULL) printf-like and returns err; why->item stays as it is. */
enum isac_err wire_refuse(struct wire_why *why, enum isac_err err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- limits (limits.def) ----------------------------------------------- */
enum {
#define LIMIT(name, value, unit, reason) WIRE_LIMIT_##name = value,
#include "limits.def"
#undef LIMIT
};

/* ---- buffers ----------------------------------------------------------- */
struct wire_bytes {
	const uint8_t *data;
	size_t len;
};

/* A growing byte buffer with a maximum. Once it failed, further appends are no-ops and ->err stays. */
struct wire_buf {
	uint8_t *data;
	size_t len, cap, max;
	enum isac_err err;
};
void wire_buf_init(struct wire_buf *buf, size_t max);
void wire_buf_clear(struct wire_buf *buf); /* frees; may be used again after init */
void wire_buf_reset(struct wire_buf *buf); /* len = 0, keeps memory */
void wire_buf_add(struct wire_buf *buf, const void *data, size_t len);
/* len more bytes to be written by the caller at once; NULL (and ->err) when there is no room. */
uint8_t *wire_buf_extend(struct wire_buf *buf, size_t len);
void wire_buf_u16(struct wire_buf *buf, uint16_t v); /* big-endian */
void wire_buf_u32(struct wire_buf *buf, uint32_t v);
void wire_buf_u64(struct wire_buf *buf, uint64_t v);
void wire_buf_varint(struct wire_buf *buf, uint64_t v); /* protobuf's */
void wire_buf_printf(struct wire_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
uint16_t wire_get_u16(const uint8_t *p);
uint32_t wire_get_u32(const uint8_t *p);
uint64_t wire_get_u64(const uint8_t *p);
void wire_put_u32(uint8_t *p, uint32_t v);
void wire_put_u64(uint8_t *p, uint64_t v);
/* Lower-case hex with NUL; out holds 2*len+1. */
void wire_hex(char *out, const uint8_t *data, size_t len);
/* Exactly len bytes from exactly 2*len hex digits (either case). */
enum isac_err wire_unhex(uint8_t *out, size_t len, const char *hex, size_t hex_len);

/* ---- arena: a capped bump allocator, also protobuf-c's ------------------ */
struct wire_arena {
	ProtobufCAllocator pb; /* hand &arena->pb to protobuf-c */
	struct wire_arena_block *blocks;
	size_t used, cap; /* bytes handed out; most that may be */
	size_t held;	  /* bytes taken for that from malloc */
	bool over;	  /* the cap was hit */
	bool failed;	  /* malloc said no */
};
void wire_arena_init(struct wire_arena *arena, size_t cap);
void *wire_arena_alloc(struct wire_arena *arena, size_t size); /* 16-aligned; NULL over the cap */
void wire_arena_reset(struct wire_arena *arena);	       /* keeps one block for reuse */
void wire_arena_clear(struct wire_arena *arena);

/* ---- head frame --------------------------------------------------------- */
enum wire_frame_type {
#define FRAME(num, name, port, dir, msg, text) WIRE_##name = num,
#include "frame.def"
#undef FRAME
};
enum { WIRE_HEAD_BYTES = 16, WIRE_DELIVERY_HEAD_BYTES = 36 };
struct wire_head {
	uint16_t type;
	uint64_t request_id;
	uint32_t sub;
	uint64_t prev_seq, last_seq; /* DELIVERY only */
};
/* Writes 16 or (DELIVERY) 36 bytes, returns how many. */
size_t wire_head_pack(uint8_t out[WIRE_DELIVERY_HEAD_BYTES], const struct wire_head *head);
enum isac_err wire_head_open(struct wire_head *out, const uint8_t *data, size_t len);
struct wire_frame_row {
	uint16_t type;
	const char *name;
	char port, dir; /* 'R' 'F' 'B'; 'U' 'D' */
	const ProtobufCMessageDescriptor *desc;
};
const struct wire_frame_row *wire_frame_find(uint16_t type); /* NULL if unknown */

/* ---- bodies -------------------------------------------------------------- */
/*
 * Checks bytes against the message's descriptor by the rules of README section 3, allocating nothing.
 * strict: unknown fields refused (what the hub applies); else skipped (what readers apply).
 */
enum isac_err wire_scan(const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t len, bool strict, struct wire_why *why);
/* wire_scan, then protobuf-c into the arena. *out lives in the arena. Do not free_unpacked. */
enum isac_err wire_open(ProtobufCMessage **out, const ProtobufCMessageDescriptor *desc, struct wire_arena *arena, const uint8_t *data,
			size_t len, bool strict, struct wire_why *why);
/* Appends the packed message. */
void wire_pack(struct wire_buf *buf, const ProtobufCMessage *msg);
/* Text rules of README section 3 (no control, bidi, zero-width; UTF-8). */
bool wire_text_ok(const char *text, size_t len);
bool wire_utf8_ok(const char *text, size_t len);
bool wire_name_ok(const char *name); /* member and group names */

/* ---- signatures ----------------------------------------------------------- */
enum {
	WIRE_SIGN_PUBLIC = 32,
	WIRE_SIGN_SECRET = 64,
	WIRE_SIGNATURE = 64,
	WIRE_KEY_ID = 8,
	WIRE_HASH = 32,
	WIRE_ID = 16,
	WIRE_SALT = 16,
	WIRE_SECRET = 32,
	WIRE_CURVE = 32,
	WIRE_VALUE_KEY = 16,
	WIRE_TOKEN = 32,
	WIRE_TOKEN_TEXT = 49 /* with NUL */
};
enum wire_sign_type { WIRE_SIGN_REPORT, WIRE_SIGN_COMMAND, WIRE_SIGN_RECEIPT, WIRE_SIGN_MEMBER };
void wire_sign_pae(struct wire_buf *buf, enum wire_sign_type type, const char *hub_id, const uint8_t *body, size_t len);
enum isac_err wire_sign_make(uint8_t sig[WIRE_SIGNATURE], enum wire_sign_type type, const char *hub_id, const uint8_t *body, size_t len,
			     const uint8_t secret[WIRE_SIGN_SECRET]);
/* ISAC_OK or ISAC_ERR_NOT_AUTHENTIC (or NO_MEMORY). */
enum isac_err wire_sign_check(const uint8_t sig[WIRE_SIGNATURE], enum wire_sign_type type, const char *hub_id, const uint8_t *body,
			      size_t len, const uint8_t public_key[WIRE_SIGN_PUBLIC]);
void wire_sign_key_id(uint8_t out[WIRE_KEY_ID], const uint8_t public_key[WIRE_SIGN_PUBLIC]);
void wire_sign_hub_id(char out[17], const uint8_t receipt_public[WIRE_SIGN_PUBLIC]);

/* ---- hashing, trees (README sections 5, 6) --------------------------------- */
void wire_hash(uint8_t out[WIRE_HASH], const uint8_t *data, size_t len);
void wire_merkle_salt(uint8_t out[WIRE_SALT], const uint8_t secret[WIRE_SECRET], uint32_t index);
void wire_merkle_item(uint8_t out[WIRE_HASH], const uint8_t salt[WIRE_SALT], const uint8_t *item, size_t len);
void wire_merkle_leaf(uint8_t out[WIRE_HASH], const uint8_t *data, size_t len); /* H(0x00||data): receipts */
void wire_merkle_node(uint8_t out[WIRE_HASH], const uint8_t left[WIRE_HASH], const uint8_t right[WIRE_HASH]);
/* Root over n >= 1 leaf hashes, n*32 bytes; leaves untouched. */
void wire_merkle_root(uint8_t out[WIRE_HASH], const uint8_t *leaves, uint32_t n);
/*
 * Multiproof for the leaves whose bit is set in `shown` (bit i of byte i/8). Appends 32-byte hashes to proof.
 */
void wire_merkle_prove(struct wire_buf *proof, const uint8_t *leaves, uint32_t n, const uint8_t *shown);
/* Root from m disclosed leaf hashes with ascending indexes, and the proof. NOT_AUTHENTIC if the shape is wrong. */
enum isac_err wire_merkle_verify(uint8_t root[WIRE_HASH], uint32_t n, const uint32_t *index, const uint8_t *leaf, uint32_t m,
				 const uint8_t *proof, uint32_t proof_n);
/* RFC 6962 audit path. */
void wire_merkle_path(struct wire_buf *path, const uint8_t *leaves, uint32_t n, uint32_t index);
enum isac_err wire_merkle_path_verify(uint8_t root[WIRE_HASH], uint32_t n, uint32_t index, const uint8_t leaf[WIRE_HASH],
				      const uint8_t *path, uint32_t path_n);

/*
 * The whole tree at once, for whoever makes many proofs of it: level after level, leaves first, the root last.
 * The caller puts n leaf hashes at the start of wire_merkle_tree_count(n) * 32 bytes; the rest is filled in.
 */
uint32_t wire_merkle_tree_count(uint32_t n);
void wire_merkle_tree(uint8_t *tree, uint32_t n);
void wire_merkle_tree_path(struct wire_buf *path, const uint8_t *tree, uint32_t n, uint32_t index);
/*
 * As much of the tree as m disclosed leaves and their multiproof tell, in wire_merkle_tree_count(n) * 32 zeroed bytes: enough for
 * wire_merkle_tree_path of each disclosed leaf. Verifies nothing but the shape.
 */
enum isac_err wire_merkle_tree_rebuild(uint8_t *tree, uint32_t n, const uint32_t *index, const uint8_t *leaf, uint32_t m,
				       const uint8_t *proof, uint32_t proof_n);
void wire_merkle_tree_prove(struct wire_buf *proof, const uint8_t *tree, uint32_t n, const uint8_t *shown);

/* ---- tokens: README section 11 ------------------------------------------------ */
void wire_token_text(char out[WIRE_TOKEN_TEXT], const uint8_t token[WIRE_TOKEN]);
bool wire_token_read(uint8_t out[WIRE_TOKEN], const char *text, size_t len); /* false: that is no token */
void wire_token_hash(uint8_t out[WIRE_HASH], const uint8_t token[WIRE_TOKEN]);

/* ---- running hash of a feed (README section 7) ------------------------------ */
void wire_feed_entry(uint8_t hash[WIRE_HASH], uint64_t seq, const uint8_t header_hash[WIRE_HASH], const uint32_t *index, uint32_t n);
void wire_feed_gap(uint8_t hash[WIRE_HASH], uint64_t first, uint64_t last);

/* ---- public bundles (README section 4) --------------------------------------- */
struct wire_member {
	char name[WIRE_LIMIT_NAME_BYTES + 1];
	uint8_t curve[WIRE_CURVE], sign[WIRE_SIGN_PUBLIC];
};
struct wire_hub {
	char hub_id[17];
	char address[256];
	uint8_t curve[WIRE_CURVE], receipt[WIRE_SIGN_PUBLIC], admin[WIRE_SIGN_PUBLIC];
};
enum isac_err wire_member_format(struct wire_buf *out, const struct wire_member *m, const uint8_t secret[WIRE_SIGN_SECRET]);
enum isac_err wire_member_parse(struct wire_member *out, const char *text, size_t len, struct wire_why *why); /* checks the signature */
enum isac_err wire_hub_format(struct wire_buf *out, const struct wire_hub *h);
enum isac_err wire_hub_parse(struct wire_hub *out, const char *text, size_t len, struct wire_why *why);

/* ---- reports: making and reading ------------------------------------------------ */
/*
 * Packs and signs a report. header: report_id, created_us, kind, tlp, groups, recipients, supersedes, policy are read
 * from it; key_id, item_count and items_root are computed. items: exact Item bytes. Appends a Submit to out.
 */
enum isac_err wire_report_make(struct wire_buf *submit, const char *member, const char *hub_id, const Isac1__Header *header,
			       const struct wire_bytes *items, uint32_t n, const uint8_t payload_secret[WIRE_SECRET],
			       const uint8_t sign_secret[WIRE_SIGN_SECRET]);
/* The same with the payload sealed to these members, by their CURVE keys: a TLP_RED report. */
struct wire_reader {
	const char *name;
	uint8_t curve[WIRE_CURVE];
};
enum isac_err wire_report_make_sealed(struct wire_buf *submit, const char *member, const char *hub_id, const Isac1__Header *header,
				      const struct wire_bytes *items, uint32_t n, const uint8_t payload_secret[WIRE_SECRET],
				      const uint8_t sign_secret[WIRE_SIGN_SECRET], const struct wire_reader *readers, size_t readers_n);
/* Appends a SealedPayload of these bytes, for the report whose header has these ids. */
enum isac_err wire_sealed_make(struct wire_buf *out, struct wire_bytes payload, const Isac1__Header *header,
			       const struct wire_reader *readers, size_t n);
/*
 * What the hub can know: the header commits to these bytes, and each recipient has a key in them, its publisher at most one. What is said
 * about another report names no recipients: each key is a member's, and whose they may be follows from that report.
 */
enum isac_err wire_sealed_check(const Isac1__Header *header, struct wire_bytes sealed, const char *publisher, struct wire_why *why);
/* To whom a payload that was checked is sealed: the keys' names, in the arena. */
enum isac_err wire_sealed_readers(char *const **names, size_t *n, struct wire_bytes sealed, struct wire_arena *arena);
/* The payload's bytes, in the arena. NOT_FOUND: it holds no key for this member; NOT_AUTHENTIC: it is not what the header commits to,
 * or does not open. */
enum isac_err wire_sealed_open(struct wire_bytes *payload, const Isac1__Header *header, struct wire_bytes sealed, const char *member,
			       const uint8_t curve_secret[WIRE_CURVE], struct wire_arena *arena, struct wire_why *why);
/* Number, in its report, of the i-th item of an entry: those of a whole report are not numbered (README section 5). */
static inline uint32_t wire_entry_index(const Isac1__Entry *entry, size_t i)
{
	return entry->secret.len ? (uint32_t)i : entry->items[i]->index;
}
/* Verifies one delivered entry against a publisher key: signature, and multiproof or secret. *header lives in the arena. */
enum isac_err wire_entry_verify(Isac1__Header **header, const Isac1__Entry *entry, const char *hub_id,
				const uint8_t public_key[WIRE_SIGN_PUBLIC], struct wire_arena *arena, struct wire_why *why);
enum isac_err wire_receipt_verify(Isac1__ReceiptBody **body, const Isac1__Receipt *receipt, const char *hub_id,
				  const uint8_t receipt_public[WIRE_SIGN_PUBLIC], struct wire_arena *arena, struct wire_why *why);

/* ---- values (README section 8) ---------------------------------------------------- */
enum wire_value_type {
	WIRE_VALUE_NONE = 0,
#define VALUE(num, NAME, name) WIRE_VALUE_##NAME = num,
#include "value.def"
#undef VALUE
	WIRE_VALUE_END
};
/* Call once before threads start; loads libpsl's list. */
enum isac_err wire_init(void);
const char *wire_value_name(uint32_t type);		/* NULL if unknown */
uint32_t wire_value_type(const char *name, size_t len); /* 0 if unknown */
struct wire_value {
	uint32_t type; /* may differ from the asked one: ::ffff:1.2.3.4 is ipv4 */
	char *text;    /* canonical, NUL-terminated, in the arena */
	size_t len;
	uint8_t addr[16]; /* ipv4 (first 4 bytes), ipv6, cidr, and url with an address host */
	uint8_t family;	  /* 4, 6, 0 = no address */
	uint8_t prefix;	  /* bits; 32/128 for single addresses */
	const char *host; /* domain itself, host of url, domain of email; NULL else; NUL-terminated, in the arena */
	bool held;	  /* well-formed, but would hurt everyone */
};
/* Canonicalises; ISAC_ERR_BAD_VALUE with a reason. Refanging is not done here. */
enum isac_err wire_value_canon(struct wire_value *out, uint32_t type, const char *raw, size_t len, struct wire_arena *arena,
			       struct wire_why *why);
void wire_value_key(uint8_t out[WIRE_VALUE_KEY], uint32_t type, const char *canon, size_t len);
/* The registered domain of a canonical host name (public suffix and one label): a tail of host; NULL if it has none. */
const char *wire_value_domain_registered(const char *host);
/* Undoes defanging into the arena; returns raw itself when there is nothing to do. */
const char *wire_value_refang(const char *raw, size_t *len, struct wire_arena *arena);
/* Best guess of the type of an undeclared (already refanged) value; 0 if none fits. */
uint32_t wire_value_guess(const char *raw, size_t len, struct wire_arena *arena);
/* All rules of README section 8 on an opened Indicator, its canonical value in *out. */
enum isac_err wire_indicator_check(struct wire_value *out, const Isac1__Indicator *ind, struct wire_arena *arena, struct wire_why *why);
/* The rules on a Sighting and a Withdrawal. Their value is checked against the report that they are about, not by today's list. */
enum isac_err wire_sighting_check(struct wire_value *out, const Isac1__Sighting *sighting, struct wire_arena *arena, struct wire_why *why);
enum isac_err wire_withdrawal_check(struct wire_value *out, const Isac1__Withdrawal *withdrawal, struct wire_arena *arena,
				    struct wire_why *why);
/* A value as the store has it: canonical, or as its publisher wrote it if the rules of today would refuse it. */
enum isac_err wire_value_known(struct wire_value *out, uint32_t type, char *text, struct wire_arena *arena);

#endif
