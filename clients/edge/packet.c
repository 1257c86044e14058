/*
 * packet: from a captured frame to the IP packet in it. Every byte may be an attacker's; each step first asks how much is left.
 *
 * Two edges must find the same packet in whatever their links wrap around it, however much they capture: so what counts is the
 * length that IP gives, never padding of the link, and an answer that needs more bytes than were captured is SHORT, not a guess.
 */
#include <string.h>
#include "edge/edge.h"

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, EXTENSION_UNIT = 8 };
enum { NEXT_HOP_BY_HOP = 0, NEXT_ROUTING = 43, NEXT_FRAGMENT = 44, NEXT_DESTINATION = 60 };

/* What is left of the frame, and which IP the link says it is; 0 = ask the packet. */
struct at {
	const uint8_t *p;
	size_t left;
	int version;
};

/* Upper layers whose first 8 bytes are header and not content: protocol, IP version (0 = both). */
static const struct {
	uint8_t protocol, version;
} uppers[] = {{1, 4}, {6, 0}, {17, 0}, {33, 0}, {58, 6}, {132, 0}, {136, 0}};

static bool has_upper(uint8_t protocol, uint8_t version)
{
	for (size_t i = 0; i < sizeof uppers / sizeof *uppers; i++)
		if (uppers[i].protocol == protocol) return !uppers[i].version || uppers[i].version == version;
	return false;
}

static bool skip(struct at *at, size_t n)
{
	if (at->left < n) return false;
	at->p += n;
	at->left -= n;
	return true;
}

/* ---- link layers ---- */
static enum edge_fault is_ip(struct at *at, int version)
{
	at->version = version;
	return EDGE_OK;
}

static enum edge_fault ppp_protocol(struct at *at)
{
	unsigned protocol;

	if (at->left < 1) return EDGE_SHORT;
	protocol = at->p[0];
	if (protocol & 1) { /* compressed to one byte, RFC 1661 section 6.5 */
		skip(at, 1);
	} else {
		if (at->left < 2) return EDGE_SHORT;
		protocol = wire_get_u16(at->p);
		skip(at, 2);
	}
	return protocol == 0x21 ? is_ip(at, 4) : protocol == 0x57 ? is_ip(at, 6) : EDGE_NOT_IP;
}

static enum edge_fault read_ppp(struct at *at)
{
	if (at->left < 2) return EDGE_SHORT;
	if (at->p[0] == 0xff && at->p[1] == 0x03) skip(at, 2);
	return ppp_protocol(at);
}

static enum edge_fault read_pppd(struct at *at)
{
	return skip(at, 1) ? read_ppp(at) : EDGE_SHORT; /* one byte says in or out */
}

static enum edge_fault read_pppoe(struct at *at)
{
	if (at->left < 6) return EDGE_SHORT;
	if (at->p[0] != 0x11 || at->p[1] != 0) return EDGE_NOT_IP; /* version and type 1, code 0: session data */
	skip(at, 6);
	return ppp_protocol(at);
}

static enum edge_fault read_mpls(struct at *at)
{
	bool bottom;

	do {
		if (at->left < 4) return EDGE_SHORT;
		bottom = at->p[2] & 1;
		skip(at, 4);
	} while (!bottom);
	if (at->left < 1) return EDGE_SHORT;
	return at->p[0] >> 4 == 4 || at->p[0] >> 4 == 6 ? is_ip(at, 0) : EDGE_NOT_IP; /* pseudo-wires begin with 0 or 1 */
}

/* Behind an EtherType, with any number of VLAN tags (each takes four bytes, so this ends). */
static enum edge_fault behind_type(struct at *at, unsigned type)
{
	while (type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200) {
		if (at->left < 4) return EDGE_SHORT;
		type = wire_get_u16(at->p + 2);
		skip(at, 4);
	}
	switch (type) {
	case 0x0800:
		return is_ip(at, 4);
	case 0x86dd:
		return is_ip(at, 6);
	case 0x8864:
		return read_pppoe(at);
	case 0x8847:
	case 0x8848:
		return read_mpls(at);
	default:
		return EDGE_NOT_IP;
	}
}

/* A header of `size` bytes with the EtherType at `offset`. */
static enum edge_fault typed(struct at *at, size_t size, size_t offset)
{
	unsigned type;

	if (at->left < size) return EDGE_SHORT;
	type = wire_get_u16(at->p + offset);
	skip(at, size);
	return behind_type(at, type);
}

static enum edge_fault read_ethernet(struct at *at)
{
	return typed(at, 14, 12);
}

static enum edge_fault read_hdlc(struct at *at)
{
	return typed(at, 4, 2);
}

static enum edge_fault read_sll(struct at *at)
{
	return typed(at, 16, 14);
}

static enum edge_fault read_sll2(struct at *at)
{
	return typed(at, 20, 0);
}

/* BSD's loopback: an address family in the byte order of the machine that captured, and each system has its own AF_INET6. */
static enum edge_fault read_family(struct at *at)
{
	uint32_t family;

	if (at->left < 4) return EDGE_SHORT;
	family = wire_get_u32(at->p);
	if (family > 0xffff) family = family >> 24 | (family >> 8 & 0xff00);
	skip(at, 4);
	switch (family) {
	case 2:
		return is_ip(at, 4);
	case 10:
	case 24:
	case 28:
	case 30:
		return is_ip(at, 6);
	default:
		return EDGE_NOT_IP;
	}
}

static enum edge_fault read_raw(struct at *at)
{
	return is_ip(at, 0);
}

static enum edge_fault read_ipv4(struct at *at)
{
	return is_ip(at, 4);
}

static enum edge_fault read_ipv6(struct at *at)
{
	return is_ip(at, 6);
}

static const struct link {
	int number;
	const char *name;
	enum edge_fault (*read)(struct at *at);
} links[] = {
#define LINK(number, name, reader) {number, name, reader},
#include "links.def"
#undef LINK
};

static const struct link *find_link(int number)
{
	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (links[i].number == number) return &links[i];
	return NULL;
}

/* ---- IP ---- */
static enum edge_fault open_ipv4(struct edge_packet *out, const struct at *at)
{
	const uint8_t *ip = at->p;
	size_t header, total;

	if (at->left < IPV4_HEADER) return EDGE_SHORT;
	header = (ip[0] & 15u) * 4;
	total = wire_get_u16(ip + 2);
	if (header < IPV4_HEADER || (total && total < header)) return EDGE_BAD;
	*out = (struct edge_packet){.ip = ip, .version = 4, .protocol = ip[9]};
	if ((wire_get_u16(ip + 6) & 0x1fff) || !has_upper(ip[9], 4)) return EDGE_OK;
	/* Total length 0: too large for the field, merged by a network card that offloads. */
	if (total && total - header < EDGE_UPPER) return EDGE_OK;
	if (at->left < header + EDGE_UPPER) return EDGE_SHORT;
	out->upper = ip + header;
	return EDGE_OK;
}

static bool is_extension(uint8_t next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT || next == NEXT_DESTINATION;
}

static enum edge_fault open_ipv6(struct edge_packet *out, const struct at *at)
{
	const uint8_t *ip = at->p;
	size_t pos = IPV6_HEADER, size, end, payload;

	if (at->left < IPV6_HEADER) return EDGE_SHORT;
	payload = wire_get_u16(ip + 4);
	/* Length 0 with hop-by-hop options: a jumbogram, whose length stands in an option. */
	end = !payload && ip[6] == NEXT_HOP_BY_HOP ? SIZE_MAX : IPV6_HEADER + payload;
	*out = (struct edge_packet){.ip = ip, .version = 6, .protocol = ip[6]};
	while (is_extension(out->protocol)) {
		const size_t most = end < IPV6_HEADER + EDGE_EXTENSIONS_MAX ? end : IPV6_HEADER + EDGE_EXTENSIONS_MAX;

		if (pos + EXTENSION_UNIT > most) return EDGE_OK;
		if (at->left < pos + EXTENSION_UNIT) return EDGE_SHORT;
		size = out->protocol == NEXT_FRAGMENT ? EXTENSION_UNIT : (ip[pos + 1] + 1u) * EXTENSION_UNIT;
		if (pos + size > most) return EDGE_OK;
		if (out->protocol == NEXT_FRAGMENT && wire_get_u16(ip + pos + 2) >> 3) {
			out->protocol = ip[pos];
			return EDGE_OK;
		}
		out->protocol = ip[pos];
		pos += size;
	}
	if (!has_upper(out->protocol, 6) || end < pos + EDGE_UPPER) return EDGE_OK;
	if (at->left < pos + EDGE_UPPER) return EDGE_SHORT;
	out->upper = ip + pos;
	return EDGE_OK;
}

enum edge_fault edge_packet_open(struct edge_packet *out, int link, const uint8_t *data, size_t len)
{
	const struct link *row = find_link(link);
	struct at at = {data, len, 0};
	enum edge_fault fault = row ? row->read(&at) : EDGE_NOT_IP;
	int version;

	if (fault) return fault;
	if (at.left < 1) return EDGE_SHORT;
	version = at.p[0] >> 4;
	if (at.version ? version != at.version : version != 4 && version != 6) return EDGE_BAD;
	return version == 4 ? open_ipv4(out, &at) : open_ipv6(out, &at);
}

const char *edge_packet_link(int link)
{
	const struct link *row = find_link(link);

	return row ? row->name : NULL;
}

const char *edge_fault_name(enum edge_fault fault)
{
	static const char *const names[] = {
		"ok",
#define FAULT(name, word, text) word,
#include "faults.def"
#undef FAULT
	};

	return names[fault];
}
