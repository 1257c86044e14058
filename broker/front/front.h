/*
 * front: the process members can reach. CURVE and ZAP by roster, routing-id rules, frame rules; no database, no key but the transport key.
 * It forwards; it never parses a body.
 *
 * Messages on its two links to core (base/link), request link to intake and feed link to feed:
 *   up    HELLO    [ 'H' u64 front ]                                      first on each link; `front` is random, new for every connection
 * made to core MESSAGE  [ 'M' rid ][ member name ][ head ][ body ]             head and body as the member sent them, sizes within limits
 *         GONE     [ 'G' rid ]                                            a send to rid failed: nobody there any more
 *   down  REPLY    [ 'R' rid ][ head ][ body ]
 *         FANOUT   [ 'F' u16 n, n x ( u8 rid_len, rid, u8 head_len, head ) ][ body ]   one body to many; feed link only
 *         ROSTER   [ 'T' u64 generation ][ n x ( 32 bytes CURVE key, u8 len, name ) ]  replaces the ZAP table; request link only; sent
 * after HELLO and on change DROP     [ 'D' name ]                                           refuse this member from now on, before the next
 * roster When a link to core breaks, front answers requests with ERROR 503, sends ERROR 503 (sub 0) to every rid that has a session, and
 * reconnects. User-Id comes from the payload frame only; a message whose User-Id is not on the present roster is dropped and counted. It is
 * the CURVE key in hex, so that revoking one key of a member cuts that key's connections only. On the feed link core reaches only routing
 * ids that spoke and whose connection is still open; any other is answered with GONE.
 *
 * Connections in all are capped here (max_sockets); connections of one source are the packet filter's:
 *   nft add table inet isac
 *   nft add set inet isac many '{ type ipv4_addr; flags dynamic; }'
 *   nft add chain inet isac in '{ type filter hook input priority 0; }'
 *   nft add rule inet isac in tcp dport 7400-7401 ct state new add @many '{ ip saddr ct count over 16 }' reject with tcp reset
 */
#ifndef ISAC_FRONT_H
#define ISAC_FRONT_H
#include "base/base.h"
struct front_conf {
	const char *request_endpoint, *feed_endpoint; /* tcp://HOST:PORT */
	const char *request_link, *feed_link;	      /* unix socket paths of core */
	uint8_t curve_public[WIRE_CURVE], curve_secret[WIRE_CURVE];
	int64_t handshake_ms, max_sockets;
	int ready_fd; /* -1: nobody waits */
};
/* Before the sandbox is entered: descriptors for that many connections, as far as the system gives them. */
void front_prepare(int64_t max_sockets);
/* Serves until the process is ended; returns only on an error. Once bound it writes "ready tcp://HOST:PORT\n" to ready_fd. */
enum isac_err front_run(const struct front_conf *conf);
#endif
