/*
 * A disk whose flushes fail, for LD_PRELOAD: while the file that $ISAC_FSYNC_EIO names exists, fsync and fdatasync of
 * PostgreSQL's processes give EIO, and each refusal adds a byte to that file. The hub's own processes are not touched.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fsync(int fd);
int fdatasync(int fd);

static bool is_postgres;

/* Once, at the start: PostgreSQL writes its state over its own name. */
__attribute__((constructor)) static void look(void)
{
	is_postgres = strcmp(program_invocation_short_name, "postgres") == 0;
}

static bool is_broken(void)
{
	const char *path = is_postgres ? getenv("ISAC_FSYNC_EIO") : NULL;
	int fd;

	if (!path) return false;
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0) return false;
	if (write(fd, "x", 1) < 0) abort(); /* a refusal that nobody can see would spoil the count */
	close(fd);
	return true;
}

static int flush(const char *name, int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);

	if (is_broken()) {
		errno = EIO;
		return -1;
	}
	return real(fd);
}

int fsync(int fd)
{
	return flush("fsync", fd);
}

int fdatasync(int fd)
{
	return flush("fdatasync", fd);
}
