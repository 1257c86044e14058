/*
 * Reads the files of proto/vectors (format: proto/README.md section 15) for the tests of this folder.
 * A broken file is a failed test, not an error to handle.
 */
#ifndef ISAC_TEST_VECTOR_H
#define ISAC_TEST_VECTOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "wire/wire.h"

struct vector {
	const char *file;
	struct {
		char *key, *value;
	} pair[4096];
	size_t n;
	struct wire_arena arena; /* whatever the getters return */
};

static inline const char *vector_nth(const struct vector *v, const char *key, size_t nth)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->pair[i].key, key) == 0 && nth-- == 0) return v->pair[i].value;
	return NULL;
}

static inline size_t vector_count(const struct vector *v, const char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) n += strcmp(v->pair[i].key, key) == 0;
	return n;
}

static inline const char *vector_text(const struct vector *v, const char *key)
{
	const char *value = vector_nth(v, key, 0);

	if (!value) fail_msg("%s: %s: no %s", v->file, vector_nth(v, "case", 0), key);
	return value;
}

static inline uint64_t vector_number(const struct vector *v, const char *key, size_t nth)
{
	const char *value = vector_nth(v, key, nth);

	if (!value) fail_msg("%s: %s: no %s", v->file, vector_nth(v, "case", 0), key);
	return strtoull(value, NULL, 10);
}

/* Bytes of the nth `key`; the copy is exactly so long, so that ASan sees a step beyond. */
static inline struct wire_bytes vector_hex_nth(struct vector *v, const char *key, size_t nth)
{
	const char *value = vector_nth(v, key, nth);
	uint8_t *data;

	if (!value) fail_msg("%s: %s: no %s", v->file, vector_nth(v, "case", 0), key);
	data = wire_arena_alloc(&v->arena, strlen(value) / 2);
	assert_non_null(data);
	assert_int_equal(wire_unhex(data, strlen(value) / 2, value, strlen(value)), ISAC_OK);
	return (struct wire_bytes){data, strlen(value) / 2};
}

static inline struct wire_bytes vector_hex(struct vector *v, const char *key)
{
	return vector_hex_nth(v, key, 0);
}

/* All values of `key` joined. */
static inline struct wire_bytes vector_join(struct vector *v, const char *key)
{
	const size_t n = vector_count(v, key);
	size_t len = 0;
	uint8_t *data;

	for (size_t i = 0; i < n; i++) len += strlen(vector_nth(v, key, i)) / 2;
	data = wire_arena_alloc(&v->arena, len);
	assert_non_null(data);
	len = 0;
	for (size_t i = 0; i < n; i++) {
		const struct wire_bytes one = vector_hex_nth(v, key, i);

		memcpy(data + len, one.data, one.len);
		len += one.len;
	}
	return (struct wire_bytes){data, len};
}

#define vector_assert_bytes(v, got, want, size) \
	do { \
		if (memcmp(got, want, size) != 0) fail_msg("%s: %s: bytes differ", (v)->file, vector_nth(v, "case", 0)); \
	} while (0)

#define vector_assert_code(v, err, code) \
	do { \
		if (isac_err_code(err) != (code)) \
			fail_msg("%s: %s: %u instead of %u", (v)->file, vector_nth(v, "case", 0), isac_err_code(err), (unsigned)(code)); \
	} while (0)

/* Runs check on every case of the file; there must be at least `least` of them. */
static inline void vector_each(const char *file, size_t least, void (*check)(struct vector *v))
{
	struct vector *v = calloc(1, sizeof *v);
	char path[512], *line = NULL;
	size_t size = 0, cases = 0;
	ssize_t len;
	FILE *in;

	assert_non_null(v);
	snprintf(path, sizeof path, "%s/proto/vectors/%s", TEST_SOURCE_DIR, file);
	in = fopen(path, "r");
	if (!in) fail_msg("cannot open %s", path);
	v->file = file;
	do {
		char *eq;

		len = getline(&line, &size, in);
		while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == ' ')) line[--len] = 0;
		if (len > 0 && line[0] != '#') {
			eq = strstr(line, " =");
			assert_non_null(eq);
			*eq = 0;
			assert_true(v->n < sizeof v->pair / sizeof *v->pair);
			v->pair[v->n].key = strdup(line);
			v->pair[v->n++].value = strdup(eq[2] ? eq + 3 : "");
		} else if (len <= 0 && v->n) {
			wire_arena_init(&v->arena, 64 << 20);
			check(v);
			wire_arena_clear(&v->arena);
			for (; v->n; v->n--) {
				free(v->pair[v->n - 1].key);
				free(v->pair[v->n - 1].value);
			}
			cases++;
		}
	} while (len >= 0);
	fclose(in);
	free(line);
	free(v);
	assert_true(cases >= least);
}

#endif
