/*
 * What the files of the gateway share. Three kinds of threads, values between them:
 *
 *   gate     (main) accepts, speaks TLS, checks each head byte by byte, keeps deadlines; passes plain bytes on through a socket pair
 *   server   libmicrohttpd's one: parses what the gate let through, finds the route, suspends the request, later sends the answer
 *   worker   one of some: has a connection to the hub, asks it in the caller's name, makes the answer
 */
#ifndef ISAC_GATEWAY_PRIV_H
#define ISAC_GATEWAY_PRIV_H

#include <jansson.h>
#include <netinet/in.h>
#include "base/base.h"
#include "gateway/gateway.h"
#include "isac.h"

enum gateway_limit {
#define LIMIT(NAME, value, unit, reason) GATEWAY_##NAME = (value),
#include "gateway/limits.def"
#undef LIMIT
};

/* ---- options.c ---- */
struct gateway_conf {
	const char *hub, *data;
	const char *listen, *local; /* HOST:PORT; local: for health and metrics; NULL = none */
	unsigned workers;
	int64_t refresh_ms; /* a feed is made anew at most so often */
};
/* 0: go on; else *status is the exit status, and all is said. */
int gateway_options_read(struct gateway_conf *out, int argc, char **argv, int *status);
void gateway_note(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* "isac-gateway: ..." on stderr */

/* ---- head.c: a request's head, before anybody parses it. Pure. ---- */
enum gateway_fault {
	GATEWAY_OK = 0,
#define FAULT(NAME, code, text) GATEWAY_FAULT_##NAME,
#include "gateway/faults.def"
#undef FAULT
	GATEWAY_FAULTS
};
struct gateway_fault_row {
	unsigned code;
	const char *text;
};
const struct gateway_fault_row *gateway_fault_row(enum gateway_fault fault);
/* How long the head is, with its empty line; 0: more bytes are needed. A fault in what is there is told as soon as it can be seen. */
size_t gateway_head_end(const char *data, size_t len, enum gateway_fault *fault);
/* A whole head. *body: how many bytes follow. */
enum gateway_fault gateway_head_check(const char *data, size_t len, uint64_t *body);

/* ---- metrics.c: atomic, of the process ---- */
enum gateway_metric {
#define METRIC(name, kind, text) GATEWAY_METRIC_##name,
#include "gateway/metrics.def"
#undef METRIC
	GATEWAY_METRICS
};
void gateway_metric_add(enum gateway_metric m, int64_t n);
void gateway_metrics_print(FILE *out); /* Prometheus' text form */

/* ---- cert.c ---- */
struct gateway_cert; /* credentials and priorities for GnuTLS */
/* DIR/tls/cert.pem and key.pem; made, for these names, if there is neither. False after a note. */
bool gateway_cert_open(struct gateway_cert **out, const char *listen);
void gateway_cert_close(struct gateway_cert **cert);
void *gateway_cert_session(const struct gateway_cert *cert, int fd); /* gnutls_session_t; NULL: no memory */

/* ---- gate.c, conn.c ---- */
struct gateway_gate;
struct gateway_server;
bool gateway_gate_open(struct gateway_gate **out, const char *listen, const struct gateway_cert *cert, struct gateway_server *server);
void gateway_gate_close(struct gateway_gate **gate);
/* "HOST:PORT" as bound. */
const char *gateway_gate_address(const struct gateway_gate *gate);
/* Serves until SIGTERM or SIGINT. */
void gateway_gate_run(struct gateway_gate *gate, int signals);
int gateway_listen(const char *address, char bound[64]); /* a listening socket; -1 after a note */

struct gateway_conn;
/* Takes fd. server_fd: the other end, for the server. NULL: no memory. */
struct gateway_conn *gateway_conn_new(int fd, const struct sockaddr_storage *from, const struct gateway_cert *cert, int *server_fd,
				      int64_t now_ms);
void gateway_conn_free(struct gateway_conn *c);
struct gateway_want {
	int fd, pair;
	bool fd_in, fd_out, pair_in, pair_out;
	int64_t deadline_ms;
};
/* Moves what can be moved; false: it is over. want: for what to wait. */
bool gateway_conn_turn(struct gateway_conn *c, int64_t now_ms, struct gateway_want *want);
const struct sockaddr_storage *gateway_conn_from(const struct gateway_conn *c);

/* ---- routes.def, route.c ---- */
struct gateway_call;
enum gateway_listener { GATEWAY_PUBLIC, GATEWAY_LOCAL };
enum gateway_where { GATEWAY_HERE, GATEWAY_WORKER, GATEWAY_STICKY };
enum gateway_login { GATEWAY_ANYBODY, GATEWAY_TOKEN, GATEWAY_PATH_TOKEN };
struct gateway_route {
	enum gateway_listener listener;
	const char *method, *path; /* {name}: one segment, or what is left of one */
	enum gateway_login login;
	enum gateway_where where;
	void (*fn)(struct gateway_call *call);
	const char *text;
};
enum { GATEWAY_WORDS = 3, GATEWAY_WORD_BYTES = 128 };
struct gateway_match {
	const struct gateway_route *route;	      /* NULL: none */
	bool path_known;			      /* but with another method */
	char allow[64];				      /* which */
	char word[GATEWAY_WORDS][GATEWAY_WORD_BYTES]; /* what stands for {...}, in order, percent-decoded */
};
void gateway_route_find(struct gateway_match *out, enum gateway_listener listener, const char *method, const char *path);
const struct gateway_route *gateway_route_row(unsigned number); /* 0.. ; NULL after the last */

/* ---- server.c ---- */
struct gateway_pool;
bool gateway_server_open(struct gateway_server **out, struct gateway_pool *pool, int local_fd);
void gateway_server_close(struct gateway_server **s);						/* waits for requests under way */
bool gateway_server_add(struct gateway_server *s, int fd, const struct sockaddr_storage *from); /* takes fd */
/* Any thread: the answer of this call is whole. */
void gateway_server_resume(struct gateway_call *call);
const char *gateway_call_header(const struct gateway_call *call, const char *name); /* NULL */
const char *gateway_call_arg(const struct gateway_call *call, const char *name);    /* of the query; NULL */

/* ---- what an endpoint gets, and fills ---- */
struct gateway_answer {
	unsigned code;
	const char *type; /* content type, static */
	char *body;	  /* malloc; NULL = none */
	size_t len;
	bool gzip;		     /* body is compressed */
	char etag[72], modified[40]; /* "" = none */
	unsigned retry_after_s;
	bool challenge; /* 401: say how to log in */
	bool cacheable; /* by the caller, who asks again */
};
struct gateway_call {
	void *connection; /* libmicrohttpd's */
	struct gateway_server *server;
	char id[17];
	struct gateway_match match;
	char from[48];
	char method[16];
	char *upload;
	size_t upload_len;
	bool upload_over;
	unsigned hash; /* of the path, for the choice of a worker */
	bool waiting, answered;
	int64_t begun_us;
	struct gateway_answer answer;
	struct gateway_stream *stream; /* the answer goes on; of the one who has the call */
	/* while a worker has it */
	struct gateway_worker *worker;
};

/* ---- reply.c ---- */
void gateway_reply(struct gateway_call *call, unsigned code, const char *type, char *body /* taken */, size_t len);
void gateway_reply_json(struct gateway_call *call, unsigned code, json_t *object /* taken */);
/* An error for people and programs: title, detail, http_status, error_id. */
void gateway_reply_error(struct gateway_call *call, unsigned code, const char *detail);
/* From what the hub, or the way to it, said. */
void gateway_reply_failure(struct gateway_call *call, enum isac_result result, const struct isac_error *err);
/* A tag, and since when; true: the caller has that state already, and the answer is 304. */
bool gateway_reply_has(struct gateway_call *call, const char *etag, int64_t modified_us);
/* 200 with such a state, compressed if the caller likes. */
void gateway_reply_state(struct gateway_call *call, const char *type, char *body /* taken */, size_t len, const char *etag,
			 int64_t modified_us);
const char *gateway_reply_reason(unsigned code);

/* ---- auth.c ---- */
/* The token that the caller presents, from the head or the path; false after an answer. member: "" if it named none. */
bool gateway_auth_token(struct gateway_call *call, char token[ISAC_TOKEN_TEXT], char member[ISAC_NAME_BYTES + 1]);
/* The hub is asked in the caller's name from now on. False after an answer. */
bool gateway_auth_begin(struct gateway_call *call);
void gateway_auth_end(struct gateway_call *call);
/* Addresses that present no good tokens. One thread. */
struct gateway_failures;
struct gateway_failures *gateway_failures_new(void);
void gateway_failures_free(struct gateway_failures *f);
void gateway_failures_note(struct gateway_failures *f, const char *from, int64_t now_ms);
unsigned gateway_failures_wait_s(const struct gateway_failures *f, const char *from, int64_t now_ms); /* 0 = it may ask */

/* ---- worker.c ---- */
struct gateway_worker {
	struct gateway_pool *pool;
	struct base_actor *actor;
	struct base_mailbox *box;
	struct isac *isac;
	struct gateway_cache *cache;
	struct gateway_call *streams[GATEWAY_STREAMS]; /* that wait for something to say */
	size_t streams_n;
	int64_t looked_ms;
};
bool gateway_pool_open(struct gateway_pool **out, const struct gateway_conf *conf);
void gateway_pool_halt(struct gateway_pool *pool); /* takes no more; what it has is answered. The server may still ask */
void gateway_pool_close(struct gateway_pool **pool);
bool gateway_pool_give(struct gateway_pool *pool, struct gateway_call *call); /* false: all have enough */
const struct gateway_conf *gateway_pool_conf(const struct gateway_pool *pool);

/* ---- feeds.def, file.c: the forms of a feed ---- */
struct gateway_file {
	const char *suffix, *type; /* ".nft", content type */
	const char *format, *part; /* a row of clients/format, a file of it */
	bool timed;		   /* it says how long something is to stay, so its bytes change with the clock */
	const char *text;
};
/* "c2.nft" or, of Suricata, the name of a part: the row, and where the suffix begins; NULL. */
const struct gateway_file *gateway_file_find(const char *name, size_t *stem);
const struct gateway_file *gateway_file_part(const char *format, const char *part);
const struct gateway_file *gateway_file_row(unsigned number); /* 0.. ; NULL after the last */

/* ---- cache.c: what feeds are made of; a worker's own ---- */
struct gateway_cache;
struct gateway_cache *gateway_cache_new(int64_t refresh_ms);
void gateway_cache_free(struct gateway_cache *cache);
struct gateway_feed; /* a collection as one reader sees it */
/* As the hub has it now, which is asked at each call whether the caller may. NULL after an answer. */
struct gateway_feed *gateway_cache_find(struct gateway_call *call, const char *collection, unsigned tlp_max);
/* What the file says now: its tag, and since when. false: no memory. */
bool gateway_cache_state(struct gateway_feed *feed, const struct gateway_file *file, char etag[72], int64_t *modified_us);
/* The file itself; *body from malloc. After gateway_cache_state. */
bool gateway_cache_write(struct gateway_feed *feed, const struct gateway_file *file, char **body, size_t *len);

/* ---- stream.c ---- */
/* Worker: what there is to be said now. false: nothing, keep it. */
bool gateway_stream_fill(struct gateway_call *call, struct isac *isac);
bool gateway_stream_is_behind(const struct gateway_call *call); /* there is more at once */
bool gateway_stream_is_away(const struct gateway_call *call);	/* the hub did not answer */
void gateway_stream_end(struct gateway_call *call);
/* Server: some of it; 0: all was read, a worker is to look for more; -1: that was all. */
ssize_t gateway_stream_read(struct gateway_call *call, char *to, size_t max);
void gateway_stream_free(struct gateway_call *call);

/* ---- endpoints ---- */
#define ROUTE(listener, method, path, login, where, fn, text) void fn(struct gateway_call *call);
#include "gateway/routes.def"
#undef ROUTE

#endif
