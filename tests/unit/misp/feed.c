/* A folder's bytes: the same whatever the order, times that rise, a withdrawal before and behind what it withdraws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "misp/misp.h"
#include "wire/wire.h"

static struct isac_item item(uint8_t report, const char *type, const char *value)
{
	struct isac_item it = {.verified = true,
			       .publisher = "alice",
			       .tlp = ISAC_TLP_GREEN,
			       .kind = ISAC_KIND_INDICATOR,
			       .created_us = 1645557742000000,
			       .received_us = 1645557742000000,
			       .type = type,
			       .value = value,
			       .raw = value,
			       .confidence = -1,
			       .severity = -1,
			       .description = "said",
			       .country = ""};
	/* 2022-02-22T19:22:22Z */
	static const uint8_t v7[] = {0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0, 0x70, 0, 0x80};
	memcpy(it.report_id, v7, sizeof v7);
	it.report_id[15] = report;
	return it;
}

struct folder {
	char text[65536];
	json_t *manifest;
};

static bool put(void *arg, const char *name, const char *bytes, size_t len)
{
	struct folder *f = arg;
	size_t n = strlen(f->text);
	snprintf(f->text + n, sizeof f->text - n, "== %s\n%s\n", name, bytes);
	if (strcmp(name, "manifest.json") == 0) f->manifest = json_loadb(bytes, len, 0, NULL);
	return true;
}

static void write_feed(struct folder *out, const json_t *earlier, const struct isac_item *const *items, size_t n)
{
	struct document_tally tally = {.rows = 0};
	struct misp_feed *feed;
	*out = (struct folder){.manifest = NULL};
	assert_true(misp_feed_new(&feed, "0011223344556677"));
	for (size_t i = 0; i < n; i++) assert_true(misp_feed_add(feed, items[i], &tally));
	assert_true(misp_feed_write(feed, earlier, put, out));
	assert_non_null(out->manifest);
	misp_feed_destroy(&feed);
}

static void order_does_not_matter(void **state)
{
	static struct folder a, b;
	(void)state;
	struct isac_item one = item(1, "domain", "one.example"), two = item(1, "ipv4", "198.51.100.7"), three = item(2, "md5", "00");
	struct isac_item gone = item(3, "domain", "one.example");
	gone.kind = ISAC_KIND_WITHDRAWAL;
	gone.about = one.report_id;
	gone.about_publisher = "alice";
	gone.created_us += 5000000;
	gone.description = "why";
	const struct isac_item *const forth[] = {&one, &two, &three, &gone}, *const back[] = {&gone, &three, &two, &one};
	write_feed(&a, NULL, forth, 4);
	write_feed(&b, NULL, back, 4);
	assert_string_equal(a.text, b.text);
	assert_non_null(strstr(a.text, "\"comment\":\"said\",\"deleted\":true"));
	assert_null(strstr(a.text, "why"));
	assert_int_equal(json_object_size(a.manifest), 2);
	/* md5 of 198.51.100.7 by md5sum; what is deleted is no hit any more. */
	assert_non_null(strstr(a.text, "\n526291673f8700ef4e4902e29550a03b,"));
	assert_null(strstr(a.text, "\n0a5f6c51aa27f1e5a5f8414688041f94,"));
	json_decref(a.manifest);
	json_decref(b.manifest);
}

static int64_t only_time(const struct folder *f)
{
	const char *name;
	json_t *each;
	json_object_foreach(f->manifest, name, each)
	{
		(void)name;
		return strtoll(json_string_value(json_object_get(each, "timestamp")), NULL, 10);
	}
	return 0;
}

static void times_rise_with_every_change_and_only_then(void **state)
{
	static struct folder f[6];
	(void)state;
	struct isac_item one = item(1, "domain", "one.example"), two = item(1, "domain", "two.example");
	const struct isac_item *const items[] = {&one, &two};
	write_feed(&f[0], NULL, items, 1);
	assert_int_equal(only_time(&f[0]), 1645557742);
	write_feed(&f[1], f[0].manifest, items, 1);
	assert_string_equal(f[1].text, f[0].text);
	write_feed(&f[2], f[1].manifest, items, 2); /* more of the same event, by another filter */
	assert_int_equal(only_time(&f[2]), 1645557743);
	write_feed(&f[3], f[2].manifest, items, 1); /* and less again */
	assert_int_equal(only_time(&f[3]), 1645557744);
	write_feed(&f[4], f[3].manifest, items, 1);
	assert_string_equal(f[4].text, f[3].text);
	two.ended = true;
	two.received_us = 1700000000000000;
	write_feed(&f[5], f[4].manifest, items, 2);
	assert_int_equal(only_time(&f[5]), 1700000000);
	for (size_t i = 0; i < 6; i++) json_decref(f[i].manifest);
}

static void what_a_feed_cannot_say_is_counted(void **state)
{
	struct document_tally tally = {.rows = 0};
	struct misp_feed *feed;
	(void)state;
	struct isac_item held = item(1, "domain", "a.example"), forged = held, sighting = held, odd = item(1, "carrier-pigeon", "coo");
	held.held = true;
	forged.verified = false;
	sighting.kind = ISAC_KIND_SIGHTING;
	assert_true(misp_feed_new(&feed, "0011223344556677"));
	struct isac_item foreign = item(2, "domain", "a.example");
	foreign.kind = ISAC_KIND_WITHDRAWAL;
	foreign.publisher = "bob";
	foreign.about = sighting.report_id;
	foreign.about_publisher = "alice";
	const struct isac_item *const items[] = {&held, &forged, &sighting, &odd, &foreign};
	for (size_t i = 0; i < 5; i++) assert_true(misp_feed_add(feed, items[i], &tally));
	assert_int_equal(misp_feed_events(feed), 0);
	assert_int_equal(tally.rows, 5);
	misp_feed_destroy(&feed);
}

static void every_type_of_ours_has_one_of_misp(void **state)
{
	const char *type, *category, *name;
	(void)state;
	for (unsigned i = 1; (name = isac_type_name(i)); i++) assert_true(misp_type_of(&type, &category, name, "x") && *category);
	char longer[65] = "";
	memset(longer, '0', 64);
	assert_true(misp_type_of(&type, &category, "certificate-fingerprint", longer));
	assert_string_equal(type, "x509-fingerprint-sha256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(times_rise_with_every_change_and_only_then),
		cmocka_unit_test(what_a_feed_cannot_say_is_counted),
		cmocka_unit_test(every_type_of_ours_has_one_of_misp),
	};
	return wire_init() != ISAC_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
