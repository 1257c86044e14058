/* status: how the hub and the caller's subscriptions are, and how long the answer took. */
#include <string.h>
#include "priv.h"

static bool lay_out(struct isac_status *out, const Isac1__StatusResult *s, struct wire_arena *arena)
{
	*out = (struct isac_status){
		.hub_id = s->hub_id,
		.version = s->version,
		.head_seq = s->head_seq,
		.indexed_seq = s->indexed_seq,
		.last_receipt_seq = s->last_receipt_seq,
		.concern_reports = s->concern_reports,
		.concern_newest_seq = s->concern_newest_seq,
		.started_us = s->started_us,
		.now_us = s->now_us,
		.last_receipt_us = s->last_receipt_us,
		.members = s->members,
		.roles = (const char *const *)s->roles,
		.roles_n = s->n_roles,
	};
	struct isac_subscription *subs = wire_arena_alloc(arena, (s->n_subscriptions + 1) * sizeof *subs);
	if (!subs) return false;
	for (size_t i = 0; i < s->n_subscriptions; i++) {
		const Isac1__SubscriptionStatus *from = s->subscriptions[i];
		subs[i] = (struct isac_subscription){
			.name = from->name, .filter = from->filter, .acked_seq = from->acked_seq, .lag = from->lag, .live = from->live};
	}
	out->subscriptions = subs;
	out->subscriptions_n = s->n_subscriptions;
	return true;
}

enum isac_result isac_status(const struct isac_status **out, struct isac *isac, struct isac_error *err)
{
	Isac1__Status question = ISAC1__STATUS__INIT;
	ProtobufCMessage *answer;
	struct client_socket *s;
	/* The connection is made first, so that the round trip is one of the hub and not of a handshake. */
	enum isac_result r = client_home_requests(&s, isac, err);
	if (r) return r;
	int64_t deadline = client_clock_mono_ms() + isac->timeout_ms;
	while (!client_socket_live(s) && client_clock_mono_ms() < deadline) client_socket_wait(s, (int)(deadline - client_clock_mono_ms()));
	int64_t start = client_clock_now_us();
	r = client_request_run(&answer, isac, WIRE_STATUS, &question.base, WIRE_STATUS_RESULT, &isac->answer, 0, err);
	if (r) return r;
	int64_t took = client_clock_now_us() - start;
	struct isac_status *status = wire_arena_alloc(&isac->answer, sizeof *status);
	if (!status || !lay_out(status, (const Isac1__StatusResult *)answer, &isac->answer)) return client_error_out_of_memory(err);
	status->round_trip_us = took;
	*out = status;
	return ISAC_DONE;
}
