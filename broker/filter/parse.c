/*
 * parse: recursive descent over the grammar of proto/README.md section 9, one function a rule.
 *
 * Nodes are written straight into the filter in prefix order; a chain's head is put in front once its `and` or `or` is seen.
 * Limits hold while parsing: depth bounds the recursion, terms bound everything else. The first error wins and says where, and what
 * could have stood there.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "filter/priv.h"

struct parser {
	const char *text;
	uint32_t len, terms, depth;
	int64_t now_us;
	struct filter_token token;
	struct filter *f;
	struct filter_error *why;
	struct wire_arena arena; /* scratch of one operand */
	char *plain;
	uint32_t plain_len; /* the operand at hand, escapes undone; as large as the text */
};

static const char *const field_expected = "a field (type, value, tlp, tag, confidence ...), mine, valid, true, not or (";

static bool parse_or(struct parser *p);

static bool fail(struct parser *p, enum isac_err err, uint32_t at, const char *expected, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
static bool fail(struct parser *p, enum isac_err err, uint32_t at, const char *expected, const char *fmt, ...)
{
	va_list ap;
	size_t used;

	p->why->err = err;
	p->why->column = at + 1;
	snprintf(p->why->expected, sizeof(p->why->expected), "%s", expected);
	used = (size_t)snprintf(p->why->text, sizeof(p->why->text), "column %u: ", at + 1);
	va_start(ap, fmt);
	vsnprintf(p->why->text + used, sizeof(p->why->text) - used, fmt, ap);
	va_end(ap);
	return false;
}

static bool out_of_memory(struct parser *p)
{
	return fail(p, ISAC_ERR_NO_MEMORY, p->token.at, "", "out of memory");
}

/* Names the token at hand: words are ASCII, and nothing else of the text is repeated. */
static bool fail_token(struct parser *p, const char *expected)
{
	const struct filter_token *t = &p->token;

	if (t->kind == FILTER_LEX_BAD && *t->bad) return fail(p, ISAC_ERR_MALFORMED, t->at, t->bad, "expected %s", t->bad);
	if (t->kind == FILTER_LEX_END) return fail(p, ISAC_ERR_MALFORMED, t->at, expected, "the filter ends; expected %s", expected);
	if (t->kind == FILTER_LEX_WORD)
		return fail(p, ISAC_ERR_MALFORMED, t->at, expected, "unexpected %.*s; expected %s", t->len > 32 ? 32 : (int)t->len,
			    p->text + t->at, expected);
	return fail(p, ISAC_ERR_MALFORMED, t->at, expected, "expected %s", expected);
}

static void advance(struct parser *p)
{
	filter_lex_next(&p->token, p->text, p->len, p->token.at + p->token.len);
}

static bool at_word(const struct parser *p, const char *word)
{
	return p->token.kind == FILTER_LEX_WORD && filter_words_same(p->text + p->token.at, p->token.len, word);
}

static bool count_term(struct parser *p)
{
	if (++p->terms > WIRE_LIMIT_FILTER_TERMS)
		return fail(p, ISAC_ERR_TOO_LARGE, p->token.at, "fewer terms", "more than %d terms", WIRE_LIMIT_FILTER_TERMS);
	return true;
}

/* ---- nodes ------------------------------------------------------------------------------ */
static bool add_node(struct parser *p, enum filter_what what)
{
	struct filter *f = p->f;
	struct filter_node *nodes = filter_operand_room(f->nodes, f->nodes_n, &f->nodes_cap, sizeof(*nodes));

	if (!nodes) return out_of_memory(p);
	f->nodes = nodes;
	f->nodes[f->nodes_n++] = (struct filter_node){.what = (uint8_t)what, .size = 1, .column = p->token.at + 1};
	return true;
}

/* Sizes are relative, so the nodes behind may move. */
static bool insert_node(struct parser *p, uint32_t at, enum filter_what what)
{
	struct filter_node node;

	if (!add_node(p, what)) return false;
	node = p->f->nodes[p->f->nodes_n - 1];
	memmove(&p->f->nodes[at + 1], &p->f->nodes[at], (p->f->nodes_n - 1 - at) * sizeof(node));
	p->f->nodes[at] = node;
	return true;
}

static void remove_nodes(struct filter *f, uint32_t at, uint32_t n)
{
	memmove(&f->nodes[at], &f->nodes[at + n], (f->nodes_n - at - n) * sizeof(*f->nodes));
	f->nodes_n -= n;
}

/* ---- operands ----------------------------------------------------------------------------- */
/* The token's text, escapes undone, into p->plain. */
static bool take_plain(struct parser *p, const char *expected)
{
	const struct filter_token *t = &p->token;
	bool quoted = t->kind == FILTER_LEX_STRING;
	uint32_t end = t->at + t->len - (quoted ? 1 : 0);

	if (!quoted && t->kind != FILTER_LEX_WORD) return fail_token(p, expected);
	p->plain_len = 0;
	for (uint32_t i = t->at + (quoted ? 1 : 0); i < end; i++) {
		if (quoted && p->text[i] == '\\') i++;
		p->plain[p->plain_len++] = p->text[i];
	}
	if (!p->plain_len) return fail(p, ISAC_ERR_MALFORMED, t->at, "a text that is not empty", "the text is empty");
	if (!wire_text_ok(p->plain, p->plain_len))
		return fail(p, ISAC_ERR_MALFORMED, t->at, "UTF-8 without control characters",
			    "the text holds bytes that no field may hold");
	return true;
}

static bool read_name(struct parser *p, struct filter_node *node)
{
	char expected[96];
	uint32_t number;

	filter_words_list(expected, sizeof(expected), node->field);
	if (!take_plain(p, expected)) return false;
	number = filter_words_number(node->field, p->plain, p->plain_len);
	if (!number) return fail_token(p, expected);
	node->number = number;
	node->mask |= 1u << number;
	return true;
}

static bool read_number(struct parser *p, struct filter_node *node)
{
	const struct filter_field_row *row = &filter_field_rows[node->field];
	char expected[96];
	uint32_t i = 0;
	int64_t number = 0;

	snprintf(expected, sizeof(expected), "a number from %lld to %lld", (long long)row->least, (long long)row->most);
	if (!take_plain(p, expected)) return false;
	if (node->field == FILTER_ASN && p->plain_len > 2 && filter_words_same(p->plain, 2, "as")) i = 2;
	for (uint32_t first = i; i < p->plain_len; i++) {
		if (p->plain[i] < '0' || p->plain[i] > '9' || i - first >= 10) return fail_token(p, expected);
		number = number * 10 + (p->plain[i] - '0');
	}
	if (number < row->least || number > row->most) return fail_token(p, expected);
	if (filter_operand_number(p->f, number)) return out_of_memory(p);
	return true;
}

static bool read_time(struct parser *p, struct filter_node *node)
{
	static const char *const expected = "a time like 2026-01-31T08:00:00Z, a date or an age like 7d";

	if (!take_plain(p, expected)) return false;
	return filter_time_parse(&node->number, p->plain, p->plain_len, p->now_us) || fail_token(p, expected);
}

static bool read_text(struct parser *p, struct filter_node *node)
{
	if (!take_plain(p, "a value, in double quotes if it holds other than letters, digits and ._-:/+@*")) return false;
	return !filter_operand_text(p->f, filter_field_rows[node->field].kind, p->plain, p->plain_len) || out_of_memory(p);
}

static bool read_domain(struct parser *p)
{
	enum isac_err err;

	if (!take_plain(p, "a domain name")) return false;
	err = filter_operand_domain(p->f, p->plain, p->plain_len, &p->arena);
	if (err == ISAC_ERR_NO_MEMORY) return out_of_memory(p);
	return !err || fail_token(p, "a domain name");
}

static bool read_net(struct parser *p, struct filter_node *node)
{
	static const char *const expected = "( or a network like 203.0.113.0/24, no bit set behind its prefix";
	struct filter *f = p->f;
	struct member_net *nets = filter_operand_room(f->nets, f->nets_n, &f->nets_cap, sizeof(*nets));

	if (!nets) return out_of_memory(p);
	f->nets = nets;
	if (!take_plain(p, expected)) return false;
	if (!filter_net_parse(&nets[f->nets_n], p->plain, p->plain_len)) return fail_token(p, expected);
	node->shown = (struct filter_range){f->nets_n++, 1};
	return true;
}

static bool read_value(struct parser *p, struct filter_node *node)
{
	static bool (*const readers[])(struct parser *, struct filter_node *) = {
		[FILTER_KIND_NAME] = read_name,	 [FILTER_KIND_VALUE] = read_text, [FILTER_KIND_TEXT] = read_text,
		[FILTER_KIND_LOWER] = read_text, [FILTER_KIND_UPPER] = read_text, [FILTER_KIND_NUMBER] = read_number,
		[FILTER_KIND_TIME] = read_time,
	};

	if (!count_term(p)) return false;
	if (node->op == FILTER_OP_NET) return read_net(p, node);
	if (node->op == FILTER_OP_UNDER) return read_domain(p);
	return readers[filter_field_rows[node->field].kind](p, node);
}

static bool read_list(struct parser *p, struct filter_node *node)
{
	advance(p);
	for (;;) {
		if (!read_value(p, node)) return false;
		advance(p);
		if (p->token.kind == FILTER_LEX_CLOSE) return true;
		if (p->token.kind != FILTER_LEX_COMMA) return fail_token(p, ", or )");
		advance(p);
	}
}

/* ---- tests --------------------------------------------------------------------------------- */
/* From the operand's names to the set of numbers that match. */
static void set_mask(struct filter_node *node)
{
	uint32_t pivot = 1u << node->number, below = pivot - 1;

	switch (node->op) {
	case FILTER_OP_NE:
		node->mask = ~pivot;
		return;
	case FILTER_OP_LT:
		node->mask = below;
		return;
	case FILTER_OP_LE:
		node->mask = below | pivot;
		return;
	case FILTER_OP_GT:
		node->mask = ~(below | pivot);
		return;
	case FILTER_OP_GE:
		node->mask = ~below;
		return;
	case FILTER_OP_IN:
		if (node->mask == pivot) node->op = FILTER_OP_EQ;
		return;
	default:
		return;
	}
}

static bool find_op(struct parser *p, struct filter_node *node)
{
	uint32_t ops = filter_field_rows[node->field].ops;
	char expected[96] = "";
	size_t used = 0;

	for (uint32_t op = 0; op < FILTER_OPS; op++) {
		const struct filter_op_row *row = &filter_op_rows[op];

		if (!(ops >> op & 1)) continue;
		if (p->token.kind == FILTER_LEX_OP ? p->token.op == op : at_word(p, row->text)) {
			node->op = (uint8_t)op;
			return true;
		}
		used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s%s", used ? ", " : "", row->shown);
	}
	return fail_token(p, expected);
}

static bool parse_test(struct parser *p, uint32_t field)
{
	struct filter *f = p->f;
	uint32_t at = f->nodes_n;
	struct filter_node node;

	if (!add_node(p, FILTER_TEST)) return false;
	node = f->nodes[at];
	node.field = (uint8_t)field;
	node.shown.first = filter_field_rows[field].kind == FILTER_KIND_NUMBER ? f->numbers_n : f->rows_n;
	advance(p);
	if (!find_op(p, &node)) return false;
	advance(p);
	if (node.op == FILTER_OP_IN && p->token.kind != FILTER_LEX_OPEN) {
		if (!(filter_field_rows[field].ops >> FILTER_OP_NET & 1)) return fail_token(p, "(");
		node.op = FILTER_OP_NET;
	}
	if (node.op == FILTER_OP_IN ? !read_list(p, &node) : !read_value(p, &node)) return false;
	if (filter_field_rows[field].kind == FILTER_KIND_NAME) set_mask(&node);
	if (filter_operand_finish(f, &node, &p->arena)) return out_of_memory(p);
	f->nodes[at] = node;
	advance(p);
	return true;
}

/* valid [ "at" time ] */
static bool parse_valid(struct parser *p)
{
	uint32_t at = p->f->nodes_n;
	struct filter_node node;

	if (!count_term(p) || !add_node(p, FILTER_VALID)) return false;
	node = p->f->nodes[at];
	advance(p);
	if (at_word(p, "at")) {
		advance(p);
		if (!read_time(p, &node)) return false;
		node.mask = 1;
		p->f->nodes[at] = node;
		advance(p);
	}
	return true;
}

static bool deeper(struct parser *p)
{
	if (++p->depth > WIRE_LIMIT_FILTER_DEPTH)
		return fail(p, ISAC_ERR_MALFORMED, p->token.at, "a filter less deep", "more than %d levels of parentheses and not",
			    WIRE_LIMIT_FILTER_DEPTH);
	return true;
}

static bool parse_primary(struct parser *p)
{
	if (p->token.kind == FILTER_LEX_OPEN) {
		if (!deeper(p)) return false;
		advance(p);
		if (!parse_or(p)) return false;
		if (p->token.kind != FILTER_LEX_CLOSE) return fail_token(p, "and, or or )");
		p->depth--;
		advance(p);
		return true;
	}
	if (p->token.kind != FILTER_LEX_WORD) return fail_token(p, field_expected);
	if (at_word(p, "true") || at_word(p, "mine")) {
		if (!count_term(p) || !add_node(p, at_word(p, "true") ? FILTER_TRUE : FILTER_MINE)) return false;
		advance(p);
		return true;
	}
	if (at_word(p, "valid")) return parse_valid(p);
	for (uint32_t field = 0; field < FILTER_FIELDS; field++)
		if (at_word(p, filter_field_rows[field].name)) return parse_test(p, field);
	return fail_token(p, field_expected);
}

static bool parse_not(struct parser *p)
{
	struct filter *f = p->f;
	uint32_t at = f->nodes_n;

	if (!at_word(p, "not")) return parse_primary(p);
	if (!deeper(p) || !add_node(p, FILTER_NOT)) return false;
	advance(p);
	if (!parse_primary(p)) return false;
	p->depth--;
	if (f->nodes[at + 1].what == FILTER_NOT) remove_nodes(f, at, 2); /* not (not x) is x */
	else f->nodes[at].size = (uint16_t)(f->nodes_n - at);
	return true;
}

/* operand { word operand }, as one node whose operands are no chains of the same kind. */
static bool parse_chain(struct parser *p, enum filter_what what, const char *word, bool (*operand)(struct parser *))
{
	struct filter *f = p->f;
	uint32_t start = f->nodes_n;

	if (!operand(p)) return false;
	if (!at_word(p, word)) return true;
	if (f->nodes[start].what != what && !insert_node(p, start, what)) return false;
	while (at_word(p, word)) {
		uint32_t at = f->nodes_n;

		advance(p);
		if (!operand(p)) return false;
		if (f->nodes[at].what == what) remove_nodes(f, at, 1);
	}
	f->nodes[start].size = (uint16_t)(f->nodes_n - start);
	return true;
}

static bool parse_and(struct parser *p)
{
	return parse_chain(p, FILTER_AND, "and", parse_not);
}

static bool parse_or(struct parser *p)
{
	return parse_chain(p, FILTER_OR, "or", parse_and);
}

/* ---- the whole -------------------------------------------------------------------------------- */
static bool parse_filter(struct parser *p)
{
	advance(p);
	if (p->token.kind == FILTER_LEX_END) return add_node(p, FILTER_TRUE);
	if (!parse_or(p)) return false;
	return p->token.kind == FILTER_LEX_END || fail_token(p, "and, or or the end");
}

enum isac_err filter_parse(struct filter **out, const char *text, size_t len, int64_t now_us, struct filter_error *why)
{
	struct filter_error own;
	struct parser p = {.text = text, .now_us = now_us, .why = why ? why : &own};
	enum isac_err err = ISAC_OK;

	*out = NULL;
	memset(p.why, 0, sizeof(*p.why));
	if (len > WIRE_LIMIT_FILTER_BYTES) {
		fail(&p, ISAC_ERR_TOO_LARGE, WIRE_LIMIT_FILTER_BYTES, "a shorter filter", "more than %d bytes", WIRE_LIMIT_FILTER_BYTES);
		return ISAC_ERR_TOO_LARGE;
	}
	p.len = (uint32_t)len;
	p.f = calloc(1, sizeof(*p.f));
	p.plain = malloc(len + 1);
	wire_arena_init(&p.arena, WIRE_LIMIT_DECODE_BYTES);
	if (!p.f || !p.plain) {
		out_of_memory(&p);
		err = p.why->err;
	} else if (!parse_filter(&p)) {
		err = p.why->err;
	} else {
		p.f->now_us = now_us;
		filter_expr_link(p.f);
		err = filter_print(p.f);
		if (err) fail(&p, err, p.len, "a shorter filter", "the filter's normal form is over %d bytes", WIRE_LIMIT_FILTER_BYTES);
	}
	wire_arena_clear(&p.arena);
	free(p.plain);
	if (err) filter_destroy(&p.f);
	else filter_expr_pack(&p.f);
	*out = p.f;
	return err;
}
