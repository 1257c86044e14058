/*
 * page: the keys of some seconds, of one neighbour, one way. A Bloom filter of 14.4 bits a packet and 10 hashes is wrong once in
 * about 1,000 questions (p = (1 - e^(-kn/m))^k = 0.00099); an exact page keeps the keys themselves.
 *
 * A Bloom page is opened for the most packets that are expected and folded when it is saved: bit i of a filter of m/f bits is the
 * OR of bits i, i + m/f, ... of one of m bits, since (h mod m) mod (m/f) = h mod (m/f). So a quiet neighbour costs little disk,
 * and the law holds for what was there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "edge/priv.h"

enum { VERSION = 1, CHECKED = 96, PIECE = 1 << 16 };
enum { FOLD_MAX = 3072, GRAIN_BITS = 8 * FOLD_MAX }; /* sizes are whole bytes after every fold */
enum { BITS_MIN = 16384 };			     /* in a smaller filter the steps of many keys come back to where they began */
enum { EXACT_MAX = 1 << 18 };			     /* 8 MiB: sorted in well under what the kernel's buffer holds */
#define PACKETS_MAX ((uint64_t)1 << 31)

static const uint8_t magic[8] = "isacpage";

/* 14.4 bits a packet. */
static uint64_t bits_for(uint64_t packets)
{
	return (packets * 144 + 9) / 10;
}

static uint64_t size_for(enum edge_kind kind, uint64_t packets)
{
	if (kind == EDGE_EXACT) return packets < EXACT_MAX ? packets : EXACT_MAX;
	return (bits_for(packets) + GRAIN_BITS - 1) / GRAIN_BITS * GRAIN_BITS;
}

static uint64_t body_bytes(enum edge_kind kind, uint64_t size)
{
	return kind == EDGE_EXACT ? size * EDGE_KEY : size / 8;
}

uint64_t edge_page_bytes(enum edge_kind kind, uint64_t packets)
{
	return body_bytes(kind, size_for(kind, packets));
}

enum isac_err edge_page_init(struct edge_page *out, enum edge_kind kind, uint64_t packets)
{
	*out = (struct edge_page){.kind = kind, .size = size_for(kind, packets)};
	out->max = kind == EDGE_EXACT ? out->size : packets;
	out->data = packets > 0 && packets <= PACKETS_MAX ? calloc(1, body_bytes(kind, out->size)) : NULL;
	return out->data ? ISAC_OK : ISAC_ERR_NO_MEMORY;
}

void edge_page_clear(struct edge_page *page)
{
	free(page->data);
	*page = (struct edge_page){.data = NULL};
}

bool edge_page_full(const struct edge_page *page)
{
	return page->packets >= page->max;
}

/* The bits of a key, one after the other: two divisions for all ten. */
struct bits {
	uint64_t at, step, size;
};

static struct bits first_bit(const uint8_t key[EDGE_KEY], uint64_t size)
{
	return (struct bits){wire_get_u64(key) % size, (wire_get_u64(key + 8) | 1) % size, size}; /* an odd step: sizes are even */
}

static void next_bit(struct bits *b)
{
	b->at += b->step;
	if (b->at >= b->size) b->at -= b->size;
}

void edge_page_add(struct edge_page *page, const uint8_t key[EDGE_KEY])
{
	struct bits b;

	if (page->kind == EDGE_EXACT) {
		memcpy(page->data + page->packets * EDGE_KEY, key, EDGE_KEY);
	} else {
		b = first_bit(key, page->size);
		for (unsigned i = 0; i < EDGE_PAGE_HASHES; i++, next_bit(&b)) page->data[b.at / 8] |= (uint8_t)(1u << b.at % 8);
	}
	page->packets++;
}

bool edge_page_has(const struct edge_page *page, const uint8_t key[EDGE_KEY])
{
	struct bits b;

	if (page->kind == EDGE_EXACT) {
		for (uint64_t i = 0; i < page->packets; i++)
			if (memcmp(page->data + i * EDGE_KEY, key, EDGE_KEY) == 0) return true;
		return false;
	}
	b = first_bit(key, page->size);
	for (unsigned i = 0; i < EDGE_PAGE_HASHES; i++, next_bit(&b))
		if (!(page->data[b.at / 8] >> b.at % 8 & 1)) return false;
	return true;
}

/* ---- saving ---- */
/* The most that this filter may be folded: by 2^n or 3 * 2^n. */
static unsigned fold_of(const struct edge_page *page)
{
	const uint64_t least = bits_for(page->packets) > BITS_MIN ? bits_for(page->packets) : BITS_MIN;
	unsigned best = 1;

	for (unsigned f = 2; f <= FOLD_MAX; f *= 2)
		for (unsigned by = f; by <= f / 2 * 3 && by <= FOLD_MAX; by += f / 2)
			if (FOLD_MAX % by == 0 && page->size / by >= least) best = by;
	return best;
}

static uint64_t fold(struct edge_page *page)
{
	const unsigned by = fold_of(page);
	const uint64_t bytes = page->size / by / 8;

	for (unsigned part = 1; part < by; part++)
		for (uint64_t i = 0; i < bytes; i++) page->data[i] |= page->data[part * bytes + i];
	return page->size / by;
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, EDGE_KEY);
}

/* Sorted, each once: the number that is left. */
static uint64_t sort(struct edge_page *page)
{
	uint64_t n = 0;

	if (page->packets) qsort(page->data, page->packets, EDGE_KEY, compare_keys);
	for (uint64_t i = 0; i < page->packets; i++)
		if (!n || memcmp(page->data + (n - 1) * EDGE_KEY, page->data + i * EDGE_KEY, EDGE_KEY) != 0)
			memmove(page->data + n++ * EDGE_KEY, page->data + i * EDGE_KEY, EDGE_KEY);
	return n;
}

static void pack_head(uint8_t out[EDGE_PAGE_HEAD], const struct edge_page_head *head)
{
	memset(out, 0, EDGE_PAGE_HEAD);
	memcpy(out, magic, sizeof magic);
	out[8] = VERSION;
	out[9] = (uint8_t)head->kind;
	out[10] = (uint8_t)head->slot.way;
	out[11] = head->kind == EDGE_BLOOM ? EDGE_PAGE_HASHES : 0;
	wire_put_u32(out + 12, head->slot.as);
	wire_put_u64(out + 16, (uint64_t)head->from_us);
	wire_put_u64(out + 24, (uint64_t)head->to_us);
	wire_put_u64(out + 32, head->packets);
	wire_put_u64(out + 40, head->unseen);
	wire_put_u64(out + 48, head->size);
	memcpy(out + 56, head->key_id, EDGE_KEY_ID);
}

static enum isac_err write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		const ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return errno == ENOSPC || errno == EDQUOT ? ISAC_ERR_FULL : ISAC_ERR_SYSTEM;
		data += n;
		len -= (size_t)n;
	}
	return ISAC_OK;
}

/*
 * Not synced: a page is worth an hour, and fsync of many pages would cost packets now. The checksum finds pages that a power cut
 * left in pieces, and their minute then counts as not covered.
 */
enum isac_err edge_page_write(struct edge_page *page, struct edge_page_head *head, int dir, const char *name, struct wire_why *why)
{
	static const char temporary[] = "page.tmp";
	const uint64_t whole = body_bytes(page->kind, page->size);
	crypto_generichash_state hash;
	uint8_t packed[EDGE_PAGE_HEAD];
	enum isac_err err;
	uint64_t bytes;
	int fd;

	head->kind = page->kind;
	head->packets = page->packets;
	head->size = page->kind == EDGE_BLOOM ? fold(page) : sort(page);
	bytes = body_bytes(page->kind, head->size);
	pack_head(packed, head);
	crypto_generichash_init(&hash, NULL, 0, WIRE_HASH);
	crypto_generichash_update(&hash, packed, CHECKED);
	crypto_generichash_update(&hash, page->data, bytes);
	crypto_generichash_final(&hash, packed + CHECKED, WIRE_HASH);
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = fd < 0 ? ISAC_ERR_SYSTEM : write_all(fd, packed, sizeof packed);
	if (!err) err = write_all(fd, page->data, bytes);
	if (fd >= 0 && close(fd) != 0 && !err) err = ISAC_ERR_SYSTEM;
	if (!err && renameat(dir, temporary, dir, name) != 0) err = ISAC_ERR_SYSTEM;
	if (err) {
		wire_refuse(why, err, "page %s: %s", name, strerror(errno));
		unlinkat(dir, temporary, 0);
	}
	memset(page->data, 0, whole);
	page->packets = 0;
	return err;
}

/* ---- reading ---- */
static bool unpack_head(struct edge_page_head *out, const uint8_t in[EDGE_PAGE_HEAD], uint64_t file_bytes)
{
	const uint64_t most = ((uint64_t)1 << 62), size = wire_get_u64(in + 48);

	if (memcmp(in, magic, sizeof magic) != 0 || in[8] != VERSION) return false;
	if ((in[9] != EDGE_BLOOM || in[11] != EDGE_PAGE_HASHES) && (in[9] != EDGE_EXACT || in[11] != 0)) return false;
	if (in[10] < EDGE_IN || in[10] > EDGE_INSIDE) return false;
	*out = (struct edge_page_head){.kind = (enum edge_kind)in[9],
				       .slot = {wire_get_u32(in + 12), (enum edge_way)in[10]},
				       .from_us = (int64_t)wire_get_u64(in + 16),
				       .to_us = (int64_t)wire_get_u64(in + 24),
				       .packets = wire_get_u64(in + 32),
				       .unseen = wire_get_u64(in + 40),
				       .size = size};
	memcpy(out->key_id, in + 56, EDGE_KEY_ID);
	if (out->from_us < 0 || out->to_us < out->from_us || out->packets > most || out->unseen > most || size > most / EDGE_KEY)
		return false;
	if (out->kind == EDGE_BLOOM && (size == 0 || size % 8)) return false;
	return file_bytes == EDGE_PAGE_HEAD + body_bytes(out->kind, size);
}

static enum isac_err open_page(struct edge_page_head *out, int *fd, uint8_t packed[EDGE_PAGE_HEAD], int dir, const char *name)
{
	struct stat st;

	*fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*fd < 0) return errno == ENOENT ? ISAC_ERR_NOT_FOUND : ISAC_ERR_SYSTEM;
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode) && pread(*fd, packed, EDGE_PAGE_HEAD, 0) == EDGE_PAGE_HEAD &&
	    unpack_head(out, packed, (uint64_t)st.st_size))
		return ISAC_OK;
	close(*fd);
	return ISAC_ERR_MALFORMED;
}

enum isac_err edge_page_read(struct edge_page_head *out, int dir, const char *name)
{
	uint8_t packed[EDGE_PAGE_HEAD];
	int fd;
	enum isac_err err = open_page(out, &fd, packed, dir, name);

	if (!err) close(fd);
	return err;
}

static bool checksum_holds(int fd, const uint8_t packed[EDGE_PAGE_HEAD])
{
	crypto_generichash_state hash;
	uint8_t sum[WIRE_HASH], *piece = malloc(PIECE);
	off_t at = EDGE_PAGE_HEAD;
	ssize_t n = -1;

	crypto_generichash_init(&hash, NULL, 0, WIRE_HASH);
	crypto_generichash_update(&hash, packed, CHECKED);
	while (piece && (n = pread(fd, piece, PIECE, at)) > 0) {
		crypto_generichash_update(&hash, piece, (size_t)n);
		at += n;
	}
	crypto_generichash_final(&hash, sum, sizeof sum);
	free(piece);
	return n == 0 && memcmp(sum, packed + CHECKED, WIRE_HASH) == 0;
}

static enum isac_err ask_bloom(bool *has, int fd, uint64_t size, const uint8_t key[EDGE_KEY])
{
	struct bits b = first_bit(key, size);
	uint8_t byte;

	*has = true;
	for (unsigned i = 0; *has && i < EDGE_PAGE_HASHES; i++, next_bit(&b)) {
		if (pread(fd, &byte, 1, (off_t)(EDGE_PAGE_HEAD + b.at / 8)) != 1) return ISAC_ERR_SYSTEM;
		*has = byte >> b.at % 8 & 1;
	}
	return ISAC_OK;
}

static enum isac_err ask_exact(bool *has, int fd, uint64_t size, const uint8_t key[EDGE_KEY])
{
	uint64_t low = 0, high = size;
	uint8_t found[EDGE_KEY];

	*has = false;
	while (!*has && low < high) {
		const uint64_t middle = low + (high - low) / 2;
		int order;

		if (pread(fd, found, sizeof found, (off_t)(EDGE_PAGE_HEAD + middle * EDGE_KEY)) != sizeof found) return ISAC_ERR_SYSTEM;
		order = memcmp(key, found, EDGE_KEY);
		*has = order == 0;
		if (order < 0) high = middle;
		else low = middle + 1;
	}
	return ISAC_OK;
}

enum isac_err edge_page_ask(bool *has, int dir, const char *name, const uint8_t key[EDGE_KEY], bool check)
{
	uint8_t packed[EDGE_PAGE_HEAD];
	struct edge_page_head head;
	int fd;
	enum isac_err err = open_page(&head, &fd, packed, dir, name);

	if (err) return err;
	if (check && !checksum_holds(fd, packed)) err = ISAC_ERR_MALFORMED;
	if (!err) err = (head.kind == EDGE_BLOOM ? ask_bloom : ask_exact)(has, fd, head.size, key);
	close(fd);
	return err;
}
