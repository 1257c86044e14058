/* Recalls: what is left to be done, what a key signed, and what a subscription must be told. */
#include <string.h>
#include "store/priv.h"

enum isac_err store_select_recall(struct store_db *db, struct store_recall *out)
{
	static const struct store_stmt stmt = {"select_recall", "SELECT id, reason, publisher_id, key_id, from_seq, scanned_seq, at FROM "
								"recall WHERE NOT done ORDER BY id LIMIT 1"};
	PGresult *res = NULL;
	enum isac_err err;

	*out = (struct store_recall){.id = 0};
	store_db_args(db);
	err = store_db_run(db, &stmt, &res);
	if (!err) {
		out->id = store_get_i64(res, 0, 0);
		out->reason = (unsigned)store_get_i16(res, 0, 1);
		out->publisher_id = store_get_i32(res, 0, 2);
		if (!store_get_null(res, 0, 3)) memcpy(out->key_id, store_get_bytes(res, 0, 3).data, WIRE_KEY_ID);
		out->from_seq = (uint64_t)store_get_i64(res, 0, 4);
		out->scanned_seq = (uint64_t)store_get_i64(res, 0, 5);
		out->at_us = store_get_time(res, 0, 6);
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}

enum isac_err store_select_signed(struct store_db *db, const struct store_recall *r, uint64_t after, uint64_t until, size_t max,
				  struct report **out, size_t *n)
{
	static const struct store_stmt stmt = {
		"select_signed", "SELECT " STORE_REPORT_COLUMNS " FROM report r JOIN member p ON p.id = r.publisher_id WHERE r.seq > "
				 "$1::bigint AND r.seq <= $2::bigint AND r.publisher_id = $5::int AND ($3::bytea IS NULL OR r.key_id = "
				 "$3::bytea) ORDER BY r.seq LIMIT $4::bigint"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	*n = 0;
	store_field_i64(args, (int64_t)after);
	store_field_i64(args, (int64_t)until);
	if (r->reason == STORE_GAP_KEY) store_field_bytes(args, r->key_id, WIRE_KEY_ID);
	else store_field_null(args);
	store_field_i64(args, (int64_t)max);
	store_field_i32(args, r->publisher_id);
	err = store_db_run(db, &stmt, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) {
		err = store_report_row_open(&out[*n], res, row, false);
		if (!err) err = store_report_row_audience(db, out[(*n)++]);
	}
	PQclear(res);
	if (err == ISAC_ERR_NOT_FOUND) return ISAC_OK;
	if (err)
		while (*n) report_unref(&out[--*n]);
	return err;
}

enum isac_err store_select_recalled(struct store_db *db, const struct store_recalled_ask *ask, struct store_recalled *out, size_t max,
				    size_t *n)
{
	static const struct store_stmt stmt = {
		"select_recalled",
		"SELECT s.recall_id, s.seq, s.report_id, s.items, s.maybe, r.reason, r.at, p.name FROM recall_sent s JOIN recall r ON r.id "
		"= "
		"s.recall_id JOIN member p ON p.id = r.publisher_id WHERE s.member_id = $1::int AND s.name = $2::text AND (s.recall_id, "
		"s.seq) > ($3::bigint, $4::bigint) AND (s.told_seq IS NULL OR s.told_seq >= $5::bigint) ORDER BY s.recall_id, s.seq LIMIT "
		"$6::bigint"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	*n = 0;
	store_field_i32(args, ask->member_id);
	store_field_text(args, ask->name);
	store_field_i64(args, ask->after_id);
	store_field_i64(args, (int64_t)ask->after_seq);
	store_field_i64(args, (int64_t)ask->position);
	store_field_i64(args, (int64_t)max);
	err = store_db_run(db, &stmt, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) {
		struct store_recalled *r = &out[(*n)++];

		*r = (struct store_recalled){.recall_id = store_get_i64(res, row, 0),
					     .member_id = ask->member_id,
					     .seq = (uint64_t)store_get_i64(res, row, 1),
					     .items = (uint32_t)store_get_i32(res, row, 3),
					     .maybe = store_get_bool(res, row, 4),
					     .reason = (unsigned)store_get_i16(res, row, 5),
					     .at_us = store_get_time(res, row, 6)};
		memcpy(r->report_id, store_get_bytes(res, row, 2).data, WIRE_ID);
		snprintf(r->name, sizeof(r->name), "%s", ask->name);
		snprintf(r->publisher, sizeof(r->publisher), "%s", store_get_text(res, row, 7));
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}

enum isac_err store_select_told(struct store_db *db, uint64_t report_seq, void (*row)(void *arg, const struct store_told *told), void *arg)
{
	static const struct store_stmt stmt = {"select_told",
					       "SELECT s.member_id, s.name, s.seq, r.at, s.told FROM recall r LEFT JOIN recall_sent s ON "
					       "s.recall_id = r.id WHERE r.reason = $2::smallint AND r.from_seq IN ($1::bigint, (SELECT "
					       "release_of FROM report WHERE seq = $1::bigint))"};
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	store_field_i64(args, (int64_t)report_seq);
	store_field_i16(args, STORE_GAP_WITHDRAWAL);
	err = store_db_run(db, &stmt, &res);
	for (int i = 0; !err && i < PQntuples(res); i++) {
		struct store_told told = {.name = "", .at_us = store_get_time(res, i, 3)};

		if (!store_get_null(res, i, 0)) {
			told.member_id = store_get_i32(res, i, 0);
			told.name = store_get_text(res, i, 1);
			told.seq = (uint64_t)store_get_i64(res, i, 2);
			told.told_us = store_get_null(res, i, 4) ? 0 : store_get_time(res, i, 4);
		}
		row(arg, &told);
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}
