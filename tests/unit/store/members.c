/* Members, keys, groups, commands, subscriptions. */
#include "hub.h"

static struct store_db *db;

static int begin(void **state)
{
	if (cluster_start_migrated(state)) return -1;
	hub_keys();
	return hub_enrol() || store_db_new(&db, cluster.conninfo, 5000) ? -1 : 0;
}

static int end(void **state)
{
	store_db_destroy(&db);
	return cluster_stop(state);
}

static struct store_command command(uint8_t nr, const char *bytes)
{
	static uint8_t id[WIRE_ID], signature[WIRE_SIGNATURE] = {7}, key_id[WIRE_KEY_ID] = {8};

	memset(id, nr, sizeof(id));
	return (struct store_command){.command_id = id,
				      .bytes = (const uint8_t *)bytes,
				      .len = strlen(bytes),
				      .signature = signature,
				      .key_id = key_id,
				      .member_id = 1,
				      .verb = "member.add"};
}

static enum isac_err add_member(const char *name, uint8_t nr, const char *const *args, size_t n, struct wire_why *why)
{
	struct member_space item[8];
	struct store_space space = {.member = name, .by = 1, .vouched = true, .item = item};
	struct wire_member bundle = {.curve = {nr}, .sign = {nr}};
	enum isac_err err = ISAC_OK;

	snprintf(bundle.name, sizeof(bundle.name), "%s", name);
	for (; !err && space.n < n; space.n++) {
		unsigned kind = 0;

		while (strcmp(member_space_names[kind], args[2 * space.n])) kind++;
		err = member_space_parse(&item[space.n], (enum member_space_kind)kind, args[2 * space.n + 1], false, why);
	}
	if (!err) err = store_insert_member(db, &bundle, "isp", MEMBER_PUBLISHER | MEMBER_SUBSCRIBER, "", why);
	return err || !n ? err : store_insert_space(db, &space, why);
}

static void test_first_admin(void **state)
{
	struct wire_member other = {.name = "other"};

	(void)state;
	assert_int_equal(store_insert_first_admin(db, &other, MEMBER_ADMIN), ISAC_ERR_CONFLICT);
	assert_string_equal(cluster_sql("select string_agg(name, ',') from isac.member"), "alice");
}

static enum isac_err move(const char *group, const char *member, enum store_group_act act)
{
	struct store_group g;
	enum isac_err err = store_select_group(db, group, member, &g);

	return err ? err : store_update_group(db, &g, act, g.member_id);
}

static void test_command(void **state)
{
	static const char *const args[] = {"net",  "198.51.100.0/24", "net",	    "2a00:1450::/32", "asn", "AS64500", "asn",
					   "3333", "domain",	      "Bob.Example"};
	struct store_command cmd = command(1, "the command");
	struct member_roster *roster;
	const struct member *bob;
	const struct member_key *key;
	struct wire_why why = {.text = ""};
	uint8_t key_id[WIRE_KEY_ID], public_key[32] = {2};

	(void)state;
	assert_int_equal(store_admin_begin(db, &cmd), ISAC_OK);
	assert_int_equal(add_member("bob", 2, args, 5, &why), ISAC_OK);
	assert_int_equal(store_insert_group(db, "finance", 0, &why), ISAC_OK);
	assert_int_equal(store_insert_group(db, "energy", 0, &why), ISAC_OK);
	assert_int_equal(move("finance", "bob", STORE_GROUP_JOIN), ISAC_OK);
	assert_int_equal(move("energy", "bob", STORE_GROUP_JOIN), ISAC_OK);
	assert_int_equal(move("finance", "alice", STORE_GROUP_JOIN), ISAC_OK);
	assert_int_equal(move("finance", "alice", STORE_GROUP_LEAVE), ISAC_OK);
	assert_int_equal(store_admin_end(db, true), ISAC_OK);
	assert_int_equal(store_admin_begin(db, &cmd), ISAC_ERR_AGAIN);
	cmd = command(1, "another command");
	assert_int_equal(store_admin_begin(db, &cmd), ISAC_ERR_CONFLICT);

	assert_int_equal(store_select_roster(db, HUB_ID, &roster), ISAC_OK);
	bob = member_roster_find(roster, "bob");
	assert_non_null(bob);
	assert_string_equal(bob->type, "isp");
	assert_int_equal(bob->roles, 3);
	assert_int_equal(bob->nets_n, 2);
	assert_int_equal(bob->nets[0].family, 4);
	assert_int_equal(bob->nets[0].prefix, 24);
	assert_memory_equal(bob->nets[0].addr, "\xc6\x33\x64\x00", 4);
	assert_int_equal(bob->nets[1].family, 6);
	assert_memory_equal(bob->nets[1].addr, "\x2a\x00\x14\x50\0\0\0\0", 8);
	assert_int_equal(bob->asns_n, 2);
	assert_int_equal(bob->asns[0], 64500);
	assert_int_equal(bob->domains_n, 1);
	assert_string_equal(bob->domains[0], "bob.example");
	assert_int_equal(bob->groups_n, 2);
	assert_true(bob->groups[0] < bob->groups[1]);
	assert_int_equal(member_roster_group(roster, "finance"), bob->groups[0]);
	assert_int_equal(member_roster_find(roster, "alice")->groups_n, 0);
	wire_sign_key_id(key_id, public_key);
	key = member_roster_key(roster, key_id);
	assert_non_null(key);
	assert_int_equal(key->member_id, bob->id);
	assert_int_equal(key->revoked_from_seq, 0);
	member_roster_free(roster);
}

/* A refused effect leaves neither itself nor the event. */
static void test_rollback(void **state)
{
	static const char *const bad[][2] = {
		{"net", "198.51.100.1/24"}, {"net", "300.1.1.1"}, {"net", "10.0.0.0/33"},    {"net", ""}, {"asn", "-1"},
		{"asn", "4294967296"},	    {"asn", "AS"},	  {"domain", "not a domain"}};
	struct wire_why why;
	struct store_group g;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct store_command cmd = command((uint8_t)(10 + i), "x");

		assert_int_equal(store_admin_begin(db, &cmd), ISAC_OK);
		assert_int_equal(add_member("carol", 3, bad[i], 1, &why), ISAC_ERR_BAD_VALUE);
		assert_int_equal(store_admin_end(db, false), ISAC_OK);
	}
	assert_int_equal(add_member("bob", 9, NULL, 0, &why), ISAC_ERR_CONFLICT);
	assert_int_equal(add_member("robert", 2, NULL, 0, &why), ISAC_ERR_CONFLICT); /* bob's CURVE key */
	assert_string_equal(cluster_sql("select count(*) from isac.admin_event"), "1");
	assert_string_equal(cluster_sql("select string_agg(name, ',' order by id) from isac.member"), "alice,bob");
	assert_int_equal(store_select_group(db, "nosuch", "bob", &g), ISAC_OK);
	assert_int_equal(g.id, 0);
	assert_int_equal(store_select_group(db, "finance", "nosuch", &g), ISAC_OK);
	assert_true(g.id && !g.member_id && !g.is_in);
	assert_int_equal(store_update_member(db, "nosuch", 1, 0, &why), ISAC_ERR_NOT_FOUND);
	assert_int_equal(store_insert_group(db, "finance", 0, &why), ISAC_ERR_CONFLICT);
	assert_int_equal(store_insert_group(db, "Not A Name", 0, &why), ISAC_ERR_BAD_VALUE);
}

static void test_keys(void **state)
{
	uint8_t second[32] = {22}, second_public[32], public_of_nobody[32] = {23}, key_id[WIRE_KEY_ID], unknown[WIRE_KEY_ID] = {1};
	struct member_roster *roster;
	struct wire_why why;
	const struct member_key *key;

	(void)state;
	wire_sign_key_id(key_id, second);
	assert_int_equal(store_insert_key(db, "bob", second, 1000000, 2000000, &why), ISAC_OK);
	assert_int_equal(store_insert_key(db, "bob", second, 0, 0, &why), ISAC_ERR_CONFLICT);
	assert_int_equal(store_insert_key(db, "nosuch", public_of_nobody, 0, 0, &why), ISAC_ERR_NOT_FOUND);
	assert_int_equal(store_update_key_revoke(db, unknown, &(uint64_t){5}, &why), ISAC_ERR_NOT_FOUND);
	assert_int_equal(store_update_key_revoke(db, key_id, &(uint64_t){5}, &why), ISAC_OK);
	assert_int_equal(store_update_key_revoke(db, key_id, &(uint64_t){9}, &why), ISAC_OK); /* never later */
	assert_int_equal(store_update_member(db, "bob", 1, 0, &why), ISAC_OK);
	assert_int_equal(store_update_member(db, "bob", -1, MEMBER_ANALYST, &why), ISAC_OK);
	assert_int_equal(store_select_roster(db, HUB_ID, &roster), ISAC_OK);
	key = member_roster_key(roster, key_id);
	assert_int_equal(key->valid_from_us, 1000000);
	assert_int_equal(key->valid_until_us, 2000000);
	assert_int_equal(key->revoked_from_seq, 5);
	assert_true(member_roster_find(roster, "bob")->suspended);
	assert_int_equal(member_roster_find(roster, "bob")->roles, MEMBER_ANALYST);
	member_roster_free(roster);
	wire_sign_key_id(key_id, alice_public);
	assert_int_equal(store_update_key_revoke(db, key_id, &(uint64_t){0}, &why), ISAC_ERR_NOT_ALLOWED); /* the last one of an admin */
	memset(second_public, 7, sizeof(second_public));
	assert_int_equal(store_insert_key(db, "alice", second_public, 0, 0, &why), ISAC_OK);
	assert_int_equal(store_update_key_revoke(db, key_id, &(uint64_t){0}, &why), ISAC_OK);
	assert_string_equal(cluster_sql("select revoked_from_seq from isac.member_key where member_id = 1 order by 1 limit 1"), "1");
	cluster_sql("delete from isac.member_key where public_key = decode(repeat('07', 32), 'hex')");
}

static void test_directory(void **state)
{
	Isac1__Directory ask = ISAC1__DIRECTORY__INIT;
	char *bob[] = {(char *)(uintptr_t) "bob"};
	struct wire_arena arena;
	struct wire_buf out;
	ProtobufCMessage *opened;
	Isac1__DirectoryResult *result;

	(void)state;
	wire_arena_init(&arena, 1 << 20);
	wire_buf_init(&out, 1 << 20);
	assert_int_equal(store_select_directory(db, &ask, &out), ISAC_OK);
	assert_int_equal(wire_open(&opened, &isac1__directory_result__descriptor, &arena, out.data, out.len, true, NULL), ISAC_OK);
	result = (Isac1__DirectoryResult *)opened;
	assert_int_equal(result->n_keys, 3);
	assert_string_equal(result->keys[0]->member, "alice");
	assert_int_equal(result->keys[0]->command.len, 0);
	wire_buf_reset(&out);
	ask.members = bob;
	ask.n_members = 1;
	assert_int_equal(store_select_directory(db, &ask, &out), ISAC_OK);
	assert_int_equal(wire_open(&opened, &isac1__directory_result__descriptor, &arena, out.data, out.len, true, NULL), ISAC_OK);
	result = (Isac1__DirectoryResult *)opened;
	assert_int_equal(result->n_keys, 2);
	for (size_t i = 0; i < 2; i++)
		if (result->keys[i]->public_key.data[0] == 2) {
			assert_int_equal(result->keys[i]->command.len, strlen("the command"));
			assert_memory_equal(result->keys[i]->command.data, "the command", 11);
			assert_int_equal(result->keys[i]->admin_key_id.data[0], 8);
		}
	wire_arena_clear(&arena);
	wire_buf_clear(&out);
}

static void test_lists(void **state)
{
	static const struct {
		const char *what, *arg;
		size_t rows;
	} cases[] = {
		{"member", NULL, 2}, {"member", "bob", 1},	{"key", NULL, 3},   {"key", "bob", 2},
		{"group", "", 2},    {"subscription", NULL, 0}, {"event", NULL, 1}, {"stats", NULL, STAT_COUNT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_arena arena;
		struct wire_buf out;
		ProtobufCMessage *opened;

		wire_arena_init(&arena, 1 << 20);
		wire_buf_init(&out, 1 << 20);
		assert_int_equal(store_select_list(db, cases[i].what, cases[i].arg, &out), ISAC_OK);
		if (out.len || cases[i].rows) {
			assert_int_equal(wire_open(&opened, &isac1__control_result__descriptor, &arena, out.data, out.len, true, NULL),
					 ISAC_OK);
			assert_int_equal(((Isac1__ControlResult *)opened)->n_rows, cases[i].rows);
		}
		if (!strcmp(cases[i].what, "group")) {
			Isac1__Row *row = ((Isac1__ControlResult *)opened)->rows[0];

			assert_string_equal(row->cells[0]->name, "name");
			assert_string_equal(row->cells[0]->value, "energy");
			assert_string_equal(row->cells[1]->value, "bob");
		}
		wire_arena_clear(&arena);
		wire_buf_clear(&out);
	}
	assert_int_equal(store_select_list(db, "nosuch", NULL, NULL), ISAC_ERR_NOT_FOUND);
}

static void test_subscriptions(void **state)
{
	static const char *const text = "'; DROP TABLE report;-- $1 \\x27 \"\n\xc3\xa9";
	const int32_t ids[] = {1, 1, 1, 2};
	const char *const names[] = {"one", "two", "one", "nosuch"};
	const uint64_t seqs[] = {7, 3, 9, 1};
	struct store_subscription one, *all;
	size_t n;

	(void)state;
	assert_int_equal(store_select_subscription(db, 1, "one", &one), ISAC_OK);
	assert_false(one.exists);
	assert_int_equal(store_upsert_subscription(db, 1, "one", text, 0), ISAC_OK);
	assert_int_equal(store_upsert_subscription(db, 1, "two", "true", 5), ISAC_OK);
	assert_int_equal(store_update_cursors(db, 4, ids, names, seqs), ISAC_OK);
	assert_int_equal(store_select_subscriptions(db, 1, &all, &n), ISAC_OK);
	assert_int_equal(n, 2);
	assert_string_equal(all[0].filter, text);
	assert_int_equal(all[0].acked_seq, 9);
	assert_int_equal(all[1].acked_seq, 5); /* only forwards */
	for (size_t i = 0; i < n; i++) free(all[i].filter);
	free(all);
	assert_int_equal(store_delete_subscription(db, 1, "one"), ISAC_OK);
	assert_int_equal(store_delete_subscription(db, 1, "one"), ISAC_OK);
	assert_int_equal(store_select_subscription(db, 1, "one", &one), ISAC_OK);
	assert_false(one.exists);
}

/* A reader that sat idle while the server was restarted does not show it. */
static void test_reconnects(void **state)
{
	struct store_subscription two;

	(void)state;
	cluster_down(SIGINT); /* after a kill the orphaned backend would still answer for a moment */
	assert_int_equal(store_select_subscription(db, 1, "two", &two), ISAC_ERR_DB_BROKEN);
	assert_int_equal(cluster_up(NULL), 0);
	cluster_sql("select 1");
	assert_int_equal(store_select_subscription(db, 1, "two", &two), ISAC_OK);
	free(two.filter);
	cluster_sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'isac reader'");
	assert_int_equal(store_select_subscription(db, 1, "two", &two), ISAC_OK);
	assert_int_equal(two.acked_seq, 5);
	free(two.filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_admin),   cmocka_unit_test(test_command),	 cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_keys),	      cmocka_unit_test(test_directory),	 cmocka_unit_test(test_lists),
		cmocka_unit_test(test_subscriptions), cmocka_unit_test(test_reconnects),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
