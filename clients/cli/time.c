/* time: clocks and spans; what RFC 3339 says is read and written by document/time.c. */
#include <ctype.h>
#include <stdlib.h>
#include <time.h>
#include "cli.h"
#include "document/document.h"

int64_t cli_time_now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t cli_time_mono_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void cli_time_format(char out[CLI_TIME_BYTES], int64_t us)
{
	document_time_text(out, us, us % 1000000 ? 6 : 0);
}

bool cli_time_parse(int64_t *us, const char *text)
{
	return document_time_read(us, text);
}

bool cli_time_span(int64_t *us, const char *text)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	if (!isdigit((unsigned char)*text)) return false;
	long long n = strtoll(text, &end, 10);
	if (n < 0 || n > 10000000000 / 604800 || !*end || end[1]) return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (units[i].letter != *end) continue;
		*us = n * units[i].seconds * 1000000;
		return true;
	}
	return false;
}
