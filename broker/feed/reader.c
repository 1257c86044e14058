/*
 * The thread that reads and writes the database for the feed: opening subscriptions, pages of catch-up, cursors, ranges of deliveries.
 *
 * Jobs go in by one mailbox and come back by another; whoever holds a job owns it.
 */
#include "feed/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct feed_reader {
	struct base_actor *actor;
	struct base_mailbox *jobs, *done;
	struct store_db *db;
	struct base_shared *roster;
	bool is_behind; /* ends of ranges could not be written, and were not since */
};

void feed_job_free(struct feed_job **job)
{
	if (!*job) return;
	feed_page_free(&(*job)->page);
	feed_range_job_free(*job);
	sent_destroy(&(*job)->sent);
	free((*job)->place);
	store_over_free((*job)->over, (*job)->overs);
	free((*job)->filter);
	free((*job)->cursor);
	free((*job)->recalled);
	store_orders_free(&(*job)->order, (*job)->orders);
	free(*job);
	*job = NULL;
}

static bool has_hole(const struct feed_page *page)
{
	return !page->n || page->report[page->n - 1]->seq != page->after + page->n;
}

static enum isac_err read_page(struct feed_reader *reader, struct feed_job *job)
{
	struct feed_page *page = job->page;
	enum isac_err err;

	page->report = calloc(FEED_PAGE_REPORTS, sizeof(struct report *));
	if (!page->report) return ISAC_ERR_NO_MEMORY;
	err = store_select_page(reader->db, page->after, page->until, FEED_PAGE_REPORTS, FEED_PAGE_BYTES, page->report, &page->n);
	if (!err && !page->n && page->until < job->head) { /* a hole is told as one GAP, however many pages wide */
		page->until = job->head;
		err = store_select_page(reader->db, page->after, page->until, FEED_PAGE_REPORTS, FEED_PAGE_BYTES, page->report, &page->n);
	}
	if (!err) base_stats_add(STAT_feed_pages, 1);
	if (!err && has_hole(page)) err = store_select_gaps(reader->db, &job->gaps); /* why, as of now */
	return err;
}

/* Where does the session begin? README section 7, `from`. */
static enum isac_err choose_position(struct feed_job *job, const struct store_subscription *kept, uint64_t oldest, uint64_t head)
{
	switch (job->from) {
	case ISAC1__SUBSCRIBE__FROM__FROM_START:
		job->position = 0;
		return ISAC_OK;
	case ISAC1__SUBSCRIBE__FROM__FROM_SEQ:
	case ISAC1__SUBSCRIBE__FROM__FROM_RESUME: /* who goes on is told of what is gone by a GAP; who names a number is to know of it */
		job->position = job->seq;
		if (job->from == ISAC1__SUBSCRIBE__FROM__FROM_SEQ && job->seq + 1 < oldest)
			return wire_refuse(&job->why, ISAC_ERR_BAD_CURSOR, "position is older than what is kept");
		if (job->seq > head) return wire_refuse(&job->why, ISAC_ERR_BAD_CURSOR, "position is beyond the head");
		return ISAC_OK;
	case ISAC1__SUBSCRIBE__FROM__FROM_NOW:
		job->position = head;
		return ISAC_OK;
	default: /* FROM_CURSOR; handle.c lets no other number through */
		job->position = kept->exists ? kept->acked_seq : head;
		if (job->position > head) return wire_refuse(&job->why, ISAC_ERR_BAD_CURSOR, "the kept cursor is beyond the head");
		return ISAC_OK;
	}
}

/* From which moment on it is told of what has ended: that of its position, so that nothing is left out that ended while it was away. */
static enum isac_err choose_end(struct feed_reader *reader, struct feed_job *job)
{
	enum isac_err err = ISAC_OK;

	job->over_at.seq = STORE_OVER_ALL;
	if (job->from != ISAC1__SUBSCRIBE__FROM__FROM_NOW && job->position)
		err = store_select_received(reader->db, job->position, &job->over_at.us);
	if (!err && !job->over_at.us && (job->from == ISAC1__SUBSCRIBE__FROM__FROM_NOW || job->position)) job->over_at.us = base_clock_us();
	return err;
}

static enum isac_err check_room(struct feed_reader *reader, const struct feed_job *job, struct wire_why *why)
{
	struct store_subscription *subs = NULL;
	size_t n = 0, i;
	enum isac_err err = store_select_subscriptions(reader->db, job->member_id, &subs, &n);

	if (err) return err;
	for (i = 0; i < n; i++) free(subs[i].filter);
	free(subs);
	return n < WIRE_LIMIT_SUBSCRIPTIONS
		       ? ISAC_OK
		       : wire_refuse(why, ISAC_ERR_TOO_LARGE, "a member may keep %d subscriptions", WIRE_LIMIT_SUBSCRIPTIONS);
}

static enum isac_err open_subscription(struct feed_reader *reader, struct feed_job *job)
{
	struct store_subscription kept = {.exists = false};
	uint64_t oldest = 1, head = 0;
	enum isac_err err = store_select_head(reader->db, &oldest, &head);

	if (!err) err = store_select_gaps(reader->db, &job->gaps);
	if (head < job->head) head = job->head;
	if (!err && *job->name) err = store_select_subscription(reader->db, job->member_id, job->name, &kept);
	if (!err && *job->name && !kept.exists) err = check_room(reader, job, &job->why);
	if (!err) err = choose_position(job, &kept, oldest, head);
	if (!err) err = choose_end(reader, job);
	if (!err && !job->filter) job->filter = strdup(kept.exists && kept.filter ? kept.filter : "");
	if (!err && !job->filter) err = ISAC_ERR_NO_MEMORY;
	if (!err && *job->name) err = store_upsert_subscription(reader->db, job->member_id, job->name, job->filter, job->position);
	free(kept.filter);
	return err ? err : feed_recall_read(job, reader->db);
}

static enum isac_err store_cursors(struct feed_reader *reader, const struct feed_job *job)
{
	int32_t *member = calloc(job->cursors, sizeof(*member));
	const char **name = calloc(job->cursors, sizeof(*name));
	uint64_t *acked = calloc(job->cursors, sizeof(*acked));
	enum isac_err err = ISAC_ERR_NO_MEMORY;
	size_t i;

	if (member && name && acked) {
		for (i = 0; i < job->cursors; i++) {
			member[i] = job->cursor[i].member_id;
			name[i] = job->cursor[i].name;
			acked[i] = job->cursor[i].acked;
		}
		err = store_update_cursors(reader->db, job->cursors, member, name, acked);
	}
	free(member);
	free(name);
	free(acked);
	return err;
}

static void run_job(struct feed_reader *reader, struct feed_job *job)
{
	switch (job->kind) {
	case FEED_JOB_OPEN:
		job->err = open_subscription(reader, job);
		break;
	case FEED_JOB_PAGE:
		job->err = read_page(reader, job);
		break;
	case FEED_JOB_CONCERN:
		job->err = feed_notice_read(job, reader->db, reader->roster);
		break;
	case FEED_JOB_RECALL:
		job->err = feed_recall_read(job, reader->db);
		break;
	case FEED_JOB_CURSORS:
		job->err = store_cursors(reader, job);
		break;
	case FEED_JOB_RANGES:
		job->err = store_insert_ranges(reader->db, job->open, job->opens);
		if (!job->err) job->err = store_update_ranges(reader->db, job->end, job->ends);
		reader->is_behind = job->err != ISAC_OK;
		break;
	case FEED_JOB_FOLLOW: /* what was handed over must be in the table first */
		job->err = reader->is_behind ? ISAC_ERR_UNAVAILABLE : feed_follow_read(job, reader->db, reader->roster);
		break;
	case FEED_JOB_EXPIRY:
		job->err = feed_expiry_read(job, reader->db);
		break;
	case FEED_JOB_FORGET:
		job->err = store_delete_subscription(reader->db, job->member_id, job->name);
		break;
	}
}

/*
 * Cursors that were acknowledged, and who was sent what, are worth keeping even while stopping; everything else is not waited for.
 * Once all ends are written, rows that are still open are of ranges under which nothing was sent.
 */
static void drain(struct feed_reader *reader)
{
	struct feed_job *job;

	while (base_mailbox_take(reader->jobs, (void **)&job, 1)) {
		if (job->kind == FEED_JOB_CURSORS) (void)store_cursors(reader, job);
		if (job->kind == FEED_JOB_RANGES) reader->is_behind |= store_update_ranges(reader->db, job->end, job->ends) != ISAC_OK;
		feed_job_free(&job);
	}
	if (!reader->is_behind) (void)store_close_ranges(reader->db, true);
}

static enum isac_err reader_run(struct base_actor *actor, void *arg)
{
	struct feed_reader *reader = arg;
	struct pollfd fds[2] = {{.fd = base_actor_stop_fd(actor), .events = POLLIN},
				{.fd = base_mailbox_fd(reader->jobs), .events = POLLIN}};
	struct feed_job *job;
	enum isac_err err = store_close_ranges(reader->db, false); /* left open by a core that did not end well */

	if (err) return err;
	base_actor_ready(actor);
	while (base_actor_running(actor)) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR) return ISAC_ERR_SYSTEM;
		if (!base_actor_running(actor)) break;
		if (!base_mailbox_take(reader->jobs, (void **)&job, 1)) continue;
		run_job(reader, job);
		if (base_mailbox_put(reader->done, job)) feed_job_free(&job);
	}
	drain(reader);
	return ISAC_OK;
}

enum isac_err feed_reader_start(struct feed_reader **out, const struct feed_conf *conf)
{
	struct feed_reader *reader = calloc(1, sizeof(*reader));
	size_t jobs_max = (size_t)conf->sessions_max * 4 + 16; /* a session has one opening under way, and may leave a cursor */
	enum isac_err err;

	if (!reader) return ISAC_ERR_NO_MEMORY;
	reader->roster = conf->roster;
	err = base_mailbox_new(&reader->jobs, jobs_max);
	if (!err) err = base_mailbox_new(&reader->done, jobs_max * 2);
	if (!err) err = store_db_new(&reader->db, conf->conninfo, conf->deadline_ms);
	if (!err) err = base_actor_start(&reader->actor, "feed-reader", reader_run, reader);
	*out = reader;
	if (err) feed_reader_stop(out);
	return err;
}

void feed_reader_stop(struct feed_reader **reader)
{
	struct feed_reader *r = *reader;
	struct feed_job *job;

	if (!r) return;
	if (r->actor) base_actor_stop(&r->actor);
	while (r->done && (job = feed_reader_done(r))) feed_job_free(&job);
	base_mailbox_destroy(&r->jobs);
	base_mailbox_destroy(&r->done);
	store_db_destroy(&r->db);
	free(r);
	*reader = NULL;
}

enum isac_err feed_reader_ask(struct feed_reader *reader, struct feed_job *job)
{
	return base_mailbox_put(reader->jobs, job);
}
int feed_reader_fd(const struct feed_reader *reader)
{
	return base_mailbox_fd(reader->done);
}

struct feed_job *feed_reader_done(struct feed_reader *reader)
{
	void *job = NULL;

	return base_mailbox_take(reader->done, &job, 1) ? job : NULL;
}
