/*
 * When the roster changes, each session's rights are looked at again: who may no longer subscribe is shut out, and a change of what a
 * member may see takes hold at a sequence number that both sides know: the session's position. What was sent up to there was judged by
 * the old rights, whatever comes behind it by the new ones, and the subscriber is told so before anything else.
 */
#include "feed/priv.h"

#include <string.h>

static bool same_bytes(const void *a, size_t a_n, const void *b, size_t b_n, size_t size)
{
	return a_n == b_n && (!a_n || !memcmp(a, b, a_n * size));
}

static bool same_domains(const struct member *a, const struct member *b)
{
	uint32_t i;

	if (a->domains_n != b->domains_n) return false;
	for (i = 0; i < a->domains_n; i++)
		if (strcmp(a->domains[i], b->domains[i]) != 0) return false;
	return true;
}

static bool same_nets(const struct member *a, const struct member *b)
{
	uint32_t i;

	if (a->nets_n != b->nets_n) return false;
	for (i = 0; i < a->nets_n; i++)
		if (a->nets[i].family != b->nets[i].family || a->nets[i].prefix != b->nets[i].prefix ||
		    memcmp(a->nets[i].addr, b->nets[i].addr, sizeof(a->nets[i].addr)) != 0)
			return false;
	return true;
}

/* Whatever member_may_see and the filter `mine` look at. */
static bool same_rights(const struct member *a, const struct member *b)
{
	return a->roles == b->roles && a->client == b->client &&
	       same_bytes(a->groups, a->groups_n, b->groups, b->groups_n, sizeof(*a->groups)) &&
	       same_bytes(a->asns, a->asns_n, b->asns, b->asns_n, sizeof(*a->asns)) && same_nets(a, b) && same_domains(a, b);
}

/* Reports that wait in the ring were matched for the old rights: they are tried again. */
static void change(struct feed *f, struct feed_session *s)
{
	s->position = feed_session_position(f, s);
	feed_range_close(f, s);
	feed_range_begin(f, s);
	feed_session_behind(f, s, s->position);
	s->hit_seq = s->last_hit_seq = 0;
	s->indexed_after = f->ring.last;
	s->rights_seq = s->position;
	s->rights_generation = member_roster_generation(f->roster);
	s->rights_told = false;
	(void)feed_send_heartbeat(f, s); /* else before its next delivery */
}

void feed_rights_check(struct feed *f)
{
	struct member_roster *old = f->roster;
	uint32_t i;

	f->roster = base_shared_take(f->conf.roster);
	for (i = 0; i < f->sessions_cap; i++) {
		struct feed_session *s = f->session[i];
		const struct member *was = s ? s->self : NULL;
		if (!s) continue;
		s->self = f->roster ? member_roster_by_id(f->roster, s->member_id) : NULL;
		if (!s->self || s->self->suspended || !(s->self->roles & (MEMBER_SUBSCRIBER | MEMBER_ANALYST))) {
			feed_send_error(f, s->rid, s->rid_len, 0, s->sub, ISAC_ERR_NOT_ALLOWED, "this member may no longer subscribe");
			feed_session_close(f, s);
		} else if (s->open && !same_rights(was, s->self)) {
			change(f, s);
		}
	}
	feed_match_rebuild(f);
	if (old) base_shared_give(f->conf.roster, old);
}

static const struct member *known(struct feed *f, const char *name)
{
	const struct member *m = f->roster ? member_roster_find(f->roster, name) : NULL;
	return m && !m->suspended ? m : NULL;
}

const struct member *feed_rights_member(struct feed *f, const char *name)
{
	const struct member *m = known(f, name);
	struct member_roster *newest = m ? NULL : base_shared_take(f->conf.roster);
	bool is_newer = newest && newest != f->roster;

	if (newest) base_shared_give(f->conf.roster, newest);
	if (!is_newer) return m;
	feed_rights_check(f);
	return known(f, name);
}
