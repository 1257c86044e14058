/* Tokens: their text and hash (taken from a program in another language), and what their holder is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "member/member.h"

static const uint8_t TOKEN[WIRE_TOKEN] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
					  16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
/* python3: base64.urlsafe_b64encode(bytes(range(32))); hashlib.blake2b(b"isac1 token" + bytes(range(32)), digest_size=32).hexdigest() */
static const char TEXT[] = "isac_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
static const char HASH[] = "49b7888d45a4bc3bb34bb94fd36a1e13fc99899987e66143173fbb608c87872f";

static void text_and_hash_are_those_of_the_specification(void **state)
{
	static const char *const bad[] = {"",
					  "isac_",
					  "isac_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
					  "isac_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
					  "isac_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9",
					  "isac-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
					  "isac_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH+8",
					  "isac_ AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"};
	char text[WIRE_TOKEN_TEXT], hex[2 * WIRE_HASH + 1];
	uint8_t token[WIRE_TOKEN], hash[WIRE_HASH];

	(void)state;
	wire_token_text(text, TOKEN);
	assert_string_equal(text, TEXT);
	assert_true(wire_token_read(token, TEXT, strlen(TEXT)));
	assert_memory_equal(token, TOKEN, sizeof(token));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) assert_false(wire_token_read(token, bad[i], strlen(bad[i])));
	wire_token_hash(hash, TOKEN);
	wire_hex(hex, hash, sizeof(hash));
	assert_string_equal(hex, HASH);
}

static void a_holder_reads_and_no_more(void **state)
{
	struct member_roster *r;
	struct member m = {.id = 7, .name = "alice", .roles = MEMBER_PUBLISHER | MEMBER_SUBSCRIBER | MEMBER_ANALYST | MEMBER_ADMIN}, as;
	struct member gone = {.id = 8, .name = "gone", .roles = MEMBER_SUBSCRIBER, .suspended = true};
	struct member_token read = {.id = 1, .member_id = 7, .scope = MEMBER_SCOPE_READ, .hash = {1}, .expires_us = 1000};
	struct member_token client = {.id = 2, .member_id = 7, .scope = MEMBER_SCOPE_CLIENT, .hash = {2}, .expires_us = 1000};
	struct member_token dead = {.id = 3, .member_id = 8, .scope = MEMBER_SCOPE_READ, .hash = {3}, .expires_us = 1000};
	struct member_token nobodys = {.id = 4, .member_id = 9, .scope = MEMBER_SCOPE_READ, .hash = {4}, .expires_us = 1000};

	(void)state;
	assert_int_equal(member_roster_new(&r, 1, "0123456789abcdef"), ISAC_OK);
	assert_int_equal(member_roster_add(r, &m), ISAC_OK);
	assert_int_equal(member_roster_add(r, &gone), ISAC_OK);
	assert_int_equal(member_roster_add_token(r, &read), ISAC_OK);
	assert_int_equal(member_roster_add_token(r, &client), ISAC_OK);
	assert_int_equal(member_roster_add_token(r, &client), ISAC_ERR_CONFLICT);
	assert_int_equal(member_roster_token(r, client.hash)->id, 2);
	assert_null(member_roster_token(r, dead.hash));
	assert_int_equal(member_roster_token_by_id(r, 1)->member_id, 7);
	assert_null(member_roster_token_by_id(r, 3));

	assert_true(member_token_as(&as, r, &read, 999));
	assert_string_equal(as.name, "alice");
	assert_int_equal(as.roles, MEMBER_SUBSCRIBER | MEMBER_ANALYST);
	assert_int_equal(member_own_id(&as), 7);
	assert_true(member_token_as(&as, r, &client, 999));
	assert_int_equal(as.roles, MEMBER_SUBSCRIBER);
	assert_true(as.client);
	assert_int_equal(member_own_id(&as), 0);
	/* its own report to a group that it has left: its publisher sees it, a client does not */
	assert_true(member_may_see(&m, &(struct member_audience){.tlp = 2, .groups = (const int32_t[]){5}, .groups_n = 1}, 7));
	assert_false(member_may_see(&as, &(struct member_audience){.tlp = 2, .groups = (const int32_t[]){5}, .groups_n = 1}, 7));
	assert_false(member_token_as(&as, r, &read, 1000)); /* over */
	assert_false(member_token_as(&as, r, &dead, 1));
	assert_false(member_token_as(&as, r, &nobodys, 1));
	member_roster_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_hash_are_those_of_the_specification),
		cmocka_unit_test(a_holder_reads_and_no_more),
	};
	wire_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
