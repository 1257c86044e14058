/*
 * home: a member's folder: two secret keys, two public bundles, and a config of two lines. Opening reads and checks them all,
 * so that what is wrong is said before anything is sent.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "priv.h"

bool client_home_parse_address(const char *address, char *host, size_t size, unsigned *port)
{
	if (strncmp(address, "tcp://", 6) != 0) return false;
	const char *colon = strrchr(address, ':');
	size_t len = (size_t)(colon - (address + 6));
	if (colon < address + 7 || len >= size) return false;
	for (size_t i = 0; i < len; i++)
		if (address[6 + i] <= ' ' || address[6 + i] == '/' || address[6 + i] == ';') return false;
	char *end;
	unsigned long n = strtoul(colon + 1, &end, 10);
	if (*end || colon[1] < '0' || colon[1] > '9' || n == 0 || n > 65534) return false;
	memcpy(host, address + 6, len);
	host[len] = 0;
	*port = (unsigned)n;
	return true;
}

static enum isac_result read_text(struct wire_buf *buf, const char *home, const char *name, struct isac_error *err)
{
	char path[600];
	client_file_join(path, sizeof path, home, name);
	wire_buf_reset(buf);
	enum isac_result r = client_file_read(buf, path, err);
	if (r == ISAC_QUIET)
		r = client_error_set(err, ISAC_MISUSED,
				     "%s is missing: make an identity with `isac --home %s keygen --hub-key HUB.pub --name NAME`", path,
				     home);
	return r;
}

static enum isac_result read_bundles(struct isac *isac, struct isac_error *err)
{
	struct wire_buf buf;
	struct wire_why why = {.text = ""};
	wire_buf_init(&buf, FILE_MAX);
	enum isac_result r = read_text(&buf, isac->home, "member.pub", err);
	if (!r && wire_member_parse(&isac->self, (const char *)buf.data, buf.len, &why))
		r = client_error_set(err, ISAC_MISUSED, "%s/member.pub is not a member's bundle: %s", isac->home, why.text);
	if (!r) r = read_text(&buf, isac->home, "hub.pub", err);
	if (!r && wire_hub_parse(&isac->hub, (const char *)buf.data, buf.len, &why))
		r = client_error_set(err, ISAC_MISUSED, "%s/hub.pub is not a hub's bundle: %s", isac->home, why.text);
	wire_buf_clear(&buf);
	return r;
}

static enum isac_result read_keys(struct isac *isac, struct isac_error *err)
{
	char path[600];
	uint8_t public_key[32];
	uint8_t *seed = sodium_malloc(32);
	isac->sign_secret = sodium_malloc(WIRE_SIGN_SECRET);
	isac->curve_secret = sodium_malloc(WIRE_CURVE);
	if (!seed || !isac->sign_secret || !isac->curve_secret) {
		sodium_free(seed);
		return client_error_out_of_memory(err);
	}
	client_file_join(path, sizeof path, isac->home, "sign.key");
	enum isac_result r = client_file_read_secret(seed, path, err);
	if (!r) {
		crypto_sign_seed_keypair(public_key, isac->sign_secret, seed);
		if (memcmp(public_key, isac->self.sign, 32) != 0)
			r = client_error_set(err, ISAC_MISUSED,
					     "%s is not the key of %s/member.pub: put the right pair back, or make a new home", path,
					     isac->home);
	}
	sodium_free(seed);
	if (r) return r;
	client_file_join(path, sizeof path, isac->home, "curve.key");
	r = client_file_read_secret(isac->curve_secret, path, err);
	/* The hub's roster says whose connection this is, not our bundle: the public half is simply the one that belongs to the secret. */
	if (!r) crypto_scalarmult_base(isac->self.curve, isac->curve_secret);
	return r;
}

/* config: lines `hub ADDRESS` and `name NAME`; only hub matters here, the name stands in member.pub. */
static void read_address(struct isac *isac)
{
	char path[600], line[400], value[256];
	snprintf(isac->address, sizeof isac->address, "%s", isac->hub.address);
	client_file_join(path, sizeof path, isac->home, "config");
	FILE *in = fopen(path, "re");
	if (!in) return;
	while (fgets(line, sizeof line, in))
		if (sscanf(line, "hub %255s", value) == 1) snprintf(isac->address, sizeof isac->address, "%s", value);
	fclose(in);
}

enum isac_result isac_open(struct isac **out, const char *home, const char *hub, int timeout_ms, struct isac_error *err)
{
	char host[200];
	unsigned port;
	*out = NULL;
	if (sodium_init() < 0 || wire_init())
		return client_error_set(err, ISAC_MISUSED, "the libraries do not start: is the public-suffix list installed?");
	struct isac *isac = calloc(1, sizeof *isac);
	if (!isac) return client_error_out_of_memory(err);
	enum isac_result r = ISAC_DONE;
	if ((size_t)snprintf(isac->home, sizeof isac->home, "%s", home) >= sizeof isac->home - 80)
		r = client_error_set(err, ISAC_MISUSED, "the path of the home is too long");
	isac->timeout_ms = timeout_ms;
	wire_arena_init(&isac->answer, WIRE_LIMIT_DECODE_BYTES);
	randombytes_buf(&isac->request_id, 4); /* a random start: late replies to a process before us mean nothing to us */
	isac->request_id <<= 20;
	if (!r) r = read_bundles(isac, err);
	if (!r) r = read_keys(isac, err);
	if (!r) {
		read_address(isac);
		if (hub) snprintf(isac->address, sizeof isac->address, "%s", hub);
		if (!client_home_parse_address(isac->address, host, sizeof host, &port))
			r = client_error_set(err, ISAC_MISUSED, "'%s' is not an address like tcp://hub.example.net:7400", isac->address);
	}
	if (!r) r = client_directory_open(&isac->directory, err);
	if (r) isac_close(&isac);
	*out = isac;
	return r;
}

void isac_close(struct isac **isac)
{
	if (!*isac) return;
	client_socket_close(&(*isac)->requests);
	client_socket_context_close(&(*isac)->context);
	client_directory_close(&(*isac)->directory);
	wire_arena_clear(&(*isac)->answer);
	sodium_free((*isac)->sign_secret);
	sodium_free((*isac)->curve_secret);
	sodium_free((*isac)->token);
	free(*isac);
	*isac = NULL;
}

enum isac_result client_home_socket(struct client_socket **out, struct isac *isac, int port_offset, struct isac_error *err)
{
	enum isac_result r = isac->context ? ISAC_DONE : client_socket_context_open(&isac->context, err);
	if (r) return r;
	struct client_socket_conf conf = {
		.address = isac->address,
		.port_offset = port_offset,
		.hub_curve = isac->hub.curve,
		.own_public = isac->self.curve,
		.own_secret = isac->curve_secret,
	};
	return client_socket_open(out, isac->context, &conf, err);
}

enum isac_result client_home_requests(struct client_socket **out, struct isac *isac, struct isac_error *err)
{
	enum isac_result r = isac->requests ? ISAC_DONE : client_home_socket(&isac->requests, isac, 0, err);
	*out = isac->requests;
	return r;
}

enum isac_result client_home_unreachable(struct isac_error *err, const struct isac *isac, const struct client_socket *s, int port_offset)
{
	char host[200] = "?";
	unsigned port = 0;
	client_home_parse_address(isac->address, host, sizeof host, &port);
	port += (unsigned)port_offset;
	if (client_socket_live(s))
		return client_error_set(
			err, ISAC_UNREACHABLE,
			"the hub at tcp://%s:%u took the connection but gave no answer: it may be starting or overloaded; try again", host,
			port);
	if (client_socket_denied(s))
		return client_error_set(
			err, ISAC_UNREACHABLE,
			"the hub at tcp://%s:%u does not let %s in: is this member enrolled, and not suspended? (isac admin member list)",
			host, port, isac->self.name);
	return client_error_set(err, ISAC_UNREACHABLE,
				"no answer from tcp://%s:%u: is the hub up, is the address right (--hub), and is %s enrolled? A wrong hub "
				"key in %s/hub.pub looks the same",
				host, port, isac->self.name, isac->home);
}

const char *isac_name(const struct isac *isac)
{
	return isac->self.name;
}

const char *isac_hub_id(const struct isac *isac)
{
	return isac->hub.hub_id;
}

const char *isac_hub_address(const struct isac *isac)
{
	return isac->address;
}

const char *isac_home(const struct isac *isac)
{
	return isac->home;
}
