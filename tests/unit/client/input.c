/* What the readers of files make of lines: expected records are written by hand beside each sample. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "input.h"

/* Each record as "line|type|value|description|confidence|tags;..|refs;..|first_seen", each refusal as "line!reason". */
static struct {
	char text[64][400];
	size_t n;
	int stop_at;
} got;

static int keep(const char *text)
{
	assert_true(got.n < sizeof got.text / sizeof got.text[0]);
	snprintf(got.text[got.n++], sizeof got.text[0], "%s", text);
	return (int)got.n == got.stop_at ? 7 : 0;
}

static void append(char *out, size_t size, const char *fmt, const char *text)
{
	size_t len = strlen(out);
	if (strcmp(fmt, "|") == 0) snprintf(out + len, size - len, "|%s", text ? text : "");
	else snprintf(out + len, size - len, "%s%s", text, fmt);
}

static int take(void *arg, struct input_record *r, unsigned line)
{
	char text[400], number[24];
	(void)arg;
	snprintf(text, sizeof text, "%u", line);
	append(text, sizeof text, "|", r->ind.type);
	append(text, sizeof text, "|", r->ind.value);
	append(text, sizeof text, "|", r->ind.description);
	snprintf(number, sizeof number, "%d", r->ind.confidence);
	append(text, sizeof text, "|", number);
	append(text, sizeof text, "|", "");
	for (size_t i = 0; i < r->ind.tags_n; i++) append(text, sizeof text, ";", r->ind.tags[i]);
	append(text, sizeof text, "|", "");
	for (size_t i = 0; i < r->ind.references_n; i++) append(text, sizeof text, ";", r->ind.references[i]);
	snprintf(number, sizeof number, "%lld", (long long)r->ind.first_seen_us);
	append(text, sizeof text, "|", number);
	return keep(text);
}

static int refuse(void *arg, unsigned line, const char *reason)
{
	char text[400];
	(void)arg;
	snprintf(text, sizeof text, "%u!%s", line, reason);
	return keep(text);
}

static void tell(void *arg, const char *text)
{
	char line[400];
	(void)arg;
	snprintf(line, sizeof line, "? %s", text);
	keep(line);
}

static const struct input_sink sink = {take, refuse, tell, NULL};
static const char *map; /* of columns, for read_bytes */

/* Reads a text of len bytes under a name that ends in suffix. */
static int read_bytes(const char *text, size_t len, const char *suffix, const char *format, const char *type, char *reason, size_t size)
{
	char path[64];
	uint64_t bytes = 0;
	snprintf(path, sizeof path, "/tmp/isac-input-XXXXXX%s", suffix);
	int fd = mkstemps(path, (int)strlen(suffix));
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	struct input_conf conf = {.path = path, .format = format, .type = type, .bytes = &bytes, .map = map};
	int r = input_read(&conf, &sink, reason, size);
	unlink(path);
	if (r == 0) assert_int_equal(bytes, len);
	return r;
}

static int read_text(const char *text, const char *suffix, const char *format, const char *type, char *reason, size_t size)
{
	got.n = 0;
	got.stop_at = 0;
	return read_bytes(text, strlen(text), suffix, format, type, reason, size);
}

struct sample {
	const char *what, *text, *suffix, *type, *want[8];
};

static void check(const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct sample *s = &samples[i];
		char reason[300] = "";
		size_t wanted = 0;
		if (read_text(s->text, s->suffix, "auto", s->type, reason, sizeof reason)) fail_msg("%s: %s", s->what, reason);
		for (; wanted < 8 && s->want[wanted]; wanted++) {
			if (wanted >= got.n) fail_msg("%s: %zu records, no '%s'", s->what, got.n, s->want[wanted]);
			if (strcmp(got.text[wanted], s->want[wanted]) != 0)
				fail_msg("%s: got '%s', not '%s'", s->what, got.text[wanted], s->want[wanted]);
		}
		if (got.n != wanted) fail_msg("%s: one too many: '%s'", s->what, got.text[wanted]);
	}
}

static void plain_lists(void **state)
{
	(void)state;
	static const struct sample samples[] = {
		{"values and comments",
		 "# a list\n198.51.100.1\n\n  198[.]51.100.2  # why\nhxxp://a.example/x#frag\n",
		 "",
		 NULL,
		 {"2||198.51.100.1||-1|||0", "4||198[.]51.100.2||-1|||0", "5||hxxp://a.example/x#frag||-1|||0"}},
		{"second columns",
		 "198.51.100.1\t7\n198.51.100.2 9\n",
		 ".txt",
		 NULL,
		 {"1||198.51.100.1||-1|||0", "2||198.51.100.2||-1|||0"}},
		{"no newline at the end, CRLF",
		 "198.51.100.1\r\n198.51.100.2",
		 "",
		 "ipv4",
		 {"1|ipv4|198.51.100.1||-1|||0", "2|ipv4|198.51.100.2||-1|||0"}},
		{"values with blanks", "Mozilla/5.0 (X; #1)\n", "", "user-agent", {"1|user-agent|Mozilla/5.0 (X; #1)||-1|||0"}},
		{"a byte order mark",
		 "\xef\xbb\xbf"
		 "198.51.100.1\n",
		 "",
		 NULL,
		 {"1||198.51.100.1||-1|||0"}},
		{"a defanged first character", "[.]example\n", "", NULL, {"1||[.]example||-1|||0"}},
		{"nothing", "", "", NULL, {NULL}},
		{"only comments", "# a\n# b\n", "", NULL, {NULL}},
	};
	check(samples, sizeof samples / sizeof samples[0]);
}

static void csv_files(void **state)
{
	(void)state;
	static const struct sample samples[] = {
		{"value,type,notes",
		 "value,type,notes\n198.51.100.1,ipaddress,\"\"\na.example,hostname,\"a \"\"C2\"\", seen\"\n",
		 ".csv",
		 NULL,
		 {"2||198.51.100.1||-1|||0", "3|domain|a.example|a \"C2\", seen|-1|||0"}},
		{"BOM and entity_type",
		 "\xef\xbb\xbfvalue,entity_type,description\nx@a.example,emailsender,d\n",
		 ".csv",
		 NULL,
		 {"2|email|x@a.example|d|-1|||0"}},
		{"hashes of one file",
		 "value,entity_type,description\n\"00112233445566778899aabbccddeeff,00112233445566778899aabbccddeeff00112233\",file,d\n",
		 ".csv",
		 NULL,
		 {"2||00112233445566778899aabbccddeeff|d|-1|||0", "2||00112233445566778899aabbccddeeff00112233|d|-1|||0"}},
		{"a column named after a type",
		 "File,Creation,Domain\nicon1.ico,2022-12-07,a[.]example\nREADME.md,2022-12-07,\n",
		 ".csv",
		 NULL,
		 {"2|domain|a[.]example||-1|||0", "3!the row has no value"}},
		{"no header", "198.51.100.1,ipaddress,a server\n", ".csv", NULL, {"1||198.51.100.1|a server|-1|||0"}},
		{"all columns, another order",
		 "Tags,Confidence,IOC,First Seen,references,Type\n\"c2, x\",80,198.51.100.1,2026-01-31,https://a.example/1 "
		 "https://a.example/2,ipv4\n",
		 ".csv",
		 NULL,
		 {"2|ipv4|198.51.100.1||80|c2;x;|https://a.example/1;https://a.example/2;|1769817600000000"}},
		{"semicolons, told by content", "value;type\n198.51.100.1;ipv4\n", "", NULL, {"2|ipv4|198.51.100.1||-1|||0"}},
		{"a cell over two lines",
		 "value,description\n198.51.100.1,\"one\ntwo\"\n198.51.100.2,x\n",
		 ".csv",
		 NULL,
		 {"2||198.51.100.1|one\ntwo|-1|||0", "4||198.51.100.2|x|-1|||0"}},
		{"no newline at the end", "value\n198.51.100.1", ".csv", NULL, {"2||198.51.100.1||-1|||0"}},
		{"CRLF, blank lines, comments",
		 "# made by x\r\nvalue,type\r\n\r\n198.51.100.1,ipv4\r\n",
		 ".csv",
		 NULL,
		 {"4|ipv4|198.51.100.1||-1|||0"}},
		{"bad fields",
		 "value,confidence,first_seen\n198.51.100.1,high,\n198.51.100.2,101,\n198.51.100.3,,soon\n198.51.100.4,0,\n",
		 ".csv",
		 NULL,
		 {"2!confidence 'high' is not understood", "3!confidence '101' is not understood", "4!first_seen 'soon' is not understood",
		  "5||198.51.100.4||0|||0"}},
		{"an unknown type is left to be refused", "value,type\nx,frobnicator\n", ".csv", NULL, {"2|frobnicator|x||-1|||0"}},
	};
	check(samples, sizeof samples / sizeof samples[0]);
}

static void json_lines(void **state)
{
	(void)state;
	static const struct sample samples[] = {
		{"all fields",
		 "{\"type\":\"ipv4\",\"value\":\"198.51.100.1\",\"confidence\":80,\"tags\":[\"a\",\"b\"],\"description\":\"d\",\"first_"
		 "seen\":\"2026-01-31\",\"references\":[\"https://a.example/\"]}\n",
		 "",
		 NULL,
		 {"1|ipv4|198.51.100.1|d|80|a;b;|https://a.example/;|1769817600000000"}},
		{"unknown members and null",
		 "{\"value\":\"a.example\",\"seq\":7,\"verified\":true,\"confidence\":null,\"first_seen\":null}\n",
		 ".jsonl",
		 "domain",
		 {"1|domain|a.example||-1|||0"}},
		{"tags as one string", "{\"value\":\"a.example\",\"tags\":\"x, y\"}\n", "", NULL, {"1||a.example||-1|x;y;||0"}},
		{"wrong lines among good ones",
		 "{\"value\":\"a.example\"}\n{\"value\":7.5}\n[1]\n{\"type\":\"ipv4\"}\n{\"value\":\"b\",\"tags\":[1]}\n\n{\"value\":\"c\","
		 "\"confidence\":\"x\"}\n",
		 "",
		 NULL,
		 {"1||a.example||-1|||0", "2!value is not a string", "3!not a JSON object", "4!there is no value",
		  "5!tags is not a list of strings", "7!confidence 'x' is not understood"}},
		{"an asn as a number", "{\"type\":\"asn\",\"value\":64500}\n", "", NULL, {"1|asn|64500||-1|||0"}},
	};
	check(samples, sizeof samples / sizeof samples[0]);
	char reason[300];
	assert_int_equal(read_text("{\"value\":\"a\"\n{\"value\":\"b\",\"value\":\"c\"}\n", ".jsonl", "jsonl", NULL, reason, sizeof reason),
			 0);
	assert_int_equal(got.n, 2);
	assert_non_null(strstr(got.text[0], "1!not JSON"));
	assert_non_null(strstr(got.text[1], "2!not JSON: duplicate object key"));
}

static void documents_are_told_from_lines(void **state)
{
	(void)state;
	static const struct {
		const char *text, *format, *got; /* got: of the first line, NULL: none */
	} cases[] = {
		{"{\n  \"type\": \"bundle\"\n}\n", "auto", NULL},
		{"{\"type\":\"bundle\",\"objects\":[{\"type\":\"malware\",\"id\":\"malware--1\"}]}\n", "auto",
		 "? not read: 1 x malware: no kind of item keeps it"},
		{"[\n{\"Event\":{}}]\n", "auto", NULL},
		{"[{\"Event\":{\"Attribute\":[{\"type\":\"domain\",\"value\":\"a.example\",\"to_ids\":true}]}}]", "auto",
		 "0|domain|a.example||-1|||0"},
		{"\n[\n]", "auto", "0!not STIX 2, and not an event of MISP"},
		{"{\"Event\":{}}", "stix", "0!not a bundle or a list of objects of STIX 2"},
		{"{\"type\":\"bundle\"}", "misp", "0!not an event of MISP"},
		{"{\"type\":\"bundle\"", "auto", "0!not JSON: '}' expected near end of file (line 1, column 16)"},
		/* A line of our own, whatever words it holds. */
		{"{\"report_id\":\"1\",\"value\":\"a.example\",\"description\":\"\\\"bundle\\\"\"}", "auto",
		 "1||a.example|\"bundle\"|-1|||0"},
	};
	char reason[300];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(read_text(cases[i].text, ".json", cases[i].format, NULL, reason, sizeof reason), 0);
		assert_int_equal(got.n, cases[i].got != NULL);
		if (cases[i].got) assert_string_equal(got.text[0], cases[i].got);
	}
}

static void a_map_says_which_columns_count(void **state)
{
	(void)state;
	static const char text[] = "id;IoC;kind;score;value\n1;evil.example;domain;70;no\n2;198.51.100.7;;5;no\n";
	char reason[300];
	map = "value=ioc,type=kind,confidence=Score";
	assert_int_equal(read_text(text, ".txt", "auto", NULL, reason, sizeof reason), 0);
	assert_int_equal(got.n, 2);
	assert_string_equal(got.text[0], "2|domain|evil.example||70|||0");
	assert_string_equal(got.text[1], "3||198.51.100.7||5|||0");
	map = "value=nothere";
	assert_int_equal(read_text(text, ".csv", "csv", NULL, reason, sizeof reason), 0);
	assert_non_null(strstr(got.text[0], "1!the first row names no column that --map takes the value from"));
	map = NULL;
	static const char *const bad[] = {"value", "value=", "=x", "nothing=x", "value=a,,", "value=a,type"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(input_csv_map_ok(bad[i], reason, sizeof reason));
	assert_true(input_csv_map_ok("value=a b,tags=c", reason, sizeof reason));
}

static void what_cannot_be_read_is_said(void **state)
{
	(void)state;
	char reason[300];
	struct input_conf conf = {.path = "/nonexistent/x", .format = "auto"};
	assert_int_equal(input_read(&conf, &sink, reason, sizeof reason), INPUT_FAILED);
	conf.path = "/tmp";
	assert_int_equal(input_read(&conf, &sink, reason, sizeof reason), INPUT_FAILED);
	got.n = 0;
	static const char nul[] = "198.51.100.1\n198.51\0.100.2\n";
	assert_int_equal(read_bytes(nul, sizeof nul - 1, "", "plain", NULL, reason, sizeof reason), 0);
	assert_int_equal(got.n, 2);
	assert_string_equal(got.text[1], "2!the line holds a NUL byte");
}

static void a_line_without_end_is_refused_and_the_next_is_read(void **state)
{
	(void)state;
	char reason[300];
	size_t len = INPUT_LINE_MAX + 10;
	char *text = malloc(len + 20);
	assert_non_null(text);
	memset(text, 'a', len);
	memcpy(text + len, "\n198.51.100.1\n", 15);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(read_text(text, "", i ? "plain" : "jsonl", NULL, reason, sizeof reason), 0);
		assert_int_equal(got.n, 2);
		assert_string_equal(got.text[0], "1!the line is too long");
		assert_int_equal(got.text[1][0], '2');
	}
	free(text);
}

static void a_sink_can_stop_reading(void **state)
{
	(void)state;
	char reason[300];
	static const char *const texts[] = {"198.51.100.1\n198.51.100.2\n198.51.100.3\n",
					    "value,type\n198.51.100.1,ipv4\n198.51.100.2,ipv4\n198.51.100.3,ipv4\n"};
	for (size_t i = 0; i < 2; i++) {
		got.n = 0;
		got.stop_at = 2;
		assert_int_equal(read_bytes(texts[i], strlen(texts[i]), i ? ".csv" : "", "auto", NULL, reason, sizeof reason), 7);
		assert_int_equal(got.n, 2);
	}
}

static void other_names_of_types(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {{"hostname", "domain"},
					       {"HostName", "domain"},
					       {"ip", ""},
					       {"email_address", "email"},
					       {"SHA-256", "sha256"},
					       {"user_agent", "user-agent"},
					       {"IPv4", "ipv4"},
					       {"certificate fingerprint", "certificate-fingerprint"}};
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) assert_string_equal(input_type_alias(pairs[i][0]), pairs[i][1]);
	static const char unknown[] = "frobnicator";
	assert_ptr_equal(input_type_alias(unknown), unknown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_lists),
		cmocka_unit_test(csv_files),
		cmocka_unit_test(json_lines),
		cmocka_unit_test(documents_are_told_from_lines),
		cmocka_unit_test(a_map_says_which_columns_count),
		cmocka_unit_test(what_cannot_be_read_is_said),
		cmocka_unit_test(a_line_without_end_is_refused_and_the_next_is_read),
		cmocka_unit_test(a_sink_can_stop_reading),
		cmocka_unit_test(other_names_of_types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
