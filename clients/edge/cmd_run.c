/*
 * isac-edge run: captures and fills the tables. One loop: frames of all interfaces, once a second the clock, signals in between.
 * Capture files are read in the order of their packets' times, as if they came in now.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "base/base.h"
#include "cli.h"
#include "edge/priv.h"

enum { TICK_MS = 1000, TURN_FRAMES = 1024, LAST_FRAMES = 1 << 20, PORTS_MAX = 2 * EDGE_SOURCES_MAX };

const struct edge_option edge_cmd_run_options[] = {
	{"conf", "FILE", "the configuration"},
	{NULL, NULL, NULL},
};

/* One open capture: an interface and a way, or a file. */
struct port {
	const struct edge_source *source;
	struct edge_capture *capture;
	size_t slot;
	bool ended;
	struct edge_frame frame; /* files: the next one */
};
struct run {
	struct edge_conf conf;
	struct edge_table *table;
	struct edge_epoch epoch;
	struct port *ports;
	size_t ports_n;
	int signals;
	uint64_t frames, dropped, count[EDGE_FAULTS];
	int64_t ticked_us;
	enum isac_err err; /* the first that is no reason to stop, but to end with status 1 */
};

/* ---- what is said ---- */
static void print_counters(const struct run *r)
{
	struct edge_table_stats stats;
	char from[CLI_TIME_BYTES], to[CLI_TIME_BYTES];

	edge_table_stats(&stats, r->table);
	cli_time_format(from, stats.from_us);
	cli_time_format(to, stats.to_us);
	printf("frames      %" PRIu64 "\ndigested    %" PRIu64 "\ndropped     %" PRIu64 "\n", r->frames, stats.packets, r->dropped);
	for (int i = EDGE_OK + 1; i < EDGE_FAULTS; i++) printf("%-11s %" PRIu64 "\n", edge_fault_name((enum edge_fault)i), r->count[i]);
	printf("pages       %" PRIu64 "\ndisk        %" PRIu64 " bytes\nmemory      %" PRIu64 " bytes of open pages\n", stats.pages,
	       stats.disk_bytes, stats.memory_bytes);
	printf("tables      %s to %s, kept %" PRId64 " s\n", *from ? from : "-", *to ? to : "-", r->conf.keep_s);
	fflush(stdout);
}

/* ---- packets ---- */
static void note(struct run *r, enum isac_err err)
{
	if (err && !r->err) r->err = err;
}

static void take(struct run *r, struct port *p, const struct edge_frame *frame)
{
	struct edge_packet packet;
	struct edge_digest digest;
	uint8_t key[EDGE_KEY];
	enum edge_fault fault =
		frame->fault ? frame->fault : edge_packet_open(&packet, edge_capture_link(p->capture), frame->data, frame->len);

	r->frames++;
	r->count[fault]++;
	if (fault == EDGE_SHORT) edge_table_unseen(r->table, p->slot, 1);
	if (fault) return;
	edge_digest_make(&digest, &packet);
	edge_digest_key(key, &r->epoch, &digest);
	note(r, edge_table_add(r->table, p->slot, frame->us, key));
}

static void count_dropped(struct run *r)
{
	for (size_t i = 0; i < r->ports_n; i++) {
		struct port *p = &r->ports[i];
		const uint64_t n = p->ended ? 0 : edge_capture_dropped(p->capture);

		if (!n) continue;
		edge_table_unseen(r->table, p->slot, n);
		r->dropped += n;
		base_log_limited(1, BASE_LOG_WARN, "edge.dropped",
				 "interface=%s packets=%" PRIu64 " why=\"the kernel's buffer was full: raise buffer_mib\"", p->source->name,
				 n);
	}
}

/* ---- start ---- */
static enum isac_err open_port(struct run *r, const struct edge_source *source, enum edge_side side, enum edge_way way,
			       struct wire_why *why)
{
	struct port *p = &r->ports[r->ports_n];
	enum isac_err err =
		source->file ? edge_capture_file(&p->capture, source->name, why)
			     : edge_capture_live(&p->capture, source->name, side, (int)r->conf.snaplen, (int)r->conf.buffer_mib, why);

	if (err) return err;
	p->source = source;
	p->slot = edge_conf_slot(&r->conf, source->as, way);
	r->ports_n++;
	return ISAC_OK;
}

static enum isac_err open_ports(struct run *r, struct wire_why *why)
{
	enum isac_err err = ISAC_OK;

	r->ports = calloc(PORTS_MAX, sizeof *r->ports);
	if (!r->ports) return ISAC_ERR_NO_MEMORY;
	for (size_t i = 0; !err && i < r->conf.sources_n; i++) {
		const struct edge_source *s = &r->conf.sources[i];

		if (s->side != EDGE_SIDE_ALL) {
			err = open_port(r, s, EDGE_SIDE_ALL, s->side == EDGE_SIDE_IN ? EDGE_IN : EDGE_OUT, why);
		} else if (s->file) {
			err = open_port(r, s, EDGE_SIDE_ALL, EDGE_INSIDE, why);
		} else {
			err = open_port(r, s, EDGE_SIDE_IN, EDGE_IN, why);
			if (!err) err = open_port(r, s, EDGE_SIDE_OUT, EDGE_OUT, why);
		}
	}
	return err;
}

static enum isac_err read_key(struct run *r, struct wire_why *why)
{
	uint8_t key[EDGE_EPOCH_KEY];
	enum isac_err err = base_secret_read(r->conf.epoch_key, key, sizeof key, why);

	if (!err) edge_epoch_init(&r->epoch, key);
	sodium_memzero(key, sizeof key);
	return err;
}

/* Files below the data folder, which is the working directory, and the key's folder for SIGHUP: nothing else from here on. */
static enum isac_err enter_sandbox(const struct run *r)
{
	static const char *const rw[] = {".", NULL};
	char folder[EDGE_NAME_MAX + 1];
	const char *const ro[] = {folder, NULL};

	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(r->conf.epoch_key, '/') - r->conf.epoch_key) + 1, r->conf.epoch_key);
	return base_sandbox_enter(BASE_SANDBOX_EDGE, rw, ro);
}

/* Rights go before the first frame is parsed: root only opened the interfaces. */
static enum isac_err open_all(struct run *r, const char *path, struct wire_why *why)
{
	struct edge_table_conf conf = {.folder = "."};
	sigset_t set;
	enum isac_err err = edge_conf_read(&r->conf, path, why);

	sigemptyset(&set);
	for (const int *s = (const int[]){SIGTERM, SIGINT, SIGHUP, SIGUSR1, 0}; *s; s++) sigaddset(&set, *s);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (!err) err = open_ports(r, why);
	if (!err) err = edge_user_become(r->conf.data, r->conf.user, why);
	if (!err) err = read_key(r, why);
	if (err) return err;
	conf.own_as = (uint32_t)r->conf.own_as;
	conf.slots = r->conf.slots;
	conf.slots_n = r->conf.slots_n;
	conf.kind = edge_conf_kind(&r->conf);
	conf.page_packets = edge_conf_page_packets(&r->conf);
	conf.keep_us = r->conf.keep_s * 1000000;
	conf.disk_bytes_max = (uint64_t)r->conf.disk_mib_max << 20;
	memcpy(conf.key_id, r->epoch.id, EDGE_KEY_ID);
	err = edge_table_open(&r->table, &conf, why);
	return err ? err : enter_sandbox(r);
}

/* ---- signals ---- */
static void new_key(struct run *r)
{
	struct wire_why why = {.text = ""};

	if (read_key(r, &why)) { /* the old one stays */
		base_log(BASE_LOG_ERROR, "edge.no_key", "why=\"%s\"", why.text);
		return;
	}
	note(r, edge_table_epoch(r->table, r->epoch.id));
	base_log(BASE_LOG_INFO, "edge.new_key", "pages=begun");
}

/* false: stop. */
static bool take_signals(struct run *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGHUP) {
			new_key(r);
		} else if (info.ssi_signo == SIGUSR1) {
			count_dropped(r);
			if (!r->conf.sources[0].file) note(r, edge_table_tick(r->table, base_clock_us()));
			note(r, edge_table_save(r->table));
			print_counters(r);
		} else {
			return false;
		}
	}
	return true;
}

/* ---- files ---- */
static void fetch(struct run *r, struct port *p)
{
	struct wire_why why = {.text = ""};
	enum isac_err err = ISAC_OK;

	do err = edge_capture_next(&p->frame, p->capture, &why);
	while (!err && p->frame.fault && (r->frames++, r->count[p->frame.fault]++, true));
	p->ended = err != ISAC_OK;
	if (!err || err == ISAC_ERR_CLOSED) return;
	base_log(BASE_LOG_ERROR, "edge.file_broken", "file=%s why=\"%s\"", p->source->name, why.text);
	note(r, err);
}

static struct port *earliest(struct run *r)
{
	struct port *best = NULL;

	for (size_t i = 0; i < r->ports_n; i++)
		if (!r->ports[i].ended && (!best || r->ports[i].frame.us < best->frame.us)) best = &r->ports[i];
	return best;
}

static void show(const struct run *r, struct cli_progress *progress)
{
	uint64_t read = 0, size = 0, one, of;

	for (size_t i = 0; i < r->ports_n; i++) {
		edge_capture_progress(r->ports[i].capture, &one, &of);
		read += one;
		size += of;
	}
	if (!progress->total) {
		cli_progress_start(progress, size);
		progress->noun = "packets";
	}
	cli_progress_show(progress, read, r->frames);
}

static void run_files(struct run *r)
{
	struct cli_progress progress = {.on = false};
	struct port *p;

	for (size_t i = 0; i < r->ports_n; i++) fetch(r, &r->ports[i]);
	while ((p = earliest(r))) {
		take(r, p, &p->frame);
		fetch(r, p);
		if (r->frames % 4096 == 0) {
			show(r, &progress);
			if (!take_signals(r)) break;
		}
	}
	cli_progress_clear(&progress);
}

/* ---- live ---- */
static void drain(struct run *r, struct port *p, unsigned most)
{
	struct wire_why why = {.text = ""};
	enum isac_err err = ISAC_OK;

	for (unsigned n = 0; n < most && !err; n++) {
		err = edge_capture_next(&p->frame, p->capture, &why);
		if (!err) take(r, p, &p->frame);
	}
	if (!err || err == ISAC_ERR_AGAIN) return;
	/* The neighbour's minutes must not count as covered from now on. */
	base_log(BASE_LOG_ERROR, "edge.interface_lost", "interface=%s why=\"%s\"", p->source->name, why.text);
	p->ended = true;
	r->err = ISAC_ERR_CLOSED;
}

static void tick(struct run *r)
{
	const int64_t now = base_clock_us();

	if (now - r->ticked_us < TICK_MS * 1000 && now >= r->ticked_us) return;
	r->ticked_us = now;
	/* An interface that went down tells it once; whether it is gone for ever libpcap finds out only when asked again. */
	for (size_t i = 0; i < r->ports_n; i++) drain(r, &r->ports[i], TURN_FRAMES);
	count_dropped(r);
	note(r, edge_table_tick(r->table, now));
}

static void run_live(struct run *r)
{
	struct pollfd *fds = calloc(r->ports_n + 1, sizeof *fds);
	bool going = fds != NULL;

	note(r, edge_table_tick(r->table, base_clock_us()));
	printf("isac-edge: ready %zu interfaces\n", r->conf.sources_n);
	fflush(stdout);
	while (going && r->err != ISAC_ERR_CLOSED) {
		for (size_t i = 0; i < r->ports_n; i++)
			fds[i] = (struct pollfd){.fd = edge_capture_fd(r->ports[i].capture), .events = POLLIN};
		fds[r->ports_n] = (struct pollfd){.fd = r->signals, .events = POLLIN};
		if (poll(fds, r->ports_n + 1, TICK_MS) < 0 && errno != EINTR) break;
		for (size_t i = 0; i < r->ports_n; i++)
			if (fds[i].revents) drain(r, &r->ports[i], TURN_FRAMES);
		tick(r);
		if (fds[r->ports_n].revents) {
			for (size_t i = 0; i < r->ports_n; i++)
				drain(r, &r->ports[i], LAST_FRAMES); /* what came before the signal counts */
			going = take_signals(r);
		}
	}
	note(r, edge_table_tick(r->table, base_clock_us()));
	count_dropped(r);
	free(fds);
}

int edge_cmd_run(const struct edge_command *command, int argc, char **argv)
{
	struct run r = {.signals = -1};
	struct wire_why why = {.text = ""};
	struct edge_args args;
	enum isac_err err;

	if (edge_args_parse(&args, command, argc, argv)) return EDGE_USAGE;
	if (!edge_args_get(&args, "conf") || args.words_n) return edge_usage(command, "--conf FILE is needed, and nothing else");
	err = open_all(&r, edge_args_get(&args, "conf"), &why);
	if (err) {
		edge_note("%s", *why.text ? why.text : isac_err_text(err));
	} else {
		(r.conf.sources[0].file ? run_files : run_live)(&r);
		note(&r, edge_table_save(r.table));
		print_counters(&r);
	}
	edge_table_close(&r.table);
	for (size_t i = 0; i < r.ports_n; i++) edge_capture_close(&r.ports[i].capture);
	if (r.signals >= 0) close(r.signals);
	edge_epoch_clear(&r.epoch);
	free(r.ports);
	edge_conf_clear(&r.conf);
	return err || r.err ? EDGE_REFUSED : EDGE_DONE;
}
