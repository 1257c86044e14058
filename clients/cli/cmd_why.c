/* isac why: why I got a report, or did not. */
#include "cli.h"

const struct cli_opt cmd_why_opts[] = {
	{"name", 'n', "NAME", "only this subscription"},
	{"item", 'i', "N", "only this item of the report, as its number is in an item's `item`, with every test of the filter"},
	{"publisher", 'p', "MEMBER", "whose report, should two publishers have used the same id"},
	{NULL, 0, NULL, NULL},
};

static const char *const sentences[] = {
	[ISAC_WHY_UNKNOWN] = "this program does not know the hub's answer: a newer version does",
	[ISAC_WHY_SENT] = "it was sent",
	[ISAC_WHY_MAYBE] = "it may have been sent, or not: the hub stopped unexpectedly",
	[ISAC_WHY_FILTER] = "not sent: the filter let nothing of it through",
	[ISAC_WHY_HELD] = "not sent: it is held back until others confirm it",
	[ISAC_WHY_BEFORE] = "not sent: it is older than the subscription; `isac subscribe --from start` begins with the oldest",
	[ISAC_WHY_PASSED] = "not sent: the position has passed it, with another filter or other groups than now, or by being moved",
	[ISAC_WHY_WAITING] = "not sent yet: it comes once the subscription gets there",
};

static json_t *numbers_json(const struct isac_why_subscription *s, const uint32_t *numbers, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++) json_array_append_new(list, json_string(s->tests[numbers[i]].text));
	return list;
}

static json_t *subscription_json(const struct isac_why_subscription *s)
{
	char from[CLI_TIME_BYTES], until[CLI_TIME_BYTES];
	json_t *tests = json_array(), *traces = json_array();
	for (size_t i = 0; i < s->tests_n; i++)
		json_array_append_new(tests, json_pack("{s:s, s:b}", "test", s->tests[i].text, "negated", s->tests[i].negated));
	for (size_t i = 0; i < s->traces_n; i++) {
		const struct isac_why_trace *t = &s->traces[i];
		json_array_append_new(traces,
				      json_pack("{s:I, s:b, s:o, s:o}", "item", (json_int_t)t->index, "matches", t->matches, "holds",
						numbers_json(s, t->holds, t->holds_n), "blamed", numbers_json(s, t->blamed, t->blamed_n)));
	}
	cli_time_format(from, s->from_us);
	cli_time_format(until, s->until_us);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:s?, s:s?, s:o, s:o}", "subscription", s->name, "state",
			 isac_why_state_name(s->state), "filter", s->filter, "acked_seq", (json_int_t)s->acked_seq, "sent",
			 (json_int_t)s->sent, "acked", s->acked, "from", *from ? from : NULL, "until", *until ? until : NULL, "tests",
			 tests, "items", traces);
}

static void print_json(const struct isac_why *why, const char *id)
{
	char received[CLI_TIME_BYTES];
	json_t *subs = json_array();
	for (size_t i = 0; i < why->subscriptions_n; i++) json_array_append_new(subs, subscription_json(&why->subscriptions[i]));
	cli_time_format(received, why->received_us);
	cli_output_json(json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:b, s:o}", "report_id", id, "publisher", why->publisher, "seq",
				  (json_int_t)why->seq, "received", received, "items", (json_int_t)why->items, "held",
				  (json_int_t)why->held, "removed", why->removed, "subscriptions", subs));
}

static bool is_among(uint32_t number, const uint32_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (numbers[i] == number) return true;
	return false;
}

static void print_trace(const struct isac_why_subscription *s, const struct isac_why_trace *t, bool all)
{
	printf("  item %u %s\n", t->index, t->matches ? "matches" : "does not match:");
	for (uint32_t i = 0; i < s->tests_n; i++) {
		bool holds = is_among(i, t->holds, t->holds_n), blamed = is_among(i, t->blamed, t->blamed_n);
		if (!all && !blamed) continue;
		printf("    %s %s%s\n", holds ? "holds        " : "does not hold", s->tests[i].text,
		       blamed ? (s->tests[i].negated ? "  <- kept it out: it should not hold" : "  <- kept it out") : "");
	}
}

static void print_subscription(const struct isac_why_subscription *s, bool all)
{
	char from[CLI_TIME_BYTES], until[CLI_TIME_BYTES];
	printf("\n%s%s: %s\n", *s->name ? "subscription " : "a session without a name", s->name, sentences[s->state]);
	printf("  filter: %s\n", s->filter);
	if (s->state == ISAC_WHY_SENT || s->state == ISAC_WHY_MAYBE) {
		cli_time_format(from, s->from_us - s->from_us % 1000000);
		cli_time_format(until, s->until_us - s->until_us % 1000000);
		printf("  %u item%s, from %s %s%s; %s\n", s->sent, s->sent == 1 ? "" : "s", from, *until ? "until " : "on", until,
		       s->acked ? "acknowledged" : "not acknowledged");
	}
	if (s->state >= ISAC_WHY_PASSED) printf("  its position: %llu\n", (unsigned long long)s->acked_seq);
	for (size_t i = 0; i < s->traces_n; i++) print_trace(s, &s->traces[i], all);
}

static void print_text(const struct isac_why *why, const char *id, bool all)
{
	char received[CLI_TIME_BYTES];
	cli_time_format(received, why->received_us - why->received_us % 1000000);
	printf("report %s by %s, seq %llu, received %s, %u items", id, why->publisher, (unsigned long long)why->seq, received, why->items);
	if (why->held) printf(", %u of them held back", why->held);
	putchar('\n');
	if (why->removed) printf("its content was removed from the hub\n");
	else if (!why->subscriptions_n)
		printf("you may see it, but have no subscription and it was sent to no session of yours: `isac query` finds it\n");
	for (size_t i = 0; i < why->subscriptions_n; i++) print_subscription(&why->subscriptions[i], all);
}

int cmd_why(struct cli *cli)
{
	struct isac *isac = NULL;
	const struct isac_why *why;
	struct isac_error err;
	uint8_t id[ISAC_ID_BYTES];
	char text[37];
	long long item = -1;
	if (cli->words_n != 1) return cli_usage(cli, "one report_id, as an item or a receipt shows it");
	if (!isac_id_parse(id, cli->words[0])) return cli_usage(cli, "'%s' is not a report_id: 32 hexadecimal digits", cli->words[0]);
	if (!cli_options_number(cli, "item", 0, UINT32_MAX - 1, &item)) return EXIT_USAGE;
	struct isac_why_conf conf = {.publisher = cli_options_get(cli, "publisher"), .name = cli_options_get(cli, "name"), .item = item};
	int status = cli_open(&isac, cli);
	if (status) return status;
	isac_id_text(text, id);
	if (isac_why(&why, isac, id, &conf, &err)) status = cli_fail(&err);
	else if (cli_options_flag(cli, "json")) print_json(why, text);
	else print_text(why, text, item >= 0);
	isac_close(&isac);
	if (!cli_output_flush() && !status) status = EXIT_REFUSED;
	return status;
}
