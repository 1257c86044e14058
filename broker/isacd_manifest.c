/*
 * The manifest of a backup: `manifest` in its folder, written last, so that a folder without it is none. A name and a value a line;
 * `sha256 HEX PATH` for every file but those of the cluster, whose own manifest (pg/data/backup_manifest) is among them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "isacd.h"

enum { PIECE = 65536 };

enum isac_err isacd_manifest_digest(char out[65], const char *path)
{
	crypto_hash_sha256_state state;
	uint8_t digest[crypto_hash_sha256_BYTES], *piece = malloc(PIECE);
	int fd = piece ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	ssize_t n = -1;

	crypto_hash_sha256_init(&state);
	while (fd >= 0 && (n = read(fd, piece, PIECE)) > 0) crypto_hash_sha256_update(&state, piece, (size_t)n);
	if (n != 0) isacd_say("%s: %s", path, strerror(errno));
	if (fd >= 0) close(fd);
	free(piece);
	crypto_hash_sha256_final(&state, digest);
	wire_hex(out, digest, sizeof(digest));
	out[64] = '\0';
	return n == 0 ? ISAC_OK : ISAC_ERR_SYSTEM;
}

enum isac_err isacd_manifest_add(struct wire_buf *text, const char *path)
{
	char line[400], hex[65];
	enum isac_err err = isacd_manifest_digest(hex, path);
	int len = snprintf(line, sizeof(line), "sha256 %s %s\n", hex, path);

	if (!err) wire_buf_add(text, line, (size_t)len);
	return err ? err : text->err;
}

static enum isac_err check_line(const char *line)
{
	char wanted[65], hex[65], path[256];
	enum isac_err err;

	if (sscanf(line, "sha256 %64s %255s", wanted, path) != 2) return ISAC_OK;
	if (*path == '/' || strstr(path, "..")) {
		isacd_say("manifest: %s is no file of a backup", path);
		return ISAC_ERR_CONFIG;
	}
	err = isacd_manifest_digest(hex, path);
	if (!err && strcmp(hex, wanted)) {
		isacd_say("%s is not what was backed up: its digest is another", path);
		err = ISAC_ERR_NOT_AUTHENTIC;
	}
	return err;
}

enum isac_err isacd_manifest_check(struct isacd_manifest *out)
{
	size_t len;
	char *text = isacd_file_read("manifest", &len), *rest = text, *line;
	enum isac_err err = ISAC_OK;

	*out = (struct isacd_manifest){.head = 0};
	if (!text || strncmp(text, "isac-backup 1\n", 14)) {
		isacd_say("no manifest of a backup here: was the backup finished?");
		free(text);
		return ISAC_ERR_CONFIG;
	}
	while (!err && (line = strsep(&rest, "\n"))) {
		unsigned long long head;

		if (sscanf(line, "head %llu", &head) == 1) out->head = head;
		(void)sscanf(line, "hub_id %16s", out->hub_id);
		err = check_line(line);
	}
	free(text);
	return err;
}
