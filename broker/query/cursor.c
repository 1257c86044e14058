/*
 * cursor: where the next page of an answer goes on: a place (of a query: u64 seq | u32 item) | 8 bytes of keyed BLAKE2b over place,
 * member and what was asked.
 *
 * It carries no right: entitlement is checked for every page. The tag only makes a cursor that was not ours, or was for
 * another filter, an error (416) and not a page of nonsense. It holds no state here, so it outlives connections and restarts.
 */
#include "query/priv.h"

#include <sodium.h>
#include <string.h>

enum { PLACE = 12, TAG = QUERY_CURSOR_TAG };

static void make_tag(uint8_t tag[TAG], const uint8_t *place, size_t len, const uint8_t key[QUERY_CURSOR_KEY], const char *member,
		     const char *filter)
{
	crypto_generichash_state state;
	uint8_t full[16];
	crypto_generichash_init(&state, key, QUERY_CURSOR_KEY, sizeof(full));
	crypto_generichash_update(&state, place, len);
	crypto_generichash_update(&state, (const uint8_t *)member, strlen(member) + 1); /* the NUL parts the two */
	crypto_generichash_update(&state, (const uint8_t *)filter, strlen(filter));
	crypto_generichash_final(&state, full, sizeof(full));
	memcpy(tag, full, TAG);
}

void query_cursor_seal(uint8_t *out, const uint8_t *place, size_t len, const uint8_t key[QUERY_CURSOR_KEY], const char *member,
		       const char *about)
{
	memmove(out, place, len);
	make_tag(out + len, out, len, key, member, about);
}

enum isac_err query_cursor_check(const uint8_t *data, size_t data_len, size_t len, const uint8_t key[QUERY_CURSOR_KEY], const char *member,
				 const char *about)
{
	uint8_t tag[TAG];
	if (data_len != len + TAG) return ISAC_ERR_BAD_CURSOR;
	make_tag(tag, data, len, key, member, about);
	return sodium_memcmp(tag, data + len, TAG) ? ISAC_ERR_BAD_CURSOR : ISAC_OK;
}

void query_cursor_make(uint8_t out[QUERY_CURSOR], const struct query_cursor *at, const uint8_t key[QUERY_CURSOR_KEY], const char *member,
		       const char *filter)
{
	wire_put_u64(out, at->seq);
	wire_put_u32(out + 8, at->item);
	make_tag(out + PLACE, out, PLACE, key, member, filter);
}

enum isac_err query_cursor_open(struct query_cursor *out, const uint8_t *data, size_t len, const uint8_t key[QUERY_CURSOR_KEY],
				const char *member, const char *filter)
{
	*out = (struct query_cursor){0, 0};
	if (!len) return ISAC_OK;
	enum isac_err err = query_cursor_check(data, len, PLACE, key, member, filter);
	if (err) return err;
	out->seq = wire_get_u64(data);
	out->item = wire_get_u32(data + 8);
	return ISAC_OK;
}
