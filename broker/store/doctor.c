/*
 * What can be seen of a hub's health from inside its database: a check is a row of CHECKS, a statement that gives one row of state (ok,
 * warn, wrong) and text. Asked by `isac admin doctor` and by `isacd doctor`; nothing is changed.
 */
#include <string.h>
#include "base/base.h"
#include "store/priv.h"

#define SETTING(bad, name, why) \
	"SELECT CASE current_setting('" name "') WHEN 'on' THEN 'ok' ELSE '" bad "' END, '" name " = ' || current_setting('" name \
	"') || CASE current_setting('" name "') WHEN 'on' THEN '' ELSE ': " why "' END"
/* $1: our clock. */
static const struct {
	const char *name;
	bool clock;
	struct store_stmt stmt;
	const char *remedy;
} CHECKS[] = {
	{"fsync",
	 false,
	 {"doctor_fsync", SETTING("wrong", "fsync", "a power cut would lose acknowledged reports")},
	 "set fsync = on in postgresql.conf and restart PostgreSQL"},
	{"full_page_writes",
	 false,
	 {"doctor_pages", SETTING("wrong", "full_page_writes", "a power cut would tear pages of acknowledged reports")},
	 "set full_page_writes = on in postgresql.conf and reload"},
	{"synchronous_commit",
	 false,
	 {"doctor_commit",
	  "SELECT CASE current_setting('synchronous_commit') WHEN 'off' THEN 'wrong' ELSE 'ok' END, 'synchronous_commit = ' "
	  "|| current_setting('synchronous_commit')"},
	 "set synchronous_commit = on: with off, a power cut loses acknowledged reports"},
	{"data_checksums",
	 false,
	 {"doctor_checksums", SETTING("warn", "data_checksums", "bit rot would not be noticed")},
	 "stop PostgreSQL and run pg_checksums --enable on its data folder"},
	{"autovacuum",
	 false,
	 {"doctor_vacuum", SETTING("warn", "autovacuum", "tables that are updated grow without end")},
	 "set autovacuum = on in postgresql.conf and reload"},
	{"schema",
	 false,
	 {"doctor_schema",
	  "SELECT CASE WHEN max(number) = " STORE_SCHEMA_TEXT " AND count(*) = " STORE_MIGRATIONS_TEXT " THEN 'ok' ELSE 'wrong' END, "
	  "format('schema version %s after %s migrations, this program knows %s after %s', max(number), count(*), " STORE_SCHEMA_TEXT
	  ", " STORE_MIGRATIONS_TEXT ") FROM migration"},
	 "run the isacd that belongs to the newer of the two; isacd run brings an embedded database up to date by itself"},
	{"clock",
	 true,
	 {"doctor_clock", "SELECT CASE WHEN abs(extract(epoch FROM clock_timestamp() - $1::timestamptz)) < 1 THEN 'ok' ELSE 'wrong' END, "
			  "'the database''s clock differs by ' || "
			  "round(abs(extract(epoch FROM clock_timestamp() - $1::timestamptz))::numeric, 3) || ' s'"},
	 "let both machines follow the same time servers (chrony): reports are judged and stamped by these clocks"},
	{"connections",
	 false,
	 {"doctor_connections",
	  "SELECT CASE WHEN n * 10 > m * 8 THEN 'warn' ELSE 'ok' END, n || ' of ' || m || ' connections of the database in "
	  "use' FROM (SELECT count(*) AS n, current_setting('max_connections')::int AS m FROM pg_stat_activity) x"},
	 "raise max_connections of PostgreSQL, or see who else uses it: select * from pg_stat_activity"},
	{"wraparound",
	 false,
	 {"doctor_age",
	  "SELECT CASE WHEN age(datfrozenxid) > 1500000000 THEN 'wrong' ELSE 'ok' END, 'oldest transaction ' || age(datfrozenxid) "
	  "|| ' ago' FROM pg_database WHERE datname = current_database()"},
	 "vacuum has not kept up: run vacuumdb --freeze isac, and look for what holds it back (old transactions, replication slots)"},
	{"slots",
	 false,
	 {"doctor_slots",
	  "SELECT CASE WHEN count(*) > 0 THEN 'warn' ELSE 'ok' END, CASE WHEN count(*) > 0 THEN 'replication slots that nobody "
	  "reads keep WAL: ' || string_agg(slot_name, ', ') ELSE 'no forgotten replication slot' END FROM pg_replication_slots "
	  "WHERE NOT active AND pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) > 1073741824"},
	 "start the replica that they belong to, or drop them: select pg_drop_replication_slot('NAME')"},
	{"index_lag",
	 false,
	 {"doctor_index",
	  "SELECT CASE WHEN h.seq - least(m.seq, i.seq) > 100000 THEN 'warn' ELSE 'ok' END, 'the index is ' || h.seq - least(m.seq, "
	  "i.seq) || ' reports behind' FROM hub_head h, index_cursor m, indicator_cursor i"},
	 "wait if a burst just went in; else look for event=index.retry in the hub's log"},
	{"partitions",
	 false,
	 {"doctor_partitions",
	  "SELECT CASE WHEN to_regclass(partition_name('report', (h.seq + 10001) / r.span)) IS NULL THEN 'wrong' ELSE 'ok' END, "
	  "'head ' || h.seq || ', partitions of ' || r.span || ' reports, newest ' || (SELECT max(c.relname) FROM "
	  "pg_inherits p JOIN pg_class c ON c.oid = p.inhrelid WHERE p.inhparent = 'report'::regclass) FROM hub_head h, retention r"},
	 "look for event=store.partition in the hub's log; select isac.partition_ensure(isac.partition_ahead()) makes them"},
	{"retention",
	 false,
	 {"doctor_retention",
	  "SELECT 'ok', CASE WHEN from_seq = 1 THEN 'nothing was removed' ELSE 'reports below ' || from_seq || ' were removed' "
	  "|| CASE WHEN sweep_key IS NULL THEN '' ELSE '; indicator is being made true' END END FROM retention"},
	 ""},
	{"feeds",
	 false,
	 {"doctor_feeds",
	  "SELECT CASE WHEN count(*) > 0 THEN 'warn' ELSE 'ok' END, CASE WHEN count(*) > 0 THEN count(*) || ' subscriptions are over "
	  "100000 reports behind: ' || string_agg(n, ', ') FILTER (WHERE nr <= 5) ELSE 'no subscription is far behind' END FROM "
	  "(SELECT m.name || '/' || s.name AS n, row_number() OVER (ORDER BY s.acked_seq) AS nr FROM subscription s JOIN member m "
	  "ON m.id = s.member_id, hub_head h WHERE NOT m.suspended AND h.seq - s.acked_seq > 100000) x"},
	 "ask these members whether they still read; isac admin subscription list shows all"},
	{"keys",
	 false,
	 {"doctor_keys",
	  "SELECT CASE WHEN count(*) > 0 THEN 'warn' ELSE 'ok' END, CASE WHEN count(*) > 0 THEN count(*) || ' members have no key "
	  "that is good for 30 days more: ' || string_agg(name, ', ') FILTER (WHERE nr <= 5) ELSE 'every member has a key that is good "
	  "for 30 days more' END FROM (SELECT m.name, row_number() OVER (ORDER BY m.name) AS nr FROM member m WHERE NOT m.suspended "
	  "AND NOT EXISTS (SELECT FROM member_key k WHERE k.member_id = m.id AND k.revoked_from_seq IS NULL AND COALESCE(k.valid_until, "
	  "'infinity') > now() + interval '30 days')) x"},
	 "let them make a new key and enrol it: isac admin key add MEMBER FILE; isac admin key list shows all"},
};

enum isac_err store_doctor(struct store_db *db, void (*found)(void *arg, const struct store_finding *finding), void *arg)
{
	enum isac_err err = ISAC_OK;

	for (size_t i = 0; !err && i < sizeof(CHECKS) / sizeof(*CHECKS); i++) {
		struct wire_buf *args = store_db_args(db);
		PGresult *res = NULL;

		if (CHECKS[i].clock) store_field_time(args, base_clock_us());
		err = store_db_run(db, &CHECKS[i].stmt, &res);
		if (!err) {
			const char *state = store_get_text(res, 0, 0);
			const struct store_finding finding = {.check = CHECKS[i].name,
							      .state = state,
							      .text = store_get_text(res, 0, 1),
							      .remedy = strcmp(state, "ok") ? CHECKS[i].remedy : ""};
			found(arg, &finding);
		}
		PQclear(res);
	}
	return err;
}
