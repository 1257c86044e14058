/*
 * print: a filter's normal form, proto/README.md section 9: one spelling for one tree, which parses to the same tree.
 */
#include <stdlib.h>
#include <string.h>

#include "filter/priv.h"

static void print_string(struct wire_buf *out, const char *text, uint32_t len)
{
	wire_buf_add(out, "\"", 1);
	for (uint32_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\') wire_buf_add(out, "\\", 1);
		wire_buf_add(out, text + i, 1);
	}
	wire_buf_add(out, "\"", 1);
}

static void print_rows(struct wire_buf *out, const struct filter *f, const struct filter_node *node)
{
	for (uint32_t i = 0; i < node->shown.n; i++) {
		const struct filter_row *row = &f->rows[node->shown.first + i];

		if (i) wire_buf_add(out, ", ", 2);
		if (node->op == FILTER_OP_UNDER) wire_buf_add(out, filter_expr_chars(f, row), row->len);
		else print_string(out, filter_expr_chars(f, row), row->len);
	}
}

static void print_numbers(struct wire_buf *out, const struct filter *f, const struct filter_node *node)
{
	for (uint32_t i = 0; i < node->shown.n; i++)
		wire_buf_printf(out, "%s%lld", i ? ", " : "", (long long)f->numbers[node->shown.first + i]);
}

static void print_names(struct wire_buf *out, const struct filter *f, const struct filter_node *node)
{
	bool more = false;

	(void)f;
	if (node->op != FILTER_OP_IN) {
		wire_buf_printf(out, "%s", filter_words_name(node->field, (uint32_t)node->number));
		return;
	}
	for (uint32_t i = 1; i < 32; i++)
		if (node->mask >> i & 1) {
			wire_buf_printf(out, "%s%s", more ? ", " : "", filter_words_name(node->field, i));
			more = true;
		}
}

static void print_time(struct wire_buf *out, const struct filter *f, const struct filter_node *node)
{
	char text[FILTER_TIME_TEXT];

	(void)f;
	filter_time_print(text, node->number);
	wire_buf_printf(out, "%s", text);
}

static void (*const printers[])(struct wire_buf *, const struct filter *, const struct filter_node *) = {
	[FILTER_KIND_NAME] = print_names, [FILTER_KIND_VALUE] = print_rows, [FILTER_KIND_TEXT] = print_rows,
	[FILTER_KIND_LOWER] = print_rows, [FILTER_KIND_UPPER] = print_rows, [FILTER_KIND_NUMBER] = print_numbers,
	[FILTER_KIND_TIME] = print_time,
};

static void print_test(struct wire_buf *out, const struct filter *f, const struct filter_node *node)
{
	char net[FILTER_NET_TEXT];

	wire_buf_printf(out, "%s %s ", filter_field_rows[node->field].name, filter_op_rows[node->op].text);
	if (node->op == FILTER_OP_NET) {
		filter_net_print(net, &f->nets[node->shown.first]);
		wire_buf_printf(out, "%s", net);
		return;
	}
	if (node->op == FILTER_OP_IN) wire_buf_add(out, "(", 1);
	printers[filter_field_rows[node->field].kind](out, f, node);
	if (node->op == FILTER_OP_IN) wire_buf_add(out, ")", 1);
}

/* Parentheses stand only where the grammar needs them: around `or` in `and`, around both in `not`. */
static void print_node(struct wire_buf *out, const struct filter *f, uint32_t at, enum filter_what around)
{
	static const char *const words[] = {[FILTER_TRUE] = "true", [FILTER_MINE] = "mine", [FILTER_VALID] = "valid"};
	const struct filter_node *node = &f->nodes[at];
	bool chain = node->what == FILTER_AND || node->what == FILTER_OR;
	bool wrap = chain && (around == FILTER_NOT || (around == FILTER_AND && node->what == FILTER_OR));

	if (wrap) wire_buf_add(out, "(", 1);
	if (chain) {
		for (uint32_t child = at + 1; child < at + node->size; child += f->nodes[child].size) {
			if (child > at + 1) wire_buf_printf(out, node->what == FILTER_AND ? " and " : " or ");
			print_node(out, f, child, node->what);
		}
	} else if (node->what == FILTER_NOT) {
		wire_buf_printf(out, "not ");
		print_node(out, f, at + 1, FILTER_NOT);
	} else if (node->what == FILTER_TEST) {
		print_test(out, f, node);
	} else {
		wire_buf_printf(out, "%s", words[node->what]);
		if (node->what == FILTER_VALID && node->mask) {
			wire_buf_printf(out, " at ");
			print_time(out, f, node);
		}
	}
	if (wrap) wire_buf_add(out, ")", 1);
}

void filter_print_leaf(struct wire_buf *out, const struct filter *f, uint32_t at)
{
	print_node(out, f, at, FILTER_OR);
}

enum isac_err filter_print(struct filter *f)
{
	struct wire_buf out;
	enum isac_err err;

	wire_buf_init(&out, WIRE_LIMIT_FILTER_BYTES + 1);
	print_node(&out, f, 0, FILTER_OR);
	wire_buf_add(&out, "", 1);
	err = out.err;
	if (!err) {
		f->text = strdup((const char *)out.data);
		if (!f->text) err = ISAC_ERR_NO_MEMORY;
	}
	wire_buf_clear(&out);
	return err;
}
