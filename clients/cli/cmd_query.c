/* isac query: history, newest first. Items that do not verify are never printed as good. */
#include <string.h>
#include <unistd.h>
#include "cli.h"

const struct cli_opt cmd_query_opts[] = {
	{"since", 's', "TIME", "received at or after: 2026-01-31, 2026-01-31T12:00:00Z, or an age like 7d"},
	{"until", 'u', "TIME", "received before"},
	{"as-of", 0, "SEQ", "as the history stood at this sequence number"},
	{"limit", 'l', "N", "most items, 0 = all (default 1000; all, if the format is written whole)"},
	{"wait", 'w', NULL, "wait until everything stored so far is indexed (default: until my own reports are)"},
	{"held", 0, NULL, "held items too: my own, or all with the role analyst"},
	{"format", 'f', "FORMAT",
	 "jsonl, csv, plain, table, stix, misp; or whole: rpz, suricata, zeek, nft, ipset, hsb, values (default: table on a terminal, else "
	 "jsonl)"},
	CLI_WHOLE_OPTS{NULL, 0, NULL, NULL},
};

/* Where items go that are not printed one by one: at most one of the two. */
struct sinks {
	struct cli_whole *whole;
	struct cli_foreign *foreign;
};

static bool put(const struct sinks *to, enum cli_format format, const struct isac_item *item)
{
	if (to->whole) return cli_whole_add(to->whole, item);
	if (to->foreign) return cli_foreign_add(to->foreign, item);
	cli_output_item(format, item);
	return true;
}

static bool end(const struct sinks *to)
{
	return to->whole ? cli_whole_write(to->whole) : to->foreign ? cli_foreign_end(to->foreign) : cli_output_flush();
}

static int print_all(struct isac_query *q, enum cli_format format, const struct sinks *to, const char *filter)
{
	struct isac_error err;
	const struct isac_item *item;
	enum isac_result r;
	bool bad = false, started = false;
	struct cli_progress bar = {.on = false};
	uint64_t items = 0;
	bool silent = to->whole || to->foreign;
	if (silent) cli_progress_start(&bar, 0);
	while ((r = isac_query_next(q, &item, &err)) == ISAC_DONE) {
		if (!started) cli_output_head(format);
		started = true;
		if (item->verified) {
			if (!put(to, format, item)) return EXIT_REFUSED;
			if (silent) cli_progress_show(&bar, 0, ++items);
			continue;
		}
		bad = true;
		cli_note("seq %llu by %s FAILED verification and is not shown: %s", (unsigned long long)item->seq, item->publisher,
			 item->problem);
	}
	cli_progress_clear(&bar);
	if (r == ISAC_END) {
		if (!started && format == CLI_TABLE) cli_note("nothing found");
		if (!end(to)) return EXIT_REFUSED;
		return bad ? EXIT_REFUSED : EXIT_DONE;
	}
	fflush(stdout);
	if (!err.column) return cli_fail(&err);
	cli_fail_filter(&err, filter);
	return EXIT_USAGE;
}

int cmd_query(struct cli *cli)
{
	struct isac *isac = NULL;
	struct isac_query *q = NULL;
	struct isac_error err;
	const struct isac_status *s;
	long long limit = 1000, as_of = 0;
	enum cli_format format;
	if (cli->words_n > 1) return cli_usage(cli, "one filter at most: put it in quotes");
	struct isac_query_conf conf = {.filter = cli->words_n ? cli->words[0] : "", .held = cli_options_flag(cli, "held")};
	if (!cli_options_number(cli, "limit", 0, 1000000000000, &limit) || !cli_options_number(cli, "as-of", 1, INT64_MAX, &as_of))
		return EXIT_USAGE;
	if (!cli_options_time(cli, "since", &conf.since_us) || !cli_options_time(cli, "until", &conf.until_us)) return EXIT_USAGE;
	if (!cli_output_format(&format, cli, isatty(STDOUT_FILENO) == 1 ? CLI_TABLE : CLI_JSONL, true)) return EXIT_USAGE;
	if (format >= CLI_WHOLE && !cli_options_get(cli, "limit")) limit = 0; /* the newest thousand would pass for all */
	conf.limit = (uint64_t)limit;
	conf.as_of_seq = (uint64_t)as_of;
	struct sinks to = {.whole = NULL};
	int status = cli_whole_open(&to.whole, cli, format);
	if (!status) status = cli_open(&isac, cli);
	if (!status) status = cli_foreign_open(&to.foreign, cli, isac, format, false);
	if (!status && isac_status(&s, isac, &err)) status = cli_fail(&err);
	if (!status) {
		conf.wait_seq = cli_options_flag(cli, "wait") ? s->head_seq : s->last_receipt_seq;
		if (conf.wait_seq <= s->indexed_seq) conf.wait_seq = 0;
		if (isac_query_open(&q, isac, &conf, &err)) status = cli_fail(&err);
	}
	if (!status) status = print_all(q, format, &to, conf.filter);
	isac_query_close(&q);
	isac_close(&isac);
	cli_whole_close(&to.whole);
	cli_foreign_close(&to.foreign);
	return status;
}
