/*
 * preview: slices of a PREVIEW, added up. The newest items come with the later slices, so a slice's answer is kept only until newer
 * ones hold as many items as are wanted.
 */
#include <stdlib.h>
#include <string.h>
#include "priv.h"

enum { CURSOR_MAX = 256 };

struct tallies {
	struct isac_tally *at;
	size_t n, cap;
};

struct page {
	struct page *older;
	struct wire_arena arena;
	const Isac1__PreviewResult *answer;
	size_t items;
};

struct isac_preview {
	struct isac *isac;
	struct isac_preview_conf conf;
	char *asked, *filter;
	uint8_t cursor[CURSOR_MAX];
	size_t cursor_len;
	char cursor_hex[CURSOR_MAX * 2 + 1];
	bool started;
	struct tallies types, publishers, days;
	struct isac_preview_result result;
	struct page *newest;
	/* Where isac_preview_next is. */
	struct page *page;
	size_t entry, shown;
	struct client_entry_items items;
};

enum isac_result isac_preview_open(struct isac_preview **out, struct isac *isac, const struct isac_preview_conf *conf,
				   struct isac_error *err)
{
	size_t len = conf->cursor ? strlen(conf->cursor) : 0;
	*out = NULL;
	struct isac_preview *p = calloc(1, sizeof *p);
	if (!p) return client_error_out_of_memory(err);
	*out = p;
	p->isac = isac;
	p->conf = *conf;
	/* A body without a field is refused: everything is asked for as `true`. */
	p->asked = strdup(conf->filter && *conf->filter ? conf->filter : "true");
	if (!p->asked) {
		isac_preview_close(out);
		return client_error_out_of_memory(err);
	}
	p->result.filter = p->asked;
	p->result.cursor = p->cursor_hex;
	p->cursor_len = len / 2;
	if (len % 2 || p->cursor_len > CURSOR_MAX || (len && wire_unhex(p->cursor, p->cursor_len, conf->cursor, len))) {
		isac_preview_close(out);
		return client_error_set(err, ISAC_MISUSED, "a cursor is the hexadecimal text that another preview ended with");
	}
	return ISAC_DONE;
}

static void page_free(struct page *page)
{
	if (!page) return;
	wire_arena_clear(&page->arena);
	free(page);
}

void isac_preview_close(struct isac_preview **preview)
{
	struct isac_preview *p = *preview;
	if (!p) return;
	for (struct page *page = p->newest, *older; page; page = older) {
		older = page->older;
		page_free(page);
	}
	free(p->types.at);
	free(p->publishers.at);
	free(p->days.at);
	free(p->asked);
	free(p->filter);
	free(p);
	*preview = NULL;
}

static bool add(struct tallies *t, Isac1__Tally *const *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char name[ISAC_NAME_BYTES + 1];
		size_t at = 0;
		client_error_clean(name, sizeof name, rows[i]->name);
		while (at < t->n && strcmp(t->at[at].name, name) != 0) at++;
		if (at == t->cap) {
			size_t cap = t->cap ? t->cap * 2 : 16;
			struct isac_tally *more = realloc(t->at, cap * sizeof *more);
			if (!more) return false;
			t->at = more;
			t->cap = cap;
		}
		if (at == t->n) {
			t->at[t->n] = (struct isac_tally){.items = 0};
			memcpy(t->at[t->n++].name, name, sizeof name);
		}
		t->at[at].reports += rows[i]->reports;
		t->at[at].items += rows[i]->items;
		t->at[at].held += rows[i]->held;
	}
	return true;
}

static bool add_up(struct isac_preview *p, const Isac1__PreviewResult *answer)
{
	struct isac_preview_result *r = &p->result;
	if (!p->started) r->from_seq = answer->from_seq;
	r->scanned_seq = answer->scanned_seq;
	r->until_seq = answer->until_seq;
	r->scanned += answer->scanned;
	r->reports += answer->reports;
	r->items += answer->items;
	r->held += answer->held;
	if (!p->filter && (p->filter = malloc(strlen(answer->filter) + 1))) {
		client_error_clean(p->filter, strlen(answer->filter) + 1, answer->filter);
		r->filter = p->filter;
	}
	bool ok = add(&p->types, answer->types, answer->n_types) && add(&p->publishers, answer->publishers, answer->n_publishers) &&
		  add(&p->days, answer->days, answer->n_days);
	r->types = p->types.at, r->types_n = p->types.n;
	r->publishers = p->publishers.at, r->publishers_n = p->publishers.n;
	r->days = p->days.at, r->days_n = p->days.n;
	return ok;
}

/* Takes the page, and lets go of older ones that are not needed any more. */
static void keep(struct isac_preview *p, struct page *page)
{
	for (size_t i = 0; i < page->answer->n_entries; i++) {
		const Isac1__Entry *e = page->answer->entries[i];
		page->items += e->sealed.len ? 1 : e->n_items; /* one at least: it is not open yet */
	}
	if (!page->items) {
		page_free(page);
		return;
	}
	page->older = p->newest;
	p->newest = page;
	size_t items = 0;
	for (; page; page = page->older) {
		items += page->items;
		if (items < p->conf.items) continue;
		for (struct page *old = page->older, *older; old; old = older) {
			older = old->older;
			page_free(old);
		}
		page->older = NULL;
	}
}

static enum isac_result take(struct isac_preview *p, struct page *page, struct isac_error *err)
{
	const Isac1__PreviewResult *answer = page->answer;
	bool ok = add_up(p, answer);
	p->started = true;
	p->cursor_len = answer->cursor.len < CURSOR_MAX ? answer->cursor.len : 0;
	if (p->cursor_len) memcpy(p->cursor, answer->cursor.data, p->cursor_len);
	wire_hex(p->cursor_hex, p->cursor, p->cursor_len);
	keep(p, page);
	return ok ? ISAC_DONE : client_error_out_of_memory(err);
}

enum isac_result isac_preview_step(struct isac_preview *p, struct isac_error *err)
{
	Isac1__Preview question = ISAC1__PREVIEW__INIT;
	if (p->started && !p->cursor_len) return ISAC_END;
	question.filter = p->asked;
	question.since_us = p->conf.since_us;
	question.until_us = p->conf.until_us;
	question.items = p->conf.items;
	question.cursor = (ProtobufCBinaryData){p->cursor_len, p->cursor};
	struct page *page = calloc(1, sizeof *page);
	ProtobufCMessage *answer;
	if (!page) return client_error_out_of_memory(err);
	wire_arena_init(&page->arena, (size_t)WIRE_LIMIT_DECODE_BYTES * 4);
	enum isac_result r = client_request_run(&answer, p->isac, WIRE_PREVIEW, &question.base, WIRE_PREVIEW_RESULT, &page->arena, 0, err);
	if (r) {
		page_free(page);
		return r;
	}
	page->answer = (const Isac1__PreviewResult *)answer;
	r = take(p, page, err);
	return r ? r : p->cursor_len ? ISAC_DONE : ISAC_END;
}

const struct isac_preview_result *isac_preview_so_far(const struct isac_preview *p)
{
	return &p->result;
}

enum isac_result isac_preview_next(struct isac_preview *p, const struct isac_item **item, struct isac_error *err)
{
	if (!p->shown && !p->page) p->page = p->newest;
	while (p->page && p->shown < p->conf.items) {
		if (p->items.at < p->items.n) {
			*item = &p->items.item[p->items.n - 1 - p->items.at++]; /* an entry's items ascend */
			p->shown++;
			return ISAC_DONE;
		}
		if (p->entry == p->page->answer->n_entries) {
			p->page = p->page->older;
			p->entry = 0;
			continue;
		}
		enum isac_result r = client_entry_open(&p->items, p->isac, p->page->answer->entries[p->entry++], &p->page->arena, err);
		if (r) return r;
	}
	p->shown = p->conf.items;
	p->page = NULL;
	return ISAC_END;
}
