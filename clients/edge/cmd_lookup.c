/* isac-edge lookup: one question to the saved tables. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "cli.h"
#include "edge/priv.h"

enum { TOLERANCE_MS_MAX = 5000 };

const struct edge_option edge_cmd_lookup_options[] = {
	{"data", "DIR", "the folder of the tables"},
	{"key", "HEX", "the packet's key, as isac-edge digest prints it"},
	{"at", "TIME", "when it was seen: RFC 3339, or a date and a time, UTC"},
	{"tolerance", "S", "seconds before and after, 0 to 5 (default 1)"},
	{"profile", "NAME", "H28, H20, H48 or H40: H20 and H40 are never more than half sure"},
	{"epoch-key-file", "FILE", "count only pages that were made with this epoch key"},
	{"json", NULL, "one JSON object"},
	{NULL, NULL, NULL},
};

struct question {
	const char *folder;
	uint8_t key[EDGE_KEY], key_id[EDGE_KEY_ID];
	bool has_key_id;
	int64_t at_us, tolerance_us;
	enum edge_profile profile; /* EDGE_PROFILES: not said */
};

static bool parse_tolerance(int64_t *us, const char *text)
{
	char *end;
	double s = text ? strtod(text, &end) : 1;

	if (text && (end == text || *end || !(s >= 0) || s * 1000 > TOLERANCE_MS_MAX)) return false;
	*us = (int64_t)(s * 1e6);
	return true;
}

static int read_key_id(struct question *q, const char *path)
{
	uint8_t key[EDGE_EPOCH_KEY];
	struct edge_epoch epoch;
	struct wire_why why = {.text = ""};

	if (base_secret_read(path, key, sizeof key, &why)) {
		edge_note("%s", why.text);
		return EDGE_REFUSED;
	}
	edge_epoch_init(&epoch, key);
	memcpy(q->key_id, epoch.id, sizeof q->key_id);
	q->has_key_id = true;
	sodium_memzero(key, sizeof key);
	edge_epoch_clear(&epoch);
	return 0;
}

static int parse(struct question *q, const struct edge_command *command, const struct edge_args *args)
{
	const char *key = edge_args_get(args, "key"), *at = edge_args_get(args, "at"), *profile = edge_args_get(args, "profile");
	const char *epoch = edge_args_get(args, "epoch-key-file");

	q->folder = edge_args_get(args, "data");
	q->profile = profile ? edge_profile_find(profile) : EDGE_PROFILES;
	if (!q->folder || !key || !at || args->words_n) return edge_usage(command, "--data, --key and --at are needed, and no other words");
	if (wire_unhex(q->key, sizeof q->key, key, strlen(key))) return edge_usage(command, "--key: expected %d hex digits", 2 * EDGE_KEY);
	if (!cli_time_parse(&q->at_us, at)) return edge_usage(command, "--at: '%s' is no time like 2026-11-25T08:00:00Z", at);
	if (!parse_tolerance(&q->tolerance_us, edge_args_get(args, "tolerance")))
		return edge_usage(command, "--tolerance: expected seconds from 0 to %d", TOLERANCE_MS_MAX / 1000);
	if (profile && q->profile == EDGE_PROFILES) return edge_usage(command, "--profile: there is no profile '%s'", profile);
	return epoch ? read_key_id(q, epoch) : 0;
}

static json_t *list(const uint32_t *as, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) json_array_append_new(array, json_integer(as[i]));
	return array;
}

static void add_time(json_t *object, const char *name, int64_t us)
{
	char text[CLI_TIME_BYTES];

	cli_time_format(text, us);
	json_object_set_new(object, name, *text ? json_string(text) : json_null());
}

static void print_json(const struct edge_answer *a)
{
	json_t *object = json_object();

	json_object_set_new(object, "status", json_string(edge_status_name(a->status)));
	json_object_set_new(object, "degree", json_integer(a->degree));
	json_object_set_new(object, "in_as", list(a->in_as, a->in_n));
	json_object_set_new(object, "out_as", list(a->out_as, a->out_n));
	json_object_set_new(object, "inside", json_boolean(a->inside));
	json_object_set_new(object, "covered", json_boolean(a->gap == EDGE_COVERED));
	json_object_set_new(object, "why", json_string(edge_gap_text(a->gap)));
	json_object_set_new(object, "seen", json_integer((json_int_t)a->seen));
	json_object_set_new(object, "unseen", json_integer((json_int_t)a->unseen));
	add_time(object, "table_from", a->table_from);
	add_time(object, "table_to", a->table_to);
	cli_output_json(object);
}

static void print_list(const char *name, const uint32_t *as, size_t n)
{
	printf("%-10s", name);
	for (size_t i = 0; i < n; i++) printf(" %u", as[i]);
	printf("%s\n", n ? "" : " -");
}

static void print_text(const struct edge_answer *a)
{
	char from[CLI_TIME_BYTES], to[CLI_TIME_BYTES];

	cli_time_format(from, a->table_from);
	cli_time_format(to, a->table_to);
	printf("%-10s %s\n%-10s %u\n", "status", edge_status_name(a->status), "degree", a->degree);
	print_list("in", a->in_as, a->in_n);
	print_list("out", a->out_as, a->out_n);
	printf("%-10s %s\n%-10s %s\n", "inside", a->inside ? "yes" : "no", "window", edge_gap_text(a->gap));
	printf("%-10s %" PRIu64 ", and %" PRIu64 " that passed undigested\n", "packets", a->seen, a->unseen);
	printf("%-10s %s to %s\n", "tables", *from ? from : "-", *to ? to : "-");
}

int edge_cmd_lookup(const struct edge_command *command, int argc, char **argv)
{
	struct question q = {.has_key_id = false};
	struct wire_why why = {.text = ""};
	struct edge_table *table = NULL;
	static struct edge_answer answer;
	struct edge_args args;
	enum isac_err err;
	int status;

	if (edge_args_parse(&args, command, argc, argv)) return EDGE_USAGE;
	status = parse(&q, command, &args);
	if (status) return status;
	err = edge_table_read(&table, q.folder, &why);
	if (!err) err = edge_table_find(&answer, table, q.key, q.has_key_id ? q.key_id : NULL, q.at_us, q.tolerance_us);
	edge_table_close(&table);
	if (err) {
		edge_note("%s", *why.text ? why.text : isac_err_text(err));
		return EDGE_REFUSED;
	}
	if (q.profile < EDGE_PROFILES && answer.degree > edge_profile_degree(q.profile)) answer.degree = edge_profile_degree(q.profile);
	if (edge_args_get(&args, "json")) print_json(&answer);
	else print_text(&answer);
	return answer.status == EDGE_NOT_FOUND || answer.status == EDGE_UNKNOWN ? EDGE_REFUSED : EDGE_DONE;
}
