/* Everything the roster needs, in one snapshot of the database. */
#include <stdlib.h>
#include <string.h>
#include "store/priv.h"

static const struct store_stmt GENERATION = {"roster_generation", "SELECT COALESCE(max(id), 0) FROM admin_event"};
static const struct store_stmt GROUPS = {"roster_groups", "SELECT id, name FROM member_group"};
static const struct store_stmt MEMBERS = {
	"roster_members",
	"SELECT id, name, type, roles, suspended OR EXISTS (SELECT FROM member o WHERE o.id = m.client_of AND o.suspended), curve, "
	"ARRAY(SELECT net FROM member_space s WHERE s.member_id = m.id AND state = 'confirmed' AND kind = 'net' ORDER BY s.id), "
	"ARRAY(SELECT value::bigint FROM member_space s WHERE s.member_id = m.id AND state = 'confirmed' AND kind = 'asn' ORDER BY s.id), "
	"ARRAY(SELECT value FROM member_space s WHERE s.member_id = m.id AND state = 'confirmed' AND kind = 'domain' ORDER BY s.id), "
	"ARRAY(SELECT group_id FROM member_group_member g WHERE g.member_id = COALESCE(m.client_of, m.id) ORDER BY group_id), "
	"COALESCE(quota_per_s, 0), COALESCE(quota_burst, 0), COALESCE(quota_bytes_per_min, 0), client_of IS NOT NULL "
	"FROM member m ORDER BY id"};
static const struct store_stmt KEYS = {"roster_keys",
				       "SELECT key_id, public_key, valid_from, valid_until, revoked_from_seq, member_id FROM member_key"};

static const struct store_stmt TOKENS = {"roster_tokens", "SELECT id, member_id, scope, hash, expires, COALESCE(collection, '') FROM token "
							  "WHERE revoked IS NULL AND expires > now()"};

static enum isac_err add_groups(struct member_roster *roster, const PGresult *res)
{
	enum isac_err err = ISAC_OK;

	for (int row = 0; !err && row < PQntuples(res); row++)
		err = member_roster_add_group(roster, store_get_i32(res, row, 0), store_get_text(res, row, 1));
	return err;
}

static enum isac_err add_keys(struct member_roster *roster, const PGresult *res)
{
	enum isac_err err = ISAC_OK;

	for (int row = 0; !err && row < PQntuples(res); row++) {
		struct member_key key = {
			.valid_from_us = store_get_time(res, row, 2),
			.valid_until_us = store_get_time(res, row, 3),
			.revoked_from_seq = (uint64_t)store_get_i64(res, row, 4),
			.member_id = store_get_i32(res, row, 5),
		};

		memcpy(key.key_id, store_get_bytes(res, row, 0).data, WIRE_KEY_ID);
		memcpy(key.public_key, store_get_bytes(res, row, 1).data, WIRE_SIGN_PUBLIC);
		err = member_roster_add_key(roster, &key);
	}
	return err;
}

static enum isac_err add_tokens(struct member_roster *roster, const PGresult *res)
{
	enum isac_err err = ISAC_OK;

	for (int row = 0; !err && row < PQntuples(res); row++) {
		struct member_token token = {
			.id = store_get_i32(res, row, 0),
			.member_id = store_get_i32(res, row, 1),
			.scope = member_scope_parse(store_get_text(res, row, 2)),
			.expires_us = store_get_time(res, row, 4),
		};

		memcpy(token.hash, store_get_bytes(res, row, 3).data, sizeof(token.hash));
		snprintf(token.collection, sizeof(token.collection), "%s", store_get_text(res, row, 5));
		err = member_roster_add_token(roster, &token);
	}
	return err;
}

static bool take_nets(struct member *m, struct store_array *a, struct wire_arena *arena)
{
	struct member_net *nets = wire_arena_alloc(arena, (a->n + 1) * sizeof(*nets));
	struct wire_bytes e;

	for (m->nets = nets; nets && store_array_next(a, &e); m->nets_n++) {
		struct member_net net = {.family = e.data[0] == 2 ? 4 : 6, .prefix = e.data[1]};

		memcpy(net.addr, e.data + 4, e.len - 4);
		nets[m->nets_n] = net;
	}
	return nets != NULL;
}

static bool take_asns(struct member *m, struct store_array *a, struct wire_arena *arena)
{
	uint32_t *asns = wire_arena_alloc(arena, (a->n + 1) * sizeof(*asns));
	struct wire_bytes e;

	for (m->asns = asns; asns && store_array_next(a, &e); m->asns_n++) asns[m->asns_n] = (uint32_t)wire_get_u64(e.data);
	return asns != NULL;
}

static bool take_domains(struct member *m, struct store_array *a, struct wire_arena *arena)
{
	const char **domains = wire_arena_alloc(arena, (a->n + 1) * sizeof(*domains));
	struct wire_bytes e;

	for (m->domains = domains; domains && store_array_next(a, &e); m->domains_n++) {
		char *copy = wire_arena_alloc(arena, e.len + 1);

		if (!copy) return false;
		memcpy(copy, e.data, e.len);
		copy[e.len] = 0;
		domains[m->domains_n] = copy;
	}
	return domains != NULL;
}

static bool take_groups(struct member *m, struct store_array *a, struct wire_arena *arena)
{
	int32_t *groups = wire_arena_alloc(arena, (a->n + 1) * sizeof(*groups));
	struct wire_bytes e;

	for (m->groups = groups; groups && store_array_next(a, &e); m->groups_n++) groups[m->groups_n] = (int32_t)wire_get_u32(e.data);
	return groups != NULL;
}

static bool (*const TAKE[])(struct member *, struct store_array *, struct wire_arena *) = {
	take_nets,
	take_asns,
	take_domains,
	take_groups,
};

enum isac_err store_select_roster_space(struct member *m, const PGresult *res, int row, int col, struct wire_arena *arena)
{
	for (unsigned i = 0; i < sizeof(TAKE) / sizeof(*TAKE); i++) {
		struct store_array array;

		store_get_array(&array, res, row, col + (int)i);
		if (!TAKE[i](m, &array, arena)) return ISAC_ERR_NO_MEMORY;
	}
	return ISAC_OK;
}

static enum isac_err add_members(struct member_roster *roster, const PGresult *res)
{
	struct wire_arena arena;
	enum isac_err err = ISAC_OK;

	wire_arena_init(&arena, 16 << 20);
	for (int row = 0; !err && row < PQntuples(res); row++) {
		struct member m = {
			.id = store_get_i32(res, row, 0),
			.roles = (uint32_t)store_get_i32(res, row, 3),
			.suspended = store_get_bool(res, row, 4),
			.rate = {store_get_i64(res, row, 10), store_get_i64(res, row, 11), store_get_i64(res, row, 12)},
			.client = store_get_bool(res, row, 13),
		};

		wire_arena_reset(&arena);
		snprintf(m.name, sizeof(m.name), "%s", store_get_text(res, row, 1));
		snprintf(m.type, sizeof(m.type), "%s", store_get_text(res, row, 2));
		memcpy(m.curve, store_get_bytes(res, row, 5).data, WIRE_CURVE);
		err = store_select_roster_space(&m, res, row, 6, &arena);
		if (!err) err = member_roster_add(roster, &m);
	}
	wire_arena_clear(&arena);
	return err;
}

/* The order matters: members before the keys that name them. */
static const struct {
	const struct store_stmt *stmt;
	enum isac_err (*add)(struct member_roster *, const PGresult *);
} PARTS[] = {
	{&GROUPS, add_groups},
	{&MEMBERS, add_members},
	{&KEYS, add_keys},
	{&TOKENS, add_tokens},
};

static enum isac_err read_all(struct store_db *db, const char *hub_id, struct member_roster **roster)
{
	PGresult *res = NULL;
	enum isac_err err = store_pg_run(db->pg, &GENERATION, store_db_args(db), &res);

	if (!err) err = member_roster_new(roster, (uint64_t)store_get_i64(res, 0, 0), hub_id);
	PQclear(res);
	for (size_t i = 0; !err && i < sizeof(PARTS) / sizeof(*PARTS); i++) {
		err = store_pg_run(db->pg, PARTS[i].stmt, store_db_args(db), &res);
		if (err == ISAC_ERR_NOT_FOUND) err = ISAC_OK;
		if (!err) err = PARTS[i].add(*roster, res);
		PQclear(res);
		res = NULL;
	}
	return err;
}

enum isac_err store_select_roster(struct store_db *db, const char *hub_id, struct member_roster **out)
{
	static const struct store_stmt begin = {"begin_snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
	struct member_roster *roster = NULL;
	enum isac_err err;

	store_db_args(db);
	err = store_db_run(db, &begin, NULL);
	if (!err) err = read_all(db, hub_id, &roster);
	store_pg_rollback(db->pg);
	if (err) {
		if (roster) member_roster_free(roster);
		return err;
	}
	*out = roster;
	return ISAC_OK;
}
