/*
 * An item and its report from a line like `type=domain; value=evil.example; tags=a,b; conf=60`, for the tests of this folder.
 * Built by hand rather than with report_open: the filter is tested, not the report. Values still go through wire_value_canon.
 */
#ifndef TEST_FILTER_ITEM_H
#define TEST_FILTER_ITEM_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "filter/filter.h"

struct test_item {
	struct report report;
	struct report_item item;
	uint8_t held;
	Isac1__Header header;
	Isac1__Indicator ind;
	char *lists[2][64];
	struct wire_arena arena;
};

static inline char *test_copy(struct test_item *t, const char *text)
{
	size_t len = strlen(text) + 1;
	char *copy = wire_arena_alloc(&t->arena, len);

	if (!copy) abort();
	return memcpy(copy, text, len);
}

static inline size_t test_list(struct test_item *t, char **out, char *text)
{
	size_t n = 0;
	char *save, *word;

	for (word = strtok_r(text, ",", &save); word && n < 64; word = strtok_r(NULL, ",", &save)) out[n++] = test_copy(t, word);
	return n;
}

static inline int64_t test_time(const char *text)
{
	struct tm tm = {.tm_year = 0};
	char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t us = (int64_t)timegm(&tm) * 1000000;

	if (!rest) abort();
	if (*rest == '.') us += (int64_t)(strtod(rest, NULL) * 1e6 + 0.5);
	return us;
}

static inline void test_field(struct test_item *t, const char *name, char *text)
{
	struct {
		const char *name;
		int64_t *at;
	} times[] = {{"received", &t->report.received_us}, {"created", &t->header.created_us}, {"first", &t->ind.first_seen_us},
		     {"last", &t->ind.last_seen_us},	   {"from", &t->ind.valid_from_us},    {"until", &t->ind.valid_until_us}};
	struct {
		const char *name;
		uint32_t *at;
		unsigned plus;
	} numbers[] = {{"conf", &t->ind.confidence_plus1, 1},
		       {"sev", &t->ind.severity_plus1, 1},
		       {"asn", &t->ind.asn, 0},
		       {"kind", &t->header.kind, 0},
		       {"tlp", &t->header.tlp, 0}};
	struct {
		const char *name;
		char **at;
	} texts[] = {{"value", &t->ind.value}, {"raw", &t->ind.raw}, {"country", &t->ind.country}};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (!strcmp(name, times[i].name)) {
			*times[i].at = test_time(text);
			return;
		}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(name, numbers[i].name)) {
			*numbers[i].at = (uint32_t)strtoul(text, NULL, 10) + numbers[i].plus;
			return;
		}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcmp(name, texts[i].name)) {
			*texts[i].at = test_copy(t, text);
			return;
		}
	if (!strcmp(name, "held")) {
		t->held = *text == '1';
	} else if (!strcmp(name, "type")) {
		t->ind.type = wire_value_type(text, strlen(text));
	} else if (!strcmp(name, "tags")) {
		t->ind.n_tags = test_list(t, t->lists[0], text);
		t->ind.tags = t->lists[0];
	} else if (!strcmp(name, "groups")) {
		t->header.n_groups = test_list(t, t->lists[1], text);
		t->header.groups = t->lists[1];
	} else if (!strcmp(name, "publisher")) {
		snprintf(t->report.publisher, sizeof(t->report.publisher), "%s", text);
	} else {
		abort();
	}
}

/* line is cut up. false: the value is none of its type. type=- is an item that is no indicator. */
static inline bool test_item_read(struct test_item *t, char *line)
{
	bool other = false;

	memset(t, 0, sizeof(*t));
	wire_arena_init(&t->arena, 1 << 20);
	isac1__header__init(&t->header);
	isac1__indicator__init(&t->ind);
	t->header.kind = ISAC1__KIND__KIND_INDICATOR;
	t->header.tlp = ISAC1__TLP__TLP_GREEN;
	t->header.created_us = 1767225600000000; /* 2026-01-01 */
	snprintf(t->report.publisher, sizeof(t->report.publisher), "alice");
	while (line) {
		char *next = strstr(line, "; "), *equals;

		if (next) *next = '\0';
		equals = strchr(line, '=');
		if (!equals) abort();
		*equals = '\0';
		if (!strcmp(line, "type") && !strcmp(equals + 1, "-")) other = true;
		else test_field(t, line, equals + 1);
		line = next ? next + 2 : NULL;
	}
	t->report.header = &t->header;
	t->report.items = &t->item;
	t->report.n = 1;
	t->report.held = &t->held;
	if (other) return true;
	t->item.ind = &t->ind;
	return wire_value_canon(&t->item.value, t->ind.type, t->ind.value, strlen(t->ind.value), &t->arena, NULL) == ISAC_OK;
}

static inline void test_item_clear(struct test_item *t)
{
	wire_arena_clear(&t->arena);
}

/* The member for whom `mine` is asked: the same in filter.eval and oracle.py. */
static const struct member_net test_nets[] = {{{203, 0, 113, 0}, 4, 24}, {{0x2a, 0x00, 0x14, 0x50, 0x40}, 6, 40}};
static const uint32_t test_asns[] = {3320, 64500};
static const char *const test_domains[] = {"mine.example", "xn--bcher-kva.example"};
static const struct member test_self = {
	.id = 1, .name = "self", .nets = test_nets, .nets_n = 2, .asns = test_asns, .asns_n = 2, .domains = test_domains, .domains_n = 2};

#endif
