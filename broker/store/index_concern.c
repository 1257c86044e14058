/* Whom the reports of a batch concern, gathered while it is made and written in its transaction. */
#include <stdlib.h>
#include "store/priv.h"

struct store_index_concern {
	struct concern *concern;
	struct store_concern *row;
	size_t n, cap;
	uint64_t seq; /* of the report at hand */
	enum isac_err err;
	struct wire_buf args;
};

enum isac_err store_index_concern_new(struct store_index_concern **out, struct base_shared *roster)
{
	struct store_index_concern *c = calloc(1, sizeof(*c));
	enum isac_err err;

	*out = NULL;
	if (!c) return ISAC_ERR_NO_MEMORY;
	wire_buf_init(&c->args, STORE_FIELDS_MAX);
	err = concern_new(&c->concern, roster);
	*out = c;
	if (err) store_index_concern_destroy(out);
	return err;
}

void store_index_concern_destroy(struct store_index_concern **slot)
{
	struct store_index_concern *c = *slot;

	if (!c) return;
	concern_destroy(&c->concern);
	wire_buf_clear(&c->args);
	free(c->row);
	free(c);
	*slot = NULL;
}

enum isac_err store_index_concern_begin(struct store_index_concern *c)
{
	c->n = 0;
	c->err = ISAC_OK;
	return concern_refresh(c->concern);
}

static void add_row(void *arg, int32_t member_id, uint32_t items)
{
	struct store_index_concern *c = arg;

	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 64;
		struct store_concern *row = realloc(c->row, cap * sizeof(*row));

		if (!row) {
			c->err = ISAC_ERR_NO_MEMORY;
			return;
		}
		c->row = row;
		c->cap = cap;
	}
	c->row[c->n++] = (struct store_concern){.member_id = member_id, .items = items, .seq = c->seq};
}

enum isac_err store_index_concern_add(struct store_index_concern *c, const struct report *report)
{
	c->seq = report->seq;
	concern_match(c->concern, report, add_row, c);
	return c->err;
}

enum isac_err store_index_concern_write(struct store_index_concern *c, struct store_pg *pg)
{
	static const struct store_stmt stmt = {"insert_concern",
					       "INSERT INTO concern (member_id, seq, items) "
					       "SELECT * FROM unnest($1::int[], $2::bigint[], $3::int[]) ON CONFLICT DO NOTHING"};
	size_t mark;

	if (!c->n) return ISAC_OK;
	wire_buf_reset(&c->args);
	mark = store_field_array(&c->args, STORE_OID_INT4, (uint32_t)c->n);
	for (size_t i = 0; i < c->n; i++) store_field_i32(&c->args, c->row[i].member_id);
	store_field_array_end(&c->args, mark);
	mark = store_field_array(&c->args, STORE_OID_INT8, (uint32_t)c->n);
	for (size_t i = 0; i < c->n; i++) store_field_i64(&c->args, (int64_t)c->row[i].seq);
	store_field_array_end(&c->args, mark);
	mark = store_field_array(&c->args, STORE_OID_INT4, (uint32_t)c->n);
	for (size_t i = 0; i < c->n; i++) store_field_i32(&c->args, (int32_t)c->row[i].items);
	store_field_array_end(&c->args, mark);
	return store_pg_run(pg, &stmt, &c->args, NULL);
}

const struct store_concern *store_index_concern_rows(const struct store_index_concern *c, size_t *n)
{
	*n = c->n;
	return c->row;
}
