/*
 * The table of sessions: one subscriber's place in the stream, its credit and its cursor; and the lists that say what is to be done
 * with whom. Nothing here walks over all sessions for the sake of one.
 *
 * A session's number names its slot and a generation, so that a late frame for a closed session finds nothing.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MAX = 65536 };

enum isac_err feed_session_init(struct feed *f)
{
	size_t i;

	f->sessions_cap = (uint32_t)f->conf.sessions_max;
	f->buckets = 64;
	while (f->buckets < f->sessions_cap && f->buckets < BUCKETS_MAX) f->buckets *= 2;
	f->session = calloc(f->sessions_cap, sizeof(*f->session));
	f->by_rid = calloc(f->buckets, sizeof(*f->by_rid));
	f->by_member = calloc(f->buckets, sizeof(*f->by_member));
	for (i = 0; i < FEED_PLACES; i++) TAILQ_INIT(&f->queue[i]);
	TAILQ_INIT(&f->beats);
	TAILQ_INIT(&f->cursors);
	feed_range_init(f);
	return f->session && f->by_rid && f->by_member ? ISAC_OK : ISAC_ERR_NO_MEMORY;
}

void feed_session_clear(struct feed *f)
{
	free(f->session);
	free(f->by_rid);
	free(f->by_member);
	feed_range_clear(f);
}

static uint32_t slot_of(const struct feed *f, uint32_t sub)
{
	return (sub - 1) % f->sessions_cap;
}

/* The server's routing ids count upwards in their last bytes. */
static struct feed_bucket *bucket_of_rid(struct feed *f, const uint8_t *rid, size_t len)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < len; i++) h = (h ^ rid[i]) * 16777619u;
	return &f->by_rid[h & (f->buckets - 1)];
}

static struct feed_bucket *bucket_of_member(struct feed *f, int32_t member_id)
{
	return &f->by_member[(uint32_t)member_id & (f->buckets - 1)];
}

struct feed_session *feed_session_new(struct feed *f, const uint8_t *rid, size_t rid_len, const struct member *self)
{
	struct feed_session *s;
	uint32_t i, slot = 0;

	if (f->sessions >= f->sessions_cap || rid_len > FEED_RID_MAX) return NULL;
	for (i = 0; i < f->sessions_cap; i++) {
		slot = (f->slot_hint + i) % f->sessions_cap;
		if (!f->session[slot]) break;
	}
	s = calloc(1, sizeof(*s));
	if (!s) return NULL;
	/* A new round of slots is a new generation: a number comes again only after all the others. */
	if (slot < f->slot_hint) f->generation = (f->generation + 1) % (UINT32_MAX / f->sessions_cap);
	f->slot_hint = slot + 1;
	s->sub = f->generation * f->sessions_cap + slot + 1;
	memcpy(s->rid, rid, rid_len);
	s->rid_len = (uint8_t)rid_len;
	s->self = self;
	s->member_id = self->id;
	s->rights_told = true;
	f->session[slot] = s;
	TAILQ_INSERT_TAIL(&f->queue[FEED_IDLE], s, queue);
	LIST_INSERT_HEAD(bucket_of_rid(f, rid, rid_len), s, by_rid);
	LIST_INSERT_HEAD(bucket_of_member(f, s->member_id), s, by_member);
	base_stats_set(STAT_feed_sessions, ++f->sessions);
	return s;
}

struct feed_session *feed_session_find(struct feed *f, uint32_t sub)
{
	struct feed_session *s = sub ? f->session[slot_of(f, sub)] : NULL;

	return s && s->sub == sub ? s : NULL;
}

struct feed_session *feed_session_named(struct feed *f, int32_t member_id, const char *name, const struct feed_session *other)
{
	struct feed_session *s;

	if (!*name) return NULL;
	LIST_FOREACH(s, bucket_of_member(f, member_id), by_member)
	if (s != other && s->member_id == member_id && !strcmp(s->name, name)) return s;
	return NULL;
}

enum isac_err feed_session_open(struct feed *f, struct feed_session *s, struct filter *filter, uint64_t position)
{
	enum isac_err err;

	s->filter = filter;
	s->everything = !strcmp(filter_text(filter), "true");
	err = feed_match_add(f, s);
	if (err) return err;
	s->position = s->told = s->acked = s->acked_durable = position;
	s->rights_seq = position;
	s->rights_generation = member_roster_generation(f->roster);
	feed_range_begin(f, s);
	s->open = true;
	f->live_changed |= *s->name != 0;
	TAILQ_INSERT_TAIL(&f->beats, s, beat);
	feed_session_beat(f, s);
	feed_session_ready(f, s);
	return ISAC_OK;
}

/* ---- what is to be done with it ---- */

void feed_session_move(struct feed *f, struct feed_session *s, enum feed_place place)
{
	if (place != FEED_READY_BEHIND) feed_page_leave(f, s);
	if (place == FEED_WAIT_PAGE) s->waits_since_us = base_clock_mono_us();
	TAILQ_REMOVE(&f->queue[s->place], s, queue);
	s->place = place;
	TAILQ_INSERT_TAIL(&f->queue[place], s, queue);
}

void feed_session_move_all(struct feed *f, enum feed_place from, enum feed_place to)
{
	struct feed_session *s;

	while ((s = TAILQ_FIRST(&f->queue[from]))) feed_session_move(f, s, to);
}

bool feed_session_may_send(const struct feed_session *s)
{
	return s->open && !s->range.pending && s->credit > 0 && s->window < WIRE_LIMIT_WINDOW_BATCHES;
}

void feed_session_ready(struct feed *f, struct feed_session *s)
{
	enum feed_place place = s->live ? FEED_READY : FEED_READY_BEHIND;

	if (!feed_session_may_send(s)) place = FEED_IDLE;
	else if (s->place == FEED_WAIT_FOLLOW || (!s->live && s->place == FEED_WAIT_PAGE)) return;
	if (s->place != place) feed_session_move(f, s, place);
}

void feed_session_behind(struct feed *f, struct feed_session *s, uint64_t position)
{
	s->live = s->caught_up = false;
	if (s->position < position) s->position = position;
	feed_session_ready(f, s);
}

bool feed_is_ready(const struct feed *f)
{
	return !TAILQ_EMPTY(&f->queue[FEED_READY]) || !TAILQ_EMPTY(&f->queue[FEED_READY_BEHIND]);
}

uint64_t feed_session_position(struct feed *f, struct feed_session *s)
{
	uint64_t done = s->position;

	if (s->live) done = feed_match_next(f, s) ? s->hit_seq - 1 : f->ring.last;
	return done > s->position ? done : s->position;
}

/* All wait equally long, so the list stays in order of time. */
void feed_session_beat(struct feed *f, struct feed_session *s)
{
	s->heartbeat_at_us = base_clock_mono_us() + f->conf.heartbeat_ms * 1000;
	TAILQ_REMOVE(&f->beats, s, beat);
	TAILQ_INSERT_TAIL(&f->beats, s, beat);
}

/* ---- cursors ---- */

void feed_session_acked(struct feed *f, struct feed_session *s, uint64_t seq)
{
	if (seq > s->acked) {
		s->acked = seq;
		feed_range_acked(f, s);
	}
	if (s->acked <= s->acked_durable || !*s->name || s->dirty) return;
	s->dirty = true;
	TAILQ_INSERT_TAIL(&f->cursors, s, cursor);
}

static void clean(struct feed *f, struct feed_session *s)
{
	if (s->dirty) TAILQ_REMOVE(&f->cursors, s, cursor);
	s->dirty = false;
}

static struct feed_job *cursors_job(size_t n)
{
	struct feed_job *job = calloc(1, sizeof(*job));

	if (!job) return NULL;
	job->kind = FEED_JOB_CURSORS;
	job->cursor = calloc(n, sizeof(*job->cursor));
	if (!job->cursor) feed_job_free(&job);
	return job;
}

static void add_cursor(struct feed_job *job, const struct feed_session *s)
{
	struct feed_cursor *c = &job->cursor[job->cursors++];

	*c = (struct feed_cursor){.sub = s->sub, .member_id = s->member_id, .acked = s->acked};
	memcpy(c->name, s->name, sizeof(c->name));
}

void feed_session_flush_cursors(struct feed *f, bool now)
{
	struct feed_session *s;
	struct feed_job *job;
	size_t n = 0;

	if (TAILQ_EMPTY(&f->cursors) || f->cursors_asked || (!now && base_clock_mono_us() < f->cursors_at_us)) return;
	f->cursors_at_us = base_clock_mono_us() + FEED_CURSOR_FLUSH_MS * 1000;
	TAILQ_FOREACH(s, &f->cursors, cursor) n++;
	job = cursors_job(n);
	if (!job) return;
	TAILQ_FOREACH(s, &f->cursors, cursor) add_cursor(job, s);
	if (feed_reader_ask(f->reader, job)) {
		feed_job_free(&job);
		return;
	}
	while ((s = TAILQ_FIRST(&f->cursors))) clean(f, s);
	f->cursors_asked = true;
}

/* The last of one session, whatever else is under way. */
static void leave_cursor(struct feed *f, struct feed_session *s)
{
	struct feed_job *job = s->acked > s->acked_durable && *s->name ? cursors_job(1) : NULL;

	clean(f, s);
	if (!job) return;
	add_cursor(job, s);
	if (feed_reader_ask(f->reader, job)) feed_job_free(&job);
}

/* ---- the end ---- */

void feed_session_close(struct feed *f, struct feed_session *s)
{
	if (s->open) {
		leave_cursor(f, s);
		feed_range_close(f, s);
		feed_match_remove(f, s);
		TAILQ_REMOVE(&f->beats, s, beat);
		f->live_changed |= *s->name != 0;
	}
	feed_page_leave(f, s);
	TAILQ_REMOVE(&f->queue[s->place], s, queue);
	LIST_REMOVE(s, by_rid);
	LIST_REMOVE(s, by_member);
	f->session[slot_of(f, s->sub)] = NULL;
	base_stats_set(STAT_feed_sessions, --f->sessions);
	filter_destroy(&s->filter);
	free(s);
}

void feed_session_gone(struct feed *f, const uint8_t *rid, size_t rid_len)
{
	struct feed_session *s, *next;

	for (s = LIST_FIRST(bucket_of_rid(f, rid, rid_len)); s; s = next) {
		next = LIST_NEXT(s, by_rid);
		if (s->rid_len == rid_len && !memcmp(s->rid, rid, rid_len)) feed_session_close(f, s);
	}
}

void feed_session_close_all(struct feed *f)
{
	uint32_t i;

	for (i = 0; i < f->sessions_cap; i++)
		if (f->session[i]) feed_session_close(f, f->session[i]);
}

/* ---- who is there, for other threads ---- */

struct feed_live {
	size_t n;
	struct {
		int32_t member_id;
		char name[WIRE_LIMIT_NAME_BYTES + 1];
	} at[];
};

void feed_session_publish(struct feed *f)
{
	struct feed_live *live = f->live_changed ? malloc(sizeof(*live) + f->sessions * sizeof(live->at[0])) : NULL;
	uint32_t i;

	if (!live) return;
	f->live_changed = false;
	live->n = 0;
	for (i = 0; i < f->sessions_cap; i++) {
		const struct feed_session *s = f->session[i];
		if (!s || !s->open || !*s->name) continue;
		live->at[live->n].member_id = s->member_id;
		memcpy(live->at[live->n++].name, s->name, sizeof(s->name));
	}
	base_shared_swap(&f->live, live);
}

bool feed_is_busy(const struct feed *f)
{
	return base_clock_mono_us() - atomic_load(&f->sent_at_us) < FEED_BUSY_US;
}

bool feed_is_live(struct feed *f, int32_t member_id, const char *name)
{
	struct feed_live *live = base_shared_take(&f->live);
	bool found = false;
	size_t i;

	if (!live) return false;
	for (i = 0; i < live->n && !found; i++) found = live->at[i].member_id == member_id && !strcmp(live->at[i].name, name);
	base_shared_give(&f->live, live);
	return found;
}
