/*
 * table: the pages of every neighbour and way. One page of each is open; all turn together each minute and go to the folder, a
 * file each. Memory is the open pages and no more; disk is bounded by age and by size, and what was dropped is remembered as the
 * horizon. What was never captured (we were not running, a page could not be saved) is a hole between pages: nothing to remember.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/base.h"
#include "edge/priv.h"

#define SECOND 1000000ll
#define PAGE_US (EDGE_PAGE_S * SECOND)
#define STEP_US (5 * SECOND)  /* a clock that goes back by less is late packets */
#define HOLE_US (10 * SECOND) /* nothing heard for so long: were we running? */

/* ---- the list of saved pages ---- */
static enum isac_err keep(struct edge_table *t, const struct edge_page_head *head, const char *name)
{
	struct edge_saved *more = t->saved;
	size_t at = t->saved_n;

	if (t->saved_n == t->saved_cap) {
		const size_t cap = t->saved_cap ? t->saved_cap * 2 : 256;

		more = realloc(t->saved, cap * sizeof *more);
		if (!more) return ISAC_ERR_NO_MEMORY;
		t->saved = more;
		t->saved_cap = cap;
	}
	while (at > 0 && more[at - 1].head.from_us > head->from_us) at--;
	memmove(more + at + 1, more + at, (t->saved_n - at) * sizeof *more);
	more[at] = (struct edge_saved){.head = *head};
	snprintf(more[at].name, sizeof more[at].name, "%s", name);
	more[at].bytes = EDGE_PAGE_HEAD + (head->kind == EDGE_BLOOM ? head->size / 8 : head->size * EDGE_KEY);
	t->disk_bytes += more[at].bytes;
	t->saved_n++;
	return ISAC_OK;
}

static bool is_page(const char *name)
{
	const size_t len = strlen(name);

	return len > 5 && len < sizeof((struct edge_saved *)0)->name && strcmp(name + len - 5, ".page") == 0;
}

/* Pages that cannot be read are left out: their minutes are not covered. A writer removes them. */
static enum isac_err load(struct edge_table *t, struct wire_why *why)
{
	int fd = openat(t->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	enum isac_err err = ISAC_OK;
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0) close(fd);
		return wire_refuse(why, ISAC_ERR_SYSTEM, "%s: %s", t->conf.folder, strerror(errno));
	}
	while (!err && (entry = readdir(dir))) {
		struct edge_page_head head;
		enum isac_err found;

		if (!is_page(entry->d_name)) continue;
		found = edge_page_read(&head, t->dir, entry->d_name);
		if (!found) err = keep(t, &head, entry->d_name);
		else if (found == ISAC_ERR_MALFORMED && t->lock >= 0) unlinkat(t->dir, entry->d_name, 0);
	}
	closedir(dir);
	return err;
}

/* ---- dropping what is too old or too much ---- */
static void drop_first(struct edge_table *t)
{
	const struct edge_saved *first = &t->saved[0];

	if (unlinkat(t->dir, first->name, 0) != 0 && errno != ENOENT)
		base_log_limited(1, BASE_LOG_WARN, "edge.page_stays", "page=%s err=%s", first->name, strerror(errno));
	t->disk_bytes -= first->bytes;
	memmove(t->saved, t->saved + 1, --t->saved_n * sizeof *t->saved);
}

/* The horizon is on disk before the first page goes: never a page that is gone and counts as not there. */
static enum isac_err expire(struct edge_table *t, struct wire_why *why)
{
	uint64_t left = t->disk_bytes;
	size_t n = 0;
	enum isac_err err;

	while (n < t->saved_n && (t->saved[n].head.to_us < t->now_us - t->conf.keep_us || left > t->conf.disk_bytes_max)) {
		left -= t->saved[n].bytes;
		if (t->saved[n].head.to_us > t->horizon_us) t->horizon_us = t->saved[n].head.to_us;
		n++;
	}
	if (!n) return ISAC_OK;
	err = edge_state_write(t, why);
	for (; !err && n; n--) drop_first(t);
	return err;
}

/* ---- saving pages ---- */
static enum isac_err save_slot(struct edge_table *t, struct edge_open *slot, int64_t to_us)
{
	struct edge_page_head head = {.slot = slot->slot, .from_us = slot->from_us, .unseen = slot->unseen};
	struct wire_why why = {.text = ""};
	char name[sizeof t->saved->name];
	enum isac_err err;

	head.to_us = to_us > slot->to_us ? to_us : slot->to_us;
	if (!slot->page.packets && !slot->unseen && head.to_us == head.from_us) return ISAC_OK; /* covers nothing */
	memcpy(head.key_id, t->conf.key_id, EDGE_KEY_ID);
	do {
		snprintf(name, sizeof name, "%016" PRId64 "-%u-%s-%u.page", slot->from_us, slot->slot.as, edge_way_name(slot->slot.way),
			 slot->part++);
	} while (faccessat(t->dir, name, F_OK, 0) == 0);
	err = edge_page_write(&slot->page, &head, t->dir, name, &why);
	if (!err) err = keep(t, &head, name);
	if (err)
		base_log(BASE_LOG_ERROR, "edge.page_lost", "as=%u way=%s why=\"%s\"", slot->slot.as, edge_way_name(slot->slot.way),
			 why.text);
	slot->from_us = slot->to_us = to_us;
	slot->unseen = 0;
	return err;
}

/* All open pages; they reach to `to_us`. */
static enum isac_err save_all(struct edge_table *t, int64_t to_us)
{
	struct wire_why why = {.text = ""};
	enum isac_err first = ISAC_OK, err;

	for (size_t i = 0; i < t->slots_n; i++) {
		err = save_slot(t, &t->slots[i], to_us);
		if (!first) first = err;
	}
	t->open = false;
	err = expire(t, &why);
	if (err) base_log(BASE_LOG_ERROR, "edge.expire_failed", "why=\"%s\"", why.text);
	return first ? first : err;
}

static void begin(struct edge_table *t, int64_t from_us)
{
	t->open = true;
	t->from_us = t->now_us = from_us;
	t->end_us = (from_us / PAGE_US + 1) * PAGE_US;
	for (size_t i = 0; i < t->slots_n; i++) {
		t->slots[i].from_us = t->slots[i].to_us = from_us;
		t->slots[i].part = 0;
	}
}

/* It is `us` now. */
static enum isac_err advance(struct edge_table *t, int64_t us)
{
	enum isac_err err = ISAC_OK;

	if (!t->open) {
		begin(t, us);
	} else if (us >= t->end_us) {
		const bool hole = us - t->now_us > HOLE_US;
		const int64_t end = t->end_us;

		err = save_all(t, hole ? t->now_us : end);
		begin(t, hole ? us : end);
	} else if (us < t->from_us - STEP_US) {
		err = save_all(t, t->now_us);
		begin(t, us);
	}
	if (us > t->now_us) t->now_us = us;
	return err;
}

enum isac_err edge_table_tick(struct edge_table *table, int64_t us)
{
	return advance(table, us);
}

enum isac_err edge_table_add(struct edge_table *table, size_t slot, int64_t us, const uint8_t key[EDGE_KEY])
{
	struct edge_open *open = &table->slots[slot];
	enum isac_err err = advance(table, us), saved;

	if (edge_page_full(&open->page)) {
		saved = save_slot(table, open, table->now_us);
		if (!err) err = saved;
	}
	if (us < open->from_us) open->from_us = us;
	if (us > open->to_us) open->to_us = us;
	edge_page_add(&open->page, key);
	table->packets++;
	return err;
}

void edge_table_unseen(struct edge_table *table, size_t slot, uint64_t n)
{
	table->slots[slot].unseen += n;
}

enum isac_err edge_table_save(struct edge_table *table)
{
	const int64_t now = table->now_us;
	enum isac_err err;

	if (!table->open) return ISAC_OK;
	err = save_all(table, now);
	begin(table, now);
	return err;
}

enum isac_err edge_table_epoch(struct edge_table *table, const uint8_t key_id[EDGE_KEY_ID])
{
	const enum isac_err err = edge_table_save(table);

	memcpy(table->conf.key_id, key_id, EDGE_KEY_ID);
	return err;
}

/* ---- life ---- */
static enum isac_err lock_folder(struct edge_table *t, struct wire_why *why)
{
	t->lock = openat(t->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (t->lock < 0) return wire_refuse(why, ISAC_ERR_SYSTEM, "%s/lock: %s", t->conf.folder, strerror(errno));
	if (flock(t->lock, LOCK_EX | LOCK_NB) == 0) return ISAC_OK;
	return wire_refuse(why, ISAC_ERR_CONFLICT, "%s: another isac-edge writes here", t->conf.folder);
}

static enum isac_err open_folder(struct edge_table **out, const char *folder, struct wire_why *why)
{
	struct edge_table *t = calloc(1, sizeof *t);

	if (!t) return ISAC_ERR_NO_MEMORY;
	*out = t;
	t->conf.folder = folder;
	t->lock = -1;
	t->slots = calloc(EDGE_SLOTS_MAX, sizeof *t->slots);
	t->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!t->slots) return ISAC_ERR_NO_MEMORY;
	if (t->dir >= 0) return ISAC_OK;
	return wire_refuse(why, errno == ENOENT ? ISAC_ERR_NOT_FOUND : ISAC_ERR_SYSTEM, "%s: %s", folder, strerror(errno));
}

static enum isac_err open_pages(struct edge_table *t, const struct edge_table_conf *conf)
{
	enum isac_err err = ISAC_OK;

	for (size_t i = 0; !err && i < conf->slots_n; i++) {
		t->slots[i].slot = conf->slots[i];
		err = edge_page_init(&t->slots[i].page, conf->kind, conf->page_packets);
		t->slots_n++;
	}
	return err;
}

/* The horizon of earlier runs, if they were at the same border. */
static enum isac_err inherit(struct edge_table *t, struct wire_why *why)
{
	const struct edge_table_conf conf = t->conf;
	enum isac_err err = edge_state_read(t, why);

	if (!err && t->conf.own_as != conf.own_as)
		err = wire_refuse(why, ISAC_ERR_CONFLICT, "%s holds the tables of AS %u, not of AS %u", conf.folder, t->conf.own_as,
				  conf.own_as);
	t->conf = conf;
	t->slots_n = 0;
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}

enum isac_err edge_table_open(struct edge_table **out, const struct edge_table_conf *conf, struct wire_why *why)
{
	struct edge_table *t = NULL;
	enum isac_err err;

	if (mkdir(conf->folder, 0700) != 0 && errno != EEXIST)
		return wire_refuse(why, ISAC_ERR_SYSTEM, "%s: %s", conf->folder, strerror(errno));
	err = open_folder(&t, conf->folder, why);
	if (!err) {
		t->conf = *conf;
		t->conf.slots = NULL;
		err = lock_folder(t, why);
	}
	if (!err) err = inherit(t, why);
	if (!err) err = open_pages(t, conf);
	if (!err) err = load(t, why);
	if (!err) err = edge_state_write(t, why);
	if (err) edge_table_close(&t);
	*out = t;
	return err;
}

enum isac_err edge_table_read(struct edge_table **out, const char *folder, struct wire_why *why)
{
	struct edge_table *t = NULL;
	enum isac_err err = open_folder(&t, folder, why);

	if (!err) err = edge_state_read(t, why);
	if (!err) err = load(t, why);
	if (err) edge_table_close(&t);
	*out = t;
	return err;
}

void edge_table_close(struct edge_table **table)
{
	struct edge_table *t = *table;

	if (!t) return;
	if (t->open) save_all(t, t->now_us); /* its errors are in the log */
	for (size_t i = 0; t->slots && i < t->slots_n; i++) edge_page_clear(&t->slots[i].page);
	if (t->lock >= 0) close(t->lock);
	if (t->dir >= 0) close(t->dir);
	free(t->slots);
	free(t->saved);
	free(t);
	*table = NULL;
}

void edge_table_stats(struct edge_table_stats *out, const struct edge_table *table)
{
	*out = (struct edge_table_stats){
		.pages = table->saved_n, .disk_bytes = table->disk_bytes, .packets = table->packets, .horizon_us = table->horizon_us};
	for (size_t i = 0; i < table->slots_n; i++)
		if (table->slots[i].page.data) out->memory_bytes += edge_page_bytes(table->conf.kind, table->conf.page_packets);
	for (size_t i = 0; i < table->saved_n; i++) {
		if (i == 0 || table->saved[i].head.from_us < out->from_us) out->from_us = table->saved[i].head.from_us;
		if (table->saved[i].head.to_us > out->to_us) out->to_us = table->saved[i].head.to_us;
	}
}
