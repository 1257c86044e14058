/*
 * document: what the rooms for other people's formats share: JSON from strangers, times, texts, names that are always the same,
 * and a truthful list of what was not read. Pure: no I/O, no clock, no global state. One thread uses an object at a time.
 */
#ifndef ISAC_DOCUMENT_H
#define ISAC_DOCUMENT_H

#include <stdarg.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "isac.h"

/* ---- read.c ---- */
enum { DOCUMENT_BYTES_MAX = 64 << 20, DOCUMENT_DEPTH_MAX = 64 };
/*
 * JSON of any bytes: an object or an array. NULL with a reason (no control bytes in it): no JSON, a member that stands twice, a number
 * beyond 64 bits, NUL in a text, deeper than DOCUMENT_DEPTH_MAX, longer than DOCUMENT_BYTES_MAX. The caller owns what is returned.
 */
json_t *document_read(const char *text, size_t len, char *reason, size_t size);
/* The member's text; NULL if it is not there or no string. */
const char *document_read_text(const json_t *object, const char *key);
/* A whole number, as such or as a text of digits, within min..max; false: there is none. */
bool document_read_number(const json_t *object, const char *key, json_int_t min, json_int_t max, json_int_t *out);

/* ---- time.c ---- */
enum { DOCUMENT_TIME_BYTES = 40 };
/* RFC 3339 or a date, 'T' or a blank between, no zone = UTC, 1970 and later. Digits beyond the microsecond are cut off. */
bool document_time_read(int64_t *us, const char *text);
/* "2026-01-31T12:00:00.123Z" with so many digits, 0..6; what is left over is cut off. "" for 0 and below. */
void document_time_text(char out[DOCUMENT_TIME_BYTES], int64_t us, int digits);

/* ---- text.c ---- */
/*
 * Text that people wrote into one line that the wire takes (proto/README.md section 3): line ends and tabs become a blank, what is
 * invisible goes, and it ends at size - 1 bytes, never within a character. Returns the length.
 */
size_t document_text_clean(char *out, size_t size, const char *text);

/* ---- uuid.c: UUIDs of version 5, lower case ---- */
enum { DOCUMENT_UUID_BYTES = 37 };
bool document_uuid_ok(const char *text); /* 8-4-4-4-12 hexadecimal digits */
/* false: space is no UUID. */
bool document_uuid5(char out[DOCUMENT_UUID_BYTES], const char *space, const char *name, size_t len);
/* Of the object's canonical form (RFC 8785, for objects of ASCII names, texts and whole numbers). Takes the reference. */
bool document_uuid5_json(char out[DOCUMENT_UUID_BYTES], const char *space, const char *before, json_t *object);
/* A name space of this hub's own, for ids of what it says. */
void document_uuid_space(char out[DOCUMENT_UUID_BYTES], const char *hub_id);

/* ---- tally.c: what was not read ---- */
enum { DOCUMENT_TALLY_ROWS = 48, DOCUMENT_TALLY_BYTES = 120 };
struct document_tally {
	struct {
		char text[DOCUMENT_TALLY_BYTES];
		size_t n;
	} row[DOCUMENT_TALLY_ROWS];
	size_t rows, others; /* others: beyond the rows */
};
/* One more of these. Texts that are alike are counted together. */
void document_tally_add(struct document_tally *tally, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- record.c: one statement of a foreign document, as isac_batch_add takes it ---- */
enum { DOCUMENT_LIST_MAX = 32, DOCUMENT_REFERENCES_MAX = 16, DOCUMENT_TAG_BYTES = 128, DOCUMENT_DESCRIPTION_BYTES = 1025 };
enum document_kind {
	DOCUMENT_INDICATOR,
	DOCUMENT_WITHDRAWAL, /* what the object said is taken back, this value among it */
	DOCUMENT_SIGHTING,   /* said of another's value, or of one's own: verdict, count, first and last seen */
};
/* Lives while its reader's callback runs; `ind` points into it and into the document. */
struct document_record {
	enum document_kind kind;
	struct isac_indicator ind;
	enum isac_tlp tlp; /* ISAC_TLP_NONE: not said */
	enum isac_verdict verdict;
	uint32_t count;
	const char *id;	  /* of the object that says it, as the document has it */
	const char *mark; /* "stix:" or "misp:" and that id: a tag of all that the object says, by which it is found again; "" = none */
	bool renewed;	  /* what an earlier version of the object said is over, but for what this one says */
	const char *tags[DOCUMENT_LIST_MAX], *references[DOCUMENT_REFERENCES_MAX];
	char text[DOCUMENT_LIST_MAX][DOCUMENT_TAG_BYTES + 1];
	char description[DOCUMENT_DESCRIPTION_BYTES];
};
struct document_sink {
	/* Both return 0 to go on; anything else ends reading and is returned. */
	int (*take)(void *arg, const struct document_record *record);
	/* An object that should have become a record and could not: why. */
	int (*refuse)(void *arg, const char *id, const char *reason);
	void *arg;
};
/* Tells sink->refuse in clean text; id NULL or without a readable letter: nameless stands for it. Returns what it returns. */
int document_sink_refuse(const struct document_sink *sink, const char *id, const char *nameless, const char *fmt, va_list args)
	__attribute__((format(printf, 4, 0)));
void document_record_init(struct document_record *r);
/* Says whose words it is: `mark` becomes the first tag. space: "stix". */
void document_record_name(struct document_record *r, const char *space, const char *id);
/* Cleaned and cut; not twice. false: there is no room, or nothing is left of it. */
bool document_record_tag(struct document_record *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Borrowed. Left out if the wire would not take it, or there is no room: false. */
bool document_record_reference(struct document_record *r, const char *text);
void document_record_describe(struct document_record *r, const char *title, const char *text); /* either may be NULL */

#endif
