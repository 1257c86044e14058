/*
 * invite: an invitation is an identity for once, in a file: with it a member that nobody has seen yet connects and gives its own keys,
 * which no admin has to carry. Its signature on them is what readers check, up to the admin that signed the invitation.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "priv.h"

enum { ARGS_MAX = 256 };

struct invitation {
	char name[WIRE_LIMIT_NAME_BYTES + 1], hub[256];
	uint8_t curve[32], seed[32];
	const char *bundle; /* the hub's */
	size_t bundle_len;
};

static void format(struct wire_buf *out, const struct isac *isac, const char *name, const uint8_t curve[32], const uint8_t seed[32],
		   const struct wire_buf *hub)
{
	char curve_hex[65], seed_hex[65];
	wire_hex(curve_hex, curve, 32);
	wire_hex(seed_hex, seed, 32);
	wire_buf_printf(out, "isac-invitation 1\nname %s\nhub %s\ncurve_secret %s\nsign_secret %s\n", name, isac->address, curve_hex,
			seed_hex);
	wire_buf_add(out, hub->data, hub->len);
	sodium_memzero(curve_hex, sizeof curve_hex);
	sodium_memzero(seed_hex, sizeof seed_hex);
}

static enum isac_result write_invitation(const struct isac *isac, const struct wire_member *m, const uint8_t curve[32],
					 const uint8_t seed[32], const char *path, struct isac_error *err)
{
	struct wire_buf hub, text;
	char hub_path[600];
	wire_buf_init(&hub, FILE_MAX);
	wire_buf_init(&text, FILE_MAX);
	client_file_join(hub_path, sizeof hub_path, isac->home, "hub.pub");
	enum isac_result r = client_file_read(&hub, hub_path, err);
	if (!r) format(&text, isac, m->name, curve, seed, &hub);
	if (!r && text.err) r = client_error_out_of_memory(err);
	if (!r) r = client_file_create(path, text.data, text.len, 0600, err);
	if (text.data) sodium_memzero(text.data, text.len);
	wire_buf_clear(&hub);
	wire_buf_clear(&text);
	return r;
}

enum isac_result isac_invite(const struct isac_answer **out, struct isac *isac, const char *name, const char *path,
			     const struct isac_arg *args, size_t n, struct isac_error *err)
{
	struct wire_member m = {.name = ""};
	struct wire_buf bundle;
	struct isac_arg all[ARGS_MAX];
	if (!wire_name_ok(name) || n >= ARGS_MAX) return client_error_set(err, ISAC_MISUSED, "'%s' is not a name", name);
	uint8_t *box = sodium_malloc(32 + 32 + WIRE_SIGN_SECRET);
	if (!box) return client_error_out_of_memory(err);
	uint8_t *curve = box, *seed = box + 32, *sign = box + 64;
	snprintf(m.name, sizeof m.name, "%s", name);
	randombytes_buf(curve, 32);
	randombytes_buf(seed, 32);
	crypto_scalarmult_base(m.curve, curve);
	crypto_sign_seed_keypair(m.sign, sign, seed);
	wire_buf_init(&bundle, FILE_MAX);
	enum isac_result r = wire_member_format(&bundle, &m, sign) ? client_error_out_of_memory(err) : ISAC_DONE;
	if (!r) r = write_invitation(isac, &m, curve, seed, path, err);
	sodium_free(box);
	if (!r) {
		memcpy(all, args, n * sizeof *args);
		all[n] = (struct isac_arg){.name = "bundle", .data = bundle.data, .data_len = bundle.len};
		r = isac_command(out, isac, "member.invite", all, n + 1, err);
		if (r == ISAC_REFUSED) unlink(path); /* unanswered, it may have been done all the same */
	}
	wire_buf_clear(&bundle);
	return r;
}

static bool parse(struct invitation *v, const char *text, size_t len)
{
	char curve[65], seed[65], line[2048];
	int used = 0;
	size_t head = len < sizeof line ? len : sizeof line - 1;
	memcpy(line, text, head);
	line[head] = 0;
	bool good = sscanf(line, "isac-invitation 1\nname %64s\nhub %255s\ncurve_secret %64[0-9a-f]\nsign_secret %64[0-9a-f]\n%n", v->name,
			   v->hub, curve, seed, &used) == 4 &&
		    used && wire_name_ok(v->name) && !wire_unhex(v->curve, 32, curve, strlen(curve)) &&
		    !wire_unhex(v->seed, 32, seed, strlen(seed));
	v->bundle = text + used;
	v->bundle_len = len - (size_t)used;
	return good;
}

/* A home of its own, unless an earlier try has made it. */
static enum isac_result make_home(const struct invitation *v, const char *home, const char *hub, struct isac_error *err)
{
	char path[600], hub_path[600], key_id[17];
	if (!client_file_join(path, sizeof path, home, "member.pub") || !client_file_join(hub_path, sizeof hub_path, home, "hub.pub"))
		return client_error_set(err, ISAC_MISUSED, "the path of the home is too long");
	if (access(path, F_OK) == 0) return ISAC_DONE;
	enum isac_result r = client_file_folder(home, err);
	if (!r) r = client_file_replace(hub_path, v->bundle, v->bundle_len, err);
	struct isac_keygen conf = {.home = home, .hub_bundle_path = hub_path, .hub = hub, .name = v->name};
	return r ? r : isac_keygen(&conf, key_id, err);
}

/* Speaks as the invitation, with the new home's bundle in hand. */
static enum isac_result give_keys(const struct invitation *v, const char *home, const char *hub, int timeout_ms, struct isac_error *err)
{
	struct isac *isac = NULL;
	struct wire_buf bundle;
	const struct isac_answer *answer;
	char path[600];
	client_file_join(path, sizeof path, home, "member.pub");
	wire_buf_init(&bundle, FILE_MAX);
	enum isac_result r = client_file_read(&bundle, path, err);
	if (!r) r = isac_open(&isac, home, hub, timeout_ms, err);
	if (!r && strcmp(isac->self.name, v->name) != 0)
		r = client_error_set(err, ISAC_MISUSED, "%s is the home of %s, the invitation is for %s: choose another --home", home,
				     isac->self.name, v->name);
	if (!r) {
		crypto_sign_seed_keypair(isac->self.sign, isac->sign_secret, v->seed);
		memcpy(isac->curve_secret, v->curve, 32);
		crypto_scalarmult_base(isac->self.curve, isac->curve_secret);
		struct isac_arg arg = {.name = "bundle", .data = bundle.data, .data_len = bundle.len};
		r = isac_command(&answer, isac, "member.join", &arg, 1, err);
	}
	isac_close(&isac);
	wire_buf_clear(&bundle);
	return r;
}

/* Whose answer was lost has joined all the same. */
static bool is_member(const char *home, const char *hub, int timeout_ms)
{
	struct isac *isac = NULL;
	const struct isac_status *status;
	struct isac_error err;
	bool good = !isac_open(&isac, home, hub, timeout_ms, &err) && !isac_status(&status, isac, &err);
	isac_close(&isac);
	return good;
}

enum isac_result isac_join(const char *home, const char *path, const char *hub, int timeout_ms, char name[65], struct isac_error *err)
{
	struct wire_buf text;
	struct invitation *v = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *v);
	if (!v) return client_error_out_of_memory(err);
	wire_buf_init(&text, FILE_MAX);
	enum isac_result r = client_file_read(&text, path, err);
	if (r == ISAC_QUIET) r = client_error_set(err, ISAC_MISUSED, "%s is missing", path);
	if (!r && !parse(v, (const char *)text.data, text.len)) r = client_error_set(err, ISAC_MISUSED, "%s is not an invitation", path);
	if (!r && !hub) hub = v->hub;
	if (!r) r = make_home(v, home, hub, err);
	if (!r) snprintf(name, 65, "%s", v->name);
	if (!r) {
		r = give_keys(v, home, hub, timeout_ms, err);
		if (r && r != ISAC_MISUSED && is_member(home, hub, timeout_ms)) r = ISAC_DONE;
	}
	if (text.data) sodium_memzero(text.data, text.len);
	wire_buf_clear(&text);
	sodium_free(v);
	return r;
}
