/*
 * retention: reports past their time, and records of who read and was sent them, are removed, by command or, with the parameter
 * retention_days, by the hub itself every hour. Whole partitions go at once; what is derived from them is made true afterwards, slice by
 * slice, between commands.
 */
#include "control/priv.h"

#include <inttypes.h>

enum { RUN_EVERY_MS = 3600000, RETRY_MS = 60000, SWEEP_ROWS = 500, SWEEP_PAUSE_MS = 50, SWEEP_RETRY_MS = 5000, RECORD_ROWS = 2000 };
#define DAY_US (INT64_C(86400) * 1000000)

/* Reports below *before are past their time. 0: the parameter is off. */
static enum isac_err bound_of_days(struct store_db *db, const struct base_conf *params, uint64_t *before)
{
	int64_t days = base_conf_int(params, "retention_days");
	*before = 0;
	return days ? store_retention_bound(db, base_clock_us() - days * DAY_US, before) : ISAC_OK;
}

static enum isac_err bound_of_call(struct control_call *call, uint64_t *before)
{
	uint64_t us = 0;
	enum isac_err err = control_arg_number(before, call, "before_seq");
	if (!err) err = control_arg_number(&us, call, "before_us");
	if (err) return err;
	if (*before && us) return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "before_seq or before_us, not both");
	if (us) return store_retention_bound(call->db, (int64_t)us, before);
	if (!*before) err = bound_of_days(call->db, call->params, before);
	return err || *before ? err : wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "say before when: the parameter retention_days is 0");
}

enum isac_err control_retention_show(struct control_call *call)
{
	uint64_t before;
	char text[24];
	enum isac_err err = bound_of_call(call, &before);
	if (err) return err;
	snprintf(text, sizeof(text), "%" PRIu64, before);
	return store_select_list(call->db, "retention", text, call->rows);
}

enum isac_err control_retention_run(struct control_call *call)
{
	uint64_t before, kept_from = 0;
	char text[24];
	enum isac_err err = bound_of_call(call, &before);
	if (err) return err;
	snprintf(text, sizeof(text), "%" PRIu64, before);
	err = store_select_list(call->db, "retention", text, call->rows);
	if (!err) err = store_retention_drop(call->db, before, &kept_from);
	if (err == ISAC_ERR_DB_RETRY)
		return wire_refuse(call->why, ISAC_ERR_UNAVAILABLE, "somebody reads these reports at length (a dump?): try again later");
	return err;
}

/* ---- between commands ------------------------------------------------------------------------------ */

static enum isac_err run_due(struct control *c)
{
	uint64_t before, kept_from = 0, kept_before;
	struct store_gaps gaps;
	enum isac_err err = bound_of_days(c->db, c->conf.params, &before);
	if (err || !before) return err;
	err = store_select_gaps(c->db, &gaps);
	kept_before = gaps.kept_from;
	if (!err) err = store_retention_drop(c->db, before, &kept_from);
	if (!err && kept_from > kept_before) {
		base_log(BASE_LOG_INFO, "retention.removed", "first_seq=%" PRIu64 " last_seq=%" PRIu64, kept_before, kept_from - 1);
		c->sweeping = true;
	}
	return err;
}

static int64_t sweep(struct control *c)
{
	bool more = false;
	enum isac_err err = store_indicator_sweep(c->db, SWEEP_ROWS, &more);
	if (err) base_log_limited(1, BASE_LOG_WARN, "retention.sweep", "err=%s", isac_err_name(err));
	c->sweeping = err || more;
	return (err ? SWEEP_RETRY_MS : SWEEP_PAUSE_MS) * INT64_C(1000);
}

/* When there is more to be done, in ms. */
static int64_t retire(struct control *c)
{
	struct store_record_days days = {.read = base_conf_int(c->conf.params, "read_days"),
					 .recall = base_conf_int(c->conf.params, "recall_days"),
					 .range = base_conf_int(c->conf.params, "range_days")};
	bool more = false;
	enum isac_err err = store_retire_records(c->db, &days, RECORD_ROWS, &more);
	if (err) base_log_limited(1, BASE_LOG_WARN, "retention.records", "err=%s", isac_err_name(err));
	return err ? RETRY_MS : more ? SWEEP_PAUSE_MS : RUN_EVERY_MS;
}

int control_retention_tend(struct control *c)
{
	int64_t now = base_clock_mono_us(), next;
	if (now >= c->retain_at_us) {
		enum isac_err err = run_due(c);
		if (err) base_log_limited(1, BASE_LOG_WARN, "retention.retry", "err=%s", isac_err_name(err));
		c->retain_at_us = now + (err ? RETRY_MS : RUN_EVERY_MS) * INT64_C(1000);
	}
	if (c->sweeping && now >= c->sweep_at_us) c->sweep_at_us = now + sweep(c);
	if (now >= c->retire_at_us) c->retire_at_us = now + retire(c) * INT64_C(1000);
	next = c->sweeping && c->sweep_at_us < c->retain_at_us ? c->sweep_at_us : c->retain_at_us;
	if (c->retire_at_us < next) next = c->retire_at_us;
	return next <= now ? 0 : (int)((next - now) / 1000 + 1);
}
