/*
 * What isac-edge costs: packets of one capture file, read only and read, digested and inserted; and how often a page is wrong.
 *   edge make FILE PACKETS              a capture file: Ethernet, IPv4 and IPv6, sizes as in IMIX, all packets different
 *   edge read FILE                      libpcap alone hands over every packet
 *   edge digest FILE bloom|exact DIR    the same, and each one's key goes into a table that is saved to DIR at the end
 *   edge key SECONDS                    keys alone: HMAC-SHA-256 of 28 bytes, a second on one core
 *   edge wrong RATE SECONDS PROBES      a page with so many keys a second, asked for keys that are not in it
 * read, digest and key say "ready" and wait for a line. All print one JSON object.
 */
#include "bench.h"
#include <fcntl.h>
#include <pcap/pcap.h>
#include "edge/priv.h"

enum { SNAPLEN = 128, PACKET_MAX = 1500, START_S = 1764057600 };

/* splitmix64: fast, and any seed gives another series. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t make_packet(uint8_t out[PACKET_MAX], uint64_t *state)
{
	static const uint16_t sizes[] = {46, 46, 46, 46, 46, 46, 46, 576, 576, 576, 576, 1486}; /* IMIX, 7:4:1 */
	const bool six = next_random(state) % 4 == 0;
	uint8_t *ip = out + 14;
	const size_t size = sizes[next_random(state) % 12], len = six && size < 60 ? 60 : size;

	for (size_t i = 0; i < 14 + 68; i += 8) wire_put_u64(out + i, next_random(state));
	out[12] = six ? 0x86 : 0x08;
	out[13] = six ? 0xdd : 0x00;
	ip[0] = six ? 0x60 : 0x45;
	if (six) {
		ip[4] = (uint8_t)((len - 40) >> 8);
		ip[5] = (uint8_t)(len - 40);
		ip[6] = next_random(state) % 8 ? 6 : 17;
	} else {
		ip[2] = (uint8_t)(len >> 8);
		ip[3] = (uint8_t)len;
		ip[6] = 0x40;
		ip[7] = 0;
		ip[9] = next_random(state) % 8 ? 6 : 17;
	}
	return 14 + len;
}

static void make(const char *path, uint64_t n)
{
	uint8_t packet[PACKET_MAX + 14] = {0};
	uint64_t state = 1;
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	pcap_dumper_t *out = pcap_dump_open(pcap, path);

	if (!out) bench_die("%s: %s", path, pcap_geterr(pcap));
	for (uint64_t i = 0; i < n; i++) {
		const size_t len = make_packet(packet, &state);
		const struct pcap_pkthdr head = {.ts = {START_S + (long)(i / 100000), (long)(i % 100000 * 10)},
						 .caplen = len < SNAPLEN ? (unsigned)len : SNAPLEN,
						 .len = (unsigned)len};

		pcap_dump((u_char *)out, &head, packet);
	}
	pcap_dump_close(out);
	pcap_close(pcap);
	printf("{\"packets\": %" PRIu64 "}\n", n);
}

static struct edge_capture *open_file(const char *path)
{
	struct edge_capture *capture;
	struct wire_why why = {.text = ""};

	if (edge_capture_file(&capture, path, &why)) bench_die("%s", why.text);
	return capture;
}

static void say_rate(uint64_t n, int64_t start, const char *more)
{
	const double took = (double)(bench_now() - start) / 1e6;

	printf("{\"packets\": %" PRIu64 ", \"rate\": %.1f%s}\n", n, (double)n / took, more);
}

static void read_only(const char *path)
{
	struct edge_capture *capture = open_file(path);
	struct edge_frame frame;
	uint64_t n = 0;
	int64_t start;

	bench_ready();
	start = bench_now();
	while (!edge_capture_next(&frame, capture, NULL)) n++;
	say_rate(n, start, "");
	edge_capture_close(&capture);
}

static void digest(const char *path, const char *kind, const char *folder)
{
	static const struct edge_slot slots[] = {{64501, EDGE_IN}};
	struct edge_table_conf conf = {.folder = folder,
				       .own_as = 64500,
				       .slots = slots,
				       .slots_n = 1,
				       .kind = strcmp(kind, "exact") == 0 ? EDGE_EXACT : EDGE_BLOOM,
				       .page_packets = 6000000,
				       .keep_us = (int64_t)86400 * 1000000,
				       .disk_bytes_max = (uint64_t)1 << 40};
	struct edge_capture *capture = open_file(path);
	struct edge_table *table;
	struct edge_table_stats stats;
	struct edge_frame frame;
	struct edge_packet packet;
	struct edge_digest made;
	struct edge_epoch epoch;
	struct wire_why why = {.text = ""};
	uint8_t key[EDGE_KEY] = {1};
	uint64_t n = 0;
	int64_t start;
	char more[120];

	edge_epoch_init(&epoch, key);
	if (edge_table_open(&table, &conf, &why)) bench_die("%s", why.text);
	bench_ready();
	start = bench_now();
	while (!edge_capture_next(&frame, capture, NULL)) {
		if (edge_packet_open(&packet, edge_capture_link(capture), frame.data, frame.len)) continue;
		edge_digest_make(&made, &packet);
		edge_digest_key(key, &epoch, &made);
		if (edge_table_add(table, 0, frame.us, key)) bench_die("the table takes no more");
		n++;
	}
	edge_table_save(table);
	edge_table_stats(&stats, table);
	snprintf(more, sizeof more, ", \"bytes_per_packet\": %.3f, \"pages\": %" PRIu64, (double)stats.disk_bytes / (double)n, stats.pages);
	say_rate(n, start, more);
	edge_table_close(&table);
	edge_capture_close(&capture);
}

static void keys(double seconds)
{
	struct edge_digest input = {.len = 28};
	struct edge_epoch epoch;
	uint8_t key[EDGE_KEY] = {1};
	uint64_t n = 0;
	int64_t start, end;

	edge_epoch_init(&epoch, key);
	bench_ready();
	start = end = bench_now();
	for (; end < start + (int64_t)(seconds * 1e6); end = bench_now())
		for (unsigned i = 0; i < 1000; i++, n++) {
			wire_put_u64(input.input, n);
			edge_digest_key(key, &epoch, &input);
		}
	say_rate(n, start, "");
}

static void random_key(uint8_t out[EDGE_KEY], uint64_t *state)
{
	for (unsigned i = 0; i < EDGE_KEY; i += 8) wire_put_u64(out + i, next_random(state));
}

static void wrong(uint64_t rate, uint64_t seconds, uint64_t probes)
{
	const uint64_t n = rate * seconds;
	struct edge_page page;
	uint8_t key[EDGE_KEY];
	uint64_t state = 1, found = 0;

	if (edge_page_init(&page, EDGE_BLOOM, n)) bench_die("no memory for a page of %" PRIu64 " packets", n);
	for (uint64_t i = 0; i < n; i++) {
		random_key(key, &state);
		edge_page_add(&page, key);
	}
	state = 1u << 31;
	for (uint64_t i = 0; i < probes; i++) {
		random_key(key, &state);
		found += edge_page_has(&page, key);
	}
	printf("{\"packets\": %" PRIu64 ", \"bits\": %" PRIu64 ", \"probes\": %" PRIu64 ", \"wrong\": %" PRIu64 ", \"rate\": %.7f}\n", n,
	       page.size, probes, found, (double)found / (double)probes);
	edge_page_clear(&page);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0) bench_die("libsodium");
	if (argc == 4 && strcmp(argv[1], "make") == 0) make(argv[2], strtoull(argv[3], NULL, 10));
	else if (argc == 3 && strcmp(argv[1], "read") == 0) read_only(argv[2]);
	else if (argc == 5 && strcmp(argv[1], "digest") == 0) digest(argv[2], argv[3], argv[4]);
	else if (argc == 3 && strcmp(argv[1], "key") == 0) keys(strtod(argv[2], NULL));
	else if (argc == 5 && strcmp(argv[1], "wrong") == 0)
		wrong(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	else bench_die("see the head of tests/bench/edge.c");
	return 0;
}
