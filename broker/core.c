/*
 * core: starts the actors in the order in which they need each other, joins them by callbacks, and waits.
 *
 * An actor that ends by itself ends the process (base/actor.c), and the parent starts a new one: there is no half a core.
 * On SIGTERM intake is halted first, so that nothing new comes in; what was taken is still stored and answered.
 */
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "control/control.h"
#include "feed/feed.h"
#include "intake/intake.h"
#include "query/query.h"

struct core {
	const struct core_conf *conf;
	struct base_shared roster;
	struct hold hold;
	struct control *control;
	struct store *store;
	struct store_indexer *indexer;
	struct query *query;
	struct feed *feed;
	struct intake *intake;
	atomic_bool has_feed;
};

/* ---- between the actors ------------------------------------------------------------------ */

/* Both on the writer's thread. The last rooms to start, feed and intake, are there before anything can be committed. */
static void on_committed(void *arg, struct report *const *reports, size_t n)
{
	struct core *core = arg;
	for (size_t i = 0; i < n; i++)
		if (!reports[i]->release_of)
			query_note_receipt(core->query, reports[i]->publisher_id, reports[i]->seq, reports[i]->received_us);
}

static void on_publish(void *arg, struct report *const *reports, size_t n)
{
	struct core *core = arg;
	feed_committed(core->feed, reports, n);
	store_indexer_committed(core->indexer, reports, n);
}

/* On the indexer's thread, which may be catching up before there is a feed: sessions ask for themselves when they open. */
static void on_concerned(void *arg, const struct store_concern *concern, size_t n)
{
	struct core *core = arg;
	if (atomic_load(&core->has_feed)) feed_concerned(core->feed, concern, n);
}

/* Nothing is appended before there is a feed to hand it to; core_run looks once when all is up. */
static void on_due(void *arg)
{
	struct core *core = arg;
	if (atomic_load(&core->has_feed)) store_release_due(core->store);
}

static bool on_busy(void *arg)
{
	struct core *core = arg;
	return atomic_load(&core->has_feed) && feed_is_busy(core->feed);
}

static void on_receipt(void *arg, const struct store_route *route, const uint8_t *body, size_t len)
{
	intake_reply_queue(((struct core *)arg)->intake, route, WIRE_RECEIPT, body, len);
}

static void on_receipts_end(void *arg)
{
	intake_reply_end(((struct core *)arg)->intake);
}

static void on_reply(void *arg, const struct store_route *route, uint16_t type, const uint8_t *body, size_t len)
{
	intake_reply(((struct core *)arg)->intake, route, type, body, len);
}

static void on_roster_changed(void *arg)
{
	struct core *core = arg;
	intake_roster_changed(core->intake);
	feed_roster_changed(core->feed);
}

static bool on_is_live(void *arg, int32_t member_id, const char *name)
{
	return feed_is_live(((struct core *)arg)->feed, member_id, name);
}

static bool on_control_ask_ranges(void *arg, uint64_t *ticket)
{
	struct core *core = arg;
	if (!atomic_load(&core->has_feed)) return false;
	*ticket = feed_ranges_ask(core->feed);
	return true;
}

static void on_recalled(void *arg, bool erased)
{
	struct core *core = arg;
	if (atomic_load(&core->has_feed)) feed_recalled(core->feed, erased);
}

static uint64_t on_ask_ranges(void *arg)
{
	return feed_ranges_ask(((struct core *)arg)->feed);
}

static bool on_are_written(void *arg, uint64_t ticket)
{
	return feed_ranges_are_written(((struct core *)arg)->feed, ticket);
}

/* ---- start --------------------------------------------------------------------------------- */

static int64_t number(const struct core *core, const char *name)
{
	return base_conf_int(core->conf->params, name);
}

/* Made at the first start. Without it (a read-only folder, say) cursors of earlier runs are 416, which a client survives. */
static void load_cursor_key(uint8_t key[32])
{
	static const char path[] = "run/cursor.key";
	struct wire_why why;
	if (!base_secret_read(path, key, 32, &why)) return;
	randombytes_buf(key, 32);
	char hex[66];
	wire_hex(hex, key, 32);
	hex[64] = '\n';
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, hex, 65) != 65) base_log(BASE_LOG_WARN, "cursor.key", "path=%s error=\"%s\"", path, strerror(errno));
	if (fd >= 0) close(fd);
	sodium_memzero(hex, sizeof(hex));
}

static enum isac_err start_hold(struct core *core)
{
	const char *folder = base_conf_str(core->conf->params, "warninglists_dir");
	struct wire_why why = {.text = ""};
	struct hold_lists *lists;
	enum isac_err err = hold_init(&core->hold);
	if (err || !*folder) return err;
	err = hold_lists_load(&lists, folder, &why);
	if (err) {
		base_log(BASE_LOG_ERROR, "warninglist.load", "why=\"%s\"", why.text);
		return err;
	}
	hold_lists_log(lists);
	base_shared_swap(&core->hold.lists, lists);
	return ISAC_OK;
}

static enum isac_err start_control(struct core *core)
{
	struct control_conf conf = {.conninfo = core->conf->conninfo,
				    .deadline_ms = number(core, "db_deadline_ms"),
				    .queue_max = number(core, "query_queue_max"),
				    .hub_id = core->conf->hub_id,
				    .roster = &core->roster,
				    .params = core->conf->params,
				    .reply = on_reply,
				    .roster_changed = on_roster_changed,
				    .ask_ranges = on_control_ask_ranges,
				    .are_written = on_are_written,
				    .recalled = on_recalled,
				    .hold = &core->hold,
				    .due = on_due,
				    .arg = core};
	return control_start(&core->control, &conf);
}

static enum isac_err start_store(struct core *core)
{
	struct store_conf conf = {.conninfo = core->conf->conninfo,
				  .signer_path = "run/signer.sock",
				  .hub_id = core->conf->hub_id,
				  .commit_wait_us = number(core, "commit_wait_us"),
				  .commit_reports = number(core, "commit_reports_max"),
				  .queue_max = number(core, "intake_queue_max"),
				  .deadline_ms = number(core, "db_deadline_ms"),
				  .index_yield_ms = number(core, "index_yield_ms"),
				  .unsafe_allow_async_commit = number(core, "unsafe_async_commit") != 0,
				  .committed = on_committed,
				  .publish = on_publish,
				  .receipt = on_receipt,
				  .receipts_end = on_receipts_end,
				  .concerned = on_concerned,
				  .busy = on_busy,
				  .roster = &core->roster,
				  .due = on_due,
				  .quorum = number(core, "quorum"),
				  .arg = core};
	enum isac_err err = store_start(&core->store, &conf);
	return err ? err : store_indexer_start(&core->indexer, &conf);
}

static enum isac_err start_query(struct core *core)
{
	struct query_conf conf = {.conninfo = core->conf->conninfo,
				  .deadline_ms = number(core, "db_deadline_ms"),
				  .queue_max = number(core, "query_queue_max"),
				  .slow_deadline_ms = number(core, "statistics_deadline_ms"),
				  .slow_queue_max = number(core, "statistics_queue_max"),
				  .hub_id = core->conf->hub_id,
				  .roster = &core->roster,
				  .store = core->store,
				  .indexer = core->indexer,
				  .is_live = on_is_live,
				  .ask_ranges = on_ask_ranges,
				  .are_written = on_are_written,
				  .reply = on_reply,
				  .arg = core};
	load_cursor_key(conf.cursor_key);
	enum isac_err err = query_start(&core->query, &conf);
	sodium_memzero(conf.cursor_key, sizeof(conf.cursor_key));
	return err;
}

static enum isac_err start_feed(struct core *core)
{
	struct feed_conf conf = {.conninfo = core->conf->conninfo,
				 .deadline_ms = number(core, "db_deadline_ms"),
				 .socket_path = "run/feed.sock",
				 .hub_id = core->conf->hub_id,
				 .roster = &core->roster,
				 .ring_bytes = number(core, "feed_ring_bytes"),
				 .catch_up_bytes_per_s = number(core, "feed_catch_up_bytes_per_s"),
				 .heartbeat_ms = number(core, "heartbeat_ms"),
				 .expiry_ms = number(core, "expiry_ms"),
				 .sessions_max = number(core, "sessions_max"),
				 .head_seq = store_head(core->store)};
	enum isac_err err = feed_start(&core->feed, &conf);
	if (!err) atomic_store(&core->has_feed, true);
	return err;
}

static enum isac_err start_intake(struct core *core)
{
	struct intake_conf conf = {.socket_path = "run/intake.sock",
				   .hub_id = core->conf->hub_id,
				   .roster = &core->roster,
				   .hold = &core->hold,
				   .store = core->store,
				   .query = core->query,
				   .control = core->control,
				   .verifiers = number(core, "verifiers"),
				   .queue_max = number(core, "intake_queue_max"),
				   .rate_per_s = number(core, "rate_reports_per_s"),
				   .rate_burst = number(core, "rate_burst"),
				   .rate_bytes_per_min = number(core, "rate_bytes_per_min"),
				   .feedback_per_s = number(core, "rate_feedback_per_s"),
				   .feedback_burst = number(core, "rate_feedback_burst")};
	return intake_start(&core->intake, &conf);
}

static enum isac_err start(struct core *core)
{
	static const struct {
		const char *name;
		enum isac_err (*fn)(struct core *);
	} steps[] = {{"hold", start_hold},   {"control", start_control}, {"store", start_store},
		     {"query", start_query}, {"feed", start_feed},	 {"intake", start_intake}};
	struct wire_why why = {.text = ""};
	enum isac_err err = wire_init();
	if (err) base_log(BASE_LOG_ERROR, "core.start", "step=wire err=%s", isac_err_name(err));
	if (!err) err = base_shared_init(&core->roster, member_roster_free);
	if (!err) err = store_check(core->conf->conninfo, &why);
	if (*why.text) base_log(err ? BASE_LOG_ERROR : BASE_LOG_WARN, "core.check", "err=%s why=\"%s\"", isac_err_name(err), why.text);
	for (size_t i = 0; !err && i < sizeof(steps) / sizeof(*steps); i++) {
		err = steps[i].fn(core);
		if (err) base_log(BASE_LOG_ERROR, "core.start", "step=%s err=%s", steps[i].name, isac_err_name(err));
	}
	return err;
}

/* ---- stop ------------------------------------------------------------------------------------ */

/* Callers before callees: each room outlives those whose threads call into it. */
static void stop(struct core *core)
{
	if (core->intake) intake_halt(core->intake);
	control_stop(&core->control);
	if (core->query) query_halt(core->query);
	store_stop(&core->store); /* its last commits still note their receipts */
	store_indexer_stop(&core->indexer);
	feed_stop(&core->feed);
	query_stop(&core->query);
	intake_stop(&core->intake);
	hold_clear(&core->hold);
	base_shared_clear(&core->roster);
}

static enum isac_err wait_for_term(int fd)
{
	struct signalfd_siginfo info;
	ssize_t n;
	do n = read(fd, &info, sizeof(info));
	while (n < 0 && errno == EINTR);
	return n == sizeof(info) ? ISAC_OK : ISAC_ERR_SYSTEM;
}

enum isac_err core_run(const struct core_conf *conf)
{
	struct core core = {.conf = conf};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL)) return ISAC_ERR_SYSTEM;
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0) return ISAC_ERR_SYSTEM;
	enum isac_err err = start(&core);
	if (!err) store_release_due(core.store);
	if (!err && write(conf->ready_fd, "ready\n", 6) != 6) err = ISAC_ERR_SYSTEM;
	if (!err) err = wait_for_term(fd);
	stop(&core);
	close(fd);
	return err;
}
