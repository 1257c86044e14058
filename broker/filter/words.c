/*
 * words: the names that stand for numbers: types, kinds, labels; and the tables of fields and operators.
 * A name's number is the wire's.
 */
#include <string.h>

#include "filter/priv.h"

#define BIT(name) (1u << FILTER_OP_##name)
#define SAME (BIT(EQ) | BIT(NE) | BIT(IN))
#define TIMES (BIT(EQ) | BIT(NE) | BIT(LT) | BIT(LE) | BIT(GT) | BIT(GE))
#define ORDER (TIMES | BIT(IN))
#define TEXT (SAME | BIT(STARTS) | BIT(CONTAINS))
#define PLACE (TEXT | BIT(NET) | BIT(UNDER))

const struct filter_field_row filter_field_rows[FILTER_FIELDS] = {
#define FIELD(name, text, kind, ops, least, most, history) {text, FILTER_KIND_##kind, ops, least, most, history},
#include "fields.def"
#undef FIELD
};

const struct filter_op_row filter_op_rows[FILTER_OPS] = {
#define OP(name, text, shown) {text, shown},
#include "ops.def"
#undef OP
};

static const char *const kind_names[] = {[ISAC1__KIND__KIND_INDICATOR] = "indicator",
					 [ISAC1__KIND__KIND_SIGHTING] = "sighting",
					 [ISAC1__KIND__KIND_WITHDRAWAL] = "withdrawal",
					 [ISAC1__KIND__KIND_BEHAVIOUR_REPORT] = "behaviour-report",
					 [ISAC1__KIND__KIND_SAMPLE_SIGHTING] = "sample-sighting",
					 [ISAC1__KIND__KIND_DETECTION_EVENT] = "detection-event",
					 [ISAC1__KIND__KIND_HYPOTHESIS] = "hypothesis",
					 [ISAC1__KIND__KIND_ACTION_TAKEN] = "action-taken",
					 [ISAC1__KIND__KIND_ADVISORY] = "advisory"};
static const char *const tlp_names[] = {[ISAC1__TLP__TLP_CLEAR] = "clear",
					[ISAC1__TLP__TLP_GREEN] = "green",
					[ISAC1__TLP__TLP_AMBER] = "amber",
					[ISAC1__TLP__TLP_AMBER_STRICT] = "amber+strict",
					[ISAC1__TLP__TLP_RED] = "red"};
static const char *const type_names[] = {
#define VALUE(num, NAME, name) [num] = name,
#include "wire/value.def"
#undef VALUE
};
static const char *const state_names[] = {
#define STATE(num, NAME, name, sql) [num] = name,
#include "states.def"
#undef STATE
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
static const struct {
	const char *const *names;
	size_t n;
} sets[FILTER_FIELDS] = {
	[FILTER_TYPE] = {type_names, COUNT(type_names)},
	[FILTER_KIND] = {kind_names, COUNT(kind_names)},
	[FILTER_STATE] = {state_names, COUNT(state_names)},
	[FILTER_TLP] = {tlp_names, COUNT(tlp_names)},
};
_Static_assert(COUNT(type_names) <= 32 && COUNT(kind_names) <= 32, "names must fit the 32 bits of filter_node.mask");

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

bool filter_words_same(const char *word, size_t len, const char *name)
{
	for (size_t i = 0; i < len; i++)
		if (lower(word[i]) != name[i]) return false; /* ends at name's NUL too */
	return name[len] == '\0';
}

const char *filter_words_name(enum filter_field field, uint32_t number)
{
	return number < sets[field].n ? sets[field].names[number] : NULL;
}

uint32_t filter_words_number(enum filter_field field, const char *word, size_t len)
{
	for (uint32_t i = 1; i < sets[field].n; i++)
		if (sets[field].names[i] && filter_words_same(word, len, sets[field].names[i])) return i;
	return 0;
}

void filter_words_list(char *out, size_t size, enum filter_field field)
{
	size_t used = 0;

	out[0] = '\0';
	for (uint32_t i = 1; i < sets[field].n; i++) {
		const char *name = sets[field].names[i];
		bool fits = name && used + strlen(name) + sizeof(", ...") + 1 < size;

		if (!name) continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", fits ? name : "...");
		if (!fits) return;
	}
}
