/*
 * entry: from what the hub sent to items a program may use: publisher's key by the directory, signature, multiproof, then the
 * items themselves. Whatever fails yields one item that says so; an entry is good as a whole or not at all.
 */
#include <string.h>
#include "priv.h"

static const char *copy(struct wire_arena *arena, const char *text)
{
	size_t len = strlen(text) + 1;
	char *out = wire_arena_alloc(arena, len);
	if (!out) return "out of memory";
	memcpy(out, text, len);
	return out;
}

/* ---- what proves it to others, made when it is asked for ---- */
struct isac_evidence {
	Isac1__Entry entry; /* as it was opened: what was sealed is in the clear; its bytes are in the arena */
	uint32_t item_count;
	uint8_t public_key[WIRE_SIGN_PUBLIC];
	uint8_t *tree; /* NULL: not made yet */
	struct wire_arena *arena;
};

static struct isac_evidence *keep_evidence(const Isac1__Entry *entry, const Isac1__Header *header, const uint8_t *key,
					   struct wire_arena *arena)
{
	struct isac_evidence *e = wire_arena_alloc(arena, sizeof *e);
	if (!e) return NULL;
	*e = (struct isac_evidence){.entry = *entry, .item_count = header->item_count, .arena = arena};
	memcpy(e->public_key, key, sizeof e->public_key);
	return e;
}

static void find_salt(uint8_t salt[WIRE_SALT], const Isac1__Entry *entry, size_t i)
{
	if (entry->secret.len) wire_merkle_salt(salt, entry->secret.data, (uint32_t)i);
	else memcpy(salt, entry->items[i]->salt.data, WIRE_SALT);
}

/* The entry is verified: its shapes are right. */
static bool grow_tree(struct isac_evidence *e)
{
	const Isac1__Entry *entry = &e->entry;
	size_t bytes = (size_t)wire_merkle_tree_count(e->item_count) * WIRE_HASH;
	uint8_t *tree = wire_arena_alloc(e->arena, bytes), *leaves = wire_arena_alloc(e->arena, entry->n_items * WIRE_HASH);
	uint8_t *proof = wire_arena_alloc(e->arena, (entry->n_proof + 1) * WIRE_HASH), salt[WIRE_SALT];
	uint32_t *index = wire_arena_alloc(e->arena, entry->n_items * sizeof *index);
	if (!tree || !leaves || !proof || !index) return false;
	memset(tree, 0, bytes);
	for (size_t i = 0; i < entry->n_items; i++) {
		index[i] = wire_entry_index(entry, i);
		find_salt(salt, entry, i);
		wire_merkle_item(leaves + i * WIRE_HASH, salt, entry->items[i]->item.data, entry->items[i]->item.len);
	}
	for (size_t i = 0; i < entry->n_proof; i++) memcpy(proof + i * WIRE_HASH, entry->proof[i].data, WIRE_HASH);
	if (wire_merkle_tree_rebuild(tree, e->item_count, index, leaves, (uint32_t)entry->n_items, proof, (uint32_t)entry->n_proof))
		return false;
	e->tree = tree;
	return true;
}

bool isac_item_proof(struct isac_proof *out, const struct isac_item *item)
{
	struct isac_evidence *e = item->evidence;
	size_t i = 0;
	struct wire_buf path;
	if (!item->verified || !e || (!e->tree && !grow_tree(e))) return false;
	const Isac1__Entry *entry = &e->entry;
	while (i < entry->n_items && wire_entry_index(entry, i) != item->index) i++;
	if (i == entry->n_items) return false;
	*out = (struct isac_proof){.public_key = e->public_key,
				   .signature = entry->signature.data,
				   .header = entry->header.data,
				   .header_len = entry->header.len,
				   .item = entry->items[i]->item.data,
				   .item_len = entry->items[i]->item.len,
				   .index = item->index,
				   .item_count = e->item_count};
	find_salt(out->salt, entry, i);
	wire_buf_init(&path, (size_t)64 * WIRE_HASH);
	wire_merkle_tree_path(&path, e->tree, e->item_count, item->index);
	uint8_t *kept = path.err ? NULL : wire_arena_alloc(e->arena, path.len + 1);
	if (kept && path.len) memcpy(kept, path.data, path.len);
	out->path = kept;
	out->path_n = path.len / WIRE_HASH;
	wire_buf_clear(&path);
	return kept != NULL;
}

static void fill_header(struct isac_item *it, const Isac1__Entry *entry, const Isac1__Header *h)
{
	it->verified = true;
	it->seq = entry->seq;
	it->publisher = entry->publisher;
	it->received_us = entry->received_us;
	it->held = entry->state == 1;
	it->ended = entry->state == 2;
	it->expired = entry->state == 3;
	it->release_of = entry->release_of;
	it->tlp = h->tlp;
	it->kind = h->kind;
	it->created_us = h->created_us;
	it->groups = (const char *const *)h->groups;
	it->groups_n = h->n_groups;
	it->recipients = (const char *const *)h->recipients;
	it->recipients_n = h->n_recipients;
	memcpy(it->report_id, h->report_id.data, ISAC_ID_BYTES);
	it->type = it->value = it->raw = it->description = it->country = "";
	it->confidence = it->severity = -1;
	if (h->supersedes.len == ISAC_ID_BYTES) it->supersedes = h->supersedes.data;
	if (h->about.len == ISAC_ID_BYTES) it->about = h->about.data;
	it->about_publisher = h->about_publisher;
}

static void fill_value(struct isac_item *it, uint32_t type, const char *value, struct wire_arena *arena)
{
	struct wire_value v;
	const char *name = wire_value_name(type);
	it->type = name ? name : "";
	it->value = it->raw = value;
	if (!name || wire_value_canon(&v, type, value, strlen(value), arena, NULL)) return;
	it->value = v.text;
	it->type = wire_value_name(v.type);
}

static void fill_indicator(struct isac_item *it, const Isac1__Indicator *ind, struct wire_arena *arena)
{
	fill_value(it, ind->type, ind->value, arena);
	if (*ind->raw) it->raw = ind->raw;
	it->confidence = ind->confidence_plus1 <= 101 ? (int)ind->confidence_plus1 - 1 : -1;
	it->severity = ind->severity_plus1 <= 11 ? (int)ind->severity_plus1 - 1 : -1;
	it->first_seen_us = ind->first_seen_us;
	it->last_seen_us = ind->last_seen_us;
	it->valid_from_us = ind->valid_from_us;
	it->valid_until_us = ind->valid_until_us;
	it->tags = (const char *const *)ind->tags;
	it->tags_n = ind->n_tags;
	it->description = ind->description;
	it->asn = ind->asn;
	it->country = ind->country;
	it->references = (const char *const *)ind->references;
	it->references_n = ind->n_references;
}

static void fill_sighting(struct isac_item *it, const Isac1__Sighting *s, struct wire_arena *arena)
{
	fill_value(it, s->type, s->value, arena);
	it->verdict = s->verdict;
	it->count = s->count;
	it->first_seen_us = s->first_seen_us;
	it->last_seen_us = s->last_seen_us;
	it->description = s->description;
}

/* What a successor takes back is of the report that it replaces. */
static void fill_withdrawal(struct isac_item *it, const Isac1__Withdrawal *w, struct wire_arena *arena)
{
	fill_value(it, w->type, w->value, arena);
	it->description = w->description;
	if (it->about || !it->supersedes) return;
	it->about = it->supersedes;
	it->about_publisher = it->publisher;
}

static bool texts_ok(char *const *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!wire_text_ok(text[i], strlen(text[i]))) return false;
	return true;
}

/* What ends on a terminal or in a log must not steer it, whoever signed it. */
static bool is_plain(const Isac1__Item *item)
{
	if (item->body_case == ISAC1__ITEM__BODY_SIGHTING)
		return texts_ok((char *const[]){item->sighting->value, item->sighting->description}, 2);
	if (item->body_case == ISAC1__ITEM__BODY_WITHDRAWAL)
		return texts_ok((char *const[]){item->withdrawal->value, item->withdrawal->description}, 2);
	const Isac1__Indicator *ind = item->indicator;
	char *const one[] = {ind->value, ind->raw, ind->description, ind->country};
	return texts_ok(one, sizeof one / sizeof one[0]) && texts_ok(ind->tags, ind->n_tags) &&
	       texts_ok(ind->references, ind->n_references);
}

static enum isac_result problem(struct client_entry_items *out, const Isac1__Entry *entry, struct wire_arena *arena, const char *text,
				const Isac1__Header *header, struct isac_error *err)
{
	struct isac_item *it = wire_arena_alloc(arena, sizeof *it);
	if (!it) return client_error_out_of_memory(err);
	memset(it, 0, sizeof *it);
	it->seq = entry->seq;
	it->publisher = entry->publisher;
	it->received_us = entry->received_us;
	it->confidence = it->severity = -1;
	it->type = it->value = it->raw = it->description = it->country = "";
	if (header && header->report_id.len == ISAC_ID_BYTES) memcpy(it->report_id, header->report_id.data, ISAC_ID_BYTES);
	it->problem = copy(arena, text);
	*out = (struct client_entry_items){it, 1, 0};
	return ISAC_DONE;
}

/* What the hub could not judge is judged here, by the rules of its intake: else whoever names me could have me block anything. */
static bool judge_sealed(struct isac_item *it, const Isac1__Item *item, struct wire_arena *arena)
{
	struct wire_value value = {0};
	if (item->body_case == ISAC1__ITEM__BODY_SIGHTING) return !wire_sighting_check(&value, item->sighting, arena, NULL);
	if (item->body_case == ISAC1__ITEM__BODY_WITHDRAWAL) return !wire_withdrawal_check(&value, item->withdrawal, arena, NULL);
	if (wire_indicator_check(&value, item->indicator, arena, NULL)) return false;
	it->held = value.held;
	return true;
}

bool isac_item_is(const struct isac_item *item, const char *value)
{
	struct wire_value v;
	struct wire_arena arena;
	uint32_t type = wire_value_type(item->type, strlen(item->type));
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	bool is = type && !wire_value_canon(&v, type, value, strlen(value), &arena, NULL) && strcmp(v.text, item->value) == 0;
	wire_arena_clear(&arena);
	return is || strcmp(value, item->value) == 0;
}

static bool is_known(const Isac1__Item *item)
{
	return item->body_case >= ISAC1__ITEM__BODY_INDICATOR && item->body_case <= ISAC1__ITEM__BODY_WITHDRAWAL;
}

/* A successor takes back what it does not say again. */
static bool is_of_kind(const Isac1__Header *header, const Isac1__Item *item)
{
	return header->kind == (uint32_t)item->body_case ||
	       (header->supersedes.len && item->body_case == ISAC1__ITEM__BODY_WITHDRAWAL && header->kind == ISAC1__KIND__KIND_INDICATOR);
}

static const char *lay_out(struct client_entry_items *out, const Isac1__Entry *entry, const Isac1__Header *header, const uint8_t *key,
			   struct wire_arena *arena)
{
	struct isac_evidence *evidence = keep_evidence(entry, header, key, arena);
	struct isac_item *items = wire_arena_alloc(arena, (entry->n_items + 1) * sizeof *items);
	if (!items || !evidence) return "the entry needs more memory than one may";
	*out = (struct client_entry_items){items, 0, 0};
	for (size_t i = 0; i < entry->n_items; i++) {
		const Isac1__DisclosedItem *d = entry->items[i];
		ProtobufCMessage *msg;
		if (wire_open(&msg, &isac1__item__descriptor, arena, d->item.data, d->item.len, false, NULL))
			return "an item is signed but cannot be read";
		const Isac1__Item *body = (const Isac1__Item *)msg;
		if (!is_known(body)) continue; /* a kind of tomorrow */
		if (!is_of_kind(header, body)) return "an item is not of the kind that its header says";
		if (!is_plain(body)) return "an item holds control or invisible characters";
		struct isac_item *it = &items[out->n++];
		memset(it, 0, sizeof *it);
		fill_header(it, entry, header);
		it->index = wire_entry_index(entry, i);
		it->evidence = evidence;
		it->kind = (unsigned)body->body_case;
		if (body->body_case == ISAC1__ITEM__BODY_SIGHTING) fill_sighting(it, body->sighting, arena);
		else if (body->body_case == ISAC1__ITEM__BODY_WITHDRAWAL) fill_withdrawal(it, body->withdrawal, arena);
		else fill_indicator(it, body->indicator, arena);
		if (entry->sealed.len && !judge_sealed(it, body, arena)) return "a sealed item breaks the rules for values";
	}
	return NULL;
}

/*
 * A sealed entry becomes one that shows the whole report: what was sealed is opened, laid out as if the hub had shown it, and then has to
 * hold against the header like any other. The signature comes first: what the header says of the seal is believed only then.
 */
static const char *unseal(Isac1__Entry *open, struct isac *isac, const Isac1__Header *header, const uint8_t *key, struct wire_arena *arena,
			  struct wire_why *why)
{
	struct wire_bytes clear;
	ProtobufCMessage *msg;
	if (open->n_items || open->n_proof || open->secret.len) return "a sealed report came with items beside its seal";
	if (open->signature.len != WIRE_SIGNATURE ||
	    wire_sign_check(open->signature.data, WIRE_SIGN_REPORT, isac->hub.hub_id, open->header.data, open->header.len, key))
		return "the publisher's signature does not hold";
	if (wire_sealed_open(&clear, header, (struct wire_bytes){open->sealed.data, open->sealed.len}, isac->self.name, isac->curve_secret,
			     arena, why))
		return why->text;
	if (wire_open(&msg, &isac1__payload__descriptor, arena, clear.data, clear.len, false, NULL))
		return "what was sealed cannot be read";
	const Isac1__Payload *payload = (const Isac1__Payload *)msg;
	Isac1__DisclosedItem *items = wire_arena_alloc(arena, (payload->n_items + 1) * sizeof *items);
	open->items = wire_arena_alloc(arena, (payload->n_items + 1) * sizeof *open->items);
	if (!items || !open->items) return "the entry needs more memory than one may";
	for (size_t i = 0; i < payload->n_items; i++) {
		isac1__disclosed_item__init(&items[i]);
		items[i].item = payload->items[i];
		open->items[i] = &items[i];
	}
	open->n_items = payload->n_items;
	open->secret = payload->secret;
	return payload->secret.len == WIRE_SECRET ? NULL : "the sealed secret is not 32 bytes";
}

enum isac_result client_entry_open(struct client_entry_items *out, struct isac *isac, const Isac1__Entry *entry, struct wire_arena *arena,
				   struct isac_error *err)
{
	ProtobufCMessage *msg;
	struct wire_why why = {.text = ""};
	if (!wire_name_ok(entry->publisher)) {
		Isac1__Entry nameless = *entry;
		nameless.publisher = (char *)"?";
		return problem(out, &nameless, arena, "the publisher's name is not a name", NULL, err);
	}
	if (wire_open(&msg, &isac1__header__descriptor, arena, entry->header.data, entry->header.len, false, &why))
		return problem(out, entry, arena, "the header cannot be read", NULL, err);
	Isac1__Header *header = (Isac1__Header *)msg; /* not verified yet: only to find the key */
	if (header->key_id.len != WIRE_KEY_ID || header->report_id.len != WIRE_ID)
		return problem(out, entry, arena, "the header lacks its ids", NULL, err);
	const uint8_t *key;
	struct isac_error local;
	enum isac_result r =
		client_directory_find(&key, isac, entry->publisher, header->key_id.data, entry->seq, entry->received_us, &local);
	if (r == ISAC_REFUSED) return problem(out, entry, arena, local.text, header, err);
	if (r) {
		if (err) *err = local;
		return r;
	}
	Isac1__Entry opened = *entry;
	if (entry->sealed.len) {
		const char *wrong = unseal(&opened, isac, header, key, arena, &why);
		if (wrong) return problem(out, entry, arena, wrong, header, err);
		entry = &opened;
	}
	if (wire_entry_verify(&header, entry, isac->hub.hub_id, key, arena, &why))
		return problem(out, entry, arena, *why.text ? why.text : "the signature or the proof does not hold", header, err);
	const char *wrong = lay_out(out, entry, header, key, arena);
	return wrong ? problem(out, entry, arena, wrong, header, err) : ISAC_DONE;
}
