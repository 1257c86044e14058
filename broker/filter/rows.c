/*
 * rows: broad filters as bitmaps. For each value that a field of few values can have stands a bitmap with one bit a filter: can it
 * match an item that says this? The filters that an item may match are the `and` of one bitmap a field; where every part of a filter is
 * about one field alone, they are those that it does match.
 *
 * What a filter leaves possible comes out of a walk over its tree in three-valued logic, one field at a time: each subtree may be
 * true, may be false, or both, for each value of the field, where all other fields are unknown.
 *
 * Of publishers, countries, tags and groups the first few names have bitmaps of their own, all others share the one of "none of
 * these". An item has many tags and groups: its bitmap is the `or` of theirs and of "none".
 */
#include <stdlib.h>

#include "filter/priv.h"

enum { WORDS = 8, CHUNK = 64 * WORDS, NAMES = 64, NAME_BYTES = 64, VALUES_MAX = 128, SLOTS = 256 };
/* Fields with bitmaps: DIM(FIELD, values). A value is the number itself, plus 1 where it can be absent. */
#define DIMS \
	DIM(TYPE, 32) \
	DIM(KIND, 32) \
	DIM(TLP, 32) \
	DIM(CONFIDENCE, 102) \
	DIM(SEVERITY, 12) \
	DIM(PUBLISHER, NAMES) \
	DIM(COUNTRY, NAMES) \
	DIM(GROUP, NAMES) \
	DIM(TAG, NAMES)
enum dim {
#define DIM(field, values) DIM_##field,
	DIMS
#undef DIM
		DIM_END,
	DIM_NAMES = DIM_PUBLISHER,
	DIM_MANY = DIM_GROUP
};
static const uint8_t dim_fields[DIM_END] = {
#define DIM(field, values) FILTER_##field,
	DIMS
#undef DIM
};
static const uint8_t dim_values[DIM_END] = {
#define DIM(field, values) values,
	DIMS
#undef DIM
};
/* Where a field's bitmaps begin. */
enum {
#define DIM(field, values) AT_##field, AT_END_##field = AT_##field + values - 1,
	DIMS
#undef DIM
		LINES
};
static const uint16_t dim_at[DIM_END] = {
#define DIM(field, values) AT_##field,
	DIMS
#undef DIM
};

struct line {
	_Alignas(16) uint64_t words[WORDS];
};
/* CHUNK filters; a set grows by whole chunks, so no bitmap ever moves. */
struct chunk {
	struct line lines[LINES], live, sure, named;
	uint32_t out[CHUNK];
	uint32_t n, words; /* no row beyond so many words */
};
struct name {
	uint32_t hash, refs;
	uint8_t len;
	char text[NAME_BYTES];
};
/* Name 0 is none of them. slots: number of the name, by hash. */
struct names {
	struct name names[NAMES];
	uint8_t slots[SLOTS];
	uint32_t n;
};
/* The bitmaps of an item: for a field of many the first of them, and more beside it. */
struct picture {
	uint16_t line[DIM_END], more[DIM_END - DIM_MANY][WIRE_LIMIT_TAGS];
	uint8_t more_n[DIM_END - DIM_MANY];
	bool names; /* have they been looked up? */
	bool odd;   /* a number or a count beyond all tables: no bitmap is asked */
};
_Static_assert(WIRE_LIMIT_TAGS >= WIRE_LIMIT_GROUPS && WIRE_LIMIT_TAGS < 256, "tags bound what an item has many of");
struct filter_rows {
	struct chunk **chunks;
	uint32_t chunks_n, chunks_cap, room; /* no chunk before `room` has any */
	uint32_t used[DIM_END];		     /* rows that a field narrows */
	uint8_t dims[DIM_END];		     /* the fields that narrow any: numbers first */
	uint32_t dims_n, numbers_n;
	struct picture *picture;
	struct names names[DIM_END - DIM_NAMES];
};
/* A filter on its way in. named: its names have bitmaps, and keep them as long as it is there. */
struct view {
	const struct filter_rows *rows;
	const struct filter *f;
	bool named;
};
/* For each value of a field: may it be true, may it be false? */
struct may {
	uint64_t yes[VALUES_MAX / 64], no[VALUES_MAX / 64];
};

/* ---- names ------------------------------------------------------------------------------- */
/* Cheap will do: at worst all of the few names fall on one slot. */
static uint32_t hash_name(const char *text, size_t len)
{
	uint64_t first = 0, last = 0;

	if (len >= 8) {
		memcpy(&first, text, 8);
		memcpy(&last, text + len - 8, 8);
	} else if (len) {
		first = (uint64_t)(uint8_t)text[0] << 16 | (uint64_t)(uint8_t)text[len / 2] << 8 | (uint8_t)text[len - 1];
	}
	return (uint32_t)((first ^ last * 3 ^ len) * 0x9e3779b97f4a7c15u >> 32);
}

/* Its number; 0 if it has none. */
static unsigned find_name(const struct filter_rows *rows, enum dim dim, const char *text, size_t len)
{
	const struct names *names = &rows->names[dim - DIM_NAMES];
	uint32_t hash;

	if (len > NAME_BYTES) return 0;
	hash = hash_name(text, len);
	for (uint8_t at = (uint8_t)hash; names->slots[at]; at++) {
		const struct name *name = &names->names[names->slots[at]];

		if (name->hash == hash && name->len == len && memcmp(name->text, text, len) == 0) return names->slots[at];
	}
	return 0;
}

static void index_names(struct names *names)
{
	memset(names->slots, 0, sizeof(names->slots));
	for (unsigned i = 1; i < NAMES; i++) {
		uint8_t at = (uint8_t)names->names[i].hash;

		if (!names->names[i].refs) continue;
		while (names->slots[at]) at++;
		names->slots[at] = (uint8_t)i;
	}
}

/* There is room: filter_rows_take_names said so. A new name's bitmap: a filter that does not name it looks at it as at any other name; of
 * many, at "none" besides. */
static void take_name(struct filter_rows *rows, enum dim dim, const char *text, size_t len)
{
	struct names *names = &rows->names[dim - DIM_NAMES];
	unsigned i = find_name(rows, dim, text, len);

	if (i) {
		names->names[i].refs++;
		return;
	}
	for (i = 1; i < NAMES && names->names[i].refs; i++) {
	}
	names->names[i].hash = hash_name(text, len);
	names->names[i].refs = 1;
	names->names[i].len = (uint8_t)len;
	memcpy(names->names[i].text, text, len);
	names->n++;
	index_names(names);
	for (uint32_t c = 0; c < rows->chunks_n; c++) {
		struct line *lines = &rows->chunks[c]->lines[dim_at[dim]];

		if (dim >= DIM_MANY) memset(&lines[i], 0, sizeof(lines[i]));
		else lines[i] = lines[0];
	}
}

static void drop_name(struct filter_rows *rows, enum dim dim, const char *text, size_t len)
{
	struct names *names = &rows->names[dim - DIM_NAMES];
	unsigned i = find_name(rows, dim, text, len);

	if (!i || --names->names[i].refs) return;
	names->n--;
	index_names(names);
}

static bool names_leaf(const struct filter_node *node, enum dim dim)
{
	return node->what == FILTER_TEST && node->field == dim_fields[dim] &&
	       (node->op == FILTER_OP_EQ || node->op == FILTER_OP_NE || node->op == FILTER_OP_IN);
}

static void each_name(struct filter_rows *rows, const struct filter *f,
		      void (*visit)(struct filter_rows *rows, enum dim dim, const char *text, size_t len))
{
	for (uint32_t at = 0; at < f->nodes_n; at++)
		for (enum dim dim = DIM_NAMES; dim < DIM_END; dim++) {
			if (!names_leaf(&f->nodes[at], dim)) continue;
			for (uint32_t i = 0; i < f->nodes[at].tested.n; i++) {
				const struct filter_row *row = &f->rows[f->nodes[at].tested.first + i];

				visit(rows, dim, filter_expr_chars(f, row), row->len);
			}
		}
}

bool filter_rows_take_names(const struct filter_rows *rows, const struct filter *f)
{
	uint32_t room[DIM_END - DIM_NAMES];

	for (unsigned i = 0; i < DIM_END - DIM_NAMES; i++) room[i] = NAMES - 1 - rows->names[i].n;
	for (uint32_t at = 0; at < f->nodes_n; at++)
		for (enum dim dim = DIM_NAMES; dim < DIM_END; dim++) {
			if (!names_leaf(&f->nodes[at], dim)) continue;
			for (uint32_t i = 0; i < f->nodes[at].tested.n; i++) {
				const struct filter_row *row = &f->rows[f->nodes[at].tested.first + i];

				if (row->len > NAME_BYTES) return false;
				if (!find_name(rows, dim, filter_expr_chars(f, row), row->len) && !room[dim - DIM_NAMES]--) return false;
			}
		}
	return true;
}

/* ---- what a filter leaves possible -------------------------------------------------------------- */
static const struct may unknown = {{UINT64_MAX, UINT64_MAX}, {UINT64_MAX, UINT64_MAX}};

static struct may exactly(const uint64_t yes[2])
{
	return (struct may){{yes[0], yes[1]}, {~yes[0], ~yes[1]}};
}

static bool compares(enum filter_op op, int64_t said, const struct filter *f, const struct filter_node *node)
{
	bool listed = false;

	switch (op) {
	case FILTER_OP_EQ:
		return said == node->number;
	case FILTER_OP_NE:
		return said != node->number;
	case FILTER_OP_LT:
		return said < node->number;
	case FILTER_OP_LE:
		return said <= node->number;
	case FILTER_OP_GT:
		return said > node->number;
	case FILTER_OP_GE:
		return said >= node->number;
	default:
		for (uint32_t i = 0; i < node->shown.n; i++) listed = listed || f->numbers[node->shown.first + i] == said;
		return listed;
	}
}

static uint64_t list_names(const struct view *v, const struct filter_node *node, enum dim dim)
{
	uint64_t listed = 0;

	for (uint32_t i = 0; i < node->tested.n; i++) {
		const struct filter_row *row = &v->f->rows[node->tested.first + i];

		listed |= (uint64_t)1 << find_name(v->rows, dim, filter_expr_chars(v->f, row), row->len);
	}
	return listed;
}

static struct may may_name(const struct view *v, const struct filter_node *node, enum dim dim)
{
	uint64_t listed = list_names(v, node, dim);
	struct may may = {{0}, {0}};

	/* Of many, one is known to be there: what is asked of another may be so or not. */
	may.yes[0] = dim >= DIM_MANY ? listed | ~(uint64_t)1 : listed;
	may.no[0] = ~listed;
	if (node->op == FILTER_OP_NE) return (struct may){{may.no[0]}, {may.yes[0]}};
	return may;
}

static struct may may_leaf(const struct view *v, const struct filter_node *node, enum dim dim)
{
	uint64_t yes[2] = {0, 0};

	if (node->what == FILTER_TRUE) return (struct may){{UINT64_MAX, UINT64_MAX}, {0, 0}};
	if (node->what != FILTER_TEST || node->field != dim_fields[dim]) return unknown;
	if (dim >= DIM_NAMES) return v->named && names_leaf(node, dim) ? may_name(v, node, dim) : unknown;
	if (filter_field_rows[node->field].kind == FILTER_KIND_NAME) {
		yes[0] = node->mask;
	} else {
		for (unsigned i = 1; i < dim_values[dim]; i++)
			if (compares(node->op, (int64_t)i - 1, v->f, node)) yes[i / 64] |= (uint64_t)1 << i % 64;
	}
	return exactly(yes);
}

static struct may may_be(const struct view *v, uint32_t at, enum dim dim)
{
	const struct filter_node *nodes = v->f->nodes, *node = &nodes[at];
	struct may may, one;

	if (node->what > FILTER_NOT) return may_leaf(v, node, dim);
	may = may_be(v, at + 1, dim);
	if (node->what == FILTER_NOT) return (struct may){{may.no[0], may.no[1]}, {may.yes[0], may.yes[1]}};
	for (uint32_t child = at + 1 + nodes[at + 1].size; child < at + node->size; child += nodes[child].size) {
		one = may_be(v, child, dim);
		for (unsigned i = 0; i < 2; i++) {
			may.yes[i] = node->what == FILTER_AND ? may.yes[i] & one.yes[i] : may.yes[i] | one.yes[i];
			may.no[i] = node->what == FILTER_AND ? may.no[i] | one.no[i] : may.no[i] & one.no[i];
		}
	}
	return may;
}

/* The one field that this subtree is about, whose bitmaps answer it without a rest; DIM_END: none. */
static enum dim only_dim(const struct view *v, uint32_t at)
{
	const struct filter_node *nodes = v->f->nodes;
	enum dim only = DIM_END;

	for (uint32_t i = at; i < at + nodes[at].size; i++) {
		const struct filter_node *node = &nodes[i];
		enum dim dim = 0;

		if (node->what <= FILTER_NOT) continue;
		while (dim < DIM_END && !(node->what == FILTER_TEST && node->field == dim_fields[dim])) dim++;
		if (dim == DIM_END || (only != DIM_END && dim != only)) return DIM_END;
		if (dim >= DIM_NAMES && !(v->named && names_leaf(node, dim))) return DIM_END;
		/* Of many, only one plain question is: the answers of two may come from two of them. */
		if (dim >= DIM_MANY && (nodes[at].what != FILTER_TEST || node->op == FILTER_OP_NE)) return DIM_END;
		only = dim;
	}
	return only;
}

static bool is_sure(const struct view *v)
{
	const struct filter_node *nodes = v->f->nodes;
	bool many[DIM_END] = {false};

	for (uint32_t at = nodes[0].what == FILTER_AND ? 1 : 0; at < v->f->nodes_n; at += nodes[at].size) {
		enum dim dim;

		if (nodes[at].what == FILTER_TRUE) continue;
		dim = only_dim(v, at);
		if (dim == DIM_END || (dim >= DIM_MANY && many[dim])) return false;
		many[dim] = true;
	}
	return true;
}

/* ---- rows ---------------------------------------------------------------------------------------- */
struct filter_rows *filter_rows_new(void)
{
	struct filter_rows *rows = calloc(1, sizeof(*rows));

	if (!rows) return NULL;
	rows->picture = calloc(1, sizeof(*rows->picture));
	if (!rows->picture) filter_rows_destroy(&rows);
	return rows;
}

void filter_rows_destroy(struct filter_rows **rows)
{
	if (!*rows) return;
	for (uint32_t i = 0; i < (*rows)->chunks_n; i++) free((*rows)->chunks[i]);
	free((*rows)->chunks);
	free((*rows)->picture);
	free(*rows);
	*rows = NULL;
}

static struct chunk *chunk_with_room(struct filter_rows *rows, uint32_t *number)
{
	struct chunk **chunks;

	while (rows->room < rows->chunks_n && rows->chunks[rows->room]->n == CHUNK) rows->room++;
	*number = rows->room;
	if (rows->room < rows->chunks_n) return rows->chunks[rows->room];
	chunks = filter_operand_room(rows->chunks, rows->chunks_n, &rows->chunks_cap, sizeof(struct chunk *));
	if (!chunks) return NULL;
	rows->chunks = chunks;
	chunks[*number] = aligned_alloc(64, (sizeof(struct chunk) + 63) / 64 * 64);
	if (!chunks[*number]) return NULL;
	memset(chunks[*number], 0, sizeof(struct chunk));
	rows->chunks_n++;
	return chunks[*number];
}

static void set_bit(struct line *line, uint32_t bit, bool on)
{
	uint64_t mask = (uint64_t)1 << bit % 64;

	line->words[bit / 64] = on ? line->words[bit / 64] | mask : line->words[bit / 64] & ~mask;
}

static bool has_bit(const struct line *line, uint32_t bit)
{
	return line->words[bit / 64] >> bit % 64 & 1;
}

/* A field narrows the row if some value of it makes the filter impossible; of many, "none of these" does. */
static void count_dim(struct filter_rows *rows, const struct chunk *chunk, uint32_t bit, enum dim dim, int by)
{
	unsigned values = dim >= DIM_MANY ? 1 : dim_values[dim], i = 0;

	while (i < values && has_bit(&chunk->lines[dim_at[dim] + i], bit)) i++;
	if (i == values) return;
	rows->used[dim] += (uint32_t)by;
	rows->dims_n = rows->numbers_n = 0;
	for (enum dim one = 0; one < DIM_END; one++) {
		if (!rows->used[one]) continue;
		rows->dims[rows->dims_n++] = (uint8_t)one;
		if (one < DIM_NAMES) rows->numbers_n++;
	}
}

/* "None" and the names in the filter: that another one is there says nothing that "none" does not. */
static uint64_t asked_names(const struct view *v, enum dim dim)
{
	uint64_t asked = 1;

	for (uint32_t at = 0; v->named && at < v->f->nodes_n; at++)
		if (names_leaf(&v->f->nodes[at], dim)) asked |= list_names(v, &v->f->nodes[at], dim);
	return asked;
}

uint32_t filter_rows_add(struct filter_rows *rows, const struct filter *f, uint32_t out)
{
	struct view v = {rows, f, filter_rows_take_names(rows, f)};
	uint32_t number, bit = 0;
	struct chunk *chunk = chunk_with_room(rows, &number);

	if (!chunk) return FILTER_NONE;
	while (has_bit(&chunk->live, bit)) bit++;
	if (v.named) each_name(rows, f, take_name);
	for (enum dim dim = 0; dim < DIM_END; dim++) {
		struct may may = may_be(&v, 0, dim);

		if (dim >= DIM_MANY) may.yes[0] &= asked_names(&v, dim);
		for (unsigned i = 0; i < dim_values[dim]; i++) set_bit(&chunk->lines[dim_at[dim] + i], bit, may.yes[i / 64] >> i % 64 & 1);
		count_dim(rows, chunk, bit, dim, 1);
	}
	set_bit(&chunk->live, bit, true);
	if (bit / 64 >= chunk->words) chunk->words = bit / 64 + 1;
	set_bit(&chunk->sure, bit, is_sure(&v));
	set_bit(&chunk->named, bit, v.named);
	chunk->out[bit] = out;
	chunk->n++;
	return number * CHUNK + bit;
}

void filter_rows_remove(struct filter_rows *rows, uint32_t row, const struct filter *f)
{
	struct chunk *chunk = rows->chunks[row / CHUNK];
	uint32_t bit = row % CHUNK;

	for (enum dim dim = 0; dim < DIM_END; dim++) count_dim(rows, chunk, bit, dim, -1);
	set_bit(&chunk->live, bit, false);
	chunk->n--;
	if (row / CHUNK < rows->room) rows->room = row / CHUNK;
	if (has_bit(&chunk->named, bit)) each_name(rows, f, drop_name);
}

void filter_rows_set_out(struct filter_rows *rows, uint32_t row, uint32_t out)
{
	rows->chunks[row / CHUNK]->out[row % CHUNK] = out;
}

bool filter_rows_has_dim(const struct filter_node *leaf)
{
	for (enum dim dim = 0; dim < DIM_END; dim++)
		if (leaf->what == FILTER_TEST && leaf->field == dim_fields[dim]) return dim < DIM_NAMES || names_leaf(leaf, dim);
	return false;
}

/* ---- matching -------------------------------------------------------------------------------------- */
static void see_number(struct picture *p, enum dim dim, uint32_t number)
{
	if (number >= dim_values[dim]) p->odd = true;
	else p->line[dim] = (uint16_t)(dim_at[dim] + number);
}

/* What is no indicator says 0 of all that only an indicator says: absent. */
static void see_numbers(struct picture *p, const struct report *report, const struct report_item *item)
{
	const Isac1__Indicator *ind = item->ind;

	see_number(p, DIM_KIND, report_item_kind(report, item));
	see_number(p, DIM_TLP, report->header->tlp);
	see_number(p, DIM_TYPE, item->value.type);
	see_number(p, DIM_CONFIDENCE, ind ? ind->confidence_plus1 : 0);
	see_number(p, DIM_SEVERITY, ind ? ind->severity_plus1 : 0);
}

static void see_texts(const struct filter_rows *rows, struct picture *p, enum dim dim, char *const *texts, size_t n)
{
	p->line[dim] = dim_at[dim];
	p->more_n[dim - DIM_MANY] = 0;
	if (n > WIRE_LIMIT_TAGS) p->odd = true;
	for (size_t i = 0; i < n && !p->odd; i++) {
		unsigned name = find_name(rows, dim, texts[i], strlen(texts[i]));

		if (name) p->more[dim - DIM_MANY][p->more_n[dim - DIM_MANY]++] = (uint16_t)(dim_at[dim] + name);
	}
}

static void see_names(const struct filter_rows *rows, struct picture *p, enum dim dim, const struct report *report,
		      const struct report_item *item)
{
	const Isac1__Indicator *ind = item->ind;
	const char *text;

	if (dim == DIM_GROUP) {
		see_texts(rows, p, dim, report->header->groups, report->header->n_groups);
	} else if (dim == DIM_TAG) {
		see_texts(rows, p, dim, ind ? ind->tags : NULL, ind ? ind->n_tags : 0);
	} else {
		text = dim == DIM_PUBLISHER ? report->publisher : report_item_country(item);
		p->line[dim] = (uint16_t)(dim_at[dim] + find_name(rows, dim, text, strlen(text)));
	}
}

/* Two words at a time, which every processor here can do. */
typedef uint64_t pair __attribute__((vector_size(16)));
struct left {
	pair a, b, c, d;
}; /* what of a chunk is left; stays in registers */

static inline void narrow(struct left *left, const struct line *line)
{
	const pair *by = (const pair *)line->words;

	left->a &= by[0];
	left->b &= by[1];
	left->c &= by[2];
	left->d &= by[3];
}

static inline bool is_empty(const struct left *left)
{
	pair any = left->a | left->b | left->c | left->d;

	return !(any[0] | any[1]);
}

static void unite(struct line *any, const struct chunk *chunk, const struct picture *p, enum dim dim)
{
	*any = chunk->lines[p->line[dim]];
	for (unsigned i = 0; i < p->more_n[dim - DIM_MANY]; i++)
		for (unsigned w = 0; w < WORDS; w++) any->words[w] |= chunk->lines[p->more[dim - DIM_MANY][i]].words[w];
}

static void tell_rows(const struct chunk *chunk, const struct line *left, bool odd, void (*visit)(void *arg, uint32_t out, bool sure),
		      void *arg)
{
	for (unsigned w = 0; w < chunk->words; w++)
		for (uint64_t bits = left->words[w]; bits; bits &= bits - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(bits);

			visit(arg, chunk->out[w * 64 + bit], !odd && chunk->sure.words[w] >> bit & 1);
		}
}

/* Names cost more to look up than numbers: only if some filter is left to narrow by them, and once. */
static void match_chunk(const struct filter_rows *rows, const struct chunk *chunk, const struct report *report,
			const struct report_item *item, void (*visit)(void *arg, uint32_t out, bool sure), void *arg)
{
	struct picture *p = rows->picture;
	const pair *live = (const pair *)chunk->live.words;
	struct left left = {live[0], live[1], live[2], live[3]};
	struct line any;

	for (unsigned i = 0; i < rows->numbers_n; i++) narrow(&left, &chunk->lines[p->line[rows->dims[i]]]);
	if (!p->odd && is_empty(&left)) return;
	for (unsigned i = rows->numbers_n; i < rows->dims_n; i++) {
		enum dim dim = rows->dims[i];

		if (!p->names) see_names(rows, p, dim, report, item);
		if (dim >= DIM_MANY && p->more_n[dim - DIM_MANY]) {
			unite(&any, chunk, p, dim);
			narrow(&left, &any);
		} else {
			narrow(&left, &chunk->lines[p->line[dim]]);
		}
	}
	p->names = true;
	if (!p->odd && is_empty(&left)) return;
	memcpy(&any, &left, sizeof(any));
	tell_rows(chunk, p->odd ? &chunk->live : &any, p->odd, visit, arg);
}

void filter_rows_match(const struct filter_rows *rows, const struct report *report, const struct report_item *item,
		       void (*visit)(void *arg, uint32_t out, bool sure), void *arg)
{
	struct picture *p = rows->picture;

	if (!rows->chunks_n) return;
	p->names = p->odd = false;
	see_numbers(p, report, item);
	for (uint32_t c = 0; c < rows->chunks_n; c++) match_chunk(rows, rows->chunks[c], report, item, visit, arg);
}
