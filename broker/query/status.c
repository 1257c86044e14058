/* status: STATUS. The hub's position and the caller's own things; nothing about others but how many they are. Who holds a token
 * is shown the position and what it may do. */
#include "query/priv.h"

#include <stdlib.h>
#include <string.h>

enum { ROLE_BITS = 8, ROLE_NAME = 16 };

static void count_member(void *arg, const struct member *m)
{
	(void)m;
	++*(uint32_t *)arg;
}

static enum isac_err fill_subscriptions(struct query_call *call, Isac1__StatusResult *status, const struct store_subscription *subs,
					size_t n)
{
	const struct query_conf *conf = &call->q->conf;
	status->subscriptions = wire_arena_alloc(call->arena, (n + 1) * sizeof(*status->subscriptions));
	Isac1__SubscriptionStatus *rows = wire_arena_alloc(call->arena, (n + 1) * sizeof(*rows));
	if (!status->subscriptions || !rows) return ISAC_ERR_TOO_LARGE;
	for (size_t i = 0; i < n; i++) {
		isac1__subscription_status__init(&rows[i]);
		rows[i].name = (char *)subs[i].name;
		rows[i].filter = subs[i].filter ? subs[i].filter : (char *)protobuf_c_empty_string;
		rows[i].acked_seq = subs[i].acked_seq;
		rows[i].lag = status->head_seq > subs[i].acked_seq ? status->head_seq - subs[i].acked_seq : 0;
		rows[i].live = conf->is_live && conf->is_live(conf->arg, call->self->id, subs[i].name);
		status->subscriptions[i] = &rows[i];
	}
	status->n_subscriptions = n;
	return ISAC_OK;
}

static void fill_caller(struct query_call *call, Isac1__StatusResult *status, char *roles[ROLE_BITS], char names[ROLE_BITS][ROLE_NAME])
{
	status->roles = roles;
	for (unsigned bit = 0; bit < ROLE_BITS; bit++) {
		if (!(call->self->roles >> bit & 1) || 1u << bit == MEMBER_INVITED) continue; /* which is none yet */
		member_roles_print(names[bit], ROLE_NAME, 1u << bit);
		roles[status->n_roles++] = names[bit];
	}
	if (call->token || call->self->id < 0 || call->self->id >= QUERY_NOTES) return;
	status->last_receipt_seq = atomic_load(&call->q->notes[call->self->id].seq);
	status->last_receipt_us = atomic_load(&call->q->notes[call->self->id].received_us);
}

enum isac_err query_status(struct query_call *call)
{
	struct query *q = call->q;
	Isac1__StatusResult status = ISAC1__STATUS_RESULT__INIT;
	char *roles[ROLE_BITS], names[ROLE_BITS][ROLE_NAME];
	status.hub_id = (char *)q->conf.hub_id;
	status.version = (char *)ISAC_VERSION;
	status.indexed_seq = store_indexer_seq(q->conf.indexer); /* first: then it is never beyond the head */
	status.head_seq = store_head(q->conf.store);
	status.started_us = q->started_us;
	status.now_us = base_clock_us();
	member_roster_each(call->roster, count_member, &status.members);
	fill_caller(call, &status, roles, names);
	struct store_subscription *subs = NULL;
	size_t n = 0;
	enum isac_err err = call->token ? ISAC_OK : store_select_subscriptions(q->db, call->self->id, &subs, &n);
	if (!err) err = fill_subscriptions(call, &status, subs, n);
	if (!err && !call->token) err = store_select_concern(q->db, call->self, &status.concern_reports, &status.concern_newest_seq);
	if (!err) wire_pack(call->out, &status.base);
	for (size_t i = 0; i < n; i++) free(subs[i].filter);
	free(subs);
	return err ? query_refuse(call, err, isac_err_text(err)) : call->out->err;
}

void query_note_receipt(struct query *q, int32_t member_id, uint64_t seq, int64_t received_us)
{
	if (member_id < 0 || member_id >= QUERY_NOTES) return;
	atomic_store(&q->notes[member_id].seq, seq);
	atomic_store(&q->notes[member_id].received_us, received_us);
}
