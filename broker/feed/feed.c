/*
 * The feed's actor: its loop, its link to front, and what others may ask of it.
 */
#include "feed/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FEED_MESSAGES_A_TURN = 256 };

struct commit {
	size_t n;
	struct report *report[];
};

static void commit_free(struct commit *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) report_unref(&c->report[i]);
	free(c);
}

void feed_committed(struct feed *f, struct report *const *reports, size_t n)
{
	struct commit *c = n ? malloc(sizeof(*c) + n * sizeof(c->report[0])) : NULL;
	size_t i;

	if (!n) return;
	if (c) {
		c->n = n;
		for (i = 0; i < n; i++) c->report[i] = report_ref(reports[i]);
	}
	atomic_store(&f->head, reports[n - 1]->seq);
	if (c && base_mailbox_put(f->commits, c)) commit_free(c); /* full: they are in the store */
}

static void take_commits(struct feed *f)
{
	void *item[64];
	size_t n = base_mailbox_take(f->commits, item, 64), i, k;

	for (i = 0; i < n; i++) {
		struct commit *c = item[i];
		for (k = 0; k < c->n; k++) feed_ring_add(&f->ring, c->report[k]);
		free(c);
	}
}

/* ---- front's link ---- */

static void close_link(struct feed *f)
{
	if (!f->link) return;
	feed_session_close_all(f);
	base_link_destroy(&f->link);
}

static void accept_link(struct feed *f)
{
	struct base_link *link = NULL;

	if (base_link_accept(&link, f->listen_fd, FEED_LINK_QUEUE, WIRE_LIMIT_FRAME_BYTES + 4096)) return;
	close_link(f);
	f->link = link;
}

static void take_message(struct feed *f, const struct base_link_msg *msg)
{
	const struct wire_bytes *to = &msg->part[0];
	const struct member *self;
	char name[WIRE_LIMIT_NAME_BYTES + 1];

	if (to->len < 1 || to->len > 1 + FEED_RID_MAX) return;
	if (to->data[0] == 'G') feed_session_gone(f, to->data + 1, to->len - 1);
	if (to->data[0] != 'M' || msg->parts != 4 || msg->part[1].len >= sizeof(name)) return;
	memcpy(name, msg->part[1].data, msg->part[1].len);
	name[msg->part[1].len] = 0;
	self = f->roster ? member_roster_find(f->roster, name) : NULL;
	if (self && !self->suspended) feed_handle(f, to->data + 1, to->len - 1, self, msg->part[2], msg->part[3]);
	else feed_send_error(f, to->data + 1, to->len - 1, 0, 0, ISAC_ERR_NOT_ALLOWED, NULL);
}

/* True if there may be more: what was read ahead does not show in poll(2). */
static bool take_messages(struct feed *f)
{
	struct base_link_msg msg;
	enum isac_err err = ISAC_OK;
	int i;

	for (i = 0; i < FEED_MESSAGES_A_TURN && f->link; i++) {
		err = base_link_recv(f->link, &msg);
		if (err) break;
		if (msg.parts) take_message(f, &msg);
	}
	if (err && err != ISAC_ERR_AGAIN) close_link(f);
	return !err && f->link;
}

/* ---- what the reader brings back ---- */

static void take_page(struct feed *f, struct feed_job *job)
{
	struct feed_session *s = feed_session_find(f, job->sub);

	if (!s) return;
	s->page_asked = false;
	if (job->err) {
		s->retry_at_us = base_clock_mono_us() + FEED_RETRY_MS * 1000;
		return;
	}
	feed_page_free(&s->page);
	s->page = job->page;
	job->page = NULL;
}

static void take_cursors(struct feed *f, struct feed_job *job)
{
	size_t i;

	f->cursors_asked = false;
	if (job->err) f->cursors_dirty = true;
	for (i = 0; i < job->cursors && !job->err; i++) {
		struct feed_session *s = feed_session_find(f, job->cursor[i].sub);
		if (s && s->acked_durable < job->cursor[i].acked) s->acked_durable = job->cursor[i].acked;
	}
}

static void take_done(struct feed *f)
{
	struct feed_job *job;

	while ((job = feed_reader_done(f->reader))) {
		if (job->kind == FEED_JOB_OPEN) feed_handle_opened(f, job);
		if (job->kind == FEED_JOB_PAGE) take_page(f, job);
		if (job->kind == FEED_JOB_CURSORS) take_cursors(f, job);
		if (job->kind == FEED_JOB_CONCERN) feed_notice_done(f, job);
		feed_job_free(&job);
	}
}

/* ---- time ---- */

/* Sends due heartbeats; returns how long nothing is due, in ms. */
static int run_timers(struct feed *f)
{
	int64_t now = base_clock_mono_us(), next = now + 1000000;
	uint32_t i;

	feed_session_flush_cursors(f, false);
	next = feed_notice_tend(f, now, next);
	if (f->cursors_dirty && f->cursors_at_us < next) next = f->cursors_at_us;
	for (i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];
		if (!s || !s->open) continue;
		if (s->heartbeat_at_us <= now) {
			s->heartbeat_at_us = now + f->conf.heartbeat_ms * 1000;
			feed_send_heartbeat(f, s);
		}
		if (s->heartbeat_at_us < next) next = s->heartbeat_at_us;
		if (s->retry_at_us > now && s->retry_at_us < next) next = s->retry_at_us;
	}
	return next <= now ? 1 : (int)((next - now) / 1000 + 1);
}

static void take_roster(struct feed *f)
{
	uint64_t n;

	if (read(f->roster_fd, &n, sizeof(n)) == sizeof(n)) feed_session_recheck(f);
}

static enum isac_err feed_run(struct base_actor *actor, void *arg)
{
	struct feed *f = arg;
	enum { STOP, LISTEN, COMMITS, DONE, ROSTER, NOTES, LINK, FDS };
	bool more = false;
	struct pollfd fds[FDS] = {
		[STOP] = {.fd = base_actor_stop_fd(actor), .events = POLLIN},
		[LISTEN] = {.fd = f->listen_fd, .events = POLLIN},
		[COMMITS] = {.fd = base_mailbox_fd(f->commits), .events = POLLIN},
		[DONE] = {.fd = feed_reader_fd(f->reader), .events = POLLIN},
		[ROSTER] = {.fd = f->roster_fd, .events = POLLIN},
		[NOTES] = {.fd = base_mailbox_fd(f->notes), .events = POLLIN},
	};

	feed_session_recheck(f);
	base_actor_ready(actor);
	while (base_actor_running(actor)) {
		fds[LINK] = (struct pollfd){.fd = f->link ? base_link_fd(f->link) : -1, .events = f->link ? base_link_events(f->link) : 0};
		if (poll(fds, FDS, more ? 0 : run_timers(f)) < 0 && errno != EINTR) return ISAC_ERR_SYSTEM;
		if (fds[ROSTER].revents) take_roster(f);
		if (fds[LINK].revents & POLLOUT && base_link_flush(f->link) == ISAC_ERR_CLOSED) close_link(f);
		more = f->link && take_messages(f);
		if (fds[LISTEN].revents) accept_link(f);
		take_commits(f);
		take_done(f);
		feed_notice_take(f);
		feed_deliver(f);
	}
	feed_session_flush_cursors(f, true);
	close_link(f);
	return ISAC_OK;
}

/* ---- life ---- */

static enum isac_err prepare(struct feed *f)
{
	enum isac_err err = base_mailbox_new(&f->commits, FEED_COMMITS_MAX);

	if (!err) err = base_shared_init(&f->live, free);
	if (!err) err = feed_ring_init(&f->ring, (size_t)f->conf.ring_bytes);
	if (!err) err = base_link_listen(&f->listen_fd, f->conf.socket_path);
	if (!err) err = feed_notice_start(f);
	if (!err) err = feed_reader_start(&f->reader, &f->conf);
	if (err) return err;
	f->sessions_cap = (uint32_t)f->conf.sessions_max;
	f->session = calloc(f->sessions_cap, sizeof(*f->session));
	f->roster_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!f->session || f->roster_fd < 0) return ISAC_ERR_NO_MEMORY;
	wire_arena_init(&f->arena, WIRE_LIMIT_DECODE_BYTES);
	wire_buf_init(&f->out, WIRE_LIMIT_REPLY_BYTES);
	return ISAC_OK;
}

enum isac_err feed_start(struct feed **out, const struct feed_conf *conf)
{
	struct feed *f = calloc(1, sizeof(*f));
	enum isac_err err;

	if (!f) return ISAC_ERR_NO_MEMORY;
	f->conf = *conf;
	f->listen_fd = f->roster_fd = -1;
	atomic_store(&f->head, conf->head_seq);
	err = prepare(f);
	if (!err) err = base_actor_start(&f->actor, "feed", feed_run, f);
	*out = f;
	if (err) feed_stop(out);
	return err;
}

void feed_stop(struct feed **feed)
{
	struct feed *f = *feed;
	struct commit *c;

	if (!f) return;
	if (f->actor) base_actor_stop(&f->actor);
	feed_reader_stop(&f->reader);
	while (f->commits && base_mailbox_take(f->commits, (void **)&c, 1)) commit_free(c);
	base_mailbox_destroy(&f->commits);
	feed_notice_stop(f);
	feed_ring_clear(&f->ring);
	if (f->roster) base_shared_give(f->conf.roster, f->roster);
	base_shared_clear(&f->live);
	wire_arena_clear(&f->arena);
	wire_buf_clear(&f->out);
	if (f->listen_fd >= 0) close(f->listen_fd);
	if (f->roster_fd >= 0) close(f->roster_fd);
	free(f->session);
	free(f);
	*feed = NULL;
}

void feed_roster_changed(struct feed *f)
{
	uint64_t one = 1;

	(void)!write(f->roster_fd, &one, sizeof(one));
}
