/* collections: the hub's saved filters. */
#include <string.h>
#include "priv.h"

enum isac_result isac_collections(const struct isac_collections **out, struct isac *isac, const char *name, struct isac_error *err)
{
	Isac1__Collections question = ISAC1__COLLECTIONS__INIT;
	ProtobufCMessage *answer;
	question.name = (char *)(uintptr_t)(name ? name : "");
	enum isac_result r =
		client_request_run(&answer, isac, WIRE_COLLECTIONS, &question.base, WIRE_COLLECTIONS_RESULT, &isac->answer, 0, err);
	if (r) return r;
	const Isac1__CollectionsResult *result = (const Isac1__CollectionsResult *)answer;
	struct isac_collections *all = wire_arena_alloc(&isac->answer, sizeof *all);
	struct isac_collection *list = wire_arena_alloc(&isac->answer, (result->n_collections + 1) * sizeof *list);
	if (!all || !list) return client_error_out_of_memory(err);
	*all = (struct isac_collections){.list = list,
					 .member = result->member,
					 .scope = result->scope,
					 .collection = result->collection,
					 .indexed_seq = result->indexed_seq,
					 .rights_generation = result->rights_generation};
	for (size_t i = 0; i < result->n_collections; i++) {
		const Isac1__Collection *c = result->collections[i];
		if (c->id.len != ISAC_ID_BYTES) continue;
		struct isac_collection *to = &list[all->n++];
		*to = (struct isac_collection){.name = c->name, .filter = c->filter, .title = c->title};
		memcpy(to->id, c->id.data, ISAC_ID_BYTES);
	}
	*out = all;
	return ISAC_DONE;
}
