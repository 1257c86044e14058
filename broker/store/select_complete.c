/*
 * What every question about history begins with: how far the index is complete, and which audiences are new. One statement, for a
 * round trip to the server costs as much as the look-up of a value.
 */
#include "store/priv.h"

enum isac_err store_select_complete(struct store_db *db, uint64_t *seq)
{
	static const struct store_stmt stmt = {
		"select_complete",
		"SELECT least(c.seq, i.seq), a.id, a.tlp, a.groups, a.recipients "
		"FROM index_cursor c CROSS JOIN indicator_cursor i LEFT JOIN audience a ON a.id > $1::int ORDER BY a.id"};
	PGresult *res = NULL;
	enum isac_err err;

	store_field_i32(store_db_args(db), store_db_audiences_newest(db));
	err = store_db_run(db, &stmt, &res);
	if (!err) *seq = (uint64_t)store_get_i64(res, 0, 0);
	for (int row = 0; !err && row < PQntuples(res) && !store_get_null(res, row, 1); row++)
		err = store_db_audiences_add(db, res, row, 1);
	PQclear(res);
	return err;
}
