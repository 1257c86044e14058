/*
 * isac admin, isac space, isac group: a row per command says which verb goes to the hub and how words and options become its arguments.
 * What a verb needs and does is decided by the hub alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

#define CLI_DRY_RUN {"dry-run", 'n', NULL, "change nothing, only say what would be done"},

const struct cli_opt cmd_admin_member_add_opts[] = {
	{"role", 'r', "ROLE,...", "publisher, subscriber, analyst, auditor, admin, gateway"},
	{"type", 't', "TYPE", "isp, vendor, soc, csirt, academic"},
	{"client-of", 0, "NAME", "the member organisation whose client it is: reads up to TLP:AMBER, with that one's groups"},
	{"asn", 0, "N", "an autonomous system of the member's (may be repeated)"},
	{"net", 0, "CIDR", "a network of the member's (may be repeated)"},
	{"domain", 0, "DOMAIN", "a domain of the member's (may be repeated)"},
	CLI_DRY_RUN{NULL, 0, NULL, NULL},
};
const struct cli_opt cmd_admin_role_opts[] = {
	{"role", 'r', "ROLE,...", "all roles that the member is to have"},
	CLI_DRY_RUN{NULL, 0, NULL, NULL},
};
const struct cli_opt cmd_admin_key_add_opts[] = {
	{"valid-from", 0, "TIME", "not before"},
	{"valid-until", 0, "TIME", "not from then on"},
	{"curve", 0, NULL, "and the file's connection key in place of the old one, which is lost"},
	CLI_DRY_RUN{NULL, 0, NULL, NULL},
};
const struct cli_opt cmd_admin_revoke_opts[] = {
	{"from-seq", 0, "SEQ", "reports from this sequence number on are not to be trusted (default: the next one)"},
	CLI_DRY_RUN{NULL, 0, NULL, NULL},
};

const struct cli_opt cmd_admin_invite_opts[] = {
	{"output", 'o', "FILE", "where the invitation is written"},
	{"role", 'r', "ROLE,...", "publisher, subscriber, analyst, auditor, admin, gateway"},
	{"type", 't', "TYPE", "isp, vendor, soc, csirt, academic"},
	{"client-of", 0, "NAME", "the member organisation whose client it is: reads up to TLP:AMBER, with that one's groups"},
	{"asn", 0, "N", "an autonomous system of the member's (may be repeated)"},
	{"net", 0, "CIDR", "a network of the member's (may be repeated)"},
	{"domain", 0, "DOMAIN", "a domain of the member's (may be repeated)"},
	{NULL, 0, NULL, NULL},
};
const struct cli_opt cmd_admin_quota_opts[] = {
	{"per-second", 0, "N", "reports a second"},
	{"burst", 0, "N", "reports at once, on top of that"},
	{"bytes-per-minute", 0, "N", "bytes a minute"},
	{NULL, 0, NULL, NULL},
};
const struct cli_opt cmd_admin_erase_opts[] = {
	{"publisher", 'p', "MEMBER", "whose report, should two publishers have used the same id"},
	{"reason", 0, "TEXT", "kept with the order, such as the number of a court's"},
	CLI_DRY_RUN{NULL, 0, NULL, NULL},
};
const struct cli_opt cmd_admin_life_set_opts[] = {
	{"age", 0, "DAYS", "when one that says no end is over, 1 to 36500"},
	{"speed", 0, "N", "of decay, 0.01 to 100"},
	{NULL, 0, NULL, NULL},
};
const struct cli_opt cmd_admin_dry_opts[] = {
	CLI_DRY_RUN{NULL, 0, NULL, NULL},
};

const struct cli_opt cmd_admin_retention_opts[] = {
	{"dry-run", 'n', NULL, "only say what would go"},
	{"before", 0, "TIME|SEQ", "all reports before this time, or below this sequence number (default: by the parameter retention_days)"},
	{NULL, 0, NULL, NULL},
};

const struct cli_opt cmd_space_opts[] = {
	{"asn", 0, "N", "an autonomous system (may be repeated)"},
	{"net", 0, "CIDR", "a network (may be repeated)"},
	{"domain", 0, "DOMAIN", "a domain, with all below it (may be repeated)"},
	{NULL, 0, NULL, NULL},
};
const struct cli_opt cmd_space_member_opts[] = {
	{"member", 'm', "NAME", "whose, for admins (default: mine)"},
	{"asn", 0, "N", "an autonomous system (may be repeated)"},
	{"net", 0, "CIDR", "a network (may be repeated)"},
	{"domain", 0, "DOMAIN", "a domain, with all below it (may be repeated)"},
	{NULL, 0, NULL, NULL},
};

const struct cli_opt cmd_collection_opts[] = {
	{"title", 0, "TEXT", "for people"},
	CLI_DRY_RUN{NULL, 0, NULL, NULL},
};

const struct cli_opt cmd_admin_held_opts[] = {
	{"publisher", 'p', "NAME", "only what this member reported"},
	{"type", 't', "TYPE", "only values of this type"},
	{NULL, 0, NULL, NULL},
};

enum how { TEXT, JOINED, EACH, TIME, TIME_OR_SEQ, FLAG };
static const struct verb {
	const char *name, *verb;
	struct {
		const char *arg;
		bool file;
		bool optional;
	} word[2];
	struct {
		const char *opt, *arg;
		enum how how;
		bool needed;
	} opt[6];
} verbs[] = {
	{"admin member add",
	 "member.add",
	 {{"bundle", true, false}},
	 {{"role", "role", JOINED, true},
	  {"type", "type", TEXT, false},
	  {"client-of", "client_of", TEXT, false},
	  {"asn", "asn", EACH, false},
	  {"net", "net", EACH, false},
	  {"domain", "domain", EACH, false}}},
	{"admin member list", "member.list", {{0}}, {{0}}},
	{"admin member suspend", "member.suspend", {{"name", false, false}}, {{0}}},
	{"admin member resume", "member.resume", {{"name", false, false}}, {{0}}},
	{"admin member role", "member.role", {{"name", false, false}}, {{"role", "role", JOINED, true}}},
	{"admin key add",
	 "key.add",
	 {{"member", false, false}, {"bundle", true, false}},
	 {{"valid-from", "valid_from_us", TIME, false}, {"valid-until", "valid_until_us", TIME, false}, {"curve", "curve", FLAG, false}}},
	{"admin key list", "key.list", {{"member", false, true}}, {{0}}},
	{"admin key revoke", "key.revoke", {{"key_id", false, false}}, {{"from-seq", "from_seq", TEXT, false}}},
	{"admin group add", "group.add", {{"name", false, false}}, {{0}}},
	{"admin group list", "group.list", {{0}}, {{0}}},
	{"admin group join", "group.join", {{"group", false, false}, {"member", false, false}}, {{0}}},
	{"admin group leave", "group.leave", {{"group", false, false}, {"member", false, false}}, {{0}}},
	{"group create", "group.create", {{"name", false, false}}, {{0}}},
	{"group invite", "group.invite", {{"group", false, false}, {"member", false, false}}, {{0}}},
	{"group accept", "group.accept", {{"group", false, false}}, {{0}}},
	{"group leave", "group.leave", {{"group", false, false}, {"member", false, true}}, {{0}}},
	{"group give", "group.give", {{"group", false, false}, {"member", false, false}}, {{0}}},
	{"group list", "group.list", {{0}}, {{0}}},
	{"admin subscription list", "subscription.list", {{"member", false, true}}, {{0}}},
	{"admin event list", "event.list", {{0}}, {{0}}},
	{"admin member invite",
	 "member.invite",
	 {{"name", false, false}},
	 {{"role", "role", JOINED, true},
	  {"type", "type", TEXT, false},
	  {"client-of", "client_of", TEXT, false},
	  {"asn", "asn", EACH, false},
	  {"net", "net", EACH, false},
	  {"domain", "domain", EACH, false}}},
	{"admin member erase", "member.erase", {{"name", false, false}}, {{0}}},
	{"admin member quota",
	 "member.quota",
	 {{"name", false, false}},
	 {{"per-second", "reports_per_s", TEXT, false},
	  {"burst", "burst", TEXT, false},
	  {"bytes-per-minute", "bytes_per_min", TEXT, false}}},
	{"admin read list", "read.list", {{"member", false, true}}, {{0}}},
	{"admin read who", "read.who", {{"report_id", false, false}}, {{0}}},
	{"admin report erase",
	 "report.erase",
	 {{"report_id", false, false}},
	 {{"publisher", "publisher", TEXT, false}, {"reason", "reason", TEXT, false}}},
	{"admin report withdraw",
	 "report.withdraw",
	 {{"report_id", false, false}},
	 {{"publisher", "publisher", TEXT, false}, {"reason", "reason", TEXT, false}}},
	{"admin recall list", "recall.list", {{0}}, {{0}}},
	{"admin recall show", "recall.show", {{"id", false, false}}, {{0}}},
	{"admin pending list", "pending.list", {{0}}, {{0}}},
	{"admin pending reject", "pending.reject", {{"command_id", false, false}}, {{0}}},
	{"admin held list", "held.list", {{0}}, {{"publisher", "publisher", TEXT, false}, {"type", "type", TEXT, false}}},
	{"admin held release", "held.release", {{"what", false, false}}, {{0}}},
	{"admin held drop", "held.drop", {{"what", false, false}}, {{0}}},
	{"admin warninglist reload", "warninglist.reload", {{0}}, {{0}}},
	{"admin retention", "retention.run", {{0}}, {{"before", "before", TIME_OR_SEQ, false}}},
	{"admin life list", "life.list", {{0}}, {{0}}},
	{"admin life set", "life.set", {{"type", false, false}}, {{"age", "age_days", TEXT, true}, {"speed", "speed", TEXT, true}}},
	{"admin stats", "stats", {{0}}, {{0}}},
	{"admin params", "params", {{0}}, {{0}}},
	{"admin token list", "token.list", {{"member", false, true}}, {{0}}},
	{"admin token revoke", "token.revoke", {{"id", false, false}}, {{0}}},
	{"token list", "token.list", {{0}}, {{0}}},
	{"token revoke", "token.revoke", {{"id", false, false}}, {{0}}},
	{"admin collection add", "collection.add", {{"name", false, false}, {"filter", false, false}}, {{"title", "title", TEXT, false}}},
	{"admin collection list", "collection.list", {{0}}, {{0}}},
	{"admin collection drop", "collection.drop", {{"name", false, false}}, {{0}}},
	{"space claim",
	 "space.claim",
	 {{0}},
	 {{"member", "member", TEXT, false}, {"asn", "asn", EACH, false}, {"net", "net", EACH, false}, {"domain", "domain", EACH, false}}},
	{"space confirm",
	 "space.confirm",
	 {{"member", false, false}},
	 {{"asn", "asn", EACH, false}, {"net", "net", EACH, false}, {"domain", "domain", EACH, false}}},
	{"space drop",
	 "space.drop",
	 {{0}},
	 {{"member", "member", TEXT, false}, {"asn", "asn", EACH, false}, {"net", "net", EACH, false}, {"domain", "domain", EACH, false}}},
	{"space list", "space.list", {{"member", false, true}}, {{0}}},
};

/* What --dry-run asks instead. */
static const char *verb_of(const struct verb *v, const struct cli *cli)
{
	return cli_options_flag(cli, "dry-run") && strcmp(v->verb, "retention.run") == 0 ? "retention.show" : v->verb;
}

enum { ARGS_MAX = 256, BUNDLE_MAX = 65536 };
struct order {
	struct isac_arg arg[ARGS_MAX];
	void *owned[ARGS_MAX];
	size_t n;
};

static bool add(struct order *o, const char *name, const char *value, void *owned)
{
	if (o->n == ARGS_MAX) {
		free(owned);
		cli_note("a command takes %d arguments at most", ARGS_MAX);
		return false;
	}
	o->arg[o->n] = (struct isac_arg){.name = name, .value = value};
	o->owned[o->n++] = owned;
	return true;
}

static bool add_file(struct order *o, const char *name, const char *path)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text = malloc(BUNDLE_MAX);
	if (!in || !text) {
		cli_note("cannot open %s: %s", path, strerror(errno));
		if (in && in != stdin) fclose(in);
		free(text);
		return false;
	}
	size_t len = fread(text, 1, BUNDLE_MAX, in);
	if (in != stdin) fclose(in);
	if (len == BUNDLE_MAX || !add(o, name, NULL, text)) {
		if (len == BUNDLE_MAX) {
			cli_note("%s is too large for a bundle", path);
			free(text);
		}
		return false;
	}
	o->arg[o->n - 1].data = text;
	o->arg[o->n - 1].data_len = len;
	return true;
}

/* As a receipt or an item shows it. */
static bool add_id(struct order *o, const struct cli *cli, const char *text)
{
	uint8_t id[ISAC_ID_BYTES];
	if (!isac_id_parse(id, text)) {
		cli_usage(cli, "'%s' is not a report_id: 32 hexadecimal digits", text);
		return false;
	}
	char *hex = malloc(2 * sizeof id + 1);
	if (!hex) return false;
	for (size_t i = 0; i < sizeof id; i++) snprintf(hex + 2 * i, 3, "%02x", id[i]);
	return add(o, "report_id", hex, hex);
}

static bool add_time(struct order *o, const struct cli *cli, const char *opt, const char *arg)
{
	int64_t us;
	char *text = NULL;
	int64_t span_us;
	const char *given = cli_options_get(cli, opt);
	if (cli_time_span(&span_us, given)) us = cli_time_now_us() - span_us;
	else if (!cli_time_parse(&us, given)) {
		cli_usage(cli, "--%s is a time like 2026-01-31T12:00:00Z", opt);
		return false;
	}
	return asprintf(&text, "%lld", (long long)us) > 0 && add(o, arg, text, text);
}

/* Digits alone are a sequence number. */
static bool add_time_or_seq(struct order *o, const struct cli *cli, const char *opt, const char *value)
{
	if (strspn(value, "0123456789") == strlen(value)) return add(o, "before_seq", value, NULL);
	return add_time(o, cli, opt, "before_us");
}

static bool add_option(struct order *o, const struct cli *cli, const struct verb *v, size_t i)
{
	if (v->opt[i].how == FLAG) return !cli_options_flag(cli, v->opt[i].opt) || add(o, v->opt[i].arg, "yes", NULL);
	const char *value = cli_options_get(cli, v->opt[i].opt);
	if (!value && v->opt[i].needed) {
		cli_usage(cli, "--%s is missing", v->opt[i].opt);
		return false;
	}
	if (!value) return true;
	if (v->opt[i].how == TEXT) return add(o, v->opt[i].arg, value, NULL);
	if (v->opt[i].how == TIME_OR_SEQ) return add_time_or_seq(o, cli, v->opt[i].opt, value);
	if (v->opt[i].how == TIME) return add_time(o, cli, v->opt[i].opt, v->opt[i].arg);
	size_t n;
	bool good = true;
	char *joined = NULL, **list = cli_options_list(cli, v->opt[i].opt, &n);
	for (size_t j = 0; good && j < n; j++) {
		if (v->opt[i].how == EACH) {
			char *copy = strdup(list[j]);
			good = copy && add(o, v->opt[i].arg, copy, copy);
			continue;
		}
		char *longer = NULL;
		good = asprintf(&longer, "%s%s%s", joined ? joined : "", joined ? "," : "", list[j]) > 0;
		free(joined);
		joined = good ? longer : NULL;
	}
	cli_options_free_list(list);
	if (good && v->opt[i].how == JOINED) return add(o, v->opt[i].arg, joined ? joined : "", joined);
	free(joined);
	return good;
}

/* 0 or an exit status after a message. */
static int fill(struct order *o, const struct cli *cli, const struct verb *v)
{
	int words = 0, needed = 0;
	for (size_t i = 0; i < 2 && v->word[i].arg; i++) {
		words++;
		needed += !v->word[i].optional;
	}
	if (cli->words_n < needed || cli->words_n > words)
		return cli_usage(cli, "it goes: isac %s %s", cli->command->name, cli->command->args);
	for (int i = 0; i < cli->words_n; i++) {
		if (strcmp(v->word[i].arg, "report_id") == 0 ? !add_id(o, cli, cli->words[i])
		    : v->word[i].file			     ? !add_file(o, v->word[i].arg, cli->words[i])
							     : !add(o, v->word[i].arg, cli->words[i], NULL))
			return EXIT_USAGE;
	}
	for (size_t i = 0; i < 6 && v->opt[i].opt; i++)
		if (!add_option(o, cli, v, i)) return EXIT_USAGE;
	bool own = strcmp(v->verb, "retention.run") == 0; /* it is shown by a command of its own */
	if (cli_options_flag(cli, "dry-run") && !own && !add(o, "dry_run", "yes", NULL)) return EXIT_USAGE;
	return 0;
}

/* An invitation's first argument is the name; its bundle is made by the library. */
static enum isac_result send(const struct isac_answer **answer, struct isac *isac, const struct cli *cli, const struct verb *v,
			     const struct order *o, struct isac_error *err)
{
	if (strcmp(v->verb, "member.invite") != 0) return isac_command(answer, isac, verb_of(v, cli), o->arg, o->n, err);
	return isac_invite(answer, isac, cli->words[0], cli_options_get(cli, "output"), o->arg + 1, o->n - 1, err);
}

/* Whatever is wrong is the command's failure, too: scripts ask for the status. */
int cmd_admin_doctor(struct cli *cli)
{
	struct isac *isac = NULL;
	struct isac_error err;
	const struct isac_answer *answer;
	int status = cli->words_n ? cli_usage(cli, "it goes: isac %s", cli->command->name) : cli_open(&isac, cli);
	if (!status && isac_command(&answer, isac, "doctor", NULL, 0, &err)) status = cli_fail(&err);
	else if (!status) {
		cli_output_rows(answer, cli_options_flag(cli, "json"));
		for (size_t i = 0; i < answer->rows_n; i++)
			for (size_t j = 0; j < answer->rows[i].n; j++)
				if (!strcmp(answer->rows[i].cells[j].name, "state") && !strcmp(answer->rows[i].cells[j].value, "wrong"))
					status = EXIT_REFUSED;
	}
	isac_close(&isac);
	return status;
}

int cmd_admin(struct cli *cli)
{
	const struct verb *v = verbs;
	while (strcmp(v->name, cli->command->name) != 0) v++; /* a test compares both tables */
	struct order o = {.n = 0};
	struct isac *isac = NULL;
	struct isac_error err;
	const struct isac_answer *answer;
	int status = fill(&o, cli, v);
	if (!status && strcmp(v->verb, "member.invite") == 0 && !cli_options_get(cli, "output"))
		status = cli_usage(cli, "--output FILE is missing: where to write the invitation");
	if (!status) status = cli_open(&isac, cli);
	if (!status) {
		if (send(&answer, isac, cli, v, &o, &err)) status = cli_fail(&err);
		else {
			cli_output_rows(answer, cli_options_flag(cli, "json"));
			if (*answer->text) cli_note("%s: %s", cli->command->name, answer->text);
			else if (!answer->rows_n) cli_note("%s: done", cli->command->name);
		}
	}
	isac_close(&isac);
	for (size_t i = 0; i < o.n; i++) free(o.owned[i]);
	return status;
}
