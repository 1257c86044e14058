/* isac stats: counts, score cards, overlaps. */
#include <stdlib.h>
#include <string.h>
#include "cli.h"

const struct cli_opt cmd_stats_opts[] = {
	{"since", 's', "TIME", "received at or after: a time, or an age like 90d (default 30d)"},
	{"until", 'u', "TIME", "received before (default: now)"},
	{"by", 'b', "WHAT", "day, type, publisher, country or asn (default: only the total)"},
	{"scorecard", 0, NULL, "of each PUBLISHER: values it was first with, values nobody else has, how far ahead of others it was"},
	{"overlap", 0, NULL, "values that each two publishers have in common"},
	{"wait", 'w', NULL, "wait until everything stored so far is indexed (default: until my own reports are)"},
	CLI_GRID_FORMAT_OPT,
	{NULL, 0, NULL, NULL},
};

static const char *const by_names[] = {
	[ISAC_STATISTICS_DAY] = "day",	       [ISAC_STATISTICS_TYPE] = "type", [ISAC_STATISTICS_PUBLISHER] = "publisher",
	[ISAC_STATISTICS_COUNTRY] = "country", [ISAC_STATISTICS_ASN] = "asn",
};

enum { CELL = 32, CELLS_MAX = 10 };
struct cells {
	char text[CELLS_MAX][CELL];
	const char *at[CELLS_MAX];
	size_t n;
};

static void put_text(struct cells *c, const char *text)
{
	c->at[c->n++] = text;
}

static void put_number(struct cells *c, uint64_t v)
{
	snprintf(c->text[c->n], CELL, "%llu", (unsigned long long)v);
	c->at[c->n] = c->text[c->n];
	c->n++;
}

/* A share of 100 with one digit behind the point; empty if there is nothing to share. */
static void put_share(struct cells *c, uint64_t part, uint64_t whole)
{
	if (whole) snprintf(c->text[c->n], CELL, "%.1f%%", (double)part * 100 / (double)whole);
	else c->text[c->n][0] = 0;
	c->at[c->n] = c->text[c->n];
	c->n++;
}

static void print_count(enum cli_format format, const struct cli_column *columns, const struct isac_count *count, const char *name)
{
	struct cells c = {.n = 0};
	put_text(&c, name);
	put_number(&c, count->mentions);
	put_number(&c, count->values);
	put_number(&c, count->reports);
	put_number(&c, count->publishers);
	cli_grid_row(format, columns, c.n, c.at);
}

static void print_counts(enum cli_format format, enum isac_question question, const struct isac_statistics *s)
{
	bool groups = question != ISAC_STATISTICS_TOTAL;
	struct cli_column columns[] = {{groups ? by_names[question] : "span", 20, CLI_CELL_TEXT},
				       {"mentions", 10, CLI_CELL_NUMBER},
				       {"values", 10, CLI_CELL_NUMBER},
				       {"reports", 10, CLI_CELL_NUMBER},
				       {"publishers", 10, CLI_CELL_NUMBER}};
	char from[CLI_TIME_BYTES], until[CLI_TIME_BYTES], span[2 * CLI_TIME_BYTES + 1];
	cli_grid_head(format, columns, sizeof columns / sizeof columns[0]);
	for (size_t i = 0; i < s->counts_n; i++) print_count(format, columns, &s->counts[i], s->counts[i].name);
	if (groups && format != CLI_TABLE) return; /* a line that is no group would be taken for one */
	cli_time_format(from, s->since_us - s->since_us % 1000000);
	cli_time_format(until, s->until_us - s->until_us % 1000000);
	snprintf(span, sizeof span, "%s/%s", from, until);
	print_count(format, columns, &s->total, groups ? "in all" : span);
}

static void print_scores(enum cli_format format, const struct isac_statistics *s)
{
	static const struct cli_column columns[] = {
		{"publisher", 16, CLI_CELL_TEXT},    {"mentions", 10, CLI_CELL_NUMBER},	 {"values", 10, CLI_CELL_NUMBER},
		{"first", 10, CLI_CELL_NUMBER},	     {"first_share", 11, CLI_CELL_TEXT}, {"unique", 10, CLI_CELL_NUMBER},
		{"unique_share", 12, CLI_CELL_TEXT}, {"led", 8, CLI_CELL_NUMBER},	 {"median_lead_s", 13, CLI_CELL_NUMBER},
	};
	cli_grid_head(format, columns, sizeof columns / sizeof columns[0]);
	for (size_t i = 0; i < s->scores_n; i++) {
		const struct isac_score *score = &s->scores[i];
		struct cells c = {.n = 0};
		put_text(&c, score->publisher);
		put_number(&c, score->mentions);
		put_number(&c, score->values);
		put_number(&c, score->first);
		put_share(&c, score->first, score->values);
		put_number(&c, score->unique);
		put_share(&c, score->unique, score->values);
		put_number(&c, score->led);
		if (score->led) put_number(&c, (uint64_t)(score->lead_us / 1000000));
		else put_text(&c, "");
		cli_grid_row(format, columns, c.n, c.at);
	}
}

static uint64_t values_of(const struct isac_statistics *s, const char *publisher)
{
	for (size_t i = 0; i < s->overlaps_n; i++)
		if (strcmp(s->overlaps[i].a, publisher) == 0 && strcmp(s->overlaps[i].b, publisher) == 0) return s->overlaps[i].values;
	return 0;
}

static void print_overlaps(enum cli_format format, const struct isac_statistics *s)
{
	static const struct cli_column columns[] = {
		{"a", 16, CLI_CELL_TEXT},      {"b", 16, CLI_CELL_TEXT},      {"common", 10, CLI_CELL_NUMBER},
		{"of_a", 10, CLI_CELL_NUMBER}, {"of_b", 10, CLI_CELL_NUMBER}, {"share_a", 8, CLI_CELL_TEXT},
		{"share_b", 8, CLI_CELL_TEXT},
	};
	cli_grid_head(format, columns, sizeof columns / sizeof columns[0]);
	for (size_t i = 0; i < s->overlaps_n; i++) {
		const struct isac_overlap *o = &s->overlaps[i];
		uint64_t of_a = values_of(s, o->a), of_b = values_of(s, o->b);
		struct cells c = {.n = 0};
		put_text(&c, o->a);
		put_text(&c, o->b);
		put_number(&c, o->values);
		put_number(&c, of_a);
		put_number(&c, of_b);
		put_share(&c, o->values, of_a);
		put_share(&c, o->values, of_b);
		cli_grid_row(format, columns, c.n, c.at);
	}
}

static bool read_question(struct cli *cli, struct isac_statistics_conf *conf)
{
	const char *by = cli_options_get(cli, "by");
	bool scores = cli_options_flag(cli, "scorecard"), overlap = cli_options_flag(cli, "overlap");
	if ((by != NULL) + scores + overlap > 1) cli_usage(cli, "only one of --by, --scorecard and --overlap");
	else if (cli->words_n > scores) cli_usage(cli, scores ? "one publisher at most" : "a PUBLISHER goes with --scorecard");
	else if (scores || overlap) {
		conf->question = scores ? ISAC_STATISTICS_SCORES : ISAC_STATISTICS_OVERLAP;
		if (cli->words_n) conf->publisher = cli->words[0];
		return true;
	} else {
		for (unsigned i = 0; i < sizeof by_names / sizeof by_names[0]; i++)
			if (by && by_names[i] && strcmp(by, by_names[i]) == 0) conf->question = (enum isac_question)i;
		if (!by || conf->question != ISAC_STATISTICS_TOTAL) return true;
		cli_usage(cli, "--by is day, type, publisher, country or asn, not '%s'", by);
	}
	return false;
}

int cmd_stats(struct cli *cli)
{
	struct isac *isac = NULL;
	struct isac_error err;
	struct isac_statistics_conf conf = {.question = ISAC_STATISTICS_TOTAL};
	const struct isac_statistics *s;
	enum cli_format format;
	if (!cli_grid_format(&format, cli) || !read_question(cli, &conf)) return EXIT_USAGE;
	if (!cli_options_time(cli, "since", &conf.since_us) || !cli_options_time(cli, "until", &conf.until_us)) return EXIT_USAGE;
	int status = cli_open(&isac, cli);
	if (!status) status = cli_wait_seq(&conf.wait_seq, isac, cli_options_flag(cli, "wait"));
	if (!status && isac_statistics(&s, isac, &conf, &err)) status = cli_fail(&err);
	if (!status) {
		if (conf.question == ISAC_STATISTICS_SCORES) print_scores(format, s);
		else if (conf.question == ISAC_STATISTICS_OVERLAP) print_overlaps(format, s);
		else print_counts(format, conf.question, s);
		if (!cli_output_flush()) status = EXIT_REFUSED;
	}
	isac_close(&isac);
	return status;
}
