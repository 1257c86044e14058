/*
 * trace: why does an item match, or not? Each test of the filter is run as a filter of its own, by the code that matches for
 * delivery, so that an explanation cannot differ from what was done.
 */
#include <stdlib.h>
#include <string.h>

#include "filter/priv.h"

struct trace_test {
	uint16_t node;
	bool negated;
	char *text;
};
struct filter_trace {
	const struct filter *f;
	struct trace_test *tests;
	uint32_t n;
};

/* The test at a node alone; it borrows the filter's operands. */
static struct filter alone(const struct filter *f, struct filter_node *node)
{
	struct filter one = *f;

	node->yes = FILTER_YES;
	node->no = FILTER_NO;
	one.nodes = node;
	one.nodes_n = 1;
	one.entry = 0;
	one.text = NULL;
	return one;
}

/* Recurses as deep as the tree: a few levels more than FILTER_DEPTH. */
static void find_tests(struct filter_trace *t, uint32_t at, bool negated)
{
	const struct filter_node *node = &t->f->nodes[at];

	if (node->what > FILTER_NOT) {
		t->tests[t->n++] = (struct trace_test){.node = (uint16_t)at, .negated = negated};
		return;
	}
	for (uint32_t child = at + 1; child < at + node->size; child += t->f->nodes[child].size)
		find_tests(t, child, negated != (node->what == FILTER_NOT));
}

enum isac_err filter_trace_new(struct filter_trace **out, const struct filter *f)
{
	struct filter_trace *t = calloc(1, sizeof(*t));
	enum isac_err err = ISAC_OK;

	*out = t;
	if (!t) return ISAC_ERR_NO_MEMORY;
	t->f = f;
	t->tests = calloc(f->nodes_n, sizeof(*t->tests));
	if (!t->tests) err = ISAC_ERR_NO_MEMORY;
	else find_tests(t, 0, false);
	for (uint32_t i = 0; !err && i < t->n; i++) {
		struct filter_node node = f->nodes[t->tests[i].node];
		struct filter one = alone(f, &node);

		err = filter_print(&one);
		t->tests[i].text = one.text;
	}
	if (err) filter_trace_destroy(out);
	return err;
}

void filter_trace_destroy(struct filter_trace **trace)
{
	struct filter_trace *t = *trace;

	if (!t) return;
	for (uint32_t i = 0; i < t->n; i++) free(t->tests[i].text);
	free(t->tests);
	free(t);
	*trace = NULL;
}

uint32_t filter_trace_tests(const struct filter_trace *t)
{
	return t->n;
}

const char *filter_trace_text(const struct filter_trace *t, uint32_t test)
{
	return t->tests[test].text;
}

bool filter_trace_negated(const struct filter_trace *t, uint32_t test)
{
	return t->tests[test].negated;
}

/* ---- one item ---------------------------------------------------------------------------- */
struct walk {
	const struct filter_trace *t;
	const bool *holds;
	bool *blamed;
};

/* Tests stand in the order of their nodes. */
static uint32_t test_at(const struct filter_trace *t, uint32_t node)
{
	uint32_t low = 0, high = t->n;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (t->tests[mid].node <= node) low = mid;
		else high = mid;
	}
	return low;
}

static bool value_of(const struct walk *w, uint32_t at)
{
	const struct filter_node *node = &w->t->f->nodes[at];

	if (node->what > FILTER_NOT) return w->holds[test_at(w->t, at)];
	if (node->what == FILTER_NOT) return !value_of(w, at + 1);
	for (uint32_t child = at + 1; child < at + node->size; child += w->t->f->nodes[child].size)
		if (value_of(w, child) == (node->what == FILTER_OR)) return node->what == FILTER_OR;
	return node->what == FILTER_AND;
}

/* The subtree is not what was wanted of it: so are those of its parts that made it so. */
static void blame(const struct walk *w, uint32_t at, bool wanted)
{
	const struct filter_node *node = &w->t->f->nodes[at];

	if (node->what > FILTER_NOT) w->blamed[test_at(w->t, at)] = true;
	else if (node->what == FILTER_NOT) blame(w, at + 1, !wanted);
	else
		for (uint32_t child = at + 1; child < at + node->size; child += w->t->f->nodes[child].size)
			if (value_of(w, child) != wanted) blame(w, child, wanted);
}

bool filter_trace_item(const struct filter_trace *t, const struct report *report, uint32_t item, const struct member *self, bool *holds,
		       bool *blamed)
{
	struct walk w = {t, holds, blamed};
	bool matches = filter_match(t->f, report, item, self);

	for (uint32_t i = 0; i < t->n; i++) {
		struct filter_node node = t->f->nodes[t->tests[i].node];
		struct filter one = alone(t->f, &node);

		holds[i] = filter_match(&one, report, item, self);
		blamed[i] = false;
	}
	if (!matches) blame(&w, 0, true);
	return matches;
}
