/*
 * cursor: how far a named subscription's output is safe on this machine: H/cursors/NAME, one line "isac-cursor 1 HUB_ID SEQ
 * PART_SEQ PART_INDEX" (of a report that was shown in part, when --count ended in its midst). It is written after the output and before the
 * hub is told, so a restart neither loses nor repeats. A cursor of another hub is refused: its numbers mean nothing here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "priv.h"

static enum isac_result path_of(char *out, size_t size, const struct isac *isac, const char *name, struct isac_error *err)
{
	char folder[560];
	if (!wire_name_ok(name))
		return client_error_set(err, ISAC_MISUSED, "'%s' is not a name: lower-case letters, digits, '.', '_' and '-', at most 64",
					name);
	if (!client_file_join(folder, sizeof folder, isac->home, "cursors") || !client_file_join(out, size, folder, name))
		return client_error_set(err, ISAC_MISUSED, "the path of the home is too long");
	return client_file_folder(folder, err);
}

enum isac_result isac_cursor_read(struct isac_cursor *out, const struct isac *isac, const char *name, struct isac_error *err)
{
	char path[640], hub_id[17] = "";
	struct wire_buf text;
	int end = 0;
	enum isac_result r = path_of(path, sizeof path, isac, name, err);
	if (r) return r;
	wire_buf_init(&text, 256);
	r = client_file_read(&text, path, err);
	if (!r) {
		wire_buf_add(&text, "", 1);
		if (text.err ||
		    sscanf((const char *)text.data, "isac-cursor 1 %16[0-9a-f] %20" SCNu64 " %20" SCNu64 " %10" SCNu32 "%n", hub_id,
			   &out->seq, &out->part_seq, &out->part_index, &end) != 4 ||
		    strcmp((const char *)text.data + end, "\n") != 0)
			r = client_error_set(err, ISAC_MISUSED, "%s is damaged: remove it, and say where to start with --from", path);
		else if (strcmp(hub_id, isac->hub.hub_id) != 0)
			r = client_error_set(err, ISAC_MISUSED,
					     "%s belongs to the hub %s, not to %s: remove it, and say where to start with --from", path,
					     hub_id, isac->hub.hub_id);
	}
	wire_buf_clear(&text);
	return r;
}

enum isac_result isac_cursor_write(const struct isac *isac, const char *name, const struct isac_cursor *cursor, struct isac_error *err)
{
	char path[640], line[120];
	enum isac_result r = path_of(path, sizeof path, isac, name, err);
	int n = snprintf(line, sizeof line, "isac-cursor 1 %s %" PRIu64 " %" PRIu64 " %" PRIu32 "\n", isac->hub.hub_id, cursor->seq,
			 cursor->part_seq, cursor->part_index);
	return r ? r : client_file_replace(path, line, (size_t)n, err);
}
