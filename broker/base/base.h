/*
 * base: what knows nothing of reports: actors, mailboxes, links, log, parameters,
 * counters, clock, sandbox. The only room with mutexes.
 */
#ifndef ISAC_BASE_H
#define ISAC_BASE_H

#include <poll.h>
#include <stdio.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include "wire/wire.h"

/* ---- clock: tests may fix it ------------------------------------------------ */
int64_t base_clock_us(void);	  /* wall, since 1970 */
int64_t base_clock_mono_us(void); /* monotonic */
void base_clock_fix(int64_t us);  /* tests only: 0 = real again */

/* ---- log: one event a line on stderr: time level event key=value... -------- */
enum base_log_level { BASE_LOG_DEBUG, BASE_LOG_INFO, BASE_LOG_WARN, BASE_LOG_ERROR };
/*
 * fmt gives the key=value part. Bytes < 0x20, 0x7f, C1 and invalid UTF-8 of the result are escaped as \xNN, so that a line is an event.
 * Level error means an operator must act. Never pass a secret or a rejected payload.
 */
void base_log(enum base_log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Like base_log, at most `per_s` a second for this event name; says how many were left out. */
void base_log_limited(unsigned per_s, enum base_log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void base_log_init(const char *process, enum base_log_level least);

/* ---- counters (stats.def): atomic, process-wide ------------------------------ */
enum base_stat {
#define STAT(name, unit, text) STAT_##name,
#include "stats.def"
#undef STAT
	STAT_COUNT
};
void base_stats_add(enum base_stat stat, uint64_t n);
void base_stats_set(enum base_stat stat, uint64_t v); /* gauges */
uint64_t base_stats_get(enum base_stat stat);
const char *base_stats_name(enum base_stat stat); /* "intake.received": first '_' of the row's name becomes '.' */

/* ---- parameters (params.def) ---------------------------------------------------- */
/* PARAM(name, kind, min, max, default, unit, text): kind int -> int64_t, str -> const char *, bool -> bool. */
struct base_conf;
enum isac_err base_conf_new(struct base_conf **out); /* all defaults */
void base_conf_destroy(struct base_conf **conf);
/* "name = value" lines, '#' comments. A bad line: ISAC_ERR_CONFIG, why says file:line and what is expected. */
enum isac_err base_conf_read(struct base_conf *conf, const char *path, struct wire_why *why);
enum isac_err base_conf_set(struct base_conf *conf, const char *name, const char *value, struct wire_why *why);
int64_t base_conf_int(const struct base_conf *conf, const char *name); /* asserts that the row exists */
const char *base_conf_str(const struct base_conf *conf, const char *name);
void base_conf_print(const struct base_conf *conf, FILE *out); /* a complete commented sample */

/* ---- mailbox: bounded queue of pointers, many writers, one reader --------------- */
struct base_mailbox;
enum isac_err base_mailbox_new(struct base_mailbox **out, size_t max);
void base_mailbox_destroy(struct base_mailbox **box); /* must be empty, or items leak: drain first */
/* Takes item on ISAC_OK only. ISAC_ERR_FULL (507) is never sent to a peer from here: the caller answers 503. */
enum isac_err base_mailbox_put(struct base_mailbox *box, void *item);
size_t base_mailbox_take(struct base_mailbox *box, void **items, size_t max);
int base_mailbox_fd(const struct base_mailbox *box); /* readable while not empty */
size_t base_mailbox_count(const struct base_mailbox *box);

/* ---- actor: a thread with a stop signal ------------------------------------------- */
struct base_actor;
/*
 * Runs fn(actor, arg) in a new thread and waits until it called base_actor_ready or returned.
 * fn returns an error to end the process (the parent restarts it), or ISAC_OK after being stopped.
 */
enum isac_err base_actor_start(struct base_actor **out, const char *name, enum isac_err (*fn)(struct base_actor *, void *), void *arg);
void base_actor_ready(struct base_actor *actor);
bool base_actor_running(const struct base_actor *actor);
int base_actor_stop_fd(const struct base_actor *actor); /* readable once it must stop */
void base_actor_stop(struct base_actor **actor);	/* asks, joins, frees */

/* ---- shared: one immutable value, swapped as a whole ------------------------------- */
/* A reference-counted pointer cell: readers take a reference, the owner swaps in a new value. */
struct base_shared {
	struct base_shared_cell *cell;
};
enum isac_err base_shared_init(struct base_shared *s, void (*free_value)(void *));
void base_shared_swap(struct base_shared *s, void *value /* taken */);
void *base_shared_take(struct base_shared *s); /* +1; give back with base_shared_give; NULL if nothing was swapped in */
void base_shared_give(struct base_shared *s, void *value);
void base_shared_clear(struct base_shared *s);

/* ---- link: messages of parts over a Unix stream socket ------------------------------- */
/*
 * A message is 1..BASE_LINK_PARTS byte strings. Wire form: u32 total length of what follows, u8 count, u32 length each, bytes.
 * Sending is safe from any thread: written at once if the socket takes it, else queued up to queue_max bytes, then ISAC_ERR_FULL; TOO_LARGE
 * if it could not be queued as a whole. Receiving belongs to one thread and takes messages of up to msg_max bytes: the two directions have
 * their own bounds, a page of a query is larger than any request. Both ends are our own processes, yet lengths are checked: front may be
 * taken over.
 */
enum { BASE_LINK_PARTS = 8 };
struct base_link;
struct base_link_msg {
	struct wire_bytes part[BASE_LINK_PARTS];
	unsigned parts;
};
enum isac_err base_link_listen(int *fd_out, const char *path); /* 0600; unlinks a stale one; relative paths are fine */
enum isac_err base_link_accept(struct base_link **out, int listen_fd, size_t queue_max, size_t msg_max);
enum isac_err base_link_connect(struct base_link **out, const char *path, size_t queue_max, size_t msg_max);
void base_link_destroy(struct base_link **link);
enum isac_err base_link_send(struct base_link *link, const struct wire_bytes *parts, unsigned n);
/* Like base_link_send, but only queues: many small messages then cost one system call, that of base_link_flush, which must follow. */
enum isac_err base_link_queue(struct base_link *link, const struct wire_bytes *parts, unsigned n);
/* One whole message, borrowed until the next call; AGAIN when none is there; CLOSED when the peer is gone. Reads ahead in large pieces. */
enum isac_err base_link_recv(struct base_link *link, struct base_link_msg *msg);
/*
 * An epoll descriptor over the socket, to be waited on for POLLIN: readable when something came, the peer is gone, or queued bytes can be
 * written. Then call base_link_recv until it says AGAIN (it writes the queue, too, and only AGAIN means that waiting is right again).
 * A queueing sender on another thread wakes the waiting thread through it. base_link_events and base_link_flush need not be used.
 */
int base_link_fd(const struct base_link *link);
short base_link_events(const struct base_link *link);  /* POLLIN, | POLLOUT while something is queued */
enum isac_err base_link_flush(struct base_link *link); /* on POLLOUT */

/* ---- sandbox ----------------------------------------------------------------------------- */
/* CORE_REMOTE: core with a database that may be reached over TCP. EDGE: isac-edge, whose interfaces are open already. GATEWAY:
 * isac-gateway. */
enum base_sandbox_role {
	BASE_SANDBOX_PARENT,
	BASE_SANDBOX_FRONT,
	BASE_SANDBOX_CORE,
	BASE_SANDBOX_SIGNER,
	BASE_SANDBOX_CORE_REMOTE,
	BASE_SANDBOX_EDGE,
	BASE_SANDBOX_GATEWAY
};
/* No core dumps, not dumpable: first thing in every process. */
void base_sandbox_early(void);
/* no_new_privs, landlock (read-write below the named directories only), seccomp allow-list of the role. Before any thread is started. */
enum isac_err base_sandbox_enter(enum base_sandbox_role role, const char *const *dirs_rw, const char *const *dirs_ro);
/* Caps writable memory at what the process has now plus `bytes`. Beyond it allocation fails. Nothing under a sanitizer. */
enum isac_err base_sandbox_memory(int64_t bytes);

/* ---- secret files: len bytes as hex and a newline; 0600 and owned by the user who runs us, or CONFIG ---- */
enum isac_err base_secret_read(const char *path, uint8_t *out, size_t len, struct wire_why *why);

#endif
