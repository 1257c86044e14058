/*
 * Public bundles (README section 4): the text files by which members and the hub introduce themselves.
 * Strict on purpose: fixed lines in a fixed order, so that there is one spelling and nothing to argue about.
 */
#include <stdio.h>
#include <string.h>
#include "wire/wire.h"

struct reader {
	const char *at, *end;
};

/* Takes the line `name value`; value is not terminated. */
static bool take(struct reader *in, const char *name, const char **value, size_t *len)
{
	const size_t name_len = strlen(name);
	const char *nl = in->at < in->end ? memchr(in->at, '\n', (size_t)(in->end - in->at)) : NULL;

	if (!nl || (size_t)(nl - in->at) <= name_len || memcmp(in->at, name, name_len) != 0 || in->at[name_len] != ' ') return false;
	*value = in->at + name_len + 1;
	*len = (size_t)(nl - *value);
	in->at = nl + 1;
	return true;
}

static bool take_text(struct reader *in, const char *name, char *out, size_t size)
{
	const char *value;
	size_t len;

	if (!take(in, name, &value, &len) || !len || len >= size) return false;
	for (size_t i = 0; i < len; i++)
		if (value[i] <= ' ' || value[i] > '~') return false;
	memcpy(out, value, len);
	out[len] = 0;
	return true;
}

static bool take_hex(struct reader *in, const char *name, uint8_t *out, size_t size)
{
	const char *value;
	size_t len;

	return take(in, name, &value, &len) && !wire_unhex(out, size, value, len);
}

static void put_hex(struct wire_buf *out, const char *name, const uint8_t *data, size_t len)
{
	char hex[2 * WIRE_SIGNATURE + 1];

	wire_hex(hex, data, len);
	wire_buf_printf(out, "%s %s\n", name, hex);
}

enum isac_err wire_member_format(struct wire_buf *out, const struct wire_member *m, const uint8_t secret[WIRE_SIGN_SECRET])
{
	const size_t start = out->len;
	uint8_t sig[WIRE_SIGNATURE];
	enum isac_err err;

	if (!wire_name_ok(m->name)) return ISAC_ERR_BAD_VALUE;
	wire_buf_printf(out, "isac-member 1\nname %s\n", m->name);
	put_hex(out, "curve_public", m->curve, WIRE_CURVE);
	put_hex(out, "sign_public", m->sign, WIRE_SIGN_PUBLIC);
	if (out->err) return out->err;
	err = wire_sign_make(sig, WIRE_SIGN_MEMBER, "", out->data + start, out->len - start, secret);
	if (err) return err;
	put_hex(out, "signature", sig, WIRE_SIGNATURE);
	return out->err;
}

enum isac_err wire_member_parse(struct wire_member *out, const char *text, size_t len, struct wire_why *why)
{
	struct reader in = {text, text + len};
	char version[8];
	uint8_t sig[WIRE_SIGNATURE];
	size_t signed_len;

	*out = (struct wire_member){0};
	if (!take_text(&in, "isac-member", version, sizeof version) || strcmp(version, "1") != 0)
		return wire_refuse(why, ISAC_ERR_MALFORMED, "not a member bundle of version 1");
	if (!take_text(&in, "name", out->name, sizeof out->name) || !take_hex(&in, "curve_public", out->curve, WIRE_CURVE) ||
	    !take_hex(&in, "sign_public", out->sign, WIRE_SIGN_PUBLIC))
		return wire_refuse(why, ISAC_ERR_MALFORMED, "a member bundle has the lines name, curve_public, sign_public, signature");
	signed_len = (size_t)(in.at - text);
	if (!take_hex(&in, "signature", sig, sizeof sig) || in.at != in.end)
		return wire_refuse(why, ISAC_ERR_MALFORMED, "a member bundle ends with its signature line");
	if (!wire_name_ok(out->name)) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not a member's name: %s", out->name);
	if (wire_sign_check(sig, WIRE_SIGN_MEMBER, "", (const uint8_t *)text, signed_len, out->sign))
		return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "the bundle's signature does not hold");
	return ISAC_OK;
}

/* tcp://HOST:PORT, HOST perhaps in brackets. libzmq judges HOST. */
static bool address_ok(const char *address)
{
	const char *colon = strrchr(address, ':');
	unsigned port;
	char rest;

	return strncmp(address, "tcp://", 6) == 0 && colon && colon > address + 6 && strspn(colon + 1, "0123456789") == strlen(colon + 1) &&
	       strlen(colon + 1) <= 5 && sscanf(colon + 1, "%5u%c", &port, &rest) == 1 &&
	       port < 65536; /* 0: a free one at every start, README section 4 */
}

enum isac_err wire_hub_format(struct wire_buf *out, const struct wire_hub *h)
{
	if (!address_ok(h->address)) return ISAC_ERR_BAD_VALUE;
	wire_buf_printf(out, "isac-hub 1\nhub_id %s\naddress %s\n", h->hub_id, h->address);
	put_hex(out, "curve_public", h->curve, WIRE_CURVE);
	put_hex(out, "receipt_public", h->receipt, WIRE_SIGN_PUBLIC);
	put_hex(out, "admin_public", h->admin, WIRE_SIGN_PUBLIC);
	return out->err;
}

enum isac_err wire_hub_parse(struct wire_hub *out, const char *text, size_t len, struct wire_why *why)
{
	struct reader in = {text, text + len};
	char version[8], hub_id[17];

	*out = (struct wire_hub){0};
	if (!take_text(&in, "isac-hub", version, sizeof version) || strcmp(version, "1") != 0)
		return wire_refuse(why, ISAC_ERR_MALFORMED, "not a hub bundle of version 1");
	if (!take_text(&in, "hub_id", out->hub_id, sizeof out->hub_id) || !take_text(&in, "address", out->address, sizeof out->address) ||
	    !take_hex(&in, "curve_public", out->curve, WIRE_CURVE) || !take_hex(&in, "receipt_public", out->receipt, WIRE_SIGN_PUBLIC) ||
	    !take_hex(&in, "admin_public", out->admin, WIRE_SIGN_PUBLIC) || in.at != in.end)
		return wire_refuse(why, ISAC_ERR_MALFORMED,
				   "a hub bundle has the lines hub_id, address, curve_public, receipt_public, admin_public");
	if (!address_ok(out->address)) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not tcp://HOST:PORT: %s", out->address);
	wire_sign_hub_id(hub_id, out->receipt);
	if (strcmp(hub_id, out->hub_id) != 0) return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "hub_id does not belong to receipt_public");
	return ISAC_OK;
}
