/*
 * Who was sent what: a row for each stretch of deliveries to a session under one filter and one entitlement (table feed_range).
 *
 * The row is there before the first delivery: until then the session is idle. Its end follows with the flushes, so after a crash it
 * may say too little by one flush, never too much: `until` moves when a batch was handed to the transport. Sessions that are sent
 * nothing leave no row. One job is under way at a time and carries what opened, moved or closed since the one before.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

enum {
	FLUSH_MAX_US = 1000000,
	FLUSH_SHARE = 9,	 /* pauses between flushes, in times of how long the last one took */
	OPENS_BYTES = 16777216,	 /* of filters and registered space in one statement; what is left goes with the next one */
	SPACE_ENTRY_BYTES = 260, /* a domain's text at most */
};

void feed_range_init(struct feed *f)
{
	TAILQ_INIT(&f->ranges.wanted);
	TAILQ_INIT(&f->ranges.moved);
}

void feed_range_clear(struct feed *f)
{
	free(f->ranges.end);
}

/* ---- what happens to a session ---- */

void feed_range_begin(struct feed *f, struct feed_session *s)
{
	s->range = (struct feed_range){.earlier = s->range.earlier,
				       .earlier_until = s->range.earlier_until,
				       .stamp = ++f->follows.stamp,
				       .from = s->position,
				       .until = s->position};
}

static void want(struct feed *f, struct feed_session *s)
{
	s->range.asked = false;
	TAILQ_INSERT_TAIL(&f->ranges.wanted, s, news);
}

static void move(struct feed *f, struct feed_session *s)
{
	if (!s->range.id || s->range.dirty) return;
	s->range.dirty = true;
	TAILQ_INSERT_TAIL(&f->ranges.moved, s, news);
}

static void unlist(struct feed *f, struct feed_session *s)
{
	if (s->range.pending && !s->range.asked) TAILQ_REMOVE(&f->ranges.wanted, s, news);
	if (s->range.dirty) TAILQ_REMOVE(&f->ranges.moved, s, news);
	s->range.pending = s->range.asked = s->range.dirty = false;
}

bool feed_range_ready(struct feed *f, struct feed_session *s)
{
	if (s->range.id) return true;
	if (!s->range.pending) {
		s->range.opened_us = base_clock_us();
		/* It names the row: a clock that was set back must not make two of one name. */
		if (s->range.opened_us <= f->ranges.opened_us) s->range.opened_us = f->ranges.opened_us + 1;
		f->ranges.opened_us = s->range.opened_us;
		s->range.pending = true;
		want(f, s);
	}
	feed_session_ready(f, s);
	return false;
}

/* Without memory an end is lost: then the row stays open, which the next start of core takes for "maybe more". */
static void add_end(struct feed *f, const struct store_range *end)
{
	struct feed_ranges *r = &f->ranges;

	if (r->ends == r->ends_cap) {
		size_t cap = r->ends_cap ? r->ends_cap * 2 : 64;
		struct store_range *more = realloc(r->end, cap * sizeof(*more));

		if (!more) return;
		r->end = more;
		r->ends_cap = cap;
	}
	r->end[r->ends++] = *end;
}

void feed_range_handed(struct feed *f, struct feed_session *s)
{
	s->range.until = s->position;
	move(f, s);
}

void feed_range_acked(struct feed *f, struct feed_session *s)
{
	if (s->range.earlier) {
		add_end(f, &(struct store_range){.id = s->range.earlier, .acked_seq = s->acked});
		if (s->acked >= s->range.earlier_until) s->range.earlier = 0;
	}
	move(f, s);
}

void feed_range_lost(struct feed_session *s)
{
	s->range.lost = true;
}

void feed_range_close(struct feed *f, struct feed_session *s)
{
	uint64_t until = s->range.lost ? s->range.until : feed_session_position(f, s);

	unlist(f, s);
	if (!s->range.id) return; /* a row that is being written is closed when it comes back */
	add_end(f, &(struct store_range){.id = s->range.id, .until_seq = until, .acked_seq = s->acked, .closed_us = base_clock_us()});
	s->range.earlier = s->range.id;
	s->range.earlier_until = until;
	s->range.id = 0;
}

/* ---- to the reader and back ---- */

static bool add_open(struct feed_job *job, const struct feed_session *s)
{
	const char *filter = filter_text(s->filter);
	size_t len = strlen(filter) + 1;
	struct member *self = member_roster_copy(s->self);
	char *text = malloc(len + strlen(s->name) + 1);

	if (!self || !text) {
		free(self);
		free(text);
		return false;
	}
	memcpy(text, filter, len);
	memcpy(text + len, s->name, strlen(s->name) + 1);
	job->open[job->opens++] = (struct store_range){.self = self,
						       .session = s->sub,
						       .name = text + len,
						       .filter = text,
						       .compiled_us = filter_now_us(s->filter),
						       .from_seq = s->range.from,
						       .opened_us = s->range.opened_us};
	return true;
}

static size_t size_of(const struct feed_session *s)
{
	const struct member *m = s->self;

	return strlen(filter_text(s->filter)) + ((size_t)m->nets_n + m->asns_n + m->domains_n + m->groups_n) * SPACE_ENTRY_BYTES;
}

void feed_range_job_free(struct feed_job *job)
{
	for (size_t i = 0; i < job->opens; i++) {
		free((void *)(uintptr_t)job->open[i].self);
		free((void *)(uintptr_t)job->open[i].filter); /* the name is in the same block */
	}
	free(job->open);
	free(job->end);
}

static void fill_opens(struct feed *f, struct feed_job *job)
{
	struct feed_session *s;
	size_t n = 0, bytes = 0;

	TAILQ_FOREACH(s, &f->ranges.wanted, news) n++;
	if (n) job->open = calloc(n, sizeof(*job->open));
	if (!job->open) return;
	while ((s = TAILQ_FIRST(&f->ranges.wanted)) && bytes < OPENS_BYTES && add_open(job, s)) {
		TAILQ_REMOVE(&f->ranges.wanted, s, news);
		s->range.asked = true;
		bytes += size_of(s);
	}
}

static void fill_ends(struct feed *f, struct feed_job *job)
{
	struct feed_ranges *r = &f->ranges;
	struct feed_session *s;

	while ((s = TAILQ_FIRST(&r->moved))) {
		TAILQ_REMOVE(&r->moved, s, news);
		s->range.dirty = false;
		add_end(f, &(struct store_range){.id = s->range.id, .until_seq = s->range.until, .acked_seq = s->acked});
	}
	job->end = r->end;
	job->ends = r->ends;
	r->end = NULL;
	r->ends = r->ends_cap = 0;
}

static bool has_news(const struct feed *f)
{
	return !TAILQ_EMPTY(&f->ranges.wanted) || !TAILQ_EMPTY(&f->ranges.moved) || f->ranges.ends;
}

struct feed_job *feed_range_job(struct feed *f)
{
	struct feed_job *job = has_news(f) ? calloc(1, sizeof(*job)) : NULL;

	if (!job) return NULL;
	job->kind = FEED_JOB_RANGES;
	job->ticket = atomic_load(&f->ranges.ticket);
	job->asked_us = base_clock_mono_us();
	fill_opens(f, job);
	fill_ends(f, job);
	return job;
}

/* An opening is waited for, and so is a question; the rest has time. */
int64_t feed_range_due_us(const struct feed *f)
{
	const struct feed_ranges *r = &f->ranges;

	if (r->under_way || !has_news(f)) return INT64_MAX;
	if (!TAILQ_EMPTY(&r->wanted) || atomic_load(&r->ticket) > atomic_load(&r->done)) return r->retry_at_us;
	return r->at_us > r->retry_at_us ? r->at_us : r->retry_at_us;
}

void feed_range_flush(struct feed *f, bool last)
{
	struct feed_ranges *r = &f->ranges;
	uint64_t ticket = atomic_load(&r->ticket);
	struct feed_job *job;

	if (!has_news(f)) {
		if (!r->under_way) atomic_store(&r->done, ticket);
		return;
	}
	if (!last && feed_range_due_us(f) > base_clock_mono_us()) return;
	job = feed_range_job(f);
	if (!job) return;
	if (!feed_reader_ask(f->reader, job)) {
		r->under_way = true;
		return;
	}
	job->err = ISAC_ERR_UNAVAILABLE;
	feed_range_done(f, job);
	feed_job_free(&job);
}

static void take_open(struct feed *f, const struct store_range *row, enum isac_err err)
{
	struct feed_session *s = feed_session_find(f, row->session);
	bool awaited = s && s->range.asked && s->range.opened_us == row->opened_us;

	if (awaited && err) {
		want(f, s);
	} else if (awaited) {
		s->range.id = row->id;
		s->range.pending = s->range.asked = false;
		base_stats_add(STAT_feed_ranges, 1);
		feed_session_ready(f, s);
	} else if (!err) {
		add_end(f, &(struct store_range){.id = row->id, .closed_us = base_clock_us()}); /* nothing was sent under it */
	}
}

void feed_range_done(struct feed *f, struct feed_job *job)
{
	struct feed_ranges *r = &f->ranges;
	int64_t now = base_clock_mono_us(), pause = (now - job->asked_us) * FLUSH_SHARE;

	r->under_way = false;
	if (pause < FEED_CURSOR_FLUSH_MS * 1000) pause = FEED_CURSOR_FLUSH_MS * 1000;
	r->at_us = now + (pause < FLUSH_MAX_US ? pause : FLUSH_MAX_US);
	r->retry_at_us = job->err ? now + FEED_RETRY_MS * 1000 : 0;
	for (size_t i = 0; i < job->opens; i++) take_open(f, &job->open[i], job->err);
	for (size_t i = 0; i < job->ends && job->err; i++) add_end(f, &job->end[i]);
	if (job->err) base_log_limited(1, BASE_LOG_WARN, "feed.ranges", "err=%s", isac_err_name(job->err));
	else if (job->ticket > atomic_load(&r->done)) atomic_store(&r->done, job->ticket);
}

/* ---- other threads ---- */

uint64_t feed_ranges_ask(struct feed *f)
{
	uint64_t ticket = atomic_fetch_add(&f->ranges.ticket, 1) + 1;

	feed_wake(f);
	return ticket;
}

bool feed_ranges_are_written(struct feed *f, uint64_t ticket)
{
	return atomic_load(&f->ranges.done) >= ticket;
}
