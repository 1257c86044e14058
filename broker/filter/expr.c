/*
 * expr: the tree as a whole: its end, its jumps, and the questions about it that need no report.
 */
#include <stdlib.h>
#include <string.h>

#include "filter/priv.h"

static void free_arrays(struct filter *f)
{
	free(f->nodes);
	free(f->rows);
	free(f->numbers);
	free(f->nets);
	free(f->chars);
	free(f->text);
}

void filter_destroy(struct filter **f)
{
	if (!*f) return;
	if (!(*f)->packed) free_arrays(*f);
	free(*f);
	*f = NULL;
}

const char *filter_text(const struct filter *f)
{
	return f->text;
}

int64_t filter_now_us(const struct filter *f)
{
	return f->now_us;
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

static void *move(char **to, const void *from, size_t bytes)
{
	void *at = *to;

	if (bytes) memcpy(at, from, bytes);
	*to += bytes;
	return at;
}

/* The largest alignment first, so that none needs padding. */
void filter_expr_pack(struct filter **f)
{
	struct filter *old = *f, *packed;
	size_t text = strlen(old->text) + 1;
	size_t nodes = old->nodes_n * sizeof(*old->nodes), numbers = old->numbers_n * sizeof(*old->numbers);
	size_t rows = old->rows_n * sizeof(*old->rows), nets = old->nets_n * sizeof(*old->nets);
	char *to;

	packed = malloc(sizeof(*packed) + nodes + numbers + rows + nets + old->chars_n + text);
	if (!packed) return;
	*packed = *old;
	packed->packed = true;
	to = (char *)(packed + 1);
	packed->nodes = move(&to, old->nodes, nodes);
	packed->numbers = move(&to, old->numbers, numbers);
	packed->rows = move(&to, old->rows, rows);
	packed->nets = move(&to, old->nets, nets);
	packed->chars = move(&to, old->chars, old->chars_n);
	packed->text = move(&to, old->text, text);
	free_arrays(old);
	free(old);
	*f = packed;
}

void filter_expr_link(struct filter *f)
{
	f->entry = first_leaf(f, 0);
	link(f, 0, FILTER_YES, FILTER_NO);
}
