/* progress: a bar with rate and remaining time on stderr, if that is a terminal; drawn ten times a second at most. */
#include <string.h>
#include <unistd.h>
#include "cli.h"

enum { WIDTH = 24, EVERY_MS = 100 };

void cli_progress_start(struct cli_progress *p, uint64_t total)
{
	*p = (struct cli_progress){.on = isatty(STDERR_FILENO) == 1, .noun = "items", .start_ms = cli_time_mono_ms(), .total = total};
}

void cli_progress_show(struct cli_progress *p, uint64_t read, uint64_t items)
{
	if (!p->on) return;
	int64_t now = cli_time_mono_ms(), took = now - p->start_ms;
	if (now - p->drawn_ms < EVERY_MS || took <= 0) return;
	p->drawn_ms = now;
	unsigned long long rate = items * 1000 / (uint64_t)took;
	if (!p->total || read > p->total) {
		fprintf(stderr, "\r%llu %s, %llu/s\033[K", (unsigned long long)items, p->noun, rate);
		return;
	}
	char bar[WIDTH + 1];
	size_t full = (size_t)(read * WIDTH / p->total);
	memset(bar, ' ', WIDTH);
	memset(bar, '#', full);
	bar[WIDTH] = 0;
	unsigned long long left = read ? (unsigned long long)took * (p->total - read) / read / 1000 : 0;
	fprintf(stderr, "\r[%s] %3llu%%  %llu %s, %llu/s, %llu:%02llu left\033[K", bar, (unsigned long long)(read * 100 / p->total),
		(unsigned long long)items, p->noun, rate, left / 60, left % 60);
}

void cli_progress_clear(struct cli_progress *p)
{
	if (!p->on || !p->drawn_ms) return;
	fputs("\r\033[K", stderr);
	p->drawn_ms = 0;
}
