/*
 * A growing byte buffer with a maximum. Appends never fail loudly: the first failure stays in ->err and
 * everything after it is a no-op, so that a writer checks once, at its end.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wire/wire.h"

enum { FIRST_BYTES = 256 };

void wire_buf_init(struct wire_buf *buf, size_t max)
{
	*buf = (struct wire_buf){.max = max};
}

void wire_buf_clear(struct wire_buf *buf)
{
	free(buf->data);
	*buf = (struct wire_buf){.max = buf->max};
}

void wire_buf_reset(struct wire_buf *buf)
{
	buf->len = 0;
	buf->err = ISAC_OK;
}

static enum isac_err grow(struct wire_buf *buf, size_t len)
{
	size_t cap = buf->cap ? buf->cap : FIRST_BYTES;
	uint8_t *data;

	if (len > buf->max - buf->len) return ISAC_ERR_TOO_LARGE;
	while (cap - buf->len < len) cap = cap > buf->max / 2 ? buf->max : cap * 2;
	if (cap > buf->max) cap = buf->max;
	data = realloc(buf->data, cap + 1); /* + 1: vsnprintf's terminator, never counted */
	if (!data) return ISAC_ERR_NO_MEMORY;
	buf->data = data;
	buf->cap = cap;
	return ISAC_OK;
}

uint8_t *wire_buf_extend(struct wire_buf *buf, size_t len)
{
	if (buf->err) return NULL;
	if (!buf->data || len > buf->cap - buf->len) {
		buf->err = grow(buf, len);
		if (buf->err) return NULL;
	}
	buf->len += len;
	return buf->data + buf->len - len;
}

void wire_buf_add(struct wire_buf *buf, const void *data, size_t len)
{
	uint8_t *at;

	if (!len) return;
	at = wire_buf_extend(buf, len);
	if (at) memcpy(at, data, len);
}

void wire_buf_u16(struct wire_buf *buf, uint16_t v)
{
	const uint8_t bytes[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	wire_buf_add(buf, bytes, sizeof bytes);
}

void wire_buf_u32(struct wire_buf *buf, uint32_t v)
{
	uint8_t bytes[4];

	wire_put_u32(bytes, v);
	wire_buf_add(buf, bytes, sizeof bytes);
}

void wire_buf_u64(struct wire_buf *buf, uint64_t v)
{
	uint8_t bytes[8];

	wire_put_u64(bytes, v);
	wire_buf_add(buf, bytes, sizeof bytes);
}

void wire_buf_varint(struct wire_buf *buf, uint64_t v)
{
	uint8_t bytes[10];
	size_t n = 0;

	for (; v > 0x7f; v >>= 7) bytes[n++] = (uint8_t)(v | 0x80);
	bytes[n++] = (uint8_t)v;
	wire_buf_add(buf, bytes, n);
}

void wire_buf_printf(struct wire_buf *buf, const char *fmt, ...)
{
	va_list args;
	uint8_t *at;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len <= 0) return;
	at = wire_buf_extend(buf, (size_t)len);
	if (!at) return;
	va_start(args, fmt);
	vsnprintf((char *)at, (size_t)len + 1, fmt, args);
	va_end(args);
}

uint16_t wire_get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t wire_get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint64_t wire_get_u64(const uint8_t *p)
{
	return (uint64_t)wire_get_u32(p) << 32 | wire_get_u32(p + 4);
}

void wire_put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8) p[i] = (uint8_t)v;
}

void wire_put_u64(uint8_t *p, uint64_t v)
{
	wire_put_u32(p, (uint32_t)(v >> 32));
	wire_put_u32(p + 4, (uint32_t)v);
}
