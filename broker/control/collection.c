/* collection: the commands on saved filters, which gateways offer under a name. all and mine are always there. */
#include "control/priv.h"

#include <string.h>

#include "filter/filter.h"

enum { TITLE_BYTES = 256 };

enum isac_err control_collection_add(struct control_call *call)
{
	const char *name, *text = control_arg_text(call->cmd, "filter"), *title = control_arg_text(call->cmd, "title");
	struct filter *filter = NULL;
	struct filter_error fail = {.column = 0};
	enum isac_err err = control_arg_name(&name, call, "name");
	if (!err && title && strlen(title) > TITLE_BYTES)
		err = wire_refuse(call->why, ISAC_ERR_TOO_LARGE, "title: %d bytes at most", TITLE_BYTES);
	if (err) return err;
	err = filter_parse(&filter, text, strlen(text), base_clock_us(), &fail);
	if (err) return wire_refuse(call->why, err, "filter, column %u: %s", fail.column, fail.text);
	err = store_insert_collection(call->db, name, *filter_text(filter) ? filter_text(filter) : "true", title ? title : "", call->why);
	filter_destroy(&filter);
	return err;
}

enum isac_err control_collection_list(struct control_call *call)
{
	return store_select_list(call->db, "collection", NULL, call->rows);
}

enum isac_err control_collection_drop(struct control_call *call)
{
	const char *name;
	enum isac_err err = control_arg_name(&name, call, "name");
	if (!err && (!strcmp(name, "all") || !strcmp(name, "mine")))
		err = wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "%s is always there", name);
	if (!err) err = store_delete_collection(call->db, name);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(call->why, err, "no collection %s", name) : err;
}
