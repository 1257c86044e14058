/* token: made here, kept by its holder; the hub gets its hash. And what a gateway says on behalf of whom. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "priv.h"

_Static_assert((int)ISAC_TOKEN_TEXT == (int)WIRE_TOKEN_TEXT, "isac.h says what wire.h says");

enum isac_result isac_token_make(char text[ISAC_TOKEN_TEXT], char hash[65], struct isac_error *err)
{
	uint8_t token[WIRE_TOKEN], digest[WIRE_HASH];
	if (wire_init()) return client_error_set(err, ISAC_MISUSED, "no random numbers on this machine");
	randombytes_buf(token, sizeof token);
	wire_token_text(text, token);
	wire_token_hash(digest, token);
	wire_hex(hash, digest, sizeof digest);
	sodium_memzero(token, sizeof token);
	return ISAC_DONE;
}

enum isac_result isac_as(struct isac *isac, const char *token, const char *member, struct isac_error *err)
{
	uint8_t bytes[WIRE_TOKEN];
	if (!token) {
		sodium_free(isac->token);
		isac->token = NULL;
		return ISAC_DONE;
	}
	bool good = wire_token_read(bytes, token, strlen(token)) && (!member || wire_name_ok(member));
	if (good && !isac->token) isac->token = sodium_malloc(WIRE_TOKEN);
	if (good && isac->token) memcpy(isac->token, bytes, sizeof bytes);
	sodium_memzero(bytes, sizeof bytes);
	if (good && !isac->token) return client_error_out_of_memory(err);
	snprintf(isac->token_member, sizeof isac->token_member, "%s", good && member ? member : "");
	if (good) return ISAC_DONE;
	client_error_set(err, ISAC_REFUSED, "this token is not valid");
	if (err) err->code = 401;
	return ISAC_REFUSED;
}
