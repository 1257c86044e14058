/*
 * batch: collects indicators and seals them into signed reports. Values are made canonical and checked here by the hub's own
 * rules, so that a mistake is found with its line number, before anything is signed. What was given stays as `raw`.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "priv.h"

enum { FRAME_REST = 16384 }; /* room in a frame for header, signature, names */

struct names {
	char **text;
	size_t n;
};

struct isac_batch {
	struct isac *isac;
	enum isac_tlp tlp;
	struct names groups, recipients;
	struct wire_reader *readers; /* of a red report: its recipients and its publisher */
	size_t readers_n;
	enum isac_kind kind;
	bool supersedes;
	uint8_t original[ISAC_ID_BYTES]; /* that it is about, or replaces */
	char about_publisher[ISAC_NAME_BYTES + 1];
	uint32_t items_max, count;
	size_t bytes_max;
	struct wire_buf items;		 /* one after the other */
	size_t *end;			 /* of each in `items` */
	struct wire_arena arena;	 /* of one indicator */
	uint8_t (*seen)[WIRE_VALUE_KEY]; /* open addressing, all zero = empty */
	size_t seen_n, seen_cap;
};

static void clear_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++) free(names->text[i]);
	free(names->text);
}

static enum isac_result copy_names(struct names *out, const char *const *from, size_t n, const char *what, struct isac_error *err)
{
	out->text = calloc(n + 1, sizeof *out->text);
	if (!out->text) return client_error_out_of_memory(err);
	for (; out->n < n; out->n++) {
		if (!wire_name_ok(from[out->n]))
			return client_error_set(err, ISAC_MISUSED, "'%s' is not the name of a %s", from[out->n], what);
		if (!(out->text[out->n] = strdup(from[out->n]))) return client_error_out_of_memory(err);
	}
	return ISAC_DONE;
}

static enum isac_result check_label(const struct isac_report_conf *conf, struct isac_error *err)
{
	if (!isac_tlp_name(conf->tlp))
		return client_error_set(err, ISAC_MISUSED, "a report needs a label: clear, green, amber, amber+strict or red");
	if (conf->kind > ISAC_KIND_INDICATOR) {
		bool red = conf->tlp == ISAC_TLP_RED;
		if (!conf->about || !conf->about_publisher || !wire_name_ok(conf->about_publisher) || conf->groups_n ||
		    red != (conf->recipients_n > 0))
			return client_error_set(err, ISAC_MISUSED,
						"sightings and withdrawals are about one report, and reach who has that");
		if (conf->recipients_n > WIRE_LIMIT_RECIPIENTS + 1)
			return client_error_set(err, ISAC_MISUSED, "a report names %d recipients at most", WIRE_LIMIT_RECIPIENTS);
		return ISAC_DONE;
	}
	if (conf->tlp == ISAC_TLP_RED && !conf->recipients_n)
		return client_error_set(err, ISAC_MISUSED, "a red report names its recipients: add --to MEMBER");
	if (conf->tlp != ISAC_TLP_RED && conf->recipients_n)
		return client_error_set(err, ISAC_MISUSED,
					"only a red report names recipients: use --tlp red, or --group to narrow another label");
	if (conf->groups_n > WIRE_LIMIT_GROUPS || conf->recipients_n > WIRE_LIMIT_RECIPIENTS)
		return client_error_set(err, ISAC_MISUSED, "a report may name %d groups and %d recipients at most", WIRE_LIMIT_GROUPS,
					WIRE_LIMIT_RECIPIENTS);
	return ISAC_DONE;
}

/*
 * Everybody who is to read a red report, each once; its publisher, too, else it could not read its own. What is said about a report goes to
 * those of its readers to whom something can still be sealed: whom it names is not ours to choose.
 */
static enum isac_result find_readers(struct isac_batch *b, struct isac_error *err)
{
	struct wire_reader *readers = calloc(b->recipients.n + 1, sizeof *readers);
	size_t n = 0;
	if (!readers) return client_error_out_of_memory(err);
	for (size_t i = 0; i <= b->recipients.n; i++) {
		const char *name = i < b->recipients.n ? b->recipients.text[i] : b->isac->self.name;
		bool again = false;
		for (size_t j = 0; j < n; j++) again |= strcmp(readers[j].name, name) == 0;
		if (again) continue;
		enum isac_result r = client_directory_curve(readers[n].curve, b->isac, name, err);
		if (r == ISAC_REFUSED && b->kind != ISAC_KIND_INDICATOR && i < b->recipients.n) continue;
		if (r) {
			free(readers);
			return r;
		}
		readers[n++].name = name;
	}
	b->readers = readers;
	b->readers_n = n;
	return ISAC_DONE;
}

enum isac_result isac_batch_open(struct isac_batch **out, struct isac *isac, const struct isac_report_conf *conf, uint32_t items_max,
				 size_t bytes_max, struct isac_error *err)
{
	*out = NULL;
	enum isac_result r = check_label(conf, err);
	if (r) return r;
	if (items_max < 1 || items_max > WIRE_LIMIT_ITEMS)
		return client_error_set(err, ISAC_MISUSED, "a report holds 1 to %d items", WIRE_LIMIT_ITEMS);
	struct isac_batch *b = calloc(1, sizeof *b);
	if (!b) return client_error_out_of_memory(err);
	b->isac = isac;
	b->tlp = conf->tlp;
	b->kind = conf->kind ? conf->kind : ISAC_KIND_INDICATOR;
	b->supersedes = conf->supersedes != NULL;
	if (conf->about || conf->supersedes) memcpy(b->original, conf->about ? conf->about : conf->supersedes, sizeof b->original);
	if (conf->about_publisher) snprintf(b->about_publisher, sizeof b->about_publisher, "%s", conf->about_publisher);
	b->items_max = items_max;
	b->bytes_max = bytes_max && bytes_max < WIRE_LIMIT_FRAME_BYTES - FRAME_REST ? bytes_max : WIRE_LIMIT_FRAME_BYTES - FRAME_REST;
	wire_buf_init(&b->items, WIRE_LIMIT_FRAME_BYTES * 2);
	wire_arena_init(&b->arena, WIRE_LIMIT_DECODE_BYTES);
	b->end = calloc(items_max, sizeof *b->end);
	b->seen_cap = 4096;
	b->seen = calloc(b->seen_cap, sizeof *b->seen);
	r = b->end && b->seen ? ISAC_DONE : client_error_out_of_memory(err);
	if (!r) r = copy_names(&b->groups, conf->groups, conf->groups_n, "group", err);
	if (!r) r = copy_names(&b->recipients, conf->recipients, conf->recipients_n, "member", err);
	if (r) isac_batch_close(&b);
	*out = b;
	return r;
}

void isac_batch_close(struct isac_batch **batch)
{
	struct isac_batch *b = *batch;
	if (!b) return;
	clear_names(&b->groups);
	clear_names(&b->recipients);
	free(b->readers);
	wire_buf_clear(&b->items);
	wire_arena_clear(&b->arena);
	free(b->end);
	free(b->seen);
	free(b);
	*batch = NULL;
}

uint32_t isac_batch_count(const struct isac_batch *batch)
{
	return batch->count;
}

/* The slot that holds the key, or the empty one where it belongs. */
static size_t slot(uint8_t (*seen)[WIRE_VALUE_KEY], size_t cap, const uint8_t *key)
{
	static const uint8_t empty[WIRE_VALUE_KEY];
	size_t i;
	memcpy(&i, key, sizeof i);
	for (i &= cap - 1; memcmp(seen[i], empty, sizeof empty) != 0 && memcmp(seen[i], key, WIRE_VALUE_KEY) != 0;
	     i = (i + 1) & (cap - 1)) {
	}
	return i;
}

static bool make_room(struct isac_batch *b)
{
	static const uint8_t empty[WIRE_VALUE_KEY];
	if (b->seen_n * 2 < b->seen_cap) return true;
	size_t cap = b->seen_cap * 2;
	uint8_t(*seen)[WIRE_VALUE_KEY] = calloc(cap, sizeof *seen);
	if (!seen) return false;
	for (size_t i = 0; i < b->seen_cap; i++)
		if (memcmp(b->seen[i], empty, sizeof empty) != 0) memcpy(seen[slot(seen, cap, b->seen[i])], b->seen[i], WIRE_VALUE_KEY);
	free(b->seen);
	b->seen = seen;
	b->seen_cap = cap;
	return true;
}

static enum isac_result read_value(struct isac_batch *b, Isac1__Indicator *out, const struct isac_indicator *in, struct isac_error *err)
{
	struct wire_value v;
	enum isac_result r = client_value_read(&v, in->type, in->value, &b->arena, err);
	if (r) return r;
	out->type = v.type;
	out->value = v.text;
	const char *raw = in->raw && *in->raw ? in->raw : in->value;
	size_t raw_len = strlen(raw);
	if (strcmp(raw, v.text) != 0 && raw_len <= WIRE_LIMIT_VALUE_BYTES && wire_text_ok(raw, raw_len)) out->raw = (char *)raw;
	return ISAC_DONE;
}

static enum isac_result convert(struct isac_batch *b, Isac1__Indicator *out, struct wire_value *value, const struct isac_indicator *in,
				struct isac_error *err)
{
	struct wire_why why = {.text = ""};
	enum isac_result r = read_value(b, out, in, err);
	if (r) return r;
	if (in->confidence < -1 || in->confidence > 100)
		return client_error_set(err, ISAC_REFUSED, "confidence %d is not within 0..100", in->confidence);
	if (in->severity < -1 || in->severity > 10)
		return client_error_set(err, ISAC_REFUSED, "severity %d is not within 0..10", in->severity);
	out->confidence_plus1 = (uint32_t)(in->confidence + 1);
	out->severity_plus1 = (uint32_t)(in->severity + 1);
	out->first_seen_us = in->first_seen_us;
	out->last_seen_us = in->last_seen_us;
	out->valid_from_us = in->valid_from_us;
	out->valid_until_us = in->valid_until_us;
	out->tags = (char **)in->tags;
	out->n_tags = in->tags_n;
	if (in->description) out->description = (char *)in->description;
	out->asn = in->asn;
	if (in->country) out->country = (char *)in->country;
	out->references = (char **)in->references;
	out->n_references = in->references_n;
	if (wire_indicator_check(value, out, &b->arena, &why)) return client_error_set(err, ISAC_REFUSED, "%s", why.text);
	return ISAC_DONE;
}

static enum isac_batch_outcome add_item(struct isac_batch *b, const Isac1__Item *item, const struct wire_value *value,
					struct isac_error *err)
{
	uint8_t key[WIRE_VALUE_KEY];
	wire_value_key(key, value->type, value->text, value->len);
	if (!make_room(b)) {
		client_error_out_of_memory(err);
		return ISAC_BATCH_REFUSED;
	}
	size_t at = slot(b->seen, b->seen_cap, key);
	if (memcmp(b->seen[at], key, sizeof key) == 0) return ISAC_BATCH_DUPLICATE;
	size_t before = b->items.len;
	wire_pack(&b->items, &item->base);
	if (b->items.err) {
		client_error_out_of_memory(err);
		return ISAC_BATCH_REFUSED;
	}
	if (b->count == b->items_max || (b->count && b->items.len > b->bytes_max)) {
		b->items.len = before;
		return ISAC_BATCH_FULL;
	}
	if (b->items.len > WIRE_LIMIT_FRAME_BYTES - FRAME_REST) {
		b->items.len = before;
		client_error_set(err, ISAC_REFUSED, "the item is larger than a report may be");
		return ISAC_BATCH_REFUSED;
	}
	memcpy(b->seen[at], key, sizeof key);
	b->seen_n++;
	b->end[b->count++] = b->items.len;
	return ISAC_BATCH_ADDED;
}

enum isac_batch_outcome isac_batch_add(struct isac_batch *b, const struct isac_indicator *in, struct isac_error *err)
{
	Isac1__Indicator ind = ISAC1__INDICATOR__INIT;
	Isac1__Item item = ISAC1__ITEM__INIT;
	struct wire_value value = {0};
	wire_arena_reset(&b->arena);
	if (convert(b, &ind, &value, in, err)) return ISAC_BATCH_REFUSED;
	item.body_case = ISAC1__ITEM__BODY_INDICATOR;
	item.indicator = &ind;
	return add_item(b, &item, &value, err);
}

enum isac_batch_outcome isac_batch_add_feedback(struct isac_batch *b, const struct isac_feedback *f, struct isac_error *err)
{
	Isac1__Item item = ISAC1__ITEM__INIT;
	Isac1__Sighting sighting = ISAC1__SIGHTING__INIT;
	Isac1__Withdrawal withdrawal = ISAC1__WITHDRAWAL__INIT;
	struct wire_value value = {0};
	struct wire_why why = {.text = ""};
	enum isac_err e;
	wire_arena_reset(&b->arena);
	if (b->kind == ISAC_KIND_SIGHTING) {
		sighting.type = wire_value_type(f->type, strlen(f->type));
		sighting.value = (char *)f->value;
		sighting.verdict = f->verdict;
		sighting.count = f->count;
		sighting.first_seen_us = f->first_seen_us;
		sighting.last_seen_us = f->last_seen_us;
		if (f->description) sighting.description = (char *)f->description;
		item.body_case = ISAC1__ITEM__BODY_SIGHTING;
		item.sighting = &sighting;
		e = wire_sighting_check(&value, &sighting, &b->arena, &why);
	} else {
		withdrawal.type = wire_value_type(f->type, strlen(f->type));
		withdrawal.value = (char *)f->value;
		if (f->description) withdrawal.description = (char *)f->description;
		item.body_case = ISAC1__ITEM__BODY_WITHDRAWAL;
		item.withdrawal = &withdrawal;
		e = wire_withdrawal_check(&value, &withdrawal, &b->arena, &why);
	}
	if (!e) return add_item(b, &item, &value, err);
	client_error_set(err, ISAC_REFUSED, "%s", why.text);
	return ISAC_BATCH_REFUSED;
}

/* UUIDv7, RFC 9562: 48 bits of milliseconds, then random. */
static void make_id(uint8_t id[16], int64_t now_us)
{
	randombytes_buf(id, 16);
	uint64_t ms = (uint64_t)now_us / 1000;
	for (int i = 0; i < 6; i++) id[i] = (uint8_t)(ms >> (40 - 8 * i));
	id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
	id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
}

enum isac_result isac_batch_seal(struct isac_batch *b, struct isac_report *out, struct isac_error *err)
{
	*out = (struct isac_report){.data = NULL};
	if (b->count && b->tlp == ISAC_TLP_RED && !b->readers) {
		enum isac_result r = find_readers(b, err);
		if (r) return r;
	}
	if (!b->count) return client_error_set(err, ISAC_MISUSED, "a report without items cannot be made");
	Isac1__Header header = ISAC1__HEADER__INIT;
	header.created_us = client_clock_now_us();
	make_id(out->id, header.created_us);
	header.report_id = (ProtobufCBinaryData){sizeof out->id, out->id};
	header.kind = b->kind;
	if (b->supersedes) header.supersedes = (ProtobufCBinaryData){sizeof b->original, b->original};
	if (b->kind != ISAC_KIND_INDICATOR) {
		header.about = (ProtobufCBinaryData){sizeof b->original, b->original};
		header.about_publisher = b->about_publisher;
	}
	header.tlp = b->tlp;
	header.groups = b->groups.text;
	header.n_groups = b->groups.n;
	if (b->kind == ISAC_KIND_INDICATOR) {
		header.recipients = b->recipients.text;
		header.n_recipients = b->recipients.n;
	}
	uint8_t secret[WIRE_SECRET];
	randombytes_buf(secret, sizeof secret);
	struct wire_bytes *items = calloc(b->count, sizeof *items);
	if (!items) return client_error_out_of_memory(err);
	for (uint32_t i = 0; i < b->count; i++) {
		size_t start = i ? b->end[i - 1] : 0;
		items[i] = (struct wire_bytes){b->items.data + start, b->end[i] - start};
	}
	struct wire_buf submit;
	wire_buf_init(&submit, WIRE_LIMIT_FRAME_BYTES);
	enum isac_err e = wire_report_make_sealed(&submit, b->isac->self.name, b->isac->hub.hub_id, &header, items, b->count, secret,
						  b->isac->sign_secret, b->readers, b->readers_n);
	sodium_memzero(secret, sizeof secret);
	free(items);
	if (e || submit.err) {
		wire_buf_clear(&submit);
		return client_error_set(err, ISAC_REFUSED, "the report cannot be made: %s", isac_err_text(e ? e : submit.err));
	}
	out->data = submit.data;
	out->len = submit.len;
	b->count = 0;
	wire_buf_reset(&b->items);
	return ISAC_DONE;
}

void isac_report_clear(struct isac_report *report)
{
	free(report->data);
	report->data = NULL;
	report->len = 0;
}
