/*
 * query: the actor that answers questions about stored things, one at a time, over a database connection of its own.
 *
 * What can be long is asked for in slices (PREVIEW, WHO): none takes long, and they wait until nobody else does. What cannot be cut into
 * slices and takes seconds (STATISTICS) has a second actor of the same making: no question of milliseconds waits behind it.
 * A query that waits for the index is parked and looked at again, so that the others go on; parked ones count against the
 * same maximum as those in the mailbox. The indexer tells nobody how far it is, hence the short poll while something is parked.
 */
#include "query/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PARKED_POLL_MS = 2, WAIT_MS = 10000, RETRY_MS = 250, PATIENT_EVERY = 16 };

enum { READERS = MEMBER_SUBSCRIBER | MEMBER_ANALYST };

static const struct query_handler handlers[] = {
	{WIRE_QUERY, WIRE_QUERY_RESULT, QUERY_QUICK, QUERY_TOKEN_BOUND, READERS, &isac1__query__descriptor, query_history},
	{WIRE_DIRECTORY, WIRE_DIRECTORY_RESULT, QUERY_QUICK, QUERY_TOKEN_BOUND, 0, &isac1__directory__descriptor, query_directory},
	{WIRE_COLLECTIONS, WIRE_COLLECTIONS_RESULT, QUERY_QUICK, QUERY_TOKEN_BOUND, READERS, &isac1__collections__descriptor,
	 query_collections},
	{WIRE_STATUS, WIRE_STATUS_RESULT, QUERY_QUICK, QUERY_TOKEN_BOUND, 0, &isac1__status__descriptor, query_status},
	{WIRE_PREVIEW, WIRE_PREVIEW_RESULT, QUERY_PATIENT, QUERY_NO_TOKEN, READERS, &isac1__preview__descriptor, query_preview},
	{WIRE_WHO, WIRE_WHO_RESULT, QUERY_PATIENT, QUERY_NO_TOKEN, 0, &isac1__who__descriptor, query_who},
	{WIRE_WHY, WIRE_WHY_RESULT, QUERY_PATIENT, QUERY_NO_TOKEN, READERS, &isac1__why__descriptor, query_why},
	{WIRE_LOOKUP, WIRE_LOOKUP_RESULT, QUERY_QUICK, QUERY_TOKEN, READERS, &isac1__lookup__descriptor, query_lookup},
	{WIRE_LIFE, WIRE_LIFE_RESULT, QUERY_QUICK, QUERY_TOKEN, READERS, &isac1__life__descriptor, query_life},
	{WIRE_RELATED, WIRE_RELATED_RESULT, QUERY_QUICK, QUERY_TOKEN, READERS, &isac1__related__descriptor, query_related},
	{WIRE_VERSIONS, WIRE_VERSIONS_RESULT, QUERY_QUICK, QUERY_TOKEN, READERS, &isac1__versions__descriptor, query_versions},
	{WIRE_STATISTICS, WIRE_STATISTICS_RESULT, QUERY_SLOW, QUERY_NO_TOKEN, READERS, &isac1__statistics__descriptor, query_statistics},
};

static const struct query_handler *find_handler(uint16_t type)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
		if (handlers[i].type == type) return &handlers[i];
	return NULL;
}

bool query_takes_token(uint16_t type)
{
	const struct query_handler *handler = find_handler(type);
	return handler && handler->token != QUERY_NO_TOKEN;
}

enum isac_err query_refuse(struct query_call *call, enum isac_err err, const char *text)
{
	snprintf(call->fail.text, sizeof(call->fail.text), "%s", text);
	return err;
}

bool query_must_wait(struct query_call *call, uint64_t wait_seq)
{
	if (wait_seq <= store_indexer_seq(call->q->conf.indexer)) return false;
	call->job->wait_seq = wait_seq;
	store_indexer_hurry(call->q->conf.indexer);
	return true;
}

enum isac_err query_await_ranges(struct query_call *call)
{
	const struct query_conf *conf = &call->q->conf;
	if (!call->job->wait_ranges) call->job->wait_ranges = conf->ask_ranges(conf->arg);
	return conf->are_written(conf->arg, call->job->wait_ranges) ? ISAC_OK : ISAC_ERR_AGAIN;
}

/* ---- one request -------------------------------------------------------------------- */

static void send_error(struct query *q, const struct query_job *job, enum isac_err err, const struct filter_error *fail)
{
	unsigned code = isac_err_code(err);
	Isac1__Error error = ISAC1__ERROR__INIT;
	error.code = code ? code : 503;
	error.text = (char *)(*fail->text ? fail->text : isac_err_text(err));
	error.column = fail->column;
	error.expected = (char *)fail->expected;
	error.retry_after_ms = error.code == 503 ? RETRY_MS : 0;
	base_stats_add(STAT_query_refused, 1);
	base_log_limited(10, BASE_LOG_WARN, "query.rejected", "member_id=%d token=%d err=%s code=%u", job->route.member_id,
			 job->route.token_id, isac_err_name(err), error.code);
	wire_buf_reset(&q->out);
	q->out.err = ISAC_OK;
	wire_pack(&q->out, &error.base);
	if (!q->out.err) q->conf.reply(q->conf.arg, &job->route, WIRE_ERROR, q->out.data, q->out.len);
}

/* Looked up again: it may have waited, and rights may have changed. */
static enum isac_err find_self(struct query_call *call)
{
	const struct store_route *route = &call->job->route;
	if (!route->token_id) {
		call->self = call->roster ? member_roster_by_id(call->roster, route->member_id) : NULL;
		return ISAC_OK;
	}
	call->token = call->roster ? member_roster_token_by_id(call->roster, route->token_id) : NULL;
	if (!call->token || !member_token_as(&call->holder, call->roster, call->token, base_clock_us()))
		return query_refuse(call, ISAC_ERR_NOT_AUTHENTIC, "this token is not valid");
	call->self = &call->holder;
	if (call->job->handler->token == QUERY_TOKEN_BOUND || !*call->token->collection) return ISAC_OK;
	return query_refuse(call, ISAC_ERR_NOT_ALLOWED, "this token is for one collection");
}

static enum isac_err answer(struct query_call *call)
{
	const struct query_handler *h = call->job->handler;
	struct wire_why why = {.item = 0};
	enum isac_err err = find_self(call);
	if (err) return err;
	if (!call->self || call->self->suspended) return query_refuse(call, ISAC_ERR_NOT_ALLOWED, "suspended");
	if (h->roles && !(call->self->roles & h->roles))
		return query_refuse(call, ISAC_ERR_NOT_ALLOWED, "needs the role subscriber or analyst");
	if (call->job->len) {
		err = wire_open(&call->ask, h->desc, call->arena, call->job->body, call->job->len, true, &why);
		if (err) return query_refuse(call, err, why.text);
	}
	err = h->fn(call);
	return err ? err : query_write_read(call);
}

static atomic_bool *asks_slow(const struct query *q, int32_t member_id)
{
	return &q->notes[(uint32_t)member_id % QUERY_NOTES].asks_slow;
}

/* Before the answer goes out: who has it may ask again. */
static void allow_next(struct query *q, const struct query_job *job)
{
	if (job->handler->lane == QUERY_SLOW) atomic_store(asks_slow(q, job->route.member_id), false);
}

/* Takes the job; gives it back (parked) on AGAIN. */
static void run_job(struct query *q, struct query_job *job)
{
	struct member_roster *roster = base_shared_take(q->conf.roster);
	struct query_call call = {.q = q, .job = job, .roster = roster, .arena = &q->arena, .out = &q->out};
	wire_buf_reset(&q->out);
	q->out.err = ISAC_OK;
	enum isac_err err = answer(&call);
	bool full = q->parked_n == (size_t)q->conf.queue_max;
	if (err == ISAC_ERR_AGAIN && full && job->may_lag) err = answer(&call); /* nobody asked to wait: it does not again */
	if (err == ISAC_ERR_AGAIN && full) err = query_refuse(&call, ISAC_ERR_UNAVAILABLE, "too many wait");
	if (err != ISAC_ERR_AGAIN) allow_next(q, job);
	if (err == ISAC_ERR_AGAIN) {
		q->parked[q->parked_n++] = job;
		job = NULL;
	} else if (err) send_error(q, job, err, &call.fail);
	else {
		base_stats_add(STAT_query_answered, 1);
		q->conf.reply(q->conf.arg, &job->route, job->handler->reply, q->out.data, q->out.len);
	}
	base_shared_give(q->conf.roster, roster);
	wire_arena_reset(&q->arena);
	free(job);
}

/* What is patient is taken when there is nothing else, or every so often: a hub that is always asked still comes to it. */
static void take_job(struct query *q)
{
	void *job;
	bool patient_first = ++q->turn % PATIENT_EVERY == 0;
	if (base_mailbox_take(patient_first ? q->patient : q->box, &job, 1) ||
	    base_mailbox_take(patient_first ? q->box : q->patient, &job, 1))
		run_job(q, job);
}

/* ---- the actor --------------------------------------------------------------------------- */

static bool is_ready(const struct query *q, const struct query_job *job, uint64_t seq)
{
	return job->wait_seq <= seq && (!job->wait_ranges || q->conf.are_written(q->conf.arg, job->wait_ranges));
}

static void run_parked(struct query *q)
{
	uint64_t seq = store_indexer_seq(q->conf.indexer);
	int64_t now_us = base_clock_mono_us();
	size_t n = q->parked_n;
	q->parked_n = 0; /* run_job may park again: into slots that were looked at */
	for (size_t i = 0; i < n; i++) {
		struct query_job *job = q->parked[i];
		bool ready = is_ready(q, job, seq);
		if (!ready && now_us < job->deadline_us) q->parked[q->parked_n++] = job;
		else if (ready || job->may_lag) run_job(q, job);
		else {
			static const struct filter_error late[] = {{.text = "the index is not that far yet"},
								   {.text = "what was sent is not written down yet"}};
			allow_next(q, job);
			send_error(q, job, ISAC_ERR_TOO_SLOW, &late[job->wait_ranges != 0]);
			free(job);
		}
	}
}

/* Until something is to be done that nobody asks for; -1: nothing is. */
static int wait_ms(const struct query *q)
{
	int told_ms = query_told_wait_ms(q->told);
	return !q->parked_n || (told_ms >= 0 && told_ms < PARKED_POLL_MS) ? told_ms : PARKED_POLL_MS;
}

static enum isac_err run(struct base_actor *actor, void *arg)
{
	struct query *q = arg;
	struct pollfd fds[] = {{.fd = base_actor_stop_fd(actor), .events = POLLIN},
			       {.fd = base_mailbox_fd(q->box), .events = POLLIN},
			       {.fd = base_mailbox_fd(q->patient), .events = POLLIN}};
	if (!q->slow) store_db_stop_by(q->db, base_actor_stop_fd(actor)); /* a stop does not wait for seconds of counting */
	base_actor_ready(actor);
	while (base_actor_running(actor)) {
		int n = poll(fds, sizeof(fds) / sizeof(*fds), wait_ms(q));
		if (n < 0 && errno != EINTR) return ISAC_ERR_SYSTEM;
		if (!n && (!q->parked_n || !query_told_wait_ms(q->told))) query_told_write(q);
		take_job(q);
		if (q->parked_n) run_parked(q);
	}
	query_told_write(q);
	return ISAC_OK;
}

enum isac_err query_ask(struct query *q, const struct store_route *route, uint16_t type, const uint8_t *body, size_t len)
{
	const struct query_handler *handler = find_handler(type);
	struct query_job *job = handler ? malloc(sizeof(*job) + len) : NULL;
	if (!job) return ISAC_ERR_UNAVAILABLE;
	*job = (struct query_job){
		.route = *route, .handler = handler, .len = len, .deadline_us = base_clock_mono_us() + (int64_t)WAIT_MS * 1000};
	if (len) memcpy(job->body, body, len);
	if (handler->lane == QUERY_SLOW && atomic_exchange(asks_slow(q, route->member_id), true)) {
		free(job);
		return ISAC_ERR_RATE;
	}
	struct base_mailbox *boxes[] = {[QUERY_QUICK] = q->box, [QUERY_PATIENT] = q->patient, [QUERY_SLOW] = q->slow->box};
	if (!base_mailbox_put(boxes[handler->lane], job)) return ISAC_OK;
	allow_next(q, job);
	free(job);
	return ISAC_ERR_UNAVAILABLE;
}

/* main: NULL, or the one that the new one is the slow half of. */
static enum isac_err make(struct query **out, const struct query_conf *conf, struct query *main)
{
	struct query *q = calloc(1, sizeof(*q));
	*out = q;
	if (!q) return ISAC_ERR_NO_MEMORY;
	q->conf = *conf;
	if (main) q->conf.queue_max = conf->slow_queue_max;
	q->started_us = base_clock_us();
	wire_arena_init(&q->arena, WIRE_LIMIT_DECODE_BYTES);
	wire_buf_init(&q->out, WIRE_LIMIT_REPLY_BYTES);
	wire_buf_init(&q->entry, WIRE_LIMIT_REPLY_BYTES);
	q->notes = main ? main->notes : calloc(QUERY_NOTES, sizeof(*q->notes));
	q->parked = calloc((size_t)q->conf.queue_max, sizeof(struct query_job *));
	q->told = query_told_new();
	enum isac_err err = q->notes && q->parked && q->told ? base_mailbox_new(&q->box, (size_t)q->conf.queue_max) : ISAC_ERR_NO_MEMORY;
	if (!err) err = base_mailbox_new(&q->patient, (size_t)q->conf.queue_max);
	if (err) return err;
	return main ? store_db_new_slow(&q->db, conf->conninfo, conf->slow_deadline_ms)
		    : store_db_new_quick(&q->db, conf->conninfo, conf->deadline_ms);
}

enum isac_err query_start(struct query **out, const struct query_conf *conf)
{
	enum isac_err err = make(out, conf, NULL);
	if (!err) err = make(&(*out)->slow, conf, *out);
	if (!err) err = base_actor_start(&(*out)->slow->actor, "statistics", run, (*out)->slow);
	if (!err) err = base_actor_start(&(*out)->actor, "query", run, *out);
	if (err) query_stop(out);
	return err;
}

void query_halt(struct query *q)
{
	if (q->slow && q->slow->actor) base_actor_stop(&q->slow->actor);
	if (q->actor) base_actor_stop(&q->actor);
}

static void destroy(struct query *q)
{
	void *job;
	while (q->box && base_mailbox_take(q->box, &job, 1)) free(job);
	while (q->patient && base_mailbox_take(q->patient, &job, 1)) free(job);
	for (size_t i = 0; q->parked && i < q->parked_n; i++) free(q->parked[i]);
	base_mailbox_destroy(&q->box);
	base_mailbox_destroy(&q->patient);
	store_db_destroy(&q->db);
	wire_arena_clear(&q->arena);
	wire_buf_clear(&q->out);
	wire_buf_clear(&q->entry);
	free(q->parked);
	free(q->told);
	free(q);
}

void query_stop(struct query **slot)
{
	struct query *q = *slot;
	if (!q) return;
	query_halt(q);
	struct query_note *notes = q->notes;
	if (q->slow) destroy(q->slow);
	destroy(q);
	free(notes);
	*slot = NULL;
}
