/*
 * Any bytes as a filter: they parse or are refused with a column inside the text; what parses has a normal form that is its own,
 * matches alike in both, and becomes SQL whose parameters are numbered without gaps.
 */
#include <stdlib.h>
#include <string.h>

#include "filter/filter.h"

static const int64_t now_us = 1769846400000000;

static void check(bool holds)
{
	if (!holds) abort();
}

static bool matches(const struct filter *f)
{
	static char *tags[] = {(char *)"c2", (char *)"scanner"};
	static Isac1__Header header;
	static Isac1__Indicator ind;
	static struct report_item item;
	static struct report report;
	static const struct member_net net = {{203, 0, 113, 0}, 4, 24};
	static const struct member self = {.id = 1, .nets = &net, .nets_n = 1};

	isac1__header__init(&header);
	isac1__indicator__init(&ind);
	header.kind = 1;
	header.tlp = 3;
	ind.confidence_plus1 = 61;
	ind.tags = tags;
	ind.n_tags = 2;
	item.ind = &ind;
	item.value = (struct wire_value){.type = WIRE_VALUE_URL,
					 .text = (char *)"http://203.0.113.9/",
					 .len = 19,
					 .addr = {203, 0, 113, 9},
					 .family = 4,
					 .prefix = 32,
					 .host = "203.0.113.9"};
	snprintf(report.publisher, sizeof(report.publisher), "alice");
	report.header = &header;
	report.items = &item;
	report.n = 1;
	return filter_match(f, &report, 0, &self);
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
	filter_destroy(&f);
	filter_destroy(&again);
	return 0;
}
