/* What becomes of an event's attributes: tests/data/misp.event.json, line by line. */
#include "../document/said.h"
#include "misp/misp.h"
#include "wire/wire.h"

static void attributes_of_an_event(void **state)
{
#define MARK(n) "[misp:00000000-0000-4000-8000-0000000000" n "] [type:OSINT]"
#define LINK " <https://example.org/r>"
	static const char *const lines[] = {
		"indicator green domain=evil.example 'Campaign X: c2 server' " MARK("01") LINK,
		"indicator green =198.51.100.7 'Campaign X: c2 server' " MARK("01") LINK,
		"indicator clear filename=a.exe 'Campaign X' " MARK("02") LINK,
		"indicator clear sha256=0000000000000000000000000000000000000000000000000000000000000000 'Campaign X' " MARK("02") LINK,
		"indicator clear =2a00::1 'Campaign X' " MARK("03") LINK,
		"withdrawal clear domain=gone.example 'Campaign X' " MARK("07") LINK,
		"! an attribute without uuid: it has no type, or no value",
		"indicator clear =198.51.100.9 'Campaign X' " MARK("08") LINK " seen 1767225600..1767312000",
		"indicator clear md5=00000000000000000000000000000000 'Campaign X' " MARK("20") " [misp-object:file]" LINK,
		"! the document: an element is no event",
		"! the document: an element is no event",
	};
	struct document_tally tally = {.rows = 0};
	json_t *document = said_file("misp.event.json");
	(void)state;
	said.n = said.stop_at = 0;
	assert_true(misp_is(document));
	assert_int_equal(misp_read(document, &said_sink, &tally), 0);
	said_expect(lines, sizeof lines / sizeof lines[0]);
	assert_int_equal(said_tally(&tally, "attribute of type domain that is not for detection (to_ids is false)"), 1);
	assert_int_equal(said_tally(&tally, "attribute of type pdb: no kind of item keeps it"), 1);
	assert_int_equal(said_tally(&tally, "attribute of type link: no kind of item keeps it"), 1);
	assert_int_equal(said_tally(&tally, "deleted object"), 1);
	assert_int_equal(said_tally(&tally, "proposal for an attribute"), 1);
	assert_int_equal(tally.rows, 5);
	for (size_t stop = 1; stop <= 11; stop++) {
		said.n = 0;
		said.stop_at = stop;
		assert_int_equal(misp_read(document, &said_sink, &tally), 7);
		assert_int_equal(said.n, stop);
	}
	json_decref(document);
}

static void what_is_deleted_is_withdrawn_by_its_uuid(void **state)
{
	struct document_tally tally = {.rows = 0};
	json_t *event = json_pack("{s:{s:[{s:s, s:s, s:b}]}}", "Event", "Attribute", "type", "domain", "value", "a.example", "deleted", 1);
	(void)state;
	said.n = said.stop_at = 0;
	assert_int_equal(misp_read(event, &said_sink, &tally), 0);
	assert_int_equal(said.n, 0);
	assert_int_equal(said_tally(&tally, "deleted attribute without uuid: nobody knows what to withdraw"), 1);
	json_object_set_new(json_array_get(json_object_get(json_object_get(event, "Event"), "Attribute"), 0), "uuid",
			    json_string("00000000-0000-4000-8000-000000000001"));
	assert_int_equal(misp_read(event, &said_sink, &tally), 0);
	said_expect((const char *const[]){"withdrawal - domain=a.example [misp:00000000-0000-4000-8000-000000000001]"}, 1);
	json_decref(event);
}

static void tags_of_tlp_never_widen(void **state)
{
	static const struct {
		const char *event, *attribute;
		enum isac_tlp label;
	} cases[] = {{"x", "y", ISAC_TLP_NONE},
		     {"tlp:white", "y", ISAC_TLP_CLEAR},
		     {"TLP:AMBER+STRICT", "tlp:green", ISAC_TLP_AMBER_STRICT},
		     {"tlp:green", "tlp:amber", ISAC_TLP_AMBER},
		     {"tlp:clear", "tlp:unclear", ISAC_TLP_RED},
		     {"tlp:ex:chr", "y", ISAC_TLP_RED}};
	struct document_tally tally = {.rows = 0};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char line[100];
		json_t *event =
			json_pack("{s:{s:[{s:s}], s:[{s:s, s:s, s:b, s:[{s:s}]}]}}", "Event", "Tag", "name", cases[i].event, "Attribute",
				  "type", "domain", "value", "a.example", "to_ids", 1, "Tag", "name", cases[i].attribute);
		said.n = said.stop_at = 0;
		assert_int_equal(misp_read(event, &said_sink, &tally), 0);
		const char *label = isac_tlp_name(cases[i].label);
		snprintf(line, sizeof line, "indicator %s domain=a.example", label ? label : "-");
		assert_int_equal(said.n, 1);
		assert_memory_equal(said.line[0], line, strlen(line));
		json_decref(event);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(attributes_of_an_event), cmocka_unit_test(tags_of_tlp_never_widen),
					   cmocka_unit_test(what_is_deleted_is_withdrawn_by_its_uuid)};
	return wire_init() != ISAC_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
