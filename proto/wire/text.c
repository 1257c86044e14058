/*
 * What a text may hold: UTF-8 without NUL everywhere, and no invisible or reordering characters where people read it.
 * Most texts are short ASCII, so eight bytes are judged at a time before the slow way is taken.
 */
#include <string.h>
#include "wire/wire.h"

#define ONES 0x0101010101010101u
#define HIGHS 0x8080808080808080u

/* True if the eight bytes are all in 0x01..0x7f. */
static bool ascii8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return !((v | (v - ONES)) & HIGHS);
}

/* Length of the well-formed sequence at p (RFC 3629), its code point in *out; 0 if there is none. NUL is none. */
static size_t decode(const uint8_t *p, const uint8_t *end, uint32_t *out)
{
	static const uint32_t least[5] = {0, 1, 0x80, 0x800, 0x10000};
	const uint8_t c = *p;
	size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	uint32_t v = len == 1 ? c : len ? c & (0x7fu >> len) : 0;

	if (!len || (size_t)(end - p) < len) return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80) return 0;
		v = v << 6 | (p[i] & 0x3f);
	}
	if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) return 0;
	*out = v;
	return len;
}

/* The slow way, from any start. */
static bool utf8_rest(const uint8_t *p, const uint8_t *end)
{
	uint32_t v;

	while (p < end) {
		size_t n = 8;

		if (end - p < 8 || !ascii8(p)) n = decode(p, end, &v);
		if (!n) return false;
		p += n;
	}
	return true;
}

bool wire_utf8_ok(const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + len;
	uint64_t v = ONES;

	if (len < 8) {
		/* Into the middle of harmless bytes; two overlapping halves where there are four. */
		if (len >= 4) {
			memcpy(&v, p, 4);
			memcpy((uint8_t *)&v + 4, end - 4, 4);
		} else {
			for (size_t i = 0; i < len; i++) ((uint8_t *)&v)[i] = p[i];
		}
		return !((v | (v - ONES)) & HIGHS) || utf8_rest(p, end);
	}
	for (; end - p >= 8; p += 8)
		if (!ascii8(p)) return utf8_rest(p, end);
	return p == end || ascii8(end - 8) || utf8_rest(p, end);
}

bool wire_text_ok(const char *text, size_t len)
{
	static const uint32_t refused[][2] = {{0, 0x1f},	{0x7f, 0x9f},	  {0x61c, 0x61c},   {0x200b, 0x200f},  {0x202a, 0x202e},
					      {0x2060, 0x2060}, {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xe0000, 0xe007f}};
	const uint8_t *p = (const uint8_t *)text, *end = p + len;

	while (p < end) {
		uint32_t v;
		const size_t n = decode(p, end, &v);

		if (!n) return false;
		if (v < 0x20 || v > 0x7e)
			for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
				if (v >= refused[i][0] && v <= refused[i][1]) return false;
		p += n;
	}
	return true;
}

bool wire_name_ok(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789", rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len;

	if (strspn(name, first) == 0) return false;
	len = strspn(name, rest);
	return !name[len] && len <= WIRE_LIMIT_NAME_BYTES;
}
