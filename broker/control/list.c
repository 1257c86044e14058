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

enum isac_err control_life_list(struct control_call *call)
{
	return list(call, "life", NULL);
}

enum isac_err control_read_list(struct control_call *call)
{
	return list(call, "read", "member");
}

enum isac_err control_read_who(struct control_call *call)
{
	uint8_t id[WIRE_ID];
	const char *hex = control_arg_text(call->cmd, "report_id");
	if (wire_unhex(id, sizeof(id), hex, strlen(hex)))
		return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "report_id is not %d hex digits", 2 * WIRE_ID);
	return store_select_list(call->db, "read_who", hex, call->rows);
}

enum isac_err control_stats(struct control_call *call)
{
	return list(call, "stats", NULL);
}

void control_add_row(struct wire_buf *out, const char *const (*cells)[2], size_t n)
{
	Isac1__Arg arg[CONTROL_CELLS], *args[CONTROL_CELLS];
	Isac1__Row row = ISAC1__ROW__INIT, *rows[1] = {&row};
	Isac1__ControlResult result = ISAC1__CONTROL_RESULT__INIT;
	for (size_t i = 0; i < n; i++) {
		isac1__arg__init(&arg[i]);
		arg[i].name = (char *)(uintptr_t)cells[i][0];
		arg[i].value = (char *)(uintptr_t)cells[i][1];
		args[i] = &arg[i];
	}
	row.n_cells = n, row.cells = args;
	result.n_rows = 1, result.rows = rows;
	wire_pack(out, &result.base);
}

static void add_param(struct wire_buf *out, const char *name, const char *value, const char *unit)
{
	const char *cells[][2] = {{"name", name}, {"value", value}, {"unit", unit}};
	control_add_row(out, cells, 3);
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
