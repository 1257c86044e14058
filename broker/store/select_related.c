/*
 * What stands near a value: a statement for each relation, all of one shape. Limits come after entitlement, never before: else the number
 * of visible neighbours would tell of those that are not visible.
 */
#include <string.h>
#include "store/priv.h"

static const char BY_REPORT[] =
	"WITH near AS (SELECT r.seq, r.received FROM mention m JOIN report r ON r.seq = m.seq "
	"WHERE m.key = $3::uuid AND m.seq <= $4::bigint AND " STORE_VISIBLE " ORDER BY m.seq DESC LIMIT $7::bigint), "
	"v AS (SELECT m.key, count(*) AS n, max(m.seq) AS s, max(near.received) AS t, count(*) OVER () AS total FROM near "
	"JOIN mention m ON m.seq = near.seq WHERE NOT m.held AND m.key <> $3::uuid GROUP BY m.key "
	"ORDER BY 2 DESC, 3 DESC, 1 LIMIT $5::bigint) "
	"SELECT i.type, i.value, v.n, v.s, v.t, least(v.total, $6::bigint) FROM v JOIN indicator i ON i.key = v.key "
	"ORDER BY v.n DESC, v.s DESC, v.key";

/* where: which values are near. order: that of an index, so that the walk ends when there are enough. */
#define BY_PLACE(where, order) \
	"WITH v AS (SELECT i.key, i.type, i.value, x.n, x.s, x.t FROM indicator i CROSS JOIN LATERAL (" \
	"SELECT count(*) AS n, max(y.seq) AS s, max(y.received) AS t FROM (" \
	"SELECT m.seq, r.received FROM mention m JOIN report r ON r.seq = m.seq " \
	"WHERE m.key = i.key AND m.seq <= $4::bigint AND " STORE_SPAN( \
		i) " AND " STORE_VISIBLE " ORDER BY m.seq DESC LIMIT $7::bigint) y) x " \
		   "WHERE " where " AND i.key <> $3::uuid AND x.n > 0 ORDER BY " order " LIMIT $6::bigint) " \
		   "SELECT v.type, v.value, v.n, v.s, v.t, count(*) OVER () FROM v ORDER BY v.s DESC, v.key LIMIT $5::bigint"

static const char BY_NETWORK[] =
	BY_PLACE("i.addr >= $8::inet AND i.addr <= set_masklen(broadcast($8::inet), $9::int) AND i.addr <<= $8::inet", "i.addr, i.key");
static const char BY_DOMAIN[] = BY_PLACE("i.rdom >= $8::text AND i.rdom < $9::text", "i.rdom, i.key");

static const struct store_stmt STMTS[] = {
	[STORE_RELATION_REPORT] = {"select_related_report", BY_REPORT},
	[STORE_RELATION_NETWORK] = {"select_related_network", BY_NETWORK},
	[STORE_RELATION_DOMAIN] = {"select_related_domain", BY_DOMAIN},
};

/* evil.example and '.' become example.evil. ; '/' follows '.' in C collation, so the range between the two is the domain and all below. */
static void put_rdom(struct wire_buf *args, const char *domain, char end)
{
	size_t len = strlen(domain);

	wire_buf_u32(args, (uint32_t)len + 1);
	while (len) {
		size_t from = len;

		while (from && domain[from - 1] != '.') from--;
		wire_buf_add(args, domain + from, len - from);
		len = from ? from - 1 : 0;
		wire_buf_add(args, len ? "." : &end, 1);
	}
}

static void put_args(struct store_db *db, enum store_relation relation, const struct store_related *q, uint64_t until_seq)
{
	struct wire_buf *args = store_db_args_visible(db, q->self);

	store_field_bytes(args, q->key, WIRE_VALUE_KEY);
	store_field_i64(args, (int64_t)until_seq);
	store_field_i64(args, q->limit);
	store_field_i64(args, WIRE_LIMIT_RELATED_VALUES);
	store_field_i64(args, relation == STORE_RELATION_REPORT ? WIRE_LIMIT_RELATED_REPORTS : WIRE_LIMIT_LOOKUP_MENTIONS);
	if (relation == STORE_RELATION_NETWORK) {
		store_field_net(args, q->addr, q->family, q->prefix, false);
		store_field_i32(args, q->family == 4 ? 32 : 128);
	}
	if (relation == STORE_RELATION_DOMAIN) {
		put_rdom(args, q->domain, '.');
		put_rdom(args, q->domain, '/');
	}
}

enum isac_err store_select_related(struct store_db *db, enum store_relation relation, const struct store_related *q, uint64_t *complete_seq)
{
	enum isac_err err = store_select_complete(db, complete_seq);
	PGresult *res = NULL;

	if (err) return err;
	put_args(db, relation, q, *complete_seq);
	err = store_db_run(db, &STMTS[relation], &res);
	for (int row = 0; !err && row < PQntuples(res); row++) {
		Isac1__RelatedValue value = ISAC1__RELATED_VALUE__INIT;

		value.type = (uint32_t)store_get_i16(res, row, 0);
		value.value = PQgetvalue(res, row, 1);
		value.mentions = (uint32_t)store_get_i64(res, row, 2);
		value.newest_seq = (uint64_t)store_get_i64(res, row, 3);
		value.newest_us = store_get_time(res, row, 4);
		q->row(q->arg, &value, (uint32_t)store_get_i64(res, row, 5));
	}
	PQclear(res);
	return err == ISAC_ERR_NOT_FOUND ? ISAC_OK : err;
}
