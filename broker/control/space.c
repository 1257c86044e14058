/*
 * space: the commands on registered space. A claim takes effect once somebody else stands by it: an admin, or another member that
 * shares here. Overlaps are for an admin to judge. The words of a confirmation name what is confirmed, so that its signature means it.
 */
#include "control/priv.h"

#include <stdlib.h>
#include <string.h>

static bool is_space(const Isac1__Arg *arg, enum member_space_kind *kind)
{
	for (unsigned k = 0; k < MEMBER_SPACE_KINDS; k++)
		if (!strcmp(arg->name, member_space_names[k])) {
			*kind = (enum member_space_kind)k;
			return true;
		}
	return false;
}

enum isac_err control_space_read(struct control_space *out, const struct control_call *call, bool strict)
{
	enum member_space_kind kind;
	enum isac_err err = ISAC_OK;
	*out = (struct control_space){.item = calloc(call->cmd->n_args + 1, sizeof(*out->item))};
	if (!out->item) return ISAC_ERR_NO_MEMORY;
	for (size_t i = 0; !err && i < call->cmd->n_args; i++)
		if (is_space(call->cmd->args[i], &kind))
			err = member_space_parse(&out->item[out->n++], kind, call->cmd->args[i]->value, strict, call->why);
	return err;
}

/* Whose space is spoken of: `member`, or the caller. */
static enum isac_err get_owner(const char **out, const struct control_call *call)
{
	*out = call->self->name;
	return control_arg(call->cmd, "member") ? control_arg_name(out, call, "member") : ISAC_OK;
}

static bool is_self(const struct control_call *call, const char *name)
{
	return !strcmp(call->self->name, name);
}

enum act { CLAIM, CONFIRM, DROP };

static enum isac_err check_rights(const struct control_call *call, const char *owner, enum act act)
{
	if (act == CONFIRM && is_self(call, owner))
		return wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "nobody confirms its own space: ask another member or an admin");
	if (act == CONFIRM || is_self(call, owner) || call->self->roles & MEMBER_ADMIN) return ISAC_OK;
	return wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "only an admin does that for another member");
}

static enum isac_err run(struct control_call *call, enum act act)
{
	struct control_space space = {.item = NULL};
	struct store_space s = {.by = call->self->id};
	enum isac_err err = get_owner(&s.member, call);
	if (!err) err = check_rights(call, s.member, act);
	if (err) return err;
	s.vouched = call->self->roles & MEMBER_ADMIN && !is_self(call, s.member);
	/* What an admin registered may be dropped and confirmed by its name, though no member could claim it. */
	err = control_space_read(&space, call, act == CLAIM && !s.vouched);
	if (!err && !space.n) err = wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "say what: net, asn or domain");
	s.item = space.item;
	s.n = space.n;
	if (!err)
		err = act == CLAIM ? store_insert_space(call->db, &s, call->why)
				   : store_update_space(call->db, &s, act == CONFIRM, call->why);
	free(space.item);
	/* Whoever claims is shown what waits for whom. */
	return err || act != CLAIM ? err : store_select_list(call->db, "space", s.member, call->rows);
}

enum isac_err control_space_claim(struct control_call *call)
{
	return run(call, CLAIM);
}

enum isac_err control_space_confirm(struct control_call *call)
{
	return run(call, CONFIRM);
}

enum isac_err control_space_drop(struct control_call *call)
{
	return run(call, DROP);
}

/* Who shares here sees its own; admins and auditors see everybody's. */
enum isac_err control_space_list(struct control_call *call)
{
	bool all = call->self->roles & (MEMBER_ADMIN | MEMBER_AUDITOR);
	const char *member = all ? "" : call->self->name;
	enum isac_err err = control_arg(call->cmd, "member") ? control_arg_name(&member, call, "member") : ISAC_OK;
	if (err) return err;
	if (!all && !is_self(call, member))
		return wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "only admins and auditors see the space of others");
	return store_select_list(call->db, "space", member, call->rows);
}
