/* How findings are printed: for a person, or as JSON for a machine. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "isacd.h"

void isacd_found(struct isacd_findings *f, const char *check, const char *state, const char *text, const char *remedy)
{
	bool ok = strcmp(state, "ok") == 0, wrong = strcmp(state, "wrong") == 0;

	f->wrong |= wrong;
	if (f->json) {
		json_t *o = json_pack("{ss ss ss ss}", "check", check, "state", state, "text", text, "remedy", remedy);
		char *line = o ? json_dumps(o, JSON_COMPACT) : NULL;

		puts(line ? line : "{}");
		free(line);
		json_decref(o);
		return;
	}
	printf("%-6s %s%s%s\n", ok ? "ok" : wrong ? "WRONG" : "warn", check, *text ? ": " : "", text);
	if (f->remedies && !ok && *remedy) printf("       -> %s\n", remedy);
}
