/* Retention: whole partitions go, by functions of their owner (sql/functions/retention_drop.sql), inside a command's transaction or alone.
 */
#include "store/priv.h"

enum isac_err store_retention_bound(struct store_db *db, int64_t before_us, uint64_t *before_seq)
{
	static const struct store_stmt stmt = {"retention_bound", "SELECT seq_at($1::timestamptz)"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	store_field_time(args, before_us);
	err = store_db_run(db, &stmt, &res);
	if (!err) *before_seq = (uint64_t)store_get_i64(res, 0, 0);
	PQclear(res);
	return err;
}

enum isac_err store_retention_drop(struct store_db *db, uint64_t before_seq, uint64_t *kept_from)
{
	static const struct store_stmt stmt = {"retention_drop", "SELECT retention_drop($1::bigint)"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	store_field_i64(args, (int64_t)before_seq);
	err = store_pg_run(db->pg, &stmt, args, &res); /* not again by itself: a command's transaction may be open */
	if (!err) *kept_from = (uint64_t)store_get_i64(res, 0, 0);
	PQclear(res);
	return err;
}

enum isac_err store_indicator_sweep(struct store_db *db, int32_t rows, bool *more)
{
	static const struct store_stmt stmt = {"indicator_sweep", "SELECT indicator_sweep($1::int)"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	store_field_i32(args, rows);
	err = store_db_run(db, &stmt, &res);
	if (!err) *more = store_get_bool(res, 0, 0);
	PQclear(res);
	return err;
}

enum isac_err store_retire_records(struct store_db *db, const struct store_record_days *days, int64_t rows_max, bool *more)
{
	static const struct store_stmt stmt = {"retire_records", "SELECT records_retire($1::int, $2::int, $3::int, $4::bigint)"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	store_field_i32(args, (int32_t)days->read);
	store_field_i32(args, (int32_t)days->recall);
	store_field_i32(args, (int32_t)days->range);
	store_field_i64(args, rows_max);
	err = store_db_run(db, &stmt, &res);
	*more = !err && store_get_i64(res, 0, 0) >= rows_max;
	PQclear(res);
	return err;
}
