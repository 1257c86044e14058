/*
 * What a report says about another one follows it: to the subscriptions that were sent the original, whatever their filters say. Who
 * that was is read from the ranges by the reader. A session whose turn comes before that is known waits in its place; what
 * it was sent up to then has been handed over and written, for the ends of ranges go to the reader before the question.
 *
 * An answer is kept for the next report about the same original. It holds for a session whose range began before the question and
 * who had passed the original by then; others ask anew.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

static struct feed_follow *find(struct feed *f, const struct sent_name *name)
{
	for (size_t i = 0; i < f->follows.n; i++) {
		struct feed_follow *e = &f->follows.at[i];
		if (e->name.publisher_id == name->publisher_id && !memcmp(e->name.report_id, name->report_id, WIRE_ID)) return e;
	}
	return NULL;
}

static void clear(struct feed_follow *e)
{
	sent_destroy(&e->sent);
	free(e->place);
	*e = (struct feed_follow){.sent = NULL};
}

void feed_follow_clear(struct feed *f)
{
	while (f->follows.n) clear(&f->follows.at[--f->follows.n]);
}

/* NULL: all are being asked for; who wants it comes again. */
static struct feed_follow *add(struct feed *f, const struct sent_name *name)
{
	struct feed_follows *all = &f->follows;
	struct feed_follow *e = NULL;

	if (all->n < FEED_FOLLOWS_MAX) {
		e = &all->at[all->n++];
	} else {
		for (size_t i = 0; i < all->n; i++)
			if (!all->at[i].asked && (!e || all->at[i].used_us < e->used_us)) e = &all->at[i];
		if (!e) return NULL;
		clear(e);
	}
	*e = (struct feed_follow){.name = *name};
	return e;
}

static bool holds_for(const struct feed_follow *e, const struct feed_session *s, uint64_t seq)
{
	size_t i = 0;

	if (!e->sent || s->range.stamp >= e->stamp) return false;
	while (i < e->places && e->place[i].sub != s->sub) i++;
	return i < e->places && e->place[i].seq >= sent_before(e->sent, seq);
}

bool feed_follow(struct feed *f, const struct feed_session *s, const struct report *r, uint8_t *bits)
{
	struct sent_name name;
	struct feed_follow *e;

	if (!sent_original(&name, r, f->roster)) return true;
	e = find(f, &name);
	if (!e) e = add(f, &name);
	if (!e) return false;
	e->used_us = base_clock_mono_us();
	if (!holds_for(e, s, r->seq)) {
		e->wanted = true;
		return false;
	}
	(void)sent_follow(e->sent, r, s->member_id, s->name, bits);
	return true;
}

/* ---- to the reader and back ---- */

static bool ask(struct feed *f, struct feed_follow *e)
{
	struct feed_job *job = calloc(1, sizeof(*job));

	if (job) job->place = calloc(f->sessions + 1, sizeof(*job->place));
	if (!job || !job->place) {
		feed_job_free(&job);
		return false;
	}
	job->kind = FEED_JOB_FOLLOW;
	job->original = e->name;
	job->stamp = ++f->follows.stamp;
	for (uint32_t i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];
		if (s && s->open) job->place[job->places++] = (struct feed_position){s->sub, feed_session_position(f, s)};
	}
	if (feed_reader_ask(f->reader, job)) {
		feed_job_free(&job);
		return false;
	}
	e->wanted = false;
	e->asked = true;
	f->follows.asked++;
	return true;
}

int64_t feed_follow_tend(struct feed *f, int64_t next)
{
	struct feed_follows *all = &f->follows;
	int64_t now = base_clock_mono_us();
	bool flushed = false;

	for (size_t i = 0; i < all->n; i++) {
		struct feed_follow *e = &all->at[i];

		if (!e->wanted || e->asked || all->asked == FEED_FOLLOWS_ASKED_MAX) continue;
		if (all->retry_at_us > now) return all->retry_at_us < next ? all->retry_at_us : next;
		if (!flushed) feed_range_flush(f, true);
		flushed = true;
		if (!ask(f, e)) all->retry_at_us = now + FEED_RETRY_MS * 1000;
	}
	return next;
}

enum isac_err feed_follow_read(struct feed_job *job, struct store_db *db, struct base_shared *shared)
{
	struct member_roster *roster = shared ? base_shared_take(shared) : NULL;
	enum isac_err err = sent_find(&job->sent, db, roster, &job->original);

	if (roster) base_shared_give(shared, roster);
	return err;
}

static void take(struct feed_follow *e, struct feed_job *job)
{
	sent_destroy(&e->sent);
	free(e->place);
	e->sent = job->sent;
	e->place = job->place;
	e->places = job->places;
	e->stamp = job->stamp;
	job->sent = NULL;
	job->place = NULL;
}

void feed_follow_done(struct feed *f, struct feed_job *job)
{
	struct feed_follow *e = find(f, &job->original);
	struct feed_session *s;

	f->follows.asked--;
	if (!e) return;
	e->asked = false;
	if (job->err) {
		base_log_limited(1, BASE_LOG_WARN, "feed.follow", "err=%s", isac_err_name(job->err));
		e->wanted = true;
		f->follows.retry_at_us = base_clock_mono_us() + FEED_RETRY_MS * 1000;
		return;
	}
	take(e, job);
	while ((s = TAILQ_FIRST(&f->queue[FEED_WAIT_FOLLOW]))) {
		feed_session_move(f, s, FEED_IDLE);
		feed_session_ready(f, s);
	}
}
