/*
 * Fuzz target: a report from arbitrary bytes. Byte 0 chooses: a value of any type, refanging and guessing, an item, a whole report
 * (checked or not). Beyond not crashing it holds the invariants that others rely on: canonical forms are fixed points, and whatever
 * opens can be disclosed.
 */
#include <stdlib.h>
#include <string.h>
#include "report/report.h"

#define MUST(condition) \
	do { \
		if (!(condition)) abort(); \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(wire_init() == ISAC_OK);
	return 0;
}

static void try_value(uint32_t type, const char *text, size_t len, struct wire_arena *arena)
{
	struct wire_value value, again;
	struct wire_why why;
	uint8_t key[WIRE_VALUE_KEY];
	const enum isac_err err = wire_value_canon(&value, type, text, len, arena, &why);

	if (err) {
		MUST(wire_text_ok(why.text, strlen(why.text)));
		return;
	}
	MUST(strlen(value.text) == value.len && wire_text_ok(value.text, value.len));
	MUST(wire_value_canon(&again, value.type, value.text, value.len, arena, &why) == ISAC_OK);
	MUST(again.type == value.type && again.len == value.len && memcmp(again.text, value.text, value.len) == 0);
	MUST(again.held == value.held && again.family == value.family && again.prefix == value.prefix);
	MUST(memcmp(again.addr, value.addr, sizeof(value.addr)) == 0 && !again.host == !value.host);
	wire_value_key(key, value.type, value.text, value.len);
}

static void try_text(const char *text, size_t len, struct wire_arena *arena)
{
	size_t plain_len = len;
	const char *plain = wire_value_refang(text, &plain_len, arena);
	struct wire_value value;
	uint32_t type;

	MUST(plain_len <= len);
	type = wire_value_guess(plain, plain_len, arena);
	MUST(type < WIRE_VALUE_END);
	if (type) wire_value_canon(&value, type, plain, plain_len, arena, NULL);
}

static void try_item(const uint8_t *data, size_t len, struct wire_arena *arena)
{
	ProtobufCMessage *msg;
	struct wire_value value;
	const Isac1__Item *item;

	if (wire_open(&msg, &isac1__item__descriptor, arena, data, len, true, NULL) != ISAC_OK) return;
	item = (const Isac1__Item *)msg;
	if (item->body_case == ISAC1__ITEM__BODY_INDICATOR) wire_indicator_check(&value, item->indicator, arena, NULL);
}

static void try_report(const uint8_t *data, size_t len, bool check)
{
	static const uint8_t signature[WIRE_SIGNATURE];
	uint8_t shown[(WIRE_LIMIT_ITEMS + 7) / 8];
	const size_t head = len ? data[0] : 0;
	struct wire_buf entry;
	struct report *r;

	if (len < 1 + head) return;

	const struct wire_bytes header = {data + 1, head}, payload = {data + 1 + head, len - 1 - head};

	if (report_open(&r, header, payload, signature, check, NULL)) return;
	memset(shown, data[len - 1], sizeof(shown));
	wire_buf_init(&entry, 4 << 20);
	if (r->items) MUST(report_disclose(&entry, r, shown) == ISAC_OK);
	MUST(wire_scan(&isac1__entry__descriptor, entry.data, entry.len, false, NULL) == ISAC_OK);
	wire_buf_clear(&entry);
	report_unref(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_arena arena;

	if (size < 1) return 0;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	if (data[0] < 0x40) try_value(data[0] % (WIRE_VALUE_END + 1), (const char *)data + 1, size - 1, &arena);
	else if (data[0] < 0x80) try_text((const char *)data + 1, size - 1, &arena);
	else if (data[0] < 0xc0) try_item(data + 1, size - 1, &arena);
	else try_report(data + 1, size - 1, data[0] & 1);
	wire_arena_clear(&arena);
	return 0;
}
