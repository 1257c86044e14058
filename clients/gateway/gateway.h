/*
 * gateway: the hub for machines that speak HTTPS. An ordinary client of the hub, with the role gateway: it may present the tokens of
 * those who call it, and nothing else. Whether a token is good and what its holder may see is the hub's to say, request by request
 * (broker/decisions/0014). Nothing here decides that.
 *
 * Reading order: options -> cert -> gate, conn (sockets, TLS, deadlines) -> head (is this a request?) -> server (libmicrohttpd) -> route
 * (routes.def) -> worker -> auth -> an endpoint: get_*.c, post_*.c -> reply.
 */
#ifndef ISAC_GATEWAY_H
#define ISAC_GATEWAY_H

int gateway_main(int argc, char **argv);

#endif
