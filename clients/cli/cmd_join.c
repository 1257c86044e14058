/* isac join, isac leave: a member comes by an invitation, and goes. */
#include <string.h>
#include "cli.h"

const struct cli_opt cmd_leave_opts[] = {
	{"dry-run", 'n', NULL, "change nothing, only say whether it would be done"},
	{NULL, 0, NULL, NULL},
};

int cmd_join(struct cli *cli)
{
	struct isac_error err;
	char name[65];
	int timeout_ms = cli_options_timeout_ms(cli);
	if (cli->words_n != 1) return cli_usage(cli, "one file, the invitation that an admin of the hub has made");
	if (timeout_ms < 0) return EXIT_USAGE;
	if (isac_join(cli_options_home(cli), cli->words[0], cli_options_get(cli, "hub"), timeout_ms, name, &err)) return cli_fail(&err);
	if (cli_options_flag(cli, "json")) cli_output_json(json_pack("{s:s, s:s}", "name", name, "home", cli_options_home(cli)));
	else printf("joined as %s, with keys of its own in %s; the invitation is used up\n", name, cli_options_home(cli));
	return EXIT_DONE;
}

int cmd_leave(struct cli *cli)
{
	struct isac *isac = NULL;
	const struct isac_answer *answer;
	struct isac_error err;
	struct isac_arg dry = {.name = "dry_run", .value = "yes"};
	if (cli->words_n != 1) return cli_usage(cli, "say the member's name, so that no other home leaves by mistake");
	int status = cli_open(&isac, cli);
	if (!status && strcmp(isac_name(isac), cli->words[0]) != 0)
		status = cli_usage(cli, "this home is of %s, not of %s", isac_name(isac), cli->words[0]);
	if (!status && isac_command(&answer, isac, "member.leave", &dry, cli_options_flag(cli, "dry-run") ? 1 : 0, &err))
		status = cli_fail(&err);
	else if (!status) cli_note("leave: %s", answer->text);
	isac_close(&isac);
	return status;
}
