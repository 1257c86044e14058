/* isac life: in which state values are, and how much of their confidence is left. */
#include "cli.h"

const struct cli_opt cmd_life_opts[] = {
	{"type", 0, "TYPE", "type of the values (default: guessed)"},
	{"wait", 'w', NULL, "wait until everything stored so far is indexed (default: until my own reports are)"},
	CLI_GRID_FORMAT_OPT,
	{NULL, 0, NULL, NULL},
};

static const struct cli_column columns[] = {
	{"value", 40, CLI_CELL_TEXT},
	{"type", 12, CLI_CELL_TEXT},
	{"state", 9, CLI_CELL_TEXT},
	{"score", 5, CLI_CELL_NUMBER},
	{"confidence", 10, CLI_CELL_NUMBER},
	{"until", 20, CLI_CELL_TEXT},
	{"mentions", 8, CLI_CELL_NUMBER},
	{"withdrawn", 9, CLI_CELL_NUMBER},
	{"publishers", 10, CLI_CELL_NUMBER},
	{"positive", 8, CLI_CELL_NUMBER},
	{"false_positive", 14, CLI_CELL_NUMBER},
	{"expired", 7, CLI_CELL_NUMBER},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void print_life(enum cli_format format, const struct isac_life *l)
{
	char number[8][16], until[CLI_TIME_BYTES];
	const uint32_t counts[] = {l->score, l->mentions, l->withdrawn, l->publishers, l->positive, l->false_positive, l->expired};
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) snprintf(number[i], sizeof number[i], "%u", counts[i]);
	snprintf(number[7], sizeof number[7], "%d", l->confidence);
	cli_time_format(until, format == CLI_TABLE ? l->end_us - l->end_us % 1000000 : l->end_us);
	const char *cells[COLUMNS] = {l->value,
				      l->type,
				      isac_life_state_name(l->state),
				      number[0],
				      l->confidence < 0 ? "" : number[7],
				      until,
				      number[1],
				      number[2],
				      number[3],
				      number[4],
				      number[5],
				      number[6]};
	cli_grid_row(format, columns, COLUMNS, cells);
}

int cmd_life(struct cli *cli)
{
	struct isac *isac = NULL;
	struct isac_error err;
	struct isac_life life;
	const char *type = cli_options_get(cli, "type");
	enum cli_format format;
	uint64_t wait_seq = 0;
	bool unknown = false;
	if (!cli->words_n) return cli_usage(cli, "name a value, or several");
	if (!cli_grid_format(&format, cli)) return EXIT_USAGE;
	if (type && !isac_type_known(type)) return cli_usage(cli, "'%s' is not a type", type);
	int status = cli_open(&isac, cli);
	if (!status) status = cli_wait_seq(&wait_seq, isac, cli_options_flag(cli, "wait"));
	if (!status) cli_grid_head(format, columns, COLUMNS);
	for (int i = 0; !status && i < cli->words_n; i++) {
		if (isac_life(&life, isac, type, cli->words[i], wait_seq, &err)) {
			status = cli_fail(&err);
			break;
		}
		print_life(format, &life);
		unknown |= life.state == ISAC_LIFE_UNKNOWN;
	}
	if (!status && !cli_output_flush()) status = EXIT_REFUSED;
	isac_close(&isac);
	return status ? status : unknown ? EXIT_REFUSED : EXIT_DONE;
}
