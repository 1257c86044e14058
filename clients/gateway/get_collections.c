/* get_collections: what the caller can read, and as whom. */
#include "gateway/priv.h"

void gateway_get_collections(struct gateway_call *call)
{
	const struct isac_collections *found;
	struct isac_error err;
	char id[37];
	enum isac_result r = isac_collections(&found, call->worker->isac, NULL, &err);
	if (r) return gateway_reply_failure(call, r, &err);
	json_t *list = json_array();
	for (size_t i = 0; i < found->n; i++) {
		const struct isac_collection *c = &found->list[i];
		isac_id_text(id, c->id);
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:s}", "name", c->name, "title", c->title, "filter", c->filter, "id", id));
	}
	gateway_reply_json(call, 200, json_pack("{s:s, s:s, s:o}", "member", found->member, "scope", found->scope, "collections", list));
}
