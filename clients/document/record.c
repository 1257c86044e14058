/* record: a statement as it is put together out of a foreign document, within the limits of the wire. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "document/document.h"
#include "wire/wire.h"

void document_record_init(struct document_record *r)
{
	r->kind = DOCUMENT_INDICATOR;
	r->tlp = ISAC_TLP_NONE;
	r->verdict = ISAC_VERDICT_NONE;
	r->count = 0;
	r->id = r->mark = "";
	r->renewed = false;
	r->description[0] = 0;
	r->ind = (struct isac_indicator){
		.confidence = -1, .severity = -1, .tags = r->tags, .description = r->description, .references = r->references};
}

bool document_record_tag(struct document_record *r, const char *fmt, ...)
{
	char raw[4 * DOCUMENT_TAG_BYTES];
	size_t n = r->ind.tags_n;
	va_list ap;
	if (n == DOCUMENT_LIST_MAX) return false;
	va_start(ap, fmt);
	int len = vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	if (len < 0) return false;
	/* A text that vsnprintf cut may end within a character: the wire's rule stops there. */
	if (!document_text_clean(r->text[n], sizeof r->text[n], raw)) return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(r->tags[i], r->text[n]) == 0) return true;
	r->tags[n] = r->text[n];
	r->ind.tags_n++;
	return true;
}

void document_record_name(struct document_record *r, const char *space, const char *id)
{
	r->id = id;
	if (document_record_tag(r, "%s:%s", space, id)) r->mark = r->tags[0];
}

bool document_record_reference(struct document_record *r, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	if (!len || len > WIRE_LIMIT_VALUE_BYTES || r->ind.references_n == DOCUMENT_REFERENCES_MAX || !wire_text_ok(text, len))
		return false;
	for (size_t i = 0; i < r->ind.references_n; i++)
		if (strcmp(r->references[i], text) == 0) return true;
	r->references[r->ind.references_n++] = text;
	return true;
}

void document_record_describe(struct document_record *r, const char *title, const char *text)
{
	size_t n = title ? document_text_clean(r->description, sizeof r->description, title) : 0;
	if (!text || !*text || (title && strcmp(title, text) == 0)) return;
	if (n && n + 2 < sizeof r->description) n += (size_t)snprintf(r->description + n, sizeof r->description - n, ": ");
	document_text_clean(r->description + n, sizeof r->description - n, text);
}
