/*
 * PostgreSQL's binary values. One writer for parameters, array elements and COPY rows.
 * Knows no statement and no connection.
 */
#include <assert.h>
#include <string.h>
#include "store/priv.h"

static const int64_t EPOCH_US = INT64_C(946684800000000); /* 2000-01-01, PostgreSQL's zero */

void store_field_null(struct wire_buf *b)
{
	wire_buf_u32(b, UINT32_MAX);
}

void store_field_bytes(struct wire_buf *b, const void *data, size_t len)
{
	wire_buf_u32(b, (uint32_t)len);
	wire_buf_add(b, data, len);
}

void store_field_text(struct wire_buf *b, const char *text)
{
	if (text) store_field_bytes(b, text, strlen(text));
	else store_field_null(b);
}

void store_field_bool(struct wire_buf *b, bool v)
{
	uint8_t byte = v;

	store_field_bytes(b, &byte, 1);
}

void store_field_i16(struct wire_buf *b, int16_t v)
{
	wire_buf_u32(b, 2);
	wire_buf_u16(b, (uint16_t)v);
}

void store_field_i32(struct wire_buf *b, int32_t v)
{
	wire_buf_u32(b, 4);
	wire_buf_u32(b, (uint32_t)v);
}

void store_field_i64(struct wire_buf *b, int64_t v)
{
	wire_buf_u32(b, 8);
	wire_buf_u64(b, (uint64_t)v);
}

void store_field_time(struct wire_buf *b, int64_t us)
{
	store_field_i64(b, us - EPOCH_US);
}

void store_field_time0(struct wire_buf *b, int64_t us)
{
	if (us) store_field_time(b, us);
	else store_field_null(b);
}

void store_field_net(struct wire_buf *b, const uint8_t *addr, uint8_t family, uint8_t prefix, bool cidr)
{
	uint8_t len = family == 4 ? 4 : 16;
	uint8_t head[4] = {family == 4 ? 2 : 3, prefix, cidr, len}; /* PGSQL_AF_INET, PGSQL_AF_INET6 */

	wire_buf_u32(b, 4u + len);
	wire_buf_add(b, head, 4);
	wire_buf_add(b, addr, len);
}

size_t store_field_array(struct wire_buf *b, uint32_t oid, uint32_t n)
{
	size_t mark = b->len;

	wire_buf_u32(b, 0);
	wire_buf_u32(b, n ? 1 : 0); /* dimensions */
	wire_buf_u32(b, 1);	    /* may hold nulls; only a hint */
	wire_buf_u32(b, oid);
	if (n) {
		wire_buf_u32(b, n);
		wire_buf_u32(b, 1); /* lower bound */
	}
	return mark;
}

void store_field_array_end(struct wire_buf *b, size_t mark)
{
	if (!b->err) wire_put_u32(b->data + mark, (uint32_t)(b->len - mark - 4));
}

void store_field_array_i32(struct wire_buf *b, const int32_t *v, uint32_t n)
{
	size_t mark = store_field_array(b, STORE_OID_INT4, n);

	for (uint32_t i = 0; i < n; i++) store_field_i32(b, v[i]);
	store_field_array_end(b, mark);
}

bool store_get_null(const PGresult *res, int row, int col)
{
	return PQgetisnull(res, row, col);
}

struct wire_bytes store_get_bytes(const PGresult *res, int row, int col)
{
	struct wire_bytes out = {(const uint8_t *)PQgetvalue(res, row, col), (size_t)PQgetlength(res, row, col)};

	return out;
}

const char *store_get_text(const PGresult *res, int row, int col)
{
	return PQgetvalue(res, row, col); /* libpq ends binary values with a NUL, too */
}

/* The width is the statement's business: another one is a bug of ours, not of a peer. */
static const uint8_t *fixed(const PGresult *res, int row, int col, int len)
{
	if (PQgetisnull(res, row, col)) return NULL;
	assert(PQgetlength(res, row, col) == len);
	return (const uint8_t *)PQgetvalue(res, row, col);
}

bool store_get_bool(const PGresult *res, int row, int col)
{
	const uint8_t *p = fixed(res, row, col, 1);

	return p && *p;
}

int16_t store_get_i16(const PGresult *res, int row, int col)
{
	const uint8_t *p = fixed(res, row, col, 2);

	return p ? (int16_t)wire_get_u16(p) : 0;
}

int32_t store_get_i32(const PGresult *res, int row, int col)
{
	const uint8_t *p = fixed(res, row, col, 4);

	return p ? (int32_t)wire_get_u32(p) : 0;
}

int64_t store_get_i64(const PGresult *res, int row, int col)
{
	const uint8_t *p = fixed(res, row, col, 8);

	return p ? (int64_t)wire_get_u64(p) : 0;
}

int64_t store_get_time(const PGresult *res, int row, int col)
{
	const uint8_t *p = fixed(res, row, col, 8);
	int64_t v = p ? (int64_t)wire_get_u64(p) : INT64_MIN;

	return v == INT64_MIN ? 0 : v + EPOCH_US;
}

void store_get_array(struct store_array *out, const PGresult *res, int row, int col)
{
	const uint8_t *p = (const uint8_t *)PQgetvalue(res, row, col);
	size_t len = (size_t)PQgetlength(res, row, col);

	*out = (struct store_array){0};
	if (len < 20 || wire_get_u32(p) != 1) return;
	out->n = wire_get_u32(p + 12);
	out->at = p + 20;
	out->end = p + len;
}

bool store_array_next(struct store_array *a, struct wire_bytes *element)
{
	uint32_t len;

	if (a->end - a->at < 4) return false;
	len = wire_get_u32(a->at);
	a->at += 4;
	if (len == UINT32_MAX) len = 0;
	if ((size_t)(a->end - a->at) < len) return false;
	element->data = a->at;
	element->len = len;
	a->at += len;
	return true;
}
