/* Ranges of deliveries: what goes in comes out as it was, ends move forwards only, and a crash leaves "maybe". */
#include "hub.h"

static struct store_db *db;

static int begin(void **state)
{
	if (cluster_start_migrated(state)) return -1;
	hub_keys();
	return hub_enrol() || store_db_new(&db, cluster.conninfo, 5000) ? -1 : 0;
}

static int end(void **state)
{
	store_db_destroy(&db);
	return cluster_stop(state);
}

static int empty(void **state)
{
	(void)state;
	cluster_sql("truncate isac.feed_range restart identity");
	return 0;
}

struct seen {
	size_t n;
	uint64_t id[8];
	char text[8][400];
};

static void see(void *arg, const struct store_range *r)
{
	struct seen *s = arg;
	const struct member *m = r->self;
	char *text = s->text[s->n];
	size_t size = sizeof(s->text[0]), at = 0;

	s->id[s->n++] = r->id;
	at += (size_t)snprintf(text, size, "%d %u %s|%s|%lld %u %llu-%llu-%llu %llu", m->id, r->session, r->name, r->filter,
			       (long long)r->compiled_us, m->roles, (unsigned long long)r->from_seq, (unsigned long long)r->until_seq,
			       (unsigned long long)r->maybe_seq, (unsigned long long)r->acked_seq);
	for (uint32_t i = 0; i < m->groups_n; i++) at += (size_t)snprintf(text + at, size - at, " g%d", m->groups[i]);
	for (uint32_t i = 0; i < m->nets_n; i++)
		at += (size_t)snprintf(text + at, size - at, " n%u.%u/%u", m->nets[i].family, m->nets[i].addr[0], m->nets[i].prefix);
	for (uint32_t i = 0; i < m->asns_n; i++) at += (size_t)snprintf(text + at, size - at, " a%u", m->asns[i]);
	for (uint32_t i = 0; i < m->domains_n; i++) at += (size_t)snprintf(text + at, size - at, " d%s", m->domains[i]);
	snprintf(text + at, size - at, " %s", r->closed_us ? "closed" : "open");
}

static struct seen ask(uint64_t seq, int32_t member_id, uint64_t after_id, size_t max)
{
	struct seen s = {.n = 0};
	struct store_range_ask question = {.seq = seq, .member_id = member_id, .after_id = after_id, .max = max};

	assert_int_equal(store_select_ranges(db, &question, see, &s), ISAC_OK);
	return s;
}

static const int32_t GROUPS[] = {3, 7};
static const uint32_t ASNS[] = {64500, 4294967290};
static const struct member_net NETS[] = {{{203, 0, 113}, 4, 24}, {{0x2a, 0, 0x14, 0x50}, 6, 32}};
static const char *const DOMAINS[] = {"a-b.example", "_x.example"};
static const struct member RICH = {.id = 1,
				   .roles = 34,
				   .groups = GROUPS,
				   .groups_n = 2,
				   .asns = ASNS,
				   .asns_n = 2,
				   .nets = NETS,
				   .nets_n = 2,
				   .domains = DOMAINS,
				   .domains_n = 2};
static const struct member POOR = {.id = 1, .roles = 2};

static void test_as_it_was(void **state)
{
	struct store_range r[] = {
		{.self = &RICH,
		 .session = 4000000000,
		 .name = "soc",
		 .filter = "tag = \"{,\\\"'\"",
		 .compiled_us = 1600000000000001,
		 .from_seq = 10,
		 .opened_us = 1700000000000000},
		{.self = &POOR, .session = 2, .name = "", .filter = "true", .from_seq = 0, .opened_us = 1700000000000001}};
	struct seen s;

	(void)state;
	assert_int_equal(store_insert_ranges(db, r, 2), ISAC_OK);
	assert_true(r[0].id && r[1].id && r[0].id != r[1].id);
	assert_int_equal(ask(10, 0, 0, 8).n, 0); /* nothing was sent yet */
	r[0].until_seq = 12;
	r[0].acked_seq = 11;
	r[1].until_seq = 11;
	assert_int_equal(store_update_ranges(db, r, 2), ISAC_OK);
	s = ask(11, 0, 0, 8);
	assert_int_equal(s.n, 2);
	assert_string_equal(
		s.text[r[0].id > r[1].id],
		"1 4000000000 soc|tag = \"{,\\\"'\"|1600000000000001 34 10-12-10 11 g3 g7 n4.203/24 n6.42/32 a64500 a4294967290 "
		"da-b.example d_x.example open");
	assert_string_equal(s.text[r[0].id < r[1].id], "1 2 |true|0 2 0-11-0 0 open");
	assert_int_equal(ask(12, 0, 0, 8).n, 1);
	assert_int_equal(ask(10, 0, 0, 8).id[0], r[1].id); /* a range begins after from_seq */
	assert_int_equal(ask(13, 0, 0, 8).n, 0);
	assert_int_equal(ask(11, 2, 0, 8).n, 0);
	assert_int_equal(ask(11, 1, 0, 1).n, 1);
	assert_int_equal(ask(11, 1, s.id[0], 8).id[0], s.id[1]);
}

static void test_ends(void **state)
{
	struct store_range r = {.self = &POOR, .session = 3, .name = "", .filter = "true", .opened_us = 1700000000000000}, again = r;
	struct store_range moves[4];

	(void)state;
	assert_int_equal(store_insert_ranges(db, &r, 1), ISAC_OK);
	assert_int_equal(store_insert_ranges(db, &again, 1), ISAC_OK); /* its answer had got lost */
	assert_int_equal(again.id, r.id);
	moves[0] = (struct store_range){.id = r.id, .until_seq = 9, .acked_seq = 1};
	moves[1] = (struct store_range){.id = r.id, .until_seq = 0, .acked_seq = 7, .closed_us = 1700000001000000};
	moves[2] = (struct store_range){.id = r.id, .until_seq = 5};
	moves[3] = (struct store_range){.id = r.id + 1000, .until_seq = 5};
	assert_int_equal(store_update_ranges(db, moves, 4), ISAC_OK); /* the same one several times, in one statement */
	assert_string_equal(ask(9, 0, 0, 8).text[0], "1 3 |true|0 2 0-9-0 7 closed");
	assert_int_equal(store_update_ranges(db, &moves[2], 1), ISAC_OK); /* late: nothing is taken back */
	assert_string_equal(ask(9, 0, 0, 8).text[0], "1 3 |true|0 2 0-9-0 7 closed");
}

static void test_crash(void **state)
{
	struct store_range r[] = {{.self = &POOR, .session = 1, .name = "", .filter = "true", .opened_us = 1700000000000000},
				  {.self = &POOR, .session = 2, .name = "", .filter = "true", .opened_us = 1700000000000000}};

	(void)state;
	cluster_sql("update isac.hub_head set seq = 20");
	assert_int_equal(store_insert_ranges(db, r, 2), ISAC_OK);
	r[0].until_seq = 5;
	r[1].until_seq = 5;
	r[1].closed_us = 1700000000000001;
	assert_int_equal(store_update_ranges(db, r, 2), ISAC_OK);
	assert_int_equal(store_close_ranges(db, false), ISAC_OK);
	assert_string_equal(ask(20, 0, 0, 8).text[0], "1 1 |true|0 2 0-5-20 0 closed");
	assert_int_equal(ask(20, 0, 0, 8).n, 1); /* what had ended before the crash is certain */
	assert_int_equal(ask(21, 0, 0, 8).n, 0);
	cluster_sql("update isac.hub_head set seq = 30");
	assert_int_equal(store_close_ranges(db, false), ISAC_OK); /* the next crash is not this one's */
	assert_int_equal(ask(30, 0, 0, 8).n, 0);
}

static void test_good_end(void **state)
{
	struct store_range r = {.self = &POOR, .session = 1, .name = "", .filter = "true", .opened_us = 1700000000000000};

	(void)state;
	assert_int_equal(store_insert_ranges(db, &r, 1), ISAC_OK);
	assert_int_equal(store_close_ranges(db, true), ISAC_OK);
	assert_string_equal(cluster_sql("select (maybe_seq = from_seq and closed is not null)::text from isac.feed_range"), "true");
}

/* Against the condition in plain words, for stretches of all lengths, open, closed and broken off. */
static void test_all_that_hold_it(void **state)
{
	char sql[400];

	(void)state;
	cluster_sql(
		"insert into isac.feed_range (member_id, session, name, filter, compiled, roles, groups, nets, asns, domains, from_seq, "
		"until_seq, maybe_seq, opened, closed) select 1, g, '', 'true', now(), 2, '{}', '{}', '{}', '{}', g * 37 % 1000, "
		"g * 37 % 1000 + g * 61 % 17, case g % 3 when 0 then g * 37 % 1000 + 20 else g * 37 % 1000 end, "
		"now(), case when g % 5 > 0 then now() end from generate_series(1, 400) g");
	for (uint64_t seq = 0; seq < 1030; seq += 7) {
		char found[400] = "";
		uint64_t after = 0;

		for (struct seen s = ask(seq, 0, 0, 8); s.n; s = ask(seq, 0, after, 8)) /* page by page */
			for (size_t i = 0; i < s.n; i++) {
				after = s.id[i];
				snprintf(found + strlen(found), sizeof(found) - strlen(found), ",%llu", (unsigned long long)after);
			}
		snprintf(sql, sizeof(sql),
			 "select coalesce(string_agg(',' || id, '' order by id), '') from isac.feed_range where from_seq < %llu and %llu "
			 "<= greatest(until_seq, maybe_seq)",
			 (unsigned long long)seq, (unsigned long long)seq);
		assert_string_equal(found, cluster_sql(sql));
	}
}

/* Deliveries move the end of an open stretch often: that must touch no index. */
static void test_moves_stay_on_their_page(void **state)
{
	struct store_range r = {.self = &POOR, .session = 1, .name = "", .filter = "true", .opened_us = 1700000000000000};

	(void)state;
	assert_int_equal(store_insert_ranges(db, &r, 1), ISAC_OK);
	for (r.until_seq = 1; r.until_seq <= 5; r.until_seq++) assert_int_equal(store_update_ranges(db, &r, 1), ISAC_OK);
	cluster_sql("create extension if not exists pageinspect");
	/* HEAP_ONLY_TUPLE: no index points to it */
	assert_string_equal(
		cluster_sql("select count(*) from heap_page_items(get_raw_page('isac.feed_range', 0)) where t_infomask2 & 32768 > 0"), "5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_as_it_was, empty),
		cmocka_unit_test_setup(test_ends, empty),
		cmocka_unit_test_setup(test_crash, empty),
		cmocka_unit_test_setup(test_good_end, empty),
		cmocka_unit_test_setup(test_all_that_hold_it, empty),
		cmocka_unit_test_setup(test_moves_stay_on_their_page, empty),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
