/*
 * What concerns a member since it last asked. Rights may have changed since a row was written, and retention may have removed the
 * report: both are asked again.
 */
#include "store/priv.h"

enum isac_err store_select_concern(struct store_db *db, const struct member *self, uint64_t *reports, uint64_t *newest_seq)
{
	static const struct store_stmt stmt = {
		"select_concern",
		"SELECT count(*), COALESCE(max(seq), 0) FROM (SELECT c.seq FROM concern c JOIN report r ON r.seq = c.seq "
		"WHERE c.member_id = $2::int AND c.seq > COALESCE((SELECT seq FROM concern_asked WHERE member_id = $2::int), 0) "
		"AND (r.audience_id = ANY ($1::int[]) OR r.publisher_id = $2::int) ORDER BY c.seq DESC LIMIT $3::bigint) x"};
	PGresult *res = NULL;
	enum isac_err err = store_db_audiences(db);
	struct wire_buf *args;

	*reports = *newest_seq = 0;
	if (err) return err;
	args = store_db_args(db);
	store_db_visible(db, args, self);
	store_field_i32(args, self->id);
	store_field_i64(args, WIRE_LIMIT_CONCERNS);
	err = store_db_run(db, &stmt, &res);
	if (!err) {
		*reports = (uint64_t)store_get_i64(res, 0, 0);
		*newest_seq = (uint64_t)store_get_i64(res, 0, 1);
	}
	PQclear(res);
	return err;
}

enum isac_err store_upsert_concern_asked(struct store_db *db, int32_t member_id, uint64_t seq)
{
	static const struct store_stmt stmt = {"upsert_concern_asked",
					       "INSERT INTO concern_asked AS a (member_id, seq) VALUES ($1::int, $2::bigint) "
					       "ON CONFLICT (member_id) DO UPDATE SET seq = excluded.seq WHERE a.seq < excluded.seq"};
	struct wire_buf *args = store_db_args(db);

	store_field_i32(args, member_id);
	store_field_i64(args, (int64_t)seq);
	return store_db_run(db, &stmt, NULL);
}
