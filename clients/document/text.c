/* text: what people wrote in documents of their own, made fit for the wire by the wire's own rule. */
#include <string.h>
#include "document/document.h"
#include "wire/wire.h"

static size_t char_bytes(unsigned char first)
{
	return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t document_text_clean(char *out, size_t size, const char *text)
{
	size_t n = 0, left = strlen(text);
	bool blank = false;
	while (left) {
		size_t len = char_bytes((unsigned char)*text);
		if (len > left) break;
		if (strchr(" \t\r\n\v\f", *text)) {
			blank = n > 0;
		} else if (wire_text_ok(text, len)) {
			if (n + blank + len >= size) break;
			if (blank) out[n++] = ' ';
			blank = false;
			memcpy(out + n, text, len);
			n += len;
		}
		text += len;
		left -= len;
	}
	out[n] = 0;
	return n;
}
