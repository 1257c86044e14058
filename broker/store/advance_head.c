/*
 * After a restore: the head moves on over numbers that the lost hub may have given away since the backup, so that none is ever used
 * twice. Readers are told of them as a gap.
 */
#include "store/priv.h"

enum isac_err store_advance_head(const char *conninfo, int64_t by, struct wire_why *why)
{
	const struct store_pg_conf conf = {.conninfo = conninfo, .name = "isac restore", .deadline_ms = 60000, .owner = true};
	struct store_pg *pg;
	char sql[500];
	enum isac_err err = store_pg_new(&pg, &conf);

	if (err) return err;
	snprintf(sql, sizeof(sql),
		 "BEGIN; SET LOCAL ROLE isac_owner; SET LOCAL search_path = isac; "
		 "INSERT INTO restore_gap (first_seq, last_seq) SELECT seq + 1, seq + %lld FROM hub_head; "
		 "UPDATE hub_head SET seq = seq + %lld; SELECT partition_ensure(partition_ahead()); COMMIT",
		 (long long)by, (long long)by);
	err = store_pg_script(pg, sql);
	if (err) wire_refuse(why, err, "%s", store_pg_error(pg));
	store_pg_destroy(&pg);
	return err;
}
