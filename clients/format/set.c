/*
 * set: what members say about values, a mention for each (type, value, publisher). Of two reports of one publisher the newer one
 * holds, so an end can be moved; another publisher's word stands beside it. What a member says is checked here once more, by the
 * rules that the hub applied: a hub that errs must not empty a network's routes.
 */
#include <arpa/inet.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "format/priv.h"

enum { FIRST_CAP = 1024, ARENA_BYTES = 1 << 18, NOTE_BYTES = 512, DESCRIPTION_BYTES = 200 };

bool format_set_new(struct format_set **out, const struct format_set_conf *conf)
{
	struct format_set *set = calloc(1, sizeof *set);
	*out = NULL;
	if (!set) return false;
	set->conf = *conf;
	set->cap = FIRST_CAP;
	set->slot = calloc(set->cap, sizeof *set->slot);
	randombytes_buf(set->hash_key, sizeof set->hash_key);
	wire_arena_init(&set->arena, ARENA_BYTES);
	if (set->slot) *out = set;
	else format_set_destroy(&set);
	return *out != NULL;
}

void format_set_destroy(struct format_set **set)
{
	if (!*set) return;
	for (size_t i = 0; (*set)->slot && i < (*set)->cap; i++) free((*set)->slot[i]);
	free((*set)->slot);
	wire_arena_clear(&(*set)->arena);
	free(*set);
	*set = NULL;
}

uint64_t format_set_changes(const struct format_set *set)
{
	return set->changes;
}

static uint64_t half_hash(const uint8_t key[16], const char *text)
{
	uint64_t hash;
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)text, strlen(text), key);
	return hash;
}

/* The slot that holds this mention, or the free one where it belongs. */
static size_t find_slot(const struct format_set *set, const struct format_entry *e)
{
	uint64_t hash = half_hash(set->hash_key, e->value) * 31 + half_hash(set->hash_key, e->publisher) + e->type;
	for (size_t i = hash & (set->cap - 1);; i = (i + 1) & (set->cap - 1)) {
		const struct format_entry *other = set->slot[i] ? &set->slot[i]->entry : NULL;
		if (!other ||
		    (other->type == e->type && strcmp(other->value, e->value) == 0 && strcmp(other->publisher, e->publisher) == 0))
			return i;
	}
}

/* Moves all mentions but those that are over into a table of so many slots. */
static bool rebuild(struct format_set *set, size_t cap, int64_t now_us)
{
	struct format_mention **old = set->slot, **slot = calloc(cap, sizeof *slot);
	size_t old_cap = set->cap;
	if (!slot) return false;
	set->slot = slot;
	set->cap = cap;
	set->n = 0;
	for (size_t i = 0; i < old_cap; i++) {
		struct format_mention *m = old[i];
		if (!m) continue;
		if (m->entry.until_us && m->entry.until_us <= now_us) {
			free(m);
			continue;
		}
		set->slot[find_slot(set, &m->entry)] = m;
		set->n++;
	}
	free(old);
	return true;
}

void format_set_forget(struct format_set *set, int64_t now_us)
{
	for (size_t i = 0; i < set->cap; i++) {
		const struct format_mention *m = set->slot[i];
		if (!m || !m->entry.until_us || m->entry.until_us > now_us) continue;
		rebuild(set, set->cap, now_us); /* without memory they stay a while longer; no view shows them */
		return;
	}
}

bool format_set_live(const struct format_mention *m, int64_t now_us)
{
	return m->from_us <= now_us && (!m->entry.until_us || m->entry.until_us > now_us);
}

int64_t format_set_next_us(const struct format_set *set, int64_t now_us)
{
	int64_t next = 0;
	for (size_t i = 0; i < set->cap; i++) {
		const struct format_mention *m = set->slot[i];
		int64_t at = !m ? 0 : m->from_us > now_us ? m->from_us : m->entry.until_us;
		if (at > now_us && (!next || at < next)) next = at;
	}
	return next;
}

/* A host that would be refused or held as a value of its own does not stand alone: only the whole URL counts. */
static void check_host(struct format_set *set, struct format_entry *e)
{
	struct wire_value host;
	char address[INET6_ADDRSTRLEN];
	uint32_t type = e->family == 4 ? WIRE_VALUE_IPV4 : e->family == 6 ? WIRE_VALUE_IPV6 : WIRE_VALUE_DOMAIN;
	const char *text = e->host;
	if (e->family) text = inet_ntop(e->family == 4 ? AF_INET : AF_INET6, e->addr, address, sizeof address);
	bool good = text && !wire_value_canon(&host, type, text, strlen(text), &set->arena, NULL) && !host.held;
	e->host = good ? host.text : NULL;
	if (!good) e->family = 0;
}

/* Canonical once more, and fit to be written at all? FORMAT_SKIPS: yes. */
static enum format_skip check(struct format_set *set, struct format_entry *e, const struct isac_item *item)
{
	struct wire_value value;
	if (!item->verified) return FORMAT_SKIP_UNVERIFIED;
	if (item->kind != ISAC_KIND_INDICATOR) return FORMAT_SKIP_KIND;
	if (!item->tlp || item->tlp > ISAC_TLP_RED || (set->conf.tlp_max && item->tlp > set->conf.tlp_max)) return FORMAT_SKIP_TLP;
	uint32_t type = wire_value_type(item->type, strlen(item->type));
	if (!type || !wire_name_ok(item->publisher) || wire_value_canon(&value, type, item->value, strlen(item->value), &set->arena, NULL))
		return FORMAT_SKIP_BAD;
	if (item->ended) return FORMAT_SKIP_ENDED;
	if (item->held || value.held) return FORMAT_SKIP_HELD;
	*e = (struct format_entry){
		.type = value.type, .value = value.text, .host = value.host, .family = value.family, .bits = value.prefix};
	memcpy(e->addr, value.addr, sizeof e->addr);
	if (set->conf.except && format_except_has(set->conf.except, e)) return FORMAT_SKIP_EXCEPTED;
	if (value.type == WIRE_VALUE_URL) check_host(set, e);
	else e->host = NULL;
	return FORMAT_SKIPS;
}

static const char *pack(char **at, const char *text)
{
	size_t len = strlen(text) + 1;
	const char *start = memcpy(*at, text, len);
	*at += len;
	return start;
}

/* Up to len bytes of text, and no part of a character. */
static int whole_chars(const char *text, size_t len)
{
	size_t n = strnlen(text, len);
	while (n && !wire_utf8_ok(text, n)) n--;
	return (int)n;
}

/* The description's beginning, then tags as far as there is room. */
static void make_note(char out[NOTE_BYTES], const struct isac_item *item)
{
	size_t n = (size_t)snprintf(out, NOTE_BYTES, "%.*s", whole_chars(item->description, DESCRIPTION_BYTES), item->description);
	for (size_t i = 0; i < item->tags_n && n + strlen(item->tags[i]) + 4 < NOTE_BYTES; i++)
		n += (size_t)snprintf(out + n, NOTE_BYTES - n, "%s[%s]", n ? " " : "", item->tags[i]);
}

static struct format_mention *make_mention(const struct format_entry *e, const struct isac_item *item, int64_t keep_us)
{
	char note[NOTE_BYTES];
	const char *host = e->host ? e->host : "", *link = item->references_n ? item->references[0] : "";
	make_note(note, item);
	struct format_mention *m =
		malloc(sizeof *m + strlen(e->value) + strlen(host) + strlen(item->publisher) + strlen(note) + strlen(link) + 5);
	if (!m) return NULL;
	char *at = m->text;
	m->entry = *e;
	m->entry.value = pack(&at, e->value);
	m->entry.host = pack(&at, host);
	if (!e->host) m->entry.host = NULL;
	m->entry.publisher = pack(&at, item->publisher);
	m->entry.note = pack(&at, note);
	m->entry.link = pack(&at, link);
	m->entry.seq = item->seq;
	m->index = item->index;
	memcpy(m->report_id, item->report_id, sizeof m->report_id);
	m->entry.confidence = item->confidence;
	m->entry.tlp = item->tlp;
	m->from_us = item->valid_from_us;
	m->entry.until_us = item->valid_until_us ? item->valid_until_us : keep_us ? item->received_us + keep_us : 0;
	return m;
}

static bool is_newer(const struct format_mention *a, const struct format_mention *b)
{
	return a->entry.seq != b->entry.seq ? a->entry.seq > b->entry.seq : a->index > b->index;
}

/* Its publisher takes back what that report says, or it has expired; if it is his newest word, it leaves like what says its end. */
static void end(struct format_set *set, const struct isac_item *item)
{
	struct wire_value value;
	const uint8_t *report_id = item->expired ? item->report_id : item->about;
	uint32_t type = wire_value_type(item->type, strlen(item->type));
	bool own = item->verified && report_id && (item->expired || strcmp(item->publisher, item->about_publisher) == 0);
	if (!own || !type || wire_value_canon(&value, type, item->value, strlen(item->value), &set->arena, NULL)) return;
	struct format_entry e = {.type = value.type, .value = value.text, .publisher = item->publisher};
	struct format_mention *m = set->slot[find_slot(set, &e)];
	if (!m || memcmp(m->report_id, report_id, sizeof m->report_id) != 0) return;
	m->entry.until_us = 1;
	set->changes++;
}

bool format_set_add(struct format_set *set, const struct isac_item *item)
{
	struct format_entry e;
	wire_arena_reset(&set->arena);
	if (item->kind == ISAC_KIND_WITHDRAWAL || item->expired) {
		end(set, item);
		return true;
	}
	enum format_skip why = check(set, &e, item);
	if (why != FORMAT_SKIPS) {
		set->skipped[why]++;
		return true;
	}
	if (set->n + set->n / 2 >= set->cap && !rebuild(set, set->cap * 2, 0)) return false;
	struct format_mention *m = make_mention(&e, item, set->conf.keep_us);
	if (!m) return false;
	size_t at = find_slot(set, &m->entry);
	if (set->slot[at] && !is_newer(m, set->slot[at])) {
		free(m);
		return true;
	}
	if (!set->slot[at]) set->n++;
	free(set->slot[at]);
	set->slot[at] = m;
	set->changes++;
	return true;
}
