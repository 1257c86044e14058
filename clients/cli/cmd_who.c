/* isac who: to whom a report was sent. */
#include "cli.h"

const struct cli_opt cmd_who_opts[] = {
	{"publisher", 'p', "MEMBER", "whose report, should two publishers have used the same id (admins)"},
	{NULL, 0, NULL, NULL},
};

/* To the second, which is as exact as a range can say. */
static void time_text(char out[CLI_TIME_BYTES], int64_t us)
{
	cli_time_format(out, us - us % 1000000);
}

static void print_json(const struct isac_who *who, const char *id)
{
	json_t *sent = json_array();
	for (size_t i = 0; i < who->sent_n; i++) {
		const struct isac_sent *s = &who->sent[i];
		char from[CLI_TIME_BYTES], until[CLI_TIME_BYTES], told[CLI_TIME_BYTES];
		cli_time_format(from, s->from_us);
		cli_time_format(until, s->until_us);
		cli_time_format(told, s->told_us);
		json_array_append_new(sent, json_pack("{s:s, s:s, s:i, s:s, s:b, s:s, s:s?, s:s?}", "member", s->member, "subscription",
						      s->name, "items", (int)s->items, "state", s->maybe ? "maybe-sent" : "sent", "acked",
						      s->acked, "from", from, "until", *until ? until : NULL, "told", *told ? told : NULL));
	}
	char received[CLI_TIME_BYTES], withdrawn[CLI_TIME_BYTES];
	cli_time_format(received, who->received_us);
	cli_time_format(withdrawn, who->withdrawn_us);
	cli_output_json(json_pack("{s:s, s:s, s:I, s:s, s:b, s:s?, s:o}", "report_id", id, "publisher", who->publisher, "seq",
				  (json_int_t)who->seq, "received", received, "removed", who->removed, "withdrawn",
				  *withdrawn ? withdrawn : NULL, "sent", sent));
}

static void print_table(const struct isac_who *who, const char *id)
{
	char from[CLI_TIME_BYTES], until[CLI_TIME_BYTES];
	time_text(from, who->received_us);
	printf("report %s by %s, seq %llu, received %s\n", id, who->publisher, (unsigned long long)who->seq, from);
	if (who->removed) printf("its content was removed from the hub: to whom it was sent cannot be said any more\n");
	else if (!who->sent_n) printf("sent to nobody so far\n");
	time_text(from, who->withdrawn_us);
	if (who->withdrawn_us) printf("withdrawn by admins at %s\n", from);
	if (!who->sent_n) return;
	printf("%-24s %-20s %6s %-10s %-6s %-20s %s\n", "MEMBER", "SUBSCRIPTION", "ITEMS", "STATE", "ACKED", "FROM", "UNTIL");
	for (size_t i = 0; i < who->sent_n; i++) {
		const struct isac_sent *s = &who->sent[i];
		time_text(from, s->from_us);
		time_text(until, s->until_us);
		printf("%-24s %-20s %6u %-10s %-6s %-20s %s\n", s->member, *s->name ? s->name : "-", s->items,
		       s->maybe ? "maybe-sent" : "sent", s->acked ? "yes" : "no", from, *until ? until : "session is open");
		time_text(until, s->told_us);
		if (who->withdrawn_us)
			printf("  %s%s\n", *until ? "told that it is withdrawn at " : "not told yet that it is withdrawn", until);
	}
}

int cmd_who(struct cli *cli)
{
	struct isac *isac = NULL;
	const struct isac_who *who;
	struct isac_error err;
	uint8_t id[ISAC_ID_BYTES];
	char text[37];
	if (cli->words_n != 1) return cli_usage(cli, "one report_id, as a receipt or an item shows it");
	if (!isac_id_parse(id, cli->words[0])) return cli_usage(cli, "'%s' is not a report_id: 32 hexadecimal digits", cli->words[0]);
	int status = cli_open(&isac, cli);
	if (status) return status;
	isac_id_text(text, id);
	if (isac_who(&who, isac, id, cli_options_get(cli, "publisher"), &err)) status = cli_fail(&err);
	else if (cli_options_flag(cli, "json")) print_json(who, text);
	else print_table(who, text);
	isac_close(&isac);
	if (!cli_output_flush() && !status) status = EXIT_REFUSED;
	return status;
}
