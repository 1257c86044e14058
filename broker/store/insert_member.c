/*
 * A new member with its registered space. `mine` in a filter rests on that space, so a net, ASN or domain that
 * cannot be read is refused, never skipped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "store/priv.h"

static const struct store_stmt INSERT = {
	"insert_member",
	"INSERT INTO member (name, curve, type, roles, nets, asns, domains) "
	"VALUES ($1::text, $2::bytea, $3::text, $4::int, $5::cidr[], $6::bigint[], $7::text[]) ON CONFLICT DO NOTHING RETURNING id"};

static uint32_t count(const Isac1__Command *cmd, const char *name)
{
	uint32_t n = 0;

	for (size_t i = 0; cmd && i < cmd->n_args; i++) n += !strcmp(cmd->args[i]->name, name);
	return n;
}

/* Registered space may lie in ranges that are refused as indicators, so only the form of a value is asked for. */
static enum isac_err put_net(struct wire_buf *args, const char *text, struct wire_why *why)
{
	char copy[64], *slash, *end;
	uint8_t addr[16], family = strchr(text, ':') ? 6 : 4;
	long prefix, most = family == 4 ? 32 : 128;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not a network: too long");
	slash = strchr(copy, '/');
	if (slash) *slash++ = 0;
	errno = 0;
	prefix = slash ? strtol(slash, &end, 10) : most;
	if (inet_pton(family == 4 ? AF_INET : AF_INET6, copy, addr) != 1 || prefix < 0 || prefix > most ||
	    (slash && (end == slash || *end || errno)))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not a network: %s", text);
	for (long bit = prefix; bit < most; bit++)
		if (addr[bit / 8] >> (7 - bit % 8) & 1)
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not a network, host bits are set: %s", text);
	store_field_net(args, addr, family, (uint8_t)prefix, true);
	return ISAC_OK;
}

static enum isac_err put_asn(struct wire_buf *args, const char *text, struct wire_why *why)
{
	const char *digits = !strncmp(text, "AS", 2) || !strncmp(text, "as", 2) ? text + 2 : text;
	char *end;
	unsigned long long asn;

	errno = 0;
	asn = strtoull(digits, &end, 10);
	if (errno || end == digits || *end || *digits == '-' || asn == 0 || asn > UINT32_MAX)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not an AS number: %s", text);
	store_field_i64(args, (int64_t)asn);
	return ISAC_OK;
}

static enum isac_err put_domain(struct wire_buf *args, const char *text, struct wire_why *why)
{
	struct wire_arena arena;
	struct wire_value value;
	enum isac_err err;

	wire_arena_init(&arena, 65536);
	err = wire_value_canon(&value, WIRE_VALUE_DOMAIN, text, strlen(text), &arena, why);
	if (!err) store_field_text(args, value.text);
	wire_arena_clear(&arena);
	return err;
}

/* The three lists of args of a command that become arrays. */
static const struct {
	const char *arg;
	uint32_t oid;
	enum isac_err (*put)(struct wire_buf *args, const char *text, struct wire_why *why);
} SPACES[] = {
	{"net", STORE_OID_CIDR, put_net},
	{"asn", STORE_OID_INT8, put_asn},
	{"domain", STORE_OID_TEXT, put_domain},
};

static enum isac_err put_spaces(struct wire_buf *args, const Isac1__Command *cmd, struct wire_why *why)
{
	for (size_t s = 0; s < sizeof(SPACES) / sizeof(*SPACES); s++) {
		size_t mark = store_field_array(args, SPACES[s].oid, count(cmd, SPACES[s].arg));

		for (size_t i = 0; cmd && i < cmd->n_args; i++) {
			enum isac_err err =
				strcmp(cmd->args[i]->name, SPACES[s].arg) ? ISAC_OK : SPACES[s].put(args, cmd->args[i]->value, why);

			if (err) return err;
		}
		store_field_array_end(args, mark);
	}
	return ISAC_OK;
}

enum isac_err store_insert_member(struct store_db *db, const struct wire_member *bundle, const char *type, uint32_t roles,
				  const Isac1__Command *cmd, struct wire_why *why)
{
	struct wire_buf *args = store_db_args(db);
	enum isac_err err;

	if (!wire_name_ok(bundle->name)) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not a member name: use a-z 0-9 . _ -");
	store_field_text(args, bundle->name);
	store_field_bytes(args, bundle->curve, WIRE_CURVE);
	store_field_text(args, type ? type : "");
	store_field_i32(args, (int32_t)roles);
	err = put_spaces(args, cmd, why);
	if (err) return err;
	err = store_db_run(db, &INSERT, NULL);
	if (err == ISAC_ERR_NOT_FOUND)
		return wire_refuse(why, ISAC_ERR_CONFLICT, "a member with this name or this CURVE key exists: %s", bundle->name);
	if (err) return err;
	return store_insert_key(db, bundle->name, bundle->sign, 0, 0, why);
}
