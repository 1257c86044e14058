/*
 * Any bytes as a filter: they parse or are refused with a column inside the text; what parses has a normal form that is its own,
 * matches alike in both, becomes SQL whose parameters are numbered without gaps, and explains itself. Every line is a filter: a set of them
 * says of some items what each filter says by itself, also after one of them left.
 */
#include <stdlib.h>
#include <string.h>

#include "filter/filter.h"

static const int64_t now_us = 1769846400000000;

static void check(bool holds)
{
	if (!holds) abort();
}

enum { FILTERS = 16, ITEMS = 4 };
static const struct member_net my_net = {{203, 0, 113, 0}, 4, 24};
static const struct member self = {.id = 1, .nets = &my_net, .nets_n = 1};

static const struct report *make_report(void)
{
	static char *tags[] = {(char *)"c2", (char *)"scanner"};
	static Isac1__Header header;
	static Isac1__Indicator ind;
	static struct report_item items[ITEMS];
	static uint8_t held = 4;
	static struct report report;

	isac1__header__init(&header);
	isac1__indicator__init(&ind);
	header.kind = 1;
	header.tlp = 3;
	ind.confidence_plus1 = 61;
	ind.tags = tags;
	ind.n_tags = 2;
	ind.valid_until_us = now_us + 2;			 /* after both moments of compiling */
	for (int i = 0; i < ITEMS - 1; i++) items[i].ind = &ind; /* the last is no indicator */
	items[0].value = (struct wire_value){.type = WIRE_VALUE_URL,
					     .text = (char *)"http://203.0.113.9/",
					     .len = 19,
					     .addr = {203, 0, 113, 9},
					     .family = 4,
					     .prefix = 32,
					     .host = "203.0.113.9"};
	snprintf(report.publisher, sizeof(report.publisher), "alice");
	report.header = &header;
	items[1].value = (struct wire_value){
		.type = WIRE_VALUE_CIDR, .text = (char *)"198.51.0.0/16", .len = 13, .addr = {198, 51}, .family = 4, .prefix = 16};
	items[2].value =
		(struct wire_value){.type = WIRE_VALUE_DOMAIN, .text = (char *)"www.evil.example", .len = 16, .host = "www.evil.example"};
	report.items = items;
	report.n = ITEMS;
	report.held = &held;
	return &report;
}

static bool matches(const struct filter *f)
{
	return filter_match(f, make_report(), 0, &self);
}

static void count_hit(void *arg, uint32_t id)
{
	check(id < FILTERS);
	((uint8_t *)arg)[id]++;
}

static void agree(const struct filter_set *set, struct filter **f, uint32_t n, uint32_t without)
{
	for (uint32_t item = 0; item < ITEMS; item++) {
		uint8_t hits[FILTERS] = {0};

		filter_set_match(set, make_report(), item, count_hit, hits);
		for (uint32_t i = 0; i < n; i++) check(hits[i] == (i != without && filter_match(f[i], make_report(), item, &self)));
	}
}

static void check_set(const char *text, size_t size)
{
	struct filter *f[FILTERS];
	struct filter_set *set;
	uint32_t n = 0;

	check(filter_set_new(&set) == ISAC_OK);
	while (n < FILTERS && size) {
		const char *end = memchr(text, '\n', size);
		size_t len = end ? (size_t)(end - text) : size;

		if (filter_parse(&f[n], text, len, now_us, NULL) == ISAC_OK) {
			check(filter_set_add(set, n, f[n], &self) == ISAC_OK);
			n++;
		}
		text += len + (end != NULL);
		size -= len + (end != NULL);
	}
	agree(set, f, n, FILTERS);
	for (uint32_t i = 0; i < n; i++) {
		filter_set_remove(set, i);
		agree(set, f, n, i);
		check(filter_set_add(set, i, f[i], &self) == ISAC_OK);
	}
	filter_set_destroy(&set);
	for (uint32_t i = 0; i < n; i++) filter_destroy(&f[i]);
}

static void check_part(void *arg, const struct filter_part *part)
{
	check(*part->text && *part->feed && *part->history);
	++*(unsigned *)arg;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return wire_init() != ISAC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter_error why;
	struct filter *f, *again;
	struct filter_sql sql;
	char number[16];
	unsigned parts = 0;

	check_set((const char *)data, size);
	if (filter_parse(&f, (const char *)data, size, now_us, &why)) {
		check(!f && why.column >= 1 && why.column <= size + 1 && wire_text_ok(why.text, strlen(why.text)));
		return 0;
	}
	check(filter_parse(&again, filter_text(f), strlen(filter_text(f)), now_us + 1, &why) == ISAC_OK);
	check(strcmp(filter_text(f), filter_text(again)) == 0);
	check(matches(f) == matches(again));
	check(filter_to_sql(&sql, f, NULL, 3) == ISAC_OK);
	snprintf(number, sizeof(number), "$%u::text", sql.params + 2);
	check(!sql.params || strstr(sql.where, number));
	filter_sql_clear(&sql);
	check(filter_explain(f, check_part, &parts) == ISAC_OK && parts > 0);
	filter_destroy(&f);
	filter_destroy(&again);
	return 0;
}
