/* Items as objects: ids and times of versions, what is left out, bundles that are JSON whatever was added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "stix/stix.h"
#include "wire/wire.h"

#define HUB "0011223344556677"
/* 2022-02-22T19:22:22Z, of RFC 9562 */
static const uint8_t report[16] = {0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0, 0x7c, 0xc3, 0x98, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};

static struct isac_item indicator(const char *type, const char *value)
{
	struct isac_item it = {.verified = true,
			       .seq = 7,
			       .publisher = "alice",
			       .tlp = ISAC_TLP_AMBER,
			       .kind = ISAC_KIND_INDICATOR,
			       .created_us = 1645557742000000,
			       .received_us = 1645557800000000,
			       .type = type,
			       .value = value,
			       .raw = value,
			       .confidence = -1,
			       .severity = -1,
			       .description = "",
			       .country = ""};
	memcpy(it.report_id, report, sizeof report);
	return it;
}

static struct isac_item about(const struct isac_item *original, enum isac_kind kind, int64_t created_us)
{
	struct isac_item it = *original;
	it.kind = kind;
	it.created_us = created_us;
	it.report_id[15] ^= 1;
	it.about = original->report_id;
	it.about_publisher = original->publisher;
	if (kind == ISAC_KIND_SIGHTING) it.publisher = "bob";
	return it;
}

static const char *text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void versions_share_id_and_creation(void **state)
{
	(void)state;
	struct isac_item first = indicator("domain", "evil.example"), ended = first;
	struct isac_item gone = about(&first, ISAC_KIND_WITHDRAWAL, 1645557742000500); /* half a millisecond later */
	ended.ended = true;
	json_t *a = stix_object_of(&first, HUB), *b = stix_object_of(&gone, HUB), *c = stix_object_of(&ended, HUB);
	assert_string_equal(text(a, "created"), "2022-02-22T19:22:22.000Z");
	assert_string_equal(text(a, "modified"), "2022-02-22T19:22:22.000Z");
	assert_string_equal(text(b, "modified"), "2022-02-22T19:22:22.001Z");
	assert_string_equal(text(c, "modified"), "2022-02-22T19:23:20.000Z");
	assert_null(json_object_get(a, "revoked"));
	gone.publisher = "bob";
	assert_null(stix_object_of(&gone, HUB)); /* not his to end */
	json_t *const later[] = {b, c};
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(text(later[i], "id"), text(a, "id"));
		assert_string_equal(text(later[i], "created"), text(a, "created"));
		assert_string_equal(text(later[i], "created_by_ref"), text(a, "created_by_ref"));
		assert_string_equal(text(later[i], "pattern"), text(a, "pattern"));
		assert_true(json_is_true(json_object_get(later[i], "revoked")));
	}
	json_decref(a);
	json_decref(b);
	json_decref(c);
}

static void what_is_not_said_is_not_there(void **state)
{
	(void)state;
	struct isac_item it = indicator("domain", "evil.example"), sighting = about(&it, ISAC_KIND_SIGHTING, 1645557742000000);
	it.valid_from_us = 2000000000000000, it.valid_until_us = 1000000000000000; /* signed by somebody all the same */
	json_t *o = stix_object_of(&it, HUB);
	static const char *const absent[] = {"confidence", "valid_until", "labels", "external_references", "revoked"};
	for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) assert_null(json_object_get(o, absent[i]));
	json_decref(o);
	it.verified = false;
	assert_null(stix_object_of(&it, HUB));
	it.verified = true;
	it.expired = true;
	assert_null(stix_object_of(&it, HUB));
	sighting.verdict = ISAC_VERDICT_POSITIVE;
	sighting.count = UINT32_MAX;
	o = stix_object_of(&sighting, HUB);
	assert_int_equal(json_integer_value(json_object_get(o, "count")), 999999999);
	json_decref(o);
	sighting.about = NULL;
	assert_null(stix_object_of(&sighting, HUB));
}

static bool append(void *arg, const char *piece, size_t len)
{
	return fwrite(piece, 1, len, arg) == len;
}

static bool run_out(void *arg, const char *piece, size_t len)
{
	(void)piece;
	size_t *left = arg;
	if (*left < len) return false;
	*left -= len;
	return true;
}

static void bundles_are_json_and_say_each_companion_once(void **state)
{
	static const char *const tags[] = {"malware:X", "malware:Y", "malware:"};
	struct stix_bundle *b;
	char *out = NULL;
	size_t len = 0, failing = 700;
	(void)state;
	FILE *to = open_memstream(&out, &len);
	struct isac_item it = indicator("domain", "evil.example"), other = indicator("carrier-pigeon", "coo");
	it.tags = tags;
	it.tags_n = 3;
	assert_true(stix_bundle_open(&b, HUB, append, to));
	assert_true(stix_bundle_end(b, false)); /* nothing, and no line */
	assert_true(stix_bundle_add(b, &other));
	assert_true(stix_bundle_end(b, true));
	for (int i = 0; i < 2; i++) assert_true(stix_bundle_add(b, &it));
	assert_true(stix_bundle_end(b, false));
	stix_bundle_close(&b);
	fclose(to);
	char *second = strchr(out, '\n') + 1;
	json_t *empty = json_loadb(out, (size_t)(second - out), 0, NULL), *full = json_loads(second, 0, NULL);
	assert_non_null(empty);
	assert_null(json_object_get(empty, "objects"));
	/* Maker, definition, mark, publisher, two malware once; indicator and two relationships twice. */
	assert_int_equal(json_array_size(json_object_get(full, "objects")), 6 + 2 * 3);
	assert_string_not_equal(text(empty, "id"), text(full, "id"));
	json_decref(empty);
	json_decref(full);
	free(out);
	assert_true(stix_bundle_open(&b, HUB, run_out, &failing));
	assert_false(stix_bundle_add(b, &it));
	assert_false(stix_bundle_add(b, &it));
	stix_bundle_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_share_id_and_creation),
		cmocka_unit_test(what_is_not_said_is_not_there),
		cmocka_unit_test(bundles_are_json_and_say_each_companion_once),
	};
	return wire_init() != ISAC_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
