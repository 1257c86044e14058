/*
 * The writer: the one actor that orders everything. Takes what intake verified, stores it in group commits (a lone report
 * goes at once), answers, and hands the committed reports on.
 *
 * Nothing is acknowledged that is not committed. When the outcome of a commit is unknown (connection lost), the batch is run
 * again: the duplicate check finds what was stored, and `committed` is told of it by reading it back (catch_up.c).
 * Every job is answered by its deadline, also while the database is away; the receipts' signatures are receipt.c.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "store/store_priv.h"

enum { JOBS_MAX = 4096, WAITING_MAX = 64, STOP_WAIT_US = 3000000, SERVE_MS = 50, FEW = 4, STEP_US = 250, AWAY_MS = 1000 };

/* ---- start and stop ---------------------------------------------------------------------- */
static void free_store(struct store *s)
{
	struct store_job *job;

	while (s->box && base_mailbox_take(s->box, (void **)&job, 1)) store_job_free(&job);
	base_mailbox_destroy(&s->box);
	base_mailbox_destroy(&s->due);
	store_receipts_destroy(&s->receipts);
	store_pg_destroy(&s->pg);
	store_db_destroy(&s->reader);
	wire_buf_clear(&s->args);
	wire_buf_clear(&s->lock_args);
	free(s->audiences);
	free(s->taken);
	free(s->order);
	free(s->conninfo);
	free(s->hub_id);
	free(s);
}

static int aside_fd(void *arg)
{
	return store_receipts_fd(((struct store *)arg)->receipts);
}

static void aside(void *arg)
{
	store_receipts_serve(((struct store *)arg)->receipts);
}

/* On each new connection: one writer a database, and a fresh look at the head. */
static enum isac_err connected(struct store_pg *pg, void *arg)
{
	static const struct store_stmt stmt = {"lock_broker", "SELECT pg_try_advisory_lock($1::int, $2::int)"};
	struct store *s = arg;
	PGresult *res = NULL;
	enum isac_err err;
	bool mine;

	wire_buf_reset(&s->lock_args);
	store_field_i32(&s->lock_args, STORE_LOCK);
	store_field_i32(&s->lock_args, STORE_LOCK_BROKER);
	err = store_pg_run(pg, &stmt, &s->lock_args, &res);
	mine = !err && store_get_bool(res, 0, 0);
	PQclear(res);
	s->is_locked_out = !err && !mine;
	s->must_sync = true;
	return err ? err : mine ? ISAC_OK : ISAC_ERR_UNAVAILABLE;
}

/* A broker that was just killed leaves its backend behind for a moment: wait for that, not for a live one. */
static enum isac_err connect_first(struct store *s)
{
	int64_t until = base_clock_mono_us() + LOCK_WAIT_US;
	enum isac_err err;

	for (;;) {
		err = store_pg_connect(s->pg);
		if (!err || base_clock_mono_us() > until || !store_pause(s, 100)) break;
	}
	if (err && s->is_locked_out) base_log(BASE_LOG_ERROR, "store.locked", "text=\"another broker is running on this database\"");
	else if (err) base_log(BASE_LOG_ERROR, "store.connect", "text=\"%s\"", store_pg_error(s->pg));
	return err && s->is_locked_out ? ISAC_ERR_CONFIG : err;
}

static enum isac_err begin(struct store *s)
{
	struct wire_why why = {.text = ""};
	enum isac_err err = connect_first(s);

	if (err) return err;
	err = store_check_pg(s->pg, s->conf.unsafe_allow_async_commit, &why);
	if (err) {
		base_log(BASE_LOG_ERROR, "store.refused", "text=\"%s\"", why.text);
		return err;
	}
	return store_sync_head(s, true);
}

/* ---- the loop ------------------------------------------------------------------------------------ */
static void wait_for_work(struct store *s)
{
	bool full = store_receipts_waiting(s->receipts) >= WAITING_MAX, away = !store_pg_is_open(s->pg);
	struct pollfd fds[4] = {
		{full ? -1 : base_mailbox_fd(s->box), POLLIN, 0},
		{base_actor_stop_fd(s->actor), POLLIN, 0},
		{store_receipts_fd(s->receipts), POLLIN, 0},
		{base_mailbox_fd(s->due), POLLIN, 0},
	};

	poll(fds, 4, store_receipts_waiting(s->receipts) || s->more_due ? SERVE_MS : away ? AWAY_MS : -1);
	store_receipts_serve(s->receipts);
	/* The last commit may have succeeded without our hearing of it: feeds and index must not wait for the next report. */
	if (away && !base_mailbox_count(s->box) && !store_pg_connect(s->pg)) store_sync_head(s, false);
}

/* Waits for a report or, where many come, just a little, so as not to be woken for each of them. */
static void wait_for_more(struct store *s, int64_t left_us)
{
	bool many = atomic_load(&s->expected) > FEW;
	int64_t us = many && left_us > STEP_US ? STEP_US : left_us;
	struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	struct pollfd fds[2] = {{store_receipts_fd(s->receipts), POLLIN, 0}, {many ? -1 : base_mailbox_fd(s->box), POLLIN, 0}};

	if (ppoll(fds, 2, &time, NULL) > 0 && fds[0].revents) store_receipts_serve(s->receipts);
}

/* What gathered while the last commit ran; and, as long as further ones are being verified, what comes within commit_wait_us. */
static size_t take_work(struct store *s)
{
	int64_t until;
	size_t n;

	if (store_receipts_waiting(s->receipts) >= WAITING_MAX) return 0;
	n = base_mailbox_take(s->box, (void **)s->taken, s->taken_max);
	if (!n) return 0;
	until = s->taken[0]->arrived_us + s->conf.commit_wait_us;
	while (n < s->taken_max && atomic_load(&s->expected) > 0 && base_actor_running(s->actor)) {
		int64_t left_us = until - base_clock_mono_us();

		if (left_us <= 0) break;
		wait_for_more(s, left_us);
		n += base_mailbox_take(s->box, (void **)s->taken + n, s->taken_max - n);
	}
	return n;
}

/* What arrived before the stop is still stored and answered, if that can be done soon. */
static void finish(struct store *s)
{
	int64_t until = base_clock_mono_us() + STOP_WAIT_US;
	size_t n;

	while (base_clock_mono_us() < until && (n = base_mailbox_take(s->box, (void **)s->taken, s->taken_max)) > 0)
		store_commit_jobs(s, s->taken, n);
	while (store_receipts_waiting(s->receipts) && base_clock_mono_us() < until) {
		struct pollfd fd = {store_receipts_fd(s->receipts), POLLIN, 0};

		poll(&fd, 1, SERVE_MS);
		store_receipts_serve(s->receipts);
	}
}

/* Between group commits. After a failure the next try waits for SERVE_MS. true: there was something to do. */
static bool release(struct store *s)
{
	void *due;
	bool more = s->more_due;

	if (base_mailbox_take(s->due, &due, 1)) more = true;
	return more && !store_release_due_now(s);
}

static enum isac_err run(struct base_actor *actor, void *arg)
{
	struct store *s = arg;
	enum isac_err err;
	size_t n;

	s->actor = actor;
	err = begin(s);
	if (err) return err;
	base_actor_ready(actor);
	while (base_actor_running(actor)) {
		n = take_work(s);
		if (n) store_commit_jobs(s, s->taken, n);
		if (!release(s) && !n) wait_for_work(s);
	}
	finish(s);
	store_pg_close(s->pg);
	return ISAC_OK;
}

/* The statements are always the same and look up single rows: plan once, by index, also while the tables are still empty. */
#define PLAN_SETTINGS \
	"enable_seqscan", "off", "enable_hashjoin", "off", "enable_mergejoin", "off", "plan_cache_mode", "force_generic_plan", "work_mem", \
		"64MB", NULL
static const char *const SETTINGS_SAFE[] = {"synchronous_commit", "on", PLAN_SETTINGS};
static const char *const SETTINGS_UNSAFE[] = {"synchronous_commit", "off", PLAN_SETTINGS};

static enum isac_err fill(struct store *s, const struct store_conf *conf)
{
	struct store_pg_conf pg = {
		.name = "isac writer",
		.deadline_ms = conf->deadline_ms,
		.settings = conf->unsafe_allow_async_commit ? SETTINGS_UNSAFE : SETTINGS_SAFE,
		.connected = connected,
		.aside_fd = aside_fd,
		.aside = aside,
		.arg = s,
	};
	enum isac_err err;

	s->conf = *conf;
	s->conninfo = strdup(conf->conninfo);
	s->hub_id = strdup(conf->hub_id ? conf->hub_id : "");
	s->taken_max = (size_t)(conf->commit_reports > JOBS_MAX ? JOBS_MAX : conf->commit_reports);
	s->taken = calloc(s->taken_max, sizeof(*s->taken));
	s->order = calloc(s->taken_max, sizeof(*s->order));
	wire_buf_init(&s->args, STORE_FIELDS_MAX);
	wire_buf_init(&s->lock_args, 64);
	if (!s->conninfo || !s->hub_id || !s->taken || !s->order) return ISAC_ERR_NO_MEMORY;
	s->conf.conninfo = pg.conninfo = s->conninfo;
	s->conf.hub_id = s->hub_id;
	err = base_mailbox_new(&s->box, (size_t)conf->queue_max);
	if (!err) err = base_mailbox_new(&s->due, 1);
	if (!err) err = store_receipts_new(&s->receipts, &s->conf);
	if (!err) err = store_pg_new(&s->pg, &pg);
	if (!err) err = store_db_new(&s->reader, s->conninfo, conf->deadline_ms);
	return err;
}

enum isac_err store_start(struct store **out, const struct store_conf *conf)
{
	struct store *s = calloc(1, sizeof(*s));
	enum isac_err err;

	if (!s) return ISAC_ERR_NO_MEMORY;
	err = fill(s, conf);
	if (!err) err = base_actor_start(&s->started, "store", run, s);
	if (err) {
		free_store(s);
		return err;
	}
	*out = s;
	return ISAC_OK;
}

void store_stop(struct store **s)
{
	if (!s || !*s) return;
	base_actor_stop(&(*s)->started);
	free_store(*s);
	*s = NULL;
}

/* ---- from other threads ------------------------------------------------------------------------------ */
enum isac_err store_submit(struct store *s, struct report *report, const struct member_audience *audience, const struct store_route *route)
{
	size_t ids = audience->groups_n + audience->recipients_n;
	struct store_job *job = calloc(1, sizeof(*job) + ids * sizeof(int32_t));
	int32_t *copy;

	if (!job) return ISAC_ERR_NO_MEMORY;
	copy = (int32_t *)(job + 1);
	if (audience->groups_n) memcpy(copy, audience->groups, audience->groups_n * sizeof(*copy));
	if (audience->recipients_n) memcpy(copy + audience->groups_n, audience->recipients, audience->recipients_n * sizeof(*copy));
	job->audience = *audience;
	job->audience.groups = copy;
	job->audience.recipients = copy + audience->groups_n;
	member_audience_digest(job->digest, &job->audience);
	job->route = *route;
	job->arrived_us = base_clock_mono_us();
	job->report = report_ref(report);
	if (base_mailbox_put(s->box, job)) {
		store_job_free(&job);
		return ISAC_ERR_UNAVAILABLE;
	}
	return ISAC_OK;
}

void store_release_due(struct store *s)
{
	base_mailbox_put(s->due, s); /* full: it is known already */
}

void store_expect(struct store *s, int reports)
{
	atomic_fetch_add(&s->expected, reports);
}

uint64_t store_head(const struct store *s)
{
	return atomic_load(&s->head);
}
