/*
 * A payload that its recipients alone can open (proto/README.md section 5): one fresh key for the body, and that key sealed to each
 * reader's CURVE key. The body is bound to its report by the ids of the header, the header to these very bytes by their hash: nobody can
 * carry a body over into a report of his own, nor change it on the way.
 */
#include <sodium.h>
#include <string.h>
#include "wire/wire.h"

enum { KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES, TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES };
enum { BOX = KEY + crypto_box_SEALBYTES, READERS_MAX = WIRE_LIMIT_RECIPIENTS + 1 };
static const char LABEL[] = "isac1 sealed";
enum { BOUND = sizeof LABEL - 1 + WIRE_ID + WIRE_KEY_ID };
/* A key is used for one body only, so its nonce may be this one. */
static const uint8_t NONCE[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

static bool bind(uint8_t out[BOUND], const Isac1__Header *header)
{
	if (header->report_id.len != WIRE_ID || header->key_id.len != WIRE_KEY_ID) return false;
	memcpy(out, LABEL, sizeof LABEL - 1);
	memcpy(out + sizeof LABEL - 1, header->report_id.data, WIRE_ID);
	memcpy(out + sizeof LABEL - 1 + WIRE_ID, header->key_id.data, WIRE_KEY_ID);
	return true;
}

static enum isac_err add_keys(struct wire_buf *out, const uint8_t key[KEY], const struct wire_reader *readers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t box[BOX];
		Isac1__SealedKey one = ISAC1__SEALED_KEY__INIT, *list[] = {&one};
		Isac1__SealedPayload piece = ISAC1__SEALED_PAYLOAD__INIT;

		if (crypto_box_seal(box, key, KEY, readers[i].curve)) return ISAC_ERR_BAD_VALUE;
		one.member = (char *)(uintptr_t)readers[i].name;
		one.box = (ProtobufCBinaryData){sizeof box, box};
		piece.keys = list;
		piece.n_keys = 1;
		wire_pack(out, &piece.base); /* a message in pieces is the same message */
	}
	return out->err;
}

enum isac_err wire_sealed_make(struct wire_buf *out, struct wire_bytes payload, const Isac1__Header *header,
			       const struct wire_reader *readers, size_t n)
{
	uint8_t key[KEY], bound[BOUND];
	Isac1__SealedPayload sealed = ISAC1__SEALED_PAYLOAD__INIT;
	struct wire_buf body;
	enum isac_err err = ISAC_OK;
	uint8_t *at;

	if (!n || n > READERS_MAX || !bind(bound, header)) return ISAC_ERR_BAD_VALUE;
	wire_buf_init(&body, WIRE_LIMIT_FRAME_BYTES);
	at = wire_buf_extend(&body, payload.len + TAG);
	if (!at) return body.err;
	crypto_aead_xchacha20poly1305_ietf_keygen(key);
	crypto_aead_xchacha20poly1305_ietf_encrypt(at, NULL, payload.data, payload.len, bound, sizeof bound, NULL, NONCE, key);
	sealed.body = (ProtobufCBinaryData){body.len, body.data};
	wire_pack(out, &sealed.base);
	err = add_keys(out, key, readers, n);
	sodium_memzero(key, sizeof key);
	wire_buf_clear(&body);
	return err;
}

/* Opened, and what the header says of it. Strangers' bytes until the hash holds. NULL: *err says why. */
static Isac1__SealedPayload *open_shape(enum isac_err *err, const Isac1__Header *header, struct wire_bytes sealed, bool check,
					struct wire_arena *arena, struct wire_why *why)
{
	uint8_t hash[WIRE_HASH];
	ProtobufCMessage *msg;

	wire_hash(hash, sealed.data, sealed.len);
	if (header->sealed.len != WIRE_HASH || memcmp(header->sealed.data, hash, WIRE_HASH) != 0) {
		*err = wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "the sealed payload is not the one that the header commits to");
		return NULL;
	}
	*err = wire_open(&msg, &isac1__sealed_payload__descriptor, arena, sealed.data, sealed.len, check, why);
	return *err ? NULL : (Isac1__SealedPayload *)msg;
}

static size_t count_keys(const Isac1__SealedPayload *p, const char *member)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_keys; i++) n += strcmp(p->keys[i]->member, member) == 0;
	return n;
}

/* What is said about a report names nobody: whether its keys are for those who may read that one, only its store knows. */
static enum isac_err check_each_once(const Isac1__SealedPayload *p, struct wire_why *why)
{
	if (!p->n_keys) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "the body is sealed to nobody");
	for (size_t i = 0; i < p->n_keys; i++)
		if (!wire_name_ok(p->keys[i]->member) || count_keys(p, p->keys[i]->member) != 1)
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "sealed key %zu is for no member, or a second one", i + 1);
	return ISAC_OK;
}

static enum isac_err check_keys(const Isac1__SealedPayload *p, const Isac1__Header *header, const char *publisher, struct wire_why *why)
{
	size_t named = 0;
	bool self = false;

	for (size_t i = 0; i < p->n_keys; i++)
		if (p->keys[i]->box.len != BOX) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "a sealed key is not %d bytes", BOX);
	if (header->about.len) return check_each_once(p, why);
	for (size_t i = 0; i < header->n_recipients; i++) {
		bool again = false;

		for (size_t j = 0; j < i; j++) again |= strcmp(header->recipients[j], header->recipients[i]) == 0;
		if (again) continue;
		if (count_keys(p, header->recipients[i]) != 1)
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "recipient %zu has no sealed key, or several", i + 1);
		self |= strcmp(header->recipients[i], publisher) == 0;
		named++;
	}
	if (!self) named += count_keys(p, publisher) == 1;
	if (named != p->n_keys) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "a sealed key is for nobody whom the header names");
	return ISAC_OK;
}

enum isac_err wire_sealed_check(const Isac1__Header *header, struct wire_bytes sealed, const char *publisher, struct wire_why *why)
{
	const Isac1__SealedPayload *p;
	struct wire_arena arena;
	enum isac_err err;

	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	p = open_shape(&err, header, sealed, true, &arena, why);
	if (p && p->body.len <= TAG) err = wire_refuse(why, ISAC_ERR_BAD_VALUE, "the sealed body is empty");
	if (p && !err && p->n_keys > READERS_MAX) err = wire_refuse(why, ISAC_ERR_TOO_LARGE, "more than %d sealed keys", READERS_MAX);
	if (p && !err) err = check_keys(p, header, publisher, why);
	wire_arena_clear(&arena);
	return err;
}

enum isac_err wire_sealed_readers(char *const **names, size_t *n, struct wire_bytes sealed, struct wire_arena *arena)
{
	ProtobufCMessage *msg;
	enum isac_err err = wire_open(&msg, &isac1__sealed_payload__descriptor, arena, sealed.data, sealed.len, false, NULL);
	const Isac1__SealedPayload *p = (const Isac1__SealedPayload *)msg;
	char **out;

	if (err) return err;
	*n = p->n_keys < READERS_MAX ? p->n_keys : READERS_MAX;
	out = wire_arena_alloc(arena, (*n + 1) * sizeof(*out));
	if (!out) return ISAC_ERR_NO_MEMORY;
	for (size_t i = 0; i < *n; i++) out[i] = p->keys[i]->member;
	*names = out;
	return ISAC_OK;
}

static enum isac_err open_box(uint8_t key[KEY], const Isac1__SealedPayload *p, const char *member, const uint8_t secret[WIRE_CURVE],
			      struct wire_why *why)
{
	uint8_t public_key[WIRE_CURVE];

	crypto_scalarmult_base(public_key, secret);
	for (size_t i = 0; i < p->n_keys && i < READERS_MAX; i++) {
		const Isac1__SealedKey *k = p->keys[i];

		if (strcmp(k->member, member) != 0) continue;
		if (k->box.len == BOX && !crypto_box_seal_open(key, k->box.data, BOX, public_key, secret)) return ISAC_OK;
		return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "sealed to another key than this home's curve.key");
	}
	return wire_refuse(why, ISAC_ERR_NOT_FOUND, "sealed, and not to this member");
}

enum isac_err wire_sealed_open(struct wire_bytes *payload, const Isac1__Header *header, struct wire_bytes sealed, const char *member,
			       const uint8_t curve_secret[WIRE_CURVE], struct wire_arena *arena, struct wire_why *why)
{
	uint8_t key[KEY], bound[BOUND], *clear;
	enum isac_err err;
	const Isac1__SealedPayload *p = open_shape(&err, header, sealed, false, arena, why);
	bool opened;

	if (!p) return err;
	if (p->body.len <= TAG || !bind(bound, header)) return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "the sealed body is empty");
	err = open_box(key, p, member, curve_secret, why);
	if (err) return err;
	clear = wire_arena_alloc(arena, p->body.len);
	opened = clear &&
		 !crypto_aead_xchacha20poly1305_ietf_decrypt(clear, NULL, NULL, p->body.data, p->body.len, bound, sizeof bound, NONCE, key);
	sodium_memzero(key, sizeof key);
	if (!clear) return wire_refuse(why, ISAC_ERR_NO_MEMORY, "out of memory");
	if (!opened) return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "the sealed body does not open with its key");
	*payload = (struct wire_bytes){clear, p->body.len - TAG};
	return ISAC_OK;
}
