/*
 * The two ROUTER sockets: options and binding.
 *
 * Each option has a reason in THREATS: libzmq's defaults wait 30 s for a handshake, take frames of any size, keep dead peers for
 * ever, block the sender at a full peer, and let everybody in when the ZAP handler is missing.
 */
#include <string.h>
#include "front/priv.h"

enum {
	ZAP_ENFORCE_DOMAIN = 93, /* only a draft header names it; Debian's library has it */
	CURVE_FRAME_MORE = 33,	 /* what CURVE adds to a frame: name 8, nonce 8, MAC 16, flags 1 */
	PAIR_TRIES = 256,
};

static const struct {
	int option, value;
} options[] = {
	{ZMQ_CURVE_SERVER, 1},
	{ZAP_ENFORCE_DOMAIN, 1},
	{ZMQ_SNDHWM, 64},
	{ZMQ_RCVHWM, 256},
	{ZMQ_BACKLOG, 256},
	{ZMQ_LINGER, 0},
	{ZMQ_ROUTER_MANDATORY, 1},
	{ZMQ_ROUTER_HANDOVER, 0},
	{ZMQ_HEARTBEAT_IVL, 5000},
	{ZMQ_HEARTBEAT_TIMEOUT, 10000},
	{ZMQ_HEARTBEAT_TTL, 15000},
	{ZMQ_TCP_KEEPALIVE, 1},
	{ZMQ_TCP_KEEPALIVE_IDLE, 30},
	{ZMQ_TCP_KEEPALIVE_INTVL, 10},
	{ZMQ_TCP_KEEPALIVE_CNT, 3},
};

static enum isac_err fail(const char *what)
{
	base_log(BASE_LOG_ERROR, "front.socket", "what=%s err=\"%s\"", what, zmq_strerror(zmq_errno()));
	return ISAC_ERR_SYSTEM;
}

static enum isac_err set_options(void *socket, const struct front_conf *conf, const char *endpoint)
{
	const int64_t frame_max = WIRE_LIMIT_FRAME_BYTES + CURVE_FRAME_MORE;
	const int handshake_ms = (int)conf->handshake_ms, ipv6 = strchr(endpoint, '[') != NULL;
	int enforced = 0;
	size_t len = sizeof enforced;

	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof options[i].value)) return fail("option");
	if (zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, "isac", strlen("isac")) ||
	    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) ||
	    zmq_setsockopt(socket, ZMQ_HANDSHAKE_IVL, &handshake_ms, sizeof handshake_ms) ||
	    zmq_setsockopt(socket, ZMQ_IPV6, &ipv6, sizeof ipv6) ||
	    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, conf->curve_secret, WIRE_CURVE))
		return fail("option");
	if (zmq_getsockopt(socket, ZAP_ENFORCE_DOMAIN, &enforced, &len) || enforced != 1) return fail("zap_enforce_domain");
	return ISAC_OK;
}

enum isac_err front_socket_new(void **out, void *zmq, const struct front_conf *conf, const char *endpoint, unsigned io_thread)
{
	const uint64_t affinity = 1u << io_thread;
	enum isac_err err;

	*out = zmq_socket(zmq, ZMQ_ROUTER);
	if (!*out) return fail("socket");
	err = zmq_setsockopt(*out, ZMQ_AFFINITY, &affinity, sizeof affinity) ? fail("affinity") : set_options(*out, conf, endpoint);
	if (err) {
		zmq_close(*out);
		*out = NULL;
	}
	return err;
}

/* The endpoint that follows `from`: same address, next port. */
static bool next_port(char out[256], const char *from)
{
	const char *colon = strrchr(from, ':');
	unsigned port = 0;

	if (!colon || sscanf(colon + 1, "%u", &port) != 1 || port >= 65535) return false;
	snprintf(out, 256, "%.*s:%u", (int)(colon - from), from, port + 1);
	return true;
}

static bool is_wild(const char *endpoint)
{
	const char *colon = strrchr(endpoint, ':');

	return colon && (strcmp(colon, ":0") == 0 || strcmp(colon, ":*") == 0);
}

static enum isac_err bind_one(void *socket, const char *endpoint, char bound[256])
{
	size_t len = 256;

	if (zmq_bind(socket, endpoint) || zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &len)) {
		base_log(BASE_LOG_ERROR, "front.bind", "endpoint=%s err=\"%s\"", endpoint, zmq_strerror(zmq_errno()));
		return ISAC_ERR_SYSTEM;
	}
	return ISAC_OK;
}

enum isac_err front_socket_bind_pair(void *request, void *feed, const struct front_conf *conf, char bound[256])
{
	char neighbour[256];

	if (!is_wild(conf->request_endpoint)) {
		enum isac_err err = bind_one(request, conf->request_endpoint, bound);

		return err ? err : bind_one(feed, conf->feed_endpoint, neighbour);
	}
	for (unsigned i = 0; i < PAIR_TRIES; i++) {
		if (bind_one(request, conf->request_endpoint, bound)) return ISAC_ERR_SYSTEM;
		if (next_port(neighbour, bound) && zmq_bind(feed, neighbour) == 0) return ISAC_OK;
		zmq_unbind(request, bound);
	}
	base_log(BASE_LOG_ERROR, "front.bind", "endpoint=%s err=\"no two free ports side by side\"", conf->request_endpoint);
	return ISAC_ERR_SYSTEM;
}
