/*
 * file: small files read whole, and written so that a power cut leaves the old or the new content, never half of one.
 * Secrets are read only from files that nobody else can read.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "priv.h"

bool client_file_join(char *out, size_t size, const char *folder, const char *name)
{
	int n = snprintf(out, size, "%s/%s", folder, name);
	return n > 0 && (size_t)n < size;
}

static enum isac_result read_fd(struct wire_buf *out, int fd, const char *path, struct isac_error *err)
{
	uint8_t piece[16384];
	ssize_t n;
	while ((n = read(fd, piece, sizeof piece)) != 0) {
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return client_error_set(err, ISAC_MISUSED, "cannot read %s: %s", path, strerror(errno));
		wire_buf_add(out, piece, (size_t)n);
	}
	sodium_memzero(piece, sizeof piece);
	if (out->err) return client_error_set(err, ISAC_MISUSED, "%s is too large", path);
	return ISAC_DONE;
}

enum isac_result client_file_read(struct wire_buf *out, const char *path, struct isac_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) return client_error_set(err, errno == ENOENT ? ISAC_QUIET : ISAC_MISUSED, "cannot open %s: %s", path, strerror(errno));
	enum isac_result r = read_fd(out, fd, path, err);
	close(fd);
	return r;
}

static bool write_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

enum isac_result client_file_sync_folder(const char *path, struct isac_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0) {
		int e = errno;
		if (fd >= 0) close(fd);
		return client_error_set(err, ISAC_MISUSED, "cannot sync %s: %s", path, strerror(e));
	}
	close(fd);
	return ISAC_DONE;
}

static enum isac_result sync_parent(const char *path, struct isac_error *err)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%s", path);
	char *slash = strrchr(folder, '/');
	if (!slash) return client_file_sync_folder(".", err);
	slash[slash == folder] = 0;
	return client_file_sync_folder(folder, err);
}

enum isac_result client_file_create(const char *path, const void *data, size_t len, unsigned mode, struct isac_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0) return client_error_set(err, ISAC_MISUSED, "cannot create %s: %s", path, strerror(errno));
	bool good = write_all(fd, data, len) && fsync(fd) == 0;
	int e = errno;
	if (close(fd) != 0 && good) good = false, e = errno;
	if (!good) {
		unlink(path);
		return client_error_set(err, ISAC_MISUSED, "cannot write %s: %s", path, strerror(e));
	}
	return sync_parent(path, err);
}

enum isac_result client_file_replace(const char *path, const void *data, size_t len, struct isac_error *err)
{
	char temporary[PATH_MAX];
	int n = snprintf(temporary, sizeof temporary, "%s.%d.tmp", path, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof temporary) return client_error_set(err, ISAC_MISUSED, "the path %s is too long", path);
	unlink(temporary); /* ours, of an earlier life with this number */
	enum isac_result r = client_file_create(temporary, data, len, 0600, err);
	if (r) return r;
	if (rename(temporary, path) != 0) {
		r = client_error_set(err, ISAC_MISUSED, "cannot write %s: %s", path, strerror(errno));
		unlink(temporary);
		return r;
	}
	return sync_parent(path, err);
}

enum isac_result client_file_folder(const char *path, struct isac_error *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	if (len == 0 || len >= sizeof part) return client_error_set(err, ISAC_MISUSED, "the folder's path is empty or too long");
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i] != 0) continue;
		char kept = part[i];
		part[i] = 0;
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return client_error_set(err, ISAC_MISUSED, "cannot make the folder %s: %s", part, strerror(errno));
		part[i] = kept;
	}
	return ISAC_DONE;
}

static enum isac_result check_private(int fd, const char *path, struct isac_error *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0) return client_error_set(err, ISAC_MISUSED, "cannot look at %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode)) return client_error_set(err, ISAC_MISUSED, "%s is not a plain file", path);
	if (st.st_uid != geteuid())
		return client_error_set(err, ISAC_MISUSED, "%s belongs to another user: run as that user, or `chown %u %s`", path,
					(unsigned)geteuid(), path);
	if (st.st_mode & 077)
		return client_error_set(
			err, ISAC_MISUSED,
			"%s can be read by others (mode %04o): run `chmod 600 %s`; if others may have read it, make a new key", path,
			(unsigned)(st.st_mode & 07777), path);
	return ISAC_DONE;
}

enum isac_result client_file_read_secret(uint8_t out[32], const char *path, struct isac_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0) return client_error_set(err, ISAC_MISUSED, "cannot open the key %s: %s", path, strerror(errno));
	enum isac_result r = check_private(fd, path, err);
	char *text = sodium_malloc(80);
	ssize_t n = -1;
	if (!r && text) n = read(fd, text, 80);
	close(fd);
	if (!r && (n < 64 || n > 66 || (n > 64 && text[64] != '\n') || wire_unhex(out, 32, text, 64)))
		r = client_error_set(err, ISAC_MISUSED, "%s does not hold a key (64 hex digits)", path);
	sodium_free(text);
	return r;
}
