/* args: a command's named arguments, against the list in its row of commands.def and one by one. */
#include "control/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How often `name` may stand by the list: '1' once, '?' at most once, '*' any, 0 never. */
static char find_rule(const char *list, const char *name)
{
	size_t len = strlen(name);
	while (*list) {
		size_t word = strcspn(list, " ?*");
		char rule = list[word] == '?' || list[word] == '*' ? list[word] : '1';
		if (word == len && !memcmp(list, name, len)) return rule;
		list += strcspn(list, " ");
		list += strspn(list, " ");
	}
	return 0;
}

#define DRY_RUN "dry_run" /* an argument of every command that changes something */

static size_t count(const Isac1__Command *cmd, const char *name, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < cmd->n_args; i++) n += strlen(cmd->args[i]->name) == len && !memcmp(cmd->args[i]->name, name, len);
	return n;
}

enum isac_err control_args_check(const Isac1__Command *cmd, const struct control_row *row, struct wire_why *why)
{
	const char *list = row->args;
	if (cmd->n_args > WIRE_LIMIT_ARGS) return wire_refuse(why, ISAC_ERR_TOO_LARGE, "more than %d arguments", WIRE_LIMIT_ARGS);
	for (size_t i = 0; i < cmd->n_args; i++) {
		const Isac1__Arg *arg = cmd->args[i];
		if (strlen(arg->value) > WIRE_LIMIT_ARG_BYTES || arg->data.len > WIRE_LIMIT_ARG_BYTES)
			return wire_refuse(why, ISAC_ERR_TOO_LARGE, "argument %zu is over %d bytes", i + 1, WIRE_LIMIT_ARG_BYTES);
		char rule = row->changes_roster && !strcmp(arg->name, DRY_RUN) ? '?' : find_rule(list, arg->name);
		if (!rule) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "argument %zu is not one of this command: %s", i + 1, list);
		if (rule != '*' && count(cmd, arg->name, strlen(arg->name)) > 1)
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "argument %zu stands twice", i + 1);
		/* What takes effect is kept for ever, so nothing may ride along that nobody reads. */
		if (arg->data.len && strcmp(arg->name, "bundle") != 0)
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "argument %zu is in value, not in data", i + 1);
		if (!wire_text_ok(arg->value, strlen(arg->value)))
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "argument %zu holds control characters", i + 1);
	}
	for (const char *at = list; *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");
		bool required = at[word - 1] != '?' && at[word - 1] != '*';
		if (required && !count(cmd, at, word))
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "argument %.*s is missing", (int)word, at);
		at += word;
	}
	return ISAC_OK;
}

bool control_arg_dry_run(const Isac1__Command *cmd)
{
	return control_arg(cmd, DRY_RUN) != NULL;
}

const Isac1__Arg *control_arg(const Isac1__Command *cmd, const char *name)
{
	for (size_t i = 0; i < cmd->n_args; i++)
		if (!strcmp(cmd->args[i]->name, name)) return cmd->args[i];
	return NULL;
}

const char *control_arg_text(const Isac1__Command *cmd, const char *name)
{
	const Isac1__Arg *arg = control_arg(cmd, name);
	return arg ? arg->value : NULL;
}

enum isac_err control_arg_name(const char **out, const struct control_call *call, const char *name)
{
	*out = control_arg_text(call->cmd, name);
	if (*out && wire_name_ok(*out)) return ISAC_OK;
	return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "%s is not a name: use a-z 0-9 . _ -", name);
}

enum isac_err control_arg_number(uint64_t *out, const struct control_call *call, const char *name)
{
	const char *text = control_arg_text(call->cmd, name);
	char *end;
	*out = 0;
	if (!text) return ISAC_OK;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !v || v > INT64_MAX)
		return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "%s is not a number above 0", name);
	*out = v;
	return ISAC_OK;
}

enum isac_err control_arg_bundle(struct wire_member *out, const struct control_call *call)
{
	const Isac1__Arg *arg = control_arg(call->cmd, "bundle");
	enum isac_err err = wire_member_parse(out, (const char *)arg->data.data, arg->data.len, call->why);
	/* Which rule of the bundle it broke is in the text; for the command it is a bad value, unless it is a forgery. */
	return err == ISAC_ERR_MALFORMED ? ISAC_ERR_BAD_VALUE : err;
}
