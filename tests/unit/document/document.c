/* Names, texts, JSON and tallies. Names: the vectors are python-stix2's, and Python's uuid module. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "document/document.h"

static void names_are_those_of_rfc_9562(void **state)
{
	char out[DOCUMENT_UUID_BYTES];
	(void)state;
	/* RFC 9562 appendix A.4: "www.example.com" in the name space of DNS. */
	assert_true(document_uuid5(out, "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com", 15));
	assert_string_equal(out, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
	assert_false(document_uuid5(out, "6ba7b810-9dad-11d1-80b4", "x", 1));
	assert_true(document_uuid_ok("6BA7B810-9dad-11d1-80b4-00c04fd430c8"));
	assert_false(document_uuid_ok("6ba7b8109dad-11d1-80b4-00c04fd430c8-"));
	assert_false(document_uuid_ok("6ba7b810-9dad-11d1-80b4-00c04fd430cg"));
}

static void texts_become_one_line_that_the_wire_takes(void **state)
{
	static const struct {
		size_t size;
		const char *in, *out;
	} cases[] = {{100, " a\n\t b\r\n", "a b"},
		     {100, "\x1b[31mred\x1b[0m", "[31mred[0m"},
		     {100, "a\u200bb\u202ec", "abc"},
		     {100, "", ""},
		     {100, "\n", ""},
		     {6, "caf\u00e9!", "caf\u00e9"},
		     {5, "caf\u00e9!", "caf"},
		     {4, "a  bcd", "a b"},
		     {1, "abc", ""},
		     {100, "\U0001f600 \u65e5", "\U0001f600 \u65e5"}};
	char out[100];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(document_text_clean(out, cases[i].size, cases[i].in), strlen(cases[i].out));
		assert_string_equal(out, cases[i].out);
	}
}

static void json_of_strangers_is_bounded(void **state)
{
	static const char *const bad[] = {"",		"{",	 "7",	   "{\"a\":1,\"a\":2}", "[99999999999999999999]", "[\"\\u0000\"]",
					  "[\"\xff\"]", "[1] x", "{\"a\"}"};
	char reason[200], *deep = malloc(1000);
	json_int_t n = 0;
	(void)state;
	assert_non_null(deep);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		*reason = 0;
		assert_null(document_read(bad[i], strlen(bad[i]), reason, sizeof reason));
		assert_true(*reason);
	}
	for (int depth = DOCUMENT_DEPTH_MAX; depth <= DOCUMENT_DEPTH_MAX + 1; depth++) {
		memset(deep, '[', (size_t)depth);
		memset(deep + depth, ']', (size_t)depth);
		json_t *v = document_read(deep, 2 * (size_t)depth, reason, sizeof reason);
		assert_int_equal(v != NULL, depth == DOCUMENT_DEPTH_MAX);
		json_decref(v);
	}
	static const char marked[] = "\xef\xbb\xbf{\"a\":\"[[[[\",\"b\":\"007\",\"c\":\"-1\",\"d\":9,\"e\":\"1234567890123456789\"}";
	json_t *v = document_read(marked, sizeof marked - 1, reason, sizeof reason);
	assert_non_null(v);
	assert_true(document_read_number(v, "b", 0, 10, &n) && n == 7);
	assert_false(document_read_number(v, "c", -5, 10, &n));
	assert_true(document_read_number(v, "d", 9, 9, &n) && n == 9);
	assert_false(document_read_number(v, "d", 0, 8, &n));
	assert_false(document_read_number(v, "e", 0, INT64_MAX, &n));
	json_decref(v);
	free(deep);
}

static void tallies_count_what_is_alike(void **state)
{
	struct document_tally tally = {.rows = 0};
	(void)state;
	document_tally_add(&tally, "type %s", "a\x1b");
	document_tally_add(&tally, "type %s", "a");
	for (int i = 0; i < DOCUMENT_TALLY_ROWS + 5; i++) document_tally_add(&tally, "%d", i);
	assert_int_equal(tally.row[0].n, 2);
	assert_string_equal(tally.row[0].text, "type a");
	assert_int_equal(tally.rows, DOCUMENT_TALLY_ROWS);
	assert_int_equal(tally.others, 6);
}

static void records_keep_the_limits_of_the_wire(void **state)
{
	static struct document_record r;
	char text[3000];
	(void)state;
	document_record_init(&r);
	for (int i = 0; i < DOCUMENT_LIST_MAX + 3; i++) document_record_tag(&r, "t%d", i % (DOCUMENT_LIST_MAX + 1));
	assert_int_equal(r.ind.tags_n, DOCUMENT_LIST_MAX);
	document_record_init(&r);
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = 0;
	assert_true(document_record_tag(&r, "%s", text));
	assert_int_equal(strlen(r.tags[0]), DOCUMENT_TAG_BYTES);
	assert_true(document_record_tag(&r, " a\n"));
	assert_true(document_record_tag(&r, "a"));
	assert_int_equal(r.ind.tags_n, 2);
	assert_false(document_record_tag(&r, "\n"));
	assert_false(document_record_reference(&r, text));
	assert_false(document_record_reference(&r, "a\nb"));
	assert_false(document_record_reference(&r, NULL));
	assert_true(document_record_reference(&r, "https://a.example/"));
	document_record_describe(&r, "Title", text);
	assert_int_equal(strlen(r.ind.description), 1024);
	document_record_describe(&r, "same", "same");
	assert_string_equal(r.ind.description, "same");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_rfc_9562),	       cmocka_unit_test(texts_become_one_line_that_the_wire_takes),
		cmocka_unit_test(json_of_strangers_is_bounded),	       cmocka_unit_test(tallies_count_what_is_alike),
		cmocka_unit_test(records_keep_the_limits_of_the_wire),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
