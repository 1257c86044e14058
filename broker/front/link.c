/*
 * A link to core: sends up what members said, does what core says. It connects again by itself; core may be restarting.
 *
 * Core is believed, but lengths are checked: what does not fit is a bug of ours, logged as an error and skipped.
 */
#include <string.h>
#include <sodium.h>
#include "front/priv.h"

/* Small messages are copied and written together, large ones written at once from where they lie. */
enum { RETRY_US = 50 * 1000, QUEUED_BYTES = 4096, QUEUED_MESSAGES = 32 };

void front_link_init(struct front_link *l, struct front *f, struct front_port *port, const char *path)
{
	*l = (struct front_link){.front = f, .port = port, .path = path};
}

void front_link_clear(struct front_link *l)
{
	base_link_destroy(&l->link);
}

static void lose(struct front_link *l, int64_t now_us)
{
	base_log(BASE_LOG_WARN, "front.link.lost", "path=%s", l->path);
	base_link_destroy(&l->link);
	l->queued = 0;
	l->retry_us = now_us + RETRY_US;
	front_port_end_sessions(l->port);
}

static bool connect_core(struct front_link *l, int64_t now_us)
{
	uint8_t hello[9] = {'H'};
	struct wire_bytes part = {hello, sizeof hello};

	if (now_us < l->retry_us) return false;
	l->retry_us = now_us + RETRY_US;
	if (base_link_connect(&l->link, l->path, FRONT_LINK_UP_BYTES, FRONT_LINK_MSG_BYTES)) return false;
	randombytes_buf(hello + 1, sizeof hello - 1); /* a new one each time: replies to an older link must find nobody */
	if (base_link_send(l->link, &part, 1)) {
		base_link_destroy(&l->link);
		return false;
	}
	base_log(BASE_LOG_INFO, "front.link.up", "path=%s", l->path);
	return true;
}

enum isac_err front_link_send(struct front_link *l, const struct wire_bytes *parts, unsigned n)
{
	size_t bytes = 0;
	enum isac_err err;

	if (!l->link) return ISAC_ERR_UNAVAILABLE;
	for (unsigned i = 0; i < n; i++) bytes += parts[i].len;
	err = bytes <= QUEUED_BYTES ? base_link_queue(l->link, parts, n) : base_link_send(l->link, parts, n);
	if (!err && bytes <= QUEUED_BYTES) l->queued++;
	if (l->queued >= QUEUED_MESSAGES) front_link_flush(l);
	return err ? ISAC_ERR_UNAVAILABLE : ISAC_OK;
}

/* A broken link is found by the next receive. */
void front_link_flush(struct front_link *l)
{
	if (l->queued && l->link) base_link_flush(l->link);
	l->queued = 0;
}

void front_link_gone(struct front_link *l, const uint8_t *rid, size_t len)
{
	uint8_t gone[1 + UINT8_MAX] = {'G'};
	struct wire_bytes part = {gone, 1 + len};

	memcpy(gone + 1, rid, len);
	front_link_send(l, &part, 1);
}

/* ---- what core says ---- */
static enum isac_err make_body(zmq_msg_t *body, struct wire_bytes bytes)
{
	if (zmq_msg_init_size(body, bytes.len)) return ISAC_ERR_NO_MEMORY;
	if (bytes.len) memcpy(zmq_msg_data(body), bytes.data, bytes.len);
	return ISAC_OK;
}

/*
 * What members may read must not follow a routing id to somebody else: who left by now is known before it is sent. In a race the
 * thread of libzmq would have to see the owner go and a thief, who knows 32 random bits, come between this look and the send.
 */
static void look_who_left(struct front_link *l)
{
	if (l->port->letter == 'F') front_gate_turn(&l->front->gate);
}

/* [ 'R' rid ][ head ][ body ] */
static enum isac_err take_reply(struct front_link *l, const struct base_link_msg *msg)
{
	zmq_msg_t body;
	enum isac_err err;

	if (msg->part[0].len < 2 || msg->part[0].len > 1 + UINT8_MAX || msg->part[1].len > WIRE_DELIVERY_HEAD_BYTES)
		return ISAC_ERR_MALFORMED;
	err = make_body(&body, msg->part[2]);
	if (err) return err;
	look_who_left(l);
	front_port_send(l->port, msg->part[0].data + 1, msg->part[0].len - 1, msg->part[1].data, msg->part[1].len, &body);
	zmq_msg_close(&body);
	return ISAC_OK;
}

/* Sends to each row of a FANOUT; false if the rows do not fill the part exactly. */
static bool send_rows(struct front_link *l, const uint8_t *row, const uint8_t *end, unsigned n, zmq_msg_t *body)
{
	for (; n; n--) {
		size_t rid_len, head_len;

		if (end - row < 1 || (size_t)(end - row) < 2 + (rid_len = row[0])) return false;
		head_len = row[1 + rid_len];
		if ((size_t)(end - row) < 2 + rid_len + head_len || !rid_len || head_len > WIRE_DELIVERY_HEAD_BYTES) return false;
		front_port_send(l->port, row + 1, rid_len, row + 2 + rid_len, head_len, body);
		row += 2 + rid_len + head_len;
	}
	return row == end;
}

/* [ 'F' u16 n, n x ( u8 rid_len, rid, u8 head_len, head ) ][ body ] */
static enum isac_err take_fanout(struct front_link *l, const struct base_link_msg *msg)
{
	const struct wire_bytes list = msg->part[0];
	zmq_msg_t body;
	enum isac_err err;

	if (list.len < 3) return ISAC_ERR_MALFORMED;
	err = make_body(&body, msg->part[1]);
	if (err) return err;
	look_who_left(l);
	if (!send_rows(l, list.data + 3, list.data + list.len, wire_get_u16(list.data + 1), &body)) err = ISAC_ERR_MALFORMED;
	zmq_msg_close(&body);
	return err;
}

/* [ 'T' u64 generation ][ n x ( 32 bytes CURVE key, u8 len, name ) ] */
static enum isac_err take_roster(struct front_link *l, const struct base_link_msg *msg)
{
	struct front *f = l->front;
	enum isac_err err;

	if (msg->part[0].len != 9) return ISAC_ERR_MALFORMED;
	err = front_roster_read(&f->roster, wire_get_u64(msg->part[0].data + 1), msg->part[1].data, msg->part[1].len);
	if (err) return err;
	front_strikes_apply(&f->strikes, &f->roster, f->now_us);
	base_log(BASE_LOG_INFO, "front.roster", "generation=%llu keys=%zu", (unsigned long long)f->roster.generation, f->roster.count);
	return ISAC_OK;
}

/* [ 'D' name ] */
static enum isac_err take_drop(struct front_link *l, const struct base_link_msg *msg)
{
	front_roster_refuse(&l->front->roster, (const char *)msg->part[0].data + 1, msg->part[0].len - 1, INT64_MAX);
	return ISAC_OK;
}

static const struct {
	char tag;
	const char *letters; /* the ports whose links may carry it */
	unsigned parts;
	enum isac_err (*take)(struct front_link *, const struct base_link_msg *);
} rows[] = {
	{'R', "RF", 3, take_reply},
	{'F', "F", 2, take_fanout},
	{'T', "R", 2, take_roster},
	{'D', "R", 1, take_drop},
};

static void take(struct front_link *l, const struct base_link_msg *msg)
{
	char tag = msg->part[0].len ? (char)msg->part[0].data[0] : '\0';
	enum isac_err err = ISAC_ERR_MALFORMED;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].tag == tag && rows[i].parts == msg->parts && strchr(rows[i].letters, l->port->letter))
			err = rows[i].take(l, msg);
	if (err)
		base_log_limited(1, BASE_LOG_ERROR, "front.link.message", "path=%s tag=0x%02x parts=%u err=%s", l->path,
				 (unsigned)(uint8_t)tag, msg->parts, isac_err_name(err));
}

unsigned front_link_turn(struct front_link *l, int64_t now_us)
{
	struct base_link_msg msg;
	unsigned n = 0;

	if (!l->link) return connect_core(l, now_us);
	while (n < FRONT_TURN_MESSAGES) {
		enum isac_err err = base_link_recv(l->link, &msg);

		if (err == ISAC_ERR_AGAIN) return n;
		n++;
		if (err) {
			lose(l, now_us);
			return n;
		}
		take(l, &msg);
	}
	return n;
}
