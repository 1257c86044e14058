/* list: the commands that only look. They are not recorded: nothing changes. */
#include "control/priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum isac_err list(struct control_call *call, const char *what, const char *arg)
{
	const char *narrow = NULL;
	enum isac_err err = arg && control_arg(call->cmd, arg) ? control_arg_name(&narrow, call, arg) : ISAC_OK;
	return err ? err : store_select_list(call->db, what, narrow, call->rows);
}

enum isac_err control_member_list(struct control_call *call)
{
	return list(call, "member", "member");
}

enum isac_err control_key_list(struct control_call *call)
{
	return list(call, "key", "member");
}

enum isac_err control_subscription_list(struct control_call *call)
{
	return list(call, "subscription", "member");
}

enum isac_err control_event_list(struct control_call *call)
{
	return list(call, "event", "member");
}

enum isac_err control_stats(struct control_call *call)
{
	return list(call, "stats", NULL);
}

static void add_param(struct wire_buf *out, const char *name, const char *value, const char *unit)
{
	Isac1__Arg cell[3] = {ISAC1__ARG__INIT, ISAC1__ARG__INIT, ISAC1__ARG__INIT}, *cells[3] = {&cell[0], &cell[1], &cell[2]};
	cell[0].name = (char *)"name", cell[0].value = (char *)name;
	cell[1].name = (char *)"value", cell[1].value = (char *)value;
	cell[2].name = (char *)"unit", cell[2].value = (char *)unit;
	Isac1__Row row = ISAC1__ROW__INIT, *rows[1] = {&row};
	Isac1__ControlResult result = ISAC1__CONTROL_RESULT__INIT;
	row.n_cells = 3, row.cells = cells;
	result.n_rows = 1, result.rows = rows;
	wire_pack(out, &result.base);
}

/* How a value of each kind of params.def reads. */
static const char *print_int(const struct base_conf *conf, const char *name, char *room, size_t size)
{
	snprintf(room, size, "%" PRId64, base_conf_int(conf, name));
	return room;
}
#define print_bool print_int

static const char *print_str(const struct base_conf *conf, const char *name, char *room, size_t size)
{
	const char *text = base_conf_str(conf, name);
	/* A connection string may hold a password. */
	snprintf(room, size, "%s", strcmp(name, "database") || !*text ? text : "(set)");
	return room;
}

enum isac_err control_params(struct control_call *call)
{
	char room[256];
#define PARAM(name, kind, min, max, def, unit, text) \
	add_param(call->rows, #name, print_##kind(call->params, #name, room, sizeof(room)), unit);
#include "base/params.def"
#undef PARAM
	return call->rows->err;
}
