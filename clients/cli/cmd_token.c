/*
 * isac token add, isac admin token add: makes a token here, tells the hub its hash, and prints the token once. It is not written down
 * anywhere else, and cannot be read back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

const struct cli_opt cmd_token_opts[] = {
	{"ttl", 0, "SPAN", "how long it is good, such as 12h or 30d (default: 90d)"},
	{"scope", 0, "SCOPE", "read: all that the member may see (default); client: for a client of the member, no AMBER+STRICT and RED"},
	{"collection", 'c', "NAME", "for this collection and nothing else: a token that may stand in a path"},
	{"note", 0, "TEXT", "what it is for"},
	{NULL, 0, NULL, NULL},
};

enum { ARGS = 6 };

static int add(struct isac *isac, const struct cli *cli, const char *member, int64_t ttl_us)
{
	char text[ISAC_TOKEN_TEXT], hash[65], ttl[24];
	static const char *const same[] = {"scope", "collection", "note"};
	struct isac_error err;
	struct isac_arg args[ARGS];
	const struct isac_answer *answer;
	size_t n = 0;
	if (isac_token_make(text, hash, &err)) return cli_fail(&err);
	snprintf(ttl, sizeof ttl, "%lld", (long long)(ttl_us / 1000000));
	if (member) args[n++] = (struct isac_arg){.name = "member", .value = member};
	args[n++] = (struct isac_arg){.name = "hash", .value = hash};
	args[n++] = (struct isac_arg){.name = "ttl_s", .value = ttl};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		const char *value = cli_options_get(cli, same[i]);
		if (value) args[n++] = (struct isac_arg){.name = same[i], .value = value};
	}
	if (isac_command(&answer, isac, member ? "token.issue" : "token.add", args, n, &err)) return cli_fail(&err);
	bool json = cli_options_flag(cli, "json"), waits = answer->code == 202;
	if (!json) printf("%s\n", text);
	json_t *line = json ? json_object() : NULL;
	for (size_t i = 0; i < answer->rows_n && line; i++)
		for (size_t j = 0; j < answer->rows[i].n; j++)
			json_object_set_new(line, answer->rows[i].cells[j].name, json_string(answer->rows[i].cells[j].value));
	if (line) json_object_set_new(line, "token", json_string(text));
	if (line) cli_output_json(line);
	explicit_bzero(text, sizeof text);
	if (waits) cli_note("%s: %s", cli->command->name, answer->text);
	else cli_note("this is the only time that the token is shown: keep it where its holder finds it and nobody else");
	return cli_output_flush() ? EXIT_DONE : EXIT_REFUSED;
}

int cmd_token(struct cli *cli)
{
	bool other = strncmp(cli->command->name, "admin ", 6) == 0;
	const char *ttl = cli_options_get(cli, "ttl");
	struct isac *isac = NULL;
	int64_t ttl_us;
	if (cli->words_n != other) return cli_usage(cli, "it goes: isac %s %s", cli->command->name, cli->command->args);
	if (!cli_time_span(&ttl_us, ttl ? ttl : "90d") || ttl_us < 1000000)
		return cli_usage(cli, "--ttl is a span like 12h, 30d or 8w, not '%s'", ttl);
	int status = cli_open(&isac, cli);
	if (!status) status = add(isac, cli, other ? cli->words[0] : NULL, ttl_us);
	isac_close(&isac);
	return status;
}
