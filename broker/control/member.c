/* member: the commands on members. An admin cannot shut itself out: there might be no other. */
#include "control/priv.h"

#include <stdlib.h>
#include <string.h>

static enum isac_err read_roles(uint32_t *out, const struct control_call *call)
{
	*out = member_roles_parse(control_arg_text(call->cmd, "role"));
	if (*out && !(*out & MEMBER_INVITED)) return ISAC_OK;
	return wire_refuse(call->why, ISAC_ERR_BAD_VALUE,
			   "role: a list of publisher, subscriber, analyst, tracer, admin, auditor, gateway");
}

static enum isac_err read_type(const char **out, const struct control_call *call)
{
	static const char *const types[] = {"", "isp", "vendor", "soc", "csirt", "academic"};
	const char *text = control_arg_text(call->cmd, "type");
	*out = text ? text : "";
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(*out, types[i])) return ISAC_OK;
	return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "type: isp, vendor, soc, csirt or academic");
}

/* A client reads: what it publishes would be nobody's. */
static enum isac_err check_client_roles(const struct control_call *call, uint32_t roles)
{
	if (!(roles & ~(uint32_t)(MEMBER_SUBSCRIBER | MEMBER_ANALYST))) return ISAC_OK;
	return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "role: a client of a member may be subscriber and analyst only");
}

static enum isac_err read_client_of(const char **out, const struct control_call *call, uint32_t roles)
{
	const struct member *m;
	enum isac_err err;
	*out = "";
	if (!control_arg(call->cmd, "client_of")) return ISAC_OK;
	err = control_arg_name(out, call, "client_of");
	if (err) return err;
	m = member_roster_find(call->roster, *out);
	if (!m || !m->roles) return wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "no member %s here", *out);
	if (m->client) return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "%s is a client itself: name its organisation", *out);
	return check_client_roles(call, roles);
}

static bool is_self(const struct control_call *call, const char *name)
{
	return !strcmp(call->self->name, name);
}

enum isac_err control_member_space(struct control_call *call, const char *name)
{
	struct control_space space;
	enum isac_err err = control_space_read(&space, call, false);
	struct store_space s = {.member = name, .by = call->self->id, .vouched = true, .item = space.item, .n = space.n};
	if (!err && s.n) err = store_insert_space(call->db, &s, call->why);
	free(space.item);
	return err;
}

enum isac_err control_member_read(struct control_newcomer *out, const struct control_call *call)
{
	enum isac_err err = control_arg_bundle(&out->bundle, call);
	if (!err) err = read_roles(&out->roles, call);
	if (!err) err = read_type(&out->type, call);
	return err ? err : read_client_of(&out->client_of, call, out->roles);
}

enum isac_err control_member_add(struct control_call *call)
{
	struct control_newcomer m;
	enum isac_err err = control_member_read(&m, call);
	if (!err) err = store_insert_member(call->db, &m.bundle, m.type, m.roles, m.client_of, call->why);
	return err ? err : control_member_space(call, m.bundle.name);
}

enum isac_err control_member_suspend(struct control_call *call)
{
	const char *name;
	enum isac_err err = control_arg_name(&name, call, "name");
	if (!err && is_self(call, name)) err = wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "nobody suspends itself");
	return err ? err : store_update_member(call->db, name, 1, 0, call->why);
}

enum isac_err control_member_resume(struct control_call *call)
{
	const char *name;
	enum isac_err err = control_arg_name(&name, call, "name");
	if (err) return err;
	return store_update_member(call->db, name, 0, 0, call->why);
}

enum isac_err control_member_role(struct control_call *call)
{
	const char *name;
	uint32_t roles;
	enum isac_err err = control_arg_name(&name, call, "name");
	if (!err) err = read_roles(&roles, call);
	if (!err && is_self(call, name) && !(roles & MEMBER_ADMIN))
		err = wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "nobody takes the role admin from itself");
	const struct member *m = err ? NULL : member_roster_find(call->roster, name);
	if (m && m->client) err = check_client_roles(call, roles);
	return err ? err : store_update_member(call->db, name, -1, roles, call->why);
}
