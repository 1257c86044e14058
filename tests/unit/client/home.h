/* A member's home in a folder of its own, for the tests of the client: keys of a hub that does not exist. */
#ifndef TEST_CLIENT_HOME_H
#define TEST_CLIENT_HOME_H

#include <ftw.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "isac.h"
#include "wire/wire.h"

struct test_key {
	uint8_t public_key[32], secret[64], id[WIRE_KEY_ID];
};

struct test_home {
	char dir[64], home[96], bundle[96];
	struct wire_hub hub;
	uint8_t curve_secret[32];
	struct test_key receipt, admin;
};

static inline void test_key_make(struct test_key *k)
{
	crypto_sign_keypair(k->public_key, k->secret);
	wire_sign_key_id(k->id, k->public_key);
}

static inline void test_write(const char *path, const void *data, size_t len)
{
	FILE *out = fopen(path, "we");
	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

static inline void test_home_bundle(struct test_home *h, int port)
{
	struct wire_buf text;
	snprintf(h->hub.address, sizeof h->hub.address, "tcp://127.0.0.1:%d", port);
	wire_buf_init(&text, 4096);
	assert_int_equal(wire_hub_format(&text, &h->hub), ISAC_OK);
	test_write(h->bundle, text.data, text.len);
	wire_buf_clear(&text);
}

/* Everything but the member's keys. */
static inline void test_home_begin(struct test_home *h)
{
	memset(h, 0, sizeof *h);
	assert_true(sodium_init() >= 0);
	assert_int_equal(wire_init(), ISAC_OK);
	snprintf(h->dir, sizeof h->dir, "/tmp/isac-client-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	snprintf(h->home, sizeof h->home, "%s/home", h->dir);
	snprintf(h->bundle, sizeof h->bundle, "%s/hub.pub", h->dir);
	test_key_make(&h->receipt);
	test_key_make(&h->admin);
	randombytes_buf(h->curve_secret, 32);
	crypto_scalarmult_base(h->hub.curve, h->curve_secret);
	memcpy(h->hub.receipt, h->receipt.public_key, 32);
	memcpy(h->hub.admin, h->admin.public_key, 32);
	wire_sign_hub_id(h->hub.hub_id, h->hub.receipt);
	test_home_bundle(h, 7400);
}

static inline void test_home_keygen(struct test_home *h)
{
	char key_id[17];
	struct isac_error err;
	struct isac_keygen conf = {.home = h->home, .hub_bundle_path = h->bundle, .name = "bob"};
	assert_int_equal(isac_keygen(&conf, key_id, &err), ISAC_DONE);
}

static inline struct isac *test_home_open(struct test_home *h, int timeout_ms)
{
	struct isac *isac = NULL;
	struct isac_error err = {.text = ""};
	if (isac_open(&isac, h->home, NULL, timeout_ms, &err)) fail_msg("%s", err.text);
	return isac;
}

static inline int test_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void test_home_end(struct test_home *h)
{
	nftw(h->dir, test_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
