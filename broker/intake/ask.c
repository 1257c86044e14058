/* ask: requests that another actor answers: handed over, or 503 when its queue is full. Bounded by the same rates as reports. */
#include "intake/priv.h"

#include "control/control.h"
#include "query/query.h"

void intake_ask(struct intake *in, const struct intake_request *r, uint16_t type)
{
	uint32_t wait_ms = 0;
	if (member_quota_take(in->asks, r->route.member_id, r->body.len, base_clock_mono_us(), &wait_ms)) {
		base_stats_add(STAT_intake_limited, 1);
		intake_reply_error(in, &r->route, ISAC_ERR_RATE, "over this member's rate", wait_ms);
		return;
	}
	enum isac_err err = type == WIRE_CONTROL ? control_ask(in->conf.control, &r->route, r->body.data, r->body.len)
						 : query_ask(in->conf.query, &r->route, type, r->body.data, r->body.len);
	if (!err) return;
	if (err == ISAC_ERR_RATE) {
		base_stats_add(STAT_intake_limited, 1);
		intake_reply_error(in, &r->route, err, "a question of this kind is under way: one at a time", INTAKE_SLOW_RETRY_MS);
		return;
	}
	base_stats_add(STAT_intake_busy, 1);
	intake_reply_error(in, &r->route, ISAC_ERR_UNAVAILABLE, "too many requests are waiting", INTAKE_RETRY_MS);
}
