/*
 * The type of a value that nobody declared, for plain lists: by shape, without policy, so that 10.0.0.1 is guessed an ipv4 and then
 * refused with the right reason. The shapes exclude each other, except domains and file names: a name counts as a domain only if
 * its last label is a top-level domain in libpsl's list. A bare number is nothing; an AS number needs its prefix.
 */
#include <string.h>
#include "wire/value_priv.h"

typedef bool shape_fn(const char *s, size_t len, struct wire_arena *arena);

static bool is_v4(const char *s, size_t len, struct wire_arena *arena)
{
	uint8_t a[4];

	(void)arena;
	return wire_value_address_parse_v4(a, s, len);
}

static bool is_v6(const char *s, size_t len, struct wire_arena *arena)
{
	uint8_t a[16];

	(void)arena;
	return wire_value_address_parse_v6(a, s, len);
}

static bool is_cidr(const char *s, size_t len, struct wire_arena *arena)
{
	const char *slash = memchr(s, '/', len);
	const size_t at = slash ? (size_t)(slash - s) : 0;

	if (!slash || len - at < 2 || len - at > 4) return false;
	for (size_t i = at + 1; i < len; i++)
		if (!value_is_digit(s[i])) return false;
	return is_v4(s, at, arena) || is_v6(s, at, arena);
}

static bool is_url(const char *s, size_t len, struct wire_arena *arena)
{
	size_t at = 0;

	(void)arena;
	while (at < len && value_is_alpha(s[at])) at++;
	return at > 0 && len - at > 3 && memcmp(s + at, "://", 3) == 0;
}

static bool is_domain(const char *s, size_t len, struct wire_arena *arena)
{
	const struct value_in in = {.raw = s, .len = len, .type = WIRE_VALUE_DOMAIN, .arena = arena};
	static const char *const reserved[] = {"example", "test", "invalid", "onion"}; /* RFC 2606, RFC 7686: in no list, yet names */
	const char *top;
	char *name;

	if (!memchr(s, '.', len) && !memmem(s, len, "\xe3\x80\x82", 3)) return false; /* U+3002, the other full stop */
	if (wire_value_domain_name(&name, &len, &in) != ISAC_OK) return false;
	top = strrchr(name, '.') + 1;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (!strcmp(top, reserved[i])) return true;
	/* Some countries' own label is no rule of the list (za), only what they sell below it is (co.za). */
	for (const char *suffix = strchr(name, '.'); suffix; suffix = strchr(suffix + 1, '.'))
		if (psl_is_public_suffix2(wire_value_psl(), suffix + 1, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE)) return true;
	return false;
}

static bool is_email(const char *s, size_t len, struct wire_arena *arena)
{
	const char *at = memchr(s, '@', len);

	return at && at > s && is_domain(at + 1, len - (size_t)(at + 1 - s), arena);
}

static bool is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!value_is_digit(s[i]) && !(value_lower(s[i]) >= 'a' && value_lower(s[i]) <= 'f')) return false;
	return true;
}

static bool is_md5(const char *s, size_t len, struct wire_arena *arena)
{
	return (void)arena, len == 32 && is_hex(s, len);
}
static bool is_sha1(const char *s, size_t len, struct wire_arena *arena)
{
	return (void)arena, len == 40 && is_hex(s, len);
}
static bool is_sha256(const char *s, size_t len, struct wire_arena *arena)
{
	return (void)arena, len == 64 && is_hex(s, len);
}
static bool is_sha512(const char *s, size_t len, struct wire_arena *arena)
{
	return (void)arena, len == 128 && is_hex(s, len);
}

static bool is_cve(const char *s, size_t len, struct wire_arena *arena)
{
	(void)arena;
	return len > 4 && value_lower(s[0]) == 'c' && value_lower(s[1]) == 'v' && value_lower(s[2]) == 'e' && s[3] == '-' &&
	       value_is_digit(s[4]);
}

static bool is_asn(const char *s, size_t len, struct wire_arena *arena)
{
	(void)arena;
	if (len < 3 || len > 12 || value_lower(s[0]) != 'a' || value_lower(s[1]) != 's') return false;
	for (size_t i = 2; i < len; i++)
		if (!value_is_digit(s[i])) return false;
	return true;
}

static bool is_bitcoin(const char *s, size_t len, struct wire_arena *arena)
{
	char canon[VALUE_BITCOIN_MAX + 1];

	(void)arena;
	return !wire_value_bitcoin_parse(canon, s, len);
}

static const struct {
	uint32_t type;
	shape_fn *is;
} shapes[] = {
	{WIRE_VALUE_IPV4, is_v4},	{WIRE_VALUE_IPV6, is_v6},   {WIRE_VALUE_CIDR, is_cidr},	      {WIRE_VALUE_URL, is_url},
	{WIRE_VALUE_MD5, is_md5},	{WIRE_VALUE_SHA1, is_sha1}, {WIRE_VALUE_SHA256, is_sha256},   {WIRE_VALUE_SHA512, is_sha512},
	{WIRE_VALUE_CVE, is_cve},	{WIRE_VALUE_ASN, is_asn},   {WIRE_VALUE_BITCOIN, is_bitcoin}, {WIRE_VALUE_EMAIL, is_email},
	{WIRE_VALUE_DOMAIN, is_domain},
};

uint32_t wire_value_guess(const char *raw, size_t len, struct wire_arena *arena)
{
	if (len == 0 || len > WIRE_LIMIT_URL_BYTES) return 0;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (shapes[i].is(raw, len, arena)) return shapes[i].type;
	return 0;
}
