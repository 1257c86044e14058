/* A report by its id, whole, and the reports that replace it: for a reader who walks a chain of versions. */
#include <stdlib.h>
#include <string.h>
#include "store/priv.h"

enum { HITS_MAX = 8 }; /* an id is unique with its publisher only; copies of other people's ids come after the original */

static void put_args(struct store_db *db, const struct member *self, const uint8_t *report_id, int32_t publisher_id)
{
	struct wire_buf *args = store_db_args_visible(db, self);

	store_field_bytes(args, report_id, WIRE_ID);
	store_field_i32(args, publisher_id);
}

static enum isac_err add_hit(struct store_db *db, struct store_hit *hits, size_t *n, const PGresult *res, int row)
{
	struct store_hit *hit = &hits[*n];
	enum isac_err err = store_report_row_open(&hit->report, res, row, false);

	if (err) return err;
	++*n;
	hit->shown = malloc((size_t)(hit->report->n + 7) / 8 + 1);
	if (!hit->shown) return ISAC_ERR_NO_MEMORY;
	memset(hit->shown, 0xff, (size_t)(hit->report->n + 7) / 8 + 1);
	return store_report_row_audience(db, hit->report);
}

enum isac_err store_select_versions(struct store_db *db, const struct member *self, const uint8_t report_id[WIRE_ID], int32_t publisher_id,
				    struct store_hit **hits, size_t *n)
{
	static const struct store_stmt stmt = {
		"select_versions",
		"SELECT " STORE_REPORT_COLUMNS " FROM member p JOIN report_key k ON k.publisher_id = p.id AND k.report_id = $3::uuid "
		"JOIN report r ON r.seq = k.seq WHERE ($4::int = 0 OR p.id = $4::int) AND r.payload IS NOT NULL "
		"AND (r.audience_id = ANY ($1::int[]) OR r.publisher_id = $2::int) ORDER BY r.seq LIMIT 8"};
	PGresult *res = NULL;
	enum isac_err err = store_db_audiences(db);

	*n = 0;
	*hits = calloc(HITS_MAX, sizeof(**hits));
	if (!*hits) return ISAC_ERR_NO_MEMORY;
	if (!err) {
		put_args(db, self, report_id, publisher_id);
		err = store_db_run(db, &stmt, &res);
	}
	for (int row = 0; !err && row < PQntuples(res) && row < HITS_MAX; row++) err = add_hit(db, *hits, n, res, row);
	PQclear(res);
	if (!err || err == ISAC_ERR_NOT_FOUND) return ISAC_OK;
	store_hits_free(*hits, *n);
	*hits = NULL;
	*n = 0;
	return err;
}

enum isac_err store_select_later(struct store_db *db, const struct member *self, const uint8_t report_id[WIRE_ID], int32_t publisher_id,
				 struct wire_buf *out, uint64_t *complete_seq)
{
	static const struct store_stmt stmt = {
		"select_later",
		"SELECT p.name, r.report_id, r.header FROM member p JOIN supersession s ON s.publisher_id = p.id AND s.replaced = $3::uuid "
		"JOIN report r ON r.seq = s.seq WHERE ($4::int = 0 OR p.id = $4::int) AND r.payload IS NOT NULL "
		"AND (r.audience_id = ANY ($1::int[]) OR r.publisher_id = $2::int) ORDER BY r.seq LIMIT $5::bigint"};
	PGresult *res = NULL;
	enum isac_err err = store_select_complete(db, complete_seq);

	if (err) return err;
	put_args(db, self, report_id, publisher_id);
	store_field_i64(&db->args, WIRE_LIMIT_VERSIONS);
	err = store_db_run(db, &stmt, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) {
		struct wire_bytes id = store_get_bytes(res, row, 1), header = store_get_bytes(res, row, 2);
		Isac1__VersionsResult result = ISAC1__VERSIONS_RESULT__INIT;
		Isac1__Later later = ISAC1__LATER__INIT, *one[1] = {&later};

		if (!memmem(header.data, header.len, report_id, WIRE_ID)) continue; /* a row of the migration that guessed wrong */
		later.publisher = PQgetvalue(res, row, 0);
		later.report_id = (ProtobufCBinaryData){id.len, (uint8_t *)(uintptr_t)id.data};
		result.n_later = 1;
		result.later = one;
		wire_pack(out, &result.base);
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}
