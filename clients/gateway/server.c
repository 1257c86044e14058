/*
 * server: libmicrohttpd, and the way of a request through it. Its thread never waits for the hub: a request is suspended while a worker
 * has it. Only this file knows libmicrohttpd.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "gateway/priv.h"

enum { POOL_BYTES = 65536, LOCAL_CONNECTIONS = 32, LOCAL_TIMEOUT_S = 30, RETRY_S = 2, STREAM_BYTES = 32768 };

struct listener {
	struct gateway_server *server;
	enum gateway_listener which;
	struct MHD_Daemon *daemon;
};
struct gateway_server {
	struct gateway_pool *pool;
	struct gateway_failures *failures; /* of the public listener's thread */
	struct listener open, local;
};
/* A connection's path as it came: what the library gives is decoded once already. */
struct raw {
	char path[GATEWAY_TARGET_BYTES + 1];
};

const char *gateway_call_header(const struct gateway_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

const char *gateway_call_arg(const struct gateway_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* ---- the answer ---- */

static void count(const struct gateway_call *call)
{
	unsigned code = call->answer.code;
	gateway_metric_add(GATEWAY_METRIC_requests, 1);
	gateway_metric_add(code < 300	? GATEWAY_METRIC_answers_2xx
			   : code < 400 ? GATEWAY_METRIC_answers_3xx
			   : code < 500 ? GATEWAY_METRIC_answers_4xx
					: GATEWAY_METRIC_answers_5xx,
			   1);
	if (code == 401) gateway_metric_add(GATEWAY_METRIC_denied, 1);
	if (code == 429) gateway_metric_add(GATEWAY_METRIC_limited, 1);
}

/* The route, never the path: a path may hold a token. */
static void log_request(const struct gateway_call *call)
{
	const struct gateway_route *route = call->match.route;
	base_log(BASE_LOG_INFO, "http.request", "request=%s from=%s method=%s route=%s code=%u bytes=%zu us=%" PRId64, call->id, call->from,
		 call->method, route ? route->path : "-", call->answer.code, call->answer.len, base_clock_mono_us() - call->begun_us);
}

static void add_headers(struct MHD_Response *r, const struct gateway_call *call)
{
	const struct gateway_answer *a = &call->answer;
	char number[16];
	if (a->type) MHD_add_response_header(r, "Content-Type", a->type);
	if (*a->etag) MHD_add_response_header(r, "ETag", a->etag);
	if (*a->modified) MHD_add_response_header(r, "Last-Modified", a->modified);
	if (a->gzip) MHD_add_response_header(r, "Content-Encoding", "gzip");
	if (a->cacheable) MHD_add_response_header(r, "Vary", "Authorization, Accept-Encoding");
	MHD_add_response_header(r, "Cache-Control", a->cacheable ? "private, no-cache" : "no-store");
	MHD_add_response_header(r, "X-Request-Id", call->id);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(r, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
	if (a->challenge) {
		MHD_add_response_header(r, "WWW-Authenticate", "Basic realm=\"isac\", charset=\"UTF-8\"");
		MHD_add_response_header(r, "WWW-Authenticate", "Bearer realm=\"isac\"");
	}
	snprintf(number, sizeof number, "%u", a->retry_after_s);
	if (a->retry_after_s) MHD_add_response_header(r, "Retry-After", number);
	if (a->code == 405) MHD_add_response_header(r, "Allow", call->match.allow);
}

/* On the server's thread. A stream that has nothing to say is suspended: a worker looks for more. */
static ssize_t read_stream(void *cls, uint64_t at, char *to, size_t max)
{
	struct gateway_call *call = cls;
	ssize_t n = gateway_stream_read(call, to, max);
	(void)at;
	if (n < 0) return MHD_CONTENT_READER_END_OF_STREAM;
	if (n) return n;
	MHD_suspend_connection(call->connection);
	if (gateway_pool_give(call->server->pool, call)) return 0;
	gateway_stream_end(call);
	gateway_server_resume(call);
	return 0;
}

static struct MHD_Response *respond(struct gateway_call *call)
{
	struct gateway_answer *a = &call->answer;
	if (call->stream && a->code == 200)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BYTES, read_stream, call, NULL);
	return MHD_create_response_from_buffer(a->len, a->body, a->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result queue(struct gateway_call *call)
{
	struct gateway_answer *a = &call->answer;
	if (!a->code) gateway_reply_error(call, 500, "nothing was said");
	struct MHD_Response *r = respond(call);
	if (!r) return MHD_NO;
	a->body = NULL; /* the response has it */
	add_headers(r, call);
	count(call);
	log_request(call);
	enum MHD_Result result = MHD_queue_response(call->connection, a->code, r);
	MHD_destroy_response(r);
	return result;
}

/* ---- the request ---- */

static void print_from(char out[48], const struct sockaddr *from)
{
	*out = 0;
	if (from && from->sa_family == AF_INET) inet_ntop(AF_INET, &((const struct sockaddr_in *)from)->sin_addr, out, 48);
	if (from && from->sa_family == AF_INET6) inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)from)->sin6_addr, out, 48);
}

static unsigned hash_path(const char *path)
{
	unsigned h = 2166136261u;
	for (; *path && *path != '?'; path++) h = (h ^ (unsigned char)*path) * 16777619u;
	return h;
}

static const struct raw *raw_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static struct gateway_call *begin(struct listener *l, struct MHD_Connection *connection, const char *method)
{
	struct gateway_call *call = calloc(1, sizeof *call);
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct raw *raw = raw_of(connection);
	uint8_t id[8];
	if (!call) return NULL;
	randombytes_buf(id, sizeof id);
	wire_hex(call->id, id, sizeof id);
	call->connection = connection;
	call->server = l->server;
	call->begun_us = base_clock_mono_us();
	snprintf(call->method, sizeof call->method, "%s", method);
	print_from(call->from, info ? info->client_addr : NULL);
	if (raw) call->hash = hash_path(raw->path);
	return call;
}

/* Nothing more of the request is needed to know that it is refused. */
static bool refuse_early(struct listener *l, struct gateway_call *call, const char *path)
{
	if (l->which == GATEWAY_PUBLIC && strcmp(call->method, "REFUSED") == 0) {
		const struct gateway_fault_row *fault = gateway_fault_row((enum gateway_fault)atoi(path + 1));
		gateway_reply_error(call, fault->code, fault->text);
		return true;
	}
	gateway_route_find(&call->match, l->which, call->method, path);
	if (!call->match.route && call->match.path_known) {
		gateway_reply_error(call, 405, call->match.allow);
		return true;
	}
	if (!call->match.route) {
		gateway_reply_error(call, 404, "no such path: /openapi.json lists them");
		return true;
	}
	unsigned wait_s = call->match.route->login == GATEWAY_ANYBODY || l->which != GATEWAY_PUBLIC
				  ? 0
				  : gateway_failures_wait_s(l->server->failures, call->from, base_clock_mono_us() / 1000);
	if (!wait_s) return false;
	gateway_reply_error(call, 429, "too many requests of this address without a valid token");
	call->answer.retry_after_s = wait_s;
	return true;
}

static enum MHD_Result take_upload(struct gateway_call *call, const char *data, size_t *len)
{
	char *more = call->upload_len + *len > GATEWAY_BODY_BYTES ? NULL : realloc(call->upload, call->upload_len + *len + 1);
	if (more) {
		memcpy(more + call->upload_len, data, *len);
		call->upload = more;
		call->upload_len += *len;
		more[call->upload_len] = 0;
	} else call->upload_over = true;
	*len = 0;
	return MHD_YES;
}

static enum MHD_Result dispatch(struct gateway_call *call)
{
	if (call->upload_over) {
		gateway_reply_error(call, 413, "the body is too long");
		return queue(call);
	}
	if (call->match.route->where == GATEWAY_HERE) {
		call->match.route->fn(call);
		return queue(call);
	}
	call->waiting = true;
	MHD_suspend_connection(call->connection);
	if (gateway_pool_give(call->server->pool, call)) return MHD_YES;
	gateway_reply_error(call, 503, "too many requests are waiting");
	call->answer.retry_after_s = RETRY_S;
	gateway_server_resume(call);
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
				  const char *data, size_t *len, void **slot)
{
	struct listener *l = cls;
	struct gateway_call *call = *slot;
	(void)url, (void)version;
	if (!call) {
		const struct raw *raw = raw_of(connection);
		*slot = call = begin(l, connection, method);
		if (!call || !raw) return MHD_NO;
		return refuse_early(l, call, raw->path) ? queue(call) : MHD_YES;
	}
	if (call->waiting) {
		if (call->answer.code == 401 && l->which == GATEWAY_PUBLIC)
			gateway_failures_note(l->server->failures, call->from, base_clock_mono_us() / 1000);
		call->waiting = false;
		return queue(call);
	}
	return *len ? take_upload(call, data, len) : dispatch(call);
}

void gateway_server_resume(struct gateway_call *call)
{
	MHD_resume_connection(call->connection);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why)
{
	struct gateway_call *call = *slot;
	(void)cls, (void)connection, (void)why;
	if (!call) return;
	explicit_bzero(call->match.word, sizeof call->match.word);
	gateway_stream_free(call);
	free(call->answer.body);
	free(call->upload);
	free(call);
	*slot = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what)
{
	(void)cls, (void)connection;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) *context = calloc(1, sizeof(struct raw));
	else if (*context) {
		explicit_bzero(*context, sizeof(struct raw));
		free(*context);
		*context = NULL;
	}
}

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct raw *raw = (struct raw *)(uintptr_t)raw_of(connection);
	(void)cls;
	if (raw) snprintf(raw->path, sizeof raw->path, "%.*s", (int)strcspn(uri, "?"), uri);
	return NULL;
}

/* What it has to say names sockets and system calls; nothing that a caller sends is in it that we would log. */
static __attribute__((format(printf, 2, 0))) void on_trouble(void *cls, const char *fmt, va_list ap)
{
	char text[256];
	(void)cls;
	vsnprintf(text, sizeof text, fmt, ap);
	text[strcspn(text, "\n")] = 0;
	base_log_limited(1, BASE_LOG_DEBUG, "http.library", "text=\"%s\"", text);
}

static bool start(struct listener *l, struct gateway_server *s, enum gateway_listener which, int fd)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_ITC;
	l->server = s;
	l->which = which;
	struct MHD_OptionItem socket_option[] = {{MHD_OPTION_LISTEN_SOCKET, fd, NULL}, {MHD_OPTION_END, 0, NULL}};
	if (fd < 0) {
		flags |= MHD_USE_NO_LISTEN_SOCKET;
		socket_option[0].option = MHD_OPTION_END;
	}
	l->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, l, MHD_OPTION_EXTERNAL_LOGGER, on_trouble, NULL,
				     MHD_OPTION_NOTIFY_COMPLETED, on_completed, l, MHD_OPTION_NOTIFY_CONNECTION, on_connection, l,
				     MHD_OPTION_URI_LOG_CALLBACK, on_uri, l, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned)(fd < 0 ? GATEWAY_CONNECTIONS : LOCAL_CONNECTIONS),
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(fd < 0 ? 0 : LOCAL_TIMEOUT_S), MHD_OPTION_STRICT_FOR_CLIENT,
				     1, MHD_OPTION_ARRAY, socket_option, MHD_OPTION_END);
	if (!l->daemon) gateway_note("the HTTP server does not start");
	return l->daemon != NULL;
}

bool gateway_server_open(struct gateway_server **out, struct gateway_pool *pool, int local_fd)
{
	struct gateway_server *s = calloc(1, sizeof *s);
	*out = s;
	if (!s) return false;
	s->pool = pool;
	s->failures = gateway_failures_new();
	return s->failures && start(&s->open, s, GATEWAY_PUBLIC, -1) && (local_fd < 0 || start(&s->local, s, GATEWAY_LOCAL, local_fd));
}

bool gateway_server_add(struct gateway_server *s, int fd, const struct sockaddr_storage *from)
{
	return MHD_add_connection(s->open.daemon, fd, (const struct sockaddr *)from, sizeof *from) == MHD_YES;
}

void gateway_server_close(struct gateway_server **server)
{
	struct gateway_server *s = *server;
	if (!s) return;
	if (s->open.daemon) MHD_stop_daemon(s->open.daemon);
	if (s->local.daemon) MHD_stop_daemon(s->local.daemon);
	gateway_failures_free(s->failures);
	free(s);
	*server = NULL;
}
