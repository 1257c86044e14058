/*
 * verify: the work on one report between its arrival and the store, and the threads that share it.
 *
 * A verifier holds only a few reports at a time. When all have enough, the intake thread verifies too instead of reading on:
 * both cores work, and what waits stays in the socket, where front sees it and says 503. Reports of a member may overtake each other.
 */
#include "intake/priv.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH = 8 }; /* enough to keep a verifier busy while intake does one itself */

/* Accepted: a report with its publisher and audience, ready for the store. */
static enum isac_err judge(struct report **out, struct intake *in, const struct intake_job *job, const struct member_roster *roster,
			   struct wire_arena *arena, struct wire_why *why)
{
	struct intake_case c = {.roster = roster, .hub_id = in->conf.hub_id, .now_us = job->received_us, .body = {job->body, job->len}};
	/* Looked up again: it may have waited, and the roster may be a newer one. */
	c.member = member_roster_by_id(roster, job->route.member_id);
	if (!c.member || c.member->suspended) return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "suspended");
	enum isac_err err = intake_accept(&c, arena, why);
	if (err) return err;
	const Isac1__Submit *s = c.submit;
	if (c.header->sealed.len)
		err = wire_sealed_check(c.header, (struct wire_bytes){s->payload.data, s->payload.len}, c.member->name, why);
	if (err) return err;
	err = report_open(out, (struct wire_bytes){s->header.data, s->header.len}, (struct wire_bytes){s->payload.data, s->payload.len},
			  s->signature.data, true, why);
	if (err) return err;
	struct report *report = *out;
	report->received_us = job->received_us;
	report->publisher_id = c.member->id;
	memcpy(report->publisher, c.member->name, sizeof(report->publisher));
	err = hold_report(in->conf.hold, report);
	if (err) return wire_refuse(why, err, "%s", isac_err_text(err));
	err = member_audience_copy(&report->audience, &c.audience, &report->arena); /* whoever holds it knows who may see it */
	if (err) wire_refuse(why, err, "%s", isac_err_text(err));
	return err;
}

void intake_verify_run(struct intake *in, struct intake_job *job, struct wire_arena *arena)
{
	struct wire_why why = {.item = 0};
	struct member_roster *roster = base_shared_take(in->conf.roster);
	struct report *report = NULL;
	enum isac_err err = judge(&report, in, job, roster, arena, &why);
	base_shared_give(in->conf.roster, roster);
	store_expect(in->conf.store, -1); /* before the store has it, or it would wait for this very one */
	if (!err && report) {
		err = store_submit(in->conf.store, report, report->audience, &job->route);
		if (err) wire_refuse(&why, err, "%s", isac_err_text(err));
	}
	report_unref(&report);
	if (err)
		intake_submit_refuse(in, &job->route, (struct wire_bytes){job->body, job->len}, err, &why,
				     isac_err_code(err) == 503 ? INTAKE_RETRY_MS : 0);
	wire_arena_reset(arena);
	free(job);
}

static enum isac_err run(struct base_actor *actor, void *arg)
{
	struct intake_verifier *v = arg;
	struct wire_arena arena;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	struct pollfd fds[2] = {{.fd = base_actor_stop_fd(actor), .events = POLLIN}, {.fd = base_mailbox_fd(v->box), .events = POLLIN}};
	base_actor_ready(actor);
	void *job;
	do {
		while (base_mailbox_take(v->box, &job, 1)) {
			intake_verify_run(v->in, job, &arena);
			atomic_fetch_sub(&v->jobs, 1);
		}
		if (base_actor_running(actor)) poll(fds, 2, -1);
	} while (base_actor_running(actor) || base_mailbox_count(v->box));
	wire_arena_clear(&arena);
	return ISAC_OK;
}

enum isac_err intake_verify_start(struct intake *in)
{
	if (!in->conf.verifiers) return ISAC_OK;
	in->verifier = calloc((size_t)in->conf.verifiers, sizeof(*in->verifier));
	if (!in->verifier) return ISAC_ERR_NO_MEMORY;
	for (; in->verifiers < in->conf.verifiers; in->verifiers++) {
		struct intake_verifier *v = &in->verifier[in->verifiers];
		v->in = in;
		enum isac_err err = base_mailbox_new(&v->box, DEPTH);
		if (err) return err;
		err = base_actor_start(&v->actor, "verify", run, v);
		if (err) {
			base_mailbox_destroy(&v->box);
			return err;
		}
	}
	return ISAC_OK;
}

void intake_verify_halt(struct intake *in)
{
	for (int64_t i = 0; i < in->verifiers; i++)
		if (in->verifier[i].actor) base_actor_stop(&in->verifier[i].actor);
}

void intake_verify_free(struct intake *in)
{
	for (int64_t i = 0; i < in->verifiers; i++) {
		void *job;
		while (base_mailbox_take(in->verifier[i].box, &job, 1)) free(job); /* stopped: nobody expects them any more */
		base_mailbox_destroy(&in->verifier[i].box);
	}
	free(in->verifier);
	in->verifier = NULL;
	in->verifiers = 0;
}

enum isac_err intake_verify_give(struct intake *in, struct intake_job *job)
{
	struct intake_verifier *least = NULL;
	unsigned jobs = DEPTH;
	for (int64_t i = 0; i < in->verifiers; i++) {
		unsigned n = atomic_load(&in->verifier[i].jobs);
		if (n < jobs) {
			jobs = n;
			least = &in->verifier[i];
		}
	}
	if (!least) return ISAC_ERR_AGAIN;
	atomic_fetch_add(&least->jobs, 1);
	if (!base_mailbox_put(least->box, job)) return ISAC_OK;
	atomic_fetch_sub(&least->jobs, 1);
	return ISAC_ERR_AGAIN;
}
