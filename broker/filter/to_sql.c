/*
 * to_sql: a filter as a condition of a history query.
 *
 * It must say exactly what match.c says. SQL has a third truth value and the matcher has none: a condition on a column that
 * may be null is put through coalesce(..., false) below a `not`. Elsewhere null and false come to the same, and the bare condition
 * can use an index. Whatever came from a member is a parameter, of type text before its cast, so that the server takes it in
 * either format of the protocol.
 *
 * Indexes: `value = X` is a lookup by key, one key for each type that X can be, fewer where an `and` around it says the type;
 * a network is a range of addresses and a list of the networks around it; a domain is a range of reversed names.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "filter/priv.h"

enum { PARAM_BYTES = 8 * 1024 * 1024, NOW_BYTES = 64 };

struct writer {
	const struct filter *f;
	const struct member *self;
	struct filter_sql *out;
	struct wire_buf where;
	size_t mine_at, mine_len; /* the first `mine` in where: later ones repeat it, parameters and all */
	unsigned first, cap;
	enum isac_err err;
};

/* $1 and $2 are the query's own: see filter.h. */
#define VISIBLE_MENTIONS \
	"from mention v join report w on w.seq = v.seq where v.key = m.key and not v.held and v.kind = 1 " \
	"and (w.audience_id = any($1::int[]) or w.publisher_id = $2::int)"

/* Who holds it for a false positive: each member's newest word counts. */
#define VISIBLE_VOTES \
	"from mention v join report w on w.seq = v.seq where v.key = m.key and v.kind = 2 and v.verdict = 2 " \
	"and (w.audience_id = any($1::int[]) or w.publisher_id = $2::int) " \
	"and not exists (select from mention x where x.key = v.key and x.kind = 2 and x.publisher_id = v.publisher_id and x.seq > v.seq)"

static const char *const columns[FILTER_FIELDS] = {
	[FILTER_TYPE] = "m.type",
	[FILTER_KIND] = "m.kind",
	[FILTER_TLP] = "r.tlp",
	[FILTER_VALUE] = "i.value",
	[FILTER_RAW] = "m.raw",
	[FILTER_CONFIDENCE] = "m.confidence",
	[FILTER_SEVERITY] = "m.severity",
	[FILTER_ASN] = "m.asn",
	[FILTER_PUBLISHER] = "p.name",
	[FILTER_GROUP] = "g.name",
	[FILTER_TAG] = "t.name",
	[FILTER_COUNTRY] = "m.country",
	[FILTER_CREATED] = "r.created",
	[FILTER_FIRST_SEEN] = "m.first_seen",
	[FILTER_LAST_SEEN] = "m.last_seen",
	[FILTER_VALID_FROM] = "m.valid_from",
	[FILTER_VALID_UNTIL] = "m.valid_until",
	/* Not the indicator's own counts: those would tell of reports that the asker may not see. */
	[FILTER_PUBLISHERS] = "(select count(distinct v.publisher_id) " VISIBLE_MENTIONS ")",
	[FILTER_SIGHTINGS] = "(select count(*) " VISIBLE_MENTIONS ")",
	[FILTER_WITHDRAWALS] = "(m.ended_seq is not null)::int",
	[FILTER_FALSE_POSITIVES] = "(select count(distinct v.publisher_id) " VISIBLE_VOTES ")",
};

/* ---- parameters ------------------------------------------------------------------------------ */
/* Takes the buffer's text as the next parameter and clears it; returns its number. */
static unsigned add_param(struct writer *w, struct wire_buf *text)
{
	char **param = w->out->param;

	wire_buf_add(text, "", 1);
	if (text->err) w->err = text->err;
	if (!w->err && w->out->params == FILTER_SQL_PARAMS) w->err = ISAC_ERR_TOO_LARGE;
	if (!w->err) {
		param = filter_operand_room(param, w->out->params, &w->cap, sizeof(*param));
		if (!param) w->err = ISAC_ERR_NO_MEMORY;
	}
	if (!w->err) {
		w->out->param = param;
		param[w->out->params] = strdup((const char *)text->data);
		if (!param[w->out->params]) w->err = ISAC_ERR_NO_MEMORY;
		else w->out->params++;
	}
	wire_buf_clear(text);
	return w->first + w->out->params - 1;
}

static unsigned add_number(struct writer *w, int64_t number)
{
	struct wire_buf text;

	wire_buf_init(&text, PARAM_BYTES);
	wire_buf_printf(&text, "%lld", (long long)number);
	return add_param(w, &text);
}

static unsigned add_text(struct writer *w, const struct filter_row *row)
{
	struct wire_buf text;

	wire_buf_init(&text, PARAM_BYTES);
	wire_buf_add(&text, filter_expr_chars(w->f, row), row->len);
	return add_param(w, &text);
}

/* An array literal: every element quoted. */
static unsigned add_texts(struct writer *w, struct filter_range range)
{
	struct wire_buf text;

	wire_buf_init(&text, PARAM_BYTES);
	for (uint32_t i = 0; i < range.n; i++) {
		const struct filter_row *row = &w->f->rows[range.first + i];
		const char *p = filter_expr_chars(w->f, row);

		wire_buf_printf(&text, i ? ",\"" : "{\"");
		for (uint32_t j = 0; j < row->len; j++) {
			if (p[j] == '"' || p[j] == '\\') wire_buf_add(&text, "\\", 1);
			wire_buf_add(&text, p + j, 1);
		}
		wire_buf_add(&text, "\"", 1);
	}
	wire_buf_add(&text, "}", 1);
	return add_param(w, &text);
}

static unsigned add_domain(struct writer *w, const char *domain, size_t len, char end)
{
	struct wire_buf text;

	wire_buf_init(&text, PARAM_BYTES);
	while (len) {
		size_t label = 0;

		while (label < len && domain[len - label - 1] != '.') label++;
		wire_buf_add(&text, domain + len - label, label);
		len -= label < len ? label + 1 : label;
		wire_buf_add(&text, len ? "." : &end, 1);
	}
	return add_param(w, &text);
}

static unsigned add_time(struct writer *w, int64_t us)
{
	char text[FILTER_TIME_TEXT];
	struct wire_buf param;

	filter_time_print(text, us);
	wire_buf_init(&param, PARAM_BYTES);
	wire_buf_printf(&param, "%s", text);
	return add_param(w, &param);
}

/* ---- leaves ------------------------------------------------------------------------------------ */
/* What a filter calls now: as now_of in match.c. */
static void write_now(struct writer *w, char out[NOW_BYTES])
{
	snprintf(out, NOW_BYTES, "greatest(r.received, $%u::text::timestamptz)", add_time(w, w->f->now_us));
}

/* valid_from <= T < valid_until, where a null is an open bound. */
static void write_valid(struct writer *w, const struct filter_node *node)
{
	char at[NOW_BYTES];

	if (node->mask) snprintf(at, sizeof(at), "$%u::text::timestamptz", add_time(w, node->number));
	else write_now(w, at);
	wire_buf_printf(&w->where, "(m.kind = 1 and coalesce(m.valid_from <= %s, true) and coalesce(m.valid_until > %s, true))", at, at);
}

/* condition: the row's, in which %s stands for `now`. */
static void write_case(struct writer *w, const char *condition, const char *now, int state)
{
	const char *gap = strstr(condition, "%s");

	if (gap) wire_buf_printf(&w->where, " when %.*s%s%s then %d", (int)(gap - condition), condition, now, gap + 2, state);
	else wire_buf_printf(&w->where, " when %s then %d", condition, state);
}

static void write_state(struct writer *w)
{
	char now[NOW_BYTES];

	write_now(w, now);
	wire_buf_printf(&w->where, "(case when m.kind <> 1 then 0"); /* what is no indicator is in no state */
#define STATE(num, NAME, name, sql) write_case(w, sql, now, num);
#include "states.def"
#undef STATE
	wire_buf_printf(&w->where, " end)");
}

static void write_name(struct writer *w, const struct filter_node *node, uint32_t types)
{
	struct wire_buf list;

	(void)types;
	if (node->field == FILTER_STATE) write_state(w);
	else wire_buf_printf(&w->where, "%s", columns[node->field]);
	if (node->op != FILTER_OP_IN) {
		wire_buf_printf(&w->where, " %s $%u::text::smallint", node->op == FILTER_OP_NE ? "<>" : filter_op_rows[node->op].text,
				add_number(w, node->number));
		return;
	}
	wire_buf_init(&list, PARAM_BYTES);
	for (unsigned i = 1; i < 32; i++)
		if (node->mask >> i & 1) wire_buf_printf(&list, "%s%u", list.len ? "," : "{", i);
	wire_buf_add(&list, "}", 1);
	wire_buf_printf(&w->where, " = any($%u::text::smallint[])", add_param(w, &list));
}

static void write_number(struct writer *w, const struct filter_node *node, uint32_t types)
{
	struct wire_buf list;

	(void)types;
	if (node->op != FILTER_OP_IN) {
		wire_buf_printf(&w->where, "%s %s $%u::text::bigint", columns[node->field],
				node->op == FILTER_OP_NE ? "<>" : filter_op_rows[node->op].text, add_number(w, node->number));
		return;
	}
	wire_buf_init(&list, PARAM_BYTES);
	for (uint32_t i = 0; i < node->shown.n; i++)
		wire_buf_printf(&list, "%s%lld", i ? "," : "{", (long long)w->f->numbers[node->shown.first + i]);
	wire_buf_add(&list, "}", 1);
	wire_buf_printf(&w->where, "%s = any($%u::text::bigint[])", columns[node->field], add_param(w, &list));
}

static void write_time(struct writer *w, const struct filter_node *node, uint32_t types)
{
	(void)types;
	wire_buf_printf(&w->where, "%s %s $%u::text::timestamptz", columns[node->field],
			node->op == FILTER_OP_NE ? "<>" : filter_op_rows[node->op].text, add_time(w, node->number));
}

/* A condition on one text. */
static void write_compare(struct writer *w, const struct filter_node *node)
{
	const char *column = columns[node->field];
	const struct filter_row *row = &w->f->rows[node->tested.first];

	if (node->op == FILTER_OP_STARTS) wire_buf_printf(&w->where, "starts_with(%s, $%u::text)", column, add_text(w, row));
	else if (node->op == FILTER_OP_CONTAINS) wire_buf_printf(&w->where, "strpos(%s, $%u::text) > 0", column, add_text(w, row));
	else if (node->op == FILTER_OP_IN) wire_buf_printf(&w->where, "%s = any($%u::text::text[])", column, add_texts(w, node->tested));
	else wire_buf_printf(&w->where, "%s = $%u::text", column, add_text(w, row));
}

static void write_text(struct writer *w, const struct filter_node *node, uint32_t types)
{
	(void)types;
	if (node->field == FILTER_GROUP) {
		wire_buf_printf(&w->where, "exists (select from member_group g where g.id = any(a.groups) and ");
		write_compare(w, node);
		wire_buf_printf(&w->where, ")");
	} else if (node->field == FILTER_TAG) {
		wire_buf_printf(&w->where, "exists (select from unnest(m.tags) t(name) where ");
		write_compare(w, node);
		wire_buf_printf(&w->where, ")");
	} else {
		write_compare(w, node);
	}
}

/* ---- value ----------------------------------------------------------------------------------------- */
static void write_under(struct writer *w, const char *domain, size_t len)
{
	/* '/' follows '.' in C collation: every name below `domain`, and itself, lies between the two. */
	unsigned from = add_domain(w, domain, len, '.'), to = add_domain(w, domain, len, '/');

	wire_buf_printf(&w->where, "(i.rdom >= $%u::text and i.rdom < $%u::text)", from, to);
}

static void add_net_text(struct wire_buf *out, const struct member_net *net, unsigned bits)
{
	struct member_net wide = *net;
	char text[FILTER_NET_TEXT];

	for (unsigned i = bits; i < net->prefix; i++) wide.addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	wide.prefix = (uint8_t)bits;
	filter_net_print(text, &wide);
	wire_buf_printf(out, "%s%s", out->len ? "," : "{", text);
}

/* Inside one of the networks, a range of the index each; or one of the networks around them, found by name. */
static void write_nets(struct writer *w, const struct member_net *nets, uint32_t n)
{
	char text[FILTER_NET_TEXT];
	struct wire_buf around, net;

	wire_buf_init(&around, PARAM_BYTES);
	wire_buf_printf(&w->where, "(");
	for (uint32_t i = 0; i < n; i++) {
		wire_buf_init(&net, PARAM_BYTES);
		filter_net_print(text, &nets[i]);
		wire_buf_printf(&net, "%s", text);
		wire_buf_printf(&w->where, "i.addr <<= $%u::text::inet or ", add_param(w, &net));
		for (unsigned bits = 0; bits < nets[i].prefix; bits++) add_net_text(&around, &nets[i], bits);
	}
	wire_buf_printf(&around, around.len ? "}" : "{}");
	wire_buf_printf(&w->where, "i.addr = any($%u::text::inet[]))", add_param(w, &around));
}

static void add_key(struct wire_buf *keys, uint32_t type, const char *text, size_t len)
{
	uint8_t key[WIRE_VALUE_KEY];
	char hex[2 * WIRE_VALUE_KEY + 1];

	wire_value_key(key, type, text, len);
	wire_hex(hex, key, sizeof(key));
	wire_buf_printf(keys, "%s%s", keys->len ? "," : "{", hex);
}

static void write_keys(struct writer *w, const struct filter_node *node, uint32_t types)
{
	struct wire_buf keys;
	unsigned n = 0;

	wire_buf_init(&keys, PARAM_BYTES);
	for (uint32_t i = 0; i < node->tested.n; i++) {
		const struct filter_row *row = &w->f->rows[node->tested.first + i];

		for (uint32_t type = 1; type < WIRE_VALUE_END; type++)
			if (row->types & types & 1u << type) {
				add_key(&keys, type, filter_expr_chars(w->f, row), row->len);
				n++;
			}
	}
	wire_buf_printf(&keys, "}"); /* {digits} is also how a single uuid may be written */
	if (!n) {
		wire_buf_clear(&keys);
		wire_buf_printf(&w->where, "false");
	} else {
		wire_buf_printf(&w->where, n == 1 ? "m.key = $%u::text::uuid" : "m.key = any($%u::text::uuid[])", add_param(w, &keys));
	}
}

static void write_value(struct writer *w, const struct filter_node *node, uint32_t types)
{
	const struct filter_row *row;

	if (node->op == FILTER_OP_NET) {
		write_nets(w, &w->f->nets[node->shown.first], 1);
	} else if (node->op == FILTER_OP_UNDER) {
		row = &w->f->rows[node->tested.first];
		write_under(w, filter_expr_chars(w->f, row), row->len);
	} else if (node->op == FILTER_OP_STARTS || node->op == FILTER_OP_CONTAINS) {
		write_compare(w, node);
	} else {
		write_keys(w, node, types);
	}
}

static void write_mine(struct writer *w)
{
	const struct member *self = w->self;
	struct wire_buf asns, keys;

	if (!self || !(self->nets_n || self->domains_n || self->asns_n)) {
		wire_buf_printf(&w->where, "false");
		return;
	}
	wire_buf_printf(&w->where, "(");
	write_nets(w, self->nets, self->nets_n);
	for (uint32_t i = 0; i < self->domains_n; i++) {
		wire_buf_printf(&w->where, " or ");
		write_under(w, self->domains[i], strlen(self->domains[i]));
	}
	if (self->asns_n) {
		wire_buf_init(&asns, PARAM_BYTES);
		wire_buf_init(&keys, PARAM_BYTES);
		for (uint32_t i = 0; i < self->asns_n; i++) {
			char number[16];

			wire_buf_printf(&asns, "%s%u", i ? "," : "{", self->asns[i]);
			snprintf(number, sizeof(number), "%u", self->asns[i]);
			add_key(&keys, WIRE_VALUE_ASN, number, strlen(number));
		}
		wire_buf_printf(&asns, "}");
		wire_buf_printf(&keys, "}");
		wire_buf_printf(&w->where, " or m.asn = any($%u::text::bigint[])", add_param(w, &asns));
		wire_buf_printf(&w->where, " or m.key = any($%u::text::uuid[])", add_param(w, &keys));
	}
	wire_buf_printf(&w->where, ")");
}

static void repeat_mine(struct writer *w)
{
	struct wire_buf copy;

	if (!w->mine_len) {
		w->mine_at = w->where.len;
		write_mine(w);
		w->mine_len = w->where.len - w->mine_at;
		return;
	}
	if (w->where.err) return;
	wire_buf_init(&copy, FILTER_SQL_BYTES); /* adding from the buffer itself would read what it frees */
	wire_buf_add(&copy, w->where.data + w->mine_at, w->mine_len);
	if (copy.err) w->err = copy.err;
	wire_buf_add(&w->where, copy.data, copy.len);
	wire_buf_clear(&copy);
}

/* ---- the tree ----------------------------------------------------------------------------------------- */
static void (*const writers[])(struct writer *, const struct filter_node *, uint32_t) = {
	[FILTER_KIND_NAME] = write_name,  [FILTER_KIND_VALUE] = write_value, [FILTER_KIND_TEXT] = write_text,
	[FILTER_KIND_LOWER] = write_text, [FILTER_KIND_UPPER] = write_text,  [FILTER_KIND_NUMBER] = write_number,
	[FILTER_KIND_TIME] = write_time,
};

/* `!=` of texts is `not =`; of numbers, times and names it is an operator of its own. */
static void write_test(struct writer *w, const struct filter_node *node, uint32_t types, bool negated)
{
	enum filter_kind kind = filter_field_rows[node->field].kind;
	bool not_equal = node->op == FILTER_OP_NE && kind != FILTER_KIND_NUMBER && kind != FILTER_KIND_TIME && kind != FILTER_KIND_NAME;

	if (not_equal) wire_buf_printf(&w->where, "not ");
	if (not_equal || negated) wire_buf_printf(&w->where, "coalesce(");
	writers[kind](w, node, types);
	if (not_equal || negated) wire_buf_printf(&w->where, ", false)");
}

/* Types that the operands of an `and` leave possible. */
static uint32_t narrow_types(const struct filter *f, uint32_t at, uint32_t types)
{
	for (uint32_t child = at + 1; child < at + f->nodes[at].size; child += f->nodes[child].size)
		if (f->nodes[child].what == FILTER_TEST && f->nodes[child].field == FILTER_TYPE) types &= f->nodes[child].mask;
	return types;
}

static void write_node(struct writer *w, uint32_t at, uint32_t types, bool negated)
{
	const struct filter_node *node = &w->f->nodes[at];
	uint32_t end = at + node->size;

	if (node->what == FILTER_TEST) {
		write_test(w, node, types, negated);
	} else if (node->what == FILTER_TRUE) {
		wire_buf_printf(&w->where, "true");
	} else if (node->what == FILTER_VALID) {
		write_valid(w, node);
	} else if (node->what == FILTER_MINE) {
		if (negated) wire_buf_printf(&w->where, "coalesce(");
		repeat_mine(w);
		if (negated) wire_buf_printf(&w->where, ", false)");
	} else if (node->what == FILTER_NOT) {
		wire_buf_printf(&w->where, "not (");
		write_node(w, at + 1, types, true);
		wire_buf_printf(&w->where, ")");
	} else {
		if (node->what == FILTER_AND) types = narrow_types(w->f, at, types);
		wire_buf_printf(&w->where, "(");
		for (uint32_t child = at + 1; child < end; child += w->f->nodes[child].size) {
			if (child > at + 1) wire_buf_printf(&w->where, node->what == FILTER_AND ? " and " : " or ");
			write_node(w, child, types, negated);
		}
		wire_buf_printf(&w->where, ")");
	}
}

enum isac_err filter_to_sql(struct filter_sql *out, const struct filter *f, const struct member *self, unsigned first_param)
{
	struct writer w = {.f = f, .self = self, .out = out, .first = first_param};

	memset(out, 0, sizeof(*out));
	wire_buf_init(&w.where, FILTER_SQL_BYTES);
	write_node(&w, 0, UINT32_MAX, false);
	wire_buf_add(&w.where, "", 1);
	if (!w.err) w.err = w.where.err;
	if (!w.err) {
		out->where = strdup((const char *)w.where.data);
		if (!out->where) w.err = ISAC_ERR_NO_MEMORY;
	}
	wire_buf_clear(&w.where);
	if (w.err) filter_sql_clear(out);
	return w.err;
}

void filter_sql_clear(struct filter_sql *sql)
{
	for (unsigned i = 0; i < sql->params; i++) free(sql->param[i]);
	free(sql->param);
	free(sql->where);
	memset(sql, 0, sizeof(*sql));
}
