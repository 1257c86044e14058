/*
 * remark: what documents say of values that are reported already: taken back, seen, no harm. It is kept while the documents are read, and
 * said when what they report has been receipted, since it may be about that.
 */
#include <stdlib.h>
#include <string.h>
#include "cli.h"

enum { REMARKS_MAX = 100000 };

static char *copy(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

bool cli_remark_add(struct cli_remarks *list, const struct document_record *said)
{
	if (list->n == REMARKS_MAX) return false;
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 64;
		struct cli_remark *more = realloc(list->remark, cap * sizeof *more);
		if (!more) return false;
		list->remark = more;
		list->cap = cap;
	}
	struct cli_remark *to = &list->remark[list->n++];
	*to = (struct cli_remark){.kind = said->kind == DOCUMENT_WITHDRAWAL ? ISAC_KIND_WITHDRAWAL : ISAC_KIND_SIGHTING,
				  .said = {.type = copy(said->ind.type),
					   .value = copy(said->ind.value),
					   .description = copy(said->description),
					   .verdict = said->verdict,
					   .count = said->count,
					   .first_seen_us = said->ind.first_seen_us,
					   .last_seen_us = said->ind.last_seen_us}};
	return to->said.value != NULL;
}

void cli_remark_clear(struct cli_remarks *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free((char *)(uintptr_t)list->remark[i].said.type);
		free((char *)(uintptr_t)list->remark[i].said.value);
		free((char *)(uintptr_t)list->remark[i].said.description);
	}
	free(list->remark);
	*list = (struct cli_remarks){.remark = NULL};
}

/* Until what was published just now can be found. 0 or an exit status after a message. */
static int settle(struct isac *isac)
{
	struct isac_query_conf conf = {.filter = "kind = indicator", .limit = 1, .held = true};
	struct isac_query *q;
	struct isac_error err;
	const struct isac_item *it;
	int status = cli_wait_seq(&conf.wait_seq, isac, false);
	if (status || !conf.wait_seq) return status;
	if (isac_query_open(&q, isac, &conf, &err)) return cli_fail(&err);
	enum isac_result r = isac_query_next(q, &it, &err);
	if (r && r != ISAC_END) status = cli_fail(&err);
	isac_query_close(&q);
	return status;
}

/* What this remark is about joins the list, with what is said of it. 0 also if there is nothing: that was noted. */
static int find(struct cli_feedback_list *list, struct isac *isac, const struct cli_remark *remark)
{
	size_t before = list->n;
	int status = cli_feedback_of_value(list, isac, remark->said.type, remark->said.value, remark->kind == ISAC_KIND_WITHDRAWAL);
	for (size_t i = before; i < list->n; i++) {
		struct isac_feedback said = remark->said;
		said.type = list->items[i].said.type;
		said.value = list->items[i].said.value;
		list->items[i].said = said;
	}
	return status == EXIT_REFUSED && list->n == before ? 0 : status;
}

static int send(const struct cli_remarks *remarks, struct isac *isac, enum isac_kind kind, bool json)
{
	struct cli_feedback_list list = {.items = NULL};
	int status = 0;
	for (size_t i = 0; i < remarks->n && !status; i++)
		if (remarks->remark[i].kind == kind) status = find(&list, isac, &remarks->remark[i]);
	if (!status && list.n) status = cli_feedback_send(&list, isac, kind, json);
	cli_feedback_clear(&list);
	return status;
}

int cli_remark_send(const struct cli_remarks *list, struct isac *isac, bool json)
{
	if (!list->n) return EXIT_DONE;
	int status = settle(isac), worst;
	if (status) return status;
	status = send(list, isac, ISAC_KIND_SIGHTING, json);
	worst = send(list, isac, ISAC_KIND_WITHDRAWAL, json);
	return worst ? worst : status;
}
