/*
 * The SQL of a filter: what it looks like where that matters (keys, numbers of parameters, nothing spliced). Whether it says the same as
 * the matcher is tests/story/test_filter_sql.py's to find out, which runs this program with --print: filters on stdin, one a
 * line; out come condition and parameters in hex, separated by tabs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "item.h"

static const int64_t now_us = 1769846400000000; /* 2026-01-31T08:00:00Z */

static void translate(struct filter_sql *sql, const char *text, const struct member *self)
{
	struct filter_error why;
	struct filter *f;

	if (filter_parse(&f, text, strlen(text), now_us, &why)) fail_msg("%s: %s", text, why.text);
	assert_int_equal(filter_to_sql(sql, f, self, 7), ISAC_OK);
	filter_destroy(&f);
}

/* Keys by Python: hashlib.blake2b(bytes([type]) + value, digest_size=32).hexdigest()[:32] */
static void looks_as_it_should(void **state)
{
	static const struct {
		const char *text, *where, *first;
	} rows[] = {
		{"", "true", NULL},
		{"type = domain and value = \"Evil.EXAMPLE.\"", "(m.type = $7::text::smallint and m.key = $8::text::uuid)", "4"},
		{"(value = evil.example) and (type in (domain) and tlp < red)",
		 "(m.key = $7::text::uuid and m.type = $8::text::smallint and r.tlp < $9::text::smallint)",
		 "{765735cf7cd1bc54feff8a84dd8d87b7}"},
		{"type = md5 and value = evil.example", "(m.type = $7::text::smallint and false)", "7"},
		{"confidence >= 60", "m.confidence >= $7::text::bigint", "60"},
		{"not confidence >= 60", "not (coalesce(m.confidence >= $7::text::bigint, false))", "60"},
		{"not (not confidence >= 60)", "m.confidence >= $7::text::bigint", "60"},
		{"confidence != 60", "m.confidence <> $7::text::bigint", "60"},
		{"country != JP", "not coalesce(m.country = $7::text, false)", "JP"},
		{"tag in (\"a\\\"b\", \"c\\\\d\")", "exists (select from unnest(m.tags) t(name) where t.name = any($7::text::text[]))",
		 "{\"a\\\"b\",\"c\\\\d\"}"},
		{"value under evil.example", "(i.rdom >= $7::text and i.rdom < $8::text)", "example.evil."},
		{"value in 128.0.0.0/2", "(i.addr <<= $7::text::inet or i.addr = any($8::text::inet[]))", "128.0.0.0/2"},
		{"created < 1d", "r.created < $7::text::timestamptz", "2026-01-30T08:00:00Z"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter_sql sql;

		translate(&sql, rows[i].text, NULL);
		assert_string_equal(sql.where, rows[i].where);
		if (rows[i].first) assert_string_equal(sql.param[0], rows[i].first);
		else assert_int_equal(sql.params, 0);
		filter_sql_clear(&sql);
		filter_sql_clear(&sql);
	}
}

/* Nothing that a member typed stands in the condition, and the parameters are numbered without gaps. */
static void splices_nothing(void **state)
{
	static const char text[] =
		"tag = \"zq'; drop table report; --\" or value = zqa or raw contains zqb or group in (zqc, zqd) or publisher starts zqe "
		"or country = zqf or value under zqg.example or value in 99.98.97.0/24 or asn = 987654 or confidence in (91, 92) or "
		"last_seen > 2017-01-01 or mine or type in (url, cve) or not (tag contains zqh or mine)";
	struct filter_sql sql;

	(void)state;
	translate(&sql, text, &test_self);
	assert_null(strstr(sql.where, "zq"));
	assert_null(strstr(sql.where, "drop"));
	assert_null(strstr(sql.where, "99"));
	assert_null(strstr(sql.where, "91"));
	assert_null(strstr(sql.where, "987"));
	assert_null(strstr(sql.where, "2017"));
	assert_null(strstr(sql.where, "mine"));
	assert_null(strchr(sql.where, '\''));
	for (unsigned i = 0; i < sql.params; i++) {
		char number[16];

		snprintf(number, sizeof(number), "$%u::text", i + 7);
		assert_non_null(strstr(sql.where, number));
	}
	filter_sql_clear(&sql);
	translate(&sql, "mine", NULL);
	assert_string_equal(sql.where, "false");
	filter_sql_clear(&sql);
}

static void holds_to_its_limits(void **state)
{
	static struct member_net nets[5000];
	struct member self = {.id = 1, .nets = nets, .nets_n = 5000};
	struct filter_sql sql;
	struct wire_buf text;
	struct filter *f;

	(void)state;
	/* 1,000 networks are 2,000 parameters. */
	wire_buf_init(&text, 1 << 20);
	for (int i = 0; i < 1000; i++) wire_buf_printf(&text, "%svalue in 198.51.%d.%d", i ? " or " : "", i / 256, i % 256);
	assert_int_equal(filter_parse(&f, (const char *)text.data, text.len, now_us, NULL), ISAC_OK);
	assert_int_equal(filter_to_sql(&sql, f, NULL, 7), ISAC_OK);
	assert_int_equal(sql.params, 2000);
	filter_sql_clear(&sql);
	filter_destroy(&f);
	wire_buf_clear(&text);
	for (int i = 0; i < 5000; i++) nets[i] = (struct member_net){{198, 51}, 4, 16};
	assert_int_equal(filter_parse(&f, "mine", 4, now_us, NULL), ISAC_OK);
	assert_int_equal(filter_to_sql(&sql, f, &self, 7), ISAC_ERR_TOO_LARGE);
	assert_null(sql.where);
	assert_int_equal(sql.params, 0);
	filter_destroy(&f);
}

static void print_hex(const char *text)
{
	for (; *text; text++) printf("%02x", (unsigned char)*text);
}

static int print_all(void)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0) {
		struct filter_error why;
		struct filter_sql sql;
		struct filter *f;

		line[strcspn(line, "\n")] = '\0';
		if (filter_parse(&f, line, strlen(line), now_us, &why) || filter_to_sql(&sql, f, &test_self, 3)) {
			fprintf(stderr, "%s: %s\n", line, why.text);
			return 1;
		}
		print_hex(sql.where);
		for (unsigned i = 0; i < sql.params; i++) {
			printf("\t");
			print_hex(sql.param[i]);
		}
		printf("\n");
		filter_sql_clear(&sql);
		filter_destroy(&f);
	}
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(looks_as_it_should), cmocka_unit_test(splices_nothing),
					   cmocka_unit_test(holds_to_its_limits)};

	if (wire_init()) return 1;
	if (argc == 2 && strcmp(argv[1], "--print") == 0) return print_all();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
