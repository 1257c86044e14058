/*
 * nft: a file that `nft -f` takes as one transaction: two sets are made if they are missing, emptied and filled. The table is not
 * replaced: the rules that an operator keeps in it, which use the sets, stay. A network swallows what lies in it, since intervals
 * of a set must not overlap; when the network leaves, the file is another and has the rest again.
 */
#include <inttypes.h>
#include "format/priv.h"

enum { TYPES = 1u << WIRE_VALUE_IPV4 | 1u << WIRE_VALUE_IPV6 | 1u << WIRE_VALUE_CIDR, TIMEOUT_MAX = 10 * 365 * 86400 };

static bool write_set(FILE *out, const struct format_view *view, const struct format_conf *conf, int family, size_t *written)
{
	struct format_nets nets;
	const char *table = format_name(conf), *end = "";
	char text[64];
	if (!format_nets_make(&nets, view, conf, family, FORMAT_DROP_COVERED)) return false;
	fprintf(out, "add set inet %s v%d { type ipv%d_addr; flags interval, timeout; }\nflush set inet %s v%d\n", table, family, family,
		table, family);
	if (nets.n) fprintf(out, "add element inet %s v%d {\n", table, family); /* an empty list would be an error */
	for (size_t i = 0; i < nets.n; i++) {
		format_nets_text(text, nets.net[i], false);
		fprintf(out, "%s\t%s", end, text);
		if (nets.net[i]->until_us) fprintf(out, " timeout %" PRId64 "s", format_seconds(conf, nets.net[i]->until_us, TIMEOUT_MAX));
		end = ",\n";
	}
	if (nets.n) fputs("\n}\n", out);
	*written += nets.n;
	format_nets_clear(&nets);
	return true;
}

bool format_nft_write(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	format_tally_start(tally, view, conf, TYPES);
	format_head_write(out, "#", view, conf);
	fprintf(out, "add table inet %s\n", format_name(conf));
	return write_set(out, view, conf, 4, &tally->written) && write_set(out, view, conf, 6, &tally->written);
}
