/*
 * Telling sessions that reports concern their member's registered space, whatever their filter is.
 *
 * A note from the indexer only says whom to look up: a job reads from the store how much has gathered since that member last asked, and
 * that is what the session is told. So nothing is counted twice or missed, the same number stands in STATUS, and one look-up at a time,
 * with a pause for each session, is all that it costs the feed however many reports pour in.
 */
#include "feed/priv.h"

#include <stdlib.h>

enum { PAUSE_MS = 500, NOTES_MAX = 4096 };

struct note {
	size_t n;
	int32_t member_id[];
};

enum isac_err feed_notice_start(struct feed *f)
{
	return base_mailbox_new(&f->notes, NOTES_MAX);
}

void feed_notice_stop(struct feed *f)
{
	struct note *note;

	while (f->notes && base_mailbox_take(f->notes, (void **)&note, 1)) free(note);
	base_mailbox_destroy(&f->notes);
}

static int compare_ids(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

void feed_concerned(struct feed *f, const struct store_concern *concern, size_t n)
{
	struct note *note = n ? malloc(sizeof(*note) + n * sizeof(note->member_id[0])) : NULL;
	size_t kept = 0, i;

	if (!n) return;
	if (note) {
		for (i = 0; i < n; i++) note->member_id[i] = concern[i].member_id;
		qsort(note->member_id, n, sizeof(note->member_id[0]), compare_ids);
		for (i = 0; i < n; i++)
			if (!kept || note->member_id[i] != note->member_id[kept - 1]) note->member_id[kept++] = note->member_id[i];
		note->n = kept;
	}
	if (note && !base_mailbox_put(f->notes, note)) return;
	free(note);
	atomic_store(&f->notes_lost, true); /* the next note that comes through means everybody */
}

void feed_notice_take(struct feed *f)
{
	struct note *note;
	uint32_t i;

	while (base_mailbox_take(f->notes, (void **)&note, 1)) {
		bool all = atomic_exchange(&f->notes_lost, false);

		for (i = 0; i < f->sessions_cap; i++) {
			struct feed_session *s = f->session[i];
			if (!s || !(all || bsearch(&s->member_id, note->member_id, note->n, sizeof(note->member_id[0]), compare_ids)))
				continue;
			s->notice_due = f->notices_due = true;
		}
		free(note);
	}
}

void feed_notice_opened(struct feed *f, struct feed_session *s)
{
	const struct member *m = s->self;

	if (m->nets_n || m->asns_n || m->domains_n) s->notice_due = f->notices_due = true;
}

int64_t feed_notice_tend(struct feed *f, int64_t now, int64_t next)
{
	const uint32_t turn = f->notice_turn;
	struct feed_job *job;
	uint32_t i;

	if (!f->notices_due || f->notice_asked) return next;
	f->notices_due = false;
	for (i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[(turn + i) % f->sessions_cap];
		if (!s || !s->notice_due) continue;
		f->notices_due = true;
		if (!s->open || f->notice_asked) continue;
		if (s->notice_at_us > now) {
			if (s->notice_at_us < next) next = s->notice_at_us;
			continue;
		}
		job = calloc(1, sizeof(*job));
		if (!job) continue;
		*job = (struct feed_job){.kind = FEED_JOB_CONCERN, .sub = s->sub, .member_id = s->member_id};
		if (feed_reader_ask(f->reader, job)) {
			feed_job_free(&job);
			s->notice_at_us = now + PAUSE_MS * 1000;
			continue;
		}
		s->notice_due = false;
		s->notice_at_us = now + PAUSE_MS * 1000;
		f->notice_asked = true;
		f->notice_turn = (turn + i + 1) % f->sessions_cap;
	}
	return next;
}

/* On the reader's thread. */
enum isac_err feed_notice_read(struct feed_job *job, struct store_db *db, struct base_shared *shared)
{
	struct member_roster *roster = base_shared_take(shared);
	const struct member *self = roster ? member_roster_by_id(roster, job->member_id) : NULL;
	enum isac_err err = self ? store_select_concern(db, self, &job->reports, &job->seq) : ISAC_ERR_NOT_FOUND;

	if (roster) base_shared_give(shared, roster);
	return err;
}

void feed_notice_done(struct feed *f, const struct feed_job *job)
{
	struct feed_session *s = feed_session_find(f, job->sub);
	Isac1__Notice msg = ISAC1__NOTICE__INIT;

	f->notice_asked = false;
	if (!s) return;
	if (job->err) {
		s->notice_due = f->notices_due = true; /* again, after its pause */
		return;
	}
	if (!job->reports || (job->reports == s->notice_reports && job->seq == s->notice_seq)) return;
	msg.sub = s->sub;
	msg.reports = job->reports;
	msg.newest_seq = job->seq;
	if (feed_send(f, s, WIRE_NOTICE, 0, &msg.base)) {
		s->notice_due = f->notices_due = true;
		return;
	}
	s->notice_reports = job->reports;
	s->notice_seq = job->seq;
	base_stats_add(STAT_feed_notices, 1);
}
