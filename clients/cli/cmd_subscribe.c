/*
 * isac subscribe: prints what comes, verified, and only then says so to the hub. With a name, the place is kept here too,
 * written after the output is safe and before the hub is told: a restart goes on exactly behind the last printed item.
 *
 * A format that is written whole says what holds now, so it begins at the start of the feed every time: the hub's store is its
 * memory, nothing on this machine can be damaged or fit another filter. Until it has caught up, the file of before stays.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

const struct cli_opt cmd_subscribe_opts[] = {
	{"name", 'n', "NAME", "the hub keeps the place under this name"},
	{"filter", 'F', "FILTER", "what to receive (default: the one kept under the name, else everything)"},
	{"from", 0, "PLACE",
	 "start, now, or a sequence number already had (default: the kept place, else now; start, if the format is written whole)"},
	{"count", 'c', "N", "end after N items"},
	{"idle-exit", 'i', "SECONDS", "end when caught up and nothing came for so long"},
	{"follow", 0, NULL, "go on for ever (the default without --count and --idle-exit)"},
	{"format", 'f', "FORMAT",
	 "jsonl, csv, plain, stix, misp-zmq; or whole: rpz, suricata, zeek, nft, ipset, hsb, values (default jsonl)"},
	{"bind", 0, "ENDPOINT", "misp-zmq: where tools connect, e.g. tcp://127.0.0.1:50000"},
	CLI_WHOLE_OPTS{"every", 0, "SECONDS", "with --output: replace the file once in so long at most (default 5)"},
	{"quiet", 'q', NULL, "no notes on stderr"},
	{NULL, 0, NULL, NULL},
};

enum { WAIT_MS = 200, CURSOR_EVERY_MS = 1000 };

struct subscribe {
	struct isac *isac;
	struct isac_subscriber *s;
	struct cli_whole *whole;     /* NULL: item by item */
	struct cli_foreign *foreign; /* or NULL */
	const char *name;
	enum cli_format format;
	uint64_t count;	     /* 0 = no end */
	int64_t idle_ms;     /* -1 = no end */
	int64_t patience_ms; /* without --follow: how long the hub may be away */
	int64_t every_ms;
	bool quiet, bad, caught_up, started;
	bool loaded;		    /* was caught up once: what is collected is the whole */
	bool anew;		    /* whole: something of what is collected was recalled */
	uint64_t collected, heeded; /* whole: the newest report; the newest order for which all was begun anew */
	uint64_t printed;
	struct isac_cursor skip; /* what an earlier run has printed */
	struct isac_cursor written;
	bool has_local;
	bool dirty; /* items printed and not yet in the cursor */
	int64_t active_ms, lost_ms, written_ms;
	uint64_t place;		 /* whole: everything up to here is collected */
	struct cli_progress bar; /* whole: until it has caught up for the first time */
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static bool same_place(const struct isac_cursor *a, const struct isac_cursor *b)
{
	return a->seq == b->seq && a->part_seq == b->part_seq && a->part_index == b->part_index;
}

/* The output, the place here, the place there: in this order. false after a message. */
static bool keep_place(struct subscribe *u, const struct isac_cursor *cursor)
{
	struct isac_error err;
	if (u->foreign) cli_foreign_pause(u->foreign);
	if (!cli_output_flush()) return false;
	if (u->name && !same_place(cursor, &u->written)) {
		if (isac_cursor_write(u->isac, u->name, cursor, &err)) {
			cli_note("%s", err.text);
			return false;
		}
		u->written = *cursor;
		u->written_ms = cli_time_mono_ms();
	}
	u->dirty = false;
	isac_subscriber_ack(u->s, cursor->seq);
	return true;
}

static bool seen_before(const struct subscribe *u, const struct isac_item *it)
{
	return it->seq <= u->skip.seq || (it->seq == u->skip.part_seq && it->index <= u->skip.part_index);
}

static bool on_item(struct subscribe *u, const struct isac_item *it)
{
	if (u->has_local && seen_before(u, it)) return true;
	u->active_ms = cli_time_mono_ms();
	if (!it->verified) {
		u->bad = true;
		cli_note("seq %llu by %s FAILED verification and is not shown: %s", (unsigned long long)it->seq, it->publisher,
			 it->problem);
		return true;
	}
	if (u->whole && !cli_whole_add(u->whole, it)) return false;
	if (u->foreign && !cli_foreign_add(u->foreign, it)) return false;
	u->collected = it->seq;
	if (u->whole && !u->loaded) cli_progress_show(&u->bar, it->seq, u->printed);
	cli_output_item(u->format, it);
	u->dirty = true;
	if (++u->printed != u->count) return true;
	if (u->whole) {
		stop = 1;
		u->loaded = true; /* so much was asked for, and no more */
		return true;
	}
	/* The end may lie in the midst of a report: the cursor says how far into it we are. */
	struct isac_cursor cursor = {.seq = it->seq - 1, .part_seq = it->seq, .part_index = it->index};
	stop = 1;
	return keep_place(u, &cursor);
}

/* It was shown before: JSON lines say that it is over, lists of values leave it out from now on. */
static bool on_expired(struct subscribe *u, const struct isac_item *it)
{
	if (!it->verified) return true;
	u->active_ms = cli_time_mono_ms();
	if (u->whole) return cli_whole_add(u->whole, it);
	if (u->format == CLI_JSONL) cli_output_item(u->format, it);
	return u->format != CLI_JSONL || cli_output_flush();
}

static bool on_position(struct subscribe *u, const struct isac_event *e)
{
	u->caught_up = e->caught_up;
	u->lost_ms = 0;
	if (u->whole) {
		u->place = e->position;
		u->loaded |= e->caught_up;
		if (u->loaded) cli_progress_clear(&u->bar);
		return true;
	}
	struct isac_cursor cursor = {.seq = e->position};
	if (u->has_local && cursor.seq < u->skip.seq) return true;
	if (cursor.seq < u->skip.part_seq) cursor.part_seq = u->skip.part_seq, cursor.part_index = u->skip.part_index;
	/* Ranges without a match move the place too, but need not cost a disk write each. */
	if (!u->dirty && !u->caught_up && cli_time_mono_ms() - u->written_ms < CURSOR_EVERY_MS) return true;
	return keep_place(u, &cursor);
}

static bool on_open(struct subscribe *u, const struct isac_event *e)
{
	if (!u->quiet)
		cli_note("%s at %llu (head %llu), filter: %s", u->started ? "subscribed again" : "subscribed",
			 (unsigned long long)e->position, (unsigned long long)e->head, *e->filter ? e->filter : "true");
	if (!u->started) cli_output_head(u->format);
	if (u->whole && !u->started && !u->quiet) cli_progress_start(&u->bar, e->head);
	u->started = true;
	u->active_ms = cli_time_mono_ms();
	return on_position(u, e);
}

static const char *reason_name(unsigned reason)
{
	return reason == ISAC_GONE_ERASED ? "erased" : reason == ISAC_GONE_WITHDRAWN ? "withdrawn" : "key-revoked";
}

/* As a line of its own beside the items; what is written whole is written anew from the start, without it. */
static void on_recall(struct subscribe *u, const struct isac_event *e)
{
	const char *reason = reason_name(e->reason);
	if (!e->verified) {
		u->bad = true;
		if (u->format == CLI_JSONL)
			cli_output_json(json_pack("{s:I, s:b, s:s, s:s}", "recall", (json_int_t)e->recall, "verified", 0, "publisher",
						  e->text, "problem", e->problem));
		cli_note("NOT VERIFIED: recall %llu of %zu reports by %s: %s; it is not heeded", (unsigned long long)e->recall,
			 e->recalled_n, e->text, e->problem);
		return;
	}
	u->active_ms = cli_time_mono_ms();
	for (size_t i = 0; i < e->recalled_n; i++) {
		const struct isac_recalled *r = &e->recalled[i];
		if (u->format == CLI_JSONL)
			cli_output_json(json_pack("{s:I, s:b, s:s, s:s, s:I, s:s, s:i, s:b, s:s}", "recall", (json_int_t)e->recall,
						  "verified", 1, "reason", reason, "publisher", e->text, "seq", (json_int_t)r->seq,
						  "report_id", r->report_id, "items", (int)r->items, "maybe", r->maybe, "by", e->by));
		if (!u->quiet)
			cli_note("RECALLED (%s) by order of %s: report %s by %s, seq %llu: do not use it any more", reason, e->by,
				 r->report_id, e->text, (unsigned long long)r->seq);
	}
	/* What comes after the order is without these reports: only what was collected before it may hold them, and one start is enough. */
	if (u->whole && e->recall > u->heeded && e->recalled[0].seq <= u->collected) {
		u->anew = true;
		u->heeded = e->recall;
	}
}

static bool on_event(struct subscribe *u, const struct isac_event *e)
{
	switch (e->type) {
	case ISAC_EVENT_OPEN:
		return on_open(u, e);
	case ISAC_EVENT_ITEM:
		return on_item(u, e->item);
	case ISAC_EVENT_EXPIRED:
		return on_expired(u, e->item);
	case ISAC_EVENT_POSITION:
		return on_position(u, e);
	case ISAC_EVENT_GAP:
		cli_progress_clear(&u->bar);
		cli_note("reports %llu to %llu no longer exist on the hub (%s)", (unsigned long long)e->first, (unsigned long long)e->last,
			 e->reason == ISAC_GONE_ERASED	      ? "erased"
			 : e->reason == ISAC_GONE_KEY_REVOKED ? "the key that signed them is revoked"
			 : e->reason == ISAC_GONE_WITHDRAWN   ? "withdrawn by admins"
			 : e->reason == ISAC_GONE_RESTORE
				 ? "the hub was restored from a backup: what it took after that backup is lost unless it is published again"
				 : "past their retention");
		return on_position(u, e);
	case ISAC_EVENT_RIGHTS:
		if (!u->quiet) cli_note("what you may see has changed: it holds for all reports behind %llu", (unsigned long long)e->first);
		return on_position(u, e);
	case ISAC_EVENT_PROBLEM:
		u->bad = true;
		cli_note("%s", e->text);
		break;
	case ISAC_EVENT_RECALL:
		on_recall(u, e);
		return true;
	case ISAC_EVENT_NOTICE:
		if (!u->quiet)
			cli_note("%llu report%s your registered space, newest seq %llu: isac query mine", (unsigned long long)e->reports,
				 e->reports == 1 ? " concerns" : "s concern", (unsigned long long)e->last);
		return true;
	case ISAC_EVENT_LOST:
		if (!u->quiet) cli_note("%s", e->text);
		if (!u->lost_ms) u->lost_ms = cli_time_mono_ms();
		break;
	}
	u->caught_up = false;
	return true;
}

/* Replaces the file if it is time to. The hub is told how far we are when the file says so much. false after a message. */
static bool tend_whole(struct subscribe *u, bool last)
{
	int64_t now = cli_time_mono_ms();
	if (!u->whole || !u->loaded) return true;
	if (!last && !cli_whole_has_output(u->whole)) return true;
	if (cli_whole_due(u->whole, u->caught_up || last)) {
		if (!last && u->written_ms && now - u->written_ms < u->every_ms) return true;
		if (!cli_whole_write(u->whole)) return false;
		u->written_ms = now;
	}
	if (u->caught_up) isac_subscriber_ack(u->s, u->place);
	return true;
}

static bool is_over(const struct subscribe *u, int *status)
{
	int64_t now = cli_time_mono_ms();
	if (stop) return true;
	if (u->patience_ms >= 0 && u->lost_ms && now - u->lost_ms >= u->patience_ms) {
		cli_note("the hub has not come back; what was printed is kept, run the same command again to go on");
		*status = EXIT_UNREACHABLE;
		return true;
	}
	return u->idle_ms >= 0 && u->caught_up && now - u->active_ms >= u->idle_ms;
}

/* An exit status when it is over; -1: to be begun anew. */
static int run(struct subscribe *u, const char *filter)
{
	struct isac_event event;
	struct isac_error err;
	int status = EXIT_DONE;
	while (!is_over(u, &status)) {
		enum isac_result r = isac_subscriber_next(u->s, WAIT_MS, &event, &err);
		if (u->foreign) cli_foreign_tend(u->foreign);
		if (r == ISAC_QUIET) {
			if (!tend_whole(u, false)) return EXIT_REFUSED;
			continue;
		}
		if (r) {
			cli_output_flush();
			if (err.column) cli_fail_filter(&err, filter);
			else return cli_fail(&err);
			return EXIT_USAGE;
		}
		if (!on_event(u, &event)) return EXIT_REFUSED;
		if (u->anew) return -1;
		if (!tend_whole(u, false)) return EXIT_REFUSED;
	}
	cli_progress_clear(&u->bar);
	if (!tend_whole(u, true) || (u->foreign ? !cli_foreign_end(u->foreign) : !cli_output_flush())) return EXIT_REFUSED;
	return status == EXIT_DONE && u->bad ? EXIT_REFUSED : status;
}

/* What was collected holds something that was recalled: all is collected once more. The file stays as it is meanwhile. */
static int begin_anew(struct cli *cli, struct subscribe *u)
{
	cli_whole_close(&u->whole);
	isac_subscriber_close(&u->s);
	u->anew = u->loaded = u->caught_up = u->started = false;
	u->collected = 0;
	return cli_whole_open(&u->whole, cli, u->format);
}

static int follow(struct cli *cli, struct subscribe *u, const struct isac_subscriber_conf *conf)
{
	int status;
	struct isac_error err;
	do {
		if (isac_subscriber_open(&u->s, u->isac, conf, &err)) return cli_fail(&err);
		status = run(u, conf->filter);
		if (status < 0 && (status = begin_anew(cli, u)) == 0) status = -1;
	} while (status < 0);
	return status;
}

/* false after a message. */
static bool read_from(struct cli *cli, const struct subscribe *u, struct isac_subscriber_conf *conf)
{
	const char *from = cli_options_get(cli, "from");
	char *end;
	if (!from && u->whole) {
		conf->from = ISAC_FROM_START;
	} else if (!from && u->has_local) {
		conf->from = ISAC_FROM_RESUME;
		conf->seq = u->skip.seq;
	} else if (!from) {
		conf->from = u->name ? ISAC_FROM_CURSOR : ISAC_FROM_NOW;
	} else if (strcmp(from, "start") == 0) {
		conf->from = ISAC_FROM_START;
	} else if (strcmp(from, "now") == 0) {
		conf->from = ISAC_FROM_NOW;
	} else {
		conf->from = ISAC_FROM_SEQ;
		conf->seq = strtoull(from, &end, 10);
		if (*end || from[0] < '0' || from[0] > '9')
			return cli_usage(cli, "--from is start, now or a sequence number, not '%s'", from), false;
	}
	return true;
}

/* 0 or an exit status after a message. */
static int read_whole(struct cli *cli, struct subscribe *u)
{
	long long every = 5;
	int status = cli_whole_open(&u->whole, cli, u->format);
	if (status) return status;
	if (!u->whole && cli_options_get(cli, "every")) return cli_usage(cli, "--every goes with --output");
	if (u->whole && u->patience_ms < 0 && !cli_whole_has_output(u->whole))
		return cli_usage(cli, "this format is written whole: say where with --output, or when with --idle-exit");
	if (!cli_options_number(cli, "every", 0, 86400, &every)) return EXIT_USAGE;
	u->every_ms = every * 1000;
	return 0;
}

/* 0 or an exit status after a message. */
static int read_options(struct cli *cli, struct subscribe *u)
{
	long long count = 0;
	const char *idle = cli_options_get(cli, "idle-exit");
	char *end;
	if (cli->words_n) return cli_usage(cli, "what is '%s' for? a filter goes behind --filter, in quotes", cli->words[0]);
	if (!cli_options_number(cli, "count", 1, INT64_MAX, &count)) return EXIT_USAGE;
	if (!cli_output_format(&u->format, cli, CLI_JSONL, false)) return EXIT_USAGE;
	u->count = (uint64_t)count;
	u->idle_ms = -1;
	if (idle) {
		double seconds = strtod(idle, &end);
		if (*end || end == idle || !(seconds >= 0) || seconds > 1e9)
			return cli_usage(cli, "--idle-exit is a number of seconds, not '%s'", idle);
		u->idle_ms = (int64_t)(seconds * 1000);
	}
	if ((u->patience_ms = cli_options_timeout_ms(cli)) < 0) return EXIT_USAGE;
	if (cli_options_flag(cli, "follow") || (!count && !idle)) u->patience_ms = -1;
	u->quiet = cli_options_flag(cli, "quiet");
	u->name = cli_options_get(cli, "name");
	return read_whole(cli, u);
}

int cmd_subscribe(struct cli *cli)
{
	struct subscribe u = {.isac = NULL};
	struct isac_subscriber_conf conf = {.filter = cli_options_get(cli, "filter")};
	struct isac_error err;
	int status = read_options(cli, &u);
	if (!status) status = cli_open(&u.isac, cli);
	if (!status) status = cli_foreign_open(&u.foreign, cli, u.isac, u.format, u.patience_ms < 0);
	if (!status && u.name && !u.whole && !cli_options_get(cli, "from")) {
		enum isac_result r = isac_cursor_read(&u.skip, u.isac, u.name, &err);
		if (r && r != ISAC_QUIET) status = cli_fail(&err);
		u.has_local = r == ISAC_DONE;
		u.written = u.skip;
	}
	if (!status && !read_from(cli, &u, &conf)) status = EXIT_USAGE;
	conf.name = u.name;
	catch_signals();
	if (!status) status = follow(cli, &u, &conf);
	isac_subscriber_close(&u.s);
	isac_close(&u.isac);
	cli_whole_close(&u.whole);
	cli_foreign_close(&u.foreign);
	return status;
}
