/* Ranges of deliveries that a report lies in, one after the other: memory does not grow with their number. */
#include <stdlib.h>
#include <string.h>
#include "store/priv.h"

enum { SPACE_BYTES = 4 << 20, SETTLE_US = 5000000 /* until sessions that were on their way have forgotten it */ };

struct had {
	int32_t member_id;
	char name[WIRE_LIMIT_NAME_BYTES + 1];
};

struct giving {
	uint64_t seq;
	bool withdrawn;
	int64_t at_us; /* when it was withdrawn */
	struct had *had;
	size_t had_n;
	void (*row)(void *arg, const struct store_range *range);
	void *arg;
	struct wire_arena arena;
	enum isac_err err;
};

static void take_had(void *arg, const struct store_told *row)
{
	struct giving *g = arg;

	g->at_us = row->at_us;
	if (g->err || !row->member_id || row->seq != g->seq) return;
	struct had *more = reallocarray(g->had, g->had_n + 1, sizeof(*more));
	if (!more) {
		g->err = ISAC_ERR_NO_MEMORY;
		return;
	}
	g->had = more;
	g->had[g->had_n].member_id = row->member_id;
	snprintf(g->had[g->had_n++].name, sizeof(g->had->name), "%s", row->name);
}

static bool had_it(const struct giving *g, const struct store_range *range)
{
	if (range->opened_us > g->at_us + SETTLE_US) return false;
	for (size_t i = 0; i < g->had_n; i++)
		if (g->had[i].member_id == range->self->id && !strcmp(g->had[i].name, range->name)) return true;
	return false;
}

static void give(void *arg, const PGresult *res)
{
	struct giving *g = arg;
	struct member self = {
		.id = store_get_i32(res, 0, 1), .roles = (uint32_t)store_get_i32(res, 0, 5), .client = store_get_bool(res, 0, 17)};
	struct store_range range = {
		.id = (uint64_t)store_get_i64(res, 0, 0),
		.self = &self,
		.session = (uint32_t)store_get_i64(res, 0, 2),
		.name = store_get_text(res, 0, 3),
		.filter = store_get_text(res, 0, 4),
		.from_seq = (uint64_t)store_get_i64(res, 0, 10),
		.until_seq = (uint64_t)store_get_i64(res, 0, 11),
		.maybe_seq = (uint64_t)store_get_i64(res, 0, 12),
		.acked_seq = (uint64_t)store_get_i64(res, 0, 13),
		.opened_us = store_get_time(res, 0, 14),
		.closed_us = store_get_time(res, 0, 15),
		.compiled_us = store_get_time(res, 0, 16),
	};

	if (g->err) return;
	range.passed = g->withdrawn && !had_it(g, &range);
	wire_arena_reset(&g->arena);
	g->err = store_select_roster_space(&self, res, 0, 6, &g->arena);
	if (!g->err) g->row(g->arg, &range);
}

enum isac_err store_select_ranges(struct store_db *db, const struct store_range_ask *ask,
				  void (*row)(void *arg, const struct store_range *range), void *arg)
{
	/* Materialized: with a limit at hand the planner would walk all ids in their order instead. */
	static const struct store_stmt stmt = {
		"select_ranges",
		"WITH hit AS MATERIALIZED (SELECT id FROM feed_range WHERE span @> $2::bigint AND id > $1::bigint AND $3::int IN (0, "
		"member_id) "
		"UNION ALL SELECT id FROM feed_range WHERE closed IS NULL AND id > $1::bigint AND from_seq < $2::bigint "
		"AND greatest(until_seq, maybe_seq) >= $2::bigint AND $3::int IN (0, member_id)) "
		"SELECT r.id, r.member_id, r.session, r.name, r.filter, r.roles, r.nets, r.asns, r.domains, r.groups, r.from_seq, "
		"r.until_seq, "
		"r.maybe_seq, r.acked_seq, r.opened, r.closed, r.compiled, r.client FROM (SELECT id FROM hit ORDER BY id LIMIT $4::bigint) "
		"h "
		"JOIN feed_range r ON r.id = h.id ORDER BY r.id"};
	struct giving g = {.row = row, .arg = arg, .seq = ask->seq, .withdrawn = ask->withdrawn};
	enum isac_err err = ask->withdrawn ? store_select_told(db, ask->seq, take_had, &g) : ISAC_OK;
	struct wire_buf *args = store_db_args(db);

	store_field_i64(args, (int64_t)ask->after_id);
	store_field_i64(args, (int64_t)ask->seq);
	store_field_i32(args, ask->member_id);
	store_field_i64(args, (int64_t)ask->max);
	wire_arena_init(&g.arena, SPACE_BYTES);
	if (!err) err = store_pg_each(db->pg, &stmt, args, give, &g);
	wire_arena_clear(&g.arena);
	free(g.had);
	return err ? err : g.err;
}
