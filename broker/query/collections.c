/* collections: COLLECTIONS. Saved filters, and as whom the asker reads; who holds a token for one collection is shown that one. */
#include "query/priv.h"

#include <string.h>

enum isac_err query_collections(struct query_call *call)
{
	const Isac1__Collections *ask = (const Isac1__Collections *)call->ask;
	const char *name = ask ? ask->name : "", *only = call->token ? call->token->collection : "";
	Isac1__CollectionsResult rest = ISAC1__COLLECTIONS_RESULT__INIT;
	enum isac_err err = ISAC_OK;
	if (*name && !wire_name_ok(name)) return query_refuse(call, ISAC_ERR_BAD_VALUE, "a collection's name is not a name");
	if (!*only || !*name || !strcmp(only, name)) err = store_select_collections(call->q->db, *only ? only : name, call->out);
	if (err) return query_refuse(call, err, isac_err_text(err));
	rest.indexed_seq = store_indexer_seq(call->q->conf.indexer);
	rest.rights_generation = member_roster_generation(call->roster);
	rest.member = (char *)call->self->name;
	rest.scope = (char *)(uintptr_t)member_scope_names[call->token ? call->token->scope : MEMBER_SCOPE_NONE];
	rest.collection = (char *)(uintptr_t)only;
	wire_pack(call->out, &rest.base); /* fields behind the rest: a message in pieces is the same message */
	return call->out->err;
}
