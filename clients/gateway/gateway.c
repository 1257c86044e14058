/* gateway: start and stop. Rights go before the first byte of a caller is read. */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "gateway/priv.h"

struct running {
	struct gateway_conf conf;
	struct gateway_cert *cert;
	struct gateway_pool *pool;
	struct gateway_server *server;
	struct gateway_gate *gate;
	int signals, local_fd;
	char local[64];
};

/* The home's owner, and in the home: what root started does not stay root. */
static bool become(const char *data)
{
	struct stat st;
	if (chdir(data) != 0 || stat("curve.key", &st) != 0) {
		gateway_note("%s is no home: make one with isac --home %s keygen --hub-key HUB.pub --name NAME (%s)", data, data,
			     strerror(errno));
		return false;
	}
	if (geteuid() != 0) return true;
	if (st.st_uid == 0) {
		gateway_note("%s belongs to root, and the gateway does not run as root: chown -R it to another user", data);
		return false;
	}
	if (setgroups(0, NULL) == 0 && setresgid(st.st_gid, st.st_gid, st.st_gid) == 0 && setresuid(st.st_uid, st.st_uid, st.st_uid) == 0)
		return true;
	gateway_note("cannot become user %u: %s", (unsigned)st.st_uid, strerror(errno));
	return false;
}

static bool block_signals(struct running *r)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signals >= 0;
}

/* /etc: how names and times are read; no key of others can be read there by this user anyway. */
static bool enter_sandbox(void)
{
	static const char *const rw[] = {".", NULL}, *const ro[] = {"/etc", "/proc/self", NULL};
	return base_sandbox_enter(BASE_SANDBOX_GATEWAY, rw, ro) == ISAC_OK;
}

static bool open_all(struct running *r)
{
	r->local_fd = -1;
	if (!block_signals(r) || wire_init()) return false;
	if (r->conf.local && (r->local_fd = gateway_listen(r->conf.local, r->local)) < 0) return false;
	if (!become(r->conf.data) || !gateway_cert_open(&r->cert, r->conf.listen) || !enter_sandbox()) return false;
	return gateway_pool_open(&r->pool, &r->conf) && gateway_server_open(&r->server, r->pool, r->local_fd) &&
	       gateway_gate_open(&r->gate, r->conf.listen, r->cert, r->server);
}

int gateway_main(int argc, char **argv)
{
	struct running r = {.signals = -1};
	int status;
	if (gateway_options_read(&r.conf, argc, argv, &status)) return status;
	base_sandbox_early();
	base_log_init("gateway", BASE_LOG_INFO);
	bool good = open_all(&r);
	if (good) {
		printf("isac-gateway: ready https://%s", gateway_gate_address(r.gate));
		if (r.conf.local) printf(" metrics http://%s", r.local);
		puts("");
		fflush(stdout);
		gateway_gate_run(r.gate, r.signals);
	}
	/* Whoever was asked for is answered first; then nobody is left to listen to. */
	if (r.pool) gateway_pool_halt(r.pool);
	gateway_server_close(&r.server);
	gateway_pool_close(&r.pool);
	gateway_gate_close(&r.gate);
	gateway_cert_close(&r.cert);
	if (r.signals >= 0) close(r.signals);
	return good ? 0 : 1;
}
