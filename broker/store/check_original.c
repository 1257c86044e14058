/*
 * A report that is about another one: a sighting, a withdrawal, a successor. README section 5 step 9. Asked by the writer, who alone
 * knows what is stored; such reports are few. It leaves with the audience of its original, and what is held there is held here.
 */
#include <string.h>
#include "store/store_priv.h"

#define GONE "there is no such report to speak about, or its content is gone"

struct about {
	struct member_roster *roster;
	struct report *original, *report;
	struct report_keys keys; /* of the original */
	bool met[WIRE_LIMIT_ITEMS];
	bool widens; /* more may see it than the original */
};

/* What was held and is released since is held no more, for whoever speaks about it. */
static enum isac_err free_released(struct store *s, struct report *original)
{
	uint64_t seqs[WIRE_LIMIT_ITEMS];
	size_t n = 0;
	enum isac_err err = original->held_count ? store_select_releases(s->reader, original->seq, seqs, &n) : ISAC_OK;

	for (size_t k = 0; !err && k < n; k++) {
		struct report *release = NULL;
		size_t found = 0;

		err = store_select_page(s->reader, seqs[k] - 1, seqs[k], 1, 1, &release, &found);
		for (uint32_t i = 0; !err && found && i < release->n && i < original->n; i++)
			if (!report_is_held(release, i)) original->held[i / 8] &= (uint8_t) ~(1u << i % 8);
		if (found) report_unref(&release);
	}
	return err;
}

static enum isac_err check_items(struct about *a, struct wire_why *why)
{
	struct report *r = a->report;

	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t at = report_keys_find(&a->keys, r->items[i].key);
		bool is_there = at < a->original->n && a->original->items[at].ind;

		if (!is_there && r->items[i].ind) continue; /* a successor may say more */
		if (a->widens && r->items[i].withdrawal)
			return wire_refuse(
				why, ISAC_ERR_BAD_VALUE,
				"it is for more members than the report that it replaces, and item %u would show them a value that "
				"they never had: say all its values again, or publish a new report and withdraw the old one",
				i);
		if (!is_there) return wire_refuse(why, ISAC_ERR_BAD_VALUE, "item %u is about a value that the report does not hold", i);
		a->met[at] = true;
		if (r->items[i].ind || !report_is_held(a->original, at) || report_is_held(r, i)) continue;
		r->held[i / 8] |= (uint8_t)(1u << i % 8);
		r->held_count++;
	}
	return ISAC_OK;
}

/* What a sealed one held only its readers know. */
static enum isac_err check_whole(const struct about *a, struct wire_why *why)
{
	if (a->original->sealed) return ISAC_OK;
	for (uint32_t i = 0; i < a->original->n; i++)
		if (a->original->items[i].ind && !a->met[i])
			return wire_refuse(why, ISAC_ERR_BAD_VALUE,
					   "item %u of the report that it replaces is neither said again nor withdrawn", i);
	return ISAC_OK;
}

static bool same_audience(const struct member_audience *a, const struct member_audience *b)
{
	uint8_t x[16], y[16];

	member_audience_digest(x, a);
	member_audience_digest(y, b);
	return !memcmp(x, y, sizeof(x));
}

/* That of the original; of a red one its publisher, too, who is not among its own recipients. */
static enum isac_err give_audience(struct store_job *job, const struct report *original)
{
	int32_t recipients[WIRE_LIMIT_RECIPIENTS + 1];
	struct member_audience audience = *original->audience;
	uint32_t n = 0;
	enum isac_err err;

	while (n < audience.recipients_n && audience.recipients[n] < original->publisher_id) n++;
	if (audience.recipients_n && (n == audience.recipients_n || audience.recipients[n] != original->publisher_id)) {
		if (audience.recipients_n == WIRE_LIMIT_RECIPIENTS) return ISAC_ERR_TOO_LARGE;
		memcpy(recipients, audience.recipients, n * sizeof(*recipients));
		recipients[n] = original->publisher_id;
		memcpy(recipients + n + 1, audience.recipients + n, (audience.recipients_n - n) * sizeof(*recipients));
		audience.recipients = recipients;
		audience.recipients_n++;
	}
	audience.id = 0;
	err = member_audience_copy(&job->report->audience, &audience, &job->report->arena);
	if (err) return err;
	job->audience = *job->report->audience;
	member_audience_digest(job->digest, &job->audience);
	return ISAC_OK;
}

/*
 * What is sealed says nothing here: neither which values it is about, nor whether they are all that the original holds. Its readers see
 * that; the hub holds it to the number of items and to whom it is sealed.
 */
static enum isac_err check_sealed(const struct about *a, struct wire_why *why)
{
	const struct report *r = a->report, *original = a->original;
	struct wire_arena arena;
	char *const *names = NULL;
	size_t n = 0;
	enum isac_err err;

	if (r->header->supersedes.len) return ISAC_OK; /* it names its readers itself */
	if (r->header->item_count > original->header->item_count)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "it says more than there are items in the report that it is about");
	wire_arena_init(&arena, WIRE_LIMIT_DECODE_BYTES);
	err = wire_sealed_readers(&names, &n, r->payload_bytes, &arena);
	if (err) wire_refuse(why, err, "%s", isac_err_text(err));
	else err = member_audience_check_readers(original->audience, a->roster, original->publisher_id, r->publisher_id, names, n, why);
	wire_arena_clear(&arena);
	return err;
}

static enum isac_err check_said(struct about *a, struct wire_why *why)
{
	enum isac_err err;

	if (a->report->sealed) return check_sealed(a, why);
	report_keys_sort(&a->keys, a->original);
	err = check_items(a, why);
	return !err && a->report->header->supersedes.len ? check_whole(a, why) : err;
}

static enum isac_err judge(struct about *a, struct store_job *job, struct wire_why *why)
{
	const Isac1__Header *h = a->report->header;
	enum isac_err err;

	if (a->original->header->kind != ISAC1__KIND__KIND_INDICATOR)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE, "only what a report of indicators says can be sighted, withdrawn or replaced");
	if (h->supersedes.len ? !member_audience_covers(&job->audience, a->original->audience) : h->tlp != a->original->header->tlp)
		return wire_refuse(why, ISAC_ERR_BAD_VALUE,
				   "its label, groups or recipients shut out some who may see the report that it is about: to narrow them, "
				   "withdraw that one");
	a->widens = h->supersedes.len && !same_audience(&job->audience, a->original->audience);
	err = check_said(a, why);
	if (!err && !h->supersedes.len) err = give_audience(job, a->original);
	return err == ISAC_ERR_TOO_LARGE ? wire_refuse(why, err, "the report names too many recipients to speak about it") : err;
}

static bool may_see(const struct member *m, const struct report *r)
{
	return m && r->audience && member_may_see(m, r->audience, r->publisher_id);
}

static int32_t whose(const struct member_roster *roster, const struct report *r)
{
	const struct member *m;

	if (r->header->supersedes.len) return r->publisher_id;
	m = member_roster_find(roster, r->header->about_publisher);
	return m ? m->id : 0;
}

/* What the author may not see is not even read: how long that takes would tell that it is there. */
static enum isac_err find(struct store *s, struct about *a, const uint8_t *id, const struct member *author, struct wire_why *why)
{
	int32_t publisher_id = whose(a->roster, a->report);
	struct report *original = NULL;
	struct store_report_key key;
	size_t n = 0;
	enum isac_err err = ISAC_OK;

	if (publisher_id && author) err = store_select_report_id(s->reader, id, publisher_id, author, &original, &key, 1, &n);
	if (!err && original && original->items) err = free_released(s, original);
	a->original = original;
	if (err) return wire_refuse(why, ISAC_ERR_UNAVAILABLE, "%s", isac_err_text(ISAC_ERR_UNAVAILABLE));
	if (original && original->items && may_see(author, original)) return ISAC_OK;
	return wire_refuse(why, ISAC_ERR_NOT_FOUND, GONE);
}

enum isac_err store_check_original(struct store *s, struct store_job *job, struct wire_why *why)
{
	const uint8_t *id = report_original(job->report);
	struct about a = {.report = job->report};
	enum isac_err err;

	if (!id) return ISAC_OK;
	a.roster = s->conf.roster ? base_shared_take(s->conf.roster) : NULL;
	if (!a.roster) return wire_refuse(why, ISAC_ERR_NOT_FOUND, GONE);
	err = find(s, &a, id, member_roster_by_id(a.roster, job->report->publisher_id), why);
	if (!err && a.original) err = judge(&a, job, why);
	if (a.original) report_unref(&a.original);
	base_shared_give(s->conf.roster, a.roster);
	return err;
}
