/* isac preview: what a feed with this filter would have brought. It counts slice by slice, so that a long one shows how far it is. */
#include "cli.h"

enum { ITEMS_MAX = 100 };

const struct cli_opt cmd_preview_opts[] = {
	{"filter", 'F', "FILTER", "the filter to try; isac-filter(7)"},
	{"since", 's', "TIME", "received at or after: 2026-01-31, 2026-01-31T12:00:00Z, or an age like 7d (default: everything kept)"},
	{"until", 'u', "TIME", "received before"},
	{"items", 'i', "N", "show the newest N items that would have come, at most 100"},
	{"scan", 0, "N", "look at about N reports at most, 0 = all (default 1000000)"},
	{"cursor", 0, "HEX", "go on where a preview with the same filter stopped"},
	{NULL, 0, NULL, NULL},
};

static json_t *tallies_json(const struct isac_tally *t, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I}", "name", t[i].name, "reports", (json_int_t)t[i].reports,
						      "items", (json_int_t)t[i].items, "held", (json_int_t)t[i].held));
	return list;
}

/* NULL after a message; *bad if some item did not verify. */
static json_t *newest_json(struct isac_preview *p, bool *bad)
{
	const struct isac_item *item;
	struct isac_error err;
	enum isac_result r;
	json_t *list = json_array();
	while ((r = isac_preview_next(p, &item, &err)) == ISAC_DONE) {
		if (item->verified) json_array_append_new(list, cli_output_item_json(item));
		else *bad = true;
	}
	if (r == ISAC_END) return list;
	cli_fail(&err);
	json_decref(list);
	return NULL;
}

static int print_json(struct isac_preview *p)
{
	const struct isac_preview_result *r = isac_preview_so_far(p);
	bool bad = false;
	json_t *newest = newest_json(p, &bad);
	if (!newest) return EXIT_REFUSED;
	cli_output_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:b, s:s, s:o}", "filter", r->filter, "from_seq",
				  (json_int_t)r->from_seq, "scanned_seq", (json_int_t)r->scanned_seq, "until_seq", (json_int_t)r->until_seq,
				  "scanned", (json_int_t)r->scanned, "reports", (json_int_t)r->reports, "items", (json_int_t)r->items,
				  "held", (json_int_t)r->held, "types", tallies_json(r->types, r->types_n), "publishers",
				  tallies_json(r->publishers, r->publishers_n), "days", tallies_json(r->days, r->days_n), "complete",
				  !*r->cursor, "cursor", r->cursor, "newest", newest));
	return bad ? EXIT_REFUSED : EXIT_DONE;
}

static void print_tallies(const char *title, const struct isac_tally *t, size_t n)
{
	if (!n) return;
	printf("\n%-24s %10s %10s %10s\n", title, "ITEMS", "REPORTS", "HELD BACK");
	for (size_t i = 0; i < n; i++)
		printf("%-24s %10llu %10llu %10llu\n", t[i].name, (unsigned long long)t[i].items, (unsigned long long)t[i].reports,
		       (unsigned long long)t[i].held);
}

static int print_text(struct isac_preview *p, uint32_t items)
{
	const struct isac_preview_result *r = isac_preview_so_far(p);
	const struct isac_item *item;
	struct isac_error err;
	enum isac_result next;
	bool bad = false;
	printf("filter      %s\n", r->filter);
	printf("looked at   %llu reports, after seq %llu up to %llu\n", (unsigned long long)r->scanned, (unsigned long long)r->from_seq,
	       (unsigned long long)r->scanned_seq);
	printf("would bring %llu items in %llu reports\n", (unsigned long long)r->items, (unsigned long long)r->reports);
	printf("held back   %llu items that match\n", (unsigned long long)r->held);
	print_tallies("TYPE", r->types, r->types_n);
	print_tallies("PUBLISHER", r->publishers, r->publishers_n);
	print_tallies("DAY", r->days, r->days_n);
	if (!items) return EXIT_DONE;
	putchar('\n');
	cli_output_head(CLI_TABLE);
	while ((next = isac_preview_next(p, &item, &err)) == ISAC_DONE) {
		if (item->verified) cli_output_item(CLI_TABLE, item);
		else {
			bad = true;
			cli_note("seq %llu by %s FAILED verification and is not shown: %s", (unsigned long long)item->seq, item->publisher,
				 item->problem);
		}
	}
	if (next != ISAC_END) return cli_fail(&err);
	return bad ? EXIT_REFUSED : EXIT_DONE;
}

static int run(struct isac_preview *p, uint64_t scan, const char *filter)
{
	const struct isac_preview_result *r = isac_preview_so_far(p);
	struct cli_progress progress;
	struct isac_error err;
	enum isac_result step;
	cli_progress_start(&progress, 0);
	do {
		step = isac_preview_step(p, &err);
		progress.total = r->until_seq - r->from_seq;
		cli_progress_show(&progress, r->scanned_seq - r->from_seq, r->items);
	} while (step == ISAC_DONE && (!scan || r->scanned < scan));
	cli_progress_clear(&progress);
	if (step == ISAC_DONE || step == ISAC_END) return EXIT_DONE;
	if (!err.column) return cli_fail(&err);
	cli_fail_filter(&err, filter);
	return EXIT_USAGE;
}

int cmd_preview(struct cli *cli)
{
	struct isac *isac = NULL;
	struct isac_preview *p = NULL;
	struct isac_error err;
	long long items = 0, scan = 1000000;
	const char *filter = cli_options_get(cli, "filter");
	if (cli->words_n > (filter ? 0 : 1)) return cli_usage(cli, "one filter at most: put it in quotes");
	struct isac_preview_conf conf = {.filter = filter	  ? filter
						   : cli->words_n ? cli->words[0]
								  : "",
					 .cursor = cli_options_get(cli, "cursor")};
	if (!cli_options_number(cli, "items", 0, ITEMS_MAX, &items) || !cli_options_number(cli, "scan", 0, INT64_MAX, &scan))
		return EXIT_USAGE;
	if (!cli_options_time(cli, "since", &conf.since_us) || !cli_options_time(cli, "until", &conf.until_us)) return EXIT_USAGE;
	conf.items = (uint32_t)items;
	int status = cli_open(&isac, cli);
	if (status) return status;
	if (isac_preview_open(&p, isac, &conf, &err)) status = cli_fail(&err);
	if (!status) status = run(p, (uint64_t)scan, conf.filter);
	if (!status) status = cli_options_flag(cli, "json") ? print_json(p) : print_text(p, conf.items);
	if (!status && *isac_preview_so_far(p)->cursor)
		cli_note("stopped at seq %llu of %llu; to go on: the same command with --cursor %s",
			 (unsigned long long)isac_preview_so_far(p)->scanned_seq, (unsigned long long)isac_preview_so_far(p)->until_seq,
			 isac_preview_so_far(p)->cursor);
	isac_preview_close(&p);
	isac_close(&isac);
	if (!cli_output_flush() && !status) status = EXIT_REFUSED;
	return status;
}
