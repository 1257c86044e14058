/* Whose key is whose: only chains of certificates that end at the first admin's key are trusted, in whatever order they come. */
#include "certify.h"
#include "../../../clients/lib/priv.h"

static struct wire_hub hub;
static struct test_key root, other_root, ann, eve, carol, dave;

static int begin(void **state)
{
	(void)state;
	assert_true(sodium_init() >= 0);
	struct test_key *const all[] = {&root, &other_root, &ann, &eve, &carol, &dave};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) test_key_make(all[i]);
	memset(&hub, 0, sizeof hub);
	memcpy(hub.admin, root.public_key, 32);
	memcpy(hub.hub_id, "0123456789abcdef", 17);
	return 0;
}

/* Takes the certificates in this order; says whether `key` is then trusted for `member`. */
static bool trusted(struct test_cert *const *certs, size_t n, const char *member, const struct test_key *key)
{
	struct client_directory *d;
	Isac1__DirectoryResult result = ISAC1__DIRECTORY_RESULT__INIT;
	Isac1__KeyCertificate *list[8];
	assert_int_equal(client_directory_open(&d, NULL), ISAC_DONE);
	for (size_t i = 0; i < n; i++) list[i] = &certs[i]->cert;
	result.keys = list;
	result.n_keys = n;
	assert_int_equal(client_directory_take(d, &hub, &result, NULL), ISAC_DONE);
	const uint8_t *found = client_directory_key(d, member, key->id);
	bool good = found != NULL;
	if (good) assert_memory_equal(found, key->public_key, 32);
	client_directory_close(&d);
	client_directory_close(&d);
	return good;
}

static void the_first_admin_is_the_root(void **state)
{
	(void)state;
	struct test_cert good, wrong, *list[] = {&good, &wrong};
	test_certify(&good, hub.hub_id, "admin", &root, NULL, NULL, NULL, NULL, NULL);
	test_certify(&wrong, hub.hub_id, "mallory", &other_root, NULL, NULL, NULL, NULL, NULL);
	assert_true(trusted(list, 2, "admin", &root));
	assert_false(trusted(list, 2, "mallory", &other_root));
	assert_false(trusted(list, 2, "mallory", &root));
	test_cert_clear(&good);
	test_cert_clear(&wrong);
}

/* Admin, invitation, member: an invitation signs its own member's key, and nothing else. */
static void an_invitation_signs_for_its_own_member_only(void **state)
{
	(void)state;
	struct test_cert admin, invite, joined, next, *chain[] = {&admin, &invite, &joined, &next};
	static const struct {
		const char *verb, *member;
		bool good;
	} joins[] = {{"member.join", "ann", true}, {"member.join", "eve", false}, {"member.add", "ann", false}, {"key.add", "ann", false}};
	test_certify(&admin, hub.hub_id, "admin", &root, NULL, NULL, NULL, NULL, NULL);
	test_certify(&invite, hub.hub_id, "ann", &ann, &root, "member.invite", "publisher,admin", "ann", &ann);
	for (size_t i = 0; i < sizeof joins / sizeof joins[0]; i++) {
		test_certify(&joined, hub.hub_id, joins[i].member, &carol, &ann, joins[i].verb, "publisher", joins[i].member, &carol);
		assert_int_equal(trusted(chain, 3, joins[i].member, &carol), joins[i].good);
		test_cert_clear(&joined);
	}
	/* The joined key is an admin's, as the invitation says; the invitation itself is nobody's to sign reports with. */
	test_certify(&joined, hub.hub_id, "ann", &carol, &ann, "member.join", "", "ann", &carol);
	test_certify(&next, hub.hub_id, "dave", &dave, &carol, "member.add", "publisher", "dave", &dave);
	assert_true(trusted(chain, 4, "dave", &dave));
	assert_false(trusted(chain, 4, "ann", &ann));
	test_cert_clear(&next);
	/* Having joined, nobody enrols others with the invitation that is left over. */
	test_certify(&next, hub.hub_id, "dave", &dave, &ann, "member.add", "publisher", "dave", &dave);
	assert_false(trusted(chain, 4, "dave", &dave));
	/* Only an admin invites; and who is invited as less is no admin. */
	test_cert_clear(&invite);
	test_certify(&invite, hub.hub_id, "ann", &ann, &root, "member.invite", "publisher", "ann", &ann);
	test_cert_clear(&next);
	test_certify(&next, hub.hub_id, "dave", &dave, &carol, "member.add", "publisher", "dave", &dave);
	assert_true(trusted(chain, 3, "ann", &carol));
	assert_false(trusted(chain, 4, "dave", &dave));
	for (size_t i = 0; i < 4; i++) test_cert_clear(chain[i]);
}

static void a_chain_holds_in_any_order_and_not_without_a_link(void **state)
{
	(void)state;
	struct test_cert admin, sub, member, second, *forward[] = {&admin, &sub, &member, &second},
						     *back[] = {&second, &member, &sub, &admin};
	test_certify(&admin, hub.hub_id, "admin", &root, NULL, NULL, NULL, NULL, NULL);
	test_certify(&sub, hub.hub_id, "ann", &ann, &root, "member.add", "publisher,admin", "ann", &ann);
	test_certify(&member, hub.hub_id, "carol", &carol, &ann, "member.add", "publisher", "carol", &carol);
	test_certify(&second, hub.hub_id, "carol", &dave, &ann, "key.add", "", "carol", &dave);
	assert_true(trusted(forward, 4, "carol", &carol));
	assert_true(trusted(back, 4, "carol", &carol));
	assert_true(trusted(back, 4, "carol", &dave));
	assert_true(trusted(forward, 2, "ann", &ann));
	assert_false(trusted(forward + 1, 3, "carol", &carol)); /* no root */
	struct test_cert *gap[] = {&admin, &member};
	assert_false(trusted(gap, 2, "carol", &carol));
	test_cert_clear(&sub);
	test_cert_clear(&member);
	test_cert_clear(&second);
}

struct wrong {
	const char *what, *verb, *role, *bundle_member;
	const struct test_key *named, *signer;
	const char *hub_id;
};

static void a_certificate_that_says_something_else_is_none(void **state)
{
	(void)state;
	const struct wrong cases[] = {
		{"another member's name", "member.add", "publisher", "dave", &carol, &root, hub.hub_id},
		{"another key", "member.add", "publisher", "carol", &dave, &root, hub.hub_id},
		{"another verb", "member.role", "publisher", "carol", &carol, &root, hub.hub_id},
		{"another hub", "member.add", "publisher", "carol", &carol, &root, "fedcba9876543210"},
		{"signed by itself", "member.add", "admin", "carol", &carol, &carol, hub.hub_id},
		{"signed by a stranger", "member.add", "publisher", "carol", &carol, &other_root, hub.hub_id},
	};
	struct test_cert admin, member, *list[] = {&admin, &member};
	test_certify(&admin, hub.hub_id, "admin", &root, NULL, NULL, NULL, NULL, NULL);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct wrong *w = &cases[i];
		test_certify(&member, w->hub_id, "carol", &carol, w->signer, w->verb, w->role, w->bundle_member, w->named);
		if (trusted(list, 2, "carol", &carol)) fail_msg("trusted: %s", w->what);
		test_cert_clear(&member);
	}
	test_certify(&member, hub.hub_id, "carol", &carol, &root, "member.add", "publisher", "carol", &carol);
	assert_true(trusted(list, 2, "carol", &carol));
	member.signature[5] ^= 1;
	assert_false(trusted(list, 2, "carol", &carol));
	test_cert_clear(&member);
}

static void only_admins_enrol(void **state)
{
	(void)state;
	static const char *const roles[] = {"publisher,analyst", "administrator", "", "superadmin,adm"};
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		struct test_cert admin, sub, member, *list[] = {&admin, &sub, &member};
		test_certify(&admin, hub.hub_id, "admin", &root, NULL, NULL, NULL, NULL, NULL);
		test_certify(&sub, hub.hub_id, "eve", &eve, &root, "member.add", roles[i], "eve", &eve);
		test_certify(&member, hub.hub_id, "carol", &carol, &eve, "member.add", "publisher", "carol", &carol);
		assert_true(trusted(list, 3, "eve", &eve));
		assert_false(trusted(list, 3, "carol", &carol));
		test_cert_clear(&sub);
		test_cert_clear(&member);
	}
}

static void a_key_id_that_is_not_the_keys_is_passed_over(void **state)
{
	(void)state;
	struct test_cert admin, member, *list[] = {&admin, &member};
	test_certify(&admin, hub.hub_id, "admin", &root, NULL, NULL, NULL, NULL, NULL);
	test_certify(&member, hub.hub_id, "carol", &carol, &root, "member.add", "publisher", "carol", &carol);
	member.cert.key_id.data = dave.id;
	assert_false(trusted(list, 2, "carol", &carol));
	assert_false(trusted(list, 2, "carol", &dave));
	member.cert.key_id = (ProtobufCBinaryData){3, carol.id};
	assert_false(trusted(list, 2, "carol", &carol));
	test_cert_clear(&member);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_first_admin_is_the_root, begin),
		cmocka_unit_test_setup(an_invitation_signs_for_its_own_member_only, begin),
		cmocka_unit_test_setup(a_chain_holds_in_any_order_and_not_without_a_link, begin),
		cmocka_unit_test_setup(a_certificate_that_says_something_else_is_none, begin),
		cmocka_unit_test_setup(only_admins_enrol, begin),
		cmocka_unit_test_setup(a_key_id_that_is_not_the_keys_is_passed_over, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
