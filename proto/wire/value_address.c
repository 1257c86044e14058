/*
 * Addresses and networks: ipv4, ipv6, cidr.
 *
 * IPv4 is parsed here because every libc parser takes more than four decimal numbers (octal, hexadecimal, one number), and those are
 * exactly what people disagree on. IPv6 text is inet_pton's, which is strict; it is written by RFC 5952. Both families are held as
 * 128 bits in two words (IPv4 in the upper 32), so that one table of special-use ranges and one comparison serve all three types.
 * Two networks overlap if and only if they agree in the bits of the shorter prefix: one test for "lies in" and "covers".
 */
#include <arpa/inet.h>
#include <string.h>
#include "wire/value_priv.h"

enum { V4_BITS = 32, V6_BITS = 128, V4_TEXT = 15, V6_TEXT = 45 };

struct net {
	uint64_t high, low;
	uint8_t family, bits;
};

/* Ranges that no report may name. README section 8 lists the same; 198.51.100.0/24 and 203.0.113.0/24 are left out for exercises. */
static const struct special_row {
	struct net net;
	const char *reason;
} special[] = {
#define V4(a, b, c, bits) \
	{ \
		(uint64_t)(a) << 56 | (uint64_t)(b) << 48 | (uint64_t)(c) << 40, 0, 4, bits \
	}
#define SPECIAL(range, name) "is special-use: " range " (" name ")"
	{V4(0, 0, 0, 8), SPECIAL("0.0.0.0/8", "this network, RFC 791")},
	{V4(10, 0, 0, 8), SPECIAL("10.0.0.0/8", "RFC 1918")},
	{V4(100, 64, 0, 10), SPECIAL("100.64.0.0/10", "shared by carriers, RFC 6598")},
	{V4(127, 0, 0, 8), SPECIAL("127.0.0.0/8", "loopback, RFC 1122")},
	{V4(169, 254, 0, 16), SPECIAL("169.254.0.0/16", "link-local, RFC 3927")},
	{V4(172, 16, 0, 12), SPECIAL("172.16.0.0/12", "RFC 1918")},
	{V4(192, 0, 0, 24), SPECIAL("192.0.0.0/24", "protocol assignments, RFC 6890")},
	{V4(192, 0, 2, 24), SPECIAL("192.0.2.0/24", "documentation, RFC 5737")},
	{V4(192, 168, 0, 16), SPECIAL("192.168.0.0/16", "RFC 1918")},
	{V4(198, 18, 0, 15), SPECIAL("198.18.0.0/15", "benchmarking, RFC 2544")},
	{V4(224, 0, 0, 4), SPECIAL("224.0.0.0/4", "multicast, RFC 5771")},
	{V4(240, 0, 0, 4), SPECIAL("240.0.0.0/4", "reserved, RFC 1112")},
	{{0, 0, 6, 128}, SPECIAL("::", "unspecified, RFC 4291")},
	{{0, 1, 6, 128}, SPECIAL("::1", "loopback, RFC 4291")},
	{{0, 0xffff00000000, 6, 96}, SPECIAL("::ffff:0:0/96", "all of IPv4, RFC 4291")}, /* seen only by networks wider than it */
	{{0xfe80ULL << 48, 0, 6, 10}, SPECIAL("fe80::/10", "link-local, RFC 4291")},
	{{0xfc00ULL << 48, 0, 6, 7}, SPECIAL("fc00::/7", "unique local, RFC 4193")},
	{{0xff00ULL << 48, 0, 6, 8}, SPECIAL("ff00::/8", "multicast, RFC 4291")},
	{{0x20010db8ULL << 32, 0, 6, 32}, SPECIAL("2001:db8::/32", "documentation, RFC 3849")},
#undef SPECIAL
#undef V4
};

static uint64_t mask_word(unsigned bits)
{
	return bits == 0 ? 0 : bits >= 64 ? UINT64_MAX : ~(UINT64_MAX >> bits);
}

/* Do a and b agree in the first `bits`? */
static bool agree(const struct net *a, const struct net *b, unsigned bits)
{
	return ((a->high ^ b->high) & mask_word(bits)) == 0 && ((a->low ^ b->low) & mask_word(bits > 64 ? bits - 64 : 0)) == 0;
}

static bool overlap(const struct net *a, const struct net *b)
{
	return a->family == b->family && agree(a, b, a->bits < b->bits ? a->bits : b->bits);
}

static const char *find_special(const struct net *net)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (overlap(net, &special[i].net)) return special[i].reason;
	return NULL;
}

bool wire_value_address_parse_v4(uint8_t out[4], const char *s, size_t len)
{
	size_t at = 0;

	if (len > V4_TEXT) return false;
	for (int part = 0; part < 4; part++) {
		unsigned number = 0;
		size_t start = at;

		while (at < len && value_is_digit(s[at])) number = number * 10 + (unsigned)(s[at++] - '0');
		if (at == start || at - start > 3 || number > 255 || (s[start] == '0' && at - start > 1)) return false;
		out[part] = (uint8_t)number;
		if (part < 3 && (at == len || s[at++] != '.')) return false;
	}
	return at == len;
}

bool wire_value_address_parse_v6(uint8_t out[16], const char *s, size_t len)
{
	char text[V6_TEXT + 1];

	if (len > V6_TEXT || len < 2 || memchr(s, 0, len)) return false;
	memcpy(text, s, len);
	text[len] = 0;
	return inet_pton(AF_INET6, text, out) == 1;
}

/* Any textual address; an IPv4-mapped one counts as IPv4. */
static bool parse(struct net *net, const char *s, size_t len)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint8_t a[16];

	if (wire_value_address_parse_v4(a, s, len)) {
		*net = (struct net){(uint64_t)wire_get_u32(a) << 32, 0, 4, V4_BITS};
		return true;
	}
	if (!wire_value_address_parse_v6(a, s, len)) return false;
	if (memcmp(a, mapped, sizeof(mapped)) == 0) *net = (struct net){(uint64_t)wire_get_u32(a + 12) << 32, 0, 4, V4_BITS};
	else *net = (struct net){wire_get_u64(a), wire_get_u64(a + 8), 6, V6_BITS};
	return true;
}

static char *put_number(char *at, unsigned number)
{
	if (number >= 100) *at++ = (char)('0' + number / 100);
	if (number >= 10) *at++ = (char)('0' + number / 10 % 10);
	*at++ = (char)('0' + number % 10);
	return at;
}

static char *put_hex(char *at, unsigned group)
{
	static const char digits[] = "0123456789abcdef";
	int shift = 12;

	while (shift > 0 && group >> shift == 0) shift -= 4;
	for (; shift >= 0; shift -= 4) *at++ = digits[group >> shift & 15];
	return at;
}

/* RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups becomes "::". */
static char *put_v6(char *at, const uint8_t addr[16])
{
	int best = -1, best_len = 1, run = 0;

	for (int i = 0; i < 8; i++) {
		run = wire_get_u16(addr + 2 * i) == 0 ? run + 1 : 0;
		if (run > best_len) {
			best_len = run;
			best = i - run + 1;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			*at++ = ':';
			*at++ = ':';
			i += best_len - 1;
			continue;
		}
		if (i > 0 && at[-1] != ':') *at++ = ':';
		at = put_hex(at, wire_get_u16(addr + 2 * i));
	}
	return at;
}

/* Fills out from net; with_prefix appends "/bits". */
static enum isac_err put(struct wire_value *out, const struct value_in *in, const struct net *net, bool with_prefix)
{
	char text[V6_TEXT + 4], *at = text;

	wire_put_u64(out->addr, net->high);
	wire_put_u64(out->addr + 8, net->low);
	out->family = net->family;
	out->prefix = net->bits;
	if (net->family == 4) {
		for (int i = 0; i < 4; i++) {
			if (i > 0) *at++ = '.';
			at = put_number(at, out->addr[i]);
		}
	} else {
		at = put_v6(at, out->addr);
	}
	if (with_prefix) {
		*at++ = '/';
		at = put_number(at, net->bits);
	}
	return wire_value_set(out, in, text, (size_t)(at - text));
}

static enum isac_err finish_single(struct wire_value *out, const struct value_in *in, const struct net *net)
{
	const char *reason = find_special(net);
	enum isac_err err;

	if (reason) return wire_value_bad(in, reason);
	out->type = net->family == 4 ? WIRE_VALUE_IPV4 : WIRE_VALUE_IPV6;
	err = put(out, in, net, false);
	if (err) return err;
	out->held = wire_value_is_held(out->type, out->text);
	return ISAC_OK;
}

enum isac_err wire_value_address_v4(struct wire_value *out, const struct value_in *in)
{
	uint8_t a[4];
	struct net net;

	if (!wire_value_address_parse_v4(a, in->raw, in->len))
		return wire_value_bad(in, "is not four decimal numbers 0..255 joined by dots, without leading zeros");
	net = (struct net){(uint64_t)wire_get_u32(a) << 32, 0, 4, V4_BITS};
	return finish_single(out, in, &net);
}

enum isac_err wire_value_address_v6(struct wire_value *out, const struct value_in *in)
{
	struct net net;

	if (memchr(in->raw, '%', in->len)) return wire_value_bad(in, "has a zone, which means nothing to others");
	if (!memchr(in->raw, ':', in->len) || !parse(&net, in->raw, in->len)) return wire_value_bad(in, "is not an IPv6 address");
	return finish_single(out, in, &net);
}

static bool parse_prefix(uint8_t *bits, const char *s, size_t len, unsigned max)
{
	unsigned number = 0;

	if (len == 0 || len > 3 || (s[0] == '0' && len > 1)) return false;
	for (size_t i = 0; i < len; i++) {
		if (!value_is_digit(s[i])) return false;
		number = number * 10 + (unsigned)(s[i] - '0');
	}
	*bits = (uint8_t)number;
	return number <= max;
}

static bool covers_held(const struct net *net)
{
	size_t count;
	const struct value_held *row = wire_value_held_rows(&count);
	struct net one;

	for (size_t i = 0; i < count && row[i].type <= WIRE_VALUE_IPV6; i++)
		if (parse(&one, row[i].text, strlen(row[i].text)) && overlap(net, &one)) return true;
	return false;
}

enum isac_err wire_value_address_cidr(struct wire_value *out, const struct value_in *in)
{
	const char *slash = memchr(in->raw, '/', in->len), *reason;
	size_t at = slash ? (size_t)(slash - in->raw) : 0;
	struct net net, zero = {0, 0, 0, 0};
	bool mapped;
	enum isac_err err;

	if (!slash) return wire_value_bad(in, "has no length: ADDRESS/LENGTH is needed");
	if (memchr(in->raw, '%', at)) return wire_value_bad(in, "has a zone, which means nothing to others");
	if (!parse(&net, in->raw, at)) return wire_value_bad(in, "does not begin with an address");
	mapped = net.family == 4 && memchr(in->raw, ':', at);
	if (!parse_prefix(&net.bits, slash + 1, in->len - at - 1, mapped || net.family == 6 ? V6_BITS : V4_BITS))
		return wire_value_bad(in, "has a length that does not fit its address");
	if (mapped && net.bits < V6_BITS - V4_BITS) return wire_value_bad(in, "is special-use: ::ffff:0:0/96 (all of IPv4, RFC 4291)");
	if (mapped) net.bits = (uint8_t)(net.bits - (V6_BITS - V4_BITS));
	zero.high = net.high & ~mask_word(net.bits);
	zero.low = net.low & ~mask_word(net.bits > 64 ? net.bits - 64u : 0);
	if (net.family == 4) zero.low = 0;
	if (zero.high || zero.low) return wire_value_bad(in, "has host bits set: give the network's first address");
	reason = find_special(&net);
	if (reason) return wire_value_bad(in, reason);
	err = put(out, in, &net, true);
	if (err) return err;
	out->held = net.bits < (net.family == 4 ? 16 : 32) || covers_held(&net);
	return ISAC_OK;
}
