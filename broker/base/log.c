/*
 * The log: an event a line on stderr, one write(2) each, so that lines of threads and
 * processes never mix. A line stays within PIPE_BUF; what is longer is cut and marked.
 *
 * base_log_limited exists because a stranger can cause events as fast as the wire allows.
 */
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/base.h"

enum { LINE_MAX_BYTES = PIPE_BUF, TEXT_MAX_BYTES = 2048, EVENTS_MAX = 64 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *process_name = "isacd";
static enum base_log_level least_level = BASE_LOG_INFO;

struct line {
	char data[LINE_MAX_BYTES];
	size_t len;
	bool cut;
};

/* The last bytes are kept back for the mark of a cut and the newline. */
static void add(struct line *line, const char *data, size_t len)
{
	if (line->cut || len > sizeof(line->data) - 8 - line->len) {
		line->cut = true;
		return;
	}
	memcpy(line->data + line->len, data, len);
	line->len += len;
}

static void add_hex(struct line *line, unsigned char byte)
{
	char text[5];

	snprintf(text, sizeof(text), "\\x%02x", byte);
	add(line, text, 4);
}

/* Bytes of the UTF-8 character at p, 0 if it is none or a C1 control. */
static size_t character(const unsigned char *p, size_t left)
{
	size_t len = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;

	if (len == 0 || len > left || *p < 0x20 || *p == 0x7f) return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80) return 0;
	if ((*p == 0xc2 && p[1] < 0xa0) || (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] >= 0xa0) || (*p == 0xf0 && p[1] < 0x90) ||
	    (*p == 0xf4 && p[1] >= 0x90))
		return 0;
	return len;
}

static void add_escaped(struct line *line, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text);

	while (left > 0) {
		size_t len = character(p, left);

		if (len > 0) add(line, (const char *)p, len);
		else add_hex(line, *p);
		len = len ? len : 1;
		p += len;
		left -= len;
	}
}

static void add_stamp(struct line *line)
{
	int64_t us = base_clock_us();
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;
	char text[40];
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	len += (size_t)snprintf(text + len, sizeof(text) - len, ".%06dZ ", (int)(us % 1000000));
	add(line, text, len);
}

static void emit(enum base_log_level level, const char *event, const char *text, uint64_t left_out)
{
	struct line line = {.len = 0};
	ssize_t unused;

	add_stamp(&line);
	add_escaped(&line, level_names[level]);
	add(&line, " ", 1);
	add_escaped(&line, process_name);
	add(&line, " event=", 7);
	add_escaped(&line, event);
	if (left_out > 0) {
		char count[40];

		add(&line, count, (size_t)snprintf(count, sizeof(count), " left_out=%llu", (unsigned long long)left_out));
	}
	if (*text) {
		add(&line, " ", 1);
		add_escaped(&line, text);
	}
	if (line.cut) {
		memcpy(line.data + line.len, "...", 3);
		line.len += 3;
	}
	line.data[line.len++] = '\n';
	unused = write(STDERR_FILENO, line.data, line.len); /* a log that is gone must not stop the hub */
	(void)unused;
}

void base_log_init(const char *process, enum base_log_level least)
{
	process_name = process;
	least_level = least;
}

void base_log(enum base_log_level level, const char *event, const char *fmt, ...)
{
	char text[TEXT_MAX_BYTES];
	va_list args;

	if (level < least_level) return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	emit(level, event, text, 0);
}

/* ---- limited ---- */
struct limit {
	char event[64];
	enum base_log_level level;
	int64_t second;
	unsigned written;
	uint64_t left_out;
};
static pthread_mutex_t limits_lock = PTHREAD_MUTEX_INITIALIZER;
static struct limit limits[EVENTS_MAX];
static size_t limits_n;

/* The row of this event; the last row is shared by all events beyond the table. */
static struct limit *find(const char *event)
{
	for (size_t i = 0; i < limits_n; i++)
		if (strncmp(limits[i].event, event, sizeof(limits[i].event) - 1) == 0) return &limits[i];
	if (limits_n == EVENTS_MAX) return &limits[EVENTS_MAX - 1];
	snprintf(limits[limits_n].event, sizeof(limits[0].event), "%s", event);
	return &limits[limits_n++];
}

/* A flood that stopped is still reported: by whichever limited event comes next. */
static void report_old(int64_t second, const struct limit *except)
{
	for (size_t i = 0; i < limits_n; i++) {
		struct limit *row = &limits[i];

		if (row != except && row->left_out > 0 && row->second != second) {
			emit(row->level, row->event, "", row->left_out);
			row->left_out = 0;
		}
	}
}

void base_log_limited(unsigned per_s, enum base_log_level level, const char *event, const char *fmt, ...)
{
	char text[TEXT_MAX_BYTES];
	int64_t second = base_clock_mono_us() / 1000000;
	struct limit *row;
	uint64_t left_out = 0;
	bool write_it;
	va_list args;

	if (level < least_level) return;
	pthread_mutex_lock(&limits_lock);
	row = find(event);
	row->level = level;
	if (row->second != second) {
		row->second = second;
		row->written = 0;
		report_old(second, row);
	}
	write_it = row->written < per_s;
	if (write_it) {
		row->written++;
		left_out = row->left_out;
		row->left_out = 0;
	} else {
		row->left_out++;
	}
	pthread_mutex_unlock(&limits_lock);
	if (!write_it) return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	emit(level, event, text, left_out);
}
