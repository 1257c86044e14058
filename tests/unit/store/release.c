/* Releases: what is due is appended once, whole or in part, and handed on like any report. Rows of held are made here by hand. */
#include "hub.h"

static struct store *store;

static int begin(void **state)
{
	if (cluster_start_migrated(state)) return -1;
	hub_keys();
	if (hub_enrol()) return -1;
	hub_signer_start();
	return 0;
}

static int end(void **state)
{
	hub_signer_stop();
	return cluster_stop(state);
}

static int start(void **state)
{
	struct store_conf conf = hub_conf();

	(void)state;
	hub_clear();
	box.committed_seq = box.published_seq = 0;
	return store_start(&store, &conf) ? -1 : 0;
}

static int stop(void **state)
{
	(void)state;
	store_stop(&store);
	assert_false(box.astray);
	cluster_sql("delete from isac.held");
	return 0;
}

/* A report of three items of which the first and the last are held. Returns its seq. */
static uint64_t publish(uint32_t nr)
{
	static const char *const values[] = {"google.com", "evil.example", "wikipedia.org"};
	struct report *report = hub_report(nr, 1, ISAC1__TLP__TLP_GREEN, WIRE_VALUE_DOMAIN, values, 3, 's');
	size_t n = box.n;

	report->held[0] = 1 | 1 << 2;
	report->held_count = 2;
	hub_submit(store, report, nr);
	hub_wait(n + 1);
	return hub_find(nr)->seq;
}

static void hold(uint64_t seq, int item, const char *state)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		 "insert into isac.held (key, seq, item, publisher_id, audience_id, state) select md5('%d')::uuid, seq, %d, publisher_id, "
		 "audience_id, '%s' from isac.report where seq = %llu",
		 item, item, state, (unsigned long long)seq);
	cluster_sql(sql);
}

/* The writer looks on its own thread; a report sent behind tells when it has. */
static void release(uint32_t nr)
{
	size_t n = box.n;

	store_release_due(store);
	hub_submit(store, hub_lone(nr, 's'), nr);
	hub_wait(n + 1);
	store_release_due(store);
	hub_submit(store, hub_lone(nr + 1, 's'), nr + 1);
	hub_wait(n + 2);
}

static const char *bits(uint64_t of)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "select coalesce(string_agg(coalesce(encode(held, 'hex'), 'none'), ' ' order by seq), '') from isac.report where "
		 "release_of = %llu",
		 (unsigned long long)of);
	return cluster_sql(sql);
}

static void test_only_what_is_due(void **state)
{
	const uint64_t seq = publish(1);

	(void)state;
	hold(seq, 0, "due");
	hold(seq, 2, "open");
	release(2);
	assert_string_equal(bits(seq), "06"); /* all but the first stay held there */
	assert_string_equal(
		cluster_sql("select string_agg(item || state || coalesce(release_seq > seq, false), ' ' order by item) from isac.held"),
		"0releasedtrue 2openfalse");
	assert_string_equal(
		cluster_sql("select count(*) from isac.report a join isac.report b on b.release_of = a.seq where a.header = b.header "
			    "and a.signature = b.signature and a.payload = b.payload and a.audience_id = b.audience_id and "
			    "a.report_id = b.report_id"),
		"1");
	cluster_sql("update isac.held set state = 'due' where item = 2");
	release(4);
	assert_string_equal(bits(seq), "06 03"); /* each item in one release only */
	release(6);
	assert_string_equal(bits(seq), "06 03");
	assert_string_equal(cluster_sql("select (select seq from isac.hub_head) = (select max(seq) from isac.report)"), "t");
	hub_wait_published(strtoull(cluster_sql("select seq from isac.hub_head"), NULL, 10));
}

static void test_what_was_erased_releases_nothing(void **state)
{
	const uint64_t seq = publish(20);
	char sql[100];

	(void)state;
	snprintf(sql, sizeof(sql), "update isac.report set payload = null where seq = %llu", (unsigned long long)seq);
	cluster_sql(sql);
	hold(seq, 0, "due");
	release(21);
	assert_string_equal(bits(seq), "");
	assert_string_equal(cluster_sql("select state || coalesce(release_seq::text, '-') from isac.held"), "passed-");
}

static void test_more_than_a_page(void **state)
{
	enum { REPORTS = 150 };

	(void)state;
	for (uint32_t i = 0; i < REPORTS; i++) hold(publish(1000 + i), 0, "due");
	store_release_due(store);
	release(2000);
	for (uint32_t i = 0; i < 5; i++) release(2002 + 2 * i); /* a page between two commits */
	assert_string_equal(cluster_sql("select count(*) || ' ' || count(distinct release_seq) from isac.held where state = 'released'"),
			    "150 150");
	hub_wait_published(strtoull(cluster_sql("select seq from isac.hub_head"), NULL, 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_only_what_is_due, start, stop),
		cmocka_unit_test_setup_teardown(test_what_was_erased_releases_nothing, start, stop),
		cmocka_unit_test_setup_teardown(test_more_than_a_page, start, stop),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
