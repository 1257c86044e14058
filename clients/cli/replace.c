/*
 * replace: a file gets new content in one step: written beside, on the disk, then renamed. Whoever reads the name sees the old
 * bytes or the new ones; a link is followed, mode and owner of what was there stay.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"

/* Where the bytes go in the end: the target of a link, the path itself if nothing is there. */
static bool resolve(struct cli_replace *r, const char *path, struct stat *old, bool *exists)
{
	char *real = realpath(path, NULL);
	int n = snprintf(r->path, sizeof r->path, "%s", real ? real : path);
	*exists = real != NULL;
	free(real);
	if (n < 0 || (size_t)n >= sizeof r->path) {
		cli_note("the path %.60s... is too long", path);
		return false;
	}
	if (!*exists) return true;
	if (stat(r->path, old) == 0 && S_ISREG(old->st_mode)) return true;
	cli_note("%s is not a plain file: name a file that may be replaced", path);
	return false;
}

/* As it was; or as any new file is. A user who is not root cannot give a file away: then it is his. */
static bool dress(int fd, const struct stat *old, bool exists)
{
	mode_t mask = umask(0);
	umask(mask);
	if (exists && geteuid() == 0 && fchown(fd, old->st_uid, old->st_gid) != 0) return false;
	return fchmod(fd, exists ? old->st_mode & 07777 : 0666 & ~mask) == 0;
}

bool cli_replace_open(struct cli_replace *r, const char *path)
{
	struct stat old;
	bool exists;
	*r = (struct cli_replace){.out = NULL};
	if (!resolve(r, path, &old, &exists)) return false;
	const char *slash = strrchr(r->path, '/'), *base = slash ? slash + 1 : r->path;
	/* Hidden, so that a program which reads all files of a folder does not take it. */
	int n = snprintf(r->beside, sizeof r->beside, "%.*s.%s.%d.tmp", (int)(base - r->path), r->path, base, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof r->beside) {
		cli_note("the path %.60s... is too long", path);
		return false;
	}
	unlink(r->beside); /* ours, of an earlier life with this number */
	int fd = open(r->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && dress(fd, &old, exists) && (r->out = fdopen(fd, "we"))) return true;
	cli_note("cannot write beside %s: %s", path, strerror(errno));
	if (fd >= 0) {
		close(fd);
		unlink(r->beside);
	}
	return false;
}

static bool sync_folder(const char *path)
{
	char copy[CLI_PATH_BYTES];
	snprintf(copy, sizeof copy, "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0) close(fd);
	return good;
}

bool cli_replace_commit(struct cli_replace *r)
{
	bool good = !ferror(r->out) && fflush(r->out) == 0 && fsync(fileno(r->out)) == 0;
	int e = errno;
	if (fclose(r->out) != 0 && good) good = false, e = errno;
	r->out = NULL;
	if (good && (rename(r->beside, r->path) != 0 || !sync_folder(r->path))) good = false, e = errno;
	if (good) return true;
	cli_note("cannot write %s: %s", r->path, strerror(e));
	unlink(r->beside);
	return false;
}

void cli_replace_abort(struct cli_replace *r)
{
	if (r->out) fclose(r->out);
	if (r->out) unlink(r->beside);
	r->out = NULL;
}
