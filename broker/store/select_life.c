/*
 * What members said about one value, as far as the asker may see it: the newest mentions, and the newest word of each member that
 * sighted it. Held mentions are for their publishers and for analysts, as in history.
 */
#include "store/priv.h"

#define VISIBLE "r.payload IS NOT NULL AND (r.audience_id = ANY ($1::int[]) OR r.publisher_id = $2::int)"

static const struct store_stmt MENTIONS = {
	"select_life",
	"SELECT r.received, m.refreshed, m.valid_until, m.confidence, m.held, COALESCE(m.ended_seq <= $4::bigint, false), r.publisher_id "
	"FROM mention m JOIN report r ON r.seq = m.seq WHERE m.key = $3::uuid AND m.seq <= $4::bigint AND m.kind = 1 AND " VISIBLE
	" AND (NOT m.held OR $6::bool OR r.publisher_id = $2::int) ORDER BY m.seq DESC LIMIT $5::bigint"};
static const struct store_stmt VOTES = {
	"select_votes", "SELECT DISTINCT ON (v.publisher_id) v.verdict FROM (SELECT r.publisher_id, m.verdict, m.seq FROM mention m "
			"JOIN report r ON r.seq = m.seq WHERE m.key = $3::uuid AND m.seq <= $4::bigint AND m.kind = 2 AND " VISIBLE
			" AND (NOT m.held OR $6::bool OR r.publisher_id = $2::int) ORDER BY m.seq DESC LIMIT $5::bigint) v ORDER BY "
			"v.publisher_id, v.seq DESC"};

static enum isac_err run(struct store_db *db, const struct store_stmt *stmt, const struct store_life_ask *ask, PGresult **res)
{
	struct wire_buf *args = store_db_args_visible(db, ask->self);
	enum isac_err err;

	store_field_bytes(args, ask->key, WIRE_VALUE_KEY);
	store_field_i64(args, (int64_t)ask->until_seq);
	store_field_i64(args, WIRE_LIMIT_LOOKUP_MENTIONS);
	store_field_bool(args, ask->self->roles & MEMBER_ANALYST);
	err = store_db_run(db, stmt, res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}

static void take_mention(const PGresult *res, int row, const struct life_rule *rule, int64_t now_us, struct life *out)
{
	struct life_mention m = {.received_us = store_get_time(res, row, 0),
				 .refreshed_us = store_get_time(res, row, 1),
				 .valid_until_us = store_get_time(res, row, 2),
				 .confidence_plus1 = store_get_null(res, row, 3) ? 0 : (uint32_t)store_get_i16(res, row, 3) + 1,
				 .held = store_get_bool(res, row, 4),
				 .ended = store_get_bool(res, row, 5)};

	life_add_mention(out, &m, rule, now_us);
}

static uint32_t count_publishers(const PGresult *res)
{
	uint32_t n = 0;

	for (int row = 0; row < PQntuples(res); row++) {
		int before = 0;

		while (before < row && store_get_i32(res, before, 6) != store_get_i32(res, row, 6)) before++;
		n += before == row;
	}
	return n;
}

enum isac_err store_select_life(struct store_db *db, const struct store_life_ask *ask, const struct life_rule *rule, struct life *out,
				uint32_t *publishers)
{
	PGresult *res = NULL;
	enum isac_err err;

	*out = (struct life){.mentions = 0};
	*publishers = 0;
	err = run(db, &MENTIONS, ask, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) take_mention(res, row, rule, ask->now_us, out);
	if (!err) *publishers = count_publishers(res);
	PQclear(res);
	res = NULL;
	if (!err) err = run(db, &VOTES, ask, &res);
	for (int row = 0; !err && row < PQntuples(res); row++) life_add_vote(out, (uint32_t)store_get_i16(res, row, 0));
	PQclear(res);
	return err;
}

enum isac_err store_select_life_rule(struct store_db *db, uint32_t type, struct life_rule *out)
{
	static const struct store_stmt stmt = {
		"select_life_rule",
		"SELECT (extract(epoch FROM age) * 1000000)::bigint, (speed * 1000000)::bigint FROM life_rule WHERE type = $1::smallint"};
	PGresult *res = NULL;
	enum isac_err err;

	store_field_i16(store_db_args(db), (int16_t)type);
	err = store_db_run(db, &stmt, &res);
	if (!err) *out = (struct life_rule){store_get_i64(res, 0, 0), (double)store_get_i64(res, 0, 1) / 1000000};
	PQclear(res);
	return err;
}

enum isac_err store_update_life_rule(struct store_db *db, uint32_t type, int64_t days, int64_t speed_100)
{
	static const struct store_stmt stmt = {
		"update_life_rule", "UPDATE life_rule SET age = make_interval(days => $2::int), speed = $3::int / 100.0, changed = now() "
				    "WHERE type = $1::smallint RETURNING type"};
	struct wire_buf *args = store_db_args(db);

	store_field_i16(args, (int16_t)type);
	store_field_i32(args, (int32_t)days);
	store_field_i32(args, (int32_t)speed_100);
	return store_db_run(db, &stmt, NULL);
}
