/* report: the commands on reports that are stored. */
#include "control/priv.h"

#include <stdlib.h>
#include <string.h>

enum { SAME_ID_MAX = 16 };

static enum isac_err get_report_id(uint8_t out[WIRE_ID], const struct control_call *call)
{
	const char *hex = control_arg_text(call->cmd, "report_id");
	if (!wire_unhex(out, WIRE_ID, hex, strlen(hex))) return ISAC_OK;
	return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "report_id is not %d hex digits", 2 * WIRE_ID);
}

static enum isac_err get_publisher(int32_t *out, const struct control_call *call)
{
	const char *name;
	*out = 0;
	if (!control_arg(call->cmd, "publisher")) return ISAC_OK;
	enum isac_err err = control_arg_name(&name, call, "publisher");
	const struct member *m = err ? NULL : member_roster_find(call->roster, name);
	if (!err && !m) err = wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "no member %s", name);
	if (m) *out = m->id;
	return err;
}

/* Exactly one: which of two were meant is not to be guessed when it cannot be undone. */
static enum isac_err find(struct report **out, int32_t *publisher_id, const struct control_call *call)
{
	struct report *reports[SAME_ID_MAX];
	struct store_report_key keys[SAME_ID_MAX];
	uint8_t id[WIRE_ID];
	size_t n = 0;
	*out = NULL;
	enum isac_err err = get_report_id(id, call);
	if (!err) err = get_publisher(publisher_id, call);
	if (!err) err = store_select_report_id(call->db, id, *publisher_id, NULL, reports, keys, SAME_ID_MAX, &n);
	if (err) return err;
	if (!n) err = wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "no such report");
	else if (n > 1) err = wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "%zu members have used this id: say which is the publisher", n);
	else if (!reports[0] || !reports[0]->items)
		err = wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "the report's content is gone already");
	if (!err) {
		*out = report_ref(reports[0]);
		*publisher_id = keys[0].publisher_id;
	}
	for (size_t i = 0; i < n; i++) report_unref(&reports[i]);
	return err;
}

/* The report and all its releases, into call->erased. */
static enum isac_err gather(struct control_call *call, struct report *report /* taken */)
{
	uint64_t *seqs = malloc(WIRE_LIMIT_ITEMS * sizeof(*seqs));
	size_t releases = 0;
	enum isac_err err = seqs ? store_select_releases(call->db, report->seq, seqs, &releases) : ISAC_ERR_NO_MEMORY;
	call->erased = err ? NULL : calloc(1 + releases, sizeof(struct report *));
	if (!err && !call->erased) err = ISAC_ERR_NO_MEMORY;
	if (err) report_unref(&report);
	else call->erased[call->erased_n++] = report;
	for (size_t i = 0, n = 0; !err && i < releases; i++) {
		err = store_select_page(call->db, seqs[i] - 1, seqs[i], 1, 1, &call->erased[call->erased_n], &n);
		if (!err) call->erased_n += n;
	}
	free(seqs);
	return err;
}

/* Whoever was sent it is written down and told; then the report itself is changed, and each release of it. */
static enum isac_err recall(struct control_call *call, unsigned reason, struct report *report /* taken */, int32_t publisher_id,
			    enum isac_err (*change)(struct store_db *db, uint64_t seq, struct wire_why *why))
{
	struct store_recall recall = {.reason = reason, .publisher_id = publisher_id, .done = true};
	enum isac_err err = gather(call, report);
	if (err) return err;
	recall.from_seq = recall.scanned_seq = report->seq;
	/* What was handed over up to now is in the table of ranges; what is handed over meanwhile is looked for once more afterwards. */
	err = control_recall_await(call->conf);
	if (err) err = wire_refuse(call->why, err, "what was sent is not written down yet: try again in a moment");
	if (!err) err = store_insert_recall(call->db, &recall);
	for (size_t i = 0; !err && i < call->erased_n; i++) {
		err = control_recall_receivers(call->db, call->erased[i], recall.id, call->rows, call->roster);
		if (!err) err = change(call->db, call->erased[i]->seq, call->why);
	}
	call->erased_by = recall.id;
	return err;
}

enum isac_err control_report_erase(struct control_call *call)
{
	struct report *report;
	int32_t publisher_id;
	enum isac_err err = find(&report, &publisher_id, call);
	return err ? err : recall(call, STORE_GAP_ERASURE, report, publisher_id, store_erase_report);
}

/* Of indicators: what was only said about a report is withdrawn by saying something else. */
enum isac_err control_report_withdraw(struct control_call *call)
{
	struct report *report;
	int32_t publisher_id;
	enum isac_err err = find(&report, &publisher_id, call);
	if (err) return err;
	if (report->withdrawn_seq) err = wire_refuse(call->why, ISAC_ERR_CONFLICT, "it is withdrawn already");
	else if (report->header->kind != ISAC1__KIND__KIND_INDICATOR)
		err = wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "only a report of indicators is withdrawn");
	if (!err) return recall(call, STORE_GAP_WITHDRAWAL, report, publisher_id, store_withdraw_report);
	report_unref(&report);
	return err;
}

enum isac_err control_recall_list(struct control_call *call)
{
	return store_select_list(call->db, "recall", NULL, call->rows);
}

enum isac_err control_recall_show(struct control_call *call)
{
	uint64_t id;
	enum isac_err err = control_arg_number(&id, call, "id");
	if (!err) err = store_select_list(call->db, "recalled", control_arg_text(call->cmd, "id"), call->rows);
	if (!err && !call->rows->len) err = wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "no such recall, or it reached nobody");
	return err;
}
