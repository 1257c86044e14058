/* group: the commands on groups, which narrow a report's label to their members. */
#include "control/priv.h"

enum isac_err control_group_add(struct control_call *call)
{
	const char *name;
	enum isac_err err = control_arg_name(&name, call, "name");
	return err ? err : store_insert_group(call->db, name, call->why);
}

static enum isac_err update(struct control_call *call, bool add)
{
	const char *group, *member;
	enum isac_err err = control_arg_name(&group, call, "group");
	if (!err) err = control_arg_name(&member, call, "member");
	return err ? err : store_update_group(call->db, group, member, add, call->why);
}

enum isac_err control_group_join(struct control_call *call)
{
	return update(call, true);
}

enum isac_err control_group_leave(struct control_call *call)
{
	return update(call, false);
}
