/* A head is one request, and can be read in one way only, or it goes no further. Cases of whole attacks:
 * tests/story/test_gateway_attack.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "gateway/priv.h"

#define HOST "Host: hub.example:7443\r\n"

static enum gateway_fault judge(const char *data, size_t len, uint64_t *body)
{
	enum gateway_fault fault;
	size_t end = gateway_head_end(data, len, &fault);
	if (fault) return fault;
	assert_int_equal(end, len);
	return gateway_head_check(data, len, body);
}

static void what_clients_send_passes(void **state)
{
	static const struct {
		const char *text;
		uint64_t body;
	} good[] = {
		{"GET / HTTP/1.1\r\n" HOST "\r\n", 0},
		{"GET / HTTP/1.0\r\n\r\n", 0},
		{"GET /a?match%5Btype%5D=indicator&match[id]=x HTTP/1.1\r\n" HOST "Accept:\t*/*  \r\nX-Empty:\r\n\r\n", 0},
		{"POST /lookup HTTP/1.1\r\nHost: [::1]:7443\r\ncontent-length: 1048576 \r\n\r\n", 1048576},
		{"DELETE /x HTTP/1.1\r\nhOST: a\r\nX: caf\xc3\xa9\r\n\r\n", 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		uint64_t body = 77;
		assert_int_equal(judge(good[i].text, strlen(good[i].text), &body), GATEWAY_OK);
		assert_int_equal(body, good[i].body);
	}
}

/* However many bytes came first, the verdict is the same, and no byte past the head is looked at. */
static void the_pieces_do_not_matter(void **state)
{
	static const char text[] = "POST /lookup HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n\n\n\n";
	size_t whole = sizeof text - 1 - 3;
	enum gateway_fault fault;
	(void)state;
	for (size_t n = 0; n < whole; n++) {
		char *copy = malloc(n + 1); /* so that reading on is found */
		memcpy(copy, text, n);
		assert_int_equal(gateway_head_end(copy, n, &fault), 0);
		assert_int_equal(fault, GATEWAY_OK);
		free(copy);
	}
	for (size_t n = whole; n < sizeof text; n++) assert_int_equal(gateway_head_end(text, n, &fault), whole);
}

static void every_byte_that_is_no_text_is_refused(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		char text[] = "GET /ab HTTP/1.1\r\n" HOST "Name: value\r\n\r\n";
		uint64_t body;
		bool in_value = (c >= 0x20 && c != 0x7f) || c == '\t';
		strchr(text, 'v')[1] = (char)c;
		assert_int_equal(judge(text, sizeof text - 1, &body) == GATEWAY_OK, in_value);
		strchr(text, 'v')[1] = 'a';
		text[6] = (char)c;
		bool in_path = c < 0x80 && c >= 0x21 && c != 0x7f && !strchr("\"#<>\\^`{|}%", (int)c);
		assert_int_equal(judge(text, sizeof text - 1, &body) == GATEWAY_OK, in_path);
	}
}

/* RFC 9112: what begins a line begins a name; what follows a name is a colon. */
static void smuggling_has_its_faults(void **state)
{
	static const struct {
		const char *lines;
		enum gateway_fault fault;
	} bad[] = {
		{"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", GATEWAY_FAULT_BOTH},
		{"Transfer-Encoding: identity\r\nContent-Length: 1\r\n", GATEWAY_FAULT_BOTH},
		{"Transfer-Encoding: chunked\r\n", GATEWAY_FAULT_CHUNKED},
		{"Content-Length: 1\r\nContent-Length: 1\r\n", GATEWAY_FAULT_LENGTH},
		{"Content-Length: 1, 1\r\n", GATEWAY_FAULT_LENGTH},
		{"Content-Length: -1\r\n", GATEWAY_FAULT_LENGTH},
		{"Content-Length: 1048577\r\n", GATEWAY_FAULT_BODY_LONG},
		{"Content-Length : 1\r\n", GATEWAY_FAULT_FIELD},
		{" Content-Length: 1\r\n", GATEWAY_FAULT_FIELD},
		{": 1\r\n", GATEWAY_FAULT_FIELD},
		{"Host: other\r\n", GATEWAY_FAULT_HOST},
		{"Authorization: a\r\nauthorization: b\r\n", GATEWAY_FAULT_TWICE},
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char text[300];
		uint64_t body;
		int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" HOST "%s\r\n", bad[i].lines);
		assert_int_equal(judge(text, (size_t)n, &body), bad[i].fault);
	}
}

static void routes_are_found_by_their_words(void **state)
{
	struct gateway_match m;
	(void)state;
	gateway_route_find(&m, GATEWAY_PUBLIC, "HEAD", "/feeds/a%2Etxt");
	assert_non_null(m.route);
	assert_string_equal(m.word[0], "a.txt");
	gateway_route_find(&m, GATEWAY_PUBLIC, "GET", "/t/secret/feeds/c2/suricata/isac.rules");
	assert_string_equal(m.word[0], "secret");
	assert_string_equal(m.word[1], "c2");
	assert_string_equal(m.word[2], "isac.rules");
	for (const char *const *p = (const char *const[]){"/feeds/", "/feeds/a%2fb.txt", "/feeds/a.txt/", "/feeds//suricata/x", "//lookup",
							  "/lookup/", "/feeds/%0a.txt", "/healthz", NULL};
	     *p; p++) {
		gateway_route_find(&m, GATEWAY_PUBLIC, "GET", *p);
		assert_null(m.route);
	}
	gateway_route_find(&m, GATEWAY_PUBLIC, "DELETE", "/lookup");
	assert_null(m.route);
	assert_true(m.path_known);
	assert_string_equal(m.allow, "GET, HEAD, POST");
}

static void who_fails_waits_and_is_forgiven(void **state)
{
	struct gateway_failures *f = gateway_failures_new();
	int64_t now = 1000000;
	(void)state;
	for (int i = 0; i < GATEWAY_FAILURES; i++) {
		assert_int_equal(gateway_failures_wait_s(f, "198.51.100.7", now), 0);
		gateway_failures_note(f, "198.51.100.7", now);
	}
	gateway_failures_note(f, "198.51.100.7", now);
	unsigned wait_s = gateway_failures_wait_s(f, "198.51.100.7", now);
	assert_in_range(wait_s, 1, GATEWAY_FAILURE_MS / 1000 + 1);
	assert_int_equal(gateway_failures_wait_s(f, "198.51.100.7", now + wait_s * 1000), 0);
	gateway_failures_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_clients_send_passes),
		cmocka_unit_test(the_pieces_do_not_matter),
		cmocka_unit_test(every_byte_that_is_no_text_is_refused),
		cmocka_unit_test(smuggling_has_its_faults),
		cmocka_unit_test(routes_are_found_by_their_words),
		cmocka_unit_test(who_fails_waits_and_is_forgiven),
	};
	wire_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
