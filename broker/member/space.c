/*
 * space: one network, AS number or domain that a member registers, read and made canonical. Whether it is really the member's is
 * for people: another member or an admin confirms it. What is in force is in the roster.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "member/member.h"

const char *const member_space_names[MEMBER_SPACE_KINDS] = {"net", "asn", "domain"};

/* The canonical value of section 8 becomes the text. */
static enum isac_err take_canonical(struct member_space *out, uint32_t type, const char *text, struct wire_why *why)
{
	struct wire_arena arena;
	struct wire_value value;
	enum isac_err err;

	wire_arena_init(&arena, 65536);
	err = wire_value_canon(&value, type, text, strlen(text), &arena, why);
	if (!err && value.len >= sizeof(out->text)) err = wire_refuse(why, ISAC_ERR_BAD_VALUE, "too long");
	if (!err) {
		memcpy(out->text, value.text, value.len + 1);
		if (value.family) memcpy(out->net.addr, value.addr, sizeof(value.addr));
		out->net.family = value.family;
		out->net.prefix = value.prefix;
	}
	wire_arena_clear(&arena);
	return err;
}

static enum isac_err parse_net(struct member_space *out, const char *text, struct wire_why *why)
{
	struct member_net *net = &out->net;
	char copy[64], addr[INET6_ADDRSTRLEN], *slash, *end = NULL;
	long prefix, most;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not a network: too long");
	net->family = strchr(text, ':') ? 6 : 4;
	most = net->family == 4 ? 32 : 128;
	slash = strchr(copy, '/');
	if (slash) *slash++ = 0;
	errno = 0;
	prefix = slash ? strtol(slash, &end, 10) : most;
	if (inet_pton(net->family == 4 ? AF_INET : AF_INET6, copy, net->addr) != 1 || prefix < 0 || prefix > most ||
	    (slash && (*slash < '0' || *slash > '9' || *end || errno)))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not a network: %s", text);
	for (long bit = prefix; bit < most; bit++)
		if (net->addr[bit / 8] >> (7 - bit % 8) & 1)
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not a network, host bits are set: %s", text);
	net->prefix = (uint8_t)prefix;
	inet_ntop(net->family == 4 ? AF_INET : AF_INET6, net->addr, addr, sizeof(addr));
	snprintf(out->text, sizeof(out->text), "%s/%u", addr, net->prefix);
	return ISAC_OK;
}

static enum isac_err check_net(struct member_space *out, struct wire_why *why)
{
	char text[sizeof(out->text)];
	unsigned least;
	enum isac_err err;

	memcpy(text, out->text, sizeof(text));
	err = take_canonical(out, WIRE_VALUE_CIDR, text, why);
	if (err) return err;
	least = out->net.family == 4 ? WIRE_LIMIT_SPACE_NET4_BITS : WIRE_LIMIT_SPACE_NET6_BITS;
	if (out->net.prefix >= least) return ISAC_OK;
	return wire_refuse(why, ISAC_ERR_BAD_VALUE, "%s is too wide to be one member's: /%u at least", out->text, least);
}

static enum isac_err parse_asn(struct member_space *out, const char *text, struct wire_why *why)
{
	const char *digits = !strncmp(text, "AS", 2) || !strncmp(text, "as", 2) ? text + 2 : text;
	char *end;
	unsigned long long asn;

	errno = 0;
	asn = strtoull(digits, &end, 10);
	if (errno || *digits < '0' || *digits > '9' || *end || asn == 0 || asn > UINT32_MAX)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "not an AS number: %s", text);
	snprintf(out->text, sizeof(out->text), "%llu", asn);
	return ISAC_OK;
}

enum isac_err member_space_parse(struct member_space *out, enum member_space_kind kind, const char *text, bool strict, struct wire_why *why)
{
	enum isac_err err;

	memset(out, 0, sizeof(*out));
	out->kind = kind;
	if (kind == MEMBER_SPACE_NET) {
		err = parse_net(out, text, why);
		return err || !strict ? err : check_net(out, why);
	}
	if (kind == MEMBER_SPACE_DOMAIN) return take_canonical(out, WIRE_VALUE_DOMAIN, text, why);
	err = parse_asn(out, text, why);
	if (!err && strict) {
		char digits[sizeof(out->text)];

		memcpy(digits, out->text, sizeof(digits));
		err = take_canonical(out, WIRE_VALUE_ASN, digits, why);
	}
	return err;
}
