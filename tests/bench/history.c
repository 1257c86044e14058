/*
 * A history of realistic shape, straight into the hub's table of reports, and yardsticks beside questions about it. For history.py.
 *   history CONNINFO fill MENTIONS OF FROM_US UNTIL_US SEED HOME...
 *       a part of a history of OF mentions: COPY of report and report_key, signed and displayable, as if received within these times; then
 *       the head moves. The rest (mention, indicator, ...) is the hub's indexer's work.
 *   history CONNINFO ask SECONDS < FILE
 *       the first line is a statement, each further line its parameters, separated by tabs: runs it prepared, each line once to warm
 *       the caches, then again and again until the time is over, and prints how long each took, in microseconds.
 *
 * The shape: reports of 1 to 100 items (a Pareto tail, 0.7), from publishers of whom the n-th says 1/n as much as the first, in bursts with
 * quiet between them. Half of the mentions are of values that many report (a Lomax tail, 0.9), half of values that hardly anybody else has.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <math.h>
#include "bench.h"

enum { AUDIENCES = 16, REPORT_ITEMS = 100, STEPS = 100, FIELDS = 15, ASK_MAX = 1 << 20 };

static const int64_t PG_EPOCH_US = 946684800000000, DAY_US = 86400000000;
static const uint64_t RARE = UINT64_C(1) << 40; /* numbers of values from here on are those that hardly anybody shares */

struct audience {
	int32_t id, tlp;
	char group[64];
};

static struct fill {
	struct bench_home home[BENCH_HOMES];
	int32_t member_id[BENCH_HOMES];
	double weight[BENCH_HOMES]; /* of the publishers up to this one */
	uint32_t homes, audiences;
	struct audience audience[AUDIENCES];
	PGconn *report, *key;
	struct wire_buf rows, keys, items, submit;
	struct wire_arena arena;
	uint64_t mentions, seq, state, own_max;
	double shared_scale;
	int64_t at_us;
} fill;

/* ---- dice ---- */
static uint64_t roll(void)
{
	return bench_mix(fill.state++);
}

static double roll_unit(void) /* 0 < u <= 1 */
{
	return (double)((roll() >> 11) + 1) / 9007199254740992.0;
}

static bool one_in(uint32_t n)
{
	return roll() % n == 0;
}

/* ---- values: a number always gives the same one ---- */
static void host_name(char *out, size_t size, uint64_t n)
{
	static const char *const tld[] = {"com", "net", "org", "info", "xyz"};
	uint64_t r = bench_mix(n ^ 0x5eed);
	double u = (double)((r >> 11) + 1) / 9007199254740992.0;
	unsigned owner = (unsigned)(200 * (pow(u, -1 / 0.9) - 1)) % 1000000; /* some domains have thousands of hosts */

	snprintf(out, size, "h%" PRIx64 ".d%u.%s", n & 0xffffffffff, owner, tld[owner % 5]);
}

static uint32_t make_value(char text[128], uint64_t n)
{
	uint64_t r = bench_mix(n), kind = r % 100;
	uint32_t type = kind < 40 ? WIRE_VALUE_IPV4 : kind < 65 ? WIRE_VALUE_DOMAIN : kind < 80 ? WIRE_VALUE_URL : WIRE_VALUE_SHA256;
	uint32_t addr = 0x0b000000u + (uint32_t)(r >> 32) % 0x6f000000u; /* 11.0.0.0 .. 121.255.255.255 */
	char host[80];

	if (addr >> 24 == 100) addr += 1u << 24; /* 100.64/10 */
	if (type == WIRE_VALUE_IPV4) {
		snprintf(text, 128, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255);
	} else if (type == WIRE_VALUE_SHA256) {
		snprintf(text, 128, "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64, r, bench_mix(r), bench_mix(r ^ 1),
			 bench_mix(r ^ 2));
	} else {
		host_name(host, sizeof(host), n);
		snprintf(text, 128, type == WIRE_VALUE_URL ? "http://%s/p%u" : "%s", host, (unsigned)(r >> 40) % 100000);
	}
	return type;
}

static uint64_t pick_value(bool *own)
{
	*own = one_in(2);
	if (*own) return RARE + roll() % fill.own_max;
	return (uint64_t)(fill.shared_scale * (pow(roll_unit(), -1 / 0.9) - 1)) % (RARE - 1);
}

/* ---- reports ---- */
static bool put_item(struct wire_buf *out) /* whether it may be held: nobody else has it */
{
	static const char *const tags[] = {"botnet", "c2", "phishing", "scanner", "malware", "tor", "ransomware", "spam"};
	static const char *const countries[] = {"US", "CN", "RU", "DE", "NL", "FR", "BR", "IN", "VN", "CH"};
	char text[128], *tag[2];
	Isac1__Indicator ind = ISAC1__INDICATOR__INIT;
	Isac1__Item item = ISAC1__ITEM__INIT;
	bool own;
	uint64_t n = pick_value(&own), r = roll();

	ind.type = make_value(text, n);
	ind.value = text;
	if (r % 10) ind.confidence_plus1 = (uint32_t)(1 + r / 10 % 101);
	ind.last_seen_us = fill.at_us - (int64_t)(r % 3600) * 1000000;
	ind.first_seen_us = ind.last_seen_us - (int64_t)(r / 3600 % 30) * DAY_US / 10;
	if (one_in(5)) ind.valid_until_us = fill.at_us + (int64_t)(1 + r % 180) * DAY_US;
	ind.n_tags = roll() % 3;
	for (size_t i = 0; i < ind.n_tags; i++) tag[i] = (char *)(uintptr_t)tags[roll() % 8];
	ind.tags = tag;
	if (ind.type == WIRE_VALUE_IPV4 && !one_in(3)) {
		uint64_t place = bench_mix(n ^ 0xa5);

		ind.asn = 64500 + (uint32_t)(100 * (pow((double)((place >> 11) + 1) / 9007199254740992.0, -1 / 0.9) - 1)) % 60000;
		ind.country = (char *)(uintptr_t)countries[place % 10];
	}
	item.body_case = ISAC1__ITEM__BODY_INDICATOR;
	item.indicator = &ind;
	wire_pack(out, &item.base);
	return own;
}

/* A Submit of n items in fill.submit. *held: whether the first item is to be held. */
static void make_report(const struct bench_home *home, const struct audience *a, uint32_t n, uint8_t id[WIRE_ID], bool *held)
{
	struct wire_bytes items[REPORT_ITEMS];
	size_t end[REPORT_ITEMS];
	uint8_t secret[WIRE_SECRET];
	char *groups[] = {(char *)(uintptr_t)a->group};
	Isac1__Header header = ISAC1__HEADER__INIT;

	wire_buf_reset(&fill.items);
	wire_buf_reset(&fill.submit);
	for (uint32_t i = 0; i < n; i++) {
		bool own = put_item(&fill.items);

		if (!i) *held = own && one_in(50);
		end[i] = fill.items.len;
	}
	for (uint32_t i = 0; i < n; i++)
		items[i] = (struct wire_bytes){fill.items.data + (i ? end[i - 1] : 0), end[i] - (i ? end[i - 1] : 0)};
	wire_put_u64(id, (uint64_t)(fill.at_us / 1000) << 16);
	id[6] = 0x70;
	wire_put_u64(id + 8, fill.seq);
	id[8] = 0x80;
	header.report_id = (ProtobufCBinaryData){WIRE_ID, id};
	header.created_us = fill.at_us;
	header.kind = ISAC1__KIND__KIND_INDICATOR;
	header.tlp = (uint32_t)a->tlp;
	header.groups = groups;
	header.n_groups = *a->group ? 1 : 0;
	randombytes_buf(secret, sizeof(secret));
	if (wire_report_make(&fill.submit, home->self.name, home->hub.hub_id, &header, items, n, secret, home->sign_secret))
		bench_die("a report cannot be made");
}

/* ---- rows ---- */
static void put(struct wire_buf *b, const void *data, size_t len)
{
	wire_buf_u32(b, (uint32_t)len);
	wire_buf_add(b, data, len);
}

static void put_int(struct wire_buf *b, int64_t v, size_t len)
{
	uint8_t be[8];

	wire_put_u64(be, (uint64_t)v);
	put(b, be + 8 - len, len);
}

static void send_rows(PGconn *conn, struct wire_buf *b)
{
	if (b->err || PQputCopyData(conn, (const char *)b->data, (int)b->len) != 1) bench_die("PostgreSQL: %s", PQerrorMessage(conn));
	wire_buf_reset(b);
}

/* The leaf of the log: SHA-256 of a zero, header and signature. */
static void put_leaf(struct wire_buf *b, const Isac1__Submit *s)
{
	uint8_t leaf[32];
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const uint8_t[]){0}, 1);
	crypto_hash_sha256_update(&state, s->header.data, s->header.len);
	crypto_hash_sha256_update(&state, s->signature.data, s->signature.len);
	crypto_hash_sha256_final(&state, leaf);
	put(b, leaf, sizeof(leaf));
}

static void put_rows(uint32_t who, const struct audience *a, uint32_t n)
{
	uint8_t id[WIRE_ID], key_id[WIRE_KEY_ID], public_key[WIRE_SIGN_PUBLIC], hash[WIRE_HASH], bits[REPORT_ITEMS / 8 + 1] = {1};
	bool held;
	ProtobufCMessage *msg;
	struct wire_buf *r = &fill.rows, *k = &fill.keys;
	const Isac1__Submit *s;

	make_report(&fill.home[who], a, n, id, &held);
	wire_arena_reset(&fill.arena);
	if (wire_open(&msg, &isac1__submit__descriptor, &fill.arena, fill.submit.data, fill.submit.len, false, NULL))
		bench_die("no report");
	s = (const Isac1__Submit *)msg;
	crypto_sign_ed25519_sk_to_pk(public_key, fill.home[who].sign_secret);
	wire_sign_key_id(key_id, public_key);
	wire_buf_u16(r, FIELDS);
	put_int(r, (int64_t)fill.seq, 8);
	put_int(r, fill.at_us - PG_EPOCH_US, 8);
	put_int(r, fill.at_us - PG_EPOCH_US, 8);
	put_int(r, fill.member_id[who], 4);
	put_int(r, a->id, 4);
	put_int(r, n, 4);
	put_int(r, ISAC1__KIND__KIND_INDICATOR, 2);
	put_int(r, a->tlp, 2);
	put(r, id, sizeof(id));
	put(r, key_id, sizeof(key_id));
	put(r, s->signature.data, s->signature.len);
	put_leaf(r, s);
	put(r, s->header.data, s->header.len);
	if (held) put(r, bits, (n + 7) / 8);
	else wire_buf_u32(r, UINT32_MAX);
	put(r, s->payload.data, s->payload.len);
	crypto_generichash(hash, sizeof(hash), s->header.data, s->header.len, NULL, 0);
	wire_buf_u16(k, 5);
	put_int(k, fill.member_id[who], 4);
	put(k, id, sizeof(id));
	put_int(k, (int64_t)fill.seq, 8);
	put_int(k, fill.at_us - PG_EPOCH_US, 8);
	put(k, hash, sizeof(hash));
	if (r->len > 1 << 20) send_rows(fill.report, r);
	if (k->len > 1 << 20) send_rows(fill.key, k);
}

/* ---- PostgreSQL ---- */
static PGresult *run(PGconn *conn, const char *sql, ExecStatusType wanted)
{
	PGresult *res = PQexec(conn, sql);

	if (PQresultStatus(res) != wanted) bench_die("PostgreSQL: %s", PQerrorMessage(conn));
	return res;
}

static void must(PGconn *conn, const char *sql)
{
	PQclear(run(conn, sql, PGRES_COMMAND_OK));
}

static PGconn *connect_to(const char *conninfo)
{
	PGconn *conn = PQconnectdb(conninfo);

	if (PQstatus(conn) != CONNECTION_OK) bench_die("PostgreSQL: %s", PQerrorMessage(conn));
	must(conn, "SET search_path = isac; SET synchronous_commit = off");
	return conn;
}

static void copy_begin(PGconn *conn, const char *sql, struct wire_buf *b)
{
	static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* the string's own zero is the last byte */

	PQclear(run(conn, sql, PGRES_COPY_IN));
	wire_buf_add(b, head, sizeof(head));
}

static void copy_end(PGconn *conn, struct wire_buf *b)
{
	PGresult *res;

	wire_buf_u16(b, UINT16_MAX);
	send_rows(conn, b);
	if (PQputCopyEnd(conn, NULL) != 1) bench_die("PostgreSQL: %s", PQerrorMessage(conn));
	while ((res = PQgetResult(conn)) != NULL) {
		if (PQresultStatus(res) != PGRES_COMMAND_OK) bench_die("PostgreSQL: %s", PQerrorMessage(conn));
		PQclear(res);
	}
}

static int32_t number(PGconn *conn, const char *sql, const char *name)
{
	PGresult *res = PQexecParams(conn, sql, 1, NULL, &name, NULL, NULL, 0);
	int32_t v = PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) ? atoi(PQgetvalue(res, 0, 0)) : 0;

	if (!v) bench_die("%s: %s", name, PQerrorMessage(conn));
	PQclear(res);
	return v;
}

/* Those that were interned before, but for RED. */
static void read_audiences(PGconn *conn)
{
	PGresult *res = run(conn,
			    "SELECT a.id, a.tlp, COALESCE(g.name, '') FROM audience a LEFT JOIN member_group g ON g.id = a.groups[1] "
			    "WHERE a.recipients = '{}' ORDER BY a.id LIMIT 16",
			    PGRES_TUPLES_OK);

	for (int i = 0; i < PQntuples(res); i++) {
		struct audience *a = &fill.audience[fill.audiences++];

		a->id = atoi(PQgetvalue(res, i, 0));
		a->tlp = atoi(PQgetvalue(res, i, 1));
		snprintf(a->group, sizeof(a->group), "%s", PQgetvalue(res, i, 2));
	}
	PQclear(res);
	if (!fill.audiences) bench_die("no audience is interned: publish something first");
}

static void tell(uint64_t done, int64_t start)
{
	int64_t us = bench_now() - start;

	if (!isatty(STDERR_FILENO)) return;
	fprintf(stderr, "\rfill: %" PRIu64 " of %" PRIu64 " mentions, %.0f k/s ", done, fill.mentions,
		(double)done * 1e3 / (double)(us ? us : 1));
	fflush(stderr);
}

static uint32_t choose(void)
{
	double u = roll_unit() * fill.weight[fill.homes - 1];
	uint32_t i = 0;

	while (i + 1 < fill.homes && fill.weight[i] < u) i++;
	return i;
}

/* A report has 10.5 items on average. */
static void move_clock(double step_us, int64_t until_us)
{
	double gap = one_in(10) ? -log(roll_unit()) * step_us * 9.7 : roll_unit() * step_us * 0.05;

	fill.at_us += 1 + (int64_t)gap;
	if (fill.at_us > until_us) fill.at_us = until_us;
}

static void fill_all(int64_t from_us, int64_t until_us)
{
	int64_t start = bench_now();
	double step_us = (double)(until_us - from_us) / ((double)fill.mentions / 10.5);
	uint64_t done = 0, next = 0;
	char sql[128];

	fill.at_us = from_us;
	copy_begin(fill.report,
		   "COPY report (seq, received, created, publisher_id, audience_id, item_count, kind, tlp, report_id, key_id, signature, "
		   "leaf, header, held, payload) FROM STDIN (FORMAT binary)",
		   &fill.rows);
	copy_begin(fill.key, "COPY report_key (publisher_id, report_id, seq, received, header_hash) FROM STDIN (FORMAT binary)",
		   &fill.keys);
	while (done < fill.mentions) {
		double items = pow(roll_unit(), -1 / 0.7);
		uint32_t n = items > REPORT_ITEMS ? REPORT_ITEMS : (uint32_t)items, a = (uint32_t)(roll() % 10);

		fill.seq++;
		move_clock(step_us, until_us);
		put_rows(choose(), &fill.audience[a < fill.audiences ? a : 0], n);
		done += n;
		if (done < next) continue;
		tell(done, start);
		next += fill.mentions / STEPS;
	}
	copy_end(fill.report, &fill.rows);
	copy_end(fill.key, &fill.keys);
	snprintf(sql, sizeof(sql),
		 "UPDATE hub_head SET seq = %" PRIu64 ", received = (SELECT received FROM report WHERE seq = %" PRIu64 ")", fill.seq,
		 fill.seq);
	must(fill.key, sql);
	tell(done, start);
	if (isatty(STDERR_FILENO)) fputc('\n', stderr);
	printf("{\"mentions\": %" PRIu64 ", \"reports\": %" PRIu64 ", \"seconds\": %.1f}\n", done, fill.seq,
	       (double)(bench_now() - start) / 1e6);
}

static void fill_main(const char *conninfo, int argc, char **argv)
{
	char sql[128];

	fill.mentions = strtoull(argv[0], NULL, 10);
	fill.own_max = strtoull(argv[1], NULL, 10);
	fill.state = strtoull(argv[4], NULL, 10) << 40;
	fill.homes = (uint32_t)(argc - 5);
	if (!fill.mentions || !fill.own_max || !fill.homes || fill.homes > BENCH_HOMES) bench_die("history: no sizes, or no homes");
	fill.shared_scale = (double)fill.own_max / 10000; /* a larger history has more values, and not each more often */
	fill.report = connect_to(conninfo);
	fill.key = connect_to(conninfo);
	for (uint32_t i = 0; i < fill.homes; i++) {
		bench_home_open(&fill.home[i], argv[5 + i]);
		fill.member_id[i] = number(fill.key, "SELECT id FROM member WHERE name = $1", fill.home[i].self.name);
		fill.weight[i] = 1.0 / (i + 1) + (i ? fill.weight[i - 1] : 0);
	}
	fill.seq = (uint64_t)number(fill.key, "SELECT seq + length($1) * 0 FROM hub_head", "the head");
	read_audiences(fill.key);
	snprintf(sql, sizeof(sql), "SELECT partition_ensure(%" PRIu64 ")", fill.seq + fill.mentions / 10 + 1000);
	PQclear(run(fill.key, sql, PGRES_TUPLES_OK));
	wire_buf_init(&fill.rows, (size_t)64 << 20);
	wire_buf_init(&fill.keys, (size_t)64 << 20);
	wire_buf_init(&fill.items, WIRE_LIMIT_FRAME_BYTES);
	wire_buf_init(&fill.submit, WIRE_LIMIT_FRAME_BYTES * 2);
	wire_arena_init(&fill.arena, WIRE_LIMIT_DECODE_BYTES);
	fill_all(atoll(argv[2]), atoll(argv[3]));
}

/* ---- ask ---- */
static size_t read_lines(char ***out)
{
	size_t n = 0, cap = 0, size = 0;
	char **lines = NULL, *line = NULL;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		if (line[len - 1] == '\n') line[len - 1] = '\0';
		if (n == cap) {
			cap = cap ? cap * 2 : 256;
			lines = realloc(lines, cap * sizeof(*lines));
			if (!lines) bench_die("out of memory");
		}
		lines[n] = strdup(line);
		if (!lines[n++]) bench_die("out of memory");
	}
	free(line);
	*out = lines;
	return n;
}

/* us of one execution with the parameters of a line. */
static int64_t ask(PGconn *conn, const char *line)
{
	const char *param[16];
	int params = 0;
	char *copy = strdup(line), *at = copy;
	int64_t start;
	PGresult *res;

	while (at && *at && params < 16) param[params++] = strsep(&at, "\t");
	start = bench_now();
	res = PQexecPrepared(conn, "a", params, param, NULL, NULL, 1);
	start = bench_now() - start;
	if (PQresultStatus(res) != PGRES_TUPLES_OK) bench_die("PostgreSQL: %s", PQerrorMessage(conn));
	PQclear(res);
	free(copy);
	return start;
}

static void ask_main(const char *conninfo, int64_t seconds)
{
	PGconn *conn = connect_to(conninfo);
	char **lines;
	size_t n = read_lines(&lines), warm = 1, count = 0;
	int64_t until = bench_now() + seconds * 1000000;

	if (n < 2) bench_die("history: a statement and its parameters, a line each");
	must(conn, "SET max_parallel_workers_per_gather = 0");
	PQclear(PQprepare(conn, "a", lines[0], 0, NULL));
	while (warm < n && bench_now() < until) ask(conn, lines[warm++]);
	warm -= warm > 1;
	until = bench_now() + seconds * 1000000;
	printf("[");
	do printf("%s%" PRId64, count ? "," : "", ask(conn, lines[1 + count % warm]));
	while (++count < ASK_MAX && bench_now() < until);
	printf("]\n");
	PQfinish(conn);
}

int main(int argc, char **argv)
{
	bench_start();
	if (argc >= 9 && !strcmp(argv[2], "fill")) fill_main(argv[1], argc - 3, argv + 3);
	else if (argc == 4 && !strcmp(argv[2], "ask")) ask_main(argv[1], atoll(argv[3]));
	else bench_die("history: CONNINFO fill MENTIONS OF FROM_US UNTIL_US SEED HOME... | CONNINFO ask SECONDS");
	return 0;
}
