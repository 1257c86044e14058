/*
 * cursor: where the next page of a query goes on: u64 seq | u32 item | 8 bytes of keyed BLAKE2b over member, filter and place.
 *
 * It carries no right: entitlement is checked for every page. The tag only makes a cursor that was not ours, or was for
 * another filter, an error (416) and not a page of nonsense. It holds no state here, so it outlives connections and restarts.
 */
#include "query/priv.h"

#include <sodium.h>
#include <string.h>

enum { PLACE = 12, TAG = QUERY_CURSOR - PLACE };

static void make_tag(uint8_t tag[TAG], const uint8_t place[PLACE], const uint8_t key[QUERY_CURSOR_KEY], const char *member,
		     const char *filter)
{
	crypto_generichash_state state;
	uint8_t full[16];
	crypto_generichash_init(&state, key, QUERY_CURSOR_KEY, sizeof(full));
	crypto_generichash_update(&state, place, PLACE);
	crypto_generichash_update(&state, (const uint8_t *)member, strlen(member) + 1); /* the NUL parts the two */
	crypto_generichash_update(&state, (const uint8_t *)filter, strlen(filter));
	crypto_generichash_final(&state, full, sizeof(full));
	memcpy(tag, full, TAG);
}

void query_cursor_make(uint8_t out[QUERY_CURSOR], const struct query_cursor *at, const uint8_t key[QUERY_CURSOR_KEY], const char *member,
		       const char *filter)
{
	wire_put_u64(out, at->seq);
	wire_put_u32(out + 8, at->item);
	make_tag(out + PLACE, out, key, member, filter);
}

enum isac_err query_cursor_open(struct query_cursor *out, const uint8_t *data, size_t len, const uint8_t key[QUERY_CURSOR_KEY],
				const char *member, const char *filter)
{
	uint8_t tag[TAG];
	*out = (struct query_cursor){0, 0};
	if (!len) return ISAC_OK;
	if (len != QUERY_CURSOR) return ISAC_ERR_BAD_CURSOR;
	make_tag(tag, data, key, member, filter);
	if (sodium_memcmp(tag, data + PLACE, TAG)) return ISAC_ERR_BAD_CURSOR;
	out->seq = wire_get_u64(data);
	out->item = wire_get_u32(data + 8);
	return ISAC_OK;
}
