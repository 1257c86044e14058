/*
 * accept: may this command run? The same identity and clock rules as for a report (proto/README.md sections 5 and 11), then the
 * role that its row names, then its arguments. Pure, so that every refusal can be tested with a literal roster.
 */
#include "control/priv.h"

#include <string.h>

static const struct control_row rows[] = {
#define COMMAND(verb, roles, handler, changes_roster, args, text) {verb, roles, handler, changes_roster, args, text},
#include "commands.def"
#undef COMMAND
};

static enum isac_err check_signature(struct control_case *c, struct wire_why *why)
{
	const Isac1__Control *k = c->control;
	const struct member_key *key;
	if (!k->signature.len) return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "no signature");
	if (k->signature.len != WIRE_SIGNATURE) return wire_refuse(why, ISAC_ERR_MALFORMED, "signature is not 64 bytes");
	enum isac_err err = member_check_signer(&key, c->roster, c->self, k->key_id.data, k->key_id.len, c->now_us, why);
	if (err) return err;
	if (!wire_sign_check(k->signature.data, WIRE_SIGN_COMMAND, c->hub_id, k->command.data, k->command.len, key->public_key))
		return ISAC_OK;
	return wire_refuse(why, ISAC_ERR_NOT_AUTHENTIC, "the signature does not hold");
}

static enum isac_err check_command(struct control_case *c, struct wire_arena *arena, struct wire_why *why)
{
	const ProtobufCBinaryData *bytes = &c->control->command;
	if (!bytes->len) return wire_refuse(why, ISAC_ERR_MALFORMED, "no command");
	enum isac_err err = wire_open((ProtobufCMessage **)&c->cmd, &isac1__command__descriptor, arena, bytes->data, bytes->len, true, why);
	if (err) return err;
	uint8_t id = 0;
	for (size_t i = 0; i < c->cmd->command_id.len; i++) id |= c->cmd->command_id.data[i];
	if (c->cmd->command_id.len != WIRE_ID || !id) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "command_id is not 16 bytes, or zero");
	if (c->cmd->created_us > c->now_us + (int64_t)WIRE_LIMIT_SKEW_ABSURD_S * 1000000)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "created_us is no time of this day");
	if (c->cmd->created_us > c->now_us + (int64_t)WIRE_LIMIT_SKEW_AHEAD_S * 1000000)
		return wire_refuse(why, ISAC_ERR_FROM_FUTURE, "created_us is more than %d s ahead of the hub's clock",
				   WIRE_LIMIT_SKEW_AHEAD_S);
	if (c->cmd->created_us < c->now_us - (int64_t)WIRE_LIMIT_SKEW_BEHIND_S * 1000000)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "created_us is more than %d s old", WIRE_LIMIT_SKEW_BEHIND_S);
	return ISAC_OK;
}

static enum isac_err check_row(struct control_case *c, struct wire_why *why)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].verb, c->cmd->verb)) c->row = &rows[i];
	if (!c->row) return wire_refuse(why, ISAC_ERR_NOT_FOUND, "no such command");
	if (!(c->self->roles & c->row->roles)) {
		char names[96];
		member_roles_print(names, sizeof(names), c->row->roles);
		return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "needs one of the roles %s", names);
	}
	return control_args_check(c->cmd, c->row, why);
}

enum isac_err control_accept(struct control_case *c, struct wire_arena *arena, struct wire_why *why)
{
	c->self = c->roster ? member_roster_by_id(c->roster, c->member_id) : NULL;
	if (!c->self || c->self->suspended) return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "suspended");
	enum isac_err err =
		wire_open((ProtobufCMessage **)&c->control, &isac1__control__descriptor, arena, c->body.data, c->body.len, true, why);
	if (!err) err = check_signature(c, why);
	if (!err) err = check_command(c, arena, why);
	return err ? err : check_row(c, why);
}
