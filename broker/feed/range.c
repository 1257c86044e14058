/*
 * Who was sent what: a row for each stretch of deliveries to a session under one filter and one entitlement (table feed_range).
 *
 * The row is there before the first delivery; its end follows with the flushes, so after a crash it may say too little by one flush,
 * never too much: `until` moves when a batch was handed to the transport. Sessions that are sent nothing leave no row. One job is
 * under way at a time and carries everything that opened, moved or closed since the one before.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FLUSH_MAX_US = 1000000, FLUSH_SHARE = 9 /* pauses between flushes, in times of how long the last one took */ };

enum isac_err feed_range_init(struct feed *f)
{
	f->ranges.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return f->ranges.wake_fd < 0 ? ISAC_ERR_SYSTEM : ISAC_OK;
}

void feed_range_clear(struct feed *f)
{
	if (f->ranges.wake_fd >= 0) close(f->ranges.wake_fd);
	free(f->ranges.end);
}

/* ---- what happens to a session ------------------------------------------------------------ */

void feed_range_begin(struct feed_session *s)
{
	s->range = (struct feed_range){
		.earlier = s->range.earlier, .earlier_until = s->range.earlier_until, .from = s->position, .until = s->position};
}

bool feed_range_ready(struct feed *f, struct feed_session *s)
{
	if (s->range.id) return true;
	s->range.opened_us = base_clock_us();
	s->range.pending = f->ranges.wanted = true;
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
	s->range.dirty = f->ranges.dirty = true;
}

void feed_range_acked(struct feed *f, struct feed_session *s)
{
	if (s->range.earlier) {
		add_end(f, &(struct store_range){.id = s->range.earlier, .acked_seq = s->acked});
		if (s->acked >= s->range.earlier_until) s->range.earlier = 0;
	}
	if (s->range.id) s->range.dirty = f->ranges.dirty = true;
}

void feed_range_lost(struct feed_session *s)
{
	s->range.lost = true;
}

void feed_range_close(struct feed *f, struct feed_session *s)
{
	uint64_t until = s->range.lost ? s->range.until : s->position;

	if (!s->range.id) return; /* a row that is being written is closed when it comes back */
	add_end(f, &(struct store_range){.id = s->range.id, .until_seq = until, .acked_seq = s->acked, .closed_us = base_clock_us()});
	s->range.earlier = s->range.id;
	s->range.earlier_until = until;
	s->range.id = 0;
}

static bool same_entitlement(const struct member *a, const struct member *b)
{
	if (a->roles != b->roles || a->groups_n != b->groups_n || a->nets_n != b->nets_n || a->asns_n != b->asns_n ||
	    a->domains_n != b->domains_n)
		return false;
	for (uint32_t i = 0; i < a->groups_n; i++)
		if (a->groups[i] != b->groups[i]) return false;
	for (uint32_t i = 0; i < a->nets_n; i++)
		if (a->nets[i].family != b->nets[i].family || a->nets[i].prefix != b->nets[i].prefix ||
		    memcmp(a->nets[i].addr, b->nets[i].addr, a->nets[i].family == 4 ? 4 : 16) != 0)
			return false;
	for (uint32_t i = 0; i < a->asns_n; i++)
		if (a->asns[i] != b->asns[i]) return false;
	for (uint32_t i = 0; i < a->domains_n; i++)
		if (strcmp(a->domains[i], b->domains[i]) != 0) return false;
	return true;
}

void feed_range_recheck(struct feed *f, struct feed_session *s, const struct member *was)
{
	if (!s->open || (was && same_entitlement(was, s->self))) return;
	feed_range_close(f, s);
	feed_range_begin(s);
}

/* ---- to the reader and back ------------------------------------------------------------------- */

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
						       .from_seq = s->range.from,
						       .opened_us = s->range.opened_us};
	return true;
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

/* Moves what there is to tell into the job. */
static bool fill(struct feed *f, struct feed_job *job)
{
	struct feed_ranges *r = &f->ranges;
	bool missed = false;
	uint32_t i;

	if (r->wanted) job->open = calloc(f->sessions_cap, sizeof(*job->open));
	if (r->wanted && !job->open) return false;
	for (i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];

		if (!s) continue;
		if (s->range.pending && !s->range.asked && job->open) {
			s->range.asked = add_open(job, s);
			missed |= !s->range.asked;
		}
		if (!s->range.dirty || !s->range.id) continue;
		add_end(f, &(struct store_range){.id = s->range.id, .until_seq = s->range.until, .acked_seq = s->acked});
		s->range.dirty = false;
	}
	r->wanted = missed;
	r->dirty = false;
	job->end = r->end;
	job->ends = r->ends;
	r->end = NULL;
	r->ends = r->ends_cap = 0;
	return true;
}

static bool has_news(const struct feed *f)
{
	return f->ranges.wanted || f->ranges.dirty || f->ranges.ends;
}

/* An opening is waited for, and so is a question; the rest has time. */
int64_t feed_range_due_us(const struct feed *f)
{
	const struct feed_ranges *r = &f->ranges;

	if (r->under_way || !has_news(f)) return INT64_MAX;
	if (r->wanted || atomic_load(&r->ticket) > atomic_load(&r->done)) return r->retry_at_us;
	return r->at_us > r->retry_at_us ? r->at_us : r->retry_at_us;
}

void feed_range_woken(struct feed *f)
{
	uint64_t n;

	(void)!read(f->ranges.wake_fd, &n, sizeof(n));
}

void feed_range_flush(struct feed *f, bool last)
{
	struct feed_ranges *r = &f->ranges;
	uint64_t ticket = atomic_load(&r->ticket);
	struct feed_job *job;

	if (!r->under_way && !has_news(f)) atomic_store(&r->done, ticket);
	if (!last && feed_range_due_us(f) > base_clock_mono_us()) return;
	if (!has_news(f)) return;
	job = calloc(1, sizeof(*job));
	if (!job) return;
	job->kind = FEED_JOB_RANGES;
	job->ticket = ticket;
	job->asked_us = base_clock_mono_us();
	if (fill(f, job) && !feed_reader_ask(f->reader, job)) {
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

	if (awaited) s->range.asked = false;
	if (awaited && !err) {
		s->range.id = row->id;
		s->range.pending = false;
		base_stats_add(STAT_feed_ranges, 1);
	} else if (awaited) f->ranges.wanted = true;
	else if (!err) add_end(f, &(struct store_range){.id = row->id, .closed_us = base_clock_us()}); /* nothing was sent under it */
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

/* ---- other threads ------------------------------------------------------------------------------- */

uint64_t feed_ranges_ask(struct feed *f)
{
	uint64_t one = 1, ticket = atomic_fetch_add(&f->ranges.ticket, 1) + 1;

	(void)!write(f->ranges.wake_fd, &one, sizeof(one));
	return ticket;
}

bool feed_ranges_are_written(struct feed *f, uint64_t ticket)
{
	return atomic_load(&f->ranges.done) >= ticket;
}
