/*
 * The processes behind the parent: each reads its configuration from sealed memory, reads the one secret it needs,
 * gives up everything else and serves. It works in the data folder and names nothing outside of it.
 */
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>
#include "core.h"
#include "front/front.h"
#include "geo/geo.h"
#include "isacd.h"
#include "signer/signer.h"

struct role_context {
	const struct base_conf *conf;
	struct wire_hub hub;
	int ready_fd;
};

static enum isac_err enter(const struct base_conf *conf, enum base_sandbox_role role, const char *const *rw, const char *const *ro)
{
	if (!base_conf_int(conf, "sandbox")) {
		base_log(BASE_LOG_WARN, "sandbox.off", "by configuration");
		return ISAC_OK;
	}
	return base_sandbox_enter(role, rw, ro);
}

static enum isac_err run_signer(const struct role_context *c)
{
	static const char *const rw[] = {"run", NULL}, *const ro[] = {"keys", NULL};
	const struct signer_conf conf = {
		.socket_path = "run/signer.sock", .key_path = "keys/receipt.key", .hub_id = c->hub.hub_id, .ready_fd = c->ready_fd};
	enum isac_err err = enter(c->conf, BASE_SANDBOX_SIGNER, rw, ro);

	return err ? err : signer_run(&conf);
}

static enum isac_err run_core(const struct role_context *c)
{
	static const char *const rw[] = {"run", NULL};
	/* Names of users and hosts, certificates, the public suffix list: what any user may read. */
	const char *lists = base_conf_str(c->conf, "warninglists_dir");
	const char *const ro[] = {"/etc",	  "/usr/share/publicsuffix", "/usr/share/ca-certificates",
				  "/usr/lib/ssl", *lists ? lists : NULL,     NULL};
	const char *database = base_conf_str(c->conf, "database");
	const struct core_conf conf = {.params = c->conf,
				       .conninfo = *database ? database : isacd_core_conninfo,
				       .hub_id = c->hub.hub_id,
				       .ready_fd = c->ready_fd};
	struct wire_why why = {.text = ""};
	/* Before the sandbox: then the files may lie anywhere, and core needs no right to open them later. */
	enum isac_err err = geo_open(base_conf_str(c->conf, "geo_country_db"), base_conf_str(c->conf, "geo_asn_db"), &why);

	if (err) base_log(BASE_LOG_ERROR, "geo.open", "why=\"%s\"", why.text);
	if (!err && *lists && access(lists, R_OK | X_OK)) {
		err = ISAC_ERR_CONFIG;
		base_log(BASE_LOG_ERROR, "warninglist.load", "why=\"%s: %s\"", strerror(errno), lists);
	}
	if (!err) err = enter(c->conf, *database ? BASE_SANDBOX_CORE_REMOTE : BASE_SANDBOX_CORE, rw, ro);

	return err ? err : core_run(&conf);
}

static void feed_endpoint(char *out, size_t size, const char *request)
{
	const char *colon = strrchr(request, ':');
	unsigned port = 0;

	sscanf(colon + 1, "%u", &port);
	snprintf(out, size, "%.*s:%u", (int)(colon - request), request, port ? port + 1 : 0);
}

static enum isac_err run_front(const struct role_context *c)
{
	static const char *const nothing[] = {NULL}, *const ro[] = {"/etc", NULL};
	struct front_conf conf = {.request_endpoint = base_conf_str(c->conf, "listen"),
				  .request_link = "run/intake.sock",
				  .feed_link = "run/feed.sock",
				  .handshake_ms = base_conf_int(c->conf, "handshake_ms"),
				  .max_sockets = base_conf_int(c->conf, "connections_max"),
				  .ready_fd = c->ready_fd};
	struct wire_why why = {.text = ""};
	char feed[300];
	enum isac_err err;

	feed_endpoint(feed, sizeof(feed), conf.request_endpoint);
	conf.feed_endpoint = feed;
	err = base_secret_read("keys/curve.key", conf.curve_secret, sizeof(conf.curve_secret), &why);
	if (err) {
		base_log(BASE_LOG_ERROR, "front.no_key", "why=\"%s\"", why.text);
		return err;
	}
	crypto_scalarmult_base(conf.curve_public, conf.curve_secret);
	front_prepare(conf.max_sockets);
	err = base_sandbox_memory(base_conf_int(c->conf, "front_memory_bytes"));
	if (!err) err = enter(c->conf, BASE_SANDBOX_FRONT, nothing, ro);
	if (!err) err = front_run(&conf);
	sodium_memzero(conf.curve_secret, sizeof(conf.curve_secret));
	return err;
}

static const struct {
	const char *name;
	enum isac_err (*run)(const struct role_context *);
} roles[] = {
	{"signer", run_signer},
	{"core", run_core},
	{"front", run_front},
};

static enum isac_err read_conf(struct base_conf **out, int fd)
{
	struct wire_why why = {.text = ""};
	char path[40];
	enum isac_err err = base_conf_new(out);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!err) err = base_conf_read(*out, path, &why);
	if (err) isacd_say("%s", why.text);
	close(fd);
	return err;
}

int isacd_role(const struct isacd_args *args)
{
	struct role_context context = {.ready_fd = args->ready_fd};
	struct base_conf *conf = NULL;
	size_t i = 0;
	enum isac_err err;

	while (i < sizeof(roles) / sizeof(roles[0]) && strcmp(roles[i].name, args->role) != 0) i++;
	if (i == sizeof(roles) / sizeof(roles[0]) || args->conf_fd < 0 || !args->data) {
		isacd_say("--role is how isacd starts its own processes; see isacd --help");
		return ISACD_USAGE;
	}
	if (chdir(args->data) != 0 || sodium_init() < 0 || read_conf(&conf, args->conf_fd) || isacd_hub_read(&context.hub))
		return ISACD_HOPELESS;
	isacd_conf_log(conf, roles[i].name);
	signal(SIGPIPE, SIG_IGN);
	context.conf = conf;
	err = roles[i].run(&context);
	if (err) base_log(BASE_LOG_ERROR, "process.failed", "err=%s", isac_err_name(err));
	base_conf_destroy(&conf);
	return err == ISAC_OK ? ISACD_OK : err == ISAC_ERR_CONFIG ? ISACD_HOPELESS : ISACD_FAILED;
}
