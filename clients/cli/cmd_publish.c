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
	{"tlp", 't', "LABEL",
	 "clear, green, amber, amber+strict or red: who may see it; for stix and misp: what has no mark, and at least"},
	{"group", 'g', "GROUP", "only for members of this group (may be repeated)"},
	{"to", 0, "MEMBER", "recipient of a red report (may be repeated)"},
	{"format", 'f', "FORMAT", "auto, jsonl, csv, plain, stix or misp (default auto)"},
	{"map", 0, "FIELD=COLUMN,...", "csv: which columns hold value, type, confidence, tags ... (default: by their names)"},
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
	struct isac_report_conf conf;
	uint32_t batch_items;
	struct isac_batch *batch[ISAC_TLP_RED + 1]; /* by label */
	struct cli_remarks remarks;
	struct isac_publisher *publisher;
	struct job *jobs;
	struct isac_error offline; /* result set: the hub is away, the rest only goes to the spool */
	struct cli_progress bar;
	uint64_t read;
	const char *path;
	/* defaults */
	const char *type, *format, *map;
	int confidence;
	char **tags;
	size_t tags_n;
	int64_t valid_until_us;
	const uint8_t *supersedes;	   /* NULL: replaces nothing */
	struct cli_feedback_list replaced; /* items of the report that it replaces */
	/* counts */
	uint64_t accepted, refused, duplicates, held, reports, waiting, kept; /* kept: reports in spool/refused */
	bool json, failed, head_noted;
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

static bool seal(struct publish *p, struct isac_batch *batch)
{
	struct isac_error err;
	struct isac_report report;
	struct isac_spooled file;
	if (!batch || !isac_batch_count(batch)) return true;
	if (isac_batch_seal(batch, &report, &err)) {
		cli_note("%s", err.text);
		return false;
	}
	bool good = isac_spool_put(&file, isac_home(p->isac), &report, &err) == ISAC_DONE;
	if (!good) cli_note("%s", err.text);
	else good = send(p, &file, &report);
	isac_report_clear(&report);
	return good;
}

static const char *source(const struct publish *p)
{
	return strcmp(p->path, "-") == 0 ? "stdin" : p->path;
}

static int refuse(void *arg, unsigned line, const char *reason)
{
	struct publish *p = arg;
	cli_progress_clear(&p->bar);
	if (line) fprintf(stderr, "%s:%u: %s\n", source(p), line, reason);
	else fprintf(stderr, "%s: %s\n", source(p), reason);
	p->refused++;
	return 0;
}

static void tell(void *arg, const char *text)
{
	struct publish *p = arg;
	cli_progress_clear(&p->bar);
	if (!cli_options_flag(p->cli, "quiet")) cli_note("%s: %s", source(p), text);
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

/* NULL: err says why not. A red label alone names recipients, and so does a wrong one, to be told so. */
static struct isac_batch *batch_of(struct publish *p, enum isac_tlp tlp, bool has_label, struct isac_error *err)
{
	struct isac_report_conf conf = p->conf;
	if (p->batch[tlp]) return p->batch[tlp];
	conf.tlp = tlp;
	if (tlp != ISAC_TLP_RED && has_label) conf.recipients_n = 0;
	isac_batch_open(&p->batch[tlp], p->isac, &conf, p->batch_items, BYTES_MAX, err);
	return p->batch[tlp];
}

/* What a document says of itself, never less than --tlp. NONE: neither says one. */
static enum isac_tlp label_of(const struct publish *p, const struct input_record *r)
{
	enum isac_tlp tlp = r->said ? r->said->tlp : ISAC_TLP_NONE;
	return tlp > p->conf.tlp ? tlp : p->conf.tlp;
}

static int take_refused(struct publish *p, const struct input_record *r, unsigned line, const char *reason)
{
	char text[700];
	snprintf(text, sizeof text, "%s%s%s", r->said ? r->said->id : "", r->said && *r->said->id ? ": " : "", reason);
	return refuse(p, line, text);
}

/* A new version of an object ends what stands under its mark up to here: asked once, before anything of such a one is sent. */
static void note_head(struct publish *p)
{
	const struct isac_status *s;
	if (!p->head_noted && !p->offline.result && !isac_status(&s, p->isac, NULL)) p->remarks.before_seq = s->head_seq;
	p->head_noted = true;
}

static int take(void *arg, struct input_record *r, unsigned line)
{
	struct publish *p = arg;
	struct isac_error err;
	size_t tags_n = r->ind.tags_n;
	if (r->said && r->said->kind != DOCUMENT_INDICATOR)
		return cli_remark_add(&p->remarks, r->said) ? 0 : take_refused(p, r, line, "too many withdrawals and sightings at once");
	enum isac_tlp tlp = label_of(p, r);
	if (!tlp) return take_refused(p, r, line, "it has no mark of TLP: say with --tlp who may see such");
	if (p->supersedes && tlp != p->conf.tlp) return take_refused(p, r, line, "its mark is stricter than the report that is replaced");
	struct isac_batch *batch = batch_of(p, tlp, r->said != NULL, &err);
	if (!batch) return take_refused(p, r, line, err.text);
	apply_defaults(p, r);
	enum isac_batch_outcome outcome = isac_batch_add(batch, &r->ind, &err);
	if (outcome == ISAC_BATCH_FULL && p->supersedes) {
		cli_note("a report is replaced by one report, and this is more than one can hold");
		return STOP;
	}
	if (outcome == ISAC_BATCH_FULL) {
		if (!seal(p, batch)) return STOP;
		outcome = isac_batch_add(batch, &r->ind, &err);
	}
	r->ind.tags_n = tags_n; /* a CSV row may be taken several times */
	if (outcome == ISAC_BATCH_DUPLICATE) p->duplicates++;
	if (outcome == ISAC_BATCH_REFUSED) return take_refused(p, r, line, err.text);
	if (r->said && r->said->renewed && !p->supersedes) {
		note_head(p);
		if (!cli_remark_add(&p->remarks, r->said))
			return take_refused(p, r, line, "too many new versions at once: what the earlier ones said stays");
	}
	cli_progress_show(&p->bar, p->read, p->accepted);
	return 0;
}

/* What the report that is replaced says and this one does not, is withdrawn in it. false after a message. */
static bool add_withdrawals(struct publish *p)
{
	struct isac_error err;
	for (size_t i = 0; i < p->replaced.n; i++) {
		if (p->replaced.items[i].took_back) continue;
		enum isac_batch_outcome outcome = isac_batch_add_feedback(p->batch[p->conf.tlp], &p->replaced.items[i].said, &err);
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
static int read_files(struct publish *p)
{
	static char dash[] = "-", *stdin_only[] = {dash};
	char **paths = p->cli->words_n ? p->cli->words : stdin_only, reason[600];
	int n = p->cli->words_n ? p->cli->words_n : 1, status = 0;
	struct input_sink sink = {take, refuse, tell, p};
	if (!p->cli->words_n && isatty(STDIN_FILENO) == 1) cli_note("reading values from the terminal; end with Ctrl-D");
	if (!cli_options_flag(p->cli, "quiet")) cli_progress_start(&p->bar, total_bytes(paths, p->cli->words_n));
	for (int i = 0; i < n && !status; i++) {
		struct input_conf conf = {
			.path = p->path = paths[i], .format = p->format, .type = p->type, .map = p->map, .bytes = &p->read};
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
	for (size_t i = 0; i <= ISAC_TLP_RED; i++)
		if (!seal(p, p->batch[i])) status = EXIT_REFUSED; /* what was read before an error is good */
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
		if (p->remarks.n)
			cli_note("withdrawals and sightings of the document were not said: publish it again when the hub is back");
		if (p->waiting)
			cli_note("%llu reports wait in %s/spool; the next publish, or `isac publish --flush`, sends them first",
				 (unsigned long long)p->waiting, isac_home(p->isac));
		return p->offline.result == ISAC_UNREACHABLE ? EXIT_UNREACHABLE : EXIT_REFUSED;
	}
	if (p->remarks.before_seq && (p->kept || p->failed)) {
		cli_note("not all was taken, so what earlier versions of these objects said is left as it is: publish the document again");
		p->remarks.before_seq = 0;
	}
	int remarked = cli_remark_send(&p->remarks, p->isac, p->json);
	if (!status) status = remarked;
	if (status || p->failed) return status ? status : EXIT_REFUSED;
	if (!p->refused) return EXIT_DONE;
	return p->accepted || p->duplicates ? EXIT_SOME_REFUSED : EXIT_REFUSED;
}

static bool read_format(struct publish *p)
{
	struct cli *cli = p->cli;
	const char *format = cli_options_get(cli, "format");
	char reason[200];
	p->format = format ? format : "auto";
	p->map = cli_options_get(cli, "map");
	if (!input_format_known(p->format))
		return cli_usage(cli, "'%s' is not a format: auto, jsonl, csv, plain, stix or misp", format), false;
	if (p->map && format && strcmp(format, "csv") != 0 && strcmp(format, "auto") != 0) return cli_usage(cli, "--map is for csv"), false;
	if (p->map && !input_csv_map_ok(p->map, reason, sizeof reason)) return cli_usage(cli, "--map: %s", reason), false;
	return true;
}

/* Does the file itself say who may see it? */
static bool is_marked(const struct publish *p)
{
	return strcmp(p->format, "stix") == 0 || strcmp(p->format, "misp") == 0;
}

/* false after a message. */
static bool read_options(struct publish *p, long long *batch)
{
	struct cli *cli = p->cli;
	struct isac_report_conf *conf = &p->conf;
	const char *tlp = cli_options_get(cli, "tlp"), *span = cli_options_get(cli, "valid-for");
	long long confidence = -1;
	int64_t span_us = 0;
	bool flush = cli_options_flag(cli, "flush");
	if (!read_format(p)) return false;
	if (!tlp && !flush && (!is_marked(p) || conf->supersedes))
		return cli_usage(cli, "--tlp is missing: clear, green, amber, amber+strict or red"), false;
	if (tlp && !(conf->tlp = isac_tlp_parse(tlp)))
		return cli_usage(cli, "'%s' is not a label: clear, green, amber, amber+strict or red", tlp), false;
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
	struct isac_error err;
	long long batch = 1000;
	const char *replaces = cli_options_get(cli, "supersedes");
	uint8_t replaced[ISAC_ID_BYTES];
	if (replaces && !isac_id_parse(replaced, replaces))
		return cli_usage(cli, "'%s' is not a report_id: 32 hexadecimal digits", replaces);
	p.conf.supersedes = p.supersedes = replaces ? replaced : NULL;
	if (!read_options(&p, &batch)) return EXIT_USAGE;
	char **groups = cli_options_list(cli, "group", &p.conf.groups_n), **to = cli_options_list(cli, "to", &p.conf.recipients_n);
	p.conf.groups = (const char *const *)groups;
	p.conf.recipients = (const char *const *)to;
	p.tags = cli_options_list(cli, "tag", &p.tags_n);
	int status = cli_open(&p.isac, cli);
	bool flush = cli_options_flag(cli, "flush");
	if (!status && replaces) status = cli_feedback_of_report(&p.replaced, p.isac, replaced);
	p.batch_items = (uint32_t)batch;
	if (!status && !flush && p.conf.tlp && !batch_of(&p, p.conf.tlp, is_marked(&p), &err)) status = cli_fail(&err);
	if (!status && isac_publisher_open(&p.publisher, p.isac, WINDOW, on_receipt, &p, &err)) status = cli_fail(&err);
	if (!status) {
		flush_spool(&p);
		if (!flush) status = read_files(&p);
		status = finish(&p, status);
	}
	isac_publisher_close(&p.publisher);
	for (size_t i = 0; i <= ISAC_TLP_RED; i++) isac_batch_close(&p.batch[i]);
	cli_remark_clear(&p.remarks);
	cli_feedback_clear(&p.replaced);
	isac_close(&p.isac);
	cli_options_free_list(groups);
	cli_options_free_list(to);
	cli_options_free_list(p.tags);
	return status;
}
