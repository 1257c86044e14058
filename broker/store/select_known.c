/*
 * Which of many values are known to a member, and how well: one statement for all of them, a walk of (key, seq) for each.
 *
 * The walk ends after LOOKUP_MENTIONS of a value, newest first, so that what everybody reports costs no more than that. What nobody ever
 * reported costs one look into indicator, and so do the partitions in which nobody did.
 */
#include "store/priv.h"

/* With how far the index is, and the newest audience: a round trip to the server costs more than the look-up of a value. */
static const struct store_stmt STMT = {
	"select_known",
	"SELECT y.*, c.seq, c.audience FROM (SELECT least(m.seq, i.seq) AS seq, (SELECT max(id) FROM audience) AS audience "
	"FROM index_cursor m, indicator_cursor i) c LEFT JOIN LATERAL ("
	"SELECT k.n, count(*), count(DISTINCT x.publisher_id), max(x.confidence), "
	"bool_or(NOT x.ended AND (x.valid_until IS NULL OR x.valid_until > greatest(x.received, $4::timestamptz))), max(x.seq), "
	"max(x.received), bool_and(x.ended) "
	"FROM unnest($3::uuid[]) WITH ORDINALITY AS k(key, n) JOIN indicator i ON i.key = k.key CROSS JOIN LATERAL ("
	"SELECT m.seq, m.confidence, m.valid_until, COALESCE(m.ended_seq <= c.seq, false) AS ended, r.publisher_id, r.received FROM "
	"mention m JOIN report r ON r.seq = m.seq "
	"WHERE m.key = k.key AND m.seq <= c.seq AND " STORE_SPAN(i) " AND " STORE_VISIBLE " ORDER BY m.seq DESC LIMIT $5::bigint) x "
								    "GROUP BY k.n) y ON true ORDER BY 1"};

enum { STATE_ACTIVE = 1, STATE_EXPIRED = 3, STATE_WITHDRAWN = 4 }; /* the first two are numbers of filter/states.def */

static void add_known(struct wire_buf *out, const PGresult *res, int row)
{
	Isac1__LookupResult result = ISAC1__LOOKUP_RESULT__INIT;
	Isac1__Known known = ISAC1__KNOWN__INIT, *one[1] = {&known};

	known.key = (uint32_t)store_get_i64(res, row, 0) - 1;
	known.mentions = (uint64_t)store_get_i64(res, row, 1);
	known.publishers = (uint32_t)store_get_i64(res, row, 2);
	if (!store_get_null(res, row, 3)) known.confidence_plus1 = (uint32_t)store_get_i16(res, row, 3) + 1;
	known.state = store_get_bool(res, row, 4) ? STATE_ACTIVE : store_get_bool(res, row, 7) ? STATE_WITHDRAWN : STATE_EXPIRED;
	known.newest_seq = (uint64_t)store_get_i64(res, row, 5);
	known.newest_us = store_get_time(res, row, 6);
	result.n_known = 1;
	result.known = one;
	wire_pack(out, &result.base);
}

static void put_args(struct store_db *db, const struct member *self, const Isac1__Lookup *ask, int64_t now_us)
{
	struct wire_buf *args = store_db_args_visible(db, self);
	size_t mark = store_field_array(args, STORE_OID_UUID, (uint32_t)ask->n_keys);

	for (size_t i = 0; i < ask->n_keys; i++) store_field_bytes(args, ask->keys[i].data, WIRE_VALUE_KEY);
	store_field_array_end(args, mark);
	store_field_time(args, now_us);
	store_field_i64(args, WIRE_LIMIT_LOOKUP_MENTIONS);
}

enum isac_err store_select_known(struct store_db *db, const struct member *self, const Isac1__Lookup *ask, int64_t now_us,
				 struct wire_buf *out, uint64_t *complete_seq)
{
	PGresult *res = NULL;
	enum isac_err err;

	put_args(db, self, ask, now_us);
	err = store_db_run(db, &STMT, &res);
	while (!err && store_db_audiences_newest(db) < store_get_i32(res, 0, 9)) { /* once more, with the new ones */
		PQclear(res);
		res = NULL;
		err = store_db_audiences(db);
		if (!err) put_args(db, self, ask, now_us);
		if (!err) err = store_db_run(db, &STMT, &res);
	}
	if (!err) *complete_seq = (uint64_t)store_get_i64(res, 0, 8);
	for (int row = 0; !err && row < PQntuples(res) && !store_get_null(res, row, 0); row++) add_known(out, res, row);
	PQclear(res);
	return err;
}
