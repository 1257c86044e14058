/*
 * A publisher's side: from items to the bytes of a Submit. Payload and Submit are written by hand, field by field in
 * ascending order, because copying a thousand items into protobuf-c's structures first would buy nothing.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "wire/wire.h"

/* Tags: field << 3 | 2. Length-delimited all of them. */
enum { SUBMIT_MEMBER = 0x0a, SUBMIT_HEADER = 0x12, SUBMIT_SIGNATURE = 0x1a, SUBMIT_PAYLOAD = 0x22 };
enum { PAYLOAD_SECRET = 0x0a, PAYLOAD_ITEMS = 0x12 };

static enum isac_err hash_items(uint8_t root[WIRE_HASH], const struct wire_bytes *items, uint32_t n,
				const uint8_t payload_secret[WIRE_SECRET])
{
	uint8_t *leaves = malloc((size_t)n * WIRE_HASH), salt[WIRE_SALT];

	if (!leaves) return ISAC_ERR_NO_MEMORY;
	for (uint32_t i = 0; i < n; i++) {
		wire_merkle_salt(salt, payload_secret, i);
		wire_merkle_item(leaves + (size_t)i * WIRE_HASH, salt, items[i].data, items[i].len);
	}
	wire_merkle_root(root, leaves, n);
	free(leaves);
	return ISAC_OK;
}

static void put_field(struct wire_buf *buf, uint8_t tag, const void *data, size_t len)
{
	wire_buf_add(buf, &tag, 1);
	wire_buf_varint(buf, len);
	wire_buf_add(buf, data, len);
}

/* Bytes of a field of this length with its tag and length. */
static size_t field_bytes(size_t len)
{
	size_t bytes = 2 + len;

	for (size_t v = len; v > 0x7f; v >>= 7) bytes++;
	return bytes;
}

static void put_payload(struct wire_buf *buf, const struct wire_bytes *items, uint32_t n, const uint8_t secret[WIRE_SECRET])
{
	put_field(buf, PAYLOAD_SECRET, secret, WIRE_SECRET);
	for (uint32_t i = 0; i < n; i++) put_field(buf, PAYLOAD_ITEMS, items[i].data, items[i].len);
}

static void put_clear(struct wire_buf *submit, const struct wire_bytes *items, uint32_t n, const uint8_t secret[WIRE_SECRET])
{
	size_t len = field_bytes(WIRE_SECRET);

	for (uint32_t i = 0; i < n; i++) len += field_bytes(items[i].len);
	wire_buf_add(submit, &(const uint8_t){SUBMIT_PAYLOAD}, 1);
	wire_buf_varint(submit, len);
	put_payload(submit, items, n, secret);
}

static enum isac_err seal(struct wire_buf *out, uint8_t hash[WIRE_HASH], Isac1__Header *full, const struct wire_bytes *items, uint32_t n,
			  const uint8_t secret[WIRE_SECRET], const struct wire_reader *readers, size_t readers_n)
{
	struct wire_buf clear;
	enum isac_err err;

	wire_buf_init(&clear, WIRE_LIMIT_FRAME_BYTES);
	put_payload(&clear, items, n, secret);
	err = clear.err;
	if (!err) err = wire_sealed_make(out, (struct wire_bytes){clear.data, clear.len}, full, readers, readers_n);
	if (!err) {
		wire_hash(hash, out->data, out->len);
		full->sealed = (ProtobufCBinaryData){WIRE_HASH, hash};
	}
	if (clear.data) sodium_memzero(clear.data, clear.len);
	wire_buf_clear(&clear);
	return err;
}

static enum isac_err sign(struct wire_buf *submit, const char *member, const char *hub_id, const Isac1__Header *full,
			  const uint8_t sign_secret[WIRE_SIGN_SECRET])
{
	uint8_t sig[WIRE_SIGNATURE];
	struct wire_buf bytes;
	enum isac_err err;

	wire_buf_init(&bytes, WIRE_LIMIT_FRAME_BYTES);
	wire_pack(&bytes, &full->base);
	err = bytes.err;
	if (!err) err = wire_sign_make(sig, WIRE_SIGN_REPORT, hub_id, bytes.data, bytes.len, sign_secret);
	if (!err) {
		put_field(submit, SUBMIT_MEMBER, member, strlen(member));
		put_field(submit, SUBMIT_HEADER, bytes.data, bytes.len);
		put_field(submit, SUBMIT_SIGNATURE, sig, sizeof sig);
		err = submit->err;
	}
	wire_buf_clear(&bytes);
	return err;
}

enum isac_err wire_report_make_sealed(struct wire_buf *submit, const char *member, const char *hub_id, const Isac1__Header *header,
				      const struct wire_bytes *items, uint32_t n, const uint8_t payload_secret[WIRE_SECRET],
				      const uint8_t sign_secret[WIRE_SIGN_SECRET], const struct wire_reader *readers, size_t readers_n)
{
	uint8_t root[WIRE_HASH], key_id[WIRE_KEY_ID], public_key[WIRE_SIGN_PUBLIC], hash[WIRE_HASH];
	Isac1__Header full = *header;
	struct wire_buf sealed;
	enum isac_err err;

	if (!n) return ISAC_ERR_BAD_VALUE;
	if (n > WIRE_LIMIT_ITEMS) return ISAC_ERR_TOO_LARGE;
	err = hash_items(root, items, n, payload_secret);
	if (err) return err;
	crypto_sign_ed25519_sk_to_pk(public_key, sign_secret);
	wire_sign_key_id(key_id, public_key);
	full.key_id = (ProtobufCBinaryData){sizeof key_id, key_id};
	full.items_root = (ProtobufCBinaryData){sizeof root, root};
	full.item_count = n;
	wire_buf_init(&sealed, WIRE_LIMIT_FRAME_BYTES);
	if (readers_n) err = seal(&sealed, hash, &full, items, n, payload_secret, readers, readers_n);
	if (!err) err = sign(submit, member, hub_id, &full, sign_secret);
	if (!err) {
		if (readers_n) put_field(submit, SUBMIT_PAYLOAD, sealed.data, sealed.len);
		else put_clear(submit, items, n, payload_secret);
		err = submit->err;
	}
	wire_buf_clear(&sealed);
	return err;
}

enum isac_err wire_report_make(struct wire_buf *submit, const char *member, const char *hub_id, const Isac1__Header *header,
			       const struct wire_bytes *items, uint32_t n, const uint8_t payload_secret[WIRE_SECRET],
			       const uint8_t sign_secret[WIRE_SIGN_SECRET])
{
	return wire_report_make_sealed(submit, member, hub_id, header, items, n, payload_secret, sign_secret, NULL, 0);
}
