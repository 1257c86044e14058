/*
 * Which commands may run: proto/README.md section 11. One case a rule with its code; and the role of every row of
 * commands.def against the list in the page, written here a second time by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>
#include "control/priv.h"

#define HUB "0123456789abcdef"
#define NOW 1790000000000000LL

enum { ADMIN = 1, AUDITOR = 2, PLAIN = 3, GONE = 4, GUEST = 5, MEMBERS };
static uint8_t public_keys[MEMBERS + 1][32], secret_keys[MEMBERS + 1][64], key_ids[MEMBERS + 1][8];
static struct member_roster *roster;

static int set_up(void **state)
{
	(void)state;
	static const uint32_t roles[] = {0,
					 MEMBER_ADMIN,
					 MEMBER_AUDITOR,
					 MEMBER_PUBLISHER | MEMBER_SUBSCRIBER | MEMBER_ANALYST | MEMBER_TRACER,
					 MEMBER_ADMIN,
					 MEMBER_INVITED};
	static const char *const names[] = {"", "root", "watch", "plain", "gone", "guest"};
	assert_int_equal(wire_init(), ISAC_OK);
	assert_int_equal(member_roster_new(&roster, 1, HUB), ISAC_OK);
	for (int i = 1; i <= MEMBERS; i++) {
		uint8_t seed[32], hash[32], tagged[33] = {1};
		memset(seed, 0x40 + i, sizeof(seed));
		crypto_sign_seed_keypair(public_keys[i], secret_keys[i], seed);
		memcpy(tagged + 1, public_keys[i], 32);
		crypto_hash_sha256(hash, tagged, sizeof(tagged));
		memcpy(key_ids[i], hash, 8);
		if (i == MEMBERS) break; /* a stranger's key */
		struct member m = {.id = i, .roles = roles[i], .suspended = i == GONE, .curve = {(uint8_t)i}};
		memcpy(m.name, names[i], strlen(names[i]));
		struct member_key k = {.member_id = i};
		memcpy(k.key_id, key_ids[i], 8);
		memcpy(k.public_key, public_keys[i], 32);
		assert_int_equal(member_roster_add(roster, &m), ISAC_OK);
		assert_int_equal(member_roster_add_key(roster, &k), ISAC_OK);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	member_roster_free(roster);
	return 0;
}

struct draft {
	int32_t connection;
	int names, signs;
	const char *verb, *type;
	int64_t created_us;
	size_t id_len, signature_len;
	const char *arg[8]; /* name, value, name, value ... */
	uint8_t id[17];
};

static unsigned run(const struct draft *d, struct wire_why *why)
{
	Isac1__Command cmd = ISAC1__COMMAND__INIT;
	Isac1__Control control = ISAC1__CONTROL__INIT;
	Isac1__Arg args[4], *list[4];
	for (size_t i = 0; i < 4 && d->arg[2 * i]; i++) {
		isac1__arg__init(&args[i]);
		args[i].name = (char *)d->arg[2 * i];
		args[i].value = (char *)d->arg[2 * i + 1];
		list[cmd.n_args++] = &args[i];
	}
	cmd.args = list;
	cmd.command_id = (ProtobufCBinaryData){d->id_len, (uint8_t *)d->id};
	cmd.created_us = d->created_us;
	cmd.verb = (char *)d->verb;
	struct wire_buf bytes, body;
	wire_buf_init(&bytes, 4096);
	wire_pack(&bytes, &cmd.base);
	char pae[4096];
	size_t n = (size_t)snprintf(pae, sizeof(pae), "isac1 %zu %s 16 " HUB " %zu ", strlen(d->type), d->type, bytes.len);
	memcpy(pae + n, bytes.data, bytes.len);
	uint8_t signature[65] = {0};
	crypto_sign_detached(signature, NULL, (uint8_t *)pae, n + bytes.len, secret_keys[d->signs]);
	control.command = (ProtobufCBinaryData){bytes.len, bytes.data};
	control.signature = (ProtobufCBinaryData){d->signature_len, signature};
	control.key_id = (ProtobufCBinaryData){8, key_ids[d->names]};
	wire_buf_init(&body, 8192);
	wire_pack(&body, &control.base);
	struct wire_arena arena;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	struct control_case c = {.roster = roster, .member_id = d->connection, .hub_id = HUB, .now_us = NOW, .body = {body.data, body.len}};
	enum isac_err err = control_accept(&c, &arena, why);
	assert_true(err || !strcmp(c.row->verb, d->verb));
	wire_arena_clear(&arena);
	wire_buf_clear(&bytes);
	wire_buf_clear(&body);
	return isac_err_code(err);
}

#define GOOD \
	.connection = ADMIN, .names = ADMIN, .signs = ADMIN, .verb = "group.add", .type = "command", .created_us = NOW, .id_len = 16, \
	.signature_len = 64, .arg = {"name", "banks"}, .id = "0123456789abcdef"
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#endif

static const struct {
	const char *name;
	struct draft d;
	unsigned code;
} cases[] = {
	{"as it is", {GOOD}, 200},
	{"suspended", {GOOD, .connection = GONE, .names = GONE, .signs = GONE}, 403},
	{"no member", {GOOD, .connection = 77}, 403},
	{"no signature", {GOOD, .signature_len = 0}, 401},
	{"63 bytes", {GOOD, .signature_len = 63}, 400},
	{"forged", {GOOD, .signs = MEMBERS}, 401},
	{"unknown key", {GOOD, .names = MEMBERS, .signs = MEMBERS}, 401},
	{"admin's command on another connection", {GOOD, .connection = PLAIN}, 401},
	{"signed as a report", {GOOD, .type = "report"}, 401},
	{"id of 15", {GOOD, .id_len = 15}, 422},
	{"id of 17", {GOOD, .id_len = 17}, 422},
	{"zero id", {GOOD, .id = {0}}, 422},
	{"301 s ahead", {GOOD, .created_us = NOW + 301000000}, 425},
	{"8 d old", {GOOD, .created_us = NOW - 691200000000}, 422},
	{"unknown verb", {GOOD, .verb = "group.blow-up"}, 404},
	{"auditor changes", {GOOD, .connection = AUDITOR, .names = AUDITOR, .signs = AUDITOR}, 403},
	{"auditor lists", {GOOD, .connection = AUDITOR, .names = AUDITOR, .signs = AUDITOR, .verb = "member.list", .arg = {0}}, 200},
	{"argument missing", {GOOD, .arg = {0}}, 422},
	{"argument unknown", {GOOD, .arg = {"name", "banks", "color", "red"}}, 422},
	{"argument twice", {GOOD, .arg = {"name", "banks", "name", "isps"}}, 422},
	{"prefix of an argument", {GOOD, .arg = {"nam", "banks"}}, 422},
	{"control character", {GOOD, .arg = {"name", "a\033[2J"}}, 422},
	{"dry run", {GOOD, .arg = {"name", "banks", "dry_run", "yes"}}, 200},
	{"dry run of a list", {GOOD, .verb = "key.list", .arg = {"dry_run", "yes"}}, 422},
	{"dry run twice", {GOOD, .arg = {"name", "banks", "dry_run", "yes", "dry_run", "yes"}}, 422},
	{"optional left out", {GOOD, .verb = "key.list", .arg = {0}}, 200},
	{"optional given", {GOOD, .verb = "key.list", .arg = {"member", "plain"}}, 200},
	{"optional twice", {GOOD, .verb = "key.list", .arg = {"member", "plain", "member", "plain"}}, 422},
	{"repeated", {GOOD, .verb = "member.add", .arg = {"bundle", "", "role", "admin", "asn", "1", "asn", "2"}}, 200},
};

static void each_rule_has_its_code(void **state)
{
	(void)state;
	unsigned wrong = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_why why = {.text = ""};
		unsigned code = run(&cases[i].d, &why);
		if (code == cases[i].code) continue;
		print_error("%s: %u (%s), expected %u\n", cases[i].name, code, why.text, cases[i].code);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* Who may run what: the table of README section 11, by hand. */
static const struct {
	const char *verb;
	bool lists, shares,
		joins; /* shares: every member that publishes, subscribes or analyses may; joins: an invited one, and nobody else */
	const char *arg[8];
	bool readers; /* the roles subscriber and analyst may, an admin as such may not */
} verbs[] = {
	{"member.add", false, false, .arg = {"bundle", "", "role", "admin"}},
	{"member.invite", false, false, .arg = {"bundle", "", "role", "publisher"}},
	{"member.join", false, false, .joins = true, .arg = {"bundle", ""}},
	{"member.leave", true, true, .arg = {0}},
	{"member.erase", false, false, .arg = {"name", "x"}},
	{"member.quota", false, false, .arg = {"name", "x", "burst", "3"}},
	{"report.erase", false, false, .arg = {"report_id", "00", "reason", "court"}},
	{"report.withdraw", false, false, .arg = {"report_id", "00", "reason", "wrong"}},
	{"recall.list", true, false, .arg = {0}},
	{"recall.show", true, false, .arg = {"id", "1"}},
	{"pending.list", true, false, .arg = {0}},
	{"pending.show", true, false, .arg = {"command_id", "00"}},
	{"pending.reject", false, false, .arg = {"command_id", "00"}},
	{"read.list", true, false, .arg = {0}},
	{"read.who", true, false, .arg = {"report_id", "00"}},
	{"member.list", true, false, .arg = {0}},
	{"member.suspend", false, false, .arg = {"name", "x"}},
	{"member.resume", false, false, .arg = {"name", "x"}},
	{"member.role", false, false, .arg = {"name", "x", "role", "admin"}},
	{"key.add", false, false, .arg = {"member", "x", "bundle", ""}},
	{"key.list", true, false, .arg = {0}},
	{"key.revoke", false, false, .arg = {"key_id", "00"}},
	{"group.add", false, false, .arg = {"name", "x"}},
	{"group.list", true, true, .arg = {0}},
	{"group.join", false, false, .arg = {"group", "x", "member", "y"}},
	{"group.leave", false, true, .arg = {"group", "x", "member", "y"}},
	{"group.create", false, true, .arg = {"name", "x"}},
	{"group.invite", false, true, .arg = {"group", "x", "member", "y"}},
	{"group.accept", false, true, .arg = {"group", "x"}},
	{"group.give", false, true, .arg = {"group", "x", "member", "y"}},
	{"subscription.list", true, false, .arg = {0}},
	{"event.list", true, false, .arg = {0}},
	{"life.list", true, true, .arg = {0}},
	{"life.set", false, false, .arg = {"type", "ipv4", "age_days", "30", "speed", "2"}},
	{"held.list", true, false, .arg = {0}},
	{"held.release", false, false, .arg = {"what", "8.8.8.8"}},
	{"held.drop", false, false, .arg = {"what", "8.8.8.8"}},
	{"warninglist.reload", false, false, .arg = {0}},
	{"stats", true, false, .arg = {0}},
	{"params", true, false, .arg = {0}},
	{"doctor", true, false, .arg = {0}},
	{"retention.show", true, false, .arg = {0}},
	{"retention.run", false, false, .arg = {"before_seq", "1000"}},
	{"space.claim", false, true, .arg = {"asn", "3320", "net", "198.51.100.0/24", "domain", "example.net"}},
	{"space.confirm", false, true, .arg = {"member", "x", "asn", "3320"}},
	{"space.drop", false, true, .arg = {"member", "x", "asn", "3320"}},
	{"space.list", true, true, .arg = {"member", "x"}},
	{"token.issue", false, false, .arg = {"member", "x", "hash", "00", "ttl_s", "60", "scope", "client"}},
	{"token.list", true, true, .arg = {"member", "x"}},
	{"token.revoke", false, true, .arg = {"id", "1"}},
	{"collection.add", false, false, .arg = {"name", "x", "filter", "true"}},
	{"collection.list", true, true, .arg = {0}},
	{"collection.drop", false, false, .arg = {"name", "x"}},
	{"token.add", false, true, .arg = {"hash", "00", "ttl_s", "60"}, .readers = true},
};

static void only_admins_change_only_auditors_look(void **state)
{
	(void)state;
	struct wire_why why;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		struct draft d = {GOOD, .verb = verbs[i].verb};
		memcpy(d.arg, verbs[i].arg, sizeof(d.arg));
		assert_int_equal(run(&d, &why), verbs[i].joins || verbs[i].readers ? 403 : 200);
		d.connection = d.names = d.signs = GUEST;
		assert_int_equal(run(&d, &why), verbs[i].joins ? 200 : 403);
		d.connection = d.names = d.signs = AUDITOR;
		assert_int_equal(run(&d, &why), verbs[i].lists ? 200 : 403);
		d.connection = d.names = d.signs = PLAIN;
		assert_int_equal(run(&d, &why), verbs[i].shares ? 200 : 403);
	}
}

static void every_command_is_in_the_test(void **state)
{
	(void)state;
	size_t n = 0;
#define COMMAND(...) n++;
#include "control/commands.def"
#undef COMMAND
	assert_int_equal(n, sizeof(verbs) / sizeof(*verbs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_has_its_code),
		cmocka_unit_test(only_admins_change_only_auditors_look),
		cmocka_unit_test(every_command_is_in_the_test),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
