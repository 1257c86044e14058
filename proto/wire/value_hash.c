/*
 * Digests: hexadecimal text of a fixed length in lower case. A certificate's fingerprint may come with colons between the bytes,
 * as openssl prints it. Fuzzy hashes have a grammar of their own and are not types here.
 */
#include <string.h>
#include "wire/value_priv.h"

static const uint8_t lengths[WIRE_VALUE_END] = {
	[WIRE_VALUE_MD5] = 32, [WIRE_VALUE_JA3] = 32, [WIRE_VALUE_SHA1] = 40, [WIRE_VALUE_SHA256] = 64, [WIRE_VALUE_SHA512] = 128,
};

/* Lower case of a hexadecimal digit; 0 for all else. */
static const char digits[256] = {
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7',
	['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f',
	['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f',
};

enum isac_err wire_value_hash_digest(struct wire_value *out, const struct value_in *in)
{
	char *text;

	if (in->len != lengths[in->type])
		return wire_refuse(in->why, ISAC_ERR_BAD_VALUE, "%s value has %zu characters, not %u hexadecimal digits",
				   wire_value_name(in->type), in->len, (unsigned)lengths[in->type]);
	text = wire_value_room(in, in->len);
	if (!text) return wire_value_full(in);
	for (size_t i = 0; i < in->len; i++) {
		text[i] = digits[(uint8_t)in->raw[i]];
		if (!text[i]) return wire_value_bad(in, "has a character that is no hexadecimal digit");
	}
	out->text = text;
	out->len = in->len;
	out->held = wire_value_is_held(in->type, text);
	return ISAC_OK;
}

enum isac_err wire_value_hash_certificate(struct wire_value *out, const struct value_in *in)
{
	const bool colons = in->len > 2 && in->raw[2] == ':';
	const size_t step = colons ? 3 : 2, bytes = colons ? (in->len + 1) / 3 : in->len / 2;
	char text[64];

	if (in->len != bytes * step - (colons ? 1 : 0) || (bytes != 20 && bytes != 32))
		return wire_value_bad(in, "is not 40 or 64 hexadecimal digits, with or without a colon after each two");
	for (size_t i = 0; i < bytes; i++) {
		const char *at = in->raw + i * step;

		text[2 * i] = digits[(uint8_t)at[0]];
		text[2 * i + 1] = digits[(uint8_t)at[1]];
		if (!text[2 * i] || !text[2 * i + 1] || (colons && i + 1 < bytes && at[2] != ':'))
			return wire_value_bad(in, "has a character that is no hexadecimal digit");
	}
	return wire_value_set(out, in, text, 2 * bytes);
}
