/*
 * spool: reports wait on disk, as the exact bytes that will be sent, until the hub has receipted them. A crash at any point
 * sends a report twice at worst, and the second time is answered with the first receipt.
 *
 * A file is claimed by a lock on its open descriptor, so that two publishers of one home never handle the same report; the
 * lock ends with the process. Not here: when to send.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "priv.h"

#define SUFFIX ".report"

static enum isac_result folder(char *out, size_t size, const char *home, const char *name, struct isac_error *err)
{
	if (!client_file_join(out, size, home, name)) return client_error_set(err, ISAC_MISUSED, "the path of the home is too long");
	return client_file_folder(out, err);
}

enum isac_result isac_spool_put(struct isac_spooled *out, const char *home, const struct isac_report *report, struct isac_error *err)
{
	char dir[400], id[37], name[64], temporary[560];
	out->fd = -1;
	enum isac_result r = folder(dir, sizeof dir, home, "spool", err);
	if (r) return r;
	isac_id_text(id, report->id);
	snprintf(name, sizeof name, "%s" SUFFIX, id);
	client_file_join(out->path, sizeof out->path, dir, name);
	snprintf(temporary, sizeof temporary, "%s.tmp", out->path);
	out->fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out->fd < 0) return client_error_set(err, ISAC_MISUSED, "cannot write to %s: %s", dir, strerror(errno));
	const uint8_t *p = report->data;
	size_t left = report->len;
	bool good = flock(out->fd, LOCK_EX | LOCK_NB) == 0;
	while (good && left) {
		ssize_t n = write(out->fd, p, left);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) good = false;
		else p += n, left -= (size_t)n;
	}
	if (!good || fsync(out->fd) != 0 || rename(temporary, out->path) != 0) {
		r = client_error_set(err, ISAC_MISUSED, "cannot write to %s: %s", dir, strerror(errno));
		unlink(temporary);
		isac_spool_release(out);
		return r;
	}
	r = client_file_sync_folder(dir, err);
	if (r) isac_spool_release(out);
	return r;
}

static int is_report(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), tail = sizeof SUFFIX - 1;
	return len > tail && strcmp(entry->d_name + len - tail, SUFFIX) == 0;
}

enum isac_result isac_spool_list(char ***names, size_t *n, const char *home, struct isac_error *err)
{
	char dir[400];
	struct dirent **entries;
	*names = NULL;
	*n = 0;
	if (!client_file_join(dir, sizeof dir, home, "spool"))
		return client_error_set(err, ISAC_MISUSED, "the path of the home is too long");
	/* Ids begin with the time: their order is the order of making. */
	int found = scandir(dir, &entries, is_report, alphasort);
	if (found < 0) return errno == ENOENT ? ISAC_DONE : client_error_set(err, ISAC_MISUSED, "cannot read %s: %s", dir, strerror(errno));
	*names = calloc((size_t)found + 1, sizeof **names);
	for (int i = 0; i < found; i++) {
		if (*names && ((*names)[*n] = strdup(entries[i]->d_name))) ++*n;
		free(entries[i]);
	}
	free(entries);
	return *names && *n == (size_t)found ? ISAC_DONE : client_error_out_of_memory(err);
}

static enum isac_result read_report(struct isac_report *report, int fd, const char *path, struct isac_error *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > WIRE_LIMIT_FRAME_BYTES)
		return client_error_set(err, ISAC_REFUSED, "%s is not a waiting report", path);
	report->len = (size_t)st.st_size;
	report->data = malloc(report->len);
	if (!report->data) return client_error_out_of_memory(err);
	if (pread(fd, report->data, report->len, 0) != (ssize_t)report->len) {
		isac_report_clear(report);
		return client_error_set(err, ISAC_MISUSED, "cannot read %s: %s", path, strerror(errno));
	}
	return ISAC_DONE;
}

/* The id stands in the signed header; the file's name is only for people. */
static enum isac_result read_id(struct isac_report *report, const char *path, struct isac_error *err)
{
	struct wire_arena arena;
	ProtobufCMessage *msg;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	bool good = wire_open(&msg, &isac1__submit__descriptor, &arena, report->data, report->len, false, NULL) == ISAC_OK;
	if (good) {
		ProtobufCBinaryData h = ((const Isac1__Submit *)msg)->header;
		good = wire_open(&msg, &isac1__header__descriptor, &arena, h.data, h.len, false, NULL) == ISAC_OK &&
		       ((const Isac1__Header *)msg)->report_id.len == ISAC_ID_BYTES;
		if (good) memcpy(report->id, ((const Isac1__Header *)msg)->report_id.data, ISAC_ID_BYTES);
	}
	wire_arena_clear(&arena);
	if (good) return ISAC_DONE;
	isac_report_clear(report);
	return client_error_set(err, ISAC_REFUSED, "%s is not a waiting report", path);
}

enum isac_result isac_spool_take(struct isac_spooled *out, struct isac_report *report, const char *home, const char *name,
				 struct isac_error *err)
{
	char dir[400];
	struct stat here, there;
	*report = (struct isac_report){.data = NULL};
	out->fd = -1;
	if (!client_file_join(dir, sizeof dir, home, "spool") || !client_file_join(out->path, sizeof out->path, dir, name))
		return client_error_set(err, ISAC_MISUSED, "the path of the home is too long");
	out->fd = open(out->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (out->fd < 0)
		return errno == ENOENT ? ISAC_QUIET : client_error_set(err, ISAC_MISUSED, "cannot open %s: %s", out->path, strerror(errno));
	/* Between open and lock another may have finished with it. */
	if (flock(out->fd, LOCK_EX | LOCK_NB) != 0 || fstat(out->fd, &here) != 0 || stat(out->path, &there) != 0 ||
	    here.st_ino != there.st_ino) {
		isac_spool_release(out);
		return ISAC_QUIET;
	}
	enum isac_result r = read_report(report, out->fd, out->path, err);
	if (!r) r = read_id(report, out->path, err);
	if (r && r != ISAC_REFUSED) isac_spool_release(out);
	return r;
}

void isac_spool_release(struct isac_spooled *s)
{
	if (s->fd >= 0) close(s->fd);
	s->fd = -1;
}

enum isac_result isac_spool_remove(struct isac_spooled *s, struct isac_error *err)
{
	bool good = unlink(s->path) == 0 || errno == ENOENT;
	int e = errno;
	isac_spool_release(s);
	return good ? ISAC_DONE : client_error_set(err, ISAC_MISUSED, "cannot remove %s: %s", s->path, strerror(e));
}

enum isac_result isac_spool_refuse(struct isac_spooled *s, struct isac_error *err)
{
	char dir[512], to[600];
	snprintf(dir, sizeof dir, "%s", s->path);
	char *name = strrchr(dir, '/');
	if (!name) return client_error_set(err, ISAC_MISUSED, "%s is not in a spool", s->path);
	*name++ = 0;
	snprintf(to, sizeof to, "%s/refused", dir);
	enum isac_result r = client_file_folder(to, err);
	if (!r) {
		snprintf(to, sizeof to, "%s/refused/%s", dir, name);
		if (rename(s->path, to) != 0) r = client_error_set(err, ISAC_MISUSED, "cannot move %s: %s", s->path, strerror(errno));
	}
	isac_spool_release(s);
	return r;
}
