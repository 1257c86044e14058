/*
 * token: the commands on tokens. The token is made by whoever asks for it: the hub is told its hash, so that neither the record of
 * commands nor the log nor the database ever hold it.
 */
#include "control/priv.h"

#include <stdio.h>
#include <string.h>

enum { TTL_S_MAX = 315360000, NOTE_BYTES = 256 };

static enum isac_err get_scope(enum member_scope *out, const struct control_call *call)
{
	const char *text = control_arg_text(call->cmd, "scope");
	*out = member_scope_parse(text ? text : "read");
	return *out ? ISAC_OK : wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "scope: read or client");
}

static enum isac_err get_ttl(int64_t *expires_us, const struct control_call *call)
{
	uint64_t s = 0;
	enum isac_err err = control_arg_number(&s, call, "ttl_s");
	if (!err && s > TTL_S_MAX) err = wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "ttl_s: ten years at most");
	*expires_us = base_clock_us() + (int64_t)s * 1000000;
	return err;
}

static enum isac_err get_note(const char **out, const struct control_call *call)
{
	const char *text = control_arg_text(call->cmd, "note");
	*out = text ? text : "";
	return strlen(*out) <= NOTE_BYTES ? ISAC_OK : wire_refuse(call->why, ISAC_ERR_TOO_LARGE, "note: %d bytes at most", NOTE_BYTES);
}

static enum isac_err insert(struct control_call *call, const char *member)
{
	struct store_token token = {.member = member, .by = call->self->id};
	const char *hex = control_arg_text(call->cmd, "hash");
	uint8_t hash[WIRE_HASH];
	int32_t id = 0;
	if (wire_unhex(hash, sizeof(hash), hex, strlen(hex)))
		return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "hash is not %d hex digits", 2 * WIRE_HASH);
	token.hash = hash;
	enum isac_err err = get_scope(&token.scope, call);
	if (!err) err = get_ttl(&token.expires_us, call);
	if (!err) err = get_note(&token.note, call);
	if (!err && control_arg(call->cmd, "collection")) err = control_arg_name(&token.collection, call, "collection");
	if (!err) err = store_insert_token(call->db, &token, &id, call->why);
	if (err) return err;
	char text[16];
	snprintf(text, sizeof(text), "%d", id);
	const char *cells[][2] = {{"id", text},
				  {"member", member},
				  {"scope", member_scope_names[token.scope]},
				  {"collection", token.collection ? token.collection : ""}};
	control_add_row(call->rows, cells, sizeof(cells) / sizeof(*cells));
	return call->rows->err;
}

enum isac_err control_token_add(struct control_call *call)
{
	return insert(call, call->self->name);
}

enum isac_err control_token_issue(struct control_call *call)
{
	const char *name;
	enum isac_err err = control_arg_name(&name, call, "member");
	if (err) return err;
	const struct member *m = member_roster_find(call->roster, name);
	if (!m) return wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "no member %s", name);
	if (!(m->roles & (MEMBER_SUBSCRIBER | MEMBER_ANALYST)))
		return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "%s may not read itself: it has neither the role subscriber nor analyst",
				   name);
	return insert(call, m->name);
}

enum isac_err control_token_list(struct control_call *call)
{
	bool all = call->self->roles & (MEMBER_ADMIN | MEMBER_AUDITOR);
	const char *member = all ? "" : call->self->name;
	enum isac_err err = control_arg(call->cmd, "member") ? control_arg_name(&member, call, "member") : ISAC_OK;
	if (!err && !all && strcmp(member, call->self->name))
		err = wire_refuse(call->why, ISAC_ERR_NOT_ALLOWED, "only admins and auditors see the tokens of others");
	return err ? err : store_select_list(call->db, "token", member, call->rows);
}

enum isac_err control_token_revoke(struct control_call *call)
{
	uint64_t id;
	enum isac_err err = control_arg_number(&id, call, "id");
	if (!err && id > INT32_MAX) err = ISAC_ERR_NOT_FOUND;
	if (!err)
		err = store_update_token_revoke(call->db, (int32_t)id, call->self->roles & MEMBER_ADMIN ? 0 : call->self->id,
						call->self->id);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(call->why, err, "no such token that is valid: token.list shows them") : err;
}
