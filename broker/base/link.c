/*
 * Messages of parts over a Unix stream socket, non-blocking on both sides.
 *
 * Any thread may send; one thread receives. When the socket is full, the rest waits in a bounded
 * queue and somebody must learn that it can be written again. So base_link_fd is an epoll descriptor
 * over the socket: a sender that queues arms EPOLLOUT there, which wakes the receiving thread even
 * if it already waits, and base_link_recv writes the queue out. There is no wake-up to lose, and a
 * loop that knows nothing of queues (poll for POLLIN, receive until AGAIN) is a right one.
 *
 * Reading goes ahead in large pieces and hands out parts without copying.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/base.h"

enum { READ_AHEAD = 64 * 1024, BACKLOG = 64, HEAD_MAX = 4 + 1 + 4 * BASE_LINK_PARTS };

struct base_link {
	int fd, epoll;
	size_t queue_max, msg_max;
	/* sending, any thread */
	pthread_mutex_t lock;
	uint8_t *queue;
	size_t queue_from, queue_to, queue_cap;
	bool armed, broken;
	/* receiving, one thread */
	uint8_t *in;
	size_t in_from, in_to, in_cap;
	bool ended;
};

/* ---- sockets ---- */
static enum isac_err fill_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path)) return ISAC_ERR_CONFIG;
	memcpy(address->sun_path, path, strlen(path) + 1);
	return ISAC_OK;
}

enum isac_err base_link_listen(int *fd_out, const char *path)
{
	struct sockaddr_un address;
	struct stat there;
	int fd;

	if (fill_address(&address, path)) return ISAC_ERR_CONFIG;
	if (lstat(path, &there) == 0 && S_ISSOCK(there.st_mode)) unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return ISAC_ERR_SYSTEM;
	/* On Linux the file takes its mode from the descriptor: no moment with wider rights. */
	if (fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, BACKLOG) != 0) {
		close(fd);
		return ISAC_ERR_SYSTEM;
	}
	*fd_out = fd;
	return ISAC_OK;
}

static enum isac_err make_link(struct base_link **out, int fd, size_t queue_max, size_t msg_max)
{
	struct base_link *link = calloc(1, sizeof(*link));
	struct epoll_event event = {.events = EPOLLIN};

	assert(msg_max > 0 && msg_max <= UINT32_MAX - HEAD_MAX);
	if (!link) {
		close(fd);
		return ISAC_ERR_NO_MEMORY;
	}
	link->fd = fd;
	link->queue_max = queue_max;
	link->msg_max = msg_max;
	link->in_cap = READ_AHEAD;
	link->in = malloc(link->in_cap);
	link->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!link->in || link->epoll < 0 || epoll_ctl(link->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		enum isac_err err = link->in ? ISAC_ERR_SYSTEM : ISAC_ERR_NO_MEMORY;

		if (link->epoll >= 0) close(link->epoll);
		close(fd);
		free(link->in);
		free(link);
		return err;
	}
	pthread_mutex_init(&link->lock, NULL);
	*out = link;
	return ISAC_OK;
}

enum isac_err base_link_accept(struct base_link **out, int listen_fd, size_t queue_max, size_t msg_max)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? ISAC_ERR_SYSTEM : ISAC_ERR_AGAIN;
	return make_link(out, fd, queue_max, msg_max);
}

enum isac_err base_link_connect(struct base_link **out, const char *path, size_t queue_max, size_t msg_max)
{
	struct sockaddr_un address;
	int fd, problem;

	if (fill_address(&address, path)) return ISAC_ERR_CONFIG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return ISAC_ERR_SYSTEM;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		problem = errno;
		close(fd);
		return problem == ENOENT || problem == ECONNREFUSED || problem == EAGAIN ? ISAC_ERR_AGAIN : ISAC_ERR_SYSTEM;
	}
	return make_link(out, fd, queue_max, msg_max);
}

void base_link_destroy(struct base_link **link)
{
	if (!link || !*link) return;
	close((*link)->epoll);
	close((*link)->fd);
	pthread_mutex_destroy(&(*link)->lock);
	free((*link)->queue);
	free((*link)->in);
	free(*link);
	*link = NULL;
}

int base_link_fd(const struct base_link *link)
{
	return link->epoll;
}

short base_link_events(const struct base_link *link)
{
	struct base_link *locked = (struct base_link *)link;
	short events = POLLIN;

	pthread_mutex_lock(&locked->lock);
	if (link->queue_to > link->queue_from) events |= POLLOUT;
	pthread_mutex_unlock(&locked->lock);
	return events;
}

/* ---- sending: all below hold the lock ---- */
static enum isac_err arm(struct base_link *link, bool on)
{
	struct epoll_event event = {.events = on ? EPOLLIN | EPOLLOUT : EPOLLIN};

	if (link->armed == on) return ISAC_OK;
	if (epoll_ctl(link->epoll, EPOLL_CTL_MOD, link->fd, &event) != 0) return ISAC_ERR_SYSTEM;
	link->armed = on;
	return ISAC_OK;
}

static enum isac_err fail(struct base_link *link)
{
	link->broken = true;
	link->queue_from = link->queue_to = 0;
	/* The receiver finds out by itself: make its socket readable, whatever the cause was. */
	shutdown(link->fd, SHUT_RDWR);
	arm(link, false);
	return ISAC_ERR_CLOSED;
}

/* How many bytes went out, 0 if the socket is full, -1 if it is broken. */
static ssize_t write_some(struct base_link *link, struct iovec *iov, size_t n)
{
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n};
	ssize_t sent;

	do sent = sendmsg(link->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) return 0;
	return sent;
}

static enum isac_err write_queue(struct base_link *link)
{
	if (link->broken) return ISAC_ERR_CLOSED;
	while (link->queue_from < link->queue_to) {
		struct iovec iov = {link->queue + link->queue_from, link->queue_to - link->queue_from};
		ssize_t sent = write_some(link, &iov, 1);

		if (sent < 0) return fail(link);
		if (sent == 0) return arm(link, true) ? fail(link) : ISAC_OK;
		link->queue_from += (size_t)sent;
	}
	link->queue_from = link->queue_to = 0;
	return arm(link, false) ? fail(link) : ISAC_OK;
}

/* Room for len more bytes at queue_to. The queue's memory follows its use and stays at its high mark. */
static bool make_room(struct base_link *link, size_t len)
{
	size_t used = link->queue_to - link->queue_from, cap = link->queue_cap ? link->queue_cap : READ_AHEAD;
	uint8_t *grown;

	if (link->queue_to + len <= link->queue_cap) return true;
	if (used > 0 && link->queue_from > 0) memmove(link->queue, link->queue + link->queue_from, used);
	link->queue_from = 0;
	link->queue_to = used;
	while (cap < used + len) cap *= 2;
	if (cap == link->queue_cap) return true;
	grown = realloc(link->queue, cap);
	if (!grown) return false;
	link->queue = grown;
	link->queue_cap = cap;
	return true;
}

/* Queues what is left of the message after its first `skip` bytes. */
static enum isac_err queue_rest(struct base_link *link, const struct iovec *iov, size_t n, size_t skip, size_t total)
{
	if (!make_room(link, total - skip)) return skip > 0 ? fail(link) : ISAC_ERR_NO_MEMORY; /* half a message cannot be taken back */
	for (size_t i = 0; i < n; i++) {
		size_t done = skip < iov[i].iov_len ? skip : iov[i].iov_len;

		skip -= done;
		if (iov[i].iov_len > done) memcpy(link->queue + link->queue_to, (uint8_t *)iov[i].iov_base + done, iov[i].iov_len - done);
		link->queue_to += iov[i].iov_len - done;
	}
	return ISAC_OK;
}

static enum isac_err queue_locked(struct base_link *link, const struct iovec *iov, size_t n, size_t total)
{
	if (link->broken) return ISAC_ERR_CLOSED;
	if (link->queue_to - link->queue_from + total > link->queue_max) return ISAC_ERR_FULL;
	return queue_rest(link, iov, n, 0, total);
}

static enum isac_err send_locked(struct base_link *link, struct iovec *iov, size_t n, size_t total)
{
	ssize_t sent = 0;
	enum isac_err err;

	if (link->broken) return ISAC_ERR_CLOSED;
	if (link->queue_to > link->queue_from && write_queue(link)) return ISAC_ERR_CLOSED;
	if (link->queue_to == link->queue_from) {
		sent = write_some(link, iov, n);
		if (sent < 0) return fail(link);
		if ((size_t)sent == total) return ISAC_OK;
	}
	if (sent == 0 && link->queue_to - link->queue_from + total > link->queue_max) return ISAC_ERR_FULL;
	err = queue_rest(link, iov, n, (size_t)sent, total);
	if (err) return err;
	return arm(link, true) ? fail(link) : ISAC_OK;
}

/* now: written at once if the socket takes it, else queued; otherwise queued and left to base_link_flush. */
static enum isac_err send_message(struct base_link *link, const struct wire_bytes *parts, unsigned n, bool now)
{
	uint8_t head[HEAD_MAX];
	struct iovec iov[1 + BASE_LINK_PARTS];
	size_t body = 0, head_len = 5 + 4 * (size_t)n;
	enum isac_err err;

	assert(n >= 1 && n <= BASE_LINK_PARTS);
	for (unsigned i = 0; i < n; i++) {
		if (parts[i].len > link->queue_max - body) return ISAC_ERR_TOO_LARGE;
		body += parts[i].len;
		wire_put_u32(head + 5 + 4 * i, (uint32_t)parts[i].len);
		iov[1 + i] = (struct iovec){(void *)parts[i].data, parts[i].len};
	}
	wire_put_u32(head, (uint32_t)(head_len - 4 + body));
	head[4] = (uint8_t)n;
	iov[0] = (struct iovec){head, head_len};
	pthread_mutex_lock(&link->lock);
	err = now ? send_locked(link, iov, 1 + n, head_len + body) : queue_locked(link, iov, 1 + n, head_len + body);
	pthread_mutex_unlock(&link->lock);
	return err;
}

enum isac_err base_link_send(struct base_link *link, const struct wire_bytes *parts, unsigned n)
{
	return send_message(link, parts, n, true);
}

enum isac_err base_link_queue(struct base_link *link, const struct wire_bytes *parts, unsigned n)
{
	return send_message(link, parts, n, false);
}

enum isac_err base_link_flush(struct base_link *link)
{
	enum isac_err err;

	pthread_mutex_lock(&link->lock);
	err = write_queue(link);
	pthread_mutex_unlock(&link->lock);
	return err;
}

/* ---- receiving ---- */
/* One message from the bytes that are there. AGAIN: more bytes are needed. */
static enum isac_err parse(struct base_link *link, struct base_link_msg *msg)
{
	const uint8_t *p = link->in + link->in_from;
	size_t have = link->in_to - link->in_from, total, count, at;

	if (have < 5) return ISAC_ERR_AGAIN;
	total = wire_get_u32(p);
	count = p[4];
	if (count < 1 || count > BASE_LINK_PARTS || total < 1 + 4 * count || total > 1 + 4 * count + link->msg_max) return ISAC_ERR_CLOSED;
	if (have < 4 + total) return ISAC_ERR_AGAIN;
	at = 5 + 4 * count;
	for (size_t i = 0; i < count; i++) {
		size_t len = wire_get_u32(p + 5 + 4 * i);

		if (len > 4 + total - at) return ISAC_ERR_CLOSED;
		msg->part[i] = (struct wire_bytes){p + at, len};
		at += len;
	}
	if (at != 4 + total) return ISAC_ERR_CLOSED;
	msg->parts = (unsigned)count;
	link->in_from += 4 + total;
	return ISAC_OK;
}

/* Memory grows with what arrived, never with what a length field promises. */
static enum isac_err read_more(struct base_link *link)
{
	ssize_t got;

	if (link->in_from > 0) {
		memmove(link->in, link->in + link->in_from, link->in_to - link->in_from);
		link->in_to -= link->in_from;
		link->in_from = 0;
	}
	if (link->in_to == link->in_cap) {
		uint8_t *grown = realloc(link->in, link->in_cap * 2);

		if (!grown) return ISAC_ERR_CLOSED;
		link->in = grown;
		link->in_cap *= 2;
	}
	do got = recv(link->fd, link->in + link->in_to, link->in_cap - link->in_to, 0);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		link->in_to += (size_t)got;
		return ISAC_OK;
	}
	return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? ISAC_ERR_AGAIN : ISAC_ERR_CLOSED;
}

enum isac_err base_link_recv(struct base_link *link, struct base_link_msg *msg)
{
	enum isac_err err;

	if (link->ended) return ISAC_ERR_CLOSED;
	while ((err = parse(link, msg)) == ISAC_ERR_AGAIN) {
		err = read_more(link);
		if (err) break;
	}
	if (err == ISAC_ERR_AGAIN) err = base_link_flush(link) == ISAC_OK ? ISAC_ERR_AGAIN : ISAC_ERR_CLOSED;
	if (err == ISAC_ERR_CLOSED) link->ended = true;
	return err;
}
