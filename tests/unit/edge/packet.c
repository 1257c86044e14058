/* Hostile frames: lies in headers, cuts at every byte, chains of extension headers without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "edge/edge.h"

enum { ETHERNET = 1, RAW = 101, IPV4 = 228, IPV6 = 229, FRAME_MAX = 2048 };

/* A frame in hex, on the heap with nothing after it. */
static enum edge_fault open_hex(struct edge_packet *out, int link, const char *hex, size_t cut)
{
	static uint8_t *last; /* what `out` points into, until the next call */
	const size_t len = strlen(hex) / 2 < cut ? strlen(hex) / 2 : cut;

	free(last);
	last = malloc(len ? len : 1);
	assert_non_null(last);
	assert_int_equal(wire_unhex(last, len, hex, 2 * len), ISAC_OK);
	return edge_packet_open(out, link, last, len);
}

#define UDP4 \
	"450000240001000040110000c0000201c6336401" \
	"0035003500100000" \
	"0102030405060708"
#define UDP6 \
	"6000000000101140" \
	"20010db8000000000000000000000001" \
	"20010db8000000000000000000000002" \
	"0035003500100000" \
	"0102030405060708"

static void cuts_at_every_byte(void **state)
{
	static const struct {
		int link;
		const char *hex;
		size_t need;
	} rows[] = {
		{RAW, UDP4, 28},
		{IPV4, UDP4, 28},
		{RAW, UDP6, 48},
		{ETHERNET, "000102030405060708090a0b8100006488a800650800" UDP4, 22 + 28},
		{ETHERNET, "000102030405060708090a0b86dd" UDP6, 14 + 48},
		{ETHERNET,
		 "000102030405060708090a0b8864110000010026"
		 "0021" UDP4,
		 22 + 28},
		{113, "00000001000600010203040500000800" UDP4, 16 + 28},
		{276, "0800000000000002000100060001020304050000" UDP4, 20 + 28},
		{9, "ff030057" UDP6, 4 + 48},
		{0, "02000000" UDP4, 4 + 28},
	};
	struct edge_packet packet;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t cut = 0; cut <= strlen(rows[i].hex) / 2; cut++) {
			const enum edge_fault fault = open_hex(&packet, rows[i].link, rows[i].hex, cut);

			if (fault != (cut < rows[i].need ? EDGE_SHORT : EDGE_OK))
				fail_msg("row %zu cut at %zu gives %s", i, cut, edge_fault_name(fault));
			if (!fault) assert_non_null(packet.upper);
		}
}

static void lies_of_an_ipv4_header(void **state)
{
	struct edge_packet packet;
	char hex[] = UDP4;

	(void)state;
	for (int ihl = 0; ihl < 5; ihl++) {
		hex[1] = (char)('0' + ihl);
		assert_int_equal(open_hex(&packet, RAW, hex, SIZE_MAX), EDGE_BAD);
	}
	hex[1] = '6'; /* 24 bytes of header */
	assert_int_equal(open_hex(&packet, RAW, hex, SIZE_MAX), EDGE_OK);
	memcpy(hex + 4, "0017", 4); /* in a packet of 23 */
	assert_int_equal(open_hex(&packet, RAW, hex, SIZE_MAX), EDGE_BAD);
	memcpy(hex, "4f00", 4);
	memcpy(hex + 4, "0044", 4); /* the longest header, and the 8 bytes were not captured */
	assert_int_equal(open_hex(&packet, RAW, hex, SIZE_MAX), EDGE_SHORT);
	memcpy(hex, "45000013", 8);
	assert_int_equal(open_hex(&packet, RAW, hex, SIZE_MAX), EDGE_BAD);
	assert_int_equal(open_hex(&packet, RAW, "55" UDP4, SIZE_MAX), EDGE_BAD);
	assert_int_equal(open_hex(&packet, IPV6, UDP4, SIZE_MAX), EDGE_BAD);
	assert_int_equal(open_hex(&packet, IPV4, UDP6, SIZE_MAX), EDGE_BAD);
	assert_int_equal(open_hex(&packet, ETHERNET, "000102030405060708090a0b86dd" UDP4, SIZE_MAX), EDGE_BAD);
}

static void padding_is_not_transport(void **state)
{
	struct edge_packet packet;

	(void)state;
	/* 7 bytes of UDP by the header's word, then the link's padding */
	assert_int_equal(open_hex(&packet, RAW,
				  "4500001b0001000040110000c0000201c6336401"
				  "00350035000700ffffffffffffff",
				  SIZE_MAX),
			 EDGE_OK);
	assert_null(packet.upper);
	assert_int_equal(open_hex(&packet, RAW,
				  "6000000000071140"
				  "20010db8000000000000000000000001"
				  "20010db8000000000000000000000002"
				  "003500350010000000000000",
				  SIZE_MAX),
			 EDGE_OK);
	assert_null(packet.upper);
}

static void what_follows_is_header_or_content(void **state)
{
	static const struct {
		uint8_t protocol;
		bool v4, v6;
	} rows[] = {{1, true, false},	{58, false, true},  {6, true, true},	{17, true, true},   {33, true, true},
		    {132, true, true},	{136, true, true},  {50, false, false}, {47, false, false}, {4, false, false},
		    {41, false, false}, {51, false, false}, {59, false, false}};
	struct edge_packet packet;
	char four[] = UDP4, six[] = UDP6, digits[3];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		wire_hex(digits, &rows[i].protocol, 1);
		memcpy(four + 18, digits, 2);
		memcpy(six + 12, digits, 2);
		assert_int_equal(open_hex(&packet, RAW, four, SIZE_MAX), EDGE_OK);
		assert_int_equal(packet.upper != NULL, rows[i].v4);
		assert_int_equal(open_hex(&packet, RAW, six, SIZE_MAX), EDGE_OK);
		assert_int_equal(packet.upper != NULL, rows[i].v6);
	}
}

/* An IPv6 packet: `first` and then the bytes given, `payload` long by its own word. */
static enum edge_fault open_chain(struct edge_packet *out, unsigned payload, unsigned first, const char *rest)
{
	char hex[2 * FRAME_MAX];

	snprintf(hex, sizeof hex, "60000000%04x%02x4020010db800000000000000000000000120010db8000000000000000000000002%s", payload, first,
		 rest);
	return open_hex(out, IPV6, hex, SIZE_MAX);
}

static void chains_of_extension_headers(void **state)
{
	struct edge_packet packet;

	(void)state;
	/* hop-by-hop, routing, destination options, UDP */
	assert_int_equal(open_chain(&packet, 32, 0,
				    "2b00000000000000"
				    "3c00000000000000"
				    "1100000000000000"
				    "0035003500080000"),
			 EDGE_OK);
	assert_int_equal(packet.protocol, 17);
	assert_ptr_equal(packet.upper, packet.ip + 40 + 24);
	/* a first fragment, then a later one */
	assert_int_equal(open_chain(&packet, 16, 44,
				    "1100000100000001"
				    "0035003500080000"),
			 EDGE_OK);
	assert_ptr_equal(packet.upper, packet.ip + 48);
	assert_int_equal(open_chain(&packet, 16, 44,
				    "1100000900000001"
				    "0035003500080000"),
			 EDGE_OK);
	assert_int_equal(packet.protocol, 17);
	assert_null(packet.upper);
	/* authentication, mobility, none: not followed */
	assert_int_equal(open_chain(&packet, 16, 51,
				    "1104000000000000"
				    "0035003500080000"),
			 EDGE_OK);
	assert_int_equal(packet.protocol, 51);
	assert_null(packet.upper);
}

static void chains_that_lead_nowhere(void **state)
{
	struct edge_packet packet;
	char hex[2 * FRAME_MAX] = "";

	(void)state;
	/* a header that is longer than its packet */
	assert_int_equal(open_chain(&packet, 16, 0,
				    "11ff000000000000"
				    "0035003500080000"),
			 EDGE_OK);
	assert_int_equal(packet.protocol, 0);
	assert_null(packet.upper);
	/* a chain that ends with the packet */
	assert_int_equal(open_chain(&packet, 8, 0,
				    "3c00000000000000"
				    "1100000000000000"),
			 EDGE_OK);
	assert_int_equal(packet.protocol, 60);
	assert_null(packet.upper);
	/* 200 headers: followed for 128 bytes, that is 16 of them */
	for (int i = 0; i < 200; i++) memcpy(hex + i * 16, "3c00000000000000", 17);
	assert_int_equal(open_chain(&packet, 1600, 60, hex), EDGE_OK);
	assert_int_equal(packet.protocol, 60);
	assert_null(packet.upper);
	/* 15 headers and UDP: still there */
	memcpy(hex + 14 * 16,
	       "1100000000000000"
	       "0035003500080000",
	       33);
	assert_int_equal(open_chain(&packet, 128, 60, hex), EDGE_OK);
	assert_ptr_equal(packet.upper, packet.ip + 40 + 120);
	/* a jumbogram: its length is an option */
	assert_int_equal(open_chain(&packet, 0, 0,
				    "1100c20400010000"
				    "0035003500080000"),
			 EDGE_OK);
	assert_ptr_equal(packet.upper, packet.ip + 48);
}

static void what_is_no_ip(void **state)
{
	struct edge_packet packet;

	(void)state;
	assert_int_equal(open_hex(&packet, ETHERNET, "ffffffffffff0708090a0b0c0806000108000604", SIZE_MAX), EDGE_NOT_IP);
	assert_int_equal(open_hex(&packet, ETHERNET, "ffffffffffff0708090a0b0c8863110900000000", SIZE_MAX), EDGE_NOT_IP);
	assert_int_equal(open_hex(&packet, ETHERNET, "ffffffffffff0708090a0b0c88640107000100020021" UDP4, SIZE_MAX), EDGE_NOT_IP);
	assert_int_equal(open_hex(&packet, ETHERNET, "ffffffffffff0708090a0b0c88470001014000" UDP4, SIZE_MAX),
			 EDGE_NOT_IP); /* a pseudo-wire */
	assert_int_equal(open_hex(&packet, 9, "ff03c021" UDP4, SIZE_MAX), EDGE_NOT_IP);
	assert_int_equal(open_hex(&packet, 105, UDP4, SIZE_MAX), EDGE_NOT_IP); /* a link layer without a row */
	assert_null(edge_packet_link(105));
	assert_string_equal(edge_packet_link(276), "LINUX_SLL2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_at_every_byte),
		cmocka_unit_test(lies_of_an_ipv4_header),
		cmocka_unit_test(padding_is_not_transport),
		cmocka_unit_test(what_follows_is_header_or_content),
		cmocka_unit_test(chains_of_extension_headers),
		cmocka_unit_test(chains_that_lead_nowhere),
		cmocka_unit_test(what_is_no_ip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
