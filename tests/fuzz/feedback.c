/*
 * Fuzz target: what members say of reports that are there. Byte 0 chooses sightings, withdrawals, a successor or indicators; then u16
 * length and bytes of each item. The header is made to commit to them, so that all behind the root is reached. What opens keeps the rules
 * of kinds, has each value once, is the same when it comes out of the store, and can be disclosed.
 */
#include <stdlib.h>
#include <string.h>
#include "report/report.h"

#define MUST(condition) \
	do { \
		if (!(condition)) abort(); \
	} while (0)
enum { ITEMS_MAX = 64 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t id[WIRE_ID] = {1}, secret[WIRE_SECRET] = {2};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(wire_init() == ISAC_OK);
	return 0;
}

static size_t split(ProtobufCBinaryData *items, const uint8_t *data, size_t size)
{
	size_t n = 0;

	while (size >= 2 && n < ITEMS_MAX) {
		size_t len = (size_t)data[0] << 8 | data[1];

		if (len > size - 2) len = size - 2;
		items[n++] = (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)(data + 2)};
		data += 2 + len;
		size -= 2 + len;
	}
	return n;
}

static void commit_to(uint8_t root[WIRE_HASH], const ProtobufCBinaryData *items, size_t n)
{
	uint8_t leaves[ITEMS_MAX * WIRE_HASH], salt[WIRE_SALT];

	for (size_t i = 0; i < n; i++) {
		wire_merkle_salt(salt, secret, (uint32_t)i);
		wire_merkle_item(leaves + i * WIRE_HASH, salt, items[i].data, items[i].len);
	}
	wire_merkle_root(root, leaves, (uint32_t)n);
}

static void check_item(const struct report *r, uint32_t i, struct report_keys *keys)
{
	const struct report_item *item = &r->items[i];
	const char *text = item->sighting ? item->sighting->description : item->withdrawal ? item->withdrawal->description : "";
	uint32_t kind = report_item_kind(r, item);

	MUST(!!item->ind + !!item->sighting + !!item->withdrawal == 1 && item->value.type);
	MUST(kind == r->header->kind || (r->header->supersedes.len && kind == ISAC1__KIND__KIND_WITHDRAWAL));
	MUST(wire_text_ok(text, strlen(text)) && wire_text_ok(item->value.text, item->value.len));
	MUST(report_keys_find(keys, item->key) == i); /* so no other item has this value */
	MUST(item->ind || !report_is_held(r, i));
}

static void check_report(const struct report *r, const struct report *stored)
{
	uint8_t all[(ITEMS_MAX + 7) / 8];
	struct report_keys keys;
	struct wire_buf entry;

	report_keys_sort(&keys, r);
	MUST(keys.n == r->n && stored->n == r->n);
	for (uint32_t i = 0; i < r->n; i++) {
		check_item(r, i, &keys);
		MUST(memcmp(r->items[i].key, stored->items[i].key, WIRE_VALUE_KEY) == 0);
	}
	MUST(!report_original(r) == (r->header->kind == ISAC1__KIND__KIND_INDICATOR && !r->header->supersedes.len));
	memset(all, 0xff, sizeof(all));
	wire_buf_init(&entry, 4 << 20);
	MUST(report_disclose(&entry, stored, all) == ISAC_OK);
	MUST(wire_scan(&isac1__entry__descriptor, entry.data, entry.len, false, NULL) == ISAC_OK);
	wire_buf_clear(&entry);
}

static void try_report(Isac1__Header *header, const Isac1__Payload *payload)
{
	static const uint8_t signature[WIRE_SIGNATURE];
	struct wire_buf h, p;
	struct report *r, *stored;

	wire_buf_init(&h, 1 << 16);
	wire_buf_init(&p, 1 << 16);
	wire_pack(&h, &header->base);
	wire_pack(&p, &payload->base);
	struct wire_bytes head = {h.data, h.len}, body = {p.data, p.len};
	if (!h.err && !p.err && !report_open(&r, head, body, signature, true, NULL)) {
		MUST(report_open(&stored, head, body, signature, false, NULL) == ISAC_OK);
		check_report(r, stored);
		report_unref(&stored);
		report_unref(&r);
	}
	wire_buf_clear(&h);
	wire_buf_clear(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ProtobufCBinaryData items[ITEMS_MAX];
	Isac1__Header header = ISAC1__HEADER__INIT;
	Isac1__Payload payload = ISAC1__PAYLOAD__INIT;
	uint8_t root[WIRE_HASH];
	const size_t n = size > 1 ? split(items, data + 1, size - 1) : 0;

	if (!n) return 0;
	commit_to(root, items, n);
	payload.secret = (ProtobufCBinaryData){sizeof(secret), secret};
	payload.items = items;
	payload.n_items = n;
	header.report_id = (ProtobufCBinaryData){sizeof(id), id};
	header.tlp = ISAC1__TLP__TLP_GREEN;
	header.kind = data[0] % 4 == 3 ? ISAC1__KIND__KIND_INDICATOR : data[0] % 4 + 1;
	header.item_count = (uint32_t)n;
	header.items_root = (ProtobufCBinaryData){sizeof(root), root};
	if (data[0] % 4 == 3) header.supersedes = header.report_id;
	else if (data[0] % 4) header.about = header.report_id;
	if (data[0] % 4 && data[0] % 4 != 3) header.about_publisher = (char *)"bob";
	try_report(&header, &payload);
	return 0;
}
