/*
 * rpz: a response policy zone. Owner names are relative, so the file serves under whatever name the zone is configured;
 * conf->zone only says how long a name may become. The bare name does not cover the names below it: each gets two records.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include "format/priv.h"

enum { NAME_WIRE_MAX = 255, TYPES = 1u << WIRE_VALUE_IPV4 | 1u << WIRE_VALUE_IPV6 | 1u << WIRE_VALUE_CIDR | 1u << WIRE_VALUE_DOMAIN };

bool format_zone_ok(const char *zone)
{
	size_t len = strlen(zone), label = 0;
	if (!len || len >= FORMAT_ZONE_BYTES) return false;
	for (size_t i = 0; i <= len; i++) {
		char c = zone[i];
		if (c == '.' || (!c && label)) {
			if (!label || label > 63) return false;
			label = 0;
		} else if (c && (((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) label++;
		else if (c) return false;
	}
	return true;
}

bool format_rpz_action(char out[FORMAT_ACTION_BYTES], const char *text)
{
	/* All with a final dot: without it they would be names in the zone, which no checker notices. */
	static const char *const names[][2] = {
		{"nxdomain", "CNAME ."}, {"nodata", "CNAME *."}, {"drop", "CNAME rpz-drop."}, {"passthru", "CNAME rpz-passthru."}};
	uint8_t addr[16];
	char plain[INET6_ADDRSTRLEN];
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(text, names[i][0]) != 0) continue;
		snprintf(out, FORMAT_ACTION_BYTES, "%s", names[i][1]);
		return true;
	}
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(family, text, addr) != 1) return false;
	inet_ntop(family, addr, plain, sizeof plain);
	snprintf(out, FORMAT_ACTION_BYTES, "%s %s", family == AF_INET ? "A" : "AAAA", plain);
	return true;
}

static void write_v6(FILE *out, const struct format_entry *net)
{
	unsigned word[8], start = 8, len = 1;
	for (unsigned i = 0; i < 8; i++) word[i] = (unsigned)net->addr[2 * i] << 8 | net->addr[2 * i + 1];
	for (unsigned i = 0, run; i < 8; i += run ? run : 1) {
		for (run = 0; i + run < 8 && !word[i + run]; run++) {
		}
		if (run > len) start = i, len = run;
	}
	fprintf(out, "%u", net->bits);
	for (unsigned i = 8; i-- > 0;) {
		if (i >= start && i < start + len) {
			fputs(".zz", out);
			i = start;
		} else fprintf(out, ".%x", word[i]);
	}
}

static bool write_nets(FILE *out, const struct format_view *view, const struct format_conf *conf, int family, const char *action,
		       size_t *written)
{
	struct format_nets nets;
	if (!format_nets_make(&nets, view, conf, family, FORMAT_KEEP_ALL)) return false;
	for (size_t i = 0; i < nets.n; i++) {
		const uint8_t *a = nets.net[i]->addr;
		if (family == 6) write_v6(out, nets.net[i]);
		else fprintf(out, "%u.%u.%u.%u.%u", nets.net[i]->bits, a[3], a[2], a[1], a[0]);
		fprintf(out, ".rpz-ip %s\n", action);
	}
	*written += nets.n;
	format_nets_clear(&nets);
	return true;
}

/*
 * In a policy zone the last label decides what a record means: a name like 8.0.0.0.10.rpz-client-ip would shut out a network of
 * clients. To a publisher it is a domain like any other; here it is none.
 */
static bool is_trigger(const char *name)
{
	const char *last = strrchr(name, '.');
	return strncmp(last ? last + 1 : name, "rpz-", 4) == 0;
}

/* An address belongs to a host name, and BIND refuses a whole zone for one "_" in front of an address: such a name does not exist. */
static const char *action_for(const char *name, const char *action)
{
	return action[0] == 'A' && strchr(name, '_') ? "CNAME ." : action;
}

bool format_rpz_write(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	const char *action = *conf->action ? conf->action : "CNAME .", *zone = *conf->zone ? conf->zone : "rpz.isac";
	struct format_lines names = {.line = NULL};
	size_t zone_wire = strlen(zone) + 2 - (zone[strlen(zone) - 1] == '.');
	format_tally_start(tally, view, conf, TYPES);
	format_head_write(out, ";", view, conf);
	fprintf(out, "$TTL 300\n@ SOA localhost. root.localhost. %" PRIu32 " 3600 600 86400 60\n@ NS localhost.\n", conf->version);
	format_names_make(&names, view, conf);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.line[i].text;
		size_t wire = strlen(name) + 1 + zone_wire; /* a length byte for each label: as many as dots, and one */
		if (wire > NAME_WIRE_MAX || is_trigger(name)) {
			tally->skipped[is_trigger(name) ? FORMAT_SKIP_BAD : FORMAT_SKIP_LONG]++;
			continue;
		}
		fprintf(out, "%s %s\n", name, action_for(name, action));
		if (wire + 2 <= NAME_WIRE_MAX) fprintf(out, "*.%s %s\n", name, action_for(name, action));
		tally->written++;
	}
	bool good = !names.failed;
	format_lines_clear(&names);
	return good && write_nets(out, view, conf, 4, action, &tally->written) && write_nets(out, view, conf, 6, action, &tally->written);
}
