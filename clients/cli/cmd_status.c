/* isac status: how the hub is, and how far behind my subscriptions are. */
#include "cli.h"

static void print_json(const struct isac *isac, const struct isac_status *s)
{
	char started[CLI_TIME_BYTES], now[CLI_TIME_BYTES], last[CLI_TIME_BYTES];
	cli_time_format(started, s->started_us);
	cli_time_format(now, s->now_us);
	cli_time_format(last, s->last_receipt_us);
	json_t *subs = json_array(), *roles = json_array();
	for (size_t i = 0; i < s->subscriptions_n; i++) {
		const struct isac_subscription *x = &s->subscriptions[i];
		json_array_append_new(subs, json_pack("{s:s, s:s, s:I, s:I, s:b}", "name", x->name, "filter", x->filter, "acked_seq",
						      (json_int_t)x->acked_seq, "lag", (json_int_t)x->lag, "live", x->live));
	}
	for (size_t i = 0; i < s->roles_n; i++) json_array_append_new(roles, json_string(s->roles[i]));
	cli_output_json(json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:i, s:s, s:s, s:I, s:I, s:s*, s:I, s:I, s:o, s:o}", "hub",
				  isac_hub_address(isac), "hub_id", s->hub_id, "version", s->version, "member", isac_name(isac), "head_seq",
				  (json_int_t)s->head_seq, "indexed_seq", (json_int_t)s->indexed_seq, "index_lag",
				  (json_int_t)(s->head_seq > s->indexed_seq ? s->head_seq - s->indexed_seq : 0), "members", (int)s->members,
				  "started", started, "now", now, "round_trip_us", (json_int_t)s->round_trip_us, "last_receipt_seq",
				  (json_int_t)s->last_receipt_seq, "last_receipt", *last ? last : NULL, "concern_reports",
				  (json_int_t)s->concern_reports, "concern_newest_seq", (json_int_t)s->concern_newest_seq, "roles", roles,
				  "subscriptions", subs));
}

static void print_text(const struct isac *isac, const struct isac_status *s)
{
	char started[CLI_TIME_BYTES], last[CLI_TIME_BYTES];
	cli_time_format(started, s->started_us - s->started_us % 1000000);
	cli_time_format(last, s->last_receipt_us - s->last_receipt_us % 1000000);
	printf("hub           %s at %s, version %s, up since %s\n", s->hub_id, isac_hub_address(isac), s->version, started);
	printf("answer        in %.1f ms, clocks differ by %.1f s\n", (double)s->round_trip_us / 1000,
	       (double)(cli_time_now_us() - s->now_us) / 1e6);
	printf("reports       %llu stored, %llu indexed (%llu behind)\n", (unsigned long long)s->head_seq,
	       (unsigned long long)s->indexed_seq, (unsigned long long)(s->head_seq > s->indexed_seq ? s->head_seq - s->indexed_seq : 0));
	printf("members       %u\n", s->members);
	printf("I am          %s", isac_name(isac));
	for (size_t i = 0; i < s->roles_n; i++) printf("%s%s", i ? ", " : ": ", s->roles[i]);
	printf("\nlast receipt  ");
	if (s->last_receipt_seq) printf("seq %llu at %s\n", (unsigned long long)s->last_receipt_seq, last);
	else printf("none\n");
	printf("concern me    ");
	if (s->concern_reports)
		printf("%llu reports since I last asked, newest seq %llu: isac query mine\n", (unsigned long long)s->concern_reports,
		       (unsigned long long)s->concern_newest_seq);
	else printf("no new reports\n");
	for (size_t i = 0; i < s->subscriptions_n; i++) {
		const struct isac_subscription *x = &s->subscriptions[i];
		printf("subscription  %s: at %llu, %llu behind, %s, filter: %s\n", x->name, (unsigned long long)x->acked_seq,
		       (unsigned long long)x->lag, x->live ? "live" : "not connected", *x->filter ? x->filter : "true");
	}
}

int cmd_status(struct cli *cli)
{
	struct isac *isac = NULL;
	struct isac_error err;
	const struct isac_status *s;
	if (cli->words_n) return cli_usage(cli, "what is '%s' for?", cli->words[0]);
	int status = cli_open(&isac, cli);
	if (status) return status;
	if (isac_status(&s, isac, &err)) status = cli_fail(&err);
	else if (cli_options_flag(cli, "json")) print_json(isac, s);
	else print_text(isac, s);
	isac_close(&isac);
	return status;
}
