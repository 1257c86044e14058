/*
 * life: how a member comes and goes. An invitation is an identity for once: a connection's key and a signing key, made by the admin's
 * program, with which its holder may do nothing but give its own. The chain of signatures stays whole: admin, invitation, member.
 */
#include "control/priv.h"

#include <stdlib.h>
#include <string.h>

enum { INVITATION_S = 604800, PER_S_MAX = 10000000 };

static const struct member *find(const struct control_call *call, enum isac_err *err)
{
	const char *name;
	*err = control_arg_name(&name, call, "name");
	const struct member *m = *err ? NULL : member_roster_find(call->roster, name);
	if (!*err && !m) *err = wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "no member %s", name);
	return m;
}

enum isac_err control_member_invite(struct control_call *call)
{
	struct control_newcomer m;
	int64_t until_us = call->cmd->created_us + (int64_t)INVITATION_S * 1000000;
	enum isac_err err = control_member_read(&m, call);
	if (!err) err = store_insert_invited(call->db, &m.bundle, m.type, m.roles, m.client_of, until_us, call->why);
	return err ? err : control_member_space(call, m.bundle.name);
}

enum isac_err control_member_join(struct control_call *call)
{
	struct wire_member bundle;
	enum isac_err err = control_arg_bundle(&bundle, call);
	if (err) return err;
	if (strcmp(bundle.name, call->self->name))
		return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "this is an invitation for %s", call->self->name);
	return store_update_joined(call->db, call->self->id, &bundle, call->why);
}

enum isac_err control_member_leave(struct control_call *call)
{
	return store_update_left(call->db, call->self->id, call->self->id, false, call->why);
}

/* The content of all that it published goes, step by step; what proves that it was there stays. */
enum isac_err control_member_erase(struct control_call *call)
{
	enum isac_err err;
	const struct member *m = find(call, &err);
	if (err) return err;
	if (m == call->self) return wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "nobody erases itself");
	struct store_recall recall = {.reason = STORE_GAP_ERASURE, .publisher_id = m->id, .from_seq = 1};
	err = store_update_left(call->db, m->id, call->self->id, true, call->why);
	return err ? err : store_insert_recall(call->db, &recall);
}

static enum isac_err get_rate(int64_t *out, const struct control_call *call, const char *name, int64_t least, int64_t most)
{
	uint64_t v = 0;
	enum isac_err err = control_arg_number(&v, call, name);
	if (!err && v && ((int64_t)v < least || (int64_t)v > most))
		err = wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "%s is %lld to %lld", name, (long long)least, (long long)most);
	*out = (int64_t)v;
	return err;
}

enum isac_err control_member_quota(struct control_call *call)
{
	struct member_rate rate;
	enum isac_err err;
	const struct member *m = find(call, &err);
	if (!err) err = get_rate(&rate.per_s, call, "reports_per_s", 1, PER_S_MAX);
	if (!err) err = get_rate(&rate.burst, call, "burst", 1, PER_S_MAX);
	if (!err) err = get_rate(&rate.bytes_per_min, call, "bytes_per_min", 1000, 100000000000);
	return err ? err : store_update_quota(call->db, m->name, &rate, call->why);
}
