/*
 * state: the file `tables` in a table's folder: whose border it is, which tables there are, and until when pages are gone. Without
 * it nobody could tell a neighbour that sent nothing from one that nobody watched, nor "not there" from "already gone".
 *
 *	isac-edge tables 1
 *	own 64500
 *	gone 1764057600000000
 *	table 64501 in
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "edge/priv.h"

static const char file_name[] = "tables", first_line[] = "isac-edge tables 1";
enum { STATE_BYTES_MAX = 65536 };

const char *edge_way_name(enum edge_way way)
{
	static const char *const names[] = {"?", "in", "out", "inside"};

	return names[way];
}

static enum isac_err save(int dir, const struct wire_buf *text, struct wire_why *why)
{
	static const char temporary[] = "tables.tmp";
	int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd >= 0 && write(fd, text->data, text->len) == (ssize_t)text->len && fsync(fd) == 0;

	if (fd >= 0 && close(fd) != 0) good = false;
	if (good && renameat(dir, temporary, dir, file_name) == 0) return ISAC_OK;
	return wire_refuse(why, errno == ENOSPC ? ISAC_ERR_FULL : ISAC_ERR_SYSTEM, "%s: %s", file_name, strerror(errno));
}

enum isac_err edge_state_write(const struct edge_table *table, struct wire_why *why)
{
	struct wire_buf text;
	enum isac_err err;

	wire_buf_init(&text, STATE_BYTES_MAX);
	wire_buf_printf(&text, "%s\nown %u\ngone %" PRId64 "\n", first_line, table->conf.own_as, table->horizon_us);
	for (size_t i = 0; i < table->slots_n; i++)
		wire_buf_printf(&text, "table %u %s\n", table->slots[i].slot.as, edge_way_name(table->slots[i].slot.way));
	err = text.err ? text.err : save(table->dir, &text, why);
	wire_buf_clear(&text);
	return err;
}

static bool read_number(uint64_t *out, const char *text, char **end, uint64_t max)
{
	errno = 0;
	if (*text < '0' || *text > '9') return false;
	*out = strtoull(text, end, 10);
	return !errno && *out <= max;
}

static bool read_table(struct edge_table *table, const char *text)
{
	struct edge_open *slot = &table->slots[table->slots_n];
	uint64_t as;
	char *end;

	if (table->slots_n == EDGE_SLOTS_MAX || !read_number(&as, text, &end, UINT32_MAX)) return false;
	for (int way = EDGE_IN; way <= EDGE_INSIDE; way++)
		if (*end == ' ' && strcmp(end + 1, edge_way_name((enum edge_way)way)) == 0) {
			slot->slot = (struct edge_slot){(uint32_t)as, (enum edge_way)way};
			table->slots_n++;
			return true;
		}
	return false;
}

static bool read_line(struct edge_table *table, unsigned number, const char *line)
{
	uint64_t value;
	char *end;

	if (number == 1) return strcmp(line, first_line) == 0;
	if (strncmp(line, "own ", 4) == 0) {
		if (!read_number(&value, line + 4, &end, UINT32_MAX) || *end) return false;
		table->conf.own_as = (uint32_t)value;
		return true;
	}
	if (strncmp(line, "gone ", 5) == 0) {
		if (!read_number(&value, line + 5, &end, INT64_MAX) || *end) return false;
		table->horizon_us = (int64_t)value;
		return true;
	}
	return strncmp(line, "table ", 6) == 0 && read_table(table, line + 6);
}

enum isac_err edge_state_read(struct edge_table *table, struct wire_why *why)
{
	char text[STATE_BYTES_MAX + 1], *rest = text, *line;
	int fd = openat(table->dir, file_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	unsigned number = 0;
	ssize_t len;

	if (fd < 0) return wire_refuse(why, errno == ENOENT ? ISAC_ERR_NOT_FOUND : ISAC_ERR_SYSTEM, "%s: %s", file_name, strerror(errno));
	len = read(fd, text, sizeof text - 1);
	close(fd);
	if (len < 0) return wire_refuse(why, ISAC_ERR_SYSTEM, "%s: %s", file_name, strerror(errno));
	text[len] = 0;
	while ((line = strsep(&rest, "\n")))
		if ((rest || *line) && !read_line(table, ++number, line))
			return wire_refuse(why, ISAC_ERR_MALFORMED, "%s:%u: this is not a file of isac-edge", file_name, number);
	return number ? ISAC_OK : wire_refuse(why, ISAC_ERR_MALFORMED, "%s is empty", file_name);
}
