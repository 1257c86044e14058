/* A set holds what members say now: the newest word of each, nothing that must not be written, nothing before or after its time. */
#include "item.h"

static const char *const ipset_head = "create isac-v4 hash:net family inet maxelem 65536 timeout 0 -exist\n";

/* The addresses in the set's ipset file, as one text. */
static void expect_values(const struct format_set *set, int64_t now_us, const char *values)
{
	char *text = text_at(set, "ipset", NULL, NULL, NULL, now_us), found[400] = "", line[100];
	assert_non_null(strstr(text, ipset_head));
	for (char *p = text; (p = strstr(p, "\nadd isac-n")); p++) {
		assert_int_equal(sscanf(p, "\nadd isac-n%*d %99s", line), 1);
		snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", *found ? " " : "", line);
	}
	assert_string_equal(found, values);
	free(text);
}

static void what_must_not_be_written_is_not(void **state)
{
	(void)state;
	struct format_set_conf conf = {.tlp_max = ISAC_TLP_AMBER};
	struct format_set *set = new_set(&conf);
	struct isac_item bad[] = {
		item(1, "alice", "ipv4", "198.51.100.1"),
		item(2, "alice", "ipv4", "198.51.100.2"),
		item(3, "alice", "ipv4", "198.51.100.3"),
		item(4, "alice", "ipv4", "198.51.100.4"),
		item(5, "alice", "ipv4", "198.51.100.5"),
		item(6, "alice", "ipv4", "8.8.8.8"),
		item(7, "alice", "ipv4", "10.0.0.1"),
		item(8, "alice", "cidr", "0.0.0.0/0"),
		item(9, "alice", "cidr", "198.50.0.0/15"),
		item(10, "alice", "domain", "co.uk"),
		item(11, "alice", "ipv4", "198.51.100.1\n2"),
		item(12, "A\tB", "ipv4", "198.51.100.6"),
		item(13, "alice", "nonsense", "x"),
		item(14, "alice", "domain", "google.com"),
		item(15, "alice", "ipv4", "127.0.0.1"),
		item(16, "alice", "ipv6", "fe80::1"),
		item(17, "alice", "cidr", "198.51.100.0/024"),
	};
	struct format_tally tally;
	bad[0].verified = false;
	bad[1].kind = ISAC_KIND_SIGHTING;
	bad[2].tlp = ISAC_TLP_AMBER_STRICT;
	bad[3].tlp = ISAC_TLP_NONE;
	bad[4].held = true;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_true(format_set_add(set, &bad[i]));
	assert_int_equal(format_set_changes(set), 0);
	add(set, 20, "alice", "ipv4", "198.51.100.9");
	free(text_at(set, "nft", NULL, NULL, &tally, NOW));
	assert_int_equal(tally.written, 1);
	assert_int_equal(tally.skipped[FORMAT_SKIP_UNVERIFIED], 1);
	assert_int_equal(tally.skipped[FORMAT_SKIP_KIND], 1);
	assert_int_equal(tally.skipped[FORMAT_SKIP_TLP], 2);
	assert_int_equal(tally.skipped[FORMAT_SKIP_HELD], 4);
	assert_int_equal(tally.skipped[FORMAT_SKIP_BAD], 9);
	expect_values(set, NOW, "198.51.100.9/32");
	format_set_destroy(&set);
	format_set_destroy(&set);
}

static void a_publisher_can_move_an_end_and_nobody_elses(void **state)
{
	(void)state;
	struct format_set *set = new_set(NULL);
	struct isac_item it = item(5, "alice", "ipv4", "198.51.100.1");
	it.valid_until_us = NOW + 100 * S;
	assert_true(format_set_add(set, &it));
	it.seq = 4; /* older: says nothing any more */
	it.valid_until_us = NOW + 900 * S;
	assert_true(format_set_add(set, &it));
	expect_values(set, NOW + 99 * S, "198.51.100.1/32");
	expect_values(set, NOW + 100 * S, "");
	it.seq = 6; /* newer: sooner */
	it.valid_until_us = NOW + 50 * S;
	assert_true(format_set_add(set, &it));
	expect_values(set, NOW + 50 * S, "");
	it = item(1, "bob", "ipv4", "198.51.100.1");
	it.valid_until_us = NOW + 70 * S;
	assert_true(format_set_add(set, &it));
	expect_values(set, NOW + 69 * S, "198.51.100.1/32");
	assert_int_equal(format_set_next_us(set, NOW), NOW + 50 * S);
	assert_int_equal(format_set_next_us(set, NOW + 50 * S), NOW + 70 * S);
	assert_int_equal(format_set_next_us(set, NOW + 70 * S), 0);
	format_set_destroy(&set);
}

static void times_begin_and_end(void **state)
{
	(void)state;
	struct format_set_conf conf = {.keep_us = 1000 * S};
	struct format_set *set = new_set(&conf);
	struct isac_item it = item(1, "alice", "ipv4", "198.51.100.1");
	it.valid_from_us = NOW + 10 * S;
	assert_true(format_set_add(set, &it));
	expect_values(set, NOW, "");
	assert_int_equal(format_set_next_us(set, NOW), NOW + 10 * S);
	expect_values(set, NOW + 10 * S, "198.51.100.1/32");
	expect_values(set, NOW + 999 * S, "198.51.100.1/32");
	expect_values(set, NOW + 1000 * S, "");
	it.seq = 2;
	it.valid_until_us = NOW + 5000 * S; /* what is said goes before what is kept */
	assert_true(format_set_add(set, &it));
	expect_values(set, NOW + 4999 * S, "198.51.100.1/32");
	format_set_destroy(&set);
}

static void order_makes_no_difference(void **state)
{
	(void)state;
	static const char *const publishers[] = {"alice", "bob", "carol"};
	char forward[FORMAT_STATE_BYTES], backward[FORMAT_STATE_BYTES], value[40];
	for (const char *const *f = (const char *const[]){"rpz", "zeek", "nft", "suricata", "ipset", NULL}; *f; f++) {
		struct format_set *one = new_set(NULL), *two = new_set(NULL);
		for (int i = 0; i < 300; i++) {
			for (int turn = 0; turn < 2; turn++) {
				int n = turn ? 299 - i : i;
				struct isac_item it = item((uint64_t)n + 1, publishers[n % 3], n % 2 ? "domain" : "ipv4", value);
				snprintf(value, sizeof value, n % 2 ? "h%d.example" : "198.51.100.%d", n % 40);
				it.confidence = n % 101;
				it.tlp = 1 + (unsigned)n % 4;
				it.valid_until_us = n % 7 ? NOW + n * S + S : 0;
				assert_true(format_set_add(turn ? two : one, &it));
			}
		}
		state_at(forward, one, *f, NOW);
		state_at(backward, two, *f, NOW);
		assert_string_equal(forward, backward);
		state_at(backward, two, *f, NOW + 400 * S); /* many have left: the state tells */
		assert_string_not_equal(forward, backward);
		format_set_destroy(&one);
		format_set_destroy(&two);
	}
}

static void many_are_kept_and_forgotten(void **state)
{
	(void)state;
	struct format_set *set = new_set(NULL);
	struct format_tally tally;
	char value[40];
	for (int i = 0; i < 20000; i++) {
		struct isac_item it = item((uint64_t)i + 1, "alice", "domain", value);
		snprintf(value, sizeof value, "h%d.example", i);
		it.valid_until_us = i % 2 ? NOW + 10 * S : 0;
		assert_true(format_set_add(set, &it));
	}
	free(text_at(set, "rpz", NULL, NULL, &tally, NOW));
	assert_int_equal(tally.written, 20000);
	format_set_forget(set, NOW + 10 * S);
	free(text_at(set, "rpz", NULL, NULL, &tally, NOW)); /* gone, whatever time it is */
	assert_int_equal(tally.written, 10000);
	assert_int_equal(tally.skipped[FORMAT_SKIP_EXPIRED], 0);
	format_set_destroy(&set);
}

static struct format_except *except_of(const char *text, long bad)
{
	struct format_except *except;
	char copy[400], reason[200] = "";
	assert_int_equal(wire_init(), ISAC_OK);
	snprintf(copy, sizeof copy, "%s", text);
	FILE *in = fmemopen(copy, strlen(copy), "r");
	assert_non_null(in);
	assert_int_equal(format_except_read(&except, in, reason, sizeof reason), bad);
	fclose(in);
	if (bad) assert_true(*reason && !except);
	return except;
}

static void exceptions_hold(void **state)
{
	(void)state;
	static const struct {
		const char *type, *value;
		bool kept;
	} cases[] = {
		{"domain", "ours.example", false},
		{"domain", "a.b.ours.example", false},
		{"domain", "notours.example", true},
		{"domain", "example.org", true},
		{"url", "http://www.ours.example/x", false},
		{"email", "x@ours.example", false},
		{"url", "http://198.51.100.200/x", false},
		{"url", "http://google.com/x", false},
		{"ipv4", "198.51.100.128", false},
		{"ipv4", "198.51.100.127", true},
		{"cidr", "198.51.0.0/16", false},
		{"cidr", "198.51.100.192/26", false},
		{"cidr", "198.51.100.0/25", true},
		{"ipv6", "2a00:1450::1", false},
		{"ipv6", "2a00:1451::1", true},
		{"md5", "00112233445566778899aabbccddeeff", false},
		{"url", "http://a.example/x#y", false},
		{"url", "http://a.example/x", true},
	};
	struct format_set_conf conf = {.tlp_max = 0};
	struct format_except *except = except_of("# ours\n\n  Ours.Example.\t# and below\r\n198.51.100.128/25\n2a00:1450::/32\ngoogle.com\n"
						 "00112233445566778899AABBCCDDEEFF\nhttp://a.example/x#y\n",
						 0);
	conf.except = except;
	struct format_set *set = new_set(&conf);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t before = format_set_changes(set);
		add(set, i + 1, "alice", cases[i].type, cases[i].value);
		if ((format_set_changes(set) > before) != cases[i].kept) fail_msg("%s", cases[i].value);
	}
	format_set_destroy(&set);
	format_except_destroy(&except);
	except_of("fine.example\nwhat is this\n", 2);
	except_of("198.51.100.1/24\n", 1);
	except = except_of("# nothing\n", 0);
	assert_non_null(except);
	format_except_destroy(&except);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_must_not_be_written_is_not),
		cmocka_unit_test(a_publisher_can_move_an_end_and_nobody_elses),
		cmocka_unit_test(times_begin_and_end),
		cmocka_unit_test(order_makes_no_difference),
		cmocka_unit_test(many_are_kept_and_forgotten),
		cmocka_unit_test(exceptions_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
