/* proto/vectors/report.txt judged by the hub's own steps 1 to 8: the rights of the roster in it, items and values, and what is held. */
#include "../wire/vector.h"
#include "intake/priv.h"

static struct member_roster *make_roster(struct vector *v)
{
	struct member members[] = {{.id = 1, .name = "alice", .roles = MEMBER_PUBLISHER, .curve = {1}},
				   {.id = 2, .name = "bob", .roles = MEMBER_PUBLISHER, .curve = {2}}};
	const struct wire_bytes public_key = vector_hex(v, "public");
	struct member_key key = {.member_id = 1};
	struct member_roster *roster;

	assert_int_equal(member_roster_new(&roster, 1, vector_text(v, "hub_id")), ISAC_OK);
	for (size_t i = 0; i < 2; i++) assert_int_equal(member_roster_add(roster, &members[i]), ISAC_OK);
	memcpy(key.public_key, public_key.data, sizeof(key.public_key));
	wire_sign_key_id(key.key_id, public_key.data);
	assert_int_equal(member_roster_add_key(roster, &key), ISAC_OK);
	return roster;
}

static enum isac_err judge(struct vector *v, const struct member_roster *roster, unsigned *step, bool *held, struct wire_why *why)
{
	struct intake_case c = {.roster = roster,
				.member = member_roster_find(roster, "alice"),
				.hub_id = vector_text(v, "hub_id"),
				.now_us = (int64_t)vector_number(v, "now_us", 0),
				.body = vector_hex(v, "submit")};
	struct report *r = NULL;
	enum isac_err err = intake_accept(&c, &v->arena, why);

	*step = 5;
	if (err) return err;
	*step = 8;
	err = report_open(&r, (struct wire_bytes){c.submit->header.data, c.submit->header.len},
			  (struct wire_bytes){c.submit->payload.data, c.submit->payload.len}, c.submit->signature.data, true, why);
	if (err) return err;
	*held = r->held_count > 0;
	report_unref(&r);
	return ISAC_OK;
}

static void check_case(struct vector *v)
{
	struct member_roster *roster = make_roster(v);
	struct wire_why why = {.text = ""};
	unsigned step, want = (unsigned)vector_number(v, "code", 0);
	bool held = false;
	enum isac_err err = judge(v, roster, &step, &held, &why);

	if ((err ? isac_err_code(err) : held ? 202u : 200u) != want)
		fail_msg("%s: got %u (%s)", vector_text(v, "case"), err ? isac_err_code(err) : held ? 202u : 200u, why.text);
	if ((vector_number(v, "step", 0) <= 5) != (step == 5)) fail_msg("%s: at another step", vector_text(v, "case"));
	member_roster_free(roster);
}

static int set_up(void **state)
{
	(void)state;
	return wire_init() ? -1 : 0;
}

static void every_case_is_judged_as_the_page_says(void **state)
{
	(void)state;
	vector_each("report.txt", 117, check_case);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_case_is_judged_as_the_page_says)};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
