/*
 * The roster: CURVE keys that may connect, open addressing over a keyed hash.
 *
 * The User-Id of a connection is its key in hex, not the member's name: a member may have several keys, and revoking one must end
 * what connected with it and nothing else. Every message is looked up here again, so a new roster takes hold at once.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include "front/priv.h"

static uint8_t hash_key[crypto_shorthash_KEYBYTES]; /* random: nobody can aim keys at one slot */

void front_roster_init(struct front_roster *r)
{
	*r = (struct front_roster){.generation = 0};
	randombytes_buf(hash_key, sizeof hash_key);
}

void front_roster_clear(struct front_roster *r)
{
	free(r->slot);
	*r = (struct front_roster){.generation = 0};
}

static size_t place(const char key[FRONT_KEY_TEXT])
{
	uint8_t out[crypto_shorthash_BYTES];
	size_t at;

	crypto_shorthash(out, (const uint8_t *)key, FRONT_KEY_TEXT, hash_key);
	memcpy(&at, out, sizeof at);
	return at;
}

/* The slot of key, or the empty one where it belongs. */
static struct front_member *probe(const struct front_roster *r, const char key[FRONT_KEY_TEXT])
{
	size_t at = place(key) & r->mask;

	while (r->slot[at].name_len && memcmp(r->slot[at].key, key, FRONT_KEY_TEXT) != 0) at = (at + 1) & r->mask;
	return &r->slot[at];
}

/* Entries in the bytes, or -1 if they are not a list of entries. */
static long count_entries(const uint8_t *data, size_t len)
{
	long n = 0;

	for (size_t at = 0; at < len; n++) {
		uint8_t name_len;

		if (len - at < WIRE_CURVE + 1) return -1;
		name_len = data[at + WIRE_CURVE];
		at += WIRE_CURVE + 1;
		if (!name_len || name_len > WIRE_LIMIT_NAME_BYTES || len - at < name_len) return -1;
		at += name_len;
	}
	return n;
}

enum isac_err front_roster_read(struct front_roster *r, uint64_t generation, const uint8_t *data, size_t len)
{
	struct front_roster next = {.generation = generation, .known = true};
	long n = count_entries(data, len);
	size_t slots = 16;

	if (n < 0) return ISAC_ERR_MALFORMED;
	while (slots < 2 * (size_t)n) slots *= 2;
	next.slot = calloc(slots, sizeof *next.slot);
	if (!next.slot) return ISAC_ERR_NO_MEMORY;
	next.mask = slots - 1;
	for (size_t at = 0; at < len;) {
		struct front_member m = {.name_len = data[at + WIRE_CURVE]};
		struct front_member *to;

		wire_hex(m.key, data + at, WIRE_CURVE);
		memcpy(m.name, data + at + WIRE_CURVE + 1, m.name_len);
		at += WIRE_CURVE + 1 + (size_t)m.name_len;
		to = probe(&next, m.key);
		if (to->name_len) { /* one key of two members: nobody may be taken for somebody else */
			base_log(BASE_LOG_ERROR, "front.roster.key_twice", "key=%.16s first=%s second=%s", m.key, to->name, m.name);
			to->refused_until_us = INT64_MAX;
			continue;
		}
		*to = m;
		next.count++;
	}
	free(r->slot);
	*r = next;
	return ISAC_OK;
}

const struct front_member *front_roster_find(const struct front_roster *r, const char *key, size_t len, int64_t now_us)
{
	const struct front_member *m;

	if (!r->slot || len != FRONT_KEY_TEXT) return NULL;
	m = probe(r, key);
	return m->name_len && m->refused_until_us <= now_us ? m : NULL;
}

unsigned front_roster_refuse(struct front_roster *r, const char *name, size_t len, int64_t until_us)
{
	unsigned n = 0;

	for (size_t at = 0; r->slot && at <= r->mask; at++) {
		struct front_member *m = &r->slot[at];

		if (!m->name_len || m->name_len != len || memcmp(m->name, name, len) != 0) continue;
		if (m->refused_until_us < until_us) m->refused_until_us = until_us;
		n++;
	}
	return n;
}
