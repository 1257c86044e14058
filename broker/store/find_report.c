/* Which of these reports are stored already: by publisher and report_id, for the store's life. */
#include <string.h>
#include "store/priv.h"

static const struct store_stmt STMT = {"find_report",
				       "SELECT u.nr::int, k.seq, k.received, k.header_hash "
				       "FROM unnest($1::int[], $2::uuid[]) WITH ORDINALITY AS u(publisher_id, report_id, nr) "
				       "JOIN report_key k ON k.publisher_id = u.publisher_id AND k.report_id = u.report_id ORDER BY u.nr"};

static uint32_t put_ids(struct wire_buf *args, struct store_job *const *jobs, size_t n)
{
	uint32_t new_n = 0;
	size_t mark;

	for (size_t i = 0; i < n; i++) new_n += jobs[i]->state == STORE_JOB_NEW;
	wire_buf_reset(args);
	mark = store_field_array(args, STORE_OID_INT4, new_n);
	for (size_t i = 0; i < n; i++)
		if (jobs[i]->state == STORE_JOB_NEW) store_field_i32(args, jobs[i]->report->publisher_id);
	store_field_array_end(args, mark);
	mark = store_field_array(args, STORE_OID_UUID, new_n);
	for (size_t i = 0; i < n; i++)
		if (jobs[i]->state == STORE_JOB_NEW) store_field_bytes(args, jobs[i]->report->header->report_id.data, WIRE_ID);
	store_field_array_end(args, mark);
	return new_n;
}

/* Row by row in the order of the jobs: nr names the nr-th job that was NEW when it was asked. */
static void take_rows(struct store_job *const *jobs, size_t n, const PGresult *res)
{
	int row = 0, nr = 0;

	for (size_t i = 0; i < n && row < PQntuples(res); i++) {
		struct wire_bytes hash;

		if (jobs[i]->state != STORE_JOB_NEW || ++nr != store_get_i32(res, row, 0)) continue;
		hash = store_get_bytes(res, row, 3);
		jobs[i]->seq = (uint64_t)store_get_i64(res, row, 1);
		jobs[i]->received_us = store_get_time(res, row, 2);
		jobs[i]->state = hash.len == WIRE_HASH && !memcmp(hash.data, jobs[i]->report->header_hash, WIRE_HASH) ? STORE_JOB_DUPLICATE
														      : STORE_JOB_CONFLICT;
		row++;
	}
}

enum isac_err store_find_report(struct store_pg *pg, struct wire_buf *args, struct store_job *const *jobs, size_t n, size_t *found)
{
	PGresult *res = NULL;
	enum isac_err err = put_ids(args, jobs, n) ? store_pg_run(pg, &STMT, args, &res) : ISAC_ERR_NOT_FOUND;

	*found = 0;
	if (!err) {
		*found = (size_t)PQntuples(res);
		take_rows(jobs, n, res);
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}
