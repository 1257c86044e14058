/*
 * Held values that wait, for those who decide on them. An admin sees no report by being admin: of a RED report that does not name who
 * asks, the key stands there and not the value.
 */
#include "store/priv.h"

static const struct store_stmt STMT = {
	"select_held",
	"SELECT w.key, i.type, w.seq, w.publisher_id, w.reports::int, p.name, "
	"CASE WHEN a.tlp < 5 OR w.publisher_id = $4::int OR $4::int = ANY (a.recipients) THEN i.value ELSE '' END, "
	"(ARRAY['clear','green','amber','amber+strict','red'])[a.tlp], COALESCE(v.verdict, ''), "
	"(SELECT count(*)::int FROM (SELECT FROM held_voice o WHERE o.key = w.key LIMIT 100) n), "
	"to_char(r.received AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
	"FROM (SELECT h.key, max(h.seq) AS seq, h.publisher_id, h.audience_id, count(*) AS reports FROM held h WHERE h.state = 'open' "
	"GROUP BY h.key, h.publisher_id, h.audience_id) w JOIN indicator i ON i.key = w.key JOIN member p ON p.id = w.publisher_id "
	"JOIN audience a ON a.id = w.audience_id JOIN report r ON r.seq = w.seq LEFT JOIN held_verdict v ON v.key = w.key "
	"WHERE $1::text IN ('', p.name) AND $2::int IN (0, i.type) ORDER BY w.seq LIMIT $3::int"};

enum isac_err store_select_held(struct store_db *db, const struct store_held_ask *ask, void (*row)(void *arg, const struct store_held *row),
				void *arg)
{
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	store_field_text(args, ask->publisher ? ask->publisher : "");
	store_field_i32(args, (int32_t)ask->type);
	store_field_i32(args, (int32_t)ask->rows);
	store_field_i32(args, ask->self_id);
	err = store_db_run(db, &STMT, &res);
	for (int i = 0; !err && i < PQntuples(res); i++) {
		struct wire_bytes key = store_get_bytes(res, i, 0);
		struct store_held held = {
			.type = (uint32_t)store_get_i16(res, i, 1),
			.seq = (uint64_t)store_get_i64(res, i, 2),
			.publisher_id = store_get_i32(res, i, 3),
			.reports = (uint32_t)store_get_i32(res, i, 4),
			.publisher = store_get_text(res, i, 5),
			.value = store_get_text(res, i, 6),
			.tlp = store_get_text(res, i, 7),
			.verdict = store_get_text(res, i, 8),
			.organisations = (uint32_t)store_get_i32(res, i, 9),
			.since = store_get_text(res, i, 10),
		};

		if (key.len != WIRE_VALUE_KEY) continue;
		for (unsigned k = 0; k < WIRE_VALUE_KEY; k++) held.key[k] = key.data[k];
		row(arg, &held);
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}
