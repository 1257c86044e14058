/* isac related: what stands near a value. */
#include "cli.h"

const struct cli_opt cmd_related_opts[] = {
	{"limit", 'l', "N", "values shown of each relation, 1 to 100 (default 20)"},
	{"type", 0, "TYPE", "the value's type (default: guessed)"},
	{"wait", 'w', NULL, "wait until everything stored so far is indexed (default: until my own reports are)"},
	CLI_GRID_FORMAT_OPT,
	{NULL, 0, NULL, NULL},
};

static const struct cli_column columns[] = {
	{"relation", 8, CLI_CELL_TEXT}, {"place", 20, CLI_CELL_TEXT},	     {"of", 5, CLI_CELL_NUMBER},
	{"type", 12, CLI_CELL_TEXT},	{"value", 44, CLI_CELL_TEXT},	     {"mentions", 8, CLI_CELL_NUMBER},
	{"newest", 20, CLI_CELL_TEXT},	{"newest_seq", 10, CLI_CELL_NUMBER},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void print_relation(enum cli_format format, const struct isac_relation *r)
{
	char of[24], mentions[24], newest[CLI_TIME_BYTES], seq[24];
	snprintf(of, sizeof of, "%u", r->count);
	for (size_t i = 0; i < r->n; i++) {
		const struct isac_related_value *v = &r->values[i];
		snprintf(mentions, sizeof mentions, "%llu", (unsigned long long)v->mentions);
		snprintf(seq, sizeof seq, "%llu", (unsigned long long)v->newest_seq);
		cli_time_format(newest, format == CLI_TABLE ? v->newest_us - v->newest_us % 1000000 : v->newest_us);
		const char *cells[COLUMNS] = {r->name, r->place, of, v->type, v->value, mentions, newest, seq};
		cli_grid_row(format, columns, COLUMNS, cells);
	}
}

int cmd_related(struct cli *cli)
{
	struct isac *isac = NULL;
	struct isac_error err;
	const struct isac_relation *relations;
	const char *type = cli_options_get(cli, "type");
	enum cli_format format;
	long long limit = 20;
	uint64_t wait_seq;
	size_t n = 0, shown = 0;
	if (cli->words_n != 1) return cli_usage(cli, "one value, please");
	if (!cli_grid_format(&format, cli) || !cli_options_number(cli, "limit", 1, 100, &limit)) return EXIT_USAGE;
	if (type && !isac_type_known(type)) return cli_usage(cli, "'%s' is not a type", type);
	int status = cli_open(&isac, cli);
	if (!status) status = cli_wait_seq(&wait_seq, isac, cli_options_flag(cli, "wait"));
	if (!status && isac_related(&relations, &n, isac, type, cli->words[0], (uint32_t)limit, wait_seq, &err)) status = cli_fail(&err);
	if (!status) cli_grid_head(format, columns, COLUMNS);
	for (size_t i = 0; !status && i < n; i++) {
		print_relation(format, &relations[i]);
		shown += relations[i].n;
	}
	if (!status && !cli_output_flush()) status = EXIT_REFUSED;
	if (!status && !shown && format == CLI_TABLE) cli_note("nothing that stands near it is known");
	isac_close(&isac);
	return status;
}
