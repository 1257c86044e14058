/*
 * time: RFC 3339, dates and ages to microseconds and back. No clock: the caller says what now is.
 * Seconds run 00..59: a leap second is no time here. Digits beyond the microsecond are cut off.
 */
#include <string.h>
#include <time.h>

#include "filter/priv.h"

static const int64_t second = 1000000;
static const int64_t time_max = 253402300799999999; /* end of the year 9999 */

/* Exactly n digits at *p, which moves on. */
static bool read_digits(const char **p, const char *end, int n, int *out)
{
	*out = 0;
	for (; n > 0; n--, (*p)++) {
		if (*p >= end || **p < '0' || **p > '9') return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

static bool read_byte(const char **p, const char *end, char lower, char upper)
{
	if (*p >= end || (**p != lower && **p != upper)) return false;
	(*p)++;
	return true;
}

static bool read_date(const char **p, const char *end, struct tm *tm)
{
	if (!read_digits(p, end, 4, &tm->tm_year) || !read_byte(p, end, '-', '-') || !read_digits(p, end, 2, &tm->tm_mon) ||
	    !read_byte(p, end, '-', '-') || !read_digits(p, end, 2, &tm->tm_mday))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return true;
}

/* Z or +hh:mm, as seconds east of Greenwich. */
static bool read_zone(const char **p, const char *end, int *east)
{
	int hours, minutes, sign;

	*east = 0;
	if (read_byte(p, end, 'z', 'Z')) return true;
	if (*p >= end || (**p != '+' && **p != '-')) return false;
	sign = *(*p)++ == '-' ? -1 : 1;
	if (!read_digits(p, end, 2, &hours) || !read_byte(p, end, ':', ':') || !read_digits(p, end, 2, &minutes)) return false;
	*east = sign * (hours * 3600 + minutes * 60);
	return hours <= 23 && minutes <= 59;
}

static bool read_clock(const char **p, const char *end, struct tm *tm, int64_t *fraction)
{
	int64_t unit = second / 10;

	if (!read_digits(p, end, 2, &tm->tm_hour) || !read_byte(p, end, ':', ':') || !read_digits(p, end, 2, &tm->tm_min) ||
	    !read_byte(p, end, ':', ':') || !read_digits(p, end, 2, &tm->tm_sec))
		return false;
	if (!read_byte(p, end, '.', '.')) return true;
	if (*p >= end || **p < '0' || **p > '9') return false;
	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++, unit /= 10) *fraction += (**p - '0') * unit;
	return true;
}

static bool parse_calendar(int64_t *us, const char *p, const char *end)
{
	struct tm tm = {.tm_year = 0}, check;
	int64_t fraction = 0;
	int east = 0;
	time_t at;

	if (!read_date(&p, end, &tm)) return false;
	if (p < end && (!read_byte(&p, end, 't', 'T') || !read_clock(&p, end, &tm, &fraction) || !read_zone(&p, end, &east))) return false;
	if (p != end) return false;
	check = tm;
	at = timegm(&check); /* moves 31 June to 1 July: then it was no date */
	if (check.tm_mon != tm.tm_mon || check.tm_mday != tm.tm_mday || check.tm_hour != tm.tm_hour || check.tm_min != tm.tm_min ||
	    check.tm_sec != tm.tm_sec)
		return false;
	*us = ((int64_t)at - east) * second + fraction;
	return true;
}

static bool parse_age(int64_t *us, const char *text, size_t len, int64_t now_us)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	int64_t n = 0;

	if (len < 2 || len > 11) return false; /* ten digits of weeks stay far below overflow */
	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] < '0' || text[i] > '9') return false;
		n = n * 10 + (text[i] - '0');
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if ((text[len - 1] | 0x20) == units[i].letter) {
			if (n > now_us / second / units[i].seconds) return false;
			*us = now_us - n * units[i].seconds * second;
			return true;
		}
	return false;
}

bool filter_time_parse(int64_t *us, const char *text, size_t len, int64_t now_us)
{
	if (!parse_age(us, text, len, now_us) && !parse_calendar(us, text, text + len)) return false;
	return *us >= 0 && *us <= time_max;
}

void filter_time_print(char out[FILTER_TIME_TEXT], int64_t us)
{
	time_t at = (time_t)(us / second);
	struct tm tm;
	size_t used;

	gmtime_r(&at, &tm);
	used = strftime(out, FILTER_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	if (us % second) used += (size_t)snprintf(out + used, FILTER_TIME_TEXT - used, ".%06d", (int)(us % second));
	snprintf(out + used, FILTER_TIME_TEXT - used, "Z");
}
