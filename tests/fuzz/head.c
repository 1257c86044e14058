/*
 * Any bytes as a request's head. What passes is read again here, in the plainest way: lines end in CR LF, there is one length at most and
 * it is the one told, no line is folded, no byte is a control byte; and the pieces in which the bytes came make no difference.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "gateway/priv.h"

static void check(bool ok)
{
	if (!ok) abort();
}

static void read_again(const char *head, size_t len, uint64_t body)
{
	unsigned lengths = 0, hosts = 0;
	uint64_t told = 0;

	for (size_t i = 0; i < len; i++) check((unsigned char)head[i] >= 0x20 || strchr("\t\r\n", head[i]));
	for (const char *line = head, *next; line < head + len; line = next + 2) {
		next = memmem(line, (size_t)(head + len - line), "\r\n", 2);
		check(next && !memchr(line, '\n', (size_t)(next - line)) && !memchr(line, '\r', (size_t)(next - line)));
		check(next == line || (*line != ' ' && *line != '\t'));
		check(line == head || strncasecmp(line, "transfer-encoding", 17) != 0 || line[17] != ':');
		if (line != head && strncasecmp(line, "host:", 5) == 0) hosts++;
		if (line != head && strncasecmp(line, "content-length:", 15) == 0) {
			lengths++;
			told = strtoull(line + 15, NULL, 10);
		}
	}
	check(lengths <= 1 && hosts <= 1 && told == body && body <= GATEWAY_BODY_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum gateway_fault fault, earlier;
	char *copy = malloc(size + 1); /* so that reading on is found */
	struct gateway_match match;
	uint64_t body;
	size_t end;

	memcpy(copy, data, size);
	copy[size] = 0;
	end = gateway_head_end(copy, size, &fault);
	check(!end || !fault);
	for (size_t n = 0; end && n < end; n += 1 + n / 4) check(!gateway_head_end(copy, n, &earlier) && !earlier);
	if (end && !gateway_head_check(copy, end, &body)) read_again(copy, end, body);
	gateway_route_find(&match, GATEWAY_PUBLIC, "GET", copy);
	free(copy);
	return 0;
}
