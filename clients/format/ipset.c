/*
 * ipset: a file for `ipset restore`, which is no transaction: a new set is filled beside the one in use, then swapped for it.
 * Elements of timeout 0 stay. The longest timeout that ipset takes is 2147483 s; the file is written anew long before.
 */
#include <inttypes.h>
#include "format/priv.h"

enum { TYPES = 1u << WIRE_VALUE_IPV4 | 1u << WIRE_VALUE_IPV6 | 1u << WIRE_VALUE_CIDR, TIMEOUT_MAX = 2147483, MAXELEM = 65536 };

static bool write_set(FILE *out, const struct format_view *view, const struct format_conf *conf, int family, size_t *written)
{
	struct format_nets nets;
	const char *name = format_name(conf), *inet = family == 4 ? "inet" : "inet6";
	char text[64];
	if (!format_nets_make(&nets, view, conf, family, FORMAT_KEEP_ALL)) return false;
	size_t maxelem = MAXELEM;
	while (maxelem < nets.n) maxelem *= 2;
	fprintf(out, "create %s-v%d hash:net family %s maxelem %d timeout 0 -exist\n", name, family, inet, MAXELEM);
	fprintf(out, "create %s-n%d hash:net family %s maxelem %zu timeout 0 -exist\nflush %s-n%d\n", name, family, inet, maxelem, name,
		family);
	for (size_t i = 0; i < nets.n; i++) {
		format_nets_text(text, nets.net[i], true);
		fprintf(out, "add %s-n%d %s", name, family, text);
		if (nets.net[i]->until_us) fprintf(out, " timeout %" PRId64, format_seconds(conf, nets.net[i]->until_us, TIMEOUT_MAX));
		fputs(" -exist\n", out);
	}
	fprintf(out, "swap %s-n%d %s-v%d\ndestroy %s-n%d\n", name, family, name, family, name, family);
	*written += nets.n;
	format_nets_clear(&nets);
	return true;
}

bool format_ipset_write(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	format_tally_start(tally, view, conf, TYPES);
	format_head_write(out, "#", view, conf);
	return write_set(out, view, conf, 4, &tally->written) && write_set(out, view, conf, 6, &tally->written);
}
