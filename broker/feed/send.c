/*
 * Frames to subscribers, through front's feed link; small ones wait there for the turn's end. A full link is not an error here: the sender
 * leaves its session where it is.
 */
#include "feed/priv.h"

#include <string.h>

enum isac_err feed_send_out(struct feed *f, const uint8_t *rid, size_t rid_len, uint16_t type, uint64_t request_id)
{
	uint8_t to[1 + FEED_RID_MAX], head[WIRE_DELIVERY_HEAD_BYTES];
	struct wire_head h = {.type = type, .request_id = request_id};
	struct wire_bytes part[3];

	if (!f->link) return ISAC_ERR_CLOSED;
	to[0] = 'R';
	memcpy(to + 1, rid, rid_len);
	part[0] = (struct wire_bytes){to, 1 + rid_len};
	part[1] = (struct wire_bytes){head, wire_head_pack(head, &h)};
	part[2] = (struct wire_bytes){f->out.data, f->out.len};
	return base_link_queue(f->link, part, 3); /* written at the end of the turn, many in one call */
}

enum isac_err feed_send_to(struct feed *f, const uint8_t *rid, size_t rid_len, uint16_t type, uint64_t request_id,
			   const ProtobufCMessage *msg)
{
	if (!f->link) return ISAC_ERR_CLOSED;
	wire_buf_reset(&f->out);
	wire_pack(&f->out, msg);
	return f->out.err ? f->out.err : feed_send_out(f, rid, rid_len, type, request_id);
}

enum isac_err feed_send(struct feed *f, const struct feed_session *s, uint16_t type, uint64_t request_id, const ProtobufCMessage *msg)
{
	return feed_send_to(f, s->rid, s->rid_len, type, request_id, msg);
}

void feed_send_error(struct feed *f, const uint8_t *rid, size_t rid_len, uint64_t request_id, uint32_t sub, enum isac_err err,
		     const char *text)
{
	Isac1__Error msg = ISAC1__ERROR__INIT;

	msg.code = isac_err_code(err);
	msg.text = (char *)(text && *text ? text : isac_err_text(err));
	msg.sub = sub;
	msg.retry_after_ms = isac_err_retryable(err) ? FEED_RETRY_MS : 0;
	(void)feed_send_to(f, rid, rid_len, WIRE_ERROR, request_id, &msg.base);
}

enum isac_err feed_send_heartbeat(struct feed *f, struct feed_session *s)
{
	Isac1__Heartbeat msg = ISAC1__HEARTBEAT__INIT;
	enum isac_err err;

	s->position = feed_session_position(f, s);
	msg.sub = s->sub;
	msg.position = s->position;
	msg.head_seq = atomic_load(&f->head);
	msg.hash = (ProtobufCBinaryData){WIRE_HASH, s->hash};
	msg.acked_seq = s->acked_durable;
	msg.now_us = base_clock_us();
	msg.rights_seq = s->rights_seq;
	msg.rights_generation = s->rights_generation;
	err = feed_send(f, s, WIRE_HEARTBEAT, 0, &msg.base);
	if (err) return err;
	s->told = s->position;
	s->rights_told = true;
	feed_session_beat(f, s);
	return ISAC_OK;
}

enum isac_err feed_send_gap(struct feed *f, struct feed_session *s, uint64_t last, uint32_t reason)
{
	Isac1__Gap msg = ISAC1__GAP__INIT;
	enum isac_err err;

	err = s->told != s->position ? feed_send_heartbeat(f, s) : ISAC_OK; /* a gap begins where the subscriber knows itself to be */
	if (err) return err;
	msg.sub = s->sub;
	msg.first_seq = s->position + 1;
	msg.reason = reason ? reason : store_gap_reason(&f->gaps, msg.first_seq, &last);
	msg.last_seq = last;
	err = feed_send(f, s, WIRE_GAP, 0, &msg.base);
	if (err) return err;
	wire_feed_gap(s->hash, msg.first_seq, last);
	s->position = s->told = last;
	base_stats_add(STAT_feed_gaps, 1);
	return ISAC_OK;
}
