/* warninglist: reads the operator's lists again. What is in force stays so until all of the new ones are good. */
#include "control/priv.h"

enum isac_err control_warninglist_reload(struct control_call *call)
{
	const char *folder = base_conf_str(call->params, "warninglists_dir");
	struct hold_counts counts;
	struct hold_lists *lists;
	if (!*folder)
		return wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "the hub has no warninglists: its parameter warninglists_dir is empty");
	enum isac_err err = hold_lists_load(&lists, folder, call->why);
	if (err) {
		base_log(BASE_LOG_ERROR, "warninglist.reload", "why=\"%s\"", call->why->text);
		return err == ISAC_ERR_CONFIG ? ISAC_ERR_BAD_VALUE : err;
	}
	hold_lists_log(lists);
	hold_lists_count(lists, &counts);
	char number[4][24];
	const size_t value[4] = {counts.lists, counts.entries, counts.skipped_entries, counts.skipped_lists};
	for (unsigned i = 0; i < 4; i++) snprintf(number[i], sizeof(number[i]), "%zu", value[i]);
	const char *cells[][2] = {{"lists", number[0]},
				  {"entries", number[1]},
				  {"passed_over_entries", number[2]},
				  {"passed_over_lists", number[3]},
				  {"passed_over", counts.skipped}};
	control_add_row(call->rows, cells, 5);
	if (control_arg_dry_run(call->cmd)) hold_lists_free(lists); /* they are good: that was the question */
	else base_shared_swap(&call->hold->lists, lists);
	return call->rows->err;
}
