/*
 * subscriber: what a program sees of a feed: one event after the other. The next frame is read only when the batch before it
 * has been handed out, so credit is given back at the speed of the caller.
 */
#include <stdlib.h>
#include <string.h>
#include "session.h"

enum isac_result isac_subscriber_open(struct isac_subscriber **out, struct isac *isac, const struct isac_subscriber_conf *conf,
				      struct isac_error *err)
{
	*out = NULL;
	if (conf->name && *conf->name && !wire_name_ok(conf->name))
		return client_error_set(err, ISAC_MISUSED, "'%s' is not a name: lower-case letters, digits, '.', '_' and '-', at most 64",
					conf->name);
	if (conf->from == ISAC_FROM_CURSOR && (!conf->name || !*conf->name))
		return client_error_set(err, ISAC_MISUSED, "only a subscription with a name has a cursor to go on from");
	struct isac_subscriber *s = calloc(1, sizeof *s);
	if (!s) return client_error_out_of_memory(err);
	s->isac = isac;
	s->conf = *conf;
	s->start_ms = client_clock_mono_ms();
	s->name = strdup(conf->name ? conf->name : "");
	s->filter = strdup(conf->filter ? conf->filter : "");
	wire_arena_init(&s->arena, (size_t)WIRE_LIMIT_DECODE_BYTES * 4);
	wire_arena_init(&s->small, WIRE_LIMIT_DECODE_BYTES);
	enum isac_result r = s->name && s->filter ? client_home_socket(&s->socket, isac, 1, err) : client_error_out_of_memory(err);
	if (r) isac_subscriber_close(&s);
	*out = s;
	return r;
}

void isac_subscriber_close(struct isac_subscriber **subscriber)
{
	struct isac_subscriber *s = *subscriber;
	if (!s) return;
	if (s->socket) client_session_drop(s, 0);
	client_socket_close(&s->socket);
	wire_arena_clear(&s->arena);
	wire_arena_clear(&s->small);
	free(s->name);
	free(s->filter);
	free(s);
	*subscriber = NULL;
}

void isac_subscriber_ack(struct isac_subscriber *s, uint64_t seq)
{
	if (seq > s->position) seq = s->position; /* the hub would refuse it, and rightly */
	if (seq <= s->acked) return;
	s->acked = seq;
	client_session_credit(s, *s->name != 0);
}

static void finish_batch(struct isac_subscriber *s)
{
	s->batch = NULL;
	s->position = s->chain = s->batch_last;
	if (s->head < s->position) s->head = s->position;
	client_session_credit(s, false);
	client_session_tell(s, ISAC_EVENT_POSITION);
}

/* true: *event is an item that has expired. false: all were handed out. */
static bool hand_out_expired(struct isac_subscriber *s, struct isac_event *event)
{
	while (s->expired) {
		struct isac_error err;
		if (s->items.at < s->items.n) {
			*event = (struct isac_event){.type = ISAC_EVENT_EXPIRED,
						     .item = &s->items.item[s->items.at++],
						     .position = s->position,
						     .head = s->head};
			return true;
		}
		if (s->entry == s->expired->n_entries ||
		    client_entry_open(&s->items, s->isac, s->expired->entries[s->entry], &s->arena, &err)) {
			s->expired = NULL; /* without its key it is told of again when the session is opened anew */
			s->items = (struct client_entry_items){.item = NULL};
			return false;
		}
		s->entry++;
	}
	return false;
}

/* true: *event is an item. false: the batch is used up, or (err) the hub is away. */
static bool hand_out(struct isac_subscriber *s, struct isac_event *event)
{
	while (s->batch) {
		if (s->items.at < s->items.n) {
			*event = (struct isac_event){
				.type = ISAC_EVENT_ITEM, .item = &s->items.item[s->items.at++], .position = s->position, .head = s->head};
			return true;
		}
		if (s->entry == s->batch->n_entries) {
			finish_batch(s);
			return false;
		}
		const Isac1__Entry *entry = s->batch->entries[s->entry];
		struct isac_error err;
		if (entry->seq > s->batch_from && client_entry_open(&s->items, s->isac, entry, &s->arena, &err)) {
			client_error_clean(s->text, sizeof s->text, err.text); /* its key cannot be had now: the next call tries again */
			client_session_tell(s, ISAC_EVENT_LOST);
			return false;
		}
		s->entry++;
	}
	return false;
}

enum isac_result isac_subscriber_next(struct isac_subscriber *s, int wait_ms, struct isac_event *event, struct isac_error *err)
{
	int64_t deadline = client_clock_mono_ms() + wait_ms;
	for (;;) {
		if (hand_out_expired(s, event) || hand_out(s, event)) return ISAC_DONE;
		client_session_read(s);
		int64_t now = client_clock_mono_ms(), next = now;
		if (!s->has_told && !s->batch && !s->final) next = client_session_tend(s, now);
		if (s->has_told) {
			*event = s->told;
			memset(&s->told, 0, sizeof s->told);
			s->has_told = false;
			return ISAC_DONE;
		}
		if (s->final) {
			if (err) *err = s->final_error;
			return s->final;
		}
		if (s->batch || s->expired) continue;
		if (!s->ever_open && now - s->start_ms >= s->isac->timeout_ms) return client_home_unreachable(err, s->isac, s->socket, 1);
		if (now >= deadline) return ISAC_QUIET;
		int64_t until = deadline < next ? deadline : next;
		if (!s->ever_open && until > s->start_ms + s->isac->timeout_ms) until = s->start_ms + s->isac->timeout_ms;
		if (!client_socket_wait(s->socket, until > now ? (int)(until - now) : 0) && client_clock_mono_ms() < until)
			return ISAC_QUIET; /* a signal */
	}
}
