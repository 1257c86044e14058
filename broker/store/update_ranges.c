/* Ends of ranges of deliveries, many at once; forwards only, so that a write that comes again or late takes nothing back. */
#include "store/priv.h"

static const struct store_stmt UPDATE = {
	"update_ranges",
	"UPDATE feed_range r SET until_seq = greatest(r.until_seq, u.until_seq), acked_seq = greatest(r.acked_seq, u.acked_seq), "
	"closed = COALESCE(r.closed, u.closed) FROM (SELECT id, max(until_seq) AS until_seq, max(acked_seq) AS acked_seq, max(closed) AS "
	"closed "
	"FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS v(id, until_seq, acked_seq, closed) GROUP BY id) u "
	"WHERE r.id = u.id"};
static const struct store_stmt END = {"end_ranges", "UPDATE feed_range SET closed = now() WHERE closed IS NULL"};
static const struct store_stmt BREAK_OFF = {"break_off_ranges",
					    "UPDATE feed_range SET closed = now(), "
					    "maybe_seq = greatest(until_seq, (SELECT seq FROM hub_head)) WHERE closed IS NULL"};

static void put_id(struct wire_buf *b, const struct store_range *r)
{
	store_field_i64(b, (int64_t)r->id);
}
static void put_until(struct wire_buf *b, const struct store_range *r)
{
	store_field_i64(b, (int64_t)r->until_seq);
}
static void put_acked(struct wire_buf *b, const struct store_range *r)
{
	store_field_i64(b, (int64_t)r->acked_seq);
}
static void put_closed(struct wire_buf *b, const struct store_range *r)
{
	store_field_time0(b, r->closed_us);
}

static const struct {
	uint32_t oid;
	void (*put)(struct wire_buf *, const struct store_range *);
} COLUMNS[] = {{STORE_OID_INT8, put_id}, {STORE_OID_INT8, put_until}, {STORE_OID_INT8, put_acked}, {STORE_OID_TIME, put_closed}};

enum isac_err store_update_ranges(struct store_db *db, const struct store_range *ranges, size_t n)
{
	struct wire_buf *args = store_db_args(db);

	if (!n) return ISAC_OK;
	for (size_t c = 0; c < sizeof(COLUMNS) / sizeof(*COLUMNS); c++) {
		size_t mark = store_field_array(args, COLUMNS[c].oid, (uint32_t)n);

		for (size_t i = 0; i < n; i++) COLUMNS[c].put(args, &ranges[i]);
		store_field_array_end(args, mark);
	}
	return args->err ? args->err : store_db_run(db, &UPDATE, NULL);
}

enum isac_err store_close_ranges(struct store_db *db, bool ended)
{
	store_db_args(db);
	return store_db_run(db, ended ? &END : &BREAK_OFF, NULL);
}
