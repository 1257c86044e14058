/* broadcast: a PUB socket of its own, with a context of its own: nothing of the hub's connections is in its reach. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>
#include "priv.h"

enum { QUEUE_MAX = 100000, LINGER_MS = 1000 }; /* messages a listener may be behind */

struct isac_broadcast {
	void *context, *socket;
};

void isac_broadcast_close(struct isac_broadcast **b)
{
	if (!*b) return;
	if ((*b)->socket) zmq_close((*b)->socket);
	while ((*b)->context && zmq_ctx_term((*b)->context) != 0 && errno == EINTR) {
	}
	free(*b);
	*b = NULL;
}

enum isac_result isac_broadcast_open(struct isac_broadcast **out, const char *endpoint, char bound[256], struct isac_error *err)
{
	static const int queue = QUEUE_MAX, linger = LINGER_MS;
	const int ipv6 = strchr(endpoint, '[') != NULL; /* else it says 127.0.0.1 as ::ffff:127.0.0.1 */
	struct isac_broadcast *b = calloc(1, sizeof *b);
	size_t size = 256;
	*out = b;
	if (!b || !(b->context = zmq_ctx_new()) || !(b->socket = zmq_socket(b->context, ZMQ_PUB))) {
		isac_broadcast_close(out);
		return client_error_out_of_memory(err);
	}
	if (!zmq_setsockopt(b->socket, ZMQ_SNDHWM, &queue, sizeof queue) &&
	    !zmq_setsockopt(b->socket, ZMQ_LINGER, &linger, sizeof linger) && !zmq_setsockopt(b->socket, ZMQ_IPV6, &ipv6, sizeof ipv6) &&
	    !zmq_bind(b->socket, endpoint) && !zmq_getsockopt(b->socket, ZMQ_LAST_ENDPOINT, bound, &size))
		return ISAC_DONE;
	client_error_set(err, ISAC_MISUSED, "cannot listen on %s: %s", endpoint, zmq_strerror(errno));
	isac_broadcast_close(out);
	return ISAC_MISUSED;
}

bool isac_broadcast_send(struct isac_broadcast *b, const char *frame)
{
	return zmq_send(b->socket, frame, strlen(frame), ZMQ_DONTWAIT) >= 0;
}
