/* Hexadecimal both ways. Not constant-time: key files are read by their owner only. */
#include "wire/wire.h"

void wire_hex(char *out, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = 0;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	if (c >= 'A' && c <= 'F') return c - 'A' + 10;
	return -1;
}

enum isac_err wire_unhex(uint8_t *out, size_t len, const char *hex, size_t hex_len)
{
	if (hex_len / 2 != len || hex_len % 2) return ISAC_ERR_BAD_VALUE;
	for (size_t i = 0; i < len; i++) {
		const int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);

		if (high < 0 || low < 0) return ISAC_ERR_BAD_VALUE;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return ISAC_OK;
}
