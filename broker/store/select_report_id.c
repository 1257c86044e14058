/*
 * Reports by the id that their publishers chose. Ids are unique with their publisher only, and the key of report_key begins with
 * him: there are few members, so each is looked up.
 *
 * What the reader may not see is left out where the id is looked up: a large report would take long to read, and its reader could tell
 * from that that it exists.
 */
#include "store/priv.h"

enum isac_err store_select_report_id(struct store_db *db, const uint8_t report_id[WIRE_ID], int32_t publisher_id,
				     const struct member *reader, struct report **out, struct store_report_key *key, size_t max, size_t *n)
{
	static const struct store_stmt keys = {
		"select_report_key", "SELECT k.seq, k.received, k.publisher_id FROM member m JOIN "
				     "report_key k ON k.publisher_id = m.id AND k.report_id = $1::uuid "
				     "WHERE $2::int IN (0, m.id) AND ($4::int[] IS NULL OR k.publisher_id = $5::int OR EXISTS (SELECT FROM "
				     "report r WHERE r.seq = k.seq AND r.audience_id = ANY ($4::int[]))) ORDER BY k.seq LIMIT $3::bigint"};
	enum isac_err err = store_db_audiences(db);
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;

	*n = 0;
	if (err) return err;
	store_field_bytes(args, report_id, WIRE_ID);
	store_field_i32(args, publisher_id);
	store_field_i64(args, (int64_t)max);
	if (reader) store_db_visible(db, args, reader);
	else store_field_null(args);
	store_field_i32(args, reader ? reader->id : 0);
	err = store_db_run(db, &keys, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) {
		size_t pages = 0;

		key[*n] = (struct store_report_key){(uint64_t)store_get_i64(res, row, 0), store_get_time(res, row, 1),
						    store_get_i32(res, row, 2)};
		out[*n] = NULL;
		err = store_select_page(db, key[*n].seq - 1, key[*n].seq, 1, 1, &out[*n], &pages);
		if (!err) ++*n;
	}
	PQclear(res);
	if (err == ISAC_ERR_NOT_FOUND) return ISAC_OK;
	if (err)
		while (*n) report_unref(&out[--*n]);
	return err;
}
