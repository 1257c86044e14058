/* get_health: is this process there, does its hub answer, and what was counted; on the listener for this machine. */
#include <stdlib.h>
#include <string.h>
#include "gateway/priv.h"

void gateway_get_healthz(struct gateway_call *call)
{
	gateway_reply_json(call, 200, json_pack("{s:s}", "status", "ok"));
}

void gateway_get_readyz(struct gateway_call *call)
{
	const struct isac_status *status;
	struct isac_error err;
	enum isac_result r = isac_status(&status, call->worker->isac, &err);
	if (r) return gateway_reply_error(call, 503, "the hub does not answer");
	gateway_reply_json(call, 200,
			   json_pack("{s:s, s:I, s:I}", "status", "ok", "head_seq", (json_int_t)status->head_seq, "indexed_seq",
				     (json_int_t)status->indexed_seq));
}

/* "feed.delivered" is isac_hub_feed_delivered. */
static void print_row(FILE *out, const struct isac_row *row)
{
	const char *name = NULL, *value = NULL;
	for (size_t i = 0; i < row->n; i++) {
		if (strcmp(row->cells[i].name, "name") == 0) name = row->cells[i].value;
		if (strcmp(row->cells[i].name, "value") == 0) value = row->cells[i].value;
	}
	if (!name || !value) return;
	fputs("isac_hub_", out);
	for (; *name; name++) putc(*name == '.' || *name == '-' ? '_' : *name, out);
	fprintf(out, " %s\n", value);
}

void gateway_get_metrics(struct gateway_call *call)
{
	const struct isac_answer *answer;
	struct isac_error err;
	char *body = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&body, &len);
	if (!out) return gateway_reply_error(call, 503, "out of memory");
	gateway_metrics_print(out);
	enum isac_result r = isac_command(&answer, call->worker->isac, "stats", NULL, 0, &err);
	fprintf(out, "# HELP isac_gateway_hub_up The hub answers.\n# TYPE isac_gateway_hub_up gauge\nisac_gateway_hub_up %d\n", !r);
	for (size_t i = 0; !r && i < answer->rows_n; i++) print_row(out, &answer->rows[i]);
	bool good = fclose(out) == 0;
	if (good) return gateway_reply(call, 200, "text/plain; version=0.0.4; charset=utf-8", body, len);
	free(body);
	gateway_reply_error(call, 503, "out of memory");
}
