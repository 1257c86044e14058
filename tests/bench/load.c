/*
 * Publishes reports made and signed beforehand over one connection a member, with a window, and counts receipts.
 *   load --hub tcp://HOST:PORT --reports N --items N [--pad BYTES] [--window N | --rate N] [--first N] [--stamps FILE] [--indexed] HOME...
 * --window is shared among the connections. --rate sends on a schedule instead, whatever comes back, and notes each sending in
 * the stamps. --indexed waits until the hub's index has it all. One receipt in 97 is kept and verified after the clock stopped.
 * Says "ready", waits for a line, prints one JSON object.
 */
#include <getopt.h>
#include <poll.h>
#include <sys/prctl.h>
#include "bench.h"
#include "isac.h"

enum { SAMPLE = 97, PATIENCE_US = 120000000, PROBE_US = 5000000 };

struct kept {
	uint32_t report;
	uint8_t *data;
	size_t len;
};

static struct options {
	const char *hub, *stamps;
	struct bench_plan plan;
	uint32_t window, rate;
	bool indexed;
} options = {.plan = {.reports = 1, .items = 1}, .window = 256};

static struct load {
	struct bench_home home[BENCH_HOMES];
	void *socket[BENCH_HOMES];
	zmq_pollitem_t poll[BENCH_HOMES];
	uint32_t sent[BENCH_HOMES], back[BENCH_HOMES]; /* of this connection's share */
	uint32_t n, done, refused, last_code;
	struct bench_reports reports;
	int64_t *sent_us, *took_us, *stamps;
	struct kept *kept;
	uint32_t kept_n;
	struct wire_arena arena;
} load;

/* A connection is up when the hub has answered on it. */
static void greet(uint32_t c)
{
	int64_t until = bench_now() + PROBE_US;
	struct wire_head head;
	zmq_msg_t body;

	bench_send(load.socket[c], WIRE_STATUS, 0, "", 0);
	while (!bench_receive(load.socket[c], &head, &body)) {
		if (bench_now() > until) bench_die("no answer from %s for %s", options.hub, load.home[c].self.name);
		zmq_poll(&load.poll[c], 1, 100);
	}
	zmq_msg_close(&body);
}

static void send_next(uint32_t c)
{
	uint32_t i = load.sent[c]++ * load.n + c;
	struct wire_bytes report = bench_report_at(&load.reports, i);

	load.sent_us[i] = bench_now();
	if (load.stamps) load.stamps[i] = load.sent_us[i];
	bench_send(load.socket[c], WIRE_SUBMIT, i + 1u, report.data, report.len);
}

static void keep(uint32_t report, const uint8_t *data, size_t len)
{
	struct kept *k = &load.kept[load.kept_n++];

	*k = (struct kept){.report = report, .data = bench_alloc(len, 1), .len = len};
	memcpy(k->data, data, len);
}

static uint32_t code_of(uint16_t type, const uint8_t *data, size_t len)
{
	const struct wire_frame_row *row = wire_frame_find(type);
	ProtobufCMessage *msg;

	wire_arena_reset(&load.arena);
	if (!row || wire_open(&msg, row->desc, &load.arena, data, len, false, NULL)) return 0;
	return type == WIRE_RECEIPT ? ((Isac1__Receipt *)msg)->code : type == WIRE_ERROR ? ((Isac1__Error *)msg)->code : 0;
}

/* Takes what is there on connection c. */
static void take(uint32_t c)
{
	struct wire_head head;
	zmq_msg_t body;

	while (bench_receive(load.socket[c], &head, &body)) {
		uint32_t code = code_of(head.type, zmq_msg_data(&body), zmq_msg_size(&body)), i = (uint32_t)head.request_id - 1;

		if (head.request_id && i < load.reports.n) {
			load.took_us[i] = bench_now() - load.sent_us[i];
			load.back[c]++;
			load.done++;
			if (code != 200) {
				load.refused++;
				load.last_code = code;
			} else if (i % SAMPLE == 0) {
				keep(i, zmq_msg_data(&body), zmq_msg_size(&body));
			}
		}
		zmq_msg_close(&body);
	}
}

static uint32_t share(uint32_t c)
{
	return (load.reports.n - c + load.n - 1) / load.n;
}

static void run_window(uint32_t window, int64_t until)
{
	while (load.done < load.reports.n) {
		for (uint32_t c = 0; c < load.n; c++)
			while (load.sent[c] < share(c) && load.sent[c] - load.back[c] < window) send_next(c);
		if (bench_now() > until) bench_die("only %u of %u reports were answered", load.done, load.reports.n);
		if (zmq_poll(load.poll, (int)load.n, 1000) <= 0) continue;
		for (uint32_t c = 0; c < load.n; c++)
			if (load.poll[c].revents) take(c);
	}
}

/* The schedule is what is measured here: a late wake-up is not made up for by a shorter pause. */
static void run_rate(int64_t start, int64_t until)
{
	for (uint32_t i = 0; i < load.reports.n; i++) {
		int64_t at = start + (int64_t)i * 1000000 / options.rate;
		struct timespec t = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)) {
		}
		send_next(i % load.n);
		take(i % load.n);
	}
	run_window(1, until);
}

/* ---- afterwards ---- */
static uint32_t check_kept(void)
{
	uint32_t bad = 0;

	for (uint32_t k = 0; k < load.kept_n; k++) {
		const struct bench_home *h = &load.home[0];
		struct wire_bytes sent = bench_report_at(&load.reports, load.kept[k].report);
		ProtobufCMessage *msg, *submit, *header;
		Isac1__ReceiptBody *body;
		bool good;

		wire_arena_reset(&load.arena);
		good = !wire_open(&msg, &isac1__receipt__descriptor, &load.arena, load.kept[k].data, load.kept[k].len, false, NULL) &&
		       !wire_receipt_verify(&body, (Isac1__Receipt *)msg, h->hub.hub_id, h->hub.receipt, &load.arena, NULL) &&
		       !wire_open(&submit, &isac1__submit__descriptor, &load.arena, sent.data, sent.len, false, NULL);
		if (good) {
			ProtobufCBinaryData bytes = ((Isac1__Submit *)submit)->header;
			good = !wire_open(&header, &isac1__header__descriptor, &load.arena, bytes.data, bytes.len, false, NULL) &&
			       body->report_id.len == WIRE_ID &&
			       !memcmp(body->report_id.data, ((Isac1__Header *)header)->report_id.data, WIRE_ID);
		}
		bad += !good;
		free(load.kept[k].data);
	}
	return bad;
}

static void wait_indexed(const char *home, int64_t until)
{
	struct isac *isac = NULL;
	struct isac_error err = {.text = ""};
	const struct isac_status *status;

	if (isac_open(&isac, home, options.hub, 20000, &err)) bench_die("status: %s", err.text);
	for (;;) {
		if (isac_status(&status, isac, &err)) bench_die("status: %s", err.text);
		if (status->indexed_seq >= status->head_seq) break;
		if (bench_now() > until) bench_die("the index never caught up");
		poll(NULL, 0, 10);
	}
	isac_close(&isac);
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {{"hub", 1, NULL, 'h'},	{"reports", 1, NULL, 'n'}, {"items", 1, NULL, 'i'},
					      {"pad", 1, NULL, 'p'},	{"window", 1, NULL, 'w'},  {"rate", 1, NULL, 'r'},
					      {"stamps", 1, NULL, 's'}, {"first", 1, NULL, 'f'},   {"indexed", 0, NULL, 'x'},
					      {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		uint32_t n = optarg ? (uint32_t)strtoul(optarg, NULL, 10) : 0;

		if (c == 'h') options.hub = optarg;
		else if (c == 'n') options.plan.reports = n;
		else if (c == 'i') options.plan.items = n;
		else if (c == 'p') options.plan.pad = n;
		else if (c == 'w') options.window = n;
		else if (c == 'r') options.rate = n;
		else if (c == 's') options.stamps = optarg;
		else if (c == 'f') options.plan.first = strtoull(optarg, NULL, 10);
		else if (c == 'x') options.indexed = true;
		else exit(2);
	}
	if (!options.hub || optind == argc || argc - optind > BENCH_HOMES || !options.plan.reports || !options.plan.items ||
	    options.plan.items > WIRE_LIMIT_ITEMS)
		bench_die("usage: load --hub ADDRESS --reports N --items N [options] HOME...");
}

static void prepare(char **homes, uint32_t n)
{
	void *context = zmq_ctx_new();

	load.n = n;
	for (uint32_t c = 0; c < n; c++) bench_home_open(&load.home[c], homes[c]);
	bench_reports_make(&load.reports, load.home, n, &options.plan);
	load.sent_us = bench_alloc(load.reports.n, sizeof(*load.sent_us));
	load.took_us = bench_alloc(load.reports.n, sizeof(*load.took_us));
	load.kept = bench_alloc(load.reports.n / SAMPLE + 1, sizeof(*load.kept));
	if (options.stamps) load.stamps = bench_stamps(options.stamps, load.reports.n);
	wire_arena_init(&load.arena, WIRE_LIMIT_DECODE_BYTES);
	for (uint32_t c = 0; c < n; c++) {
		load.socket[c] = bench_dealer(context, &load.home[c], options.hub);
		load.poll[c] = (zmq_pollitem_t){.socket = load.socket[c], .events = ZMQ_POLLIN};
	}
	for (uint32_t c = 0; c < n; c++) greet(c);
}

int main(int argc, char **argv)
{
	int64_t start, end, indexed;
	uint32_t bad, window;

	bench_start();
	parse(argc, argv);
	prctl(PR_SET_TIMERSLACK, 1000UL);
	prepare(argv + optind, (uint32_t)(argc - optind));
	window = options.window / load.n;
	bench_ready();
	start = bench_now();
	if (options.rate) run_rate(start, start + PATIENCE_US + (int64_t)load.reports.n * 1000000 / options.rate);
	else run_window(window ? window : 1, start + PATIENCE_US);
	end = bench_now();
	if (options.indexed) wait_indexed(argv[optind], start + PATIENCE_US);
	indexed = bench_now();
	bad = check_kept();
	bench_sort(load.took_us, load.reports.n);
	printf("{\"start_us\": %" PRId64 ", \"seconds\": %.6f, \"indexed_seconds\": %.6f, \"reports\": %u, \"items\": %" PRIu64
	       ", \"bytes\": %zu, \"refused\": %u, \"code\": %u, \"checked\": %u, \"bad\": %u, \"p50_us\": %" PRId64
	       ", \"p99_us\": %" PRId64 "}\n",
	       start, (double)(end - start) / 1e6, (double)(indexed - start) / 1e6, load.reports.n,
	       (uint64_t)load.reports.n * options.plan.items, load.reports.bytes.len, load.refused, load.last_code, load.kept_n, bad,
	       bench_percentile(load.took_us, load.reports.n, 50), bench_percentile(load.took_us, load.reports.n, 99));
	return bad || load.refused ? 1 : 0;
}
