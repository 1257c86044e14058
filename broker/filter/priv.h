/*
 * The compiled form of a filter and what the files of this room share.
 *
 * Nodes stand in one array in prefix order: an inner node is followed by its operands, `size` counts the nodes of a subtree
 * with its head. Printing and SQL walk that tree. Matching does not: every leaf also knows the leaf at which to go on if it
 * holds and if it does not, so a match is a loop without a stack.
 *
 * Normal within the array: no AND in an AND, no OR in an OR, no NOT in a NOT; lists sorted, without repeats.
 */
#ifndef ISAC_FILTER_PRIV_H
#define ISAC_FILTER_PRIV_H

#include "filter/filter.h"

enum filter_field {
#define FIELD(name, text, kind, ops, least, most, history) FILTER_##name,
#include "fields.def"
#undef FIELD
	FILTER_FIELDS
};
enum filter_op {
#define OP(name, text, shown) FILTER_OP_##name,
#include "ops.def"
#undef OP
	FILTER_OPS
};
enum filter_kind {
	FILTER_KIND_NAME,
	FILTER_KIND_VALUE,
	FILTER_KIND_TEXT,
	FILTER_KIND_LOWER,
	FILTER_KIND_UPPER,
	FILTER_KIND_NUMBER,
	FILTER_KIND_TIME
};
enum filter_state {
#define STATE(num, NAME, name, sql) FILTER_STATE_##NAME = num,
#include "states.def"
#undef STATE
};
enum filter_what { FILTER_AND, FILTER_OR, FILTER_NOT, FILTER_TRUE, FILTER_MINE, FILTER_VALID, FILTER_TEST };
enum { FILTER_YES = 0xffff, FILTER_NO = 0xfffe }; /* ends of a match; nodes are far fewer */

struct filter_field_row {
	const char *name;
	enum filter_kind kind;
	uint32_t ops;
	int64_t least, most;
	bool history;
};
extern const struct filter_field_row filter_field_rows[FILTER_FIELDS];
struct filter_op_row {
	const char *text, *shown;
};
extern const struct filter_op_row filter_op_rows[FILTER_OPS];

/* A text operand: bytes in f->chars. types: as which indicator types it is canonical (field value only). */
struct filter_row {
	uint32_t at, len, types;
};
struct filter_range {
	uint32_t first, n;
};
struct filter_node {
	uint8_t what, field, op;
	uint16_t size, yes, no;
	uint32_t column, mask;	    /* mask: bit v = the name numbered v matches; VALID: 1 = at `number`, 0 = now */
	int64_t number;		    /* operand of a comparison */
	struct filter_range shown;  /* rows as typed; for numbers in a list: into f->numbers; for networks: into f->nets */
	struct filter_range tested; /* rows to compare with, sorted */
};
struct filter {
	int64_t now_us; /* when it was compiled */
	struct filter_node *nodes;
	uint32_t nodes_n, nodes_cap;
	struct filter_row *rows;
	uint32_t rows_n, rows_cap;
	int64_t *numbers;
	uint32_t numbers_n, numbers_cap;
	struct member_net *nets;
	uint32_t nets_n, nets_cap;
	char *chars;
	uint32_t chars_n, chars_cap;
	uint16_t entry;
	bool packed; /* all of the above in one block with this */
	char *text;
};

/* ---- words.c: names with numbers -------------------------------------------------- */
bool filter_words_same(const char *word, size_t len, const char *name);		     /* ASCII letters in any case */
const char *filter_words_name(enum filter_field field, uint32_t number);	     /* NULL: none with this number */
uint32_t filter_words_number(enum filter_field field, const char *word, size_t len); /* 0: none with this name */
void filter_words_list(char *out, size_t size, enum filter_field field);

/* ---- lex.c: tokens ------------------------------------------------------------------ */
enum filter_lex {
	FILTER_LEX_END,
	FILTER_LEX_WORD,
	FILTER_LEX_STRING,
	FILTER_LEX_OPEN,
	FILTER_LEX_CLOSE,
	FILTER_LEX_COMMA,
	FILTER_LEX_OP,
	FILTER_LEX_BAD
};
struct filter_token {
	enum filter_lex kind;
	uint32_t at, len;
	uint8_t op;
	const char *bad;
}; /* bad: what was expected instead */
void filter_lex_next(struct filter_token *token, const char *text, uint32_t len, uint32_t from);
bool filter_lex_word_byte(char c);

/* ---- time.c ---------------------------------------------------------------------------- */
enum { FILTER_TIME_TEXT = 40 };
bool filter_time_parse(int64_t *us, const char *text, size_t len, int64_t now_us);
void filter_time_print(char out[FILTER_TIME_TEXT], int64_t us);

/* ---- net.c ------------------------------------------------------------------------------ */
enum { FILTER_NET_TEXT = 64 };
bool filter_net_parse(struct member_net *out, const char *text, size_t len);
void filter_net_print(char out[FILTER_NET_TEXT], const struct member_net *net);
bool filter_net_overlap(const uint8_t *a, unsigned a_bits, const uint8_t *b, unsigned b_bits);

/* ---- operand.c: what stands right of an operator ------------------------------------- */
/* Room for one more element; NULL without memory. */
void *filter_operand_room(void *array, uint32_t n, uint32_t *cap, size_t size);
enum isac_err filter_operand_text(struct filter *f, enum filter_kind kind, const char *text, size_t len); /* appends a row */
enum isac_err filter_operand_number(struct filter *f, int64_t number);
enum isac_err filter_operand_domain(struct filter *f, const char *text, size_t len, struct wire_arena *arena);
/* Sorts the node's list; for field value adds the canonical forms. */
enum isac_err filter_operand_finish(struct filter *f, struct filter_node *node, struct wire_arena *arena);

/* ---- print.c, expr.c --------------------------------------------------------------------- */
enum isac_err filter_print(struct filter *f); /* sets f->text; TOO_LARGE when it would not parse again */
void filter_expr_link(struct filter *f);      /* sets entry, yes, no */
/* What stands for years should be small: moves the filter into one block without slack. Unchanged without memory. */
void filter_expr_pack(struct filter **f);
static inline const char *filter_expr_chars(const struct filter *f, const struct filter_row *row)
{
	return f->chars + row->at;
}

#endif
