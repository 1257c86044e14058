/* Making keys, and the home of the first admin: the same layout that `isac keygen` makes. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "isacd.h"

void isacd_identity_make(struct isacd_identity *out)
{
	uint8_t secret[WIRE_SIGN_SECRET];

	randombytes_buf(out->sign_seed, sizeof(out->sign_seed));
	crypto_sign_seed_keypair(out->sign_public, secret, out->sign_seed);
	randombytes_buf(out->curve_secret, sizeof(out->curve_secret));
	crypto_scalarmult_base(out->curve_public, out->curve_secret);
	sodium_memzero(secret, sizeof(secret));
}

enum isac_err isacd_identity_write(const char *dir, const char *name, const struct isacd_user *user, const uint8_t *secret, size_t len)
{
	char text[2 * 64 + 2];
	enum isac_err err;

	if (len > 64) return ISAC_ERR_CONFIG;
	wire_hex(text, secret, len);
	text[2 * len] = '\n';
	err = isacd_file_write(dir, name, 0600, user, text, 2 * len + 1);
	sodium_memzero(text, sizeof(text));
	return err;
}

static enum isac_err write_bundles(const struct isacd_identity *id, const struct wire_hub *hub, const struct wire_member *bundle)
{
	uint8_t public_key[WIRE_SIGN_PUBLIC], *secret = sodium_malloc(WIRE_SIGN_SECRET);
	struct wire_buf text;
	enum isac_err err;

	if (!secret) return ISAC_ERR_NO_MEMORY;
	crypto_sign_seed_keypair(public_key, secret, id->sign_seed);
	wire_buf_init(&text, 4096);
	err = wire_member_format(&text, bundle, secret);
	sodium_free(secret);
	if (!err) err = isacd_file_write("admin", "member.pub", 0644, NULL, text.data, text.len);
	wire_buf_reset(&text);
	if (!err) err = wire_hub_format(&text, hub);
	if (!err) err = isacd_file_write("admin", "hub.pub", 0644, NULL, text.data, text.len);
	wire_buf_clear(&text);
	return err;
}

enum isac_err isacd_identity_home(const struct isacd_identity *id, const struct wire_hub *hub, struct wire_member *bundle)
{
	char config[400];
	int len = snprintf(config, sizeof(config), "hub %s\nname admin\n", hub->address);
	enum isac_err err = isacd_file_mkdir("admin", 0700, NULL);

	*bundle = (struct wire_member){.name = "admin"};
	memcpy(bundle->curve, id->curve_public, sizeof(bundle->curve));
	memcpy(bundle->sign, id->sign_public, sizeof(bundle->sign));
	if (!err) err = isacd_identity_write("admin", "sign.key", NULL, id->sign_seed, sizeof(id->sign_seed));
	if (!err) err = isacd_identity_write("admin", "curve.key", NULL, id->curve_secret, sizeof(id->curve_secret));
	if (!err) err = isacd_file_write("admin", "config", 0644, NULL, config, (size_t)len);
	return err ? err : write_bundles(id, hub, bundle);
}
