/*
 * suricata: rules that look values up in lists, so that the rules stay few and their numbers the same for ever: a rule's number is
 * conf->sid and its row's. Datasets of type string are base64, so no value can be anything else. Lists match whole names: what
 * lies below a listed domain is not found. A URL as such has no list: one buffer cannot hold it.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "format/priv.h"

enum {
	NETS = 1u << WIRE_VALUE_IPV4 | 1u << WIRE_VALUE_IPV6 | 1u << WIRE_VALUE_CIDR,
	LISTS = 1u << WIRE_VALUE_DOMAIN | 1u << WIRE_VALUE_USER_AGENT | 1u << WIRE_VALUE_JA3 | 1u << WIRE_VALUE_MD5 |
		1u << WIRE_VALUE_SHA1 | 1u << WIRE_VALUE_SHA256,
	SID = 1900001,
	IPREP_SID = 50, /* room for more lists before the rules on addresses */
	CATEGORY = 1,
	SCORE_UNKNOWN = 50,
	BYTES_AN_ENTRY = 256, /* generous: a name, its hash bucket, its block */
	MEMCAP_MIN_MB = 64,
};

/* Row = rule; its number is conf->sid + its place, so rows are added at the end only. */
static const struct {
	uint32_t type;
	const char *proto, *words, *buffer, *set; /* buffer NULL: a keyword of files */
} rules[] = {
	{WIRE_VALUE_DOMAIN, "dns", "listed domain asked for", "dns.query; to_lowercase", "domains"},
	{WIRE_VALUE_DOMAIN, "tls", "listed domain in TLS SNI", "tls.sni; to_lowercase", "domains"},
	{WIRE_VALUE_DOMAIN, "http", "listed domain in HTTP host", "http.host", "domains"},
	{WIRE_VALUE_USER_AGENT, "http", "listed user agent", "http.user_agent", "user-agents"},
	{WIRE_VALUE_JA3, "tls", "listed JA3 fingerprint", "ja3.hash", "ja3"},
	{WIRE_VALUE_MD5, "http", "listed file (MD5) over HTTP", NULL, "md5"},
	{WIRE_VALUE_SHA1, "http", "listed file (SHA-1) over HTTP", NULL, "sha1"},
	{WIRE_VALUE_SHA256, "http", "listed file (SHA-256) over HTTP", NULL, "sha256"},
	{WIRE_VALUE_MD5, "smtp", "listed file (MD5) over SMTP", NULL, "md5"},
	{WIRE_VALUE_SHA1, "smtp", "listed file (SHA-1) over SMTP", NULL, "sha1"},
	{WIRE_VALUE_SHA256, "smtp", "listed file (SHA-256) over SMTP", NULL, "sha256"},
};

/* The values of a list: for domains also hosts of URLs, if conf says so. */
static void make_list(struct format_lines *out, const struct format_view *view, const struct format_conf *conf, uint32_t type)
{
	if (type == WIRE_VALUE_DOMAIN) {
		format_names_make(out, view, conf);
		return;
	}
	for (size_t i = 0; i < view->n; i++)
		if (view->entry[i].type == type) format_lines_add(out, &view->entry[i], "%s", view->entry[i].value);
	format_lines_sort(out);
}

static void write_base64(FILE *out, const char *text)
{
	size_t len = strlen(text), size = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
	char code[sodium_base64_ENCODED_LEN(WIRE_LIMIT_URL_BYTES, sodium_base64_VARIANT_ORIGINAL)];
	if (size > sizeof code) return;
	sodium_bin2base64(code, size, (const unsigned char *)text, len, sodium_base64_VARIANT_ORIGINAL);
	fprintf(out, "%s\n", code);
}

static bool write_list(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally, uint32_t type,
		       bool base64)
{
	struct format_lines list = {.line = NULL};
	*tally = (struct format_tally){.written = 0};
	make_list(&list, view, conf, type);
	for (size_t i = 0; i < list.n; i++) {
		if (base64) write_base64(out, list.line[i].text);
		else fprintf(out, "%s\n", list.line[i].text);
	}
	tally->written = list.n;
	bool good = !list.failed;
	format_lines_clear(&list);
	return good;
}

bool format_suricata_domains(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	return write_list(out, view, conf, tally, WIRE_VALUE_DOMAIN, true);
}

bool format_suricata_user_agents(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	return write_list(out, view, conf, tally, WIRE_VALUE_USER_AGENT, true);
}

bool format_suricata_ja3(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	return write_list(out, view, conf, tally, WIRE_VALUE_JA3, true);
}

bool format_suricata_md5(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	return write_list(out, view, conf, tally, WIRE_VALUE_MD5, false);
}

bool format_suricata_sha1(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	return write_list(out, view, conf, tally, WIRE_VALUE_SHA1, false);
}

bool format_suricata_sha256(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	return write_list(out, view, conf, tally, WIRE_VALUE_SHA256, false);
}

bool format_suricata_categories(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	(void)view, (void)conf;
	*tally = (struct format_tally){.written = 0};
	fprintf(out, "%d,ISAC,Reported to the ISAC; the score is the confidence\n", CATEGORY);
	return true;
}

bool format_suricata_iprep(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	*tally = (struct format_tally){.written = 0};
	for (int family = 4; family <= 6; family += 2) {
		struct format_nets nets;
		char text[64];
		if (!format_nets_make(&nets, view, conf, family, FORMAT_KEEP_ALL)) return false;
		for (size_t i = 0; i < nets.n; i++) {
			int score = nets.net[i]->confidence;
			format_nets_text(text, nets.net[i], false);
			/* 0 means "not listed": a confidence of 0 is still a listing. */
			fprintf(out, "%s,%d,%d\n", text, CATEGORY, score < 0 ? SCORE_UNKNOWN : score ? score : 1);
		}
		tally->written += nets.n;
		format_nets_clear(&nets);
	}
	return true;
}

static uint32_t first_sid(const struct format_conf *conf)
{
	return conf->sid ? conf->sid : SID;
}

bool format_suricata_iprep_rules(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	static const char *const sides[] = {"dst", "src"};
	*tally = (struct format_tally){.written = 0};
	format_head_write(out, "#", view, conf);
	for (unsigned i = 0; i < 2; i++)
		fprintf(out,
			"alert ip any any -> any any (msg:\"ISAC %s\"; iprep:%s,ISAC,>,0; threshold:type limit, track by_%s, count 1, "
			"seconds 3600; "
			"sid:%" PRIu32 "; rev:%" PRIu32 ";)\n",
			i ? "traffic from a listed address" : "traffic to a listed address", sides[i], sides[i],
			first_sid(conf) + IPREP_SID + i, conf->version);
	return true;
}

static void write_rule(FILE *out, const struct format_conf *conf, unsigned row, size_t n)
{
	size_t hashsize = 1024, mb = n * BYTES_AN_ENTRY / 1000000 + MEMCAP_MIN_MB;
	while (hashsize < n) hashsize *= 2; /* far too few buckets make loading quadratic */
	fprintf(out, "alert %s any any -> any any (msg:\"ISAC %s\"; ", rules[row].proto, rules[row].words);
	if (rules[row].buffer)
		fprintf(out, "%s; dataset:isset,isac-%s, type string, load isac-%s.lst, memcap %zumb, hashsize %zu; ", rules[row].buffer,
			rules[row].set, rules[row].set, mb, hashsize);
	else fprintf(out, "file%s:isac-%s.lst; ", rules[row].set, rules[row].set);
	fprintf(out, "sid:%" PRIu32 "; rev:%" PRIu32 ";)\n", first_sid(conf) + row, conf->version);
}

bool format_suricata_rules(FILE *out, const struct format_view *view, const struct format_conf *conf, struct format_tally *tally)
{
	format_tally_start(tally, view, conf, NETS | LISTS);
	format_head_write(out, "#", view, conf);
	for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		struct format_lines list = {.line = NULL};
		make_list(&list, view, conf, rules[i].type);
		/* To Suricata an empty list of file hashes is an error, an empty dataset is none. */
		if (list.n || rules[i].buffer) write_rule(out, conf, i, list.n);
		bool good = !list.failed;
		format_lines_clear(&list);
		if (!good) return false;
	}
	return true;
}
