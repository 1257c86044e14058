/*
 * Steps 1 to 5 of proto/README.md section 5: one case a rule, with the code that the page gives it, and cases that break two
 * rules at once for the order. Signatures are made here, from the page's PAE, not by the hub's signing code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>
#include "intake/priv.h"

#define HUB "0123456789abcdef"
#define NOW 1790000000000000LL

enum { ALICE = 1, BOB = 2, READER = 3 };
enum key { KEY_ALICE, KEY_BOB, KEY_REVOKED, KEY_EXPIRED, KEY_EARLY, KEY_READER, KEY_STRANGER, KEYS };
static uint8_t public_keys[KEYS][32], secret_keys[KEYS][64], key_ids[KEYS][8];
static struct member_roster *roster;

/* ---- a roster of literals ------------------------------------------------------------------ */

static void add_key(enum key key, int32_t member, int64_t from, int64_t until, uint64_t revoked)
{
	struct member_key k = {.valid_from_us = from, .valid_until_us = until, .revoked_from_seq = revoked, .member_id = member};
	memcpy(k.key_id, key_ids[key], 8);
	memcpy(k.public_key, public_keys[key], 32);
	assert_int_equal(member_roster_add_key(roster, &k), ISAC_OK);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(wire_init(), ISAC_OK);
	for (int i = 0; i < KEYS; i++) {
		uint8_t seed[32], hash[32], tagged[33] = {1};
		memset(seed, i + 1, sizeof(seed));
		crypto_sign_seed_keypair(public_keys[i], secret_keys[i], seed);
		memcpy(tagged + 1, public_keys[i], 32);
		crypto_hash_sha256(hash, tagged, sizeof(tagged)); /* README section 4: key_id */
		memcpy(key_ids[i], hash, 8);
	}
	static const int32_t alices_groups[] = {7};
	struct member members[] = {{.id = ALICE, .name = "alice", .roles = MEMBER_PUBLISHER, .groups = alices_groups, .groups_n = 1},
				   {.id = BOB, .name = "bob", .roles = MEMBER_PUBLISHER | MEMBER_SUBSCRIBER},
				   {.id = READER, .name = "reader", .roles = MEMBER_SUBSCRIBER}};
	assert_int_equal(member_roster_new(&roster, 1, HUB), ISAC_OK);
	assert_int_equal(member_roster_add_group(roster, 7, "banks"), ISAC_OK);
	assert_int_equal(member_roster_add_group(roster, 8, "others"), ISAC_OK);
	for (int i = 0; i < 3; i++) {
		members[i].curve[0] = (uint8_t)(i + 1);
		assert_int_equal(member_roster_add(roster, &members[i]), ISAC_OK);
	}
	add_key(KEY_ALICE, ALICE, 0, 0, 0);
	add_key(KEY_REVOKED, ALICE, 0, 0, 5);
	add_key(KEY_EXPIRED, ALICE, 0, NOW, 0);
	add_key(KEY_EARLY, ALICE, NOW + 1, 0, 0);
	add_key(KEY_BOB, BOB, 0, 0, 0);
	add_key(KEY_READER, READER, 0, 0, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	member_roster_free(roster);
	return 0;
}

/* ---- a submission, and what each case does to it -------------------------------------------- */

struct draft {
	const char *connection;	   /* whose it is */
	const char *member;	   /* what it says */
	const char *type, *hub_id; /* what the signature is bound to */
	enum key names, signs;
	Isac1__Header h;
	uint8_t report_id[17];
	char *groups[17], *recipients[65];
	size_t signature_len;
	uint8_t tail[8]; /* appended to the header before it is signed */
	size_t tail_len;
	bool add_l, empty;
};

static const uint8_t unknown_field[] = {0xf8, 0x01, 0x01}; /* field 31, varint 1 */
static const uint8_t long_varint[] = {0x18, 0x81, 0x00};   /* created_us again, and not minimal */
static const uint8_t cut_off[] = {0x42, 0x85};

static void set_tail(struct draft *d, const uint8_t *tail, size_t len)
{
	memcpy(d->tail, tail, len);
	d->tail_len = len;
}

static void as_it_is(struct draft *d)
{
	(void)d;
}
static void empty_body(struct draft *d)
{
	d->empty = true;
}
static void other_member(struct draft *d)
{
	d->member = "bob";
}
static void no_signature(struct draft *d)
{
	d->signature_len = 0;
}
static void short_signature(struct draft *d)
{
	d->signature_len = 63;
}
static void long_signature(struct draft *d)
{
	d->signature_len = 65;
}
static void other_type(struct draft *d)
{
	d->type = "command";
}
static void other_hub(struct draft *d)
{
	d->hub_id = "0123456789abcdee";
}
static void unknown_key(struct draft *d)
{
	d->names = d->signs = KEY_STRANGER;
}
static void forged(struct draft *d)
{
	d->signs = KEY_STRANGER;
}
static void bobs_key(struct draft *d)
{
	d->names = d->signs = KEY_BOB;
}
static void revoked_key(struct draft *d)
{
	d->names = d->signs = KEY_REVOKED;
}
static void revoked_and_forged(struct draft *d)
{
	d->names = KEY_REVOKED, d->signs = KEY_STRANGER;
}
static void expired_key(struct draft *d)
{
	d->names = d->signs = KEY_EXPIRED;
}
static void early_key(struct draft *d)
{
	d->names = d->signs = KEY_EARLY;
}
static void malleable(struct draft *d)
{
	d->add_l = true;
}
static void header_unknown_field(struct draft *d)
{
	set_tail(d, unknown_field, sizeof(unknown_field));
}
static void header_twice(struct draft *d)
{
	set_tail(d, long_varint, sizeof(long_varint));
}
static void header_cut(struct draft *d)
{
	set_tail(d, cut_off, sizeof(cut_off));
}
static void header_cut_forged(struct draft *d)
{
	header_cut(d), forged(d);
}
static void id_15(struct draft *d)
{
	d->h.report_id.len = 15;
}
static void id_17(struct draft *d)
{
	d->h.report_id.len = 17;
}
static void id_zero(struct draft *d)
{
	memset(d->report_id, 0, 16);
}
static void ahead_300(struct draft *d)
{
	d->h.created_us = NOW + 300000000LL;
}
static void ahead_301(struct draft *d)
{
	d->h.created_us = NOW + 301000000LL;
}
static void behind_7d(struct draft *d)
{
	d->h.created_us = NOW - 604800000000LL;
}
static void behind_8d(struct draft *d)
{
	d->h.created_us = NOW - 691200000000LL;
}
static void negative_time(struct draft *d)
{
	d->h.created_us = INT64_MIN;
}
static void year_9999(struct draft *d)
{
	d->h.created_us = INT64_MAX;
}
static void supersedes_3(struct draft *d)
{
	d->h.supersedes = (ProtobufCBinaryData){3, d->report_id};
}
static void reader_publishes(struct draft *d)
{
	d->connection = d->member = "reader", d->names = d->signs = KEY_READER;
}
static uint8_t original[17] = "fedcba9876543210";
static void is_about(struct draft *d, uint32_t kind, const char *publisher)
{
	d->h.kind = kind;
	d->h.about = (ProtobufCBinaryData){16, original};
	d->h.about_publisher = (char *)(uintptr_t)publisher;
}
static void sights(struct draft *d)
{
	is_about(d, 2, "bob");
}
static void reader_sights(struct draft *d)
{
	reader_publishes(d);
	sights(d);
}
static void withdraws(struct draft *d)
{
	is_about(d, 3, "alice");
}
static void withdraws_anothers(struct draft *d)
{
	is_about(d, 3, "bob");
}
static void reader_withdraws(struct draft *d)
{
	reader_publishes(d);
	is_about(d, 3, "reader");
}
static void sights_for_some(struct draft *d)
{
	sights(d);
	d->groups[0] = (char *)(uintptr_t) "banks";
	d->h.n_groups = 1;
}
static void about_is_short(struct draft *d)
{
	sights(d);
	d->h.about.len = 15;
}
static void about_nobody(struct draft *d)
{
	is_about(d, 2, "");
}
static void sights_and_replaces(struct draft *d)
{
	sights(d);
	d->h.supersedes = d->h.about;
}
static void indicators_about(struct draft *d)
{
	is_about(d, 1, "alice");
}
static void kind_2(struct draft *d)
{
	d->h.kind = 2;
}
static void kind_4(struct draft *d)
{
	d->h.kind = 4;
}
static void kind_0(struct draft *d)
{
	d->h.kind = 0;
}
static void tlp_0(struct draft *d)
{
	d->h.tlp = 0;
}
static void tlp_6(struct draft *d)
{
	d->h.tlp = 6;
}
static void seal(struct draft *d)
{
	static uint8_t hash[WIRE_HASH];
	d->h.sealed = (ProtobufCBinaryData){sizeof(hash), hash};
}
static void seal_31(struct draft *d)
{
	seal(d), d->h.sealed.len--;
}
static void sights_red_in_clear(struct draft *d)
{
	sights(d), d->h.tlp = 5;
}
static void sights_red(struct draft *d)
{
	sights_red_in_clear(d), seal(d);
}
static void sights_green_sealed(struct draft *d)
{
	sights(d), seal(d);
}
static void red_nobody(struct draft *d)
{
	d->h.tlp = 5, seal(d);
}
static void recipient(struct draft *d, const char *name)
{
	d->recipients[d->h.n_recipients++] = (char *)name;
}
static void red_self(struct draft *d)
{
	red_nobody(d), recipient(d, "alice");
}
static void red_unknown(struct draft *d)
{
	red_nobody(d), recipient(d, "nobody");
}
static void red_bob(struct draft *d)
{
	red_nobody(d), recipient(d, "bob");
}
static void red_in_clear(struct draft *d)
{
	red_bob(d), d->h.sealed.len = 0;
}
static void red_half_sealed(struct draft *d)
{
	red_bob(d), seal_31(d);
}
static void amber_bob(struct draft *d)
{
	d->h.tlp = 3, recipient(d, "bob");
}
static void group(struct draft *d, const char *name)
{
	d->groups[d->h.n_groups++] = (char *)name;
}
static void group_own(struct draft *d)
{
	group(d, "banks");
}
static void group_other(struct draft *d)
{
	group(d, "others");
}
static void group_unknown(struct draft *d)
{
	group(d, "ghosts");
}
static void groups_17(struct draft *d)
{
	for (int i = 0; i < 17; i++) group(d, "banks");
}
static void recipients_65(struct draft *d)
{
	red_nobody(d);
	for (int i = 0; i < 65; i++) recipient(d, "bob");
}
static void zero_id_forged(struct draft *d)
{
	id_zero(d), forged(d);
}
static void other_member_forged(struct draft *d)
{
	other_member(d), forged(d);
}
static void reader_from_future(struct draft *d)
{
	reader_publishes(d), ahead_301(d);
}
static void reader_bad_kind(struct draft *d)
{
	reader_publishes(d), kind_4(d);
}

static const struct {
	const char *name;
	void (*change)(struct draft *);
	unsigned code;
} cases[] = {
	{"as it is", as_it_is, 200},
	{"empty body", empty_body, 400},
	{"member is another", other_member, 403},
	{"member is another, forged too", other_member_forged, 403},
	{"no signature", no_signature, 401},
	{"63 bytes", short_signature, 400},
	{"65 bytes", long_signature, 400},
	{"signed as a command", other_type, 401},
	{"signed for another hub", other_hub, 401},
	{"unknown key", unknown_key, 401},
	{"forged", forged, 401},
	{"key of bob", bobs_key, 401},
	{"S + L", malleable, 401},
	{"revoked", revoked_key, 410},
	{"revoked, forged too", revoked_and_forged, 410},
	{"expired", expired_key, 401},
	{"early", early_key, 401},
	{"unknown field in the header", header_unknown_field, 400},
	{"field twice", header_twice, 400},
	{"header cut off", header_cut, 400},
	{"header cut off, forged too", header_cut_forged, 400},
	{"id of 15", id_15, 422},
	{"id of 17", id_17, 422},
	{"zero id", id_zero, 422},
	{"zero id, forged too", zero_id_forged, 401},
	{"300 s ahead", ahead_300, 200},
	{"301 s ahead", ahead_301, 425},
	{"7 d old", behind_7d, 200},
	{"8 d old", behind_8d, 422},
	{"negative time", negative_time, 422},
	{"far future", year_9999, 422},
	{"supersedes of 3", supersedes_3, 422},
	{"no publisher", reader_publishes, 403},
	{"no publisher, from the future", reader_from_future, 425},
	{"no publisher, kind 4", reader_bad_kind, 403},
	{"kind 0", kind_0, 422},
	{"a sighting about nothing", kind_2, 422},
	{"kind 4", kind_4, 422},
	{"a sighting", sights, 200},
	{"a sighting by a subscriber", reader_sights, 200},
	{"a red sighting: the original names the recipients", sights_red, 200},
	{"a red sighting in clear", sights_red_in_clear, 422},
	{"a green sighting, sealed", sights_green_sealed, 422},
	{"a sighting for a group", sights_for_some, 422},
	{"about of 15 bytes", about_is_short, 422},
	{"about_publisher empty", about_nobody, 422},
	{"a sighting that replaces", sights_and_replaces, 422},
	{"indicators about a report", indicators_about, 422},
	{"a withdrawal", withdraws, 200},
	{"a withdrawal of another's report", withdraws_anothers, 403},
	{"a withdrawal by a subscriber", reader_withdraws, 403},
	{"no label", tlp_0, 422},
	{"label 6", tlp_6, 422},
	{"red for nobody", red_nobody, 422},
	{"red for oneself", red_self, 422},
	{"red for a stranger", red_unknown, 422},
	{"red for bob", red_bob, 200},
	{"red in clear", red_in_clear, 422},
	{"red with a hash of 31", red_half_sealed, 422},
	{"green and sealed", seal, 422},
	{"green with a hash of 31", seal_31, 422},
	{"amber for bob", amber_bob, 422},
	{"own group", group_own, 200},
	{"other group", group_other, 422},
	{"unknown group", group_unknown, 422},
	{"17 groups", groups_17, 413},
	{"65 recipients", recipients_65, 413},
};

/* ---- making the bytes --------------------------------------------------------------------------- */

static void sign(uint8_t out[65], const struct draft *d, const struct wire_buf *header)
{
	char pae[2048];
	size_t n = (size_t)snprintf(pae, sizeof(pae), "isac1 %zu %s %zu %s %zu ", strlen(d->type), d->type, strlen(d->hub_id), d->hub_id,
				    header->len);
	memcpy(pae + n, header->data, header->len);
	crypto_sign_detached(out, NULL, (uint8_t *)pae, n + header->len, secret_keys[d->signs]);
	if (!d->add_l) return;
	/* The group order of Ed25519, RFC 8032 section 5.1, little-endian. */
	static const uint8_t l[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,	    0xd6,
				      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	unsigned carry = 0;
	for (int i = 0; i < 32; i++) {
		carry += (unsigned)out[32 + i] + l[i];
		out[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
}

static void make(struct wire_buf *body, struct draft *d)
{
	uint8_t signature[65] = {0}, root[32] = {9};
	struct wire_buf header;
	d->h.report_id.data = d->report_id;
	d->h.key_id = (ProtobufCBinaryData){8, key_ids[d->names]};
	d->h.items_root = (ProtobufCBinaryData){32, root};
	d->h.groups = d->groups;
	d->h.recipients = d->recipients;
	wire_buf_init(&header, 4096);
	wire_pack(&header, &d->h.base);
	wire_buf_add(&header, d->tail, d->tail_len);
	sign(signature, d, &header);
	Isac1__Submit submit = ISAC1__SUBMIT__INIT;
	submit.member = (char *)d->member;
	submit.header = (ProtobufCBinaryData){header.len, header.data};
	submit.signature = (ProtobufCBinaryData){d->signature_len, signature};
	submit.payload = (ProtobufCBinaryData){1, root};
	wire_buf_init(body, 8192);
	if (!d->empty) wire_pack(body, &submit.base);
	wire_buf_clear(&header);
}

static struct draft fresh(void)
{
	struct draft d = {.connection = "alice",
			  .member = "alice",
			  .type = "report",
			  .hub_id = HUB,
			  .names = KEY_ALICE,
			  .signs = KEY_ALICE,
			  .h = ISAC1__HEADER__INIT,
			  .report_id = "0123456789abcdef",
			  .signature_len = 64};
	d.h.report_id.len = 16;
	d.h.created_us = NOW;
	d.h.kind = 1;
	d.h.tlp = 2;
	d.h.item_count = 1;
	return d;
}

static void each_rule_has_its_code(void **state)
{
	(void)state;
	unsigned wrong = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct draft d = fresh();
		cases[i].change(&d);
		struct wire_buf body;
		make(&body, &d);
		struct wire_arena arena;
		wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
		struct wire_why why = {.text = ""};
		struct intake_case c = {.roster = roster,
					.member = member_roster_find(roster, d.connection),
					.hub_id = HUB,
					.now_us = NOW,
					.body = {body.data, body.len}};
		unsigned code = isac_err_code(intake_accept(&c, &arena, &why));
		if (code != cases[i].code) {
			print_error("%s: %u (%s), expected %u\n", cases[i].name, code, why.text, cases[i].code);
			wrong++;
		}
		wire_arena_clear(&arena);
		wire_buf_clear(&body);
	}
	assert_int_equal(wrong, 0);
}

static void an_accepted_report_has_its_audience(void **state)
{
	(void)state;
	struct draft d = fresh();
	red_bob(&d);
	struct wire_buf body;
	make(&body, &d);
	struct wire_arena arena;
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	struct intake_case c = {.roster = roster,
				.member = member_roster_find(roster, "alice"),
				.hub_id = HUB,
				.now_us = NOW,
				.body = {body.data, body.len}};
	assert_int_equal(intake_accept(&c, &arena, NULL), ISAC_OK);
	assert_int_equal(c.audience.tlp, 5);
	assert_int_equal(c.audience.recipients_n, 1);
	assert_int_equal(c.audience.recipients[0], BOB);
	wire_arena_clear(&arena);
	wire_buf_clear(&body);
}

/* The id in a refusal is read from bytes that nobody checked: every prefix of a message must be safe. */
static void the_id_is_read_as_far_as_it_goes(void **state)
{
	(void)state;
	struct draft d = fresh();
	struct wire_buf body;
	make(&body, &d);
	struct wire_bytes id = intake_peek_report_id((struct wire_bytes){body.data, body.len});
	assert_int_equal(id.len, 16);
	assert_memory_equal(id.data, "0123456789abcdef", 16);
	for (size_t n = 0; n < body.len; n++) {
		uint8_t *copy = malloc(n ? n : 1); /* exact, so that a sanitizer sees one byte too many */
		memcpy(copy, body.data, n);
		intake_peek_report_id((struct wire_bytes){copy, n});
		free(copy);
	}
	wire_buf_clear(&body);
	static const uint8_t groups[] = {0x0b, 0x0c}, huge[] = {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00};
	assert_int_equal(intake_peek((struct wire_bytes){groups, 2}, 1).len, 0);
	assert_int_equal(intake_peek((struct wire_bytes){huge, sizeof(huge)}, 1).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_has_its_code),
		cmocka_unit_test(an_accepted_report_has_its_audience),
		cmocka_unit_test(the_id_is_read_as_far_as_it_goes),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
