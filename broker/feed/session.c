/*
 * The table of sessions: one subscriber's place in the stream, its credit and its cursor.
 *
 * A session's number names its slot and a generation, so that a late frame for a closed session finds nothing.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

static uint32_t slot_of(const struct feed *f, uint32_t sub)
{
	return (sub - 1) % f->sessions_cap;
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
	f->slot_hint = slot + 1;
	if (f->slot_hint >= f->sessions_cap) {
		f->slot_hint = 0;
		f->generation = (f->generation + 1) % (UINT32_MAX / f->sessions_cap);
	}
	s->sub = f->generation * f->sessions_cap + slot + 1;
	memcpy(s->rid, rid, rid_len);
	s->rid_len = (uint8_t)rid_len;
	s->self = self;
	s->member_id = self->id;
	f->session[slot] = s;
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
	uint32_t i;

	if (!*name) return NULL;
	for (i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];
		if (s && s != other && s->member_id == member_id && !strcmp(s->name, name)) return s;
	}
	return NULL;
}

/* Asks for the cursors of these sessions to be stored. */
static void ask_cursors(struct feed *f, struct feed_session *only)
{
	struct feed_job *job = calloc(1, sizeof(*job));
	uint32_t i;

	if (!job) return;
	job->kind = FEED_JOB_CURSORS;
	job->cursor = calloc(only ? 1 : f->sessions_cap, sizeof(*job->cursor));
	for (i = 0; job->cursor && i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];
		struct feed_cursor *c;
		if (!s || (only && s != only) || !*s->name || s->acked <= s->acked_durable) continue;
		c = &job->cursor[job->cursors++];
		*c = (struct feed_cursor){.sub = s->sub, .member_id = s->member_id, .acked = s->acked};
		memcpy(c->name, s->name, sizeof(c->name));
	}
	if (!job->cursors || feed_reader_ask(f->reader, job)) feed_job_free(&job);
	else if (!only) f->cursors_asked = true;
}

void feed_session_flush_cursors(struct feed *f, bool now)
{
	if (!f->cursors_dirty || f->cursors_asked || (!now && base_clock_mono_us() < f->cursors_at_us)) return;
	f->cursors_dirty = false;
	f->cursors_at_us = base_clock_mono_us() + FEED_CURSOR_FLUSH_MS * 1000;
	ask_cursors(f, NULL);
}

void feed_session_close(struct feed *f, struct feed_session *s)
{
	bool listed = s->open && *s->name;

	if (listed && s->acked > s->acked_durable) ask_cursors(f, s);
	feed_range_close(f, s);
	f->session[slot_of(f, s->sub)] = NULL;
	base_stats_set(STAT_feed_sessions, --f->sessions);
	feed_page_free(&s->page);
	filter_destroy(&s->filter);
	free(s);
	if (listed) feed_session_publish(f);
}

void feed_session_gone(struct feed *f, const uint8_t *rid, size_t rid_len)
{
	uint32_t i;

	for (i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];
		if (s && s->rid_len == rid_len && !memcmp(s->rid, rid, rid_len)) feed_session_close(f, s);
	}
}

void feed_session_close_all(struct feed *f)
{
	uint32_t i;

	for (i = 0; i < f->sessions_cap; i++)
		if (f->session[i]) feed_session_close(f, f->session[i]);
}

struct feed_live {
	size_t n;
	struct {
		int32_t member_id;
		char name[WIRE_LIMIT_NAME_BYTES + 1];
	} at[];
};

void feed_session_publish(struct feed *f)
{
	struct feed_live *live = malloc(sizeof(*live) + f->sessions * sizeof(live->at[0]));
	uint32_t i;

	if (!live) return;
	live->n = 0;
	for (i = 0; i < f->sessions_cap; i++) {
		const struct feed_session *s = f->session[i];
		if (!s || !s->open || !*s->name) continue;
		live->at[live->n].member_id = s->member_id;
		memcpy(live->at[live->n++].name, s->name, sizeof(s->name));
	}
	base_shared_swap(&f->live, live);
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

void feed_session_recheck(struct feed *f)
{
	struct member_roster *old = f->roster;
	uint32_t i;

	f->roster = base_shared_take(f->conf.roster);
	for (i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];
		const struct member *was = s ? s->self : NULL;
		if (!s) continue;
		s->self = f->roster ? member_roster_by_id(f->roster, s->member_id) : NULL;
		if (s->self && !s->self->suspended && s->self->roles & (MEMBER_SUBSCRIBER | MEMBER_ANALYST)) {
			feed_range_recheck(f, s, was);
			continue;
		}
		feed_send_error(f, s->rid, s->rid_len, 0, s->sub, ISAC_ERR_NOT_ALLOWED, "this member may no longer subscribe");
		feed_session_close(f, s);
	}
	if (old) base_shared_give(f->conf.roster, old);
}
