/* directory: DIRECTORY. Members' keys with the commands that enrolled them; every member may ask, for it has to verify the others. */
#include "query/priv.h"

enum isac_err query_directory(struct query_call *call)
{
	static const Isac1__Directory everything = ISAC1__DIRECTORY__INIT;
	const Isac1__Directory *ask = call->ask ? (const Isac1__Directory *)call->ask : &everything;
	if (ask->n_key_ids > WIRE_LIMIT_KEY_IDS || ask->n_members > WIRE_LIMIT_KEY_IDS)
		return query_refuse(call, ISAC_ERR_TOO_LARGE, "too many keys in one request");
	for (size_t i = 0; i < ask->n_key_ids; i++)
		if (ask->key_ids[i].len != WIRE_KEY_ID) return query_refuse(call, ISAC_ERR_BAD_VALUE, "a key_id is not 8 bytes");
	for (size_t i = 0; i < ask->n_members; i++)
		if (!wire_name_ok(ask->members[i])) return query_refuse(call, ISAC_ERR_BAD_VALUE, "a member name is not a name");
	enum isac_err err = store_select_directory(call->q->db, ask, call->out);
	if (!err) err = call->out->err;
	return err ? query_refuse(call, err, isac_err_text(err)) : ISAC_OK;
}
