/* Shared inside edge: a page in memory and in its file, the table's insides for find, what the commands say. */
#ifndef ISAC_EDGE_PRIV_H
#define ISAC_EDGE_PRIV_H

#include <dirent.h>
#include <stdio.h>
#include "edge/edge.h"

/* ---- page.c ---- */
/*
 * A page's file: this head in 128 bytes, then the Bloom filter's bits (bit i is bit i%8 of byte i/8) or sorted keys.
 *   0 "isacpage"   8 version 1   9 kind   10 way   11 hashes (10, exact: 0)   12 as   16 from_us   24 to_us   32 packets
 *   40 unseen   48 size: bits of a Bloom filter, keys of an exact page   56 key_id   64 zeros
 *   96 BLAKE2b-256 of bytes 0..95 and of the body
 * Numbers are big-endian. The bits of a key whose first two 64-bit numbers are a and b: (a + i*(b|1)) mod size, i < 10.
 */
enum { EDGE_PAGE_HEAD = 128, EDGE_PAGE_HASHES = 10 };
struct edge_page_head {
	enum edge_kind kind;
	struct edge_slot slot;
	int64_t from_us, to_us;
	uint64_t packets, unseen, size;
	uint8_t key_id[EDGE_KEY_ID];
};
struct edge_page {
	enum edge_kind kind;
	uint64_t size; /* Bloom: bits; exact: keys that fit */
	uint64_t max;  /* packets it is meant for */
	uint64_t packets;
	uint8_t *data;
};
enum isac_err edge_page_init(struct edge_page *out, enum edge_kind kind, uint64_t packets);
void edge_page_clear(struct edge_page *page);
/* Full pages take no more: write them first. */
bool edge_page_full(const struct edge_page *page);
void edge_page_add(struct edge_page *page, const uint8_t key[EDGE_KEY]);
bool edge_page_has(const struct edge_page *page, const uint8_t key[EDGE_KEY]);
/* Makes the page as small as its packets allow, writes it to a file that must not exist, and empties it. head->size, ->packets are set. */
enum isac_err edge_page_write(struct edge_page *page, struct edge_page_head *head, int dir, const char *name, struct wire_why *why);
/* Reads and checks a page's head; MALFORMED: this is no whole page. */
enum isac_err edge_page_read(struct edge_page_head *out, int dir, const char *name);
/* Is the key in the page's file? check: also whether the file is as it was written (reads all of it). */
enum isac_err edge_page_ask(bool *has, int dir, const char *name, const uint8_t key[EDGE_KEY], bool check);

/* ---- table.c, for find.c ---- */
struct edge_saved {
	struct edge_page_head head;
	char name[64];
	uint64_t bytes;
	bool checked;
};
struct edge_open {
	struct edge_slot slot;
	struct edge_page page;
	int64_t from_us, to_us; /* of what is in it */
	uint64_t unseen;
	unsigned part;
};
struct edge_table {
	struct edge_table_conf conf;
	int dir, lock; /* lock < 0: reading only */
	bool open;     /* a page is */
	int64_t from_us, end_us, now_us;
	struct edge_open *slots; /* a reader's have no page */
	size_t slots_n;
	struct edge_saved *saved; /* by from_us */
	size_t saved_n, saved_cap;
	uint64_t disk_bytes, packets;
	int64_t horizon_us;
};
/* state.c: the table's small files: whose tables these are, and until when pages are gone. */
enum isac_err edge_state_write(const struct edge_table *table, struct wire_why *why);
enum isac_err edge_state_read(struct edge_table *table, struct wire_why *why);

/* ---- commands.c ---- */
enum { EDGE_DONE = 0, EDGE_REFUSED = 1, EDGE_USAGE = 2 };
struct edge_command {
	const char *name, *args, *text, *more, *example;
	const struct edge_option *options; /* ends with a row without a name */
	int (*run)(const struct edge_command *command, int argc, char **argv);
};
struct edge_option {
	const char *name, *arg /* NULL: a flag */, *text;
};
struct edge_value {
	const char *name, *value;
};
enum { EDGE_VALUES_MAX = 16 };
struct edge_args {
	struct edge_value value[EDGE_VALUES_MAX];
	size_t n;
	char **words;
	int words_n;
};
extern const struct edge_command edge_commands[]; /* ends with a row without a name */
int edge_commands_main(int argc, char **argv);
/* 0, or EDGE_USAGE after a message. */
int edge_args_parse(struct edge_args *out, const struct edge_command *command, int argc, char **argv);
const char *edge_args_get(const struct edge_args *args, const char *name);
void edge_note(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* "isac-edge: ..." on stderr */
int edge_usage(const struct edge_command *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int edge_cmd_digest(const struct edge_command *command, int argc, char **argv);
int edge_cmd_run(const struct edge_command *command, int argc, char **argv);
int edge_cmd_check(const struct edge_command *command, int argc, char **argv);
int edge_cmd_lookup(const struct edge_command *command, int argc, char **argv);
extern const struct edge_option edge_cmd_digest_options[], edge_cmd_run_options[], edge_cmd_check_options[], edge_cmd_lookup_options[];

/* user.c: root opens interfaces, an ordinary user reads packets. */
/* Who that is: CONFIG if started by root and there is no such user. */
enum isac_err edge_user_find(unsigned *uid, unsigned *gid, const char *name, struct wire_why *why);
/* The folder becomes theirs and the working directory, then root and all rights are given up. Nothing but the folder is given if not root.
 */
enum isac_err edge_user_become(const char *folder, const char *name, struct wire_why *why);

#endif
