/* Retention and the two sides of the index, each with its own cursor. What is right is counted from mention, in SQL. */
#include <poll.h>
#include "hub.h"

enum { SPAN = 1000, FIRST = 2100, ALL = 2300, KEPT = 2000, SWEEP_ROWS = 100 };

static struct store *store;
static struct store_indexer *indexer;
static struct store_db *db;

static int begin(void **state)
{
	struct wire_why why = {.text = ""};
	struct store_conf conf;

	if (wire_init() || cluster_start(state) || store_migrate(cluster.conninfo, TEST_SOURCE_DIR "/sql", SPAN, &why)) return -1;
	hub_keys();
	if (hub_enrol()) return -1;
	hub_signer_start();
	conf = hub_conf();
	if (store_start(&store, &conf) || store_db_new(&db, cluster.conninfo, 5000)) return -1;
	return 0;
}

static int end(void **state)
{
	store_stop(&store);
	store_indexer_stop(&indexer);
	store_db_destroy(&db);
	hub_signer_stop();
	return cluster_stop(state);
}

static void start_indexer(void)
{
	struct store_conf conf = hub_conf();

	assert_int_equal(store_indexer_start(&indexer, &conf), ISAC_OK);
}

static void wait_indexed(uint64_t seq)
{
	for (int i = 0; store_indexer_seq(indexer) < seq; i++) {
		assert_true(i < 4000);
		poll(NULL, 0, 5); /* the indexer tells nobody: ask again */
	}
	store_indexer_stop(&indexer);
}

/* Every other report has a value that is in no other one; the rest share 250. */
static struct report *lone(uint32_t nr)
{
	char value[32];
	const char *values[1] = {value};

	if (nr % 2) return hub_lone(nr, 's');
	snprintf(value, sizeof(value), "93.0.%u.%u", nr >> 8, nr & 255);
	return hub_report(nr, 1, ISAC1__TLP__TLP_GREEN, WIRE_VALUE_IPV4, values, 1, 's');
}

static void pour(uint32_t from, uint32_t until)
{
	for (uint32_t nr = from; nr <= until; nr++) hub_submit(store, lone(nr), nr);
	hub_wait(until);
	assert_int_equal(store_head(store), until);
}

/* Slices until there is nothing left to do. */
static void sweep(void)
{
	bool more = true;

	for (int i = 0; more; i++) {
		assert_true(i < 4000);
		assert_int_equal(store_indicator_sweep(db, SWEEP_ROWS, &more), ISAC_OK);
	}
}

static void check_indicator(void)
{
	assert_string_equal(
		cluster_sql(
			"select count(*) from (select key, count(*) as n, min(seq) as a, max(seq) as z from isac.mention group by key) m "
			"full join isac.indicator i using (key) where (m.n, m.a, m.z) is distinct from (i.mentions, i.first_seq, "
			"i.last_seq)"),
		"0");
	assert_string_equal(cluster_sql("select min(seq) || ' ' || max(seq) || ' ' || count(*) from isac.mention"), "2000 2300 301");
}

/* A copy of what is derived, to come back to. */
static void keep(const char *name)
{
	char sql[400];

	snprintf(sql, sizeof(sql), "create table %s_mention as table isac.mention; create table %s_indicator as table isac.indicator", name,
		 name);
	cluster_sql(sql);
}

static void put_back(const char *mentions, uint64_t mention_seq, const char *indicators, uint64_t indicator_seq)
{
	char sql[1000];

	snprintf(sql, sizeof(sql),
		 "truncate isac.mention, isac.indicator; insert into isac.mention select * from %s_mention where seq >= (select from_seq "
		 "from isac.retention); insert into isac.indicator select * from %s_indicator; update isac.index_cursor set seq = %llu; "
		 "update "
		 "isac.indicator_cursor set seq = %llu; update isac.retention set sweep_key = '00000000-0000-0000-0000-000000000000' where "
		 "from_seq > 1",
		 mentions, indicators, (unsigned long long)mention_seq, (unsigned long long)indicator_seq);
	cluster_sql(sql);
}

/* A partition that one side has not read to its end stays, whichever side it is. */
static void test_only_what_both_have_read(void **state)
{
	static const struct {
		uint64_t mention, indicator, kept_from;
	} cases[] = {
		{998, FIRST, 1},     {FIRST, 998, 1},	  {999, FIRST, 1000},	{FIRST, 999, 1000},
		{1998, FIRST, 1000}, {FIRST, 1998, 1000}, {FIRST, FIRST, KEPT},
	};
	uint64_t kept_from;

	(void)state;
	pour(1, FIRST);
	start_indexer();
	wait_indexed(FIRST);
	keep("first");
	pour(FIRST + 1, ALL);
	start_indexer();
	wait_indexed(ALL);
	keep("all");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char sql[200];

		snprintf(sql, sizeof(sql), "update isac.index_cursor set seq = %llu; update isac.indicator_cursor set seq = %llu",
			 (unsigned long long)cases[i].mention, (unsigned long long)cases[i].indicator);
		cluster_sql(sql);
		assert_int_equal(store_retention_drop(db, KEPT, &kept_from), ISAC_OK);
		if (kept_from != cases[i].kept_from) fail_msg("case %zu: kept from %llu", i, (unsigned long long)kept_from);
	}
	assert_string_equal(cluster_sql("select min(seq) from isac.report"), "2000");
}

/* A crash took more of indicator: what mention has beyond its cursor is not counted by the sweep, then once by the indexer. */
static void test_mention_is_ahead(void **state)
{
	(void)state;
	put_back("all", ALL, "first", FIRST);
	sweep();
	start_indexer();
	wait_indexed(ALL);
	check_indicator();
}

/* It took more of mention: the sweep waits, since it would take values for gone whose mentions are only yet to come. */
static void test_indicator_is_ahead(void **state)
{
	bool more = false;
	char before[4096];
	static const char *const all = "select md5(string_agg(i::text, ',' order by key)) from isac.indicator i";

	(void)state;
	put_back("first", FIRST, "all", ALL);
	snprintf(before, sizeof(before), "%s", cluster_sql(all));
	for (int i = 0; i < 30; i++) assert_int_equal(store_indicator_sweep(db, SWEEP_ROWS, &more), ISAC_OK);
	assert_true(more);
	assert_string_equal(cluster_sql(all), before);
	start_indexer();
	wait_indexed(ALL);
	sweep();
	check_indicator();
}

/* Between the indexer's move of its cursor and its commit the sweep does not look at indicator. */
static void test_waits_for_the_indexer(void **state)
{
	PGconn *side = cluster_connect("isac_core"), *conn = cluster_connect("isac_core");
	PGresult *res;

	(void)state;
	put_back("all", ALL, "all", ALL);
	PQclear(PQexec(side, "begin; update isac.indicator_cursor set seq = seq"));
	assert_int_equal(PQtransactionStatus(side), PQTRANS_INTRANS);
	res = PQexec(conn, "set lock_timeout = '50ms'; select isac.indicator_sweep(1)");
	assert_string_equal(PQresultErrorField(res, PG_DIAG_SQLSTATE), "55P03"); /* lock_not_available */
	PQclear(res);
	PQclear(PQexec(side, "rollback"));
	res = PQexec(conn, "select isac.indicator_sweep(1)");
	assert_string_equal(PQgetvalue(res, 0, 0), "t");
	PQclear(res);
	PQfinish(conn);
	PQfinish(side);
	sweep();
	check_indicator();
}

/* Slices of the sweep between the indexer's transactions, from both uneven states. */
static void test_at_the_same_time(void **state)
{
	(void)state;
	put_back("all", ALL, "first", FIRST);
	start_indexer();
	sweep();
	wait_indexed(ALL);
	check_indicator();
	put_back("first", FIRST, "all", ALL);
	start_indexer();
	sweep();
	wait_indexed(ALL);
	check_indicator();
}

/* From nothing, both sides begin at what is left: what was removed is no news to either. */
static void test_rebuild(void **state)
{
	(void)state;
	cluster_sql(
		"truncate isac.mention, isac.indicator; update isac.index_cursor set seq = 0; update isac.indicator_cursor set seq = 0");
	start_indexer();
	wait_indexed(ALL);
	check_indicator();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_both_have_read), cmocka_unit_test(test_mention_is_ahead),
		cmocka_unit_test(test_indicator_is_ahead),	 cmocka_unit_test(test_at_the_same_time),
		cmocka_unit_test(test_waits_for_the_indexer),	 cmocka_unit_test(test_rebuild),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
