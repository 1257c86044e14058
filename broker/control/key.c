/* key: the commands on signing keys. */
#include "control/priv.h"

#include <string.h>

/* Whoever made the new home by keygen has a new curve.key in it, by which the front knows nobody. */
static void warn_of_curve(const struct control_call *call, const struct wire_member *bundle)
{
	const struct member *m = member_roster_find(call->roster, bundle->name);
	const char *cells[][2] = {{"warning",
				   "the bundle's connection key is not the member's, which stays: the new home needs a copy of the old "
				   "home's curve.key"}};
	if (m && memcmp(m->curve, bundle->curve, WIRE_CURVE) != 0) control_add_row(call->rows, cells, 1);
}

enum isac_err control_key_add(struct control_call *call)
{
	struct wire_member bundle;
	const char *name;
	uint64_t from_us, until_us;
	enum isac_err err = control_arg_name(&name, call, "member");
	if (!err) err = control_arg_bundle(&bundle, call);
	if (!err) err = control_arg_number(&from_us, call, "valid_from_us");
	if (!err) err = control_arg_number(&until_us, call, "valid_until_us");
	if (err) return err;
	if (strcmp(bundle.name, name)) return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "the bundle is not one of this member");
	if (until_us && until_us <= from_us) return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "valid_until_us is not after valid_from_us");
	err = store_insert_key(call->db, name, bundle.sign, (int64_t)from_us, (int64_t)until_us, call->why);
	if (!err && control_arg(call->cmd, "curve")) return store_update_curve(call->db, &bundle, call->why);
	if (!err) warn_of_curve(call, &bundle);
	return err;
}

enum isac_err control_key_revoke(struct control_call *call)
{
	const char *hex = control_arg_text(call->cmd, "key_id");
	uint8_t key_id[WIRE_KEY_ID];
	uint64_t from_seq; /* 0: the store takes the next one */
	if (wire_unhex(key_id, sizeof(key_id), hex, strlen(hex)))
		return wire_refuse(call->why, ISAC_ERR_BAD_VALUE, "key_id is not %d hex digits", 2 * WIRE_KEY_ID);
	enum isac_err err = control_arg_number(&from_seq, call, "from_seq");
	if (!err) err = store_update_key_revoke(call->db, key_id, &from_seq, call->why);
	if (err) return err;
	const struct member_key *key = member_roster_key(call->roster, key_id);
	struct store_recall recall = {.reason = STORE_GAP_KEY, .from_seq = from_seq, .scanned_seq = from_seq - 1};
	if (!key) return ISAC_ERR_UNAVAILABLE; /* it is newer than our roster */
	recall.publisher_id = key->member_id;
	memcpy(recall.key_id, key_id, sizeof(recall.key_id));
	return store_insert_recall(call->db, &recall);
}
