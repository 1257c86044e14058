/* hsb: file hashes for ClamAV, of files of any size, which needs functionality level 73. */
#include "format/priv.h"

enum { TYPES = 1u << WIRE_VALUE_MD5 | 1u << WIRE_VALUE_SHA1 | 1u << WIRE_VALUE_SHA256 };

bool format_hsb_write(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	format_tally_start(tally, view, conf, TYPES);
	format_head_write(out, "#", view, conf);
	for (size_t i = 0; i < view->n; i++) {
		const struct format_entry *e = &view->entry[i];
		if (!(TYPES & 1u << e->type)) continue;
		fprintf(out, "%s:*:ISAC.%s:73\n", e->value, e->publisher); /* a member's name has no colon: wire_name_ok */
		tally->written++;
	}
	return true;
}
