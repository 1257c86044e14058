/*
 * intake: the actor of the request link. It reads what front forwards, finds the member, and dispatches by frame type.
 *
 * It owns the listening socket, the link's reading side and the quotas. It answers nothing by itself but refusals.
 */
#include "intake/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TURN = 256 }; /* messages before it looks at the stop signal again */

/* ---- dispatch ---------------------------------------------------------------------- */

static void do_submit(struct intake *in, const struct intake_request *r, uint16_t type)
{
	(void)type;
	intake_submit(in, r);
}

static const struct handler {
	uint16_t type;
	bool empty_ok;
	void (*fn)(struct intake *, const struct intake_request *, uint16_t type);
} handlers[] = {
	{WIRE_SUBMIT, true, do_submit}, /* it refuses an empty body itself, with a receipt */
	{WIRE_QUERY, false, intake_ask},      {WIRE_CONTROL, false, intake_ask},       {WIRE_STATUS, true, intake_ask},
	{WIRE_DIRECTORY, true, intake_ask},   {WIRE_PREVIEW, false, intake_ask},       {WIRE_WHO, false, intake_ask},
	{WIRE_WHY, false, intake_ask},	      {WIRE_LOOKUP, false, intake_ask},	       {WIRE_RELATED, false, intake_ask},
	{WIRE_LIFE, false, intake_ask},	      {WIRE_VERSIONS, false, intake_ask},      {WIRE_STATISTICS, false, intake_ask},
	{WIRE_COLLECTIONS, true, intake_ask}, {WIRE_AS_TOKEN, false, intake_as_token},
};

static const struct handler *find_handler(uint16_t type)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
		if (handlers[i].type == type) return &handlers[i];
	return NULL;
}

static void refuse(struct intake *in, const struct store_route *route, enum isac_err err, const char *text)
{
	base_stats_add(STAT_intake_refused, 1);
	base_log_limited(10, BASE_LOG_WARN, "request.rejected", "member_id=%d err=%s", route->member_id, isac_err_name(err));
	intake_reply_error(in, route, err, text, 0);
}

static void dispatch(struct intake *in, struct intake_request *r, const struct wire_bytes *name, struct wire_bytes head_bytes,
		     const struct member_roster *roster)
{
	struct wire_head head = {0};
	char text[WIRE_LIMIT_NAME_BYTES + 1] = "";
	if (head_bytes.len >= WIRE_HEAD_BYTES) r->route.request_id = wire_get_u64(head_bytes.data + 8);
	if (name->len < sizeof(text)) memcpy(text, name->data, name->len);
	r->member = roster ? member_roster_find(roster, text) : NULL;
	if (!r->member) {
		refuse(in, &r->route, ISAC_ERR_NOT_AUTHENTIC, "unknown member");
		return;
	}
	r->route.member_id = r->member->id;
	const struct handler *handler = wire_head_open(&head, head_bytes.data, head_bytes.len) ? NULL : find_handler(head.type);
	if (r->member->suspended) refuse(in, &r->route, ISAC_ERR_NOT_ALLOWED, "this member is suspended");
	else if (!handler) refuse(in, &r->route, ISAC_ERR_MALFORMED, "not a request of this port");
	else if (!r->body.len && !handler->empty_ok) refuse(in, &r->route, ISAC_ERR_MALFORMED, "the body is empty");
	else handler->fn(in, r, head.type);
}

/* ---- the link ------------------------------------------------------------------------ */

/* [ 'M' rid ][ member name ][ head ][ body ] */
static enum isac_err take_message(struct intake *in, const struct base_link_msg *msg)
{
	struct intake_request r = {.route.front = atomic_load(&in->front->id)};
	struct wire_bytes tag = msg->part[0];
	if (msg->parts != 4 || tag.len < 2 || tag.len > 1 + sizeof(r.route.rid) || !r.route.front) return ISAC_ERR_MALFORMED;
	r.route.rid_len = (uint8_t)(tag.len - 1);
	memcpy(r.route.rid, tag.data + 1, r.route.rid_len);
	r.body = msg->part[3];
	base_stats_add(STAT_intake_received, 1);
	struct member_roster *roster = base_shared_take(in->conf.roster);
	dispatch(in, &r, &msg->part[1], msg->part[2], roster);
	base_shared_give(in->conf.roster, roster);
	return ISAC_OK;
}

static enum isac_err take_one(struct intake *in, const struct base_link_msg *msg)
{
	uint8_t kind = msg->parts && msg->part[0].len ? msg->part[0].data[0] : 0;
	if (kind == 'M') return take_message(in, msg);
	if (kind == 'H') return intake_front_hello(in, msg->part[0]);
	return kind == 'G' ? ISAC_OK : ISAC_ERR_MALFORMED; /* a reply that found nobody: the member asks again */
}

/* A turn; true if the link may hold more. */
static bool serve(struct intake *in)
{
	enum isac_err err = ISAC_OK;
	for (unsigned i = 0; i < TURN && !err && in->front; i++) {
		struct base_link_msg msg;
		err = base_link_recv(in->front->link, &msg);
		if (!err) err = take_one(in, &msg);
	}
	intake_submit_flush(in);
	if (in->front && err && err != ISAC_ERR_AGAIN) intake_front_drop(in, isac_err_text(err));
	return !err && in->front;
}

static enum isac_err run(struct base_actor *actor, void *arg)
{
	struct intake *in = arg;
	base_actor_ready(actor);
	bool more = false; /* a turn ended before the link was empty: its read-ahead may hold messages that poll cannot see */
	while (base_actor_running(actor)) {
		struct pollfd fds[4] = {{.fd = base_actor_stop_fd(actor), .events = POLLIN},
					{.fd = in->listen_fd, .events = POLLIN},
					{.fd = in->wake_fd, .events = POLLIN},
					{.fd = in->front ? base_link_fd(in->front->link) : -1, .events = POLLIN}};
		if (poll(fds, 4, more ? 0 : -1) < 0 && errno != EINTR) return ISAC_ERR_SYSTEM;
		uint64_t count;
		if (fds[2].revents && read(in->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN && errno != EINTR)
			return ISAC_ERR_SYSTEM;
		if (atomic_exchange(&in->roster_changed, false)) intake_front_push_roster(in);
		if (fds[1].revents) intake_front_accept(in);
		else if (in->front && (more || fds[3].revents)) more = serve(in);
	}
	return ISAC_OK;
}

/* ---- start and stop -------------------------------------------------------------------- */

static enum isac_err prepare(struct intake *in)
{
	const struct intake_conf *conf = &in->conf;
	enum isac_err err = base_shared_init(&in->fronts, intake_front_free);
	if (!err) err = member_quota_new(&in->reports, conf->rate_per_s, conf->rate_burst, conf->rate_bytes_per_min);
	if (!err) err = member_quota_new(&in->feedback, conf->feedback_per_s, conf->feedback_burst, conf->rate_bytes_per_min);
	if (!err) err = member_quota_new(&in->asks, conf->rate_per_s, conf->rate_burst, conf->rate_bytes_per_min);
	if (!err) err = member_quota_new(&in->guesses, INTAKE_GUESSES_PER_S, INTAKE_GUESSES_BURST, INTAKE_GUESS_BYTES);
	in->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!err && in->wake_fd < 0) err = ISAC_ERR_SYSTEM;
	if (!err) err = base_link_listen(&in->listen_fd, conf->socket_path);
	if (!err) err = intake_verify_start(in);
	return err;
}

enum isac_err intake_start(struct intake **out, const struct intake_conf *conf)
{
	struct intake *in = calloc(1, sizeof(*in));
	if (!in) return ISAC_ERR_NO_MEMORY;
	in->conf = *conf;
	in->listen_fd = in->wake_fd = -1;
	wire_arena_init(&in->arena, WIRE_LIMIT_DECODE_BYTES);
	*out = in; /* before any thread of ours: the store's receipts come back through it */
	enum isac_err err = prepare(in);
	if (!err) err = base_actor_start(&in->actor, "intake", run, in);
	if (err) intake_stop(out);
	return err;
}

void intake_halt(struct intake *in)
{
	if (in->actor) base_actor_stop(&in->actor);
	intake_verify_halt(in);
}

void intake_stop(struct intake **slot)
{
	struct intake *in = *slot;
	if (!in) return;
	intake_halt(in);
	intake_verify_free(in);
	free(in->hand);
	if (in->fronts.cell) base_shared_clear(&in->fronts);
	member_quota_destroy(&in->reports);
	member_quota_destroy(&in->feedback);
	member_quota_destroy(&in->asks);
	member_quota_destroy(&in->guesses);
	if (in->listen_fd >= 0) close(in->listen_fd);
	if (in->wake_fd >= 0) close(in->wake_fd);
	wire_arena_clear(&in->arena);
	free(in);
	*slot = NULL;
}
