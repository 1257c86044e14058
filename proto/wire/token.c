/* token: the text that is given to people, and the hash that the hub keeps. */
#include <sodium.h>
#include <string.h>
#include "wire.h"

static const char PREFIX[] = "isac_"; /* so that those who look for secrets in public places know one */
enum { PREFIX_LEN = sizeof(PREFIX) - 1, VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

_Static_assert(sodium_base64_ENCODED_LEN(WIRE_TOKEN, sodium_base64_VARIANT_URLSAFE_NO_PADDING) + sizeof(PREFIX) - 1 == WIRE_TOKEN_TEXT,
	       "a token's text fits");

void wire_token_text(char out[WIRE_TOKEN_TEXT], const uint8_t token[WIRE_TOKEN])
{
	memcpy(out, PREFIX, PREFIX_LEN);
	sodium_bin2base64(out + PREFIX_LEN, WIRE_TOKEN_TEXT - PREFIX_LEN, token, WIRE_TOKEN, VARIANT);
}

bool wire_token_read(uint8_t out[WIRE_TOKEN], const char *text, size_t len)
{
	size_t n = 0;
	const char *end = NULL;

	if (len != WIRE_TOKEN_TEXT - 1 || memcmp(text, PREFIX, PREFIX_LEN) != 0) return false;
	if (sodium_base642bin(out, WIRE_TOKEN, text + PREFIX_LEN, len - PREFIX_LEN, NULL, &n, &end, VARIANT) != 0) return false;
	return n == WIRE_TOKEN && end == text + len;
}

void wire_token_hash(uint8_t out[WIRE_HASH], const uint8_t token[WIRE_TOKEN])
{
	static const char tag[] = "isac1 token";
	uint8_t bytes[sizeof(tag) - 1 + WIRE_TOKEN];

	memcpy(bytes, tag, sizeof(tag) - 1);
	memcpy(bytes + sizeof(tag) - 1, token, WIRE_TOKEN);
	wire_hash(out, bytes, sizeof(bytes));
	sodium_memzero(bytes, sizeof(bytes));
}
