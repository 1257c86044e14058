/* Held items of a batch, and what owners of space say, gathered while it is made and written in its transaction, behind mention. */
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "store/priv.h"

struct spoken {
	uint8_t key[WIRE_VALUE_KEY];
	int32_t publisher_id;
	uint64_t seq;
};

struct store_index_held {
	struct base_shared *roster; /* NULL: nobody owns anything */
	int64_t quorum;
	uint64_t *seq; /* reports that hold items */
	struct spoken *spoken;
	size_t seqs_n, seqs_cap, spoken_n, spoken_cap;
	struct wire_buf args;
	bool due;
};

enum isac_err store_index_held_new(struct store_index_held **out, struct base_shared *roster, int64_t quorum)
{
	struct store_index_held *h = calloc(1, sizeof(*h));

	*out = h;
	if (!h) return ISAC_ERR_NO_MEMORY;
	h->roster = roster;
	h->quorum = quorum;
	wire_buf_init(&h->args, STORE_FIELDS_MAX);
	return ISAC_OK;
}

void store_index_held_destroy(struct store_index_held **slot)
{
	struct store_index_held *h = *slot;

	if (!h) return;
	wire_buf_clear(&h->args);
	free(h->seq);
	free(h->spoken);
	free(h);
	*slot = NULL;
}

void store_index_held_begin(struct store_index_held *h)
{
	h->seqs_n = h->spoken_n = 0;
	h->due = false;
}

static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
	void *more;

	if (n < *cap) return array;
	more = reallocarray(array, *cap ? *cap * 2 : 64, size);
	if (more) *cap = *cap ? *cap * 2 : 64;
	return more;
}

static bool owns_space(const struct store_index_held *h, int32_t member_id)
{
	struct member_roster *roster = h->roster ? base_shared_take(h->roster) : NULL;
	const struct member *m = roster ? member_roster_by_id(roster, member_id) : NULL;
	const bool owns = m && (m->nets_n || m->asns_n || m->domains_n);

	if (roster) base_shared_give(h->roster, roster);
	return owns;
}

static enum isac_err add_spoken(struct store_index_held *h, const struct report *report)
{
	for (uint32_t i = 0; i < report->n; i++) {
		const struct report_item *item = &report->items[i];
		struct spoken *more;

		/* The types that may mean a space: hold/space.c. */
		if (!item->ind || report_is_held(report, i)) continue;
		if (item->value.type != WIRE_VALUE_CIDR && item->value.type != WIRE_VALUE_DOMAIN && item->value.type != WIRE_VALUE_ASN)
			continue;
		more = grow(h->spoken, h->spoken_n, &h->spoken_cap, sizeof(*more));
		if (!more) return ISAC_ERR_NO_MEMORY;
		h->spoken = more;
		more[h->spoken_n] = (struct spoken){.publisher_id = report->publisher_id, .seq = report->seq};
		memcpy(more[h->spoken_n++].key, item->key, WIRE_VALUE_KEY);
	}
	return ISAC_OK;
}

enum isac_err store_index_held_add(struct store_index_held *h, const struct report *report)
{
	uint64_t *more;

	/* A release says nothing that its report did not. */
	if (!report->items || report->release_of) return ISAC_OK;
	if (report->held_count) {
		more = grow(h->seq, h->seqs_n, &h->seqs_cap, sizeof(*more));
		if (!more) return ISAC_ERR_NO_MEMORY;
		h->seq = more;
		h->seq[h->seqs_n++] = report->seq;
	}
	return owns_space(h, report->publisher_id) ? add_spoken(h, report) : ISAC_OK;
}

static enum isac_err call(struct store_index_held *h, struct store_pg *pg, const struct store_stmt *stmt)
{
	PGresult *res = NULL;
	enum isac_err err = store_pg_run(pg, stmt, &h->args, &res);

	if (!err && store_get_i32(res, 0, 0)) h->due = true;
	PQclear(res);
	return err;
}

static enum isac_err write_seqs(struct store_index_held *h, struct store_pg *pg)
{
	static const struct store_stmt stmt = {"held_add", "SELECT held_add($1::bigint[], $2::int)"};
	size_t mark;

	wire_buf_reset(&h->args);
	mark = store_field_array(&h->args, STORE_OID_INT8, (uint32_t)h->seqs_n);
	for (size_t i = 0; i < h->seqs_n; i++) store_field_i64(&h->args, (int64_t)h->seq[i]);
	store_field_array_end(&h->args, mark);
	store_field_i32(&h->args, (int32_t)h->quorum);
	return call(h, pg, &stmt);
}

static enum isac_err write_spoken(struct store_index_held *h, struct store_pg *pg)
{
	static const struct store_stmt stmt = {"held_confirm", "SELECT held_confirm($1::uuid[], $2::int[], $3::bigint[], $4::int)"};
	size_t mark;

	wire_buf_reset(&h->args);
	mark = store_field_array(&h->args, STORE_OID_UUID, (uint32_t)h->spoken_n);
	for (size_t i = 0; i < h->spoken_n; i++) store_field_bytes(&h->args, h->spoken[i].key, WIRE_VALUE_KEY);
	store_field_array_end(&h->args, mark);
	mark = store_field_array(&h->args, STORE_OID_INT4, (uint32_t)h->spoken_n);
	for (size_t i = 0; i < h->spoken_n; i++) store_field_i32(&h->args, h->spoken[i].publisher_id);
	store_field_array_end(&h->args, mark);
	mark = store_field_array(&h->args, STORE_OID_INT8, (uint32_t)h->spoken_n);
	for (size_t i = 0; i < h->spoken_n; i++) store_field_i64(&h->args, (int64_t)h->spoken[i].seq);
	store_field_array_end(&h->args, mark);
	store_field_i32(&h->args, (int32_t)h->quorum);
	return call(h, pg, &stmt);
}

enum isac_err store_index_held_write(struct store_index_held *h, struct store_pg *pg)
{
	enum isac_err err = ISAC_OK;

	h->due = false;
	if (h->seqs_n) err = write_seqs(h, pg);
	if (!err && h->spoken_n) err = write_spoken(h, pg);
	return err;
}

bool store_index_held_due(const struct store_index_held *h)
{
	return h->due;
}
