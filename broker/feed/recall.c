/*
 * Telling sessions that reports which they were sent are not to be used any more.
 *
 * Which, and of whom, the store knows. A session is told after SUBSCRIBED and whenever somebody has news; where it stood then is
 * written down with it, so that a subscriber whose cursor is not beyond that place is told again when it comes back. One look-up is
 * under way at a time.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 500, AGAIN_MS = 200 };

void feed_recalled(struct feed *f, bool erased)
{
	if (erased) atomic_store(&f->erased, true);
	atomic_store(&f->recalled, true);
	feed_wake(f);
}

static void look(struct feed *f, struct feed_session *s)
{
	s->recall_due = f->recalls_due = true;
	s->recall_at_us = 0;
}

void feed_recall_take(struct feed *f)
{
	uint32_t i;

	if (atomic_exchange(&f->erased, false)) {
		feed_page_forget(f, true);
		f->pages.discard = f->pages.asked_n;
		feed_ring_skip(f, atomic_load(&f->head));
	}
	if (!atomic_exchange(&f->recalled, false)) return;
	for (i = 0; i < f->sessions_cap; i++)
		if (f->session[i]) look(f, f->session[i]);
}

static struct feed_job *ask(const struct feed_session *s)
{
	struct feed_job *job = calloc(1, sizeof(*job));

	if (!job) return NULL;
	*job = (struct feed_job){.kind = FEED_JOB_RECALL,
				 .sub = s->sub,
				 .member_id = s->member_id,
				 .seq = s->recall_again ? s->recall_from : INT64_MAX,
				 .recall_id = s->recall_again ? s->recall_id : 0,
				 .recall_seq = s->recall_again ? s->recall_seq : 0};
	memcpy(job->name, s->name, sizeof(job->name));
	return job;
}

static bool ask_reader(struct feed *f, struct feed_job *job)
{
	f->recall_asked = job && !feed_reader_ask(f->reader, job);
	if (!f->recall_asked) feed_job_free(&job);
	return f->recall_asked;
}

int64_t feed_recall_tend(struct feed *f, int64_t now, int64_t next)
{
	const uint32_t turn = f->recall_turn;
	uint32_t i;

	if (!f->recalls_due || f->recall_asked) return next;
	f->recalls_due = false;
	for (i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[(turn + i) % f->sessions_cap];

		if (!s || !s->recall_due) continue;
		f->recalls_due = true;
		if (!s->open || f->recall_asked) continue;
		if (s->recall_at_us > now) {
			if (s->recall_at_us < next) next = s->recall_at_us;
			continue;
		}
		s->recall_at_us = now + AGAIN_MS * 1000; /* unless it was told */
		if (!ask_reader(f, ask(s))) continue;
		s->recall_due = false;
		f->recall_turn = (turn + i + 1) % f->sessions_cap;
	}
	return next;
}

/* On the reader's thread. */
enum isac_err feed_recall_read(struct feed_job *job, struct store_db *db)
{
	struct store_recalled_ask where = {.member_id = job->member_id,
					   .name = job->name,
					   .position = job->kind == FEED_JOB_OPEN ? job->position : job->seq,
					   .after_id = job->recall_id,
					   .after_seq = job->recall_seq};

	if (job->told) return store_update_recalled(db, job->recalled, job->recalled_n, job->position);
	job->recalled = calloc(PAGE, sizeof(*job->recalled));
	if (!job->recalled) return ISAC_ERR_NO_MEMORY;
	enum isac_err err = store_select_recalled(db, &where, job->recalled, PAGE, &job->recalled_n);
	return err ? err : store_select_orders(db, job->recalled, job->recalled_n, &job->order, &job->orders);
}

static ProtobufCBinaryData bytes(const uint8_t *data, size_t len)
{
	return (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)data};
}

/* As the admins signed it, so that the reader need not believe the hub. */
static void put_order(Isac1__Recall *msg, const struct feed_job *job, int64_t recall_id)
{
	size_t i = 0;

	while (i < job->orders && job->order[i].recall_id != recall_id) i++;
	if (i == job->orders) return;
	const struct store_order *o = &job->order[i];
	msg->command = bytes(o->command, o->len);
	msg->signature = bytes(o->signature, WIRE_SIGNATURE);
	msg->key_id = bytes(o->key_id, WIRE_KEY_ID);
	if (!o->cosigned) return;
	msg->cosignature = bytes(o->cosignature, WIRE_SIGNATURE);
	msg->cosign_key_id = bytes(o->cosign_key_id, WIRE_KEY_ID);
}

/* Reports of one recall in one frame, from the job's row `at` on. Returns how many; 0: it could not be sent. */
static size_t tell(struct feed *f, struct feed_session *s, const struct feed_job *job, size_t at)
{
	const struct store_recalled *r = &job->recalled[at];
	size_t n = job->recalled_n - at;
	Isac1__Recalled row[PAGE], *rows[PAGE];
	Isac1__Recall msg = ISAC1__RECALL__INIT;
	size_t i;

	for (i = 0; i < n && r[i].recall_id == r[0].recall_id; i++) {
		isac1__recalled__init(&row[i]);
		row[i].seq = r[i].seq;
		row[i].report_id = bytes(r[i].report_id, WIRE_ID);
		row[i].items = r[i].items;
		row[i].maybe = r[i].maybe;
		rows[i] = &row[i];
	}
	msg.sub = s->sub;
	msg.recall = (uint64_t)r->recall_id;
	msg.reason = r->reason;
	msg.publisher = (char *)(uintptr_t)r->publisher;
	msg.at_us = r->at_us;
	put_order(&msg, job, r->recall_id);
	msg.n_reports = i;
	msg.reports = rows;
	return feed_send(f, s, WIRE_RECALL, 0, &msg.base) ? 0 : i;
}

/* The page was sent: what is written down says where the session stood. */
static void note_told(struct feed *f, struct feed_session *s, struct feed_job *job)
{
	struct feed_job *told = ask(s);
	const struct store_recalled *last = &job->recalled[job->recalled_n - 1];

	s->recall_id = last->recall_id;
	s->recall_seq = last->seq;
	if (!told) return; /* what is not written down is told once more another time */
	told->told = true;
	told->position = s->told;
	told->recalled = job->recalled;
	told->recalled_n = job->recalled_n;
	job->recalled = NULL;
	if (feed_reader_ask(f->reader, told)) feed_job_free(&told);
}

/* What a job has found. */
static void tell_all(struct feed *f, struct feed_session *s, struct feed_job *job)
{
	const size_t found = job->recalled_n;
	size_t at = 0, n = 1;

	for (; n && at < job->recalled_n; at += n) n = tell(f, s, job, at);
	base_stats_add(STAT_feed_recalled, at);
	job->recalled_n = at;
	if (at) note_told(f, s, job);
	if (n && found < PAGE) s->recall_again = false;
	else s->recall_due = f->recalls_due = true;
}

void feed_recall_done(struct feed *f, struct feed_job *job)
{
	struct feed_session *s = feed_session_find(f, job->sub);

	if (job->told) return;
	f->recall_asked = false;
	if (!s) return;
	if (job->err) s->recall_due = f->recalls_due = true; /* again, after its pause */
	else tell_all(f, s, job);
}

/* Before anything is delivered: what comes behind it acknowledges it, too. */
void feed_recall_opened(struct feed *f, struct feed_session *s, struct feed_job *job)
{
	s->recall_from = s->position;
	s->recall_again = job->recalled_n > 0;
	tell_all(f, s, job);
}
