/* Reading indicators from files: formats, lines, and what is wrong with them. Pushes records to a sink as they are read. */
#ifndef ISAC_CLI_INPUT_H
#define ISAC_CLI_INPUT_H

#include <stdint.h>
#include "isac.h"

enum { INPUT_LIST_MAX = 64, INPUT_LINE_MAX = 1 << 20 };

/* One record: pointers live until the next one. */
struct input_record {
	struct isac_indicator ind;
	const char *tags[INPUT_LIST_MAX], *references[INPUT_LIST_MAX];
};

struct input_sink {
	/* Both return 0 to go on; anything else ends reading and is returned. */
	int (*take)(void *arg, struct input_record *record, unsigned line);
	int (*refuse)(void *arg, unsigned line, const char *reason);
	void *arg;
};

struct input_conf {
	const char *path;   /* "-" = stdin */
	const char *format; /* auto, jsonl, csv, plain */
	const char *type;   /* of values that do not say theirs, or NULL */
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

/* A line (without its end) to a format's reader; these keep state over lines. */
int input_json_line(const struct input_conf *conf, const struct input_sink *sink, char *line, unsigned number);
int input_plain_line(const struct input_conf *conf, const struct input_sink *sink, char *line, unsigned number);
struct input_csv;
int input_csv_open(struct input_csv **out, const struct input_conf *conf, const struct input_sink *sink, const char *first_line);
/* With the line's end. */
int input_csv_line(struct input_csv *csv, const char *line, size_t len, unsigned number);
int input_csv_close(struct input_csv **csv); /* a last row without a newline */
bool input_csv_is_header(const char *line);

#endif
