/* tally: what of a document was not read, and how often. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "document/document.h"

void document_tally_add(struct document_tally *tally, const char *fmt, ...)
{
	char raw[2 * DOCUMENT_TALLY_BYTES], text[DOCUMENT_TALLY_BYTES];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	document_text_clean(text, sizeof text, raw);
	for (size_t i = 0; i < tally->rows; i++) {
		if (strcmp(tally->row[i].text, text) != 0) continue;
		tally->row[i].n++;
		return;
	}
	if (tally->rows == DOCUMENT_TALLY_ROWS) {
		tally->others++;
		return;
	}
	memcpy(tally->row[tally->rows].text, text, sizeof text);
	tally->row[tally->rows++].n = 1;
}
