/* Migrations, privileges and the checks at start. */
#include "cluster.h"

static int begin(void **state)
{
	return wire_init() ? -1 : cluster_start(state);
}

static void test_unmigrated(void **state)
{
	struct wire_why why;

	(void)state;
	assert_int_not_equal(store_check(cluster.conninfo, &why), ISAC_OK);
}

/* "how many files, the largest number" */
static void list_files(char *out, size_t size)
{
	glob_t found;
	int last = 0;

	assert_int_equal(glob(TEST_SOURCE_DIR "/sql/migrations/*.sql", 0, NULL, &found), 0);
	last = (int)strtol(strrchr(found.gl_pathv[found.gl_pathc - 1], '/') + 1, NULL, 10);
	snprintf(out, size, "%zu %d", found.gl_pathc, last);
	globfree(&found);
}

static void test_twice(void **state)
{
	struct wire_why why = {.text = ""};
	char expected[32];

	(void)state;
	list_files(expected, sizeof(expected));
	for (int i = 0; i < 2; i++) {
		if (store_migrate(cluster.conninfo, TEST_SOURCE_DIR "/sql", 0, &why)) fail_msg("%s", why.text);
		assert_string_equal(cluster_sql("select count(*) || ' ' || max(number) from isac.migration"), expected);
		assert_string_equal(cluster_sql("select count(*) from isac.hub_head"), "1");
	}
	assert_int_equal(store_check(cluster.conninfo, &why), ISAC_OK);
}

static void test_edited(void **state)
{
	struct wire_why why;

	(void)state;
	cluster_sql("update isac.migration set digest = '\\x00' where number = 5");
	assert_int_equal(store_migrate(cluster.conninfo, TEST_SOURCE_DIR "/sql", 0, &why), ISAC_ERR_CONFIG);
	assert_non_null(strstr(why.text, "0005-member_group.sql"));
	cluster_sql("delete from isac.migration where number = 5"); /* as if a run had ended before its row: nothing breaks */
	assert_int_equal(store_migrate(cluster.conninfo, TEST_SOURCE_DIR "/sql", 0, &why), ISAC_OK);
}

/* A hub that was brought up to the newest number before files with smaller ones were there: branches are merged in any order. */
static void test_gap(void **state)
{
	struct wire_why why = {.text = ""};

	(void)state;
	cluster_sql(
		"drop table isac.member_group_invite; alter table isac.member_group drop owner_id; alter table isac.member drop client_of; "
		"alter table isac.feed_range drop client; delete from isac.migration where number in (29, 30)");
	assert_int_equal(store_check(cluster.conninfo, &why), ISAC_ERR_CONFIG);
	assert_non_null(strstr(why.text, "isacd init"));
	if (store_migrate(cluster.conninfo, TEST_SOURCE_DIR "/sql", 0, &why)) fail_msg("%s", why.text);
	assert_int_equal(store_check(cluster.conninfo, &why), ISAC_OK);
	assert_string_equal(cluster_sql("select count(client_of) from isac.member"), "0");
}

static void test_no_files(void **state)
{
	struct wire_why why;

	(void)state;
	assert_int_equal(store_migrate(cluster.conninfo, "/nonexistent", 0, &why), ISAC_ERR_CONFIG);
	assert_int_equal(store_migrate("host=/nonexistent", TEST_SOURCE_DIR "/sql", 0, &why), ISAC_ERR_DB_BROKEN);
}

static void test_comments(void **state)
{
	(void)state;
	assert_string_equal(cluster_sql("select coalesce(string_agg(c.relname || coalesce('.' || a.attname, ''), ' '), '') from pg_class c "
					"left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
					"where c.relnamespace = 'isac'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition "
					"and (obj_description(c.oid) is null or col_description(c.oid, a.attnum) is null)"),
			    "");
	assert_string_equal(
		cluster_sql("select coalesce(string_agg(proname, ' '), '') from pg_proc where pronamespace = 'isac'::regnamespace "
			    "and obj_description(oid) is null"),
		"");
}

static void test_least_privilege(void **state)
{
	static const struct {
		const char *sql;
		bool may;
	} cases[] = {
		{"select count(*) from isac.report", true},  {"update isac.report set header = ''", false},
		{"delete from isac.report", false},	     {"truncate isac.report", false},
		{"delete from isac.report_key", false},	     {"update isac.report_key set seq = 1", false},
		{"delete from isac.admin_event", false},     {"update isac.admin_event set verb = ''", false},
		{"delete from isac.mention", false},	     {"delete from isac.member", false},
		{"delete from isac.member_space", false},    {"update isac.concern set items = 0", false},
		{"update isac.audience set tlp = 1", false}, {"drop table isac.report", false},
		{"create table isac.mine (x int)", false},   {"update isac.migration set number = 1", false},
		{"select isac.partition_ensure(1)", true},   {"select isac.retention_drop(1)", true},
		{"select isac.indicator_sweep(10)", true},   {"update isac.retention set from_seq = 5", false},
		{"delete from isac.indicator", false},	     {"insert into isac.restore_gap values (1, 2)", false},
	};
	PGconn *conn = cluster_connect("isac_core");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		PGresult *res = PQexec(conn, cases[i].sql);
		const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE);

		if (cases[i].may ? code != NULL : !code || strcmp(code, "42501")) fail_msg("%s: %s", cases[i].sql, code ? code : "it may");
		PQclear(res);
	}
	PQfinish(conn);
}

static void test_partitions(void **state)
{
	(void)state;
	cluster_sql("select isac.partition_ensure(35000000)");
	cluster_sql("select isac.partition_ensure(35000000)");
	assert_string_equal(
		cluster_sql("select string_agg(relname, ' ' order by relname) from pg_class where relispartition and relkind = 'r'"),
		"concern_0000 concern_0001 concern_0002 concern_0003 mention_0000 mention_0001 mention_0002 mention_0003 report_0000 "
		"report_0001 report_0002 report_0003");
}

/* A database that would lose what it acknowledged is refused. */
static void test_unsafe_settings(void **state)
{
	static const struct {
		const char *setting, *word;
	} cases[] = {
		{"fsync=off", "fsync"},
		{"synchronous_commit=off", "synchronous_commit"},
		{"full_page_writes=off", "full_page_writes"},
	};
	struct wire_why why = {.text = ""};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cluster_down(SIGINT);
		assert_int_equal(cluster_up(cases[i].setting), 0);
		assert_int_equal(store_check(cluster.conninfo, &why), ISAC_ERR_CONFIG);
		assert_non_null(strstr(why.text, cases[i].word));
	}
	cluster_down(SIGINT);
	assert_int_equal(cluster_up(NULL), 0);
	cluster_sql("insert into isac.migration values (9999, 'x', '', now())");
	assert_int_equal(store_check(cluster.conninfo, &why), ISAC_ERR_CONFIG);
	assert_non_null(strstr(why.text, "9999"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unmigrated),	cmocka_unit_test(test_twice),
		cmocka_unit_test(test_edited),		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_no_files),	cmocka_unit_test(test_comments),
		cmocka_unit_test(test_least_privilege), cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_unsafe_settings),
	};

	return cmocka_run_group_tests(tests, begin, cluster_stop);
}
