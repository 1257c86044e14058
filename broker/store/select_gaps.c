/* Sequence numbers that have no report, and why: what retention removed, and what a restore skipped. */
#include "store/priv.h"

enum isac_err store_select_gaps(struct store_db *db, struct store_gaps *out)
{
	static const struct store_stmt stmt = {"select_gaps", "SELECT from_seq, g.first_seq, g.last_seq FROM retention LEFT JOIN LATERAL "
							      "(SELECT * FROM restore_gap ORDER BY first_seq DESC LIMIT 64) g ON true "
							      "ORDER BY g.first_seq"};
	PGresult *res = NULL;
	enum isac_err err;

	*out = (struct store_gaps){.kept_from = 1};
	store_db_args(db);
	err = store_db_run(db, &stmt, &res);
	if (!err) out->kept_from = (uint64_t)store_get_i64(res, 0, 0);
	for (int row = 0; !err && row < PQntuples(res); row++) {
		if (store_get_null(res, row, 1)) break;
		out->restored[out->n].first = (uint64_t)store_get_i64(res, row, 1);
		out->restored[out->n++].last = (uint64_t)store_get_i64(res, row, 2);
	}
	PQclear(res);
	return err;
}

enum store_gap_reason store_gap_reason(const struct store_gaps *gaps, uint64_t first, uint64_t *last)
{
	if (first < gaps->kept_from) {
		if (*last >= gaps->kept_from) *last = gaps->kept_from - 1;
		return STORE_GAP_RETENTION;
	}
	for (size_t i = 0; i < gaps->n; i++) {
		if (gaps->restored[i].last < first) continue;
		if (gaps->restored[i].first > first) {
			if (*last >= gaps->restored[i].first) *last = gaps->restored[i].first - 1;
			return STORE_GAP_ERASURE;
		}
		if (*last > gaps->restored[i].last) *last = gaps->restored[i].last;
		return STORE_GAP_RESTORE;
	}
	return STORE_GAP_ERASURE;
}
