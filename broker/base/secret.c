/*
 * Reading a secret key file. Rights are checked on the opened file, so that nobody can swap it in between,
 * and a key that others can read is refused: it has to be taken for known.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/base.h"

enum { SECRET_MAX = 64 };

static enum isac_err check_rights(int fd, const char *path, struct wire_why *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode)) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: not a plain file", path);
	if (st.st_uid != geteuid())
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: belongs to user %u, not to user %u who runs this", path, (unsigned)st.st_uid,
				   (unsigned)geteuid());
	if (st.st_mode & 0177)
		return wire_refuse(why, ISAC_ERR_CONFIG, "%s: mode is %04o, must be 0600 (others may know this key now)", path,
				   (unsigned)(st.st_mode & 07777));
	return ISAC_OK;
}

enum isac_err base_secret_read(const char *path, uint8_t *out, size_t len, struct wire_why *why)
{
	char text[2 * SECRET_MAX + 2] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum isac_err err;
	ssize_t got;

	if (fd < 0) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", path, strerror(errno));
	err = check_rights(fd, path, why);
	if (!err) {
		got = read(fd, text, sizeof(text));
		if (got > 0 && text[got - 1] == '\n') got--;
		if (len > SECRET_MAX || got != (ssize_t)(2 * len) || wire_unhex(out, len, text, (size_t)got))
			err = wire_refuse(why, ISAC_ERR_CONFIG, "%s: expected %zu hex digits", path, 2 * len);
	}
	sodium_memzero(text, sizeof(text));
	close(fd);
	return err;
}
