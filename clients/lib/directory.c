/*
 * directory: which key may sign for which member. The hub hands out certificates, we believe none of them: a key is trusted if
 * its certificate is signed by a trusted admin's key, and the chain ends at admin_public of the hub's bundle.
 *
 * Certificates are asked for by key id, when a report first needs one, with those of the admins that signed them. They are
 * asked for again once a minute of use, so that a revocation is noticed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "priv.h"

enum { FRESH_MS = 60000, REFUSAL_MS = 10000, CHAIN_MAX = 8, FETCH_MS = 3000, CERTS_MAX = 100000 };

struct cert {
	char member[WIRE_LIMIT_NAME_BYTES + 1];
	uint8_t key_id[WIRE_KEY_ID], public_key[WIRE_SIGN_PUBLIC], signature[WIRE_SIGNATURE], admin_key_id[WIRE_KEY_ID];
	int64_t valid_from_us, valid_until_us, asked_ms;
	uint64_t revoked_from_seq;
	uint8_t *command; /* NULL: the first admin */
	size_t command_len;
	bool trusted, admin;
	bool invitation, for_admin; /* it may only sign for the member's own key; which is then an admin's */
};

struct client_directory {
	struct cert *cert;
	size_t n, cap;
	uint8_t refused_key[WIRE_KEY_ID]; /* asked for in vain, not long ago */
	int64_t refused_ms;
};

enum isac_result client_directory_open(struct client_directory **out, struct isac_error *err)
{
	*out = calloc(1, sizeof **out);
	return *out ? ISAC_DONE : client_error_out_of_memory(err);
}

void client_directory_close(struct client_directory **d)
{
	if (!*d) return;
	for (size_t i = 0; i < (*d)->n; i++) free((*d)->cert[i].command);
	free((*d)->cert);
	free(*d);
	*d = NULL;
}

static struct cert *find(struct client_directory *d, const char *member, const uint8_t *key_id)
{
	for (size_t i = 0; i < d->n; i++)
		if (memcmp(d->cert[i].key_id, key_id, WIRE_KEY_ID) == 0 && (!member || strcmp(d->cert[i].member, member) == 0))
			return &d->cert[i];
	return NULL;
}

static bool is_admin(const struct client_directory *d, const char *member)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->cert[i].trusted && d->cert[i].admin && strcmp(d->cert[i].member, member) == 0) return true;
	return false;
}

static bool lists(const char *words, const char *word)
{
	size_t len = strlen(word);
	for (const char *p = words; *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == len && memcmp(p, word, len) == 0) return true;
	return false;
}

/* The command must be one that enrols exactly this key for this member. */
static bool names_key(struct cert *c, const Isac1__Command *command, const struct cert *invitation)
{
	bool named = false, admin = false, invite = !invitation && strcmp(command->verb, "member.invite") == 0;
	bool member_add = invite || strcmp(command->verb, "member.add") == 0;
	if (invitation ? strcmp(command->verb, "member.join") != 0 : !member_add && strcmp(command->verb, "key.add") != 0) return false;
	for (size_t i = 0; i < command->n_args; i++) {
		const Isac1__Arg *arg = command->args[i];
		struct wire_member m;
		if (strcmp(arg->name, "role") == 0 && member_add && lists(arg->value, "admin")) admin = true;
		if (strcmp(arg->name, "bundle") != 0) continue;
		if (wire_member_parse(&m, (const char *)arg->data.data, arg->data.len, NULL)) return false;
		named = strcmp(m.name, c->member) == 0 && memcmp(m.sign, c->public_key, sizeof m.sign) == 0;
	}
	c->invitation = invite;
	c->for_admin = invite && admin;
	c->admin = invitation ? invitation->for_admin : !invite && admin;
	return named;
}

static bool check(struct client_directory *d, const struct wire_hub *hub, struct cert *c)
{
	if (!c->command) {
		c->admin = memcmp(c->public_key, hub->admin, WIRE_SIGN_PUBLIC) == 0;
		return c->admin;
	}
	const struct cert *signer = find(d, NULL, c->admin_key_id);
	if (!signer || !signer->trusted) return false;
	if (signer->invitation ? strcmp(signer->member, c->member) != 0 : !is_admin(d, signer->member)) return false;
	if (wire_sign_check(c->signature, WIRE_SIGN_COMMAND, hub->hub_id, c->command, c->command_len, signer->public_key)) return false;
	struct wire_arena arena;
	ProtobufCMessage *msg;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	bool good = wire_open(&msg, &isac1__command__descriptor, &arena, c->command, c->command_len, false, NULL) == ISAC_OK &&
		    names_key(c, (const Isac1__Command *)msg, signer->invitation ? signer : NULL);
	wire_arena_clear(&arena);
	return good;
}

static void settle(struct client_directory *d, const struct wire_hub *hub)
{
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t i = 0; i < d->n; i++)
			if (!d->cert[i].trusted && check(d, hub, &d->cert[i])) d->cert[i].trusted = changed = true;
	}
}

static bool same(const struct cert *c, const Isac1__KeyCertificate *k)
{
	return memcmp(c->public_key, k->public_key.data, WIRE_SIGN_PUBLIC) == 0 && c->command_len == k->command.len &&
	       (c->command_len == 0 || memcmp(c->command, k->command.data, c->command_len) == 0) &&
	       (!c->command || (memcmp(c->signature, k->signature.data, WIRE_SIGNATURE) == 0 &&
				memcmp(c->admin_key_id, k->admin_key_id.data, WIRE_KEY_ID) == 0));
}

static bool well_formed(const Isac1__KeyCertificate *k)
{
	uint8_t id[WIRE_KEY_ID];
	if (!wire_name_ok(k->member) || k->key_id.len != WIRE_KEY_ID || k->public_key.len != WIRE_SIGN_PUBLIC) return false;
	if (k->command.len && (k->signature.len != WIRE_SIGNATURE || k->admin_key_id.len != WIRE_KEY_ID)) return false;
	wire_sign_key_id(id, k->public_key.data);
	return memcmp(id, k->key_id.data, WIRE_KEY_ID) == 0;
}

static struct cert *add(struct client_directory *d)
{
	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 16;
		struct cert *more = cap > CERTS_MAX ? NULL : realloc(d->cert, cap * sizeof *more);
		if (!more) return NULL;
		d->cert = more;
		d->cap = cap;
	}
	struct cert *c = &d->cert[d->n++];
	memset(c, 0, sizeof *c);
	return c;
}

static bool take_one(struct client_directory *d, const Isac1__KeyCertificate *k)
{
	if (!well_formed(k)) return true; /* it can do no harm: it is not kept */
	struct cert *c = find(d, k->member, k->key_id.data);
	if (!c || !same(c, k)) {
		if (!c && !(c = add(d))) return false;
		free(c->command);
		memset(c, 0, sizeof *c);
		memcpy(c->member, k->member, strlen(k->member) + 1);
		memcpy(c->key_id, k->key_id.data, WIRE_KEY_ID);
		memcpy(c->public_key, k->public_key.data, WIRE_SIGN_PUBLIC);
		if (k->command.len) {
			if (!(c->command = malloc(k->command.len))) return false;
			memcpy(c->command, k->command.data, c->command_len = k->command.len);
			memcpy(c->signature, k->signature.data, WIRE_SIGNATURE);
			memcpy(c->admin_key_id, k->admin_key_id.data, WIRE_KEY_ID);
		}
	}
	c->valid_from_us = k->valid_from_us;
	c->valid_until_us = k->valid_until_us;
	c->revoked_from_seq = k->revoked_from_seq;
	c->asked_ms = client_clock_mono_ms();
	return true;
}

enum isac_result client_directory_take(struct client_directory *d, const struct wire_hub *hub, const Isac1__DirectoryResult *result,
				       struct isac_error *err)
{
	for (size_t i = 0; i < result->n_keys; i++)
		if (!take_one(d, result->keys[i])) return client_error_out_of_memory(err);
	settle(d, hub);
	return ISAC_DONE;
}

const uint8_t *client_directory_key(struct client_directory *d, const char *member, const uint8_t key_id[WIRE_KEY_ID])
{
	const struct cert *c = find(d, member, key_id);
	return c && c->trusted && !c->invitation ? c->public_key : NULL;
}

static enum isac_result ask_for(struct isac *isac, const Isac1__Directory *question, struct isac_error *err)
{
	struct wire_arena arena;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	ProtobufCMessage *answer;
	enum isac_result r =
		client_request_run(&answer, isac, WIRE_DIRECTORY, &question->base, WIRE_DIRECTORY_RESULT, &arena, FETCH_MS, err);
	if (!r) r = client_directory_take(isac->directory, &isac->hub, (const Isac1__DirectoryResult *)answer, err);
	wire_arena_clear(&arena);
	return r;
}

static enum isac_result ask(struct isac *isac, const uint8_t *key_id, struct isac_error *err)
{
	uint8_t copy[WIRE_KEY_ID];
	memcpy(copy, key_id, sizeof copy);
	ProtobufCBinaryData id = {sizeof copy, copy};
	Isac1__Directory question = ISAC1__DIRECTORY__INIT;
	question.key_ids = &id;
	question.n_key_ids = 1;
	return ask_for(isac, &question, err);
}

/* Asks for a key, then for those who signed for it, up to the first admin. */
static enum isac_result fetch(struct isac *isac, const char *member, const uint8_t *key_id, struct isac_error *err)
{
	enum isac_result r = ask(isac, key_id, err);
	for (int i = 0; !r && i < CHAIN_MAX; i++) {
		const struct cert *c = find(isac->directory, member, key_id);
		if (!c || c->trusted) break;
		const struct cert *top = c, *next = NULL;
		for (int j = 0; j < CHAIN_MAX && top->command && (next = find(isac->directory, NULL, top->admin_key_id)) && next != top;
		     j++)
			top = next;
		if (!top->command || next) break; /* the chain is whole, and does not hold */
		r = ask(isac, top->admin_key_id, err);
	}
	return r;
}

enum isac_result client_directory_find(const uint8_t **public_key, struct isac *isac, const char *publisher,
				       const uint8_t key_id[WIRE_KEY_ID], uint64_t seq, int64_t received_us, struct isac_error *err)
{
	struct client_directory *d = isac->directory;
	int64_t now = client_clock_mono_ms();
	char hex[2 * WIRE_KEY_ID + 1];
	wire_hex(hex, key_id, WIRE_KEY_ID);
	struct cert *c = find(d, publisher, key_id);
	bool trusted = c && c->trusted;
	bool refused_lately = d->refused_ms && now - d->refused_ms < REFUSAL_MS && memcmp(d->refused_key, key_id, WIRE_KEY_ID) == 0;
	if ((trusted && now - c->asked_ms > FRESH_MS) || (!trusted && !refused_lately)) {
		enum isac_result r = fetch(isac, publisher, key_id, err);
		c = find(d, publisher, key_id);
		if (r && (!c || !c->trusted)) return r;
		if (r) c->asked_ms = now; /* known from before: not asked for again at every report */
	}
	if (!c || !c->trusted) {
		memcpy(d->refused_key, key_id, WIRE_KEY_ID);
		d->refused_ms = now ? now : 1;
		return client_error_set(err, ISAC_REFUSED, "key %s of %s %s", hex, publisher,
					c ? "is not certified by the hub's first admin or one it trusts" : "is not in the hub's directory");
	}
	if (c->invitation)
		return client_error_set(err, ISAC_REFUSED, "key %s of %s is an invitation's: it signs no reports", hex, publisher);
	if (c->revoked_from_seq && seq >= c->revoked_from_seq)
		return client_error_set(err, ISAC_REFUSED, "key %s of %s is revoked from seq %llu on", hex, publisher,
					(unsigned long long)c->revoked_from_seq);
	if (received_us < c->valid_from_us || (c->valid_until_us && received_us >= c->valid_until_us))
		return client_error_set(err, ISAC_REFUSED, "key %s of %s was not valid when the report was received", hex, publisher);
	*public_key = c->public_key;
	return ISAC_DONE;
}

/* All keys of a member: its first one says what the member is. */
static enum isac_result fetch_member(struct isac *isac, const char *member, struct isac_error *err)
{
	char name[WIRE_LIMIT_NAME_BYTES + 1], *names = name;
	Isac1__Directory question = ISAC1__DIRECTORY__INIT;
	snprintf(name, sizeof name, "%s", member);
	question.members = &names;
	question.n_members = 1;
	return ask_for(isac, &question, err);
}

static bool has_arg(const Isac1__Command *command, const char *name)
{
	for (size_t i = 0; i < command->n_args; i++)
		if (strcmp(command->args[i]->name, name) == 0) return true;
	return false;
}

/* An invitation's is not the member's own: who made the invitation has it, too; and a further key's is not used unless it says so. */
static bool gives_curve(const Isac1__Command *command)
{
	return strcmp(command->verb, "member.add") == 0 || strcmp(command->verb, "member.join") == 0 ||
	       (strcmp(command->verb, "key.add") == 0 && has_arg(command, "curve"));
}

/* A CURVE key stays until another one takes its place, whatever becomes of the signing key that stands beside it: so a revoked one's
 * certificate is as good for this as any. Returns when it was ordered; 0: it gives none. */
static int64_t take_curve(uint8_t curve[WIRE_CURVE], const struct cert *c)
{
	struct wire_arena arena;
	ProtobufCMessage *msg;
	int64_t at_us = 0;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	if (c->command && !wire_open(&msg, &isac1__command__descriptor, &arena, c->command, c->command_len, false, NULL)) {
		const Isac1__Command *command = (const Isac1__Command *)msg;
		struct wire_member m;
		for (size_t i = 0; i < command->n_args && gives_curve(command); i++) {
			const Isac1__Arg *arg = command->args[i];
			if (strcmp(arg->name, "bundle") != 0 || wire_member_parse(&m, (const char *)arg->data.data, arg->data.len, NULL))
				continue;
			memcpy(curve, m.curve, WIRE_CURVE);
			at_us = command->created_us > 0 ? command->created_us : 1;
		}
	}
	wire_arena_clear(&arena);
	return at_us;
}

/* The newest that is certified; true: and all of the member's were asked for not long ago. */
static bool find_curve(uint8_t curve[WIRE_CURVE], bool *found, const struct client_directory *d, const char *member)
{
	int64_t newest_us = 0, now = client_clock_mono_ms();
	bool fresh = true;
	for (size_t i = 0; i < d->n; i++) {
		uint8_t key[WIRE_CURVE];
		int64_t at_us = d->cert[i].trusted && strcmp(d->cert[i].member, member) == 0 ? take_curve(key, &d->cert[i]) : 0;
		if (at_us) fresh &= now - d->cert[i].asked_ms <= FRESH_MS;
		if (at_us <= newest_us) continue;
		memcpy(curve, key, sizeof key);
		newest_us = at_us;
	}
	*found = newest_us > 0;
	return *found && fresh;
}

enum isac_result client_directory_curve(uint8_t curve[WIRE_CURVE], struct isac *isac, const char *member, struct isac_error *err)
{
	struct client_directory *d = isac->directory;
	bool found;
	if (find_curve(curve, &found, d, member)) return ISAC_DONE;
	enum isac_result r = fetch_member(isac, member, err);
	for (size_t i = 0, n = d->n; !r && i < n; i++) { /* those who signed for it, up to the first admin */
		uint8_t key_id[WIRE_KEY_ID];
		if (d->cert[i].trusted || strcmp(d->cert[i].member, member) != 0) continue;
		memcpy(key_id, d->cert[i].key_id, WIRE_KEY_ID);
		r = fetch(isac, member, key_id, err);
	}
	if (r) return r;
	find_curve(curve, &found, d, member);
	if (found) return ISAC_DONE;
	return client_error_set(err, ISAC_REFUSED,
				"nothing can be sealed to %s: no admin has certified a key of such a member, or it has not joined yet",
				member);
}

static const struct cert *find_admin(const struct client_directory *d, const uint8_t *key_id)
{
	const struct cert *c = find((struct client_directory *)(uintptr_t)d, NULL, key_id);
	return c && c->trusted && !c->invitation && is_admin(d, c->member) ? c : NULL;
}

enum isac_result client_directory_admin(const uint8_t **public_key, const char **member, struct isac *isac,
					const uint8_t key_id[WIRE_KEY_ID], struct isac_error *err)
{
	struct client_directory *d = isac->directory;
	const struct cert *c = find_admin(d, key_id);
	enum isac_result r = c ? ISAC_DONE : fetch(isac, NULL, key_id, err);
	if (!r && !c && !(c = find_admin(d, key_id)) && (c = find(d, NULL, key_id))) {
		r = fetch_member(isac, c->member, err);
		c = find_admin(d, key_id);
	}
	if (r) return r;
	if (!c) return client_error_set(err, ISAC_REFUSED, "it is signed by a key that is no trusted admin's");
	*public_key = c->public_key;
	*member = c->member;
	return ISAC_DONE;
}
