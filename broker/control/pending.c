/*
 * pending: dangerous commands take effect when a second admin has signed the same bytes. What is dangerous is a row of
 * approvals.def. The first signature stays the command's certificate; the second stands beside it in the record.
 */
#include "control/priv.h"

#include <string.h>

static bool is_dangerous(const char *verb)
{
	static const char *const verbs[] = {
#define APPROVAL(verb, why) verb,
#include "approvals.def"
#undef APPROVAL
	};
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i], verb)) return true;
	return false;
}

/* Who asked must still be one whose command it could be: what a suspended admin left behind is not brought to life. */
static enum isac_err check_asker(struct control_approval *a, const struct control_case *found, struct wire_why *why)
{
	const struct member_key *key;
	struct wire_why own = {.item = 0};
	a->asker = member_roster_by_id(found->roster, a->pending.member_id);
	if (!a->asker || !(a->asker->roles & found->row->roles))
		return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "who asked for it may not do it any more: reject it");
	if (!member_check_signer(&key, found->roster, a->asker, a->pending.key_id, WIRE_KEY_ID, found->now_us, &own)) return ISAC_OK;
	return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "who asked for it may not do it any more: %s", own.text);
}

enum isac_err control_pending_judge(struct control_approval *out, const struct control_case *found, struct store_db *db, int64_t admins_min,
				    struct wire_why *why)
{
	const Isac1__Control *k = found->control;
	*out = (struct control_approval){.go = CONTROL_GO_ALONE};
	if (!is_dangerous(found->row->verb)) return ISAC_OK;
	out->needed = admins_min && member_roster_count(found->roster, MEMBER_ADMIN) >= admins_min;
	struct wire_bytes bytes = {k->command.data, k->command.len};
	enum isac_err err = store_select_pending(db, found->cmd->command_id.data, bytes, &out->pending);
	if (err) return err;
	if (out->pending.state == STORE_PENDING_NONE) {
		out->go = out->needed ? CONTROL_GO_WAIT : CONTROL_GO_ALONE;
		return ISAC_OK;
	}
	if (!out->pending.same) return ISAC_ERR_CONFLICT;
	if (out->pending.state == STORE_PENDING_DONE) return ISAC_ERR_AGAIN;
	if (out->pending.state == STORE_PENDING_REJECTED) return wire_refuse(why, ISAC_ERR_NOT_ALLOWED, "this command was rejected");
	if (out->pending.member_id == found->self->id) {
		out->go = out->needed ? CONTROL_GO_WAIT : CONTROL_GO_APPROVED;
		out->asker = found->self;
		return ISAC_OK;
	}
	out->go = CONTROL_GO_APPROVED;
	return check_asker(out, found, why);
}

enum isac_err control_pending_list(struct control_call *call)
{
	return store_select_list(call->db, "pending", NULL, call->rows);
}

static enum isac_err get_id(uint8_t out[WIRE_ID], const struct control_call *call)
{
	const char *hex = control_arg_text(call->cmd, "command_id");
	if (!wire_unhex(out, WIRE_ID, hex, strlen(hex))) return ISAC_OK;
	return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "command_id is not %d hex digits", 2 * WIRE_ID);
}

enum isac_err control_pending_show(struct control_call *call)
{
	uint8_t id[WIRE_ID];
	enum isac_err err = get_id(id, call);
	if (!err) err = store_select_list(call->db, "command", control_arg_text(call->cmd, "command_id"), call->rows);
	if (!err && !call->rows->len) err = wire_refuse(call->why, ISAC_ERR_NOT_FOUND, "no command of this id waits or waited");
	return err;
}

/* By whom it was asked for, too: nobody else may have looked at it yet. */
enum isac_err control_pending_reject(struct control_call *call)
{
	uint8_t id[WIRE_ID];
	enum isac_err err = get_id(id, call);
	if (!err) err = store_update_pending(call->db, id, false, call->self->id);
	return err == ISAC_ERR_NOT_FOUND ? wire_refuse(call->why, err, "no command of this id waits") : err;
}
