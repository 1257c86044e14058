/* What a reader of documents says, as lines: "KIND TLP type=value ...", "! ID: reason". */
#ifndef TEST_DOCUMENT_SAID_H
#define TEST_DOCUMENT_SAID_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "document/document.h"

static struct {
	char line[64][700];
	size_t n, stop_at; /* the sink ends reading at that many */
} said;

static inline int said_take(void *arg, const struct document_record *r)
{
	static const char *const kinds[] = {"indicator", "withdrawal", "sighting"};
	char *to = said.line[said.n];
	size_t size = sizeof said.line[0], n;
	(void)arg;
	assert_true(said.n < 63);
	n = (size_t)snprintf(to, size, "%s%s %s %s=%s", r->renewed ? "new " : "", kinds[r->kind], r->tlp ? isac_tlp_name(r->tlp) : "-",
			     r->ind.type, r->ind.value);
	if (r->ind.confidence >= 0) n += (size_t)snprintf(to + n, size - n, " %d%%", r->ind.confidence);
	if (*r->ind.description) n += (size_t)snprintf(to + n, size - n, " '%s'", r->ind.description);
	for (size_t i = 0; i < r->ind.tags_n; i++) n += (size_t)snprintf(to + n, size - n, " [%s]", r->ind.tags[i]);
	for (size_t i = 0; i < r->ind.references_n; i++) n += (size_t)snprintf(to + n, size - n, " <%s>", r->ind.references[i]);
	if (r->verdict) n += (size_t)snprintf(to + n, size - n, " %s x%u", isac_verdict_name(r->verdict), r->count);
	if (r->ind.first_seen_us)
		snprintf(to + n, size - n, " seen %lld..%lld", (long long)r->ind.first_seen_us / 1000000,
			 (long long)r->ind.last_seen_us / 1000000);
	return ++said.n == said.stop_at ? 7 : 0;
}

static inline int said_refuse(void *arg, const char *id, const char *reason)
{
	(void)arg;
	snprintf(said.line[said.n], sizeof said.line[0], "! %s: %s", id, reason);
	return ++said.n == said.stop_at ? 7 : 0;
}

static const struct document_sink said_sink = {said_take, said_refuse, NULL};

/* A file of tests/data. */
static inline json_t *said_file(const char *name)
{
	char path[300], reason[200], *text = malloc(1 << 20);
	snprintf(path, sizeof path, TEST_SOURCE_DIR "/tests/data/%s", name);
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	assert_non_null(text);
	size_t len = fread(text, 1, 1 << 20, in);
	fclose(in);
	json_t *document = document_read(text, len, reason, sizeof reason);
	assert_non_null(document);
	free(text);
	return document;
}

static inline void said_expect(const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n && i < said.n; i++) assert_string_equal(said.line[i], lines[i]);
	assert_int_equal(said.n, n);
}

/* How often it was counted. */
static inline size_t said_tally(const struct document_tally *tally, const char *text)
{
	for (size_t i = 0; i < tally->rows; i++)
		if (strcmp(tally->row[i].text, text) == 0) return tally->row[i].n;
	return 0;
}

#endif
