/*
 * Rows for the list commands. A list is a row of LISTS: a statement whose columns, all text, become the cells and
 * whose column names become their names. "stats" has no statement: counters live in this process.
 */
#include <string.h>
#include "base/base.h"
#include "store/priv.h"

#define TIME_OF(column) "COALESCE(to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '') "

/* The names of types are the code's, not the database's. */
static const char LIST_LIFE[] =
	"SELECT CASE type "
#define VALUE(num, NAME, name) "WHEN " #num " THEN '" name "' "
#include "wire/value.def"
#undef VALUE
	"END AS type, (extract(epoch FROM age)::bigint / 86400)::text AS age_days, "
	"round(speed::numeric, 2)::text AS speed, " TIME_OF("changed") "AS changed FROM life_rule "
								       "WHERE $1::text = '' ORDER BY life_rule.type";
#define ROLES_OF \
	"array_to_string(ARRAY(SELECT n FROM " \
	"unnest(ARRAY['publisher','subscriber','analyst','tracer','admin','auditor','invited','gateway']) " \
	"WITH ORDINALITY AS u(n, i) WHERE roles >> (i::int - 1) & 1 = 1), ',') "

#define SPACE_OF(kind) \
	"array_to_string(ARRAY(SELECT value FROM member_space s WHERE s.member_id = m.id AND s.kind = '" kind "' " \
	"AND s.state = 'confirmed' ORDER BY s.id), ',') "

#define GROUP_MEMBERS \
	"array_to_string(ARRAY(SELECT m.name FROM member_group_member gm JOIN member m ON m.id = gm.member_id " \
	"WHERE gm.group_id = g.id ORDER BY m.name), ',') "

/* Every statement takes one parameter: what the list is narrowed to, '' for everything. */
static const struct {
	const char *what;
	struct store_stmt stmt;
} LISTS[] = {
	{"member",
	 {"list_member",
	  "SELECT name, type, " ROLES_OF "AS roles, CASE WHEN suspended THEN 'yes' ELSE 'no' END AS suspended, "
	  "COALESCE((SELECT o.name FROM member o WHERE o.id = m.client_of), '') AS client_of, "
	  "CASE WHEN erased_at IS NOT NULL THEN 'erased' WHEN left_at IS NOT NULL THEN 'left' WHEN suspended THEN 'suspended' "
	  "WHEN invited_roles IS NOT NULL THEN 'invited' ELSE 'active' END AS state, concat_ws(',', quota_per_s || '/s', 'burst ' || "
	  "quota_burst, quota_bytes_per_min || ' B/min') AS quota, "
	  "array_to_string(ARRAY(SELECT g.name FROM member_group_member gm JOIN member_group g ON g.id = gm.group_id "
	  "WHERE gm.member_id = COALESCE(m.client_of, m.id) ORDER BY g.name), ',') AS groups, " SPACE_OF("net") "AS nets, " SPACE_OF(
		  "asn") "AS asns, " SPACE_OF("domain") "AS domains, encode(curve, 'hex') AS "
							"curve_public, " TIME_OF("created") "AS created FROM "
											    "member m WHERE "
											    "$1::text IN ('', "
											    "name) ORDER BY "
											    "name"}},
	{"space",
	 {"list_space",
	  "SELECT m.name AS member, s.kind, s.value, s.state, COALESCE(c.name, '') AS claimed_by, " TIME_OF(
		  "s.claimed") "AS claimed, COALESCE(f.name, '') AS confirmed_by, " TIME_OF("s.confirmed") "AS confirmed, "
													   "COALESCE(d.name, '') AS "
													   "dropped_by, " TIME_OF(
														   "s.dropped") "AS "
																"dropped "
																"FROM "
																"member_"
																"space s "
																"JOIN "
																"member m "
																"ON m.id = "
																"s.member_"
																"id LEFT "
																"JOIN "
																"member c "
																"ON c.id = "
																"s.claimed_"
																"by "
																"LEFT JOIN "
																"member f "
																"ON f.id = "
																"s."
																"confirmed_"
																"by LEFT "
																"JOIN "
																"member d "
																"ON d.id = "
																"s.dropped_"
																"by "
																"WHERE "
																"$1::text "
																"IN ('', "
																"m.name) "
																"ORDER BY "
																"s.state = "
																"'dropped',"
																" s.state "
																"<> "
																"'pending',"
																" m.name, "
																"s.kind, "
																"s.value, "
																"s.id "
																"LIMIT "
																"5000"}},
	{"key",
	 {"list_key",
	  "SELECT m.name AS member, encode(k.key_id, 'hex') AS key_id, encode(k.public_key, 'hex') AS public_key, " TIME_OF(
		  "k.valid_from") "AS valid_from, " TIME_OF("k.valid_until") "AS valid_until, "
									     "COALESCE(k.revoked_from_seq::text, '') AS revoked_from_seq "
									     "FROM member_key k JOIN member m ON m.id = k.member_id "
									     "WHERE $1::text IN ('', m.name) ORDER BY m.name, k.key_id"}},
	{"group",
	 {"list_group",
	  "SELECT g.name, " GROUP_MEMBERS "AS members, COALESCE((SELECT name FROM member WHERE id = g.owner_id), '') AS owner, "
	  "array_to_string(ARRAY(SELECT m.name FROM member_group_invite v JOIN member m ON m.id = v.member_id "
	  "WHERE v.group_id = g.id ORDER BY m.name), ',') AS invited FROM member_group g WHERE $1::text IN ('', g.name) ORDER BY g.name"}},
	/* Of one member, or of the organisation whose client it is. Who is invited is not told who is in it. */
	{"own_group",
	 {"list_own_group",
	  "SELECT g.name, COALESCE((SELECT name FROM member WHERE id = g.owner_id), '') AS owner, CASE WHEN i.is_in THEN " GROUP_MEMBERS
	  "ELSE '' END AS members, CASE WHEN g.owner_id = me.id THEN 'owner' WHEN i.is_in THEN 'member' ELSE 'invited' END AS state, "
	  "COALESCE(b.name, '') AS invited_by FROM (SELECT id, COALESCE(client_of, id) AS rights FROM member WHERE name = $1::text) me "
	  "CROSS JOIN member_group g CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM member_group_member x WHERE x.group_id = g.id "
	  "AND x.member_id = me.rights) AS is_in) i LEFT JOIN member_group_invite v ON v.group_id = g.id AND v.member_id = me.id "
	  "LEFT JOIN member b ON b.id = v.invited_by WHERE i.is_in OR v.member_id IS NOT NULL ORDER BY g.name"}},
	{"subscription",
	 {"list_subscription", "SELECT m.name AS member, s.name, s.filter, s.acked_seq::text AS acked_seq, "
			       "((SELECT seq FROM hub_head) - s.acked_seq)::text AS lag, " TIME_OF(
				       "s.created") "AS created "
						    "FROM subscription s JOIN member m ON m.id = s.member_id WHERE $1::text IN ('', "
						    "m.name) ORDER BY m.name, s.name"}},
	{"life", {"list_life", LIST_LIFE}},
	{"retention",
	 {"list_retention",
	  "SELECT partition_name('report', part) AS partition, first_seq::text AS first_seq, last_seq::text AS last_seq, " TIME_OF(
		  "newest") "AS newest, bytes::text AS bytes FROM retention_plan($1::text::bigint)"}},
	{"event",
	 {"list_event", "SELECT e.id::text, " TIME_OF(
				"e.at") "AS at, COALESCE(m.name, '') AS member, e.verb, encode(e.command_id, 'hex') AS command_id, "
					"encode(e.key_id, 'hex') AS key_id, COALESCE(c.name, '') AS approved_by FROM admin_event e LEFT "
					"JOIN member m ON m.id = e.member_id LEFT JOIN member c ON c.id = e.cosign_member_id "
					"WHERE $1::text IN ('', m.name) ORDER BY e.id DESC LIMIT 1000"}},
	{"pending",
	 {"list_pending",
	  "SELECT encode(p.command_id, 'hex') AS command_id, " TIME_OF(
		  "p.at") "AS at, m.name AS member, p.verb, CASE WHEN p.state = 'waiting' AND p.at < now() - interval '7 days' "
			  "THEN 'lapsed' ELSE p.state END AS state, COALESCE(d.name, '') AS decided_by, " TIME_OF(
				  "p.decided") "AS decided FROM admin_pending p JOIN member m ON m.id = p.member_id LEFT "
					       "JOIN member d ON d.id = p.decided_by WHERE $1::text = '' "
					       "ORDER BY p.state <> 'waiting', p.at DESC LIMIT 1000"}},
	{"recall",
	 {"list_recall",
	  "SELECT r.id::text, " TIME_OF(
		  "r.at") "AS at, CASE r.reason WHEN 2 THEN 'erased' WHEN 5 THEN 'withdrawn' ELSE 'key-revoked' END AS reason, p.name AS "
			  "publisher, COALESCE(encode(r.key_id, 'hex'), '') AS key_id, r.from_seq::text AS from_seq, "
			  "r.scanned_seq::text AS scanned_seq, "
			  "CASE WHEN r.done THEN 'yes' ELSE 'no' END AS complete, s.reports::text AS reports, "
			  "s.sent::text AS sent, s.told::text AS told "
			  "FROM recall r JOIN member p ON p.id = r.publisher_id, LATERAL (SELECT count(DISTINCT seq) "
			  "AS reports, count(*) AS sent, "
			  "count(told) AS told FROM recall_sent s WHERE s.recall_id = r.id) AS s WHERE $1::text = '' "
			  "ORDER BY r.id DESC LIMIT 1000"}},
	{"recalled",
	 {"list_recalled",
	  "SELECT m.name AS receiver, s.name AS subscription, s.seq::text AS seq, replace(s.report_id::text, '-', '') AS report_id, "
	  "s.items::text AS items, CASE WHEN s.maybe THEN 'maybe-sent' ELSE 'sent' END AS state, " TIME_OF(
		  "s.told") "AS told, CASE WHEN q.acked_seq > s.told_seq THEN 'yes' ELSE 'no' END AS acknowledged FROM "
			    "recall_sent s JOIN member m ON m.id = s.member_id LEFT JOIN subscription q ON q.member_id = s.member_id "
			    "AND q.name = s.name WHERE s.recall_id = $1::text::bigint ORDER BY m.name, "
			    "s.name, s.seq LIMIT "
			    "5000"}},
	{"read",
	 {"list_read",
	  "SELECT e.id::text, " TIME_OF(
		  "e.at") "AS at, m.name AS member, COALESCE(e.token_id::text, '') AS token, e.what, e.filter, e.items::text AS items, "
			  "cardinality(e.seqs)::text AS reports FROM read_event e JOIN member m ON m.id = "
			  "e.member_id WHERE $1::text IN ('', m.name) ORDER BY e.id DESC LIMIT 1000"}},
	{"read_who",
	 {"list_read_who",
	  "SELECT " TIME_OF("e.at") "AS at, m.name AS member, COALESCE(e.token_id::text, '') AS token, e.what, e.filter, p.name AS "
				    "publisher, k.seq::text AS seq "
				    "FROM report_key k JOIN member p ON p.id = k.publisher_id JOIN read_event e ON k.seq = "
				    "ANY (e.seqs) JOIN member m ON m.id = e.member_id WHERE k.publisher_id IN (SELECT id FROM "
				    "member) AND k.report_id = $1::text::uuid ORDER BY e.id DESC LIMIT 1000"}},
	{"token",
	 {"list_token",
	  "SELECT t.id::text, m.name AS member, t.scope, COALESCE(t.collection, '') AS collection, t.note, CASE WHEN t.revoked IS NOT NULL "
	  "THEN 'revoked' WHEN t.expires <= now() THEN 'expired' ELSE 'valid' END AS state, " TIME_OF("t.expires") "AS expires, " TIME_OF(
		  "t.created") "AS created, c.name AS created_by FROM token t JOIN member m ON m.id = "
			       "t.member_id JOIN member c ON c.id = t.created_by "
			       "WHERE $1::text IN ('', m.name) ORDER BY t.id DESC LIMIT 5000"}},
	{"collection",
	 {"list_collection", "SELECT name, filter, title, id::text, " TIME_OF("created") "AS created FROM collection c WHERE $1::text = '' "
											 "ORDER BY c.name LIMIT 5000"}},
	{"command",
	 {"list_command", "SELECT m.name AS member, p.state, encode(p.command, 'hex') AS command FROM admin_pending p JOIN member m ON "
			  "m.id = p.member_id WHERE p.command_id = decode($1::text, 'hex')"}},
};

/* One message with one row at a time: concatenated messages of a repeated field are one message. */
static void add_row(struct wire_buf *out, Isac1__Arg **cells, size_t n)
{
	Isac1__Row row = ISAC1__ROW__INIT, *rows[1] = {&row};
	Isac1__ControlResult result = ISAC1__CONTROL_RESULT__INIT;

	row.n_cells = n;
	row.cells = cells;
	result.n_rows = 1;
	result.rows = rows;
	wire_pack(out, &result.base);
}

static void add_result_row(struct wire_buf *out, const PGresult *res, int row)
{
	enum { CELLS_MAX = 16 };
	Isac1__Arg cell[CELLS_MAX], *cells[CELLS_MAX];
	int n = PQnfields(res) < CELLS_MAX ? PQnfields(res) : CELLS_MAX;

	for (int col = 0; col < n; col++) {
		isac1__arg__init(&cell[col]);
		cell[col].name = PQfname(res, col);
		cell[col].value = PQgetvalue(res, row, col);
		cells[col] = &cell[col];
	}
	add_row(out, cells, (size_t)n);
}

static enum isac_err list_stats(struct wire_buf *out)
{
	for (unsigned i = 0; i < STAT_COUNT; i++) {
		Isac1__Arg cell[2] = {ISAC1__ARG__INIT, ISAC1__ARG__INIT}, *cells[2] = {&cell[0], &cell[1]};
		char value[24];

		snprintf(value, sizeof(value), "%llu", (unsigned long long)base_stats_get((enum base_stat)i));
		cell[0].name = (char *)(uintptr_t) "name";
		cell[0].value = (char *)(uintptr_t)base_stats_name((enum base_stat)i);
		cell[1].name = (char *)(uintptr_t) "value";
		cell[1].value = value;
		add_row(out, cells, 2);
	}
	return out->err;
}

enum isac_err store_select_list(struct store_db *db, const char *what, const char *arg, struct wire_buf *out)
{
	const struct store_stmt *stmt = NULL;
	PGresult *res = NULL;
	enum isac_err err;

	if (!strcmp(what, "stats")) return list_stats(out);
	for (size_t i = 0; i < sizeof(LISTS) / sizeof(*LISTS); i++)
		if (!strcmp(what, LISTS[i].what)) stmt = &LISTS[i].stmt;
	if (!stmt) return ISAC_ERR_NOT_FOUND;
	store_field_text(store_db_args(db), arg ? arg : "");
	err = store_db_run(db, stmt, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) add_result_row(out, res, row);
	PQclear(res);
	if (err == ISAC_ERR_NOT_FOUND) err = ISAC_OK;
	return err ? err : out->err;
}
