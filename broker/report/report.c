/*
 * A report's life in memory: opened once from its exact bytes, shared by reference, freed by the last who lets go.
 *
 * The hot path of ingest, so: header and payload are copied once, and the items are slices of that copy; the payload's two fields are
 * walked here after the scan has judged them, because protobuf-c would copy every item again. Everything lives in the report's
 * arena, whose cap is what a hostile report can cost. Verified reports keep salts and tree, since they are about to be disclosed to
 * many; reports from the store are opened unchecked and compute those when they must.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "report/report.h"

enum { TAG_SECRET = 0x0a, TAG_ITEM = 0x12 }; /* Payload's fields 1 and 2, length-delimited */
enum { SLOTS = 2048 };
_Static_assert(SLOTS >= 2 * WIRE_LIMIT_ITEMS, "the table of duplicates would be too full");

static enum isac_err full(const struct report *r, struct wire_why *why)
{
	if (!r->arena.over) return wire_refuse(why, ISAC_ERR_NO_MEMORY, "out of memory");
	return wire_refuse(why, ISAC_ERR_TOO_LARGE, "the report takes more than %d bytes of memory", WIRE_LIMIT_DECODE_BYTES);
}

static enum isac_err copy_bytes(struct report *r, struct wire_bytes header, struct wire_bytes payload, struct wire_why *why)
{
	uint8_t *copy = wire_arena_alloc(&r->arena, header.len + payload.len);

	if (!copy) return full(r, why);
	if (header.len) memcpy(copy, header.data, header.len);
	if (payload.len) memcpy(copy + header.len, payload.data, payload.len);
	r->header_bytes = (struct wire_bytes){copy, header.len};
	r->payload_bytes = (struct wire_bytes){copy + header.len, payload.len};
	return ISAC_OK;
}

/* The next field of a payload that wire_scan has accepted; NULL if it is not one of ours. */
static const uint8_t *next_field(const uint8_t *p, const uint8_t *end, uint8_t *tag, struct wire_bytes *value)
{
	size_t len = 0;

	*tag = *p++;
	if (*tag != TAG_SECRET && *tag != TAG_ITEM) return NULL;
	for (unsigned shift = 0;; shift += 7) {
		if (p == end || shift > 28) return NULL;
		len |= (size_t)(*p & 0x7f) << shift;
		if (!(*p++ & 0x80)) break;
	}
	if (len > (size_t)(end - p)) return NULL;
	*value = (struct wire_bytes){p, len};
	return p + len;
}

/* The secret, and how many items there are. */
static enum isac_err walk_payload(struct report *r, uint32_t *items, struct wire_why *why)
{
	const uint8_t *p = r->payload_bytes.data, *end = p + r->payload_bytes.len;
	struct wire_bytes value, secret = {NULL, 0};
	uint8_t tag;

	for (*items = 0; p < end;) {
		p = next_field(p, end, &tag, &value);
		if (!p) return wire_refuse(why, ISAC_ERR_MALFORMED, "Payload: unknown field");
		if (tag == TAG_SECRET) secret = value;
		else ++*items;
	}
	if (secret.len != WIRE_SECRET) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "the payload's secret is not %d bytes", WIRE_SECRET);
	memcpy(r->secret, secret.data, WIRE_SECRET);
	return ISAC_OK;
}

static void slice_items(struct report *r)
{
	const uint8_t *p = r->payload_bytes.data, *end = p + r->payload_bytes.len;
	struct wire_bytes value;
	uint32_t i = 0;
	uint8_t tag;

	while (p < end) {
		p = next_field(p, end, &tag, &value);
		if (tag == TAG_ITEM) r->items[i++].bytes = value;
	}
}

static enum isac_err open_payload(struct report *r, bool check, struct wire_why *why)
{
	enum isac_err err = wire_scan(&isac1__payload__descriptor, r->payload_bytes.data, r->payload_bytes.len, check, why);
	uint32_t items;

	if (!err) err = walk_payload(r, &items, why);
	if (err) return err;
	if (items == 0) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "the report has no items");
	if (items > WIRE_LIMIT_ITEMS) return wire_refuse(why, ISAC_ERR_TOO_LARGE, "the report has more than %d items", WIRE_LIMIT_ITEMS);
	if (items != r->header->item_count)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "the header counts %u items, the payload has %u", r->header->item_count, items);
	r->items = wire_arena_alloc(&r->arena, items * sizeof(*r->items));
	r->held = wire_arena_alloc(&r->arena, (items + 7) / 8);
	if (!r->items || !r->held) return full(r, why);
	memset(r->items, 0, items * sizeof(*r->items));
	memset(r->held, 0, (items + 7) / 8);
	r->n = items;
	slice_items(r);
	return ISAC_OK;
}

/* To index and history a sealed report is one item that says nothing, found by what its header says; its key is nothing's but its own. */
static const Isac1__Indicator NOTHING = ISAC1__INDICATOR__INIT;

/* What is in it its readers check: whether the keys are for those who are named is intake's to ask, wire_sealed_check. */
static enum isac_err open_sealed(struct report *r, bool check, struct wire_why *why)
{
	uint8_t hash[WIRE_HASH];

	wire_hash(hash, r->payload_bytes.data, r->payload_bytes.len);
	if (check && (r->header->sealed.len != WIRE_HASH || memcmp(r->header->sealed.data, hash, WIRE_HASH) != 0))
		return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "the sealed payload is not the one that the header commits to");
	if (check && (!r->header->item_count || r->header->item_count > WIRE_LIMIT_ITEMS || r->header->items_root.len != WIRE_HASH))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "item_count or items_root of a sealed report is out of range");
	r->items = wire_arena_alloc(&r->arena, sizeof(*r->items));
	r->held = wire_arena_alloc(&r->arena, 1);
	if (!r->items || !r->held) return full(r, why);
	*r->items = (struct report_item){.bytes = r->payload_bytes, .ind = &NOTHING, .value = {.text = ""}};
	memcpy(r->items->key, r->header_hash, WIRE_VALUE_KEY);
	*r->held = 0;
	r->sealed = true;
	r->n = 1;
	return ISAC_OK;
}

static enum isac_err check_root(struct report *r, struct wire_why *why)
{
	const uint32_t hashes = wire_merkle_tree_count(r->n);

	r->salts = wire_arena_alloc(&r->arena, (size_t)r->n * WIRE_SALT);
	r->tree = wire_arena_alloc(&r->arena, (size_t)hashes * WIRE_HASH);
	if (!r->salts || !r->tree) return full(r, why);
	for (uint32_t i = 0; i < r->n; i++) {
		uint8_t *salt = r->salts + (size_t)i * WIRE_SALT;

		wire_merkle_salt(salt, r->secret, i);
		wire_merkle_item(r->tree + (size_t)i * WIRE_HASH, salt, r->items[i].bytes.data, r->items[i].bytes.len);
	}
	wire_merkle_tree(r->tree, r->n);
	if (r->header->items_root.len == WIRE_HASH &&
	    memcmp(r->header->items_root.data, r->tree + (size_t)(hashes - 1) * WIRE_HASH, WIRE_HASH) == 0)
		return ISAC_OK;
	return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "the items are not those that the header commits to");
}

/*
 * Rules get stricter with every release of the public-suffix list, and what was accepted stays in the store: an old value that would be
 * refused today stands as its publisher wrote it, else it would block the replay of everything behind it.
 */
static enum isac_err open_body(struct report *r, struct report_item *item, const Isac1__Item *body, bool check, struct wire_why *why)
{
	switch (body->body_case) {
	case ISAC1__ITEM__BODY_INDICATOR:
		item->ind = body->indicator;
		if (check) return wire_indicator_check(&item->value, item->ind, &r->arena, why);
		return wire_value_known(&item->value, item->ind->type, item->ind->value, &r->arena);
	case ISAC1__ITEM__BODY_SIGHTING:
		item->sighting = body->sighting;
		if (check) return wire_sighting_check(&item->value, item->sighting, &r->arena, why);
		return wire_value_known(&item->value, item->sighting->type, item->sighting->value, &r->arena);
	case ISAC1__ITEM__BODY_WITHDRAWAL:
		item->withdrawal = body->withdrawal;
		if (check) return wire_withdrawal_check(&item->value, item->withdrawal, &r->arena, why);
		return wire_value_known(&item->value, item->withdrawal->type, item->withdrawal->value, &r->arena);
	default:
		return ISAC_OK;
	}
}

/* A successor says of each item of the report that it replaces what becomes of it: so it may hold withdrawals. */
static bool is_of_kind(const Isac1__Header *h, uint32_t kind)
{
	return kind == h->kind || (h->supersedes.len && kind == ISAC1__KIND__KIND_WITHDRAWAL);
}

static enum isac_err open_item(struct report *r, uint32_t i, bool check, struct wire_why *why)
{
	struct report_item *item = &r->items[i];
	ProtobufCMessage *msg;
	enum isac_err err = wire_open(&msg, &isac1__item__descriptor, &r->arena, item->bytes.data, item->bytes.len, check, why);

	if (err) return err;
	item->kind = (uint32_t)((const Isac1__Item *)msg)->body_case;
	if (check && !is_of_kind(r->header, item->kind))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "the item is not of the header's kind");
	err = open_body(r, item, (const Isac1__Item *)msg, check, why);
	if (err || !item->value.type) return err;
	geo_find(&item->place, item->value.addr, item->value.family, !item->ind || !*item->ind->country, !item->ind || !item->ind->asn);
	wire_value_key(item->key, item->value.type, item->value.text, item->value.len);
	if (item->ind && item->value.held) {
		r->held[i / 8] |= (uint8_t)(1u << i % 8);
		r->held_count++;
	}
	return ISAC_OK;
}

/* Open addressing on the keys; a slot holds 1 + item. Who grinds keys into one slot makes 1000 items cost 500,000 comparisons: 1 ms. */
static enum isac_err check_duplicates(const struct report *r, struct wire_why *why)
{
	uint16_t slot[SLOTS] = {0};

	for (uint32_t i = 0; i < r->n; i++) {
		const uint8_t *key = r->items[i].key;
		uint32_t at = wire_get_u32(key) % SLOTS;

		if (!r->items[i].value.type) continue;
		for (; slot[at]; at = (at + 1) % SLOTS) {
			if (memcmp(r->items[slot[at] - 1].key, key, WIRE_VALUE_KEY) != 0) continue;
			wire_refuse(why, ISAC_ERR_BAD_VALUE, "the same value as item %u", slot[at] - 1u);
			if (why) why->item = i + 1;
			return ISAC_ERR_BAD_VALUE;
		}
		slot[at] = (uint16_t)(i + 1);
	}
	return ISAC_OK;
}

static enum isac_err open_all(struct report *r, struct wire_bytes header, struct wire_bytes payload, bool check, struct wire_why *why)
{
	ProtobufCMessage *msg;
	enum isac_err err = copy_bytes(r, header, payload, why);

	if (!err) err = wire_open(&msg, &isac1__header__descriptor, &r->arena, r->header_bytes.data, r->header_bytes.len, check, why);
	if (err) return err;
	r->header = (const Isac1__Header *)msg;
	wire_hash(r->header_hash, r->header_bytes.data, r->header_bytes.len);
	if (!check && payload.len == 0) return ISAC_OK; /* erased: n stays 0 */
	if (r->header->sealed.len) return open_sealed(r, check, why);
	err = open_payload(r, check, why);
	if (!err && check) err = check_root(r, why);
	for (uint32_t i = 0; i < r->n && !err; i++) {
		err = open_item(r, i, check, why);
		if (err && why) why->item = i + 1;
	}
	return !err && check ? check_duplicates(r, why) : err;
}

enum isac_err report_open(struct report **out, struct wire_bytes header, struct wire_bytes payload, const uint8_t signature[WIRE_SIGNATURE],
			  bool check, struct wire_why *why)
{
	struct report *r = calloc(1, sizeof(*r));
	enum isac_err err;

	*out = NULL;
	if (!r) return wire_refuse(why, ISAC_ERR_NO_MEMORY, "out of memory");
	atomic_init(&r->refs, 1);
	wire_arena_init(&r->arena, WIRE_LIMIT_DECODE_BYTES);
	memcpy(r->signature, signature, WIRE_SIGNATURE);
	err = open_all(r, header, payload, check, why);
	if (err) report_unref(&r);
	else *out = r;
	return err;
}

struct report *report_ref(struct report *report)
{
	const unsigned before = atomic_fetch_add_explicit(&report->refs, 1, memory_order_relaxed);

	assert(before > 0);
	(void)before;
	return report;
}

void report_unref(struct report **report)
{
	struct report *r = *report;
	unsigned before;

	*report = NULL;
	if (!r) return;
	before = atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel);
	assert(before > 0);
	if (before > 1) return;
	wire_arena_clear(&r->arena);
	free(r);
}

size_t report_bytes(const struct report *report)
{
	return sizeof(*report) + report->arena.held;
}
