/*
 * The signer: one poll loop over a listening socket and the core's connections (an old one may linger
 * while a restarted core makes a new one). It signs receipt roots, which say "these reports are durable",
 * in an encoding of their own, so that nothing it signs can pass for a report or a command.
 *
 * It parses 45 bytes and holds the key in guarded memory. It keeps no state: a restart loses nothing.
 */
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "signer/signer.h"

enum {
	CONNECTIONS_MAX = 16,
	QUEUE_MAX = 64 * 1024,
	REQUEST_HEAD = 9,
	SIZE_BYTES = 4,
	MESSAGE_MAX = REQUEST_HEAD + WIRE_HASH + SIZE_BYTES + 64,
};

struct signer {
	const char *hub_id;
	uint8_t *secret; /* WIRE_SIGN_SECRET bytes of sodium_malloc */
	int listen_fd, stop_fd;
	struct base_link *links[CONNECTIONS_MAX];
	size_t links_n;
};

static enum isac_err load_key(struct signer *s, const char *path)
{
	uint8_t *seed = sodium_malloc(crypto_sign_SEEDBYTES);
	uint8_t public_key[WIRE_SIGN_PUBLIC];
	struct wire_why why = {.text = ""};
	char hub_id[17];
	enum isac_err err;

	s->secret = sodium_malloc(WIRE_SIGN_SECRET);
	if (!seed || !s->secret) {
		sodium_free(seed);
		return ISAC_ERR_NO_MEMORY;
	}
	err = base_secret_read(path, seed, crypto_sign_SEEDBYTES, &why);
	if (err) {
		base_log(BASE_LOG_ERROR, "signer.no_key", "why=\"%s\"", why.text);
		sodium_free(seed);
		return err;
	}
	crypto_sign_seed_keypair(public_key, s->secret, seed);
	sodium_free(seed);
	sodium_mprotect_readonly(s->secret);
	wire_sign_hub_id(hub_id, public_key);
	if (strcmp(hub_id, s->hub_id) != 0) {
		base_log(BASE_LOG_ERROR, "signer.other_key", "key_hub=%s hub=%s", hub_id, s->hub_id);
		return ISAC_ERR_CONFIG;
	}
	return ISAC_OK;
}

/* A request of any other shape ends the connection: core never sends one, so it is not core. */
static enum isac_err answer(struct signer *s, struct base_link *link, const struct base_link_msg *msg)
{
	uint8_t body[WIRE_HASH + SIZE_BYTES], signature[WIRE_SIGNATURE];
	struct wire_bytes reply[2];
	enum isac_err err;

	if (msg->parts != 3 || msg->part[0].len != REQUEST_HEAD || msg->part[0].data[0] != 'S' || msg->part[1].len != WIRE_HASH ||
	    msg->part[2].len != SIZE_BYTES)
		return ISAC_ERR_MALFORMED;
	memcpy(body, msg->part[1].data, WIRE_HASH);
	memcpy(body + WIRE_HASH, msg->part[2].data, SIZE_BYTES);
	err = wire_sign_make(signature, WIRE_SIGN_RECEIPT, s->hub_id, body, sizeof(body), s->secret);
	if (err) return err;
	reply[0] = msg->part[0];
	reply[1] = (struct wire_bytes){signature, sizeof(signature)};
	return base_link_send(link, reply, 2);
}

/* Everything that is there. An error: close it; the core asks again on a new connection. */
static enum isac_err serve(struct signer *s, struct base_link *link)
{
	struct base_link_msg msg;
	enum isac_err err;

	while ((err = base_link_recv(link, &msg)) == ISAC_OK) {
		err = answer(s, link, &msg);
		if (err) {
			base_log_limited(5, BASE_LOG_WARN, "signer.refused", "err=%s", isac_err_name(err));
			return err;
		}
	}
	return err == ISAC_ERR_AGAIN ? ISAC_OK : err;
}

static void take_connection(struct signer *s)
{
	struct base_link *link;

	if (base_link_accept(&link, s->listen_fd, QUEUE_MAX, MESSAGE_MAX)) return;
	if (s->links_n == CONNECTIONS_MAX) {
		base_link_destroy(&s->links[0]); /* the oldest is the likeliest to be dead */
		memmove(s->links, s->links + 1, (CONNECTIONS_MAX - 1) * sizeof(s->links[0]));
		s->links_n--;
	}
	s->links[s->links_n++] = link;
}

static enum isac_err loop(struct signer *s)
{
	struct pollfd fds[2 + CONNECTIONS_MAX];

	for (;;) {
		size_t polled = s->links_n;

		fds[0] = (struct pollfd){.fd = s->stop_fd, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = s->listen_fd, .events = POLLIN};
		for (size_t i = 0; i < polled; i++) fds[2 + i] = (struct pollfd){.fd = base_link_fd(s->links[i]), .events = POLLIN};
		if (poll(fds, 2 + polled, -1) < 0 && errno != EINTR) return ISAC_ERR_SYSTEM;
		if (fds[0].revents) return ISAC_OK;
		/* From the end, so that closing one moves only those already served. */
		for (size_t i = polled; i-- > 0;)
			if (fds[2 + i].revents && serve(s, s->links[i])) {
				base_link_destroy(&s->links[i]);
				s->links[i] = s->links[--s->links_n];
			}
		if (fds[1].revents) take_connection(s);
	}
}

/* SIGTERM as a descriptor: the loop ends between two requests, never inside one. */
static int stop_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void say_ready(int fd)
{
	if (fd < 0) return;
	if (write(fd, "ready\n", 6) != 6) base_log(BASE_LOG_WARN, "signer.ready_unheard", "errno=%d", errno);
	close(fd);
}

enum isac_err signer_run(const struct signer_conf *conf)
{
	struct signer s = {.hub_id = conf->hub_id, .listen_fd = -1, .stop_fd = -1};
	enum isac_err err;

	if (sodium_init() < 0) return ISAC_ERR_SYSTEM;
	err = load_key(&s, conf->key_path);
	if (!err) err = base_link_listen(&s.listen_fd, conf->socket_path);
	if (!err) {
		s.stop_fd = stop_signal();
		err = s.stop_fd < 0 ? ISAC_ERR_SYSTEM : ISAC_OK;
	}
	if (!err) {
		say_ready(conf->ready_fd);
		err = loop(&s);
	}
	for (size_t i = 0; i < s.links_n; i++) base_link_destroy(&s.links[i]);
	if (s.listen_fd >= 0) close(s.listen_fd);
	if (s.stop_fd >= 0) close(s.stop_fd);
	sodium_free(s.secret);
	return err;
}
