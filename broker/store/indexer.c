/*
 * The indexer: follows the log and keeps mention and indicator. Each has a connection of its own, so that the server works on
 * both at a time, and a cursor that moves in the same transaction. What is written is derived, so it commits without waiting for
 * the disk: a crash takes the last moments of the index together with its cursors, and they are made again; if it took more of
 * one than of the other, that one catches up first. It never holds up a receipt.
 *
 * Close behind the head it takes the reports that the writer hands on; further back it pages through the store.
 * While reports pour in, and while they are being delivered, it stands back for a bounded time, so that a burst is acknowledged at the
 * speed of the disk and the signature check and reaches subscribers at the speed of encryption; a
 * trickle is gathered for a moment, unless somebody waits for it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/base.h"
#include "store/priv.h"

enum {
	RING_MAX = 16384,
	RING_BYTES = 64 << 20,
	BATCH_MENTIONS = 10000,
	PAGE_REPORTS = 512,
	PAGE_BYTES = 8 << 20,
	GATHER_MS = 250,
	PAUSE_MS = 500,
	POUR_REPORTS = 256,
	POUR_MS = 30
};

enum { MENTION, INDICATOR, SIDES };

struct store_indexer {
	struct base_actor *started, *actor;
	struct base_mailbox *ring; /* reports in seq order, maybe with holes */
	atomic_size_t ring_bytes;
	_Atomic uint64_t head, seq; /* newest known; indexed */
	int wake_fd, hurry_fd;
	struct side {
		struct store_pg *pg;
		uint64_t seq; /* its cursor */
	} side[SIDES];
	struct store_db *db; /* reads the pages */
	struct store_index_batch *batch;
	struct store_index_concern *concern; /* NULL: nobody asks */
	struct store_index_held *held;
	void (*due)(void *arg);
	void (*concerned)(void *arg, const struct store_concern *concern, size_t n);
	bool (*busy)(void *arg);
	void *arg;
	struct report *next; /* taken from the ring, not used yet */
	struct report *page[PAGE_REPORTS];
	size_t page_n, page_at;
	uint64_t gone_until; /* what the store has no more, as of the last page that was empty */
	bool must_sync;
	int64_t yield_us_max;
	int64_t behind_at_us;	    /* monotonic: since when it is behind, 0 = it is not */
	_Atomic int64_t news_at_us; /* when the head moved last */
};

/* ---- where the next report comes from ------------------------------------------------------------ */
static struct report *take_ring(struct store_indexer *x)
{
	struct report *report;

	if (!base_mailbox_take(x->ring, (void **)&report, 1)) return NULL;
	atomic_fetch_sub(&x->ring_bytes, report_bytes(report));
	return report;
}

static void drop_page(struct store_indexer *x)
{
	while (x->page_at < x->page_n) report_unref(&x->page[x->page_at++]);
	x->page_at = x->page_n = 0;
}

/*
 * The report after seq `at`: from the page, from the ring, or from a new page. NULL in *out: none there yet, or none any more up to
 * gone_until.
 */
static enum isac_err next_report(struct store_indexer *x, uint64_t at, struct report **out)
{
	uint64_t until = atomic_load(&x->head);
	enum isac_err err;

	*out = NULL;
	if (x->page_at < x->page_n) {
		*out = x->page[x->page_at++];
		return ISAC_OK;
	}
	while (x->next || (x->next = take_ring(x))) {
		if (x->next->seq > at) break;
		report_unref(&x->next);
	}
	if (x->next && x->next->seq == at + 1) {
		*out = x->next;
		x->next = NULL;
		return ISAC_OK;
	}
	if (x->next) until = x->next->seq - 1;
	if (at >= until) return ISAC_OK;
	x->page_at = 0;
	err = store_select_page(x->db, at, until, PAGE_REPORTS, PAGE_BYTES, x->page, &x->page_n);
	if (err) x->page_n = 0;
	if (!err && x->page_n) *out = x->page[x->page_at++];
	else if (!err) x->gone_until = until;
	return err;
}

/* ---- one transaction a side -------------------------------------------------------------------------- */
static void set_seq(struct store_indexer *x)
{
	uint64_t a = x->side[MENTION].seq, b = x->side[INDICATOR].seq;

	atomic_store(&x->seq, a < b ? a : b);
}

static enum isac_err read_cursors(struct store_indexer *x)
{
	static const struct store_stmt stmt = {"select_cursors",
					       "SELECT c.seq, i.seq, h.seq FROM index_cursor c, indicator_cursor i, hub_head h"};
	PGresult *res = NULL;
	enum isac_err err = store_pg_run(x->side[MENTION].pg, &stmt, NULL, &res);

	if (!err) {
		uint64_t head = (uint64_t)store_get_i64(res, 0, 2);

		x->side[MENTION].seq = (uint64_t)store_get_i64(res, 0, 0);
		x->side[INDICATOR].seq = (uint64_t)store_get_i64(res, 0, 1);
		set_seq(x);
		if (head > atomic_load(&x->head)) atomic_store(&x->head, head);
		x->must_sync = false;
	}
	PQclear(res);
	return err;
}

/* Begins, and moves the cursor, only from where we think it is: the backend of a killed broker may still have been at work. */
static enum isac_err begin(struct side *side, const struct store_stmt *move, uint64_t to)
{
	struct wire_buf args;
	enum isac_err err = store_pg_begin(side->pg);

	wire_buf_init(&args, 64);
	store_field_i64(&args, (int64_t)side->seq);
	store_field_i64(&args, (int64_t)to);
	if (!err) err = store_pg_run(side->pg, move, &args, NULL);
	wire_buf_clear(&args);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_ERR_DB_RETRY : err;
}

static enum isac_err commit(struct side *side, uint64_t to)
{
	enum isac_err err = store_pg_commit(side->pg);

	if (!err) side->seq = to;
	return err;
}

/* Writes the batch to the sides that end before it. */
static enum isac_err write_batch(struct store_indexer *x, uint64_t to)
{
	static const struct store_stmt move[SIDES] = {
		{"move_mention", "UPDATE index_cursor SET seq = $2::bigint WHERE seq = $1::bigint RETURNING seq"},
		{"move_indicator", "UPDATE indicator_cursor SET seq = $2::bigint WHERE seq = $1::bigint RETURNING seq"}};
	struct side *m = x->side[MENTION].seq < to ? &x->side[MENTION] : NULL;
	struct side *i = x->side[INDICATOR].seq < to ? &x->side[INDICATOR] : NULL;
	enum isac_err err = ISAC_OK;

	if (i) err = begin(i, &move[INDICATOR], to);
	if (!err && i) err = store_index_batch_indicator_start(x->batch, i->pg);
	if (!err && m) err = begin(m, &move[MENTION], to);
	if (!err && m) err = store_index_batch_mention(x->batch, m->pg);
	if (!err && m) err = store_index_batch_supersession(x->batch, m->pg);
	if (!err && m) err = store_index_held_write(x->held, m->pg);
	if (!err && m && x->concern) err = store_index_concern_write(x->concern, m->pg);
	if (!err && i) err = store_index_batch_indicator_finish(x->batch, i->pg);
	if (!err && i) err = commit(i, to);
	if (!err && m) err = commit(m, to);
	if (err && m) store_pg_rollback(m->pg);
	if (err && i) store_pg_rollback(i->pg);
	return err;
}

static void tell_concerned(struct store_indexer *x)
{
	const struct store_concern *row;
	size_t n;

	if (!x->concern) return;
	row = store_index_concern_rows(x->concern, &n);
	base_stats_add(STAT_index_concerns, n);
	if (n && x->concerned) x->concerned(x->arg, row, n);
}

static void put_back(struct store_indexer *x, struct report *report)
{
	if (x->page_at && x->page[x->page_at - 1] == report) x->page_at--;
	else x->next = report;
}

/* Takes reports into the batch; *at is how far it reaches. */
static enum isac_err collect(struct store_indexer *x, uint64_t *at, uint64_t until, uint64_t *reports)
{
	enum isac_err err = x->concern ? store_index_concern_begin(x->concern) : ISAC_OK;

	store_index_batch_reset(x->batch);
	store_index_held_begin(x->held);
	while (!err && *at < until && store_index_batch_count(x->batch) < BATCH_MENTIONS && *reports < BATCH_MENTIONS) {
		struct report *report;

		err = next_report(x, *at, &report);
		if (!err && !report && x->gone_until > *at) {
			*at = x->gone_until < until ? x->gone_until : until;
			continue;
		}
		if (err || !report) break;
		if (report->seq > until) { /* what lay between was removed */
			put_back(x, report);
			*at = until;
			break;
		}
		err = store_index_batch_add(x->batch, report);
		if (!err) err = store_index_held_add(x->held, report);
		if (!err && x->concern) err = store_index_concern_add(x->concern, report);
		*at = report->seq;
		++*reports;
		report_unref(&report);
	}
	return err;
}

/* Indexes what is there, at most one batch. AGAIN: nothing was there. */
static enum isac_err work(struct store_indexer *x)
{
	enum isac_err err = x->must_sync ? read_cursors(x) : ISAC_OK;
	uint64_t from = atomic_load(&x->seq), at = from, reports = 0, m = x->side[MENTION].seq, i = x->side[INDICATOR].seq;
	bool even = m == i;

	if (!err) err = collect(x, &at, even ? UINT64_MAX : m > i ? m : i, &reports);
	if (!err && at == from) return ISAC_ERR_AGAIN;
	if (!err) err = write_batch(x, at);
	set_seq(x);
	if (err) return err;
	base_stats_add(STAT_index_reports, reports);
	base_stats_add(STAT_index_mentions, store_index_batch_count(x->batch));
	if (m < at) tell_concerned(x);
	if (m < at && x->due && store_index_held_due(x->held)) x->due(x->arg);
	return ISAC_OK;
}

/* ---- the loop ----------------------------------------------------------------------------------------------- */
static void wait_ms(struct store_indexer *x, bool for_news, int ms)
{
	struct pollfd fds[3] = {
		{base_actor_stop_fd(x->actor), POLLIN, 0},
		{for_news ? x->wake_fd : -1, POLLIN, 0},
		{for_news && !x->next ? base_mailbox_fd(x->ring) : -1, POLLIN, 0},
	};
	eventfd_t n;

	poll(fds, 3, ms);
	if (fds[1].revents) eventfd_read(x->wake_fd, &n);
}

/* Do reports pour in or out, and may they have the machine to themselves a little longer? */
static bool stand_back(struct store_indexer *x)
{
	uint64_t behind = atomic_load(&x->head) - atomic_load(&x->seq);
	int64_t now = base_clock_mono_us();

	if (!behind) x->behind_at_us = 0;
	else if (!x->behind_at_us) x->behind_at_us = now;
	if (behind <= POUR_REPORTS || now - x->behind_at_us >= x->yield_us_max) return false;
	return now - atomic_load(&x->news_at_us) < POUR_MS * 1000 || (x->busy && x->busy(x->arg));
}

/* A trickle is gathered a little: a transaction for each report would take the processor from those who publish and read. */
static void gather(struct store_indexer *x)
{
	struct pollfd fds[2] = {{base_actor_stop_fd(x->actor), POLLIN, 0}, {x->hurry_fd, POLLIN, 0}};
	eventfd_t n;

	if (atomic_load(&x->head) - atomic_load(&x->seq) < POUR_REPORTS) poll(fds, 2, GATHER_MS);
	eventfd_read(x->hurry_fd, &n);
}

static const char *error_text(const struct store_indexer *x)
{
	const char *text = store_pg_error(x->side[MENTION].pg);

	return *text ? text : store_pg_error(x->side[INDICATOR].pg);
}

static void start_again(struct store_indexer *x, enum isac_err err)
{
	base_log_limited(1, BASE_LOG_WARN, "index.retry", "err=%s text=\"%s\"", isac_err_name(err), error_text(x));
	drop_page(x);
	x->must_sync = true;
	wait_ms(x, false, PAUSE_MS);
}

static enum isac_err run(struct base_actor *actor, void *arg)
{
	struct store_indexer *x = arg;
	enum isac_err err;

	x->actor = actor;
	err = read_cursors(x);
	if (err) {
		base_log(BASE_LOG_ERROR, "index.connect", "text=\"%s\"", error_text(x));
		return err;
	}
	base_actor_ready(actor);
	while (base_actor_running(actor)) {
		if (stand_back(x)) {
			wait_ms(x, false, POUR_MS);
			continue;
		}
		err = work(x);
		if (err == ISAC_ERR_AGAIN) {
			wait_ms(x, true, -1);
			gather(x);
		} else if (err) {
			start_again(x, err);
		}
	}
	store_index_batch_reset(x->batch);
	return ISAC_OK;
}

/* ---- from other threads ------------------------------------------------------------------------------------------ */
static void free_indexer(struct store_indexer *x)
{
	struct report *report;

	drop_page(x);
	report_unref(&x->next);
	while (x->ring && (report = take_ring(x)) != NULL) report_unref(&report);
	base_mailbox_destroy(&x->ring);
	store_index_batch_destroy(&x->batch);
	store_index_concern_destroy(&x->concern);
	store_index_held_destroy(&x->held);
	for (unsigned i = 0; i < SIDES; i++) store_pg_destroy(&x->side[i].pg);
	store_db_destroy(&x->db);
	if (x->wake_fd >= 0) close(x->wake_fd);
	if (x->hurry_fd >= 0) close(x->hurry_fd);
	free(x);
}

enum isac_err store_indexer_start(struct store_indexer **out, const struct store_conf *conf)
{
	static const char *const settings[] = {
		"synchronous_commit", "off", "enable_seqscan", "off", "work_mem", "64MB", NULL,
	};
	/* A batch is thousands of rows: it may take longer than a statement that a member waits for. */
	struct store_pg_conf pg = {
		.conninfo = conf->conninfo, .name = "isac indexer", .deadline_ms = conf->deadline_ms * 5, .settings = settings};
	struct store_indexer *x = calloc(1, sizeof(*x));
	enum isac_err err;

	if (!x) return ISAC_ERR_NO_MEMORY;
	x->must_sync = true;
	x->concerned = conf->concerned;
	x->due = conf->due;
	x->busy = conf->busy;
	x->arg = conf->arg;
	x->yield_us_max = conf->index_yield_ms * 1000;
	x->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	x->hurry_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = x->wake_fd < 0 || x->hurry_fd < 0 ? ISAC_ERR_SYSTEM : base_mailbox_new(&x->ring, RING_MAX);
	if (!err) err = store_index_batch_new(&x->batch);
	if (!err) err = store_index_held_new(&x->held, conf->roster, conf->quorum > 0 ? conf->quorum : 2);
	if (!err && conf->roster) err = store_index_concern_new(&x->concern, conf->roster);
	for (unsigned i = 0; !err && i < SIDES; i++) err = store_pg_new(&x->side[i].pg, &pg);
	if (!err) err = store_db_new(&x->db, conf->conninfo, conf->deadline_ms);
	if (!err) err = base_actor_start(&x->started, "indexer", run, x);
	if (err) {
		free_indexer(x);
		return err;
	}
	*out = x;
	return ISAC_OK;
}

void store_indexer_stop(struct store_indexer **x)
{
	if (!x || !*x) return;
	base_actor_stop(&(*x)->started);
	free_indexer(*x);
	*x = NULL;
}

void store_indexer_wake(struct store_indexer *x, uint64_t head_seq)
{
	if (!x) return;
	if (head_seq > atomic_load(&x->head)) atomic_store(&x->head, head_seq);
	atomic_store(&x->news_at_us, base_clock_mono_us());
	eventfd_write(x->wake_fd, 1);
}

void store_indexer_hurry(struct store_indexer *x)
{
	if (x) eventfd_write(x->hurry_fd, 1);
}

/* A full ring loses nothing: what is missing in it is paged. */
void store_indexer_committed(struct store_indexer *x, struct report *const *reports, size_t n)
{
	for (size_t i = 0; x && i < n; i++) {
		size_t bytes = report_bytes(reports[i]);
		struct report *ref;

		if (atomic_fetch_add(&x->ring_bytes, bytes) + bytes > RING_BYTES) {
			atomic_fetch_sub(&x->ring_bytes, bytes);
			continue;
		}
		ref = report_ref(reports[i]);
		if (base_mailbox_put(x->ring, ref)) {
			report_unref(&ref);
			atomic_fetch_sub(&x->ring_bytes, bytes);
		}
	}
	if (n) store_indexer_wake(x, reports[n - 1]->seq);
}

uint64_t store_indexer_seq(const struct store_indexer *x)
{
	return atomic_load(&x->seq);
}
