/* commands: the table of what isac-edge can do, and the help made from it. A new command is a row here and a file cmd_<name>.c. */
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include "base/base.h"
#include "edge/priv.h"

const struct edge_command edge_commands[] = {
	{"digest", "FILE.pcap", "print each packet's profile and key",
	 "Without an epoch key it prints the SHA-256 of the input instead of a key: for comparing by hand, not for asking others.",
	 "isac-edge digest attack.pcap --epoch-key-file epoch.key\n"
	 "isac-edge digest attack.pcap --epoch-key-file epoch.key --json | jq -r .key\n",
	 edge_cmd_digest_options, edge_cmd_digest},
	{"check", "", "check a configuration and say what it will need",
	 "Interfaces, files, user and key are looked at, too. Nothing is changed.", "isac-edge check --conf /etc/isac/isac-edge.conf\n",
	 edge_cmd_check_options, edge_cmd_check},
	{"run", "", "capture, and fill the tables",
	 "Runs in the foreground, says `isac-edge: ready` once it captures, and stops cleanly on SIGTERM. SIGHUP reads the epoch key\n"
	 "again, SIGUSR1 saves the open pages and prints the counters. With capture files it ends by itself.",
	 "isac-edge run --conf /etc/isac/isac-edge.conf\n", edge_cmd_run_options, edge_cmd_run},
	{"lookup", "", "ask the saved tables where a key came in and went out",
	 "Exit status 0: it was here. 1: NotFound or Unknown. The packets of the last minute are not saved yet.",
	 "isac-edge lookup --data /var/lib/isac-edge --key 6a49092d...7e4a --at 2026-11-25T08:00:00Z --tolerance 2\n",
	 edge_cmd_lookup_options, edge_cmd_lookup},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

void edge_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("isac-edge: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int edge_usage(const struct edge_command *command, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("isac-edge: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry `isac-edge %s%s--help`.\n", command ? command->name : "", command ? " " : "");
	return EDGE_USAGE;
}

/* ---- help ---- */
static void print_options(const struct edge_option *options)
{
	char left[64];

	for (; options->name; options++) {
		snprintf(left, sizeof left, "--%s%s%s", options->name, options->arg ? " " : "", options->arg ? options->arg : "");
		printf("  %-26s %s\n", left, options->text);
	}
	printf("  %-26s %s\n", "-h, --help", "this text");
}

static void print_command(const struct edge_command *command)
{
	printf("usage: isac-edge %s%s%s [OPTION...]\n\n%s\n\n%s\n\nOptions:\n", command->name, *command->args ? " " : "", command->args,
	       command->text, command->more);
	print_options(command->options);
	printf("\nExample:\n");
	for (const char *p = command->example; *p;) {
		const int len = (int)strcspn(p, "\n");

		printf("  %.*s\n", len, p);
		p += len + (p[len] == '\n');
	}
}

static void print_overview(void)
{
	printf("usage: isac-edge COMMAND ...\n\nThe traceback agent at a member's border: it keeps a keyed digest of each packet for an "
	       "hour, by neighbour and\n"
	       "direction, and says where a packet came in and went out.\n\n");
	for (const struct edge_command *c = edge_commands; c->name; c++) printf("  %-26s %s\n", c->name, c->text);
	printf("\nExit status: 0 done, 1 refused or not found, 2 usage.\n`isac-edge COMMAND --help` shows a command's options and an "
	       "example.\n");
}

/* ---- options ---- */
static bool keep(struct edge_args *args, const char *name, const char *value)
{
	if (args->n == EDGE_VALUES_MAX) return false;
	args->value[args->n++] = (struct edge_value){name, value};
	return true;
}

int edge_args_parse(struct edge_args *out, const struct edge_command *command, int argc, char **argv)
{
	struct option rows[EDGE_VALUES_MAX] = {{NULL, 0, NULL, 0}};
	int n = 0, code, at;

	*out = (struct edge_args){.n = 0};
	for (const struct edge_option *o = command->options; o->name && n < EDGE_VALUES_MAX - 1; o++)
		rows[n++] = (struct option){o->name, o->arg ? required_argument : no_argument, NULL, 1};
	optind = 0; /* glibc: begin anew */
	while ((code = getopt_long(argc, argv, "", rows, &at)) != -1) {
		if (code != 1) return edge_usage(command, "that is no option of %s", command->name);
		if (!keep(out, rows[at].name, optarg ? optarg : "")) return edge_usage(command, "too many options");
	}
	out->words = argv + optind;
	out->words_n = argc - optind;
	return 0;
}

const char *edge_args_get(const struct edge_args *args, const char *name)
{
	for (size_t i = args->n; i-- > 0;)
		if (strcmp(args->value[i].name, name) == 0) return args->value[i].value;
	return NULL;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int edge_commands_main(int argc, char **argv)
{
	const struct edge_command *c = edge_commands;
	int status;

	base_sandbox_early();
	if (argc < 2) return edge_usage(NULL, "a command is needed");
	if (is_help(argv[1]) || (strcmp(argv[1], "help") == 0 && argc == 2)) {
		print_overview();
		return fflush(stdout) ? EDGE_REFUSED : EDGE_DONE;
	}
	while (c->name && strcmp(c->name, argv[strcmp(argv[1], "help") == 0 ? 2 : 1]) != 0) c++;
	if (!c->name) return edge_usage(NULL, "there is no command '%s'", argv[1]);
	if (strcmp(argv[1], "help") == 0) {
		print_command(c);
		return fflush(stdout) ? EDGE_REFUSED : EDGE_DONE;
	}
	for (int i = 2; i < argc; i++)
		if (is_help(argv[i])) {
			print_command(c);
			return fflush(stdout) ? EDGE_REFUSED : EDGE_DONE;
		}
	if (sodium_init() < 0) return EDGE_REFUSED;
	base_log_init("isac-edge", BASE_LOG_INFO);
	status = c->run(c, argc - 1, argv + 1);
	if (fflush(stdout) != 0 && status == EDGE_DONE) status = EDGE_REFUSED;
	return status;
}
