/*
 * foreign: items on their way out in other people's formats. STIX goes to stdout as it comes; an endless feed is a bundle a line, so that
 * what is written is whole whenever it ends. A feed of MISP is written when all is known, its manifest last: a reader never sees a
 * manifest that names what is not there. MISP's ZeroMQ is said as it comes, and lost to who does not listen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cli.h"
#include "misp/misp.h"
#include "stix/stix.h"

enum { SELF_EVERY_MS = 10000 };
enum sort { STIX, MISP, MISP_ZMQ };
static const struct {
	const char *name;
	bool feed, history; /* of subscribe; of query */
} sorts[] = {[STIX] = {"stix", true, true}, [MISP] = {"misp", false, true}, [MISP_ZMQ] = {"misp-zmq", true, false}};
enum { SORTS = sizeof sorts / sizeof sorts[0] };

struct cli_foreign {
	enum sort sort;
	bool endless, quiet;
	unsigned tlp_max; /* enum isac_tlp; 0 = any */
	char hub_id[32];
	struct stix_bundle *bundle;
	struct misp_feed *feed;
	const char *folder;
	struct document_tally tally;
	struct isac_broadcast *broadcast;
	json_t *event; /* of the report whose items are coming: {"Event": ...} */
	uint64_t event_seq;
	int64_t started_ms, said_ms;
};

const char *cli_foreign_name(unsigned i, bool history)
{
	for (size_t s = 0; s < SORTS; s++)
		if ((history ? sorts[s].history : sorts[s].feed) && i-- == 0) return sorts[s].name;
	return NULL;
}

static bool write_out(void *arg, const char *text, size_t len)
{
	(void)arg;
	return fwrite(text, 1, len, stdout) == len; /* cli_output_flush says why not */
}

/* 0 or an exit status after a message. */
static int open_broadcast(struct cli_foreign *f, const struct cli *cli)
{
	char bound[256] = "";
	struct isac_error err;
	const char *bind = cli_options_get(cli, "bind");
	if (!bind) return cli_usage(cli, "misp-zmq says everything to whoever connects: say where with --bind tcp://127.0.0.1:50000");
	if (isac_broadcast_open(&f->broadcast, bind, bound, &err)) return cli_fail(&err);
	cli_note("publishing on %s", bound);
	if (strncmp(bound, "tcp://127.", 10) != 0 && strncmp(bound, "tcp://[::1]", 11) != 0 && strncmp(bound, "ipc://", 6) != 0)
		cli_note("whoever reaches this address hears all of it, unencrypted: see that no label is broken");
	return 0;
}

static int open_sort(struct cli_foreign *f, const struct cli *cli)
{
	const char *tlp = cli_options_get(cli, "max-tlp");
	if (tlp && !(f->tlp_max = isac_tlp_parse(tlp)))
		return cli_usage(cli, "--max-tlp is clear, green, amber, amber+strict or red, not '%s'", tlp);
	f->folder = cli_options_get(cli, "output");
	if (f->sort != MISP && f->folder) return cli_usage(cli, "--output is a folder of --format misp here; write > FILE for stix");
	if (f->sort == MISP && !f->folder) return cli_usage(cli, "misp is several files: name a folder with --output");
	if (f->sort != MISP_ZMQ && cli_options_get(cli, "bind")) return cli_usage(cli, "--bind is for --format misp-zmq");
	if (f->sort == MISP_ZMQ) return open_broadcast(f, cli);
	if (f->sort == STIX ? stix_bundle_open(&f->bundle, f->hub_id, write_out, NULL) : misp_feed_new(&f->feed, f->hub_id)) return 0;
	return cli_note("out of memory"), EXIT_REFUSED;
}

int cli_foreign_open(struct cli_foreign **out, const struct cli *cli, const struct isac *isac, enum cli_format format, bool endless)
{
	const char *name = cli_options_get(cli, "format");
	*out = NULL;
	if (format != CLI_FOREIGN) return 0;
	struct cli_foreign *f = calloc(1, sizeof *f);
	if (!f) return cli_note("out of memory"), EXIT_REFUSED;
	while (strcmp(sorts[f->sort].name, name) != 0) f->sort++; /* cli_output_format has found it */
	snprintf(f->hub_id, sizeof f->hub_id, "%s", isac_hub_id(isac));
	f->endless = endless;
	f->quiet = cli_options_flag(cli, "quiet");
	f->started_ms = f->said_ms = cli_time_mono_ms();
	int status = open_sort(f, cli);
	if (status) cli_foreign_close(&f);
	*out = f;
	return status;
}

void cli_foreign_close(struct cli_foreign **foreign)
{
	if (!*foreign) return;
	stix_bundle_close(&(*foreign)->bundle);
	misp_feed_destroy(&(*foreign)->feed);
	isac_broadcast_close(&(*foreign)->broadcast);
	json_decref((*foreign)->event);
	free(*foreign);
	*foreign = NULL;
}

/* ---- ZeroMQ ---- */
/* Takes the frame. */
static void say(struct cli_foreign *f, char *frame)
{
	if (frame) isac_broadcast_send(f->broadcast, frame);
	if (frame) f->said_ms = cli_time_mono_ms();
	free(frame);
}

static void say_event(struct cli_foreign *f)
{
	if (f->event) say(f, misp_message("misp_json", f->event));
	json_decref(f->event);
	f->event = NULL;
}

static void broadcast(struct cli_foreign *f, const struct isac_item *item)
{
	json_t *attribute = item->kind == ISAC_KIND_INDICATOR ? misp_event_attribute(item, f->hub_id) : NULL;
	if (f->event && f->event_seq != item->seq) say_event(f);
	if (attribute && !f->event) f->event = misp_event_of(item, f->hub_id, item->created_us / 1000000);
	f->event_seq = item->seq;
	if (attribute) json_array_append_new(json_object_get(json_object_get(f->event, "Event"), "Attribute"), attribute);
	say(f, misp_message_item(item, f->hub_id));
}

/* ---- a folder ---- */
static json_t *read_manifest(const char *folder)
{
	char path[CLI_PATH_BYTES];
	snprintf(path, sizeof path, "%s/manifest.json", folder);
	return json_load_file(path, 0, NULL); /* none, or none that can be read: all is new */
}

static bool put_file(void *arg, const char *name, const char *bytes, size_t len)
{
	const struct cli_foreign *f = arg;
	char path[CLI_PATH_BYTES];
	struct cli_replace file;
	if (snprintf(path, sizeof path, "%s/%s", f->folder, name) >= (int)sizeof path) {
		cli_note("the path %.60s... is too long", path);
		return false;
	}
	if (!cli_replace_open(&file, path)) return false;
	fwrite(bytes, 1, len, file.out); /* commit sees whether it failed */
	return cli_replace_commit(&file);
}

static bool write_folder(struct cli_foreign *f)
{
	if (mkdir(f->folder, 0777) != 0 && errno != EEXIST) {
		cli_note("cannot make the folder %s: %s", f->folder, strerror(errno));
		return false;
	}
	json_t *earlier = read_manifest(f->folder);
	bool good = misp_feed_write(f->feed, earlier, put_file, f);
	json_decref(earlier);
	if (!good) return cli_note("the folder %s is not complete", f->folder), false;
	if (f->quiet) return true;
	cli_note("wrote %zu events to %s", misp_feed_events(f->feed), f->folder);
	for (size_t i = 0; i < f->tally.rows; i++) cli_note("left out: %zu x %s", f->tally.row[i].n, f->tally.row[i].text);
	return true;
}

/* ---- from outside ---- */
bool cli_foreign_add(struct cli_foreign *f, const struct isac_item *item)
{
	bool good = true;
	if (f->tlp_max && (!item->tlp || item->tlp > f->tlp_max)) return true;
	if (f->sort == MISP_ZMQ) broadcast(f, item);
	else good = f->sort == STIX ? stix_bundle_add(f->bundle, item) : misp_feed_add(f->feed, item, &f->tally);
	if (!good && !ferror(stdout)) cli_note("out of memory: a narrower filter has fewer items");
	return good || ferror(stdout); /* what stdout has against us, cli_output_flush says */
}

void cli_foreign_pause(struct cli_foreign *f)
{
	if (f->sort == STIX && f->endless) stix_bundle_end(f->bundle, false);
	if (f->sort == MISP_ZMQ) say_event(f);
}

void cli_foreign_tend(struct cli_foreign *f)
{
	int64_t now = cli_time_mono_ms();
	if (f->sort == MISP_ZMQ && now - f->said_ms >= SELF_EVERY_MS) say(f, misp_message_self((now - f->started_ms) / 1000));
}

bool cli_foreign_end(struct cli_foreign *f)
{
	cli_foreign_pause(f);
	if (f->sort == STIX) stix_bundle_end(f->bundle, !f->endless);
	return f->sort == MISP ? write_folder(f) : cli_output_flush();
}
