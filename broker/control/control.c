/*
 * control: the actor that runs signed commands, one at a time, and owns the roster: after a command that changes it, the
 * roster is read from the database as a whole and swapped. What is in force is never anything but what a database row says.
 */
#include "control/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RELOAD_RETRY_MS = 200, RECALL_PAUSE_MS = 200, COMMANDS_PER_S = 10, COMMANDS_BURST = 100 };

/* ---- the roster --------------------------------------------------------------------- */

static enum isac_err load_roster(struct control *c)
{
	struct member_roster *roster = NULL;
	struct hold_space *space = NULL;
	enum isac_err err = store_select_roster(c->db, c->conf.hub_id, &roster);
	if (!err && base_conf_int(c->conf.params, "hold_member_space")) err = hold_space_new(&space, roster);
	if (err) {
		member_roster_free(roster);
		return err;
	}
	if (space) base_shared_swap(&c->conf.hold->space, space);
	base_shared_swap(c->conf.roster, roster);
	c->stale = false;
	return ISAC_OK;
}

static void reload(struct control *c)
{
	enum isac_err err = load_roster(c);
	if (err) base_log_limited(1, BASE_LOG_ERROR, "roster.stale", "err=%s", isac_err_name(err));
	else if (c->conf.roster_changed) c->conf.roster_changed(c->conf.arg);
}

/* ---- one command ----------------------------------------------------------------------- */

/* Feed and pages forget the content; whoever was sent it until they did is found once more. */
static void finish_erasure(struct control *c, struct control_call *call)
{
	if (c->conf.recalled) c->conf.recalled(c->conf.arg, true);
	enum isac_err err = control_recall_await(&c->conf);
	for (size_t i = 0; !err && i < call->erased_n; i++)
		err = control_recall_receivers(c->db, call->erased[i], call->erased_by, NULL, call->roster);
	if (err) base_log_limited(1, BASE_LOG_WARN, "recall.erased", "recall=%lld err=%s", (long long)call->erased_by, isac_err_name(err));
	if (c->conf.recalled) c->conf.recalled(c->conf.arg, false);
}

/* In the transaction that records it; on AGAIN or CONFLICT there is none. */
static enum isac_err run_recorded(struct control *c, struct control_call *call, const struct store_command *record, bool was_pending)
{
	bool dry_run = control_arg_dry_run(call->cmd);
	enum isac_err err = store_admin_begin(c->db, record);
	if (err) return err;
	err = call->row->fn(call);
	if (!err && was_pending)
		err = store_update_pending(c->db, record->command_id, true,
					   record->cosignature ? record->cosign_member_id : call->self->id);
	enum isac_err end = store_admin_end(c->db, !err && !dry_run);
	/* A commit that broke off may have happened. */
	if (!err && !dry_run) c->stale = c->recalls = c->sweeping = true;
	if (call->erased_n && !err && !end && !dry_run) finish_erasure(c, call);
	for (size_t i = 0; i < call->erased_n; i++) report_unref(&call->erased[i]);
	free(call->erased);
	return err ? err : end;
}

/* Alone, by the second of two signatures, or not yet. */
static enum isac_err run_judged(struct control *c, struct control_call *call, struct control_case *found)
{
	const Isac1__Control *control = found->control;
	struct control_approval approval;
	struct store_command record = {.command_id = call->cmd->command_id.data,
				       .bytes = control->command.data,
				       .len = control->command.len,
				       .signature = control->signature.data,
				       .key_id = control->key_id.data,
				       .member_id = call->self->id,
				       .verb = call->row->verb};
	enum isac_err err = control_pending_judge(&approval, found, c->db, base_conf_int(c->conf.params, "approval_admins"), call->why);
	if (err) return err;
	if (approval.go == CONTROL_GO_WAIT && !control_arg_dry_run(call->cmd)) {
		err = store_insert_pending(c->db, &record);
		char id[2 * WIRE_ID + 1];
		wire_hex(id, record.command_id, WIRE_ID);
		const char *cells[][2] = {{"command_id", id}, {"state", "waiting"}};
		control_add_row(call->rows, cells, 2);
		found->waits = !err;
		return err ? err : c->rows.err;
	}
	if (approval.go == CONTROL_GO_APPROVED && approval.asker != call->self) {
		record.cosignature = record.signature;
		record.cosign_key_id = record.key_id;
		record.cosign_member_id = call->self->id;
		record.signature = approval.pending.signature;
		record.key_id = approval.pending.key_id;
		record.member_id = approval.asker->id;
		call->self = approval.asker;
	}
	return run_recorded(c, call, &record, approval.go == CONTROL_GO_APPROVED);
}

/* Commands that take effect are kept for ever, and nobody chose who may claim space: what one member can fill is bounded. */
static enum isac_err take_quota(struct control *c, const struct control_job *job, const struct member *self, struct wire_why *why)
{
	uint32_t wait_ms = 0;
	if (self->roles & MEMBER_ADMIN) return ISAC_OK;
	enum isac_err err = member_quota_take(c->quota, self->id, job->len, base_clock_mono_us(), &wait_ms);
	return err ? wire_refuse(why, err, "too many commands: try again in %u s", wait_ms / 1000 + 1) : ISAC_OK;
}

static enum isac_err run_command(struct control *c, const struct control_job *job, const struct member_roster *roster,
				 struct control_case *found, struct wire_why *why)
{
	*found = (struct control_case){.roster = roster,
				       .member_id = job->route.member_id,
				       .hub_id = c->conf.hub_id,
				       .now_us = base_clock_us(),
				       .body = {job->body, job->len}};
	enum isac_err err = control_accept(found, &c->arena, why);
	if (!err) err = take_quota(c, job, found->self, why);
	if (err) return err;
	struct control_call call = {.row = found->row,
				    .cmd = found->cmd,
				    .self = found->self,
				    .hold = c->conf.hold,
				    .db = c->db,
				    .params = c->conf.params,
				    .conf = &c->conf,
				    .roster = roster,
				    .rows = &c->rows,
				    .why = why};
	err = found->row->changes_roster ? run_judged(c, &call, found) : found->row->fn(&call);
	if (!err && call.due) c->conf.due(c->conf.arg);
	return err;
}

static void log_command(const struct control_job *job, const struct control_case *found, unsigned code)
{
	char id[2 * WIRE_ID + 1] = "-";
	/* What was not authentic is nobody's command: its words are not repeated, and it cannot flood the log. */
	if (!found->row) {
		base_log_limited(10, BASE_LOG_WARN, "admin.rejected", "member_id=%d code=%u", job->route.member_id, code);
		return;
	}
	wire_hex(id, found->cmd->command_id.data, WIRE_ID);
	base_log(BASE_LOG_INFO, "admin.command", "member=%s verb=%s command=%s code=%u", found->self->name, found->row->verb, id, code);
}

static void send_result(struct control *c, const struct control_job *job, unsigned code, const char *text)
{
	Isac1__ControlResult result = ISAC1__CONTROL_RESULT__INIT;
	result.code = code;
	result.text = (char *)text;
	wire_buf_reset(&c->out);
	wire_pack(&c->out, &result.base);
	if (code == 200 || code == 202) wire_buf_add(&c->out, c->rows.data, c->rows.len); /* rows: the rest of the same message */
	if (!c->out.err) c->conf.reply(c->conf.arg, &job->route, WIRE_CONTROL_RESULT, c->out.data, c->out.len);
}

static const char *text_of_success(const struct control_case *found, unsigned code)
{
	if (code == 208) return "done already";
	if (code == 202) return "waits for a second admin, who signs it with: isac admin pending approve COMMAND_ID";
	return found->row->changes_roster && control_arg_dry_run(found->cmd) ? "nothing was changed: it would be done" : "done";
}

/* Takes the job. */
static void run_job(struct control *c, struct control_job *job)
{
	struct wire_why why = {.item = 0};
	struct control_case found;
	wire_buf_reset(&c->rows);
	c->rows.err = ISAC_OK;
	struct member_roster *roster = base_shared_take(c->conf.roster);
	enum isac_err err = run_command(c, job, roster, &found, &why);
	unsigned code = err == ISAC_ERR_AGAIN ? 208 : isac_err_code(err);
	if (!code) code = 503;
	if (!err && found.waits) code = 202;
	base_stats_add(code < 300 ? STAT_control_commands : STAT_control_refused, 1);
	log_command(job, &found, code);
	base_shared_give(c->conf.roster, roster);
	/* Before the answer: who has it may rely on the change. */
	if (c->stale) reload(c);
	const char *text = *why.text ? why.text : isac_err_text(err);
	send_result(c, job, code, code < 300 ? text_of_success(&found, code) : text);
	wire_arena_reset(&c->arena);
	free(job);
}

/* ---- the actor ---------------------------------------------------------------------------- */

/* How long nothing is due, in ms. */
static int wait_for(const struct control *c, int idle_ms)
{
	int64_t left_us = c->recall_at_us - base_clock_mono_us();
	int recall_ms = left_us <= 0 ? 0 : (int)(left_us / 1000 + 1);
	if (c->stale && idle_ms > RELOAD_RETRY_MS) idle_ms = RELOAD_RETRY_MS;
	return c->recalls && idle_ms > recall_ms ? recall_ms : idle_ms;
}

static enum isac_err run(struct base_actor *actor, void *arg)
{
	struct control *c = arg;
	struct pollfd fds[2] = {{.fd = base_actor_stop_fd(actor), .events = POLLIN}, {.fd = base_mailbox_fd(c->box), .events = POLLIN}};
	enum isac_err err = load_roster(c);
	if (err) return err;
	c->recalls = true; /* some may be left from before */
	base_actor_ready(actor);
	c->sweeping = true; /* an earlier life may have left some */
	while (base_actor_running(actor)) {
		int n = poll(fds, 2, wait_for(c, control_retention_tend(c)));
		if (n < 0 && errno != EINTR) return ISAC_ERR_SYSTEM;
		void *job;
		if (base_mailbox_take(c->box, &job, 1)) run_job(c, job);
		else if (c->stale) reload(c);
		/* Beside the commands, however many come. */
		if (c->recalls && base_clock_mono_us() >= c->recall_at_us) {
			c->recalls = control_recall_step(c);
			c->recall_at_us = base_clock_mono_us() + (c->recall_idle ? RECALL_PAUSE_MS * 1000 : 0);
		}
	}
	return ISAC_OK;
}

enum isac_err control_ask(struct control *c, const struct store_route *route, const uint8_t *body, size_t len)
{
	struct control_job *job = malloc(sizeof(*job) + len);
	if (!job) return ISAC_ERR_UNAVAILABLE;
	job->route = *route;
	job->len = len;
	if (len) memcpy(job->body, body, len);
	if (!base_mailbox_put(c->box, job)) return ISAC_OK;
	free(job);
	return ISAC_ERR_UNAVAILABLE;
}

enum isac_err control_start(struct control **out, const struct control_conf *conf)
{
	struct control *c = calloc(1, sizeof(*c));
	if (!c) return ISAC_ERR_NO_MEMORY;
	c->conf = *conf;
	wire_arena_init(&c->arena, WIRE_LIMIT_DECODE_BYTES);
	wire_buf_init(&c->rows, WIRE_LIMIT_REPLY_BYTES - 1024);
	wire_buf_init(&c->out, WIRE_LIMIT_REPLY_BYTES);
	*out = c;
	enum isac_err err = base_mailbox_new(&c->box, (size_t)conf->queue_max);
	if (!err) err = member_quota_new(&c->quota, COMMANDS_PER_S, COMMANDS_BURST, base_conf_int(conf->params, "rate_command_bytes"));
	if (!err) err = store_db_new(&c->db, conf->conninfo, conf->deadline_ms);
	if (!err) err = base_actor_start(&c->actor, "control", run, c);
	if (err) control_stop(out);
	return err;
}

void control_stop(struct control **slot)
{
	struct control *c = *slot;
	if (!c) return;
	if (c->actor) base_actor_stop(&c->actor);
	void *job;
	while (c->box && base_mailbox_take(c->box, &job, 1)) free(job);
	base_mailbox_destroy(&c->box);
	store_db_destroy(&c->db);
	member_quota_destroy(&c->quota);
	wire_arena_clear(&c->arena);
	wire_buf_clear(&c->rows);
	wire_buf_clear(&c->out);
	free(c);
	*slot = NULL;
}
