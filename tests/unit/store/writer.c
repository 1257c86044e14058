/* The writer: receipts, order, duplicates, and what happens when the database or the signer goes away. */
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
	assert_int_equal(box.published_seq, box.committed_seq);
	base_clock_fix(0);
	return 0;
}

static uint64_t submit_wait(uint32_t nr, uint8_t salt)
{
	static uint64_t request;
	size_t n = box.n;

	hub_submit(store, hub_lone(nr, salt), ++request);
	hub_wait(n + 1);
	return request;
}

static void test_lone(void **state)
{
	const struct hub_receipt *r;
	uint64_t before = store_head(store);

	(void)state;
	base_clock_fix(INT64_C(1800000000123456));
	r = hub_find(submit_wait(1, 's'));
	assert_int_equal(r->code, 200);
	assert_int_equal(r->seq, before + 1);
	assert_int_equal(r->received_us, INT64_C(1800000000123456));
	assert_int_equal(r->batch_size, 1);
	assert_int_equal(store_head(store), before + 1);
	assert_int_equal(box.committed_n, 1);
	assert_false(box.early);
	/* seconds of 2027-01-15 08:00:00 */
	assert_string_equal(cluster_sql("select extract(epoch from received)::text from isac.report order by seq desc limit 1"),
			    "1800000000.123456");
}

static void test_stored_bytes(void **state)
{
	struct report *report = hub_lone(2, 's');
	char sql[200], hex[300];
	uint8_t leaf[32], bytes[512] = {0};

	(void)state;
	wire_hex(hex, report->signature, WIRE_SIGNATURE);
	memcpy(bytes + 1, report->header_bytes.data, report->header_bytes.len);
	memcpy(bytes + 1 + report->header_bytes.len, report->signature, WIRE_SIGNATURE);
	crypto_hash_sha256(leaf, bytes, 1 + report->header_bytes.len + WIRE_SIGNATURE);
	report_ref(report);
	hub_submit(store, report, 9002);
	hub_wait(1);
	snprintf(sql, sizeof(sql), "select encode(signature, 'hex') from isac.report where seq = %llu",
		 (unsigned long long)store_head(store));
	assert_string_equal(cluster_sql(sql), hex);
	wire_hex(hex, leaf, 32);
	snprintf(sql, sizeof(sql), "select encode(leaf, 'hex') from isac.report where seq = %llu", (unsigned long long)store_head(store));
	assert_string_equal(cluster_sql(sql), hex);
	/* PostgreSQL computes the leaf on its own. */
	snprintf(sql, sizeof(sql), "select encode(sha256('\\x00' || header || signature), 'hex') from isac.report where seq = %llu",
		 (unsigned long long)store_head(store));
	assert_string_equal(cluster_sql(sql), hex);
	report_unref(&report);
}

static void test_duplicate_and_conflict(void **state)
{
	struct hub_receipt first = *hub_find(submit_wait(3, 's'));
	const struct hub_receipt *again = hub_find(submit_wait(3, 's'));

	(void)state;
	assert_int_equal(first.code, 200);
	assert_int_equal(again->code, 208);
	assert_int_equal(again->body_len, first.body_len);
	assert_memory_equal(again->body, first.body, first.body_len);
	assert_int_equal(hub_find(submit_wait(3, 't'))->code, 409);
	assert_int_equal(box.committed_n, 1);
	assert_string_equal(cluster_sql("select count(*) from isac.report where report_id = '01000000-0000-0000-0000-000000000003'"), "1");
}

/* Fills the queue while the writer is held in a commit, so that everything else is one batch. */
static void test_batch_with_twins(void **state)
{
	uint64_t before = store_head(store), seen = 0;
	PGconn *conn = cluster_connect("postgres");

	(void)state;
	PQclear(PQexec(conn, "select pg_advisory_lock(1769169251, 2)")); /* the log's lock */
	hub_submit(store, hub_lone(100, 's'), 100);
	for (uint32_t i = 101; i < 160; i++) hub_submit(store, hub_lone(i, 's'), i);
	hub_submit(store, hub_lone(150, 's'), 1150); /* the same again */
	hub_submit(store, hub_lone(151, 'x'), 1151); /* the same id, other bytes */
	hub_submit(store, hub_lone(3, 's'), 1003);   /* there since another test */
	PQfinish(conn);
	hub_wait(63);
	for (uint32_t i = 100; i < 160; i++) assert_int_equal(hub_find(i)->code, 200);
	assert_int_equal(hub_find(1150)->code, 208);
	assert_memory_equal(hub_find(1150)->body, hub_find(150)->body, hub_find(150)->body_len);
	assert_int_equal(hub_find(1151)->code, 409);
	assert_int_equal(hub_find(1003)->code, 208);
	assert_true(hub_find(159)->batch_size > 1);
	assert_int_equal(box.committed_n, 60);
	for (size_t i = 0; i < box.committed_n; i++) {
		assert_int_equal(box.committed[i], before + i + 1);
		seen++;
	}
	assert_int_equal(seen, 60);
	assert_false(box.early);
	assert_int_equal(store_head(store), before + 60);
}

static void test_clock_steps_back(void **state)
{
	int64_t first, second;

	(void)state;
	base_clock_fix(INT64_C(1900000000000000));
	first = hub_find(submit_wait(200, 's'))->received_us;
	base_clock_fix(INT64_C(1800000000000000));
	second = hub_find(submit_wait(201, 's'))->received_us;
	assert_int_equal(first, INT64_C(1900000000000000));
	assert_int_equal(second, first);
}

static void test_backend_killed(void **state)
{
	(void)state;
	assert_int_equal(hub_find(submit_wait(300, 's'))->code, 200);
	cluster_sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'isac writer'");
	assert_int_equal(hub_find(submit_wait(301, 's'))->code, 200);
	assert_int_equal(box.committed_n, 2);
}

static void test_backend_stopped(void **state)
{
	pid_t backend = (pid_t)atoi(cluster_sql("select pid from pg_stat_activity where application_name = 'isac writer'"));
	int64_t from = base_clock_mono_us();
	uint64_t before = store_head(store);
	const struct hub_receipt *r;

	(void)state;
	assert_true(backend > 1);
	kill(backend, SIGSTOP);
	r = hub_find(submit_wait(400, 's'));
	assert_int_equal(r->code, 503);
	assert_true(base_clock_mono_us() - from < 4000000);
	assert_int_equal(box.committed_n, 0);
	kill(backend, SIGCONT);
	/* It may have stored the report after all: then the same bytes get 208, and the feeds got it exactly once. */
	do r = hub_find(submit_wait(400, 's'));
	while (r->code == 503);
	assert_true(r->code == 200 || r->code == 208);
	assert_int_equal(r->seq, before + 1);
	assert_int_equal(box.committed_n, 1);
	assert_int_equal(box.committed[0], before + 1);
	assert_string_equal(cluster_sql("select count(*) from isac.report where report_id = '01000000-0000-0000-0000-000000000190'"), "1");
}

static void test_postmaster_killed(void **state)
{
	uint64_t before = store_head(store);

	(void)state;
	for (uint32_t i = 500; i < 600; i++) hub_submit(store, hub_lone(i, 's'), i);
	cluster_down(SIGKILL);
	hub_wait(100);
	assert_int_equal(cluster_up(NULL), 0);
	for (uint32_t i = 500; i < 600; i++) {
		const struct hub_receipt *r;
		uint32_t first = hub_find(i)->code;

		do {
			size_t n = box.n;

			hub_submit(store, hub_lone(i, 's'), 10000 + n);
			hub_wait(n + 1);
			r = hub_find(10000 + n);
		} while (r->code == 503);
		assert_true(r->code == 208 || (r->code == 200 && first != 200));
	}
	assert_int_equal(box.committed_n, 100);
	for (size_t i = 0; i < box.committed_n; i++) assert_int_equal(box.committed[i], before + i + 1);
}

static void test_signer_away(void **state)
{
	struct store_conf conf = hub_conf();
	const struct hub_receipt *r;
	uint64_t id;

	(void)state;
	hub_signer_stop();
	hub_submit(store, hub_lone(700, 's'), 700);
	hub_signer_start();
	hub_wait(1);
	assert_int_equal(hub_find(700)->code, 200);
	atomic_store(&signer.mute, true);
	id = submit_wait(701, 's');
	assert_int_equal(hub_find(id)->code, 503);
	assert_int_equal(box.committed_n, 2); /* stored and in the feeds; only the receipt is missing */
	atomic_store(&signer.mute, false);
	r = hub_find(submit_wait(701, 's'));
	assert_int_equal(r->code, 208);
	(void)conf;
}

static void test_second_broker(void **state)
{
	struct store_conf conf = hub_conf();
	struct store *other = NULL;

	(void)state;
	assert_int_equal(store_start(&other, &conf), ISAC_ERR_CONFIG);
	assert_null(other);
	assert_int_equal(hub_find(submit_wait(800, 's'))->code, 200);
}

static void test_held(void **state)
{
	static const char *const values[] = {"203.0.113.9", "8.8.8.8"};
	struct report *report = hub_report(900, 1, ISAC1__TLP__TLP_GREEN, WIRE_VALUE_IPV4, values, 2, 's');

	(void)state;
	hub_submit(store, report, 900);
	hub_wait(1);
	assert_int_equal(hub_find(900)->code, 202);
	assert_string_equal(cluster_sql("select encode(held, 'hex') from isac.report order by seq desc limit 1"), "02");
}

static void test_gapless(void **state)
{
	(void)state;
	assert_string_equal(cluster_sql("select count(*) = max(seq) and count(*) = (select count(*) from isac.report_key) and max(seq) = "
					"(select seq from isac.hub_head) from isac.report"),
			    "t");
	assert_string_equal(
		cluster_sql(
			"select count(*) from (select received < lag(received) over (order by seq) as back from isac.report) x where back"),
		"0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lone, start, stop),
		cmocka_unit_test_setup_teardown(test_stored_bytes, start, stop),
		cmocka_unit_test_setup_teardown(test_duplicate_and_conflict, start, stop),
		cmocka_unit_test_setup_teardown(test_batch_with_twins, start, stop),
		cmocka_unit_test_setup_teardown(test_clock_steps_back, start, stop),
		cmocka_unit_test_setup_teardown(test_backend_killed, start, stop),
		cmocka_unit_test_setup_teardown(test_backend_stopped, start, stop),
		cmocka_unit_test_setup_teardown(test_postmaster_killed, start, stop),
		cmocka_unit_test_setup_teardown(test_signer_away, start, stop),
		cmocka_unit_test_setup_teardown(test_second_broker, start, stop),
		cmocka_unit_test_setup_teardown(test_held, start, stop),
		cmocka_unit_test(test_gapless),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
