/* isac keygen: makes a member's home and says what to do with it. */
#include "cli.h"

const struct cli_opt cmd_keygen_opts[] = {
	{"hub-key", 'k', "FILE", "the hub's public bundle, hub.pub"},
	{"name", 'n', "NAME", "the member's name: lower-case letters, digits, '.', '_', '-'"},
	{NULL, 0, NULL, NULL},
};

int cmd_keygen(struct cli *cli)
{
	struct isac_error err;
	char key_id[17];
	struct isac_keygen conf = {
		.home = cli_options_home(cli),
		.hub_bundle_path = cli_options_get(cli, "hub-key"),
		.hub = cli_options_get(cli, "hub"),
		.name = cli_options_get(cli, "name"),
	};
	if (cli->words_n) return cli_usage(cli, "what is '%s' for?", cli->words[0]);
	if (!conf.hub_bundle_path) return cli_usage(cli, "--hub-key FILE is missing: the hub's admin hands out hub.pub");
	if (!conf.name) return cli_usage(cli, "--name NAME is missing");
	if (isac_keygen(&conf, key_id, &err)) return cli_fail(&err);
	if (cli_options_flag(cli, "json")) {
		cli_output_json(json_pack("{s:s, s:s, s:s}", "name", conf.name, "key_id", key_id, "home", conf.home));
		return EXIT_DONE;
	}
	printf("made %s in %s, signing key %s\n", conf.name, conf.home, key_id);
	cli_note("give %s/member.pub to the hub's admin, who runs:\n      isac --home DIR/admin admin member add member.pub --role "
		 "publisher,subscriber",
		 conf.home);
	return EXIT_DONE;
}
