/*
 * filter: one parser, one compiled form; for feeds, history (SQL) and previews. Pure: no I/O, no clock.
 * Grammar: proto/README.md section 9.
 */
#ifndef ISAC_FILTER_H
#define ISAC_FILTER_H

#include "report/report.h"
#include "member/member.h"

struct filter;
struct filter_error {
	enum isac_err err;
	uint32_t column;
	char expected[96];
	char text[160];
}; /* column = 1 + byte offset */

/* now_us resolves ages like 7d. Empty text is `true`. */
enum isac_err filter_parse(struct filter **out, const char *text, size_t len, int64_t now_us, struct filter_error *why);
void filter_destroy(struct filter **f);
const char *filter_text(const struct filter *f); /* normal form; parses to itself, and with the same now_us to the same filter */
int64_t filter_now_us(const struct filter *f);
/* Does it need what only history knows (publishers, sightings)? Then it can't be a feed's filter. */
bool filter_history_only(const struct filter *f, uint32_t *column);

/* What a filter sees of a report; group names as in the header. `self`: for `mine`, may be NULL. */
bool filter_match(const struct filter *f, const struct report *report, uint32_t item, const struct member *self);

/* ---- why does an item match, or not? ---------------------------------------------------- */
struct filter_trace; /* a filter's tests, from left to right */
/* f is borrowed until destroy. */
enum isac_err filter_trace_new(struct filter_trace **out, const struct filter *f);
void filter_trace_destroy(struct filter_trace **t);
uint32_t filter_trace_tests(const struct filter_trace *t);		    /* how many */
const char *filter_trace_text(const struct filter_trace *t, uint32_t test); /* normal form of the test alone */
bool filter_trace_negated(const struct filter_trace *t, uint32_t test);	    /* the filter wants that it does not hold */
/*
 * What filter_match says, and why: holds[i] says whether test i holds; if the item does not match, blamed[i] marks the tests that
 * kept it out: with these the other way round it would have come, and with none of them it could not. Both are as long as the tests.
 */
bool filter_trace_item(const struct filter_trace *t, const struct report *report, uint32_t item, const struct member *self, bool *holds,
		       bool *blamed);

/*
 * ---- a set of standing filters: an index, not a loop ----------------------------------
 * Adding and removing touch what the filter asks for and nothing else. The set belongs to one thread, for matching too (it keeps
 * notes about the item at hand); hit may not change it. Each id is told once, in no order.
 */
struct filter_set;
enum isac_err filter_set_new(struct filter_set **out);
void filter_set_destroy(struct filter_set **s);
/* f and self are borrowed until remove. CONFLICT: the id is taken; NO_MEMORY: the set is as before. */
enum isac_err filter_set_add(struct filter_set *s, uint32_t id, const struct filter *f, const struct member *self);
void filter_set_remove(struct filter_set *s, uint32_t id);
void filter_set_match(const struct filter_set *s, const struct report *report, uint32_t item, void (*hit)(void *arg, uint32_t id),
		      void *arg);

/* ---- explanation ---------------------------------------------------------------------- */
/*
 * A part of a filter, and what serves it. feed: `exact`, `network`, `suffix` (the filter is found by it), `bitmap`, `confirm` (asked of
 * what the others leave), `none`, `never`, `not in feeds`. history: the index of the database, or how it does without.
 */
struct filter_part {
	const char *text, *feed, *history;
};
/* Its parts in the order of the text, `mine` as for a member who has registered something. */
enum isac_err filter_explain(const struct filter *f, void (*part)(void *arg, const struct filter_part *part), void *arg);

/* ---- SQL ------------------------------------------------------------------------------ */
/*
 * A WHERE condition over the aliases m (mention), i (indicator), r (report), p (member that published), a (audience):
 * columns as in sql/README.md. Parameters are $first, $first+1, ... ; values are text, cast in the SQL. Never spliced.
 * `publishers` and `sightings` count only what the asker may see; for them the query's own first parameters must be
 * $1::int[], the audiences that self may see, and $2::int, self's id. So first_param is 3 or more.
 */
enum { FILTER_SQL_BYTES = 1 << 20, FILTER_SQL_PARAMS = 4096 }; /* of where, in number; TOO_LARGE beyond */
struct filter_sql {
	char *where;
	char **param;
	unsigned params;
};
enum isac_err filter_to_sql(struct filter_sql *out, const struct filter *f, const struct member *self, unsigned first_param);
void filter_sql_clear(struct filter_sql *sql);

#endif
