/*
 * expr: the tree as a whole: its end, its jumps, and the questions about it that need no report.
 */
#include <stdlib.h>

#include "filter/priv.h"

void filter_destroy(struct filter **f)
{
	if (!*f) return;
	free((*f)->nodes);
	free((*f)->rows);
	free((*f)->numbers);
	free((*f)->nets);
	free((*f)->chars);
	free((*f)->text);
	free(*f);
	*f = NULL;
}

const char *filter_text(const struct filter *f)
{
	return f->text;
}

bool filter_history_only(const struct filter *f, uint32_t *column)
{
	for (uint32_t i = 0; i < f->nodes_n; i++)
		if (f->nodes[i].what == FILTER_TEST && filter_field_rows[f->nodes[i].field].history) {
			if (column) *column = f->nodes[i].column;
			return true;
		}
	return false;
}

/* The leaf with which the subtree at `at` begins: inner nodes stand before their operands. */
static uint16_t first_leaf(const struct filter *f, uint32_t at)
{
	while (f->nodes[at].what <= FILTER_NOT) at++;
	return (uint16_t)at;
}

/* Recurses as deep as the tree: a few levels more than FILTER_DEPTH. */
static void link(struct filter *f, uint32_t at, uint16_t yes, uint16_t no)
{
	struct filter_node *node = &f->nodes[at];
	uint32_t end = at + node->size;

	if (node->what == FILTER_NOT) {
		link(f, at + 1, no, yes);
	} else if (node->what == FILTER_AND || node->what == FILTER_OR) {
		for (uint32_t child = at + 1, next; child < end; child = next) {
			next = child + f->nodes[child].size;
			if (next == end) link(f, child, yes, no);
			else if (node->what == FILTER_AND) link(f, child, first_leaf(f, next), no);
			else link(f, child, yes, first_leaf(f, next));
		}
	} else {
		node->yes = yes;
		node->no = no;
	}
}

void filter_expr_link(struct filter *f)
{
	f->entry = first_leaf(f, 0);
	link(f, 0, FILTER_YES, FILTER_NO);
}
