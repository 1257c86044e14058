/*
 * Warninglists in MISP's format, as one set: networks, words, and the few substrings one after another.
 *
 * What an entry is for is said by matching_attributes, MISP's names of types; they become our types of values. An entry is kept in the
 * canonical form of the first of these types that takes it, since that is the form in which values are asked about.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "hold/hold.h"

enum { ENTRY_MAX = 4096, SUBSTRINGS_MAX = 1000, ARENA_BYTES = 1 << 20, NET_BITS_MIN = 4, SUBSTRING_MIN = 3 };

struct substring {
	char *text;
	uint32_t types;
	int32_t of;
};

struct hold_lists {
	char **name;
	size_t names_n;
	struct hold_nets nets;
	struct hold_words words;
	struct substring *substring; /* in no order: they are few */
	size_t substrings_n;
	char *skipped;
	size_t skipped_lists, entries, skipped_entries;
};

#define T(NAME) (1u << WIRE_VALUE_##NAME)
#define ADDRESSES (T(IPV4) | T(IPV6) | T(CIDR))
static const struct {
	const char *attribute;
	uint32_t types;
} attributes[] = {
	{"AS", T(ASN)},
	{"btc", T(BITCOIN)},
	{"domain", T(DOMAIN)},
	{"domain|ip", T(DOMAIN) | ADDRESSES},
	{"dst-as", T(ASN)},
	{"email", T(EMAIL)},
	{"email-dst", T(EMAIL)},
	{"email-src", T(EMAIL)},
	{"filename", T(FILENAME)},
	{"filename|md5", T(MD5) | T(FILENAME)},
	{"filename|sha1", T(SHA1) | T(FILENAME)},
	{"filename|sha256", T(SHA256) | T(FILENAME)},
	{"filename|sha512", T(SHA512) | T(FILENAME)},
	{"hostname", T(DOMAIN)},
	{"hostname|port", T(DOMAIN)},
	{"ip-dst", ADDRESSES},
	{"ip-dst|port", ADDRESSES},
	{"ip-src", ADDRESSES},
	{"ip-src|port", ADDRESSES},
	{"ja3-fingerprint-md5", T(JA3)},
	{"link", T(URL)},
	{"md5", T(MD5)},
	{"mutex", T(MUTEX)},
	{"regkey", T(REGISTRY_KEY)},
	{"sha1", T(SHA1)},
	{"sha256", T(SHA256)},
	{"sha512", T(SHA512)},
	{"src-as", T(ASN)},
	{"uri", T(URL)},
	{"url", T(URL)},
	{"user-agent", T(USER_AGENT)},
	{"vulnerability", T(CVE)},
	{"x509-fingerprint-md5", T(CERT_FP)},
	{"x509-fingerprint-sha1", T(CERT_FP)},
	{"x509-fingerprint-sha256", T(CERT_FP)},
};

enum isac_err hold_lists_new(struct hold_lists **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? ISAC_OK : ISAC_ERR_NO_MEMORY;
}

void hold_lists_free(void *arg)
{
	struct hold_lists *lists = arg;

	if (!lists) return;
	for (size_t i = 0; i < lists->names_n; i++) free(lists->name[i]);
	for (size_t i = 0; i < lists->substrings_n; i++) free(lists->substring[i].text);
	free(lists->name);
	free(lists->substring);
	free(lists->skipped);
	hold_nets_clear(&lists->nets);
	hold_words_clear(&lists->words);
	free(lists);
}

/* ---- one entry ------------------------------------------------------------------------------ */
struct adding {
	struct hold_lists *lists;
	struct wire_arena arena;
	uint32_t types;
	int32_t of;
};

/* Bits behind the length do not matter: a list may name what no indicator may, such as a special-use network. */
static enum isac_err add_cidr(struct adding *a, const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	const size_t addr_len = slash ? (size_t)(slash - text) : len;
	struct member_space space;
	unsigned bits = 0;
	char addr[64];

	if (addr_len >= sizeof(addr)) return ISAC_ERR_BAD_VALUE;
	memcpy(addr, text, addr_len);
	addr[addr_len] = 0;
	if (member_space_parse(&space, MEMBER_SPACE_NET, addr, false, NULL)) return ISAC_ERR_BAD_VALUE;
	if (!slash) return hold_nets_add(&a->lists->nets, space.net.addr, space.net.family, space.net.prefix, a->of);
	for (const char *digit = slash + 1; *digit; digit++) {
		if (*digit < '0' || *digit > '9' || bits > space.net.prefix) return ISAC_ERR_BAD_VALUE;
		bits = bits * 10 + (unsigned)(*digit - '0');
	}
	/* An eighth of all addresses, or "/": that would hold back everything. */
	if (bits < NET_BITS_MIN || bits > space.net.prefix) return ISAC_ERR_BAD_VALUE;
	return hold_nets_add(&a->lists->nets, space.net.addr, space.net.family, (uint8_t)bits, a->of);
}

/* A name as it stands, in lower case: a public suffix, which no value may be, may still have names below it. */
static enum isac_err add_hostname(struct adding *a, const char *text, size_t len)
{
	char name[254];
	bool dotted = false;

	while (len && *text == '.') text++, len--;
	while (len && text[len - 1] == '.') len--;
	if (!len || len >= sizeof(name)) return ISAC_ERR_BAD_VALUE;
	for (size_t i = 0; i < len; i++) {
		name[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
		dotted |= text[i] == '.';
	}
	/* One label is a whole top-level domain: that would hold back half the world. */
	if (!dotted) return ISAC_ERR_BAD_VALUE;
	return hold_words_add(&a->lists->words, name, len, a->types, true, a->of);
}

static enum isac_err add_string(struct adding *a, const char *text, size_t len)
{
	/* ".google.ad" stands in lists of names. */
	if (a->types >> WIRE_VALUE_DOMAIN & 1 && *text == '.') text++, len--;
	if (!len) return ISAC_ERR_BAD_VALUE;
	for (uint32_t type = 1; type < WIRE_VALUE_END; type++) {
		struct wire_value value;

		if (!(a->types >> type & 1) || wire_value_canon(&value, type, text, len, &a->arena, NULL)) continue;
		if (value.family && value.type != WIRE_VALUE_URL)
			return hold_nets_add(&a->lists->nets, value.addr, value.family, value.prefix, a->of);
		return hold_words_add(&a->lists->words, value.text, value.len, a->types, false, a->of);
	}
	return ISAC_ERR_BAD_VALUE;
}

static enum isac_err add_substring(struct adding *a, const char *text, size_t len)
{
	struct hold_lists *lists = a->lists;
	struct substring *more;

	/* Each is looked for in every value. */
	if (len < SUBSTRING_MIN || lists->substrings_n == SUBSTRINGS_MAX) return ISAC_ERR_BAD_VALUE;
	more = realloc(lists->substring, (lists->substrings_n + 1) * sizeof(*more));
	if (!more) return ISAC_ERR_NO_MEMORY;
	lists->substring = more;
	more[lists->substrings_n] = (struct substring){.text = strdup(text), .types = a->types, .of = a->of};
	if (!more[lists->substrings_n].text) return ISAC_ERR_NO_MEMORY;
	lists->substrings_n++;
	return ISAC_OK;
}

static const struct {
	const char *type;
	enum isac_err (*add)(struct adding *a, const char *text, size_t len);
} kinds[] = {{"cidr", add_cidr}, {"hostname", add_hostname}, {"string", add_string}, {"substring", add_substring}, {"regex", NULL}};

static enum isac_err add_entries(struct hold_lists *lists, const json_t *array, size_t kind, uint32_t types, struct wire_why *why)
{
	struct adding a = {.lists = lists, .types = types, .of = (int32_t)lists->names_n - 1};
	const json_t *entry;
	size_t i;

	wire_arena_init(&a.arena, ARENA_BYTES);
	json_array_foreach(array, i, entry)
	{
		const size_t len = json_string_length(entry);
		enum isac_err err;

		if (!json_is_string(entry)) {
			wire_arena_clear(&a.arena);
			return wire_refuse(why, ISAC_ERR_BAD_VALUE, "entry %zu of \"list\" is no string", i + 1);
		}
		err = len && len <= ENTRY_MAX ? kinds[kind].add(&a, json_string_value(entry), len) : ISAC_ERR_BAD_VALUE;
		wire_arena_reset(&a.arena);
		if (err == ISAC_ERR_NO_MEMORY) {
			wire_arena_clear(&a.arena);
			return wire_refuse(why, err, "out of memory");
		}
		if (err) lists->skipped_entries++;
		else lists->entries++;
	}
	wire_arena_clear(&a.arena);
	return ISAC_OK;
}

/* ---- one list --------------------------------------------------------------------------------- */
/* The types of value that it is for; without matching_attributes those of every type. */
static uint32_t types_of(const json_t *root)
{
	const json_t *array = json_object_get(root, "matching_attributes"), *entry;
	uint32_t types = 0;
	size_t i;

	if (!json_array_size(array)) return UINT32_MAX;
	json_array_foreach(array, i, entry)
	{
		const char *name = json_string_value(entry);

		for (size_t k = 0; name && k < sizeof(attributes) / sizeof(*attributes); k++)
			if (strcmp(attributes[k].attribute, name) == 0) types |= attributes[k].types;
	}
	return types;
}

static enum isac_err skip(struct hold_lists *lists, const char *name)
{
	const size_t had = lists->skipped ? strlen(lists->skipped) : 0, more = strlen(name);
	char *text = realloc(lists->skipped, had + more + 3);

	if (!text) return ISAC_ERR_NO_MEMORY;
	lists->skipped = text;
	snprintf(text + had, more + 3, "%s%s", had ? ", " : "", name);
	lists->skipped_lists++;
	return ISAC_OK;
}

static enum isac_err add_name(struct hold_lists *lists, const char *name)
{
	char **more = realloc(lists->name, (lists->names_n + 1) * sizeof(*more));

	if (!more) return ISAC_ERR_NO_MEMORY;
	lists->name = more;
	more[lists->names_n] = strdup(name);
	if (!more[lists->names_n]) return ISAC_ERR_NO_MEMORY;
	lists->names_n++;
	return ISAC_OK;
}

static enum isac_err add_list(struct hold_lists *lists, const json_t *root, struct wire_why *why)
{
	const char *name = json_string_value(json_object_get(root, "name")), *type = json_string_value(json_object_get(root, "type"));
	const json_t *array = json_object_get(root, "list");
	const uint32_t types = types_of(root);
	size_t kind = 0;
	enum isac_err err;

	if (!name || !*name || strlen(name) > WIRE_LIMIT_TEXT_BYTES || !wire_text_ok(name, strlen(name)))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "no good \"name\"");
	if (!json_is_array(array)) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "no \"list\"");
	while (type && kind < sizeof(kinds) / sizeof(*kinds) && strcmp(kinds[kind].type, type) != 0) kind++;
	if (!type || kind == sizeof(kinds) / sizeof(*kinds))
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "\"type\" is none of string, hostname, substring, cidr, regex");
	if (!kinds[kind].add || !types) err = skip(lists, name);
	else err = add_name(lists, name);
	if (err) return wire_refuse(why, err, "out of memory");
	return kinds[kind].add && types ? add_entries(lists, array, kind, types, why) : ISAC_OK;
}

enum isac_err hold_lists_add(struct hold_lists *lists, const char *json, size_t len, struct wire_why *why)
{
	json_error_t error;
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
	enum isac_err err;

	if (!root) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "line %d: %.100s", error.line, error.text);
	err = add_list(lists, root, why);
	json_decref(root);
	return err;
}

enum isac_err hold_lists_freeze(struct hold_lists *lists)
{
	return hold_nets_freeze(&lists->nets);
}

void hold_lists_count(const struct hold_lists *lists, struct hold_counts *out)
{
	*out = (struct hold_counts){.lists = lists->names_n,
				    .entries = lists->entries,
				    .skipped_lists = lists->skipped_lists,
				    .skipped_entries = lists->skipped_entries,
				    .skipped = lists->skipped ? lists->skipped : ""};
}

/* ---- asking --------------------------------------------------------------------------------------- */
static int32_t find_net(const struct hold_lists *lists, const struct wire_value *v)
{
	size_t at = 0;
	const struct hold_net *net = hold_nets_next(&lists->nets, v->addr, v->family, v->prefix, &at);

	return net ? net->of : -1;
}

/* www.example.com is what example.com is to people. */
static int32_t find_name(const struct hold_lists *lists, const char *name, uint32_t type)
{
	const char *bare = strncmp(name, "www.", 4) == 0 ? name + 4 : name;

	for (const char *at = name; at; at = strchr(at, '.')) {
		const struct hold_word *word;

		at += at != name;
		word = hold_words_find(&lists->words, at, strlen(at));
		if (word && word->types >> type & 1 && (at == name || at == bare || word->below)) return word->of;
	}
	return -1;
}

/* http://host/ and no more: that is the host, and whoever blocks it blocks all of it. */
static bool is_whole_site(const struct wire_value *v)
{
	const char *host = strstr(v->text, "://"), *path = host ? strpbrk(host + 3, "/?#") : NULL;

	return host && (!path || strcmp(path, "/") == 0);
}

const char *hold_lists_find(const struct hold_lists *lists, const struct wire_value *v)
{
	const bool site = v->type == WIRE_VALUE_URL && is_whole_site(v);
	const struct hold_word *word;
	int32_t of = -1;

	if (v->family && (v->type != WIRE_VALUE_URL || site)) of = find_net(lists, v);
	else if (v->type == WIRE_VALUE_DOMAIN || (site && v->host)) of = find_name(lists, v->host, v->type);
	if (of < 0 && v->type != WIRE_VALUE_DOMAIN) {
		word = hold_words_find(&lists->words, v->text, v->len);
		if (word && word->types >> v->type & 1) of = word->of;
	}
	for (size_t i = 0; of < 0 && i < lists->substrings_n; i++)
		if (lists->substring[i].types >> v->type & 1 && strstr(v->text, lists->substring[i].text)) of = lists->substring[i].of;
	return of < 0 ? NULL : lists->name[of];
}
