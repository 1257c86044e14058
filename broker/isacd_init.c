/*
 * isacd init: a new hub. hub.pub is written last, and a folder without it is no hub for any command: so an init that was
 * interrupted leaves nothing that passes for one. It also leaves the mark `.init`, by which the next init
 * knows that the unfinished folders are its own to remove.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "isacd.h"

static const char mark[] = ".init";
static const char *const made[] = {"keys", "pg", "run", "admin", "isacd.conf"};
enum { MADE = sizeof(made) / sizeof(made[0]) };

struct init {
	const struct isacd_args *args;
	struct base_conf *conf;
	struct isacd_user user;
	struct isacd_identity hub_keys, admin_keys; /* the hub's sign key is its receipt key */
	struct wire_hub hub;
	struct wire_member admin;
	int lock_fd, sql_fd;
};

static enum isac_err enter_folder(const char *path)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST) {
		isacd_say("%s: %s", path, strerror(errno));
		return ISAC_ERR_CONFIG;
	}
	if (chdir(path) != 0) {
		isacd_say("%s: %s", path, strerror(errno));
		return ISAC_ERR_CONFIG;
	}
	return ISAC_OK;
}

/* Refuses what is there, except the leftovers of an init that did not finish. */
static enum isac_err claim_folder(struct init *in)
{
	bool unfinished = access(mark, F_OK) == 0;

	if (access("hub.pub", F_OK) == 0) {
		isacd_say("%s has a hub already", in->args->data);
		return ISAC_ERR_CONFIG;
	}
	for (size_t i = 0; i < MADE; i++)
		if (!unfinished && access(made[i], F_OK) == 0) {
			isacd_say("%s/%s is there already; give an empty folder", in->args->data, made[i]);
			return ISAC_ERR_CONFIG;
		}
	in->lock_fd = isacd_file_lock(mark, NULL);
	if (in->lock_fd < 0) {
		isacd_say(errno == EWOULDBLOCK ? "another init is at work in this folder" : "cannot write in this folder");
		return ISAC_ERR_CONFIG;
	}
	for (size_t i = 0; unfinished && i < MADE; i++)
		if (isacd_file_remove(made[i])) return ISAC_ERR_SYSTEM;
	/* The hub's user must be able to pass, and members' operators to read hub.pub. What is secret is in closed folders. */
	return chmod(".", 0755) == 0 ? ISAC_OK : ISAC_ERR_SYSTEM;
}

/* What members are told to connect to: a listening address of all interfaces is none. */
static void choose_address(char *out, size_t size, const char *listen)
{
	static const char *const anywhere[] = {"tcp://*:", "tcp://0.0.0.0:", "tcp://[::]:"};
	char host[128] = "";

	snprintf(out, size, "%s", listen);
	for (size_t i = 0; i < sizeof(anywhere) / sizeof(anywhere[0]); i++)
		if (strncmp(listen, anywhere[i], strlen(anywhere[i])) == 0 && gethostname(host, sizeof(host) - 1) == 0)
			snprintf(out, size, "tcp://%s:%s", host, listen + strlen(anywhere[i]));
}

static enum isac_err make_keys(struct init *in)
{
	const struct isacd_user *user = &in->user;
	enum isac_err err;

	isacd_identity_make(&in->hub_keys);
	isacd_identity_make(&in->admin_keys);
	wire_sign_hub_id(in->hub.hub_id, in->hub_keys.sign_public);
	choose_address(in->hub.address, sizeof(in->hub.address), base_conf_str(in->conf, "listen"));
	memcpy(in->hub.curve, in->hub_keys.curve_public, WIRE_CURVE);
	memcpy(in->hub.receipt, in->hub_keys.sign_public, WIRE_SIGN_PUBLIC);
	memcpy(in->hub.admin, in->admin_keys.sign_public, WIRE_SIGN_PUBLIC);
	err = isacd_file_mkdir("keys", 0700, NULL);
	if (!err) err = isacd_identity_write("keys", "receipt.key", user, in->hub_keys.sign_seed, sizeof(in->hub_keys.sign_seed));
	if (!err) err = isacd_identity_write("keys", "curve.key", user, in->hub_keys.curve_secret, sizeof(in->hub_keys.curve_secret));
	if (!err && user->drop && chown("keys", user->uid, user->gid) != 0)
		err = ISAC_ERR_SYSTEM; /* last, so that root never writes into a folder of another user */
	if (!err) err = isacd_file_mkdir("run", 0700, user);
	return err ? err : isacd_identity_home(&in->admin_keys, &in->hub, &in->admin);
}

static enum isac_err fill_database(struct init *in, const char *conninfo)
{
	enum isac_err err = isacd_setup_migrate(conninfo, in->sql_fd, in->args->span, &in->user);

	return err ? err : isacd_setup_first_admin(conninfo, &in->admin, &in->user);
}

static enum isac_err make_embedded(struct init *in)
{
	struct isacd_pg pg = {.dir_fd = -1};
	pid_t pid = -1;
	enum isac_err err = isacd_file_mkdir("pg", 0700, &in->user);

	if (!err) err = isacd_pg_find(&pg);
	if (!err) err = isacd_pg_make(&pg, &in->user);
	if (!err) err = isacd_pg_start_wait(&pg, &in->user, &pid);
	if (!err) err = fill_database(in, NULL);
	isacd_pg_stop(pid);
	if (pg.dir_fd >= 0) close(pg.dir_fd);
	return err;
}

static enum isac_err write_conf(const struct init *in)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	enum isac_err err = ISAC_ERR_NO_MEMORY;

	if (!out) return err;
	base_conf_print(in->conf, out);
	if (fclose(out) == 0) /* 0600: the database line may hold a password; the parent reads it before it gives up root */
		err = isacd_file_write(".", "isacd.conf", 0600, NULL, text, len);
	free(text);
	return err;
}

static enum isac_err write_hub(const struct init *in)
{
	struct wire_buf text;
	enum isac_err err;

	wire_buf_init(&text, 4096);
	err = wire_hub_format(&text, &in->hub);
	if (!err) err = isacd_file_write(".", "hub.pub", 0644, NULL, text.data, text.len);
	wire_buf_clear(&text);
	if (!err) unlink(mark);
	return err;
}

static enum isac_err init(struct init *in)
{
	const char *database = base_conf_str(in->conf, "database");
	enum isac_err err = isacd_user_choose(&in->user, base_conf_str(in->conf, "user"));

	in->sql_fd = err ? -1 : isacd_setup_open_sql();
	if (!err && in->sql_fd < 0) err = ISAC_ERR_CONFIG;
	if (!err) err = enter_folder(in->args->data);
	if (!err) err = claim_folder(in);
	if (!err) err = make_keys(in);
	if (!err) err = *database ? fill_database(in, database) : make_embedded(in);
	if (!err) err = write_conf(in);
	return err ? err : write_hub(in);
}

int isacd_init(const struct isacd_args *args)
{
	struct init in = {.args = args, .lock_fd = -1, .sql_fd = -1};
	struct isacd_args fresh = *args;
	enum isac_err err;

	fresh.data = NULL; /* a file that lies in the folder is no configuration yet */
	if (sodium_init() < 0 || isacd_conf_load(&in.conf, &fresh)) return ISACD_FAILED;
	if (!*base_conf_str(in.conf, "database")) isacd_pg_clean_environment();
	err = init(&in);
	if (!err) printf("isacd: hub %s made in %s\nisacd: next: isacd run --data %s\n", in.hub.hub_id, args->data, args->data);
	sodium_memzero(&in.hub_keys, sizeof(in.hub_keys));
	sodium_memzero(&in.admin_keys, sizeof(in.admin_keys));
	base_conf_destroy(&in.conf);
	if (in.lock_fd >= 0) close(in.lock_fd);
	if (in.sql_fd >= 0) close(in.sql_fd);
	return err || fflush(stdout) != 0 ? ISACD_FAILED : ISACD_OK;
}
