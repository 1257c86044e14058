/* Names of roles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "member/member.h"

static void reads_and_prints(void **state)
{
	static const struct {
		const char *text;
		uint32_t roles;
	} rows[] = {
		{"publisher", 1},
		{"subscriber", 2},
		{"analyst", 4},
		{"tracer", 8},
		{"admin", 16},
		{"auditor", 32},
		{"publisher,subscriber", 3},
		{"analyst,admin,auditor", 52},
		{"publisher,subscriber,analyst,tracer,admin,auditor", 63},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(member_roles_parse(rows[i].text), rows[i].roles);
		member_roles_print(text, sizeof(text), rows[i].roles);
		assert_string_equal(text, rows[i].text);
	}
	assert_int_equal(member_roles_parse("admin,publisher,admin"), 17);
}

static void refuses_what_it_does_not_know(void **state)
{
	static const char *const bad[] = {"",	      ",",	   "publisher,",       ",publisher",	   "publishers",
					  "publishe", "Publisher", "publisher, admin", "publisher,,admin", "root"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) assert_int_equal(member_roles_parse(bad[i]), 0);
}

static void stays_inside_its_room(void **state)
{
	char text[12] = "untouched";

	(void)state;
	member_roles_print(text, 0, 63);
	assert_string_equal(text, "untouched");
	member_roles_print(text, sizeof(text), 63);
	assert_true(memchr(text, '\0', sizeof(text)));
	member_roles_print(text, sizeof(text), 0);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads_and_prints), cmocka_unit_test(refuses_what_it_does_not_know),
					   cmocka_unit_test(stays_inside_its_room)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
