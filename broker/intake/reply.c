/* reply: any thread's way back to a member: through the front that the request came from, or not at all. */
#include "intake/priv.h"

#include <string.h>

static void reply(struct intake *in, const struct store_route *route, uint16_t type, const uint8_t *body, size_t len,
		  enum isac_err (*send)(struct base_link *, const struct wire_bytes *, unsigned))
{
	struct intake_front *front = base_shared_take(&in->fronts);
	enum isac_err err = ISAC_ERR_CLOSED;
	if (front && front->link && atomic_load(&front->id) == route->front) {
		uint8_t tag[1 + sizeof(route->rid)] = {'R'}, head[WIRE_DELIVERY_HEAD_BYTES];
		memcpy(tag + 1, route->rid, route->rid_len);
		size_t head_len = wire_head_pack(head, &(struct wire_head){.type = type, .request_id = route->request_id});
		struct wire_bytes parts[3] = {{tag, 1u + route->rid_len}, {head, head_len}, {body, len}};
		err = send(front->link, parts, 3);
	}
	base_shared_give(&in->fronts, front);
	if (err) base_stats_add(STAT_intake_replies_lost, 1);
}

void intake_reply(struct intake *in, const struct store_route *route, uint16_t type, const uint8_t *body, size_t len)
{
	reply(in, route, type, body, len, base_link_send);
}

void intake_reply_queue(struct intake *in, const struct store_route *route, uint16_t type, const uint8_t *body, size_t len)
{
	reply(in, route, type, body, len, base_link_queue);
}

void intake_reply_end(struct intake *in)
{
	struct intake_front *front = base_shared_take(&in->fronts);
	if (front && front->link) base_link_flush(front->link); /* a broken link is found by its receiver */
	base_shared_give(&in->fronts, front);
}

void intake_reply_error(struct intake *in, const struct store_route *route, enum isac_err err, const char *text, uint32_t retry_after_ms)
{
	Isac1__Error error = ISAC1__ERROR__INIT;
	error.code = isac_err_code(err);
	error.text = (char *)text;
	error.retry_after_ms = retry_after_ms;
	struct wire_buf out;
	wire_buf_init(&out, WIRE_LIMIT_REPLY_BYTES);
	wire_pack(&out, &error.base);
	if (!out.err) intake_reply(in, route, WIRE_ERROR, out.data, out.len);
	wire_buf_clear(&out);
}
