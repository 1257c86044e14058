/*
 * A subscriber's side: is this entry what its publisher signed? Signature first, then the header it covers, then the
 * items against the header's root. It does not judge the key (trust, validity) nor what the items say.
 */
#include <string.h>
#include "wire/wire.h"

static enum isac_err refuse(struct wire_why *why, const char *what)
{
	return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "%s", what);
}

/* Joins the proof's hashes, which protobuf keeps apart. */
static enum isac_err join_proof(uint8_t **out, const Isac1__Entry *entry, struct wire_arena *arena, struct wire_why *why)
{
	if (entry->n_proof > WIRE_LIMIT_ITEMS) return refuse(why, "the proof is longer than any report");
	*out = wire_arena_alloc(arena, entry->n_proof * WIRE_HASH);
	if (!*out) return wire_refuse(why, ISAC_ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < entry->n_proof; i++) {
		if (entry->proof[i].len != WIRE_HASH) return refuse(why, "a hash of the proof is not 32 bytes");
		memcpy(*out + i * WIRE_HASH, entry->proof[i].data, WIRE_HASH);
	}
	return ISAC_OK;
}

/* A part's salts are told one by one. A whole report's follow from its secret: then an item says neither salt nor index. */
static enum isac_err find_salt(uint8_t salt[WIRE_SALT], const Isac1__Entry *entry, uint32_t i, struct wire_why *why)
{
	const Isac1__DisclosedItem *item = entry->items[i];

	if (entry->secret.len) {
		if (item->salt.len || item->index) return refuse(why, "an item has a salt or an index beside the report's secret");
		wire_merkle_salt(salt, entry->secret.data, i);
		return ISAC_OK;
	}
	if (item->salt.len != WIRE_SALT) return refuse(why, "a salt is not 16 bytes");
	memcpy(salt, item->salt.data, WIRE_SALT);
	return ISAC_OK;
}

static enum isac_err check_items(const Isac1__Header *header, const Isac1__Entry *entry, struct wire_arena *arena, struct wire_why *why)
{
	uint8_t root[WIRE_HASH], salt[WIRE_SALT], *leaves, *proof = NULL;
	uint32_t *index;
	enum isac_err err;

	if (entry->n_items > header->item_count) return refuse(why, "more items than the header counts");
	if (entry->secret.len && entry->secret.len != WIRE_SECRET) return refuse(why, "the secret is not 32 bytes");
	if (entry->secret.len && entry->n_items != header->item_count) return refuse(why, "a part of a report came with its secret");
	leaves = wire_arena_alloc(arena, entry->n_items * WIRE_HASH);
	index = wire_arena_alloc(arena, entry->n_items * sizeof *index);
	if (!leaves || !index) return wire_refuse(why, ISAC_ERR_NO_MEMORY, "out of memory");
	err = join_proof(&proof, entry, arena, why);
	if (err) return err;
	for (uint32_t i = 0; i < entry->n_items; i++) {
		const ProtobufCBinaryData *item = &entry->items[i]->item;

		err = find_salt(salt, entry, i, why);
		if (err) return err;
		index[i] = wire_entry_index(entry, i);
		wire_merkle_item(leaves + (size_t)i * WIRE_HASH, salt, item->data, item->len);
	}
	err = wire_merkle_verify(root, header->item_count, index, leaves, (uint32_t)entry->n_items, proof, (uint32_t)entry->n_proof);
	if (err || memcmp(root, header->items_root.data, WIRE_HASH) != 0)
		return refuse(why, "the items are not those that the header commits to");
	return ISAC_OK;
}

enum isac_err wire_entry_verify(Isac1__Header **header, const Isac1__Entry *entry, const char *hub_id,
				const uint8_t public_key[WIRE_SIGN_PUBLIC], struct wire_arena *arena, struct wire_why *why)
{
	ProtobufCMessage *msg;
	Isac1__Header *h;
	enum isac_err err;

	*header = NULL;
	if (entry->signature.len != WIRE_SIGNATURE) return refuse(why, "the signature is not 64 bytes");
	err = wire_sign_check(entry->signature.data, WIRE_SIGN_REPORT, hub_id, entry->header.data, entry->header.len, public_key);
	if (err) return wire_refuse(why, err, "the publisher's signature does not hold");
	err = wire_open(&msg, &isac1__header__descriptor, arena, entry->header.data, entry->header.len, false, why);
	if (err) return err;
	h = (Isac1__Header *)msg;
	if (!h->item_count || h->item_count > WIRE_LIMIT_ITEMS) return refuse(why, "item_count is out of range");
	if (h->items_root.len != WIRE_HASH) return refuse(why, "items_root is not 32 bytes");
	err = check_items(h, entry, arena, why);
	if (err) return err;
	*header = h;
	return ISAC_OK;
}
