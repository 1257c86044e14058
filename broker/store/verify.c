/*
 * Replays the store as a stranger would: every report against its leaf, its header's root and its publisher's key; the sequence without
 * a hole that nobody explains; and the running hash of a feed that begins at the start, as its subscriber would have it.
 */
#include <string.h>
#include "base/base.h"
#include "store/priv.h"

enum { PAGE = 1000 };

struct verify {
	struct store_db *db;
	struct member_roster *roster;
	const struct member *self; /* whose feed; NULL: everything */
	struct store_gaps gaps;
	struct store_verified *out;
	struct wire_why *why;
	enum isac_err err;
	size_t rows;
};

static enum isac_err fail(struct verify *v, uint64_t seq, const char *what)
{
	return wire_refuse(v->why, ISAC_ERR_NOT_AUTHENTIC, "report %llu: %s", (unsigned long long)seq, what);
}

/* From the position to what comes next: every piece must have its reason. */
static enum isac_err pass_gap(struct verify *v, uint64_t until)
{
	while (v->out->head < until) {
		uint64_t first = v->out->head + 1, last = until;

		if (store_gap_reason(&v->gaps, first, &last) == STORE_GAP_ERASURE)
			return fail(v, first, "it is not there, and neither retention nor a restore says why");
		wire_feed_gap(v->out->hash, first, last);
		v->out->head = last;
	}
	return ISAC_OK;
}

static bool leaf_holds(const struct report *r, struct wire_bytes leaf)
{
	uint8_t made[STORE_LEAF];

	store_report_leaf(made, r);
	return leaf.len == sizeof(made) && !memcmp(leaf.data, made, sizeof(made));
}

static enum isac_err check_report(struct verify *v, const struct report *r, struct wire_bytes leaf)
{
	const struct member_key *key = r->header->key_id.len == WIRE_KEY_ID ? member_roster_key(v->roster, r->header->key_id.data) : NULL;

	if (!leaf_holds(r, leaf)) return fail(v, r->seq, "its leaf is not that of its header and signature");
	if (!key || key->member_id != r->publisher_id) return fail(v, r->seq, "its key is none of its publisher's");
	if (wire_sign_check(r->signature, WIRE_SIGN_REPORT, member_roster_hub_id(v->roster), r->header_bytes.data, r->header_bytes.len,
			    key->public_key))
		return fail(v, r->seq, "its signature does not hold");
	return ISAC_OK;
}

static void count_report(struct verify *v, const struct report *r)
{
	uint32_t index[WIRE_LIMIT_ITEMS], n = 0;

	v->out->reports++;
	v->out->erased += !r->items;
	v->out->head = r->seq;
	if (!r->items || r->withdrawn_seq || (v->self && !(r->audience && member_may_see(v->self, r->audience, r->publisher_id)))) return;
	for (uint32_t i = 0; i < r->n; i++)
		if (!report_is_held(r, i)) index[n++] = i;
	if (n) wire_feed_entry(v->out->hash, r->seq, r->header_hash, index, n);
	v->out->items += n;
}

static enum isac_err take_row(struct verify *v, const PGresult *res, int row)
{
	struct report *r;
	enum isac_err err = store_report_row_open(&r, res, row, true);

	if (err) return fail(v, (uint64_t)store_get_i64(res, row, 0), "its bytes are not those of a report, or not what its header signs");
	err = pass_gap(v, r->seq - 1);
	if (!err) err = check_report(v, r, store_get_bytes(res, row, 11));
	if (!err && v->self) err = store_report_row_audience(v->db, r);
	if (!err) count_report(v, r);
	report_unref(&r);
	return err;
}

static enum isac_err take_page(struct verify *v, uint64_t until, bool *end)
{
	static const struct store_stmt stmt = {
		"verify_page", "SELECT " STORE_REPORT_COLUMNS ", r.leaf FROM report r JOIN member p ON p.id = r.publisher_id "
			       "WHERE r.seq > $1::bigint AND r.seq <= $2::bigint ORDER BY r.seq LIMIT $3::bigint"};
	struct wire_buf *args = store_db_args(v->db);
	PGresult *res = NULL;
	enum isac_err err;

	store_field_i64(args, (int64_t)v->out->head);
	store_field_i64(args, (int64_t)until);
	store_field_i64(args, PAGE);
	err = store_db_run(v->db, &stmt, &res);
	*end = err == ISAC_ERR_NOT_FOUND || (!err && PQntuples(res) < PAGE);
	if (err == ISAC_ERR_NOT_FOUND) err = ISAC_OK;
	else if (err) wire_refuse(v->why, err, "%s", store_pg_error(v->db->pg));
	for (int row = 0; !err && row < PQntuples(res); row++) err = take_row(v, res, row);
	PQclear(res);
	return err;
}

enum isac_err store_verify(const struct store_verify_conf *conf, struct store_verified *out, struct wire_why *why)
{
	struct verify v = {.out = out, .why = why};
	uint64_t until = 0;
	bool end = false;
	enum isac_err err = store_db_new(&v.db, conf->conninfo, 60000);

	*out = (struct store_verified){.head = 0};
	if (!err) err = store_select_head(v.db, NULL, &until);
	if (!err) err = store_select_gaps(v.db, &v.gaps);
	if (!err) err = store_select_roster(v.db, conf->hub_id, &v.roster);
	if (err) wire_refuse(why, err, "%s", v.db && *store_pg_error(v.db->pg) ? store_pg_error(v.db->pg) : isac_err_text(err));
	if (!err && *conf->member && !(v.self = member_roster_find(v.roster, conf->member)))
		err = wire_refuse(why, ISAC_ERR_NOT_FOUND, "no member %s", conf->member);
	while (!err && !end) {
		err = take_page(&v, until, &end);
		if (conf->progress) conf->progress(out->head, until);
	}
	if (!err) err = pass_gap(&v, until);
	out->kept_from = v.gaps.kept_from;
	member_roster_free(v.roster);
	store_db_destroy(&v.db);
	return err;
}
