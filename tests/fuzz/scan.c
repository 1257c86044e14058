/*
 * Any bytes as any message. First byte: which message and whether strict. The differential: what the strict scan
 * accepts, protobuf-c decodes within DECODE_BYTES, and packed again it passes the scan again and stays the same.
 */
#include <stdlib.h>
#include <string.h>
#include "wire/wire.h"

static const ProtobufCMessageDescriptor *const messages[] = {
#define FRAME(num, name, port, dir, msg, text) &isac1__##msg##__descriptor,
#include "wire/frame.def"
#undef FRAME
	&isac1__header__descriptor,  &isac1__payload__descriptor,      &isac1__item__descriptor,
	&isac1__command__descriptor, &isac1__receipt_body__descriptor, &isac1__entry__descriptor,
};

static void check(bool ok)
{
	if (!ok) abort();
}

static void pack_again(const ProtobufCMessageDescriptor *desc, const ProtobufCMessage *msg, struct wire_arena *arena)
{
	struct wire_buf first, second;
	ProtobufCMessage *again;

	wire_buf_init(&first, 1 << 24);
	wire_buf_init(&second, 1 << 24);
	wire_pack(&first, msg);
	check(!first.err);
	/* Empty now if only defaults were written out; and packing may have dropped nothing but these. */
	if (first.len) {
		check(!wire_open(&again, desc, arena, first.data, first.len, true, NULL));
		wire_pack(&second, again);
		check(second.len == first.len && memcmp(second.data, first.data, first.len) == 0);
	}
	wire_buf_clear(&first);
	wire_buf_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *desc;
	struct wire_why why = {0};
	struct wire_arena arena;
	ProtobufCMessage *msg;
	enum isac_err err;
	bool strict;

	if (!size) return 0;
	desc = messages[(data[0] & 0x7f) % (sizeof messages / sizeof *messages)];
	strict = !(data[0] & 0x80);
	wire_arena_init(&arena, 2 * WIRE_LIMIT_DECODE_BYTES);
	err = wire_open(&msg, desc, &arena, data + 1, size - 1, strict, &why);
	check(err == ISAC_OK || err == ISAC_ERR_MALFORMED || err == ISAC_ERR_TOO_LARGE || err == ISAC_ERR_BAD_VALUE);
	check(!err || !strict || why.text[0]);
	if (!err) {
		check(arena.used <= WIRE_LIMIT_DECODE_BYTES);
		/* Who reads accepts whatever the hub accepts. */
		if (strict) check(!wire_scan(desc, data + 1, size - 1, false, NULL));
		if (strict) pack_again(desc, msg, &arena);
	} else {
		/* The scan alone decided: protobuf-c never refuses what it let pass. */
		check(wire_scan(desc, data + 1, size - 1, strict, NULL) == err);
	}
	wire_arena_clear(&arena);
	return 0;
}
