/*
 * versions: a report with those that it replaces and those that replace it. What links two is in a signed header, so the hub can hide a
 * version, and cannot make one up: of what it calls `later` only that is taken which says so itself, by the same publisher.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "priv.h"

enum { VERSIONS_MAX = WIRE_LIMIT_VERSIONS, PAGES_MAX = 4 * VERSIONS_MAX };

struct wanted {
	uint8_t id[ISAC_ID_BYTES];
	char publisher[ISAC_NAME_BYTES + 1]; /* "" = anybody's */
	bool is_later;			     /* it must say that it replaces `from` */
	uint8_t from[ISAC_ID_BYTES];
};

struct isac_versions {
	struct isac *isac;
	struct isac_version version[VERSIONS_MAX];
	size_t n;
	struct wire_arena arena[PAGES_MAX]; /* of the answers, which versions point into */
	size_t arenas_n;
	struct wanted wanted[PAGES_MAX];
	size_t wanted_n;
	uint64_t wait_seq;
};

static void want(struct isac_versions *v, const uint8_t *id, const char *publisher, const uint8_t *from)
{
	for (size_t i = 0; i < v->wanted_n; i++)
		if (memcmp(v->wanted[i].id, id, ISAC_ID_BYTES) == 0 && strcmp(v->wanted[i].publisher, publisher) == 0) return;
	if (v->wanted_n == PAGES_MAX) return;
	struct wanted *w = &v->wanted[v->wanted_n++];
	memcpy(w->id, id, ISAC_ID_BYTES);
	snprintf(w->publisher, sizeof w->publisher, "%s", publisher);
	w->is_later = from != NULL;
	if (from) memcpy(w->from, from, ISAC_ID_BYTES);
}

/* Is the item's report what was asked for? An item that failed verification is kept, to be told of. */
static bool fits(const struct wanted *w, const struct isac_item *it)
{
	if (!it->verified) return true;
	if (memcmp(it->report_id, w->id, ISAC_ID_BYTES) != 0) return false;
	if (*w->publisher && strcmp(it->publisher, w->publisher) != 0) return false;
	return !w->is_later || (it->supersedes && memcmp(it->supersedes, w->from, ISAC_ID_BYTES) == 0);
}

/* Items of one report may come in two entries, active and held. */
static enum isac_result add(struct isac_versions *v, size_t fresh, const struct client_entry_items *items, struct wire_arena *arena,
			    struct isac_error *err)
{
	struct isac_version *last = v->n > fresh ? &v->version[v->n - 1] : NULL;
	if (last && items->item->seq == last->items[0].seq) {
		struct isac_item *both = wire_arena_alloc(arena, (last->n + items->n) * sizeof *both);
		if (!both) return client_error_out_of_memory(err);
		memcpy(both, last->items, last->n * sizeof *both);
		memcpy(both + last->n, items->item, items->n * sizeof *both);
		*last = (struct isac_version){both, last->n + items->n};
		return ISAC_DONE;
	}
	for (size_t i = 0; i < v->n; i++)
		if (v->version[i].items[0].seq == items->item->seq) return ISAC_DONE;
	if (v->n < VERSIONS_MAX) v->version[v->n++] = (struct isac_version){items->item, items->n};
	return ISAC_DONE;
}

static enum isac_result take_entries(struct isac_versions *v, const struct wanted *w, const Isac1__VersionsResult *result,
				     struct wire_arena *arena, struct isac_error *err)
{
	enum isac_result r = ISAC_DONE;
	size_t fresh = v->n; /* what this answer adds stands from here on */
	for (size_t i = 0; !r && i < result->n_entries; i++) {
		struct client_entry_items items;
		r = client_entry_open(&items, v->isac, result->entries[i], arena, err);
		if (r || !items.n || !fits(w, items.item)) continue;
		r = add(v, fresh, &items, arena, err);
		if (!r && items.item->verified && items.item->supersedes) want(v, items.item->supersedes, items.item->publisher, NULL);
	}
	return r;
}

static bool has(const struct isac_versions *v, const uint8_t *id, const char *publisher)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct isac_item *it = v->version[i].items;
		if (it->verified && memcmp(it->report_id, id, ISAC_ID_BYTES) == 0 && strcmp(it->publisher, publisher) == 0) return true;
	}
	return false;
}

static enum isac_result ask(struct isac_versions *v, const struct wanted *w, struct isac_error *err)
{
	Isac1__Versions question = ISAC1__VERSIONS__INIT;
	struct wire_arena *arena = &v->arena[v->arenas_n++];
	ProtobufCMessage *answer;
	question.report_id = (ProtobufCBinaryData){ISAC_ID_BYTES, (uint8_t *)(uintptr_t)w->id};
	question.publisher = (char *)(uintptr_t)w->publisher;
	question.wait_seq = v->wait_seq;
	wire_arena_init(arena, (size_t)WIRE_LIMIT_DECODE_BYTES * 4);
	enum isac_result r = client_request_run(&answer, v->isac, WIRE_VERSIONS, &question.base, WIRE_VERSIONS_RESULT, arena, 0, err);
	if (r) return r;
	const Isac1__VersionsResult *result = (const Isac1__VersionsResult *)answer;
	r = take_entries(v, w, result, arena, err);
	for (size_t i = 0; !r && i < result->n_later; i++)
		if (result->later[i]->report_id.len == ISAC_ID_BYTES && has(v, w->id, result->later[i]->publisher))
			want(v, result->later[i]->report_id.data, result->later[i]->publisher, w->id);
	return r;
}

static int by_seq(const void *a, const void *b)
{
	uint64_t x = ((const struct isac_version *)a)->items[0].seq, y = ((const struct isac_version *)b)->items[0].seq;
	return (x > y) - (x < y);
}

enum isac_result isac_versions_open(struct isac_versions **out, struct isac *isac, const uint8_t report_id[ISAC_ID_BYTES],
				    const char *publisher, uint64_t wait_seq, struct isac_error *err)
{
	struct isac_versions *v = calloc(1, sizeof *v);
	enum isac_result r = ISAC_DONE;
	*out = NULL;
	if (!v) return client_error_out_of_memory(err);
	v->isac = isac;
	v->wait_seq = wait_seq;
	want(v, report_id, publisher ? publisher : "", NULL);
	for (size_t i = 0; !r && i < v->wanted_n && v->n < VERSIONS_MAX; i++) r = ask(v, &v->wanted[i], err);
	if (!r && !v->n) {
		r = client_error_set(err, ISAC_REFUSED, "no report of this id is there for me");
		if (err) err->code = 404;
	}
	if (r) isac_versions_close(&v);
	else qsort(v->version, v->n, sizeof v->version[0], by_seq);
	*out = v;
	return r;
}

void isac_versions_close(struct isac_versions **versions)
{
	struct isac_versions *v = *versions;
	if (!v) return;
	for (size_t i = 0; i < v->arenas_n; i++) wire_arena_clear(&v->arena[i]);
	free(v);
	*versions = NULL;
}

size_t isac_versions_count(const struct isac_versions *v)
{
	return v->n;
}

const struct isac_version *isac_versions_get(const struct isac_versions *v, size_t i)
{
	return i < v->n ? &v->version[i] : NULL;
}
