/*
 * match: what a feed does with a report, done again: the same filter_match, the same member_may_see, the same rule for held items.
 *
 * Held items are in no feed. Who is told of those that match is what QUERY's `held` says: else a filter would be an oracle on them.
 */
#include "query/priv.h"

#include <stdlib.h>
#include <string.h>

bool query_match_visible(const struct member *self, const struct report *r)
{
	return r->audience && member_may_see(self, r->audience, r->publisher_id);
}

bool query_match_shows_held(const struct member *self, const struct report *r)
{
	return self->roles & MEMBER_ANALYST || r->publisher_id == member_own_id(self);
}

uint32_t query_match_items(const struct filter *f, const struct member *self, const struct report *r, uint8_t *shown, uint32_t *held)
{
	bool tell_held = held && query_match_shows_held(self, r);
	uint32_t items = 0;
	if (held) *held = 0;
	if (shown) memset(shown, 0, r->n / 8 + 1);
	if (!query_match_visible(self, r)) return 0;
	for (uint32_t i = 0; i < r->n; i++) {
		bool is_held = report_is_held(r, i);
		if ((is_held && !tell_held) || !filter_match(f, r, i, self)) continue;
		if (is_held) {
			++*held;
			continue;
		}
		items++;
		if (shown) shown[i / 8] |= (uint8_t)(1u << i % 8);
	}
	return items;
}

enum isac_err query_match_compile(struct query_call *call, const char *text, int64_t now_us, struct filter **out)
{
	enum isac_err err = filter_parse(out, text, strlen(text), now_us, &call->fail);
	if (err || !filter_history_only(*out, &call->fail.column)) return err;
	filter_destroy(out);
	return query_refuse(call, ISAC_ERR_MALFORMED, "this field is known to history only, not to a feed");
}

const struct filter *query_match_again(struct query_match_kept *kept, const char *text, int64_t now_us)
{
	if (kept->text && kept->now_us == now_us && !strcmp(kept->text, text)) return kept->filter;
	query_match_clear(kept);
	struct filter_error why;
	kept->text = strdup(text);
	kept->now_us = now_us;
	if (kept->text && filter_parse(&kept->filter, text, strlen(text), now_us, &why))
		base_log_limited(1, BASE_LOG_ERROR, "query.range_filter", "column=%u text=\"%s\"", why.column, why.text);
	return kept->filter;
}

void query_match_clear(struct query_match_kept *kept)
{
	filter_destroy(&kept->filter);
	free(kept->text);
	kept->text = NULL;
}
