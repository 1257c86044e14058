/* Any bytes as a STIX pattern. What is a list of values is written again and read again: the same values. */
#include <stdlib.h>
#include <string.h>
#include "stix/stix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const struct stix_pattern_value *value)
{
	static char text[STIX_PATTERN_BYTES];
	struct stix_pattern again;
	char reason[300];
	if (!*value->type || strcmp(value->type, "asn") == 0 || !stix_pattern_write(text, sizeof text, value->type, value->value)) return;
	if (stix_pattern_read(&again, text, strlen(text), reason, sizeof reason) != STIX_PATTERN_VALUES || again.n != 1) abort();
	if (strcmp(again.value[0].value, value->value) != 0) abort();
	stix_pattern_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stix_pattern pattern;
	char reason[300] = "";
	enum stix_pattern_sort sort = stix_pattern_read(&pattern, (const char *)data, size, reason, sizeof reason);
	if ((sort == STIX_PATTERN_VALUES) != (pattern.n > 0) || (sort != STIX_PATTERN_VALUES && !*reason)) abort();
	for (size_t i = 0; i < pattern.n; i++) write_and_read(&pattern.value[i]);
	stix_pattern_clear(&pattern);
	return 0;
}
