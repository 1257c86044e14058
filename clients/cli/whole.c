/*
 * whole: output in formats that are written whole (clients/format): items are collected, and the files replaced when what they
 * say has changed. The version (an RPZ serial, a rule's rev) is the time of the change, or one more than the last one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"
#include "format/format.h"
#include "wire/wire.h"

const struct cli_opt cli_whole_opts[] = {CLI_WHOLE_OPTS{NULL, 0, NULL, NULL}};

struct cli_whole {
	const struct format_row *row;
	struct format_set_conf limits;
	struct format_conf conf;
	struct format_except *except;
	struct format_set *set;
	const char *output; /* NULL = stdout */
	bool quiet, written;
	uint64_t changes;		/* of the set, when it was written last */
	int64_t next_us;		/* when it changes by time alone; 0 = never */
	char state[FORMAT_STATE_BYTES]; /* of what the files say now; "" = not known */
	uint32_t version;
};

/* ---- options ---- */
static bool read_except(struct cli_whole *w, const struct cli *cli)
{
	const char *path = cli_options_get(cli, "except");
	char reason[200];
	if (!path) return true;
	FILE *in = fopen(path, "re");
	if (!in) {
		cli_note("cannot open %s: %s", path, strerror(errno));
		return false;
	}
	wire_init();
	long bad = format_except_read(&w->except, in, reason, sizeof reason);
	fclose(in);
	if (bad) cli_note("%s:%ld: %s; mend or remove the line", path, bad, bad > 0 ? reason : "out of memory");
	w->limits.except = w->except;
	return !bad;
}

static bool read_words(struct cli_whole *w, const struct cli *cli)
{
	const char *zone = cli_options_get(cli, "rpz-zone"), *action = cli_options_get(cli, "rpz-action");
	const char *name = cli_options_get(cli, "set-name"), *tlp = cli_options_get(cli, "max-tlp"), *keep = cli_options_get(cli, "keep");
	long long sid = 0;
	if (zone && !format_zone_ok(zone)) return cli_usage(cli, "--rpz-zone is a name like rpz.example, not '%s'", zone), false;
	if (action && !format_rpz_action(w->conf.action, action))
		return cli_usage(cli, "--rpz-action is nxdomain, nodata, drop, passthru or an address, not '%s'", action), false;
	if (name && !format_name_ok(name))
		return cli_usage(cli, "--set-name is a letter, then letters, digits, '_' and '-', %d at most", FORMAT_NAME_BYTES - 1),
		       false;
	if (tlp && !(w->limits.tlp_max = isac_tlp_parse(tlp)))
		return cli_usage(cli, "--max-tlp is clear, green, amber, amber+strict or red, not '%s'", tlp), false;
	if (keep && (!cli_time_span(&w->limits.keep_us, keep) || !w->limits.keep_us))
		return cli_usage(cli, "--keep is a span like 12h, 30d or 8w, not '%s'", keep), false;
	if (!cli_options_number(cli, "sid", 1, UINT32_MAX - 1000, &sid)) return false;
	w->conf.sid = (uint32_t)sid;
	snprintf(w->conf.zone, sizeof w->conf.zone, "%s", zone ? zone : "");
	snprintf(w->conf.name, sizeof w->conf.name, "%s", name ? name : "");
	w->conf.url_hosts = cli_options_flag(cli, "url-hosts");
	return true;
}

/* What belongs to these formats only, and was given without one. */
static int refuse_options(const struct cli *cli, bool foreign)
{
	for (const struct cli_opt *o = cli_whole_opts; o->name; o++) {
		bool shared = strcmp(o->name, "output") == 0 || strcmp(o->name, "max-tlp") == 0;
		if (!cli_options_get(cli, o->name) || (foreign && shared)) continue;
		if (strcmp(o->name, "output") == 0)
			return cli_usage(cli, "--output is for formats that are written whole; write > FILE here");
		return cli_usage(cli, "--%s is for formats that are written whole: name one with --format", o->name);
	}
	return 0;
}

int cli_whole_open(struct cli_whole **out, const struct cli *cli, enum cli_format format)
{
	*out = NULL;
	if (format != CLI_WHOLE) return refuse_options(cli, format == CLI_FOREIGN);
	struct cli_whole *w = calloc(1, sizeof *w);
	if (!w) return cli_note("out of memory"), EXIT_REFUSED;
	w->row = format_find(cli_options_get(cli, "format"));
	w->output = cli_options_get(cli, "output");
	w->quiet = cli_options_flag(cli, "quiet");
	int status = 0;
	if (!w->output && w->row->folder) status = cli_usage(cli, "%s is several files: name a folder with --output", w->row->name);
	if (!status && (!read_words(w, cli) || !read_except(w, cli))) status = EXIT_USAGE;
	if (!status && !format_set_new(&w->set, &w->limits)) status = (cli_note("out of memory"), EXIT_REFUSED);
	if (status) cli_whole_close(&w);
	*out = w;
	return status;
}

void cli_whole_close(struct cli_whole **whole)
{
	if (!*whole) return;
	format_set_destroy(&(*whole)->set);
	format_except_destroy(&(*whole)->except);
	free(*whole);
	*whole = NULL;
}

bool cli_whole_add(struct cli_whole *w, const struct isac_item *item)
{
	if (format_set_add(w->set, item)) return true;
	cli_note("out of memory: a narrower filter has fewer items");
	return false;
}

bool cli_whole_has_output(const struct cli_whole *w)
{
	return w->output != NULL;
}

bool cli_whole_due(const struct cli_whole *w, bool new_items)
{
	if (!w->written) return true;
	if (new_items && format_set_changes(w->set) != w->changes) return true;
	return w->next_us && cli_time_now_us() >= w->next_us;
}

/* ---- writing ---- */
static void path_of(char out[CLI_PATH_BYTES], const struct cli_whole *w, const struct format_part *part)
{
	if (w->row->folder) snprintf(out, CLI_PATH_BYTES, "%s/%s", w->output, part->file);
	else snprintf(out, CLI_PATH_BYTES, "%s", w->output);
}

static const struct format_part *last_part(const struct cli_whole *w)
{
	const struct format_part *p = w->row->parts;
	while (p[1].file) p++;
	return p;
}

/* What an earlier run has written. If a file is gone, there is no state, but its version must still rise. */
static void read_head(struct cli_whole *w)
{
	char path[CLI_PATH_BYTES];
	path_of(path, w, last_part(w));
	FILE *in = fopen(path, "re");
	if (!in) return;
	if (!format_head_read(in, &w->version, w->state)) w->state[0] = 0;
	fclose(in);
	for (const struct format_part *p = w->row->parts; p->file; p++) {
		path_of(path, w, p);
		if (access(path, F_OK) != 0) w->state[0] = 0;
	}
}

static bool write_part(struct cli_whole *w, const struct format_part *part, const struct format_view *view, struct format_tally *tally)
{
	struct cli_replace file;
	char path[CLI_PATH_BYTES];
	path_of(path, w, part);
	if (strlen(path) == CLI_PATH_BYTES - 1) {
		cli_note("the path %.60s... is too long", path);
		return false;
	}
	if (!cli_replace_open(&file, path)) return false;
	if (part->write(file.out, view, &w->conf, tally)) return cli_replace_commit(&file);
	cli_replace_abort(&file);
	cli_note("out of memory: a narrower filter has fewer items");
	return false;
}

static void tell(const struct cli_whole *w, const struct format_tally *tally)
{
	char text[400];
	if (w->quiet) return;
	format_tally_text(text, sizeof text, tally);
	cli_note("wrote %zu value%s%s%s%s%s%s", tally->written, tally->written == 1 ? "" : "s", w->output ? " to " : "",
		 w->output ? w->output : "", *text ? " (left out: " : "", text, *text ? ")" : "");
}

static bool write_all(struct cli_whole *w, const struct format_view *view)
{
	struct format_tally sum = {.written = 0}, tally;
	if (w->output && w->row->folder && mkdir(w->output, 0777) != 0 && errno != EEXIST) {
		cli_note("cannot make the folder %s: %s", w->output, strerror(errno));
		return false;
	}
	for (const struct format_part *p = w->row->parts; p->file; p++) {
		bool good = w->output ? write_part(w, p, view, &tally) : p->write(stdout, view, &w->conf, &tally) && cli_output_flush();
		if (!good) return false;
		tally.written += sum.written;
		sum = tally;
	}
	tell(w, &sum);
	return true;
}

bool cli_whole_write(struct cli_whole *w)
{
	struct format_view *view;
	char state[FORMAT_STATE_BYTES];
	int64_t now = cli_time_now_us();
	if (!w->written && w->output) read_head(w);
	if (!format_view_open(&view, w->set, now)) return cli_note("out of memory: a narrower filter has fewer items"), false;
	bool good = format_state(state, w->row, view, &w->conf);
	if (!good) cli_note("out of memory: a narrower filter has fewer items");
	else if (strcmp(state, w->state) != 0) {
		uint32_t seconds = (uint32_t)(now / 1000000);
		w->conf.version = seconds > w->version ? seconds : w->version + 1;
		w->conf.now_us = now;
		memcpy(w->conf.state, state, sizeof state);
		good = write_all(w, view);
		w->version = w->conf.version;
		if (good) memcpy(w->state, state, sizeof state);
	}
	format_view_close(&view);
	format_set_forget(w->set, now);
	w->written |= good;
	w->changes = format_set_changes(w->set);
	w->next_us = format_set_next_us(w->set, now);
	return good;
}
