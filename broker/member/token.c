/*
 * token: what the holder of a token is. A token has no rights of its own: it lends those of its member to read, as they are at that
 * moment, and for a client of the member fewer. member_may_see decides, as for everybody.
 */
#include <string.h>

#include "member/member.h"

const char *const member_scope_names[MEMBER_SCOPES] = {"", "read", "client"};

enum member_scope member_scope_parse(const char *name)
{
	for (unsigned i = MEMBER_SCOPE_READ; i < MEMBER_SCOPES; i++)
		if (strcmp(member_scope_names[i], name) == 0) return (enum member_scope)i;
	return MEMBER_SCOPE_NONE;
}

bool member_token_as(struct member *out, const struct member_roster *r, const struct member_token *t, int64_t now_us)
{
	const struct member *m = member_roster_by_id(r, t->member_id);

	if (!m || m->suspended || t->expires_us <= now_us) return false;
	*out = *m;
	out->lent = t->scope == MEMBER_SCOPE_CLIENT;
	out->client |= out->lent;
	/* An analyst is shown what others hold back: that is the organisation's, not its clients'. */
	out->roles &= MEMBER_SUBSCRIBER | MEMBER_ANALYST;
	if (out->lent && out->roles) out->roles = MEMBER_SUBSCRIBER;
	return true;
}
