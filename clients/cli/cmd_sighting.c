/* isac sighting: I saw it, it is a false positive, it is over. Goes to those who got the report that holds the value. */
#include <string.h>
#include "cli.h"

const struct cli_opt cmd_sighting_opts[] = {
	{"false-positive", 0, NULL, "it does no harm here"},
	{"expired", 0, NULL, "it was bad and is not any more"},
	{"type", 0, "TYPE", "of the values, should one be several"},
	{"publisher", 'p', "MEMBER", "only the report of this member"},
	{"count", 'c', "N", "how often it was seen"},
	{"first-seen", 0, "TIME", "2026-01-31T12:00:00Z, or an age like 2h"},
	{"last-seen", 0, "TIME", "the same (default: now, but not with --false-positive and --expired)"},
	{"note", 0, "TEXT", "for people"},
	{NULL, 0, NULL, NULL},
};

static int read_options(struct cli *cli, struct isac_feedback *said)
{
	bool wrong = cli_options_flag(cli, "false-positive"), over = cli_options_flag(cli, "expired");
	long long count = 0;
	const char *type = cli_options_get(cli, "type");
	if (!cli->words_n) return cli_usage(cli, "name a value, or several");
	if (wrong && over) return cli_usage(cli, "it is a false positive or it is over: --false-positive does not go with --expired");
	if (type && !isac_type_known(type)) return cli_usage(cli, "'%s' is not a type", type);
	said->verdict = wrong ? ISAC_VERDICT_FALSE_POSITIVE : over ? ISAC_VERDICT_EXPIRED : ISAC_VERDICT_POSITIVE;
	said->last_seen_us = said->verdict == ISAC_VERDICT_POSITIVE ? cli_time_now_us() : 0;
	said->description = cli_options_get(cli, "note");
	if (!cli_options_number(cli, "count", 1, UINT32_MAX, &count) || !cli_options_time(cli, "first-seen", &said->first_seen_us) ||
	    !cli_options_time(cli, "last-seen", &said->last_seen_us))
		return EXIT_USAGE;
	said->count = (uint32_t)count;
	return 0;
}

/* What is said of all that was found is the same. */
static void say(struct cli_feedback_list *list, const struct isac_feedback *said)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct isac_feedback found = list->items[i].said;
		list->items[i].said = *said;
		list->items[i].said.type = found.type;
		list->items[i].said.value = found.value;
	}
}

int cmd_sighting(struct cli *cli)
{
	struct cli_feedback_list list = {.items = NULL};
	struct isac_feedback said = {.count = 0};
	struct isac *isac = NULL;
	const char *publisher = cli_options_get(cli, "publisher");
	int status = read_options(cli, &said), missing = 0;
	if (!status) status = cli_open(&isac, cli);
	for (int i = 0; !status && i < cli->words_n; i++) {
		int found = cli_feedback_of_value(&list, isac, cli_options_get(cli, "type"), cli->words[i], false);
		if (found == EXIT_REFUSED) missing++;
		else status = found;
	}
	if (!status) cli_feedback_keep(&list, NULL, publisher);
	if (!status) say(&list, &said);
	if (!status && !list.n && !missing) status = (cli_note("%s has reported none of this", publisher), EXIT_REFUSED);
	if (!status && list.n) status = cli_feedback_send(&list, isac, ISAC_KIND_SIGHTING, cli_options_flag(cli, "json"));
	if (!status && missing) status = list.n ? EXIT_SOME_REFUSED : EXIT_REFUSED;
	cli_feedback_clear(&list);
	isac_close(&isac);
	return status;
}
