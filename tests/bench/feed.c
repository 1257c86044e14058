/*
 * Many subscribers in one process and one thread: one connection and session each, with credit, until each has all.
 *   feed --hub tcp://HOST:FEED-PORT --sessions N --entries N [--filtered] [--verify] [--publisher HOME]... [--stamps FILE --first N]
 * HOME...   and --start: sessions are opened when the clock starts, from the oldest report; --come-and-go: opens a session and leaves, over
 * and over, until it is killed. Homes are used in turn. Checks every frame's range against the one before; without --verify it counts
 * entries and looks no deeper, as the bare yardstick does; with it every entry's signature and proof are checked. With stamps, the time
 * from sending to the frame's arrival and to the checked entry is taken. Says "ready" when all sessions are open; prints one JSON object.
 */
#include <getopt.h>
#include "bench.h"

enum { CREDIT = WIRE_LIMIT_CREDIT_BYTES, PATIENCE_US = 120000000, COME_AND_GO_MS = 10 };

struct session {
	void *socket;
	uint32_t sub, entries, used, batches;
	uint64_t position;
};

static struct options {
	const char *hub, *stamps;
	uint32_t sessions, entries;
	uint64_t first;
	bool filtered, verify, start, come_and_go;
} options;

static struct feed {
	struct session *session;
	zmq_pollitem_t *poll;
	struct bench_home home[BENCH_HOMES], publisher[BENCH_HOMES];
	uint32_t homes_n, publishers_n, open, complete, bad;
	struct wire_arena arena;
	const int64_t *stamps;
	int64_t *arrived, *checked;
	size_t samples;
	uint64_t bytes;
	int64_t start_us, end_us;
} feed;

static void send_body(void *socket, uint16_t type, uint64_t request_id, const ProtobufCMessage *msg)
{
	struct wire_buf body;

	wire_buf_init(&body, WIRE_LIMIT_FRAME_BYTES);
	wire_pack(&body, msg);
	bench_send(socket, type, request_id, body.data, body.len);
	wire_buf_clear(&body);
}

/* Each asks for everything there is in words of its own, so that the hub has a filter to try for each. */
static void subscribe(uint32_t k)
{
	Isac1__Subscribe ask = ISAC1__SUBSCRIBE__INIT;
	char filter[80];

	snprintf(filter, sizeof(filter), "confidence >= %u and not tag = \"t%u\"", k % BENCH_CONFIDENCE, k);
	if (options.filtered) ask.filter = filter;
	ask.from = options.start ? ISAC1__SUBSCRIBE__FROM__FROM_START : ISAC1__SUBSCRIBE__FROM__FROM_NOW;
	ask.credit_bytes = CREDIT;
	feed.session[k].used = feed.session[k].batches = 0;
	send_body(feed.session[k].socket, WIRE_SUBSCRIBE, k + 1, &ask.base);
}

static void give_credit(struct session *s)
{
	Isac1__Credit credit = ISAC1__CREDIT__INIT;

	if (s->used < CREDIT / 2 && s->batches < WIRE_LIMIT_WINDOW_BATCHES / 2) return;
	credit.sub = s->sub;
	credit.bytes = s->used;
	send_body(s->socket, WIRE_CREDIT, 0, &credit.base);
	s->used = s->batches = 0;
}

/* Entries of a Batch without opening it: field 1, length-delimited, over and over. */
static uint32_t count_entries(const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;
	uint32_t n = 0;

	while (p < end) {
		uint64_t size = 0;
		unsigned shift = 0;

		if (*p++ != 0x0a) bench_die("a batch that is none");
		do size |= (uint64_t)(*p & 0x7f) << shift, shift += 7;
		while (p < end && *p++ & 0x80 && shift < 63);
		if (size > (uint64_t)(end - p)) bench_die("a batch that is cut off");
		p += size;
		n++;
	}
	return n;
}

static void sample(const Isac1__Header *header, int64_t arrived)
{
	uint64_t i = header->report_id.len == WIRE_ID ? bench_number(header->report_id.data) - options.first : UINT64_MAX;

	if (!feed.stamps || i >= options.entries || feed.samples >= (size_t)options.entries * options.sessions) return;
	feed.arrived[feed.samples] = arrived - feed.stamps[i];
	feed.checked[feed.samples++] = bench_now() - feed.stamps[i];
}

static uint32_t check_entries(const uint8_t *data, size_t len, int64_t arrived)
{
	ProtobufCMessage *msg;

	wire_arena_reset(&feed.arena);
	if (wire_open(&msg, &isac1__batch__descriptor, &feed.arena, data, len, false, NULL)) bench_die("a batch that cannot be read");
	const Isac1__Batch *batch = (const Isac1__Batch *)msg;
	for (size_t i = 0; i < batch->n_entries; i++) {
		const Isac1__Entry *e = batch->entries[i];
		Isac1__Header *header = NULL;
		uint32_t p = 0;

		while (p < feed.publishers_n && strcmp(feed.publisher[p].self.name, e->publisher) != 0) p++;
		if (p == feed.publishers_n ||
		    wire_entry_verify(&header, e, feed.home[0].hub.hub_id, feed.publisher[p].self.sign, &feed.arena, NULL))
			feed.bad++;
		else sample(header, arrived);
	}
	return (uint32_t)batch->n_entries;
}

static void on_delivery(struct session *s, const struct wire_head *head, const uint8_t *data, size_t len)
{
	int64_t arrived = bench_now();
	uint32_t before = s->entries;

	if (head->prev_seq != s->position) bench_die("a feed skipped from %" PRIu64 " to %" PRIu64, s->position, head->prev_seq);
	s->position = head->last_seq;
	s->entries += options.verify ? check_entries(data, len, arrived) : count_entries(data, len);
	s->used += (uint32_t)len;
	s->batches++;
	feed.bytes += len;
	if (before < options.entries && s->entries >= options.entries && ++feed.complete == options.sessions) feed.end_us = bench_now();
	give_credit(s);
}

static void on_other(struct session *s, const struct wire_head *head, const uint8_t *data, size_t len)
{
	const struct wire_frame_row *row = wire_frame_find(head->type);
	ProtobufCMessage *msg;

	wire_arena_reset(&feed.arena);
	if (!row || wire_open(&msg, row->desc, &feed.arena, data, len, false, NULL)) bench_die("a frame that cannot be read");
	if (head->type == WIRE_ERROR) bench_die("the hub: %u %s", ((Isac1__Error *)msg)->code, ((Isac1__Error *)msg)->text);
	if (head->type == WIRE_SUBSCRIBED) {
		s->sub = ((Isac1__Subscribed *)msg)->sub;
		s->position = ((Isac1__Subscribed *)msg)->position;
		feed.open++;
	} else if (head->type == WIRE_HEARTBEAT && ((Isac1__Heartbeat *)msg)->position > s->position) {
		s->position = ((Isac1__Heartbeat *)msg)->position;
	}
}

static void take(struct session *s)
{
	struct wire_head head;
	zmq_msg_t body;

	while (bench_receive(s->socket, &head, &body)) {
		if (head.type == WIRE_DELIVERY) on_delivery(s, &head, zmq_msg_data(&body), zmq_msg_size(&body));
		else on_other(s, &head, zmq_msg_data(&body), zmq_msg_size(&body));
		zmq_msg_close(&body);
	}
}

static void serve_until(const uint32_t *count, uint32_t wanted, const char *what)
{
	int64_t until = bench_now() + PATIENCE_US;

	while (*count < wanted) {
		uint64_t had = feed.bytes;

		if (bench_now() > until) bench_die("%s: %u of %u", what, *count, wanted);
		if (zmq_poll(feed.poll, (int)options.sessions, 1000) <= 0) continue;
		for (uint32_t k = 0; k < options.sessions; k++)
			if (feed.poll[k].revents) take(&feed.session[k]);
		if (feed.bytes != had) until = bench_now() + PATIENCE_US; /* as long as it goes on */
	}
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {{"hub", 1, NULL, 'h'},	     {"sessions", 1, NULL, 'n'}, {"entries", 1, NULL, 'e'},
					      {"filtered", 0, NULL, 'f'},    {"verify", 0, NULL, 'v'},	 {"stamps", 1, NULL, 's'},
					      {"publisher", 1, NULL, 'p'},   {"first", 1, NULL, '1'},	 {"start", 0, NULL, 'S'},
					      {"come-and-go", 0, NULL, 'c'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		if (c == 'h') options.hub = optarg;
		else if (c == 'n') options.sessions = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'e') options.entries = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'f') options.filtered = true;
		else if (c == 'v') options.verify = true;
		else if (c == 'S') options.start = true;
		else if (c == 'c') options.come_and_go = true;
		else if (c == 's') options.stamps = optarg;
		else if (c == '1') options.first = strtoull(optarg, NULL, 10);
		else if (c == 'p' && feed.publishers_n < BENCH_HOMES) bench_home_open(&feed.publisher[feed.publishers_n++], optarg);
		else exit(2);
	}
	if (!options.hub || !options.sessions || !options.entries || optind == argc || argc - optind > BENCH_HOMES)
		bench_die("usage: feed --hub ADDRESS --sessions N --entries N [options] HOME...");
	for (; optind < argc; optind++) bench_home_open(&feed.home[feed.homes_n++], argv[optind]);
}

static void prepare(void *context)
{
	wire_arena_init(&feed.arena, (size_t)WIRE_LIMIT_DECODE_BYTES * 4);
	feed.session = bench_alloc(options.sessions, sizeof(*feed.session));
	feed.poll = bench_alloc(options.sessions, sizeof(*feed.poll));
	if (options.stamps) {
		feed.stamps = bench_stamps(options.stamps, options.entries);
		feed.arrived = bench_alloc((size_t)options.entries * options.sessions, sizeof(*feed.arrived));
		feed.checked = bench_alloc((size_t)options.entries * options.sessions, sizeof(*feed.checked));
	}
	for (uint32_t k = 0; k < options.sessions; k++) {
		feed.session[k].socket = bench_dealer(context, &feed.home[k % feed.homes_n], options.hub);
		feed.poll[k] = (zmq_pollitem_t){.socket = feed.session[k].socket, .events = ZMQ_POLLIN};
		if (!options.start) subscribe(k);
	}
	if (!options.start) serve_until(&feed.open, options.sessions, "sessions open");
}

/* A neighbour who never stays. */
static void come_and_go(void *context)
{
	for (;;) {
		void *socket = feed.session[0].socket;

		zmq_close(socket);
		socket = bench_dealer(context, &feed.home[0], options.hub);
		feed.session[0].socket = feed.poll[0].socket = socket;
		feed.open = 0;
		subscribe(0);
		serve_until(&feed.open, 1, "sessions open");
		zmq_poll(NULL, 0, COME_AND_GO_MS);
	}
}

int main(int argc, char **argv)
{
	bench_start();
	parse(argc, argv);
	void *context = zmq_ctx_new();
	prepare(context);
	bench_ready();
	if (options.come_and_go) come_and_go(context);
	feed.start_us = bench_now();
	for (uint32_t k = 0; options.start && k < options.sessions; k++) subscribe(k);
	serve_until(&feed.complete, options.sessions, "sessions that have all");
	bench_sort(feed.arrived, feed.samples);
	bench_sort(feed.checked, feed.samples);
	printf("{\"start_us\": %" PRId64 ", \"end_us\": %" PRId64 ", \"entries\": %" PRIu64 ", \"bytes\": %" PRIu64
	       ", \"bad\": %u, \"samples\": %zu, \"arrived_p50_us\": %" PRId64 ", \"arrived_p99_us\": %" PRId64
	       ", \"checked_p50_us\": %" PRId64 ", \"checked_p99_us\": %" PRId64 ", \"checked_p999_us\": %" PRId64 "}\n",
	       feed.start_us, feed.end_us, (uint64_t)options.sessions * options.entries, feed.bytes, feed.bad, feed.samples,
	       bench_percentile(feed.arrived, feed.samples, 50), bench_percentile(feed.arrived, feed.samples, 99),
	       bench_percentile(feed.checked, feed.samples, 50), bench_percentile(feed.checked, feed.samples, 99),
	       bench_permille(feed.checked, feed.samples, 999));
	return feed.bad ? 1 : 0;
}
