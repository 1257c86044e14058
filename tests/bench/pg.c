/*
 * Yardsticks inside PostgreSQL, in a table of the hub's own cluster made by run.py: bench.ind, one row an indicator, with the
 * columns and indexes that the hub keeps.
 *   pg CONNINFO copy ROWS BATCH FIRST    binary COPY FROM STDIN, a transaction a batch, rows encoded beforehand
 *   pg CONNINFO insert COMMITS FIRST [RATE]  a prepared one-row INSERT, committed, one after the other, or so many a second: the
 *                                            latency of a commit, on a machine that is busy with it or that sleeps in between
 *   pg CONNINFO out ROWS                 binary COPY TO STDOUT of the first ROWS rows, into nothing
 * Says "ready", waits for a line, prints one JSON object.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include "bench.h"

enum { COLUMNS = 18, PER_REPORT = 100 };
/* Microseconds from 1970 to PostgreSQL's 2000-01-01. */
static const int64_t PG_EPOCH_US = 946684800000000;

static const char INSERT[] =
	"INSERT INTO bench.ind VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

/* A row's fields as COPY and binary parameters take them: offset and length of each, -1 = null. */
struct row {
	struct wire_buf *out;
	const char *at[COLUMNS];
	int len[COLUMNS];
	size_t from[COLUMNS];
	int n;
};

static void put(struct row *r, const void *data, int len)
{
	wire_buf_u32(r->out, (uint32_t)len);
	r->from[r->n] = r->out->len;
	r->len[r->n++] = len;
	if (len > 0) wire_buf_add(r->out, data, (size_t)len);
}

static void put_int(struct row *r, uint64_t v, int len)
{
	uint8_t be[8];

	wire_put_u64(be, v);
	put(r, be + 8 - len, len);
}

/* evil.example as example.evil. */
static void put_reversed(struct row *r, const char *domain)
{
	char out[100];
	const char *dot = strchr(domain, '.');

	put(r, out, snprintf(out, sizeof(out), "%s.%.*s.", dot + 1, (int)(dot - domain), domain));
}

static void put_address(struct row *r, const char *text)
{
	uint8_t inet[8] = {2, 32, 0, 4};

	if (inet_pton(AF_INET, text, inet + 4) != 1) bench_die("%s is no address", text);
	put(r, inet, sizeof(inet));
}

static void put_tags(struct row *r)
{
	struct wire_buf array;

	wire_buf_init(&array, 256);
	wire_buf_u32(&array, 1); /* one dimension, no nulls, of text, one element from 1 */
	wire_buf_u32(&array, 0);
	wire_buf_u32(&array, 25);
	wire_buf_u32(&array, 1);
	wire_buf_u32(&array, 1);
	wire_buf_u32(&array, 6);
	wire_buf_add(&array, "botnet", 6);
	put(r, array.data, (int)array.len);
	wire_buf_clear(&array);
}

/* seq, item, key, publisher, type, value, addr, rdom, confidence, severity, held, tags, raw, four times, asn */
static void put_row(struct row *r, uint64_t n)
{
	struct bench_value v;
	uint8_t key[WIRE_VALUE_KEY];
	int64_t now = bench_us(CLOCK_REALTIME) - PG_EPOCH_US;

	bench_value(&v, n);
	wire_value_key(key, v.type, v.text, strlen(v.text));
	r->n = 0;
	put_int(r, n / PER_REPORT, 8);
	put_int(r, n % PER_REPORT, 2);
	put(r, key, sizeof(key));
	put_int(r, 1, 4);
	put_int(r, v.type, 2);
	put(r, v.text, (int)strlen(v.text));
	if (v.type == WIRE_VALUE_IPV4) put_address(r, v.text);
	else put(r, NULL, -1);
	if (v.type == WIRE_VALUE_DOMAIN) put_reversed(r, v.text);
	else put(r, NULL, -1);
	put_int(r, BENCH_CONFIDENCE, 2);
	put(r, NULL, -1);
	put_int(r, 0, 1);
	put_tags(r);
	put(r, NULL, -1);
	put_int(r, (uint64_t)(now - 3600000000), 8);
	put_int(r, (uint64_t)now, 8);
	put(r, NULL, -1);
	put(r, NULL, -1);
	put(r, NULL, -1);
}

static void must(PGconn *conn, PGresult *res, ExecStatusType wanted)
{
	if (PQresultStatus(res) != wanted) bench_die("PostgreSQL: %s", PQerrorMessage(conn));
	PQclear(res);
}

static PGresult *run(PGconn *conn, const char *sql)
{
	if (!PQsendQuery(conn, sql)) bench_die("PostgreSQL: %s", PQerrorMessage(conn));
	return PQgetResult(conn);
}

static void finish(PGconn *conn)
{
	PGresult *res;

	while ((res = PQgetResult(conn))) must(conn, res, PGRES_COMMAND_OK);
}

static void print_rate(const char *name, uint64_t n, int64_t start)
{
	double seconds = (double)(bench_now() - start) / 1e6;

	printf("{\"%s\": %" PRIu64 ", \"seconds\": %.6f, \"rate\": %.1f}\n", name, n, seconds, (double)n / seconds);
}

static void copy_in(PGconn *conn, uint64_t rows, uint64_t batch, uint64_t first)
{
	static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* the terminator is its last byte */
	struct wire_buf out;
	size_t *end = bench_alloc(rows / batch + 1, sizeof(*end)), n = 0;
	int64_t start;

	wire_buf_init(&out, (size_t)4 << 30);
	for (uint64_t i = 0; i < rows; i++) {
		struct row r = {.out = &out};

		if (i % batch == 0) wire_buf_add(&out, head, sizeof(head));
		wire_buf_u16(&out, COLUMNS);
		put_row(&r, first + i);
		if ((i + 1) % batch == 0 || i + 1 == rows) {
			wire_buf_u16(&out, 0xffff);
			end[n++] = out.len;
		}
	}
	bench_ready();
	start = bench_now();
	for (size_t i = 0, from = 0; i < n; from = end[i++]) {
		must(conn, run(conn, "COPY bench.ind FROM STDIN (FORMAT binary)"), PGRES_COPY_IN);
		if (PQputCopyData(conn, (char *)out.data + from, (int)(end[i] - from)) != 1 || PQputCopyEnd(conn, NULL) != 1)
			bench_die("PostgreSQL: %s", PQerrorMessage(conn));
		finish(conn);
	}
	print_rate("rows", rows, start);
}

static void wait_until(int64_t at)
{
	struct timespec t = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)) {
	}
}

static void insert(PGconn *conn, uint64_t commits, uint64_t first, uint64_t rate)
{
	int formats[COLUMNS];
	int64_t *took = bench_alloc(commits, sizeof(*took)), start, before;
	struct wire_buf out;

	wire_buf_init(&out, 1 << 16);
	for (int i = 0; i < COLUMNS; i++) formats[i] = 1;
	if (!PQsendPrepare(conn, "i", INSERT, 0, NULL)) bench_die("PostgreSQL: %s", PQerrorMessage(conn));
	finish(conn);
	bench_ready();
	start = bench_now();
	for (uint64_t i = 0; i < commits; i++) {
		struct row r = {.out = &out};

		wire_buf_reset(&out);
		put_row(&r, first + i);
		for (int c = 0; c < COLUMNS; c++) r.at[c] = r.len[c] < 0 ? NULL : (const char *)out.data + r.from[c];
		if (rate) wait_until(start + (int64_t)(i * 1000000 / rate));
		before = bench_now();
		if (!PQsendQueryPrepared(conn, "i", COLUMNS, r.at, r.len, formats, 1)) bench_die("PostgreSQL: %s", PQerrorMessage(conn));
		finish(conn);
		took[i] = bench_now() - before;
	}
	before = bench_now();
	bench_sort(took, commits);
	printf("{\"rate\": %.1f, \"p50_us\": %" PRId64 ", \"p99_us\": %" PRId64 "}\n", (double)commits * 1e6 / (double)(before - start),
	       bench_percentile(took, commits, 50), bench_percentile(took, commits, 99));
}

static void copy_out(PGconn *conn, uint64_t rows)
{
	char sql[200], *data;
	uint64_t chunks = 0;
	int64_t start;
	int len;

	snprintf(sql, sizeof(sql),
		 "COPY (SELECT * FROM bench.ind WHERE seq >= 0 ORDER BY seq, item LIMIT %" PRIu64 ") TO STDOUT (FORMAT binary)", rows);
	bench_ready();
	start = bench_now();
	must(conn, run(conn, sql), PGRES_COPY_OUT);
	while ((len = PQgetCopyData(conn, &data, 0)) > 0) {
		PQfreemem(data);
		chunks++;
	}
	finish(conn);
	if (chunks != rows + 1) bench_die("%" PRIu64 " rows came, %" PRIu64 " were asked for", chunks - 1, rows); /* the trailer is one */
	print_rate("rows", rows, start);
}

int main(int argc, char **argv)
{
	uint64_t n[3] = {0};
	PGconn *conn;

	bench_start();
	for (int i = 3; i < argc && i < 6; i++) n[i - 3] = strtoull(argv[i], NULL, 10);
	conn = argc >= 4 ? PQconnectdb(argv[1]) : NULL;
	if (!conn || PQstatus(conn) != CONNECTION_OK || !n[0])
		bench_die("pg: %s", conn ? PQerrorMessage(conn) : "usage: pg CONNINFO copy|insert|out N ...");
	if (strcmp(argv[2], "copy") == 0 && n[1]) copy_in(conn, n[0], n[1], n[2]);
	else if (strcmp(argv[2], "insert") == 0) insert(conn, n[0], n[1], n[2]);
	else if (strcmp(argv[2], "out") == 0) copy_out(conn, n[0]);
	else bench_die("pg: copy, insert or out");
	PQfinish(conn);
	return 0;
}
