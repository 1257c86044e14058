/*
 * isac admin pending show, approve: a command that another admin signed. It is read from the very bytes that are signed, so the hub
 * cannot show one and have another approved.
 */
#include <string.h>
#include "cli.h"

enum { BYTES_MAX = 262144 };

/* What another admin wrote: letters that move the cursor are not shown as such. */
static void print_clean(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) fputc((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i], out);
}

static void print_line(FILE *out, const char *name, const char *value, size_t len)
{
	fputs("  ", out);
	print_clean(out, name, strlen(name));
	fputs("  ", out);
	print_clean(out, value, len);
	fputc('\n', out);
}

/* A bundle is lines of its own; its signature says nothing to people. */
static void print_data(FILE *out, const char *name, const char *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *end = memchr(data + at, '\n', len - at);
		size_t n = end ? (size_t)(end - data) - at : len - at;
		if (n < 10 || memcmp(data + at, "signature ", 10) != 0) print_line(out, name, data + at, n);
		at += n + 1;
	}
}

static void print_order(FILE *out, const struct isac_order *order, const char *asker, const char *state)
{
	char at[CLI_TIME_BYTES];
	cli_time_format(at, order->created_us);
	fprintf(out, "asked for by %s at %s, %s:\n", asker, at, state);
	print_line(out, "command", order->verb, strlen(order->verb));
	for (size_t i = 0; i < order->n; i++) {
		const struct isac_arg *arg = &order->args[i];
		if (arg->data_len) print_data(out, arg->name, arg->data, arg->data_len);
		else print_line(out, arg->name, arg->value, strlen(arg->value));
	}
}

static void print_json(const struct isac_order *order, const char *asker, const char *state)
{
	char at[CLI_TIME_BYTES];
	json_t *args = json_array();
	cli_time_format(at, order->created_us);
	for (size_t i = 0; i < order->n; i++) {
		const struct isac_arg *arg = &order->args[i];
		json_t *value = arg->data_len ? json_stringn(arg->data, arg->data_len) : json_string(arg->value);
		json_array_append_new(args, json_pack("{s:s, s:o}", "name", arg->name, "value", value ? value : json_null()));
	}
	cli_output_json(
		json_pack("{s:s, s:s, s:s, s:s, s:o}", "member", asker, "state", state, "at", at, "verb", order->verb, "args", args));
}

static const char *cell(const struct isac_answer *answer, const char *name)
{
	for (size_t i = 0; answer->rows_n && i < answer->rows[0].n; i++)
		if (strcmp(answer->rows[0].cells[i].name, name) == 0) return answer->rows[0].cells[i].value;
	return "";
}

static size_t unhex(unsigned char *out, const char *hex)
{
	size_t n = 0;
	for (; n < BYTES_MAX && hex[0] && hex[1]; hex += 2) {
		unsigned byte;
		if (sscanf(hex, "%2x", &byte) != 1) return 0;
		out[n++] = (unsigned char)byte;
	}
	return *hex ? 0 : n;
}

static bool has_id(const struct isac_order *order, const char *id)
{
	for (size_t i = 0; i < sizeof order->id; i++) {
		unsigned byte;
		if (sscanf(id + 2 * i, "%2x", &byte) != 1 || byte != order->id[i]) return false;
	}
	return true;
}

static int approve(struct isac *isac, const struct isac_order *order)
{
	const struct isac_answer *answer;
	struct isac_error err;
	if (isac_command_approve(&answer, isac, order, &err)) return cli_fail(&err);
	cli_note("%s: %s", order->verb, answer->text);
	return EXIT_DONE;
}

static int show(struct cli *cli, struct isac *isac, const char *id)
{
	static unsigned char bytes[BYTES_MAX];
	struct isac_arg arg = {.name = "command_id", .value = id};
	const struct isac_answer *answer;
	struct isac_order *order;
	struct isac_error err;
	char asker[80], state[20];
	bool json = cli_options_flag(cli, "json"), sign = strcmp(cli->command->name, "admin pending approve") == 0;
	if (isac_command(&answer, isac, "pending.show", &arg, 1, &err)) return cli_fail(&err);
	snprintf(asker, sizeof asker, "%s", cell(answer, "member"));
	snprintf(state, sizeof state, "%s", cell(answer, "state"));
	if (isac_order_open(&order, bytes, unhex(bytes, cell(answer, "command")), &err)) return cli_fail(&err);
	int status = EXIT_DONE;
	if (!has_id(order, id)) {
		cli_note("the hub showed another command than the one asked for");
		status = EXIT_REFUSED;
	} else if (!sign && json) {
		print_json(order, asker, state);
	} else {
		print_order(sign ? stderr : stdout, order, asker, state);
		if (sign) status = approve(isac, order);
	}
	isac_order_close(&order);
	return status;
}

int cmd_pending(struct cli *cli)
{
	struct isac *isac = NULL;
	if (cli->words_n != 1 || strlen(cli->words[0]) != 32 || strspn(cli->words[0], "0123456789abcdefABCDEF") != 32)
		return cli_usage(cli, "one command_id, 32 hexadecimal digits: isac admin pending list");
	int status = cli_open(&isac, cli);
	if (!status) status = show(cli, isac, cli->words[0]);
	isac_close(&isac);
	return status;
}
