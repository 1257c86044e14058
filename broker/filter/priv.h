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

#include <string.h>

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
void filter_print_leaf(struct wire_buf *out, const struct filter *f, uint32_t at);
void filter_expr_link(struct filter *f); /* sets entry, yes, no */
/* What stands for years should be small: moves the filter into one block without slack. Unchanged without memory. */
void filter_expr_pack(struct filter **f);
static inline const char *filter_expr_chars(const struct filter *f, const struct filter_row *row)
{
	return f->chars + row->at;
}

/* ---- pool.c: elements of one size by number, reused once given back -------------------------------- */
struct filter_pool {
	void *data;
	uint32_t n, cap, size; /* size: bytes of an element, 4 or more */
	uint32_t free;	       /* 1 + the first given back; its first four bytes say the next */
};
enum { FILTER_NONE = 0xffffffff };
void filter_pool_init(struct filter_pool *pool, uint32_t size);
uint32_t filter_pool_take(struct filter_pool *pool); /* a zeroed element; FILTER_NONE without memory. Moves the others. */
void filter_pool_give(struct filter_pool *pool, uint32_t i);

/* ---- table.c: from a hash to references, several if need be; grows a few slots at a time ------------- */
struct filter_slot {
	uint32_t hash, ref; /* ref 0: empty */
};
struct filter_table {
	struct filter_slot *slots, *old; /* old: what has not moved yet while it grows */
	uint32_t size, old_size, n, old_n, moved;
	uint32_t fill; /* percent of the slots in use when it grows */
};
struct filter_probe {
	const struct filter_slot *slots;
	uint32_t size, at, hash;
};
void filter_table_init(struct filter_table *t, uint32_t fill);
void filter_table_clear(struct filter_table *t);
bool filter_table_add(struct filter_table *t, uint32_t hash, uint32_t ref); /* false: no memory */
void filter_table_remove(struct filter_table *t, uint32_t hash, uint32_t ref);
void filter_table_replace(struct filter_table *t, uint32_t hash, uint32_t ref, uint32_t by); /* ref must be there */
/* The slot where the search for `hash` starts. */
static inline uint32_t filter_table_home(uint32_t hash, uint32_t size)
{
	return (uint32_t)((uint64_t)hash * size >> 32);
}
static inline void filter_table_prefetch(const struct filter_table *t, uint32_t hash)
{
	if (t->size) __builtin_prefetch(&t->slots[filter_table_home(hash, t->size)]);
}
static inline bool filter_table_scan(const struct filter_slot *slots, uint32_t size, uint32_t hash)
{
	const struct filter_slot *slot = slots + filter_table_home(hash, size), *end = slots + size;

	if (!size) return false;
	for (; slot->ref; slot = slot + 1 == end ? slots : slot + 1)
		if (slot->hash == hash) return true;
	return false;
}
/* Is there any reference with this hash? What a match asks first, and mostly last. */
static inline bool filter_table_has(const struct filter_table *t, uint32_t hash)
{
	return filter_table_scan(t->slots, t->size, hash) || (t->old && filter_table_scan(t->old, t->old_size, hash));
}
/* References with this hash one after the other, then 0. Nothing may be added or removed in between. */
static inline uint32_t filter_table_next(const struct filter_table *t, struct filter_probe *p)
{
	for (;;) {
		while (p->size) {
			const struct filter_slot *slot = &p->slots[p->at];

			if (!slot->ref) break;
			p->at = p->at + 1 == p->size ? 0 : p->at + 1;
			if (slot->hash == p->hash) return slot->ref;
		}
		if (p->slots == t->old || !t->old) return 0;
		*p = (struct filter_probe){t->old, t->old_size, filter_table_home(p->hash, t->old_size), p->hash};
	}
}
static inline uint32_t filter_table_first(const struct filter_table *t, uint32_t hash, struct filter_probe *p)
{
	*p = (struct filter_probe){t->slots, t->size, filter_table_home(hash, t->size), hash};
	return filter_table_next(t, p);
}

/* ---- plan.c: by which keys a filter is found -------------------------------------------------------- */
/* What a key is a key of; a hash is one of a space and bytes. */
enum filter_space {
	FILTER_SPACE_VALUE,
	FILTER_SPACE_UNDER,
	FILTER_SPACE_NET,
	FILTER_SPACE_ASN,
	FILTER_SPACE_RAW,
	FILTER_SPACE_PUBLISHER, /* from here on names, for which bitmaps may do as well */
	FILTER_SPACE_GROUP,
	FILTER_SPACE_TAG,
	FILTER_SPACE_COUNTRY,
	FILTER_SPACES
};
struct filter_key {
	uint32_t hash;
	uint8_t space;
	uint8_t labels;		      /* space UNDER */
	const struct member_net *net; /* space NET */
};
struct filter_plan {
	struct filter_key *keys;
	uint32_t n, cap;
	const uint64_t *seed; /* two; secret, so that nobody can choose values that collide */
	bool broad;	      /* no keys: the filter may match anything */
	bool names;	      /* one of its keys is a name */
	enum isac_err err;
};
/* Keys of which any item that the filter matches has at least one. */
void filter_plan_make(struct filter_plan *plan, const struct filter *f, const struct member *self);
/* Calls visit for each leaf by which the filter is found; false if it is broad. own: take `mine` for findable without a member. */
bool filter_plan_leaves(const struct filter *f, const struct member *self, bool own, void (*visit)(void *arg, uint32_t leaf), void *arg);
enum filter_space filter_plan_space(const struct filter_node *leaf); /* of a leaf that filter_plan_leaves names */
uint32_t filter_plan_net_hash(const uint64_t seed[2], const uint8_t addr[16], unsigned family, unsigned bits);

/* ---- hash.c ------------------------------------------------------------------------------------------- */
static inline uint64_t filter_hash_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}
/* Seeded, and good in all bits; not for anything that leaves the process. */
uint32_t filter_hash(const uint64_t seed[2], enum filter_space space, const void *bytes, size_t len);

/* ---- cidr.c: the networks that filters ask for --------------------------------------------------------- */
struct filter_net {
	uint8_t addr[16];
	uint8_t family, prefix;
	uint32_t ref; /* who asks for it */
};
struct filter_nets {
	struct filter_pool nets, forks;
	uint32_t root;
	uint32_t lengths4[33], lengths6[129]; /* networks of each length */
	uint64_t has4, has6[3];		      /* bit = lengths that are not 0 */
	uint16_t *sub4;			      /* for each /16, once there are many: bit n = one of length 17 + n may lie in it */
	uint32_t sub4_mask, n4;
};
void filter_cidr_init(struct filter_nets *nets);
void filter_cidr_clear(struct filter_nets *nets);
static inline struct filter_net *filter_cidr_get(const struct filter_nets *nets, uint32_t i)
{
	return (struct filter_net *)nets->nets.data + i;
}
static inline uint16_t *filter_cidr_sub4(const struct filter_nets *nets, const uint8_t addr[16])
{
	return &nets->sub4[((uint32_t)addr[0] << 8 | addr[1]) & nets->sub4_mask];
}
uint32_t filter_cidr_find(const struct filter_nets *nets, const struct member_net *net); /* FILTER_NONE */
uint32_t filter_cidr_add(struct filter_nets *nets, const struct member_net *net);	 /* must be new; FILTER_NONE without memory */
void filter_cidr_remove(struct filter_nets *nets, uint32_t i);
/* Those inside `addr/bits` and longer than it. */
void filter_cidr_inside(const struct filter_nets *nets, const uint8_t addr[16], unsigned family, unsigned bits,
			void (*visit)(void *arg, uint32_t ref), void *arg);

/* ---- rows.c: broad filters, a bit each in the bitmaps of what items say --------------------------------- */
struct filter_rows;
struct filter_rows *filter_rows_new(void); /* NULL without memory */
void filter_rows_destroy(struct filter_rows **rows);
bool filter_rows_take_names(const struct filter_rows *rows, const struct filter *f);	  /* is there a bitmap for each name in it? */
uint32_t filter_rows_add(struct filter_rows *rows, const struct filter *f, uint32_t out); /* its row; FILTER_NONE without memory */
void filter_rows_remove(struct filter_rows *rows, uint32_t row, const struct filter *f);
void filter_rows_set_out(struct filter_rows *rows, uint32_t row, uint32_t out);
/* `out` of the rows that may match; sure: that do. */
void filter_rows_match(const struct filter_rows *rows, const struct report *report, const struct report_item *item,
		       void (*visit)(void *arg, uint32_t out, bool sure), void *arg);
/* Does a bitmap answer this leaf? */
bool filter_rows_has_dim(const struct filter_node *leaf);

#endif
