/* What the subcommands share: the table of commands, options, output, time, input, progress. */
#ifndef ISAC_CLI_H
#define ISAC_CLI_H

#include <jansson.h>
#include <stdio.h>
#include "document/document.h"
#include "isac.h"

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3, EXIT_SOME_REFUSED = 4 };

/* ---- options.c ---- */
struct cli_opt {
	const char *name;
	char letter;
	const char *arg /* NULL = a flag */, *text;
};
extern const struct cli_opt cli_common[]; /* ends with a row without a name */

struct cli_value {
	const char *name, *value;
};
struct cli {
	const struct cli_command *command;
	struct cli_value *values; /* options, in the order given */
	size_t n;
	char **words; /* what is no option */
	int words_n;
	char *home;
};
/* own may be NULL. stop_at_word: only what stands before the first word. 0, or EXIT_USAGE after a message. Returns words in cli. */
int cli_options_parse(struct cli *cli, const struct cli_opt *own, int argc, char **argv, bool stop_at_word, int *next);
void cli_options_clear(struct cli *cli);
const char *cli_options_get(const struct cli *cli, const char *name); /* the last one given, or NULL */
bool cli_options_flag(const struct cli *cli, const char *name);
/* All values of an option, commas split; free the array and each text. */
char **cli_options_list(const struct cli *cli, const char *name, size_t *n);
void cli_options_free_list(char **list);
/* A whole number within min..max. false after a message. */
bool cli_options_number(const struct cli *cli, const char *name, long long min, long long max, long long *out);
/* A time, or an age before now. Left alone if the option is not there. false after a message. */
bool cli_options_time(const struct cli *cli, const char *name, int64_t *us);
const char *cli_options_home(struct cli *cli);
int cli_options_timeout_ms(const struct cli *cli); /* -1 after a message */

/* ---- commands.c ---- */
struct cli_command {
	const char *name;	    /* "admin member add" */
	const char *args;	    /* "FILE..." */
	const char *text;	    /* one line */
	const char *more;	    /* a paragraph, or NULL */
	const char *example;	    /* lines, each a command */
	const struct cli_opt *opts; /* own options, NULL = none */
	int (*run)(struct cli *cli);
};
extern const struct cli_command cli_commands[]; /* ends with a row without a name */
const struct cli_command *cli_commands_find(int argc, char **argv, int *words);
int cli_commands_main(int argc, char **argv);

int cmd_keygen(struct cli *cli);
int cmd_publish(struct cli *cli);
int cmd_subscribe(struct cli *cli);
int cmd_query(struct cli *cli);
int cmd_preview(struct cli *cli);
int cmd_who(struct cli *cli);
int cmd_sighting(struct cli *cli);
int cmd_withdraw(struct cli *cli);
int cmd_why(struct cli *cli);
int cmd_life(struct cli *cli);
int cmd_lookup(struct cli *cli);
int cmd_related(struct cli *cli);
int cmd_report(struct cli *cli);
int cmd_stats(struct cli *cli);
int cmd_status(struct cli *cli);
int cmd_filter(struct cli *cli);
int cmd_admin(struct cli *cli);
int cmd_pending(struct cli *cli);
int cmd_token(struct cli *cli);
int cmd_join(struct cli *cli);
int cmd_leave(struct cli *cli);
int cmd_admin_doctor(struct cli *cli);
int cmd_help(struct cli *cli);
extern const struct cli_opt cmd_keygen_opts[], cmd_publish_opts[], cmd_subscribe_opts[], cmd_query_opts[];
extern const struct cli_opt cmd_preview_opts[], cmd_who_opts[], cmd_why_opts[];
extern const struct cli_opt cmd_life_opts[], cmd_admin_life_set_opts[], cmd_sighting_opts[], cmd_withdraw_opts[];
extern const struct cli_opt cmd_lookup_opts[], cmd_related_opts[], cmd_report_opts[], cmd_stats_opts[];
extern const struct cli_opt cmd_admin_member_add_opts[], cmd_admin_role_opts[], cmd_admin_key_add_opts[], cmd_admin_revoke_opts[],
	cmd_admin_retention_opts[], cmd_admin_held_opts[];
extern const struct cli_opt cmd_admin_dry_opts[], cmd_admin_erase_opts[], cmd_admin_invite_opts[], cmd_admin_quota_opts[], cmd_leave_opts[];
extern const struct cli_opt cmd_token_opts[], cmd_collection_opts[];
extern const struct cli_opt cmd_space_opts[], cmd_space_member_opts[];

/* ---- report.c: what is said to people ---- */
void cli_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));			  /* "isac: ..." on stderr */
int cli_usage(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* with a hint to --help; EXIT_USAGE */
int cli_fail(const struct isac_error *err);							  /* says it; the exit status */
void cli_fail_filter(const struct isac_error *err, const char *filter);				  /* with a caret under the column */
/* Up to where the index must be for what I have published myself to count; all: everything stored so far. 0 or an exit status. */
int cli_wait_seq(uint64_t *out, struct isac *isac, bool all);
/* Opens the home with the common options. 0 or an exit status after a message. */
int cli_open(struct isac **out, struct cli *cli);

/* ---- time.c ---- */
enum { CLI_TIME_BYTES = 40 };
void cli_time_format(char out[CLI_TIME_BYTES], int64_t us); /* RFC 3339 UTC; "" for 0 */
bool cli_time_parse(int64_t *us, const char *text);	    /* RFC 3339, or a date, with T or blank; no zone = UTC */
bool cli_time_span(int64_t *us, const char *text);	    /* 90s 30m 12h 7d 2w */
int64_t cli_time_now_us(void);
int64_t cli_time_mono_ms(void);

/* ---- output.c ---- */
enum cli_format { CLI_JSONL, CLI_CSV, CLI_PLAIN, CLI_TABLE, CLI_WHOLE, CLI_FOREIGN };
/*
 * fallback: if none is given. history: of query, where a table may be, else of a feed. CLI_WHOLE: one of clients/format, see whole.c;
 * CLI_FOREIGN: see foreign.c. false after a message.
 */
bool cli_output_format(enum cli_format *out, const struct cli *cli, enum cli_format fallback, bool history);
void cli_output_head(enum cli_format format);
void cli_output_item(enum cli_format format, const struct isac_item *item);
json_t *cli_output_item_json(const struct isac_item *item);				/* a new reference */
void cli_output_json(json_t *object);							/* one line; takes the reference */
void cli_output_receipt(const struct isac_receipt *r, const char *error, bool as_json); /* error NULL: it is good */
void cli_output_rows(const struct isac_answer *answer, bool json);
/* Everything written is with the kernel, and on the disk if stdout is a file. false after a message. */
bool cli_output_flush(void);

/* ---- feedback.c: what is said about reports that are there ---- */
struct cli_feedback_item {
	uint8_t report_id[ISAC_ID_BYTES]; /* that it is about */
	char publisher[ISAC_NAME_BYTES + 1];
	enum isac_tlp tlp;
	char **readers; /* of a red report: its recipients and its publisher */
	size_t readers_n;
	uint64_t seq;
	bool took_back;		   /* said by a sealed successor of what it replaces: an item of it, and no indicator */
	struct isac_feedback said; /* type, value: allocated; the rest is the caller's */
};
struct cli_feedback_list {
	struct cli_feedback_item *items;
	size_t n, cap;
};
void cli_feedback_clear(struct cli_feedback_list *list);
/* Items of this report of the caller's, held ones too. 0 or an exit status after a message. */
int cli_feedback_of_report(struct cli_feedback_list *list, struct isac *isac, const uint8_t report_id[ISAC_ID_BYTES]);
/* Items with this value that stand: of the caller's own reports, or the newest of each publisher. The same. */
int cli_feedback_of_value(struct cli_feedback_list *list, struct isac *isac, const char *type, const char *value, bool own);
/* My own items that stand and have one of these tags (without quotes and backslashes), CLI_FEEDBACK_TAGS at most, as of that number (0:
 * now). 0 also if there are none. */
enum { CLI_FEEDBACK_TAGS = 50 };
int cli_feedback_of_tags(struct cli_feedback_list *list, struct isac *isac, const char *const *tags, size_t n, uint64_t as_of_seq);
/* Only what is about this report, of this publisher; NULL: any. */
void cli_feedback_keep(struct cli_feedback_list *list, const uint8_t *report_id, const char *publisher);
/* One report for each report that the items are about, neighbours put together; signed, spooled, sent, receipts printed. An exit status. */
int cli_feedback_send(const struct cli_feedback_list *list, struct isac *isac, enum isac_kind kind, bool json);

/* ---- remark.c: what documents say of what is there ---- */
struct cli_remark {
	char *mark;		   /* of an object whose earlier words are over; NULL: a sighting */
	bool renewed;		   /* but for what was published after before_seq */
	struct isac_feedback said; /* of a sighting; texts are the list's */
};
struct cli_remarks {
	struct cli_remark *remark;
	size_t n, cap;
	uint64_t before_seq; /* the hub's newest report before this command published anything */
};
bool cli_remark_add(struct cli_remarks *list, const struct document_record *said); /* false: too many, or out of memory */
void cli_remark_clear(struct cli_remarks *list);
/*
 * Sightings are about the newest report of each publisher that has the value (that there is none is noted); withdrawals about my own items
 * with the mark as a tag. An exit status.
 */
int cli_remark_send(const struct cli_remarks *list, struct isac *isac, bool json);

/* ---- grid.c: rows of one shape, as JSON lines, CSV or a table ---- */
enum cli_cell { CLI_CELL_TEXT, CLI_CELL_NUMBER, CLI_CELL_BOOL }; /* of JSON; an empty cell is null */
struct cli_column {
	const char *name;
	int width; /* of the table; 0 = as it comes */
	enum cli_cell cell;
};
/* --format jsonl, csv or table, --json; false after a message. */
bool cli_grid_format(enum cli_format *out, const struct cli *cli);
void cli_grid_head(enum cli_format format, const struct cli_column *columns, size_t n);
void cli_grid_row(enum cli_format format, const struct cli_column *columns, size_t n, const char *const *cells);
#define CLI_GRID_FORMAT_OPT \
	{ \
		"format", 'f', "FORMAT", "jsonl, csv or table (default: table on a terminal, else jsonl)" \
	}

/* ---- replace.c: a file gets new content in one step ---- */
enum { CLI_PATH_BYTES = 4096 };
struct cli_replace {
	FILE *out;
	char path[CLI_PATH_BYTES], beside[CLI_PATH_BYTES];
};
bool cli_replace_open(struct cli_replace *r, const char *path); /* false after a message */
bool cli_replace_commit(struct cli_replace *r);			/* durable; false after a message, the old file is as it was */
void cli_replace_abort(struct cli_replace *r);

/* ---- whole.c: formats that are written whole, when what they say has changed ---- */
#define CLI_WHOLE_OPTS \
	{"output", 'o', "PATH", "the file (suricata: folder) that is replaced whenever it changes (default: stdout, at the end)"}, \
		{"max-tlp", 0, "LABEL", "write nothing above this label"}, \
		{"except", 0, "FILE", "values, domains (with what is below them) and networks never to be written, one a line"}, \
		{"keep", 0, "SPAN", "30d, 12h ...: items that say no end leave so long after they were received"}, \
		{"url-hosts", 0, NULL, "hosts of URLs count as if they were reported themselves"}, \
		{"rpz-zone", 0, "NAME", "the zone's name, to know how long a name may be (default rpz.isac)"}, \
		{"rpz-action", 0, "ACTION", "nxdomain, nodata, drop, passthru or an address (default nxdomain)"}, \
		{"set-name", 0, "NAME", "table of nft, prefix of the ipsets (default isac)"}, \
		{"sid", 0, "N", "number of the first suricata rule (default 1900001)"},
extern const struct cli_opt cli_whole_opts[]; /* these rows */
struct cli_whole;
/* *out stays NULL if the format is another. 0 or an exit status after a message. Borrows from cli. */
int cli_whole_open(struct cli_whole **out, const struct cli *cli, enum cli_format format);
void cli_whole_close(struct cli_whole **whole);
bool cli_whole_has_output(const struct cli_whole *w);
bool cli_whole_add(struct cli_whole *w, const struct isac_item *item); /* false after a message */
/* Would cli_whole_write find something new: never written, something expired, or (new_items) something was added? */
bool cli_whole_due(const struct cli_whole *w, bool new_items);
bool cli_whole_write(struct cli_whole *w); /* false after a message */

/* ---- foreign.c: STIX and MISP ---- */
struct cli_foreign;
const char *cli_foreign_name(unsigned i, bool history); /* formats of query, or of subscribe; NULL after the last */
/* *out stays NULL if the format is another. endless: nobody knows when it ends. 0 or an exit status after a message. Borrows from cli. */
int cli_foreign_open(struct cli_foreign **out, const struct cli *cli, const struct isac *isac, enum cli_format format, bool endless);
void cli_foreign_close(struct cli_foreign **foreign);
bool cli_foreign_add(struct cli_foreign *f, const struct isac_item *item); /* false after a message */
void cli_foreign_pause(struct cli_foreign *f);				   /* what was added will be acknowledged */
void cli_foreign_tend(struct cli_foreign *f);				   /* call it a few times a second */
bool cli_foreign_end(struct cli_foreign *f);				   /* false after a message */

/* ---- progress.c: a bar on a terminal, nothing elsewhere ---- */
struct cli_progress {
	bool on;
	const char *noun; /* what is counted; "items" after cli_progress_start */
	int64_t start_ms, drawn_ms;
	uint64_t total;
};
void cli_progress_start(struct cli_progress *p, uint64_t total);
void cli_progress_show(struct cli_progress *p, uint64_t read, uint64_t items);
void cli_progress_clear(struct cli_progress *p); /* before a line is printed, and at the end */

#endif
