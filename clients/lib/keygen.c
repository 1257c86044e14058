/*
 * keygen: makes a member's home: Ed25519 and Curve25519 keys, the public bundle for enrolment, the hub's bundle, the address.
 * Never overwrites a key. Public files come last: a home with member.pub is a whole one.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "priv.h"

static enum isac_result write_key(const char *home, const char *name, const uint8_t secret[32], struct isac_error *err)
{
	char path[600];
	char *hex = sodium_malloc(66);
	if (!hex) return client_error_out_of_memory(err);
	client_file_join(path, sizeof path, home, name);
	wire_hex(hex, secret, 32);
	hex[64] = '\n';
	enum isac_result r = client_file_create(path, hex, 65, 0600, err);
	sodium_free(hex);
	return r;
}

static enum isac_result write_public(const char *home, const char *name, const struct wire_buf *text, struct isac_error *err)
{
	char path[600];
	client_file_join(path, sizeof path, home, name);
	if (text->err) return client_error_out_of_memory(err);
	return client_file_create(path, text->data, text->len, 0644, err);
}

static enum isac_result make_keys(const struct isac_keygen *conf, struct wire_member *m, struct wire_buf *bundle, struct isac_error *err)
{
	uint8_t *box = sodium_malloc(32 + 32 + WIRE_SIGN_SECRET);
	if (!box) return client_error_out_of_memory(err);
	uint8_t *curve = box, *seed = box + 32, *sign = box + 64;
	randombytes_buf(curve, 32);
	randombytes_buf(seed, 32);
	crypto_scalarmult_base(m->curve, curve);
	crypto_sign_seed_keypair(m->sign, sign, seed);
	enum isac_result r = write_key(conf->home, "sign.key", seed, err);
	if (!r) r = write_key(conf->home, "curve.key", curve, err);
	if (!r && wire_member_format(bundle, m, sign)) r = client_error_out_of_memory(err);
	sodium_free(box);
	return r;
}

static enum isac_result read_hub(struct wire_hub *hub, const struct isac_keygen *conf, struct wire_buf *text, struct isac_error *err)
{
	struct wire_why why = {.text = ""};
	char host[200];
	unsigned port;
	enum isac_result r = client_file_read(text, conf->hub_bundle_path, err);
	if (r) return err ? (err->result = ISAC_MISUSED) : ISAC_MISUSED;
	if (wire_hub_parse(hub, (const char *)text->data, text->len, &why))
		return client_error_set(err, ISAC_MISUSED, "%s is not a hub's bundle: %s; ask the hub's admin for hub.pub",
					conf->hub_bundle_path, why.text);
	if (conf->hub && !client_home_parse_address(conf->hub, host, sizeof host, &port))
		return client_error_set(err, ISAC_MISUSED, "'%s' is not an address like tcp://hub.example.net:7400", conf->hub);
	return ISAC_DONE;
}

static enum isac_result refuse_existing(const char *home, struct isac_error *err)
{
	static const char *const names[] = {"sign.key", "curve.key", "member.pub"};
	char path[600];
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!client_file_join(path, sizeof path, home, names[i]))
			return client_error_set(err, ISAC_MISUSED, "the path of the home is too long");
		if (access(path, F_OK) == 0)
			return client_error_set(err, ISAC_REFUSED, "%s exists: keys are never overwritten; choose another --home", path);
	}
	return ISAC_DONE;
}

enum isac_result isac_keygen(const struct isac_keygen *conf, char key_id[17], struct isac_error *err)
{
	struct wire_hub hub;
	struct wire_member m = {.name = ""};
	struct wire_buf hub_text, bundle, config;
	if (sodium_init() < 0) return client_error_set(err, ISAC_MISUSED, "libsodium does not start");
	if (!wire_name_ok(conf->name))
		return client_error_set(err, ISAC_MISUSED, "'%s' is not a name: lower-case letters, digits, '.', '_' and '-', at most 64",
					conf->name);
	snprintf(m.name, sizeof m.name, "%s", conf->name);
	wire_buf_init(&hub_text, FILE_MAX);
	wire_buf_init(&bundle, FILE_MAX);
	wire_buf_init(&config, FILE_MAX);
	enum isac_result r = read_hub(&hub, conf, &hub_text, err);
	if (!r) r = refuse_existing(conf->home, err);
	if (!r) r = client_file_folder(conf->home, err);
	if (!r) r = make_keys(conf, &m, &bundle, err);
	if (!r) {
		char path[600];
		wire_buf_printf(&config, "hub %s\nname %s\n", conf->hub ? conf->hub : hub.address, m.name);
		client_file_join(path, sizeof path, conf->home, "config");
		r = client_file_replace(path, config.data, config.len, err);
		client_file_join(path, sizeof path, conf->home, "hub.pub");
		if (!r) r = client_file_replace(path, hub_text.data, hub_text.len, err);
	}
	if (!r) r = write_public(conf->home, "member.pub", &bundle, err);
	uint8_t id[WIRE_KEY_ID];
	wire_sign_key_id(id, m.sign);
	wire_hex(key_id, id, WIRE_KEY_ID);
	wire_buf_clear(&hub_text);
	wire_buf_clear(&bundle);
	wire_buf_clear(&config);
	return r;
}
