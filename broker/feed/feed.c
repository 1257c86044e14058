/*
 * The feed's actor: its loop, its link to front, and what others may ask of it.
 */
#include "feed/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MESSAGES_A_TURN = 256, NOT_SENT_US = 5000 /* ready, and yet the round sent nothing: no memory, or no room in the link */ };

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

void feed_wake(struct feed *f)
{
	uint64_t one = 1;

	(void)!write(f->wake_fd, &one, sizeof(one));
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
	if (c && !base_mailbox_put(f->commits, c)) return;
	if (c) commit_free(c);
	atomic_store(&f->missed, true); /* they are in the store */
	feed_wake(f);
}

static void take_commits(struct feed *f)
{
	void *item[64];
	size_t n = base_mailbox_take(f->commits, item, 64), i, k;

	/* A change of the roster is seen before what is committed after it comes into the ring. */
	if (atomic_exchange(&f->roster_stale, false)) feed_rights_check(f);
	for (i = 0; i < n; i++) {
		struct commit *c = item[i];
		for (k = 0; k < c->n; k++) feed_ring_add(f, c->report[k]);
		free(c);
	}
	if (atomic_exchange(&f->missed, false)) feed_ring_skip(f, atomic_load(&f->head));
	if (f->ring.last >= atomic_load(&f->head)) feed_session_move_all(f, FEED_WAIT_HEAD, FEED_READY);
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
	self = feed_rights_member(f, name);
	if (self) feed_handle(f, to->data + 1, to->len - 1, self, msg->part[2], msg->part[3]);
	else feed_send_error(f, to->data + 1, to->len - 1, 0, 0, ISAC_ERR_NOT_ALLOWED, NULL);
}

/* True if there may be more: what was read ahead does not show in poll(2). */
static bool take_messages(struct feed *f)
{
	struct base_link_msg msg;
	enum isac_err err = ISAC_OK;
	int i;

	for (i = 0; i < MESSAGES_A_TURN && f->link; i++) {
		err = base_link_recv(f->link, &msg);
		if (err) break;
		if (msg.parts) take_message(f, &msg);
	}
	if (err && err != ISAC_ERR_AGAIN) close_link(f);
	return !err && f->link;
}

/* ---- what the reader brings back ---- */

static void take_cursors(struct feed *f, struct feed_job *job)
{
	size_t i;

	f->cursors_asked = false;
	for (i = 0; i < job->cursors; i++) {
		struct feed_session *s = feed_session_find(f, job->cursor[i].sub);
		if (!s) continue;
		if (!job->err && s->acked_durable < job->cursor[i].acked) s->acked_durable = job->cursor[i].acked;
		feed_session_acked(f, s, s->acked);
	}
}

/* One page a turn: it is used before the next one may take its room. */
static void take_done(struct feed *f)
{
	struct feed_job *job;
	bool page = false;

	while (!page && (job = feed_reader_done(f->reader))) {
		page = job->kind == FEED_JOB_PAGE;
		if (job->kind == FEED_JOB_OPEN) feed_handle_opened(f, job);
		if (page) feed_page_take(f, job);
		if (job->kind == FEED_JOB_CURSORS) take_cursors(f, job);
		if (job->kind == FEED_JOB_CONCERN) feed_notice_done(f, job);
		if (job->kind == FEED_JOB_RANGES) feed_range_done(f, job);
		if (job->kind == FEED_JOB_FOLLOW) feed_follow_done(f, job);
		if (job->kind == FEED_JOB_EXPIRY) feed_expiry_done(f, job);
		if (job->kind == FEED_JOB_RECALL) feed_recall_done(f, job);
		feed_job_free(&job);
	}
}

/* ---- time ---- */

/* Sends due heartbeats; returns how long nothing is due, in ms. */
static int run_timers(struct feed *f)
{
	int64_t now = base_clock_mono_us(), next = now + 1000000;
	struct feed_session *s;

	feed_session_flush_cursors(f, false);
	next = feed_notice_tend(f, now, next);
	next = feed_follow_tend(f, next);
	next = feed_expiry_tend(f, now, next);
	next = feed_recall_tend(f, now, next);
	if (!TAILQ_EMPTY(&f->cursors) && !f->cursors_asked && f->cursors_at_us < next) next = f->cursors_at_us;
	if (feed_range_due_us(f) < next) next = feed_range_due_us(f);
	while ((s = TAILQ_FIRST(&f->beats)) && s->heartbeat_at_us <= now) {
		feed_session_beat(f, s); /* whether it can be sent or not */
		(void)feed_send_heartbeat(f, s);
	}
	if (s && s->heartbeat_at_us < next) next = s->heartbeat_at_us;
	if (f->pages.retry_at_us && f->pages.retry_at_us <= now) {
		f->pages.retry_at_us = 0;
		feed_session_move_all(f, FEED_WAIT_PAGE, FEED_READY_BEHIND);
	}
	if (f->pages.retry_at_us && f->pages.retry_at_us < next) next = f->pages.retry_at_us;
	feed_page_forget(f, false);
	if (!TAILQ_EMPTY(&f->queue[FEED_READY_BEHIND]) && f->behind_at_us > now && f->behind_at_us < next) next = f->behind_at_us;
	if (feed_is_ready(f) && next > now + NOT_SENT_US) next = now + NOT_SENT_US;
	return next <= now ? 1 : (int)((next - now) / 1000 + 1);
}

static void end_turn(struct feed *f)
{
	feed_session_publish(f);
	if (f->link && base_link_flush(f->link) == ISAC_ERR_CLOSED) close_link(f);
}

static enum isac_err feed_run(struct base_actor *actor, void *arg)
{
	struct feed *f = arg;
	enum { STOP, LISTEN, COMMITS, DONE, WAKE, NOTES, LINK, FDS };
	bool more = false;
	uint64_t woken;
	int wait_ms;
	struct pollfd fds[FDS] = {
		[STOP] = {.fd = base_actor_stop_fd(actor), .events = POLLIN},
		[LISTEN] = {.fd = f->listen_fd, .events = POLLIN},
		[COMMITS] = {.fd = base_mailbox_fd(f->commits), .events = POLLIN},
		[DONE] = {.fd = feed_reader_fd(f->reader), .events = POLLIN},
		[WAKE] = {.fd = f->wake_fd, .events = POLLIN},
		[NOTES] = {.fd = base_mailbox_fd(f->notes), .events = POLLIN},
	};

	feed_rights_check(f);
	base_actor_ready(actor);
	while (base_actor_running(actor)) {
		wait_ms = run_timers(f);
		end_turn(f);
		fds[LINK] = (struct pollfd){.fd = f->link ? base_link_fd(f->link) : -1, .events = POLLIN};
		if (poll(fds, FDS, more ? 0 : wait_ms) < 0 && errno != EINTR) return ISAC_ERR_SYSTEM;
		more = f->link && take_messages(f);
		if (fds[LISTEN].revents) accept_link(f);
		if (fds[WAKE].revents) (void)!read(f->wake_fd, &woken, sizeof(woken));
		take_commits(f);
		feed_recall_take(f); /* before anything is delivered */
		take_done(f);
		feed_notice_take(f);
		feed_deliver(f);
		feed_range_flush(f, false);
	}
	feed_session_flush_cursors(f, true);
	close_link(f);
	feed_range_flush(f, true);
	return ISAC_OK;
}

/* ---- life ---- */

static enum isac_err prepare(struct feed *f)
{
	enum isac_err err = base_mailbox_new(&f->commits, FEED_COMMITS_MAX);

	if (!err) err = base_shared_init(&f->live, free);
	if (!err) err = feed_ring_init(&f->ring, (size_t)f->conf.ring_bytes, f->conf.head_seq);
	if (!err) err = base_link_listen(&f->listen_fd, f->conf.socket_path);
	if (!err) err = feed_notice_start(f);
	if (!err) err = feed_reader_start(&f->reader, &f->conf);
	if (!err) err = feed_session_init(f);
	if (!err) err = feed_match_init(f);
	if (err) return err;
	f->pages.bytes_max = (size_t)f->conf.ring_bytes;
	f->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->wake_fd < 0) return ISAC_ERR_SYSTEM;
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
	f->listen_fd = f->wake_fd = -1;
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
	feed_ring_clear(f);
	feed_page_forget(f, true);
	feed_match_clear(f);
	feed_follow_clear(f);
	if (f->roster) base_shared_give(f->conf.roster, f->roster);
	base_shared_clear(&f->live);
	wire_arena_clear(&f->arena);
	wire_buf_clear(&f->out);
	if (f->listen_fd >= 0) close(f->listen_fd);
	if (f->wake_fd >= 0) close(f->wake_fd);
	feed_session_clear(f);
	free(f);
	*feed = NULL;
}

void feed_roster_changed(struct feed *f)
{
	atomic_store(&f->roster_stale, true);
	feed_wake(f);
}
