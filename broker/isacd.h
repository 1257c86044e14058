/*
 * What the files of the program isacd share: its command line, files, users, child processes, the embedded
 * PostgreSQL and the set-up of the database.
 *
 * isacd.c options and commands · isacd_conf.c configuration · isacd_file.c files · isacd_user.c dropping root ·
 * isacd_spawn.c starting programs · isacd_identity.c keys and homes · isacd_pg.c the embedded PostgreSQL ·
 * isacd_setup.c the database · isacd_init.c isacd_check.c isacd_doctor.c isacd_parent.c isacd_backup.c
 * isacd_restore.c isacd_verify.c commands · isacd_manifest.c what a backup holds · isacd_role.c front, core, signer
 */
#ifndef ISACD_H
#define ISACD_H

#include <sys/types.h>
#include "store/store.h"

enum { ISACD_OK = 0, ISACD_FAILED = 1, ISACD_USAGE = 2, ISACD_HOPELESS = 3 /* a role: starting it again would not help */ };
enum { ISACD_SETS_MAX = 64 };

struct isacd_args {
	const char *data, *config, *listen, *db, *user, *role, *to, *from, *keys, *member;
	const char *sets[ISACD_SETS_MAX]; /* "name=value" */
	size_t sets_n;
	int ready_fd, conf_fd; /* roles only; -1 */
	int64_t span, advance; /* 0, -1: not given */
	bool with_keys, json;
};

/* "isacd: ..." on stderr, for a person. */
void isacd_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- commands: exit status ---- */
int isacd_init(const struct isacd_args *args);
int isacd_run(const struct isacd_args *args);
int isacd_check(const struct isacd_args *args);
int isacd_backup(const struct isacd_args *args);
int isacd_restore(const struct isacd_args *args);
int isacd_verify(const struct isacd_args *args);
int isacd_doctor(const struct isacd_args *args);
int isacd_print_config(const struct isacd_args *args);
int isacd_role(const struct isacd_args *args);

/* ---- configuration: defaults, then the file, then the command line. Complains by itself. Before chdir. ---- */
enum isac_err isacd_conf_load(struct base_conf **out, const struct isacd_args *args);
/* The configuration as a sealed memory file, for children. with_database: only core may know how to reach it. */
int isacd_conf_memfd(const struct base_conf *conf, const char *listen, bool with_database);
void isacd_conf_log(const struct base_conf *conf, const char *process);

/* ---- users ---- */
struct isacd_user {
	uid_t uid;
	gid_t gid;
	char name[64];
	bool drop;
};
/* Who owns a new hub: the named user, else isac or postgres when we are root, else ourselves. */
enum isac_err isacd_user_choose(struct isacd_user *out, const char *wanted);
/* Who owns the hub in the working directory. */
enum isac_err isacd_user_of_hub(struct isacd_user *out);
enum isac_err isacd_user_drop(const struct isacd_user *user); /* for good; nothing to do unless ->drop */

/* ---- files: complain by themselves ---- */
/* Replaces dir/name at once or not at all, on disk when it returns. user: the owner, or NULL. */
enum isac_err isacd_file_write(const char *dir, const char *name, mode_t mode, const struct isacd_user *user, const void *data, size_t len);
enum isac_err isacd_file_mkdir(const char *path, mode_t mode, const struct isacd_user *user);
enum isac_err isacd_file_remove(const char *path);    /* a tree; nothing there is fine */
char *isacd_file_read(const char *path, size_t *len); /* NUL-terminated, at most 64 KiB; NULL + errno */
/* Descriptor, or -1 + errno EWOULDBLOCK. user: whose the file shall be, or NULL. */
int isacd_file_lock(const char *path, const struct isacd_user *user);
enum isac_err isacd_hub_read(struct wire_hub *out); /* hub.pub of the working directory */

/* ---- programs ---- */
struct isacd_spawn {
	const char *program;
	const char *const *argv;
	const struct isacd_user *user; /* or NULL */
	const char *folder;	       /* to work in; NULL: ours */
	int in_fd, out_fd;	       /* stdin, and stdout with stderr; -1: /dev/null, our stderr */
	int keep_fd[2];		       /* stay open, same numbers; -1 */
	int death_signal;	       /* sent to it when we die */
};
pid_t isacd_spawn(const struct isacd_spawn *s);	   /* -1 + errno */
int isacd_spawn_wait(const struct isacd_spawn *s); /* exit status; -1 if it was killed or not started */
/* Runs fn in a child as user. The child complains by itself. */
enum isac_err isacd_spawn_call(enum isac_err (*fn)(void *), void *arg, const struct isacd_user *user);

/* ---- identities ---- */
struct isacd_identity {
	uint8_t sign_seed[32], sign_public[WIRE_SIGN_PUBLIC], curve_secret[WIRE_CURVE], curve_public[WIRE_CURVE];
};
void isacd_identity_make(struct isacd_identity *out);
enum isac_err isacd_identity_write(const char *dir, const char *name, const struct isacd_user *user, const uint8_t *secret, size_t len);
/* DIR/admin: the home of the first admin, owned by whoever runs init. */
enum isac_err isacd_identity_home(const struct isacd_identity *id, const struct wire_hub *hub, struct wire_member *bundle);

/* ---- embedded PostgreSQL, in the working directory ---- */
struct isacd_pg {
	char bin[256];
	int dir_fd;
};
enum isac_err isacd_pg_find(struct isacd_pg *pg); /* for an existing cluster its version, else the newest; opens pg/ */
enum isac_err isacd_pg_make(const struct isacd_pg *pg, const struct isacd_user *user);
pid_t isacd_pg_start(const struct isacd_pg *pg, const struct isacd_user *user);
bool isacd_pg_ready(pid_t pid);
enum isac_err isacd_pg_start_wait(const struct isacd_pg *pg, const struct isacd_user *user, pid_t *pid);
void isacd_pg_stop(pid_t pid);
/* Who may connect to it, written for this user (a cluster that was made for another, or by an older program). */
enum isac_err isacd_pg_settle(const struct isacd_user *user);
/* For a command beside the hub: the cluster that the running hub has up, or, if none runs, started for us, under the hub's lock. */
struct isacd_pg_use {
	struct isacd_pg pg;
	pid_t pid;
	int lock_fd; /* -1: the hub runs */
};
enum isac_err isacd_pg_use(struct isacd_pg_use *use, const struct isacd_user *user); /* _end follows, on an error, too */
void isacd_pg_use_end(struct isacd_pg_use *use);
/* A whole copy of the running cluster into to_fd/data, by pg_basebackup; and is a copy that lies in pg/data what was taken? */
enum isac_err isacd_pg_copy(const struct isacd_pg *pg, const struct isacd_user *user, int to_fd);
enum isac_err isacd_pg_verify(const struct isacd_pg *pg, const struct isacd_user *user);
void isacd_pg_clean_environment(void); /* PG* of whoever starts us must not reach it */

/* ---- the database, each in a child as user; conninfo NULL: embedded ---- */
extern const char isacd_setup_conninfo[], isacd_core_conninfo[];
/* The folder with the migrations, opened while we may; -1. */
int isacd_setup_open_sql(void);
/* span: of a new hub's partitions; 0: the usual */
enum isac_err isacd_setup_migrate(const char *conninfo, int sql_fd, int64_t span, const struct isacd_user *user);
enum isac_err isacd_setup_first_admin(const char *conninfo, const struct wire_member *bundle, const struct isacd_user *user);
enum isac_err isacd_setup_check(const char *conninfo, const struct isacd_user *user);

/* ---- what check and doctor find: isacd_found.c ---- */
struct isacd_findings {
	bool wrong;	     /* outcome: something is */
	bool json, remedies; /* how it is printed */
};
/* state: ok, warn or wrong. text may be empty. A line, or a JSON object a line, on stdout. */
void isacd_found(struct isacd_findings *f, const char *check, const char *state, const char *text, const char *remedy);
/* All that isacd check looks at. Enters the data folder. */
void isacd_check_hub(struct isacd_findings *found, const struct base_conf *conf, const char *data);

/* ---- the manifest of a backup, in the working directory ---- */
struct isacd_manifest {
	char hub_id[17];
	uint64_t head;
};
enum isac_err isacd_manifest_digest(char out[65], const char *path);	   /* SHA-256 as hex */
enum isac_err isacd_manifest_add(struct wire_buf *text, const char *path); /* its line */
enum isac_err isacd_manifest_check(struct isacd_manifest *out);		   /* reads it, and every file that it names */

/* Runs in a child (isacd_spawn_call) and prints what it found. */
struct isacd_verify_job {
	const char *conninfo, *member; /* NULL: embedded; "": everything */
	char hub_id[17];
	bool json;
};
enum isac_err isacd_verify_store(void *job);

#endif
