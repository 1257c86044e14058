/*
 * What the files value*.c share; nobody else includes it. One canonicaliser a type, all of one shape, so that value.c is a table.
 *
 * A canonicaliser gets non-empty bytes within the type's limit (nothing else is known of them), fills *out and returns ISAC_OK, or
 * refuses. out->type is set before the call; a canonicaliser may change it.
 */
#ifndef ISAC_WIRE_VALUE_PRIV_H
#define ISAC_WIRE_VALUE_PRIV_H

#include <libpsl.h>
#include "wire/wire.h"

struct value_in {
	const char *raw;
	size_t len;
	uint32_t type; /* as asked, for the reason */
	struct wire_arena *arena;
	struct wire_why *why;
};
typedef enum isac_err wire_value_fn(struct wire_value *out, const struct value_in *in);

wire_value_fn wire_value_address_v4, wire_value_address_v6, wire_value_address_cidr;
wire_value_fn wire_value_domain_canon, wire_value_url_canon, wire_value_email_canon;
wire_value_fn wire_value_hash_digest, wire_value_hash_certificate;
wire_value_fn wire_value_misc_asn, wire_value_misc_cve, wire_value_misc_text, wire_value_misc_registry;
wire_value_fn wire_value_bitcoin_canon;

/* ---- value.c -------------------------------------------------------------------- */
/* Room for len bytes and a NUL (written) in the arena; NULL when it is full. */
char *wire_value_room(const struct value_in *in, size_t len);
/* Copies text into the arena as out->text; TOO_LARGE when the arena is full. */
enum isac_err wire_value_set(struct wire_value *out, const struct value_in *in, const char *text, size_t len);
/* BAD_VALUE; says "<type> value <reason>". */
enum isac_err wire_value_bad(const struct value_in *in, const char *reason);
enum isac_err wire_value_full(const struct value_in *in);
/* Rows of held.def. */
struct value_held {
	uint32_t type;
	const char *text;
};
const struct value_held *wire_value_held_rows(size_t *count);
bool wire_value_is_held(uint32_t type, const char *text);
const psl_ctx_t *wire_value_psl(void);

static inline bool value_is_digit(char c)
{
	return c >= '0' && c <= '9';
}
static inline bool value_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline char value_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline char value_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* ---- syntax without policy: for guesses, and for hosts of URLs ---------------------- */
bool wire_value_address_parse_v4(uint8_t out[4], const char *s, size_t len);
bool wire_value_address_parse_v6(uint8_t out[16], const char *s, size_t len);
/* A name of two labels or more in canonical form: the domain rules without the one on public suffixes. */
enum isac_err wire_value_domain_name(char **name, size_t *len, const struct value_in *in);
/* NULL if s is a good address (its canonical form in canon), else the reason why not. */
enum { VALUE_BITCOIN_MAX = 90 };
const char *wire_value_bitcoin_parse(char canon[VALUE_BITCOIN_MAX + 1], const char *s, size_t len);

#endif
