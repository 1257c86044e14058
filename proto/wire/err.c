/*
 * Errors: the rows of err.def as tables, and the one way to say why something was refused.
 * The text goes into logs, replies and terminals, so only printable ASCII leaves here.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include "wire/wire.h"

static const struct {
	const char *name, *text;
	uint16_t code;
	bool retry;
} rows[ISAC_ERR_COUNT] = {
	[ISAC_OK] = {"OK", "done", 200, false},
#define ERR(name, code, retry, text) [ISAC_ERR_##name] = {#name, text, code, retry},
#include "wire/err.def"
#undef ERR
};

const char *isac_err_name(enum isac_err err)
{
	assert((unsigned)err < ISAC_ERR_COUNT);
	return rows[err].name;
}

const char *isac_err_text(enum isac_err err)
{
	assert((unsigned)err < ISAC_ERR_COUNT);
	return rows[err].text;
}

unsigned isac_err_code(enum isac_err err)
{
	assert((unsigned)err < ISAC_ERR_COUNT);
	return rows[err].code;
}

bool isac_err_retryable(enum isac_err err)
{
	assert((unsigned)err < ISAC_ERR_COUNT);
	return rows[err].retry;
}

enum isac_err wire_refuse(struct wire_why *why, enum isac_err err, const char *fmt, ...)
{
	va_list args;

	if (!why) return err;
	va_start(args, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, args);
	va_end(args);
	/* Cutting may have split a UTF-8 sequence, and quoted input may hold anything. */
	for (char *c = why->text; *c; c++)
		if (*c < 0x20 || *c > 0x7e) *c = '?';
	return err;
}
