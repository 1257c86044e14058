/* The tables of a border, over minutes, restarts and losses: every status, every reason why one cannot be told, and what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "edge/priv.h"

enum { A_IN, A_OUT, B_IN, B_OUT, INSIDE, SLOTS };
static const struct edge_slot slots[SLOTS] = {
	{64501, EDGE_IN}, {64501, EDGE_OUT}, {64503, EDGE_IN}, {64503, EDGE_OUT}, {64502, EDGE_INSIDE}};
#define S 1000000ll
#define T0 (1764057600 * S) /* begins a minute */
static char folder[] = "/tmp/isac-edge-XXXXXX";

static int setup(void **state)
{
	(void)state;
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	(void)state;
	while (dir && (entry = readdir(dir))) unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir) closedir(dir);
	return rmdir(folder);
}

static struct edge_table *open_table(enum edge_kind kind, int64_t keep_s, uint64_t disk_bytes)
{
	const struct edge_table_conf conf = {.folder = folder,
					     .own_as = 64502,
					     .slots = slots,
					     .slots_n = SLOTS,
					     .kind = kind,
					     .page_packets = 1000,
					     .keep_us = keep_s * S,
					     .disk_bytes_max = disk_bytes,
					     .key_id = "first"};
	struct edge_table *table;
	struct wire_why why = {.text = ""};

	if (edge_table_open(&table, &conf, &why)) fail_msg("%s", why.text);
	return table;
}

static struct edge_table *open_usual(void)
{
	return open_table(EDGE_BLOOM, 3600, 1 << 30);
}

static const uint8_t *key_of(uint32_t n)
{
	static uint8_t key[EDGE_KEY];
	uint8_t seed[4];

	wire_put_u32(seed, n);
	crypto_hash_sha256(key, seed, sizeof seed);
	return key;
}

static void add(struct edge_table *table, size_t slot, int64_t us, uint32_t n)
{
	assert_int_equal(edge_table_add(table, slot, us, key_of(n)), ISAC_OK);
}

static void tick(struct edge_table *table, int64_t us)
{
	assert_int_equal(edge_table_tick(table, us), ISAC_OK);
}

/* Seconds of ticks, as a running edge has them. */
static void ticks(struct edge_table *table, int64_t from, int64_t to)
{
	for (int64_t us = from; us <= to; us += S) tick(table, us);
}

static struct edge_answer ask_in(struct edge_table *table, uint32_t n, int64_t at, int64_t tolerance)
{
	static struct edge_answer answer;

	assert_int_equal(edge_table_find(&answer, table, key_of(n), NULL, at, tolerance), ISAC_OK);
	return answer;
}

/* What another process is told. */
static struct edge_answer ask(uint32_t n, int64_t at, int64_t tolerance)
{
	struct edge_table *reader;
	struct edge_answer answer;

	assert_int_equal(edge_table_read(&reader, folder, NULL), ISAC_OK);
	answer = ask_in(reader, n, at, tolerance);
	edge_table_close(&reader);
	return answer;
}

static void every_status(enum edge_kind kind, unsigned degree)
{
	struct edge_table *table = open_table(kind, 3600, 1 << 30);
	const int64_t at = T0 + 30 * S;

	tick(table, T0);
	ticks(table, T0, at);
	add(table, A_IN, at, 1), add(table, B_OUT, at, 1);			     /* through */
	add(table, INSIDE, at, 2), add(table, B_OUT, at, 2);			     /* from us */
	add(table, A_IN, at, 3), add(table, INSIDE, at, 3);			     /* to us */
	add(table, INSIDE, at, 4);						     /* among us */
	add(table, B_IN, at, 5), add(table, A_OUT, at, 5), add(table, B_OUT, at, 5); /* sent to both neighbours */
	ticks(table, at, T0 + 61 * S);
	for (int saved = 0; saved < 2; saved++) { /* as told by the process that has them, and by another one */
		struct edge_answer a = saved ? ask(1, at, S) : ask_in(table, 1, at, S);

		assert_int_equal(a.status, EDGE_TRANSIT);
		assert_int_equal(a.degree, degree);
		assert_int_equal(a.in_n, 1);
		assert_int_equal(a.in_as[0], 64501);
		assert_int_equal(a.out_n, 1);
		assert_int_equal(a.out_as[0], 64503);
		assert_false(a.inside);
		assert_int_equal(a.gap, EDGE_COVERED);
		a = saved ? ask(2, at, S) : ask_in(table, 2, at, S);
		assert_int_equal(a.status, EDGE_SOURCE);
		assert_true(a.inside);
		assert_int_equal(a.degree, degree);
		assert_int_equal((saved ? ask(3, at, S) : ask_in(table, 3, at, S)).status, EDGE_DESTINATION);
		assert_int_equal((saved ? ask(4, at, S) : ask_in(table, 4, at, S)).status, EDGE_INTERNAL);
		a = saved ? ask(5, at, S) : ask_in(table, 5, at, S);
		assert_int_equal(a.status, EDGE_TRANSIT);
		assert_int_equal(a.out_n, 2);
		assert_int_equal((saved ? ask(6, at, S) : ask_in(table, 6, at, S)).status, EDGE_NOT_FOUND);
	}
	edge_table_close(&table);
}

static void every_status_bloom(void **state)
{
	(void)state;
	every_status(EDGE_BLOOM, 90);
}

static void every_status_exact(void **state)
{
	(void)state;
	every_status(EDGE_EXACT, 100);
}

static void the_window_decides(void **state)
{
	struct edge_table *table = open_usual();

	(void)state;
	ticks(table, T0, T0 + 200 * S);
	add(table, A_IN, T0 + 200 * S, 1);
	add(table, B_OUT, T0 + 200 * S, 1);
	ticks(table, T0 + 201 * S, T0 + 400 * S);
	assert_int_equal(ask(1, T0 + 202 * S, 5 * S).status, EDGE_TRANSIT);
	/* Pages are a minute each: another minute is another page. */
	assert_int_equal(ask(1, T0 + 120 * S, 5 * S).status, EDGE_NOT_FOUND);
	assert_int_equal(ask(1, T0 + 300 * S, 5 * S).status, EDGE_NOT_FOUND);
	/* At the turn of a page the window reaches into both. */
	assert_int_equal(ask(1, T0 + 178 * S, 5 * S).status, EDGE_TRANSIT);
	assert_int_equal(ask(1, T0 + 242 * S, 5 * S).status, EDGE_TRANSIT);
	edge_table_close(&table);
}

/* It came in before the page turned and went out after it; who asks is a second off. */
static void a_packet_at_the_turn_of_a_page_is_no_destination(void **state)
{
	struct edge_table *table = open_usual();

	(void)state;
	ticks(table, T0, T0 + 59 * S);
	add(table, A_IN, T0 + 59 * S + 990000, 1);
	add(table, B_OUT, T0 + 60 * S + 10000, 1);
	ticks(table, T0 + 61 * S, T0 + 200 * S);
	assert_int_equal(ask(1, T0 + 59 * S, 100000).status, EDGE_TRANSIT);
	assert_int_equal(ask(1, T0 + 61 * S, 100000).status, EDGE_TRANSIT);
	edge_table_close(&table);
}

static void what_is_not_covered_is_unknown(void **state)
{
	struct edge_table *table = open_usual();
	struct edge_answer a;

	(void)state;
	ticks(table, T0 + 10 * S, T0 + 100 * S);
	add(table, B_OUT, T0 + 100 * S, 1);
	edge_table_close(&table); /* stopped, and started a minute later */
	table = open_usual();
	ticks(table, T0 + 160 * S, T0 + 310 * S);

	a = ask(9, T0, 5 * S);
	assert_int_equal(a.status, EDGE_UNKNOWN);
	assert_int_equal(a.degree, 0);
	assert_int_equal(a.gap, EDGE_NOT_CAPTURED);
	assert_int_equal(ask(9, T0 + 130 * S, 0).gap, EDGE_NOT_CAPTURED);
	assert_int_equal(ask(9, T0 + 97 * S, 5 * S).status, EDGE_UNKNOWN); /* the window ends in the hole */
	assert_int_equal(ask(9, T0 + 50 * S, 5 * S).status, EDGE_NOT_FOUND);
	assert_int_equal(ask(9, T0 + 305 * S, 0).gap, EDGE_NOT_YET); /* the open page, seen from another process */
	assert_int_equal(ask_in(table, 9, T0 + 305 * S, 0).status, EDGE_NOT_FOUND);
	/* It went out; whether it came in from somebody nobody can say, so it is no Source. */
	assert_int_equal(ask(1, T0 + 100 * S, S).status, EDGE_UNKNOWN);
	assert_int_equal(ask(1, T0 + 100 * S, S).out_n, 1);
	assert_int_equal(ask(1, T0 + 100 * S, 0).status, EDGE_SOURCE);
	edge_table_close(&table);
}

static void gone_and_not_there_are_different(void **state)
{
	struct edge_table *table = open_table(EDGE_BLOOM, 120, 1 << 30);
	struct edge_table_stats stats;

	(void)state;
	tick(table, T0);
	add(table, A_IN, T0 + S, 1);
	add(table, B_OUT, T0 + S, 1);
	ticks(table, T0 + S, T0 + 59 * S);
	ticks(table, T0 + 60 * S, T0 + 601 * S);
	edge_table_stats(&stats, table);
	assert_true(stats.horizon_us >= T0 + 420 * S && stats.horizon_us <= T0 + 480 * S);
	assert_true(stats.pages <= 4 * SLOTS);
	assert_int_equal(ask(1, T0 + S, S).status, EDGE_UNKNOWN);
	assert_int_equal(ask(1, T0 + S, S).gap, EDGE_GONE);
	assert_int_equal(ask(1, T0 + 550 * S, S).status, EDGE_NOT_FOUND);
	edge_table_close(&table);
	/* and after a restart */
	table = open_table(EDGE_BLOOM, 120, 1 << 30);
	assert_int_equal(ask_in(table, 1, T0 + S, S).gap, EDGE_GONE);
	edge_table_close(&table);
}

static void disk_is_bounded(void **state)
{
	const uint64_t most = 40000;
	struct edge_table *table = open_table(EDGE_EXACT, 3600, most);
	struct edge_table_stats stats;

	(void)state;
	for (uint32_t n = 0; n < 6000; n++) {
		add(table, A_IN, T0 + n * S / 10, n);
		edge_table_stats(&stats, table);
		assert_true(stats.disk_bytes <= most + 600 * EDGE_KEY + SLOTS * EDGE_PAGE_HEAD);
	}
	assert_int_equal(ask(0, T0, 0).gap, EDGE_GONE);
	assert_int_equal(ask(5000, T0 + 500 * S, 0).in_n, 1);
	edge_table_close(&table);
}

static void a_restart_keeps_the_pages(void **state)
{
	struct edge_table *table = open_usual();

	(void)state;
	ticks(table, T0, T0 + 5 * S);
	add(table, A_IN, T0 + 5 * S, 1);
	add(table, B_OUT, T0 + 5 * S, 1);
	edge_table_close(&table);
	table = open_usual(); /* within the same minute */
	ticks(table, T0 + 7 * S, T0 + 20 * S);
	add(table, A_IN, T0 + 20 * S, 2);
	edge_table_close(&table);
	assert_int_equal(ask(1, T0 + 5 * S, 0).status, EDGE_TRANSIT);
	assert_int_equal(ask(2, T0 + 20 * S, 0).status, EDGE_DESTINATION);
	assert_int_equal(ask(1, T0 + 6 * S, 0).gap, EDGE_NOT_CAPTURED);
}

static void a_full_page_becomes_several(void **state)
{
	struct edge_table *table = open_usual();
	struct edge_table_stats stats;

	(void)state;
	ticks(table, T0, T0 + 10 * S);
	for (uint32_t n = 0; n < 4500; n++) add(table, A_IN, T0 + 10 * S + n, n); /* sized for 1,000 */
	ticks(table, T0 + 11 * S, T0 + 60 * S);
	edge_table_stats(&stats, table);
	assert_int_equal(stats.pages, SLOTS + 4);
	for (uint32_t n = 0; n < 4500; n += 50) assert_int_equal(ask(n, T0 + 10 * S, S).status, EDGE_DESTINATION);
	edge_table_close(&table);
}

static void late_packets_and_clocks_that_go_back(void **state)
{
	struct edge_table *table = open_usual();

	(void)state;
	ticks(table, T0, T0 + 61 * S);
	add(table, A_IN, T0 + 59 * S, 1); /* the interface's buffer had it when the page turned */
	add(table, B_OUT, T0 + 59 * S + 500000, 1);
	ticks(table, T0 + 62 * S, T0 + 125 * S);
	assert_int_equal(ask(1, T0 + 59 * S, S).status, EDGE_TRANSIT);
	ticks(table, T0 - 500 * S, T0 - 430 * S); /* somebody set the clock */
	add(table, A_IN, T0 - 430 * S, 2);
	edge_table_close(&table);
	assert_int_equal(ask(2, T0 - 430 * S, 0).status, EDGE_DESTINATION);
	assert_int_equal(ask(3, T0 - 450 * S, 0).status, EDGE_NOT_FOUND);
	assert_int_equal(ask(3, T0 - 300 * S, 0).status, EDGE_UNKNOWN);
	assert_int_equal(ask(3, T0 + 90 * S, 0).status, EDGE_NOT_FOUND);
}

static void packets_that_were_not_seen_cost_degree(void **state)
{
	struct edge_table *table = open_usual();

	(void)state;
	ticks(table, T0, T0 + 10 * S);
	for (uint32_t n = 0; n < 900; n++) add(table, A_IN, T0 + 10 * S, n);
	add(table, B_OUT, T0 + 10 * S, 1);
	edge_table_unseen(table, B_IN, 99);
	ticks(table, T0 + 11 * S, T0 + 60 * S);
	assert_int_equal(ask(1, T0 + 10 * S, S).degree, 90); /* Transit: both were seen */
	assert_int_equal(ask(2, T0 + 10 * S, S).status, EDGE_DESTINATION);
	assert_int_equal(ask(2, T0 + 10 * S, S).degree, 81); /* 90 * 901/1000 */
	assert_int_equal(ask(5000, T0 + 10 * S, S).degree, 81);
	edge_table_close(&table);
}

static void another_epoch_key_is_another_page(void **state)
{
	struct edge_table *table = open_usual();
	struct edge_answer a;
	const uint8_t first[EDGE_KEY_ID] = "first", second[EDGE_KEY_ID] = "second";

	(void)state;
	ticks(table, T0, T0 + 20 * S);
	add(table, A_IN, T0 + 20 * S, 1);
	assert_int_equal(edge_table_epoch(table, second), ISAC_OK);
	ticks(table, T0 + 21 * S, T0 + 40 * S);
	add(table, A_IN, T0 + 40 * S, 2);
	assert_int_equal(edge_table_save(table), ISAC_OK);
	assert_int_equal(edge_table_find(&a, table, key_of(1), first, T0 + 15 * S, 0), ISAC_OK);
	assert_int_equal(a.status, EDGE_DESTINATION);
	assert_int_equal(edge_table_find(&a, table, key_of(1), second, T0 + 15 * S, 0), ISAC_OK);
	assert_int_equal(a.status, EDGE_UNKNOWN);
	assert_int_equal(a.gap, EDGE_OTHER_EPOCH);
	assert_int_equal(edge_table_find(&a, table, key_of(2), second, T0 + 35 * S, 0), ISAC_OK);
	assert_int_equal(a.status, EDGE_DESTINATION);
	edge_table_close(&table);
}

static void a_damaged_page_covers_nothing(void **state)
{
	struct edge_table *table = open_usual();
	DIR *dir;
	struct dirent *entry;
	unsigned broken = 0;

	(void)state;
	ticks(table, T0, T0 + 20 * S);
	add(table, A_IN, T0 + 10 * S, 1);
	edge_table_close(&table);
	assert_int_equal(ask(1, T0 + 10 * S, S).status, EDGE_DESTINATION);
	dir = opendir(folder);
	while ((entry = readdir(dir)))
		if (strstr(entry->d_name, "-64503-out-")) {
			int fd = openat(dirfd(dir), entry->d_name, O_WRONLY | O_CLOEXEC);

			assert_int_equal(pwrite(fd, "\xff", 1, EDGE_PAGE_HEAD), 1);
			close(fd);
			broken++;
		}
	closedir(dir);
	assert_int_equal(broken, 1);
	assert_int_equal(ask(1, T0 + 10 * S, S).status, EDGE_UNKNOWN);
	assert_int_equal(ask(1, T0 + 10 * S, S).gap, EDGE_DAMAGED);
}

static void folders_that_cannot_be_used(void **state)
{
	struct edge_table *table = open_usual(), *second;
	struct edge_table_conf conf = {
		.folder = folder, .own_as = 64502, .slots = slots, .slots_n = SLOTS, .kind = EDGE_BLOOM, .page_packets = 10};
	struct wire_why why = {.text = ""};
	int fd;

	(void)state;
	assert_int_equal(edge_table_open(&second, &conf, &why), ISAC_ERR_CONFLICT);
	assert_non_null(strstr(why.text, "another isac-edge"));
	edge_table_close(&table);
	conf.own_as = 64999;
	assert_int_equal(edge_table_open(&second, &conf, &why), ISAC_ERR_CONFLICT);
	assert_non_null(strstr(why.text, "64502"));
	assert_null(second);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unlinkat(fd, "tables", 0), 0);
	assert_int_equal(edge_table_read(&second, folder, &why), ISAC_ERR_NOT_FOUND);
	close(openat(fd, "tables", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(fd);
	assert_int_equal(edge_table_read(&second, folder, &why), ISAC_ERR_MALFORMED);
	assert_int_equal(edge_table_read(&second, "/nonexistent/edge", &why), ISAC_ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_status_bloom),
		TEST(every_status_exact),
		TEST(the_window_decides),
		TEST(a_packet_at_the_turn_of_a_page_is_no_destination),
		TEST(what_is_not_covered_is_unknown),
		TEST(gone_and_not_there_are_different),
		TEST(disk_is_bounded),
		TEST(a_restart_keeps_the_pages),
		TEST(a_full_page_becomes_several),
		TEST(late_packets_and_clocks_that_go_back),
		TEST(packets_that_were_not_seen_cost_degree),
		TEST(another_epoch_key_is_another_page),
		TEST(a_damaged_page_covers_nothing),
		TEST(folders_that_cannot_be_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
