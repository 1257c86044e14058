/* Who somebody is, by the roster: the test is control (it swaps the roster) and has not yet told the feed so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "feed/priv.h"

static struct feed f;
static struct base_shared shared;

static void enrol(uint64_t generation, const char *name, bool suspended)
{
	struct member_roster *r = NULL;
	struct member m = {.id = 1, .roles = MEMBER_SUBSCRIBER, .suspended = suspended};

	snprintf(m.name, sizeof(m.name), "%s", name);
	assert_int_equal(member_roster_new(&r, generation, "0123456789abcdef"), ISAC_OK);
	assert_int_equal(member_roster_add(r, &m), ISAC_OK);
	base_shared_swap(&shared, r);
}

static int begin(void **state)
{
	(void)state;
	f.conf = (struct feed_conf){.sessions_max = 4, .roster = &shared};
	return base_shared_init(&shared, member_roster_free) || feed_session_init(&f) || feed_match_init(&f) ||
	       feed_ring_init(&f.ring, 100000, 0);
}

static int end(void **state)
{
	(void)state;
	base_shared_give(&shared, f.roster);
	base_shared_clear(&shared);
	feed_match_clear(&f);
	feed_ring_clear(&f);
	feed_session_clear(&f);
	return 0;
}

/* Front has the new roster first, and a member that was enrolled just now may speak before the feed is told. */
static void who_is_enrolled_is_known_at_once(void **state)
{
	(void)state;
	assert_null(feed_rights_member(&f, "alice"));
	enrol(1, "alice", false);
	assert_non_null(feed_rights_member(&f, "alice"));
	assert_null(feed_rights_member(&f, "bob"));
	enrol(2, "bob", false);
	assert_non_null(feed_rights_member(&f, "bob"));
	assert_int_equal(member_roster_generation(f.roster), 2);
	assert_null(feed_rights_member(&f, "alice"));
	enrol(3, "bob", true);
	feed_rights_check(&f);
	assert_null(feed_rights_member(&f, "bob"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(who_is_enrolled_is_known_at_once)};

	return cmocka_run_group_tests(tests, begin, end);
}
