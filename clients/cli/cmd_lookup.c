/* isac lookup: which of many values history knows, a thousand at a time. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cli.h"
#include "input.h"

const struct cli_opt cmd_lookup_opts[] = {
	{"file", 'F', "FILE", "values from a file, - is stdin: one a line, or CSV, or JSON lines (again and again)"},
	{"type", 0, "TYPE", "type of values that do not say theirs (default: guessed)"},
	{"known", 'k', NULL, "print only those that are known"},
	{"wait", 'w', NULL, "wait until everything stored so far is indexed (default: until my own reports are)"},
	CLI_GRID_FORMAT_OPT,
	{NULL, 0, NULL, NULL},
};

static const struct cli_column columns[] = {
	{"value", 40, CLI_CELL_TEXT},	     {"type", 12, CLI_CELL_TEXT},	  {"canonical", 40, CLI_CELL_TEXT},
	{"known", 5, CLI_CELL_BOOL},	     {"state", 7, CLI_CELL_TEXT},	  {"mentions", 8, CLI_CELL_NUMBER},
	{"publishers", 10, CLI_CELL_NUMBER}, {"confidence", 10, CLI_CELL_NUMBER}, {"newest", 20, CLI_CELL_TEXT},
	{"newest_seq", 10, CLI_CELL_NUMBER},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], NUMBER_BYTES = 24 };

struct run {
	struct isac_lookup *lookup;
	enum cli_format format;
	bool known_only;
	const char *path, *type;
	uint64_t wait_seq, read, done, known, refused;
	char *given[ISAC_LOOKUP_VALUES];
	struct cli_progress bar;
};

static const char *number(char out[NUMBER_BYTES], uint64_t v)
{
	snprintf(out, NUMBER_BYTES, "%llu", (unsigned long long)v);
	return out;
}

static void print_row(const struct run *run, const char *given, const struct isac_known *k)
{
	char mentions[NUMBER_BYTES] = "0", publishers[NUMBER_BYTES] = "0", confidence[NUMBER_BYTES] = "", seq[NUMBER_BYTES] = "";
	char newest[CLI_TIME_BYTES];
	number(mentions, k->mentions);
	number(publishers, k->publishers);
	if (k->confidence >= 0) number(confidence, (uint64_t)k->confidence);
	if (k->known) number(seq, k->newest_seq);
	cli_time_format(newest, run->format == CLI_TABLE ? k->newest_us - k->newest_us % 1000000 : k->newest_us);
	const char *cells[COLUMNS] = {given,	  k->type, k->value, k->known ? "yes" : "no", k->state, mentions, publishers,
				      confidence, newest,  seq};
	cli_grid_row(run->format, columns, COLUMNS, cells);
}

/* Asks for what was gathered and prints it. 0 or an exit status. */
static int ask(struct run *run)
{
	const struct isac_known *known;
	struct isac_error err;
	size_t n;
	if (isac_lookup_ask(run->lookup, run->wait_seq, &known, &n, &err)) {
		cli_progress_clear(&run->bar);
		return cli_fail(&err);
	}
	run->wait_seq = 0;
	cli_progress_clear(&run->bar);
	for (size_t i = 0; i < n; i++) {
		run->known += known[i].known;
		if (known[i].known || !run->known_only) print_row(run, run->given[i], &known[i]);
		free(run->given[i]);
		run->given[i] = NULL;
	}
	run->done += n;
	cli_progress_show(&run->bar, run->read, run->done);
	return 0;
}

static int refuse(void *arg, unsigned line, const char *reason)
{
	struct run *run = arg;
	cli_progress_clear(&run->bar);
	if (run->path && line) cli_note("%s:%u: %s", run->path, line, reason);
	else if (run->path) cli_note("%s: %s", run->path, reason);
	else cli_note("%s", reason);
	run->refused++;
	return 0;
}

static void tell(void *arg, const char *text)
{
	struct run *run = arg;
	cli_progress_clear(&run->bar);
	cli_note("%s: %s", run->path, text);
}

static int take(void *arg, struct input_record *record, unsigned line)
{
	struct run *run = arg;
	struct isac_error err;
	size_t n = isac_lookup_count(run->lookup);
	if (n == ISAC_LOOKUP_VALUES) {
		int status = ask(run);
		if (status) return status;
		n = 0;
	}
	const char *value = record->ind.value ? record->ind.value : "";
	enum isac_result r = isac_lookup_add(run->lookup, record->ind.type, value, &err);
	if (r == ISAC_REFUSED) return refuse(run, line, err.text);
	if (r) return cli_fail(&err);
	run->given[n] = strdup(value);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): ask() or cmd_lookup frees it, at an index that the analyser loses sight of */
	return run->given[n] ? 0 : EXIT_REFUSED;
}

static uint64_t bytes_of(char *const *files, size_t n)
{
	struct stat st;
	uint64_t total = 0;
	for (size_t i = 0; i < n; i++) {
		if (stat(files[i], &st) != 0 || !S_ISREG(st.st_mode)) return 0; /* no telling how much comes */
		total += (uint64_t)st.st_size;
	}
	return total;
}

/* Words first, then files. */
static int take_all(struct run *run, const struct cli *cli, char *const *files, size_t files_n)
{
	int status = 0;
	for (int i = 0; !status && i < cli->words_n; i++) {
		struct input_record record = {.ind = {.type = run->type, .value = cli->words[i]}};
		status = take(run, &record, 0);
	}
	for (size_t i = 0; !status && i < files_n; i++) {
		struct input_conf conf = {.path = files[i], .format = "auto", .type = run->type, .bytes = &run->read};
		struct input_sink sink = {take, refuse, tell, run};
		char reason[400];
		run->path = files[i];
		status = input_read(&conf, &sink, reason, sizeof reason);
		if (status != INPUT_FAILED) continue;
		cli_note("%s: %s", files[i], reason);
		status = EXIT_USAGE;
	}
	return status ? status : ask(run);
}

int cmd_lookup(struct cli *cli)
{
	struct isac *isac = NULL;
	struct isac_error err;
	struct run run = {.known_only = cli_options_flag(cli, "known"), .type = cli_options_get(cli, "type")};
	size_t files_n;
	if (!cli_grid_format(&run.format, cli)) return EXIT_USAGE;
	if (run.type && !isac_type_known(run.type)) return cli_usage(cli, "'%s' is not a type", run.type);
	char **files = cli_options_list(cli, "file", &files_n);
	if (!cli->words_n && !files_n) {
		cli_options_free_list(files);
		return cli_usage(cli, "which values? name them, or a --file with one a line");
	}
	int status = cli_open(&isac, cli);
	if (!status) status = cli_wait_seq(&run.wait_seq, isac, cli_options_flag(cli, "wait"));
	if (!status && isac_lookup_open(&run.lookup, isac, &err)) status = cli_fail(&err);
	if (!status) {
		cli_progress_start(&run.bar, bytes_of(files, files_n));
		run.bar.noun = "values";
		cli_grid_head(run.format, columns, COLUMNS);
		status = take_all(&run, cli, files, files_n);
		cli_progress_clear(&run.bar);
	}
	if (!status && !cli_output_flush()) status = EXIT_REFUSED;
	if (!status) status = !run.known ? EXIT_REFUSED : run.refused ? EXIT_SOME_REFUSED : EXIT_DONE;
	for (size_t i = 0; i < ISAC_LOOKUP_VALUES; i++) free(run.given[i]);
	isac_lookup_close(&run.lookup);
	isac_close(&isac);
	cli_options_free_list(files);
	return status;
}
