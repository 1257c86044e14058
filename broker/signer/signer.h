/*
 * signer: the process that alone holds the hub's receipt key. It signs receipt batch roots and nothing else.
 * Messages (base/link) on its socket: request [ 'S' u64 id ][ 32 root ][ u32 size ], reply [ 'S' u64 id ][ 64 signature ].
 */
#ifndef ISAC_SIGNER_H
#define ISAC_SIGNER_H
#include "base/base.h"
struct signer_conf {
	const char *socket_path, *key_path, *hub_id;
	int ready_fd;
};
enum isac_err signer_run(const struct signer_conf *conf);
#endif
