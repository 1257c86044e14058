/*
 * input_document: files that are one document each, STIX or MISP, and folders that are a feed of MISP. What of them becomes no record is
 * said: refused objects one by one, everything else counted by what it is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cli.h"
#include "document/document.h"
#include "input.h"
#include "misp/misp.h"
#include "stix/stix.h"

enum { CHUNK = 1 << 16 };

/* ---- records ---- */
struct passing {
	const struct input_sink *sink;
};

static int pass(void *arg, const struct document_record *said)
{
	const struct passing *p = arg;
	struct input_record r;
	input_record_init(&r);
	r.ind = said->ind;
	r.ind.tags = r.tags;
	r.ind.references = r.references;
	memcpy(r.tags, said->tags, said->ind.tags_n * sizeof *r.tags);
	memcpy(r.references, said->references, said->ind.references_n * sizeof *r.references);
	r.said = said;
	return p->sink->take(p->sink->arg, &r, 0);
}

static int pass_refusal(void *arg, const char *id, const char *reason)
{
	const struct passing *p = arg;
	char text[500];
	snprintf(text, sizeof text, "%s%s%s", id, *id ? ": " : "", reason);
	return p->sink->refuse(p->sink->arg, 0, text);
}

static void tell(const struct input_sink *sink, const struct document_tally *tally)
{
	char text[DOCUMENT_TALLY_BYTES + 40];
	for (size_t i = 0; i < tally->rows; i++) {
		snprintf(text, sizeof text, "not read: %zu x %s", tally->row[i].n, tally->row[i].text);
		sink->tell(sink->arg, text);
	}
	if (!tally->others) return;
	snprintf(text, sizeof text, "not read: %zu more, for other reasons", tally->others);
	sink->tell(sink->arg, text);
}

/* ---- bytes ---- */
/* Appends all of in; false: a reason. */
static bool read_all(FILE *in, char **data, size_t *len, uint64_t *counted, char *reason, size_t size)
{
	for (size_t got = 1; got;) {
		char *more = *len > DOCUMENT_BYTES_MAX ? NULL : realloc(*data, *len + CHUNK);
		if (!more) {
			snprintf(reason, size, *len > DOCUMENT_BYTES_MAX ? "longer than %d MiB: split it" : "out of memory",
				 DOCUMENT_BYTES_MAX >> 20);
			return false;
		}
		*data = more;
		got = fread(*data + *len, 1, CHUNK, in);
		*len += got;
		if (counted) *counted += got;
	}
	if (ferror(in)) snprintf(reason, size, "cannot be read: %s", strerror(errno));
	return !ferror(in);
}

/* ---- documents ---- */
static int read_json(const struct input_conf *conf, const struct input_sink *sink, const json_t *document, const char *name)
{
	struct passing passing = {sink};
	struct document_sink to = {pass, pass_refusal, &passing};
	struct document_tally *tally = calloc(1, sizeof *tally);
	char reason[200];
	int r = 0;
	if (!tally) return sink->refuse(sink->arg, 0, "out of memory");
	if (strcmp(conf->format, "misp") != 0 && stix_is(document)) r = stix_read(document, &to, tally);
	else if (strcmp(conf->format, "stix") != 0 && misp_is(document)) r = misp_read(document, &to, tally);
	else {
		snprintf(reason, sizeof reason, "%s%snot %s", name, *name ? ": " : "",
			 strcmp(conf->format, "auto") == 0   ? "STIX 2, and not an event of MISP"
			 : strcmp(conf->format, "stix") == 0 ? "a bundle or a list of objects of STIX 2"
							     : "an event of MISP");
		r = sink->refuse(sink->arg, 0, reason);
	}
	tell(sink, tally);
	free(tally);
	return r;
}

int input_document(const struct input_conf *conf, const struct input_sink *sink, FILE *in, const char *begun, size_t begun_len,
		   const char *name)
{
	char *data = malloc(begun_len + 1), reason[300] = "out of memory", text[400];
	size_t len = begun_len;
	int r = 0;
	if (data && begun_len) memcpy(data, begun, begun_len);
	json_t *document = NULL;
	if (data && read_all(in, &data, &len, conf->bytes, reason, sizeof reason))
		document = document_read(data, len, reason, sizeof reason);
	free(data);
	if (document) {
		r = read_json(conf, sink, document, name);
	} else {
		snprintf(text, sizeof text, "%s%s%s", name, *name ? ": " : "", reason);
		r = sink->refuse(sink->arg, 0, text);
	}
	json_decref(document);
	return r;
}

/* ---- a feed's folder ---- */
bool input_is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int read_file(const struct input_conf *conf, const struct input_sink *sink, const char *uuid)
{
	char path[4096], name[60], text[200];
	int r;
	snprintf(name, sizeof name, "%.36s.json", uuid);
	snprintf(path, sizeof path, "%s/%s", conf->path, name);
	FILE *in = fopen(path, "re");
	if (!in) {
		snprintf(text, sizeof text, "%s: named by manifest.json, but: %s", name, strerror(errno));
		return sink->refuse(sink->arg, 0, text);
	}
	r = input_document(conf, sink, in, NULL, 0, name);
	fclose(in);
	return r;
}

int input_folder(const struct input_conf *conf, const struct input_sink *sink, char *reason, size_t size)
{
	char path[4096], *data = NULL, why[300] = "";
	const char *uuid;
	json_t *event;
	size_t len = 0;
	int r = 0;
	snprintf(path, sizeof path, "%s/manifest.json", conf->path);
	FILE *in = fopen(path, "re");
	json_t *manifest = NULL;
	if (!in) snprintf(why, sizeof why, "cannot be opened (%s); name the files of events instead", strerror(errno));
	else if (read_all(in, &data, &len, NULL, why, sizeof why)) manifest = document_read(data, len, why, sizeof why);
	if (in) fclose(in);
	free(data);
	if (manifest && !json_is_object(manifest)) snprintf(why, sizeof why, "is no manifest of a MISP feed");
	if (*why) {
		snprintf(reason, size, "%.200s %s", path, why);
		json_decref(manifest);
		return INPUT_FAILED;
	}
	json_object_foreach(manifest, uuid, event)
	{
		(void)event;
		if (r) break;
		r = document_uuid_ok(uuid) ? read_file(conf, sink, uuid)
					   : sink->refuse(sink->arg, 0, "manifest.json names an event by something that is no UUID");
	}
	json_decref(manifest);
	return r;
}
