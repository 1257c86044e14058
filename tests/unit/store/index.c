/* The indexer and what history reads from it. Expected rows are written by hand. */
#include <poll.h>
#include <stdatomic.h>
#include "hub.h"

enum { BURST = 300 }; /* more than the indexer takes for a trickle */

static struct store *store;
static struct store_indexer *indexer;
static struct store_db *db;

static void on_publish(void *arg, struct report *const *reports, size_t n)
{
	hub_publish(arg, reports, n);
	store_indexer_committed(indexer, reports, n);
}

static int begin(void **state)
{
	struct store_conf conf;

	if (cluster_start_migrated(state)) return -1;
	hub_keys();
	if (hub_enrol()) return -1;
	cluster_sql("insert into isac.member (name, roles, curve) values ('bob', 2, sha256('bob')), ('carol', 6, sha256('carol'))");
	hub_signer_start();
	conf = hub_conf();
	conf.publish = on_publish;
	if (store_indexer_start(&indexer, &conf) || store_start(&store, &conf) || store_db_new(&db, cluster.conninfo, 5000)) return -1;
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

static void wait_indexed(uint64_t seq)
{
	for (int i = 0; store_indexer_seq(indexer) < seq; i++) {
		assert_true(i < 4000);
		poll(NULL, 0, 5); /* the indexer tells nobody: ask again */
	}
}

static void submit(struct report *report, const struct member_audience *a)
{
	static uint64_t request;
	struct store_route route = {.request_id = ++request};
	size_t n = box.n;

	assert_int_equal(store_submit(store, report, a, &route), ISAC_OK);
	report_unref(&report);
	hub_wait(n + 1);
}

static void test_rows(void **state)
{
	static const char *const domains[] = {"www.evil.example", "evil.example"};
	static const char *const urls[] = {"http://Sub.Evil.example/A?b=1", "http://203.0.113.7/x"};
	static const char *const nets[] = {"203.0.113.0/24"};
	static const char *const v6[] = {"2a00:1450:4001:0829:0:0:0:200e"};
	struct member_audience green = {.tlp = 2};

	(void)state;
	submit(hub_report(1, 1, 2, WIRE_VALUE_DOMAIN, domains, 2, 's'), &green);
	submit(hub_report(2, 1, 2, WIRE_VALUE_URL, urls, 2, 's'), &green);
	submit(hub_report(3, 1, 2, WIRE_VALUE_CIDR, nets, 1, 's'), &green);
	submit(hub_report(4, 1, 2, WIRE_VALUE_IPV6, v6, 1, 's'), &green);
	submit(hub_report(5, 1, 2, WIRE_VALUE_DOMAIN, domains, 1, 's'), &green);
	wait_indexed(5);
	assert_string_equal(cluster_sql("select string_agg(value || '|' || coalesce(rdom, '-') || '|' || coalesce(addr::text, '-') || '|' "
					"|| mentions || '|' || "
					"publishers::text, E'\\n' order by first_seq, value) from isac.indicator"),
			    "evil.example|example.evil.|-|1|{1}\n"
			    "www.evil.example|example.evil.www.|-|2|{1}\n"
			    "http://203.0.113.7/x|-|203.0.113.7/32|1|{1}\n"
			    "http://sub.evil.example/A?b=1|example.evil.sub.|-|1|{1}\n"
			    "203.0.113.0/24|-|203.0.113.0/24|1|{1}\n"
			    "2a00:1450:4001:829::200e|-|2a00:1450:4001:829::200e/128|1|{1}");
	assert_string_equal(cluster_sql("select string_agg(seq || '/' || item || ':' || confidence || ':' || held, ' ' order by seq, item) "
					"from isac.mention"),
			    "1/0:80:false 1/1:80:false 2/0:80:false 2/1:80:false 3/0:80:false 4/0:80:false 5/0:80:false");
	assert_string_equal(cluster_sql("select seq from isac.index_cursor"), "5");
	assert_string_equal(cluster_sql("select bool_and(k.key = m.key) from isac.mention m join isac.indicator k using (key)"), "t");
}

/* Behind by more than the ring shows: it pages, and the result is the same as from the ring. */
static void test_rebuild(void **state)
{
	struct store_conf conf = hub_conf();
	uint64_t head = store_head(store);
	char before[4096];
	static const char *const all =
		"select md5(string_agg(i::text, ',' order by key)) || md5((select string_agg(m::text, ',' order by seq, item) "
		"from isac.mention m)) from isac.indicator i";

	(void)state;
	store_indexer_stop(&indexer);
	snprintf(before, sizeof(before), "%s", cluster_sql(all));
	cluster_sql(
		"truncate isac.mention, isac.indicator; update isac.index_cursor set seq = 0; update isac.indicator_cursor set seq = 0");
	assert_int_equal(store_indexer_start(&indexer, &conf), ISAC_OK);
	wait_indexed(head);
	assert_string_equal(cluster_sql(all), before);
}

static size_t query(const char *text, const struct member *self, bool held, uint32_t limit, char *out, size_t size)
{
	struct filter_error why;
	struct filter *f;
	struct store_query q = {.self = self, .limit = limit, .held = held};
	uint64_t complete;
	size_t pages = 0, len = 0;

	assert_int_equal(filter_parse(&f, text, strlen(text), INT64_C(1800000000000000), &why), ISAC_OK);
	q.filter = f;
	out[0] = 0;
	do {
		struct store_hit *hits;
		size_t n;

		if (store_select_query(db, &q, &hits, &n, &q.before_seq, &q.before_item, &complete))
			fail_msg("%s: %s", text, store_pg_error(db->pg));
		for (size_t i = 0; i < n; i++)
			for (uint32_t item = hits[i].report->n; item-- > 0;)
				if (hits[i].shown[item / 8] >> item % 8 & 1)
					len += (size_t)snprintf(out + len, size - len, "%llu/%u ", (unsigned long long)hits[i].report->seq,
								item);
		store_hits_free(hits, n);
		pages++;
	} while (q.before_seq);
	filter_destroy(&f);
	assert_int_equal(complete, store_head(store));
	return pages;
}

static void test_query(void **state)
{
	struct member bob = {.id = 2, .name = "bob", .roles = MEMBER_SUBSCRIBER};
	char out[512];

	(void)state;
	assert_int_equal(query("", &bob, false, 100, out, sizeof(out)), 1);
	assert_string_equal(out, "5/0 4/0 3/0 2/1 2/0 1/1 1/0 ");
	assert_int_equal(query("", &bob, false, 3, out, sizeof(out)), 3);
	assert_string_equal(out, "5/0 4/0 3/0 2/1 2/0 1/1 1/0 ");
	query("value under evil.example", &bob, false, 100, out, sizeof(out));
	assert_string_equal(out, "5/0 2/0 1/1 1/0 ");
	query("value = \"www.evil.example\"", &bob, false, 1, out, sizeof(out));
	assert_string_equal(out, "5/0 1/0 ");
	query("value in 203.0.113.0/24", &bob, false, 100, out, sizeof(out));
	assert_string_equal(out, "3/0 2/1 ");
	query("publisher = \"alice\" and type = ipv6", &bob, false, 100, out, sizeof(out));
	assert_string_equal(out, "4/0 ");
}

/* The head of a filter's page is known to the index from both sides: a page that goes on, a time, and what is complete. */
static void test_bounds_meet(void **state)
{
	struct member bob = {.id = 2, .name = "bob", .roles = MEMBER_SUBSCRIBER};
	struct filter_error why;
	struct filter *f;
	struct store_query q = {.self = &bob, .limit = 100};
	static const struct {
		uint64_t before_seq, as_of;
		uint32_t before_item;
		size_t reports, newest_items;
	} cases[] = {
		{2, 0, 1, 2, 1}, {2, 0, 0, 1, 2}, {2, 1, 1, 1, 2}, {2, 2, 1, 2, 1}, {9, 2, 0, 2, 2}, {1, 0, 0, 0, 0},
	};

	(void)state;
	assert_int_equal(filter_parse(&f, "", 0, 0, &why), ISAC_OK);
	q.filter = f;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct store_hit *hits;
		uint64_t next, complete;
		uint32_t item;
		size_t n, items = 0;

		q.before_seq = cases[i].before_seq;
		q.before_item = cases[i].before_item;
		q.as_of_seq = cases[i].as_of;
		assert_int_equal(store_select_query(db, &q, &hits, &n, &next, &item, &complete), ISAC_OK);
		assert_int_equal(n, cases[i].reports);
		for (uint32_t k = 0; n && k < hits[0].report->n; k++) items += hits[0].shown[k / 8] >> k % 8 & 1;
		assert_int_equal(items, cases[i].newest_items);
		store_hits_free(hits, n);
	}
	filter_destroy(&f);
}

/* TLP:RED to carol; held items. Who sees what is the table of proto/README.md section 7, by hand. */
static void test_entitlement(void **state)
{
	static const char *const secret[] = {"203.0.113.66"};
	static const char *const half[] = {"203.0.113.77", "9.9.9.9"};
	static const int32_t carol_id = 3;
	struct member_audience red = {.tlp = 5, .recipients = &carol_id, .recipients_n = 1}, green = {.tlp = 2};
	struct member alice = {.id = 1, .roles = MEMBER_PUBLISHER | MEMBER_SUBSCRIBER}, bob = {.id = 2, .roles = MEMBER_SUBSCRIBER},
		      carol = {.id = 3, .roles = MEMBER_SUBSCRIBER | MEMBER_ANALYST};
	struct report *report = hub_report(50, 1, 2, WIRE_VALUE_IPV4, secret, 1, 's');
	const struct {
		const struct member *who;
		bool held;
		const char *want;
	} cases[] = {
		{&alice, false, "7/0 6/0 "},	{&bob, false, "7/0 "}, {&carol, false, "7/0 6/0 "},
		{&alice, true, "7/1 7/0 6/0 "}, {&bob, true, "7/0 "},  {&carol, true, "7/1 7/0 6/0 "},
	};
	char out[512];

	(void)state;
	submit(report, &red);
	submit(hub_report(51, 1, 2, WIRE_VALUE_IPV4, half, 2, 's'), &green);
	wait_indexed(7);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		query("type = ipv4", cases[i].who, cases[i].held, 10, out, sizeof(out));
		assert_string_equal(out, cases[i].want);
	}
}

static void test_times(void **state)
{
	struct member bob = {.id = 2, .roles = MEMBER_SUBSCRIBER};
	struct member_audience green = {.tlp = 2};
	struct filter_error why;
	struct filter *f;
	struct store_query q = {.self = &bob, .limit = 100};
	static const struct {
		int64_t since, until;
		uint64_t as_of;
		size_t want;
	} cases[] = {
		{2000000001, 0, 0, 2}, {2000000000, 2000000002, 0, 2}, {2000000002, 2000000002, 0, 0},
		{2000000002, 0, 0, 1}, {2000000003, 0, 0, 0},	       {2000000000, 0, 9, 2},
	};

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		base_clock_fix(INT64_C(1000000) * (2000000000 + i));
		submit(hub_lone(60 + i, 's'), &green);
	}
	base_clock_fix(0);
	wait_indexed(10);
	assert_int_equal(filter_parse(&f, "", 0, 0, &why), ISAC_OK);
	q.filter = f;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct store_hit *hits;
		uint64_t next, complete;
		uint32_t item;
		size_t n;

		q.since_us = cases[i].since * 1000000;
		q.until_us = cases[i].until * 1000000;
		q.as_of_seq = cases[i].as_of;
		assert_int_equal(store_select_query(db, &q, &hits, &n, &next, &item, &complete), ISAC_OK);
		assert_int_equal(n, cases[i].want);
		store_hits_free(hits, n);
	}
	filter_destroy(&f);
}

static void test_pages(void **state)
{
	struct report *page[20];
	const struct member_audience *audience;
	uint64_t head;
	size_t n;

	(void)state;
	assert_int_equal(store_select_head(db, NULL, &head), ISAC_OK);
	assert_int_equal(head, 10);
	assert_int_equal(store_select_page(db, 2, 9, 20, 1 << 20, page, &n), ISAC_OK);
	assert_int_equal(n, 7);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(page[i]->seq, 3 + i);
		assert_string_equal(page[i]->publisher, "alice");
		report_unref(&page[i]);
	}
	assert_int_equal(store_select_page(db, 0, 10, 20, 1, page, &n), ISAC_OK); /* at least one, whatever its size */
	assert_int_equal(n, 1);
	assert_int_equal(page[0]->n, 2);
	report_unref(&page[0]);
	assert_int_equal(store_select_page(db, 6, 7, 1, 1 << 20, page, &n), ISAC_OK);
	assert_int_equal(page[0]->held_count, 1);
	assert_true(report_is_held(page[0], 1));
	report_unref(&page[0]);
	assert_int_equal(store_select_page(db, 5, 6, 1, 1 << 20, page, &n), ISAC_OK);
	assert_int_equal(store_select_audience(db, page[0]->audience_id, &audience), ISAC_OK);
	assert_int_equal(audience->tlp, 5);
	assert_int_equal(audience->recipients_n, 1);
	assert_int_equal(audience->recipients[0], 3);
	report_unref(&page[0]);
	assert_int_equal(store_select_page(db, 10, 10, 20, 1 << 20, page, &n), ISAC_OK);
	assert_int_equal(n, 0);
}

static atomic_bool urgent;
static atomic_uint asked;

static bool on_busy(void *arg)
{
	(void)arg;
	atomic_fetch_add(&asked, 1);
	return atomic_load(&urgent);
}

static void start_behind(int64_t yield_ms)
{
	struct store_conf conf = hub_conf();

	store_indexer_stop(&indexer);
	cluster_sql(
		"truncate isac.mention, isac.indicator; update isac.index_cursor set seq = 0; update isac.indicator_cursor set seq = 0");
	conf.busy = on_busy;
	conf.index_yield_ms = yield_ms;
	atomic_store(&asked, 0);
	assert_int_equal(store_indexer_start(&indexer, &conf), ISAC_OK);
}

/* Far behind, it waits for what is more urgent, for so long and no longer. */
static void test_stands_back(void **state)
{
	struct member_audience green = {.tlp = 2};

	(void)state;
	for (uint32_t i = 0; i < BURST; i++) submit(hub_lone(1000 + i, 'b'), &green);
	atomic_store(&urgent, true);
	start_behind(60000);
	for (int i = 0; atomic_load(&asked) < 3; i++) {
		assert_true(i < 4000);
		poll(NULL, 0, 5); /* nobody tells */
	}
	assert_int_equal(store_indexer_seq(indexer), 0);
	atomic_store(&urgent, false);
	wait_indexed(store_head(store));
	atomic_store(&urgent, true);
	start_behind(0);
	wait_indexed(store_head(store));
	start_behind(100);
	wait_indexed(store_head(store));
	assert_true(atomic_load(&asked) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	    cmocka_unit_test(test_query),	cmocka_unit_test(test_rebuild),
		cmocka_unit_test(test_query),

		cmocka_unit_test(test_bounds_meet), cmocka_unit_test(test_entitlement), cmocka_unit_test(test_times),
		cmocka_unit_test(test_pages),	    cmocka_unit_test(test_stands_back),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
