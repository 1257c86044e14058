/*
 * core: the process that verifies, stores, filters, feeds and answers. It alone talks to PostgreSQL.
 * Started by isacd's parent in the data folder; paths are relative to it.
 */
#ifndef ISAC_CORE_H
#define ISAC_CORE_H
#include "base/base.h"
struct core_conf {
	const struct base_conf *params;
	const char *conninfo;
	const char *hub_id;
	int ready_fd;
};
/* Until SIGTERM. Writes "ready\n" on ready_fd once every actor runs. ISAC_ERR_CONFIG: a restart would not help. */
enum isac_err core_run(const struct core_conf *conf);
#endif
