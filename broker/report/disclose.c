/*
 * An Entry that shows some of a report's items: the hot path of delivery.
 *
 * Packed by hand, because an Entry is bytes that we have already and hashes that we compute in place: no structures, no second copy.
 * Fields come in order of number and empty ones are left out, so that protobuf-c would have written the same bytes; a test holds
 * the two against each other. The proof is appended as bare hashes and then spread to make room for each one's tag.
 */
#include <stdlib.h>
#include <string.h>
#include "report/report.h"

enum { BYTES = 2, VARINT = 0 };
enum {
	F_SEQ = 1,
	F_RECEIVED = 2,
	F_PUBLISHER = 3,
	F_HEADER = 4,
	F_SIGNATURE = 5,
	F_ITEMS = 6,
	F_PROOF = 7,
	F_STATE = 8,
	F_RELEASE_OF = 9,
	F_SECRET = 10,
	F_SEALED = 11
};
enum { F_INDEX = 1, F_SALT = 2, F_ITEM = 3 };
enum { TAGGED_HASH = WIRE_HASH + 2 };
enum { WHOLE_MIN = 2 }; /* items; one salt is shorter than the secret */
/* For a guess: tags and lengths of an item, its salt and index in a part, and what an entry has but for items, header and proof. */
enum { ITEM_AROUND = 4, PART_AROUND = 2 + WIRE_SALT + 2, ENTRY_AROUND = WIRE_SIGNATURE + WIRE_SECRET + 34 };

#define TAG(field, wire) ((uint8_t)((field) << 3 | (wire)))

static bool is_shown(const uint8_t *shown, uint32_t i)
{
	return shown[i / 8] >> (i % 8) & 1;
}

static bool is_whole(const struct report *r, const uint8_t *shown)
{
	uint32_t i = 0;

	while (i < r->n && is_shown(shown, i)) i++;
	return i == r->n && i >= WHOLE_MIN;
}

static size_t varint_size(uint64_t v)
{
	size_t size = 1;

	for (; v > 0x7f; v >>= 7) size++;
	return size;
}

static uint8_t *put_varint(uint8_t *at, uint64_t v)
{
	for (; v > 0x7f; v >>= 7) *at++ = (uint8_t)(v | 0x80);
	*at++ = (uint8_t)v;
	return at;
}

static void add_number(struct wire_buf *entry, unsigned field, uint64_t v)
{
	if (v == 0) return;
	wire_buf_varint(entry, TAG(field, VARINT));
	wire_buf_varint(entry, v);
}

static void add_bytes(struct wire_buf *entry, unsigned field, const void *data, size_t len)
{
	if (len == 0) return;
	wire_buf_varint(entry, TAG(field, BYTES));
	wire_buf_varint(entry, len);
	wire_buf_add(entry, data, len);
}

/* salt NULL: the entry has the secret, and an item goes by its place. */
static void add_item(struct wire_buf *entry, uint32_t index, const uint8_t *salt, const struct wire_bytes *item)
{
	const size_t index_size = salt && index ? 1 + varint_size(index) : 0, salt_size = salt ? 2 + WIRE_SALT : 0;
	const size_t size = index_size + salt_size + 1 + varint_size(item->len) + item->len;
	uint8_t *at = wire_buf_extend(entry, 1 + varint_size(size) + size);

	if (!at) return;
	*at++ = TAG(F_ITEMS, BYTES);
	at = put_varint(at, size);
	if (index_size) {
		*at++ = TAG(F_INDEX, VARINT);
		at = put_varint(at, index);
	}
	if (salt) {
		*at++ = TAG(F_SALT, BYTES);
		*at++ = WIRE_SALT;
		memcpy(at, salt, WIRE_SALT);
		at += WIRE_SALT;
	}
	*at++ = TAG(F_ITEM, BYTES);
	at = put_varint(at, item->len);
	memcpy(at, item->data, item->len);
}

/* Bare hashes from offset `start` on become fields. */
static void spread_proof(struct wire_buf *entry, size_t start)
{
	const size_t n = (entry->len - start) / WIRE_HASH;
	uint8_t *first;

	if (n == 0 || !wire_buf_extend(entry, n * (TAGGED_HASH - WIRE_HASH))) return;
	first = entry->data + start;
	for (size_t i = n; i-- > 0;) {
		memmove(first + i * TAGGED_HASH + 2, first + i * WIRE_HASH, WIRE_HASH);
		first[i * TAGGED_HASH] = TAG(F_PROOF, BYTES);
		first[i * TAGGED_HASH + 1] = WIRE_HASH;
	}
}

/* The hidden items' hashes. Without the tree of a checked report the leaves are computed again. */
static void add_proof(struct wire_buf *entry, const struct report *r, const uint8_t *shown)
{
	const size_t start = entry->len;
	uint8_t salt[WIRE_SALT], *leaves;

	if (r->tree) {
		wire_merkle_tree_prove(entry, r->tree, r->n, shown);
	} else {
		leaves = malloc((size_t)r->n * WIRE_HASH);
		if (!leaves) {
			entry->err = ISAC_ERR_NO_MEMORY;
			return;
		}
		for (uint32_t i = 0; i < r->n; i++) {
			wire_merkle_salt(salt, r->secret, i);
			wire_merkle_item(leaves + (size_t)i * WIRE_HASH, salt, r->items[i].bytes.data, r->items[i].bytes.len);
		}
		wire_merkle_prove(entry, leaves, r->n, shown);
		free(leaves);
	}
	spread_proof(entry, start);
}

size_t report_disclosed_size(const struct report *report, const uint8_t *shown)
{
	const size_t around = is_whole(report, shown) ? ITEM_AROUND : ITEM_AROUND + PART_AROUND;
	size_t size = ENTRY_AROUND + report->header_bytes.len;

	for (uint32_t i = 0; i < report->n; i++)
		if (is_shown(shown, i)) size += report->items[i].bytes.len + around;
	return size;
}

enum isac_err report_disclose_as(struct wire_buf *entry, const struct report *report, const uint8_t *shown, enum report_state state)
{
	const bool whole = is_whole(report, shown);
	uint8_t made[WIRE_SALT];
	uint32_t count = 0;
	bool held = false;

	if (!report->items) return ISAC_ERR_NOT_FOUND;
	add_number(entry, F_SEQ, report->seq);
	add_number(entry, F_RECEIVED, (uint64_t)report->received_us);
	add_bytes(entry, F_PUBLISHER, report->publisher, strlen(report->publisher));
	add_bytes(entry, F_HEADER, report->header_bytes.data, report->header_bytes.len);
	add_bytes(entry, F_SIGNATURE, report->signature, WIRE_SIGNATURE);
	if (report->sealed) {
		add_number(entry, F_STATE, state);
		add_bytes(entry, F_SEALED, report->payload_bytes.data, report->payload_bytes.len);
		return entry->err;
	}
	for (uint32_t i = 0; i < report->n; i++) {
		const uint8_t *salt = whole ? NULL : report->salts ? report->salts + (size_t)i * WIRE_SALT : made;

		if (!is_shown(shown, i)) continue;
		if (salt == made) wire_merkle_salt(made, report->secret, i);
		add_item(entry, i, salt, &report->items[i].bytes);
		held |= report_is_held(report, i);
		count++;
	}
	if (count < report->n) add_proof(entry, report, shown);
	add_number(entry, F_STATE, held ? REPORT_HELD : state);
	add_number(entry, F_RELEASE_OF, report->release_of);
	if (whole) add_bytes(entry, F_SECRET, report->secret, WIRE_SECRET);
	return entry->err;
}

enum isac_err report_disclose(struct wire_buf *entry, const struct report *report, const uint8_t *shown)
{
	return report_disclose_as(entry, report, shown, REPORT_ACTIVE);
}
