/*
 * auth: what a caller presents. Nothing is decided here but whether it looks like a token: the hub says whose it is and whether it is good.
 * Basic has the member's name as user and the token as password; Bearer and Token have the token alone.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "gateway/priv.h"

static void deny(struct gateway_call *call)
{
	gateway_reply_error(call, 401,
			    "no token, or one that is not valid: Authorization: Bearer TOKEN, or Basic with member name and token");
	call->answer.challenge = true;
}

static bool take_basic(const char *text, char *token, char *member)
{
	char plain[ISAC_NAME_BYTES + ISAC_TOKEN_TEXT + 2];
	size_t n = 0;
	bool good = sodium_base642bin((uint8_t *)plain, sizeof plain - 1, text, strlen(text), NULL, &n, NULL,
				      sodium_base64_VARIANT_ORIGINAL) == 0;
	plain[n] = 0;
	char *colon = good ? memchr(plain, ':', n) : NULL;
	good = colon && strlen(plain) == n && (size_t)(colon - plain) <= ISAC_NAME_BYTES && strlen(colon + 1) < ISAC_TOKEN_TEXT;
	if (good) {
		*colon = 0;
		snprintf(member, ISAC_NAME_BYTES + 1, "%.*s", ISAC_NAME_BYTES, plain);
		snprintf(token, ISAC_TOKEN_TEXT, "%.*s", ISAC_TOKEN_TEXT - 1, colon + 1);
	}
	explicit_bzero(plain, sizeof plain);
	return good;
}

bool gateway_auth_token(struct gateway_call *call, char token[ISAC_TOKEN_TEXT], char member[ISAC_NAME_BYTES + 1])
{
	const char *text =
		call->match.route->login == GATEWAY_PATH_TOKEN ? call->match.word[0] : gateway_call_header(call, "Authorization");
	bool good = false;
	*token = *member = 0;
	if (text && call->match.route->login == GATEWAY_TOKEN) {
		const char *blank = strchr(text, ' ');
		size_t scheme = blank ? (size_t)(blank - text) : 0;
		while (blank && *blank == ' ') blank++;
		if (scheme == 5 && strncasecmp(text, "Basic", 5) == 0) good = take_basic(blank, token, member);
		else if ((scheme == 6 && strncasecmp(text, "Bearer", 6) == 0) || (scheme == 5 && strncasecmp(text, "Token", 5) == 0))
			text = blank;
		else text = NULL;
	}
	if (text && !good && strlen(text) < ISAC_TOKEN_TEXT) good = snprintf(token, ISAC_TOKEN_TEXT, "%s", text) > 0;
	if (!good) deny(call);
	return good;
}

bool gateway_auth_begin(struct gateway_call *call)
{
	char token[ISAC_TOKEN_TEXT], member[ISAC_NAME_BYTES + 1];
	struct isac_error err;
	if (!gateway_auth_token(call, token, member)) return false;
	enum isac_result r = isac_as(call->worker->isac, token, *member ? member : NULL, &err);
	explicit_bzero(token, sizeof token);
	if (r && err.code == 401) deny(call);
	else if (r) gateway_reply_failure(call, r, &err);
	return !r;
}

void gateway_auth_end(struct gateway_call *call)
{
	isac_as(call->worker->isac, NULL, NULL, NULL);
	explicit_bzero(call->match.word, sizeof call->match.word); /* one may be a token */
}

/* ---- who fails again and again ---- */
/*
 * A bucket an address, by a keyed hash: two of one place share one, which makes the limit stricter, never laxer. 64 KiB, whoever comes.
 */
enum { BUCKETS = 4096 };
struct bucket {
	int64_t full_ms; /* when all its failures are forgotten */
};
struct gateway_failures {
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct bucket bucket[BUCKETS];
};

struct gateway_failures *gateway_failures_new(void)
{
	struct gateway_failures *f = calloc(1, sizeof *f);
	if (f) randombytes_buf(f->key, sizeof f->key);
	return f;
}

void gateway_failures_free(struct gateway_failures *f)
{
	free(f);
}

static size_t place(const struct gateway_failures *f, const char *from)
{
	uint8_t out[crypto_shorthash_BYTES];
	uint64_t at;
	crypto_shorthash(out, (const uint8_t *)from, strlen(from), f->key);
	memcpy(&at, out, sizeof at);
	return (size_t)(at % BUCKETS);
}

void gateway_failures_note(struct gateway_failures *f, const char *from, int64_t now_ms)
{
	struct bucket *b = &f->bucket[place(f, from)];
	if (b->full_ms < now_ms) b->full_ms = now_ms;
	b->full_ms += GATEWAY_FAILURE_MS;
}

unsigned gateway_failures_wait_s(const struct gateway_failures *f, const char *from, int64_t now_ms)
{
	int64_t over = f->bucket[place(f, from)].full_ms - now_ms - (int64_t)GATEWAY_FAILURES * GATEWAY_FAILURE_MS;
	return over > 0 ? (unsigned)(over / 1000 + 1) : 0;
}
