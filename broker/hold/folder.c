/* Reads every list.json below a folder: MISP's repository keeps one in a folder of its own for each list. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "hold/hold.h"

enum { LIST_BYTES_MAX = 64 << 20, DEPTH = 4 };

static enum isac_err add_file(struct hold_lists *lists, FILE *in, size_t size, struct wire_why *why)
{
	char *text = malloc(size + 1);
	struct wire_why inner = {.text = ""};
	size_t len;
	enum isac_err err;

	if (!text) return wire_refuse(why, ISAC_ERR_NO_MEMORY, "out of memory");
	len = fread(text, 1, size + 1, in);
	if (ferror(in)) err = wire_refuse(&inner, ISAC_ERR_SYSTEM, "%s", strerror(errno));
	else if (len > size) err = wire_refuse(&inner, ISAC_ERR_TOO_LARGE, "it grows or has more than %d bytes", LIST_BYTES_MAX);
	else err = hold_lists_add(lists, text, len, &inner);
	free(text);
	return err ? wire_refuse(why, err, "%s", inner.text) : ISAC_OK;
}

/* Names stand last in the message, since a path may be long. */
static enum isac_err add_path(struct hold_lists *lists, const char *path, struct wire_why *why)
{
	struct wire_why inner = {.text = ""};
	FILE *in = fopen(path, "re");
	enum isac_err err;
	long size;

	if (!in) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", strerror(errno), path);
	size = fseek(in, 0, SEEK_END) ? -1 : ftell(in);
	rewind(in);
	if (size < 0 || size > LIST_BYTES_MAX) err = wire_refuse(&inner, ISAC_ERR_CONFIG, "no file of at most %d bytes", LIST_BYTES_MAX);
	else err = add_file(lists, in, (size_t)size, &inner);
	fclose(in);
	return err ? wire_refuse(why, ISAC_ERR_CONFIG, "%.80s: %s", inner.text, path) : ISAC_OK;
}

/* In order of names, so that of two lists that name a value it is always the same one that is told. */
static enum isac_err add_folder(struct hold_lists *lists, const char *folder, int depth, struct wire_why *why)
{
	struct dirent **entry;
	const int n = scandir(folder, &entry, NULL, alphasort);
	enum isac_err err = ISAC_OK;

	if (n < 0 && errno == ENOTDIR && depth) return ISAC_OK;
	if (n < 0) return wire_refuse(why, ISAC_ERR_CONFIG, "%s: %s", strerror(errno), folder);
	for (int i = 0; i < n; i++) {
		char *path = NULL;

		if (!err && entry[i]->d_name[0] != '.' && asprintf(&path, "%s/%s", folder, entry[i]->d_name) < 0)
			err = wire_refuse(why, ISAC_ERR_NO_MEMORY, "out of memory");
		else if (path && strcmp(entry[i]->d_name, "list.json") == 0) err = add_path(lists, path, why);
		else if (path && depth < DEPTH) err = add_folder(lists, path, depth + 1, why);
		free(path);
		free(entry[i]);
	}
	free(entry);
	return err;
}

enum isac_err hold_lists_load(struct hold_lists **out, const char *folder, struct wire_why *why)
{
	struct hold_lists *lists;
	struct hold_counts counts;
	enum isac_err err = hold_lists_new(&lists);

	*out = NULL;
	if (!err) err = add_folder(lists, folder, 0, why);
	if (!err) err = hold_lists_freeze(lists);
	if (!err) {
		hold_lists_count(lists, &counts);
		/* A mistyped folder would switch the defence off and say nothing. */
		if (!counts.lists) err = wire_refuse(why, ISAC_ERR_CONFIG, "no list.json below %s", folder);
	}
	if (err) hold_lists_free(lists);
	else *out = lists;
	return err;
}

void hold_lists_log(const struct hold_lists *lists)
{
	struct hold_counts c;

	hold_lists_count(lists, &c);
	base_log(BASE_LOG_INFO, "warninglist.loaded", "lists=%zu entries=%zu passed_over_entries=%zu passed_over_lists=\"%s\"", c.lists,
		 c.entries, c.skipped_entries, c.skipped);
}
