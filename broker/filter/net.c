/*
 * net: the operand of `value in NETWORK`. Any network may be asked for, also those that no indicator may name
 * (proto/README.md section 8), hence not the wire's canonical form. A single address is its own network.
 */
#include <arpa/inet.h>
#include <string.h>

#include "filter/priv.h"

static bool parse_prefix(unsigned *bits, const char *text, unsigned most)
{
	size_t digits = strspn(text, "0123456789");

	*bits = 0;
	if (!digits || digits > 3 || text[digits] || (digits > 1 && text[0] == '0')) return false;
	for (size_t i = 0; i < digits; i++) *bits = *bits * 10 + (unsigned)(text[i] - '0');
	return *bits <= most;
}

static bool host_bits_clear(const struct member_net *net)
{
	unsigned all = net->family == 4 ? 32 : 128;

	for (unsigned i = net->prefix; i < all; i++)
		if (net->addr[i / 8] >> (7 - i % 8) & 1) return false;
	return true;
}

bool filter_net_parse(struct member_net *out, const char *text, size_t len)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char copy[FILTER_NET_TEXT], *slash;
	unsigned most, bits;

	if (len >= sizeof(copy)) return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	slash = strchr(copy, '/');
	if (slash) *slash++ = '\0';
	memset(out, 0, sizeof(*out));
	out->family = strchr(copy, ':') ? 6 : 4;
	most = bits = out->family == 6 ? 128 : 32;
	if (inet_pton(out->family == 6 ? AF_INET6 : AF_INET, copy, out->addr) != 1) return false;
	if (slash && !parse_prefix(&bits, slash, most)) return false;
	if (out->family == 6 && bits >= 96 && memcmp(out->addr, mapped, sizeof(mapped)) == 0) {
		memmove(out->addr, out->addr + 12, 4); /* ::ffff:a.b.c.d is ipv4, as in section 8 */
		memset(out->addr + 4, 0, 12);
		out->family = 4;
		bits -= 96;
	}
	out->prefix = (uint8_t)bits;
	return host_bits_clear(out);
}

void filter_net_print(char out[FILTER_NET_TEXT], const struct member_net *net)
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(net->family == 6 ? AF_INET6 : AF_INET, net->addr, addr, sizeof(addr));
	snprintf(out, FILTER_NET_TEXT, "%s/%u", addr, net->prefix);
}

bool filter_net_overlap(const uint8_t *a, unsigned a_bits, const uint8_t *b, unsigned b_bits)
{
	unsigned bits = a_bits < b_bits ? a_bits : b_bits, rest = bits % 8;

	if (memcmp(a, b, bits / 8) != 0) return false;
	return !rest || !((a[bits / 8] ^ b[bits / 8]) >> (8 - rest));
}
