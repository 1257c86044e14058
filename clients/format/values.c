/*
 * values: what a view holds, for machines with a format of their own and for people: one value a line, CSV with a head line, one JSON
 * document. All types; what is said beside a value is its newest report's word, but for the confidence (the best) and the end (the latest).
 */
#include <inttypes.h>
#include <jansson.h>
#include <time.h>
#include "format/priv.h"

enum { ALL_TYPES = (int)UINT32_MAX, TIME_BYTES = 24 };

static void print_time(char out[TIME_BYTES], int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;
	*out = 0;
	if (us && gmtime_r(&seconds, &tm)) strftime(out, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

bool format_values_txt(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	format_tally_start(tally, view, conf, (uint32_t)ALL_TYPES);
	format_head_write(out, "#", view, conf);
	for (size_t i = 0; i < view->n; i++) fprintf(out, "%s\n", view->entry[i].value);
	tally->written += view->n;
	return true;
}

/* RFC 4180 */
static void csv_cell(FILE *out, const char *text, char after)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"') putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
	putc(after, out);
}

bool format_values_csv(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	char until[TIME_BYTES], confidence[12];
	format_tally_start(tally, view, conf, (uint32_t)ALL_TYPES);
	fputs("type,value,confidence,tlp,publisher,valid_until,description,reference\n", out);
	for (size_t i = 0; i < view->n; i++) {
		const struct format_entry *e = &view->entry[i];
		print_time(until, e->until_us);
		snprintf(confidence, sizeof confidence, "%d", e->confidence);
		fprintf(out, "%s,", wire_value_name(e->type));
		csv_cell(out, e->value, ',');
		fprintf(out, "%s,%s,%s,%s,", e->confidence < 0 ? "" : confidence, isac_tlp_name(e->tlp), e->publisher, until);
		csv_cell(out, e->note, ',');
		csv_cell(out, e->link, '\n');
	}
	tally->written += view->n;
	return true;
}

static json_t *to_json(const struct format_entry *e)
{
	char until[TIME_BYTES];
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I}", "type", wire_value_name(e->type), "value", e->value, "tlp",
			      isac_tlp_name(e->tlp), "publisher", e->publisher, "seq", (json_int_t)e->seq);
	print_time(until, e->until_us);
	json_object_set_new(o, "confidence", e->confidence < 0 ? json_null() : json_integer(e->confidence));
	json_object_set_new(o, "valid_until", *until ? json_string(until) : json_null());
	if (*e->note) json_object_set_new(o, "description", json_string(e->note));
	if (*e->link) json_object_set_new(o, "reference", json_string(e->link));
	return o;
}

bool format_values_json(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	const char *name = isac_tlp_name(view->tlp);
	format_tally_start(tally, view, conf, (uint32_t)ALL_TYPES);
	fprintf(out, "{\"tlp\":\"%s\",\"version\":%" PRIu32 ",\"state\":\"%s\",\"values\":[", name ? name : "clear", conf->version,
		conf->state);
	for (size_t i = 0; i < view->n; i++) {
		json_t *o = to_json(&view->entry[i]);
		if (!o) return false;
		fputs(i ? ",\n" : "\n", out);
		int failed = json_dumpf(o, out, JSON_COMPACT);
		json_decref(o);
		if (failed) return false;
	}
	fputs("\n]}\n", out);
	tally->written += view->n;
	return true;
}
