/* From a row of table report to a report in memory. */
#include <string.h>
#include "store/priv.h"

enum isac_err store_report_row_open(struct report **out, const PGresult *res, int row, bool check)
{
	struct wire_bytes signature = store_get_bytes(res, row, 4), held = store_get_bytes(res, row, 5);
	struct report *report;
	enum isac_err err;

	if (signature.len != WIRE_SIGNATURE) return ISAC_ERR_MALFORMED;
	err = report_open(&report, store_get_bytes(res, row, 7), store_get_bytes(res, row, 8), signature.data,
			  check && store_get_bytes(res, row, 8).len, NULL);
	if (err) return err;
	report->seq = (uint64_t)store_get_i64(res, row, 0);
	report->received_us = store_get_time(res, row, 1);
	report->publisher_id = store_get_i32(res, row, 2);
	report->audience_id = store_get_i32(res, row, 3);
	report->release_of = (uint64_t)store_get_i64(res, row, 9);
	if (!store_get_null(res, row, 10)) report->withdrawn_seq = (uint64_t)store_get_i64(res, row, 10);
	snprintf(report->publisher, sizeof(report->publisher), "%s", store_get_text(res, row, 6));
	/* What was held when it was committed counts, not what today's list would hold. */
	report->held_count = 0;
	if (report->held && report->n) {
		size_t bytes = (report->n + 7) / 8;

		memset(report->held, 0, bytes);
		if (held.len == bytes) memcpy(report->held, held.data, bytes);
		for (uint32_t i = 0; i < report->n; i++) report->held_count += report_is_held(report, i);
	}
	*out = report;
	return ISAC_OK;
}

enum isac_err store_report_row_audience(struct store_db *db, struct report *report)
{
	const struct member_audience *known;
	enum isac_err err = store_select_audience(db, report->audience_id, &known);

	return err ? err : member_audience_copy(&report->audience, known, &report->arena);
}
