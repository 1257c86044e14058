/*
 * feedback: reports about reports. Finds what a value or an id stands for in the hub's history, and says the same of all of it: one
 * signed report for each report that it is about, through the spool like any other.
 */
#include <stdlib.h>
#include <string.h>
#include "cli.h"

enum { WINDOW = 16, STEP_MS = 200, BYTES_MAX = 200000, ITEMS_MAX = 1000 /* of one report */, FOUND_MAX = 10000 };

/* ---- finding ---------------------------------------------------------------------------------------- */
static void free_item(struct cli_feedback_item *item)
{
	free((char *)(uintptr_t)item->said.type);
	free((char *)(uintptr_t)item->said.value);
	for (size_t i = 0; i < item->readers_n; i++) free(item->readers[i]);
	free(item->readers);
}

void cli_feedback_keep(struct cli_feedback_list *list, const uint8_t *report_id, const char *publisher)
{
	size_t n = 0;
	for (size_t i = 0; i < list->n; i++) {
		struct cli_feedback_item item = list->items[i];
		bool wanted = (!report_id || memcmp(item.report_id, report_id, ISAC_ID_BYTES) == 0) &&
			      (!publisher || strcmp(item.publisher, publisher) == 0);
		if (wanted) list->items[n++] = item;
		else free_item(&item);
	}
	list->n = n;
}

void cli_feedback_clear(struct cli_feedback_list *list)
{
	for (size_t i = 0; i < list->n; i++) free_item(&list->items[i]);
	free(list->items);
	*list = (struct cli_feedback_list){.items = NULL};
}

static bool add_readers(struct cli_feedback_item *to, const struct isac_item *it)
{
	to->readers = calloc(it->recipients_n + 1, sizeof *to->readers);
	if (!to->readers) return false;
	for (size_t i = 0; i <= it->recipients_n; i++, to->readers_n++)
		if (!(to->readers[i] = strdup(i < it->recipients_n ? it->recipients[i] : it->publisher))) return false;
	return true;
}

static bool add(struct cli_feedback_list *list, const struct isac_item *it)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 64;
		struct cli_feedback_item *more = realloc(list->items, cap * sizeof *more);
		if (!more) return false;
		list->items = more;
		list->cap = cap;
	}
	struct cli_feedback_item *to = &list->items[list->n];
	*to = (struct cli_feedback_item){.tlp = (enum isac_tlp)it->tlp,
					 .seq = it->seq,
					 .took_back = it->kind != ISAC_KIND_INDICATOR,
					 .said = {.type = strdup(it->type), .value = strdup(it->value)}};
	memcpy(to->report_id, it->report_id, sizeof to->report_id);
	snprintf(to->publisher, sizeof to->publisher, "%s", it->publisher);
	list->n++; /* cleared with the list, also if a text is missing */
	return to->said.type && to->said.value && (to->tlp != ISAC_TLP_RED || add_readers(to, it));
}

/* Has this publisher's newest word on the value been found already? Newest comes first. */
static bool has_publisher(const struct cli_feedback_list *list, size_t from, const char *publisher)
{
	while (from < list->n && strcmp(list->items[from].publisher, publisher) != 0) from++;
	return from < list->n;
}

struct wanted {
	const uint8_t *report_id; /* NULL: all */
	uint64_t seq;		  /* of report_id */
	bool one_each;		  /* of each publisher */
	const char *value, *type; /* only what stands for this, of this type; NULL: all, any */
	const char *const *tags;  /* only what has one of these; NULL: any */
	size_t tags_n;
};

static bool has_tag(const struct isac_item *it, const struct wanted *w)
{
	for (size_t i = 0; i < it->tags_n; i++)
		for (size_t j = 0; j < w->tags_n; j++)
			if (strcmp(it->tags[i], w->tags[j]) == 0) return true;
	return false;
}

/* Of each publisher's items from `from` on only those of its newest report stay. */
static void keep_newest(struct cli_feedback_list *list, size_t from)
{
	size_t n = from;
	for (size_t i = from; i < list->n; i++) {
		struct cli_feedback_item item = list->items[i];
		bool older = false;
		for (size_t j = from; j < n; j++)
			older |= list->items[j].seq > item.seq && strcmp(list->items[j].publisher, item.publisher) == 0;
		for (size_t j = i + 1; j < list->n; j++)
			older |= list->items[j].seq > item.seq && strcmp(list->items[j].publisher, item.publisher) == 0;
		if (older) free_item(&item);
		else list->items[n++] = item;
	}
	list->n = n;
}

static int collect(struct cli_feedback_list *list, struct isac *isac, const struct isac_query_conf *conf, const struct wanted *w)
{
	struct isac_query *q;
	struct isac_error err;
	const struct isac_item *it;
	size_t from = list->n;
	int status = 0;
	if (isac_query_open(&q, isac, conf, &err)) return cli_fail(&err);
	enum isac_result r;
	while (!status && (r = isac_query_next(q, &it, &err)) != ISAC_END) {
		if (r) status = cli_fail(&err);
		else if (w->report_id && it->seq < w->seq) break;
		else if (!it->verified)
			cli_note("seq %llu by %s FAILED verification and is left alone", (unsigned long long)it->seq, it->publisher);
		else if (w->report_id && memcmp(it->report_id, w->report_id, ISAC_ID_BYTES) != 0) continue;
		/* The hub cannot leave out what is no indicator of a sealed report, and counts it among its items. */
		else if (it->kind != ISAC_KIND_INDICATOR && (!w->report_id || it->tlp != ISAC_TLP_RED)) continue;
		else if (w->value && (!isac_item_is(it, w->value) || (w->type && strcmp(w->type, it->type) != 0))) continue;
		else if (w->tags && !has_tag(it, w)) continue;
		else if (w->one_each && has_publisher(list, from, it->publisher)) continue;
		else if (list->n == FOUND_MAX || !add(list, it)) status = (cli_note("too much at once, or out of memory"), EXIT_REFUSED);
	}
	isac_query_close(&q);
	return status;
}

int cli_feedback_of_report(struct cli_feedback_list *list, struct isac *isac, const uint8_t report_id[ISAC_ID_BYTES])
{
	const struct isac_who *who;
	struct isac_error err;
	char filter[ISAC_NAME_BYTES + 64];
	if (isac_who(&who, isac, report_id, isac_name(isac), &err)) return cli_fail(&err);
	struct wanted wanted = {.report_id = report_id, .seq = who->seq};
	snprintf(filter, sizeof filter, "publisher = \"%s\" and kind = indicator", isac_name(isac));
	struct isac_query_conf conf = {.filter = filter, .as_of_seq = who->seq, .wait_seq = who->seq, .held = true};
	int status = who->removed ? 0 : collect(list, isac, &conf, &wanted);
	if (status || list->n) return status;
	cli_note("nothing of this report is left to speak about");
	return EXIT_REFUSED;
}

int cli_feedback_of_value(struct cli_feedback_list *list, struct isac *isac, const char *type, const char *value, bool own)
{
	char filter[9000], quoted[8200];
	size_t n = 0;
	struct wanted wanted = {.one_each = !own};
	for (const char *p = value; *p && n + 2 < sizeof quoted; p++) {
		if (*p == '"' || *p == '\\') quoted[n++] = '\\';
		quoted[n++] = *p;
	}
	quoted[n] = 0;
	n = (size_t)snprintf(filter, sizeof filter, "kind = indicator and withdrawals = 0 and value = \"%s\"", quoted);
	if (type) n += (size_t)snprintf(filter + n, sizeof filter - n, " and type = %s", type);
	if (own) snprintf(filter + n, sizeof filter - n, " and publisher = \"%s\"", isac_name(isac));
	struct isac_query_conf conf = {.filter = filter, .held = true};
	size_t before = list->n;
	int status = collect(list, isac, &conf, &wanted);
	/* The hub cannot find a value in what is sealed: all of that is looked through here. */
	n = (size_t)snprintf(filter, sizeof filter, "kind = indicator and withdrawals = 0 and tlp = red");
	if (own) snprintf(filter + n, sizeof filter - n, " and publisher = \"%s\"", isac_name(isac));
	wanted.value = value;
	wanted.type = type;
	if (!status) status = collect(list, isac, &conf, &wanted);
	if (!own) keep_newest(list, before);
	if (status || list->n > before) return status;
	cli_note("%s: %s", value, own ? "no report of mine holds it" : "no report that I may see holds it");
	return EXIT_REFUSED;
}

int cli_feedback_of_tags(struct cli_feedback_list *list, struct isac *isac, const char *const *tags, size_t n, uint64_t as_of_seq)
{
	char filter[CLI_FEEDBACK_TAGS * 150 + 200], own[ISAC_NAME_BYTES + 100];
	snprintf(own, sizeof own, "kind = indicator and withdrawals = 0 and publisher = \"%s\"", isac_name(isac));
	size_t len = (size_t)snprintf(filter, sizeof filter, "%s and not tlp = red and tag in (", own);
	for (size_t i = 0; i < n && len < sizeof filter; i++)
		len += (size_t)snprintf(filter + len, sizeof filter - len, "%s\"%s\"", i ? ", " : "", tags[i]);
	if (len < sizeof filter) len += (size_t)snprintf(filter + len, sizeof filter - len, ")");
	if (len >= sizeof filter) return cli_note("a tag is too long to be looked for"), EXIT_REFUSED;
	struct isac_query_conf conf = {.filter = filter, .as_of_seq = as_of_seq, .held = true};
	struct wanted wanted = {.tags = tags, .tags_n = n};
	int status = collect(list, isac, &conf, &wanted);
	/* As with values: what is sealed is looked through here. */
	snprintf(filter, sizeof filter, "%s and tlp = red", own);
	return status ? status : collect(list, isac, &conf, &wanted);
}

/* ---- sending ------------------------------------------------------------------------------------------- */
struct sending {
	struct isac *isac;
	struct isac_publisher *publisher;
	unsigned accepted, refused;
	bool json, failed;
};

static void on_receipt(void *arg, const struct isac_receipt *r)
{
	struct sending *s = arg;
	struct isac_spooled *file = r->tag;
	struct isac_error err = {.result = ISAC_DONE};
	bool good = r->code == 200 || r->code == 202 || r->code == 208;
	cli_output_receipt(r, good ? NULL : r->text ? r->text : "", s->json);
	s->accepted += good;
	s->refused += !good;
	if (good) isac_spool_remove(file, &err);
	else if (r->code) isac_spool_refuse(file, &err);
	else isac_spool_release(file); /* not our hub: kept for the real one */
	if (err.result) {
		cli_note("%s", err.text);
		s->failed = true;
	}
	free(file);
}

/* false after a message: the hub is away, what is made waits in the spool. */
static bool step(struct sending *s)
{
	struct isac_error err;
	if (!isac_publisher_step(s->publisher, STEP_MS, &err)) return true;
	cli_fail(&err);
	cli_note("what was signed waits in %s/spool; `isac publish --flush` sends it", isac_home(s->isac));
	s->failed = true;
	return false;
}

static bool send(struct sending *s, struct isac_batch *batch)
{
	struct isac_error err;
	struct isac_report report;
	struct isac_spooled *file = malloc(sizeof *file);
	if (!file || isac_batch_seal(batch, &report, &err)) {
		cli_note("%s", file ? err.text : "out of memory");
		free(file);
		return false;
	}
	bool good = !isac_spool_put(file, isac_home(s->isac), &report, &err) && !isac_publisher_add(s->publisher, &report, file, &err);
	if (!good) {
		cli_note("%s", err.text);
		isac_spool_release(file);
		free(file);
	}
	isac_report_clear(&report);
	while (good && !isac_publisher_has_room(s->publisher)) good = step(s);
	return good;
}

/* items[from..until) are about one report. */
static bool send_about(struct sending *s, const struct cli_feedback_item *items, size_t n, enum isac_kind kind)
{
	struct isac_report_conf conf = {.tlp = items->tlp,
					.kind = kind,
					.about = items->report_id,
					.about_publisher = items->publisher,
					.recipients = (const char *const *)items->readers,
					.recipients_n = items->readers_n};
	struct isac_batch *batch;
	struct isac_error err;
	if (isac_batch_open(&batch, s->isac, &conf, ITEMS_MAX, BYTES_MAX, &err)) return cli_fail(&err), false;
	bool good = true;
	for (size_t i = 0; good && i < n; i++) {
		enum isac_batch_outcome outcome = isac_batch_add_feedback(batch, &items[i].said, &err);
		if (outcome == ISAC_BATCH_FULL) {
			good = send(s, batch);
			i--;
		} else if (outcome == ISAC_BATCH_REFUSED) {
			cli_note("%s", err.text);
			good = false;
		}
	}
	good = good && (!isac_batch_count(batch) || send(s, batch));
	isac_batch_close(&batch);
	return good;
}

int cli_feedback_send(const struct cli_feedback_list *list, struct isac *isac, enum isac_kind kind, bool json)
{
	struct sending s = {.isac = isac, .json = json};
	struct isac_error err;
	bool good = true;
	if (isac_publisher_open(&s.publisher, isac, WINDOW, on_receipt, &s, &err)) return cli_fail(&err);
	for (size_t i = 0, n; good && i < list->n; i += n) {
		for (n = 1; i + n < list->n && memcmp(list->items[i].report_id, list->items[i + n].report_id, ISAC_ID_BYTES) == 0; n++) {
		}
		good = send_about(&s, &list->items[i], n, kind);
	}
	while (good && isac_publisher_pending(s.publisher)) good = step(&s);
	isac_publisher_close(&s.publisher);
	if (!cli_output_flush() || !good || s.failed) return EXIT_REFUSED;
	return !s.refused ? EXIT_DONE : s.accepted ? EXIT_SOME_REFUSED : EXIT_REFUSED;
}
