/* A set of texts: one pool of bytes, and open addressing on their hashes. Only operators put texts in, so nobody can aim collisions at it.
 */
#include <stdlib.h>
#include <string.h>
#include "hold/hold.h"

enum { POOL_MAX = INT32_MAX };

static uint64_t hash_text(const char *text, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	for (size_t i = 0; i < len; i++) h = (h ^ (uint8_t)text[i]) * UINT64_C(1099511628211);
	return h ^ h >> 29;
}

/* The slot of this text, or the free one where it would be. */
static size_t slot_of(const struct hold_words *w, const char *text, size_t len)
{
	size_t at = hash_text(text, len) & (w->slots - 1);

	for (; w->slot[at]; at = (at + 1) & (w->slots - 1)) {
		const struct hold_word *word = &w->word[w->slot[at] - 1];

		if (word->text_len == len && memcmp(w->pool + word->text_at, text, len) == 0) break;
	}
	return at;
}

static enum isac_err grow_slots(struct hold_words *w)
{
	const size_t slots = w->slots ? w->slots * 2 : 64;
	uint32_t *slot = calloc(slots, sizeof(*slot));

	if (!slot) return ISAC_ERR_NO_MEMORY;
	free(w->slot);
	w->slot = slot;
	w->slots = slots;
	for (size_t i = 0; i < w->n; i++) w->slot[slot_of(w, w->pool + w->word[i].text_at, w->word[i].text_len)] = (uint32_t)i + 1;
	return ISAC_OK;
}

static enum isac_err make_room(struct hold_words *w, size_t len)
{
	if (w->n == w->cap) {
		const size_t cap = w->cap ? w->cap * 2 : 64;
		struct hold_word *more = realloc(w->word, cap * sizeof(*more));

		if (!more) return ISAC_ERR_NO_MEMORY;
		w->word = more;
		w->cap = cap;
	}
	if (w->pool_len + len > POOL_MAX) return ISAC_ERR_BAD_VALUE;
	if (w->pool_len + len > w->pool_cap) {
		const size_t cap = (w->pool_len + len) * 2;
		char *more = realloc(w->pool, cap);

		if (!more) return ISAC_ERR_NO_MEMORY;
		w->pool = more;
		w->pool_cap = cap;
	}
	return (w->n + 1) * 2 > w->slots ? grow_slots(w) : ISAC_OK;
}

enum isac_err hold_words_add(struct hold_words *w, const char *text, size_t len, uint32_t types, bool below, int32_t of)
{
	enum isac_err err = make_room(w, len);
	size_t at;

	if (err) return err;
	at = slot_of(w, text, len);
	if (w->slot[at]) {
		w->word[w->slot[at] - 1].types |= types;
		w->word[w->slot[at] - 1].below |= below;
		return ISAC_OK;
	}
	memcpy(w->pool + w->pool_len, text, len);
	w->word[w->n] =
		(struct hold_word){.text_at = (uint32_t)w->pool_len, .text_len = (uint32_t)len, .types = types, .of = of, .below = below};
	w->pool_len += len;
	w->slot[at] = (uint32_t)++w->n;
	return ISAC_OK;
}

const struct hold_word *hold_words_find(const struct hold_words *w, const char *text, size_t len)
{
	const uint32_t word = w->slots ? w->slot[slot_of(w, text, len)] : 0;

	return word ? &w->word[word - 1] : NULL;
}

void hold_words_clear(struct hold_words *w)
{
	free(w->word);
	free(w->slot);
	free(w->pool);
	*w = (struct hold_words){0};
}
