/*
 * isacd restore: a hub from a backup, in a fresh folder. hub.pub is written last, so that what was interrupted is no hub. Everything
 * is checked on the way: the files by the manifest, the cluster by PostgreSQL's own, the reports by isacd verify.
 *
 * The lost hub may have acknowledged reports after the backup. Members hold receipts for them, and their programs remember numbers
 * beyond the backup's head; were these given away again, they would be taken for known and dropped unread. So the head moves on.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "isacd.h"

enum { ADVANCE = 1000000 };

struct restore {
	const struct isacd_args *args;
	struct isacd_user user;
	struct isacd_manifest manifest;
	int from_fd, keys_fd, data_fd; /* keys_fd: where keys/ lies */
};

static const char *const copied[] = {"hub.pub",		 "isacd.conf",	  "admin/sign.key", "admin/curve.key",
				     "admin/member.pub", "admin/hub.pub", "admin/config"};

static enum isac_err open_folders(struct restore *r)
{
	const struct isacd_args *args = r->args;

	r->from_fd = open(args->from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->from_fd < 0) {
		isacd_say("%s: %s", args->from, strerror(errno));
		return ISAC_ERR_CONFIG;
	}
	r->keys_fd = args->keys ? open(args->keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				: openat(r->from_fd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->keys_fd < 0) {
		isacd_say("%s: %s; the backup has no keys of its own: name the folder with receipt.key and curve.key by --keys",
			  args->keys ? args->keys : "keys", strerror(errno));
		return ISAC_ERR_CONFIG;
	}
	if (mkdir(args->data, 0755) != 0 || chmod(args->data, 0755) != 0) {
		isacd_say("%s: %s; a hub is restored into a folder of its own, which is made", args->data, strerror(errno));
		return ISAC_ERR_CONFIG;
	}
	r->data_fd = open(args->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->data_fd < 0 ? ISAC_ERR_SYSTEM : ISAC_OK;
}

/* From from_fd/path to folder/name in the data folder. */
static enum isac_err copy_file(struct restore *r, int from_fd, const char *path, const char *folder, const char *name, bool needed,
			       const struct isacd_user *user)
{
	size_t len;
	struct stat st;
	char *data;
	enum isac_err err;

	if (fchdir(from_fd) != 0) return ISAC_ERR_SYSTEM;
	data = isacd_file_read(path, &len);
	if (!data && errno == ENOENT && !needed) return ISAC_OK;
	if (!data || stat(path, &st) != 0 || fchdir(r->data_fd) != 0) {
		isacd_say("%s: %s", path, strerror(errno));
		free(data);
		return ISAC_ERR_SYSTEM;
	}
	if (*folder != '.') (void)mkdir(folder, 0700);
	err = isacd_file_write(folder, name, st.st_mode & 0777, user, data, len);
	sodium_memzero(data, len);
	free(data);
	return err;
}

static enum isac_err copy_keys(struct restore *r)
{
	enum isac_err err = copy_file(r, r->keys_fd, "receipt.key", "keys", "receipt.key", true, &r->user);

	if (!err) err = copy_file(r, r->keys_fd, "curve.key", "keys", "curve.key", true, &r->user);
	if (!err && r->user.drop && chown("keys", r->user.uid, r->user.gid) != 0) err = ISAC_ERR_SYSTEM;
	return err ? err : isacd_file_mkdir("run", 0700, &r->user);
}

/* Other keys would make a hub that no member knows. */
static enum isac_err check_keys(struct restore *r)
{
	struct wire_hub hub;
	uint8_t seed[32], curve[32], public_key[32], secret[64], curve_public[32];
	size_t len;
	char *receipt_text = NULL, *curve_text = NULL;
	enum isac_err err = fchdir(r->from_fd) == 0 ? isacd_hub_read(&hub) : ISAC_ERR_SYSTEM;

	if (!err && fchdir(r->data_fd) != 0) err = ISAC_ERR_SYSTEM;
	if (err) return err;
	receipt_text = isacd_file_read("keys/receipt.key", &len);
	curve_text = isacd_file_read("keys/curve.key", &len);
	if (!receipt_text || !curve_text || sodium_hex2bin(seed, 32, receipt_text, 64, NULL, &len, NULL) || len != 32 ||
	    sodium_hex2bin(curve, 32, curve_text, 64, NULL, &len, NULL) || len != 32)
		err = ISAC_ERR_CONFIG;
	if (!err) {
		crypto_sign_seed_keypair(public_key, secret, seed);
		crypto_scalarmult_base(curve_public, curve);
		if (memcmp(public_key, hub.receipt, 32) || memcmp(curve_public, hub.curve, 32)) err = ISAC_ERR_CONFIG;
	}
	if (err) isacd_say("keys: not the keys of the hub that hub.pub names");
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(curve, sizeof(curve));
	free(receipt_text);
	free(curve_text);
	return err;
}

static const struct isacd_user *owner; /* nftw has no argument of ours */

static int give(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return lchown(path, owner->uid, owner->gid);
}

static enum isac_err copy_cluster(struct restore *r)
{
	char from[64];
	const char *const argv[] = {"cp", "-R", "--no-dereference", "--preserve=mode,timestamps", "--reflink=auto", from, "pg/data", NULL};
	const struct isacd_spawn s = {
		.program = "/bin/cp", .argv = argv, .in_fd = -1, .out_fd = -1, .keep_fd = {r->from_fd, -1}, .death_signal = SIGKILL};

	snprintf(from, sizeof(from), "/proc/self/fd/%d/pg/data", r->from_fd);
	if (fchdir(r->data_fd) != 0 || isacd_file_mkdir("pg", 0700, NULL)) return ISAC_ERR_SYSTEM;
	if (isacd_spawn_wait(&s) != 0) {
		isacd_say("the cluster could not be copied");
		return ISAC_ERR_SYSTEM;
	}
	owner = &r->user; /* last, so that root never writes into a folder of another user */
	if (r->user.drop && nftw("pg", give, 16, FTW_PHYS) != 0) {
		isacd_say("pg: %s", strerror(errno));
		return ISAC_ERR_SYSTEM;
	}
	return ISAC_OK;
}

static enum isac_err advance(void *arg)
{
	struct wire_why why = {.text = ""};
	enum isac_err err = store_advance_head(isacd_setup_conninfo, *(const int64_t *)arg, &why);

	if (err) isacd_say("database: %s", why.text);
	return err;
}

/* With the cluster up: it replays its log, is brought up to date, is read through, and gets its new head. */
static enum isac_err wake_cluster(struct restore *r, int sql_fd)
{
	struct isacd_verify_job job = {.member = "", .json = r->args->json};
	int64_t by = r->args->advance < 0 ? ADVANCE : r->args->advance;
	struct isacd_pg pg = {.dir_fd = -1};
	pid_t pid = -1;
	enum isac_err err = isacd_pg_find(&pg);

	snprintf(job.hub_id, sizeof(job.hub_id), "%s", r->manifest.hub_id);
	if (!err) err = isacd_pg_verify(&pg, &r->user);
	if (!err) err = isacd_pg_settle(&r->user);
	if (!err) err = isacd_pg_start_wait(&pg, &r->user, &pid);
	if (!err) err = isacd_setup_migrate(NULL, sql_fd, 0, &r->user);
	if (!err) err = isacd_spawn_call(isacd_verify_store, &job, &r->user);
	if (!err && by) err = isacd_spawn_call(advance, &by, &r->user);
	isacd_pg_stop(pid);
	if (pg.dir_fd >= 0) close(pg.dir_fd);
	return err;
}

static enum isac_err restore(struct restore *r, int sql_fd)
{
	enum isac_err err = isacd_user_choose(&r->user, r->args->user ? r->args->user : "");

	if (!err) err = open_folders(r);
	if (!err && fchdir(r->from_fd) != 0) err = ISAC_ERR_SYSTEM;
	if (!err) err = isacd_manifest_check(&r->manifest);
	if (!err) err = copy_cluster(r);
	if (!err) err = copy_keys(r);
	if (!err) err = check_keys(r);
	if (!err) err = wake_cluster(r, sql_fd);
	for (size_t i = sizeof(copied) / sizeof(copied[0]); !err && i-- > 0;) {
		const char *slash = strchr(copied[i], '/');

		err = copy_file(r, r->from_fd, copied[i], slash ? "admin" : ".", slash ? slash + 1 : copied[i], i == 0, NULL);
	}
	return err;
}

int isacd_restore(const struct isacd_args *args)
{
	struct restore r = {.args = args, .from_fd = -1, .keys_fd = -1, .data_fd = -1};
	int sql_fd = isacd_setup_open_sql();
	enum isac_err err;

	if (sodium_init() < 0 || sql_fd < 0) return ISACD_FAILED;
	isacd_pg_clean_environment();
	err = restore(&r, sql_fd);
	if (!err && !args->json) {
		printf("isacd: hub %s restored in %s\n", r.manifest.hub_id, args->data);
		if (args->advance)
			puts("isacd: members learn of the numbers that were skipped as a gap; let them publish again what they hold "
			     "receipts for beyond the head above");
		printf("isacd: next: isacd run --data %s\n", args->data);
	}
	if (err) isacd_say("nothing was restored; remove what is left in %s", args->data);
	if (r.from_fd >= 0) close(r.from_fd);
	if (r.keys_fd >= 0) close(r.keys_fd);
	if (r.data_fd >= 0) close(r.data_fd);
	close(sql_fd);
	return err || fflush(stdout) != 0 ? ISACD_FAILED : ISACD_OK;
}
