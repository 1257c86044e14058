/*
 * Sets of many filters against the plain question, filter by filter: what random trees (oracle.c) are too small for. More names than
 * have bitmaps, networks in networks by the thousand, tables that grow while they are asked, filters that many share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "item.h"

static const int64_t now_us = 1769846400000000; /* 2026-01-31T08:00:00Z */
enum { FILTERS = 36000, ITEMS = 60, TEXT = 300 };

struct world {
	struct filter_set *set;
	struct filter *f[FILTERS];
	bool in[FILTERS];
	uint8_t hits[FILTERS];
	struct test_item items[ITEMS];
	unsigned seed;
};

static unsigned draw(struct world *w, unsigned n)
{
	return (unsigned)rand_r(&w->seed) % n;
}

/* Addresses are few on purpose: 45.0-23.x.x, so that networks lie in each other. */
static void write_net(struct world *w, char out[TEXT])
{
	unsigned bits = 14 + draw(w, 19);
	uint32_t addr = (45u << 24 | draw(w, 24) << 16 | draw(w, 256) << 8 | draw(w, 256)) & (0xffffffffu << (32 - bits));

	snprintf(out, TEXT, "value in %u.%u.%u.%u/%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255, bits);
}

static void write_filter(struct world *w, char out[TEXT])
{
	switch (draw(w, 13)) {
	case 12:
	case 0:
	case 1:
	case 2:
	case 3:
		write_net(w, out);
		return;
	case 4:
		snprintf(out, TEXT, "value = d%u.example.com or value under n%u.example.com", draw(w, 4000), draw(w, 400));
		return;
	case 5:
		snprintf(out, TEXT, "tag = t%u", draw(w, 300));
		return;
	case 6:
		snprintf(out, TEXT, "tag in (t%u, t%u) and not tag = t%u and confidence >= %u", draw(w, 300), draw(w, 300), draw(w, 300),
			 draw(w, 101));
		return;
	case 7:
		snprintf(out, TEXT, "publisher = p%u and tlp <= amber or country = %c%c", draw(w, 100), 'A' + draw(w, 9),
			 'A' + draw(w, 10));
		return;
	case 8:
		snprintf(out, TEXT, "not publisher in (p%u, p%u) and (tag = t%u or tag starts t%u)", draw(w, 100), draw(w, 100),
			 draw(w, 300), draw(w, 300));
		return;
	case 9:
		snprintf(out, TEXT, "asn in (%u, %u) or (group = g%u and not group = g%u)", draw(w, 50), draw(w, 50), draw(w, 90),
			 draw(w, 90));
		return;
	case 10:
		snprintf(out, TEXT, "value in 2a00:1450:%x0::/%u and %s", draw(w, 16), 44 + 4 * draw(w, 2),
			 draw(w, 2) ? "valid" : "state != expired");
		return;
	default:
		snprintf(out, TEXT, "confidence %s %u and severity != %u", draw(w, 2) ? "<" : ">=", draw(w, 101), draw(w, 11));
	}
}

static void make_item(struct world *w, struct test_item *t)
{
	char line[TEXT * 2], value[TEXT];
	unsigned kind = draw(w, 5);

	if (kind == 0) snprintf(value, sizeof(value), "ipv4; value=45.%u.%u.%u", draw(w, 4), draw(w, 256), draw(w, 256));
	else if (kind == 1) snprintf(value, sizeof(value), "cidr; value=45.%u.%u.0/%u", draw(w, 4), draw(w, 16) * 16, 20 + draw(w, 5));
	else if (kind == 2) snprintf(value, sizeof(value), "ipv6; value=2a00:1450:%x0::7", draw(w, 16));
	else if (kind == 3) snprintf(value, sizeof(value), "domain; value=d%u.example.com", draw(w, 4000));
	else snprintf(value, sizeof(value), "url; value=http://x.n%u.example.com/", draw(w, 400));
	snprintf(line, sizeof(line),
		 "type=%s; publisher=p%u; tlp=%u; conf=%u; sev=%u; asn=%u; country=%c%c; tags=t%u,t%u,t%u,t1,t1; groups=g%u,g%u", value,
		 draw(w, 100), 1 + draw(w, 5), draw(w, 101), draw(w, 11), 1 + draw(w, 50), 'A' + draw(w, 9), 'A' + draw(w, 10),
		 draw(w, 300), draw(w, 300), draw(w, 300), draw(w, 90), draw(w, 90));
	if (!test_item_read(t, line)) fail_msg("no value: %s", value);
	if (draw(w, 2)) return;
	t->item.place.asn = t->ind.asn; /* where the hub knows what the publisher did not say */
	snprintf(t->item.place.country, sizeof(t->item.place.country), "%s", t->ind.country);
	t->ind.asn = 0;
	t->ind.country = (char *)"";
}

static void count(void *arg, uint32_t id)
{
	struct world *w = arg;

	assert_true(id % 179 == 0 && id / 179 < FILTERS);
	w->hits[id / 179]++;
}

static void check(struct world *w, unsigned from, unsigned step)
{
	for (unsigned i = from; i < ITEMS; i += step) {
		memset(w->hits, 0, sizeof(w->hits));
		filter_set_match(w->set, &w->items[i].report, 0, count, w);
		for (unsigned k = 0; k < FILTERS; k++) {
			bool want = w->in[k] && filter_match(w->f[k], &w->items[i].report, 0, NULL);

			if (w->hits[k] != want) fail_msg("item %u: %u of %s", i, w->hits[k], filter_text(w->f[k]));
		}
	}
}

static void put(struct world *w, unsigned k, bool in)
{
	if (in && !w->in[k]) assert_int_equal(filter_set_add(w->set, k * 179, w->f[k], NULL), ISAC_OK);
	if (in && w->in[k]) assert_int_equal(filter_set_add(w->set, k * 179, w->f[k], NULL), ISAC_ERR_CONFLICT);
	if (!in) filter_set_remove(w->set, k * 179);
	w->in[k] = in;
}

static void says_what_a_loop_says(void **state)
{
	static struct world w = {.seed = 3};
	char text[TEXT];

	(void)state;
	assert_int_equal(filter_set_new(&w.set), ISAC_OK);
	for (unsigned k = 0; k < FILTERS; k++) {
		struct filter_error why;

		write_filter(&w, text);
		if (filter_parse(&w.f[k], text, strlen(text), now_us, &why)) fail_msg("%s: %s", text, why.text);
	}
	for (unsigned i = 0; i < ITEMS; i++) make_item(&w, &w.items[i]);
	for (unsigned k = 0; k < FILTERS; k++) {
		put(&w, k, true);
		if (k % 1500 == 0) check(&w, k / 1500, 20);
	}
	check(&w, 0, 1);
	for (unsigned i = 0; i < 2 * FILTERS; i++) put(&w, draw(&w, FILTERS), draw(&w, 3) == 0);
	check(&w, 0, 1);
	for (unsigned k = 0; k < FILTERS; k++) put(&w, k, k % 100 == 7);
	check(&w, 0, 1);
	for (unsigned k = 0; k < FILTERS; k++) put(&w, k, false);
	check(&w, 0, 9);
	for (unsigned k = 0; k < FILTERS; k++) put(&w, FILTERS - 1 - k, true);
	check(&w, 0, 3);
	filter_set_destroy(&w.set);
	for (unsigned k = 0; k < FILTERS; k++) filter_destroy(&w.f[k]);
	for (unsigned i = 0; i < ITEMS; i++) test_item_clear(&w.items[i]);
}

/* What cannot be any filter's business still must not be told, or harm. */
static void strange_items_are_asked_plainly(void **state)
{
	static const char *const texts[] = {"kind = indicator", "not kind = indicator", "tlp != red",
					    "confidence >= 1",	"not confidence >= 1",	"true"};
	char line[] = "type=domain; value=evil.example";
	struct filter_set *set;
	struct filter *f[6];
	struct test_item t;

	(void)state;
	assert_true(test_item_read(&t, line));
	t.header.kind = 77;
	t.header.tlp = 4000000000u;
	t.ind.confidence_plus1 = 4000000000u;
	assert_int_equal(filter_set_new(&set), ISAC_OK);
	for (uint32_t i = 0; i < 6; i++) {
		struct world w = {.set = set};

		assert_int_equal(filter_parse(&f[i], texts[i], strlen(texts[i]), now_us, NULL), ISAC_OK);
		assert_int_equal(filter_set_add(set, 179 * i, f[i], NULL), ISAC_OK);
		filter_set_match(set, &t.report, 0, count, &w);
		for (uint32_t k = 0; k <= i; k++) assert_int_equal(w.hits[k], filter_match(f[k], &t.report, 0, NULL));
	}
	filter_set_destroy(&set);
	for (uint32_t i = 0; i < 6; i++) filter_destroy(&f[i]);
	test_item_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(says_what_a_loop_says), cmocka_unit_test(strange_items_are_asked_plainly)};

	if (wire_init()) return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
