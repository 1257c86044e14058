/* The files to the byte: escapes, boundaries, what each format cannot say. */
#include <sodium.h>
#include "item.h"

static void rpz_says_names_and_addresses(void **state)
{
	(void)state;
	struct format_set *set = new_set(NULL);
	/* Reversed words with zz for the longest run of zeros: the notation of BIND's reference manual. */
	static const char *const v6[] = {"2a00::1", "2a00:0:0:1::1", "2a00:1:0:2:3:4:5:6"};
	add(set, 1, "alice", "domain", "evil.example");
	add(set, 2, "alice", "ipv4", "198.51.100.7");
	add(set, 3, "alice", "cidr", "203.0.113.0/24");
	for (uint64_t i = 0; i < 3; i++) add(set, 4 + i, "alice", "ipv6", v6[i]);
	add(set, 8, "alice", "cidr", "2a00:1450::/32");
	add(set, 9, "alice", "url", "http://web.example/x");
	struct format_conf conf = {.version = 4294967295U, .now_us = NOW, .action = "CNAME rpz-drop."};
	expect(text_at(set, "rpz", NULL, &conf, NULL, NOW),
	       "$TTL 300\n@ SOA localhost. root.localhost. 4294967295 3600 600 86400 60\n@ NS localhost.\n"
	       "evil.example CNAME rpz-drop.\n*.evil.example CNAME rpz-drop.\n"
	       "32.7.100.51.198.rpz-ip CNAME rpz-drop.\n24.0.113.0.203.rpz-ip CNAME rpz-drop.\n"
	       "128.1.zz.2a00.rpz-ip CNAME rpz-drop.\n128.1.zz.1.0.0.2a00.rpz-ip CNAME rpz-drop.\n"
	       "128.6.5.4.3.2.0.1.2a00.rpz-ip CNAME rpz-drop.\n32.zz.1450.2a00.rpz-ip CNAME rpz-drop.\n");
	format_set_destroy(&set);
}

/* A name of that many characters below .example. */
static void long_name(char *out, size_t len)
{
	size_t rest = len - strlen(".example");
	for (size_t i = 0; i < rest; i++) out[i] = i % 50 == 49 && i + 1 < rest ? '.' : 'a';
	memcpy(out + rest, ".example", sizeof ".example");
}

static void rpz_names_fit_the_zone(void **state)
{
	(void)state;
	/* Zone rpz.isac: 10 octets with the root. A name of n characters has n + 1 octets, and "*." two more: 255 in all. */
	static const struct {
		size_t len;
		int lines;
	} cases[] = {{242, 2}, {243, 1}, {244, 1}, {245, 0}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct format_set *set = new_set(NULL);
		struct format_tally tally;
		char name[300];
		int lines = 0;
		long_name(name, cases[i].len);
		add(set, 1, "alice", "domain", name);
		char *text = text_at(set, "rpz", NULL, NULL, &tally, NOW);
		for (char *p = text; (p = strstr(p, " CNAME .\n")); p++) lines++;
		assert_int_equal(lines, cases[i].lines);
		assert_int_equal(tally.skipped[FORMAT_SKIP_LONG], !cases[i].lines);
		assert_int_equal(tally.written, cases[i].lines > 0);
		free(text);
		format_set_destroy(&set);
	}
}

static void actions_and_names_are_checked(void **state)
{
	(void)state;
	static const char *const good[][2] = {{"nxdomain", "CNAME ."},	      {"nodata", "CNAME *."},
					      {"drop", "CNAME rpz-drop."},    {"passthru", "CNAME rpz-passthru."},
					      {"192.0.2.53", "A 192.0.2.53"}, {"2a00::0:53", "AAAA 2a00::53"}};
	static const char *const bad[] = {"",	     "NXDOMAIN ", "1.2.3", "1.2.3.4.5",
					  "CNAME .", "0x1.2.3.4", "a:b",   "192.0.2.53\n$INCLUDE /etc/passwd"};
	char action[FORMAT_ACTION_BYTES];
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(format_rpz_action(action, good[i][0]));
		assert_string_equal(action, good[i][1]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(format_rpz_action(action, bad[i]));
	assert_true(format_zone_ok("rpz.isac") && format_zone_ok("rpz.isac.") && format_zone_ok("local"));
	assert_false(format_zone_ok("") || format_zone_ok(".") || format_zone_ok("a..b") || format_zone_ok(".a") || format_zone_ok("a b"));
	assert_true(format_name_ok("isac") && format_name_ok("A-1_b"));
	assert_false(format_name_ok("") || format_name_ok("1a") || format_name_ok("a;b") || format_name_ok("a-name-of-24-characters-"));
}

static void zeek_escapes_what_it_would_read_otherwise(void **state)
{
	(void)state;
	struct format_set *set = new_set(NULL);
	struct isac_item it = item(1, "alice", "domain", "evil.example");
	const char *tags[] = {"c2", "apt"}, *links[] = {"https://blog.example/a"};
	it.description = "back\\slash";
	it.tags = tags, it.tags_n = 2;
	it.references = links, it.references_n = 1;
	assert_true(format_set_add(set, &it));
	add(set, 2, "alice", "filename", "-");
	add(set, 3, "alice", "filename", "(empty)");
	add(set, 4, "alice", "filename", "a\\x41b");
	add(set, 5, "alice", "user-agent", "#x #y");
	add(set, 6, "alice", "url", "https://web.example:8443/p?q#frag");
	add(set, 7, "bob", "url", "http://web.example:8443/p?q");
	add(set, 8, "alice", "certificate-fingerprint", "00112233445566778899aabbccddeeff00112233");
	add(set, 9, "alice", "certificate-fingerprint", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	add(set, 10, "alice", "sha512",
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddee"
	    "ff");
	struct format_tally tally;
	char *text = text_at(set, "zeek", NULL, NULL, &tally, NOW);
	static const char fields[] = "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url\n";
	assert_memory_equal(text, fields, sizeof fields - 1);
	assert_int_equal(tally.written, 7);
	assert_int_equal(tally.skipped[FORMAT_SKIP_FORM], 2);
	expect(text, "00112233445566778899aabbccddeeff00112233\tIntel::CERT_HASH\talice\t-\t-\n"
		     "\\x23x #y\tIntel::SOFTWARE\talice\t-\t-\n"
		     "\\x28\\x65\\x6d\\x70\\x74\\x79\\x29\tIntel::FILE_NAME\talice\t-\t-\n"
		     "\\x2d\tIntel::FILE_NAME\talice\t-\t-\n"
		     "a\\x5cx41b\tIntel::FILE_NAME\talice\t-\t-\n"
		     "evil.example\tIntel::DOMAIN\talice\tback\\x5cslash [c2] [apt]\thttps://blog.example/a\n"
		     "web.example:8443/p?q\tIntel::URL\talice\t-\t-\n");
	format_set_destroy(&set);
}

static void nft_has_no_overlap_and_counts_down(void **state)
{
	(void)state;
	struct format_set *set = new_set(NULL);
	struct isac_item it = item(1, "alice", "ipv4", "198.51.100.200");
	struct format_conf conf = {.url_hosts = true, .name = "soc", .now_us = NOW};
	it.valid_until_us = NOW + 90 * S + 1;
	assert_true(format_set_add(set, &it));
	it = item(2, "alice", "cidr", "203.0.113.0/24");
	it.valid_until_us = NOW + 60 * S;
	assert_true(format_set_add(set, &it));
	add(set, 3, "alice", "ipv4", "203.0.113.9");
	add(set, 4, "alice", "cidr", "203.0.113.128/25");
	add(set, 5, "alice", "cidr", "203.0.112.0/24");
	add(set, 6, "alice", "url", "http://198.51.100.200/x");
	add(set, 7, "alice", "domain", "evil.example");
	expect(text_at(set, "nft", NULL, &conf, NULL, NOW),
	       "add table inet soc\nadd set inet soc v4 { type ipv4_addr; flags interval, timeout; }\nflush set inet soc v4\nadd element "
	       "inet soc v4 {\n"
	       "\t198.51.100.200,\n\t203.0.112.0/24,\n\t203.0.113.0/24 timeout 60s\n}\n"
	       "add set inet soc v6 { type ipv6_addr; flags interval, timeout; }\nflush set inet soc v6\n");
	char early[FORMAT_STATE_BYTES], late[FORMAT_STATE_BYTES];
	state_at(early, set, "nft", NOW);
	state_at(late, set, "nft", NOW + 30 * S); /* fewer seconds are left, and nothing else has changed */
	assert_string_equal(early, late);
	conf.url_hosts = false;
	char *text = text_at(set, "nft", NULL, &conf, NULL, NOW);
	assert_non_null(strstr(text, "\t198.51.100.200 timeout 91s,\n"));
	free(text);
	conf.now_us = NOW + 60 * S; /* the network has left: what lay in it is back */
	text = text_at(set, "nft", NULL, &conf, NULL, NOW + 60 * S);
	assert_non_null(strstr(text, "\t203.0.112.0/24,\n\t203.0.113.9,\n\t203.0.113.128/25\n"));
	free(text);
	format_set_destroy(&set);
}

static void suricata_lists_and_rules_agree(void **state)
{
	(void)state;
	struct format_set *set = new_set(NULL);
	struct isac_item it = item(1, "alice", "ipv4", "198.51.100.1");
	struct format_conf conf = {.version = 9, .sid = 500, .now_us = NOW};
	it.confidence = 0;
	assert_true(format_set_add(set, &it));
	it = item(2, "alice", "cidr", "2a00:1450::/32");
	it.confidence = 100;
	assert_true(format_set_add(set, &it));
	add(set, 3, "alice", "ipv4", "198.51.100.2");
	add(set, 4, "alice", "domain", "evil.example");
	add(set, 5, "alice", "user-agent", "\"; sid:1;)");
	add(set, 6, "alice", "md5", "00112233445566778899aabbccddeeff");
	char *text = text_at(set, "suricata", "isac-iprep.list", NULL, NULL, NOW);
	assert_string_equal(text, "198.51.100.1,1,1\n198.51.100.2,1,50\n2a00:1450::/32,1,100\n");
	free(text);
	text = text_at(set, "suricata", "isac-domains.lst", NULL, NULL, NOW);
	assert_string_equal(text, "ZXZpbC5leGFtcGxl\n"); /* printf %s evil.example | base64 */
	free(text);
	text = text_at(set, "suricata", "isac-user-agents.lst", NULL, NULL, NOW);
	assert_string_equal(text, "Ijsgc2lkOjE7KQ==\n");
	free(text);
	text = text_at(set, "suricata", "isac.rules", &conf, NULL, NOW);
	assert_null(strstr(text, "sid:1;"));
	assert_non_null(strstr(text, "filemd5:isac-md5.lst; sid:505; rev:9;)\n"));
	assert_null(strstr(text, "filesha1"));
	assert_non_null(strstr(text, "load isac-domains.lst, memcap 64mb, hashsize 1024; sid:500; rev:9;)\n"));
	free(text);
	format_set_destroy(&set);
}

static void hsb_and_ipset(void **state)
{
	(void)state;
	struct format_set *set = new_set(NULL);
	add(set, 1, "alice", "md5", "00112233445566778899aabbccddeeff");
	add(set, 2, "bob", "sha256", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	add(set, 3, "bob", "ipv4", "198.51.100.1");
	expect(text_at(set, "hsb", NULL, NULL, NULL, NOW),
	       "00112233445566778899aabbccddeeff:*:ISAC.alice:73\n"
	       "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff:*:ISAC.bob:73\n");
	struct isac_item it = item(4, "bob", "ipv4", "198.51.100.2");
	it.valid_until_us = NOW + 365 * 86400 * S;
	assert_true(format_set_add(set, &it));
	char *text = text_at(set, "ipset", NULL, NULL, NULL, NOW);
	assert_non_null(strstr(
		text, "\nadd isac-n4 198.51.100.1/32 -exist\nadd isac-n4 198.51.100.2/32 timeout 2147483 -exist\nswap isac-n4 isac-v4\n"));
	free(text);
	format_set_destroy(&set);
}

static void expect_whole(char *text, const char *whole)
{
	assert_string_equal(text, whole);
	free(text);
}

static void values_are_plain_lists(void **state)
{
	(void)state;
	struct format_set *set = new_set(NULL);
	struct format_conf conf = {.version = 7, .now_us = NOW, .state = "00112233445566778899aabbccddeeff"};
	add(set, 1, "alice", "domain", "evil.example");
	struct isac_item it = item(2, "bob", "filename", "=cmd|' /C calc'!A0");
	it.description = "say \"no\", please";
	assert_true(format_set_add(set, &it));
	it = item(3, "bob", "domain", "evil.example");
	it.confidence = 90;
	it.valid_until_us = NOW + S;
	assert_true(format_set_add(set, &it));
	expect(text_at(set, "values", "isac.txt", &conf, NULL, NOW), "evil.example\n=cmd|' /C calc'!A0\n");
	expect_whole(text_at(set, "values", "isac.csv", &conf, NULL, NOW),
		     "type,value,confidence,tlp,publisher,valid_until,description,reference\n"
		     "domain,\"evil.example\",90,green,bob,,\"\",\"\"\n"
		     "filename,\"=cmd|' /C calc'!A0\",,green,bob,,\"say \"\"no\"\", please\",\"\"\n");
	expect_whole(text_at(set, "values", "isac.json", &conf, NULL, NOW),
		     "{\"tlp\":\"green\",\"version\":7,\"state\":\"00112233445566778899aabbccddeeff\",\"values\":[\n"
		     "{\"type\":\"domain\",\"value\":\"evil.example\",\"tlp\":\"green\",\"publisher\":\"bob\",\"seq\":3,\"confidence\":90,"
		     "\"valid_until\":null},\n"
		     "{\"type\":\"filename\",\"value\":\"=cmd|' /C "
		     "calc'!A0\",\"tlp\":\"green\",\"publisher\":\"bob\",\"seq\":2,\"confidence\":null,"
		     "\"valid_until\":null,\"description\":\"say \\\"no\\\", please\"}\n]}\n");
	format_set_destroy(&set);
}

static void the_head_is_read_back(void **state)
{
	(void)state;
	for (unsigned i = 0; format_row(i); i++) {
		struct format_set *set = new_set(NULL);
		struct format_conf conf = {.version = 1234567, .now_us = NOW, .state = "00112233445566778899aabbccddeeff"};
		const struct format_part *last = format_row(i)->parts;
		uint32_t version = 0;
		char found[FORMAT_STATE_BYTES] = "";
		while (last[1].file) last++;
		add(set, 1, "alice", "domain", "evil.example");
		char *text = text_at(set, format_row(i)->name, last->file, &conf, NULL, NOW);
		FILE *in = fmemopen(text, strlen(text), "r");
		assert_true(format_head_read(in, &version, found));
		fclose(in);
		assert_int_equal(version, 1234567);
		assert_string_equal(found, conf.state);
		free(text);
		format_set_destroy(&set);
	}
	uint32_t version;
	char state_text[FORMAT_STATE_BYTES], other[] = "$TTL 300\n@ SOA a. b. 2026013101 1 1 1 1\n";
	FILE *in = fmemopen(other, sizeof other - 1, "r");
	assert_false(format_head_read(in, &version, state_text));
	fclose(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rpz_says_names_and_addresses),
		cmocka_unit_test(rpz_names_fit_the_zone),
		cmocka_unit_test(actions_and_names_are_checked),
		cmocka_unit_test(zeek_escapes_what_it_would_read_otherwise),
		cmocka_unit_test(nft_has_no_overlap_and_counts_down),
		cmocka_unit_test(suricata_lists_and_rules_agree),
		cmocka_unit_test(hsb_and_ipset),
		cmocka_unit_test(values_are_plain_lists),
		cmocka_unit_test(the_head_is_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
