/*
 * Page cursors from anyone: one that was not made here for this member and filter is refused, one that was opens to
 * the place it was made for, and only in one piece. First 32 bytes: a place and how to spoil it; the rest: the cursor.
 */
#include <stdlib.h>
#include <string.h>
#include "query/priv.h"

static void check(bool ok)
{
	if (!ok) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[QUERY_CURSOR_KEY] = {1, 2, 3};
	struct query_cursor at, out;
	uint8_t made[QUERY_CURSOR];
	enum isac_err err;

	if (size < 32) return 0;
	at = (struct query_cursor){wire_get_u64(data), wire_get_u32(data + 8)};
	query_cursor_make(made, &at, key, "alice", "true");
	check(!query_cursor_open(&out, made, sizeof made, key, "alice", "true") && out.seq == at.seq && out.item == at.item);
	check(query_cursor_open(&out, made, sizeof made, key, "bob", "true") == ISAC_ERR_BAD_CURSOR);
	check(query_cursor_open(&out, made, sizeof made, key, "alice", "true ") == ISAC_ERR_BAD_CURSOR);
	made[data[12] % sizeof made] ^= (uint8_t)(1u << data[13] % 8);
	check(query_cursor_open(&out, made, sizeof made, key, "alice", "true") == ISAC_ERR_BAD_CURSOR);
	err = query_cursor_open(&out, data + 32, size - 32, key, "alice", "true");
	check(size == 32 ? !err && !out.seq : err == ISAC_ERR_BAD_CURSOR);
	return 0;
}
