/* isacd verify: is every report of this hub's store what its publisher signed, and is none missing? Nothing is changed; the hub may run. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>
#include "isacd.h"

static void show_progress(uint64_t at, uint64_t until)
{
	static int64_t shown_us;

	if (!isatty(STDERR_FILENO) || (at < until && base_clock_mono_us() - shown_us < 200000)) return;
	shown_us = base_clock_mono_us();
	fprintf(stderr, "\rverify %3u%%  %llu of %llu%s", until ? (unsigned)(at * 100 / until) : 100, (unsigned long long)at,
		(unsigned long long)until, at < until ? "" : "\n");
}

/* In a child that is the hub's user: the database knows that one. */
enum isac_err isacd_verify_store(void *arg)
{
	const struct isacd_verify_job *job = arg;
	const struct store_verify_conf conf = {.conninfo = job->conninfo ? job->conninfo : isacd_core_conninfo,
					       .hub_id = job->hub_id,
					       .member = job->member,
					       .progress = show_progress};
	struct wire_why why = {.text = ""};
	struct store_verified v;
	char hash[2 * WIRE_HASH + 1] = "";
	enum isac_err err = wire_init();

	if (!err) err = store_verify(&conf, &v, &why);
	if (err) {
		isacd_say("verify: %s", *why.text ? why.text : isac_err_text(err));
		return err;
	}
	wire_hex(hash, v.hash, WIRE_HASH);
	hash[2 * WIRE_HASH] = '\0';
	if (job->json)
		printf("{\"head\": %llu, \"kept_from\": %llu, \"reports\": %llu, \"items\": %llu, \"erased\": %llu, \"hash\": \"%s\"}\n",
		       (unsigned long long)v.head, (unsigned long long)v.kept_from, (unsigned long long)v.reports,
		       (unsigned long long)v.items, (unsigned long long)v.erased, hash);
	else
		printf("head     %llu\nreports  %llu from %llu on, each with its leaf, its root and its publisher's signature; %llu of "
		       "them erased\n"
		       "feed     %s  (%llu items, from the start, %s)\n",
		       (unsigned long long)v.head, (unsigned long long)v.reports, (unsigned long long)v.kept_from,
		       (unsigned long long)v.erased, hash, (unsigned long long)v.items, *job->member ? job->member : "everything");
	return fflush(stdout) == 0 ? ISAC_OK : ISAC_ERR_SYSTEM;
}

int isacd_verify(const struct isacd_args *args)
{
	struct isacd_verify_job job = {.member = args->member ? args->member : "", .json = args->json};
	struct isacd_pg_use use = {.pg.dir_fd = -1, .pid = -1, .lock_fd = -1};
	struct base_conf *conf = NULL;
	struct isacd_user user;
	struct wire_hub hub;
	enum isac_err err;

	if (sodium_init() < 0 || isacd_conf_load(&conf, args)) return ISACD_FAILED;
	err = chdir(args->data) == 0 ? isacd_hub_read(&hub) : ISAC_ERR_CONFIG;
	if (!err) err = isacd_user_of_hub(&user);
	if (!err && *base_conf_str(conf, "database")) job.conninfo = base_conf_str(conf, "database");
	else if (!err) err = isacd_pg_use(&use, &user);
	if (!err) snprintf(job.hub_id, sizeof(job.hub_id), "%s", hub.hub_id);
	if (!err) err = isacd_spawn_call(isacd_verify_store, &job, &user);
	isacd_pg_use_end(&use);
	base_conf_destroy(&conf);
	return err ? ISACD_FAILED : ISACD_OK;
}
