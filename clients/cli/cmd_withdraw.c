/* isac withdraw: a report of mine, or a value of it, is taken back. Goes to those who got it. */
#include <string.h>
#include "cli.h"

const struct cli_opt cmd_withdraw_opts[] = {
	{"value", 0, "VALUE", "only this value; without REPORT_ID in all reports of mine that hold it"},
	{"type", 0, "TYPE", "of the value, should it be several"},
	{"reason", 0, "TEXT", "for people"},
	{NULL, 0, NULL, NULL},
};

int cmd_withdraw(struct cli *cli)
{
	struct cli_feedback_list list = {.items = NULL};
	struct isac *isac = NULL;
	uint8_t id[ISAC_ID_BYTES];
	const char *value = cli_options_get(cli, "value"), *type = cli_options_get(cli, "type"), *reason = cli_options_get(cli, "reason");
	bool one = cli->words_n == 1;
	if (cli->words_n > 1 || (!one && !value)) return cli_usage(cli, "one report_id, as a receipt or an item shows it, or --value");
	if (one && !isac_id_parse(id, cli->words[0]))
		return cli_usage(cli, "'%s' is not a report_id: 32 hexadecimal digits", cli->words[0]);
	if (type && !isac_type_known(type)) return cli_usage(cli, "'%s' is not a type", type);
	int status = cli_open(&isac, cli);
	if (!status) status = value ? cli_feedback_of_value(&list, isac, type, value, true) : cli_feedback_of_report(&list, isac, id);
	if (!status && one) cli_feedback_keep(&list, id, NULL);
	if (!status && !list.n) status = (cli_note("that report does not hold %s, or it is withdrawn already", value), EXIT_REFUSED);
	for (size_t i = 0; i < list.n; i++) list.items[i].said.description = reason;
	if (!status) status = cli_feedback_send(&list, isac, ISAC_KIND_WITHDRAWAL, cli_options_flag(cli, "json"));
	cli_feedback_clear(&list);
	isac_close(&isac);
	return status;
}
