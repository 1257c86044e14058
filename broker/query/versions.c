/* versions: VERSIONS. A report by its id as this member may see it, and the ids of those that replace it. */
#include "query/priv.h"

/* Appends hits as entries while the page has room; false in *all if some did not fit. */
static enum isac_err add_hits(struct query_call *call, const struct store_hit *hits, size_t n, bool *all)
{
	enum isac_err err = ISAC_OK;
	for (size_t i = 0; !err && i < n; i++) {
		size_t before = call->out->len;
		struct query_shown shown_before = call->shown;
		err = query_history_show(call, &hits[i], true);
		if (err || !before || call->out->len <= WIRE_LIMIT_PAGE_BYTES) continue;
		call->out->len = before;
		shown_before.seqs = call->shown.seqs;
		call->shown = shown_before;
		*all = false;
		break;
	}
	return err;
}

enum isac_err query_versions(struct query_call *call)
{
	const Isac1__Versions *ask = (const Isac1__Versions *)call->ask;
	Isac1__VersionsResult rest = ISAC1__VERSIONS_RESULT__INIT;
	struct store_hit *hits = NULL;
	size_t n = 0;
	bool all = true;
	if (ask->report_id.len != WIRE_ID) return query_refuse(call, ISAC_ERR_BAD_VALUE, "report_id is not 16 bytes");
	const struct member *publisher = *ask->publisher ? member_roster_find(call->roster, ask->publisher) : NULL;
	int32_t publisher_id = publisher ? publisher->id : *ask->publisher ? -1 : 0;
	if (query_must_wait(call, ask->wait_seq)) return ISAC_ERR_AGAIN;
	enum isac_err err = store_select_versions(call->q->db, call->self, ask->report_id.data, publisher_id, &hits, &n);
	if (!err) err = add_hits(call, hits, n, &all);
	store_hits_free(hits, n);
	if (!err) err = store_select_later(call->q->db, call->self, ask->report_id.data, publisher_id, call->out, &rest.complete_seq);
	if (err) return query_refuse(call, err, isac_err_text(err));
	rest.more = !all;
	wire_pack(call->out, &rest.base);
	return call->out->err;
}
