/*
 * commands: the table of what isac can do, and the help made from it. A new subcommand is a row here and a file cmd_<name>.c.
 */
#include <stdlib.h>
#include <string.h>
#include "cli.h"

const struct cli_command cli_commands[] = {
	{"keygen", "", "make this member's identity",
	 "Writes two secret keys (mode 0600) and member.pub, which the hub's admin enrols. Keys are never overwritten.",
	 "isac --home ~/isac keygen --hub-key hub.pub --name alice\n", cmd_keygen_opts, cmd_keygen},
	{"publish", "[FILE...]", "publish indicators from files or stdin",
	 "Values are made canonical and checked here first; what is refused is listed on stderr as FILE:LINE: reason. STIX bundles,\n"
	 "MISP events and feeds are read, too; what of them no item can keep is counted on stderr. Reports wait in\n"
	 "the home's spool until the hub has receipted them, so a crash or an absent hub loses nothing, and nothing goes in twice.",
	 "isac publish --tlp amber list.csv\n"
	 "echo 198.51.100.7 | isac publish --tlp green --type ipv4 --confidence 80 --tag c2\n"
	 "isac publish --format stix --tlp amber bundle.json\n"
	 "isac publish --tlp green --map value=ioc,type=kind list.csv\n"
	 "isac publish --flush\n",
	 cmd_publish_opts, cmd_publish},
	{"subscribe", "", "receive indicators as they come",
	 "Every signature and proof is verified before an item is printed. rpz, suricata, zeek, nft, ipset, hsb, values are written whole: "
	 "they\n"
	 "say what holds now, begin at the start of the feed every time, and with --output replace the file when that has changed.\n"
	 "A note on stderr says when reports concern the space that\n"
	 "I have registered (isac space), whatever the filter is.",
	 "isac subscribe --name soc --filter 'type in (ipv4, domain) and confidence >= 60'\n"
	 "isac subscribe --from start --idle-exit 3 --format csv > all.csv\n"
	 "isac subscribe --name tools --format misp-zmq --bind tcp://127.0.0.1:50000\n"
	 "isac subscribe --name rpz --filter 'type = domain and confidence >= 60' --format rpz --output /etc/bind/rpz.zone --follow\n",
	 cmd_subscribe_opts, cmd_subscribe},
	{"query", "[FILTER]", "search the hub's history, newest first",
	 "An empty filter matches everything. `mine`: what touches the space that I have registered. The language of filters: "
	 "isac-filter(7).",
	 "isac query 'value in 198.51.100.0/24' --since 30d\n"
	 "isac query 'publisher = \"alice\" and type = sha256' --limit 0 --json\n"
	 "isac query 'tlp <= green' --format stix > bundle.json\n"
	 "isac query 'tlp <= green' --format misp --output /srv/www/feed\n"
	 "isac query 'confidence >= 80' --since 30d --format nft --max-tlp green --output isac.nft\n",
	 cmd_query_opts, cmd_query},
	{"sighting", "VALUE...", "say that I saw it, or that it is a false positive",
	 "A signed report about each report that I may see and that holds the value, the newest of each publisher; it goes to exactly "
	 "those\n"
	 "who got that report. Without an option: I saw it, and it was bad; its age begins anew.\n"
	 "About a red report it is sealed to those who can read that, and in no count of the hub's.",
	 "isac sighting 198.51.100.7\nisac sighting evil.example --false-positive --note 'our own mail relay'\n", cmd_sighting_opts,
	 cmd_sighting},
	{"withdraw", "[REPORT_ID]", "take back a report of mine, or one value of it",
	 "A signed report that goes to exactly those who got the original; `isac who` on it says who acknowledged. To say it anew\n"
	 "instead: isac publish --supersedes.",
	 "isac withdraw 0192f3c4-0000-7000-8000-000000000001 --reason 'wrong list'\nisac withdraw --value 198.51.100.7\n",
	 cmd_withdraw_opts, cmd_withdraw},
	{"preview", "[FILTER]", "what a feed with this filter would have brought",
	 "Stored reports are run through the code that delivers: counts by type, publisher and day, and what is held back. Nothing is\n"
	 "subscribed to. What is too much for one run says where to go on.",
	 "isac preview --filter 'type in (ipv4, domain) and confidence >= 60' --since 7d\n"
	 "isac preview 'mine' --since 30d --items 20\n",
	 cmd_preview_opts, cmd_preview},
	{"who", "REPORT_ID", "to whom my report was sent, and who acknowledged it",
	 "For the publisher of the report, and for admins and auditors. For all others it is as if there were no such report.",
	 "isac who 0192f3c4-0000-7000-8000-000000000001\nisac who 0192f3c4-0000-7000-8000-000000000001 --json\n", cmd_who_opts, cmd_who},
	{"why", "REPORT_ID", "why I got a report, or did not",
	 "For each of my subscriptions: when the report was sent to it, or which tests of the filter kept it out, or that it is held "
	 "back,\n"
	 "still to come, or passed. A report that I may not see is as one that does not exist.",
	 "isac why 0192f3c4-0000-7000-8000-000000000001\nisac why 0192f3c4-0000-7000-8000-000000000001 --name soc --item 3\n", cmd_why_opts,
	 cmd_why},
	{"life", "VALUE...", "is a value still bad? its state, and what is left of its confidence",
	 "By what I may see: active, held, expired, withdrawn or disputed; the best confidence, and its score now, which falls with age\n"
	 "by the rule of its type (isac admin life list); sightings and false positives by what each member said last.",
	 "isac life 198.51.100.7 evil.example\n", cmd_life_opts, cmd_life},
	{"lookup", "[VALUE...]", "which of these values are known?",
	 "Every value is answered: known or not, how often and by how many it was mentioned, the best confidence, the newest mention.\n"
	 "Only what I may see counts. Exit status 1 if none is known, 4 if some are no values (each is listed).",
	 "isac lookup 198.51.100.7 evil.example\n"
	 "isac lookup --file seen.txt --format csv > known.csv\n",
	 cmd_lookup_opts, cmd_lookup},
	{"related", "VALUE", "values of the same reports, network or domain",
	 "Three relations: mentioned in the same reports; in the same /24 or /64; below the same registered domain.",
	 "isac related 198.51.100.7\nisac related www.evil.example --limit 100 --json\n", cmd_related_opts, cmd_related},
	{"report", "REPORT_ID", "a report with its versions, and what changed between them",
	 "All items of the report that I may see, of those that it replaces and of those that replace it, oldest first.\n"
	 "Signatures are verified; what fails is never shown.",
	 "isac report 0192f3c4-5b6a-7c8d-9e0f-112233445566\n", cmd_report_opts, cmd_report},
	{"stats", "[PUBLISHER]", "counts, score cards of publishers, overlaps between them",
	 "Of what I may see and of the span alone: others may get other numbers. A span is a year at most.",
	 "isac stats --since 30d --by type\n"
	 "isac stats --scorecard --since 90d --format csv\n"
	 "isac stats --scorecard alice\n"
	 "isac stats --overlap\n",
	 cmd_stats_opts, cmd_stats},
	{"status", "", "health of the hub and of my subscriptions", NULL, "isac status\nisac status --json\n", NULL, cmd_status},
	{"space claim", "", "claim networks, AS numbers and domains as mine",
	 "A claim takes effect once another member or an admin confirms it; then `mine` in filters means it, and the hub says when\n"
	 "a report concerns it. An admin's claim for a member (--member) is in force at once.",
	 "isac space claim --net 198.51.100.0/24 --asn 3320 --domain example.net\n", cmd_space_member_opts, cmd_admin},
	{"space confirm", "MEMBER", "stand by another member's claim",
	 "Name exactly what is claimed: your signature says that it is MEMBER's. What overlaps the space of a third one needs an admin.",
	 "isac space confirm alice --net 198.51.100.0/24 --asn 3320\n", cmd_space_opts, cmd_admin},
	{"space drop", "", "end a claim or a registration", NULL, "isac space drop --net 198.51.100.0/24\n", cmd_space_member_opts,
	 cmd_admin},
	{"token add", "", "make a token: who holds it reads as I do, through a gateway",
	 "Printed once, on stdout. The hub keeps its hash only. For machines that cannot speak isac: see isac-gateway(8).",
	 "isac token add --ttl 30d --collection all --note 'firewall'\n", cmd_token_opts, cmd_token},
	{"token list", "", "my tokens", NULL, "isac token list\n", NULL, cmd_admin},
	{"token revoke", "ID", "one of my tokens is no good any more, at once", NULL, "isac token revoke 7\n", cmd_admin_dry_opts,
	 cmd_admin},
	{"space list", "[MEMBER]", "what is claimed and registered, and who confirmed it", NULL, "isac space list\n", NULL, cmd_admin},
	{"group create", "NAME", "make a group of my own",
	 "A report published with --group NAME reaches the group's members only, as far as its label lets it. Its name is taken for "
	 "everybody.",
	 "isac group create banks\n", NULL, cmd_admin},
	{"group invite", "GROUP MEMBER", "invite a member into my group",
	 "It is in it once it has accepted; then it sees older reports too.", "isac group invite banks bob\n", NULL, cmd_admin},
	{"group accept", "GROUP", "join a group that I am invited to", NULL, "isac group accept banks\n", NULL, cmd_admin},
	{"group leave", "GROUP [MEMBER]", "leave a group, or decline an invitation",
	 "With MEMBER its owner takes somebody out. The owner itself gives the group to another member first.", "isac group leave banks\n",
	 NULL, cmd_admin},
	{"group give", "GROUP MEMBER", "make another of its members the owner", NULL, "isac group give banks bob\n", NULL, cmd_admin},
	{"group list", "", "my groups, who is in them, and what I am invited to", NULL, "isac group list\n", NULL, cmd_admin},
	{"filter check", "FILTER", "is this filter right? prints its normal form",
	 "Asks no hub. An error names its column and what could stand there.", "isac filter check 'type in (domain, ipv4) and valid'\n",
	 NULL, cmd_filter},
	{"filter explain", "FILTER", "which index serves each part of a filter",
	 "In a feed, a filter is found by a value (exact), a network or a domain (suffix), or has its bit in bitmaps; the rest is\n"
	 "confirmed for each item found. Asks no hub.",
	 "isac filter explain 'value in 203.0.113.0/24 and confidence >= 60'\n", NULL, cmd_filter},
	{"join", "FILE", "become a member by an invitation",
	 "Makes a home with keys that never leave this machine. If no answer came, run it again.",
	 "isac --home ~/isac join alice.invitation\n", NULL, cmd_join},
	{"leave", "NAME", "leave the hub, for good",
	 "The member of this home; its name is said for safety. Its keys, subscriptions, groups and registered space end; what it\n"
	 "published stays.",
	 "isac --home ~/isac leave alice\n", cmd_leave_opts, cmd_leave},
	{"admin member add", "FILE", "enrol a member by its member.pub", NULL,
	 "isac --home DIR/admin admin member add alice/member.pub --role publisher,subscriber --type isp --asn 64500\n",
	 cmd_admin_member_add_opts, cmd_admin},
	{"admin member list", "", "who is enrolled", NULL, "isac admin member list\n", NULL, cmd_admin},
	{"admin member suspend", "NAME", "shut a member out, at once", NULL, "isac admin member suspend alice\n", cmd_admin_dry_opts,
	 cmd_admin},
	{"admin member resume", "NAME", "let a suspended member in again", NULL, "isac admin member resume alice\n", cmd_admin_dry_opts,
	 cmd_admin},
	{"admin member role", "NAME", "set a member's roles", NULL, "isac admin member role alice --role publisher,subscriber,analyst\n",
	 cmd_admin_role_opts, cmd_admin},
	{"admin key add", "MEMBER FILE", "enrol another signing key of a member", NULL, "isac admin key add alice new/member.pub\n",
	 cmd_admin_key_add_opts, cmd_admin},
	{"admin key list", "[MEMBER]", "signing keys and their validity", NULL, "isac admin key list alice\n", NULL, cmd_admin},
	{"admin key revoke", "KEY_ID", "trust a key no longer", NULL, "isac admin key revoke 0123456789abcdef\n", cmd_admin_revoke_opts,
	 cmd_admin},
	{"admin group add", "NAME", "make a sharing group", NULL, "isac admin group add banks\n", NULL, cmd_admin},
	{"admin group list", "", "groups and who is in them", NULL, "isac admin group list\n", NULL, cmd_admin},
	{"admin group join", "GROUP MEMBER", "put a member into a group", NULL, "isac admin group join banks alice\n", NULL, cmd_admin},
	{"admin group leave", "GROUP MEMBER", "take a member out of a group", NULL, "isac admin group leave banks alice\n", NULL,
	 cmd_admin},
	{"admin subscription list", "[MEMBER]", "named subscriptions and how far they are", NULL, "isac admin subscription list\n", NULL,
	 cmd_admin},
	{"admin event list", "", "what admins did", NULL, "isac admin event list\n", NULL, cmd_admin},
	{"admin member invite", "NAME", "enrol a member that makes its own keys",
	 "The invitation is a secret for one use within seven days: its holder becomes this member, by `isac join`.",
	 "isac admin member invite alice --role publisher,subscriber --output alice.invitation\n", cmd_admin_invite_opts, cmd_admin},
	{"admin member erase", "NAME", "shut a member out for good, erase what it published",
	 "The content of all its reports goes, step by step (isac admin recall list); its receivers are told.",
	 "isac admin member erase alice --dry-run\n", cmd_admin_dry_opts, cmd_admin},
	{"admin member quota", "NAME", "how much a member may submit", "What is not said is as the hub's settings say.",
	 "isac admin member quota alice --per-second 20 --burst 200\n", cmd_admin_quota_opts, cmd_admin},
	{"admin read list", "[MEMBER]", "who read what out of history", "Queries, look-ups, statistics: every answer that told something.",
	 "isac admin read list alice\n", NULL, cmd_admin},
	{"admin read who", "REPORT_ID", "who read a report out of history", "To whom feeds brought it: isac who.",
	 "isac admin read who 0192f3c4a1b27c3d8e4f5a6b7c8d9e0f\n", NULL, cmd_admin},
	{"admin report erase", "REPORT_ID", "remove a report's content for ever",
	 "Header, signature and receipt stay and still verify; feeds say in its place that it was erased, and whom it had been\n"
	 "sent to is told not to use it any more. Try it with --dry-run: it shows the receivers.",
	 "isac admin report erase 0192f3c4a1b27c3d8e4f5a6b7c8d9e0f --reason 'order 17/2026' --dry-run\n", cmd_admin_erase_opts, cmd_admin},
	{"admin report withdraw", "REPORT_ID", "end another member's report",
	 "It stays in history, as ended; feeds show it no more, and whom it had been sent to is told not to use it any more, with the\n"
	 "admins' signatures. isac admin recall show says who was told and acknowledged it. One's own report: isac withdraw.",
	 "isac admin report withdraw 0192f3c4a1b27c3d8e4f5a6b7c8d9e0f --reason 'wrong block list' --dry-run\n", cmd_admin_erase_opts,
	 cmd_admin},
	{"admin recall list", "", "what was recalled: erased and withdrawn reports, revoked keys", NULL, "isac admin recall list\n", NULL,
	 cmd_admin},
	{"admin recall show", "ID", "whom it had been sent to, and who was told", NULL, "isac admin recall show 1\n", NULL, cmd_admin},
	{"admin pending list", "", "dangerous commands that wait for a second admin", NULL, "isac admin pending list\n", NULL, cmd_admin},
	{"admin pending show", "COMMAND_ID", "what one of them says", NULL, "isac admin pending show 0123456789abcdef0123456789abcdef\n",
	 NULL, cmd_pending},
	{"admin pending approve", "COMMAND_ID", "sign it as the second admin: it takes effect",
	 "It is shown first. What is signed is what is shown, to the byte.",
	 "isac admin pending approve 0123456789abcdef0123456789abcdef\n", NULL, cmd_pending},
	{"admin pending reject", "COMMAND_ID", "it never takes effect", NULL,
	 "isac admin pending reject 0123456789abcdef0123456789abcdef\n", NULL, cmd_admin},
	{"admin token add", "MEMBER", "make a token of another member's",
	 "Printed once, on stdout. Who holds it reads as the member: with two admins it waits for the other one's signature.",
	 "isac admin token add alice --ttl 30d --scope client\n", cmd_token_opts, cmd_token},
	{"admin token list", "[MEMBER]", "tokens, newest first", NULL, "isac admin token list alice\n", NULL, cmd_admin},
	{"admin token revoke", "ID", "a token is no good any more, at once", NULL, "isac admin token revoke 7\n", cmd_admin_dry_opts,
	 cmd_admin},
	{"admin collection add", "NAME FILTER", "save a filter, which gateways offer under its name", NULL,
	 "isac admin collection add c2 'tag = \"c2\" and confidence >= 60' --title 'Command and control'\n", cmd_collection_opts,
	 cmd_admin},
	{"admin collection list", "", "saved filters", NULL, "isac admin collection list\n", NULL, cmd_admin},
	{"admin collection drop", "NAME", "forget a saved filter", NULL, "isac admin collection drop c2\n", cmd_admin_dry_opts, cmd_admin},
	{"admin held list", "", "values that are held back, and why", NULL, "isac admin held list --publisher alice --type domain\n",
	 cmd_admin_held_opts, cmd_admin},
	{"admin held release", "KEY|VALUE", "deliver a held value, now and from now on", NULL, "isac admin held release sinkhole.example\n",
	 NULL, cmd_admin},
	{"admin held drop", "KEY|VALUE", "keep a held value out of the feeds, whoever reports it", NULL, "isac admin held drop 192.0.1.1\n",
	 NULL, cmd_admin},
	{"admin warninglist reload", "", "read the hub's warninglists again", NULL, "isac admin warninglist reload\n", NULL, cmd_admin},
	{"admin retention", "", "remove reports past their time",
	 "Whole partitions of the store go, once all they hold is before the bound. Feeds name what went as a gap; queries find it no "
	 "more.\n"
	 "Without --before the bound is the hub's parameter retention_days, by which it also removes by itself, every hour.",
	 "isac admin retention --dry-run --before 365d\nisac admin retention --before 2026-01-01T00:00:00Z\n", cmd_admin_retention_opts,
	 cmd_admin},
	{"admin doctor", "", "is the hub well? what to do if not",
	 "What can be seen from inside; `isacd doctor` on the hub's machine sees the rest. Exit status 1 if something is wrong.",
	 "isac admin doctor\n", NULL, cmd_admin_doctor},
	{"admin life list", "", "how values of each type age", NULL, "isac admin life list\n", NULL, cmd_admin},
	{"admin life set", "TYPE", "set how values of a type age",
	 "age: one that says no end is over so long after it came in, or after the newest sighting. speed of decay: 1 falls evenly,\n"
	 "above 1 at first, below 1 at the end.",
	 "isac admin life set ipv4 --age 14 --speed 2\n", cmd_admin_life_set_opts, cmd_admin},
	{"admin stats", "", "the hub's counters", NULL, "isac admin stats\n", NULL, cmd_admin},
	{"admin params", "", "the hub's parameters", NULL, "isac admin params\n", NULL, cmd_admin},
	{"help", "[COMMAND]", "this overview, or one command's help", NULL, "isac help publish\n", NULL, cmd_help},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

/* How many words of name argv begins with; 0 if not all of them. */
static int match(const char *name, int argc, char **argv)
{
	int n = 0;
	while (*name) {
		size_t len = strcspn(name, " ");
		if (n >= argc || strlen(argv[n]) != len || memcmp(argv[n], name, len) != 0) return 0;
		n++;
		name += len + (name[len] == ' ');
	}
	return n;
}

const struct cli_command *cli_commands_find(int argc, char **argv, int *words)
{
	for (const struct cli_command *c = cli_commands; c->name; c++)
		if ((*words = match(c->name, argc, argv)) > 0) return c;
	*words = 0;
	return NULL;
}

static void print_opts(const struct cli_opt *opts)
{
	for (; opts && opts->name; opts++) {
		char left[64];
		snprintf(left, sizeof left, "%s%c%s--%s%s%s", opts->letter ? "-" : " ", opts->letter ? opts->letter : ' ',
			 opts->letter ? ", " : "  ", opts->name, opts->arg ? " " : "", opts->arg ? opts->arg : "");
		printf("  %-28s %s\n", left, opts->text);
	}
}

static int print_command(const struct cli_command *c)
{
	printf("usage: isac [--home DIR] %s%s%s%s\n\n%s\n", c->name, *c->args ? " " : "", c->args, c->opts ? " [OPTION...]" : "", c->text);
	if (c->more) printf("\n%s\n", c->more);
	if (c->opts) {
		printf("\nOptions:\n");
		print_opts(c->opts);
	}
	printf("\nCommon options:\n");
	print_opts(cli_common);
	printf("\nExample:\n");
	for (const char *p = c->example; *p;) {
		int len = (int)strcspn(p, "\n");
		printf("  %.*s\n", len, p);
		p += len + (p[len] == '\n');
	}
	return EXIT_DONE;
}

/* prefix: the words given so far, "" for all. */
static int print_overview(const char *prefix)
{
	size_t len = strlen(prefix);
	printf("usage: isac [--home DIR] [--hub tcp://HOST:PORT] [--json] %s%sCOMMAND ...\n\n", prefix, len ? " " : "");
	for (const struct cli_command *c = cli_commands; c->name; c++) {
		char left[80];
		if (strncmp(c->name, prefix, len) != 0 || (len && c->name[len] != ' ')) continue;
		snprintf(left, sizeof left, "%s %s", c->name, c->args);
		printf("  %-34s %s\n", left, c->text);
	}
	printf("\nCommon options:\n");
	print_opts(cli_common);
	printf("\nExit status: 0 done, 1 refused or failed verification, 2 usage, 3 cannot reach the hub, 4 some items refused.\n"
	       "`isac COMMAND --help` shows a command's options and an example.\n");
	return EXIT_DONE;
}

/* The words, as far as some command begins with them. */
static bool join_prefix(char *out, size_t size, int argc, char **argv)
{
	out[0] = 0;
	for (int i = 0; i < argc; i++) {
		size_t len = strlen(out);
		snprintf(out + len, size - len, "%s%s", i ? " " : "", argv[i]);
	}
	for (const struct cli_command *c = cli_commands; c->name; c++)
		if (strncmp(c->name, out, strlen(out)) == 0 && c->name[strlen(out)] == ' ') return true;
	return argc == 0;
}

int cmd_help(struct cli *cli)
{
	int words;
	char prefix[120];
	const struct cli_command *c = cli_commands_find(cli->words_n, cli->words, &words);
	if (c) return print_command(c);
	if (join_prefix(prefix, sizeof prefix, cli->words_n, cli->words)) return print_overview(prefix);
	cli->command = NULL; /* the hint is to the overview, not to the help of help */
	return cli_usage(cli, "there is no command '%s'", prefix);
}

static int unknown(struct cli *cli, int argc, char **argv)
{
	char prefix[120];
	int words = 0;
	while (words < argc && argv[words][0] != '-') words++;
	bool help = words < argc && (strcmp(argv[words], "--help") == 0 || strcmp(argv[words], "-h") == 0);
	bool known = join_prefix(prefix, sizeof prefix, words, argv);
	if (known && (help || cli_options_flag(cli, "help"))) return print_overview(prefix);
	if (known) return cli_usage(cli, "%s%s", *prefix ? prefix : "isac", " needs a command after it");
	return cli_usage(cli, "there is no command '%s'", prefix);
}

int cli_commands_main(int argc, char **argv)
{
	struct cli cli = {.values = NULL};
	int next = 0, words, status = cli_options_parse(&cli, NULL, argc, argv, true, &next);
	if (!status) {
		cli.command = cli_commands_find(argc - next, argv + next, &words);
		if (!cli.command) {
			status = unknown(&cli, argc - next, argv + next);
		} else {
			/* getopt takes the first word for the program's name: the command's last word stands there. */
			int first = next + words - 1;
			status = cli_options_parse(&cli, cli.command->opts, argc - first, argv + first, false, NULL);
			if (!status) status = cli_options_flag(&cli, "help") ? print_command(cli.command) : cli.command->run(&cli);
		}
	}
	cli_options_clear(&cli);
	if (fflush(stdout) != 0 && status == EXIT_DONE) status = EXIT_REFUSED;
	return status;
}
