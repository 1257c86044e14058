/* time: RFC 3339 in and out. Stricter than strptime, which takes "2026-1-1T  1:2:3". */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "document/document.h"

void document_time_text(char out[DOCUMENT_TIME_BYTES], int64_t us, int digits)
{
	struct tm tm;
	time_t s = (time_t)(us / 1000000);
	int fraction = (int)(us % 1000000);
	out[0] = 0;
	if (us <= 0 || !gmtime_r(&s, &tm)) return;
	size_t n = strftime(out, DOCUMENT_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	for (int i = digits; i < 6; i++) fraction /= 10;
	if (digits) n += (size_t)snprintf(out + n, DOCUMENT_TIME_BYTES - n, ".%0*d", digits, fraction);
	snprintf(out + n, DOCUMENT_TIME_BYTES - n, "Z");
}

/* Exactly n digits. */
static bool digits(const char **p, int n, int *out)
{
	*out = 0;
	for (; n > 0; n--, ++*p) {
		if (!isdigit((unsigned char)**p)) return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

static bool literal(const char **p, const char *any)
{
	if (!**p || !strchr(any, **p)) return false;
	++*p;
	return true;
}

static bool clock_part(const char **p, struct tm *tm, int64_t *us)
{
	if (!digits(p, 2, &tm->tm_hour) || !literal(p, ":") || !digits(p, 2, &tm->tm_min)) return false;
	if (literal(p, ":") && !digits(p, 2, &tm->tm_sec)) return false;
	if (literal(p, ".")) {
		int64_t unit = 100000;
		if (!isdigit((unsigned char)**p)) return false;
		for (; isdigit((unsigned char)**p); ++*p, unit /= 10) *us += unit * (**p - '0');
	}
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

static bool zone(const char **p, int64_t *minutes)
{
	int h, m, sign = **p == '-' ? -1 : 1;
	*minutes = 0;
	if (!**p || literal(p, "Zz")) return true;
	if (!literal(p, "+-") || !digits(p, 2, &h)) return false;
	literal(p, ":");
	if (!digits(p, 2, &m) || h > 23 || m > 59) return false;
	*minutes = sign * (h * 60 + m);
	return true;
}

bool document_time_read(int64_t *us, const char *text)
{
	struct tm tm = {.tm_sec = 0};
	int64_t fraction = 0, minutes = 0;
	const char *p = text;
	if (!digits(&p, 4, &tm.tm_year) || !literal(&p, "-") || !digits(&p, 2, &tm.tm_mon) || !literal(&p, "-") ||
	    !digits(&p, 2, &tm.tm_mday))
		return false;
	if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31) return false;
	if (*p) {
		if (!literal(&p, "Tt ") || !clock_part(&p, &tm, &fraction)) return false;
		while (*p == ' ') p++;
		if (strcmp(p, "UTC") == 0) p += 3;
		if (!zone(&p, &minutes) || *p) return false;
	}
	int day = tm.tm_mday;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int second = tm.tm_sec;
	time_t s = timegm(&tm);
	if (tm.tm_mday != day && second != 60) return false; /* timegm turned the 30th of February into March */
	*us = ((int64_t)s - minutes * 60) * 1000000 + fraction;
	return *us >= 0;
}
