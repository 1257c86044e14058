/*
 * match: does this item of this report fulfil this filter? No recursion, no allocation: a walk from leaf to leaf.
 *
 * What absence means (proto/README.md section 9): a number or time that is not said fulfils no comparison, not even `!=`; a text
 * or name that is not said equals nothing, and `!=` is `not =`. to_sql.c says the same in SQL: change both.
 */
#include <string.h>

#include "filter/priv.h"

struct subject {
	const struct report *report;
	const struct report_item *item;
	const struct member *self;
};
struct texts {
	const char *one;
	char *const *many;
	size_t n;
};

/* ---- validity and state -------------------------------------------------------------- */
/* What a filter calls now: a report that is older than the filter is looked at as of the filter, so feed and history agree. */
static int64_t now_of(const struct filter *f, const struct subject *s)
{
	return s->report->received_us > f->now_us ? s->report->received_us : f->now_us;
}

/* A bound that is 0 is open. */
static bool test_valid(const struct filter *f, const struct filter_node *node, const struct subject *s)
{
	const Isac1__Indicator *ind = s->item->ind;
	int64_t at = node->mask ? node->number : now_of(f, s);

	return ind && ind->valid_from_us <= at && (!ind->valid_until_us || at < ind->valid_until_us);
}

static bool has_state(enum filter_state state, const struct filter *f, const struct subject *s)
{
	switch (state) {
	case FILTER_STATE_HELD:
		return report_is_held(s->report, (uint32_t)(s->item - s->report->items));
	case FILTER_STATE_EXPIRED:
		return s->item->ind->valid_until_us && s->item->ind->valid_until_us <= now_of(f, s);
	default:
		return true;
	}
}

/* Only an indicator has one; 0 otherwise, which is no name. */
static enum filter_state state_of(const struct filter *f, const struct subject *s)
{
	static const enum filter_state order[] = {
#define STATE(num, NAME, name, sql) FILTER_STATE_##NAME,
#include "states.def"
#undef STATE
	};
	size_t i = 0;

	if (!s->item->ind) return 0;
	while (!has_state(order[i], f, s)) i++;
	return order[i];
}

/* ---- numbers, names, times: false = not said ---------------------------------------- */
static bool get_number(const struct subject *s, enum filter_field field, int64_t *out)
{
	const Isac1__Header *h = s->report->header;
	const Isac1__Indicator *ind = s->item->ind;

	if (field == FILTER_KIND || field == FILTER_TLP) {
		*out = field == FILTER_KIND ? report_item_kind(s->report, s->item) : h->tlp;
		return true;
	}
	if (field == FILTER_CREATED) {
		*out = h->created_us;
		return true;
	}
	*out = 0;
	if (field == FILTER_TYPE) {
		*out = s->item->value.type;
		return *out > 0;
	}
	if (field == FILTER_ASN) {
		*out = report_item_asn(s->item);
		return *out > 0;
	}
	if (!ind) return false;
	switch (field) {
	case FILTER_CONFIDENCE:
		*out = (int64_t)ind->confidence_plus1 - 1;
		return ind->confidence_plus1 > 0;
	case FILTER_SEVERITY:
		*out = (int64_t)ind->severity_plus1 - 1;
		return ind->severity_plus1 > 0;
	case FILTER_FIRST_SEEN:
		*out = ind->first_seen_us;
		return ind->first_seen_us != 0;
	case FILTER_LAST_SEEN:
		*out = ind->last_seen_us;
		return ind->last_seen_us != 0;
	case FILTER_VALID_FROM:
		*out = ind->valid_from_us;
		return ind->valid_from_us != 0;
	case FILTER_VALID_UNTIL:
		*out = ind->valid_until_us;
		return ind->valid_until_us != 0;
	default:
		return false; /* what only history knows */
	}
}

static bool test_name(const struct filter *f, const struct filter_node *node, const struct subject *s)
{
	int64_t number;

	if (node->field == FILTER_STATE) number = state_of(f, s);
	else get_number(s, node->field, &number); /* not said: 0, which is no name, so only `!=` has its bit */
	return number >= 0 && number < 32 && node->mask >> number & 1;
}

static bool has_number(const struct filter *f, struct filter_range range, int64_t number)
{
	const int64_t *numbers = f->numbers + range.first;
	uint32_t low = 0, high = range.n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (numbers[mid] == number) return true;
		if (numbers[mid] < number) low = mid + 1;
		else high = mid;
	}
	return false;
}

static bool test_number(const struct filter *f, const struct filter_node *node, const struct subject *s)
{
	int64_t number;

	if (!get_number(s, node->field, &number)) return false;
	switch (node->op) {
	case FILTER_OP_EQ:
		return number == node->number;
	case FILTER_OP_NE:
		return number != node->number;
	case FILTER_OP_LT:
		return number < node->number;
	case FILTER_OP_LE:
		return number <= node->number;
	case FILTER_OP_GT:
		return number > node->number;
	case FILTER_OP_GE:
		return number >= node->number;
	default:
		return has_number(f, node->shown, number);
	}
}

/* ---- texts ------------------------------------------------------------------------------ */
static const struct filter_row *find_row(const struct filter *f, struct filter_range range, const char *text, size_t len)
{
	uint32_t low = 0, high = range.n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct filter_row *row = &f->rows[range.first + mid];
		int order = memcmp(filter_expr_chars(f, row), text, row->len < len ? row->len : len);

		if (!order) order = (row->len > len) - (row->len < len);
		if (!order) return row;
		if (order < 0) low = mid + 1;
		else high = mid;
	}
	return NULL;
}

static bool test_piece(const struct filter *f, const struct filter_node *node, const char *text, size_t len)
{
	const struct filter_row *row = &f->rows[node->tested.first];

	if (node->op == FILTER_OP_STARTS) return len >= row->len && memcmp(text, filter_expr_chars(f, row), row->len) == 0;
	return memmem(text, len, filter_expr_chars(f, row), row->len) != NULL;
}

static struct texts get_texts(const struct subject *s, enum filter_field field)
{
	const Isac1__Header *h = s->report->header;
	const Isac1__Indicator *ind = s->item->ind;

	if (field == FILTER_PUBLISHER) return (struct texts){s->report->publisher, NULL, 1};
	if (field == FILTER_GROUP) return (struct texts){NULL, h->groups, h->n_groups};
	if (field == FILTER_COUNTRY) return (struct texts){report_item_country(s->item), NULL, 1};
	if (!ind) return (struct texts){NULL, NULL, 0};
	return field == FILTER_TAG ? (struct texts){NULL, ind->tags, ind->n_tags} : (struct texts){ind->raw, NULL, 1};
}

/* An operand is never empty, so an absent text, which protobuf-c gives as "", equals, starts and contains none. */
static bool test_text(const struct filter *f, const struct filter_node *node, const struct subject *s)
{
	struct texts texts = get_texts(s, node->field);
	bool piece = node->op == FILTER_OP_STARTS || node->op == FILTER_OP_CONTAINS, found = false;

	for (size_t i = 0; i < texts.n && !found; i++) {
		const char *text = texts.many ? texts.many[i] : texts.one;
		/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): protobuf-c has no text that is NULL */
		size_t len = strlen(text);

		found = piece ? test_piece(f, node, text, len) : find_row(f, node->tested, text, len) != NULL;
	}
	return node->op == FILTER_OP_NE ? !found : found;
}

/* ---- value ------------------------------------------------------------------------------- */
static bool host_under(const struct wire_value *value, const char *domain, size_t len)
{
	size_t host = value->host && !value->family ? strlen(value->host) : 0;

	if (host < len || !len || memcmp(value->host + host - len, domain, len) != 0) return false;
	return host == len || value->host[host - len - 1] == '.';
}

static bool in_net(const struct wire_value *value, const struct member_net *net)
{
	return value->family && value->family == net->family && filter_net_overlap(value->addr, value->prefix, net->addr, net->prefix);
}

static bool test_value(const struct filter *f, const struct filter_node *node, const struct subject *s)
{
	const struct wire_value *value = &s->item->value;
	const struct filter_row *row;

	if (!value->type) return node->op == FILTER_OP_NE;
	switch (node->op) {
	case FILTER_OP_NET:
		return in_net(value, &f->nets[node->shown.first]);
	case FILTER_OP_UNDER:
		row = &f->rows[node->tested.first];
		return host_under(value, filter_expr_chars(f, row), row->len);
	case FILTER_OP_STARTS:
	case FILTER_OP_CONTAINS:
		return test_piece(f, node, value->text, value->len);
	default:
		row = find_row(f, node->tested, value->text, value->len);
		return (row && row->types >> value->type & 1) != (node->op == FILTER_OP_NE);
	}
}

static bool test_mine(const struct subject *s)
{
	const struct member *self = s->self;
	const struct wire_value *value = &s->item->value;
	char number[16];

	if (!self || !value->type) return false;
	for (uint32_t i = 0; i < self->nets_n; i++)
		if (in_net(value, &self->nets[i])) return true;
	for (uint32_t i = 0; i < self->domains_n; i++)
		if (host_under(value, self->domains[i], strlen(self->domains[i]))) return true;
	for (uint32_t i = 0; i < self->asns_n; i++) {
		if (report_item_asn(s->item) == self->asns[i]) return true;
		if (value->type != WIRE_VALUE_ASN) continue;
		snprintf(number, sizeof(number), "%u", self->asns[i]);
		if (strcmp(value->text, number) == 0) return true;
	}
	return false;
}

static bool (*const tests[])(const struct filter *, const struct filter_node *, const struct subject *) = {
	[FILTER_KIND_NAME] = test_name,	  [FILTER_KIND_VALUE] = test_value, [FILTER_KIND_TEXT] = test_text,
	[FILTER_KIND_LOWER] = test_text,  [FILTER_KIND_UPPER] = test_text,  [FILTER_KIND_NUMBER] = test_number,
	[FILTER_KIND_TIME] = test_number,
};

bool filter_match(const struct filter *f, const struct report *report, uint32_t item, const struct member *self)
{
	struct subject s = {report, NULL, self};
	uint16_t at = f->entry;

	if (!report->items || item >= report->n) return false;
	if (report->sealed) return true; /* nobody can tell: its recipients get it whatever they ask for */
	s.item = &report->items[item];
	while (at < FILTER_NO) {
		const struct filter_node *node = &f->nodes[at];
		bool holds;

		if (node->what == FILTER_TEST) holds = tests[filter_field_rows[node->field].kind](f, node, &s);
		else if (node->what == FILTER_VALID) holds = test_valid(f, node, &s);
		else holds = node->what == FILTER_TRUE || test_mine(&s);
		at = holds ? node->yes : node->no;
	}
	return at == FILTER_YES;
}
