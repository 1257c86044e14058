/*
 * Signatures: Ed25519 over a pre-authentication encoding that binds purpose, hub and length (README section 4).
 * libsodium's verifier refuses non-canonical S and small-order keys; nothing is parsed before it said yes.
 */
#include <sodium.h>
#include <string.h>
#include "wire/wire.h"

_Static_assert(WIRE_SIGN_SECRET == crypto_sign_SECRETKEYBYTES && WIRE_SIGN_PUBLIC == crypto_sign_PUBLICKEYBYTES &&
		       WIRE_SIGNATURE == crypto_sign_BYTES,
	       "sizes of Ed25519");

enum { PAE_EXTRA = 128 }; /* more than everything in the encoding but hub_id and body */

static const char *const types[] = {
	[WIRE_SIGN_REPORT] = "report",
	[WIRE_SIGN_COMMAND] = "command",
	[WIRE_SIGN_RECEIPT] = "receipt",
	[WIRE_SIGN_MEMBER] = "member",
};

void wire_sign_pae(struct wire_buf *buf, enum wire_sign_type type, const char *hub_id, const uint8_t *body, size_t len)
{
	wire_buf_printf(buf, "isac1 %zu %s %zu %s %zu ", strlen(types[type]), types[type], strlen(hub_id), hub_id, len);
	wire_buf_add(buf, body, len);
}

enum isac_err wire_sign_make(uint8_t sig[WIRE_SIGNATURE], enum wire_sign_type type, const char *hub_id, const uint8_t *body, size_t len,
			     const uint8_t secret[WIRE_SIGN_SECRET])
{
	struct wire_buf pae;
	enum isac_err err;

	wire_buf_init(&pae, len + strlen(hub_id) + PAE_EXTRA);
	wire_sign_pae(&pae, type, hub_id, body, len);
	err = pae.err;
	if (!err) crypto_sign_detached(sig, NULL, pae.data, pae.len, secret);
	wire_buf_clear(&pae);
	return err;
}

enum isac_err wire_sign_check(const uint8_t sig[WIRE_SIGNATURE], enum wire_sign_type type, const char *hub_id, const uint8_t *body,
			      size_t len, const uint8_t public_key[WIRE_SIGN_PUBLIC])
{
	struct wire_buf pae;
	enum isac_err err;

	wire_buf_init(&pae, len + strlen(hub_id) + PAE_EXTRA);
	wire_sign_pae(&pae, type, hub_id, body, len);
	err = pae.err;
	if (!err && crypto_sign_verify_detached(sig, pae.data, pae.len, public_key) != 0) err = ISAC_ERR_NOT_AUTHENTIC;
	wire_buf_clear(&pae);
	return err;
}

void wire_sign_key_id(uint8_t out[WIRE_KEY_ID], const uint8_t public_key[WIRE_SIGN_PUBLIC])
{
	uint8_t in[1 + WIRE_SIGN_PUBLIC] = {0x01}, hash[crypto_hash_sha256_BYTES];

	memcpy(in + 1, public_key, WIRE_SIGN_PUBLIC);
	crypto_hash_sha256(hash, in, sizeof in);
	memcpy(out, hash, WIRE_KEY_ID);
}

void wire_sign_hub_id(char out[17], const uint8_t receipt_public[WIRE_SIGN_PUBLIC])
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, receipt_public, WIRE_SIGN_PUBLIC);
	wire_hex(out, hash, 8);
}
