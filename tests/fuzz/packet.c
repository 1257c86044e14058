/*
 * Frames and capture files from anyone. The first byte chooses the link layer, or (beyond the last row) that the rest is a capture
 * file. What opens must keep its key on its way: other class of service, hop limit and checksum, padding of another link, another
 * edge that captures less. The rest of the bytes: the frame.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/base.h"
#include "edge/edge.h"

static const int links[] = {
#define LINK(number, name, reader) number,
#include "edge/links.def"
#undef LINK
};
enum { LINKS = sizeof links / sizeof *links, HEADERS_MAX = 40 + EDGE_EXTENSIONS_MAX + EDGE_UPPER, PADDING = 46 };

static void check(bool ok)
{
	if (!ok) abort();
}

static void same(const struct edge_digest *wanted, int link, const uint8_t *data, size_t size)
{
	struct edge_packet packet;
	struct edge_digest got;

	check(edge_packet_open(&packet, link, data, size) == EDGE_OK);
	edge_digest_make(&got, &packet);
	check(got.profile == wanted->profile && got.len == wanted->len && memcmp(got.input, wanted->input, got.len) == 0);
}

static bool says_its_length(const struct edge_packet *p)
{
	return p->version == 4 ? wire_get_u16(p->ip + 2) != 0 : wire_get_u16(p->ip + 4) != 0 || p->ip[6] != 0;
}

static void try_frame(int link, const uint8_t *data, size_t size)
{
	struct edge_packet packet;
	struct edge_digest digest;
	uint8_t *other;
	size_t at;

	if (edge_packet_open(&packet, link, data, size)) return;
	at = (size_t)(packet.ip - data);
	check(at + (packet.version == 4 ? 20 : 40) <= size);
	check(!packet.upper || (packet.upper > packet.ip && packet.upper + EDGE_UPPER <= data + size));
	edge_digest_make(&digest, &packet);
	if (size > at + HEADERS_MAX) same(&digest, link, data, at + HEADERS_MAX);
	other = malloc(size + PADDING);
	check(other != NULL);
	memcpy(other, data, size);
	memset(other + size, 0x5a, PADDING);
	if (packet.version == 4) {
		other[at + 1] ^= 0xff;
		other[at + 8]--;
		other[at + 10] ^= 0xff;
		other[at + 11]++;
	} else {
		other[at] ^= 0x0f;
		other[at + 1] ^= 0xff;
		other[at + 2]++;
		other[at + 7]--;
	}
	same(&digest, link, other, size);
	if (says_its_length(&packet)) same(&digest, link, other, size + PADDING);
	free(other);
}

static void try_file(const uint8_t *data, size_t size)
{
	struct edge_capture *capture = NULL;
	struct edge_frame frame;
	char path[40];
	int fd = memfd_create("capture", MFD_CLOEXEC);

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (!edge_capture_file(&capture, path, NULL))
		while (!edge_capture_next(&frame, capture, NULL)) try_frame(edge_capture_link(capture), frame.data, frame.len);
	edge_capture_close(&capture);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size) return 0;
	if (data[0] % (LINKS + 1) < LINKS) try_frame(links[data[0] % (LINKS + 1)], data + 1, size - 1);
	else try_file(data + 1, size - 1);
	return 0;
}
