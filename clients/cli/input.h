/* Reading indicators from files: formats, lines, and what is wrong with them. Pushes records to a sink as they are read. */
#ifndef ISAC_CLI_INPUT_H
#define ISAC_CLI_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include "document/document.h"
#include "isac.h"

enum { INPUT_LIST_MAX = 64, INPUT_LINE_MAX = 1 << 20 };

/* One record: pointers live until the next one. */
struct input_record {
	struct isac_indicator ind;
	const char *tags[INPUT_LIST_MAX], *references[INPUT_LIST_MAX];
	const struct document_record *said; /* of STIX and MISP, which say more: label, withdrawals, sightings; else NULL */
};

struct input_sink {
	/* Both return 0 to go on; anything else ends reading and is returned. */
	int (*take)(void *arg, struct input_record *record, unsigned line);
	int (*refuse)(void *arg, unsigned line, const char *reason); /* line 0: of a document, the reason says where */
	void (*tell)(void *arg, const char *text);		     /* what of a document was not read, a sentence a call */
	void *arg;
};

struct input_conf {
	const char *path;   /* "-" = stdin; a folder is a feed of MISP */
	const char *format; /* auto, jsonl, csv, plain, stix, misp */
	const char *type;   /* of values that do not say theirs, or NULL */
	const char *map;    /* csv: "value=ioc,type=kind", fields and the columns that hold them; or NULL */
	uint64_t *bytes;    /* added to as bytes are read, or NULL */
};
/* 0; what a sink returned; or INPUT_FAILED with a reason (the file cannot be read, or not in this format). */
enum { INPUT_FAILED = -1 };
int input_read(const struct input_conf *conf, const struct input_sink *sink, char *reason, size_t size);
bool input_format_known(const char *format);

/* ---- for the formats ---- */
void input_record_init(struct input_record *r);
/* Other people's names for types: "hostname" is domain, "ipaddress" is left to be guessed (""). Unknown ones are returned as given. */
const char *input_type_alias(const char *type);
/* Sets a field from text; false with a reason. The text must live as long as the record; lists are cut in place. */
enum input_field {
	INPUT_NONE,
	INPUT_VALUE,
	INPUT_TYPE,
	INPUT_RAW,
	INPUT_CONFIDENCE,
	INPUT_SEVERITY,
	INPUT_TAGS,
	INPUT_DESCRIPTION,
	INPUT_FIRST_SEEN,
	INPUT_LAST_SEEN,
	INPUT_VALID_FROM,
	INPUT_VALID_UNTIL,
	INPUT_ASN,
	INPUT_COUNTRY,
	INPUT_REFERENCES,
	INPUT_FIELDS
};
const char *input_field_name(enum input_field field);
bool input_field_set(struct input_record *r, enum input_field field, char *text, char *reason, size_t size);

/* What stands in the rest of a file, behind what was read of it already; name: of a file in a folder, or "". Refuses, never fails. */
int input_document(const struct input_conf *conf, const struct input_sink *sink, FILE *in, const char *begun, size_t begun_len,
		   const char *name);
bool input_is_folder(const char *path);
int input_folder(const struct input_conf *conf, const struct input_sink *sink, char *reason, size_t size);

/* A line (without its end) to a format's reader; these keep state over lines. */
int input_json_line(const struct input_conf *conf, const struct input_sink *sink, char *line, unsigned number);
int input_plain_line(const struct input_conf *conf, const struct input_sink *sink, char *line, unsigned number);
struct input_csv;
int input_csv_open(struct input_csv **out, const struct input_conf *conf, const struct input_sink *sink, const char *first_line);
/* With the line's end. */
int input_csv_line(struct input_csv *csv, const char *line, size_t len, unsigned number);
/* Is it a map? false with a reason. */
bool input_csv_map_ok(const char *map, char *reason, size_t size);
int input_csv_close(struct input_csv **csv); /* a last row without a newline */
bool input_csv_is_header(const char *line);

#endif
