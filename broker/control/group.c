/*
 * group: the commands on groups, which narrow a report's label to their members. A group is a member's, which made it, or the admins';
 * its owner and admins invite and take out, and nobody is in a group of members without its own word. To who is neither in a group nor
 * invited a group is as one that does not exist, but that its name is taken.
 */
#include "control/priv.h"

#include <string.h>

static bool is_admin(const struct control_call *call)
{
	return call->self->roles & MEMBER_ADMIN;
}

static bool is_self(const struct control_call *call, const char *name)
{
	return !strcmp(call->self->name, name);
}

static enum isac_err no_group(const struct control_call *call, const char *name)
{
	return wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "no group %s", name);
}

/* The group, and the member spoken of as it stands to it; whoever asks must be allowed to know of the group. */
static enum isac_err find(struct store_group *out, const char **member, struct control_call *call)
{
	struct store_group own;
	const char *name;
	enum isac_err err = control_arg_name(&name, call, "group");
	*out = (struct store_group){.id = 0};
	*member = call->self->name;
	if (!err && control_arg(call->cmd, "member")) err = control_arg_name(member, call, "member");
	if (!err) err = store_select_group(call->db, name, call->self->name, &own);
	if (err) return err;
	if (!own.id || (!is_admin(call) && !own.is_in && !own.is_invited)) return no_group(call, name);
	if (!is_self(call, *member) && !is_admin(call) && own.owner_id != call->self->id)
		return wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "only its owner or an admin does that for another member");
	err = store_select_group(call->db, name, *member, out);
	if (err) return err;
	if (!out->member_id) return wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "no member %s", *member);
	return ISAC_OK;
}

static enum isac_err refuse_client(const struct control_call *call, const char *name)
{
	return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "%s is a client: it has the groups of its organisation", name);
}

enum isac_err control_group_add(struct control_call *call)
{
	const char *name;
	enum isac_err err = control_arg_name(&name, call, "name");
	return err ? err : store_insert_group(call->db, name, 0, call->why);
}

enum isac_err control_group_create(struct control_call *call)
{
	const char *name;
	enum isac_err err = control_arg_name(&name, call, "name");
	if (!err && call->self->client) err = refuse_client(call, call->self->name);
	return err ? err : store_insert_group(call->db, name, call->self->id, call->why);
}

enum isac_err control_group_join(struct control_call *call)
{
	struct store_group g;
	const char *member;
	enum isac_err err = find(&g, &member, call);
	if (!err && g.is_client) err = refuse_client(call, member);
	return err ? err : store_update_group(call->db, &g, STORE_GROUP_JOIN, call->self->id);
}

enum isac_err control_group_invite(struct control_call *call)
{
	struct store_group g;
	const char *member;
	enum isac_err err = find(&g, &member, call);
	if (!err && g.is_client) err = refuse_client(call, member);
	if (err || g.is_in) return err;
	if (is_self(call, member) && g.owner_id != g.member_id && !is_admin(call))
		return wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "only its owner or an admin invites");
	return store_update_group(call->db, &g, STORE_GROUP_INVITE, call->self->id);
}

enum isac_err control_group_accept(struct control_call *call)
{
	struct store_group g;
	const char *member;
	enum isac_err err = find(&g, &member, call);
	if (err || g.is_in) return err;
	if (!g.is_invited) return no_group(call, control_arg_text(call->cmd, "group")); /* an admin that nobody invited */
	return store_update_group(call->db, &g, STORE_GROUP_JOIN, call->self->id);
}

/* An owner hands its group over before it goes, else nobody could invite into it; an admin may take it out nevertheless. */
enum isac_err control_group_leave(struct control_call *call)
{
	struct store_group g;
	const char *member;
	enum isac_err err = find(&g, &member, call);
	if (!err && g.owner_id == g.member_id && !is_admin(call))
		err = wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "its owner does not leave: give the group to another member first");
	return err ? err : store_update_group(call->db, &g, STORE_GROUP_LEAVE, call->self->id);
}

enum isac_err control_group_give(struct control_call *call)
{
	struct store_group g;
	const char *member;
	enum isac_err err = find(&g, &member, call);
	if (err) return err;
	if (is_self(call, member) && g.owner_id != g.member_id && !is_admin(call))
		return wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "only its owner or an admin gives a group away");
	if (!g.is_in) return wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "member %s is not in the group", member);
	return store_update_group(call->db, &g, STORE_GROUP_GIVE, call->self->id);
}

/* Admins and auditors see all groups; others those that they are in, and those that they are invited to, without who is in them. */
enum isac_err control_group_list(struct control_call *call)
{
	bool all = call->self->roles & (MEMBER_ADMIN | MEMBER_AUDITOR);
	const char *name = "";
	enum isac_err err = control_arg(call->cmd, "name") ? control_arg_name(&name, call, "name") : ISAC_OK;
	if (err) return err;
	if (!all) return store_select_list(call->db, "own_group", call->self->name, call->rows);
	return store_select_list(call->db, "group", name, call->rows);
}
