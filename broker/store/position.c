/* Where a hub stands: for the manifest of a backup. */
#include "store/priv.h"

enum isac_err store_position(const char *conninfo, struct store_position *out, struct wire_why *why)
{
	static const char sql[] = "SELECT h.seq, pg_current_wal_lsn()::text, current_setting('server_version'), "
				  "(SELECT max(number) FROM isac.migration) FROM isac.hub_head h";
	const struct store_pg_conf conf = {.conninfo = conninfo, .name = "isac backup", .deadline_ms = 60000, .owner = true};
	struct store_pg *pg;
	PGresult *res = NULL;
	enum isac_err err = store_pg_new(&pg, &conf);

	if (err) return err;
	err = store_pg_script(pg, "SELECT pg_reload_conf()"); /* connects; who may copy was perhaps just written */
	if (!err) err = store_pg_run_sql(pg, sql, NULL, &res);
	if (!err) {
		out->head = (uint64_t)store_get_i64(res, 0, 0);
		snprintf(out->wal, sizeof(out->wal), "%s", store_get_text(res, 0, 1));
		snprintf(out->server, sizeof(out->server), "%s", store_get_text(res, 0, 2));
		out->schema = store_get_i32(res, 0, 3);
	} else {
		wire_refuse(why, err, "%s", store_pg_error(pg));
	}
	PQclear(res);
	store_pg_destroy(&pg);
	return err;
}
