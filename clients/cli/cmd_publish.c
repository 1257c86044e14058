/*
 * isac publish: reads, checks, signs, spools, sends. A report is on disk before it is sent and leaves the disk when its receipt
 * has been verified, so whatever happens in between it goes in, and goes in once.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"
#include "input.h"

const struct cli_opt cmd_publish_opts[] = {
	{"tlp", 't', "LABEL", "clear, green, amber, amber+strict or red: who may see it"},
	{"group", 'g', "GROUP", "only for members of this group (may be repeated)"},
	{"to", 0, "MEMBER", "recipient of a red report (may be repeated)"},
	{"format", 'f', "FORMAT", "auto, jsonl, csv or plain (default auto)"},
	{"type", 0, "TYPE", "type of values that do not say theirs (default: guessed from the value)"},
	{"confidence", 'c', "N", "0 to 100, for those that do not say theirs"},
	{"tag", 0, "TAG", "added to every item (may be repeated)"},
	{"valid-for", 0, "SPAN", "30d, 12h ...: valid until then, for those that do not say"},
	{"supersedes", 0, "REPORT_ID",
	 "replaces this report of mine: what is not said again is withdrawn, and readers get both; --tlp may be lower: then say all again"},
	{"batch", 'b', "N", "items in a report, 1 to 1000 (default 1000)"},
	{"flush", 0, NULL, "send what waits in the spool, read nothing"},
	{"quiet", 'q', NULL, "no summary and no bar"},
	{NULL, 0, NULL, NULL},
};

enum { WINDOW = 64, BYTES_MAX = 200000, STEP_MS = 200, STOP = 1 };

struct job {
	struct isac_spooled file;
	struct job *next, **link;
}; /* a report under way */

struct publish {
	struct cli *cli;
	struct isac *isac;
	struct isac_batch *batch;
	struct isac_publisher *publisher;
	struct job *jobs;
	struct isac_error offline; /* result set: the hub is away, the rest only goes to the spool */
	struct cli_progress bar;
	uint64_t read;
	const char *path;
	/* defaults */
	const char *type;
	int confidence;
	char **tags;
	size_t tags_n;
	int64_t valid_until_us;
	const uint8_t *supersedes;	   /* NULL: replaces nothing */
	struct cli_feedback_list replaced; /* items of the report that it replaces */
	/* counts */
	uint64_t accepted, refused, duplicates, held, reports, waiting, kept; /* kept: reports in spool/refused */
	bool json, failed;
};

static void drop_job(struct publish *p, struct job *job)
{
	*job->link = job->next;
	if (job->next) job->next->link = job->link;
	(void)p;
	free(job);
}

static void on_receipt(void *arg, const struct isac_receipt *r)
{
	struct publish *p = arg;
	struct job *job = r->tag;
	struct isac_error err = {.result = ISAC_DONE};
	char error[600];
	cli_progress_clear(&p->bar);
	bool good = r->code == 200 || r->code == 202 || r->code == 208;
	if (r->item) snprintf(error, sizeof error, "item %u: %s", r->item, r->text);
	else snprintf(error, sizeof error, "%s", r->text ? r->text : "");
	cli_output_receipt(r, good ? NULL : error, p->json);
	p->reports++;
	if (good) {
		p->accepted += r->items;
		p->held += r->held_n;
		isac_spool_remove(&job->file, &err);
	} else if (r->code) {
		p->refused += r->items;
		p->kept++;
		isac_spool_refuse(&job->file, &err);
	} else { /* not our hub: kept for the real one */
		p->failed = true;
		isac_spool_release(&job->file);
	}
	if (err.result) {
		cli_note("%s", err.text);
		p->failed = true;
	}
	drop_job(p, job);
}

/* After this everything goes to the spool only. */
static void go_offline(struct publish *p, const struct isac_error *err)
{
	p->offline = *err;
	for (struct job *job = p->jobs, *next; job; job = next) {
		next = job->next;
		isac_spool_release(&job->file);
		p->waiting++;
		drop_job(p, job);
	}
	isac_publisher_close(&p->publisher);
}

static void step(struct publish *p)
{
	struct isac_error err;
	if (isac_publisher_step(p->publisher, STEP_MS, &err)) go_offline(p, &err);
	cli_progress_show(&p->bar, p->read, p->accepted);
}

/* Takes the file's claim. false: nothing goes any more. */
static bool send(struct publish *p, struct isac_spooled *file, const struct isac_report *report)
{
	struct isac_error err;
	while (!p->offline.result && !isac_publisher_has_room(p->publisher)) step(p);
	if (p->offline.result) {
		isac_spool_release(file);
		p->waiting++;
		return true;
	}
	struct job *job = calloc(1, sizeof *job);
	if (!job || isac_publisher_add(p->publisher, report, job, &err)) {
		cli_note("%s", job ? err.text : "out of memory");
		isac_spool_release(file);
		free(job);
		return false;
	}
	*job = (struct job){.file = *file, .next = p->jobs, .link = &p->jobs};
	if (p->jobs) p->jobs->link = &job->next;
	p->jobs = job;
	return true;
}

static bool seal(struct publish *p)
{
	struct isac_error err;
	struct isac_report report;
	struct isac_spooled file;
	if (!isac_batch_count(p->batch)) return true;
	if (isac_batch_seal(p->batch, &report, &err)) {
		cli_note("%s", err.text);
		return false;
	}
	bool good = isac_spool_put(&file, isac_home(p->isac), &report, &err) == ISAC_DONE;
	if (!good) cli_note("%s", err.text);
	else good = send(p, &file, &report);
	isac_report_clear(&report);
	return good;
}

static int refuse(void *arg, unsigned line, const char *reason)
{
	struct publish *p = arg;
	cli_progress_clear(&p->bar);
	fprintf(stderr, "%s:%u: %s\n", strcmp(p->path, "-") == 0 ? "stdin" : p->path, line, reason);
	p->refused++;
	return 0;
}

static void apply_defaults(const struct publish *p, struct input_record *r)
{
	if (r->ind.confidence < 0) r->ind.confidence = p->confidence;
	if (!r->ind.valid_until_us) r->ind.valid_until_us = p->valid_until_us;
	for (size_t i = 0; i < p->tags_n && r->ind.tags_n < INPUT_LIST_MAX; i++) {
		size_t j = 0;
		while (j < r->ind.tags_n && strcmp(r->tags[j], p->tags[i]) != 0) j++;
		if (j == r->ind.tags_n) r->tags[r->ind.tags_n++] = p->tags[i];
	}
}

static int take(void *arg, struct input_record *r, unsigned line)
{
	struct publish *p = arg;
	struct isac_error err;
	size_t tags_n = r->ind.tags_n;
	apply_defaults(p, r);
	enum isac_batch_outcome outcome = isac_batch_add(p->batch, &r->ind, &err);
	if (outcome == ISAC_BATCH_FULL && p->supersedes) {
		cli_note("a report is replaced by one report, and this is more than one can hold");
		return STOP;
	}
	if (outcome == ISAC_BATCH_FULL) {
		if (!seal(p)) return STOP;
		outcome = isac_batch_add(p->batch, &r->ind, &err);
	}
	r->ind.tags_n = tags_n; /* a CSV row may be taken several times */
	if (outcome == ISAC_BATCH_DUPLICATE) p->duplicates++;
	if (outcome == ISAC_BATCH_REFUSED) return refuse(p, line, err.text);
	cli_progress_show(&p->bar, p->read, p->accepted);
	return 0;
}

/* What the report that is replaced says and this one does not, is withdrawn in it. false after a message. */
static bool add_withdrawals(struct publish *p)
{
	struct isac_error err;
	for (size_t i = 0; i < p->replaced.n; i++) {
		if (p->replaced.items[i].took_back) continue;
		enum isac_batch_outcome outcome = isac_batch_add_feedback(p->batch, &p->replaced.items[i].said, &err);
		if (outcome == ISAC_BATCH_ADDED || outcome == ISAC_BATCH_DUPLICATE) continue;
		cli_note("%s",
			 outcome == ISAC_BATCH_FULL ? "a report is replaced by one report, and this is more than one can hold" : err.text);
		return false;
	}
	return true;
}

/* What waits goes first, in the order it was made. */
static void flush_spool(struct publish *p)
{
	char **names;
	size_t n;
	struct isac_error err;
	if (isac_spool_list(&names, &n, isac_home(p->isac), &err)) {
		cli_note("%s", err.text);
		p->failed = true;
	}
	for (size_t i = 0; i < n; i++) {
		struct isac_spooled file;
		struct isac_report report;
		enum isac_result r = p->offline.result ? ISAC_QUIET : isac_spool_take(&file, &report, isac_home(p->isac), names[i], &err);
		if (p->offline.result) p->waiting++;
		if (r == ISAC_DONE) {
			if (!send(p, &file, &report)) p->failed = true;
			isac_report_clear(&report);
		} else if (r != ISAC_QUIET) {
			cli_note("%s", err.text);
			p->failed = true;
			if (r == ISAC_REFUSED) isac_spool_refuse(&file, NULL);
		}
		free(names[i]);
	}
	free(names);
}

static uint64_t total_bytes(char **paths, int n)
{
	uint64_t total = 0;
	struct stat st;
	for (int i = 0; i < n; i++) {
		if (stat(paths[i], &st) != 0 || !S_ISREG(st.st_mode)) return 0;
		total += (uint64_t)st.st_size;
	}
	return total;
}

/* 0, or an exit status after a message. */
static int read_files(struct publish *p, const char *format)
{
	static char dash[] = "-", *stdin_only[] = {dash};
	char **paths = p->cli->words_n ? p->cli->words : stdin_only, reason[600];
	int n = p->cli->words_n ? p->cli->words_n : 1, status = 0;
	struct input_sink sink = {take, refuse, p};
	if (!p->cli->words_n && isatty(STDIN_FILENO) == 1) cli_note("reading values from the terminal; end with Ctrl-D");
	if (!cli_options_flag(p->cli, "quiet")) cli_progress_start(&p->bar, total_bytes(paths, p->cli->words_n));
	for (int i = 0; i < n && !status; i++) {
		struct input_conf conf = {.path = p->path = paths[i], .format = format, .type = p->type, .bytes = &p->read};
		int r = input_read(&conf, &sink, reason, sizeof reason);
		if (r == INPUT_FAILED) {
			cli_progress_clear(&p->bar);
			cli_note("%s", reason);
			status = EXIT_USAGE;
		} else if (r) {
			status = EXIT_REFUSED;
		}
	}
	if (p->supersedes && (status || !add_withdrawals(p)))
		return status ? status : EXIT_REFUSED; /* half of it would withdraw the other */
	if (!seal(p)) status = EXIT_REFUSED;	       /* what was read before an error is good */
	return status;
}

static int finish(struct publish *p, int status)
{
	while (!p->offline.result && isac_publisher_pending(p->publisher)) step(p);
	cli_progress_clear(&p->bar);
	if (!cli_output_flush()) p->failed = true;
	if (!cli_options_flag(p->cli, "quiet")) {
		cli_note("%llu items accepted%s in %llu reports; %llu refused, %llu duplicates dropped", (unsigned long long)p->accepted,
			 p->held ? " (some held)" : "", (unsigned long long)p->reports, (unsigned long long)p->refused,
			 (unsigned long long)p->duplicates);
		if (p->kept)
			cli_note("%llu refused reports are kept in %s/spool/refused: publish the file again once the cause is mended",
				 (unsigned long long)p->kept, isac_home(p->isac));
		if (p->held) cli_note("%llu items are held: stored, but in no feed until confirmed", (unsigned long long)p->held);
	}
	if (p->offline.result) {
		cli_note("%s", p->offline.text);
		if (p->waiting)
			cli_note("%llu reports wait in %s/spool; the next publish, or `isac publish --flush`, sends them first",
				 (unsigned long long)p->waiting, isac_home(p->isac));
		return p->offline.result == ISAC_UNREACHABLE ? EXIT_UNREACHABLE : EXIT_REFUSED;
	}
	if (status || p->failed) return status ? status : EXIT_REFUSED;
	if (!p->refused) return EXIT_DONE;
	return p->accepted || p->duplicates ? EXIT_SOME_REFUSED : EXIT_REFUSED;
}

/* false after a message. */
static bool read_options(struct publish *p, struct isac_report_conf *conf, long long *batch)
{
	struct cli *cli = p->cli;
	const char *tlp = cli_options_get(cli, "tlp"), *format = cli_options_get(cli, "format"), *span = cli_options_get(cli, "valid-for");
	long long confidence = -1;
	int64_t span_us = 0;
	bool flush = cli_options_flag(cli, "flush");
	if (!tlp && !flush) return cli_usage(cli, "--tlp is missing: clear, green, amber, amber+strict or red"), false;
	if (tlp && !(conf->tlp = isac_tlp_parse(tlp)))
		return cli_usage(cli, "'%s' is not a label: clear, green, amber, amber+strict or red", tlp), false;
	if (format && (strcmp(format, "stix") == 0 || strcmp(format, "misp") == 0))
		return cli_usage(cli, "this version does not read %s yet; it reads jsonl, csv and plain", format), false;
	if (format && !input_format_known(format)) return cli_usage(cli, "'%s' is not a format: auto, jsonl, csv or plain", format), false;
	p->type = cli_options_get(cli, "type");
	if (p->type && *input_type_alias(p->type)) p->type = input_type_alias(p->type);
	if (p->type && !isac_type_known(p->type))
		return cli_usage(cli, "'%s' is not a type: ipv4, ipv6, cidr, domain, url, email, md5, sha1, sha256 ...", p->type), false;
	if (!cli_options_number(cli, "confidence", 0, 100, &confidence) || !cli_options_number(cli, "batch", 1, 1000, batch)) return false;
	p->confidence = (int)confidence;
	if (span && !cli_time_span(&span_us, span)) return cli_usage(cli, "--valid-for is a span like 30d or 12h, not '%s'", span), false;
	p->valid_until_us = span ? cli_time_now_us() + span_us : 0;
	if (flush && cli->words_n) return cli_usage(cli, "--flush reads no files"), false;
	if (flush && conf->supersedes) return cli_usage(cli, "--flush sends what is made already: it goes without --supersedes"), false;
	return true;
}

int cmd_publish(struct cli *cli)
{
	struct publish p = {.cli = cli, .json = cli_options_flag(cli, "json"), .confidence = -1};
	struct isac_report_conf conf = {.tlp = ISAC_TLP_NONE};
	struct isac_error err;
	long long batch = 1000;
	const char *format = cli_options_get(cli, "format"), *replaces = cli_options_get(cli, "supersedes");
	uint8_t replaced[ISAC_ID_BYTES];
	if (replaces && !isac_id_parse(replaced, replaces))
		return cli_usage(cli, "'%s' is not a report_id: 32 hexadecimal digits", replaces);
	conf.supersedes = p.supersedes = replaces ? replaced : NULL;
	if (!read_options(&p, &conf, &batch)) return EXIT_USAGE;
	char **groups = cli_options_list(cli, "group", &conf.groups_n), **to = cli_options_list(cli, "to", &conf.recipients_n);
	conf.groups = (const char *const *)groups;
	conf.recipients = (const char *const *)to;
	p.tags = cli_options_list(cli, "tag", &p.tags_n);
	int status = cli_open(&p.isac, cli);
	bool flush = cli_options_flag(cli, "flush");
	if (!status && replaces) status = cli_feedback_of_report(&p.replaced, p.isac, replaced);
	if (!status && !flush && isac_batch_open(&p.batch, p.isac, &conf, (uint32_t)batch, BYTES_MAX, &err)) status = cli_fail(&err);
	if (!status && isac_publisher_open(&p.publisher, p.isac, WINDOW, on_receipt, &p, &err)) status = cli_fail(&err);
	if (!status) {
		flush_spool(&p);
		if (!flush) status = read_files(&p, format ? format : "auto");
		status = finish(&p, status);
	}
	isac_publisher_close(&p.publisher);
	isac_batch_close(&p.batch);
	cli_feedback_clear(&p.replaced);
	isac_close(&p.isac);
	cli_options_free_list(groups);
	cli_options_free_list(to);
	cli_options_free_list(p.tags);
	return status;
}
