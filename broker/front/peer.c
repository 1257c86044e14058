/*
 * Peers: what a port must remember of a routing id. Two things: that a feed session may be open there, and replies that its socket
 * would not take at the moment. Everybody else is nothing to us: libzmq knows who is connected.
 *
 * A burst of replies is longer than a socket's high-water mark while its I/O thread still encrypts, so full is normal for a
 * millisecond; a peer is slow only when bytes or seconds say so.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "front/priv.h"

/* Routing ids count upwards from a random number: the low bits spread by themselves. */
static size_t place(const struct front_peers *p, const uint8_t rid[FRONT_RID_BYTES])
{
	return wire_get_u32(rid + 1) & p->mask;
}

static size_t probe(const struct front_peers *p, const uint8_t rid[FRONT_RID_BYTES])
{
	size_t at = place(p, rid);

	while (p->slot[at] && memcmp(p->slot[at]->rid, rid, FRONT_RID_BYTES) != 0) at = (at + 1) & p->mask;
	return at;
}

struct front_peer *front_peers_find(const struct front_peers *p, const uint8_t rid[FRONT_RID_BYTES])
{
	return p->slot ? p->slot[probe(p, rid)] : NULL;
}

static bool grow(struct front_peers *p)
{
	struct front_peers next = *p;
	size_t slots = p->slot ? 2 * (p->mask + 1) : 64;

	next.slot = calloc(slots, sizeof(struct front_peer *));
	if (!next.slot) return false;
	next.mask = slots - 1;
	for (size_t i = 0; p->slot && i <= p->mask; i++)
		if (p->slot[i]) next.slot[probe(&next, p->slot[i]->rid)] = p->slot[i];
	free(p->slot);
	*p = next;
	return true;
}

struct front_peer *front_peers_get(struct front_peers *p, const uint8_t rid[FRONT_RID_BYTES])
{
	struct front_peer *peer = front_peers_find(p, rid);

	if (peer) return peer;
	if (p->count >= FRONT_PEERS_MAX || ((!p->slot || 2 * p->count > p->mask) && !grow(p))) return NULL;
	peer = calloc(1, sizeof *peer);
	if (!peer) return NULL;
	memcpy(peer->rid, rid, FRONT_RID_BYTES);
	peer->fd = -1;
	p->slot[probe(p, rid)] = peer;
	p->count++;
	return peer;
}

/* Empties a slot and moves up what was pushed past it. */
static void vacate(struct front_peers *p, size_t hole)
{
	p->slot[hole] = NULL;
	for (size_t at = (hole + 1) & p->mask; p->slot[at]; at = (at + 1) & p->mask) {
		struct front_peer *moved = p->slot[at];

		p->slot[at] = NULL;
		p->slot[probe(p, moved->rid)] = moved;
	}
}

void front_peers_forget_fd(struct front_peers *p, struct front_peer *peer)
{
	if (peer->fd >= 0) p->by_fd[peer->fd] = NULL;
	peer->fd = -1;
}

static void strip(struct front_peers *p, struct front_peer *peer)
{
	while (peer->first) front_peers_unwait(p, peer, 0);
	front_peers_forget_fd(p, peer);
	peer->session = peer->left = false;
}

void front_peers_bury(struct front_peers *p, struct front_peer *peer)
{
	struct front_peer **grave = &p->grave[p->next_grave];

	if (peer->buried) return;
	strip(p, peer);
	front_peers_drop(p, grave);
	peer->buried = true;
	*grave = peer;
	p->next_grave = (p->next_grave + 1) % FRONT_BURIED;
}

void front_peers_drop(struct front_peers *p, struct front_peer **peer)
{
	struct front_peer *gone = *peer;

	if (!gone) return;
	strip(p, gone);
	vacate(p, probe(p, gone->rid));
	p->count--;
	free(gone);
	*peer = NULL;
}

struct front_peer *front_peers_by_fd(const struct front_peers *p, int fd)
{
	return fd >= 0 && (size_t)fd < p->fds ? p->by_fd[fd] : NULL;
}

static bool room_for_fd(struct front_peers *p, size_t fd)
{
	size_t fds = p->fds ? p->fds : 64;
	struct front_peer **grown;

	if (fd < p->fds) return true;
	while (fds <= fd) fds *= 2;
	grown = realloc(p->by_fd, fds * sizeof(struct front_peer *));
	if (!grown) return false;
	memset(grown + p->fds, 0, (fds - p->fds) * sizeof(struct front_peer *));
	p->by_fd = grown;
	p->fds = fds;
	return true;
}

void front_peers_open(struct front_peers *p, struct front_peer *peer, int fd, const char *key)
{
	peer->session = true;
	memcpy(peer->key, key, sizeof peer->key);
	if (fd < 0 || !room_for_fd(p, (size_t)fd)) return;
	if (p->by_fd[fd]) p->by_fd[fd]->fd = -1;
	if (peer->fd >= 0) p->by_fd[peer->fd] = NULL;
	peer->fd = fd;
	p->by_fd[fd] = peer;
}

void front_peers_clear(struct front_peers *p)
{
	for (size_t i = 0; p->slot && i <= p->mask; i++) {
		struct front_peer *peer = p->slot[i];

		while (peer && peer->first) front_peers_unwait(p, peer, 0);
		free(peer);
	}
	free(p->slot);
	free(p->by_fd);
	*p = (struct front_peers){.count = 0};
}

static size_t cost(const struct front_wait *w)
{
	return sizeof *w + zmq_msg_size(&w->body);
}

static void enlist(struct front_peers *p, struct front_peer *peer)
{
	peer->prev = NULL;
	peer->next = p->waiting;
	if (p->waiting) p->waiting->prev = peer;
	p->waiting = peer;
}

static void delist(struct front_peers *p, struct front_peer *peer)
{
	if (peer->prev) peer->prev->next = peer->next;
	else p->waiting = peer->next;
	if (peer->next) peer->next->prev = peer->prev;
	peer->next = peer->prev = NULL;
}

enum isac_err front_peers_wait(struct front_peers *p, struct front_peer *peer, const uint8_t *head, size_t head_len, zmq_msg_t *body,
			       int64_t now_us)
{
	size_t bytes = sizeof(struct front_wait) + zmq_msg_size(body);
	struct front_wait *w;

	assert(head_len <= sizeof w->head);
	if (peer->waiting_bytes + bytes > FRONT_WAIT_PEER_BYTES || p->waiting_bytes + bytes > FRONT_WAIT_ALL_BYTES) return ISAC_ERR_FULL;
	w = calloc(1, sizeof *w);
	if (!w) return ISAC_ERR_NO_MEMORY;
	memcpy(w->head, head, head_len);
	w->head_len = head_len;
	zmq_msg_init(&w->body);
	zmq_msg_copy(&w->body, body);
	if (peer->last) {
		peer->last->next = w;
	} else {
		peer->first = w;
		peer->waiting_since_us = now_us;
		enlist(p, peer);
	}
	peer->last = w;
	peer->waiting_bytes += bytes;
	p->waiting_bytes += bytes;
	return ISAC_OK;
}

void front_peers_unwait(struct front_peers *p, struct front_peer *peer, int64_t now_us)
{
	struct front_wait *w = peer->first;

	peer->first = w->next;
	peer->waiting_bytes -= cost(w);
	p->waiting_bytes -= cost(w);
	peer->waiting_since_us = now_us;
	if (!peer->first) {
		peer->last = NULL;
		delist(p, peer);
	}
	zmq_msg_close(&w->body);
	free(w);
}
