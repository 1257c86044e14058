/*
 * isacd backup: a copy of a hub that isacd restore makes a hub of again. The hub may be at work: pg_basebackup takes the cluster with the
 * log that makes it whole, so everything that was acknowledged when the command began is in it. Keys go along only if asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "isacd.h"

struct backup {
	struct isacd_user user;
	struct wire_hub hub;
	struct isacd_pg_use use;
	struct store_position *position; /* shared with the child that asks for it */
	int data_fd, to_fd, pg_fd;
	struct wire_buf manifest;
};

/* What is copied as it stands; secret: only with --with-keys. */
static const struct {
	const char *path;
	bool secret, needed;
} files[] = {
	{"hub.pub", false, true},	   {"isacd.conf", false, false},    {"keys/receipt.key", true, true},
	{"keys/curve.key", true, true},	   {"admin/sign.key", true, false}, {"admin/curve.key", true, false},
	{"admin/member.pub", true, false}, {"admin/hub.pub", true, false},  {"admin/config", true, false},
};

static enum isac_err open_target(struct backup *b, const char *to)
{
	if (mkdir(to, 0700) != 0) {
		isacd_say("%s: %s; a backup goes into a folder of its own, which it makes", to, strerror(errno));
		return ISAC_ERR_CONFIG;
	}
	b->to_fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->to_fd < 0 || mkdirat(b->to_fd, "pg", 0700) != 0) return ISAC_ERR_SYSTEM;
	b->pg_fd = openat(b->to_fd, "pg", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (b->pg_fd < 0 || (b->user.drop && fchown(b->pg_fd, b->user.uid, b->user.gid) != 0)) return ISAC_ERR_SYSTEM;
	return ISAC_OK;
}

static enum isac_err ask_position(void *arg)
{
	struct backup *b = arg;
	struct wire_why why = {.text = ""};
	enum isac_err err = store_position(isacd_setup_conninfo, b->position, &why);

	if (err) isacd_say("database: %s", why.text);
	return err;
}

/* A hub that an older program made lets nobody copy its cluster yet. */
static enum isac_err allow_copy(const struct backup *b)
{
	size_t len;
	char *text = isacd_file_read("pg/data/pg_hba.conf", &len);
	bool allowed = text && strstr(text, "local replication");

	free(text);
	return allowed ? ISAC_OK : isacd_pg_settle(&b->user);
}

static enum isac_err copy_database(struct backup *b)
{
	enum isac_err err = allow_copy(b);

	if (!err) err = isacd_spawn_call(ask_position, b, &b->user);
	return err ? err : isacd_pg_copy(&b->use.pg, &b->user, b->pg_fd);
}

/* From the data folder into the backup: the working directory changes between the two. */
static enum isac_err copy_file(struct backup *b, size_t i)
{
	char folder[20] = ".", *slash;
	const char *name = strrchr(files[i].path, '/');
	size_t len;
	struct stat st;
	char *data;
	enum isac_err err;

	if (fchdir(b->data_fd) != 0) return ISAC_ERR_SYSTEM;
	data = isacd_file_read(files[i].path, &len);
	if (!data && errno == ENOENT && !files[i].needed) return ISAC_OK;
	if (!data || stat(files[i].path, &st) != 0 || fchdir(b->to_fd) != 0) {
		isacd_say("%s: %s", files[i].path, strerror(errno));
		free(data);
		return ISAC_ERR_SYSTEM;
	}
	if (name) {
		snprintf(folder, sizeof(folder), "%s", files[i].path);
		if ((slash = strchr(folder, '/'))) *slash = '\0';
		(void)mkdir(folder, 0700);
	}
	err = isacd_file_write(folder, name ? name + 1 : files[i].path, st.st_mode & 0777, NULL, data, len);
	sodium_memzero(data, len);
	free(data);
	return err ? err : isacd_manifest_add(&b->manifest, files[i].path);
}

static enum isac_err write_manifest(struct backup *b, bool with_keys, int64_t began_us)
{
	char text[400];
	enum isac_err err;
	int len = snprintf(text, sizeof(text),
			   "isac-backup 1\nhub_id %s\nbegan_us %lld\nended_us %lld\nhead %llu\nschema %d\nwal %s\nserver %s\nkeys %s\n",
			   b->hub.hub_id, (long long)began_us, (long long)base_clock_us(), (unsigned long long)b->position->head,
			   b->position->schema, b->position->wal, b->position->server, with_keys ? "yes" : "no");

	wire_buf_add(&b->manifest, text, (size_t)len);
	err = fchdir(b->to_fd) == 0 ? isacd_manifest_add(&b->manifest, "pg/data/backup_manifest") : ISAC_ERR_SYSTEM;
	for (size_t i = 0; !err && i < sizeof(files) / sizeof(files[0]); i++)
		if (with_keys || !files[i].secret) err = copy_file(b, i);
	if (!err && fchdir(b->to_fd) != 0) err = ISAC_ERR_SYSTEM;
	return err ? err : isacd_file_write(".", "manifest", 0600, NULL, b->manifest.data, b->manifest.len);
}

static enum isac_err backup(struct backup *b, const struct isacd_args *args, const struct base_conf *conf)
{
	int64_t began_us = base_clock_us();
	enum isac_err err;

	/* Relative names are those of whoever asks, so this comes before the data folder is entered. */
	if (*base_conf_str(conf, "database")) {
		isacd_say("this hub's database is a server of its own: back it up there (pg_basebackup, or pg_dump -Fc -n isac), and keep "
			  "keys/, "
			  "hub.pub and isacd.conf beside it");
		return ISAC_ERR_CONFIG;
	}
	b->data_fd = open(args->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->data_fd < 0 || here < 0 || fchdir(b->data_fd) != 0) {
		isacd_say("%s: %s", args->data, strerror(errno));
		return ISAC_ERR_CONFIG;
	}
	err = isacd_hub_read(&b->hub);
	if (!err) err = isacd_user_of_hub(&b->user);
	if (!err && fchdir(here) != 0) err = ISAC_ERR_SYSTEM;
	close(here);
	if (!err) err = open_target(b, args->to);
	if (!err && fchdir(b->data_fd) != 0) err = ISAC_ERR_SYSTEM;
	if (!err) err = isacd_pg_use(&b->use, &b->user);
	if (!err) err = copy_database(b);
	return err ? err : write_manifest(b, args->with_keys, began_us);
}

int isacd_backup(const struct isacd_args *args)
{
	struct backup b = {.data_fd = -1, .to_fd = -1, .pg_fd = -1, .use = {.pg.dir_fd = -1, .pid = -1, .lock_fd = -1}};
	struct base_conf *conf = NULL;
	enum isac_err err;

	if (sodium_init() < 0 || isacd_conf_load(&conf, args)) return ISACD_FAILED;
	wire_buf_init(&b.manifest, 65536);
	b.position = mmap(NULL, sizeof(*b.position), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	err = b.position == MAP_FAILED ? ISAC_ERR_NO_MEMORY : backup(&b, args, conf);
	isacd_pg_use_end(&b.use);
	if (!err)
		printf("isacd: backup of hub %s in %s, complete up to report %llu at least%s\n", b.hub.hub_id, args->to,
		       (unsigned long long)b.position->head,
		       args->with_keys ? ", with its keys: guard it like the hub itself" : "; keys/ is not in it");
	else isacd_say("no backup was made; remove what is left in %s", args->to);
	wire_buf_clear(&b.manifest);
	base_conf_destroy(&conf);
	for (const int *fd = (const int[]){b.data_fd, b.to_fd, b.pg_fd, -2}; *fd != -2; fd++)
		if (*fd >= 0) close(*fd);
	return err || fflush(stdout) != 0 ? ISACD_FAILED : ISACD_OK;
}
