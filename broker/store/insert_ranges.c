/*
 * Rows for ranges of deliveries that open, many at once: a report that everybody gets opens one for each session.
 *
 * Lists within a row travel as texts, since an array of arrays has one length for all. A statement whose outcome got lost
 * is sent again with the same (session, opened), hence the conflict clause.
 */
#include <arpa/inet.h>
#include "store/priv.h"

static const struct store_stmt STMT = {
	"insert_ranges",
	"INSERT INTO feed_range (member_id, session, name, filter, roles, groups, nets, asns, domains, from_seq, "
	"until_seq, maybe_seq, opened, compiled, client) "
	"SELECT member_id, session, name, filter, roles, groups::int[], nets::cidr[], asns::bigint[], domains::text[], "
	"from_seq, from_seq, from_seq, opened, compiled, client FROM unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::int[], "
	"$6::text[], $7::text[], "
	"$8::text[], $9::text[], $10::bigint[], $11::timestamptz[], $12::timestamptz[], $13::bool[]) "
	"AS u(member_id, session, name, filter, roles, groups, nets, asns, domains, from_seq, opened, compiled, client) "
	"ON CONFLICT (session, opened) DO UPDATE SET session = excluded.session RETURNING id, session"};

static void put_member(struct wire_buf *b, const struct store_range *r)
{
	store_field_i32(b, r->self->id);
}
static void put_session(struct wire_buf *b, const struct store_range *r)
{
	store_field_i64(b, r->session);
}
static void put_name(struct wire_buf *b, const struct store_range *r)
{
	store_field_text(b, r->name);
}
static void put_filter(struct wire_buf *b, const struct store_range *r)
{
	store_field_text(b, r->filter);
}
static void put_roles(struct wire_buf *b, const struct store_range *r)
{
	store_field_i32(b, (int32_t)r->self->roles);
}

/* A text field made of pieces: its length is known afterwards. */
static void put_list(struct wire_buf *b, const struct member *m, uint32_t n,
		     void (*piece)(struct wire_buf *, const struct member *, uint32_t))
{
	size_t mark = b->len;

	wire_buf_u32(b, 0);
	wire_buf_add(b, "{", 1);
	for (uint32_t i = 0; i < n; i++) {
		if (i) wire_buf_add(b, ",", 1);
		piece(b, m, i);
	}
	wire_buf_add(b, "}", 1);
	store_field_array_end(b, mark);
}

static void group_piece(struct wire_buf *b, const struct member *m, uint32_t i)
{
	wire_buf_printf(b, "%d", m->groups[i]);
}
static void asn_piece(struct wire_buf *b, const struct member *m, uint32_t i)
{
	wire_buf_printf(b, "%u", m->asns[i]);
}
static void domain_piece(struct wire_buf *b, const struct member *m, uint32_t i)
{
	wire_buf_printf(b, "\"%s\"", m->domains[i]); /* canonical: letters, digits, hyphens, underscores, dots */
}
static void net_piece(struct wire_buf *b, const struct member *m, uint32_t i)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(m->nets[i].family == 4 ? AF_INET : AF_INET6, m->nets[i].addr, text, sizeof(text));
	wire_buf_printf(b, "%s/%u", text, m->nets[i].prefix);
}

static void put_groups(struct wire_buf *b, const struct store_range *r)
{
	put_list(b, r->self, r->self->groups_n, group_piece);
}
static void put_nets(struct wire_buf *b, const struct store_range *r)
{
	put_list(b, r->self, r->self->nets_n, net_piece);
}
static void put_asns(struct wire_buf *b, const struct store_range *r)
{
	put_list(b, r->self, r->self->asns_n, asn_piece);
}
static void put_domains(struct wire_buf *b, const struct store_range *r)
{
	put_list(b, r->self, r->self->domains_n, domain_piece);
}
static void put_from(struct wire_buf *b, const struct store_range *r)
{
	store_field_i64(b, (int64_t)r->from_seq);
}
static void put_opened(struct wire_buf *b, const struct store_range *r)
{
	store_field_time(b, r->opened_us);
}
static void put_compiled(struct wire_buf *b, const struct store_range *r)
{
	store_field_time(b, r->compiled_us);
}

static void put_client(struct wire_buf *b, const struct store_range *r)
{
	store_field_bool(b, r->self->client);
}

static const struct {
	uint32_t oid;
	void (*put)(struct wire_buf *, const struct store_range *);
} COLUMNS[] = {
	{STORE_OID_INT4, put_member},  {STORE_OID_INT8, put_session}, {STORE_OID_TEXT, put_name},   {STORE_OID_TEXT, put_filter},
	{STORE_OID_INT4, put_roles},   {STORE_OID_TEXT, put_groups},  {STORE_OID_TEXT, put_nets},   {STORE_OID_TEXT, put_asns},
	{STORE_OID_TEXT, put_domains}, {STORE_OID_INT8, put_from},    {STORE_OID_TIME, put_opened}, {STORE_OID_TIME, put_compiled},
	{STORE_OID_BOOL, put_client},
};

/* Rows come back in the order they went, though nothing says that they must: so the search begins there. */
static void take_id(struct store_range *ranges, size_t n, size_t row, uint32_t session, uint64_t id)
{
	size_t i = 0;

	while (i < n && ranges[(row + i) % n].session != session) i++;
	if (i < n) ranges[(row + i) % n].id = id;
}

enum isac_err store_insert_ranges(struct store_db *db, struct store_range *ranges, size_t n)
{
	struct wire_buf *args = store_db_args(db);
	PGresult *res = NULL;
	enum isac_err err;

	if (!n) return ISAC_OK;
	for (size_t c = 0; c < sizeof(COLUMNS) / sizeof(*COLUMNS); c++) {
		size_t mark = store_field_array(args, COLUMNS[c].oid, (uint32_t)n);

		for (size_t i = 0; i < n; i++) COLUMNS[c].put(args, &ranges[i]);
		store_field_array_end(args, mark);
	}
	err = args->err ? args->err : store_db_run(db, &STMT, &res);
	for (int row = 0; !err && row < PQntuples(res); row++)
		take_id(ranges, n, (size_t)row, (uint32_t)store_get_i64(res, row, 1), (uint64_t)store_get_i64(res, row, 0));
	PQclear(res);
	return err;
}
