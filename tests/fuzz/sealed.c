/*
 * Fuzz target: a sealed report from arbitrary bytes, as the hub judges it and as a reader opens it. 32 bytes of a CURVE secret, u16 length
 * of the header, the header, the SealedPayload, and a last byte: odd, the header is made to commit to the payload, so that what is behind
 * that check is reached. What passes the hub's check names readers, each once, and can be shown.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "report/report.h"

#define MUST(condition) \
	do { \
		if (!(condition)) abort(); \
	} while (0)
enum { REST = WIRE_CURVE + 3 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(wire_init() == ISAC_OK);
	return 0;
}

static void try_readers(const Isac1__Header *header, struct wire_bytes sealed, struct wire_arena *arena)
{
	char *const *names = NULL;
	size_t n = 0;

	MUST(wire_sealed_readers(&names, &n, sealed, arena) == ISAC_OK);
	MUST((n > 0 || !(header->n_recipients || header->about.len)) && n <= WIRE_LIMIT_RECIPIENTS + 1);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) MUST(strcmp(names[i], names[j]) != 0);
}

static void try_report(const Isac1__Header *header, struct wire_bytes sealed, bool good)
{
	static const uint8_t signature[WIRE_SIGNATURE], all = 1;
	struct wire_buf bytes, entry;
	struct report *r;

	wire_buf_init(&bytes, 1 << 20);
	wire_buf_init(&entry, 4 << 20);
	wire_pack(&bytes, &header->base);
	if (header->sealed.len && !report_open(&r, (struct wire_bytes){bytes.data, bytes.len}, sealed, signature, good, NULL)) {
		MUST(!r->items || (r->sealed && r->n == 1 && report_disclose(&entry, r, &all) == ISAC_OK));
		report_unref(&r);
	}
	wire_buf_clear(&bytes);
	wire_buf_clear(&entry);
}

static void try_sealed(Isac1__Header *header, struct wire_bytes sealed, const uint8_t *secret, bool repair, struct wire_arena *arena)
{
	uint8_t hash[WIRE_HASH];
	struct wire_bytes clear = {NULL, 0};
	bool good;

	wire_hash(hash, sealed.data, sealed.len);
	if (repair) header->sealed = (ProtobufCBinaryData){WIRE_HASH, hash};
	good = wire_sealed_check(header, sealed, "alice", NULL) == ISAC_OK;
	if (good) try_readers(header, sealed, arena);
	if (!wire_sealed_open(&clear, header, sealed, "bob", secret, arena, NULL)) MUST(clear.len < sealed.len);
	try_report(header, sealed, good);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_arena arena;
	ProtobufCMessage *msg;
	size_t head;

	if (size < REST) return 0;
	head = (size_t)data[WIRE_CURVE] << 8 | data[WIRE_CURVE + 1];
	if (head > size - REST) return 0;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	if (!wire_open(&msg, &isac1__header__descriptor, &arena, data + WIRE_CURVE + 2, head, true, NULL))
		try_sealed((Isac1__Header *)msg, (struct wire_bytes){data + WIRE_CURVE + 2 + head, size - REST - head}, data,
			   data[size - 1] & 1, &arena);
	wire_arena_clear(&arena);
	return 0;
}
