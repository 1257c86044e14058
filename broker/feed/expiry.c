/*
 * Expiry: when items that a session's filter takes are past their end, the session is told, by an EXPIRED with exactly these items.
 *
 * It has no seq, for nobody reported it: it follows from time. A session is told of ends behind the time of its position when it opened,
 * once it has caught up; so who was away is told what ended meanwhile, and after a pause some ends twice, never one less.
 * Sessions that are told up to the same moment share one look; those that are behind come first, up to where the others are.
 */
#include "feed/priv.h"

#include <stdlib.h>
#include <string.h>

static bool is_due(const struct feed_session *s)
{
	return s && s->open && s->live && s->caught_up;
}

static bool before(const struct store_over_place *a, const struct store_over_place *b)
{
	return a->us != b->us ? a->us < b->us : a->seq < b->seq;
}

/* The session that is told least, and the latest moment that others are told up to. */
static const struct feed_session *last_of(const struct feed *f, int64_t *latest_us)
{
	const struct feed_session *last = NULL;

	*latest_us = 0;
	for (uint32_t i = 0; i < f->sessions_cap; i++) {
		const struct feed_session *s = f->session[i];
		if (!is_due(s)) continue;
		if (!last || before(&s->over, &last->over)) last = s;
		if (s->over.us > *latest_us) *latest_us = s->over.us;
	}
	return last;
}

int64_t feed_expiry_tend(struct feed *f, int64_t now, int64_t next)
{
	int64_t until_us = base_clock_us(), latest_us;
	const struct feed_session *last;
	struct store_over_place from;
	struct feed_job *job;

	if (f->expiry.asked) return next;
	if (f->expiry.at_us > now) return f->expiry.at_us < next ? f->expiry.at_us : next;
	f->expiry.at_us = now + f->conf.expiry_ms * 1000;
	last = last_of(f, &latest_us);
	if (!last || last->over.us >= until_us) return next;
	from = last->over;
	if (latest_us > from.us) until_us = latest_us;
	job = calloc(1, sizeof(*job));
	if (!job) return next;
	*job = (struct feed_job){.kind = FEED_JOB_EXPIRY, .place = NULL, .over_from = from, .over_at = from, .over_until_us = until_us};
	if (feed_reader_ask(f->reader, job)) {
		feed_job_free(&job);
		return next;
	}
	f->expiry.asked = true;
	for (uint32_t i = 0; i < f->sessions_cap; i++)
		if (is_due(f->session[i]) && !before(&from, &f->session[i]->over)) f->session[i]->over_asked = true;
	return next;
}

enum isac_err feed_expiry_read(struct feed_job *job, struct store_db *db)
{
	return store_select_over(db, &job->over_at, job->over_until_us, &job->over, &job->overs, &job->more);
}

/* ---- telling ---- */

static enum isac_err send(struct feed *f, const struct feed_session *s, const struct wire_buf *entry)
{
	wire_buf_reset(&f->out);
	wire_buf_add(&f->out, "\x08", 1); /* Expired.sub */
	wire_buf_varint(&f->out, s->sub);
	wire_buf_add(&f->out, "\x12", 1); /* Expired.entries */
	wire_buf_varint(&f->out, entry->len);
	wire_buf_add(&f->out, entry->data, entry->len);
	return f->out.err ? f->out.err : feed_send_out(f, s->rid, s->rid_len, WIRE_EXPIRED, 0);
}

static void tell(struct feed *f, struct feed_session *s, const struct report *r, const uint8_t *bits)
{
	struct wire_buf entry;

	if (!s->over_asked || !r->audience || !member_may_see(s->self, r->audience, r->publisher_id)) return;
	wire_buf_init(&entry, WIRE_LIMIT_REPLY_BYTES);
	if (report_disclose_as(&entry, r, bits, REPORT_EXPIRED) || send(f, s, &entry)) s->over_asked = false; /* from where it was, later */
	else base_stats_add(STAT_feed_expired, 1);
	wire_buf_clear(&entry);
}

void feed_expiry_done(struct feed *f, struct feed_job *job)
{
	f->expiry.asked = false;
	if (job->err) base_log_limited(1, BASE_LOG_WARN, "feed.expiry", "err=%s", isac_err_name(job->err));
	for (size_t i = 0; !job->err && i < job->overs; i++) feed_match_items(f, job->over[i].report, job->over[i].bits, tell);
	for (uint32_t i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];
		if (!s || !s->over_asked) continue;
		s->over_asked = false;
		if (!job->err) s->over = job->over_at;
	}
	/* The others, or the rest, without a pause. */
	if (!job->err && (job->more || job->over_at.us < base_clock_us() - f->conf.expiry_ms * 2000)) f->expiry.at_us = 0;
}
