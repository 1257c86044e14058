/*
 * isacd, the broker's one program: command line and help. `isacd --role ...` is how the parent
 * starts its own processes; nobody types it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "isacd.h"

enum option_id {
	OPT_DATA = 1,
	OPT_CONFIG,
	OPT_LISTEN,
	OPT_DB,
	OPT_USER,
	OPT_SET,
	OPT_ROLE,
	OPT_READY_FD,
	OPT_CONF_FD,
	OPT_SPAN,
	OPT_TO,
	OPT_FROM,
	OPT_KEYS,
	OPT_WITH_KEYS,
	OPT_ADVANCE,
	OPT_MEMBER,
	OPT_JSON,
	OPT_CHECK,
	OPT_PRINT_CONFIG,
	OPT_HELP,
	OPT_VERSION
};

static const struct option options[] = {
	{"data", required_argument, NULL, OPT_DATA},
	{"config", required_argument, NULL, OPT_CONFIG},
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"db", required_argument, NULL, OPT_DB},
	{"user", required_argument, NULL, OPT_USER},
	{"set", required_argument, NULL, OPT_SET},
	{"role", required_argument, NULL, OPT_ROLE},
	{"ready-fd", required_argument, NULL, OPT_READY_FD},
	{"conf-fd", required_argument, NULL, OPT_CONF_FD},
	{"span", required_argument, NULL, OPT_SPAN},
	{"to", required_argument, NULL, OPT_TO},
	{"from", required_argument, NULL, OPT_FROM},
	{"keys", required_argument, NULL, OPT_KEYS},
	{"with-keys", no_argument, NULL, OPT_WITH_KEYS},
	{"advance", required_argument, NULL, OPT_ADVANCE},
	{"member", required_argument, NULL, OPT_MEMBER},
	{"json", no_argument, NULL, OPT_JSON},
	{"check", no_argument, NULL, OPT_CHECK},
	{"print-config", no_argument, NULL, OPT_PRINT_CONFIG},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

#define BIT(option) (1u << (option))
static const struct command {
	const char *name;
	int (*run)(const struct isacd_args *);
	unsigned options, needed;
	const char *synopsis, *text, *examples;
} commands[] = {
	{"init", isacd_init, BIT(OPT_DATA) | BIT(OPT_DB) | BIT(OPT_LISTEN) | BIT(OPT_USER) | BIT(OPT_SPAN), BIT(OPT_DATA),
	 "isacd init --data DIR [--db CONNINFO] [--listen tcp://HOST:PORT] [--user NAME] [--span REPORTS]",
	 "Makes a hub in DIR: its keys, its database, a first admin in DIR/admin and the public bundle DIR/hub.pub for members.\n"
	 "Without --db it makes a private PostgreSQL in DIR/pg. Started by root, the hub will run as NAME (isac if there is\n"
	 "such a user, else postgres); DIR/admin stays with the user who runs init.\n"
	 "--span: reports a partition of the store (1000 and up, usually 10 million), the unit in which retention removes.\n",
	 "  isacd init --data /var/lib/isac --listen tcp://192.0.2.10:7400\n"
	 "  isacd init --data ./hub --db 'host=db.example.net dbname=isac user=isac'\n"},
	{"run", isacd_run, BIT(OPT_DATA) | BIT(OPT_LISTEN) | BIT(OPT_CONFIG) | BIT(OPT_SET), BIT(OPT_DATA),
	 "isacd run --data DIR [--listen tcp://HOST:PORT] [--config FILE] [--set NAME=VALUE]...",
	 "Runs the hub in the foreground until SIGTERM or SIGINT. Prints \"isacd: ready tcp://HOST:PORT\" once it serves; the feed port\n"
	 "is the next one. Port 0 takes a free pair; DIR/run/address has it. The log goes to stderr, an event a line.\n",
	 "  isacd run --data /var/lib/isac\n"
	 "  isacd run --data ./hub --listen tcp://127.0.0.1:0 --set log_level=debug\n"},
	{"check", isacd_check, BIT(OPT_DATA) | BIT(OPT_CONFIG) | BIT(OPT_SET) | BIT(OPT_LISTEN), BIT(OPT_DATA),
	 "isacd check --data DIR [--config FILE]",
	 "Checks files and their rights, the configuration and the settings of the database. Changes nothing; the hub may be running.\n",
	 "  isacd check --data /var/lib/isac\n"},
	{"doctor", isacd_doctor, BIT(OPT_DATA) | BIT(OPT_CONFIG) | BIT(OPT_SET) | BIT(OPT_LISTEN) | BIT(OPT_JSON), BIT(OPT_DATA),
	 "isacd doctor --data DIR [--config FILE] [--json]",
	 "Everything that check looks at, and how the hub and its machine are doing: disks, descriptors, kernel, ports, signer, index, "
	 "feeds,\n"
	 "keys. Says what to do about what is wrong. Changes nothing; the hub may be running. `isac admin doctor` asks from afar.\n",
	 "  isacd doctor --data /var/lib/isac\n"},
	{"backup", isacd_backup, BIT(OPT_DATA) | BIT(OPT_TO) | BIT(OPT_WITH_KEYS) | BIT(OPT_CONFIG), BIT(OPT_DATA) | BIT(OPT_TO),
	 "isacd backup --data DIR --to FOLDER [--with-keys]",
	 "Copies the hub into FOLDER, which it makes; the hub may be running, and all it had acknowledged when the command began is in "
	 "it.\n"
	 "Without --with-keys the keys and DIR/admin stay out: keep a copy of them elsewhere, once.\n",
	 "  isacd backup --data /var/lib/isac --to /backup/isac-$(date +%F)\n"},
	{"restore", isacd_restore, BIT(OPT_FROM) | BIT(OPT_DATA) | BIT(OPT_KEYS) | BIT(OPT_USER) | BIT(OPT_ADVANCE) | BIT(OPT_JSON),
	 BIT(OPT_FROM) | BIT(OPT_DATA), "isacd restore --from FOLDER --data DIR [--keys FOLDER] [--advance REPORTS] [--user NAME] [--json]",
	 "Makes a hub in DIR, which is made, from a backup, and verifies it. The head moves on by --advance (1000000) numbers, which the "
	 "lost\n"
	 "hub may have given away since the backup: 0 only if it acknowledged nothing after it, as when a stopped hub moves house.\n"
	 "Never run the old hub again beside it.\n",
	 "  isacd restore --from /backup/isac-2026-01-31 --data /var/lib/isac --keys /root/isac-keys\n"},
	{"verify", isacd_verify, BIT(OPT_DATA) | BIT(OPT_MEMBER) | BIT(OPT_CONFIG) | BIT(OPT_JSON), BIT(OPT_DATA),
	 "isacd verify --data DIR [--member NAME] [--json]",
	 "Reads every report of the store: is it what its publisher signed, does its leaf hold, is none missing? Prints the running hash "
	 "of a\n"
	 "feed without a filter from the start: of one that sees everything, or of a member's. Changes nothing; the hub may be running.\n",
	 "  isacd verify --data /var/lib/isac\n"},
	{"print-config", isacd_print_config, BIT(OPT_DATA) | BIT(OPT_CONFIG) | BIT(OPT_SET) | BIT(OPT_LISTEN), 0,
	 "isacd print-config [--data DIR] [--config FILE] [--set NAME=VALUE]...",
	 "Prints a complete configuration file with the values in force; lines that begin with # hold defaults.\n",
	 "  isacd print-config > isacd.conf\n"
	 "  isacd print-config --data /var/lib/isac\n"},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

void isacd_say(const char *fmt, ...)
{
	va_list args;

	fputs("isacd: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

static void print_help(const struct command *only)
{
	if (!only) fputs("isacd: a hub where the members of an ISAC share threat information.\n\n", stdout);
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (!only || only == c) printf("%s\n%s\nExamples:\n%s\n", c->synopsis, c->text, c->examples);
	}
	fputs("Also: isacd --check, isacd --print-config, isacd COMMAND --help, isacd --version.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage.\n",
	      stdout);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0) return &commands[i];
	return NULL;
}

static const char *option_name(unsigned id)
{
	for (const struct option *o = options; o->name; o++)
		if ((unsigned)o->val == id) return o->name;
	return "";
}

static bool descriptor(int *out, const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	*out = (int)number;
	return end != text && !*end && number >= 0 && number < 1024;
}

static bool number(int64_t *out, const char *text, int64_t min, int64_t max)
{
	char *end;

	*out = strtoll(text, &end, 10);
	return end != text && !*end && *out >= min && *out <= max;
}

/* Stores one option; false if its value cannot be. */
static bool store(struct isacd_args *args, int id, const char *value)
{
	const char **const strings[] = {
		[OPT_DATA] = &args->data, [OPT_CONFIG] = &args->config, [OPT_LISTEN] = &args->listen, [OPT_DB] = &args->db,
		[OPT_USER] = &args->user, [OPT_ROLE] = &args->role,	[OPT_TO] = &args->to,	      [OPT_FROM] = &args->from,
		[OPT_KEYS] = &args->keys, [OPT_MEMBER] = &args->member,
	};

	if (id == OPT_READY_FD) return descriptor(&args->ready_fd, value);
	if (id == OPT_CONF_FD) return descriptor(&args->conf_fd, value);
	if (id == OPT_SPAN) return number(&args->span, value, 1000, 1000000000);
	if (id == OPT_ADVANCE) return number(&args->advance, value, 0, 1000000000000);
	if (id == OPT_SET) {
		if (args->sets_n == ISACD_SETS_MAX || !strchr(value, '=')) return false;
		args->sets[args->sets_n++] = value;
		return true;
	}
	if ((size_t)id < sizeof(strings) / sizeof(strings[0]) && strings[id]) *strings[id] = value;
	return true;
}

static int usage(const char *fmt, const char *what)
{
	fputs("isacd: ", stderr);
	if (fmt) fprintf(stderr, "%s%s", fmt, what);
	fputs("\nTry: isacd --help\n", stderr);
	return ISACD_USAGE;
}

static int run_command(const struct command *command, const struct isacd_args *args, unsigned given)
{
	unsigned foreign = given & ~command->options, missing = command->needed & ~given;

	for (unsigned id = 1; id <= OPT_VERSION; id++) {
		if (foreign & BIT(id)) return usage("not an option of this command: --", option_name(id));
		if (missing & BIT(id)) return usage("needed: --", option_name(id));
	}
	return command->run(args);
}

int main(int argc, char **argv)
{
	struct isacd_args args = {.ready_fd = -1, .conf_fd = -1, .advance = -1};
	const struct command *command = NULL;
	unsigned given = 0;
	bool help = false;
	int id;

	base_sandbox_early();
	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (id == '?') return usage("see above", "");
		if (!store(&args, id, optarg)) return usage("cannot use this value: ", optarg);
		if (id == OPT_VERSION) {
			puts("isacd " ISAC_VERSION);
			return ISACD_OK;
		}
		if (id == OPT_WITH_KEYS) args.with_keys = true;
		if (id == OPT_JSON) args.json = true;
		if (id == OPT_HELP) help = true;
		else if (id == OPT_CHECK || id == OPT_PRINT_CONFIG) command = find(option_name((unsigned)id));
		else given |= BIT((unsigned)id);
	}
	if (!command && optind < argc) {
		command = find(argv[optind++]);
		if (!command) return usage("no such command: ", argv[optind - 1]);
	}
	if (optind < argc) return usage("unexpected: ", argv[optind]);
	if (help) {
		print_help(command);
		return ISACD_OK;
	}
	if (!command && args.role) return isacd_role(&args);
	if (!command) return usage("a command is needed: init, run, check, doctor, backup, restore, verify or print-config", "");
	umask(077);
	return run_command(command, &args, given);
}
