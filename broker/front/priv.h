/*
 * What the files of front share. One thread owns all of it: no locks anywhere.
 *
 *   roster  who may connect: CURVE key -> member, and who is refused for a while
 *   zap     asks roster when a connection wants in
 *   gate    how many connections there are; shuts the listening ports at the cap
 *   port    a ROUTER socket: frame rules upward, replies and fan-out downward
 *   peer    the routing ids a port must remember: open sessions, replies that wait
 *   link    a Unix socket to core, reconnecting
 *   strike  members who break frame rules again and again
 */
#ifndef ISAC_FRONT_PRIV_H
#define ISAC_FRONT_PRIV_H

#include <zmq.h>
#include "front/front.h"

enum {
	FRONT_TURN_MESSAGES = 256, /* taken from one socket before the others are looked at */
	FRONT_LAST_WORDS = 65536, /* so many messages later a connection that ended is not listened for any more, however full the socket */
	FRONT_KEY_TEXT = 2 * WIRE_CURVE,
	FRONT_IO_REQUEST = 0, /* of libzmq's threads: a report does not wait behind what is being encrypted for feeds */
	FRONT_IO_FEED = 1,
	FRONT_IO_THREADS = 2,
	FRONT_RID_BYTES = 5,		 /* a server-made routing id: 0x00 and a u32 */
	FRONT_RETRY_AFTER_MS = 500,	 /* hint in our 503 */
	FRONT_LINK_UP_BYTES = 16 << 20,	 /* queued towards core; beyond it members get 503 */
	FRONT_LINK_MSG_BYTES = 16 << 20, /* largest message from core: a roster of 100,000 keys, a fan-out to all */
};

/* ---- roster.c ---------------------------------------------------------------- */
struct front_member {
	char key[FRONT_KEY_TEXT + 1]; /* hex; also the User-Id: so revoking one of a member's keys cuts that key's connections */
	char name[WIRE_LIMIT_NAME_BYTES + 1];
	uint8_t name_len;	  /* 0 = an empty slot */
	int64_t refused_until_us; /* monotonic; INT64_MAX = until the next roster */
};
struct front_roster {
	struct front_member *slot;
	size_t mask, count;
	uint64_t generation;
	bool known;
};
void front_roster_init(struct front_roster *r);
void front_roster_clear(struct front_roster *r);
/* Replaces all by the bytes of a ROSTER message (part 2). On an error the old one stays. */
enum isac_err front_roster_read(struct front_roster *r, uint64_t generation, const uint8_t *data, size_t len);
/* By key in hex; NULL if unknown or refused at now_us. */
const struct front_member *front_roster_find(const struct front_roster *r, const char *key, size_t len, int64_t now_us);
/* Refuses all keys of a member until then. Returns how many there are. */
unsigned front_roster_refuse(struct front_roster *r, const char *name, size_t len, int64_t until_us);

/* ---- strike.c ---------------------------------------------------------------- */
enum { FRONT_STRIKES = 5, FRONT_STRIKE_MEMBERS = 256 };
struct front_strike {
	char name[WIRE_LIMIT_NAME_BYTES + 1];
	int64_t at_us[FRONT_STRIKES], refused_until_us;
};
struct front_strikes {
	struct front_strike member[FRONT_STRIKE_MEMBERS];
};
/* Counts one; true if that was one too many within a minute: *until_us says how long the member is refused. */
bool front_strikes_add(struct front_strikes *s, const char *name, int64_t now_us, int64_t *until_us);
/* Members still refused at now_us are refused in this (new) roster, too. */
void front_strikes_apply(const struct front_strikes *s, struct front_roster *r, int64_t now_us);

/* ---- zap.c -------------------------------------------------------------------- */
enum isac_err front_zap_bind(void **socket_out, void *zmq);
/* Answers up to FRONT_TURN_MESSAGES handshakes; returns how many. */
unsigned front_zap_turn(void *socket, const struct front_roster *r, int64_t now_us);

/* ---- socket.c ------------------------------------------------------------------ */
/* A ROUTER with every option that keeps it safe, not bound yet; io_thread: of the context, which encrypts for its connections. */
enum isac_err front_socket_new(void **out, void *zmq, const struct front_conf *conf, const char *endpoint, unsigned io_thread);
/* Binds both; port 0 in the request endpoint: a free pair of neighbours. `bound` gets the real request endpoint. */
enum isac_err front_socket_bind_pair(void *request, void *feed, const struct front_conf *conf, char bound[256]);

/* ---- gate.c --------------------------------------------------------------------- */
struct front_port;
enum { FRONT_GATE_NEWEST = 64 };
struct front_gate {
	void *monitor[2];
	struct front_port *port[2]; /* told who left */
	int listening[2], reserve;  /* descriptors; reserve is given up to refuse a connection when there are none left */
	int64_t open, max;
	bool shut;
	int newest[FRONT_GATE_NEWEST]; /* descriptors of the last accepted, -1 = ended; a ring of which newest_n counts */
	unsigned newest_n;
	bool cut; /* one of them, in this turn */
};
/* Asks for descriptors for so many connections. */
void front_gate_raise(int64_t max);
/* The cap is max, or less if there are not so many descriptors. */
void front_gate_init(struct front_gate *g, int64_t max);
void front_gate_clear(struct front_gate *g);
/* Watches a port that is not bound yet; i is 0 or 1. */
enum isac_err front_gate_watch(struct front_gate *g, unsigned i, void *zmq, struct front_port *port);
/* Counts who came and went, shuts and opens; returns how many events there were. */
unsigned front_gate_turn(struct front_gate *g);

/* ---- peer.c ---------------------------------------------------------------------- */
enum {
	FRONT_PEERS_MAX = 1 << 16,
	FRONT_BURIED = 4096,
	FRONT_WAIT_PEER_BYTES = 4 << 20,
	FRONT_WAIT_ALL_BYTES = 64 << 20,
	FRONT_WAIT_US = 10 * 1000 * 1000
};
struct front_wait {
	struct front_wait *next;
	uint8_t head[WIRE_DELIVERY_HEAD_BYTES];
	size_t head_len;
	zmq_msg_t body;
};
struct front_peer {
	uint8_t rid[FRONT_RID_BYTES];
	bool session;			 /* core may send here */
	bool left;			 /* its connection ended; what it said before is still to be read, and nothing goes there */
	bool buried;			 /* it left: server-made ids never come back, so whoever uses it stole it */
	int fd;				 /* of its connection, -1 = not known */
	char key[FRONT_KEY_TEXT + 1];	 /* whose session it is */
	struct front_wait *first, *last; /* replies that the socket did not take, oldest first */
	size_t waiting_bytes;
	int64_t waiting_since_us;	/* nothing moved since */
	struct front_peer *next, *prev; /* among those with something waiting */
};
struct front_peers {
	struct front_peer **slot, *waiting, **by_fd;
	size_t mask, count, waiting_bytes, fds;
	struct front_peer *grave[FRONT_BURIED]; /* the last that left, a ring */
	size_t next_grave;
};
void front_peers_clear(struct front_peers *p);
struct front_peer *front_peers_find(const struct front_peers *p, const uint8_t rid[FRONT_RID_BYTES]);
/* Finds or makes; NULL when there are too many or no memory. */
struct front_peer *front_peers_get(struct front_peers *p, const uint8_t rid[FRONT_RID_BYTES]);
void front_peers_drop(struct front_peers *p, struct front_peer **peer);
/* Forgets all but that this routing id was used. */
void front_peers_bury(struct front_peers *p, struct front_peer *peer);
/* A member speaks at peer, through this connection. */
void front_peers_open(struct front_peers *p, struct front_peer *peer, int fd, const char *key);
struct front_peer *front_peers_by_fd(const struct front_peers *p, int fd);
/* The connection is closed: its descriptor may be another's now. */
void front_peers_forget_fd(struct front_peers *p, struct front_peer *peer);
/* Shares body. FULL when for this peer, or for all together, too much waits. */
enum isac_err front_peers_wait(struct front_peers *p, struct front_peer *peer, const uint8_t *head, size_t head_len, zmq_msg_t *body,
			       int64_t now_us);
/* Forgets the oldest that waits. */
void front_peers_unwait(struct front_peers *p, struct front_peer *peer, int64_t now_us);

/* ---- link.c ------------------------------------------------------------------------ */
struct front;
struct front_link {
	struct front *front;
	struct front_port *port; /* the port it serves */
	const char *path;
	struct base_link *link; /* NULL = core is not there */
	int64_t retry_us;
	unsigned queued; /* messages that a flush will write */
};
void front_link_init(struct front_link *l, struct front *f, struct front_port *port, const char *path);
void front_link_clear(struct front_link *l);
/* Connects if it is time, then handles what core sent; returns how many messages. */
unsigned front_link_turn(struct front_link *l, int64_t now_us);
/* UNAVAILABLE if core is not there or takes no more. */
enum isac_err front_link_send(struct front_link *l, const struct wire_bytes *parts, unsigned n);
/* Writes what was sent and only queued; at the end of every turn. */
void front_link_flush(struct front_link *l);
void front_link_gone(struct front_link *l, const uint8_t *rid, size_t len);

/* ---- port.c ------------------------------------------------------------------------- */
struct front_port {
	struct front *front;
	char letter; /* 'R' or 'F', as in wire/frame.def */
	void *socket;
	struct front_link *link;
	struct front_peers peers;
	uint8_t (*left)[FRONT_RID_BYTES]; /* of peers that left, until the socket was found empty */
	size_t left_n, left_cap;
	unsigned left_heard; /* messages since the first of these left */
};
void front_port_init(struct front_port *p, struct front *f, char letter, struct front_link *link);
void front_port_clear(struct front_port *p);
/* Takes what members sent; returns how many messages. */
unsigned front_port_turn(struct front_port *p, int64_t now_us);
/*
 * What core sends to one routing id; shares body. Waits in `peers` if the socket is full; a GONE goes up if nobody is there or too
 * much waits. On the feed port only to connections that spoke and are still there.
 */
void front_port_send(struct front_port *p, const uint8_t *rid, size_t rid_len, const uint8_t *head, size_t head_len, zmq_msg_t *body);
/* A connection ended: if a session was open there, a GONE goes up, behind what came on it before. */
void front_port_left(struct front_port *p, int fd);
/* Tries again what waits. */
void front_port_retry(struct front_port *p, int64_t now_us);
/* Core is gone: an ERROR 503 to every session, and they are forgotten. */
void front_port_end_sessions(struct front_port *p);

/* ---- front.c -------------------------------------------------------------------------- */
struct front {
	const struct front_conf *conf;
	void *zmq, *zap;
	struct front_gate gate;
	struct front_roster roster;
	struct front_strikes strikes;
	struct front_port request, feed;
	struct front_link request_link, feed_link;
	int64_t now_us; /* of this turn */
	bool bound;
};

#endif
