/*
 * explain: what a filter costs, part by part: which index of a set of standing filters serves it, and what history's SQL uses. It
 * asks the same plan by which a set finds its filters, so it can't tell another story.
 */
#include <stdlib.h>

#include "filter/priv.h"

struct marks {
	const struct filter *f;
	bool *found; /* by node: the filter is found by it */
	bool names;
};

static void mark(void *arg, uint32_t leaf)
{
	struct marks *m = arg;

	m->found[leaf] = true;
	m->names = m->names || (m->f->nodes[leaf].what == FILTER_TEST && filter_plan_space(&m->f->nodes[leaf]) >= FILTER_SPACE_PUBLISHER);
}

static const char *key_index(const struct filter_node *leaf)
{
	if (leaf->what == FILTER_MINE) return "exact, network, suffix";
	if (leaf->what == FILTER_TRUE) return "never"; /* below a `not` */
	switch (filter_plan_space(leaf)) {
	case FILTER_SPACE_NET:
		return "network";
	case FILTER_SPACE_UNDER:
		return "suffix";
	default:
		return "exact";
	}
}

static const char *feed_index(const struct filter_node *leaf, bool found, bool broad)
{
	if (leaf->what == FILTER_TEST && filter_field_rows[leaf->field].history) return "not in feeds";
	if (broad) return filter_rows_has_dim(leaf) ? "bitmap" : leaf->what == FILTER_TRUE ? "none" : "confirm";
	return found ? key_index(leaf) : "confirm";
}

static const char *history_index(const struct filter_node *leaf, bool found)
{
	bool test = leaf->what == FILTER_TEST;

	if (leaf->what == FILTER_TRUE) return "none";
	if (test && filter_field_rows[leaf->field].history) return "count, for each row that the rest leaves";
	if (!found) return "compare row by row";
	if (leaf->what == FILTER_MINE) return "indexes on indicator.addr, indicator.rdom, mention.key";
	switch (filter_plan_space(leaf)) {
	case FILTER_SPACE_NET:
		return "index on indicator.addr";
	case FILTER_SPACE_UNDER:
		return "index on indicator.rdom";
	case FILTER_SPACE_VALUE:
		return "index on mention.key";
	default:
		return "compare row by row";
	}
}

enum isac_err filter_explain(const struct filter *f, void (*part)(void *arg, const struct filter_part *part), void *arg)
{
	struct marks m = {f, calloc(f->nodes_n, sizeof(bool)), false};
	enum isac_err err = ISAC_OK;
	bool broad;

	if (!m.found) return ISAC_ERR_NO_MEMORY;
	broad = !filter_plan_leaves(f, NULL, true, mark, &m) || m.names;
	for (uint32_t at = 0; at < f->nodes_n && !err; at++) {
		const struct filter_node *node = &f->nodes[at];
		struct wire_buf text;

		if (node->what <= FILTER_NOT) continue;
		wire_buf_init(&text, WIRE_LIMIT_FILTER_BYTES + 1);
		filter_print_leaf(&text, f, at);
		wire_buf_add(&text, "", 1);
		err = text.err;
		if (!err)
			part(arg, &(struct filter_part){(const char *)text.data, feed_index(node, m.found[at], broad),
							history_index(node, m.found[at] && !broad)});
		wire_buf_clear(&text);
	}
	free(m.found);
	return err;
}
