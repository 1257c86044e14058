/* Where addresses lie, by databases that tests/story/mmdb.py writes from the public format: another hand than the reader's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "report/report.h"

/* libmaxminddb 1.7.1 forgets some memory when it refuses a file whose metadata is cut; who gets that ends at once. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb.so\n";
}

static char dir[] = "/tmp/isac-unit-geo-XXXXXX";

static void make(char path[80], const char *name, int bits, const char *entries)
{
	char command[4096];

	snprintf(path, 80, "%s/%s", dir, name);
	snprintf(command, sizeof(command), "/usr/bin/python3 tests/story/mmdb.py %s %d %s", path, bits, entries);
	FILE *writer = popen(command, "re");
	assert_non_null(writer);
	assert_int_equal(pclose(writer), 0);
}

static int begin(void **state)
{
	(void)state;
	return wire_init() || !mkdtemp(dir) ? -1 : 0;
}

static int end(void **state)
{
	char command[100];

	(void)state;
	geo_close();
	snprintf(command, sizeof(command), "rm -r %s", dir);
	FILE *remover = popen(command, "re");
	return remover && pclose(remover) == 0 ? 0 : -1;
}

static struct geo_place place_of(uint32_t type, const char *text, bool want_country, bool want_asn)
{
	struct wire_arena arena;
	struct wire_value value;
	struct geo_place place;

	wire_arena_init(&arena, 65536);
	assert_int_equal(wire_value_canon(&value, type, text, strlen(text), &arena, NULL), ISAC_OK);
	geo_find(&place, value.addr, value.family, want_country, want_asn);
	wire_arena_clear(&arena);
	return place;
}

static const char COUNTRIES[] =
	"203.0.113.0/24 '{\"country\":{\"iso_code\":\"JP\"}}' 203.0.113.128/25 '{\"country\":{\"iso_code\":\"DE\"}}' "
	"198.51.100.0/24 '{\"country_code\":\"BR\"}' 2a00:1450::/32 '{\"country\":\"IE\"}' "
	"192.0.0.0/8 '{\"country\":{\"iso_code\":\"jp\"}}' 193.0.0.0/8 '{\"country\":{\"iso_code\":\"DEU\"}}' "
	"194.0.0.0/8 '{\"country\":{\"iso_code\":7}}' 195.0.0.0/8 '{}'";
static const char ASNS[] = "203.0.113.0/24 '{\"autonomous_system_number\":3320}' 198.51.100.0/24 '{\"asn\":\"AS64512\"}' "
			   "2a00:1450::/32 '{\"autonomous_system_number\":4200000001}' 192.0.0.0/8 '{\"asn\":\"AS\"}' "
			   "193.0.0.0/8 '{\"asn\":\"AS12x\"}' 194.0.0.0/8 '{\"asn\":\"AS99999999999\"}'";

static void test_find(void **state)
{
	static const struct {
		uint32_t type;
		const char *value, *country;
		uint32_t asn;
	} cases[] = {
		{WIRE_VALUE_IPV4, "203.0.113.7", "JP", 3320},
		{WIRE_VALUE_IPV4, "203.0.113.200", "DE", 3320},
		{WIRE_VALUE_IPV4, "198.51.100.1", "BR", 64512},
		{WIRE_VALUE_IPV4, "198.51.101.1", "", 0},
		{WIRE_VALUE_IPV6, "2a00:1450::7", "IE", 4200000001},
		{WIRE_VALUE_IPV6, "2a00:1451::7", "", 0},
		{WIRE_VALUE_CIDR, "203.0.113.0/28", "JP", 3320},
		{WIRE_VALUE_CIDR, "203.0.112.0/22", "", 0}, /* its first address */
		{WIRE_VALUE_URL, "http://203.0.113.7/x", "JP", 3320},
		{WIRE_VALUE_URL, "http://evil.example/x", "", 0},
		{WIRE_VALUE_DOMAIN, "evil.example", "", 0},
		{WIRE_VALUE_IPV4, "192.1.1.1", "", 0}, /* a record that is no answer */
		{WIRE_VALUE_IPV4, "193.1.1.1", "", 0},
		{WIRE_VALUE_IPV4, "194.1.1.1", "", 0},
		{WIRE_VALUE_IPV4, "195.1.1.1", "", 0},
	};
	char country[80], asn[80];
	struct wire_why why = {.text = ""};

	(void)state;
	for (int bits = 24; bits <= 32; bits += 4) {
		make(country, "country.mmdb", bits, COUNTRIES);
		make(asn, "asn.mmdb", bits, ASNS);
		if (geo_open(country, asn, &why)) fail_msg("%s", why.text);
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			struct geo_place got = place_of(cases[i].type, cases[i].value, true, true);

			if (strcmp(got.country, cases[i].country) || got.asn != cases[i].asn)
				fail_msg("%s: %s %u", cases[i].value, got.country, got.asn);
			got = place_of(cases[i].type, cases[i].value, false, true);
			assert_string_equal(got.country, "");
			got = place_of(cases[i].type, cases[i].value, true, false);
			assert_int_equal(got.asn, 0);
		}
		geo_close();
	}
	assert_string_equal(place_of(WIRE_VALUE_IPV4, "203.0.113.7", true, true).country, ""); /* off */
}

static void test_bad_files(void **state)
{
	char path[80];
	struct wire_why why;
	FILE *out;

	(void)state;
	assert_int_equal(geo_check("/nonexistent/x.mmdb", &why), ISAC_ERR_CONFIG);
	assert_non_null(strstr(why.text, "No such file"));
	assert_int_equal(geo_open("tests/README.md", NULL, &why), ISAC_ERR_CONFIG);
	assert_non_null(strstr(why.text, "no MaxMind DB"));
	/* Cut anywhere: refused, or it answers without reading beyond its end (the sanitizers would say). */
	make(path, "cut.mmdb", 24, COUNTRIES);
	out = fopen(path, "rbe");
	assert_non_null(out);
	static char bytes[65536];
	size_t len = fread(bytes, 1, sizeof(bytes), out);
	fclose(out);
	for (size_t cut = 0; cut < len; cut += 37) {
		out = fopen(path, "wbe");
		assert_int_equal(fwrite(bytes, 1, cut, out), cut);
		fclose(out);
		if (geo_open(path, NULL, &why)) continue;
		(void)place_of(WIRE_VALUE_IPV4, "203.0.113.7", true, true);
		geo_close();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_bad_files),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
