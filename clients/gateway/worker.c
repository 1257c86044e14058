/* worker: a thread with a connection to the hub. It has one request at a time, and asks in its caller's name while it has it. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "gateway/priv.h"

enum { WORKERS_MAX = 64, TIMEOUT_MS = 8000, LOOK_MS = 1000 };

struct gateway_pool {
	const struct gateway_conf *conf;
	unsigned n;
	atomic_bool halted;
	atomic_uint giving; /* who is about to put something into a mailbox */
	struct gateway_worker worker[WORKERS_MAX];
};

static void serve(struct gateway_worker *w, struct gateway_call *call)
{
	call->worker = w;
	if (call->match.route->login == GATEWAY_ANYBODY) call->match.route->fn(call);
	else if (gateway_auth_begin(call)) {
		call->match.route->fn(call);
		gateway_auth_end(call);
	}
	gateway_server_resume(call); /* it is the server's again, and may be gone */
}

/* ---- streams that wait ---- */

static bool look(struct gateway_worker *w, struct gateway_call *call)
{
	if (!gateway_stream_fill(call, w->isac)) return false;
	gateway_server_resume(call);
	return true;
}

static void take_stream(struct gateway_worker *w, struct gateway_call *call)
{
	if (gateway_stream_is_behind(call) && look(w, call)) return;
	if (w->streams_n < GATEWAY_STREAMS) {
		w->streams[w->streams_n++] = call;
		return;
	}
	gateway_stream_end(call); /* it comes again, and goes on where it was */
	gateway_server_resume(call);
}

static void tend_streams(struct gateway_worker *w)
{
	size_t kept = 0;
	int64_t now_ms = base_clock_mono_us() / 1000;
	if (now_ms < w->looked_ms + LOOK_MS) return;
	w->looked_ms = now_ms;
	bool away = false; /* then it is for the others, too, and each would wait as long */
	for (size_t i = 0; i < w->streams_n; i++) {
		struct gateway_call *call = w->streams[i];
		if (!away && look(w, call)) continue;
		away |= gateway_stream_is_away(call);
		w->streams[kept++] = call;
	}
	w->streams_n = kept;
}

static void end_streams(struct gateway_worker *w)
{
	while (w->streams_n) {
		gateway_stream_end(w->streams[--w->streams_n]);
		gateway_server_resume(w->streams[w->streams_n]);
	}
}

static enum isac_err run(struct base_actor *actor, void *arg)
{
	struct gateway_worker *w = arg;
	struct pollfd fds[] = {{.fd = base_actor_stop_fd(actor), .events = POLLIN}, {.fd = base_mailbox_fd(w->box), .events = POLLIN}};
	void *item;
	base_actor_ready(actor);
	while (base_actor_running(actor)) {
		if (poll(fds, 2, w->streams_n ? LOOK_MS : -1) < 0 && errno != EINTR) return ISAC_ERR_SYSTEM;
		if (base_mailbox_take(w->box, &item, 1)) {
			struct gateway_call *call = item;
			if (call->stream) take_stream(w, call);
			else serve(w, call);
		}
		tend_streams(w);
	}
	end_streams(w);
	return ISAC_OK;
}

static bool start(struct gateway_worker *w, struct gateway_pool *pool)
{
	struct isac_error err;
	w->pool = pool;
	w->cache = gateway_cache_new(pool->conf->refresh_ms);
	if (isac_open(&w->isac, ".", pool->conf->hub, TIMEOUT_MS, &err)) {
		gateway_note("%s", err.text);
		return false;
	}
	if (!w->cache || base_mailbox_new(&w->box, GATEWAY_QUEUE) || base_actor_start(&w->actor, "worker", run, w)) {
		gateway_note("cannot start a worker");
		return false;
	}
	return true;
}

bool gateway_pool_open(struct gateway_pool **out, const struct gateway_conf *conf)
{
	struct gateway_pool *pool = calloc(1, sizeof *pool);
	bool good = pool != NULL;
	*out = pool;
	if (!pool) return false;
	pool->conf = conf;
	for (; good && pool->n < conf->workers && pool->n < WORKERS_MAX; pool->n++) good = start(&pool->worker[pool->n], pool);
	return good;
}

const struct gateway_conf *gateway_pool_conf(const struct gateway_pool *pool)
{
	return pool->conf;
}

bool gateway_pool_give(struct gateway_pool *pool, struct gateway_call *call)
{
	struct gateway_worker *best = &pool->worker[call->hash % pool->n];
	for (unsigned i = 0; call->match.route->where != GATEWAY_STICKY && i < pool->n; i++)
		if (base_mailbox_count(pool->worker[i].box) < base_mailbox_count(best->box)) best = &pool->worker[i];
	atomic_fetch_add(&pool->giving, 1);
	bool taken = !atomic_load(&pool->halted) && base_mailbox_put(best->box, call) == ISAC_OK;
	atomic_fetch_sub(&pool->giving, 1);
	return taken;
}

static void drain(struct gateway_worker *w)
{
	void *call;
	while (w->box && base_mailbox_take(w->box, &call, 1)) {
		struct gateway_call *c = call;
		if (c->stream) gateway_stream_end(c);
		else gateway_reply_error(c, 503, "the gateway stops");
		gateway_server_resume(c);
	}
}

void gateway_pool_halt(struct gateway_pool *pool)
{
	atomic_store(&pool->halted, true);
	while (atomic_load(&pool->giving)) sched_yield();
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		if (pool->worker[i].actor) base_actor_stop(&pool->worker[i].actor);
		drain(&pool->worker[i]);
	}
}

void gateway_pool_close(struct gateway_pool **slot)
{
	struct gateway_pool *pool = *slot;
	if (!pool) return;
	gateway_pool_halt(pool);
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		struct gateway_worker *w = &pool->worker[i];
		base_mailbox_destroy(&w->box);
		gateway_cache_free(w->cache);
		isac_close(&w->isac);
	}
	free(pool);
	*slot = NULL;
}
