/* Defanged texts and what was meant, by README section 8's list; what is not defanged comes back as the same pointer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "wire/wire.h"

static const struct {
	const char *from, *to;
} rows[] = {
	{"hxxp://evil.example.com/", "http://evil.example.com/"},
	{"hXXps://evil.example.com/", "https://evil.example.com/"},
	{"HXXP://EVIL.example.com/", "http://EVIL.example.com/"},
	{"fxp://evil.example.com/", "ftp://evil.example.com/"},
	{"hxxp[://]evil[.]example(.)com/", "http://evil.example.com/"},
	{"hxxps[:]//evil{.}example[dot]com", "https://evil.example.com"},
	{"http[:]//evil.example.com", "http://evil.example.com"},
	{"198[.]51[.]100[.]7", "198.51.100.7"},
	{"198\\.51\\.100\\.7", "198.51.100.7"},
	{"evil(dot)example[DOT]com", "evil.example.com"},
	{"mallory[@]evil.example.com", "mallory@evil.example.com"},
	{"mallory[at]evil[.]example.com", "mallory@evil.example.com"},
	{"2a02[:]6b8[:][:]1", "2a02:6b8::1"},
	{"[.]", "."},
	{"evil[.", NULL},
	{"evil.example.com", NULL},
	{"http://evil.example.com/?u=hxxp://x", NULL},
	{"fxp.example.com", NULL},
	{"hxxp", NULL},
	{"hxxpserver.example.com", NULL},
	{"http://[2a02:6b8::1]/", NULL},
	{"[dott]", NULL},
	{"", NULL},
};

static void every_row_is_understood(void **state)
{
	struct wire_arena arena;

	(void)state;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *want = rows[i].to ? rows[i].to : rows[i].from, *got;
		size_t len = strlen(rows[i].from);

		got = wire_value_refang(rows[i].from, &len, &arena);
		if (len != strlen(want) || memcmp(got, want, len) != 0) fail_msg("%s became %.*s", rows[i].from, (int)len, got);
		if (!rows[i].to) assert_ptr_equal(got, rows[i].from);
	}
	wire_arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_row_is_understood)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
