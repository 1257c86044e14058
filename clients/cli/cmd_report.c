/* isac report: a report with its versions, and what changed from each to the next. */
#include <stdlib.h>
#include <string.h>
#include "cli.h"

const struct cli_opt cmd_report_opts[] = {
	{"publisher", 'p', "MEMBER", "whose report, if several members used the same id"},
	{"changes", 'c', NULL, "only what a version adds, removes or changes"},
	{"wait", 'w', NULL, "wait until everything stored so far is indexed (default: until my own reports are)"},
	CLI_GRID_FORMAT_OPT,
	{NULL, 0, NULL, NULL},
};

static const struct cli_column columns[] = {
	{"report_id", 36, CLI_CELL_TEXT},    {"seq", 8, CLI_CELL_NUMBER}, {"received", 20, CLI_CELL_TEXT},
	{"publisher", 12, CLI_CELL_TEXT},    {"tlp", 12, CLI_CELL_TEXT},  {"supersedes", 36, CLI_CELL_TEXT},
	{"change", 7, CLI_CELL_TEXT},	     {"type", 12, CLI_CELL_TEXT}, {"value", 44, CLI_CELL_TEXT},
	{"confidence", 10, CLI_CELL_NUMBER}, {"held", 4, CLI_CELL_BOOL},  {"description", 0, CLI_CELL_TEXT},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], ID_TEXT = 37 };

static void print_item(enum cli_format format, const struct isac_item *version, const struct isac_item *it, const char *change)
{
	char id[ID_TEXT], supersedes[ID_TEXT] = "", seq[24], confidence[24] = "", received[CLI_TIME_BYTES];
	isac_id_text(id, version->report_id);
	if (version->supersedes) isac_id_text(supersedes, version->supersedes);
	snprintf(seq, sizeof seq, "%llu", (unsigned long long)version->seq);
	if (it->confidence >= 0) snprintf(confidence, sizeof confidence, "%d", it->confidence);
	cli_time_format(received, format == CLI_TABLE ? version->received_us - version->received_us % 1000000 : version->received_us);
	const char *tlp = isac_tlp_name(version->tlp);
	const char *cells[COLUMNS] = {id,     seq,	received,  version->publisher, tlp ? tlp : "",		supersedes,
				      change, it->type, it->value, confidence,	       it->held ? "yes" : "no", it->description};
	cli_grid_row(format, columns, COLUMNS, cells);
}

static bool same_texts(const char *const *a, size_t a_n, const char *const *b, size_t b_n)
{
	if (a_n != b_n) return false;
	for (size_t i = 0; i < a_n; i++)
		if (strcmp(a[i], b[i]) != 0) return false;
	return true;
}

/* Do two items about the same value say the same? */
static bool same(const struct isac_item *a, const struct isac_item *b)
{
	return a->confidence == b->confidence && a->severity == b->severity && a->first_seen_us == b->first_seen_us &&
	       a->last_seen_us == b->last_seen_us && a->valid_from_us == b->valid_from_us && a->valid_until_us == b->valid_until_us &&
	       a->asn == b->asn && strcmp(a->country, b->country) == 0 && strcmp(a->description, b->description) == 0 &&
	       strcmp(a->raw, b->raw) == 0 && same_texts(a->tags, a->tags_n, b->tags, b->tags_n) &&
	       same_texts(a->references, a->references_n, b->references, b->references_n);
}

static int by_value(const void *a, const void *b)
{
	const struct isac_item *x = *(const struct isac_item *const *)a, *y = *(const struct isac_item *const *)b;
	int order = strcmp(x->type, y->type);
	return order ? order : strcmp(x->value, y->value);
}

/* Pointers to the indicators in order of their values; free it. What a successor withdraws is what it does not hold. NULL: out of memory.
 */
static const struct isac_item **sorted(const struct isac_version *v, size_t *n)
{
	const struct isac_item **list = calloc((v ? v->n : 0) + 1, sizeof *list);
	*n = 0;
	for (size_t i = 0; list && v && i < v->n; i++)
		if (v->items[i].kind != ISAC_KIND_WITHDRAWAL) list[(*n)++] = &v->items[i];
	if (list) qsort(list, *n, sizeof *list, by_value);
	return list;
}

/* Prints a version against the one that it replaces (NULL: that cannot be seen, or there is none). */
static bool print_version(enum cli_format format, const struct isac_version *v, const struct isac_version *before, bool changes_only)
{
	size_t i = 0, j = 0, now_n, then_n;
	const struct isac_item **now = sorted(v, &now_n), **then = sorted(before, &then_n);
	while (now && then && (i < now_n || j < then_n)) {
		int order = i == now_n ? 1 : j == then_n ? -1 : by_value(&now[i], &then[j]);
		if (order > 0) {
			print_item(format, &v->items[0], then[j++], "removed");
			continue;
		}
		const char *change = !before ? "" : order < 0 ? "added" : same(now[i], then[j]) ? "" : "changed";
		if (*change || !changes_only) print_item(format, &v->items[0], now[i], change);
		i++;
		j += order == 0;
	}
	bool done = now && then;
	free(now);
	free(then);
	if (!done) cli_note("out of memory");
	return done;
}

static const struct isac_version *replaced_by(const struct isac_versions *all, const struct isac_item *it)
{
	for (size_t i = 0; it->supersedes && i < isac_versions_count(all); i++) {
		const struct isac_version *v = isac_versions_get(all, i);
		if (v->items[0].verified && memcmp(v->items[0].report_id, it->supersedes, ISAC_ID_BYTES) == 0 &&
		    strcmp(v->items[0].publisher, it->publisher) == 0)
			return v;
	}
	return NULL;
}

static int print_all(const struct cli *cli, enum cli_format format, const struct isac_versions *all)
{
	bool bad = false;
	cli_grid_head(format, columns, COLUMNS);
	for (size_t i = 0; i < isac_versions_count(all); i++) {
		const struct isac_version *v = isac_versions_get(all, i);
		if (!v->items[0].verified) {
			bad = true;
			cli_note("seq %llu by %s FAILED verification and is not shown: %s", (unsigned long long)v->items[0].seq,
				 v->items[0].publisher, v->items[0].problem);
			continue;
		}
		if (!print_version(format, v, replaced_by(all, &v->items[0]), cli_options_flag(cli, "changes"))) return EXIT_REFUSED;
	}
	return cli_output_flush() && !bad ? EXIT_DONE : EXIT_REFUSED;
}

int cmd_report(struct cli *cli)
{
	struct isac *isac = NULL;
	struct isac_versions *all = NULL;
	struct isac_error err;
	uint8_t id[ISAC_ID_BYTES];
	enum cli_format format;
	uint64_t wait_seq;
	if (cli->words_n != 1) return cli_usage(cli, "one report's id, please");
	if (!isac_id_parse(id, cli->words[0]))
		return cli_usage(cli, "'%s' is not a report's id: 32 hex digits, as isac query shows them", cli->words[0]);
	if (!cli_grid_format(&format, cli)) return EXIT_USAGE;
	int status = cli_open(&isac, cli);
	if (!status) status = cli_wait_seq(&wait_seq, isac, cli_options_flag(cli, "wait"));
	if (!status && isac_versions_open(&all, isac, id, cli_options_get(cli, "publisher"), wait_seq, &err)) status = cli_fail(&err);
	if (!status) status = print_all(cli, format, all);
	isac_versions_close(&all);
	isac_close(&isac);
	return status;
}
