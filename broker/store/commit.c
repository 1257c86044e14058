/*
 * One group commit: sort out twins inside the batch, intern audiences, ask the signer for the receipts that we expect,
 * append, hand on, answer. Runs the transaction again after a retryable error or on a fresh connection, until the
 * deadline of the oldest job; then everybody in it is told to come again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "store/store_priv.h"

enum {
	BATCH_BYTES = 8 << 20,
	TRIES_MAX = 6,
	PAUSE_MIN_MS = 20,
	PAUSE_MAX_MS = 500,
	PARTITION_EVERY = 5000, /* with the largest batch, less than what partition_ahead() keeps ready */
	LOOK_FIRST = 100	/* commits */
};

/* ---- twins: the same id twice in one batch ---------------------------------------------------- */
static int by_id(const void *a, const void *b)
{
	const struct store_job *x = *(struct store_job *const *)a, *y = *(struct store_job *const *)b;
	int order;

	if (x->report->publisher_id != y->report->publisher_id) return x->report->publisher_id < y->report->publisher_id ? -1 : 1;
	order = memcmp(x->report->header->report_id.data, y->report->header->report_id.data, WIRE_ID);
	if (order) return order;
	return (x->arrived_us > y->arrived_us) - (x->arrived_us < y->arrived_us);
}

static bool same_id(const struct store_job *x, const struct store_job *y)
{
	return x->report->publisher_id == y->report->publisher_id &&
	       !memcmp(x->report->header->report_id.data, y->report->header->report_id.data, WIRE_ID);
}

static void sort_out_twins(struct store *s, struct store_job **jobs, size_t n)
{
	struct store_job *first = NULL;

	if (n < 2) return;
	memcpy(s->order, jobs, n * sizeof(*jobs));
	qsort(s->order, n, sizeof(*s->order), by_id);
	for (size_t i = 0; i < n; i++) {
		struct store_job *job = s->order[i];

		if (!first || !same_id(first, job)) {
			first = job;
			continue;
		}
		job->twin = first;
		job->state = memcmp(first->report->header_hash, job->report->header_hash, WIRE_HASH) ? STORE_JOB_CONFLICT : STORE_JOB_TWIN;
	}
}

/* A twin has what its first has. */
static void settle_twins(struct store_job **jobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct store_job *job = jobs[i];

		if (job->state != STORE_JOB_TWIN) continue;
		job->seq = job->twin->seq;
		job->received_us = job->twin->received_us;
		if (job->twin->state == STORE_JOB_CONFLICT) job->state = STORE_JOB_CONFLICT;
	}
}

/* ---- audiences ------------------------------------------------------------------------------------ */
static struct store_interned *slot_of(struct store_interned *table, size_t cap, const uint8_t digest[16])
{
	size_t at = wire_get_u64(digest) & (cap - 1);

	while (table[at].id && memcmp(table[at].digest, digest, 16)) at = (at + 1) & (cap - 1);
	return &table[at];
}

static enum isac_err grow_audiences(struct store *s)
{
	size_t cap = s->audiences_cap ? s->audiences_cap * 2 : 256;
	struct store_interned *grown;

	if (s->audiences_n * 2 < s->audiences_cap) return ISAC_OK;
	grown = calloc(cap, sizeof(*grown));
	if (!grown) return ISAC_ERR_NO_MEMORY;
	for (size_t i = 0; i < s->audiences_cap; i++)
		if (s->audiences[i].id) *slot_of(grown, cap, s->audiences[i].digest) = s->audiences[i];
	free(s->audiences);
	s->audiences = grown;
	s->audiences_cap = cap;
	return ISAC_OK;
}

static enum isac_err intern(struct store *s, struct store_job **jobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct store_interned *slot;
		enum isac_err err = grow_audiences(s);

		if (err) return err;
		slot = slot_of(s->audiences, s->audiences_cap, jobs[i]->digest);
		if (!slot->id) {
			int32_t id;

			err = store_intern_audience(s->pg, &s->args, &jobs[i]->audience, jobs[i]->digest, &id);
			if (err) return err;
			memcpy(slot->digest, jobs[i]->digest, 16);
			slot->id = id;
			s->audiences_n++;
		}
		jobs[i]->report->audience_id = slot->id;
	}
	return ISAC_OK;
}

/* ---- the transaction -------------------------------------------------------------------------------- */
/* What the jobs will get if all goes as it nearly always does; returns the first seq, 0 if nothing is new. */
static uint64_t guess(struct store *s, struct store_job **jobs, size_t n, int64_t now_us)
{
	uint64_t seq = atomic_load(&s->head), first = 0;

	for (size_t i = 0; i < n; i++) {
		if (jobs[i]->state != STORE_JOB_NEW) continue;
		jobs[i]->seq = ++seq;
		jobs[i]->received_us = now_us;
		first = first ? first : seq;
	}
	settle_twins(jobs, n);
	return first;
}

static bool guessed_right(struct store_job **jobs, size_t n, uint64_t first, int64_t now_us)
{
	for (size_t i = 0; i < n; i++)
		if (jobs[i]->state == STORE_JOB_NEW) return jobs[i]->seq == first && jobs[i]->received_us == now_us;
	return true;
}

/* What try_commit does while the server is at work: the signer's answer then costs no waiting. */
struct asking {
	struct store *s;
	struct store_job **jobs;
	size_t n;
	uint64_t asked;
};

static void ask(void *arg)
{
	struct asking *a = arg;

	a->asked = store_receipts_ask(a->s->receipts, a->jobs, a->n);
}

/*
 * A member that sends its reports once more would make each commit fail once: after one such failure, look first for a
 * while. Correct either way, since the unique key decides.
 */
static enum isac_err look_first(struct store *s, struct store_job **jobs, size_t n, bool must)
{
	size_t found;
	enum isac_err err;

	if (must) s->look_first = LOOK_FIRST;
	if (!s->look_first) return ISAC_OK;
	s->look_first--;
	err = store_find_report(s->pg, &s->args, jobs, n, &found);
	if (err) return err;
	if (found) s->look_first = LOOK_FIRST;
	return must && !found ? ISAC_ERR_DB_RETRY : ISAC_OK; /* a unique key spoke up and cannot be found: look again later */
}

/* One try. On ISAC_OK *asked names the receipts that fit what was stored. */
static enum isac_err try_commit(struct store *s, struct store_job **jobs, size_t n, uint64_t *asked)
{
	int64_t now_us = base_clock_us();
	uint64_t first;
	struct asking asking = {.s = s, .jobs = jobs, .n = n};
	struct store_meanwhile meanwhile = {.fn = ask, .arg = &asking};
	enum isac_err err = store_pg_connect(s->pg);

	*asked = 0;
	if (!err) err = store_sync_head(s, false);
	if (!err) err = intern(s, jobs, n);
	if (!err) err = look_first(s, jobs, n, false);
	if (err) return err;
	if (now_us < s->received_us) now_us = s->received_us;
	for (;;) {
		first = guess(s, jobs, n, now_us);
		asking.asked = 0;
		err = store_append_report(s->pg, &s->args, jobs, n, now_us, &meanwhile);
		if (!err) break;
		store_receipts_drop(s->receipts, asking.asked);
		if (err == ISAC_ERR_CONFLICT)
			err = look_first(s, jobs, n, true); /* those are marked now: each turn has fewer that are new */
		if (err) return err;
	}
	if (first && !guessed_right(jobs, n, first, now_us)) {
		store_receipts_drop(s->receipts, asking.asked);
		settle_twins(jobs, n);
		asking.asked = 0;
	}
	if (!asking.asked) ask(&asking);
	*asked = asking.asked;
	return ISAC_OK;
}

static enum isac_err commit_until(struct store *s, struct store_job **jobs, size_t n, uint64_t *asked)
{
	int64_t until = jobs[0]->arrived_us + s->conf.deadline_ms * 1000;
	int pause_ms = PAUSE_MIN_MS;
	enum isac_err err;

	for (int tries = 1;; tries++) {
		/* Only after a failure: a queue that is merely long is no reason to refuse. */
		if (s->is_failing) store_pg_limit(s->pg, until);
		err = s->is_failing && base_clock_mono_us() >= until ? ISAC_ERR_DB_BROKEN : try_commit(s, jobs, n, asked);
		store_pg_limit(s->pg, 0);
		if (!err || !isac_err_retryable(err) || err == ISAC_ERR_FULL) return err;
		s->is_failing = true;
		base_stats_add(STAT_store_retries, 1);
		base_log_limited(1, BASE_LOG_WARN, "store.retry", "err=%s text=\"%s\"", isac_err_name(err), store_pg_error(s->pg));
		if (base_clock_mono_us() + pause_ms * 1000 >= until || (err == ISAC_ERR_DB_RETRY && tries >= TRIES_MAX)) return err;
		if (!store_pause(s, pause_ms)) return err;
		pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
	}
}

/* ---- after it ------------------------------------------------------------------------------------------ */
static void count_jobs(struct store_job **jobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (jobs[i]->state) {
		case STORE_JOB_NEW:
			base_stats_add(STAT_store_reports, 1);
			base_stats_add(STAT_store_items, jobs[i]->report->n);
			base_stats_add(STAT_store_held, jobs[i]->report->held_count);
			break;
		case STORE_JOB_CONFLICT:
			base_stats_add(STAT_store_conflicts, 1);
			break;
		case STORE_JOB_TWIN:
		case STORE_JOB_DUPLICATE:
			base_stats_add(STAT_store_duplicates, 1);
			break;
		}
	}
	base_stats_add(STAT_store_commits, 1);
}

/* The committed reports in order, each with a reference; settles what everybody may know of them from now on. */
static size_t take_committed(struct store *s, struct store_job **jobs, size_t n, struct report **reports)
{
	size_t new_n = 0;

	for (size_t i = 0; i < n; i++) {
		struct report *report = jobs[i]->report;

		if (jobs[i]->state != STORE_JOB_NEW) continue;
		report->seq = jobs[i]->seq;
		report->received_us = jobs[i]->received_us;
		reports[new_n++] = report_ref(report);
	}
	if (!new_n) return 0;
	s->received_us = reports[new_n - 1]->received_us;
	atomic_store(&s->head, reports[new_n - 1]->seq);
	s->conf.committed(s->conf.arg, reports, new_n);
	return new_n;
}

static void refuse(struct store *s, struct store_job **jobs, size_t n, enum isac_err err)
{
	if (!isac_err_retryable(err)) /* the server refused what we verified: nobody's to mend but ours */
		base_log_limited(1, BASE_LOG_ERROR, "store.refused", "err=%s text=\"%s\"", isac_err_name(err), store_pg_error(s->pg));
	if (!isac_err_retryable(err) || !isac_err_code(err)) err = ISAC_ERR_UNAVAILABLE;
	for (size_t i = 0; i < n; i++) {
		store_receipts_refuse(s->receipts, jobs[i], err, isac_err_text(err == ISAC_ERR_FULL ? err : ISAC_ERR_UNAVAILABLE));
		store_job_free(&jobs[i]);
	}
}

/* A copy of what was stored while its original was there gets its receipt, whatever has become of the original. */
static bool is_stored(struct store *s, struct store_job *job)
{
	size_t found = 0;

	if (store_pg_connect(s->pg) || store_find_report(s->pg, &s->args, &job, 1, &found) || !found) return false;
	job->state = STORE_JOB_NEW; /* the commit finds it once more, like any */
	return true;
}

/* Answers those that speak about a report and may not; returns how many are left. */
static size_t drop_unfounded(struct store *s, struct store_job **jobs, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		struct wire_why why = {.text = ""};
		enum isac_err err = store_check_original(s, jobs[i], &why);

		if (!err || (!isac_err_retryable(err) && is_stored(s, jobs[i]))) {
			jobs[left++] = jobs[i];
			continue;
		}
		store_receipts_refuse(s->receipts, jobs[i], err, *why.text ? why.text : isac_err_text(err));
		store_job_free(&jobs[i]);
	}
	return left;
}

static void commit_slice(struct store *s, struct store_job **jobs, size_t n)
{
	struct report **reports = (struct report **)s->order; /* as wide, and free once the batch is stored */
	size_t new_n;
	uint64_t asked;
	enum isac_err err;

	n = drop_unfounded(s, jobs, n);
	if (!n) return;
	sort_out_twins(s, jobs, n);
	err = commit_until(s, jobs, n, &asked);
	if (err) {
		refuse(s, jobs, n, err);
		return;
	}
	s->is_failing = false;
	count_jobs(jobs, n);
	new_n = take_committed(s, jobs, n, reports);
	store_receipts_serve(s->receipts);
	store_receipts_release(s->receipts, asked, jobs, n);
	if (new_n) s->conf.publish(s->conf.arg, reports, new_n); /* who published waits for the receipt; readers come after it */
	for (size_t i = 0; i < new_n; i++) report_unref(&reports[i]);
	if (atomic_load(&s->head) - s->partitions_at >= PARTITION_EVERY) {
		s->partitions_at = atomic_load(&s->head);
		if (store_ensure_partition(s->pg))
			base_log_limited(1, BASE_LOG_WARN, "store.partition", "text=\"%s\"", store_pg_error(s->pg));
	}
}

void store_commit_jobs(struct store *s, struct store_job **jobs, size_t n)
{
	size_t from = 0, bytes = 0;

	for (size_t i = 0; i < n; i++) {
		bytes += jobs[i]->report->header_bytes.len + jobs[i]->report->payload_bytes.len;
		if (bytes >= BATCH_BYTES || i + 1 == n) {
			commit_slice(s, jobs + from, i + 1 - from);
			from = i + 1;
			bytes = 0;
		}
	}
}
