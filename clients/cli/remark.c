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
	*to = (struct cli_remark){.renewed = said->kind == DOCUMENT_INDICATOR, .mark = NULL};
	if (said->kind != DOCUMENT_SIGHTING) return (to->mark = copy(said->mark)) != NULL || !*said->mark;
	to->said = (struct isac_feedback){.type = copy(said->ind.type),
					  .value = copy(said->ind.value),
					  .description = copy(said->description),
					  .verdict = said->verdict,
					  .count = said->count,
					  .first_seen_us = said->ind.first_seen_us,
					  .last_seen_us = said->ind.last_seen_us};
	return to->said.value != NULL;
}

void cli_remark_clear(struct cli_remarks *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->remark[i].mark);
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

/* What this sighting is about joins the list, with what is said of it. 0 also if there is nothing: that was noted. */
static int find(struct cli_feedback_list *list, struct isac *isac, const struct isac_feedback *sighting)
{
	size_t before = list->n;
	int status = cli_feedback_of_value(list, isac, sighting->type, sighting->value, false);
	for (size_t i = before; i < list->n; i++) {
		struct isac_feedback said = *sighting;
		said.type = list->items[i].said.type;
		said.value = list->items[i].said.value;
		list->items[i].said = said;
	}
	return status == EXIT_REFUSED && list->n == before ? 0 : status;
}

static int send_sightings(const struct cli_remarks *remarks, struct isac *isac, bool json)
{
	struct cli_feedback_list list = {.items = NULL};
	int status = 0;
	for (size_t i = 0; i < remarks->n && !status; i++)
		if (remarks->remark[i].said.value) status = find(&list, isac, &remarks->remark[i].said);
	if (!status && list.n) status = cli_feedback_send(&list, isac, ISAC_KIND_SIGHTING, json);
	cli_feedback_clear(&list);
	return status;
}

/* Withdraws what stands under these marks. */
static int withdraw(struct isac *isac, const char *const *marks, size_t n, uint64_t as_of_seq, bool json)
{
	struct cli_feedback_list list = {.items = NULL};
	int status = cli_feedback_of_tags(&list, isac, marks, n, as_of_seq);
	if (!status && list.n) status = cli_feedback_send(&list, isac, ISAC_KIND_WITHDRAWAL, json);
	cli_feedback_clear(&list);
	return status;
}

/* An object has a remark for each of its values, one after the other: its mark counts once. */
static int send_withdrawals(const struct cli_remarks *remarks, struct isac *isac, bool renewed, bool json)
{
	const char *marks[CLI_FEEDBACK_TAGS];
	size_t n = 0;
	int status = 0;
	if (renewed && !remarks->before_seq) return 0;
	uint64_t as_of_seq = renewed ? remarks->before_seq : 0;
	for (size_t i = 0; i < remarks->n && !status; i++) {
		const struct cli_remark *r = &remarks->remark[i];
		if (!r->mark || r->renewed != renewed || (n && strcmp(marks[n - 1], r->mark) == 0)) continue;
		marks[n++] = r->mark;
		if (n < CLI_FEEDBACK_TAGS) continue;
		status = withdraw(isac, marks, n, as_of_seq, json);
		n = 0;
	}
	return !status && n ? withdraw(isac, marks, n, as_of_seq, json) : status;
}

int cli_remark_send(const struct cli_remarks *list, struct isac *isac, bool json)
{
	if (!list->n) return EXIT_DONE;
	int status = settle(isac);
	if (!status) status = send_sightings(list, isac, json);
	if (!status) status = send_withdrawals(list, isac, true, json);
	return status ? status : send_withdrawals(list, isac, false, json);
}
