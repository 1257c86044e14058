/* Items as a feed shows them, and what a format makes of a set. */
#ifndef TEST_FORMAT_ITEM_H
#define TEST_FORMAT_ITEM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "format/format.h"
#include "wire/wire.h"

#define S 1000000LL
#define NOW (1769860800 * S) /* 2026-01-31T12:00:00Z */

static inline struct isac_item item(uint64_t seq, const char *publisher, const char *type, const char *value)
{
	return (struct isac_item){.verified = true,
				  .seq = seq,
				  .publisher = publisher,
				  .tlp = ISAC_TLP_GREEN,
				  .kind = 1,
				  .received_us = NOW,
				  .type = type,
				  .value = value,
				  .raw = value,
				  .confidence = -1,
				  .severity = -1,
				  .description = "",
				  .country = ""};
}

static inline void add(struct format_set *set, uint64_t seq, const char *publisher, const char *type, const char *value)
{
	struct isac_item it = item(seq, publisher, type, value);
	assert_true(format_set_add(set, &it));
}

static inline struct format_set *new_set(const struct format_set_conf *conf)
{
	static const struct format_set_conf none;
	struct format_set *set;
	assert_int_equal(wire_init(), ISAC_OK);
	assert_true(format_set_new(&set, conf ? conf : &none));
	return set;
}

/* A part's text at that time; free it. tally may be NULL. Not inline: gcc 12 takes the stream's buffer for a dangling local. */
static __attribute__((noinline, unused)) char *text_at(const struct format_set *set, const char *format, const char *file,
						       const struct format_conf *conf, struct format_tally *tally, int64_t now_us)
{
	struct format_conf plain = {.version = 7, .now_us = now_us};
	struct format_tally own;
	struct format_view *view;
	char *text = NULL;
	size_t size;
	const struct format_part *part = format_find(format)->parts;
	while (file && strcmp(part->file, file) != 0) part++;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	assert_true(format_view_open(&view, set, now_us));
	assert_true(part->write(out, view, conf ? conf : &plain, tally ? tally : &own));
	assert_int_equal(fclose(out), 0);
	format_view_close(&view);
	return text;
}

static inline void state_at(char out[FORMAT_STATE_BYTES], const struct format_set *set, const char *format, int64_t now_us)
{
	struct format_conf conf = {.version = 7, .now_us = now_us};
	struct format_view *view;
	assert_true(format_view_open(&view, set, now_us));
	assert_true(format_state(out, format_find(format), view, &conf));
	format_view_close(&view);
}

/* The text without its head line is this; frees it. */
static inline void expect(char *text, const char *body)
{
	char *after = strstr(text, " isac: TLP:");
	assert_non_null(after);
	assert_string_equal(strchr(after, '\n') + 1, body);
	free(text);
}

#endif
