/* isac-edge check: would it run, and what will it take? */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "base/base.h"
#include "edge/priv.h"

const struct edge_option edge_cmd_check_options[] = {
	{"conf", "FILE", "the configuration"},
	{NULL, NULL, NULL},
};

static enum isac_err check_files(const struct edge_conf *conf, struct wire_why *why)
{
	enum isac_err err = ISAC_OK;

	for (size_t i = 0; !err && i < conf->sources_n; i++) {
		struct edge_capture *capture = NULL;

		if (conf->sources[i].file) err = edge_capture_file(&capture, conf->sources[i].name, why);
		edge_capture_close(&capture);
	}
	return err;
}

/* The key is read as the user who will read it. */
static enum isac_err check_key(const struct edge_conf *conf, unsigned uid, struct wire_why *why)
{
	uint8_t key[EDGE_EPOCH_KEY];
	const uid_t was = geteuid();
	enum isac_err err;

	if (seteuid(uid) != 0) return wire_refuse(why, ISAC_ERR_CONFIG, "cannot become user %u", uid);
	err = base_secret_read(conf->epoch_key, key, sizeof key, why);
	sodium_memzero(key, sizeof key);
	if (seteuid(was) != 0 && !err) err = ISAC_ERR_SYSTEM;
	return err;
}

static void print_plan(const struct edge_conf *conf)
{
	const enum edge_kind kind = edge_conf_kind(conf);
	const uint64_t packets = edge_conf_page_packets(conf), page = edge_page_bytes(kind, packets);
	const uint64_t minute = kind == EDGE_EXACT ? packets * EDGE_KEY : page;
	const int64_t minutes = conf->keep_s / EDGE_PAGE_S + 1; /* the oldest goes when all of it is too old */
	const double mib = 1048576.0, all = (double)minute * (double)conf->slots_n * (double)minutes / mib;

	printf("AS %" PRId64 ", %zu neighbours, %zu %s\n", conf->own_as, conf->neighbours_n, conf->sources_n,
	       conf->sources[0].file ? "capture files" : "interfaces");
	for (size_t i = 0; i < conf->sources_n; i++) {
		const struct edge_source *s = &conf->sources[i];
		static const char *const sides[] = {"both ways", "in", "out"};

		if (s->as == conf->own_as) printf("  %s faces inside\n", s->name);
		else printf("  %s faces AS %u, %s\n", s->name, s->as, sides[s->side]);
	}
	printf("tables      %zu, %s, for %" PRId64 " packets/s each\n", conf->slots_n, conf->table, conf->rate);
	printf("memory      %.1f MiB of open pages, %.1f MiB of kernel buffers\n", (double)page * (double)conf->slots_n / mib,
	       conf->sources[0].file ? 0.0 : (double)conf->buffer_mib * (double)conf->sources_n * 2);
	printf("disk        at most %.0f MiB at that rate, limited to %" PRId64 " MiB\n", all, conf->disk_mib_max);
	printf("kept        %" PRId64 " s\n", conf->keep_s);
	if (all > (double)conf->disk_mib_max)
		printf("note        at the full rate pages would be kept for %.0f s only: raise disk_mib_max\n",
		       (double)conf->keep_s * (double)conf->disk_mib_max / all);
}

int edge_cmd_check(const struct edge_command *command, int argc, char **argv)
{
	struct wire_why why = {.text = ""};
	struct edge_args args;
	struct edge_conf conf;
	unsigned uid = 0, gid;
	const char *path;
	enum isac_err err;

	if (edge_args_parse(&args, command, argc, argv)) return EDGE_USAGE;
	path = edge_args_get(&args, "conf");
	if (!path || args.words_n) return edge_usage(command, "--conf FILE is needed, and nothing else");
	err = edge_conf_read(&conf, path, &why);
	if (!err) err = edge_user_find(&uid, &gid, conf.user, &why);
	if (!err) err = check_key(&conf, uid, &why);
	if (!err) err = check_files(&conf, &why);
	if (err) edge_note("%s", *why.text ? why.text : isac_err_text(err));
	else print_plan(&conf);
	edge_conf_clear(&conf);
	return err ? EDGE_REFUSED : EDGE_DONE;
}
