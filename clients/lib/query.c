/*
 * query: history in pages. Each entry is checked like one of a feed; a page is asked for when the one before is used up.
 */
#include <stdlib.h>
#include <string.h>
#include "priv.h"

struct isac_query {
	struct isac *isac;
	struct isac_query_conf conf;
	char *filter;
	struct wire_arena arena; /* of the page */
	const Isac1__QueryResult *page;
	size_t entry; /* next in the page */
	struct client_entry_items items;
	uint8_t cursor[4096];
	size_t cursor_len;
	uint64_t shown, complete_seq;
	bool started;
};

enum isac_result isac_query_open(struct isac_query **out, struct isac *isac, const struct isac_query_conf *conf, struct isac_error *err)
{
	struct isac_query *q = calloc(1, sizeof *q);
	*out = NULL;
	if (!q || !(q->filter = strdup(conf->filter ? conf->filter : ""))) {
		free(q);
		return client_error_out_of_memory(err);
	}
	q->isac = isac;
	q->conf = *conf;
	wire_arena_init(&q->arena, (size_t)WIRE_LIMIT_DECODE_BYTES * 4);
	*out = q;
	return ISAC_DONE;
}

void isac_query_close(struct isac_query **query)
{
	struct isac_query *q = *query;
	if (!q) return;
	wire_arena_clear(&q->arena);
	free(q->filter);
	free(q);
	*query = NULL;
}

uint64_t isac_query_complete_seq(const struct isac_query *q)
{
	return q->complete_seq;
}

static enum isac_result ask(struct isac_query *q, struct isac_error *err)
{
	Isac1__Query question = ISAC1__QUERY__INIT;
	uint64_t left = q->conf.limit ? q->conf.limit - q->shown : WIRE_LIMIT_PAGE_ITEMS;
	question.filter = q->filter;
	question.since_us = q->conf.since_us;
	question.until_us = q->conf.until_us;
	question.as_of_seq = q->conf.as_of_seq;
	question.limit = left < WIRE_LIMIT_PAGE_ITEMS ? (uint32_t)left : WIRE_LIMIT_PAGE_ITEMS;
	question.cursor = (ProtobufCBinaryData){q->cursor_len, q->cursor};
	question.wait_seq = q->started ? 0 : q->conf.wait_seq;
	question.held = q->conf.held;
	ProtobufCMessage *answer;
	q->page = NULL;
	enum isac_result r = client_request_run(&answer, q->isac, WIRE_QUERY, &question.base, WIRE_QUERY_RESULT, &q->arena, 0, err);
	if (r) return r;
	q->page = (const Isac1__QueryResult *)answer;
	q->entry = 0;
	q->items = (struct client_entry_items){.item = NULL};
	q->started = true;
	q->complete_seq = q->page->complete_seq;
	if (q->page->cursor.len > sizeof q->cursor) return client_error_set(err, ISAC_REFUSED, "the hub's cursor is too long");
	q->cursor_len = q->page->cursor.len;
	if (q->cursor_len) memcpy(q->cursor, q->page->cursor.data, q->cursor_len);
	if (q->cursor_len && !q->page->n_entries) q->cursor_len = 0; /* a page with nothing on it is the last, or we would turn for ever */
	return ISAC_DONE;
}

enum isac_result isac_query_next(struct isac_query *q, const struct isac_item **item, struct isac_error *err)
{
	for (;;) {
		if (q->conf.limit && q->shown >= q->conf.limit) return ISAC_END;
		if (q->items.at < q->items.n) {
			*item = &q->items.item[q->items.at++];
			q->shown++;
			return ISAC_DONE;
		}
		enum isac_result r;
		if (q->page && q->entry < q->page->n_entries)
			r = client_entry_open(&q->items, q->isac, q->page->entries[q->entry++], &q->arena, err);
		else if (!q->started || q->cursor_len) r = ask(q, err);
		else return ISAC_END;
		if (r) return r;
	}
}
