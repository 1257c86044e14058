/*
 * One connection to PostgreSQL, asynchronous libpq only.
 *
 * PQexec and its kin wait for ever when a backend is stopped (THREATS.md finding 9), so every wait here is a poll with
 * our own deadline; when it passes, the connection is closed and the outcome is unknown: DB_BROKEN. A statement counts as
 * done only when the server said it is ready again: under the extended protocol the commit comes after the rows.
 * Does not retry anything: who runs a transaction knows whether it may run twice.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "store/priv.h"

enum { PREPARED_MAX = 48, ARGS_MAX = 65535 /* the protocol's */, COPY_PIECE = 1 << 18 };

struct store_pg {
	struct store_pg_conf conf;
	char *conninfo;
	PGconn *conn;
	int64_t until_us; /* monotonic; end of the statement that runs */
	int64_t limit_us; /* what the caller allows for all of them; 0: no more than that */
	const struct store_stmt *prepared[PREPARED_MAX];
	unsigned prepared_n;
	bool in_setup, in_transaction;
	const char **value; /* libpq's three arrays of parameters */
	int *len, *format, args_cap;
	char error[200];
};

/* Beginnings of SQLSTATE and what they mean to a caller; the first that fits. */
static const struct {
	const char *state;
	enum isac_err err;
} STATES[] = {
	{"23505", ISAC_ERR_CONFLICT},				 /* unique_violation */
	{"53100", ISAC_ERR_FULL},				 /* disk_full */
	{"22", ISAC_ERR_BAD_VALUE},   {"40", ISAC_ERR_DB_RETRY}, /* serialization failure, deadlock */
	{"55P03", ISAC_ERR_DB_RETRY},				 /* lock_timeout */
	{"57014", ISAC_ERR_DB_RETRY},				 /* statement_timeout */
	{"53", ISAC_ERR_DB_RETRY},				 /* memory, connections */
	{"0A000", ISAC_ERR_DB_RETRY},				 /* cached plan must not change result type */
};

static void say(struct store_pg *pg, const char *text)
{
	size_t n = 0;

	while (text[n] && text[n] != '\n' && n + 1 < sizeof(pg->error)) {
		pg->error[n] = text[n];
		n++;
	}
	pg->error[n] = 0;
}

static void swallow_notice(void *arg, const PGresult *res)
{
	(void)arg;
	base_log(BASE_LOG_DEBUG, "store.notice", "text=\"%s\"", PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY));
}

enum isac_err store_pg_new(struct store_pg **out, const struct store_pg_conf *conf)
{
	struct store_pg *pg = calloc(1, sizeof(*pg));

	if (!pg) return ISAC_ERR_NO_MEMORY;
	pg->conf = *conf;
	pg->conninfo = strdup(conf->conninfo);
	if (!pg->conninfo) {
		free(pg);
		return ISAC_ERR_NO_MEMORY;
	}
	pg->conf.conninfo = pg->conninfo;
	*out = pg;
	return ISAC_OK;
}

void store_pg_destroy(struct store_pg **pg)
{
	if (!pg || !*pg) return;
	store_pg_close(*pg);
	free((*pg)->conninfo);
	free((*pg)->value);
	free((*pg)->len);
	free((*pg)->format);
	free(*pg);
	*pg = NULL;
}

void store_pg_close(struct store_pg *pg)
{
	if (pg->conn) PQfinish(pg->conn); /* does not wait: the socket is non-blocking */
	pg->conn = NULL;
	pg->prepared_n = 0;
}

bool store_pg_is_open(const struct store_pg *pg)
{
	return pg->conn != NULL;
}

const char *store_pg_error(const struct store_pg *pg)
{
	return pg->error;
}

void store_pg_limit(struct store_pg *pg, int64_t until_us)
{
	pg->limit_us = until_us;
	if (until_us && until_us < pg->until_us) pg->until_us = until_us;
}

static enum isac_err broken(struct store_pg *pg, const char *text)
{
	say(pg, text);
	store_pg_close(pg);
	return ISAC_ERR_DB_BROKEN;
}

/* Waits for the socket, serving the actor's own descriptor meanwhile. False: the deadline passed. */
static bool wait_socket(struct store_pg *pg, short events)
{
	for (;;) {
		int aside = pg->conf.aside_fd ? pg->conf.aside_fd(pg->conf.arg) : -1;
		struct pollfd fds[2] = {{PQsocket(pg->conn), events, 0}, {aside, POLLIN, 0}};
		int64_t left_us = pg->until_us - base_clock_mono_us();
		int n;

		if (left_us <= 0) return false;
		n = poll(fds, 2, (int)(left_us / 1000 + 1));
		if (n > 0 && fds[1].revents) pg->conf.aside(pg->conf.arg);
		if (n > 0 && fds[0].revents) return true;
	}
}

static enum isac_err flush(struct store_pg *pg)
{
	int left;

	while ((left = PQflush(pg->conn)) == 1) {
		if (!wait_socket(pg, POLLIN | POLLOUT)) return broken(pg, "the server does not take data: deadline passed");
		if (!PQconsumeInput(pg->conn)) return broken(pg, PQerrorMessage(pg->conn));
	}
	return left == 0 ? ISAC_OK : broken(pg, PQerrorMessage(pg->conn));
}

/* The next result, or NULL in *res when the server is ready for the next statement. */
static enum isac_err next_result(struct store_pg *pg, PGresult **res)
{
	while (PQisBusy(pg->conn)) {
		if (!wait_socket(pg, POLLIN)) return broken(pg, "no answer from the server: deadline passed");
		if (!PQconsumeInput(pg->conn)) return broken(pg, PQerrorMessage(pg->conn));
	}
	*res = PQgetResult(pg->conn);
	return ISAC_OK;
}

static enum isac_err classify(struct store_pg *pg, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	say(pg, PQresultErrorMessage(res));
	for (size_t i = 0; state && i < sizeof(STATES) / sizeof(*STATES); i++)
		if (!strncmp(state, STATES[i].state, strlen(STATES[i].state))) return STATES[i].err;
	base_log_limited(5, BASE_LOG_ERROR, "store.database", "state=%s text=\"%s\"", state ? state : "-", pg->error);
	return ISAC_ERR_DB_BROKEN;
}

static void begin_statement(struct store_pg *pg)
{
	pg->until_us = base_clock_mono_us() + pg->conf.deadline_ms * 1000;
	if (pg->limit_us && pg->limit_us < pg->until_us) pg->until_us = pg->limit_us;
}

/* Reads until ready; keeps the last result with rows in *keep. */
static enum isac_err drain(struct store_pg *pg, PGresult **keep)
{
	enum isac_err err = ISAC_OK, got;
	PGresult *res;

	for (;;) {
		got = next_result(pg, &res);
		if (got) {
			if (keep) {
				PQclear(*keep);
				*keep = NULL;
			}
			return got;
		}
		if (!res) break;
		switch (PQresultStatus(res)) {
		case PGRES_TUPLES_OK:
		case PGRES_COMMAND_OK:
			if (!err && PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 0) err = ISAC_ERR_NOT_FOUND;
			if (keep) {
				PQclear(*keep);
				*keep = res;
				res = NULL;
			}
			break;
		default:
			err = classify(pg, res);
		}
		PQclear(res);
	}
	if (PQstatus(pg->conn) == CONNECTION_BAD) err = ISAC_ERR_DB_BROKEN;
	if (err == ISAC_ERR_DB_BROKEN) store_pg_close(pg);
	if (err && err != ISAC_ERR_NOT_FOUND && keep) {
		PQclear(*keep);
		*keep = NULL;
	}
	return err;
}

static bool make_room(struct store_pg *pg, int n)
{
	int cap = n * 2 + 32;
	const char **value;
	int *len, *format;

	if (n < pg->args_cap) return true;
	value = realloc(pg->value, (size_t)cap * sizeof(*value));
	pg->value = value ? value : pg->value;
	len = realloc(pg->len, (size_t)cap * sizeof(*len));
	pg->len = len ? len : pg->len;
	format = realloc(pg->format, (size_t)cap * sizeof(*format));
	pg->format = format ? format : pg->format;
	if (!value || !len || !format) return false;
	pg->args_cap = cap;
	return true;
}

/* Fields to libpq's three arrays. */
static enum isac_err spread(struct store_pg *pg, const struct wire_buf *args, int *count)
{
	const uint8_t *at = args ? args->data : NULL, *end = args && args->len ? args->data + args->len : at;
	int n = 0;

	while (at < end) {
		uint32_t bytes = wire_get_u32(at);
		bool is_null = bytes == UINT32_MAX;

		if (n == ARGS_MAX) return ISAC_ERR_TOO_LARGE;
		if (!make_room(pg, n)) return ISAC_ERR_NO_MEMORY;
		at += 4;
		pg->value[n] = is_null ? NULL : (const char *)at;
		pg->len[n] = is_null ? 0 : (int)bytes;
		pg->format[n] = 1;
		at += pg->len[n++];
	}
	*count = n;
	return ISAC_OK;
}

static enum isac_err prepare(struct store_pg *pg, const struct store_stmt *stmt)
{
	enum isac_err err;

	for (unsigned i = 0; i < pg->prepared_n; i++)
		if (pg->prepared[i] == stmt) return ISAC_OK;
	assert(pg->prepared_n < PREPARED_MAX);
	if (!PQsendPrepare(pg->conn, stmt->name, stmt->sql, 0, NULL)) return broken(pg, PQerrorMessage(pg->conn));
	err = flush(pg);
	if (!err) err = drain(pg, NULL);
	if (!err) pg->prepared[pg->prepared_n++] = stmt;
	return err;
}

static enum isac_err send_statement(struct store_pg *pg, const struct store_stmt *stmt, const char *sql, struct wire_buf *args)
{
	enum isac_err err;
	int n, sent;

	if (args && args->err) return ISAC_ERR_NO_MEMORY;
	if (!pg->conn && pg->in_transaction) return ISAC_ERR_DB_BROKEN; /* what went before is lost with the connection */
	if (!pg->in_setup) {
		err = store_pg_connect(pg);
		if (err) return err;
	}
	begin_statement(pg);
	if (stmt) {
		err = prepare(pg, stmt);
		if (err) return err;
	}
	err = spread(pg, args, &n);
	if (err) return err;
	sent = stmt ? PQsendQueryPrepared(pg->conn, stmt->name, n, pg->value, pg->len, pg->format, 1)
		    : PQsendQueryParams(pg->conn, sql, n, NULL, pg->value, pg->len, pg->format, 1);
	return sent ? ISAC_OK : broken(pg, PQerrorMessage(pg->conn));
}

static enum isac_err run(struct store_pg *pg, const struct store_stmt *stmt, const char *sql, struct wire_buf *args, PGresult **res,
			 const struct store_meanwhile *meanwhile)
{
	PGresult *kept = NULL;
	enum isac_err err = send_statement(pg, stmt, sql, args);

	if (!err) err = flush(pg);
	if (!err && meanwhile) meanwhile->fn(meanwhile->arg);
	if (!err) err = drain(pg, &kept);
	if (res) *res = kept;
	else PQclear(kept);
	return err;
}

enum isac_err store_pg_run(struct store_pg *pg, const struct store_stmt *stmt, struct wire_buf *args, PGresult **res)
{
	return run(pg, stmt, NULL, args, res, NULL);
}

enum isac_err store_pg_run_meanwhile(struct store_pg *pg, const struct store_stmt *stmt, struct wire_buf *args, PGresult **res,
				     const struct store_meanwhile *meanwhile)
{
	return run(pg, stmt, NULL, args, res, meanwhile);
}

enum isac_err store_pg_send(struct store_pg *pg, const struct store_stmt *stmt, struct wire_buf *args)
{
	enum isac_err err = send_statement(pg, stmt, NULL, args);

	return err ? err : flush(pg);
}

enum isac_err store_pg_wait(struct store_pg *pg, PGresult **res)
{
	PGresult *kept = NULL;
	enum isac_err err = pg->conn ? drain(pg, &kept) : ISAC_ERR_DB_BROKEN;

	if (res) *res = kept;
	else PQclear(kept);
	return err;
}

enum isac_err store_pg_run_sql(struct store_pg *pg, const char *sql, struct wire_buf *args, PGresult **res)
{
	return run(pg, NULL, sql, args, res, NULL);
}

enum isac_err store_pg_script(struct store_pg *pg, const char *sql)
{
	enum isac_err err = store_pg_connect(pg);

	if (err) return err;
	begin_statement(pg);
	if (!PQsendQuery(pg->conn, sql)) return broken(pg, PQerrorMessage(pg->conn));
	err = flush(pg);
	if (!err) err = drain(pg, NULL);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}

enum isac_err store_pg_each(struct store_pg *pg, const struct store_stmt *stmt, struct wire_buf *args,
			    void (*row)(void *arg, const PGresult *res), void *arg)
{
	enum isac_err err = send_statement(pg, stmt, NULL, args), got;
	PGresult *res;

	if (err) return err;
	PQsetSingleRowMode(pg->conn);
	err = flush(pg);
	if (err) return err;
	for (;;) {
		got = next_result(pg, &res);
		if (got) return got;
		if (!res) break;
		if (PQresultStatus(res) == PGRES_SINGLE_TUPLE) row(arg, res);
		else if (PQresultStatus(res) != PGRES_TUPLES_OK) err = classify(pg, res);
		PQclear(res);
	}
	if (PQstatus(pg->conn) == CONNECTION_BAD) err = ISAC_ERR_DB_BROKEN;
	if (err == ISAC_ERR_DB_BROKEN) store_pg_close(pg);
	return err;
}

static enum isac_err put_copy(struct store_pg *pg, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		size_t piece = len < COPY_PIECE ? len : COPY_PIECE;
		int put = PQputCopyData(pg->conn, at, (int)piece);

		if (put < 0) return broken(pg, PQerrorMessage(pg->conn));
		if (put > 0) {
			at += piece;
			len -= piece;
		}
		if (flush(pg)) return ISAC_ERR_DB_BROKEN;
	}
	return ISAC_OK;
}

enum isac_err store_pg_copy(struct store_pg *pg, const char *sql, const struct wire_buf *rows)
{
	static const char head[19] = "PGCOPY\n\377\r\n\0", trailer[2] = "\377\377";
	enum isac_err err = rows->err ? ISAC_ERR_NO_MEMORY : store_pg_connect(pg);
	PGresult *res;
	bool in;

	if (err) return err;
	begin_statement(pg);
	if (!PQsendQuery(pg->conn, sql)) return broken(pg, PQerrorMessage(pg->conn));
	if (flush(pg) || next_result(pg, &res)) return ISAC_ERR_DB_BROKEN;
	in = PQresultStatus(res) == PGRES_COPY_IN;
	err = in ? ISAC_OK : classify(pg, res);
	PQclear(res);
	if (in) {
		if (put_copy(pg, head, sizeof(head)) || put_copy(pg, rows->data, rows->len) || put_copy(pg, trailer, 2))
			return ISAC_ERR_DB_BROKEN;
		if (PQputCopyEnd(pg->conn, NULL) < 0 || flush(pg)) return broken(pg, "COPY cannot be ended");
	}
	if (pg->conn) {
		enum isac_err end = drain(pg, NULL);

		err = err ? err : end;
	}
	return err;
}

enum isac_err store_pg_begin(struct store_pg *pg)
{
	static const struct store_stmt stmt = {"begin", "BEGIN"};

	enum isac_err err = store_pg_run(pg, &stmt, NULL, NULL);

	pg->in_transaction = !err;
	return err;
}

enum isac_err store_pg_commit(struct store_pg *pg)
{
	static const struct store_stmt stmt = {"commit", "COMMIT"};

	if (!pg->conn || PQtransactionStatus(pg->conn) != PQTRANS_INTRANS) {
		store_pg_rollback(pg); /* COMMIT of a failed transaction would say ROLLBACK, and succeed */
		return ISAC_ERR_DB_BROKEN;
	}
	pg->in_transaction = false;
	return store_pg_run(pg, &stmt, NULL, NULL);
}

void store_pg_rollback(struct store_pg *pg)
{
	static const struct store_stmt stmt = {"rollback", "ROLLBACK"};

	pg->in_transaction = false;
	if (pg->conn && PQtransactionStatus(pg->conn) != PQTRANS_IDLE && store_pg_run(pg, &stmt, NULL, NULL)) store_pg_close(pg);
}

static enum isac_err connect_socket(struct store_pg *pg)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	pg->conn = PQconnectStart(pg->conninfo);
	if (!pg->conn) return ISAC_ERR_NO_MEMORY;
	if (PQstatus(pg->conn) == CONNECTION_BAD) return broken(pg, PQerrorMessage(pg->conn));
	PQsetNoticeReceiver(pg->conn, swallow_notice, NULL);
	begin_statement(pg);
	while (state != PGRES_POLLING_OK) {
		if (state == PGRES_POLLING_FAILED) return broken(pg, PQerrorMessage(pg->conn));
		if (!wait_socket(pg, state == PGRES_POLLING_READING ? POLLIN : POLLOUT))
			return broken(pg, "no answer to the connection request: deadline passed");
		state = PQconnectPoll(pg->conn);
	}
	if (PQsetnonblocking(pg->conn, 1)) return broken(pg, PQerrorMessage(pg->conn));
	return ISAC_OK;
}

/* Settings of the session, ours and the caller's, in one round trip. */
static enum isac_err set_up(struct store_pg *pg)
{
	struct wire_buf sql, args;
	char ms[24];
	const char *common[] = {
		"search_path",
		"isac, pg_temp",
		"timezone",
		"UTC",
		"application_name",
		pg->conf.name,
		"statement_timeout",
		ms,
		"lock_timeout",
		"1000",
		"idle_in_transaction_session_timeout",
		"30000",
		"client_connection_check_interval",
		"1000",
		/* A plan that had to use what enable_* forbids looks dear enough to be compiled: 150 ms for each statement. */
		"jit",
		"off",
		/* Starting a second process takes longer than nearly all of our questions, and the processors are wanted elsewhere. */
		"max_parallel_workers_per_gather",
		"0",
		NULL,
	};
	const char *const *lists[] = {common, pg->conf.settings ? pg->conf.settings : &common[sizeof(common) / sizeof(*common) - 1]};
	unsigned n = 0;
	enum isac_err err;

	snprintf(ms, sizeof(ms), "%lld", (long long)pg->conf.deadline_ms);
	wire_buf_init(&sql, 8192);
	wire_buf_init(&args, 8192);
	wire_buf_printf(&sql, "SELECT ");
	for (unsigned l = 0; l < 2; l++) {
		for (const char *const *s = lists[l]; *s; s += 2, n += 2) {
			wire_buf_printf(&sql, "set_config($%u, $%u, false), ", n + 1, n + 2);
			store_field_text(&args, s[0]);
			store_field_text(&args, s[1]);
		}
	}
	if (pg->conf.owner) wire_buf_printf(&sql, "1");
	else
		wire_buf_printf(&sql, "set_config('role', CASE WHEN pg_has_role(session_user, 'isac_core', 'MEMBER') "
				      "THEN 'isac_core' ELSE 'none' END, false)");
	wire_buf_add(&sql, "", 1);
	err = sql.err ? sql.err : run(pg, NULL, (const char *)sql.data, &args, NULL, NULL);
	wire_buf_clear(&sql);
	wire_buf_clear(&args);
	return err;
}

enum isac_err store_pg_connect(struct store_pg *pg)
{
	enum isac_err err;

	if (pg->conn) return ISAC_OK;
	err = connect_socket(pg);
	if (err) return err;
	pg->in_setup = true;
	err = set_up(pg);
	if (!err && pg->conf.connected) err = pg->conf.connected(pg, pg->conf.arg);
	pg->in_setup = false;
	if (err) store_pg_close(pg);
	return err;
}
