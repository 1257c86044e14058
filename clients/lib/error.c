/*
 * error: one sentence for a person, with what to do next. The hub's texts are foreign bytes: control bytes never pass.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "priv.h"

void client_error_clean(char *out, size_t size, const char *text)
{
	size_t n = 0;
	for (; *text && n + 1 < size; text++) {
		unsigned char c = (unsigned char)*text;
		out[n++] = (c < 0x20 || c == 0x7f) ? '?' : (char)c;
	}
	out[n] = 0;
}

enum isac_result client_error_set(struct isac_error *err, enum isac_result result, const char *fmt, ...)
{
	if (!err) return result;
	char text[sizeof err->text];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	memset(err, 0, sizeof *err);
	err->result = result;
	client_error_clean(err->text, sizeof err->text, text);
	return result;
}

enum isac_result client_error_out_of_memory(struct isac_error *err)
{
	return client_error_set(err, ISAC_MISUSED, "out of memory");
}

static const struct {
	unsigned code;
	const char *name, *advice;
} codes[] = {
	{400, "malformed", ""},
	{401, "not authentic", "is this home's signing key the one that was enrolled? ask the hub's admin for `isac admin key list`"},
	{403, "not allowed", "this member lacks the role; an admin can give it with `isac admin member role`"},
	{404, "not found", ""},
	{408, "too slow", "try again"},
	{409, "conflict", "the same id was used before for other bytes"},
	{410, "key revoked", "ask the hub's admin to enrol a new key with `isac admin key add`"},
	{413, "too large", ""},
	{416, "no such position", "start from another place, for example with --from start"},
	{422, "not acceptable", ""},
	{425, "from the future", "this machine's clock is ahead of the hub's: set it right"},
	{429, "too many requests", "slow down"},
	{503, "not available now", "the hub is up but cannot do it at the moment: try again"},
	{507, "full", "the hub's store is full: tell its admin"},
};

/* 403 and 409 have many causes: what to do about the most frequent one must not follow a text that names another. */
static bool advice_fits(unsigned code, const char *text)
{
	if (!*text) return true;
	return code == 403 ? strstr(text, "role") && !strstr(text, "nobody") : code != 409;
}

enum isac_result client_error_from_hub(struct isac_error *err, unsigned code, const char *text)
{
	const char *name = "refused", *advice = "";
	if (!text) text = "";
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i].code == code) name = codes[i].name, advice = advice_fits(code, text) ? codes[i].advice : "";
	enum isac_result r =
		client_error_set(err, ISAC_REFUSED, "%u %s%s%s%s%s", code, name, *text ? ": " : "", text, *advice ? "; " : "", advice);
	if (err) err->code = code;
	return r;
}

const char *isac_version(void)
{
	return ISAC_VERSION;
}
