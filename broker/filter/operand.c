/*
 * operand: what stands right of an operator, in the form in which it is compared.
 *
 * A value is canonicalised once for every indicator type, since a filter need not say the type: `value = "Evil.EXAMPLE."` is
 * the domain evil.example and also a file of exactly that name. Equal forms are kept once, with the set of types they are good for.
 */
#include <stdlib.h>
#include <string.h>

#include "filter/priv.h"

void *filter_operand_room(void *array, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap;
	void *bigger;

	if (n < *cap) return array;
	while (more <= n) more = more ? more * 2 : 4;
	bigger = reallocarray(array, more, size);
	if (bigger) *cap = more;
	return bigger;
}

/* A row whose bytes are in f->chars already. */
static enum isac_err add_row_at(struct filter *f, uint32_t at, size_t len, uint32_t types)
{
	struct filter_row *rows = filter_operand_room(f->rows, f->rows_n, &f->rows_cap, sizeof(*rows));

	if (!rows) return ISAC_ERR_NO_MEMORY;
	f->rows = rows;
	rows[f->rows_n++] = (struct filter_row){at, (uint32_t)len, types};
	return ISAC_OK;
}

static enum isac_err add_row(struct filter *f, const char *text, size_t len, uint32_t types)
{
	char *chars;

	chars = filter_operand_room(f->chars, f->chars_n + (uint32_t)len, &f->chars_cap, 1);
	if (!chars) return ISAC_ERR_NO_MEMORY;
	f->chars = chars;
	memcpy(chars + f->chars_n, text, len);
	f->chars_n += (uint32_t)len;
	return add_row_at(f, f->chars_n - (uint32_t)len, len, types);
}

enum isac_err filter_operand_text(struct filter *f, enum filter_kind kind, const char *text, size_t len)
{
	enum isac_err err = add_row(f, text, len, 0);
	char *p;

	if (err) return err;
	p = f->chars + f->chars_n - len;
	for (size_t i = 0; i < len; i++) {
		if (kind == FILTER_KIND_LOWER && p[i] >= 'A' && p[i] <= 'Z') p[i] = (char)(p[i] + 'a' - 'A');
		if (kind == FILTER_KIND_UPPER && p[i] >= 'a' && p[i] <= 'z') p[i] = (char)(p[i] + 'A' - 'a');
	}
	return ISAC_OK;
}

enum isac_err filter_operand_number(struct filter *f, int64_t number)
{
	int64_t *numbers = filter_operand_room(f->numbers, f->numbers_n, &f->numbers_cap, sizeof(*numbers));

	if (!numbers) return ISAC_ERR_NO_MEMORY;
	f->numbers = numbers;
	f->numbers[f->numbers_n++] = number;
	return ISAC_OK;
}

/* A name that no indicator may have (a public suffix, one label) may still be asked for: everything under jp. */
static bool plain_name(char *out, const char *text, size_t len)
{
	size_t label = 0;

	if (len && text[len - 1] == '.') len--;
	if (!len || len > 253) return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c >= 'A' && c <= 'Z') c = (char)(c + 'a' - 'A');
		out[i] = c;
		if (c == '.' ? label == 0 || text[i - 1] == '-'
			     : !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
			return false;
		if (c == '-' && label == 0) return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63) return false;
	}
	out[len] = '\0';
	return label && out[len - 1] != '-';
}

enum isac_err filter_operand_domain(struct filter *f, const char *text, size_t len, struct wire_arena *arena)
{
	struct wire_value value;
	char name[256];

	wire_arena_reset(arena);
	if (wire_value_canon(&value, WIRE_VALUE_DOMAIN, text, len, arena, NULL) == ISAC_OK) return add_row(f, value.text, value.len, 0);
	if (!plain_name(name, text, len)) return ISAC_ERR_BAD_VALUE;
	return add_row(f, name, strlen(name), 0);
}

static int compare_rows(const void *a, const void *b, void *chars)
{
	const struct filter_row *x = a, *y = b;
	int order = memcmp((char *)chars + x->at, (char *)chars + y->at, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Sorts the rows from `first` to the end and merges equal ones. */
static struct filter_range sort_rows(struct filter *f, uint32_t first)
{
	uint32_t kept = first;

	qsort_r(f->rows + first, f->rows_n - first, sizeof(*f->rows), compare_rows, f->chars);
	for (uint32_t i = first; i < f->rows_n; i++) {
		if (kept > first && compare_rows(&f->rows[i], &f->rows[kept - 1], f->chars) == 0)
			f->rows[kept - 1].types |= f->rows[i].types;
		else f->rows[kept++] = f->rows[i];
	}
	f->rows_n = kept;
	return (struct filter_range){first, kept - first};
}

static int compare_numbers(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void sort_numbers(struct filter *f, struct filter_range *range)
{
	uint32_t kept = range->first;

	qsort(f->numbers + range->first, f->numbers_n - range->first, sizeof(*f->numbers), compare_numbers);
	for (uint32_t i = range->first; i < f->numbers_n; i++)
		if (kept == range->first || f->numbers[i] != f->numbers[kept - 1]) f->numbers[kept++] = f->numbers[i];
	f->numbers_n = kept;
	range->n = kept - range->first;
}

/* The forms of one value. What no type accepts (a refused address is still a possible file name) has no form and matches nothing. */
static enum isac_err add_forms(struct filter *f, struct filter_row typed, struct wire_arena *arena)
{
	uint32_t first = f->rows_n;

	for (uint32_t type = 1; type < WIRE_VALUE_END; type++) {
		struct wire_value value;
		enum isac_err err;
		uint32_t at = first;

		wire_arena_reset(arena);
		if (wire_value_canon(&value, type, f->chars + typed.at, typed.len, arena, NULL)) continue;
		while (at < f->rows_n && (f->rows[at].len != value.len || memcmp(f->chars + f->rows[at].at, value.text, value.len) != 0))
			at++;
		if (at == f->rows_n) {
			bool as_typed = value.len == typed.len && memcmp(value.text, f->chars + typed.at, typed.len) == 0;

			err = as_typed ? add_row_at(f, typed.at, typed.len, 0) : add_row(f, value.text, value.len, 0);
			if (err) return err;
		}
		f->rows[at].types |= 1u << value.type;
	}
	return ISAC_OK;
}

enum isac_err filter_operand_finish(struct filter *f, struct filter_node *node, struct wire_arena *arena)
{
	enum filter_kind kind = filter_field_rows[node->field].kind;
	bool exact = node->op == FILTER_OP_EQ || node->op == FILTER_OP_NE || node->op == FILTER_OP_IN;

	if (node->op == FILTER_OP_NET || kind == FILTER_KIND_NAME || kind == FILTER_KIND_TIME) return ISAC_OK;
	if (kind == FILTER_KIND_NUMBER) {
		sort_numbers(f, &node->shown);
		if (node->op == FILTER_OP_IN && node->shown.n == 1) node->op = FILTER_OP_EQ;
		node->number = f->numbers[node->shown.first];
		return ISAC_OK;
	}
	node->shown = node->tested = sort_rows(f, node->shown.first);
	if (node->op == FILTER_OP_IN && node->shown.n == 1) node->op = FILTER_OP_EQ;
	if (kind != FILTER_KIND_VALUE || !exact) return ISAC_OK;
	node->tested.first = f->rows_n;
	for (uint32_t i = 0; i < node->shown.n; i++) {
		enum isac_err err = add_forms(f, f->rows[node->shown.first + i], arena);

		if (err) return err;
	}
	node->tested = sort_rows(f, node->tested.first);
	return ISAC_OK;
}
