/* What becomes of the objects of a bundle: tests/data/stix.bundle.json, line by line. */
#include "../document/said.h"
#include "stix/stix.h"
#include "wire/wire.h"

static void objects_of_a_bundle(void **state)
{
	static const char *const lines[] = {
		"indicator amber domain=evil.example 75% 'Two hosts: of a campaign' [stix:indicator--00000000-0000-4000-8000-000000000001] "
		"[c2] "
		"[malicious-activity] [lockheed:command-and-control] [malware:Poison Ivy] <https://example.org/a> <CVE-2026-1>",
		"indicator amber ipv4=198.51.100.7 75% 'Two hosts: of a campaign' [stix:indicator--00000000-0000-4000-8000-000000000001] "
		"[c2] "
		"[malicious-activity] [lockheed:command-and-control] [malware:Poison Ivy] <https://example.org/a> <CVE-2026-1>",
		"new withdrawal - sha256=0000000000000000000000000000000000000000000000000000000000000000 "
		"[stix:indicator--00000000-0000-4000-8000-000000000003]",
		"new indicator - domain=new.example [stix:indicator--00000000-0000-4000-8000-000000000004]",
		"! indicator--00000000-0000-4000-8000-000000000006: not a pattern: ] expected at column 25",
		"indicator red domain=granular.example [stix:indicator--00000000-0000-4000-8000-000000000007]",
		"! indicator--00000000-0000-4000-8000-000000000008: it has two TLP marks that differ",
		"sighting - domain=granular.example [stix:sighting--00000000-0000-4000-8000-000000000400] positive x3 seen "
		"1767225600..1767312000",
		"sighting - domain=granular.example 'our own' [stix:opinion--00000000-0000-4000-8000-000000000500] false-positive x0",
	};
	struct document_tally tally = {.rows = 0};
	json_t *bundle = said_file("stix.bundle.json");
	(void)state;
	said.n = said.stop_at = 0;
	assert_true(stix_is(bundle));
	assert_int_equal(stix_read(bundle, &said_sink, &tally), 0);
	said_expect(lines, sizeof lines / sizeof lines[0]);
	assert_int_equal(said_tally(&tally, "malware: no kind of item keeps it"), 1);
	assert_int_equal(said_tally(&tally, "campaign: no kind of item keeps it"), 1);
	assert_int_equal(said_tally(&tally, "indicator: an older version of one in the document"), 1);
	assert_int_equal(said_tally(&tally, "indicator with a pattern of type yara: no kind of item keeps it"), 1);
	assert_int_equal(said_tally(&tally, "indicator whose pattern is no list of values: FOLLOWEDBY"), 1);
	assert_int_equal(said_tally(&tally, "sighting of something that is no indicator in the document"), 1);
	assert_int_equal(tally.rows, 6);
	for (size_t stop = 1; stop <= 9; stop++) { /* a sink's word ends it at any place */
		said.n = 0;
		said.stop_at = stop;
		assert_int_equal(stix_read(bundle, &said_sink, &tally), 7);
		assert_int_equal(said.n, stop);
	}
	json_decref(bundle);
}

/* The same objects as an envelope, a list, and one by itself. */
static void other_wrappings(void **state)
{
	struct document_tally tally = {.rows = 0};
	json_t *bundle = said_file("stix.bundle.json"), *objects = json_object_get(bundle, "objects");
	json_t *envelope = json_pack("{s:O, s:b}", "objects", objects, "more", 0);
	(void)state;
	const json_t *const wrapped[] = {objects, envelope};
	for (size_t i = 0; i < 2; i++) {
		said.n = said.stop_at = 0;
		assert_true(stix_is(wrapped[i]));
		assert_int_equal(stix_read(wrapped[i], &said_sink, &tally), 0);
		assert_int_equal(said.n, 9);
	}
	said.n = 0;
	assert_true(stix_is(json_array_get(objects, 8)));
	assert_int_equal(stix_read(json_array_get(objects, 8), &said_sink, &tally), 0);
	assert_int_equal(said.n, 1);
	assert_non_null(strstr(said.line[0], "red domain=granular.example"));
	json_decref(envelope);
	json_t *nameless = json_pack("[{s:s, s:s}]", "type", "indicator", "id", "\x1b");
	said.n = 0;
	assert_int_equal(stix_read(nameless, &said_sink, &tally), 0);
	assert_string_equal(said.line[0], "! an object without id: its id is no indicator-- and a UUID");
	json_decref(nameless);
	json_t *revoked = json_pack("[O, O]", json_array_get(objects, 8), json_array_get(objects, 12));
	json_object_set_new(json_array_get(revoked, 1), "revoked", json_true());
	said.n = 0;
	assert_int_equal(stix_read(revoked, &said_sink, &tally), 0);
	assert_int_equal(said.n, 1); /* the indicator, and no sighting of it */
	json_decref(revoked);
	json_t *none = json_pack("{s:s}", "value", "evil.example");
	assert_false(stix_is(none));
	json_decref(none);
	json_decref(bundle);
}

static void marks_are_known_by_id_and_by_what_they_say(void **state)
{
	static const enum isac_tlp labels[] = {ISAC_TLP_CLEAR, ISAC_TLP_GREEN, ISAC_TLP_AMBER, ISAC_TLP_AMBER_STRICT, ISAC_TLP_RED};
	(void)state;
	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
		json_t *mark = stix_mark_object(labels[i]);
		assert_int_equal(stix_mark_tlp(stix_mark_id(labels[i])), labels[i]);
		assert_int_equal(stix_mark_read(mark), labels[i]);
		json_object_set_new(mark, "id", json_string("marking-definition--00000000-0000-4000-8000-000000000001"));
		assert_int_equal(stix_mark_read(mark), labels[i]);
		json_object_del(mark, "extensions");
		assert_int_equal(stix_mark_read(mark), ISAC_TLP_NONE);
		json_decref(mark);
	}
	assert_int_equal(stix_mark_tlp("marking-definition--613F2E26-407D-48C7-9ECA-B8E91DF99DC9"), ISAC_TLP_CLEAR);
	assert_null(stix_mark_id(ISAC_TLP_NONE));
	json_t *statement = json_pack("{s:s, s:{s:s}}", "definition_type", "statement", "definition", "statement", "(c)");
	assert_int_equal(stix_mark_read(statement), ISAC_TLP_NONE);
	json_decref(statement);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_of_a_bundle),
		cmocka_unit_test(other_wrappings),
		cmocka_unit_test(marks_are_known_by_id_and_by_what_they_say),
	};
	return wire_init() != ISAC_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
