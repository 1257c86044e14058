/* isac-edge digest: the key of each packet of a capture file. What cannot be digested is counted at the end, and listed with --json. */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "cli.h"
#include "edge/priv.h"

const struct edge_option edge_cmd_digest_options[] = {
	{"epoch-key", "HEX", "the epoch key, 64 hex digits; other users can see it in the process list"},
	{"epoch-key-file", "FILE", "a file that holds it, mode 0600"},
	{"json", NULL, "one JSON object a packet, with the digested input"},
	{NULL, NULL, NULL},
};

struct digesting {
	bool keyed, json;
	struct edge_epoch epoch;
	uint64_t frames, count[EDGE_FAULTS];
};

static enum isac_err read_key(struct digesting *d, const struct edge_args *args, struct wire_why *why)
{
	const char *hex = edge_args_get(args, "epoch-key"), *path = edge_args_get(args, "epoch-key-file");
	uint8_t key[EDGE_EPOCH_KEY];
	enum isac_err err = ISAC_OK;

	if (hex && path) return wire_refuse(why, ISAC_ERR_CONFIG, "either --epoch-key or --epoch-key-file");
	if (!hex && !path) return ISAC_OK;
	if (path) err = base_secret_read(path, key, sizeof key, why);
	else if (wire_unhex(key, sizeof key, hex, strlen(hex)))
		err = wire_refuse(why, ISAC_ERR_CONFIG, "--epoch-key: expected %zu hex digits", 2 * sizeof key);
	if (!err) edge_epoch_init(&d->epoch, key);
	sodium_memzero(key, sizeof key);
	d->keyed = !err;
	return err;
}

struct found {
	struct edge_packet packet;
	struct edge_digest digest;
	char time[CLI_TIME_BYTES], key[2 * EDGE_KEY + 1], source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
};

static void describe(struct found *f, const struct digesting *d, const struct edge_frame *frame)
{
	const uint8_t *ip = f->packet.ip;
	const int family = f->packet.version == 4 ? AF_INET : AF_INET6;
	uint8_t key[EDGE_KEY];

	edge_digest_make(&f->digest, &f->packet);
	if (d->keyed) edge_digest_key(key, &d->epoch, &f->digest);
	else crypto_hash_sha256(key, f->digest.input, f->digest.len);
	wire_hex(f->key, key, sizeof key);
	cli_time_format(f->time, frame->us);
	if (!*f->time) snprintf(f->time, sizeof f->time, "1970-01-01T00:00:00Z");
	inet_ntop(family, ip + (family == AF_INET ? 12 : 8), f->source, sizeof f->source);
	inet_ntop(family, ip + (family == AF_INET ? 16 : 24), f->destination, sizeof f->destination);
}

static void print_json(const struct digesting *d, const struct found *f)
{
	char input[2 * EDGE_INPUT_MAX + 1];
	json_t *object = json_object();

	wire_hex(input, f->digest.input, f->digest.len);
	json_object_set_new(object, "n", json_integer((json_int_t)d->frames));
	json_object_set_new(object, "time", json_string(f->time));
	json_object_set_new(object, "profile", json_string(edge_profile_name(f->digest.profile)));
	json_object_set_new(object, d->keyed ? "key" : "sha256", json_string(f->key));
	json_object_set_new(object, "input", json_string(input));
	json_object_set_new(object, "src", json_string(f->source));
	json_object_set_new(object, "dst", json_string(f->destination));
	json_object_set_new(object, "protocol", json_integer(f->packet.protocol));
	cli_output_json(object);
}

static void print_fault(const struct digesting *d, enum edge_fault fault)
{
	json_t *object = json_object();

	json_object_set_new(object, "n", json_integer((json_int_t)d->frames));
	json_object_set_new(object, "fault", json_string(edge_fault_name(fault)));
	cli_output_json(object);
}

static void take(struct digesting *d, const struct edge_frame *frame, int link)
{
	struct found f;
	enum edge_fault fault = frame->fault ? frame->fault : edge_packet_open(&f.packet, link, frame->data, frame->len);

	d->frames++;
	d->count[fault]++;
	if (fault) {
		if (d->json) print_fault(d, fault);
		return;
	}
	describe(&f, d, frame);
	if (d->json) print_json(d, &f);
	else
		printf("%s %s %s%s %s > %s %u\n", f.time, edge_profile_name(f.digest.profile), d->keyed ? "" : "sha256:", f.key, f.source,
		       f.destination, f.packet.protocol);
}

static enum isac_err read_all(struct digesting *d, struct edge_capture *capture, struct wire_why *why)
{
	struct cli_progress progress;
	struct edge_frame frame;
	uint64_t read, size;
	enum isac_err err;

	edge_capture_progress(capture, &read, &size);
	cli_progress_start(&progress, size);
	progress.noun = "packets";
	while (!(err = edge_capture_next(&frame, capture, why))) {
		take(d, &frame, edge_capture_link(capture));
		if (d->frames % 4096 == 0) {
			edge_capture_progress(capture, &read, &size);
			cli_progress_show(&progress, read, d->frames);
		}
	}
	cli_progress_clear(&progress);
	return err == ISAC_ERR_CLOSED ? ISAC_OK : err;
}

int edge_cmd_digest(const struct edge_command *command, int argc, char **argv)
{
	struct digesting d = {.keyed = false};
	struct edge_capture *capture = NULL;
	struct wire_why why = {.text = ""};
	struct edge_args args;
	enum isac_err err;

	if (edge_args_parse(&args, command, argc, argv)) return EDGE_USAGE;
	if (args.words_n != 1) return edge_usage(command, "one capture file is needed");
	d.json = edge_args_get(&args, "json") != NULL;
	if (read_key(&d, &args, &why)) return edge_usage(command, "%s", why.text);
	err = edge_capture_file(&capture, args.words[0], &why);
	if (!err) err = read_all(&d, capture, &why);
	if (err && capture) edge_note("%s: %s", args.words[0], *why.text ? why.text : isac_err_text(err));
	else if (err) edge_note("%s", *why.text ? why.text : isac_err_text(err));
	for (int i = EDGE_OK + 1; i < EDGE_FAULTS; i++)
		if (d.count[i])
			edge_note("%llu frames not digested: %s", (unsigned long long)d.count[i], edge_fault_name((enum edge_fault)i));
	edge_epoch_clear(&d.epoch);
	edge_capture_close(&capture);
	return err ? EDGE_REFUSED : EDGE_DONE;
}
