/*
 * output: items and rows on stdout, as JSON lines, CSV, bare values or a table; formats that are written whole are whole.c's,
 * STIX and MISP foreign.c's. The fields of
 * a JSON line are a contract (DESIGN.md section 8): new ones may be added, none is renamed.
 */
#include <csv.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"
#include "format/format.h"

bool cli_output_format(enum cli_format *out, const struct cli *cli, enum cli_format fallback, bool history)
{
	static const char *const names[] = {[CLI_JSONL] = "jsonl", [CLI_CSV] = "csv", [CLI_PLAIN] = "plain", [CLI_TABLE] = "table"};
	const char *text = cli_options_get(cli, "format");
	*out = fallback;
	if (!text) {
		if (cli_options_flag(cli, "json")) *out = CLI_JSONL;
		return true;
	}
	for (unsigned i = CLI_JSONL; i <= (history ? CLI_TABLE : CLI_PLAIN); i++) {
		if (strcmp(text, names[i]) != 0) continue;
		*out = (enum cli_format)i;
		return true;
	}
	if (format_find(text)) {
		*out = CLI_WHOLE;
		return true;
	}
	const char *name;
	for (unsigned i = 0; (name = cli_foreign_name(i, history)); i++) {
		if (strcmp(text, name) != 0) continue;
		*out = CLI_FOREIGN;
		return true;
	}
	char all[200] = "jsonl, csv, plain";
	size_t n = strlen(all);
	if (history) n += (size_t)snprintf(all + n, sizeof all - n, ", table");
	for (unsigned i = 0; format_row(i) && n < sizeof all; i++)
		n += (size_t)snprintf(all + n, sizeof all - n, ", %s", format_row(i)->name);
	for (unsigned i = 0; (name = cli_foreign_name(i, history)) && n < sizeof all; i++)
		n += (size_t)snprintf(all + n, sizeof all - n, ", %s", name);
	cli_usage(cli, "'%s' is not a format; there are %s", text, all);
	return false;
}

static void set_text(json_t *o, const char *key, const char *text, bool always)
{
	if (!always && !*text) return;
	json_t *v = json_string(text);
	json_object_set_new(o, key, v ? v : json_null());
}

static void set_time(json_t *o, const char *key, int64_t us)
{
	char text[CLI_TIME_BYTES];
	cli_time_format(text, us);
	json_object_set_new(o, key, *text ? json_string(text) : json_null());
}

static void set_id(json_t *o, const char *key, const uint8_t *id)
{
	char text[37];
	if (!id) return;
	isac_id_text(text, id);
	set_text(o, key, text, true);
}

static json_t *texts(const char *const *text, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++) json_array_append_new(list, json_string(text[i]));
	return list;
}

json_t *cli_output_item_json(const struct isac_item *it)
{
	json_t *o = json_object();
	char id[37];
	isac_id_text(id, it->report_id);
	json_object_set_new(o, "seq", json_integer((json_int_t)it->seq));
	set_text(o, "report_id", id, true);
	set_text(o, "publisher", it->publisher, true);
	set_text(o, "tlp", isac_tlp_name(it->tlp) ? isac_tlp_name(it->tlp) : "", true);
	set_text(o, "kind", isac_kind_name(it->kind) ? isac_kind_name(it->kind) : "", true);
	set_text(o, "type", it->type, true);
	set_text(o, "value", it->value, true);
	set_text(o, "raw", it->raw, true);
	json_object_set_new(o, "confidence", it->confidence < 0 ? json_null() : json_integer(it->confidence));
	set_time(o, "first_seen", it->first_seen_us);
	set_time(o, "last_seen", it->last_seen_us);
	if (it->valid_from_us) set_time(o, "valid_from", it->valid_from_us);
	set_time(o, "valid_until", it->valid_until_us);
	json_object_set_new(o, "tags", texts(it->tags, it->tags_n));
	json_object_set_new(o, "verified", json_boolean(it->verified));
	set_text(o, "description", it->description, false);
	if (it->severity >= 0) json_object_set_new(o, "severity", json_integer(it->severity));
	if (it->asn) json_object_set_new(o, "asn", json_integer(it->asn));
	set_text(o, "country", it->country, false);
	if (it->references_n) json_object_set_new(o, "references", texts(it->references, it->references_n));
	if (it->groups_n) json_object_set_new(o, "groups", texts(it->groups, it->groups_n));
	if (it->held) json_object_set_new(o, "held", json_true());
	if (it->ended) json_object_set_new(o, "ended", json_true());
	if (it->expired) json_object_set_new(o, "expired", json_true());
	set_id(o, "supersedes", it->supersedes);
	set_id(o, "about", it->about);
	if (it->about) set_text(o, "about_publisher", it->about_publisher, true);
	if (isac_verdict_name(it->verdict)) set_text(o, "verdict", isac_verdict_name(it->verdict), true);
	if (it->count) json_object_set_new(o, "count", json_integer(it->count));
	if (it->release_of) json_object_set_new(o, "release_of", json_integer((json_int_t)it->release_of));
	json_object_set_new(o, "item", json_integer(it->index));
	set_time(o, "created", it->created_us);
	set_time(o, "received", it->received_us);
	return o;
}

void cli_output_json(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static const char *const csv_columns[] = {"seq",	"received",  "publisher",   "tlp",  "type",	   "value",    "confidence",
					  "first_seen", "last_seen", "valid_until", "tags", "description", "report_id"};

static void csv_cell(const char *text, bool last)
{
	csv_fwrite(stdout, text, strlen(text));
	putchar(last ? '\n' : ',');
}

static void csv_time(int64_t us)
{
	char text[CLI_TIME_BYTES];
	cli_time_format(text, us);
	csv_cell(text, false);
}

static void csv_number(long long v, bool absent)
{
	if (absent) printf(",");
	else printf("%lld,", v);
}

static void join_tags(char *out, size_t size, const struct isac_item *it)
{
	size_t n = 0;
	out[0] = 0;
	for (size_t i = 0; i < it->tags_n && n < size; i++) n += (size_t)snprintf(out + n, size - n, "%s%s", i ? ";" : "", it->tags[i]);
}

static void csv_item(const struct isac_item *it)
{
	char id[37], tags[8192];
	isac_id_text(id, it->report_id);
	join_tags(tags, sizeof tags, it);
	csv_number((long long)it->seq, false);
	csv_time(it->received_us);
	csv_cell(it->publisher, false);
	csv_cell(isac_tlp_name(it->tlp) ? isac_tlp_name(it->tlp) : "", false);
	csv_cell(it->type, false);
	csv_cell(it->value, false);
	csv_number(it->confidence, it->confidence < 0);
	csv_time(it->first_seen_us);
	csv_time(it->last_seen_us);
	csv_time(it->valid_until_us);
	csv_cell(tags, false);
	csv_cell(it->description, false);
	csv_cell(id, true);
}

/* What a line that is no indicator is. */
static const char *what_else(const struct isac_item *it)
{
	if (it->kind == ISAC_KIND_WITHDRAWAL) return " (withdrawal)";
	if (it->verdict == ISAC_VERDICT_FALSE_POSITIVE) return " (sighting: false positive)";
	if (it->verdict == ISAC_VERDICT_EXPIRED) return " (sighting: expired)";
	return it->kind == ISAC_KIND_SIGHTING ? " (sighting)" : "";
}

static void table_item(const struct isac_item *it)
{
	char received[CLI_TIME_BYTES], confidence[12] = "-", tags[120];
	cli_time_format(received, it->received_us - it->received_us % 1000000);
	if (it->confidence >= 0) snprintf(confidence, sizeof confidence, "%d", it->confidence);
	join_tags(tags, sizeof tags, it);
	printf("%-20s %-12s %-44s %4s %-12s %-12s%s%s %s\n", received, it->type, it->value, confidence,
	       isac_tlp_name(it->tlp) ? isac_tlp_name(it->tlp) : "?", it->publisher,
	       it->held	   ? " (held)"
	       : it->ended ? " (ended)"
			   : "",
	       what_else(it), tags);
}

void cli_output_head(enum cli_format format)
{
	size_t n = sizeof csv_columns / sizeof csv_columns[0];
	if (format == CLI_CSV)
		for (size_t i = 0; i < n; i++) printf("%s%c", csv_columns[i], i + 1 < n ? ',' : '\n');
	if (format == CLI_TABLE)
		printf("%-20s %-12s %-44s %4s %-12s %-12s %s\n", "RECEIVED", "TYPE", "VALUE", "CONF", "TLP", "PUBLISHER", "TAGS");
}

void cli_output_item(enum cli_format format, const struct isac_item *it)
{
	switch (format) {
	case CLI_JSONL:
		cli_output_json(cli_output_item_json(it));
		break;
	case CLI_CSV:
		csv_item(it);
		break;
	case CLI_PLAIN: /* a list of bad values: what is said about them is none */
		if (it->kind == ISAC_KIND_INDICATOR) puts(it->value);
		break;
	case CLI_TABLE:
		table_item(it);
		break;
	case CLI_WHOLE:
	case CLI_FOREIGN:
		break; /* nothing is written item by item here */
	}
}

void cli_output_receipt(const struct isac_receipt *r, const char *error, bool as_json)
{
	char id[37], received[CLI_TIME_BYTES];
	isac_id_text(id, r->report_id);
	cli_time_format(received, r->received_us);
	if (as_json && error) {
		cli_output_json(
			json_pack("{s:s, s:i, s:s, s:i}", "report_id", id, "code", (int)r->code, "error", error, "items", (int)r->items));
	} else if (as_json) {
		json_t *held = json_array();
		for (size_t i = 0; i < r->held_n; i++) json_array_append_new(held, json_integer(r->held[i]));
		json_t *receipt =
			json_pack("{s:s, s:i, s:I, s:i, s:s, s:i, s:o}", "report_id", id, "code", (int)r->code, "seq", (json_int_t)r->seq,
				  "items", (int)r->items, "received", received, "held", (int)r->held_n, "held_items", held);
		if (r->held_n && r->text && *r->text) json_object_set_new(receipt, "why", json_string(r->text));
		cli_output_json(receipt);
	} else if (error) {
		printf("%s %u refused: %s\n", id, r->code, error);
	} else {
		printf("%s %u seq %llu, %u items, received %s", id, r->code, (unsigned long long)r->seq, r->items, received);
		if (r->held_n) printf(", %zu held", r->held_n);
		if (r->held_n && r->text && *r->text) printf(" (%s)", r->text);
		putchar('\n');
	}
}

static void rows_json(const struct isac_answer *answer)
{
	for (size_t i = 0; i < answer->rows_n; i++) {
		json_t *o = json_object();
		for (size_t j = 0; j < answer->rows[i].n; j++)
			set_text(o, answer->rows[i].cells[j].name, answer->rows[i].cells[j].value, true);
		cli_output_json(o);
	}
}

enum { COLUMNS_MAX = 32 };

/* Neighbouring rows with the same columns make one table. */
static bool same_columns(const struct isac_row *a, const struct isac_row *b)
{
	if (a->n != b->n) return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->cells[i].name, b->cells[i].name) != 0) return false;
	return true;
}

static void rows_table(const struct isac_row *rows, size_t n)
{
	size_t width[COLUMNS_MAX] = {0}, columns = rows[0].n < COLUMNS_MAX ? rows[0].n : COLUMNS_MAX;
	for (size_t j = 0; j < columns; j++) width[j] = strlen(rows[0].cells[j].name);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < columns; j++)
			if (strlen(rows[i].cells[j].value) > width[j]) width[j] = strlen(rows[i].cells[j].value);
	for (size_t j = 0; j < columns; j++)
		printf("%-*s%s", j + 1 < columns ? (int)width[j] : 0, rows[0].cells[j].name, j + 1 < columns ? "  " : "\n");
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < columns; j++)
			printf("%-*s%s", j + 1 < columns ? (int)width[j] : 0, rows[i].cells[j].value, j + 1 < columns ? "  " : "\n");
}

void cli_output_rows(const struct isac_answer *answer, bool json)
{
	if (json) {
		rows_json(answer);
		return;
	}
	for (size_t i = 0, n; i < answer->rows_n; i += n) {
		for (n = 1; i + n < answer->rows_n && same_columns(&answer->rows[i], &answer->rows[i + n]); n++) {
		}
		if (answer->rows[i].n) rows_table(&answer->rows[i], n);
	}
}

bool cli_output_flush(void)
{
	struct stat st;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_note("cannot write to stdout: %s", strerror(errno));
		return false;
	}
	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && fdatasync(STDOUT_FILENO) != 0) {
		cli_note("cannot write to stdout: %s", strerror(errno));
		return false;
	}
	return true;
}
