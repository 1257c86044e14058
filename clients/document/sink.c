/* sink: whoever reads a document tells its caller record by record; what strangers wrote is cleaned before it is repeated. */
#include <stdio.h>
#include "document/document.h"

enum { TEXT_BYTES = 300 };

int document_sink_refuse(const struct document_sink *sink, const char *id, const char *nameless, const char *fmt, va_list args)
{
	char raw[TEXT_BYTES], reason[TEXT_BYTES], clean[TEXT_BYTES];
	vsnprintf(raw, sizeof raw, fmt, args);
	document_text_clean(reason, sizeof reason, raw);
	size_t n = id ? document_text_clean(clean, sizeof clean, id) : 0;
	return sink->refuse(sink->arg, n ? clean : nameless, reason);
}
