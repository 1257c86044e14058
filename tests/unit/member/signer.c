/* Which key may speak for whom, when: proto/README.md section 5 step 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "member/member.h"

static void answers_by_the_first_rule_that_fails(void **state)
{
	static const struct {
		const char *key;
		size_t len;
		int64_t now;
		int32_t member;
		unsigned code;
	} rows[] = {
		{"plain-ok", 8, 1000, 1, 200}, {"plain-ok", 8, 1000, 2, 401}, /* another member's */
		{"unknown!", 8, 1000, 1, 401}, {"plain-ok", 7, 1000, 1, 401}, {"", 0, 1000, 1, 401},
		{"limited!", 8, 499, 1, 401}, /* valid from 500 until 600 */
		{"limited!", 8, 500, 1, 200},  {"limited!", 8, 599, 1, 200},  {"limited!", 8, 600, 1, 401},
		{"revoked!", 8, 1000, 1, 410}, {"revoked!", 8, 1000, 2, 401}, /* whose key it is comes before */
		{"oldrevok", 8, 1000, 1, 401},				      /* expired comes before revoked */
		{"sleeping", 8, 1000, 3, 403},				      /* suspended */
		{"plain-ok", 8, 1000, 3, 403},
	};
	static const struct {
		const char *key;
		int64_t from, until;
		uint64_t revoked;
		int32_t member;
	} keys[] = {
		{"plain-ok", 0, 0, 0, 1},    {"limited!", 500, 600, 0, 1}, {"revoked!", 0, 0, 77, 1},
		{"oldrevok", 0, 900, 77, 1}, {"sleeping", 0, 0, 0, 3},
	};
	struct member m[4] = {{.id = 0}, {.id = 1, .name = "a"}, {.id = 2, .name = "b"}, {.id = 3, .name = "c", .suspended = true}};
	struct member_roster *r;

	(void)state;
	assert_int_equal(member_roster_new(&r, 1, ""), ISAC_OK);
	for (int i = 1; i <= 3; i++) assert_int_equal(member_roster_add(r, &m[i]), ISAC_OK);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct member_key k = {.valid_from_us = keys[i].from,
				       .valid_until_us = keys[i].until,
				       .revoked_from_seq = keys[i].revoked,
				       .member_id = keys[i].member};

		memcpy(k.key_id, keys[i].key, 8);
		assert_int_equal(member_roster_add_key(r, &k), ISAC_OK);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct member_key *key = NULL;
		struct wire_why why = {.text = ""};
		enum isac_err err = member_check_signer(&key, r, member_roster_by_id(r, rows[i].member), (const uint8_t *)rows[i].key,
							rows[i].len, rows[i].now, &why);

		if (isac_err_code(err) != rows[i].code) fail_msg("row %zu: got %u (%s)", i, isac_err_code(err), why.text);
		if (err) {
			assert_null(key);
			assert_true(why.text[0]);
		} else {
			assert_memory_equal(key->key_id, rows[i].key, 8);
		}
	}
	member_roster_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(answers_by_the_first_rule_that_fails)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
