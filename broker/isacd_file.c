/*
 * Files of a hub. Everything is written whole under another name, synced and renamed, so that an interrupted
 * command leaves the old file or the new one. Links are never followed: the hub's user owns some of these
 * folders, and root may be writing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "isacd.h"

enum { READ_MAX = 64 * 1024 };

static enum isac_err complain(const char *what, const char *name)
{
	isacd_say("%s%s%s: %s", what, name ? "/" : "", name ? name : "", strerror(errno));
	return ISAC_ERR_SYSTEM;
}

static bool write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

enum isac_err isacd_file_write(const char *dir, const char *name, mode_t mode, const struct isacd_user *user, const void *data, size_t len)
{
	char temporary[80];
	enum isac_err err = ISAC_OK;
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), fd;

	if (at < 0) return complain(dir, NULL);
	snprintf(temporary, sizeof(temporary), ".%s.new", name);
	unlinkat(at, temporary, 0);
	fd = openat(at, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0 || fchmod(fd, mode) != 0 || (user && user->drop && fchown(fd, user->uid, user->gid) != 0) || !write_all(fd, data, len) ||
	    fsync(fd) != 0 || renameat(at, temporary, at, name) != 0 || fsync(at) != 0)
		err = complain(dir, name);
	if (fd >= 0) close(fd);
	close(at);
	return err;
}

enum isac_err isacd_file_mkdir(const char *path, mode_t mode, const struct isacd_user *user)
{
	int fd;

	if (mkdir(path, mode) != 0) return complain(path, NULL);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) return complain(path, NULL);
	if (fchmod(fd, mode) != 0 || (user && user->drop && fchown(fd, user->uid, user->gid) != 0)) {
		close(fd);
		return complain(path, NULL);
	}
	close(fd);
	return ISAC_OK;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

enum isac_err isacd_file_remove(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT) return complain(path, NULL);
	return ISAC_OK;
}

char *isacd_file_read(const char *path, size_t *len)
{
	char *data = malloc(READ_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t got = -1;

	*len = 0;
	if (data && fd >= 0)
		while ((got = read(fd, data + *len, READ_MAX - *len)) > 0) *len += (size_t)got;
	if (fd >= 0) close(fd);
	if (got != 0) {
		free(data);
		return NULL;
	}
	data[*len] = '\0';
	return data;
}

int isacd_file_lock(const char *path, const struct isacd_user *user)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), problem;

	if (fd >= 0 && (!user || !user->drop || fchown(fd, user->uid, user->gid) == 0) && flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
	problem = errno;
	if (fd >= 0) close(fd);
	errno = problem;
	return -1;
}

enum isac_err isacd_hub_read(struct wire_hub *out)
{
	struct wire_why why = {.text = ""};
	size_t len;
	char *text = isacd_file_read("hub.pub", &len);
	enum isac_err err;

	if (!text) {
		isacd_say(errno == ENOENT ? "no hub here: make one with isacd init --data DIR" : "hub.pub cannot be read");
		return ISAC_ERR_CONFIG;
	}
	err = wire_hub_parse(out, text, len, &why);
	if (err) isacd_say("hub.pub: %s", why.text);
	free(text);
	return err ? ISAC_ERR_CONFIG : ISAC_OK;
}
