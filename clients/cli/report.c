/* report: what is said to people on stderr, and with which exit status. */
#include <stdarg.h>
#include <string.h>
#include "cli.h"

void cli_note(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("isac: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int cli_usage(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("isac: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (cli->command) fprintf(stderr, "\nTry `isac %s --help`.\n", cli->command->name);
	else fputs("\nTry `isac help`.\n", stderr);
	return EXIT_USAGE;
}

int cli_fail(const struct isac_error *err)
{
	cli_note("%s", err->text);
	return err->result >= ISAC_REFUSED && err->result <= ISAC_UNREACHABLE ? (int)err->result : EXIT_REFUSED;
}

void cli_fail_filter(const struct isac_error *err, const char *filter)
{
	cli_note("%s", err->text);
	size_t column = err->column ? err->column - 1 : 0, blanks = 0;
	if (!err->column || !filter || column > strlen(filter) || strchr(filter, '\n')) return;
	for (size_t i = 0; i < column; i++) blanks += ((unsigned char)filter[i] & 0xc0) != 0x80; /* characters, not bytes */
	fprintf(stderr, "  %s\n  %*s^%s%s\n", filter, (int)blanks, "", *err->expected ? " expected " : "", err->expected);
}

int cli_open(struct isac **out, struct cli *cli)
{
	struct isac_error err;
	int timeout_ms = cli_options_timeout_ms(cli);
	if (timeout_ms < 0) return EXIT_USAGE;
	if (isac_open(out, cli_options_home(cli), cli_options_get(cli, "hub"), timeout_ms, &err)) return cli_fail(&err);
	return 0;
}

int cli_wait_seq(uint64_t *out, struct isac *isac, bool all)
{
	const struct isac_status *s;
	struct isac_error err;
	if (isac_status(&s, isac, &err)) return cli_fail(&err);
	*out = all ? s->head_seq : s->last_receipt_seq;
	if (*out <= s->indexed_seq) *out = 0;
	return 0;
}
