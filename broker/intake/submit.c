/*
 * submit: a SUBMIT on the intake thread: quota, one copy, and who verifies it; and every refusal's receipt.
 *
 * The newest report stays in hand until the link is asked for the next message. If there is none, it is alone and is
 * verified at once on this thread, without a thread switch; if there is one, the pool takes it.
 */
#include "intake/priv.h"

#include <stdlib.h>
#include <string.h>

static void pass_on(struct intake *in, struct intake_job *job)
{
	if (intake_verify_give(in, job)) intake_verify_run(in, job, &in->arena);
}

/* About a report that is there: each costs a walk over who was sent that one. Believed only so far. */
static bool is_feedback(struct wire_bytes body)
{
	struct wire_bytes header = intake_peek(body, 2);
	return intake_peek(header, 10).len || intake_peek(header, 12).len; /* supersedes, about */
}

static enum isac_err take_quota(struct intake *in, const struct intake_request *r, uint32_t *wait_ms, struct wire_why *why)
{
	int64_t now_us = base_clock_mono_us();
	enum isac_err err = ISAC_OK;
	if (is_feedback(r->body)) err = member_quota_take(in->feedback, r->route.member_id, r->body.len, now_us, wait_ms);
	if (err) return wire_refuse(why, err, "over this member's rate of sightings, withdrawals and successors");
	err = member_quota_take_at(in->reports, r->route.member_id, &r->member->rate, r->body.len, now_us, wait_ms);
	return err ? wire_refuse(why, err, "over this member's rate") : ISAC_OK;
}

void intake_submit(struct intake *in, const struct intake_request *r)
{
	uint32_t wait_ms = 0;
	struct wire_why why = {.item = 0};
	enum isac_err err = take_quota(in, r, &wait_ms, &why);
	if (err) {
		intake_submit_refuse(in, &r->route, r->body, err, &why, wait_ms);
		return;
	}
	struct intake_job *job = malloc(sizeof(*job) + r->body.len);
	if (!job) {
		intake_submit_refuse(in, &r->route, r->body, ISAC_ERR_NO_MEMORY, &why, INTAKE_RETRY_MS);
		return;
	}
	job->route = r->route;
	job->received_us = base_clock_us();
	job->len = r->body.len;
	if (job->len) memcpy(job->body, r->body.data, job->len);
	store_expect(in->conf.store, 1);
	if (in->hand) pass_on(in, in->hand);
	in->hand = job;
}

void intake_submit_flush(struct intake *in)
{
	struct intake_job *job = in->hand;
	in->hand = NULL;
	if (job) intake_verify_run(in, job, &in->arena);
}

void intake_submit_refuse(struct intake *in, const struct store_route *route, struct wire_bytes body, enum isac_err err,
			  const struct wire_why *why, uint32_t retry_after_ms)
{
	struct wire_bytes id = intake_peek_report_id(body);
	unsigned code = isac_err_code(err);
	base_stats_add(code == 429 ? STAT_intake_limited : code == 503 ? STAT_intake_busy : STAT_intake_refused, 1);
	char hex[2 * WIRE_ID + 1] = "-";
	if (id.len) wire_hex(hex, id.data, id.len);
	/* The reason's text may quote the report, so the log has only its name. */
	base_log_limited(10, BASE_LOG_WARN, "report.rejected", "member_id=%d report=%s err=%s code=%u item=%u", route->member_id, hex,
			 isac_err_name(err), code, why->item);
	Isac1__Receipt receipt = ISAC1__RECEIPT__INIT;
	receipt.code = code ? code : 503;
	receipt.report_id = (ProtobufCBinaryData){id.len, (uint8_t *)id.data};
	receipt.text = (char *)(*why->text ? why->text : isac_err_text(err));
	receipt.item = why->item;
	receipt.retry_after_ms = retry_after_ms;
	struct wire_buf out;
	wire_buf_init(&out, WIRE_LIMIT_REPLY_BYTES);
	wire_pack(&out, &receipt.base);
	if (!out.err) intake_reply(in, route, WIRE_RECEIPT, out.data, out.len);
	wire_buf_clear(&out);
}
