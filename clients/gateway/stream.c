/*
 * stream: a collection as it grows, as server-sent events. The id of an event is a seq: whoever comes back with the last one goes on
 * behind it, and misses nothing. A report's id stands with its last item only, so that half a report is sent again as a whole.
 *
 * A stream is the server's while there is text to be sent, and a worker's while there is none; so nobody waits for it with a thread, and
 * who does not read gets nothing more, until the gate cuts it. The hub is asked for each stream each second: rights that end, end it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "gateway/priv.h"

enum { WINDOW = 1000 /* seqs asked for at a time */, BEAT_MS = 15000, POSITION_MS = 5000 };

struct gateway_stream {
	char token[ISAC_TOKEN_TEXT], member[ISAC_NAME_BYTES + 1], collection[GATEWAY_WORD_BYTES];
	uint64_t last, told; /* all up to last was sent; told: the last id that was */
	int64_t since_us;    /* everything behind last was received at or after */
	int64_t said_ms;
	bool behind, away, ended; /* away: the hub did not answer */
	char *text;
	size_t len, at;
};

struct event {
	uint64_t seq;
	uint32_t index;
	char *json;
};
struct events {
	struct event *list;
	size_t n, room;
};

static int in_order(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	if (x->seq != y->seq) return x->seq < y->seq ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static bool add_event(struct events *e, const struct isac_item *item)
{
	if (e->n == e->room) {
		size_t room = e->room ? e->room * 2 : 64;
		struct event *more = reallocarray(e->list, room, sizeof *more);
		if (!more) return false;
		e->list = more;
		e->room = room;
	}
	json_t *o = cli_output_item_json(item);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (text) e->list[e->n++] = (struct event){item->seq, item->index, text};
	return text != NULL;
}

static void free_events(struct events *e)
{
	for (size_t i = 0; i < e->n; i++) free(e->list[i].json);
	free(e->list);
}

/* What a window behind `last` holds, of what verifies. */
static enum isac_result read_window(struct gateway_stream *s, struct isac *isac, const char *filter, uint64_t until, struct events *e,
				    struct isac_error *err)
{
	const struct isac_query_conf conf = {.filter = filter, .as_of_seq = until, .since_us = s->since_us};
	struct isac_query *query = NULL;
	const struct isac_item *item;
	int64_t newest_us = s->since_us;
	enum isac_result r = isac_query_open(&query, isac, &conf, err);
	while (!r && !(r = isac_query_next(query, &item, err)) && item->seq > s->last) {
		if (item->verified && item->received_us > newest_us) newest_us = item->received_us;
		if (item->verified && !add_event(e, item)) r = ISAC_MISUSED;
		if (!item->verified)
			base_log_limited(1, BASE_LOG_WARN, "gateway.unverified", "seq=%" PRIu64 " why=\"%s\"", item->seq, item->problem);
	}
	isac_query_close(&query);
	if (r == ISAC_DONE) r = ISAC_END;
	if (r == ISAC_END) s->since_us = newest_us;
	return r == ISAC_END ? ISAC_DONE : r;
}

static void print_events(FILE *out, struct gateway_stream *s, struct events *e, int64_t now_ms)
{
	if (e->n) qsort(e->list, e->n, sizeof *e->list, in_order);
	for (size_t i = 0; i < e->n; i++) {
		bool whole = i + 1 == e->n || e->list[i + 1].seq != e->list[i].seq;
		fputs("event: item\n", out);
		if (whole) fprintf(out, "id: %" PRIu64 "\n", s->told = e->list[i].seq);
		fprintf(out, "data: %s\n\n", e->list[i].json);
	}
	if (e->n) s->said_ms = now_ms;
	/* The position moves over what did not match, so that who comes back does not look at it again; and a silent line stays open. */
	if (now_ms >= s->said_ms + (s->told < s->last ? POSITION_MS : BEAT_MS)) {
		fprintf(out, ": alive\nid: %" PRIu64 "\n\n", s->told = s->last);
		s->said_ms = now_ms;
	}
}

static void finish(FILE *out, struct gateway_stream *s, unsigned code, const char *text)
{
	json_t *o = json_pack("{s:i, s:s}", "http_status", (int)code, "description", text);
	char *line = json_dumps(o, JSON_COMPACT);
	fprintf(out, "event: end\ndata: %s\n\n", line ? line : "{}");
	free(line);
	json_decref(o);
	s->ended = true;
}

static void ask(FILE *out, struct gateway_stream *s, struct isac *isac, int64_t now_ms)
{
	const struct isac_collections *found;
	struct isac_error err;
	struct events e = {.n = 0};
	char *filter = NULL;
	enum isac_result r = isac_as(isac, s->token, *s->member ? s->member : NULL, &err);
	if (!r) r = isac_collections(&found, isac, s->collection, &err);
	uint64_t head = r ? 0 : found->indexed_seq, until = head;
	if (!r && found->n != 1) return finish(out, s, 404, "no such collection any more");
	if (until > s->last + WINDOW) until = s->last + WINDOW;
	if (!r && until > s->last) {
		filter = strdup(found->list[0].filter);
		r = filter ? read_window(s, isac, filter, until, &e, &err) : ISAC_MISUSED;
	}
	free(filter);
	if (!r && until > s->last) s->last = until;
	s->behind = !r && s->last < head;
	s->away = r == ISAC_UNREACHABLE;
	if (r == ISAC_REFUSED && err.code != 429 && err.code != 503) finish(out, s, err.code, err.text);
	else print_events(out, s, &e, now_ms); /* a hub that is away for a moment is waited for */
	free_events(&e);
}

bool gateway_stream_fill(struct gateway_call *call, struct isac *isac)
{
	struct gateway_stream *s = call->stream;
	FILE *out;
	free(s->text);
	s->text = NULL;
	s->len = s->at = 0;
	out = open_memstream(&s->text, &s->len);
	if (out) ask(out, s, isac, base_clock_mono_us() / 1000);
	isac_as(isac, NULL, NULL, NULL);
	if (!out || fclose(out) != 0) s->ended = true;
	return s->ended || s->len;
}

void gateway_stream_end(struct gateway_call *call)
{
	call->stream->ended = true;
}

bool gateway_stream_is_behind(const struct gateway_call *call)
{
	return call->stream->behind;
}

bool gateway_stream_is_away(const struct gateway_call *call)
{
	return call->stream->away;
}

ssize_t gateway_stream_read(struct gateway_call *call, char *to, size_t max)
{
	struct gateway_stream *s = call->stream;
	size_t n = s->len - s->at < max ? s->len - s->at : max;
	if (n) memcpy(to, s->text + s->at, n);
	s->at += n;
	return n ? (ssize_t)n : s->ended ? -1 : 0;
}

void gateway_stream_free(struct gateway_call *call)
{
	if (!call->stream) return;
	gateway_metric_add(GATEWAY_METRIC_streams, -1);
	free(call->stream->text);
	explicit_bzero(call->stream, sizeof *call->stream);
	free(call->stream);
	call->stream = NULL;
}

/* Where to begin: behind the last event that the caller had, or now. false after an answer. */
static bool read_place(struct gateway_call *call, uint64_t head, uint64_t *last)
{
	const char *text = gateway_call_header(call, "Last-Event-ID");
	if (!text) text = gateway_call_arg(call, "after");
	*last = head;
	if (!text) return true;
	bool good = *text && strlen(text) <= 18 && strspn(text, "0123456789") == strlen(text);
	if (good) *last = strtoull(text, NULL, 10);
	if (!good || *last > head)
		gateway_reply_error(call, 400, "Last-Event-ID, or after, is the id of an event that was sent; 0 is the beginning");
	return good && *last <= head;
}

void gateway_get_stream(struct gateway_call *call)
{
	const struct isac_collections *found;
	const char *name = call->match.word[0];
	struct isac_error err;
	uint64_t last;
	if (!wire_name_ok(name)) return gateway_reply_error(call, 404, "no such collection: /collections lists them");
	enum isac_result r = isac_collections(&found, call->worker->isac, name, &err);
	if (r) return gateway_reply_failure(call, r, &err);
	if (found->n != 1) return gateway_reply_error(call, 404, "no such collection: /collections lists them");
	if (!read_place(call, found->indexed_seq, &last)) return;
	struct gateway_stream *s = calloc(1, sizeof *s);
	if (!s) return gateway_reply_error(call, 503, "out of memory");
	call->stream = s;
	gateway_metric_add(GATEWAY_METRIC_streams, 1);
	s->last = s->told = last;
	s->behind = true; /* so that it is looked at at once */
	s->said_ms = base_clock_mono_us() / 1000;
	snprintf(s->collection, sizeof s->collection, "%s", name);
	if (!gateway_auth_token(call, s->token, s->member)) return; /* it was good a moment ago */
	gateway_reply(call, 200, "text/event-stream", NULL, 0);
}
