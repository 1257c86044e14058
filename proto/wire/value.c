/*
 * Values: a table from a type to its canonicaliser, and what all of them share.
 *
 * The rules are proto/README.md section 8; a type is a row of value.def, a row here and one function in the file of its noun
 * (value_address.c, value_domain.c, ...). Canonical text is made in the caller's arena. libpsl's built-in list is the only state
 * and never changes after wire_init. Refanging and guessing are apart: the wire carries neither defanged nor untyped values.
 */
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "wire/value_priv.h"

static const char *const names[WIRE_VALUE_END] = {
#define VALUE(num, NAME, name) [num] = name,
#include "wire/value.def"
#undef VALUE
};

static const struct type_row {
	wire_value_fn *canon;
	size_t len_max;
} types[WIRE_VALUE_END] = {
	[WIRE_VALUE_IPV4] = {wire_value_address_v4, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_IPV6] = {wire_value_address_v6, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_CIDR] = {wire_value_address_cidr, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_DOMAIN] = {wire_value_domain_canon, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_URL] = {wire_value_url_canon, WIRE_LIMIT_URL_BYTES},
	[WIRE_VALUE_EMAIL] = {wire_value_email_canon, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_MD5] = {wire_value_hash_digest, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_SHA1] = {wire_value_hash_digest, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_SHA256] = {wire_value_hash_digest, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_SHA512] = {wire_value_hash_digest, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_ASN] = {wire_value_misc_asn, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_JA3] = {wire_value_hash_digest, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_USER_AGENT] = {wire_value_misc_text, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_FILENAME] = {wire_value_misc_text, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_MUTEX] = {wire_value_misc_text, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_REGISTRY_KEY] = {wire_value_misc_registry, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_BITCOIN] = {wire_value_bitcoin_canon, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_CVE] = {wire_value_misc_cve, WIRE_LIMIT_VALUE_BYTES},
	[WIRE_VALUE_CERT_FP] = {wire_value_hash_certificate, WIRE_LIMIT_VALUE_BYTES},
};

/* In order of (type, text), for the binary search; a test holds the table to it. */
static const struct value_held held[] = {
#define HELD(TYPE, text) {WIRE_VALUE_##TYPE, text},
#include "wire/held.def"
#undef HELD
};

static const psl_ctx_t *suffixes;

enum isac_err wire_init(void)
{
	/* libsodium picks its fast BLAKE2b and Ed25519 here; without it the portable ones are used. */
	if (sodium_init() < 0) return ISAC_ERR_SYSTEM;
	suffixes = psl_builtin();
	return suffixes ? ISAC_OK : ISAC_ERR_SYSTEM;
}

const psl_ctx_t *wire_value_psl(void)
{
	assert(suffixes);
	return suffixes;
}

const char *wire_value_name(uint32_t type)
{
	return type < WIRE_VALUE_END ? names[type] : NULL;
}

uint32_t wire_value_type(const char *name, size_t len)
{
	for (uint32_t type = 1; type < WIRE_VALUE_END; type++)
		if (strlen(names[type]) == len && memcmp(names[type], name, len) == 0) return type;
	return 0;
}

enum isac_err wire_value_canon(struct wire_value *out, uint32_t type, const char *raw, size_t len, struct wire_arena *arena,
			       struct wire_why *why)
{
	const struct value_in in = {.raw = raw, .len = len, .type = type, .arena = arena, .why = why};

	*out = (struct wire_value){.type = type};
	if (type == WIRE_VALUE_NONE || type >= WIRE_VALUE_END)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "value type %u is not known", (unsigned)type);
	if (len == 0) return wire_value_bad(&in, "is empty");
	if (len > types[type].len_max)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "%s value is longer than %zu bytes", names[type], types[type].len_max);
	enum isac_err err = types[type].canon(out, &in);
	/* A hive's full name, say, is longer than what was sent: the canonical form must be acceptable itself. */
	if (!err && out->len > types[type].len_max)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "%s value is longer than %zu bytes in its canonical form", names[type],
				   types[type].len_max);
	return err;
}

void wire_value_key(uint8_t out[WIRE_VALUE_KEY], uint32_t type, const char *canon, size_t len)
{
	uint8_t hash[WIRE_HASH], head[128]; /* most values fit: then one call, which is half the price of three */
	crypto_generichash_state state;

	head[0] = (uint8_t)type;
	if (len < sizeof(head)) {
		memcpy(head + 1, canon, len);
		wire_hash(hash, head, len + 1);
	} else {
		crypto_generichash_init(&state, NULL, 0, sizeof(hash));
		crypto_generichash_update(&state, head, 1);
		crypto_generichash_update(&state, (const uint8_t *)canon, len);
		crypto_generichash_final(&state, hash, sizeof(hash));
	}
	memcpy(out, hash, WIRE_VALUE_KEY);
}

char *wire_value_room(const struct value_in *in, size_t len)
{
	char *room = wire_arena_alloc(in->arena, len + 1);

	if (room) room[len] = 0;
	return room;
}

enum isac_err wire_value_set(struct wire_value *out, const struct value_in *in, const char *text, size_t len)
{
	char *room = wire_value_room(in, len);

	if (!room) return wire_value_full(in);
	memcpy(room, text, len);
	out->text = room;
	out->len = len;
	return ISAC_OK;
}

enum isac_err wire_value_bad(const struct value_in *in, const char *reason)
{
	return wire_refuse(in->why, ISAC_ERR_BAD_VALUE, "%s value %s", names[in->type], reason);
}

enum isac_err wire_value_full(const struct value_in *in)
{
	if (!in->arena->over) return wire_refuse(in->why, ISAC_ERR_NO_MEMORY, "out of memory");
	return wire_refuse(in->why, ISAC_ERR_TOO_LARGE, "the message takes more memory than %d bytes", WIRE_LIMIT_DECODE_BYTES);
}

const struct value_held *wire_value_held_rows(size_t *count)
{
	*count = sizeof(held) / sizeof(held[0]);
	return held;
}

static int compare_held(const void *key, const void *row)
{
	const struct value_held *a = key, *b = row;

	if (a->type != b->type) return a->type < b->type ? -1 : 1;
	return strcmp(a->text, b->text);
}

bool wire_value_is_held(uint32_t type, const char *text)
{
	const struct value_held key = {type, text};

	return bsearch(&key, held, sizeof(held) / sizeof(held[0]), sizeof(held[0]), compare_held) != NULL;
}
