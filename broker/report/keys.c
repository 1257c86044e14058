/* Which item of a report is about a value: two reports of a thousand items each are compared without a million steps. */
#include <stdlib.h>
#include <string.h>
#include "report/report.h"

static const uint8_t *key_of(const struct report_keys *keys, uint16_t item)
{
	return keys->report->items[item].key;
}

static int by_key(const void *a, const void *b, void *arg)
{
	return memcmp(key_of(arg, *(const uint16_t *)a), key_of(arg, *(const uint16_t *)b), WIRE_VALUE_KEY);
}

void report_keys_sort(struct report_keys *keys, const struct report *report)
{
	keys->report = report;
	keys->n = 0;
	for (uint32_t i = 0; report->items && i < report->n && i < WIRE_LIMIT_ITEMS; i++)
		if (report->items[i].value.type) keys->order[keys->n++] = (uint16_t)i;
	qsort_r(keys->order, keys->n, sizeof(*keys->order), by_key, keys);
}

uint32_t report_keys_find(const struct report_keys *keys, const uint8_t key[WIRE_VALUE_KEY])
{
	uint32_t low = 0, high = keys->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = memcmp(key_of(keys, keys->order[mid]), key, WIRE_VALUE_KEY);

		if (!order) return keys->order[mid];
		if (order < 0) low = mid + 1;
		else high = mid;
	}
	return keys->report->n;
}
