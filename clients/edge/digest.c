/*
 * digest: which bytes of a packet stay as they are on its way, and the key made of them.
 *
 * The key is keyed because header bytes can be guessed: whoever relays a bare hash could find the packet by trying. The epoch
 * key is known to members' edges only.
 */
#include <string.h>
#include "edge/edge.h"

static const struct {
	const char *name;
	size_t len;
	unsigned degree;
} profiles[] = {
#define PROFILE(name, bytes, degree, text) {#name, bytes, degree},
#include "profiles.def"
#undef PROFILE
};

const char *edge_profile_name(enum edge_profile profile)
{
	return profiles[profile].name;
}

enum edge_profile edge_profile_find(const char *name)
{
	unsigned i = 0;

	while (i < EDGE_PROFILES && strcmp(profiles[i].name, name) != 0) i++;
	return (enum edge_profile)i;
}

unsigned edge_profile_degree(enum edge_profile profile)
{
	return profiles[profile].degree;
}

void edge_digest_make(struct edge_digest *out, const struct edge_packet *packet)
{
	uint8_t *in = out->input;
	const size_t header = packet->version == 4 ? 20 : 40;

	memcpy(in, packet->ip, header);
	if (packet->version == 4) {
		in[0] = 0x45; /* options are dropped, so the length of the header is 5 */
		in[1] = 0;
		memset(in + 2, 0, 2); /* fragments of one packet differ in length, flags and offset */
		memset(in + 6, 0, 2);
		in[8] = 0;
		memset(in + 10, 0, 2);
		out->profile = packet->upper ? EDGE_H28 : EDGE_H20;
	} else {
		in[0] = 0x60;
		memset(in + 1, 0, 3);
		in[6] = packet->protocol;
		in[7] = 0;
		out->profile = packet->upper ? EDGE_H48 : EDGE_H40;
	}
	if (packet->upper) memcpy(in + header, packet->upper, EDGE_UPPER);
	out->len = profiles[out->profile].len;
}

void edge_epoch_init(struct edge_epoch *out, const uint8_t key[EDGE_EPOCH_KEY])
{
	static const uint8_t what[] = "isac-edge epoch key id";
	uint8_t id[crypto_generichash_BYTES];

	crypto_auth_hmacsha256_init(&out->state, key, EDGE_EPOCH_KEY);
	crypto_generichash(id, sizeof id, what, sizeof what - 1, key, EDGE_EPOCH_KEY);
	memcpy(out->id, id, EDGE_KEY_ID);
}

void edge_epoch_clear(struct edge_epoch *epoch)
{
	sodium_memzero(epoch, sizeof *epoch);
}

void edge_digest_key(uint8_t out[EDGE_KEY], const struct edge_epoch *epoch, const struct edge_digest *digest)
{
	/* The state holds the key's two blocks already hashed: half of the work of a short HMAC. */
	crypto_auth_hmacsha256_state state = epoch->state;

	crypto_auth_hmacsha256_update(&state, digest->input, digest->len);
	crypto_auth_hmacsha256_final(&state, out);
}
