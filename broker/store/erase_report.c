/* What admins may do to a stored report: its content goes, or it stays and has ended. What proves that it was there stays. */
#include "store/priv.h"

static enum isac_err change(struct store_db *db, const struct store_stmt *stmt, uint64_t seq, struct wire_why *why)
{
	PGresult *res = NULL;
	bool done = false;
	enum isac_err err;

	store_field_i64(store_db_args(db), (int64_t)seq);
	err = store_db_run(db, stmt, &res);
	if (!err) done = store_get_bool(res, 0, 0);
	PQclear(res);
	if (err || done) return err;
	return wire_refuse(why, ISAC_ERR_UNAVAILABLE, "the report is not indexed yet: try again in a moment");
}

enum isac_err store_erase_report(struct store_db *db, uint64_t seq, struct wire_why *why)
{
	static const struct store_stmt stmt = {"erase_report", "SELECT report_erase($1::bigint)"};

	return change(db, &stmt, seq, why);
}

enum isac_err store_withdraw_report(struct store_db *db, uint64_t seq, struct wire_why *why)
{
	static const struct store_stmt stmt = {"withdraw_report", "SELECT report_withdraw($1::bigint)"};

	return change(db, &stmt, seq, why);
}
