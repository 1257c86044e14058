/*
 * format: the table of formats, and what all of them have: a head line, a state, names.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "format/priv.h"

#define PART(file, writer) {file, writer},
#define FORMAT(name, folder, text, parts) static const struct format_part name##_parts[] = {parts{NULL, NULL}};
#include "format/formats.def"
#undef FORMAT
static const struct format_row rows[] = {
#define FORMAT(name, folder, text, parts) {#name, text, name##_parts, folder},
#include "format/formats.def"
#undef FORMAT
};
#undef PART
enum { ROWS = sizeof rows / sizeof rows[0], HEAD_LINES = 3 };

const struct format_row *format_row(unsigned number)
{
	return number < ROWS ? &rows[number] : NULL;
}

const struct format_row *format_find(const char *name)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0) return &rows[i];
	return NULL;
}

bool format_name_ok(const char *name)
{
	size_t len = strlen(name);
	return len && len < FORMAT_NAME_BYTES && ((name[0] | 32) >= 'a' && (name[0] | 32) <= 'z') &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
}

const char *format_name(const struct format_conf *conf)
{
	return *conf->name ? conf->name : "isac";
}

void format_tally_text(char *out, size_t size, const struct format_tally *tally)
{
	static const char *const words[] = {
#define SKIP(NAME, text) text,
#include "format/skips.def"
#undef SKIP
	};
	size_t n = 0;
	out[0] = 0;
	for (unsigned i = 0; i < FORMAT_SKIPS; i++)
		if (tally->skipped[i] && n < size)
			n += (size_t)snprintf(out + n, size - n, "%s%zu %s", n ? ", " : "", tally->skipped[i], words[i]);
}

/* ---- the head line ---- */
void format_head_write(FILE *out, const char *mark, const struct format_view *view, const struct format_conf *conf)
{
	char label[24] = "CLEAR";
	const char *name = isac_tlp_name(view->tlp);
	for (size_t i = 0; name && i < sizeof label && (label[i] = name[i]); i++)
		if (label[i] >= 'a' && label[i] <= 'z') label[i] = (char)(label[i] - 32);
	fprintf(out, "%s isac: TLP:%s, version %" PRIu32 ", state %s\n", mark, label, conf->version, conf->state);
}

bool format_head_read(FILE *in, uint32_t *version, char state[FORMAT_STATE_BYTES])
{
	char *line = NULL;
	size_t size = 0;
	bool found = false;
	for (int i = 0; !found && i < HEAD_LINES && getline(&line, &size, in) > 0; i++) {
		char *at = strstr(line, " isac: TLP:");
		at = at ? strstr(at, ", version ") : NULL;
		found = at && sscanf(at, ", version %10" SCNu32 ", state %32[0-9a-f]", version, state) == 2;
	}
	free(line);
	return found;
}

/* ---- the state ---- */
bool format_is_state(const struct format_conf *conf)
{
	return !conf->now_us;
}

int64_t format_seconds(const struct format_conf *conf, int64_t until_us, int64_t seconds_max)
{
	if (format_is_state(conf)) return until_us / 1000000;
	int64_t left = (until_us - conf->now_us + 999999) / 1000000;
	return left < 1 ? 1 : left > seconds_max ? seconds_max : left;
}

static ssize_t hash_more(void *arg, const char *data, size_t len)
{
	crypto_generichash_update(arg, (const unsigned char *)data, len);
	return (ssize_t)len;
}

bool format_state(char out[FORMAT_STATE_BYTES], const struct format_row *row, const struct format_view *view,
		  const struct format_conf *conf)
{
	crypto_generichash_state hash;
	uint8_t digest[(FORMAT_STATE_BYTES - 1) / 2];
	struct format_conf fixed = *conf;
	struct format_tally tally;
	bool good = true;
	fixed.version = 0;
	fixed.now_us = 0;
	fixed.state[0] = 0;
	crypto_generichash_init(&hash, NULL, 0, sizeof digest);
	for (const struct format_part *p = row->parts; p->file; p++) {
		FILE *sink = fopencookie(&hash, "w", (cookie_io_functions_t){.write = hash_more});
		if (!sink) return false;
		good &= p->write(sink, view, &fixed, &tally) && !ferror(sink);
		good &= fclose(sink) == 0;
	}
	crypto_generichash_final(&hash, digest, sizeof digest);
	wire_hex(out, digest, sizeof digest);
	return good;
}
