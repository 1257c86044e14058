/*
 * Head frames, bundles, and whole entries and receipts from anyone: everything a peer's bytes reach before or while a
 * signature is checked. Nothing made by a fuzzer may verify: it does not have the keys (the public keys are of
 * hashes, whose secrets nobody knows).
 */
#include <stdlib.h>
#include <string.h>
#include "wire/wire.h"

static void check(bool ok)
{
	if (!ok) abort();
}

static void try_head(const uint8_t *data, size_t size)
{
	uint8_t packed[WIRE_DELIVERY_HEAD_BYTES];
	struct wire_head head;

	if (wire_head_open(&head, data, size)) return;
	check(wire_head_pack(packed, &head) == size && memcmp(packed, data, size) == 0);
	wire_frame_find(head.type);
}

static void try_bundles(const uint8_t *data, size_t size)
{
	struct wire_member member;
	struct wire_hub hub;
	struct wire_why why = {0};
	struct wire_buf out;

	if (!wire_member_parse(&member, (const char *)data, size, &why)) check(wire_name_ok(member.name));
	if (wire_hub_parse(&hub, (const char *)data, size, &why)) return;
	wire_buf_init(&out, 4096);
	check(!wire_hub_format(&out, &hub) && out.len == size);
	wire_buf_clear(&out);
}

static void try_messages(const uint8_t *data, size_t size)
{
	static const uint8_t key[WIRE_SIGN_PUBLIC] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7};
	struct wire_arena arena;
	ProtobufCMessage *msg;
	Isac1__Header *header;
	Isac1__ReceiptBody *body;

	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	if (!wire_open(&msg, &isac1__entry__descriptor, &arena, data, size, false, NULL))
		check(wire_entry_verify(&header, (const Isac1__Entry *)msg, "0123456789abcdef", key, &arena, NULL));
	if (!wire_open(&msg, &isac1__receipt__descriptor, &arena, data, size, false, NULL))
		check(wire_receipt_verify(&body, (const Isac1__Receipt *)msg, "0123456789abcdef", key, &arena, NULL));
	wire_arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_head(data, size);
	try_bundles(data, size);
	try_messages(data, size);
	return 0;
}
