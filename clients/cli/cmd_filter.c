/* isac filter: what a filter says and how it is served. Asks no hub: parser and plan are the hub's own. */
#include <string.h>
#include "cli.h"
#include "filter/filter.h"

struct parts {
	json_t *list; /* NULL: on stdout, as text */
	int text_width;
};

static void widen(void *arg, const struct filter_part *part)
{
	struct parts *parts = arg;
	int width = (int)strlen(part->text);
	if (width > parts->text_width) parts->text_width = width < 48 ? width : 48;
}

static void show(void *arg, const struct filter_part *part)
{
	struct parts *parts = arg;
	if (parts->list)
		json_array_append_new(parts->list,
				      json_pack("{s:s, s:s, s:s}", "part", part->text, "feed", part->feed, "history", part->history));
	else printf("%-*s  %-22s  %s\n", parts->text_width, part->text, part->feed, part->history);
}

static int explain(const struct cli *cli, const struct filter *f)
{
	bool history = filter_history_only(f, NULL);
	struct parts parts = {cli_options_flag(cli, "json") ? json_array() : NULL, (int)strlen("part")};
	if (filter_explain(f, parts.list ? show : widen, &parts)) {
		json_decref(parts.list);
		cli_note("out of memory");
		return EXIT_REFUSED;
	}
	if (parts.list) {
		cli_output_json(json_pack("{s:s, s:b, s:o}", "filter", filter_text(f), "history_only", history, "parts", parts.list));
		return EXIT_DONE;
	}
	printf("%s\n\n", filter_text(f));
	show(&parts, &(struct filter_part){"part", "in a feed", "in history"});
	filter_explain(f, show, &parts);
	if (history) cli_note("only history can answer this filter: leave out publishers and sightings to subscribe");
	return EXIT_DONE;
}

/* As the normal form writes it: who wants the addresses in a network does not get them by its value. */
static void hint(void *arg, const struct filter_part *part)
{
	static const char head[] = "value = \"";
	const char *end = strchr(part->text, '/'), *value = part->text + sizeof head - 1;
	(void)arg;
	if (strncmp(part->text, head, sizeof head - 1) != 0 || !end || strspn(value, "0123456789abcdef.:") != (size_t)(end - value)) return;
	cli_note("%s finds reports of this very network only; the addresses in it, too: value in %.*s", part->text,
		 (int)strcspn(value, "\""), value);
}

int cmd_filter(struct cli *cli)
{
	struct filter_error why;
	struct filter *f;
	int status = EXIT_DONE;
	if (cli->words_n != 1) return cli_usage(cli, "one filter, please: put it in quotes");
	if (wire_init()) {
		cli_note("the list of public suffixes is missing: install publicsuffix");
		return EXIT_USAGE;
	}
	if (filter_parse(&f, cli->words[0], strlen(cli->words[0]), cli_time_now_us(), &why)) {
		struct isac_error err = {.column = why.column};
		snprintf(err.text, sizeof err.text, "%s", why.text);
		snprintf(err.expected, sizeof err.expected, "%s", why.expected);
		cli_fail_filter(&err, cli->words[0]);
		return EXIT_REFUSED;
	}
	if (!strcmp(cli->command->name, "filter explain")) status = explain(cli, f);
	else if (cli_options_flag(cli, "json"))
		cli_output_json(json_pack("{s:s, s:b}", "filter", filter_text(f), "history_only", filter_history_only(f, NULL)));
	else printf("%s\n", filter_text(f));
	if (!status) filter_explain(f, hint, NULL);
	filter_destroy(&f);
	return status;
}
