/* options: the command line of isac-gateway. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gateway/priv.h"

static const struct option_row {
	const char *name, *arg, *text;
} rows[] = {
	{"--data", "DIR", "the gateway's home: made by isac keygen, enrolled with the role gateway; its certificate is in DIR/tls"},
	{"--hub", "tcp://HOST:PORT", "the hub's address (default: the one kept in the home)"},
	{"--listen", "ADDRESS:PORT", "for callers, with TLS (default 127.0.0.1:7443)"},
	{"--metrics", "ADDRESS:PORT", "for /healthz, /readyz and /metrics, without TLS and login: keep it on this machine (default: none)"},
	{"--workers", "N", "requests that are with the hub at a time, 1 to 64 (default 4)"},
	{"--refresh", "SECONDS", "a feed is made anew at most so often, 0 to 3600 (default 30)"},
	{"--help", NULL, "this text"},
	{"--version", NULL, "the version"},
};
enum { ROWS = sizeof rows / sizeof *rows, REFRESH_S_MAX = 3600, WORKERS_MAX = 64 };

void gateway_note(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("isac-gateway: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

static void help(void)
{
	puts("isac-gateway: the hub for machines that speak HTTPS\n\n"
	     "usage: isac-gateway --data DIR [--hub tcp://HOST:PORT] [--listen ADDRESS:PORT] [--metrics ADDRESS:PORT]\n\n"
	     "It has no rights of its own: callers present tokens (isac token add), and the hub answers as their members.\n");
	for (size_t i = 0; i < ROWS; i++) {
		char left[48];
		snprintf(left, sizeof left, "%s %s", rows[i].name, rows[i].arg ? rows[i].arg : "");
		printf("  %-26s %s\n", left, rows[i].text);
	}
	puts("\nexample:\n"
	     "  isac --home /srv/gateway keygen --hub-key hub.pub --name gateway\n"
	     "  isac admin member add /srv/gateway/member.pub --role gateway\n"
	     "  isac-gateway --data /srv/gateway --listen 127.0.0.1:7443 &\n"
	     "  curl --cacert /srv/gateway/tls/cert.pem -H \"Authorization: Bearer $(cat token)\" https://localhost:7443/feeds/all.txt");
}

static bool number(const char *text, long least, long most, long *out)
{
	char *end;
	*out = strtol(text, &end, 10);
	return *text && !*end && *out >= least && *out <= most;
}

static bool set(struct gateway_conf *conf, const char *name, const char *value)
{
	long n;
	if (strcmp(name, "--data") == 0) conf->data = value;
	else if (strcmp(name, "--hub") == 0) conf->hub = value;
	else if (strcmp(name, "--listen") == 0) conf->listen = value;
	else if (strcmp(name, "--metrics") == 0) conf->local = value;
	else if (strcmp(name, "--workers") == 0 && number(value, 1, WORKERS_MAX, &n)) conf->workers = (unsigned)n;
	else if (strcmp(name, "--refresh") == 0 && number(value, 0, REFRESH_S_MAX, &n)) conf->refresh_ms = n * 1000;
	else return false;
	return true;
}

int gateway_options_read(struct gateway_conf *out, int argc, char **argv, int *status)
{
	*out = (struct gateway_conf){.listen = "127.0.0.1:7443", .workers = 4, .refresh_ms = 30000};
	*status = 2;
	for (int i = 1; i < argc;) {
		const struct option_row *row = rows;
		while (row < rows + ROWS && strcmp(row->name, argv[i]) != 0) row++;
		if (row == rows + ROWS) return gateway_note("'%s' is no option: isac-gateway --help", argv[i]), 1;
		if (!row->arg) {
			if (strcmp(argv[i], "--help") == 0) help();
			else puts("isac-gateway " ISAC_VERSION);
			*status = 0;
			return 1;
		}
		if (i + 1 == argc || !set(out, argv[i], argv[i + 1])) return gateway_note("%s %s: %s", argv[i], row->arg, row->text), 1;
		i += 2;
	}
	if (!out->data) return gateway_note("--data DIR is missing: isac-gateway --help"), 1;
	*status = 0;
	return 0;
}
