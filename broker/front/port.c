/*
 * A port: one ROUTER socket. Upward it applies the rules of frames (proto/README.md section 2) and hands head and body to core
 * without a copy; downward it sends to routing ids and never waits for one.
 *
 * Who sent a message is the User-Id of its payload frames: libzmq 4.3.4 loses it on the routing-id frame after a poll.
 *
 * A routing id of the server's form may still be forged: by guessing 32 random bits, and only after its owner left. So on the feed
 * port core reaches only connections that spoke and did not leave since (the gate says which descriptor closed), and an id whose
 * owner left is buried: nobody is heard or reached there again.
 */
#include <stdlib.h>
#include <string.h>
#include "front/priv.h"

struct incoming {
	zmq_msg_t rid, head, body;
	unsigned frames;
};

void front_port_init(struct front_port *p, struct front *f, char letter, struct front_link *link)
{
	*p = (struct front_port){.front = f, .letter = letter, .link = link};
}

void front_port_clear(struct front_port *p)
{
	front_peers_clear(&p->peers);
	free(p->left);
	if (p->socket) zmq_close(p->socket);
	p->socket = NULL;
}

/* ---- downward ---- */
static int send_part(void *socket, const void *data, size_t len)
{
	while (zmq_send(socket, data, len, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
		if (zmq_errno() != EINTR) return zmq_errno();
	return 0;
}

/* 0, or errno. Only the first frame can be refused: after it, ROUTER takes the rest or throws it away. */
static int put(void *socket, const uint8_t *rid, size_t rid_len, const uint8_t *head, size_t head_len, zmq_msg_t *body)
{
	zmq_msg_t shared;
	int err = send_part(socket, rid, rid_len);

	if (!err) err = send_part(socket, head, head_len);
	if (err) return err;
	zmq_msg_init(&shared);
	zmq_msg_copy(&shared, body);
	while (zmq_msg_send(&shared, socket, ZMQ_DONTWAIT) < 0) {
		if (zmq_errno() == EINTR) continue;
		err = zmq_errno();
		zmq_msg_close(&shared);
		break;
	}
	return err;
}

/* libzmq learns that a peer has room again from commands that a send looks at only now and then; asking for events does it now. */
static void take_commands(void *socket)
{
	int events;
	size_t len = sizeof events;

	zmq_getsockopt(socket, ZMQ_EVENTS, &events, &len);
}

/* left: the connection ended; else it only took nothing, and may start anew. */
static void give_up(struct front_port *p, const uint8_t rid[FRONT_RID_BYTES], struct front_peer *peer, bool left, const char *why)
{
	uint8_t copy[FRONT_RID_BYTES]; /* rid may be the peer's own bytes */

	memcpy(copy, rid, sizeof copy);
	if (peer && left && p->letter == 'F') front_peers_bury(&p->peers, peer);
	else front_peers_drop(&p->peers, &peer);
	base_log_limited(5, BASE_LOG_DEBUG, "front.gone", "port=%c why=\"%s\"", p->letter, why);
	front_link_gone(p->link, copy, sizeof copy);
}

static void deliver(struct front_port *p, const uint8_t *rid, size_t rid_len, const uint8_t *head, size_t head_len, zmq_msg_t *body)
{
	struct front_peer *peer = rid_len == FRONT_RID_BYTES ? front_peers_find(&p->peers, rid) : NULL;
	int err = EAGAIN;

	if (!peer || !peer->first) {
		err = put(p->socket, rid, rid_len, head, head_len, body);
		if (err == EAGAIN) {
			take_commands(p->socket);
			err = put(p->socket, rid, rid_len, head, head_len, body);
		}
	}
	if (!err || rid_len != FRONT_RID_BYTES) return;
	if (err == EAGAIN) {
		peer = front_peers_get(&p->peers, rid);
		if (peer && !front_peers_wait(&p->peers, peer, head, head_len, body, p->front->now_us)) return;
		base_stats_add(STAT_front_slow, 1);
	}
	give_up(p, rid, peer, err != EAGAIN, err == EAGAIN ? "slow" : zmq_strerror(err));
}

void front_port_send(struct front_port *p, const uint8_t *rid, size_t rid_len, const uint8_t *head, size_t head_len, zmq_msg_t *body)
{
	if (rid_len != FRONT_RID_BYTES) return;
	if (p->letter == 'F') {
		struct front_peer *peer = front_peers_find(&p->peers, rid);

		if (peer && peer->left) return; /* its GONE is on the way */
		if (!peer || !peer->session) {
			front_link_gone(p->link, rid, rid_len);
			return;
		}
	}
	deliver(p, rid, rid_len, head, head_len, body);
}

void front_port_left(struct front_port *p, int fd)
{
	struct front_peer *peer = front_peers_by_fd(&p->peers, fd);

	if (!peer) return;
	front_peers_forget_fd(&p->peers, peer);
	if (p->left_n == p->left_cap) {
		size_t cap = p->left_cap ? p->left_cap * 2 : 64;
		void *more = realloc(p->left, cap * sizeof *p->left);

		if (!more) {
			give_up(p, peer->rid, peer, true, "left");
			return;
		}
		p->left = more;
		p->left_cap = cap;
	}
	peer->left = true;
	memcpy(p->left[p->left_n++], peer->rid, FRONT_RID_BYTES);
}

/* Who left has been heard out: the monitor may be quicker than their last words, an acknowledgement among them. */
static void take_leave(struct front_port *p)
{
	for (size_t i = 0; i < p->left_n; i++) {
		struct front_peer *peer = front_peers_find(&p->peers, p->left[i]);

		if (peer && peer->left) give_up(p, p->left[i], peer, true, "left");
	}
	p->left_n = 0;
	p->left_heard = 0;
}

/* Sends what waits for one peer, oldest first; false if the peer is gone. */
static bool retry_peer(struct front_port *p, struct front_peer *peer, int64_t now_us)
{
	while (peer->first) {
		struct front_wait *w = peer->first;
		int err = put(p->socket, peer->rid, FRONT_RID_BYTES, w->head, w->head_len, &w->body);

		if (err == EAGAIN && now_us - peer->waiting_since_us < FRONT_WAIT_US) return true;
		if (err) {
			if (err == EAGAIN) base_stats_add(STAT_front_slow, 1);
			give_up(p, peer->rid, peer, err != EAGAIN, err == EAGAIN ? "slow" : zmq_strerror(err));
			return false;
		}
		front_peers_unwait(&p->peers, peer, now_us);
	}
	if (!peer->session) front_peers_drop(&p->peers, &peer);
	return true;
}

void front_port_retry(struct front_port *p, int64_t now_us)
{
	struct front_peer *next;

	if (!p->peers.waiting) return;
	take_commands(p->socket);
	for (struct front_peer *peer = p->peers.waiting; peer; peer = next) {
		next = peer->next;
		if (!peer->left) retry_peer(p, peer, now_us);
	}
}

static void send_error(struct front_port *p, const uint8_t *rid, size_t rid_len, uint64_t request_id, enum isac_err err, const char *text)
{
	uint8_t head[WIRE_DELIVERY_HEAD_BYTES];
	size_t head_len = wire_head_pack(head, &(struct wire_head){.type = WIRE_ERROR, .request_id = request_id});
	Isac1__Error error = ISAC1__ERROR__INIT;
	struct wire_buf packed;
	zmq_msg_t body;

	error.code = isac_err_code(err);
	error.text = (char *)(text ? text : isac_err_text(err));
	error.retry_after_ms = isac_err_retryable(err) ? FRONT_RETRY_AFTER_MS : 0;
	wire_buf_init(&packed, 4096);
	wire_pack(&packed, &error.base);
	if (!packed.err && !zmq_msg_init_size(&body, packed.len)) {
		memcpy(zmq_msg_data(&body), packed.data, packed.len);
		deliver(p, rid, rid_len, head, head_len, &body);
		zmq_msg_close(&body);
	}
	wire_buf_clear(&packed);
}

void front_port_end_sessions(struct front_port *p)
{
	const size_t slots = p->peers.slot ? p->peers.mask + 1 : 0;
	uint8_t(*rids)[FRONT_RID_BYTES] = slots ? calloc(slots, FRONT_RID_BYTES) : NULL;
	size_t n = 0;

	for (size_t i = 0; rids && i < slots; i++) {
		struct front_peer *peer = p->peers.slot[i];

		if (!peer || !peer->session) continue;
		peer->session = false;
		memcpy(rids[n++], peer->rid, FRONT_RID_BYTES);
	}
	for (size_t i = 0; i < n; i++) { /* sending changes the table */
		struct front_peer *peer = front_peers_find(&p->peers, rids[i]);

		if (peer && !peer->first) front_peers_drop(&p->peers, &peer);
		send_error(p, rids[i], FRONT_RID_BYTES, 0, ISAC_ERR_UNAVAILABLE, NULL);
	}
	free(rids);
}

/* ---- upward ---- */
/* One message; frames after the second are thrown away as they come, and counted. False when nothing is there. */
static bool receive(struct incoming *in, void *socket)
{
	zmq_msg_t extra;
	int more;

	zmq_msg_init(&in->rid);
	zmq_msg_init(&in->head);
	zmq_msg_init(&in->body);
	zmq_msg_init(&extra);
	in->frames = 0;
	if (zmq_msg_recv(&in->rid, socket, ZMQ_DONTWAIT) < 0) return false;
	more = zmq_msg_more(&in->rid);
	while (more) {
		zmq_msg_t *to = in->frames == 0 ? &in->head : in->frames == 1 ? &in->body : &extra;

		if (zmq_msg_recv(to, socket, ZMQ_DONTWAIT) < 0) break;
		more = zmq_msg_more(to);
		in->frames++;
	}
	zmq_msg_close(&extra);
	return true;
}

static void release(struct incoming *in)
{
	zmq_msg_close(&in->rid);
	zmq_msg_close(&in->head);
	zmq_msg_close(&in->body);
}

static const struct front_member *sender(struct front_port *p, struct incoming *in, int64_t now_us)
{
	const char *key = in->frames ? zmq_msg_gets(&in->head, "User-Id") : NULL;

	return key ? front_roster_find(&p->front->roster, key, strlen(key), now_us) : NULL;
}

static bool rid_is_ours(struct incoming *in)
{
	return zmq_msg_size(&in->rid) == FRONT_RID_BYTES && *(const uint8_t *)zmq_msg_data(&in->rid) == 0;
}

static void strike(struct front_port *p, const char *name, int64_t now_us)
{
	int64_t until_us;

	base_stats_add(STAT_front_strikes, 1);
	if (!front_strikes_add(&p->front->strikes, name, now_us, &until_us)) return;
	front_roster_refuse(&p->front->roster, name, strlen(name), until_us);
	base_log(BASE_LOG_WARN, "front.struck_out", "member=%s seconds=%lld", name, (long long)((until_us - now_us) / 1000000));
}

/* The rules of a message; *head is filled as far as it could be read. */
static enum isac_err judge(struct front_port *p, struct incoming *in, struct wire_head *head, const char **why)
{
	enum isac_err err = wire_head_open(head, zmq_msg_data(&in->head), zmq_msg_size(&in->head));
	const struct wire_frame_row *row = wire_frame_find(head->type);

	*why = "a message is a head and a body";
	if (in->frames != 2) return ISAC_ERR_MALFORMED;
	*why = "the head cannot be read";
	if (err) return err;
	*why = "no such type of message on this port";
	if (!row || row->dir != 'U' || row->port != p->letter) return ISAC_ERR_MALFORMED;
	*why = "the body is empty";
	if (!zmq_msg_size(&in->body) && head->type != WIRE_STATUS && head->type != WIRE_DIRECTORY) return ISAC_ERR_MALFORMED;
	return ISAC_OK;
}

static enum isac_err forward(struct front_port *p, struct incoming *in, const struct front_member *m)
{
	uint8_t tag[1 + FRONT_RID_BYTES] = {'M'};
	struct wire_bytes parts[] = {
		{tag, sizeof tag},
		{(const uint8_t *)m->name, m->name_len},
		{zmq_msg_data(&in->head), zmq_msg_size(&in->head)},
		{zmq_msg_data(&in->body), zmq_msg_size(&in->body)},
	};

	memcpy(tag + 1, zmq_msg_data(&in->rid), FRONT_RID_BYTES);
	return front_link_send(p->link, parts, 4);
}

/* Who speaks on a feed connection is remembered. A second voice, or one from the grave, has stolen the routing id. */
static bool is_stolen(struct front_port *p, const uint8_t *rid, const struct front_member *m)
{
	struct front_peer *peer = front_peers_find(&p->peers, rid);

	if (!peer || (!peer->buried && (!peer->session || strcmp(peer->key, m->key) == 0))) return false;
	if (!peer->buried) give_up(p, rid, peer, true, "stolen");
	return true;
}

/* Core may send here from now on. The gate is looked at first: who had this descriptor before must be known to have left. */
static bool remember(struct front_port *p, struct incoming *in, const char *key)
{
	struct front_peer *peer = front_peers_find(&p->peers, zmq_msg_data(&in->rid));

	if (peer && peer->session) return true;
	front_gate_turn(&p->front->gate);
	peer = front_peers_get(&p->peers, zmq_msg_data(&in->rid));
	if (peer) front_peers_open(&p->peers, peer, zmq_msg_get(&in->head, ZMQ_SRCFD), key);
	return peer != NULL;
}

static void refuse(struct front_port *p, struct incoming *in, const char *name, uint64_t request_id, enum isac_err err, const char *why)
{
	base_stats_add(err == ISAC_ERR_NOT_ALLOWED   ? STAT_front_routing_id
		       : err == ISAC_ERR_UNAVAILABLE ? STAT_front_unavailable
						     : STAT_front_refused,
		       1);
	base_log_limited(5, BASE_LOG_WARN, "front.refused", "member=%s port=%c code=%u frames=%u why=\"%s\"", name, p->letter,
			 isac_err_code(err), in->frames, why ? why : isac_err_text(err));
	send_error(p, zmq_msg_data(&in->rid), zmq_msg_size(&in->rid), request_id, err, why);
}

static void handle(struct front_port *p, struct incoming *in, int64_t now_us)
{
	const struct front_member *m = sender(p, in, now_us);
	struct wire_head head = {.type = 0};
	const char *why = NULL;
	char name[WIRE_LIMIT_NAME_BYTES + 1];
	enum isac_err err;

	if (!m) {
		base_stats_add(STAT_front_no_user, 1);
		base_log_limited(1, BASE_LOG_WARN, "front.no_user", "port=%c", p->letter);
		return;
	}
	memcpy(name, m->name, sizeof name);
	err = judge(p, in, &head, &why);
	if (!rid_is_ours(in) || is_stolen(p, zmq_msg_data(&in->rid), m)) {
		refuse(p, in, name, head.request_id, ISAC_ERR_NOT_ALLOWED, "a routing id is given by the hub, not chosen");
		return;
	}
	if (!err) {
		why = NULL;
		err = p->letter == 'F' && !remember(p, in, m->key) ? ISAC_ERR_UNAVAILABLE : forward(p, in, m);
	}
	if (!err) {
		base_stats_add(STAT_front_received, 1);
		return;
	}
	refuse(p, in, name, head.request_id, err, why);
	if (in->frames > WIRE_LIMIT_FRAMES) strike(p, name, now_us);
}

unsigned front_port_turn(struct front_port *p, int64_t now_us)
{
	unsigned n = 0;

	while (p->socket && n < FRONT_TURN_MESSAGES) {
		struct incoming in;

		if (!receive(&in, p->socket)) {
			release(&in);
			take_leave(p);
			break;
		}
		handle(p, &in, now_us);
		release(&in);
		n++;
	}
	if (p->left_n) p->left_heard += n;
	if (p->left_heard > FRONT_LAST_WORDS) take_leave(p);
	return n;
}
